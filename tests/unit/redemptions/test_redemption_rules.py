"""Rules of redemption: every step from every state, and every reason to say no."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from timebank.banks.rules import TimeBankFacts
from timebank.kit.actor import Actor, supplier, system
from timebank.kit.working_days import is_working_day
from timebank.redemptions import hold_rules, offer_rules, rules
from timebank.redemptions.kinds import KINDS, is_known, kind_of
from timebank.redemptions.offer_rules import AddOffer, OfferFacts
from timebank.redemptions.rules import BookingFacts

NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
MEMBER = Actor(timebank_id=1, member_id=7)
OTHER = Actor(timebank_id=1, member_id=8)
COORDINATOR = Actor(timebank_id=1, member_id=9, roles=frozenset({"coordinator"}))
FINANCE = Actor(timebank_id=1, member_id=10, roles=frozenset({"finance"}))
ADMIN = Actor(timebank_id=1, member_id=11, roles=frozenset({"admin"}))

VOUCHER = OfferFacts(
    id=1,
    kind="voucher",
    title="Lunch",
    price_minutes=60,
    places=None,
    starts_at=None,
    cancel_hours=24,
    hold_days=28,
    benefit_label="Ask us.",
    payee_id=3,
    value_pence=1000,
    provider_id=None,
    is_open=True,
)
COURSE = msgspec.structs.replace(VOUCHER, kind="training", starts_at=NOW + timedelta(days=3), places=2)
HELP = msgspec.structs.replace(VOUCHER, kind="peer_support", payee_id=None, value_pence=None, provider_id=8)
BOOKING = BookingFacts(
    id=5,
    reference="B7K2-M9QX",
    offer_id=1,
    member_id=7,
    minutes=60,
    state="requested",
    cancel_until=NOW + timedelta(days=1),
    expires_at=NOW + timedelta(days=28),
    hold_id=UUID(int=1),
    entry_id=None,
    rules_version=1,
)
BANK = TimeBankFacts(
    id=1, slug="demo", name="Demo", time_zone="Europe/London", currency="GBP", holiday_region="GB-ENG", help_contact=""
)
STATES = ("requested", "accepted", "fulfilled", "cancelled", "declined", "timed_out", "refunded", "missed")
STEPS = ("accept", "fulfil", "decline", "cancel", "time_out", "refund", "miss")


def request(offer: OfferFacts = VOUCHER, actor: Actor = MEMBER, **facts: object) -> list[str]:
    defaults = {
        "member_id": 7,
        "taken": 0,
        "open_bookings": 0,
        "max_open_bookings": 10,
        "available": 60,
        "safeguarding_lead": "Sam",
        "now": NOW,
    }
    return [refusal.code for refusal in rules.check_request(actor, offer, **{**defaults, **facts})]


def step(
    name: str, actor: Actor, state: str = "requested", offer: OfferFacts = VOUCHER, **changes: object
) -> list[str]:
    at = changes.pop("now", NOW)
    booking = msgspec.structs.replace(BOOKING, state=state, **changes)
    return [refusal.code for refusal in rules.check_step(actor, offer, booking, name, at)]


@pytest.mark.parametrize(
    ("offer", "facts", "expected"),
    [
        (VOUCHER, {}, []),
        (VOUCHER, {"available": 59}, ["not_enough_hours"]),
        (VOUCHER, {"available": -10}, ["not_enough_hours"]),
        (COURSE, {"taken": 1}, []),
        (COURSE, {"taken": 2}, ["no_places_left"]),
        (COURSE, {"now": NOW + timedelta(days=3)}, ["in_the_past"]),
        (COURSE, {"now": NOW + timedelta(days=3, seconds=-1)}, []),
        (msgspec.structs.replace(VOUCHER, places=0), {}, ["no_places_left"]),
        (msgspec.structs.replace(VOUCHER, is_open=False), {}, ["offer_closed"]),
        (VOUCHER, {"open_bookings": 9}, []),
        (VOUCHER, {"open_bookings": 10}, ["too_many_bookings"]),
        (HELP, {}, []),
        (HELP, {"safeguarding_lead": ""}, ["peer_support_off"]),
        (HELP, {"member_id": 8, "actor": OTHER}, ["own_offer"]),
        (VOUCHER, {"safeguarding_lead": ""}, []),
        (VOUCHER, {"actor": OTHER}, ["not_yours"]),
        (VOUCHER, {"actor": FINANCE}, ["not_yours"]),
        (VOUCHER, {"actor": COORDINATOR}, []),
        (VOUCHER, {"actor": ADMIN}, []),
    ],
)
def test_what_stands_in_the_way_of_a_booking(offer: OfferFacts, facts: dict, expected: list[str]) -> None:
    assert request(offer, **facts) == expected


def test_every_reason_is_told_at_once() -> None:
    closed = msgspec.structs.replace(HELP, is_open=False)
    assert request(closed, available=0, safeguarding_lead="", open_bookings=10) == [
        "offer_closed",
        "peer_support_off",
        "too_many_bookings",
        "not_enough_hours",
    ]


@pytest.mark.parametrize(("available", "words"), [(30, "30 minutes"), (0, "1 hour"), (-60, "1 hour")])
def test_not_enough_says_how_many_more_and_never_shows_a_minus(available: int, words: str) -> None:
    message = rules.not_enough(available, 60).message
    assert f"You need {words} more" in message
    assert "minus" not in message


def test_not_coming_uses_the_hours_only_where_it_was_shown() -> None:
    assert rules.state_after(BOOKING, "miss") == "missed"
    assert rules.state_after(msgspec.structs.replace(BOOKING, no_show="used"), "miss") == "fulfilled"
    assert step("miss", COORDINATOR) == ["no_date"]
    assert step("miss", COORDINATOR, offer=COURSE) == ["too_early"]


def test_a_supplier_settles_what_is_theirs_and_nothing_else() -> None:
    theirs, others = supplier(1, 3), supplier(1, 4)
    held = msgspec.structs.replace(COURSE, starts_at=NOW)
    for name in ("fulfil", "miss", "cancel"):
        assert step(name, theirs, offer=held) == []
        assert step(name, others, offer=held) != []
    for name, state in (("accept", "requested"), ("decline", "requested"), ("refund", "fulfilled")):
        assert step(name, theirs, state, held) == ["not_allowed"]
    assert step("fulfil", theirs, "missed", held) == ["not_allowed"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", STEPS)
def test_only_the_steps_of_the_table_are_possible(state: str, name: str) -> None:
    allowed = {
        "requested": {"accept", "fulfil", "decline", "cancel", "time_out", "miss"},
        "accepted": {"fulfil", "decline", "cancel", "time_out", "miss"},
        "fulfilled": {"refund"},
        "missed": {"fulfil"},
    }.get(state, set())
    late = NOW + timedelta(days=100) if name == "time_out" else NOW
    offer = msgspec.structs.replace(COURSE, starts_at=NOW) if name == "miss" else VOUCHER
    found = step(name, COORDINATOR, state, offer, now=late)
    if name in allowed:
        assert found == []
        assert rules.STEPS[state, name] in STATES
    else:
        assert found in (["wrong_state"], ["timed_out"])


@pytest.mark.parametrize(
    ("name", "actor", "changes", "expected"),
    [
        ("accept", MEMBER, {}, ["not_allowed"]),
        ("fulfil", OTHER, {}, ["not_allowed"]),
        ("fulfil", FINANCE, {}, ["not_allowed"]),
        ("fulfil", ADMIN, {}, []),
        ("fulfil", COORDINATOR, {"member_id": 9}, ["own_booking"]),
        ("accept", COORDINATOR, {"member_id": 9}, ["own_booking"]),
        ("decline", COORDINATOR, {"member_id": 9}, ["own_booking"]),
        ("refund", COORDINATOR, {"member_id": 9, "state": "fulfilled"}, ["own_booking"]),
        ("fulfil", COORDINATOR, {"offer": msgspec.structs.replace(HELP, provider_id=9)}, ["own_booking"]),
        ("fulfil", COORDINATOR, {"offer": COURSE}, ["too_early"]),
        ("fulfil", COORDINATOR, {"offer": COURSE, "now": NOW + timedelta(days=3)}, []),
        ("fulfil", COORDINATOR, {"now": NOW + timedelta(days=28)}, ["timed_out"]),
        ("accept", COORDINATOR, {"now": NOW + timedelta(days=28)}, ["timed_out"]),
        ("accept", COORDINATOR, {"now": NOW + timedelta(days=28, seconds=-1)}, []),
        ("fulfil", COORDINATOR, {"state": "timed_out"}, ["timed_out"]),
        ("cancel", MEMBER, {}, []),
        ("cancel", MEMBER, {"state": "accepted"}, []),
        ("cancel", OTHER, {}, ["not_yours"]),
        ("cancel", MEMBER, {"now": NOW + timedelta(days=1)}, []),
        ("cancel", MEMBER, {"now": NOW + timedelta(days=1, seconds=1)}, ["too_late_to_cancel"]),
        ("cancel", COORDINATOR, {"now": NOW + timedelta(days=5)}, []),
        ("cancel", COORDINATOR, {"member_id": 9, "now": NOW + timedelta(days=5)}, ["too_late_to_cancel"]),
        ("time_out", system(1), {}, ["not_due"]),
        ("time_out", system(1), {"now": NOW + timedelta(days=28)}, []),
    ],
)
def test_who_may_and_when(name: str, actor: Actor, changes: dict, expected: list[str]) -> None:
    assert step(name, actor, **changes) == expected


def test_deadlines_of_dated_and_undated_offers() -> None:
    voucher_ends, course_ends = rules.expires_at(VOUCHER, NOW, BANK), rules.expires_at(COURSE, NOW, BANK)
    for ends, days in ((voucher_ends, NOW + timedelta(days=28)), (course_ends, COURSE.starts_at + timedelta(days=28))):
        assert days < ends <= days + timedelta(days=3)
        last = hold_rules.last_day(ends, BANK)
        assert is_working_day(last, "GB-ENG")
        assert ends.astimezone(ZoneInfo("Europe/London")).hour == 0
    assert rules.cancel_until(VOUCHER, NOW, BANK) == voucher_ends
    assert rules.cancel_until(COURSE, NOW, BANK) == COURSE.starts_at - timedelta(hours=24)


GOOD = {
    "training": AddOffer(kind="training", title="First aid", price_minutes=60, benefit_label="x", starts_at=NOW),
    "voucher": AddOffer(kind="voucher", title="Lunch", price_minutes=60, benefit_label="x"),
    "peer_support": AddOffer(kind="peer_support", title="Help", price_minutes=60, benefit_label="x", provider_id=8),
}


@pytest.mark.parametrize("kind", [kind.code for kind in KINDS])
def test_a_plain_offer_of_each_kind_is_fine(kind: str) -> None:
    assert offer_rules.check_offer(GOOD[kind]) == []


@pytest.mark.parametrize(
    ("kind", "changes", "codes"),
    [
        ("voucher", {"kind": "cash"}, ["unknown_kind"]),
        ("voucher", {"title": "  "}, ["title_missing"]),
        ("voucher", {"title": "x" * 101}, ["title_too_long"]),
        ("voucher", {"benefit_label": ""}, ["benefit_label_missing"]),
        ("voucher", {"description": "x" * 2001}, ["description_too_long"]),
        ("voucher", {"price_minutes": 0}, ["bad_price_minutes"]),
        ("voucher", {"price_minutes": -60}, ["bad_price_minutes"]),
        ("voucher", {"price_minutes": 60_001}, ["bad_price_minutes"]),
        ("voucher", {"places": -1}, ["bad_places"]),
        ("voucher", {"hold_days": 0}, ["bad_hold_days"]),
        ("voucher", {"cancel_hours": 721}, ["bad_cancel_hours"]),
        ("voucher", {"payee_id": 1}, ["payee_without_value"]),
        ("voucher", {"value_pence": 100}, ["payee_without_value"]),
        ("voucher", {"value_pence": 0, "payee_id": 1}, ["bad_value_pence"]),
        ("voucher", {"provider_id": 8}, ["bad_provider"]),
        ("training", {"starts_at": None}, ["starts_at_missing"]),
        ("peer_support", {"provider_id": None}, ["bad_provider"]),
        ("peer_support", {"payee_id": 1, "value_pence": 100}, ["payee_not_possible"]),
    ],
)
def test_what_is_wrong_with_an_offer(kind: str, changes: dict, codes: list[str]) -> None:
    refusals = offer_rules.check_offer(msgspec.structs.replace(GOOD[kind], **changes))
    assert [refusal.code for refusal in refusals] == codes
    assert all(refusal.field for refusal in refusals)


def test_hours_go_where_each_kind_says() -> None:
    assert {kind.code: kind.hours_account(8) for kind in KINDS} == {
        "training": "spent/training",
        "voucher": "spent/vouchers",
        "peer_support": "member/8",
    }
    assert {kind.code: kind.payable_kind for kind in KINDS} == {
        "training": "training",
        "voucher": "voucher",
        "peer_support": None,
    }
    assert not is_known("cash")
    with pytest.raises(ValueError, match="member who gives it"):
        kind_of("peer_support").hours_account(None)


@pytest.mark.parametrize("kind", [kind.code for kind in KINDS])
@pytest.mark.parametrize("state", ["requested", "accepted"])
def test_an_open_booking_always_says_what_happens_next_in_short_sentences(kind: str, state: str) -> None:
    sentences = kind_of(kind).what_next(state)
    assert sentences
    assert all(len(part.split()) <= 15 for sentence in sentences for part in sentence.split(". "))
    assert kind_of(kind).what_next("cancelled") == ()


def test_a_reason_has_a_limit() -> None:
    assert rules.check_reason("x" * 500) == []
    assert [refusal.code for refusal in rules.check_reason("x" * 501)] == ["reason_too_long"]
