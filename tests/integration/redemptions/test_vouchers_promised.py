"""Before hours are spent, the page of an offer says until when its voucher works and what happens to the hours."""

import re
from datetime import timedelta

import pytest

from tests.integration.redemptions.spending import give_hours
from tests.integration.redemptions.vouchering import code_of, ours, pool, spend, with_terms
from tests.people import Bank
from timebank.kit.clock import today
from timebank.redemptions import voucher_queries
from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.suppliers_confirming import KEEP_ATTEMPTS, NEW_TRY, forget_attempts


async def pages(bank: Bank, client, offer_id: int) -> list[str]:
    await give_hours(bank, bank.participant.member_id or 0, 60)
    member = client()
    await member.sign_in(bank.db, bank.participant)
    found = [(await member.get(f"/offers/{offer_id}{part}")).text for part in ("", "/check")]
    return [re.sub(r"<[^>]+>|\s+", " ", text) for text in found]


@pytest.mark.parametrize(
    ("returns", "words"),
    [
        (True, "If you do not use it, your hours come back."),
        (False, "If you do not use it in time, your hours are used up."),
    ],
)
async def test_a_voucher_of_ours_says_its_last_day_and_what_happens_to_the_hours(
    bank: Bank, client, returns: bool, words: str
) -> None:
    offer_id, _ = await ours(bank, valid_days=7, expiry_returns_hours=returns)
    for text in await pages(bank, client, offer_id):
        assert "Use it by Tuesday 17 March" in text
        assert words in text
    reference = await spend(bank, offer_id)
    await code_of(bank, reference)
    async with bank.db.reading(bank.id) as connection:
        booking_id = await connection.fetchval("select id from redemption where reference = $1", reference)
        voucher = await voucher_queries.voucher_of(connection, bank.id, booking_id)
    assert voucher is not None
    assert vr.last_day(voucher.expires_at, "Europe/London") == today(bank.now, "Europe/London") + timedelta(days=7)


async def test_days_that_count_from_the_answer_are_told_later(bank: Bank, client) -> None:
    offer_id, _ = await ours(bank, valid_days=7, gives_at_once=False)
    for text in await pages(bank, client, offer_id):
        assert "Use it by" not in text
        assert "We tell you by when to use it." in text


async def test_an_uploaded_code_says_when_the_next_one_ends_and_what_looking_does(bank: Bank, client) -> None:
    offer_id, _ = await pool(bank, "LATER,,2026-06-30", "SOON,,2026-04-02")
    for text in await pages(bank, client, offer_id):
        assert "Use it by Thursday 2 April" in text
        assert "When you look at it, your hours are used." in text


async def test_what_staff_hand_over_promises_nothing(bank: Bank, client) -> None:
    offer_id, _ = await ours(bank)
    await with_terms(bank, offer_id, source="hand")
    for text in await pages(bank, client, offer_id):
        assert "Use it by" not in text
        assert "your hours come back" not in text


async def test_wrong_tries_are_forgotten_after_a_month(bank: Bank) -> None:
    async with bank.db.globally() as connection:
        kept = await connection.fetchval(NEW_TRY, 901, "192.0.2.9", bank.now - KEEP_ATTEMPTS + timedelta(minutes=1))
        old = await connection.fetchval(NEW_TRY, 901, "192.0.2.9", bank.now - KEEP_ATTEMPTS - timedelta(minutes=1))
    await forget_attempts(bank.db, bank.id, bank.now)
    async with bank.db.globally() as connection:
        rows = await connection.fetch("select id from voucher_attempt where link_id = 901")
    assert [row["id"] for row in rows] == [kept] != [old]
