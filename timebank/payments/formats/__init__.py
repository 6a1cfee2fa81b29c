"""Export formats, one file each: a payment run in, bytes out. A new one is a new file and one more name in FORMATS."""

from timebank.payments.formats.model import (
    Batch,
    ControlTotal,
    Item,
    Payment,
    PaymentFormat,
    UnreadableFileError,
)
from timebank.payments.formats.payments_csv import PaymentsCsv

__all__ = [
    "FORMATS",
    "Batch",
    "ControlTotal",
    "Item",
    "Payment",
    "PaymentFormat",
    "UnreadableFileError",
    "find_format",
]

FORMATS: tuple[PaymentFormat, ...] = (PaymentsCsv(),)


def find_format(code: str) -> PaymentFormat | None:
    """Return the format of that code, or None."""
    return next((one for one in FORMATS if one.code == code), None)
