"""What an item may say before any database is asked."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from ledger import Capture, InvalidItem, Leg, PlaceHold, Post, Reverse, Void
from ledger.errors import BY_SQLSTATE, LedgerError
from ledger.model import (
    MAX_AMOUNT,
    MAX_BATCH_LEGS,
    MAX_ITEMS,
    MAX_META_BYTES,
    meta_text,
    require_batch,
)
from ledger.refusals import MESSAGES, refused

DAY = date(2026, 3, 2)
LATER = datetime(2026, 4, 1, tzinfo=UTC)


def legs(*amounts: int) -> tuple[Leg, ...]:
    return tuple(Leg(account=f"a/{n}", amount=amount) for n, amount in enumerate(amounts))


def post(**fields: Any) -> Post:
    return Post(
        **{
            "key": "k",
            "kind": "gift",
            "unit": "MIN",
            "legs": legs(-5, 5),
            "effective_on": DAY,
            "actor": "member/1",
            **fields,
        }
    )


def place(**fields: Any) -> PlaceHold:
    usual = {"key": "k", "hold_id": uuid4(), "kind": "booking", "unit": "MIN", "from_account": "a", "to_account": "b"}
    return PlaceHold(**{**usual, "amount": 5, "expires_at": LATER, "actor": "member/1", **fields})


@pytest.mark.parametrize(
    "amount",
    [True, False, 1.0, 0.5, math.nan, math.inf, "1", "1.0", Decimal(1), None, MAX_AMOUNT + 1, -MAX_AMOUNT - 1, 0],
)
def test_only_whole_numbers_that_fit_are_amounts(amount: Any) -> None:
    with pytest.raises(InvalidItem):
        Leg(account="a", amount=amount)
    with pytest.raises(InvalidItem):
        place(amount=amount)
    if amount is not None:
        with pytest.raises(InvalidItem):
            Capture(key="k", hold_id=uuid4(), kind="x", effective_on=DAY, actor="a", amount=amount)


def test_the_largest_amount_is_accepted() -> None:
    assert post(legs=legs(-MAX_AMOUNT, MAX_AMOUNT)).legs[1].amount == MAX_AMOUNT


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (legs(5), "2 to"),
        ((), "2 to"),
        (legs(-5, 6), "add up to zero, not 1"),
        ((Leg(account="a", amount=-1), Leg(account="a", amount=1)), "once"),
        ([Leg(account="a", amount=-1), Leg(account="b", amount=1)], "tuple of Leg"),
        (((1, 2), (3, 4)), "tuple of Leg"),
    ],
)
def test_legs_that_are_no_entry(wrong: Any, why: str) -> None:
    with pytest.raises(InvalidItem, match=why):
        post(legs=wrong)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"key": ""}, "key must not be empty"),
        ({"key": "x" * 201}, "200 characters"),
        ({"key": 7}, "must be text"),
        ({"actor": ""}, "actor must not be empty"),
        ({"actor": "nul\x00"}, "cannot be stored"),
        ({"reference": "half \ud800"}, "cannot be stored"),
        ({"kind": "x" * 61}, "60 characters"),
        ({"unit": ""}, "unit"),
        ({"effective_on": LATER}, "date without a time"),
        ({"effective_on": "2026-03-02"}, "date without a time"),
        ({"effective_on": date.max}, "endless"),
        ({"effective_on": date.min}, "endless"),
    ],
)
def test_words_and_dates_have_limits(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidItem, match=why):
        post(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"to_account": "a"},
        {"amount": -5},
        {"expires_at": datetime(2026, 4, 1)},  # noqa: DTZ001 - the lack of a zone is the point
        {"hold_id": "7"},
    ],
)
def test_holds_that_are_none(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidItem):
        place(**fields)


def test_a_hold_ends_for_one_of_two_reasons() -> None:
    with pytest.raises(InvalidItem, match="voided or expired"):
        Void(key="k", hold_id=uuid4(), actor="a", reason="bored")
    with pytest.raises(InvalidItem, match="UUID"):
        Reverse(key="k", entry_id="7", kind="x", effective_on=DAY, actor="a")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "meta", [{"x": object()}, {"x": math.nan}, {"x": "y" * MAX_META_BYTES}, {"x": "\x00"}, {"x": "\ud800"}]
)
def test_meta_must_be_plain_and_short(meta: dict[str, object]) -> None:
    with pytest.raises(InvalidItem, match="meta"):
        meta_text(meta)


def test_meta_keeps_every_alphabet() -> None:
    assert meta_text({"note": "🎉 يوم"}) == '{"note":"🎉 يوم"}'


def test_a_batch_has_limits() -> None:
    require_batch([post()] * MAX_ITEMS)
    with pytest.raises(InvalidItem, match="items"):
        require_batch([post()] * (MAX_ITEMS + 1))
    wide = post(legs=legs(*[1] * 999, -999))
    with pytest.raises(InvalidItem, match="legs"):
        require_batch([wide] * (MAX_BATCH_LEGS // 1000 + 1))


def test_a_batch_cannot_place_and_end_the_same_hold() -> None:
    hold = place()
    require_batch([hold, hold])  # the same key twice is one request
    with pytest.raises(InvalidItem, match="placed and ended"):
        require_batch([hold, Void(key="v", hold_id=hold.hold_id, actor="a")])
    with pytest.raises(InvalidItem, match="placed twice"):
        require_batch([hold, place(key="other", hold_id=hold.hold_id)])


def test_every_refusal_has_a_sentence() -> None:
    for code in MESSAGES:
        message = refused("k", code, "member/1").message
        assert message.endswith(".")
        assert "{" not in message
    assert refused("k", "insufficient", "member/1").message == "There is not enough in member/1."


def test_every_error_has_a_state_of_its_own() -> None:
    assert len(BY_SQLSTATE) == len(LedgerError.__subclasses__())
    assert all(state.startswith("LG") and len(state) == 5 for state in BY_SQLSTATE)
