"""Members of a time bank: who they are, how to reach them, what they can offer."""
