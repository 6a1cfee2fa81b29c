"""“This isn’t right” about an entry, and “Tell someone else” in confidence."""
