"""A workbook for people: the payments, what each is for, and the totals. Same run, same bytes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import xlsxwriter  # type: ignore[import-untyped]
from python_calamine import CalamineError, CalamineWorkbook

from timebank.kit import money
from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats.accounts import KINDS_IN_WORDS
from timebank.payments.formats.model import Batch, ControlTotal, UnreadableFileError, Use, by_kind

PAYMENTS, ITEMS, TOTALS = "Payments", "What for", "Totals"
PAYMENT_COLUMNS = (
    ("Line", 6), ("Reference", 20), ("Pay to", 34), ("Supplier reference", 18), ("Account ends in", 15),
    ("Invoice number", 18), ("What for", 40), ("Kept back", 12), ("Amount", 12), ("Currency", 9),
)  # fmt: skip
ITEM_COLUMNS = (
    ("Line", 6), ("Payment", 20), ("Pay to", 34), ("Our reference", 16), ("Type", 14), ("What for", 40),
    ("Invoice number", 18), ("Order number", 18), ("Date", 12), ("Due", 12), ("Account code", 14), ("Cost centre", 14),
    ("Fund", 14), ("Tax code", 9), ("Tax", 12), ("Amount", 12), ("Currency", 9),
)  # fmt: skip
MAX_CELL = 32_767
_AMOUNTS = frozenset({"Amount", "Tax", "Kept back"})
_TEXT_ONLY = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


@dataclass(frozen=True, slots=True)
class Xlsx:
    """For Excel, LibreOffice and the like. Texts stay texts, never formulas; account numbers show four digits."""

    code: str = "xlsx"
    name: str = "Excel workbook"
    use: Use = "people"
    note: str = "To look at and to file. No bank reads it."
    media_type: str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    extension: str = "xlsx"

    def reaches(self, account: Account | None) -> bool:
        """Everybody."""
        return True

    def check(self, batch: Batch) -> list[Refusal]:
        """Nothing stands in the way."""
        return []

    def write(self, batch: Batch) -> bytes:
        """Return the workbook, written row by row, so that it takes little memory."""
        made = io.BytesIO()
        with xlsxwriter.Workbook(made, {"constant_memory": True, **_TEXT_ONLY}) as workbook:
            workbook.set_properties(
                {
                    "title": f"Payment run {batch.number}",
                    "author": batch.payer,
                    "created": batch.created_at.replace(tzinfo=None),
                }
            )
            sheets = _Sheets(workbook, batch)
            sheets.write(PAYMENTS, PAYMENT_COLUMNS, _payments(batch))
            sheets.write(ITEMS, ITEM_COLUMNS, _items(batch))
            sheets.write(TOTALS, (("What", 30), ("Payments", 10), ("Amount", 14), ("Currency", 9)), _totals(batch))
        return made.getvalue()

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Add up the first sheet with another library than the one that wrote it."""
        try:
            rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(PAYMENTS).to_python()
        except CalamineError as error:
            raise UnreadableFileError(str(error)) from error
        headings = [heading for heading, _ in PAYMENT_COLUMNS]
        if not rows or rows[0] != headings:
            raise UnreadableFileError("the headings are not those of this format")
        column = headings.index("Amount")
        return ControlTotal(batch.currency, len(rows) - 1, sum(_pence(row[column], batch.currency) for row in rows[1:]))


class _Sheets:
    """Writes sheets whose rows come in order."""

    def __init__(self, workbook: xlsxwriter.Workbook, batch: Batch) -> None:
        self._workbook = workbook
        zeros = "0" * money.minor_digits(batch.currency)
        self._head = workbook.add_format({"bold": True, "text_wrap": True, "bottom": 1})
        self._amount = workbook.add_format({"num_format": f"#,##0.{zeros}" if zeros else "#,##0"})
        self._day = workbook.add_format({"num_format": "dd/mm/yyyy"})

    def write(self, name: str, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[object]]) -> None:
        """One sheet with headings that stay in sight."""
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for n, (_, width) in enumerate(columns):
            sheet.set_column(n, n, width)
        for n, (heading, _) in enumerate(columns):
            sheet.write_string(0, n, heading, self._head)
        for y, row in enumerate(rows, start=1):
            for x, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(y, x, cell[:MAX_CELL])
                elif isinstance(cell, Decimal):
                    sheet.write_number(y, x, cell, self._amount)
                elif isinstance(cell, int):
                    sheet.write_number(y, x, cell)
                else:
                    sheet.write_datetime(y, x, cell, self._day)


def _payments(batch: Batch) -> list[list[object]]:
    return [
        [
            one.line, one.reference, one.payee_name, one.supplier_reference,
            one.account.last_four if one.account else "", one.invoice_number, one.description,
            _decimal(one.credited_pence, batch), _decimal(one.pence, batch), batch.currency,
        ]
        for one in batch.payments
    ]  # fmt: skip


def _items(batch: Batch) -> list[list[object]]:
    return [
        [
            payment.line, payment.reference, payment.payee_name, one.reference, one.kind, one.description,
            one.invoice_number, one.order_number, one.earned_on, one.due_on,
            one.nominal_code or batch.codes.get(one.kind, ""), one.cost_centre, one.fund, one.tax_code,
            _decimal(one.tax, batch), _decimal(one.pence, batch), batch.currency,
        ]
        for payment, one in batch.items
    ]  # fmt: skip


def _totals(batch: Batch) -> list[list[object]]:
    """Each kind by itself, what is kept back, and what leaves the bank."""
    counts: dict[str, int] = {}
    for _, item in batch.items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    rows: list[list[object]] = [
        [KINDS_IN_WORDS[kind].capitalize(), counts[kind], _decimal(pence, batch), batch.currency]
        for kind, pence in by_kind(batch).items()
    ]
    kept_back = [one.credited_pence for one in batch.payments if one.credited_pence]
    if kept_back:
        rows.append(["Kept back: what they owe us", len(kept_back), _decimal(-sum(kept_back), batch), batch.currency])
    total = batch.total
    return [*rows, ["Leaves the bank", total.payments, _decimal(total.pence, batch), batch.currency]]


def _decimal(pence: int, batch: Batch) -> Decimal:
    return Decimal(money.decimal(pence, batch.currency))


def _pence(cell: object, currency: str) -> int:
    """The shortest decimal of the number read, in whole minor units. Raises UnreadableFileError."""
    try:
        pence = Decimal(str(cell)).scaleb(money.minor_digits(currency))
    except InvalidOperation as error:
        raise UnreadableFileError(f"{cell!r} is not an amount") from error
    if pence != pence.to_integral_value():
        raise UnreadableFileError(f"{cell!r} is not a whole number of minor units")
    return int(pence)
