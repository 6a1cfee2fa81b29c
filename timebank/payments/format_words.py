"""What finance reads about formats and their columns, and how a file is shown without whole account numbers. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats import Batch, Payment, PaymentFormat
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
    ("bacs", "As UK banks take them: capitals, digits and . & / -"),
    ("sepa", "As SEPA banks take them: Latin letters"),
    ("any", "As they are"),
)
SORT_CODES = (("089999", "089999"), ("08-99-99", "08-99-99"))
EXTENSIONS = (("csv", ".csv"), ("txt", ".txt"))


def needs(payment_format: PaymentFormat) -> str:
    """What a format cannot be made without, in words."""
    return getattr(payment_format, "needs", "") or "Nothing: it holds no account."


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """How a run looks in a format: its first payments, and what stands in the way.

    ``text`` is None for what is no text. ``changed`` are names that are sent in other letters: ours, and what is sent.
    """

    text: str | None
    refusals: tuple[Refusal, ...]
    changed: tuple[tuple[str, str], ...]


def preview(payment_format: PaymentFormat, batch: Batch) -> Preview:
    """How the first payments of a run look; account numbers show their last four digits only."""
    refusals = payment_format.check(replace(batch, payments=batch.payments[:CHECKED_PAYMENTS]))
    changed = tuple(dict.fromkeys(_changed(payment_format, batch.payments)))[:SHOWN_NAMES]
    few = replace(batch, payments=batch.payments[:SHOWN_PAYMENTS])
    if payment_format.check(few):
        return Preview(text=None, refusals=tuple(refusals), changed=changed)
    content = payment_format.write(few)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Preview(text=None, refusals=tuple(refusals), changed=changed)
    lines = "\n".join(masked(text, few).splitlines()[:SHOWN_LINES])
    return Preview(text=lines[:SHOWN_CHARACTERS], refusals=tuple(refusals), changed=changed)


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


def example(batch: Batch) -> Batch:
    """The same run with made-up accounts where none is known, so that columns can be looked at before there are any."""
    somebody = Account(holder="", sort_code="000000", number="00000000", iban="GB00AAAA00000000000000", bic="AAAAGB00")
    ours = batch.account or replace_holder(somebody, batch.payer)
    payments = tuple(
        one if one.account else replace(one, account=replace_holder(somebody, one.payee_name))
        for one in batch.payments[:SHOWN_PAYMENTS]
    )
    return replace(batch, account=ours, payments=payments)


def replace_holder(account: Account, holder: str) -> Account:
    """The account in another name."""
    return Account(
        holder=holder, sort_code=account.sort_code, number=account.number, iban=account.iban, bic=account.bic
    )


def is_csv(payment_format: PaymentFormat) -> bool:
    """Can its columns be copied and changed?"""
    return isinstance(payment_format, PaymentsCsv)


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
