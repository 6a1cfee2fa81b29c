"""What bookings are called in the ledger. Other rooms read these names; pure, and free of rules."""

BOOKING_HOLD = "booking"
BOOKING_FULFILLED = "booking_fulfilled"
BOOKING_REFUNDED = "booking_refunded"
"""The kinds of hold and entry that a booking makes."""

OF_BOOKINGS = frozenset({BOOKING_FULFILLED, BOOKING_REFUNDED})
