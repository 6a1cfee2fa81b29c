"""Bringing members and hours in from other programs."""
