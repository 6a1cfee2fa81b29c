"""What the formats for accounting packages share: account codes, tax, days, and files that hold only so many lines.

Signs: an expense is a debit and shows as a positive number; the bank is credited and shows as a negative one. The
ledger counts the other way round. Pure.
"""

import csv as standard
import io
import zipfile
from collections.abc import Sequence
from datetime import date

from timebank.kit import csv, money
from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats.model import Batch, Item, UnreadableFileError, Use

BANK, CREDIT = "bank", "credit"
KEPT_BACK = "Kept back: what they owe us"
MAX_NAMED = 5
FILE_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: no clock goes into a file
MAX_FILES = 1000

KINDS_IN_WORDS = {
    "voucher": "vouchers",
    "training": "training places",
    "fee": "involvement fees",
    "expense": "expenses",
    "access": "access costs",
    "other": "other costs",
    BANK: "the bank",
    CREDIT: "what payees owe us",
}
# Our tax codes are Sage's; Xero calls the same rates by name in an organisation of the United Kingdom.
XERO_TAX = {
    "": "No VAT",
    "T9": "No VAT",
    "T0": "Zero Rated Expenses",
    "T1": "20% (VAT on Expenses)",
    "T2": "Exempt Expenses",
    "T5": "5% (VAT on Expenses)",
}


class ForAccounts:
    """What every format for accounts answers alike: it carries no account numbers, so it reaches everybody."""

    use: Use = "accounts"
    media_type = "text/csv; charset=utf-8"
    extension = "csv"

    def reaches(self, account: Account | None) -> bool:
        """Everybody."""
        return True


def code_of(batch: Batch, item: Item) -> str:
    """The account that an item's cost goes to: its own code, or the one of its kind."""
    return item.nominal_code or batch.codes.get(item.kind, "")


def check_codes(batch: Batch, *, with_bank: bool, max_length: int = 40) -> list[Refusal]:
    """Refusals ``account_code_missing``, ``account_code_too_long``, ``account_code_twice``, in words."""
    needed = {item.kind for _, item in batch.items if not item.nominal_code}
    needed |= {BANK} if with_bank else set()
    needed |= {CREDIT} if any(payment.credited_pence for payment in batch.payments) else set()
    missing = [words for kind, words in KINDS_IN_WORDS.items() if kind in needed and not batch.codes.get(kind)]
    if missing:
        sentence = f"Say first which account code is for {' and '.join(missing)}, on the page “For your accounts”."
        return [Refusal("account_code_missing", sentence, "format")]
    costs = {code_of(batch, item) for _, item in batch.items}
    every = costs | {batch.codes[kind] for kind in needed & {BANK, CREDIT}}
    refusals = [
        Refusal("account_code_too_long", f"The account code {code} is longer than {max_length} characters.", "format")
        for code in sorted(every)[:MAX_NAMED]
        if len(code) > max_length
    ]
    if with_bank and batch.codes[BANK] in costs | {batch.codes[kind] for kind in needed & {CREDIT}}:
        sentence = f"The account code {batch.codes[BANK]} is for the bank and for costs. Give the bank its own."
        refusals.append(Refusal("account_code_twice", sentence, "format"))
    return refusals


def amount(pence: int, currency: str) -> csv.Plain:
    """A plain number for a cell: a minus where there is one, never a formula."""
    return csv.Plain(money.decimal(pence, currency))


def day(on: date) -> csv.Plain:
    """A day as UK packages read it: ``04/03/2026``."""
    return csv.Plain(f"{on.day:02}/{on.month:02}/{on.year:04}")


def one_file_or_zip(tables: Sequence[Sequence[Sequence[str | int]]], headings: Sequence[str]) -> bytes:
    """CSV with headings; where one file cannot hold it all, a zip of numbered files, to be loaded one by one."""
    files = [csv.write([headings, *table]).encode("utf-8") for table in tables] or [csv.write([headings]).encode()]
    if len(files) == 1:
        return files[0]
    return zipped([(f"{n:03d}-of-{len(files):03d}.csv", content) for n, content in enumerate(files, start=1)])


def zipped(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip that is the same bytes for the same files, whenever and wherever it is made."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, FILE_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # as if on Unix, on every machine
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return made.getvalue()


def rows_of(content: bytes, headings: Sequence[str]) -> list[dict[str, str]]:
    """Every line of a CSV, or of all files in a zip, by heading; read with the standard library's strict reader.

    Raises:
        UnreadableFileError: it has other headings, or lines of another length.
    """
    found = []
    for text in _texts(content):
        lines = list(standard.reader(io.StringIO(text, newline=""), strict=True))
        if not lines or lines[0] != list(headings):
            raise UnreadableFileError("the headings are not those of this format")
        if any(len(line) != len(headings) for line in lines):
            raise UnreadableFileError("a line has more or fewer cells than there are headings")
        found += [dict(zip(headings, line, strict=True)) for line in lines[1:]]
    return found


def _texts(content: bytes) -> list[str]:
    try:
        if not zipfile.is_zipfile(io.BytesIO(content)):
            return [content.decode("utf-8")]
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [archive.read(name).decode("utf-8") for name in sorted(archive.namelist())[:MAX_FILES]]
    except (UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise UnreadableFileError(str(error)) from error


def pence_of(cell: str, currency: str) -> int:
    """Minor units of a plain decimal number such as ``-12.50``.

    Raises:
        UnreadableFileError: it is anything else.
    """
    sign = -1 if cell.startswith("-") else 1
    whole, _, part = cell.removeprefix("-").partition(".")
    digits = money.minor_digits(currency)
    if not (whole.isascii() and whole.isdecimal()) or len(part) != digits or (part and not part.isdecimal()):
        raise UnreadableFileError(f"{cell!r} is not an amount")
    return sign * int(whole + part)
