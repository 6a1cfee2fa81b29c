"""“This isn’t right”: one question about an entry, answered by somebody who had no part in it."""
