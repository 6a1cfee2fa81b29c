"""Vouchers: their codes, how long they are good, how much may be used of them. Pure.

An offer gives vouchers in one of three ways: staff hand them over (``hand``), a code that was bought in advance is
given out (``pool``), or the time bank makes a voucher of its own that a supplier confirms (``ours``).
"""

import secrets
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from timebank.kit.clock import today
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.kit.words import Clock, FullDay, say

HAND, POOL, OURS = "hand", "pool", "ours"
SOURCES = (HAND, POOL, OURS)
WAITING, LIVE, USED, EXPIRED, CANCELLED = "waiting", "live", "used", "expired", "cancelled"
FREE, GIVEN, SHOWN, WITHDRAWN = "free", "given", "shown", "withdrawn"

# 31 letters and digits, a prime number, so that one wrong letter or two that changed places always show. 0, O, I, L and
# U are left out: the first four look like others, and without the last chance spells fewer rude words.
ALPHABET: Final = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LETTERS = 9  # 31**9 codes: ten tries in a quarter of an hour find one of a thousand in 80 million years
CODE_LENGTH = CODE_LETTERS + 1
MAX_TYPED_CODE = 60

MAX_LOW_STOCK = 1000
MAX_VALID_DAYS = 360
MAX_CODES_OF_VOUCHER = 20
GRACE = timedelta(days=3)
"""How long after its last day a voucher can still come in from a paper tally, before its hours go where they go."""
REMIND_BEFORE = timedelta(days=3)
SHOWN_FOR = timedelta(minutes=10)
"""How long the page with a code can be loaded again before it asks, and notes, once more."""
MAX_TALLY_DAYS = 62

_SEPARATORS = "-\u2010\u2011\u2012\u2013\u2014\u2212_./ "
_LOOK_ALIKES = str.maketrans({"I": "1", "L": "1"})


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How the vouchers of an offer work.

    ``gives_at_once``: no coordinator agrees first. ``allows_parts``: the value may be used bit by bit. ``valid_days``
    after it is made a voucher of ours ends (None: with the booking), and ``expiry_returns_hours`` says what then
    happens to the hours. ``low_stock``: how few codes are left when coordinators are warned.
    """

    source: str = HAND
    gives_at_once: bool = False
    allows_parts: bool = False
    valid_days: int | None = None
    expiry_returns_hours: bool = True
    low_stock: int = 5


class VoucherFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher of ours, as the rules see it. ``value_pence`` is what it can pay for in all."""

    id: int
    redemption_id: int
    payee_id: int
    value_pence: int
    spent_pence: int
    allows_parts: bool
    valid_days: int | None
    returns_hours: bool
    state: str
    expires_at: datetime

    @property
    def left_pence(self) -> int:
        """What can still be used of it."""
        return self.value_pence - self.spent_pence


class UseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One confirmation."""

    reference: str
    n: int
    pence: int
    used_on: date
    at: datetime


def new_code() -> str:
    """A new code such as ``B7K2M9QXTR``: nine random letters, and one that shows a slip of the pen."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LETTERS))
    return letters + check_letter(letters)


def check_letter(letters: str) -> str:
    """The letter that goes with the others: their places in the alphabet, each times its position, modulo 31."""
    total = sum(position * ALPHABET.index(letter) for position, letter in enumerate(letters, start=1))
    return ALPHABET[total % len(ALPHABET)]


def spaced(code: str) -> str:
    """A code as it is shown: ``B7K2M-9QXTR``."""
    return f"{code[:5]}-{code[5:]}"


def read_code(typed: str) -> str | None:
    """The code that a person meant (``b7k2m 9qxtr``), or None when it cannot be one: a letter is wrong or missing."""
    if len(typed) > MAX_TYPED_CODE:
        return None
    visible = "".join(c for c in unicodedata.normalize("NFKC", typed) if unicodedata.category(c) != "Cf")
    letters = "".join(c for c in visible.upper() if c not in _SEPARATORS and not c.isspace()).translate(_LOOK_ALIKES)
    if len(letters) != CODE_LENGTH or any(letter not in ALPHABET for letter in letters):
        return None
    return letters if check_letter(letters[:-1]) == letters[-1] else None


def check_terms(terms: Terms, *, is_voucher: bool, has_payee: bool, has_value: bool, hold_days: int) -> list[Refusal]:
    """What stands in the way of these terms.

    Refusals: ``not_a_voucher``, ``unknown_source``, ``supplier_missing``, ``bad_valid_days``, ``bad_low_stock``.
    """
    refusals = []
    if not is_voucher and terms.source != HAND:
        refusals.append(Refusal("not_a_voucher", "Only vouchers have codes.", "source"))
    if terms.source not in SOURCES:
        refusals.append(Refusal("unknown_source", "Choose how people get this voucher.", "source"))
    if terms.source == OURS and not (has_payee and has_value):
        message = "Choose the supplier and what they are paid first: they confirm this voucher."
        refusals.append(Refusal("supplier_missing", message, "source"))
    longest = min(MAX_VALID_DAYS, hold_days - GRACE.days)
    if terms.valid_days is not None and not 1 <= terms.valid_days <= longest:
        message = (
            f"Choose from 1 to {longest} days: the hours are set aside for {hold_days}."
            if longest >= 1
            else "Leave the days empty: the hours are set aside for a few days only."
        )
        refusals.append(Refusal("bad_valid_days", message, "valid_days"))
    if not 0 <= terms.low_stock <= MAX_LOW_STOCK:
        refusals.append(Refusal("bad_low_stock", f"Choose from 0 to {MAX_LOW_STOCK}.", "low_stock"))
    return refusals


def ends_at(valid_days: int | None, booking_ends_at: datetime, now: datetime, time_zone: str) -> datetime:
    """When a voucher made now ends: at the end of a whole day, early enough before its booking's own end for tallies
    that come late.
    """
    last = today(booking_ends_at - GRACE, time_zone) - timedelta(days=1)
    if valid_days is not None:
        last = min(last, today(now, time_zone) + timedelta(days=valid_days))
    ends = end_of(last, time_zone)
    return ends if ends > now else booking_ends_at


def end_of(day: date, time_zone: str) -> datetime:
    """The moment at which a day is over."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(time_zone)).astimezone(UTC)


def last_day(ends_at: datetime, time_zone: str) -> date:
    """The last whole day before a moment, for people: the day on which a voucher still works."""
    return today(ends_at - timedelta(seconds=1), time_zone)


# The supplier -------------------------------------------------------------------------------------------------------

UNKNOWN = Refusal(
    "unknown_code", say("We do not know this code. Check each letter. Ask the member to show it again."), "code"
)
MISTYPED = Refusal("mistyped", say("A letter is wrong or missing. A code has ten letters and numbers."), "code")
REPLACED = Refusal("replaced", say("There is a newer code for this voucher. Ask the member for it."), "code")
CANCELLED_ONE = Refusal("cancelled", say("This voucher was cancelled. Please do not take it."), "code")


def check_use(
    voucher: VoucherFacts,
    uses: Sequence[UseFacts],
    *,
    pence: int | None,
    used_on: date,
    currency: str,
    time_zone: str,
    now: datetime,
) -> list[Refusal]:
    """What stands in the way of using ``pence`` of a voucher (None: all of it) on a day.

    Refusals: ``already_used``, ``cancelled``, ``expired``, ``not_ready``, ``day_in_future``, ``day_too_old``,
    ``no_parts``, ``amount_zero``, ``too_much``.
    """
    if voucher.state == USED and uses:
        return [already_used(uses[-1], time_zone)]
    if voucher.state in (CANCELLED, USED):
        return [CANCELLED_ONE]
    ends_on = last_day(voucher.expires_at, time_zone)
    if voucher.state == EXPIRED or used_on > ends_on:
        return [has_ended(voucher.expires_at, time_zone)]
    if voucher.state != LIVE:
        return [Refusal("not_ready", say("This voucher is not ready yet. Ask the time bank."), "code")]
    refusals = []
    this_day = today(now, time_zone)
    if used_on > this_day:
        refusals.append(Refusal("day_in_future", say("This day is still to come. Check the day."), "day"))
    elif used_on < this_day - timedelta(days=MAX_TALLY_DAYS):
        refusals.append(Refusal("day_too_old", say("This is too long ago. Please phone the time bank."), "day"))
    amount = voucher.left_pence if pence is None else pence
    if not voucher.allows_parts and amount != voucher.left_pence:
        refusals.append(
            Refusal("no_parts", say("This voucher is used in one go. Leave the amount as it is."), "amount")
        )
    elif amount <= 0:
        refusals.append(Refusal("amount_zero", say("Enter an amount above zero."), "amount"))
    elif amount > voucher.left_pence:
        left = in_words(voucher.left_pence, currency)
        refusals.append(Refusal("too_much", say("There is {left} left on this voucher.", left=left), "amount"))
    return refusals


def has_ended(ends_at: datetime, time_zone: str) -> Refusal:
    """Refusal ``expired``: the last day on which it worked."""
    day = last_day(ends_at, time_zone)
    return Refusal("expired", say("This voucher ended on {day}. Please do not take it.", day=day), "code")


def already_used(use: UseFacts, time_zone: str) -> Refusal:
    """Refusal ``already_used``: when, so that a supplier who asks twice knows that the first time counted."""
    at = use.at.astimezone(ZoneInfo(time_zone))
    message = say("This voucher was already used at {time} on {day}.", time=Clock(at.time()), day=FullDay(at.date()))
    return Refusal("already_used", message, "code")
