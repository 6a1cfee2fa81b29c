"""Export formats, one file each: rows in, bytes out. A new format is a new file and one more name in FORMATS."""

from timebank.payments.formats.model import ControlTotal, PaymentFormat, PaymentRow, control_totals
from timebank.payments.formats.payments_csv import PaymentsCsv

__all__ = ["FORMATS", "ControlTotal", "PaymentFormat", "PaymentRow", "control_totals", "find_format"]

FORMATS: tuple[PaymentFormat, ...] = (PaymentsCsv(),)


def find_format(code: str) -> PaymentFormat | None:
    """Return the format of that code, or None."""
    return next((one for one in FORMATS if one.code == code), None)
