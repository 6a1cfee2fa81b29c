"""The kinds of ledger entries that this room makes. ``home`` says each in the words of its member."""

CREDITED = "contribution"
"""Time for the programme: ``issued -> member``, or the pot."""
PASSED_ON = "contribution_passed_on"
"""Time that a member's standing choice gives to another: ``issued -> other member``."""
UNDONE = "contribution_undone"
CORRECTED = "contribution_corrected"

EXCHANGE = "exchange"
"""Time for other members: those who received it paid, as far as they could."""
EXCHANGE_PASSED_ON = "exchange_passed_on"
EXCHANGE_UNDONE = "exchange_undone"
EXCHANGE_CORRECTED = "exchange_corrected"

OPENING = "opening"
"""Hours brought forward: ``opening -> member``."""
OPENING_UNDONE = "opening_undone"
OPENING_CORRECTED = "opening_corrected"

FIRST = {"given": CREDITED, "staff": CREDITED, "exchange": EXCHANGE, "brought_forward": OPENING}
UNDOING = {"given": UNDONE, "staff": UNDONE, "exchange": EXCHANGE_UNDONE, "brought_forward": OPENING_UNDONE}
CORRECTING = {
    "given": CORRECTED,
    "staff": CORRECTED,
    "exchange": EXCHANGE_CORRECTED,
    "brought_forward": OPENING_CORRECTED,
}
TO_ANOTHER = {CREDITED: PASSED_ON, EXCHANGE: EXCHANGE_PASSED_ON}
