"""Payments as CSV (RFC 4180), in the columns that a bank or an accounting office asks for."""

import csv as standard
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from timebank.kit import csv, money
from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats import checks, letters
from timebank.payments.formats.bacs18 import is_uk_account
from timebank.payments.formats.letters import Letters
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
    "our_name",
    "our_sort_code",
    "our_account_number",
    "our_sort_code_and_number",
    "our_iban",
    "fixed",
    "empty",
]
DateFormat = Literal["yyyy-mm-dd", "dd/mm/yyyy", "dd.mm.yyyy", "ddmmyyyy", "yyyymmdd"]
SortCodes = Literal["089999", "08-99-99"]

OWN = "payments-csv:own-"
"""How the codes of a time bank's own columns begin; see ``timebank.payments.profiles``."""

MAX_COLUMNS = 100
MAX_HEADING = 60
MAX_WIDTH = 140
REPEATABLE = ("fixed", "empty")
OURS_UK = {"our_sort_code", "our_account_number", "our_sort_code_and_number"}
THEIRS_UK = {"sort_code", "account_number"}
NAMES = {"payee_name", "account_holder"}

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
    """One column: what it holds and the heading above it.

    ``text`` is what a ``fixed`` column says in every line. ``width`` is the most letters of a text; 0 for no limit.
    """

    field: Field
    heading: str = ""
    text: str = ""
    width: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """How one bank or office wants its file: columns in order, headings, dates, pounds or pence, letters, line ends.

    Raises ValueError for a profile that would lose the amount, repeat a column, or end lines in an unknown way.
    """

    columns: tuple[Column, ...]
    with_headings: bool = True
    date_format: DateFormat = "yyyy-mm-dd"
    amounts: Literal["pounds", "pence"] = "pounds"
    separator: Literal[",", ";", "\t"] = ","
    line_end: Literal["\r\n", "\n"] = "\r\n"
    with_byte_order_mark: bool = False  # for Excel, which takes UTF-8 without a mark for Windows-1252
    letters: Letters = "any"
    sort_codes: SortCodes = "089999"
    extension: Literal["csv", "txt"] = "csv"

    def __post_init__(self) -> None:
        """Refuse a profile that could not be right."""
        fields = [column.field for column in self.columns if column.field not in REPEATABLE]
        if "amount" not in fields or len(set(fields)) != len(fields):
            raise ValueError("a profile needs the amount, and each column once")
        if len(self.columns) > MAX_COLUMNS:
            raise ValueError(f"a profile needs {MAX_COLUMNS} columns at most")
        if any(not 0 <= column.width <= MAX_WIDTH for column in self.columns):
            raise ValueError(f"unknown width: 0 to {MAX_WIDTH}")
        if any(max(len(column.heading), len(column.text)) > MAX_HEADING for column in self.columns):
            raise ValueError(f"unknown heading or text: {MAX_HEADING} letters at most")
        if self.date_format not in _DATES or self.amounts not in ("pounds", "pence"):
            raise ValueError("unknown date format or kind of amount")
        if self.separator not in (",", ";", "\t") or self.line_end not in ("\r\n", "\n"):
            raise ValueError("unknown separator or line end")
        if self.letters not in ("any", "bacs", "sepa") or self.sort_codes not in ("089999", "08-99-99"):
            raise ValueError("unknown letters or way to write sort codes")
        if self.extension not in ("csv", "txt"):
            raise ValueError("unknown end of a file's name")

    @property
    def fields(self) -> set[str]:
        """What its columns hold."""
        return {column.field for column in self.columns}


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
    minor units, never rounded; sort codes and account numbers keep their leading zeros.
    """

    profile: ColumnProfile = DEFAULT_PROFILE
    code: str = "payments-csv"
    name: str = "Payments CSV"
    use: Use = "bank"
    note: str = ""
    media_type: str = "text/csv; charset=utf-8"

    @property
    def extension(self) -> str:
        """The end of the file's name."""
        return self.profile.extension

    @property
    def needs(self) -> str:
        """What it cannot be made without, in words."""
        fields = self.profile.fields
        wanted = [
            ("a sort code and account number of every payee", fields & THEIRS_UK),
            ("the IBAN of every payee", fields & {"iban"}),
            ("our own sort code and account number", fields & OURS_UK),
            ("our own IBAN", fields & {"our_iban"}),
        ]
        needs = [words for words, found in wanted if found]
        return f"{'; '.join(needs)}.".capitalize().replace("iban", "IBAN") if needs else "No bank details."

    def reaches(self, account: Account | None) -> bool:
        """Everybody, unless the columns hold account numbers."""
        if self.profile.fields & THEIRS_UK and not is_uk_account(account):
            return False
        return "iban" not in self.profile.fields or (account is not None and bool(account.iban))

    def as_sent(self, payment: Payment) -> str:
        """The payee's name as this file holds it; as we know it when the file holds none."""
        for column in self.profile.columns:
            if column.field in NAMES:
                return _text(_texts(None, payment, self.profile)[column.field], column, self.profile)
        return payment.payee_name

    def check(self, batch: Batch) -> list[Refusal]:
        """What stands in the way.

        Refusals: ``no_own_account``, and those of :mod:`timebank.payments.formats.checks`.
        """
        profile = self.profile
        refusals = []
        if profile.fields & THEIRS_UK:
            refusals += checks.check_currency(batch, "GBP", "This format")
        ours = batch.account
        if profile.fields & OURS_UK and not is_uk_account(ours):
            text = "This format needs the sort code and account number that we pay from. Add our own account first."
            refusals.append(Refusal("no_own_account", text, "format"))
        elif "our_iban" in profile.fields and not (ours is not None and ours.iban):
            text = "This format needs the IBAN that we pay from. Add our own account first."
            refusals.append(Refusal("no_own_account", text, "format"))
        kind = "the sort code and account number" if profile.fields & THEIRS_UK else "the IBAN"
        refusals += checks.check_payees((one for one in batch.payments if not self.reaches(one.account)), kind)
        if batch.payments:
            refusals += checks.check_amounts(batch)
        if profile.fields & NAMES and profile.letters != "any":
            refusals += checks.check_names(one for one in batch.payments if not self.as_sent(one))
        return refusals

    def write(self, batch: Batch) -> bytes:
        """Return the file as UTF-8."""
        profile = self.profile
        table = [_row(batch, payment, profile) for payment in batch.payments]
        if profile.with_headings:
            table.insert(0, [column.heading for column in profile.columns])
        text = csv.write(table, separator=profile.separator, line_end=profile.line_end)
        return (b"\xef\xbb\xbf" if profile.with_byte_order_mark else b"") + text.encode("utf-8")

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Count, add up and compare account numbers with the standard library's CSV reader."""
        profile = self.profile
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        try:
            lines = list(standard.reader(text, delimiter=profile.separator, strict=True))
        except standard.Error as error:
            raise UnreadableFileError(f"not a CSV: {error}") from error
        lines = lines[1 if profile.with_headings else 0 :]
        if any(len(line) != len(profile.columns) for line in lines):
            raise UnreadableFileError("a line has another number of columns")
        places = {column.field: place for place, column in enumerate(profile.columns)}
        digits = 0 if profile.amounts == "pence" else money.minor_digits(batch.currency)
        amounts = [_pence(line[places["amount"]], digits) for line in lines]
        for line, payment in zip(lines, batch.payments, strict=False):
            account = payment.account or Account(holder="")
            numbers = {"sort_code": account.sort_code, "account_number": account.number, "iban": account.iban}
            for field, number in numbers.items():
                if field in places and line[places[field]].replace("-", "") != number:
                    raise UnreadableFileError(f"payment {payment.reference} is to another account")
        return ControlTotal(batch.currency, len(amounts), sum(amounts))


def _row(batch: Batch, payment: Payment, profile: ColumnProfile) -> list[str | int]:
    texts = _texts(batch, payment, profile)
    return [_cell(batch, payment, column, profile, texts) for column in profile.columns]


def _cell(
    batch: Batch, payment: Payment, column: Column, profile: ColumnProfile, texts: Mapping[str, str]
) -> str | int:
    field = column.field
    if field in REPEATABLE:
        return column.text if field == "fixed" else ""
    if field == "amount":
        return payment.pence if profile.amounts == "pence" else csv.Plain(money.decimal(payment.pence, batch.currency))
    if field in {"due_on", "processing_on"}:
        day = payment.due_on if field == "due_on" else batch.processing_on
        return csv.Plain(_DATES[profile.date_format](day))
    return _text(texts[field], column, profile)


def _text(text: str, column: Column, profile: ColumnProfile) -> str:
    return letters.written(text, profile.letters, column.width)


def _texts(batch: Batch | None, payment: Payment, profile: ColumnProfile) -> Mapping[str, str]:
    """The texts of a payment; without a run, those of the payee alone."""
    nobody = Account(holder="")
    account = payment.account or Account(holder=payment.payee_name)
    ours = (batch.account if batch else None) or nobody
    sort_code, our_sort_code = (_sort_code(one.sort_code, profile) for one in (account, ours))
    return {
        "reference": payment.reference,
        "payee_name": payment.payee_name,
        "supplier_reference": payment.supplier_reference,
        "invoice_number": payment.invoice_number,
        "currency": batch.currency if batch else "",
        "description": payment.description,
        "kind": payment.kind,
        "batch_number": str(batch.number) if batch else "",
        "account_holder": account.holder or payment.payee_name,
        "sort_code": sort_code,
        "account_number": account.number,
        "iban": account.iban,
        "bic": account.bic,
        "our_name": batch.payer if batch else "",
        "our_sort_code": our_sort_code,
        "our_account_number": ours.number,
        "our_sort_code_and_number": ours.sort_code + ours.number,
        "our_iban": ours.iban,
    }


def _sort_code(digits: str, profile: ColumnProfile) -> str:
    if profile.sort_codes == "089999" or len(digits) != 6:
        return digits
    return f"{digits[:2]}-{digits[2:4]}-{digits[4:]}"


def _pence(cell: str, digits: int) -> int:
    match = re.fullmatch(rf"(\d+)\.(\d{{{digits}}})" if digits else r"(\d+)()", cell, re.ASCII)
    if match is None:
        raise UnreadableFileError(f"{cell!r} is not an amount")
    return int(match[1] + match[2])
