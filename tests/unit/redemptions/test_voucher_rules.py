"""Codes of vouchers, their terms, and what stands in the way of using one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.voucher_rules import Terms, UseFacts, VoucherFacts

NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
ZONE = "Europe/London"
CODE = "B7K2M9QXT" + vr.check_letter("B7K2M9QXT")


def voucher(**changes: Any) -> VoucherFacts:
    facts = VoucherFacts(
        id=1,
        redemption_id=1,
        payee_id=1,
        value_pence=1000,
        spent_pence=0,
        allows_parts=True,
        valid_days=None,
        returns_hours=True,
        state="live",
        expires_at=datetime(2026, 3, 21, tzinfo=UTC),
    )
    return msgspec.structs.replace(facts, **changes)


def refused(facts: VoucherFacts, uses: tuple[UseFacts, ...] = (), **more: Any) -> list[str]:
    fields = {"pence": None, "used_on": NOW.date(), "currency": "GBP", "time_zone": ZONE, "now": NOW, **more}
    return [refusal.code for refusal in vr.check_use(facts, uses, **fields)]


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        CODE.lower(),
        f" {CODE[:5]} - {CODE[5:]} ",
        f"{CODE[:5]}–{CODE[5:]}",
        "\u200e" + CODE,
        CODE.replace("1", "l"),
    ],
)
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert vr.read_code(typed) == CODE


@pytest.mark.parametrize("typed", ["", CODE[:-1], CODE + "A", CODE.replace("B", "O"), "x" * 200, "ÄÖÜ", "0" * 10])
def test_what_is_no_code_is_not_read(typed: str) -> None:
    assert vr.read_code(typed) is None


def test_one_wrong_letter_or_two_swapped_always_show() -> None:
    code = vr.new_code()
    for place in range(len(code)):
        for letter in vr.ALPHABET:
            if letter != code[place]:
                assert vr.read_code(code[:place] + letter + code[place + 1 :]) is None
    for place in range(len(code) - 2):  # the check letter is no position of its own
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        if swapped != code:
            assert vr.read_code(swapped) is None


def test_codes_do_not_repeat_and_use_clear_letters_only() -> None:
    codes = {vr.new_code() for _ in range(500)}
    assert len(codes) == 500
    assert not set("".join(codes)) & set("0OILU")


@pytest.mark.parametrize(
    ("changes", "more", "expected"),
    [
        ({}, {}, []),
        ({}, {"pence": 1000}, []),
        ({}, {"pence": 1}, []),
        ({}, {"pence": 1001}, ["too_much"]),
        ({}, {"pence": 0}, ["amount_zero"]),
        ({}, {"pence": -5}, ["amount_zero"]),
        ({"spent_pence": 900}, {"pence": 101}, ["too_much"]),
        ({"allows_parts": False}, {"pence": 999}, ["no_parts"]),
        ({"allows_parts": False}, {"pence": 1000}, []),
        ({"state": "waiting"}, {}, ["not_ready"]),
        ({"state": "cancelled"}, {}, ["cancelled"]),
        ({"state": "expired"}, {}, ["expired"]),
        ({}, {"used_on": date(2026, 3, 11)}, ["day_in_future"]),
        ({}, {"used_on": date(2026, 1, 1)}, ["day_too_old"]),
        ({"expires_at": datetime(2026, 3, 10, tzinfo=UTC)}, {}, ["expired"]),
        ({"expires_at": datetime(2026, 3, 10, tzinfo=UTC)}, {"used_on": date(2026, 3, 9)}, []),
    ],
)
def test_what_stands_in_the_way(changes: dict[str, Any], more: dict[str, Any], expected: list[str]) -> None:
    assert refused(voucher(**changes), **more) == expected


def test_a_second_time_says_when_the_first_was() -> None:
    use = UseFacts(reference="AAAA-BBBB", n=1, pence=1000, used_on=NOW.date(), at=NOW - timedelta(minutes=25))
    (refusal,) = vr.check_use(
        voucher(state="used", spent_pence=1000),
        [use],
        pence=None,
        used_on=NOW.date(),
        currency="GBP",
        time_zone=ZONE,
        now=NOW,
    )
    assert refusal.message == "This voucher was already used at 2:05pm on Tuesday 10 March 2026."


@pytest.mark.parametrize(
    ("valid_days", "booking_days", "last"),
    [(7, 28, date(2026, 3, 17)), (None, 28, date(2026, 4, 3)), (27, 28, date(2026, 4, 3)), (1, 28, date(2026, 3, 11))],
)
def test_a_voucher_ends_with_a_day_and_before_its_booking(
    valid_days: int | None, booking_days: int, last: date
) -> None:
    booking_ends = NOW + timedelta(days=booking_days)
    ends = vr.ends_at(valid_days, booking_ends, NOW, ZONE)
    assert vr.last_day(ends, ZONE) == last
    assert ends + vr.GRACE <= booking_ends


def test_a_very_short_booking_still_has_a_voucher() -> None:
    assert vr.ends_at(None, NOW + timedelta(days=1), NOW, ZONE) == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("terms", "facts", "expected"),
    [
        (Terms(source="ours"), {}, []),
        (Terms(source="ours"), {"has_value": False}, ["supplier_missing"]),
        (Terms(source="pool"), {"is_voucher": False}, ["not_a_voucher"]),
        (Terms(source="magic"), {}, ["unknown_source"]),
        (Terms(source="ours", valid_days=25), {}, []),
        (Terms(source="ours", valid_days=26), {}, ["bad_valid_days"]),
        (Terms(source="ours", valid_days=0), {}, ["bad_valid_days"]),
        (Terms(source="pool", low_stock=-1), {}, ["bad_low_stock"]),
    ],
)
def test_terms(terms: Terms, facts: dict[str, Any], expected: list[str]) -> None:
    fields = {"is_voucher": True, "has_payee": True, "has_value": True, "hold_days": 28, **facts}
    assert [refusal.code for refusal in vr.check_terms(terms, **fields)] == expected
