"""Streams of work, their sessions, and who leads them."""
