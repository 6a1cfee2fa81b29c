"""Fees for time: what somebody may have for it, what they choose, and where their money is."""
