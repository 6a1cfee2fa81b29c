"""Asking the pot and deciding: nobody about their own, nobody about what they wrote."""

import pytest

from timebank.hours import pot_rules
from timebank.kit.actor import Actor

ME = Actor(timebank_id=1, member_id=7)
COORDINATOR = Actor(timebank_id=1, member_id=9, roles=frozenset({"coordinator"}))
APPROVER = Actor(timebank_id=1, member_id=10, roles=frozenset({"approver"}))
FOR_ME = Actor(timebank_id=1, member_id=9, on_behalf_of=7, acting_id=3)


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"actor": FOR_ME}, []),
        ({"actor": COORDINATOR}, []),
        ({"actor": APPROVER}, ["not_yours"]),
        ({"minutes": 0}, ["minutes_zero"]),
        ({"minutes": 600}, []),
        ({"minutes": 601}, ["minutes_too_many"]),
        ({"what_for": "x" * 301}, ["what_for_too_long"]),
    ],
)
def test_what_stands_in_the_way_of_asking(facts: dict, codes: list[str]) -> None:
    defaults = {"actor": ME, "member_id": 7, "minutes": 60, "what_for": "", "most": 600}
    asked = {**defaults, **facts}
    found = pot_rules.check_ask(asked.pop("actor"), **asked)
    assert [one.code for one in found] == codes


@pytest.mark.parametrize(
    ("is_one_waiting", "asked", "codes"),
    [(False, 0, []), (True, 0, ["ask_waiting"]), (False, 5, []), (False, 6, ["asked_often"])],
)
def test_one_at_a_time_and_not_too_often(is_one_waiting: bool, asked: int, codes: list[str]) -> None:
    found = pot_rules.check_room(is_one_waiting=is_one_waiting, asked_this_year=asked, most_per_year=6)
    assert [one.code for one in found] == codes


@pytest.mark.parametrize(
    ("actor", "member_id", "asked_by", "codes"),
    [
        (COORDINATOR, 7, 7, []),
        (APPROVER, 7, 7, []),
        (ME, 8, 8, ["not_allowed"]),
        (FOR_ME, 8, 8, ["not_allowed"]),
        (COORDINATOR, 9, 9, ["own_ask"]),
        (COORDINATOR, 9, 10, ["own_ask"]),
        (COORDINATOR, 7, 9, ["own_writing"]),
    ],
)
def test_who_decides(actor: Actor, member_id: int, asked_by: int, codes: list[str]) -> None:
    assert [one.code for one in pot_rules.check_decider(actor, member_id=member_id, asked_by=asked_by)] == codes


@pytest.mark.parametrize(
    ("given", "reason", "codes"),
    [
        (60, "", []),
        (30, "", ["reason_missing"]),
        (30, "All there is.", []),
        (0, "", ["reason_missing"]),
        (61, "x", ["minutes_too_many"]),
        (-1, "x", ["minutes_too_many"]),
        (60, "x" * 501, ["reason_too_long"]),
    ],
)
def test_a_no_or_less_needs_a_reason(given: int, reason: str, codes: list[str]) -> None:
    found = pot_rules.check_decision(given_minutes=given, asked_minutes=60, reason=reason)
    assert [one.code for one in found] == codes
