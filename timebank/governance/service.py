"""Use cases of this room, each one function and one transaction."""
