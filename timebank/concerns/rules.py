"""Decisions of this room. Pure."""
