"""How an entry reads to its member: what its minutes are called. Pure.

Giving and using are both good, so nothing here is a loss, a debt or a minus.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from timebank.concerns.entry_kinds import PUT_RIGHT
from timebank.contributions.entry_kinds import (
    CORRECTED,
    EXCHANGE,
    EXCHANGE_CORRECTED,
    EXCHANGE_PASSED_ON,
    EXCHANGE_UNDONE,
    OPENING,
    OPENING_CORRECTED,
    OPENING_UNDONE,
    PASSED_ON,
)
from timebank.hours.rules import GIFT
from timebank.imports.entry_kinds import IMPORTED, IMPORTED_BALANCE
from timebank.kit import dates
from timebank.redemptions.entry_kinds import BOOKING_FULFILLED, BOOKING_REFUNDED

# Not strftime: it would follow the machine's language.
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

# kind of entry -> what is said of minutes that came, and of minutes that went
_WORDS: Mapping[str, tuple[str, str]] = {
    BOOKING_FULFILLED: ("You gave", "You used"),
    BOOKING_REFUNDED: ("You got back", "Taken back"),
    GIFT: ("You were given", "You passed on"),
    PASSED_ON: ("You were given", "Taken back"),
    EXCHANGE: ("You gave", "You used"),
    EXCHANGE_PASSED_ON: ("You were given", "You used"),
    EXCHANGE_UNDONE: ("You got back", "Taken back"),
    EXCHANGE_CORRECTED: ("Added", "Taken back"),
    CORRECTED: ("Added", "Taken back"),
    OPENING: ("You brought", "Put right"),
    OPENING_CORRECTED: ("Added", "Taken back"),
    PUT_RIGHT: ("Added", "Taken back"),
    IMPORTED: ("You gave", "You used"),
    IMPORTED_BALANCE: ("You brought", "Put right"),
}
_OTHERWISE = ("You gave", "Taken back")
_NEITHER = frozenset(
    {GIFT, PASSED_ON, EXCHANGE_PASSED_ON, OPENING, OPENING_UNDONE, OPENING_CORRECTED, IMPORTED_BALANCE, PUT_RIGHT}
)
_BOTH = frozenset({BOOKING_FULFILLED, EXCHANGE, IMPORTED})
_BACK = frozenset({BOOKING_REFUNDED, EXCHANGE_UNDONE, EXCHANGE_CORRECTED})


def change_words(kind: str, minutes: int) -> str:
    """What stands before the hours of an entry: “You gave” 1 hour, “You used” 1 hour."""
    came, went = _WORDS.get(kind, _OTHERWISE)
    return came if minutes > 0 else went


def day_in_words(day: date, today: date) -> str:
    """“Today”, “Yesterday”, “Tuesday 10 March”, or with the year when it is another one."""
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    year = "" if day.year == today.year else f" {day.year}"
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}{year}"


def without_day(detail: str, day: date) -> str:
    """What a room says about an entry, without the day that the page shows beside it anyway."""
    words = dates.in_words(day)
    return "" if detail == words else detail.removesuffix(f", {words}")


class GaveAndUsed(NamedTuple):
    """Minutes given to others or to the programme, and minutes used; neither is ever below zero."""

    gave: int
    used: int


def gave_and_used(moved: Iterable[tuple[str, int, int]]) -> GaveAndUsed:
    """Add up ``(kind, minutes that came, minutes that went)``.

    What was taken back counts against what was given, what was refunded against what was used. Gifts and hours brought
    forward are neither. Of an exchange what came was given and what went was used; put right, the other way round.
    """
    gave = used = 0
    for kind, came, went in moved:
        if kind in _NEITHER:
            continue
        if kind in _BOTH:
            gave, used = gave + came, used + went
        elif kind in _BACK:
            gave, used = gave - went, used - came
        else:
            gave += came - went
    return GaveAndUsed(max(gave, 0), max(used, 0))
