"""What finance reads about formats and their columns, and how a file is shown without whole account numbers. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats import Batch, Item, Payment, PaymentFormat
from timebank.payments.formats.bacs18 import name_of
from timebank.payments.formats.payments_csv import PaymentsCsv

SHOWN_PAYMENTS = 5
CHECKED_PAYMENTS = 500
SHOWN_LINES = 200
SHOWN_CHARACTERS = 12_000
SHOWN_NAMES = 50
LAST = 4
HIDDEN = "•"

USES = (("bank", "For your bank"), ("accounts", "For your accounts"), ("people", "For people"))
COLUMN_NAMES = {
    "amount": "Amount",
    "reference": "Our payment reference",
    "account_holder": "Name on the account",
    "payee_name": "Payee",
    "sort_code": "Sort code",
    "account_number": "Account number",
    "iban": "IBAN",
    "bic": "BIC",
    "currency": "Currency",
    "processing_on": "Day the bank pays",
    "due_on": "Due date",
    "description": "What it is for",
    "invoice_number": "Invoice number",
    "supplier_reference": "Supplier reference",
    "kind": "Kind of payment",
    "batch_number": "Number of the payment run",
    "our_name": "Our name",
    "our_sort_code": "Our sort code",
    "our_account_number": "Our account number",
    "our_sort_code_and_number": "Our sort code and account number together",
    "our_iban": "Our IBAN",
    "fixed": "The same text in every line",
    "empty": "Empty column",
}
DATE_FORMATS = (
    ("yyyy-mm-dd", "2026-03-27"),
    ("dd/mm/yyyy", "27/03/2026"),
    ("dd.mm.yyyy", "27.03.2026"),
    ("ddmmyyyy", "27032026"),
    ("yyyymmdd", "20260327"),
)
AMOUNTS = (("pounds", "Pounds and pence: 12.50"), ("pence", "Pence: 1250"))
SEPARATORS = (("comma", "Comma"), ("semicolon", "Semicolon"), ("tab", "Tab"))
LINE_ENDS = (("crlf", "As Windows does (CRLF)"), ("lf", "As other systems do (LF)"))
LETTERS = (
    ("bacs", "Capitals, for UK banks"),
    ("sepa", "Latin, for SEPA"),
    ("any", "As they are"),
)
SORT_CODES = (("089999", "089999"), ("08-99-99", "08-99-99"))
EXTENSIONS = (("csv", ".csv"), ("txt", ".txt"))


def needs(payment_format: PaymentFormat) -> str:
    """What a format cannot be made without, in words."""
    return getattr(payment_format, "needs", "") or "No bank details."


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """How a run looks in a format: its first payments, and what stands in the way.

    ``text`` is None for what is no text; with ``is_example`` it holds made-up accounts for those that are missing.
    ``changed`` are names that are sent in other letters: ours, and what is sent.
    """

    text: str | None
    refusals: tuple[Refusal, ...]
    changed: tuple[tuple[str, str], ...]
    is_example: bool = False


def preview(payment_format: PaymentFormat, batch: Batch) -> Preview:
    """How the first payments of a run look; account numbers show their last four digits only."""
    refusals = payment_format.check(replace(batch, payments=batch.payments[:CHECKED_PAYMENTS]))
    changed = tuple(dict.fromkeys(_changed(payment_format, batch.payments)))[:SHOWN_NAMES]
    few = replace(batch, payments=batch.payments[:SHOWN_PAYMENTS])
    is_example = bool(payment_format.check(few))
    few = _example(few) if is_example else few
    text = None if payment_format.check(few) else _text(payment_format.write(few))
    lines = None if text is None else "\n".join(masked(text, few).splitlines()[:SHOWN_LINES])[:SHOWN_CHARACTERS]
    return Preview(text=lines, refusals=tuple(refusals), changed=changed, is_example=is_example)


def sent_otherwise(
    payment_format: PaymentFormat, payees: Iterable[tuple[str, Account | None]]
) -> tuple[tuple[str, str], ...]:
    """Names that a bank is sent in other letters, before any run is made: ours, and what is sent.

    ``payees`` are names with their accounts; at most :data:`SHOWN_NAMES` are answered.
    """
    item = Item(reference="", kind="other", description="", pence=1, earned_on=date.min, due_on=date.min)
    payments = (
        Payment(line=1, reference="", payee_id=0, payee_name=name, pence=1, account=account, items=(item,))
        for name, account in payees
    )
    return tuple(islice(dict.fromkeys(_changed(payment_format, payments)), SHOWN_NAMES))


def masked(text: str, batch: Batch) -> str:
    """The text with every sort code, account number and IBAN of a run hidden but for the last four digits."""
    accounts = [account for account in (batch.account, *(one.account for one in batch.payments)) if account]
    hidden = {number: _hidden(number) for account in accounts for number in (account.iban, account.number)}
    for account in accounts:
        code = account.sort_code
        hidden |= {code: HIDDEN * len(code), f"{code[:2]}-{code[2:4]}-{code[4:]}": "••-••-••"}
    for number in sorted(hidden, key=lambda one: -len(one)):
        if number.strip("-"):
            text = text.replace(number, hidden[number])
    return text


def is_csv(payment_format: PaymentFormat) -> bool:
    """Can its columns be copied and changed?"""
    return isinstance(payment_format, PaymentsCsv)


def _example(batch: Batch) -> Batch:
    """The same payments with made-up accounts where none is known, so that a format shows itself before there are any.

    Nothing of it is ever a file.
    """
    numbers = {"sort_code": "121212", "number": "34343434", "iban": "GB00AAAA12121234343434", "bic": "AAAAGB00"}
    payments = tuple(
        replace(one, account=one.account or Account(holder=one.payee_name, **numbers)) for one in batch.payments
    )
    return replace(
        batch,
        account=batch.account or Account(holder=batch.payer, **numbers),
        service_user_number=batch.service_user_number or "565656",
        payments=payments,
    )


def _text(content: bytes) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _hidden(number: str) -> str:
    return HIDDEN * max(len(number) - LAST, 0) + number[-LAST:]


def _changed(payment_format: PaymentFormat, payments: Iterable[Payment]) -> Iterable[tuple[str, str]]:
    as_sent = getattr(payment_format, "as_sent", None)
    if as_sent is None:
        return
    for payment in payments:
        known, sent = name_of(payment), as_sent(payment)
        if known != sent and known.upper() != sent and sent != payment.payee_name:
            yield known, sent
