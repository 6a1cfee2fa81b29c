"""What reports work out from facts. Pure: minutes and pence are whole, and an hour is never given a price."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import msgspec

FEWEST_PEOPLE = 10
"""A funder reads how many people there were only from this number on: fewer could be recognised."""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One posting of a member's account, in the order of the ledger: minutes above zero came, below zero went."""

    entry_id: UUID
    minutes: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """So many minutes of what went out at one entry had come in at another."""

    came_from: UUID
    went_to: UUID
    minutes: int


def shares(movements: Iterable[Movement]) -> list[Share]:
    """Which hours were used for what: those that came first are used first.

    A ledger's hours are all alike, so this is a way to read it and not a fact of its own; it is the usual one (first
    in, first out). What went out before anything came (an account may go below zero) has no share.
    """
    lots: list[list[int | UUID]] = []
    found: list[Share] = []
    debt = 0
    for one in movements:
        if one.minutes > 0:
            paid_back = min(debt, one.minutes)
            debt -= paid_back
            if one.minutes > paid_back:
                lots.append([one.entry_id, one.minutes - paid_back])
            continue
        left = -one.minutes
        while left and lots:
            came_from, there = lots[0]
            taken = min(left, int(there))
            found.append(Share(came_from=UUID(str(came_from)), went_to=one.entry_id, minutes=taken))
            left -= taken
            if taken == there:
                lots.pop(0)
            else:
                lots[0][1] = int(there) - taken
        debt += left
    return found


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What hours were used for in the last year: minutes, and the pence that were owed for them from a budget."""

    kind: str
    budget: str = ""
    minutes: int
    pence: int


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What outstanding minutes would be used for, and what that would cost, if people go on as in the last year."""

    kind: str
    budget: str
    minutes: int
    pence: int


def forecast(outstanding: int, used: Sequence[Used]) -> list[Exposure]:
    """Spread outstanding minutes over what hours are really used for; never booked, and never a value of an hour.

    The minutes add up to what is outstanding exactly; pence are rounded half up for each kind. Without any use there is
    nothing to go by, so the answer is empty.
    """
    total = sum(one.minutes for one in used)
    if total <= 0 or outstanding <= 0:
        return []
    parts = [outstanding * one.minutes // total for one in used]
    # What whole minutes leave over goes to the largest remainders, so that nothing is lost.
    order = sorted(range(len(used)), key=lambda n: (-(outstanding * used[n].minutes % total), n))
    for n in order[: outstanding - sum(parts)]:
        parts[n] += 1
    return [
        Exposure(
            kind=one.kind,
            budget=one.budget,
            minutes=minutes,
            pence=_half_up(minutes * one.pence, one.minutes) if one.minutes else 0,
        )
        for one, minutes in zip(used, parts, strict=True)
    ]


def tax_year(day: date, *, month: int, first_day: int) -> date:
    """The first day of the tax year that a day lies in (6 April in the United Kingdom)."""
    begins = date(day.year, month, first_day)
    return begins if day >= begins else date(day.year - 1, month, first_day)


def next_tax_year(begins: date) -> date:
    """The first day of the tax year after the one that begins on this day."""
    return date(begins.year + 1, begins.month, begins.day)


def tax_year_words(begins: date) -> str:
    """``2026 to 2027``, or ``2026`` where the tax year is the calendar year."""
    return str(begins.year) if (begins.month, begins.day) == (1, 1) else f"{begins.year} to {begins.year + 1}"


def months(first: date, last: date) -> list[date]:
    """The first days of the months from one day to another."""
    found, month = [], first.replace(day=1)
    while month <= last:
        found.append(month)
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return found


def people_words(people: int) -> str:
    """How many people there were, as a funder may read it."""
    return "none" if people == 0 else f"fewer than {FEWEST_PEOPLE}" if people < FEWEST_PEOPLE else str(people)


def _half_up(amount: int, by: int) -> int:
    return (2 * amount + by) // (2 * by)
