"""A member's entries of some days, with what they had before and after, by month. Sums always add up."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

import msgspec
from dateutil.relativedelta import relativedelta

from timebank.db import Connection
from timebank.home import queries
from timebank.home.queries import EntryRow
from timebank.hours import queries as hours
from timebank.hours.queries import Month

MAX_LINES = 5_000
"""More entries than this in one piece are not shown: choose fewer days."""
ENTRIES_ON_A_PAGE = 30


class DatedMonth(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of one month in the order of their days, and the minutes they add up to."""

    month: date
    rows: tuple[EntryRow, ...]
    opening: int

    @property
    def came(self) -> int:
        """Minutes that came."""
        return sum(row.minutes for row in self.rows if row.minutes > 0)

    @property
    def went(self) -> int:
        """Minutes that went, as a positive number."""
        return -sum(row.minutes for row in self.rows if row.minutes < 0)

    @property
    def closing(self) -> int:
        """What there was after the last entry of the month: ``opening + came - went``."""
        return self.opening + self.came - self.went


class Dated(msgspec.Struct, frozen=True, kw_only=True):
    """A member's entries from ``first`` to ``last``, both included, in the order of their days.

    ``balance_after`` of each row is what there was after it in this order. ``is_cut``: there are more than
    :data:`MAX_LINES`, and the sums are not those of all.
    """

    first: date
    last: date
    opening: int
    rows: tuple[EntryRow, ...]
    is_cut: bool

    @property
    def came(self) -> int:
        """Minutes that came."""
        return sum(row.minutes for row in self.rows if row.minutes > 0)

    @property
    def went(self) -> int:
        """Minutes that went, as a positive number."""
        return -sum(row.minutes for row in self.rows if row.minutes < 0)

    @property
    def closing(self) -> int:
        """What there was at the end of the last day: ``opening + came - went``."""
        return self.opening + self.came - self.went

    @property
    def months(self) -> tuple[DatedMonth, ...]:
        """The same by month, oldest first; months without an entry are left out."""
        found, opening = [], self.opening
        for month, rows in groupby(self.rows, key=lambda row: row.happened_on.replace(day=1)):
            one = DatedMonth(month=month, rows=tuple(rows), opening=opening)
            found.append(one)
            opening = one.closing
        return tuple(found)


async def dated(connection: Connection, timebank_id: int, member_id: int, first: date, last: date) -> Dated:
    """A member's entries of these days in words. The order is that of the days, not of the writing down."""
    stretch = await hours.between(connection, timebank_id, member_id, first, last, limit=MAX_LINES)
    rows = await queries.in_words(connection, timebank_id, stretch.lines, reader_id=member_id)
    return Dated(
        first=first, last=last, opening=stretch.opening, rows=_counted(rows, stretch.opening), is_cut=stretch.is_cut
    )


def _counted(rows: Sequence[EntryRow], opening: int) -> tuple[EntryRow, ...]:
    counted = []
    for row in rows:
        opening += row.minutes
        counted.append(msgspec.structs.replace(row, balance_after=opening))
    return tuple(counted)


class HoursPage(msgspec.Struct, frozen=True, kw_only=True):
    """Whole months of a member's hours, newest first, and every month there is to jump to."""

    shown: tuple[DatedMonth, ...]
    months: tuple[Month, ...]
    newer: date | None
    older: date | None


async def hours_page(connection: Connection, timebank_id: int, member_id: int, month: date | None) -> HoursPage:
    """The months up to ``month`` (None: the newest) that fill a page; a month is never torn apart."""
    months = await hours.months(connection, timebank_id, member_id)
    start = next((n for n, one in enumerate(months) if month is None or one.month <= month), len(months))
    end, entries = start, 0
    while end < len(months) and (end == start or entries + months[end].entries <= ENTRIES_ON_A_PAGE):
        entries += months[end].entries
        end += 1
    if start == end:
        return HoursPage(shown=(), months=tuple(months), newer=None, older=None)
    last = months[start].month + relativedelta(months=1) - timedelta(days=1)
    found = await dated(connection, timebank_id, member_id, months[end - 1].month, last)
    return HoursPage(
        shown=tuple(reversed(found.months)),
        months=tuple(months),
        newer=months[_page_before(months, start)].month if start else None,
        older=months[end].month if end < len(months) else None,
    )


def _page_before(months: Sequence[Month], start: int) -> int:
    """Where the page begins that ends just before ``start``."""
    first, entries = start - 1, months[start - 1].entries
    while first and entries + months[first - 1].entries <= ENTRIES_ON_A_PAGE:
        first -= 1
        entries += months[first].entries
    return first
