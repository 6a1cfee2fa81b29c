"""Which days a statement is for, and the code on a printed one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.kit.ids import ALPHABET
from timebank.kit.refusal import Refusal
from timebank.statements import rules

TODAY = date(2026, 3, 31)
letters = st.text(ALPHABET, min_size=15, max_size=15)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("this_month", date(2026, 3, 1), TODAY),
        ("last_month", date(2026, 2, 1), date(2026, 2, 28)),
        ("three_months", date(2026, 1, 1), TODAY),
        ("year", date(2025, 4, 1), TODAY),
        ("nonsense", date(2026, 1, 1), TODAY),
    ],
)
def test_the_days_behind_a_name(name: str, first: date, last: date) -> None:
    assert rules.period(name, TODAY) == (first, last)


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)), st.sampled_from([name for name, _ in rules.PERIODS]))
def test_every_period_is_one_that_may_be_shown(today: date, name: str) -> None:
    found = rules.period(name, today)
    assert rules.check_period(*found) == []
    assert found.last <= today


def test_days_that_make_no_statement() -> None:
    assert [one.code for one in rules.check_period(TODAY, TODAY - timedelta(days=1))] == ["ends_before_it_begins"]
    assert [one.code for one in rules.check_period(date(2000, 1, 1), TODAY)] == ["too_many_days"]
    assert rules.check_period(TODAY, TODAY) == []


def test_codes_differ_and_are_read_back_however_they_are_typed() -> None:
    codes = {rules.new_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        spoken = code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
        assert rules.read_code(spoken) == code
        assert rules.read_code(code.replace("-", "")) == code


@given(letters, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_one_wrong_letter_is_always_noticed(text: str, place: int, other: str) -> None:
    code = text + rules.check_character(text)
    assert rules.read_code(code) == rules.shown_code(code)
    wrong = code[:place] + other + code[place + 1 :]
    if other != code[place]:
        assert isinstance(rules.read_code(wrong), Refusal)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("", "code_missing"), ("  ", "code_missing"), ("7Q2M", "code_mistyped"), ("x" * 10_000, "code_mistyped"),
     ("UUUU-UUUU-UUUU-UUUU", "code_mistyped"), ("²²²²-½½½½-①①①①-ⅣⅣⅣⅣ", "code_mistyped")],
)  # fmt: skip
def test_what_is_no_code(typed: str, code: str) -> None:
    found = rules.read_code(typed)
    assert isinstance(found, Refusal)
    assert (found.code, found.field) == (code, "code")
