"""Whatever a file holds: it is read or refused, never a crash, and what was written comes back exactly."""

from datetime import date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from timebank.imports.formats import FORMATS, ReadFile, read
from timebank.imports.formats.amounts import read_day, read_minutes
from timebank.imports.people import MemberFacts
from timebank.imports.plan import Facts
from timebank.imports.planning import make_plan
from timebank.imports.rules import Answers, exactly, rounded
from timebank.kit import csv
from timebank.kit.refusal import Refusal

formats = st.sampled_from(FORMATS)
ZONE = ZoneInfo("Europe/London")
ADA = MemberFacts(1, 1, "Ada Example", "ada@example.org", "active", 60, has_entries=True)
FACTS = Facts(date(2026, 3, 10), ZONE, [ADA], {"7": 1}, frozenset(), 0, 18)
answers = st.builds(
    Answers,
    unit=st.sampled_from(["", "seconds", "minutes", "hours"]),
    rounding=st.sampled_from(["", "half_even", "down", "up", "leave_out"]),
    day=st.none() | st.dates(date(2001, 1, 1), date(2025, 1, 1)),
    unknown=st.sampled_from(["", "add", "leave_out"]),
    contacts=st.sampled_from(["", "leave_out", "refuse"]),
    difference=st.sampled_from(["", "enter", "leave_out"]),
    rest=st.sampled_from(["", "leave_out"]),
)
cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["1", "7", "Member", "organization", "3600", "-90", "1:30", "1,5", "2016-04-12 17:30:00 UTC",
                     "12/04/2016", "Ada Example", "ada@example.org", "", "0", "=1+1"]),
)  # fmt: skip


def check(wanted: Any, file: ReadFile, given_answers: Answers) -> None:
    plan = make_plan(wanted, file, FACTS, given_answers)
    steps = sorted(one.step for one in plan.lines if one.step)
    assert steps == list(range(1, len(plan.of("ready")) + 1))
    assert len({one.key for one in plan.of("ready")}) == len(steps), "each has a key of its own"
    for one in plan.lines:
        assert (one.state == "ready") == (one.step is not None)
        assert one.why or one.state in ("ready", "there")
        if one.state == "ready" and one.kind != "member":
            assert one.minutes is not None
            assert one.minutes > 0
            assert one.payer != one.payee
            assert one.happened_on is not None
            assert one.happened_on <= FACTS.today
    if given_answers.rest and not file.missing:
        assert not plan.is_open
        assert not plan.of("undecided")
    if plan.of("undecided"):
        assert plan.is_open


@given(wanted=formats, data=st.binary(max_size=300) | st.text(max_size=300).map(str.encode), given_answers=answers)
def test_any_bytes_are_read_or_refused(wanted: Any, data: bytes, given_answers: Answers) -> None:
    file = read(wanted, data)
    assert isinstance(file, ReadFile | Refusal)
    if isinstance(file, ReadFile):
        check(wanted, file, given_answers)


@given(
    wanted=formats,
    rows=st.lists(st.lists(cells, min_size=1, max_size=10), min_size=1, max_size=8),
    given_answers=answers,
)
def test_any_cells_make_a_plan(wanted: Any, rows: list[list[str]], given_answers: Answers) -> None:
    file = read(wanted, csv.write(rows).encode("utf-8", "replace"))
    if isinstance(file, ReadFile):
        check(wanted, file, given_answers)


@given(text=st.text(max_size=45), unit=st.sampled_from(["", "seconds", "minutes", "hours"]))
def test_any_text_is_time_or_refused(text: str, unit: Any) -> None:
    assert isinstance(read_minutes(text, unit), Fraction | Refusal)
    assert isinstance(read_day(text, ZONE), date | Refusal)


@given(seconds=st.integers(-10_000_000, 10_000_000))
def test_seconds_come_back_exactly(seconds: int) -> None:
    found = read_minutes(str(seconds), "seconds")
    assert found == Fraction(seconds, 60)
    assert exactly(Fraction(seconds, 60)).startswith("minus ") == (seconds < 0)


@given(minutes=st.integers(0, 100_000))
def test_hours_and_minutes_come_back(minutes: int) -> None:
    assert read_minutes(f"{minutes // 60}:{minutes % 60:02}", "") == minutes


@given(seconds=st.integers(-100_000, 100_000), rule=st.sampled_from(["half_even", "down", "up"]))
def test_rounding_moves_by_less_than_a_minute(seconds: int, rule: Any) -> None:
    exact = Fraction(seconds, 60)
    whole = rounded(exact, rule)
    assert abs(exact - whole) < 1
    if rule == "half_even":
        assert abs(exact - whole) <= Fraction(1, 2)
