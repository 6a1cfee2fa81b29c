"""Export formats, one file each: a payment run in, bytes out. A new one is a new file and one more name in FORMATS."""

from timebank.payments.formats import bacs18, csv_profiles, pain001
from timebank.payments.formats.model import (
    Batch,
    ControlTotal,
    Item,
    Payment,
    PaymentFormat,
    UnreadableFileError,
)
from timebank.payments.formats.plaintext import BEANCOUNT, HLEDGER
from timebank.payments.formats.quickbooks import QuickBooksJournal
from timebank.payments.formats.sage import SageBank, SageInvoices, SageJournal
from timebank.payments.formats.xero import XeroBills, XeroJournal
from timebank.payments.formats.xlsx import Xlsx

__all__ = [
    "FORMATS",
    "Batch",
    "ControlTotal",
    "Item",
    "Payment",
    "PaymentFormat",
    "UnreadableFileError",
    "file_kind",
    "find_format",
]

FORMATS: tuple[PaymentFormat, ...] = (
    *csv_profiles.SHIPPED,
    *bacs18.FORMATS,
    *pain001.FORMATS,
    XeroBills(),
    XeroJournal(),
    SageInvoices(),
    SageBank(),
    SageJournal(),
    QuickBooksJournal(),
    HLEDGER,
    BEANCOUNT,
    Xlsx(),
)


def file_kind(payment_format: PaymentFormat, content: bytes) -> tuple[str, str]:
    """The end of a file's name and its media type: a zip where a format of text had to make several files."""
    if payment_format.media_type.startswith("text/") and content.startswith(b"PK\x03\x04"):
        return "zip", "application/zip"
    return payment_format.extension, payment_format.media_type


def find_format(code: str) -> PaymentFormat | None:
    """Return the format of that code, or None. A time bank's own are found by ``profiles.any_format``."""
    return next((one for one in FORMATS if one.code == code), None)
