"""QuickBooks Online: a journal as CSV, one journal for each payment."""

from dataclasses import dataclass

from timebank.kit.refusal import Refusal
from timebank.payments.formats.accounts import (
    BANK,
    CREDIT,
    KEPT_BACK,
    ForAccounts,
    amount,
    check_codes,
    code_of,
    day,
    one_file_or_zip,
    pence_of,
    rows_of,
)
from timebank.payments.formats.model import Batch, ControlTotal, Payment, UnreadableFileError

COLUMNS = ("Journal No", "Journal Date", "Account Name", "Description", "Debits", "Credits", "Name")
Cells = list[str | int]


@dataclass(frozen=True, slots=True)
class QuickBooksJournal(ForAccounts):
    """Costs are debits, the bank is credited. The journal's number is the payment's reference."""

    code: str = "quickbooks-journal"
    name: str = "QuickBooks: journal"
    note: str = "Account codes are the names of accounts in QuickBooks, written exactly as there. Amounts include tax."

    def check(self, batch: Batch) -> list[Refusal]:
        """Every cost and the bank need their account."""
        return check_codes(batch, with_bank=True)

    def write(self, batch: Batch) -> bytes:
        """Return the journals."""
        return one_file_or_zip([[row for payment in batch.payments for row in _journal(batch, payment)]], COLUMNS)

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Debits equal credits in every journal; what the bank is credited with is the total."""
        sums: dict[str, int] = {}
        total = 0
        for row in rows_of(content, COLUMNS):
            debit, credit = (pence_of(row[side], batch.currency) if row[side] else 0 for side in ("Debits", "Credits"))
            sums[row["Journal No"]] = sums.get(row["Journal No"], 0) + debit - credit
            total += credit - debit if row["Account Name"] == batch.codes[BANK] else 0
        if any(sums.values()):
            raise UnreadableFileError("debits and credits of a journal differ")
        return ControlTotal(batch.currency, len(sums), total)


def _journal(batch: Batch, payment: Payment) -> list[Cells]:
    head: Cells = [payment.reference, day(batch.processing_on)]
    currency, payee = batch.currency, payment.payee_name
    rows: list[Cells] = [
        [*head, code_of(batch, one), f"{one.reference} {one.description}", amount(one.pence, currency), "", payee]
        for one in payment.items
    ]
    if payment.credited_pence:
        kept_back = amount(payment.credited_pence, currency)
        rows.append([*head, batch.codes[CREDIT], KEPT_BACK, "", kept_back, payee])
    described = f"Payment run {batch.number}, {payment.reference}"
    return [*rows, [*head, batch.codes[BANK], described, "", amount(payment.pence, currency), payee]]
