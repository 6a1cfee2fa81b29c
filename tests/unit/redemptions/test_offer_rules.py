"""The rules of offers: what they may say, who may use them and when, and what a page must have shown."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.redemptions import offer_rules
from timebank.redemptions.offer_queries import Wanted, medium_size
from timebank.redemptions.offer_rules import ACCESS, AddOffer, OfferFacts, Seen, Standing

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = NOW.date()
FACTS = OfferFacts(
    id=1,
    kind="voucher",
    title="Lunch",
    price_minutes=60,
    places=None,
    starts_at=None,
    cancel_hours=0,
    hold_days=28,
    benefit_label="Ask us.",
    payee_id=1,
    value_pence=900,
    provider_id=None,
    is_open=True,
    monthly_pence=2000,
    revision=3,
)
STANDING = Standing(may_use=True, committed_pence=0, bookings=0, today=TODAY)
GOOD = AddOffer(kind="voucher", title="Lunch", price_minutes=60, benefit_label="Ask us.")


def codes(refusals) -> list[str]:
    return [refusal.code for refusal in refusals]


@pytest.mark.parametrize(
    ("facts", "standing", "seen", "expected"),
    [
        ({}, {}, None, []),
        ({}, {"may_use": False}, None, ["unknown_offer"]),
        ({"shown_from": TODAY + timedelta(days=1)}, {}, None, ["offer_closed"]),
        ({"shown_until": TODAY - timedelta(days=1)}, {}, None, ["offer_closed"]),
        ({"shown_from": TODAY, "shown_until": TODAY}, {}, None, []),
        ({"is_open": False}, {}, Seen(price_minutes=30), []),  # whoever asks says that it is closed
        ({}, {}, Seen(price_minutes=60, revision=3, bookings=0), []),
        ({}, {}, Seen(price_minutes=30, revision=3), ["price_changed"]),
        ({}, {}, Seen(price_minutes=60, revision=2), ["offer_changed"]),
        ({}, {"bookings": 1}, Seen(price_minutes=60, revision=3, bookings=0), ["booked_meanwhile"]),
        ({}, {"committed_pence": 1100}, None, []),
        ({}, {"committed_pence": 1101}, None, ["no_more_this_month"]),
        ({"monthly_pence": None}, {"committed_pence": 10**9}, None, []),
    ],
)
def test_what_stands_in_the_way_of_an_offer(facts, standing, seen, expected) -> None:
    facts, standing = msgspec.structs.replace(FACTS, **facts), msgspec.structs.replace(STANDING, **standing)
    assert codes(offer_rules.check_offered(facts, standing, seen)) == expected


def test_a_budget_that_is_used_up_says_when_there_is_more() -> None:
    used_up = msgspec.structs.replace(STANDING, committed_pence=2000)
    (refusal,) = offer_rules.check_offered(FACTS, used_up, None)
    assert refusal.message == "No more this month. From 1 December 2026 again."


def test_a_changed_price_is_refused_with_the_new_one() -> None:
    (refusal,) = offer_rules.check_offered(FACTS, STANDING, Seen(price_minutes=30))
    assert refusal.message == "The price has changed. It is now 1 hour."


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access": ("no_such",)}, "bad_access"),
        ({"group_ids": ()}, "groups_missing"),
        ({"group_ids": (0,)}, "unknown_group"),
        ({"group_ids": (2**70,)}, "unknown_group"),
        ({"shown_from": date(2026, 3, 2), "shown_until": date(2026, 3, 1)}, "bad_shown_until"),
        ({"monthly_pence": 500}, "budget_without_value"),
        ({"monthly_pence": 500, "payee_id": 1, "value_pence": 501}, "budget_too_small"),
        ({"monthly_pence": 0, "payee_id": 1, "value_pence": 1}, "bad_monthly_pence"),
        ({"payee_id": 2**70, "value_pence": 1}, "unknown_payee"),
        ({"starts_at": NOW.replace(tzinfo=None)}, "bad_starts_at"),
        ({"starts_at": datetime(9999, 12, 31, 10, tzinfo=UTC)}, "bad_starts_at"),
        ({"no_show": "perhaps"}, "bad_no_show"),
    ],
)
def test_what_an_offer_may_not_say(changes, code) -> None:
    assert offer_rules.check_offer(GOOD) == []
    assert code in codes(offer_rules.check_offer(msgspec.structs.replace(GOOD, **changes)))


def test_every_feature_fits_the_table() -> None:
    assert offer_rules.check_offer(msgspec.structs.replace(GOOD, access=tuple(ACCESS))) == []


@pytest.mark.parametrize(
    ("starts_at", "was", "ends_first", "code"),
    [
        (NOW + timedelta(days=3), NOW + timedelta(days=2), None, None),
        (NOW + timedelta(days=2), NOW + timedelta(days=2), NOW, None),
        (NOW + timedelta(days=3), NOW + timedelta(days=2), NOW + timedelta(days=9), None),
        (NOW + timedelta(days=3), NOW + timedelta(days=2), NOW + timedelta(days=3, hours=23), "date_too_far"),
        (NOW - timedelta(hours=1), NOW + timedelta(days=2), NOW + timedelta(days=9), "date_over"),
        (None, NOW + timedelta(days=2), NOW + timedelta(days=9), "date_in_use"),
    ],
)
def test_a_day_that_people_booked_moves_only_while_their_hours_last(starts_at, was, ends_first, code) -> None:
    refusals = offer_rules.check_moved(starts_at=starts_at, was=was, ends_first=ends_first, now=NOW)
    assert codes(refusals) == ([code] if code else [])


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1)))
def test_a_month_holds_its_day_and_ends_where_the_next_begins(day: date) -> None:
    begins, ends = offer_rules.month_of(day, "Europe/London")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert begins <= noon < ends
    assert offer_rules.month_of(offer_rules.first_of_next_month(day), "Europe/London")[0] == ends


@given(st.text(max_size=200))
def test_a_search_never_means_anything_to_the_database(typed: str) -> None:
    for pattern in Wanted(q=typed).patterns:
        assert pattern.startswith("%")
        assert pattern.endswith("%")
        assert not set(pattern[1:-1]) & set("%_\\")


def test_a_search_forgets_accents_and_capitals() -> None:
    offer = msgspec.structs.replace(GOOD, title="Swim at the Pérgola")
    assert "pergola" in offer_rules.search_key(offer)
    assert Wanted(q="PÉRGOLA swim").patterns == ["%pergola%", "%swim%"]


def test_states_for_staff() -> None:
    usual = {
        "is_open": True, "starts_at": None, "shown_from": None, "shown_until": None,
        "is_full": False, "is_used_up": False, "now": NOW, "today": TODAY,
    }  # fmt: skip
    for changes, state in (
        ({}, "open"),
        ({"is_open": False, "is_full": True}, "closed"),
        ({"starts_at": NOW}, "ended"),
        ({"shown_until": TODAY - timedelta(days=1)}, "ended"),
        ({"shown_from": TODAY + timedelta(days=1)}, "later"),
        ({"is_full": True, "is_used_up": True}, "full"),
        ({"is_used_up": True}, "used_up"),
    ):
        assert offer_rules.state_of(**{**usual, **changes}) == state


def test_the_middle_picture_keeps_its_shape() -> None:
    assert medium_size(1600, 1200) == (480, 360)
    assert medium_size(300, 900) == (300, 900)
