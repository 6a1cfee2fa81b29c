"""Codes bought in advance: uploaded once, given to one person each, money moved when bought and when used."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.payments.helpers import call, run, settle
from tests.integration.redemptions.spending import actor, book, give_hours, hours, key, posted, prove, state, step
from tests.integration.redemptions.vouchering import code_of, payables, pool, refused, shown, spend, uploaded
from tests.people import Bank
from timebank.kit.refusal import Refusal
from timebank.payments import credit_queries
from timebank.payments.service import Approve, approve, reference_of
from timebank.redemptions import codes, voucher_queries, vouchers_shown
from timebank.redemptions.codes import UploadedCodes, WithdrawCodes, WithdrawnCodes
from timebank.redemptions.vouchers_expiring import end_due
from timebank.redemptions.vouchers_shown import ChangeCode


async def stock(bank: Bank, offer_id: int) -> int:
    async with bank.db.reading(bank.id) as connection:
        return await voucher_queries.stock(connection, bank.id, offer_id, bank.now.date())


async def test_showing_a_code_uses_it_and_until_then_it_can_go_back(bank: Bank, owner_url: str) -> None:
    offer_id, _ = await pool(bank, "ALPHA-1", "BETA-2,9876")
    first = await spend(bank, offer_id)
    assert (await state(bank, first), await stock(bank, offer_id)) == ("accepted", 1)
    assert not isinstance(await step(bank, "cancel", first, bank.participant), list)
    assert await stock(bank, offer_id) == 2
    again = await spend(bank, offer_id)
    assert await code_of(bank, again) == "ALPHA-1"  # the one that came back
    assert await state(bank, again) == "fulfilled"
    assert refused(await step(bank, "cancel", again, bank.participant)) == ["wrong_state"]
    assert await code_of(bank, again) == "ALPHA-1"  # reopened
    used = await vouchers_shown.say_used(
        bank.db, bank.participant, ChangeCode(reference=again), key=key(), now=bank.now
    )
    assert not isinstance(used, list)
    assert refused(await shown(bank, again)) == ["no_code"]
    other = await spend(bank, offer_id)
    seen = await shown(bank, other)
    assert (seen.code, seen.pin) == ("BETA-2", "9876")
    assert await payables(bank) == []  # they were a gift
    assert await prove(owner_url, bank.id) == []


async def test_bought_codes_are_owed_at_once_and_used_up_one_by_one(bank: Bank, owner_url: str) -> None:
    offer_id, batch_id = await pool(bank, "A1", "A2", "A3", pence_each=450)
    (owed,) = await payables(bank)
    assert (owed["source_kind"], owed["pence"], owed["state"]) == ("code_batch", 1350, "submitted")
    payee_id = owed["payee_id"]
    assert await posted(bank, f"prepaid/{payee_id}") == -1350
    await code_of(bank, await spend(bank, offer_id))
    assert await posted(bank, f"prepaid/{payee_id}") == -900
    assert await posted(bank, "expense/voucher") == -450
    assert len(await payables(bank)) == 1
    # The free ones go back; the one that somebody has stays owed.
    assert await taken_out(bank, batch_id) == WithdrawnCodes(codes=2)
    (owed,) = await payables(bank)
    assert (owed["pence"], owed["state"]) == (450, "submitted")
    assert await posted(bank, f"prepaid/{payee_id}") == 0
    assert await posted(bank, "expense/voucher") == -450
    assert await stock(bank, offer_id) == 0
    assert refused(await taken_out(bank, batch_id)) == ["none_left"]
    assert await prove(owner_url, bank.id) == []


async def taken_out(bank: Bank, batch_id: int, **more: Any) -> WithdrawnCodes | list[Refusal]:
    now = more.get("now", bank.now)
    return await codes.withdraw(bank.db, bank.coordinator, WithdrawCodes(batch_id=batch_id), key=key(), now=now)


@pytest.mark.parametrize("outcome", ["", "paid", "returned", "rejected"])
@pytest.mark.parametrize("given", [0, 1])
async def test_codes_taken_out_after_their_payment_left_are_owed_back(
    bank: Bank, owner_url: str, given: int, outcome: str
) -> None:
    offer_id, batch_id = await pool(bank, "A1", "A2", "A3", pence_each=450)
    (owed,) = await payables(bank)
    payee_id = owed["payee_id"]
    async with bank.db.reading(bank.id) as connection:
        reference = await reference_of(connection, bank.id, "code_batch", batch_id)
    if given:
        await code_of(bank, await spend(bank, offer_id))
    await approve(bank.db, bank.finance, Approve(reference=reference), **call())
    await run(bank)
    if outcome in ("paid", "returned"):
        await settle(bank, reference, "paid")
    if outcome in ("returned", "rejected"):
        await settle(bank, reference, outcome, reason="Closed")
    done = await taken_out(bank, batch_id)
    assert isinstance(done, WithdrawnCodes), done
    kept, back = 450 * given, 450 * (3 - given)
    is_cancelled = outcome in ("returned", "rejected") and not given
    assert (await payables(bank))[0]["state"] == ("cancelled" if is_cancelled else outcome or "exported")
    assert await posted(bank, f"prepaid/{payee_id}") == 0
    assert await posted(bank, "expense/voucher") == -kept
    if is_cancelled:
        assert done.credit == ""
    else:
        assert await posted(bank, f"credit/{payee_id}") == -back
        async with bank.db.reading(bank.id) as connection:
            credit = await credit_queries.by_reference(connection, bank.id, done.credit)
        assert credit is not None
        assert (credit.left_pence, credit.payable_reference, credit.source) == (back, reference, "refund")
    assert await prove(owner_url, bank.id) == []


async def test_a_wrong_upload_is_taken_out_with_what_is_owed(bank: Bank, owner_url: str) -> None:
    offer_id, batch_id = await pool(bank, "W1", "W2", pence_each=300)
    done = await codes.withdraw(bank.db, bank.finance, WithdrawCodes(batch_id=batch_id), key=key(), now=bank.now)
    assert done == WithdrawnCodes(codes=2)
    (owed,) = await payables(bank)
    assert owed["state"] == "cancelled"
    assert await posted(bank, f"prepaid/{owed['payee_id']}") == 0
    assert isinstance(await uploaded(bank, offer_id, "W1"), UploadedCodes)  # the right file may name it again
    assert await prove(owner_url, bank.id) == []


async def test_duplicates_and_bad_lines_are_given_back(bank: Bank) -> None:
    offer_id, _ = await pool(bank, "KNOWN")
    done = await uploaded(bank, offer_id, "KNOWN", "NEW", "NEW", ",1234", "OLD,,1/1/2020", "ODD,,whenever")
    assert isinstance(done, UploadedCodes)
    assert (done.added, [line.line for line in done.given_back]) == (1, [1, 3, 4, 5, 6])
    assert refused(await uploaded(bank, offer_id, "NEW")) == ["no_codes"]
    assert refused(await uploaded(bank, offer_id, "X", who=bank.participant)) == ["not_allowed"]


async def test_the_last_code_goes_to_one_of_many(bank: Bank) -> None:
    offer_id, _ = await pool(bank, "LAST")
    people = [actor(bank, await bank.member()) for _ in range(5)]
    for who in people:
        await give_hours(bank, who.member_id or 0, 60)
    outcomes = await asyncio.gather(*(book(bank, offer_id, who) for who in people))
    assert sum(not isinstance(outcome, list) for outcome in outcomes) == 1
    assert {refusal.code for outcome in outcomes if isinstance(outcome, list) for refusal in outcome} <= {
        "no_codes_left",
        "no_places_left",
    }
    assert await stock(bank, offer_id) == 0
    left = [(await hours(bank, who.member_id)).available for who in people]
    assert sorted(left) == [0, 60, 60, 60, 60]


async def test_codes_promised_to_waiting_bookings_are_not_given_to_others(bank: Bank) -> None:
    offer_id, _ = await pool(bank, "ONE", gives_at_once=False)
    reference = await spend(bank, offer_id)
    assert await state(bank, reference) == "requested"
    other = actor(bank, await bank.member())
    await give_hours(bank, other.member_id or 0, 60)
    assert set(refused(await book(bank, offer_id, other))) <= {"no_codes_left", "no_places_left"}
    assert not isinstance(await step(bank, "accept", reference), list)
    assert await code_of(bank, reference) == "ONE"


async def test_old_codes_are_never_given_out(bank: Bank, owner_url: str) -> None:
    offer_id, _ = await pool(bank, "SOON,,12/3/2026", "LATER,,1/1/2027", pence_each=200)
    first = await spend(bank, offer_id)
    later = bank.now + timedelta(days=3)
    assert refused(await shown(bank, first, now=later)) in (["code_ended"], ["timed_out"])
    other = actor(bank, await bank.member())
    await give_hours(bank, other.member_id or 0, 60)
    made = await book(bank, offer_id, other, now=later)
    assert not isinstance(made, list)
    assert await code_of(bank, made.reference, other, now=later) == "LATER"
    await end_due(bank.db, bank.id, later)
    assert await prove(owner_url, bank.id) == []


async def test_codes_that_end_unused_are_booked_as_spent(bank: Bank, owner_url: str) -> None:
    _, batch_id = await pool(bank, "E1,,12/3/2026", "E2,,12/3/2026", "E3", pence_each=200)
    (owed,) = await payables(bank)
    later = bank.now + timedelta(days=3)
    await end_due(bank.db, bank.id, later)
    await end_due(bank.db, bank.id, later)
    assert await posted(bank, f"prepaid/{owed['payee_id']}") == -200
    assert await posted(bank, "expense/voucher") == -400
    # What has ended was bought and is spent: only the one that is free is handed back.
    assert await taken_out(bank, batch_id, now=later) == WithdrawnCodes(codes=1)
    assert await posted(bank, f"prepaid/{owed['payee_id']}") == 0
    assert (await payables(bank))[0]["pence"] == 400
    assert await prove(owner_url, bank.id) == []


async def test_coordinators_are_warned_once_until_there_is_more(bank: Bank) -> None:
    offer_id, _ = await pool(bank, "L1", "L2", "L3", low_stock=2)

    async def warned() -> int:
        async with bank.db.reading(bank.id) as connection:
            return await connection.fetchval("select count(*) from message where kind = 'low_stock'")

    await spend(bank, offer_id)
    assert await warned() == 2  # both coordinators
    await spend(bank, offer_id)
    assert await warned() == 2
    await uploaded(bank, offer_id, "L4", "L5", "L6")
    await spend(bank, offer_id)
    assert await warned() == 2
    await spend(bank, offer_id)
    assert await warned() == 4
    async with bank.db.reading(bank.id) as connection:
        (low,) = await voucher_queries.low_pools(connection, bank.id, bank.now.date())
    assert low.id == offer_id


async def test_without_a_key_nothing_is_lost_and_it_says_what_to_do(bank: Bank) -> None:
    from timebank.kit import vault

    offer_id, _ = await pool(bank, "K1")
    reference = await spend(bank, offer_id)
    before = vault.vault()
    vault.use([])
    try:
        assert refused(await uploaded(bank, offer_id, "K2")) == ["no_data_key"]
    finally:
        vault._in_use[:] = [before]
    assert await code_of(bank, reference) == "K1"


async def test_an_empty_pool_is_shown_as_full(bank: Bank, client) -> None:
    offer_id, _ = await pool(bank, "ONLY")
    await give_hours(bank, bank.coordinator.member_id or 0, 60)
    reader = client()
    await reader.sign_in(bank.db, bank.coordinator)
    assert "Use 1 hour" in (await reader.get(f"/offers/{offer_id}/check")).text
    await spend(bank, offer_id)
    assert "Use 1 hour" not in (await reader.get(f"/offers/{offer_id}/check")).text
