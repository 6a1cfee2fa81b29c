"""Sage 50 UK: transactions of its audit trail as CSV: purchase invoices, bank payments, or a journal."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from timebank.kit.refusal import Refusal
from timebank.payments.formats.accounts import (
    BANK,
    CREDIT,
    KEPT_BACK,
    MAX_NAMED,
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

COLUMNS = (
    "Type", "Account Reference", "Nominal A/C Ref", "Department Code", "Date", "Reference", "Details", "Net Amount",
    "Tax Code", "Tax Amount", "Exchange Rate", "Extra Reference", "User Name", "Project Refn", "Cost Code Refn",
)  # fmt: skip
NO_TAX = "T9"
MAX_CODE = 8
MAX_REFERENCE = 30
MAX_DETAILS = 60
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.&-]{0,7}")  # neutralised, a sign at its start makes it another account
_DEPARTMENT = re.compile(r"[0-9]{1,3}")
_TAX_CODE = re.compile(r"T[0-9]{1,2}")

Cells = list[str | int]


class _Sage(ForAccounts):
    """What the three have in common: the columns, and how they are read again."""

    SIGNS: Mapping[str, int]
    """What each type adds to the total of the file."""

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Add up net and tax by type; payments are counted by their references."""
        total, references = 0, set()
        for row in rows_of(content, COLUMNS):
            if row["Type"] not in self.SIGNS:
                raise UnreadableFileError(f"{row['Type']!r} is no type of transaction here")
            net, tax = pence_of(row["Net Amount"], batch.currency), pence_of(row["Tax Amount"], batch.currency)
            if net < 0 or tax < 0:
                raise UnreadableFileError("Sage knows no amounts below zero: the type says which way they go")
            total += self.SIGNS[row["Type"]] * (net + tax)
            references.add(row["Extra Reference"])
        return ControlTotal(batch.currency, len(references), total)


@dataclass(frozen=True, slots=True)
class SageInvoices(_Sage):
    """A purchase invoice (PI) for each item on the supplier's account; what is kept back is a credit (PC)."""

    code: str = "sage-invoices"
    name: str = "Sage 50: purchase invoices"
    note: str = "For suppliers with an account in Sage: their supplier reference here is their account reference there."
    SIGNS = {"PI": 1, "PC": -1}  # noqa: RUF012 - a constant of the class, not a field

    def check(self, batch: Batch) -> list[Refusal]:
        """Every cost needs its code, and every payee an account in Sage."""
        without = [one for one in batch.payments if not _ACCOUNT.fullmatch(one.supplier_reference)]
        return _check(batch, with_bank=False) + [
            Refusal(
                "sage_account_missing",
                f"Give {one.payee_name} a supplier reference of 1 to 8 letters and digits: their account in Sage. "
                "Or choose Sage bank payments.",
                "format",
            )
            for one in without[:MAX_NAMED]
        ]

    def write(self, batch: Batch) -> bytes:
        """Return the transactions."""
        return one_file_or_zip([[row for payment in batch.payments for row in self._rows(batch, payment)]], COLUMNS)

    def _rows(self, batch: Batch, payment: Payment) -> Iterator[Cells]:
        account = payment.supplier_reference
        for item in payment.items:
            yield _row("PI", account, code_of(batch, item), batch, payment, item, item.pence, is_net=True)
        if payment.credited_pence:
            yield _row("PC", account, batch.codes[CREDIT], batch, payment, None, payment.credited_pence)


@dataclass(frozen=True, slots=True)
class SageBank(_Sage):
    """A bank payment (BP) for each item, straight to its cost; what is kept back is a bank receipt (BR)."""

    code: str = "sage-bank"
    name: str = "Sage 50: bank payments"
    note: str = "For what is not entered in Sage as an invoice. The code of the bank is the bank account in Sage."
    SIGNS = {"BP": 1, "BR": -1}  # noqa: RUF012

    def check(self, batch: Batch) -> list[Refusal]:
        """Every cost and the bank need their code."""
        return _check(batch, with_bank=True)

    def write(self, batch: Batch) -> bytes:
        """Return the transactions."""
        return one_file_or_zip([[row for payment in batch.payments for row in self._rows(batch, payment)]], COLUMNS)

    def _rows(self, batch: Batch, payment: Payment) -> Iterator[Cells]:
        bank = batch.codes[BANK]
        for item in payment.items:
            yield _row("BP", bank, code_of(batch, item), batch, payment, item, item.pence, is_net=True)
        if payment.credited_pence:
            yield _row("BR", bank, batch.codes[CREDIT], batch, payment, None, payment.credited_pence)


@dataclass(frozen=True, slots=True)
class SageJournal(_Sage):
    """Journal debits (JD) for costs, a journal credit (JC) of the bank for each payment: together they are zero."""

    code: str = "sage-journal"
    name: str = "Sage 50: journal"
    note: str = "Debits for costs and credits for the bank. A journal carries no VAT: amounts include it."
    SIGNS = {"JD": 0, "JC": 0}  # noqa: RUF012

    def check(self, batch: Batch) -> list[Refusal]:
        """Every cost and the bank need their code."""
        return _check(batch, with_bank=True)

    def write(self, batch: Batch) -> bytes:
        """Return the transactions."""
        return one_file_or_zip([[row for payment in batch.payments for row in self._rows(batch, payment)]], COLUMNS)

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Debits equal credits for every payment; what the bank is credited with is the total."""
        counted = super(SageJournal, self).read_back(content, batch)
        sums: dict[str, int] = {}
        total = 0
        for row in rows_of(content, COLUMNS):
            pence = pence_of(row["Net Amount"], batch.currency)
            way = 1 if row["Type"] == "JD" else -1
            sums[row["Extra Reference"]] = sums.get(row["Extra Reference"], 0) + way * pence
            if row["Nominal A/C Ref"] == batch.codes[BANK]:
                total -= way * pence
        if any(sums.values()):
            raise UnreadableFileError("debits and credits of a payment differ")
        return ControlTotal(batch.currency, counted.payments, total)

    def _rows(self, batch: Batch, payment: Payment) -> Iterator[Cells]:
        for item in payment.items:
            yield _row("JD", "", code_of(batch, item), batch, payment, item, item.pence)
        if payment.credited_pence:
            yield _row("JC", "", batch.codes[CREDIT], batch, payment, None, payment.credited_pence)
        yield _row("JC", "", batch.codes[BANK], batch, payment, None, payment.pence, payment.payee_name)


def _check(batch: Batch, *, with_bank: bool) -> list[Refusal]:
    refusals = check_codes(batch, with_bank=with_bank, max_length=MAX_CODE)
    odd = {item.tax_code for _, item in batch.items if item.tax_code and not _TAX_CODE.fullmatch(item.tax_code)}
    return refusals + [
        Refusal("sage_tax_code", f"Sage has no tax code {code}: use one from T0 to T99.", "format")
        for code in sorted(odd)[:MAX_NAMED]
    ]


def _row(
    kind: str,
    account: str,
    nominal: str,
    batch: Batch,
    payment: Payment,
    item: Item | None,
    pence: int,
    details: str = KEPT_BACK,
    *,
    is_net: bool = False,
) -> Cells:
    tax = item.tax if item and is_net else 0
    department = item.cost_centre if item and _DEPARTMENT.fullmatch(item.cost_centre) else "0"
    reference = payment.reference if item is None else item.invoice_number or item.reference
    return [
        kind, account, nominal, department, day(item.earned_on if item and kind == "PI" else batch.processing_on),
        reference[:MAX_REFERENCE], (f"{item.reference} {item.description}" if item else details)[:MAX_DETAILS],
        amount(pence - tax, batch.currency), (item.tax_code if item and is_net else "") or NO_TAX,
        amount(tax, batch.currency), 1, payment.reference, "", "", "",
    ]  # fmt: skip
