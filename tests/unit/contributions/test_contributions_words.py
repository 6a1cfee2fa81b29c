"""What members are told, where hours go, and days of every length."""

import re
from datetime import UTC, date, datetime, time

import pytest

from timebank.contributions import exchanges, times, words
from timebank.contributions.words import Told

DAY = date(2026, 3, 10)
GROUP = "Tuesday lunch"


def every_message() -> list[Told]:
    return [
        *(words.added(90, to, GROUP, DAY, other="Ann") for to in ("member", "other", "pot", "none")),
        words.added(60, "none", GROUP, DAY, gives="fee"),
        words.added(600, "member", "", DAY),
        words.passed_on(60, "Ann"),
        words.used(30, "Ann", GROUP, DAY),
        words.not_yet(60, GROUP, DAY, "Which day was it?"),
        words.put_right(60, 90, GROUP, (DAY, DAY), "We misread the sheet."),
        words.put_right(180, 0, GROUP, (DAY, DAY), "", kept=90),
        words.put_right(60, 60, GROUP, (DAY, date(2026, 3, 3)), "Wrong day."),
        words.passed_on_put_right(60, 30, "Ann", "Misread.", kept=10),
        words.passed_on_put_right(60, 0, "Ann", ""),
        words.receiver_put_right(60, 30, GROUP, DAY, "Misread."),
        words.receiver_put_right(30, 60, GROUP, DAY, ""),
        words.undone(60, GROUP, DAY),
    ]


@pytest.mark.parametrize("told", every_message(), ids=lambda told: told.subject)
def test_messages_are_short_and_plain(told: Told) -> None:
    # A text message is the subject alone: others may read it, so it names no group.
    assert len(told.subject) <= 140
    assert GROUP not in told.subject
    for sentence in re.split(r"(?<=[.!?])\s+", told.body.replace("\n\n", " ")):
        assert len(sentence.split()) <= 15, sentence
    assert not re.search(r"-\d|\bnull\b|None|minus", told.body + told.subject)
    assert "  " not in told.body


def test_one_hour_was_and_two_hours_were() -> None:
    assert words.added(60, "member", GROUP, DAY).subject == "1 hour was added"
    assert words.added(120, "member", GROUP, DAY).subject == "2 hours were added"
    assert words.not_yet(1, GROUP, DAY, "x").subject == "1 minute was not added yet"


def test_a_correction_says_what_it_was_and_what_it_is() -> None:
    told = words.put_right(60, 90, GROUP, (DAY, DAY), "We misread the sheet.")
    assert "It is 1 hour 30 minutes now, not 1 hour." in told.body
    assert "We misread the sheet." in told.body
    taken = words.put_right(180, 0, GROUP, (DAY, DAY), "", kept=90)
    assert taken.subject == "3 hours were taken back"
    assert "You used 1 hour 30 minutes of it already. You keep that." in taken.body


@pytest.mark.parametrize(
    ("kind", "gives", "choice", "is_guest", "to"),
    [
        ("given", "hours", "hours", False, "member"),
        ("given", "hours", "pot", False, "pot"),
        ("given", "hours", "member", False, "other"),
        ("given", "hours", "nothing", False, "none"),
        ("exchange", "hours", "pot", False, "pot"),
        ("given", "fee", "pot", False, "none"),
        ("staff", "hours", "hours", False, "none"),
        ("given", "hours", "hours", True, "guest"),
        ("staff", "hours", "hours", True, "none"),
        ("brought_forward", "hours", "pot", False, "member"),
    ],
)
def test_where_hours_go(kind: str, gives: str, choice: str, is_guest: bool, to: str) -> None:
    assert exchanges.destination(kind, gives=gives, choice=choice, is_guest=is_guest) == to


def test_accounts_of_destinations() -> None:
    assert exchanges.target_account("member", 7, None) == "member/7"
    assert exchanges.target_account("other", 7, 8) == "member/8"
    assert exchanges.target_account("pot", 7, None) == "pot"
    assert exchanges.target_account("none", 7, None) is None
    assert exchanges.target_account("guest", None, None) is None


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/London", 23),
        (date(2026, 10, 25), "Europe/London", 25),
        (date(2026, 10, 25), "UTC", 24),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        (date.max, "Europe/London", 24),
    ],
)
def test_days_have_their_real_length(day: date, zone: str, hours: float) -> None:
    assert times.day_minutes(day, zone) == hours * 60


def test_times_overlap_as_moments_not_as_clock_times() -> None:
    zone = "Europe/London"
    # The clocks go back at 2: an hour from 0:30 ends at 1:30 the first time round.
    night = times.span(1, date(2026, 10, 25), time(0, 30), 120, zone)
    assert night is not None
    assert night.ends == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    later = times.span(2, date(2026, 10, 25), time(1, 45), 30, zone)
    assert later is not None
    assert times.overlaps([(7, later)], [(7, night)]) == {2: 1}
    assert times.overlaps([(8, later)], [(7, night)]) == {}
    assert times.span(3, DAY, None, 60, zone) is None
    assert times.span(3, DAY, time(9), 0, zone) is None


def test_one_after_the_other_is_no_overlap() -> None:
    first, second = (times.span(n, DAY, time(9 + n), 60, "UTC") for n in range(2))
    assert first is not None
    assert second is not None
    assert times.overlaps([(1, first), (1, second)], []) == {}


def test_the_days_that_matter_for_a_day() -> None:
    monday = date(2026, 3, 9)
    assert times.week_of(DAY) == monday
    assert times.days_to_look_at([monday])[0] == date(2026, 3, 8)
    assert times.days_to_look_at([monday])[-1] == date(2026, 3, 15)
    assert times.days_to_look_at([date(2026, 3, 15)])[-1] == date(2026, 3, 16)
    assert times.days_to_look_at([date.min, date.max])  # nothing overflows
