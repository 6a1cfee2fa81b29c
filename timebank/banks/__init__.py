"""Time banks and their rules: the room that every other room may ask."""
