"""What every export format is given, and what it must be able to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """One payment of a batch as it stood when the batch was made.

    ``reference`` is ours and unique; ``pence`` are minor units of ``currency``, always above zero; ``kind`` says what
    is paid for (``voucher``, ``training``, ``expense``). Texts that are unknown are "".
    """

    reference: str
    payee_name: str
    supplier_reference: str
    invoice_number: str
    pence: int
    currency: str
    due_on: date
    description: str
    kind: str
    batch_number: str

    def __post_init__(self) -> None:
        """Raise ValueError for what no payment can be, so that it never reaches a bank."""
        if self.pence <= 0:
            raise ValueError(f"payment {self.reference}: {self.pence} is not an amount to pay")
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise ValueError(f"payment {self.reference}: {self.currency!r} is not a currency code")


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """How many payments there are in one currency and what they come to, in minor units."""

    currency: str
    payments: int
    pence: int


class PaymentFormat(Protocol):
    """One way of writing a batch. The same rows in the same order always give the same bytes."""

    @property
    def code(self) -> str:
        """The stable name in settings, addresses and the API."""
        ...

    @property
    def name(self) -> str:
        """What finance reads."""
        ...

    @property
    def media_type(self) -> str:
        """The Content-Type of the file."""
        ...

    @property
    def extension(self) -> str:
        """The end of the file's name, without a dot."""
        ...

    def write(self, rows: Sequence[PaymentRow]) -> bytes:
        """Return the file of these payments, in the order given."""
        ...


def control_totals(rows: Sequence[PaymentRow]) -> tuple[ControlTotal, ...]:
    """Return the count and the sum for each currency, in alphabetical order: what to compare with the bank's screen."""
    counted: dict[str, tuple[int, int]] = {}
    for row in rows:
        payments, pence = counted.get(row.currency, (0, 0))
        counted[row.currency] = (payments + 1, pence + row.pence)
    return tuple(ControlTotal(currency, *counted[currency]) for currency in sorted(counted))
