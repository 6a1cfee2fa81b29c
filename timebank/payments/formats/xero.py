"""Xero: bills, and a manual journal. CSV as its import pages take it; what is too much for one file becomes several."""

from collections.abc import Iterator
from dataclasses import dataclass

from timebank.kit.refusal import Refusal
from timebank.payments.formats.accounts import (
    BANK,
    CREDIT,
    KEPT_BACK,
    XERO_TAX,
    ForAccounts,
    amount,
    check_codes,
    code_of,
    day,
    one_file_or_zip,
    pence_of,
    rows_of,
)
from timebank.payments.formats.model import Batch, ControlTotal, Item, Payment, UnreadableFileError

BILLS_PER_FILE = 500
LINES_PER_FILE = 300
MAX_CODE = 10
MAX_NAME = 255
BILL_COLUMNS = (
    "ContactName", "EmailAddress", "POAddressLine1", "POAddressLine2", "POAddressLine3", "POAddressLine4", "POCity",
    "PORegion", "POPostalCode", "POCountry", "InvoiceNumber", "Reference", "InvoiceDate", "DueDate", "Description",
    "Quantity", "UnitAmount", "AccountCode", "TaxType", "TrackingName1", "TrackingOption1", "TrackingName2",
    "TrackingOption2", "Currency",
)  # fmt: skip
JOURNAL_COLUMNS = ("Narration", "Date", "Description", "AccountCode", "TaxRate", "Amount")

Cells = list[str | int]


@dataclass(frozen=True, slots=True)
class XeroBills(ForAccounts):
    """One bill for each invoice of a payee, or for each item that has none; amounts include tax.

    Its reference is the payment's, so that it is found on the bank statement. What is kept back for credits is a line
    with a minus.
    """

    code: str = "xero-bills"
    name: str = "Xero: bills"
    note: str = (
        "Bills to pay. When Xero asks, say that amounts include tax. Above 500 bills it is a zip: load its files one "
        "by one. Then mark the bills as paid when Xero sees the payments."
    )

    def check(self, batch: Batch) -> list[Refusal]:
        """Every cost needs its account code."""
        return check_codes(batch, with_bank=False, max_length=MAX_CODE)

    def write(self, batch: Batch) -> bytes:
        """Return the bills, at most 500 in a file."""
        tables: list[list[Cells]] = []
        for n, lines in enumerate(line for payment in batch.payments for line in _bills(batch, payment)):
            if n % BILLS_PER_FILE == 0:
                tables.append([])
            tables[-1] += lines
        return one_file_or_zip(tables, BILL_COLUMNS)

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Add up every line by payment reference."""
        rows = rows_of(content, BILL_COLUMNS)
        if any(row["Quantity"] != "1" for row in rows):
            raise UnreadableFileError("a quantity is not 1")
        references = {row["Reference"] for row in rows}
        return ControlTotal(
            batch.currency, len(references), sum(pence_of(row["UnitAmount"], batch.currency) for row in rows)
        )


def _bills(batch: Batch, payment: Payment) -> Iterator[list[Cells]]:
    bills: dict[str, list[Item]] = {}
    for item in payment.items:
        bills.setdefault(item.invoice_number or item.reference, []).append(item)
    for number, items in bills.items():
        yield [
            _bill_line(
                batch, payment, number, items, f"{one.reference} {one.description}", one.pence, code_of(batch, one), one
            )
            for one in items
        ]
    if payment.credited_pence:
        # A bill below zero is a credit note to Xero.
        items, number = list(payment.items), f"{payment.reference}-CR"
        yield [_bill_line(batch, payment, number, items, KEPT_BACK, -payment.credited_pence, batch.codes[CREDIT], None)]


def _bill_line(
    batch: Batch,
    payment: Payment,
    number: str,
    items: list[Item],
    description: str,
    pence: int,
    account: str,
    item: Item | None,
) -> Cells:
    tracked = [("Cost centre", item.cost_centre), ("Fund", item.fund)] if item else [("", ""), ("", "")]
    tracking = [cell for name, option in tracked for cell in ((name, option) if option else ("", ""))]
    return [
        payment.payee_name[:MAX_NAME], "", "", "", "", "", payment.town, "", "", payment.country, number,
        payment.reference, day(max(one.earned_on for one in items)), day(min(one.due_on for one in items)), description,
        1, amount(pence, batch.currency), account, xero_tax(item), *tracking, batch.currency,
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class XeroJournal(ForAccounts):
    """One manual journal for each payment: costs are debits (+), the bank is credited (-); each adds up to zero."""

    code: str = "xero-journal"
    name: str = "Xero: manual journal"
    note: str = (
        "Xero takes no journal on a bank account: use the code of a clearing account for the bank. Amounts include "
        "tax. Above 300 lines it is a zip: load its files one by one."
    )

    def check(self, batch: Batch) -> list[Refusal]:
        """Every cost and the bank need their account code."""
        return check_codes(batch, with_bank=True, max_length=MAX_CODE)

    def write(self, batch: Batch) -> bytes:
        """Return the journals, at most 300 lines in a file; no journal is torn apart."""
        tables: list[list[Cells]] = []
        for payment in batch.payments:
            for journal in _journals(batch, payment):
                if not tables or len(tables[-1]) + len(journal) > LINES_PER_FILE:
                    tables.append([])
                tables[-1] += journal
        return one_file_or_zip(tables, JOURNAL_COLUMNS)

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Every journal must add up to zero; what the bank is credited with is the total."""
        sums: dict[str, int] = {}
        total, references = 0, set()
        for row in rows_of(content, JOURNAL_COLUMNS):
            pence = pence_of(row["Amount"], batch.currency)
            sums[row["Narration"]] = sums.get(row["Narration"], 0) + pence
            if row["AccountCode"] == batch.codes[BANK]:
                total -= pence
                references.add(row["Description"].split(" ")[0])
        if any(sums.values()):
            raise UnreadableFileError("a journal does not add up to zero")
        return ControlTotal(batch.currency, len(references), total)


def _journals(batch: Batch, payment: Payment) -> Iterator[list[Cells]]:
    """The journal of one payment; of very many items in several, each of which adds up to zero."""
    room = LINES_PER_FILE - 2
    on = day(batch.processing_on)
    parts = [payment.items[at : at + room] for at in range(0, len(payment.items), room)]
    for n, items in enumerate(parts, start=1):
        part = f", part {n}" if len(parts) > 1 else ""
        narration = f"Payment run {batch.number}, {payment.reference} to {payment.payee_name}{part}"
        lines: list[Cells] = [
            [narration, on, f"{one.reference} {one.description}", code_of(batch, one), xero_tax(one),
             amount(one.pence, batch.currency)]
            for one in items
        ]  # fmt: skip
        kept_back = payment.credited_pence if n == 1 else 0
        if kept_back:
            lines.append(
                [narration, on, KEPT_BACK, batch.codes[CREDIT], XERO_TAX[""], amount(-kept_back, batch.currency)]
            )
        leaves = amount(kept_back - sum(one.pence for one in items), batch.currency)
        described = f"{payment.reference} {payment.payee_name}"
        yield [*lines, [narration, on, described, batch.codes[BANK], XERO_TAX[""], leaves]]


def xero_tax(item: Item | None) -> str:
    """Xero's name of an item's tax rate; what is not in the table is a name already."""
    code = item.tax_code if item else ""
    return XERO_TAX.get(code, code)
