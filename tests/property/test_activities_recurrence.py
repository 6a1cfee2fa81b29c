"""Sessions that repeat: each exists, comes once, and is at the asked time, in any zone and across its changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from timebank.activities.recurrence import (
    MAX_SESSIONS_AT_ONCE,
    Repeat,
    check_repeat,
    moment,
    plan,
    settle,
)

# Half an hour of summer time, changes at midnight, none at all, a day left out (Apia), and far west and east.
ZONES = (
    "Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia",
    "Pacific/Chatham", "Africa/Casablanca", "America/St_Johns", "Asia/Beirut",
)  # fmt: skip
days = st.dates(date(2009, 1, 1), date(2037, 12, 31))
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
zones = st.sampled_from(ZONES)


@st.composite
def repeats(draw: st.DrawFn, first: date) -> Repeat:
    kind = draw(st.sampled_from(["weekly", "monthly_date", "monthly_weekday", "monthly_last_weekday"]))
    every = draw(st.integers(1, 6))
    if draw(st.booleans()):
        return Repeat(kind=kind, every=every, count=draw(st.integers(2, 60)))
    return Repeat(kind=kind, every=every, until=first + timedelta(days=draw(st.integers(1, 800))))


@given(st.data(), days, times, zones)
def test_every_session_exists_once_and_at_its_time(data: st.DataObject, first: date, at: time, zone: str) -> None:
    repeat = data.draw(repeats(first))
    assume(not check_repeat(repeat, first))
    found = plan(first, at, repeat, zone)
    assert 1 <= len(found.occurrences) + len(found.days_without) <= MAX_SESSIONS_AT_ONCE
    assert len({one.day for one in found.occurrences}) == len(found.occurrences)
    assert list(found.occurrences) == sorted(found.occurrences, key=lambda one: one.day)
    if repeat.count is not None:
        assert len(found.occurrences) + len(found.days_without) == repeat.count
    for one in found.occurrences:
        # What the wall clock shows at that moment is what was stored: so the time exists.
        shown = moment(one.day, one.starts_at, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        assert shown == datetime.combine(one.day, one.starts_at)
        if one.moved_from is None:
            assert one.starts_at == at
        else:
            assert one.moved_from == at
            assert one.starts_at > at
        if repeat.kind == "weekly":
            assert (one.day - first).days % (7 * repeat.every) == 0
        elif repeat.kind == "monthly_date":
            assert one.day.day == first.day
        else:
            assert one.day.weekday() == first.weekday()
        assert repeat.until is None or one.day <= repeat.until


@given(st.data(), days, times, zones)
def test_months_that_are_left_out_have_no_such_day(data: st.DataObject, first: date, at: time, zone: str) -> None:
    repeat = data.draw(repeats(first))
    assume(repeat.kind != "weekly" and not check_repeat(repeat, first))
    found = plan(first, at, repeat, zone)
    with_one = {(one.day.year, one.day.month) for one in found.occurrences} | {
        (day.year, day.month) for day in found.days_without
    }
    without = {(month.year, month.month) for month in found.months_without}
    assert not with_one & without
    last = max(with_one)
    gaps = range(first.year * 12 + first.month - 1, last[0] * 12 + last[1] - 1 + 1, repeat.every)
    assert {(n // 12, n % 12 + 1) for n in gaps} <= with_one | without


@given(days, times, zones)
def test_the_first_of_two_equal_times(day: date, at: time, zone: str) -> None:
    settled = settle(day, at, zone)
    assume(settled is not None)
    assert settled is not None
    start = moment(day, settled.starts_at, zone)
    assert start.tzinfo is UTC
    earlier = (start - timedelta(hours=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert earlier != datetime.combine(day, settled.starts_at)


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected", "moved"),
    [
        (date(2026, 3, 29), time(1, 30), "Europe/London", time(2, 30), time(1, 30)),
        (date(2026, 10, 25), time(1, 30), "Europe/London", time(1, 30), None),
        (date(2026, 3, 29), time(0, 59), "Europe/London", time(0, 59), None),
        (date(2026, 10, 4), time(2, 10), "Australia/Lord_Howe", time(2, 40), time(2, 10)),
    ],
)
def test_clock_changes(day: date, at: time, zone: str, expected: time, moved: time | None) -> None:
    found = settle(day, at, zone)
    assert found is not None
    assert (found.starts_at, found.moved_from) == (expected, moved)


def test_a_day_that_a_zone_left_out() -> None:
    assert settle(date(2011, 12, 30), time(10), "Pacific/Apia") is None
    found = plan(date(2011, 12, 23), time(10), Repeat(kind="weekly", count=3), "Pacific/Apia")
    assert [one.day for one in found.occurrences] == [date(2011, 12, 23), date(2012, 1, 6)]
    assert found.days_without == (date(2011, 12, 30),)


def test_the_31st() -> None:
    found = plan(date(2026, 1, 31), time(10), Repeat(kind="monthly_date", until=date(2026, 7, 1)), "Europe/London")
    assert [one.day for one in found.occurrences] == [date(2026, 1, 31), date(2026, 3, 31), date(2026, 5, 31)]
    assert found.months_without == (date(2026, 2, 1), date(2026, 4, 1), date(2026, 6, 1))
