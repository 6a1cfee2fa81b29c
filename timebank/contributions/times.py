"""Days and hours on the wall clock of a time bank: how long a day is, and which times of one person overlap. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """When somebody was there, as moments in UTC; ``n`` says which line or entry it was."""

    n: int
    starts: datetime
    ends: datetime


def day_minutes(day: date, time_zone: str) -> int:
    """How many minutes the day really has: 1440, or an hour less or more when the clocks change."""
    if day >= date.max:
        return 24 * 60
    zone = ZoneInfo(time_zone)
    begins, ends = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + ONE_DAY))
    return (ends - begins) // MINUTE


def span(n: int, day: date, starts_at: time | None, minutes: int, time_zone: str) -> Span | None:
    """The moments from ``starts_at`` on that day for ``minutes``; None when no time is known or none passed.

    A time that the clocks left out counts as the moment that it would have been.
    """
    if starts_at is None or minutes <= 0 or not date.min < day < date.max:
        return None
    starts = datetime.combine(day, starts_at, ZoneInfo(time_zone)).astimezone(UTC)
    return Span(n, starts, starts + minutes * MINUTE)


def overlaps(asked: Sequence[tuple[int, Span]], others: Iterable[tuple[int, Span]]) -> dict[int, int]:
    """For each span asked about (by its ``n``) the ``n`` of another span of the same person that it overlaps.

    ``asked`` are compared with ``others`` and with those of ``asked`` that stand before them; each comes with whoever
    it is about.
    """
    by_person: dict[int, list[Span]] = defaultdict(list)
    for who, other in others:
        by_person[who].append(other)
    found: dict[int, int] = {}
    for who, one in asked:
        for other in by_person[who]:
            if one.starts < other.ends and other.starts < one.ends:
                found[one.n] = other.n
                break
        by_person[who].append(one)
    return found


def week_of(day: date) -> date:
    """The Monday on or before a day (the first day there is, at the beginning of time)."""
    try:
        return day - timedelta(days=day.weekday())
    except OverflowError:
        return date.min


def days_to_look_at(days: Iterable[date]) -> list[date]:
    """The days whose entries matter for entries on these: their weeks, and the day before and after each."""
    wanted: set[date] = set()
    for day in set(days):
        first = week_of(day)
        for shift in (*range(7), (day - first).days - 1, (day - first).days + 1):
            try:
                wanted.add(first + timedelta(days=shift))
            except OverflowError:
                continue
    return sorted(wanted)
