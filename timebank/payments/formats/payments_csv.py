"""Payments as CSV (RFC 4180), in the columns that a bank or an accounting office asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from timebank.kit import csv, money
from timebank.payments.formats.model import PaymentRow

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
    media_type: str = "text/csv; charset=utf-8"
    extension: str = "csv"

    def write(self, rows: Sequence[PaymentRow]) -> bytes:
        """Return the file as UTF-8; the same rows in the same order give the same bytes."""
        profile = self.profile
        table: list[list[str | int]] = [
            [_cell(row, column.field, profile) for column in profile.columns] for row in rows
        ]
        if profile.with_headings:
            table.insert(0, [column.heading for column in profile.columns])
        text = csv.write(table, separator=profile.separator, line_end=profile.line_end)
        return (b"\xef\xbb\xbf" if profile.with_byte_order_mark else b"") + text.encode("utf-8")


def _cell(row: PaymentRow, field: Field, profile: ColumnProfile) -> str | int:
    if field == "amount":
        return row.pence if profile.amounts == "pence" else csv.Plain(money.decimal(row.pence, row.currency))
    if field == "due_on":
        return csv.Plain(_DATES[profile.date_format](row.due_on))
    texts: Mapping[str, str] = {
        "reference": row.reference,
        "payee_name": row.payee_name,
        "supplier_reference": row.supplier_reference,
        "invoice_number": row.invoice_number,
        "currency": row.currency,
        "description": row.description,
        "kind": row.kind,
        "batch_number": row.batch_number,
    }
    return texts[field]
