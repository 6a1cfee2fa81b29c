"""What every export format is given, and what it must be able to do. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from timebank.kit.refusal import Refusal
from timebank.payees.model import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One payable inside a payment, as it stood when the payment run was made.

    ``pence`` is what this payment settles of it, tax included; ``tax_pence`` is the tax of the whole payable, and
    ``owed_pence`` that whole, 0 when this settles it all. ``kind`` is one of ``rules.KINDS``. Unknown texts are "".
    """

    reference: str
    kind: str
    description: str
    pence: int
    earned_on: date
    due_on: date
    invoice_number: str = ""
    tax_pence: int = 0
    tax_code: str = ""
    nominal_code: str = ""
    cost_centre: str = ""
    fund: str = ""
    order_number: str = ""
    owed_pence: int = 0

    @property
    def tax(self) -> int:
        """The tax within ``pence``; of a part its share, half a penny rounded up."""
        whole = self.owed_pence or self.pence
        return (2 * self.tax_pence * self.pence + whole) // (2 * whole) if self.tax_pence else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What the bank is asked to pay to one payee: one line of a file for a bank.

    ``reference`` is ours and unique, at most 18 characters (A-Z, 0-9, ``-``): the end-to-end id, what the payee's
    statement shows, and what a bank statement brings back. ``pence`` is always above zero: the sum of ``items`` less
    ``credited_pence``. ``account`` is None when none was known.
    """

    line: int
    reference: str
    payee_id: int
    payee_name: str
    supplier_reference: str = ""
    pence: int
    credited_pence: int = 0
    account: Account | None = None
    town: str = ""
    country: str = "GB"
    items: tuple[Item, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for what no payment can be, so that it never reaches a bank."""
        if self.pence <= 0:
            raise ValueError(f"payment {self.reference}: {self.pence} is not an amount to pay")
        if sum(item.pence for item in self.items) != self.pence + self.credited_pence:
            raise ValueError(f"payment {self.reference}: its items do not add up to it")

    @property
    def invoice_number(self) -> str:
        """The invoice it pays when that is one, else ""."""
        numbers = {item.invoice_number for item in self.items}
        return numbers.pop() if len(numbers) == 1 else ""

    @property
    def kind(self) -> str:
        """The kind of its items when they are of one kind, else ``mixed``."""
        kinds = {item.kind for item in self.items}
        return kinds.pop() if len(kinds) == 1 else "mixed"

    @property
    def description(self) -> str:
        """What it is for, in a few words."""
        if len(self.items) == 1:
            return self.items[0].description
        return f"{len(self.items)} items: {', '.join(dict.fromkeys(item.description for item in self.items))}"[:140]

    @property
    def due_on(self) -> date:
        """The earliest day on which one of its items falls due."""
        return min(item.due_on for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A payment run with all that a file needs. Nothing else may go into a file: no clock, no random ids.

    ``created_at`` is in UTC. ``processing_on`` is the working day on which the bank moves the money. ``payer`` is our
    name as the account is held in; ``account`` the one that payments leave from, None when none is known;
    ``service_user_number`` six digits for Bacs, or "". ``codes`` are those of our accounting package for each kind of
    item, for the ``bank`` and for what payees owe us (``credit``); an item's own code wins.
    """

    number: int
    created_at: datetime
    processing_on: date
    currency: str
    slug: str
    payer: str
    account: Account | None = None
    service_user_number: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    payments: tuple[Payment, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for what no payment run can be."""
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise ValueError(f"payment run {self.number}: {self.currency!r} is not a currency code")

    @property
    def total(self) -> "ControlTotal":
        """How many payments there are and what they come to."""
        return ControlTotal(self.currency, len(self.payments), sum(payment.pence for payment in self.payments))

    @property
    def items(self) -> list[tuple[Payment, Item]]:
        """Every item with the payment that it is in, in order."""
        return [(payment, item) for payment in self.payments for item in payment.items]


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """How many payments there are in one currency and what they come to, in minor units."""

    currency: str
    payments: int
    pence: int


class UnreadableFileError(Exception):
    """A file just written cannot be read back, or adds up to something else. A bug: it must not leave."""


Use = Literal["bank", "accounts", "people"]


class PaymentFormat(Protocol):
    """One way of writing a payment run. The same run always gives the same bytes."""

    @property
    def code(self) -> str:
        """The stable name in settings, addresses and the API: lower-case letters, digits, ``-`` and ``:``."""
        ...

    @property
    def name(self) -> str:
        """What finance reads."""
        ...

    @property
    def use(self) -> Use:
        """Whom it is for: the bank, an accounting package, or people."""
        ...

    @property
    def note(self) -> str:
        """What somebody must know before they use it, in a sentence; "" when nothing."""
        ...

    @property
    def media_type(self) -> str:
        """The Content-Type of the file."""
        ...

    @property
    def extension(self) -> str:
        """The end of the file's name, without a dot."""
        ...

    def reaches(self, account: Account | None) -> bool:
        """Can it pay a payee with this account? A format that carries no account numbers reaches everybody."""
        ...

    def check(self, batch: Batch) -> list[Refusal]:
        """What stands in the way of writing this run in this format, in words; empty when nothing does."""
        ...

    def write(self, batch: Batch) -> bytes:
        """Return the file of a run that :meth:`check` has nothing against."""
        ...

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Count and add up the payments in a file's bytes, by other means than those that wrote it.

        Raises:
            UnreadableFileError: the bytes are not such a file.
        """
        ...


def by_kind(batch: Batch) -> dict[str, int]:
    """The sum of the items of each kind, in minor units: vouchers, fees and expenses stay separate."""
    sums: dict[str, int] = {}
    for _, item in batch.items:
        sums[item.kind] = sums.get(item.kind, 0) + item.pence
    return dict(sorted(sums.items()))


def settled(payments: Sequence[Payment]) -> int:
    """What payments settle of what is owed, credits included, in minor units."""
    return sum(payment.pence + payment.credited_pence for payment in payments)
