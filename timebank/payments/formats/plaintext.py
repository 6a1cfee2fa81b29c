"""Plain-text accounting: a payment run as a journal for hledger (or ledger) and for beancount.

Every account and the currency are declared; after each payment stands what is on its way so far, so that a changed or
lost line is noticed. Costs are debits and positive; hours are no part of a payment run.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ledger.export import plain, quoted
from timebank.kit import money
from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats.accounts import KEPT_BACK, pence_of
from timebank.payments.formats.model import Batch, ControlTotal, Payment, UnreadableFileError, Use

IN_TRANSIT = "Assets:In-transit"
MAX_SLUG = 30
OPENED = timedelta(days=1)
_IN_TRANSIT_LINE = re.compile(rf"\s+{IN_TRANSIT}\s+(?P<amount>-?[0-9.]+) (?P<currency>[A-Z]{{3}})(?: = .*)?")
_REFERENCE_LINE = re.compile(r"\s+(?:; )?payment: \"?(?P<reference>[A-Z0-9-]+)\"?")


@dataclass(frozen=True, slots=True)
class _Posting:
    """One leg: a debit is positive."""

    account: str
    pence: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class PlainText:
    """A payment run as a journal in the language of one program."""

    program: Literal["hledger", "beancount"]
    code: str
    name: str
    note: str
    extension: str
    use: Use = "accounts"
    media_type: str = "text/plain; charset=utf-8"

    def reaches(self, account: Account | None) -> bool:
        """Everybody: no account number is in it."""
        return True

    def check(self, batch: Batch) -> list[Refusal]:
        """Nothing stands in the way: accounts are named after the kinds of cost."""
        return []

    def write(self, batch: Batch) -> bytes:
        """Return the journal."""
        lines = _hledger(batch) if self.program == "hledger" else _beancount(batch)
        return ("\n".join(lines) + "\n").encode("utf-8")

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Find again, line by line, what went on its way and the payments' references."""
        pence, references = 0, []
        for line in content.decode("utf-8").splitlines():
            moved, reference = _IN_TRANSIT_LINE.fullmatch(line), _REFERENCE_LINE.fullmatch(line)
            if moved:
                if moved["currency"] != batch.currency:
                    raise UnreadableFileError(f"{moved['currency']} is not the currency of the payment run")
                pence -= pence_of(moved["amount"], batch.currency)
            if reference:
                references.append(reference["reference"])
        if len(set(references)) != len(references):
            raise UnreadableFileError("a payment is in it twice")
        return ControlTotal(batch.currency, len(references), pence)


HLEDGER = PlainText(
    program="hledger",
    code="hledger",
    name="hledger or ledger: journal",
    note="",
    extension="journal",
)
BEANCOUNT = PlainText(
    program="beancount",
    code="beancount",
    name="beancount: journal",
    note="",
    extension="beancount",
)


def slug(text: str) -> str:
    """The letters and digits of a text as a part of an account's name: it begins with a capital or a digit."""
    plainer = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    letters = re.sub(r"[^A-Za-z0-9]+", "-", plainer).strip("-")[:MAX_SLUG].strip("-") or "X"
    return letters[0].upper() + letters[1:]


def _postings(payment: Payment) -> Iterator[_Posting]:
    for item in payment.items:
        said = f"{item.reference} {item.description}" + (f", invoice {item.invoice_number}" * bool(item.invoice_number))
        yield _Posting(f"Expenses:{slug(item.kind)}", item.pence, said)
    if payment.credited_pence:
        yield _Posting(credit_account(payment), -payment.credited_pence, KEPT_BACK)
    yield _Posting(IN_TRANSIT, -payment.pence)


def credit_account(payment: Payment) -> str:
    """The account of what a payee owes us; its number makes the name unique."""
    return f"Assets:Credit:{slug(payment.payee_name)}-{payment.payee_id}"


def _accounts(batch: Batch) -> list[str]:
    used = {posting.account for payment in batch.payments for posting in _postings(payment)}
    return sorted(used | {IN_TRANSIT})


def _head(batch: Batch) -> list[str]:
    total = f"{batch.total.payments} payments, {money.decimal(batch.total.pence, batch.currency)} {batch.currency}"
    return [
        f"; Payment run {batch.number} of {plain(batch.payer, ';')}: {total}.",
        "; Costs are debits and positive; the ledger itself counts the other way round.",
        "",
    ]


def _hledger(batch: Batch) -> Iterator[str]:
    yield from _head(batch)
    # In two lines both programs understand it.
    yield f"commodity {batch.currency}"
    yield f"    format 1000.{'0' * money.minor_digits(batch.currency)} {batch.currency}"
    for account in _accounts(batch):
        yield f"account {account}"
    running = 0
    for payment in batch.payments:
        yield ""
        # What stands in parentheses is the program's code, its word for a reference number.
        yield f"{batch.processing_on.isoformat()} * ({payment.reference}) {plain(payment.payee_name, ';|') or 'X'}"
        yield f"    ; payment: {payment.reference}"
        for posting in _postings(payment):
            running += posting.pence if posting.account == IN_TRANSIT else 0
            amount = f"    {posting.account}  {money.decimal(posting.pence, batch.currency)} {batch.currency}"
            if posting.account == IN_TRANSIT:
                yield f"{amount} = {money.decimal(running, batch.currency)} {batch.currency}"
            else:
                # A colon would make a tag of the words before it, and a bracket a date.
                yield f"{amount}  ; {plain(posting.note, ':,;[]')}"


def _beancount(batch: Batch) -> Iterator[str]:
    first = _before(batch.processing_on)
    yield from _head(batch)
    yield f"{first} commodity {batch.currency}"
    for account in _accounts(batch):
        yield f"{first} open {account}  {batch.currency}"
    for payment in batch.payments:
        yield ""
        yield f'{batch.processing_on.isoformat()} * "{quoted(payment.payee_name)}" "Payment run {batch.number}"'
        yield f'  payment: "{payment.reference}"'
        for posting in _postings(payment):
            yield f"  {posting.account}  {money.decimal(posting.pence, batch.currency)} {batch.currency}"
            if posting.note:
                yield f'    what: "{quoted(posting.note)}"'
    # Its assertions are about the beginning of a day, so they stand on the day after.
    after = _after(batch.processing_on)
    for account, pence in _sums(batch):
        yield f"{after} balance {account}  {money.decimal(pence, batch.currency)} ~ {_zero(batch)} {batch.currency}"


def _sums(batch: Batch) -> list[tuple[str, int]]:
    sums = dict.fromkeys(_accounts(batch), 0)
    for payment in batch.payments:
        for posting in _postings(payment):
            sums[posting.account] += posting.pence
    return sorted(sums.items())


def _zero(batch: Batch) -> str:
    """Without a tolerance of zero a penny more or less would pass."""
    return money.decimal(0, batch.currency)


def _before(day: date) -> str:
    return (day - OPENED).isoformat() if day > date.min else day.isoformat()


def _after(day: date) -> str:
    return (day + OPENED).isoformat()
