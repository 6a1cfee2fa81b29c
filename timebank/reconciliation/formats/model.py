"""What every kind of statement file is read into. Pure."""

from dataclasses import dataclass, field
from datetime import date

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_LINES = 10_000
MAX_TEXT = 500
MAX_REFERENCE = 140
MAX_PARTY = 140
MAX_PENCE = 10**15
"""Ten million million: no line of a bank statement is larger, and sums of ten thousand still fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLine:
    """One line as the bank shows it. ``pence``: above zero came in, below zero went out, in minor units.

    ``number`` is its line in the file. ``references`` holds the ids that came with it, ``party`` who paid or was paid,
    ``reason`` why money came back, in words. Unknown texts are "".
    """

    number: int
    booked_on: date
    pence: int
    text: str = ""
    references: str = ""
    party: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStatement:
    """One file: its lines in the order in which they happened, and the balances it gives.

    ``opening_pence`` is the balance before the first line, ``closing_pence`` after the last one; None when the file
    does not say. ``last_four`` ends the number of the account, "" when the file does not name it. ``left_out`` counts
    lines that the bank has not booked yet.
    """

    format: str
    lines: tuple[ReadLine, ...]
    opening_pence: int | None = None
    closing_pence: int | None = None
    first_on: date
    last_on: date
    last_four: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a CSV holds what, counted from 0; None: there is none.

    Amounts are in one column (``amount``, below zero for what went out, unless ``direction`` says debit or credit), or
    in two (``paid_out``, ``paid_in``). ``has_heading``: the first row that counts holds names, not amounts.
    """

    date: int | None = None
    amount: int | None = None
    paid_out: int | None = None
    paid_in: int | None = None
    direction: int | None = None
    text: int | None = None
    reference: int | None = None
    party: int | None = None
    balance: int | None = None

    @property
    def is_enough(self) -> bool:
        """True when lines can be read with it: a day, and amounts in one column or in two."""
        has_two = self.paid_out is not None and self.paid_in is not None
        return self.date is not None and (self.amount is not None) != has_two


@dataclass(frozen=True, slots=True)
class Question:
    """The columns of a CSV are unclear. ``headings`` are its columns; ``guess`` is what could be told."""

    headings: tuple[str, ...]
    guess: Columns
    examples: tuple[tuple[str, ...], ...] = field(default=())
