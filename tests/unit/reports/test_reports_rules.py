"""Which hours were used for what, what outstanding hours would cost, tax years and small numbers."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.reports import rules
from timebank.reports.asked import Asked
from timebank.reports.making import Report, as_csv
from timebank.reports.queries import FeesLine
from timebank.reports.rules import Movement, Share, Used

FEES = (("all", 12, 2400), ("none", 9, 0))


def movements(*minutes: int) -> list[Movement]:
    return [Movement(entry_id=UUID(int=n), minutes=one) for n, one in enumerate(minutes, start=1)]


def share(came_from: int, went_to: int, minutes: int) -> Share:
    return Share(came_from=UUID(int=came_from), went_to=UUID(int=went_to), minutes=minutes)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ((60,), []),
        ((60, -60), [share(1, 2, 60)]),
        ((60, 30, -75), [share(1, 3, 60), share(2, 3, 15)]),
        ((60, -15, -15, 30, -60), [share(1, 2, 15), share(1, 3, 15), share(1, 5, 30), share(4, 5, 30)]),
        ((-30, 60, -30), [share(2, 3, 30)]),  # the first half hour was owed, and paid back by what came next
        ((), []),
    ],
)
def test_what_came_first_is_used_first(minutes: tuple[int, ...], expected: list[Share]) -> None:
    assert rules.shares(movements(*minutes)) == expected


@given(st.lists(st.integers(-500, 500).filter(bool), max_size=40))
def test_shares_never_use_more_than_came_and_never_the_same_minute_twice(minutes: list[int]) -> None:
    them = movements(*minutes)
    found = rules.shares(them)
    order = {one.entry_id: n for n, one in enumerate(them)}
    for one in them:
        used = sum(each.minutes for each in found if each.came_from == one.entry_id)
        took = sum(each.minutes for each in found if each.went_to == one.entry_id)
        assert 0 <= used <= max(one.minutes, 0)
        assert 0 <= took <= max(-one.minutes, 0)
    assert all(order[each.came_from] < order[each.went_to] and each.minutes > 0 for each in found)
    lowest = min([0, *(sum(minutes[: n + 1]) for n in range(len(minutes)))])
    if lowest == 0:  # who never went below zero used only what had come
        assert sum(each.minutes for each in found) == -sum(one for one in minutes if one < 0)


def test_outstanding_hours_follow_what_hours_are_used_for() -> None:
    used = [Used(kind="voucher", minutes=300, pence=5000), Used(kind="peer_support", minutes=100, pence=0)]
    found = rules.forecast(1000, used)
    assert [(one.kind, one.minutes, one.pence) for one in found] == [("voucher", 750, 12500), ("peer_support", 250, 0)]
    assert rules.forecast(1000, []) == []
    assert rules.forecast(0, used) == []
    assert rules.forecast(-5, used) == []


@given(st.integers(1, 10**7), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**8)), max_size=6))
def test_a_forecast_loses_no_minute(outstanding: int, uses: list[tuple[int, int]]) -> None:
    used = [Used(kind=str(n), minutes=minutes, pence=pence) for n, (minutes, pence) in enumerate(uses)]
    found = rules.forecast(outstanding, used)
    assert sum(one.minutes for one in found) == (outstanding if any(minutes for minutes, _ in uses) else 0)


@pytest.mark.parametrize(
    ("day", "begins", "words"),
    [
        (date(2026, 4, 5), date(2025, 4, 6), "2025 to 2026"),
        (date(2026, 4, 6), date(2026, 4, 6), "2026 to 2027"),
        (date(2026, 12, 31), date(2026, 4, 6), "2026 to 2027"),
    ],
)
def test_tax_years_of_the_united_kingdom(day: date, begins: date, words: str) -> None:
    assert rules.tax_year(day, month=4, first_day=6) == begins
    assert rules.tax_year_words(begins) == words
    assert rules.tax_year(rules.next_tax_year(begins), month=4, first_day=6) == rules.next_tax_year(begins)


def test_a_tax_year_can_be_the_calendar_year() -> None:
    assert rules.tax_year(date(2026, 5, 1), month=1, first_day=1) == date(2026, 1, 1)
    assert rules.tax_year_words(date(2026, 1, 1)) == "2026"


def test_months_and_small_numbers() -> None:
    assert rules.months(date(2026, 11, 30), date(2027, 1, 1)) == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
    ]
    assert [rules.people_words(n) for n in (0, 1, 9, 10)] == ["none", "fewer than 10", "fewer than 10", "10"]


def test_a_spreadsheet_for_a_funder_shows_no_small_numbers() -> None:
    fees = [FeesLine(how=how, fees=fees, offered_pence=100, pence=pence) for how, fees, pence in FEES]
    wanted = Asked(first=date(2026, 3, 1), last=date(2026, 3, 31))
    report = Report(
        asked=wanted,
        currency="GBP",
        people=3,
        hours=[],
        money=[],
        days_to_pay=[],
        fees=fees,
        outstanding=0,
        exposures=[],
    )
    lines = as_csv(report).splitlines()
    assert lines[1].endswith("Taken,,,,,,12,24.00,")
    assert lines[2].endswith("Declined,,,,,,fewer than 10,,")
