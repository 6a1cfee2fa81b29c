"""Rules of gifts, and the accounts behind them."""

from datetime import date

import pytest

from timebank.hours import rules
from timebank.kit.actor import Actor

ME = Actor(timebank_id=1, member_id=7)
COORDINATOR = Actor(timebank_id=1, member_id=9, roles=frozenset({"coordinator"}))
KNOWN = frozenset({7, 8, 9})


def gift(actor: Actor = ME, **facts: object) -> list[str]:
    defaults = {"from_member_id": 7, "to_member_id": 8, "minutes": 30, "known": KNOWN}
    return [refusal.code for refusal in rules.check_gift(actor, **{**defaults, **facts})]


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"to_member_id": None}, []),
        ({"to_member_id": 7}, ["to_yourself"]),
        ({"to_member_id": 99}, ["unknown_member"]),
        ({"from_member_id": 8, "to_member_id": 9}, ["not_yours"]),
        ({"from_member_id": 99, "actor": COORDINATOR}, ["unknown_member"]),
        ({"actor": COORDINATOR}, []),
        ({"actor": COORDINATOR, "to_member_id": 9}, ["nobody_gains_for_another"]),
        ({"actor": COORDINATOR, "from_member_id": 9}, []),
        ({"minutes": 0}, ["minutes_zero"]),
        ({"minutes": -1}, ["minutes_zero"]),
        ({"minutes": 60_000}, []),
        ({"minutes": 60_001}, ["minutes_too_many"]),
        ({"to_member_id": 7, "minutes": 0}, ["to_yourself", "minutes_zero"]),
    ],
)
def test_what_stands_in_the_way_of_a_gift(facts: dict, codes: list[str]) -> None:
    assert gift(**facts) == codes


@pytest.mark.parametrize(
    ("available", "minutes", "have", "more"),
    [(90, 100, "1 hour 30 minutes", "10 minutes"), (0, 60, "no time", "1 hour"), (-30, 60, "no time", "1 hour")],
)
def test_not_enough_says_what_there_is(available: int, minutes: int, have: str, more: str) -> None:
    message = rules.not_enough(available, minutes).message
    assert f"There is {have} to give" in message
    assert more in message


def test_a_gift_is_one_balanced_entry_without_names() -> None:
    entry = rules.gift_entry(
        key="k", from_member_id=7, to_member_id=None, minutes=30, effective_on=date(2026, 3, 10), actor=ME
    )
    assert [(leg.account, leg.amount) for leg in entry.legs] == [("member/7", -30), ("pot", 30)]
    assert (entry.kind, entry.unit, dict(entry.meta)) == ("gift", "MIN", {})


@pytest.mark.parametrize(
    ("account", "member_id"),
    [
        ("member/12", 12),
        ("pot", None),
        ("spent/training", None),
        ("member/", None),
        ("member/x", None),
        ("system", None),
    ],
)
def test_whose_account_it_is(account: str, member_id: int | None) -> None:
    assert rules.member_in(account) == member_id
