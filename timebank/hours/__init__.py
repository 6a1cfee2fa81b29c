"""A member's hours: how many there are, where they came from, and giving them to somebody else."""
