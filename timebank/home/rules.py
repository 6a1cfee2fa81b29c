"""How an entry reads to its member: what its minutes are called. Pure.

Giving and using are both good, so nothing here is a loss, a debt or a minus.
"""

from collections.abc import Iterable, Mapping
from datetime import date
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
from timebank.hours.rules import GIFT, POT_HELP
from timebank.imports.entry_kinds import IMPORTED, IMPORTED_BALANCE
from timebank.kit.words import Minutes, Words, mark, say
from timebank.redemptions.entry_kinds import BOOKING_FULFILLED, BOOKING_REFUNDED

# kind of entry -> what is said of minutes that came, and of minutes that went
_GAVE, _USED = mark("You gave {hours}"), mark("You used {hours}")
_WERE_GIVEN, _PASSED_ON = mark("You were given {hours}"), mark("You passed on {hours}")
_GOT_BACK, _TAKEN_BACK = mark("You got back {hours}"), mark("Taken back: {hours}")
_ADDED, _BROUGHT, _PUT_RIGHT = mark("Added: {hours}"), mark("You brought {hours}"), mark("Put right: {hours}")
_WORDS: Mapping[str, tuple[str, str]] = {
    BOOKING_FULFILLED: (_GAVE, _USED),
    BOOKING_REFUNDED: (_GOT_BACK, _TAKEN_BACK),
    GIFT: (_WERE_GIVEN, _PASSED_ON),
    POT_HELP: (_WERE_GIVEN, _TAKEN_BACK),
    PASSED_ON: (_WERE_GIVEN, _TAKEN_BACK),
    EXCHANGE: (_GAVE, _USED),
    EXCHANGE_PASSED_ON: (_WERE_GIVEN, _USED),
    EXCHANGE_UNDONE: (_GOT_BACK, _TAKEN_BACK),
    EXCHANGE_CORRECTED: (_ADDED, _TAKEN_BACK),
    CORRECTED: (_ADDED, _TAKEN_BACK),
    OPENING: (_BROUGHT, _PUT_RIGHT),
    OPENING_CORRECTED: (_ADDED, _TAKEN_BACK),
    PUT_RIGHT: (_ADDED, _TAKEN_BACK),
    IMPORTED: (_GAVE, _USED),
    IMPORTED_BALANCE: (_BROUGHT, _PUT_RIGHT),
}
_OTHERWISE = (_GAVE, _TAKEN_BACK)
_NEITHER = frozenset(
    {
        GIFT,
        POT_HELP,
        PASSED_ON,
        EXCHANGE_PASSED_ON,
        OPENING,
        OPENING_UNDONE,
        OPENING_CORRECTED,
        IMPORTED_BALANCE,
        PUT_RIGHT,
    }
)
_BOTH = frozenset({BOOKING_FULFILLED, EXCHANGE, IMPORTED})
_BACK = frozenset({BOOKING_REFUNDED, EXCHANGE_UNDONE, EXCHANGE_CORRECTED})


def change_words(kind: str, minutes: int) -> Words:
    """What an entry did to the hours: “You gave 1 hour”, “You used 1 hour”."""
    came, went = _WORDS.get(kind, _OTHERWISE)
    return say(came if minutes > 0 else went, hours=Minutes(abs(minutes)))


WEEK, LONG_AGO_DAYS = 7, 35


def likely_to_be_logged(last_met: Mapping[int, date], on: date, *, most: int) -> list[int]:
    """The groups that a coordinator most likely logs on a day, from when each met last; up to ``most`` of their ids.

    Groups come together on the same day of the week: those due today come first, then those due yesterday, and so on.
    A group logged within the week stands after them, one that has not met for :data:`LONG_AGO_DAYS` last.
    """

    def turn(group_id: int) -> tuple[int, int, int]:
        ago = (on - last_met[group_id]).days
        if WEEK <= ago <= LONG_AGO_DAYS:
            return 0, ago % WEEK, ago
        return (1, -ago, 0) if ago < WEEK else (2, ago, 0)

    return sorted(last_met, key=turn)[:most]


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
