"""What two answers come to, what silence means, what others may not read, who matches whom."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from timebank.kit.words import Words
from timebank.peers import rules
from timebank.peers.rules import Offered, Outcome, outcome, outcome_of_silence
from timebank.peers.suggesting import suggest
from timebank.peers.words import CATEGORIES, EVENTS, STATES, category
from timebank.web.pictures import picture

NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
HOUR = Outcome(what="done", minutes=60)


@pytest.mark.parametrize(
    ("receiver", "helper", "expected"),
    [
        (None, None, rules.WAIT),
        (60, None, rules.WAIT),
        (None, 60, rules.WAIT),
        (60, 60, HOUR),
        (0, 0, rules.IS_FREE),
        (0, None, rules.WAIT),
        (None, 0, rules.IS_FREE),
        (60, 0, rules.DIFFERS),
        (0, 60, rules.DIFFERS),
        (30, 60, rules.DIFFERS),
    ],
)
def test_two_answers(receiver: int | None, helper: int | None, expected: Outcome) -> None:
    assert outcome(receiver, helper) == expected


@pytest.mark.parametrize(
    ("rule", "receiver", "helper", "expected"),
    [
        ("as_confirmed", None, None, rules.IS_FREE),
        ("as_confirmed", None, 60, HOUR),
        ("as_confirmed", None, 30, Outcome(what="done", minutes=30)),
        ("as_confirmed", None, 90, HOUR),  # one answer never takes more than was agreed
        ("as_confirmed", 0, None, rules.IS_FREE),
        ("as_agreed", None, None, HOUR),
        ("as_agreed", None, 60, HOUR),
        ("as_agreed", None, 90, rules.DIFFERS),
        ("as_agreed", 0, None, rules.DIFFERS),
        ("ask", None, None, rules.DIFFERS),
        ("ask", 60, None, rules.DIFFERS),
    ],
)
def test_silence(rule: rules.Silence, receiver: int | None, helper: int | None, expected: Outcome) -> None:
    assert outcome_of_silence(rule, 60, receiver, helper) == expected


@pytest.mark.parametrize(
    "text",
    ["ring 01632 960 123", "+44 7700 900123", "me@example.org", "12 High Street, RV1 1ZZ", "come to High Street 12"],
)
def test_others_do_not_read_where_somebody_is(text: str) -> None:
    refused = rules.check_offered(Offered(title=text, category="walks"), private=("High Street 12",))
    assert [each.code for each in refused] == ["contact_inside"]


@pytest.mark.parametrize("text", ["2 hours in the garden", "Bus 42 to the market", "A 1950s film", "Level 3 Spanish"])
def test_numbers_that_reach_nobody(text: str) -> None:
    assert rules.check_offered(Offered(title=text, category="walks")) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": " "}, "title_missing"),
        ({"title": "x" * 101}, "title_too_long"),
        ({"category": "cars"}, "unknown_category"),
        ({"times": ("night",)}, "unknown_time"),
        ({"hows": ("at_home",)}, "unknown_how"),
        ({"minutes": 0}, "bad_minutes"),
        ({"minutes": 481}, "bad_minutes"),
    ],
)
def test_what_an_offer_cannot_be(change: dict[str, object], code: str) -> None:
    offered = msgspec.structs.replace(Offered(title="Walks", category="walks"), **change)
    assert code in {each.code for each in rules.check_offered(offered)}


def test_when() -> None:
    assert rules.check_when(None, NOW) == []
    assert [each.code for each in rules.check_when(NOW, NOW)] == ["in_the_past"]
    assert [each.code for each in rules.check_when(NOW + timedelta(days=61), NOW)] == ["too_far_ahead"]


def test_the_state_follows_the_booking() -> None:
    assert rules.state_now("agreed", "accepted") == "agreed"
    assert rules.state_now("agreed", "fulfilled") == "done"
    assert rules.state_now("settling", "timed_out") == "lapsed"
    assert rules.state_now("agreed", "declined") == "cancelled"
    assert rules.state_now("asked", "cancelled") == "asked"


def test_how_much_is_missing_is_said() -> None:
    assert rules.not_enough(45, 60).message == "You need 15 minutes more. You have enough for 45 minutes."
    assert rules.not_enough(0, 60).message == "You need 1 hour more. You can ask the pot for hours."


def test_every_category_has_a_picture() -> None:
    for each in CATEGORIES:
        assert picture(each.picture)
        assert category(each.code) is each
    assert category("gone").code == "other"
    assert set(rules.OPEN) < STATES.keys()
    assert {"agreed", "done", "free", "settling"} < EVENTS.keys()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    member_id: int
    name: str = "Maryam"
    name_key: str = "maryam"
    title: str = "x"
    category: str = "gardening"
    times: tuple[str, ...] = ()
    hows: tuple[str, ...] = ()


MINE = Wanted(id=1, member_id=1, times=("weekend",), hows=("in_person",))


def test_a_match_is_explained_in_one_sentence() -> None:
    theirs = Wanted(id=2, member_id=2, times=("weekend", "evening"))
    (same,) = suggest([MINE], [], [theirs], [], 5)
    assert same.sentence == "Maryam likes gardening too and is free at weekends."
    assert isinstance(same.sentence, Words)
    (offer,) = suggest([], [MINE], [theirs], [], 5)
    assert offer.sentence == "Maryam can help with gardening and is free at weekends."
    assert offer.href == "/share/offers/2"
    (wish,) = suggest([MINE], [], [], [Wanted(id=3, member_id=2)], 5)
    assert wish.sentence == "Maryam would like help with gardening."
    assert wish.href == "/share/wishes/3"


def test_one_suggestion_for_each_person_best_first_and_always_the_same() -> None:
    others = [
        Wanted(id=5, member_id=5, name_key="b"),
        Wanted(id=6, member_id=6, name_key="a"),
        Wanted(id=7, member_id=7, name_key="c", times=("weekend",)),
        Wanted(id=8, member_id=7, name_key="c"),
        Wanted(id=9, member_id=9, category="cooking"),
    ]
    found = suggest([], [MINE], others, [], 10)
    assert [each.id for each in found] == [7, 6, 5]
    assert suggest([], [MINE], reversed(others), [], 10) == found
    assert suggest([], [MINE], others, [], 1) == found[:1]


def test_something_else_matches_nothing() -> None:
    other = msgspec.structs.replace(MINE, category="other")
    assert suggest([other], [other], [msgspec.structs.replace(other, id=2, member_id=2)], [], 5) == []
