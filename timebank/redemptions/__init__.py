"""Spending hours: what they can be spent on, and the booking from request to fulfilment."""
