"""What programs send and get about bank statements."""

from datetime import date
from typing import Annotated

import msgspec

from timebank.reconciliation import rules
from timebank.reconciliation.formats import MAX_FILE_BYTES
from timebank.reconciliation.running import Imported

MAX_PAYMENTS = 600
Note = Annotated[str, msgspec.Meta(max_length=rules.MAX_NOTE)]
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=rules.MAX_FILE_NAME)]
Content = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_FILE_BYTES)]


class NewStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement file. ``content`` are its bytes in base64, at most 5 MiB of them."""

    file_name: FileName
    content: Content


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Something to decide before a file is imported: ``code`` names the answer that is wanted."""

    code: str
    question: str


class BankStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement file. ``state``: kept (not imported), booking (in part), booked. Amounts in minor units.

    While it is kept, ``would_*`` say what importing it would do, ``asks`` what is to be decided, and ``headings`` are
    the columns of a CSV that nobody has chosen yet, with what could be told in ``guess`` (places counted from 0).
    """

    id: int
    file_name: str
    format: str
    state: str
    sha256: str
    first_on: date | None
    last_on: date | None
    opening_pence: int | None
    closing_pence: int | None
    done: Imported | None = None
    would_match: int = 0
    would_suggest: int = 0
    would_leave: int = 0
    asks: list[Ask] = []
    headings: list[str] = []
    guess: dict[str, int] = {}


class BankLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a statement. ``pence`` above zero came in. ``state``: waiting, matched, suspense, explained, nothing;
    split: it is in parts, which are lines of their own (``part_of``) and must not be added to it; joined: a part that
    was put together again and counts no more.

    What it was matched with: a payment (``batch_number`` and ``payment_line``), or a whole payment run; several
    payments when there is neither.
    """

    id: int
    statement_id: int
    booked_on: date
    pence: int
    text: str
    reference: str
    party: str
    reason: str
    state: str
    outcome: str
    batch_number: int | None
    payment_line: int | None
    part_of: int | None


class BankLines(msgspec.Struct, frozen=True, kw_only=True):
    """A page of lines in the order they came; ``next_cursor`` is null at the end."""

    items: list[BankLine]
    next_cursor: str | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a line in suspense is, and how one knows.

    ``payment`` is the end-to-end id for the kinds payment and returned (for payment also several, with spaces between),
    ``run`` a payment run's number for the kind
    run, ``credit_id`` the credit for credit_repaid.
    """

    kind: rules.Kind
    note: Note = ""
    payment: Annotated[str, msgspec.Meta(max_length=MAX_PAYMENTS)] = ""
    run: int | None = None
    credit_id: int | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Agree with what somebody else said of a line, or refuse it and say why."""

    agree: bool
    why: Note = ""


class Splitting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of a line; the rest is the other one. ``pence`` above zero came in, as for lines."""

    pence: Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]


class Undoing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an explanation is undone."""

    why: Note


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """Where reconciliation stands. Amounts in minor units of ``currency``, above zero is money that we have.

    ``bank_pence`` (the accounts) is ``lines_pence`` (all statements) and ``by_hand_pence`` (marked by hand, on no
    statement yet); ``difference_pence`` must be zero, ``suspense_pence`` becomes zero when all is explained.
    """

    currency: str
    bank_pence: int
    lines_pence: int
    by_hand_pence: int
    difference_pence: int
    suspense_pence: int
    unexplained: int
    in_transit_pence: int
    last_on: date | None
    closing_pence: int | None
    closing_on: date | None
    is_reconciled: bool


class Creditor(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed to one payee: by age (up to 30, 60, 90 days, and older), and what is on its way."""

    payee_id: int
    name: str
    ages_pence: list[int]
    owed_pence: int
    on_its_way_pence: int


class Creditors(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody to whom something is owed. ``ledger_pence`` is what their accounts say: it must be ``owed_pence``."""

    items: list[Creditor]
    owed_pence: int
    on_its_way_pence: int
    ledger_pence: int
    currency: str
