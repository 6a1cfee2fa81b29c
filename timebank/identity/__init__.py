"""Signing in: cards, one-time links, sessions, and tokens for programs."""
