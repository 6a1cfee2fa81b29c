"""When sessions take place: one day or many, by the wall clock of the time bank. Pure.

A day or a time can be missing: short months have no 31st, some months no fifth Tuesday, and the clock change in spring
leaves an hour out. Nothing of that is passed over in silence: a :class:`Plan` says what it moved and what it left out.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday

from timebank.kit import dates
from timebank.kit.refusal import Refusal

MAX_SESSIONS_AT_ONCE = 120
MAX_EVERY = 26
MIN_COUNT = 2

Kind = Literal["weekly", "monthly_date", "monthly_weekday", "monthly_last_weekday"]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PLACES = ("first", "second", "third", "fourth", "fifth")


class Repeat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sessions repeat: ``every`` so many weeks or months, ``until`` a day (included) or ``count`` times in all.

    ``monthly_date`` keeps the day of the month, ``monthly_weekday`` the place of the weekday in the month (second
    Tuesday), ``monthly_last_weekday`` the last such weekday.
    """

    kind: Kind
    every: int = 1
    until: date | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One day and time on the wall clock. ``moved_from``: the time asked for, where the clock change leaves it out."""

    day: date
    starts_at: time
    moved_from: time | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The sessions a rule gives, in order; the first days of months without such a day; days without such a time."""

    occurrences: tuple[Occurrence, ...]
    months_without: tuple[date, ...] = ()
    days_without: tuple[date, ...] = ()


def settle(day: date, starts_at: time, time_zone: str) -> Occurrence | None:
    """The day and time as the wall clock shows them; a time that a clock change leaves out moves forward by the change.

    None when the day has neither (it was left out whole, or the time would fall on the next day). A time that comes
    twice is the first of the two.
    """
    zone = ZoneInfo(time_zone)
    asked = datetime.combine(day, starts_at)
    there = asked.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    if there.date() != day:
        return None
    return Occurrence(day, there.time(), None if there == asked else starts_at)


def moment(day: date, starts_at: time, time_zone: str) -> datetime:
    """The moment, in UTC, at which the zone's wall clock shows this day and time; the first, if it comes twice."""
    return datetime.combine(day, starts_at, ZoneInfo(time_zone)).astimezone(UTC)


def check_repeat(repeat: Repeat, first: date) -> list[Refusal]:
    """What stands in the way of repeating like this."""
    refusals = []
    if not 1 <= repeat.every <= MAX_EVERY:
        refusals.append(Refusal("bad_every", f"Repeat every 1 to {MAX_EVERY} weeks or months.", "every"))
    if (repeat.until is None) == (repeat.count is None):
        message = "Say when it ends: a last day, or how many sessions, and only one of the two."
        refusals.append(Refusal("end_missing", message, "until"))
    if repeat.until is not None and repeat.until <= first:
        refusals.append(Refusal("until_too_early", "The last day must come after the first session.", "until"))
    if repeat.count is not None and not MIN_COUNT <= repeat.count <= MAX_SESSIONS_AT_ONCE:
        message = f"Plan between {MIN_COUNT} and {MAX_SESSIONS_AT_ONCE} sessions at once."
        refusals.append(Refusal("bad_count", message, "count"))
    if repeat.kind == "monthly_last_weekday" and first.day + 7 <= calendar.monthrange(first.year, first.month)[1]:
        message = f"{dates.in_words(first)} is not the last {_DAYS[first.weekday()]} of its month. Check the first day."
        refusals.append(Refusal("not_the_last", message, "day"))
    if not refusals and len(_days(repeat, first, MAX_SESSIONS_AT_ONCE + 1)) > MAX_SESSIONS_AT_ONCE:
        message = f"That is more than {MAX_SESSIONS_AT_ONCE} sessions. Choose an earlier last day; plan the rest later."
        refusals.append(Refusal("too_many_sessions", message, "until"))
    return refusals


def plan(first: date, starts_at: time, repeat: Repeat | None, time_zone: str) -> Plan:
    """Every session from ``first`` on; ``repeat`` must have passed :func:`check_repeat`."""
    days = [first] if repeat is None else _days(repeat, first, MAX_SESSIONS_AT_ONCE)
    settled = [(day, settle(day, starts_at, time_zone)) for day in days]
    months = () if repeat is None or repeat.kind == "weekly" else tuple(_months_without(repeat, first, days))
    return Plan(
        tuple(one for _, one in settled if one is not None),
        months_without=months,
        days_without=tuple(day for day, one in settled if one is None),
    )


def rule_text(repeat: Repeat, first: date) -> str:
    """The rule as RFC 5545 writes it: ``FREQ=WEEKLY;INTERVAL=2;UNTIL=20260630T235959``."""
    return str(_rule(repeat, first)).rpartition("RRULE:")[2]


def in_words(repeat: Repeat, first: date) -> str:
    """``Every 2 weeks on Tuesday``, ``Every month on the second Tuesday``, ``Every 3 months on the 31st``."""
    unit = "week" if repeat.kind == "weekly" else "month"
    every = f"Every {unit}" if repeat.every == 1 else f"Every {repeat.every} {unit}s"
    weekday_name = _DAYS[first.weekday()]
    where = {
        "weekly": weekday_name,
        "monthly_date": f"the {_ordinal(first.day)}",
        "monthly_weekday": f"the {_PLACES[(first.day - 1) // 7]} {weekday_name}",
        "monthly_last_weekday": f"the last {weekday_name}",
    }
    return f"{every} on {where[repeat.kind]}"


def _rule(repeat: Repeat, first: date) -> rrule:
    place = -1 if repeat.kind == "monthly_last_weekday" else (first.day - 1) // 7 + 1
    by: dict[str, object] = {}
    if repeat.kind == "monthly_date":
        by = {"bymonthday": first.day}
    elif repeat.kind != "weekly":
        by = {"byweekday": weekday(first.weekday(), place)}
    end = None if repeat.until is None else datetime.combine(repeat.until, time(23, 59, 59))
    return rrule(
        WEEKLY if repeat.kind == "weekly" else MONTHLY,
        dtstart=datetime.combine(first, time()),
        interval=repeat.every,
        until=end,
        count=repeat.count,
        **by,
    )


def _days(repeat: Repeat, first: date, limit: int) -> list[date]:
    found = (one.date() for one in islice(_rule(repeat, first), limit))
    return [day for day in found if day <= dates.LAST_DAY]


def _months_without(repeat: Repeat, first: date, days: list[date]) -> Iterator[date]:
    last = repeat.until or days[-1]
    place = (first.day - 1) // 7
    month = first.replace(day=1)
    while month <= last:
        length = calendar.monthrange(month.year, month.month)[1]
        nth = 1 + (first.weekday() - month.weekday()) % 7 + 7 * place
        if length < (first.day if repeat.kind == "monthly_date" else nth) and repeat.kind != "monthly_last_weekday":
            yield month
        for _ in range(repeat.every):
            month = (month + timedelta(days=31)).replace(day=1)


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
