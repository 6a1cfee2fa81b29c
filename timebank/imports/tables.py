"""Piccolo’s view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""
