"""Vouchers of our own: made with the booking, confirmed by their supplier, used once or bit by bit, ended in time."""

import asyncio
from datetime import timedelta

import pytest

from tests.integration.redemptions.spending import actor, give_hours, hours, key, payee, posted, prove, state, step
from tests.integration.redemptions.vouchering import (
    PHONE,
    code_of,
    confirm,
    ours,
    payables,
    refused,
    shown,
    spend,
    till,
    token,
)  # fmt: skip
from tests.people import Bank
from timebank.identity.rules import Device
from timebank.kit.actor import Actor
from timebank.kit.vault import vault
from timebank.redemptions import service, suppliers, suppliers_confirming, vouchers_shown
from timebank.redemptions.service import Refund, time_out_due
from timebank.redemptions.suppliers import EndLink
from timebank.redemptions.suppliers_confirming import Confirm, Confirmed
from timebank.redemptions.voucher_rules import new_code
from timebank.redemptions.vouchers_expiring import end_due
from timebank.redemptions.vouchers_shown import ChangeCode


async def test_a_supplier_confirms_once_and_is_owed_once(bank: Bank, owner_url: str) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    assert await state(bank, reference) == "accepted"
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    seen = await suppliers_confirming.look(bank.db, at, code.lower(), PHONE, now=bank.now)
    assert isinstance(seen, suppliers_confirming.LookedAt)
    assert (seen.title, seen.first_name, seen.left_pence) == ("A voucher", "Demo", 500)
    once = key()
    done = await confirm(bank, at, code, key=once)
    assert isinstance(done, Confirmed)
    assert await confirm(bank, at, code, key=once) == done  # a double tap
    again = await confirm(bank, at, code)
    assert refused(again) == ["already_used"]
    assert "already used at 2:30pm on Tuesday 10 March 2026" in again[0].message
    assert await state(bank, reference) == "fulfilled"
    (owed,) = await payables(bank)
    assert (owed["pence"], owed["payee_id"], owed["state"]) == (500, payee_id, "submitted")
    assert (owed["created_by"], owed["submitted_by"]) == (None, None)  # the supplier stands behind it
    assert (await hours(bank, bank.participant.member_id)).available == 0
    assert await posted(bank, "spent/vouchers") == 60
    assert await prove(owner_url, bank.id) == []


async def test_two_tills_at_once_confirm_one_code_once(bank: Bank, owner_url: str) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    outcomes = await asyncio.gather(*(confirm(bank, at, code) for _ in range(6)))
    assert sum(isinstance(outcome, Confirmed) for outcome in outcomes) == 1
    assert {refusal.code for outcome in outcomes if isinstance(outcome, list) for refusal in outcome} == {
        "already_used"
    }
    assert len(await payables(bank)) == 1
    assert await prove(owner_url, bank.id) == []


async def test_a_code_of_somebody_else_is_unknown_like_one_that_never_was(bank: Bank, other_bank: Bank) -> None:
    offer_id, _ = await ours(bank)
    code = await code_of(bank, await spend(bank, offer_id))
    another = await till(bank, await payee(bank, "Another shop"))
    elsewhere = await till(other_bank, await payee(other_bank))
    answers = [
        await suppliers_confirming.look(bank.db, another, code, PHONE, now=bank.now),
        await suppliers_confirming.look(bank.db, elsewhere, code, PHONE, now=bank.now),
        await suppliers_confirming.look(bank.db, another, new_code(), PHONE, now=bank.now),
        await confirm(bank, another, code),
    ]
    assert [refused(answer) for answer in answers] == [["unknown_code"]] * 4
    assert len({answer[0].message for answer in answers}) == 1


async def test_wrong_codes_pause_the_link_and_right_ones_do_not(bank: Bank) -> None:
    offer_id, payee_id = await ours(bank)
    code, at = await code_of(bank, await spend(bank, offer_id)), await till(bank, payee_id)
    phone = Device(network="198.51.100.20", agent="x")
    for _ in range(3):  # a slip of the pen and a right code do not count
        assert refused(await suppliers_confirming.look(bank.db, at, "AAAAA-AAAAB", phone, now=bank.now)) == ["mistyped"]
        assert not isinstance(await suppliers_confirming.look(bank.db, at, code, phone, now=bank.now), list)
    for _ in range(suppliers_confirming.MAX_WRONG_PER_LINK):
        assert refused(await confirm(bank, at, new_code(), device=phone)) == ["unknown_code"]
    assert refused(await confirm(bank, at, code, device=phone)) == ["paused"]
    assert refused(await suppliers_confirming.look(bank.db, at, code, PHONE, now=bank.now)) == ["paused"]
    later = bank.now + timedelta(minutes=16)
    assert isinstance(await confirm(bank, at, code, device=phone, now=later), Confirmed)


async def test_many_wrong_codes_at_once_cannot_pass_the_limit(bank: Bank) -> None:
    _, payee_id = await ours(bank)
    at = await till(bank, payee_id)
    phone = Device(network="198.51.100.21", agent="x")
    answers = await asyncio.gather(*(confirm(bank, at, new_code(), device=phone) for _ in range(25)))
    assert [refused(answer) for answer in answers].count(["unknown_code"]) == suppliers_confirming.MAX_WRONG_PER_LINK


async def test_a_network_with_many_links_is_paused_too(bank: Bank) -> None:
    phone = Device(network="198.51.100.22", agent="x")
    for n in range(4):
        at = await till(bank, await payee(bank, f"Shop {n}"))
        for _ in range(9):
            answer = await confirm(bank, at, new_code(), device=phone)
    assert refused(answer) == ["paused"]


async def test_parts_are_owed_one_by_one_and_never_exceed_the_value(bank: Bank, owner_url: str) -> None:
    offer_id, payee_id = await ours(bank, pence=1000, allows_parts=True)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    first = await confirm(bank, at, code, pence=300)
    assert isinstance(first, Confirmed)
    assert first.left_pence == 700
    assert await state(bank, reference) == "fulfilled"
    assert refused(await confirm(bank, at, code, pence=701)) == ["too_much"]
    outcomes = await asyncio.gather(*(confirm(bank, at, code, pence=400) for _ in range(3)))
    assert sum(isinstance(outcome, Confirmed) for outcome in outcomes) == 1
    last = await confirm(bank, at, code)
    assert isinstance(last, Confirmed)
    assert (last.pence, last.left_pence) == (300, 0)
    assert refused(await confirm(bank, at, code)) == ["already_used"]
    owed = await payables(bank)
    assert [one["pence"] for one in owed] == [300, 400, 300]
    assert [one["source_kind"] for one in owed] == ["redemption", "voucher_use", "voucher_use"]
    assert await posted(bank, "spent/vouchers") == 60
    assert await prove(owner_url, bank.id) == []
    some = Refund(reference=reference, reason="Mistake", supplier_pence=500)
    assert refused(await service.refund(bank.db, bank.coordinator, some, key=key(), now=bank.now)) == ["parts_used"]
    assert isinstance(await step(bank, "refund", reference, reason="Mistake"), service.Changed)
    assert {one["state"] for one in await payables(bank)} == {"cancelled"}
    assert await posted(bank, f"payable/{payee_id}") == 0
    assert await posted(bank, "spent/vouchers") == 0
    assert await prove(owner_url, bank.id) == []


async def test_hours_can_go_back_while_every_part_stays_owed(bank: Bank, owner_url: str) -> None:
    offer_id, payee_id = await ours(bank, pence=1000, allows_parts=True)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    for _ in range(2):
        assert isinstance(await confirm(bank, at, code, pence=200), Confirmed)
    rest = Refund(reference=reference, reason="Kitchen closed", minutes=30, supplier_pence=400)
    assert isinstance(await service.refund(bank.db, bank.coordinator, rest, key=key(), now=bank.now), service.Changed)
    assert await posted(bank, f"payable/{payee_id}") == 400
    assert await posted(bank, "spent/vouchers") == 30
    assert refused(await confirm(bank, at, code)) == ["cancelled"]
    assert await prove(owner_url, bank.id) == []


async def test_without_parts_a_voucher_is_used_in_one_go(bank: Bank) -> None:
    offer_id, payee_id = await ours(bank)
    code, at = await code_of(bank, await spend(bank, offer_id)), await till(bank, payee_id)
    assert refused(await confirm(bank, at, code, pence=499)) == ["no_parts"]
    assert refused(await confirm(bank, at, code, pence=0)) == ["no_parts"]
    assert isinstance(await confirm(bank, at, code, pence=500), Confirmed)


async def test_a_new_code_kills_the_old_one(bank: Bank) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    old, at = await code_of(bank, reference), await till(bank, payee_id)
    done = await vouchers_shown.replace(
        bank.db, bank.participant, ChangeCode(reference=reference), key=key(), now=bank.now
    )
    assert not isinstance(done, list)
    new = await code_of(bank, reference)
    assert new != old
    assert refused(await confirm(bank, at, old)) == ["replaced"]
    assert isinstance(await confirm(bank, at, new), Confirmed)


async def test_cancelling_stops_the_code_and_frees_the_hours(bank: Bank) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    assert not isinstance(await step(bank, "cancel", reference, bank.participant), list)
    assert refused(await confirm(bank, at, code)) == ["cancelled"]
    assert (await hours(bank, bank.participant.member_id)).available == 60
    assert refused(await shown(bank, reference)) == ["no_code"]


async def test_every_look_is_written_down_for_the_owner(bank: Bank) -> None:
    offer_id, _ = await ours(bank)
    reference = await spend(bank, offer_id)
    await code_of(bank, reference)
    await code_of(bank, reference, bank.coordinator)
    async with bank.db.reading(bank.id) as connection:
        views = await vouchers_shown.views_of(connection, bank.id, reference)
    assert [view.seen_by for view in views] == [bank.coordinator.member_id, bank.participant.member_id]
    stranger = actor(bank, await bank.member("Stranger"))
    with pytest.raises(LookupError):
        await shown(bank, reference, stranger)


async def test_a_look_opens_the_code_for_ten_minutes_and_for_nobody_else(bank: Bank) -> None:
    offer_id, _ = await ours(bank)
    reference = await spend(bank, offer_id)
    command = vouchers_shown.ShowCode(reference=reference)
    look = await vouchers_shown.show(bank.db, bank.participant, command, key=key(), now=bank.now)
    assert isinstance(look, vouchers_shown.ShownCode)
    async with bank.db.reading(bank.id) as connection:
        for who, minutes, is_open in (
            (bank.participant, 9, True),
            (bank.participant, 11, False),
            (bank.coordinator, 1, False),
        ):
            at = bank.now + timedelta(minutes=minutes)
            code = await vouchers_shown.opened(connection, who, reference, look.view_id, now=at)
            assert (code is not None) is is_open


async def test_nothing_in_the_database_says_the_code(bank: Bank, admin_url: str) -> None:
    import asyncpg

    offer_id, payee_id = await ours(bank)
    code, at = await code_of(bank, await spend(bank, offer_id)), await till(bank, payee_id)
    assert isinstance(await confirm(bank, at, code), Confirmed)
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch("select sealed, code_hash from voucher_code where timebank_id = $1", bank.id)
        kept = await connection.fetch("select response::text from idempotency where timebank_id = $1", bank.id)
    finally:
        await connection.close()
    assert [vault().unseal(row["sealed"]) for row in rows] == [code]
    assert all(code.encode() not in row["sealed"] and code.encode() not in row["code_hash"] for row in rows)
    secret = await token(bank, payee_id)
    assert all(code not in (row[0] or "") and secret not in (row[0] or "") for row in kept)


async def test_an_ended_or_old_link_opens_nothing(bank: Bank) -> None:
    _, payee_id = await ours(bank)
    await till(bank, payee_id)
    first = await token(bank, payee_id)
    await till(bank, payee_id)
    assert await suppliers.till_of(bank.db, first, now=bank.now) is None  # a new one ends it
    second = await token(bank, payee_id)
    assert await suppliers.till_of(bank.db, second, now=bank.now + suppliers.LINK_VALID_FOR) is None
    ended = await suppliers.end_link(bank.db, bank.finance, EndLink(payee_id=payee_id), key=key(), now=bank.now)
    assert not isinstance(ended, list)
    assert await suppliers.till_of(bank.db, second, now=bank.now) is None
    assert refused(
        await suppliers.end_link(bank.db, bank.participant, EndLink(payee_id=payee_id), key=key(), now=bank.now)
    ) == ["not_allowed"]


async def test_hours_come_back_when_the_rule_says_so(bank: Bank, owner_url: str) -> None:
    offer_id, payee_id = await ours(bank, valid_days=7)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    await end_due(bank.db, bank.id, bank.now + timedelta(days=5))
    assert await messages(bank, "voucher_ends_soon") == ["Use your voucher by 17 March 2026"]
    after = bank.now + timedelta(days=8)
    assert refused(await confirm(bank, at, code, now=after)) == ["expired"]
    # A tally that comes late still counts, for the day on which it happened.
    late = await confirm(bank, at, code, now=after, used_on=(bank.now + timedelta(days=7)).date())
    assert isinstance(late, Confirmed)
    second = await spend(bank, offer_id)
    gone = bank.now + timedelta(days=12)
    await time_out_due(bank.db, bank.id, gone)
    await end_due(bank.db, bank.id, gone)
    assert await state(bank, second) == "timed_out"
    assert (await hours(bank, bank.participant.member_id)).available == 60
    assert len(await payables(bank)) == 1
    assert await prove(owner_url, bank.id) == []


async def test_hours_are_used_up_when_the_rule_says_so(bank: Bank, owner_url: str) -> None:
    offer_id, payee_id = await ours(bank, valid_days=7, expiry_returns_hours=False)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    # The rule was shown when the hours were spent: a change afterwards does not touch this one.
    from tests.integration.redemptions.vouchering import with_terms

    await with_terms(bank, offer_id, source="ours", expiry_returns_hours=True)
    gone = bank.now + timedelta(days=12)
    assert await end_due(bank.db, bank.id, gone) == 1
    assert await end_due(bank.db, bank.id, gone) == 0
    assert await state(bank, reference) == "fulfilled"
    assert (await hours(bank, bank.participant.member_id)).available == 0
    assert await payables(bank) == []
    assert refused(await confirm(bank, at, code, now=gone)) == ["expired"]
    assert len(await messages(bank, "voucher_ended")) == 1
    assert await prove(owner_url, bank.id) == []


async def test_staff_type_in_a_tally_but_not_their_own(bank: Bank) -> None:
    offer_id, payee_id = await ours(bank)
    await till(bank, payee_id)
    code = await code_of(bank, await spend(bank, offer_id))
    own = await code_of(bank, await spend(bank, offer_id, bank.finance), bank.finance)

    async def typed(who: Actor, what: str):
        return await suppliers_confirming.confirm_for(
            bank.db, who, payee_id, Confirm(code=what), key=key(), now=bank.now
        )

    assert refused(await typed(bank.participant, code)) == ["not_allowed"]
    assert refused(await typed(bank.finance, own)) == ["own_booking"]
    assert isinstance(await typed(bank.finance, code), Confirmed)
    (owed,) = await payables(bank)
    assert (owed["created_by"], owed["submitted_by"]) == (bank.finance.member_id, bank.finance.member_id)


async def test_what_staff_hand_over_is_used_and_owed_once(bank: Bank) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    assert not isinstance(await step(bank, "fulfil", reference), list)
    assert refused(await confirm(bank, at, code)) == ["already_used"]
    assert [one["pence"] for one in await payables(bank)] == [500]


async def test_a_voucher_waits_until_the_booking_is_agreed(bank: Bank) -> None:
    offer_id, _ = await ours(bank, gives_at_once=False)
    reference = await spend(bank, offer_id)
    assert await state(bank, reference) == "requested"
    assert refused(await shown(bank, reference)) == ["no_code"]
    assert not isinstance(await step(bank, "accept", reference), list)
    assert len(await code_of(bank, reference)) == 10


async def test_the_supplier_of_the_day_is_paid_after_the_offer_changed(bank: Bank) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    code, at = await code_of(bank, reference), await till(bank, payee_id)
    another = await payee(bank, "Another")
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update offer set payee_id = $1, value_pence = 900 where id = $2", another, offer_id)
    assert isinstance(await confirm(bank, at, code), Confirmed)
    assert [(one["payee_id"], one["pence"]) for one in await payables(bank)] == [(payee_id, 500)]


async def test_slips_are_queued_printed_and_noted(bank: Bank) -> None:
    from timebank.redemptions import voucher_queries

    offer_id, _ = await ours(bank)
    reference = await spend(bank, offer_id)
    command = ChangeCode(reference=reference)
    await vouchers_shown.ask_for_slip(bank.db, bank.participant, command, key=key(), now=bank.now)
    async with bank.db.reading(bank.id) as connection:
        (waiting,) = await voucher_queries.slips(connection, bank.id)
    assert waiting.reference == reference
    (slip,) = await vouchers_shown.print_slips(bank.db, bank.coordinator, (reference,), now=bank.now)
    assert isinstance(slip, vouchers_shown.OpenedCode)
    async with bank.db.reading(bank.id) as connection:
        assert await voucher_queries.slips(connection, bank.id) == []
        views = await vouchers_shown.views_of(connection, bank.id, reference)
    assert [(view.how, view.seen_by) for view in views] == [("slip", bank.coordinator.member_id)]


async def messages(bank: Bank, kind: str) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select subject from message where kind = $1 order by id", kind)
    return [row["subject"] for row in rows]


async def test_more_hours_are_never_spent_than_there_are(bank: Bank) -> None:
    offer_id, _ = await ours(bank)
    await give_hours(bank, bank.participant.member_id or 0, 60)
    from tests.integration.redemptions.spending import book

    outcomes = await asyncio.gather(*(book(bank, offer_id, bank.participant) for _ in range(3)))
    assert sum(not isinstance(outcome, list) for outcome in outcomes) == 1
