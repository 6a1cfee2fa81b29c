"""Rules of gifts, and the accounts behind them."""

from datetime import date

import pytest

from timebank.hours import rules
from timebank.kit.actor import Actor

ME = Actor(timebank_id=1, member_id=7)
COORDINATOR = Actor(timebank_id=1, member_id=9, roles=frozenset({"coordinator"}))
KNOWN = frozenset({7, 8, 9})


def gift(actor: Actor = ME, **facts: object) -> list[str]:
    defaults = {"from_member_id": 7, "to_member_id": 8, "minutes": 30, "most": 1200, "known": KNOWN}
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
        ({"minutes": 1200}, []),
        ({"minutes": 1201}, ["minutes_too_many"]),
        ({"to_member_id": 7, "minutes": 0}, ["to_yourself", "minutes_zero"]),
    ],
)
def test_what_stands_in_the_way_of_a_gift(facts: dict, codes: list[str]) -> None:
    assert gift(**facts) == codes


def test_not_enough_says_what_there_is_and_what_is_missing() -> None:
    message = rules.not_enough(90, 100).message
    assert message == "You can give up to 1 hour 30 minutes now. That is 10 minutes less than you want."


@pytest.mark.parametrize("available", [0, -30])
def test_with_nothing_to_give_no_number_is_said(available: int) -> None:
    message = rules.not_enough(available, 60).message
    assert message.startswith("There are no hours free to give just now.")
    assert not any(character.isdigit() for character in message)


def test_a_note_has_a_limit() -> None:
    assert rules.check_note("é" * 200) == []
    assert [one.code for one in rules.check_note("é" * 201)] == ["note_too_long"]


def test_a_gift_is_one_balanced_entry_without_names() -> None:
    entry = rules.gift_entry(
        key="k",
        from_member_id=7,
        to_member_id=None,
        minutes=30,
        effective_on=date(2026, 3, 10),
        rules_version=3,
        actor=ME,
    )
    assert [(leg.account, leg.amount) for leg in entry.legs] == [("member/7", -30), ("pot", 30)]
    assert (entry.kind, entry.unit, dict(entry.meta)) == ("gift", "MIN", {"rules": 3})


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
