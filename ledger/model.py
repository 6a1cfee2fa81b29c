"""The ledger's words as frozen dataclasses. Pure: nothing here reads a clock, makes an id or touches a database.

Amounts are integers in the unit's smallest part (minutes, pence) and credit-positive: ``a -> b`` is ``-n`` on a and
``+n`` on b.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from ledger.errors import InvalidItem

MAX_AMOUNT = 2**62 - 1
"""The largest amount and the largest balance: the sum of any two still fits PostgreSQL's bigint."""
MAX_ITEMS = 1000
"""Items in one batch."""
MAX_LEGS = 1000
"""Legs of one entry; a 500-person event needs 501."""
MAX_BATCH_LEGS = 5000
"""Legs in one batch."""
MAX_NAME = 200
"""Characters of a key, an account code, a reference, an actor or a reason."""
MAX_KIND = 60
"""Characters of a kind."""
MAX_META_BYTES = 4096
"""Bytes of an item's meta, as JSON."""
MAX_PAGE = 500
"""Lines on one page of a statement."""

_COMPACT_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

Status = Literal["open", "frozen", "closed"]


def _require_text(name: str, value: object, *, limit: int = MAX_NAME, empty: bool = False) -> None:
    if not isinstance(value, str):
        raise InvalidItem(f"{name} must be text, not {type(value).__name__}")
    if not value and not empty:
        raise InvalidItem(f"{name} must not be empty")
    if len(value) > limit:
        raise InvalidItem(f"{name} may have {limit} characters at most, not {len(value)}")
    if "\x00" in value or (not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)):
        raise InvalidItem(f"{name} contains a character that cannot be stored")


def _require_amount(name: str, value: object) -> None:
    # bool is an int in Python, and a float or a string number would be converted silently further down.
    if type(value) is not int:
        raise InvalidItem(f"{name} must be a whole number (int), not {type(value).__name__}")
    if not -MAX_AMOUNT <= value <= MAX_AMOUNT:
        raise InvalidItem(f"{name} must be between -{MAX_AMOUNT} and {MAX_AMOUNT}")


def _require_positive(name: str, value: object) -> None:
    _require_amount(name, value)
    if isinstance(value, int) and value <= 0:
        raise InvalidItem(f"{name} must be more than zero")


def _require_date(name: str, value: object) -> None:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidItem(f"{name} must be a date without a time")
    if value in (date.min, date.max):
        raise InvalidItem(f"{name} must be a day; the database reads {value} as endless")


def _require_moment(name: str, value: object) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidItem(f"{name} must be a date and time with a time zone")


def _require_uuid(name: str, value: object) -> None:
    if not isinstance(value, UUID):
        raise InvalidItem(f"{name} must be a UUID, not {type(value).__name__}")


def meta_text(meta: Mapping[str, object]) -> str:
    """``meta`` as JSON text; refused with :class:`InvalidItem` when it cannot be written so, or is too long."""
    try:
        text = _COMPACT_JSON.encode(dict(meta))
        size = len(text.encode())
    except (TypeError, ValueError) as error:
        raise InvalidItem(f"meta must be plain JSON values: {error}") from error
    if "\\u0000" in text:
        raise InvalidItem("meta contains a character that cannot be stored")
    if size > MAX_META_BYTES:
        raise InvalidItem(f"meta may take {MAX_META_BYTES} bytes at most, not {size}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One account's part in an entry: ``amount`` in the entry's unit, positive when the account receives."""

    account: str
    amount: int

    def __post_init__(self) -> None:
        _require_text("account", self.account)
        _require_amount("amount", self.amount)
        if self.amount == 0:
            raise InvalidItem(f"the leg on {self.account} is zero; leave it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """An entry of two or more legs that add up to zero, each on its own account."""

    key: str
    kind: str
    unit: str
    legs: tuple[Leg, ...]
    effective_on: date
    actor: str
    reference: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_common(self.key, self.actor, self.reference)
        _require_text("kind", self.kind, limit=MAX_KIND)
        _require_text("unit", self.unit, limit=MAX_KIND)
        _require_date("effective_on", self.effective_on)
        _require_legs(self.legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold:
    """Sets ``amount`` aside on ``from_account``, to go to ``to_account`` when captured.

    ``expires_at`` is kept with the hold; ending it then is the caller's job (``Void`` with the reason ``expired``).
    """

    key: str
    hold_id: UUID
    kind: str
    unit: str
    from_account: str
    to_account: str
    amount: int
    expires_at: datetime
    actor: str
    reference: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_common(self.key, self.actor, self.reference)
        _require_uuid("hold_id", self.hold_id)
        _require_text("kind", self.kind, limit=MAX_KIND)
        _require_text("unit", self.unit, limit=MAX_KIND)
        _require_text("from_account", self.from_account)
        _require_text("to_account", self.to_account)
        if self.from_account == self.to_account:
            raise InvalidItem("a hold needs two different accounts")
        _require_positive("amount", self.amount)
        _require_moment("expires_at", self.expires_at)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """What capturing the whole hold would post."""
        return (
            Leg(account=self.from_account, amount=-self.amount),
            Leg(account=self.to_account, amount=self.amount),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Ends a hold by posting it. ``amount`` None means all of it; less releases the rest. Never fails on limits.

    With ``now`` given, a hold whose time has passed by then is refused as ``hold_expired``; without it the caller
    vouches.
    """

    key: str
    hold_id: UUID
    kind: str
    effective_on: date
    actor: str
    amount: int | None = None
    now: datetime | None = None
    reference: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_common(self.key, self.actor, self.reference)
        _require_uuid("hold_id", self.hold_id)
        _require_text("kind", self.kind, limit=MAX_KIND)
        _require_date("effective_on", self.effective_on)
        if self.amount is not None:
            _require_positive("amount", self.amount)
        if self.now is not None:
            _require_moment("now", self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """Ends a hold without posting anything; what was set aside is free again.

    ``reason`` is ``voided`` or ``expired``. With ``now`` given, ``expired`` before the hold's time is refused as
    ``hold_not_expired``; without it the caller vouches.
    """

    key: str
    hold_id: UUID
    actor: str
    reason: str = "voided"
    now: datetime | None = None
    reference: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_common(self.key, self.actor, self.reference)
        _require_uuid("hold_id", self.hold_id)
        if self.reason not in ("voided", "expired"):
            raise InvalidItem("reason must be voided or expired")
        if self.now is not None:
            _require_moment("now", self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse:
    """An entry that is the exact negation of ``entry_id``; possible once, and never for a reversal."""

    key: str
    entry_id: UUID
    kind: str
    effective_on: date
    actor: str
    reference: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_common(self.key, self.actor, self.reference)
        _require_uuid("entry_id", self.entry_id)
        _require_text("kind", self.kind, limit=MAX_KIND)
        _require_date("effective_on", self.effective_on)


Item = Post | PlaceHold | Capture | Void | Reverse


def _require_common(key: str, actor: str, reference: str) -> None:
    _require_text("key", key)
    _require_text("actor", actor)
    _require_text("reference", reference, empty=True)


def _require_legs(legs: object) -> None:
    if not isinstance(legs, tuple) or not all(isinstance(leg, Leg) for leg in legs):
        raise InvalidItem("legs must be a tuple of Leg")
    if not 2 <= len(legs) <= MAX_LEGS:
        raise InvalidItem(f"an entry has 2 to {MAX_LEGS} legs, not {len(legs)}")
    if len({leg.account for leg in legs}) < len(legs):
        raise InvalidItem("an account may appear in an entry once; add its amounts together")
    total = sum(leg.amount for leg in legs)
    if total != 0:
        raise InvalidItem(f"the legs must add up to zero, not {total}")


def require_batch(items: Sequence[Item]) -> None:
    """Raise :class:`InvalidItem` for a batch that cannot be one: too long, or both placing and ending a hold."""
    if len(items) > MAX_ITEMS:
        raise InvalidItem(f"a batch has {MAX_ITEMS} items at most, not {len(items)}")
    if sum(len(item.legs) for item in items if isinstance(item, Post)) > MAX_BATCH_LEGS:
        raise InvalidItem(f"a batch has {MAX_BATCH_LEGS} legs at most")
    # Placing and ending are two promises made to a person at two moments; within one batch it is a plain post.
    key_of_hold: dict[UUID, str] = {}
    for item in items:
        if isinstance(item, PlaceHold) and key_of_hold.setdefault(item.hold_id, item.key) != item.key:
            raise InvalidItem(f"the hold {item.hold_id} is placed twice in one batch")
    for item in items:
        if isinstance(item, Capture | Void) and item.hold_id in key_of_hold:
            raise InvalidItem(f"the hold {item.hold_id} is placed and ended in one batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """An entry is in the ledger. ``balances`` maps account codes to what was posted on them right after this entry."""

    key: str
    entry_id: UUID
    replayed: bool
    balances: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold is open."""

    key: str
    hold_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """A hold has ended without an entry."""

    key: str
    hold_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The ledger said no and changed nothing. ``code`` is stable, ``account`` the account in the way, if it is one."""

    key: str
    code: str
    account: str | None
    message: str


Result = Posted | Held | Voided | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Where an account stands. ``available`` may be spent; None means that there is no floor to stop at."""

    account: str
    unit: str
    posted: int
    held_out: int
    held_in: int
    available: int | None
    floor: int | None
    ceiling: int | None
    status: Status
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One posting as its account sees it."""

    seq: int
    entry_id: UUID
    kind: str
    amount: int
    balance_after: int
    effective_on: date
    recorded_at: datetime
    actor: str
    reference: str
    meta: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as it was written, and its links. ``forced_by`` names who overrode the limits, if anyone did."""

    entry_id: UUID
    kind: str
    unit: str
    legs: tuple[Leg, ...]
    effective_on: date
    recorded_at: datetime
    actor: str
    reference: str
    meta: Mapping[str, object]
    reverses: UUID | None
    reversed_by: UUID | None
    forced_by: str | None
    forced_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold as it stands: ``state`` is open, captured, voided or expired."""

    hold_id: UUID
    unit: str
    from_account: str
    to_account: str
    amount: int
    captured: int
    state: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place where an invariant does not hold. ``account`` is its code, None if no account can be named.

    ``book_id`` is None where it concerns every book, such as a guard that is switched off.
    """

    invariant: str
    book_id: int | None
    account: str | None
    message: str
