"""What entries are called, and what counts as given and as used."""

from datetime import date

import pytest

from timebank.home.rules import change_words, day_in_words, gave_and_used, without_day


@pytest.mark.parametrize(
    ("kind", "minutes", "words"),
    [
        ("contribution", 60, "You gave"),
        ("contribution_undone", -60, "Taken back"),
        ("booking_fulfilled", -60, "You used"),
        ("booking_fulfilled", 60, "You gave"),
        ("booking_refunded", 60, "You got back"),
        ("booking_refunded", -60, "Taken back"),
        ("gift", 60, "You were given"),
        ("gift", -60, "You passed on"),
        ("opening", 60, "You brought"),
        ("exchange", 60, "You gave"),
        ("exchange", -60, "You used"),
        ("exchange_undone", 60, "You got back"),
        ("contribution_passed_on", 60, "You were given"),
        ("contribution_corrected", 15, "Added"),
        ("query_put_right", -15, "Taken back"),
        ("imported", -60, "You used"),
        ("imported_balance", 60, "You brought"),
    ],
)
def test_what_stands_before_the_hours(kind: str, minutes: int, words: str) -> None:
    assert change_words(kind, minutes) == words


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ([], (0, 0)),
        ([("contribution", 120, 0), ("booking_fulfilled", 0, 60)], (120, 60)),
        ([("contribution", 120, 0), ("contribution_undone", 0, 60)], (60, 0)),
        ([("booking_fulfilled", 30, 90), ("booking_refunded", 90, 0)], (30, 0)),
        ([("booking_fulfilled", 30, 0), ("booking_refunded", 0, 30)], (0, 0)),
        ([("gift", 60, 30), ("opening", 500, 0)], (0, 0)),
        ([("booking_refunded", 60, 0)], (0, 0)),
        ([("exchange", 120, 60), ("exchange_undone", 60, 30)], (90, 0)),
        ([("contribution_passed_on", 60, 0), ("imported_balance", 600, 0), ("query_put_right", 5, 0)], (0, 0)),
    ],
)
def test_given_and_used_are_net_and_never_below_zero(moved: list, expected: tuple[int, int]) -> None:
    assert tuple(gave_and_used(moved)) == expected


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 3, 10), "Today"),
        (date(2026, 3, 9), "Yesterday"),
        (date(2026, 3, 3), "Tuesday 3 March"),
        (date(2026, 3, 11), "Wednesday 11 March"),
        (date(2025, 12, 31), "Wednesday 31 December 2025"),
    ],
)
def test_days_as_people_say_them(day: date, words: str) -> None:
    assert day_in_words(day, date(2026, 3, 10)) == words


@pytest.mark.parametrize(
    ("detail", "expected"),
    [("3 March 2026", ""), ("washing up, 3 March 2026", "washing up"), ("washing up, 4 March 2026",) * 2, ("", "")],
)
def test_a_day_is_not_said_twice(detail: str, expected: str) -> None:
    assert without_day(detail, date(2026, 3, 3)) == expected
