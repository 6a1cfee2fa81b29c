"""Rates by table: which one holds on a day, what minutes are worth, and when a rate may begin."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.rates import rules
from timebank.rates.rules import RateFacts

TODAY = date(2026, 3, 10)
FINANCES = Actor(timebank_id=1, member_id=7, roles=frozenset({FINANCE}))


def rate(**changed: Any) -> RateFacts:
    """Twelve pounds an hour since January."""
    fields = {
        "id": 1,
        "kind": "fee",
        "band": "",
        "fund_id": None,
        "version": 1,
        "pence": 1200,
        "unit": "hour",
        "from_on": date(2026, 1, 1),
        "to_on": None,
        "note": "",
        "state": "in_use",
        "proposed_by": 1,
        "proposed_at": datetime(2026, 1, 1, tzinfo=UTC),
        "decided_by": 2,
        "decided_at": datetime(2026, 1, 1, tzinfo=UTC),
        "why": "",
    }
    return RateFacts(**fields | changed)


@pytest.mark.parametrize(
    ("pence", "minutes", "worth", "is_rounded"),
    [
        (1200, 60, 1200, False),
        (1200, 90, 1800, False),
        (1200, 1, 20, False),
        (1250, 1, 21, True),  # 20.83
        (1230, 1, 21, True),  # 20.50: half goes up
        (1229, 1, 20, True),  # 20.48
        (1145, 100, 1908, True),  # 1908.33
        (1, 29, 0, True),
        (1, 30, 1, True),
        (999, 720, 11988, False),
    ],
)
def test_minutes_are_exact_and_rounded_once(pence: int, minutes: int, worth: int, is_rounded: bool) -> None:
    one = rate(pence=pence)
    assert (rules.amount(one, minutes), rules.is_rounded(one, minutes)) == (worth, is_rounded)


@pytest.mark.parametrize("minutes", [1, 60, 300])
def test_a_session_counts_once_however_long(minutes: int) -> None:
    assert rules.amount(rate(unit="session", pence=7500), minutes) == 7500


@pytest.mark.parametrize(
    ("band", "fund_id", "day", "found"),
    [
        ("", None, TODAY, 1),
        ("anything", None, TODAY, 1),
        ("Adviser", None, TODAY, 2),
        ("ADVISER", None, TODAY, 2),
        ("Adviser", 5, TODAY, 4),
        ("Adviser", 6, TODAY, 2),
        ("", 5, TODAY, 3),
        ("Adviser", None, date(2025, 12, 31), None),
        ("Chair", None, date(2026, 2, 28), 5),
        ("Chair", None, date(2026, 3, 1), 6),
        ("Trial", None, TODAY, 1),  # only proposed
    ],
)
def test_the_most_exact_rate_of_the_day_holds(band: str, fund_id: int | None, day: date, found: int | None) -> None:
    rates = [
        rate(),
        rate(id=2, band="Adviser"),
        rate(id=3, fund_id=5),
        rate(id=4, band="Adviser", fund_id=5),
        rate(id=5, band="Chair", to_on=date(2026, 2, 28)),
        rate(id=6, band="Chair", from_on=date(2026, 3, 1), version=2),
        rate(id=7, band="Trial", state="proposed", version=None),
        rate(id=8, kind="carer"),
    ]
    best = rules.best(rates, "fee", band, fund_id, day)
    assert (best and best.id) == found


@pytest.mark.parametrize(
    ("band", "fund_id", "from_on", "code"),
    [
        ("", None, TODAY, None),
        ("", None, date(2026, 1, 1), "rate_exists"),
        ("", None, date(2026, 3, 9), "past_is_closed"),
        ("", None, date(2025, 6, 1), "past_is_closed"),
        ("Adviser", None, date(2026, 2, 1), "past_is_closed"),  # the rate for all held
        ("", 5, date(2026, 2, 1), "past_is_closed"),
        ("Adviser", None, date(2026, 4, 1), None),
    ],
)
def test_the_past_never_changes(band: str, fund_id: int | None, from_on: date, code: str | None) -> None:
    refusals = rules.check_days([rate()], band=band, fund_id=fund_id, from_on=from_on, today=TODAY)
    assert [one.code for one in refusals] == ([code] if code else [])


def test_the_first_rate_may_begin_in_the_past() -> None:
    narrow = rate(band="Adviser")
    past = date(2025, 4, 6)
    assert rules.check_days([], band="", fund_id=None, from_on=past, today=TODAY) == []
    assert rules.check_days([narrow], band="", fund_id=None, from_on=past, today=TODAY) == []
    assert rules.check_days([narrow], band="Chair", fund_id=None, from_on=past, today=TODAY) == []


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({}, []),
        ({"kind": "wage"}, ["kind_unknown"]),
        ({"unit": "mile"}, ["unit_unknown"]),
        ({"kind": "mileage", "unit": "mile"}, []),
        ({"pence": 0}, ["bad_pence"]),
        ({"pence": 1_000_001}, ["bad_pence"]),
        ({"band": "x" * 41, "note": "x" * 201, "fund_id": 0}, ["band_too_long", "note_too_long", "unknown_fund"]),
    ],
)
def test_what_a_rate_may_be(changed: dict[str, Any], codes: list[str]) -> None:
    fields = {"kind": "fee", "band": "", "pence": 1200, "unit": "hour", "note": "", "fund_id": None}
    assert [one.code for one in rules.check_proposal(FINANCES, **fields | changed)] == codes


@pytest.mark.parametrize(
    ("roles", "allowed"), [((), False), ((COORDINATOR,), False), ((FINANCE,), True), ((ADMIN,), True)]
)
def test_who_sets_rates(roles: tuple[str, ...], allowed: bool) -> None:
    actor = Actor(timebank_id=1, member_id=7, roles=frozenset(roles))
    assert (rules.may_set(actor) is None) == allowed
    assert rules.may_set(Actor(timebank_id=1, member_id=None, roles=frozenset({FINANCE}))) is not None
