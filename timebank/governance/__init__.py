"""The rules of a time bank and how it starts."""
