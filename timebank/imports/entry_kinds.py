"""What imported time is called in the ledger. ``home`` says each in the words of its member."""

IMPORTED = "imported"
"""An exchange from before: ``receiver -> giver``."""
IMPORTED_BALANCE = "imported_balance"
"""Hours that somebody had before: ``opening -> member``, or back."""

OF_IMPORTS = frozenset({IMPORTED, IMPORTED_BALANCE})
