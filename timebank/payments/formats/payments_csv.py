"""Payments as CSV (RFC 4180), in the columns that a bank or an accounting office asks for."""

import csv as standard
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from timebank.kit import csv, money
from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats.model import Batch, ControlTotal, Payment, UnreadableFileError, Use

Field = Literal[
    "reference",
    "payee_name",
    "supplier_reference",
    "invoice_number",
    "amount",
    "currency",
    "due_on",
    "description",
    "kind",
    "batch_number",
    "processing_on",
    "account_holder",
    "sort_code",
    "account_number",
    "iban",
    "bic",
]
DateFormat = Literal["yyyy-mm-dd", "dd/mm/yyyy", "dd.mm.yyyy", "ddmmyyyy", "yyyymmdd"]

# Written out, because strftime follows the machine's locale and drops leading zeros of years on some.
_DATES: Mapping[DateFormat, Callable[[date], str]] = {
    "yyyy-mm-dd": lambda day: f"{day.year:04}-{day.month:02}-{day.day:02}",
    "dd/mm/yyyy": lambda day: f"{day.day:02}/{day.month:02}/{day.year:04}",
    "dd.mm.yyyy": lambda day: f"{day.day:02}.{day.month:02}.{day.year:04}",
    "ddmmyyyy": lambda day: f"{day.day:02}{day.month:02}{day.year:04}",
    "yyyymmdd": lambda day: f"{day.year:04}{day.month:02}{day.day:02}",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it holds and the heading above it."""

    field: Field
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """How one bank or office wants its file: columns in order, headings, dates, pounds or pence, line ends.

    Raises ValueError for a profile that would lose the amount, repeat a column, or end lines in an unknown way.
    """

    columns: tuple[Column, ...]
    with_headings: bool = True
    date_format: DateFormat = "yyyy-mm-dd"
    amounts: Literal["pounds", "pence"] = "pounds"
    separator: Literal[",", ";", "\t"] = ","
    line_end: Literal["\r\n", "\n"] = "\r\n"
    with_byte_order_mark: bool = False  # for Excel, which takes UTF-8 without a mark for Windows-1252

    def __post_init__(self) -> None:
        """Refuse a profile that could not be right."""
        fields = [column.field for column in self.columns]
        if "amount" not in fields or len(set(fields)) != len(fields):
            raise ValueError("a profile needs the amount, and each column once")
        if self.date_format not in _DATES or self.amounts not in ("pounds", "pence"):
            raise ValueError("unknown date format or kind of amount")
        if self.separator not in (",", ";", "\t") or self.line_end not in ("\r\n", "\n"):
            raise ValueError("unknown separator or line end")


DEFAULT_PROFILE = ColumnProfile(
    columns=(
        Column("reference", "Payment reference"),
        Column("payee_name", "Payee"),
        Column("supplier_reference", "Supplier reference"),
        Column("invoice_number", "Invoice number"),
        Column("amount", "Amount"),
        Column("currency", "Currency"),
        Column("due_on", "Due date"),
        Column("description", "Description"),
        Column("kind", "Type"),
        Column("batch_number", "Batch number"),
    )
)


@dataclass(frozen=True, slots=True)
class PaymentsCsv:
    """The CSV format with one column profile.

    Text cells that a spreadsheet would run as a formula get a leading ``'``; amounts are plain numbers made from whole
    minor units, never rounded.
    """

    profile: ColumnProfile = DEFAULT_PROFILE
    code: str = "payments-csv"
    name: str = "Payments CSV"
    use: Use = "bank"
    note: str = ""
    media_type: str = "text/csv; charset=utf-8"
    extension: str = "csv"

    def reaches(self, account: Account | None) -> bool:
        """Everybody, unless the columns hold account numbers."""
        wanted = {column.field for column in self.profile.columns}
        if wanted & {"sort_code", "account_number"}:
            return account is not None and account.is_uk
        return "iban" not in wanted or (account is not None and bool(account.iban))

    def check(self, batch: Batch) -> list[Refusal]:
        """Nothing stands in the way of a CSV."""
        return []

    def write(self, batch: Batch) -> bytes:
        """Return the file as UTF-8."""
        profile = self.profile
        table: list[list[str | int]] = [
            [_cell(batch, payment, column.field, profile) for column in profile.columns] for payment in batch.payments
        ]
        if profile.with_headings:
            table.insert(0, [column.heading for column in profile.columns])
        text = csv.write(table, separator=profile.separator, line_end=profile.line_end)
        return (b"\xef\xbb\xbf" if profile.with_byte_order_mark else b"") + text.encode("utf-8")

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Count and add up with the standard library's CSV reader."""
        profile = self.profile
        lines = list(standard.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=profile.separator))
        column = [column.field for column in profile.columns].index("amount")
        lines = lines[1 if profile.with_headings else 0 :]
        amounts = [_pence(line, column, profile.amounts, batch.currency) for line in lines]
        return ControlTotal(batch.currency, len(amounts), sum(amounts))


def _cell(batch: Batch, payment: Payment, field: Field, profile: ColumnProfile) -> str | int:
    account = payment.account or Account(holder=payment.payee_name)
    dates = {"due_on": payment.due_on, "processing_on": batch.processing_on}
    if field == "amount":
        return payment.pence if profile.amounts == "pence" else csv.Plain(money.decimal(payment.pence, batch.currency))
    if field in dates:
        return csv.Plain(_DATES[profile.date_format](dates[field]))
    texts: Mapping[str, str] = {
        "reference": payment.reference,
        "payee_name": payment.payee_name,
        "supplier_reference": payment.supplier_reference,
        "invoice_number": payment.invoice_number,
        "currency": batch.currency,
        "description": payment.description,
        "kind": payment.kind,
        "batch_number": str(batch.number),
        "account_holder": account.holder,
        "sort_code": account.sort_code,
        "account_number": account.number,
        "iban": account.iban,
        "bic": account.bic,
    }
    return texts[field]


def _pence(line: list[str], column: int, amounts: str, currency: str) -> int:
    cell = line[column] if column < len(line) else ""
    if amounts == "pence":
        if not (cell.isascii() and cell.isdecimal()):
            raise UnreadableFileError(f"{cell!r} is not an amount in pence")
        return int(cell)
    pence = money.parse(cell, currency)
    if isinstance(pence, Refusal):
        raise UnreadableFileError(f"{cell!r} is not an amount")
    return pence
