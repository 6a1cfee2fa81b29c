"""What may be claimed, to the penny, and who may decide."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.banks.rules import Rules
from timebank.claims import access_rules, rules
from timebank.claims.access_rules import AccessFacts
from timebank.claims.entries import given_entry, settled_entry
from timebank.claims.rules import ClaimFacts, NewLine
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

ON = date(2026, 3, 10)
RULES = Rules()
COORDINATOR = Actor(timebank_id=1, member_id=9, roles=frozenset({"coordinator"}))


def codes(refusals: list[Refusal]) -> list[str]:
    return [refusal.code for refusal in refusals]


def checked(rate: int | None = None, in_force: Rules = RULES, **line: Any) -> list[str]:
    fields: dict[str, Any] = {"kind": "bus", "day": ON, "pence": 420, "no_receipt_why": "The driver gave none"}
    return codes(rules.check_line(NewLine(**fields | line), in_force, ON, rate_pence=rate, currency="GBP"))


@pytest.mark.parametrize(
    ("tenths", "rate", "pence"),
    [(10, 45, 45), (1, 45, 5), (125, 45, 563), (123, 45, 554), (11, 45, 50), (1, 44, 4), (1, 4, 0), (9999, 45, 44996)],
)
def test_mileage_is_exact_and_rounded_half_up_once(tenths: int, rate: int, pence: int) -> None:
    assert rules.mileage_pence(tenths, rate) == pence


@pytest.mark.parametrize(
    ("minutes", "rate", "pence"), [(60, 1500, 1500), (90, 1501, 2252), (1, 1500, 25), (20, 1000, 333), (50, 1000, 833)]
)
def test_a_carer_costs_minutes_times_the_rate_of_an_hour(minutes: int, rate: int, pence: int) -> None:
    assert rules.carer_pence(minutes, rate) == pence


@given(st.integers(0, 10**6), st.integers(0, 10**5), st.sampled_from([10, 60]))
def test_rounding_is_the_nearest_penny(number: int, rate: int, per: int) -> None:
    exact = Fraction(number * rate, per)
    rounded = rules.half_up(number * rate, per)
    assert -Fraction(1, 2) < rounded - exact <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("typed", "tenths"), [("12", 120), ("12.5", 125), ("12,5 miles", 125), (" .5", 5), ("1 mile", 10), ("1000", 10000)]
)
def test_miles_as_people_type_them(typed: str, tenths: int) -> None:
    assert rules.parse_miles(typed) == tenths
    assert rules.parse_miles(rules.miles_in_words(tenths)) == tenths


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "miles_missing"), ("0", "miles_zero"), ("12.55", "miles_unreadable"), ("-3", "miles_unreadable"),
        ("far", "miles_unreadable"), ("1000.1", "miles_too_many"), ("12.", "miles_unreadable"),
        ("٣", "miles_unreadable"), ("9" * 19, "miles_unreadable"), ("1e3", "miles_unreadable"),
    ],
)  # fmt: skip
def test_miles_that_nobody_can_read(typed: str, code: str) -> None:
    refusal = rules.parse_miles(typed)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (code, "miles")


@pytest.mark.parametrize(
    ("line", "rate", "expected"),
    [
        ({}, None, []),
        ({"pence": None}, None, ["amount_missing"]),
        ({"pence": 0}, None, ["amount_missing"]),
        ({"pence": -1}, None, ["amount_missing"]),
        ({"pence": rules.MAX_LINE_PENCE + 1}, None, ["amount_too_large"]),
        ({"kind": "yacht"}, None, ["kind_unknown"]),
        ({"day": ON + timedelta(1)}, None, ["date_in_future"]),
        ({"day": ON - timedelta(90)}, None, []),
        ({"day": ON - timedelta(91)}, None, ["date_too_far_back"]),
        ({"kind": "other"}, None, ["what_for_missing"]),
        ({"kind": "other", "what_for": "Paper"}, None, []),
        ({"what_for": "x" * 201}, None, ["words_too_long"]),
        ({"no_receipt_why": ""}, None, ["receipt_missing"]),
        ({"pence": 1000}, None, []),
        ({"pence": 1001}, None, ["receipt_needed"]),
        ({"pence": 1001, "receipt_id": 4}, None, []),
        ({"kind": "mileage", "tenths_of_mile": 125, "no_receipt_why": ""}, 45, []),
        ({"kind": "mileage", "tenths_of_mile": 125}, None, ["rate_missing"]),
        ({"kind": "mileage"}, 45, ["miles_missing"]),
        ({"kind": "mileage", "tenths_of_mile": 1}, 4, ["amount_zero"]),
        ({"kind": "carer", "minutes": 90}, None, ["rate_missing"]),
        ({"kind": "carer", "minutes": 90}, 1500, ["receipt_needed"]),
        ({"kind": "carer", "minutes": 90, "receipt_id": 4}, 1500, []),
        ({"kind": "carer", "minutes": 24 * 60 + 1}, 1500, ["length_too_long"]),
        ({"kind": "meal", "pence": 800}, 800, []),
        ({"kind": "meal", "pence": 801}, 800, ["above_the_rate"]),
        ({"kind": "meal", "pence": 900}, None, []),
    ],
)
def test_what_may_be_claimed(line: dict[str, Any], rate: int | None, expected: list[str]) -> None:
    assert checked(rate, **line) == expected


def test_a_time_bank_may_ask_for_every_receipt() -> None:
    always = Rules(receipt_needed_above_pence=0)
    assert checked(None, always, pence=1) == ["receipt_needed"]
    assert checked(None, always, pence=1, receipt_id=3) == []


def claim(**changed: Any) -> ClaimFacts:
    fields: dict[str, Any] = {
        "id": 1,
        "reference": "AAAA-AAAA",
        "member_id": 5,
        "state": "sent",
        "sent_by": 5,
        "lines": 1,
    }
    return ClaimFacts(**fields | changed)


@pytest.mark.parametrize(
    ("who", "changed", "expected"),
    [
        (COORDINATOR, {}, []),
        (COORDINATOR, {"state": "asked"}, []),
        (COORDINATOR, {"state": "agreed"}, ["wrong_state"]),
        (COORDINATOR, {"state": "draft"}, ["wrong_state"]),
        (COORDINATOR, {"member_id": 9}, ["pays_yourself"]),
        (COORDINATOR, {"sent_by": 9}, ["own_submission"]),
        (COORDINATOR, {"helpers": frozenset({9})}, ["own_submission"]),
        (Actor(timebank_id=1, member_id=9, roles=frozenset({"finance"})), {}, ["not_allowed"]),
        (Actor(timebank_id=1, member_id=9, roles=frozenset({"admin"})), {}, []),
        (Actor(timebank_id=1, member_id=9, roles=frozenset({"coordinator"}), on_behalf_of=7), {}, ["not_allowed"]),
    ],
)
def test_who_may_decide(who: Actor, changed: dict[str, Any], expected: list[str]) -> None:
    assert codes(rules.check_decider(who, claim(**changed))) == expected


def test_sending_for_somebody_says_how_they_agreed() -> None:
    draft = claim(state="draft", sent_by=None)
    own = Actor(timebank_id=1, member_id=5)
    helper = Actor(timebank_id=1, member_id=9, on_behalf_of=5)
    assert codes(rules.check_send(own, draft, "")) == []
    assert codes(rules.check_send(helper, draft, " ")) == ["how_agreed_missing"]
    assert codes(rules.check_send(helper, draft, "by phone")) == []
    assert codes(rules.check_send(own, claim(state="draft", lines=0), "")) == ["nothing_to_send"]
    assert codes(rules.check_send(own, claim(), "")) == ["wrong_state"]


def advance(**changed: Any) -> AccessFacts:
    fields: dict[str, Any] = {
        "id": 1, "reference": "AAAA-AAAA", "member_id": 5, "way": "advance", "payee_id": 3, "pence": 2000,
        "state": "given", "made_by": 8, "spent_pence": 1500, "receipts": 1, "day": ON,
    }  # fmt: skip
    return AccessFacts(**fields | changed)


@pytest.mark.parametrize(
    ("spent", "returned", "expected"),
    [
        (1500, 500, []),
        (1500, 499, ["does_not_add_up"]),
        (1500, 501, ["does_not_add_up"]),
        (0, 2000, []),
        (2000, 0, []),
        (2600, 0, []),
        (2600, 1, ["does_not_add_up"]),
        (1500, -500, ["does_not_add_up"]),
    ],
)
def test_an_advance_adds_up_to_the_penny(spent: int, returned: int, expected: list[str]) -> None:
    cost = advance(spent_pence=spent)
    found = access_rules.check_settle(COORDINATOR, cost, returned_pence=returned, currency="GBP")
    assert codes(found) == expected


def test_who_gave_an_advance_does_not_settle_it_and_who_got_it_neither() -> None:
    def settle(who: Actor) -> list[str]:
        return codes(access_rules.check_settle(who, advance(), returned_pence=500, currency="GBP"))

    assert settle(Actor(timebank_id=1, member_id=8, roles=frozenset({"coordinator"}))) == ["own_submission"]
    assert settle(Actor(timebank_id=1, member_id=5, roles=frozenset({"admin"}))) == ["pays_yourself"]
    assert settle(Actor(timebank_id=1, member_id=7)) == ["not_allowed"]
    assert settle(Actor(timebank_id=1, member_id=7, roles=frozenset({"finance"}))) == []


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_the_entries_of_an_advance_bring_its_account_back_to_zero(pence: int, spent: int) -> None:
    cost = advance(pence=pence, spent_pence=spent)
    common: Any = {
        "payee_id": 3, "currency": "GBP", "key": "k", "actor": COORDINATOR, "day": ON, "reference": "AAAA-AAAA"
    }  # fmt: skip
    items = [
        given_entry(pence=pence, **common),
        settled_entry(spent_pence=min(spent, pence), returned_pence=cost.left_pence, **common),
    ]
    totals: dict[str, int] = {}
    for leg in (leg for item in items for leg in item.legs):
        totals[leg.account] = totals.get(leg.account, 0) + leg.amount
    assert sum(totals.values()) == 0
    assert totals["advance/3"] == 0
    assert totals["cash"] == -totals.get("expense/access", 0) == min(spent, pence)
    assert cost.owed_pence == max(0, spent - pence)
