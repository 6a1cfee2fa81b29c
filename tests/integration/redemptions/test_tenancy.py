"""Another time bank's ids are of no use."""

import pytest

from tests.integration.redemptions.spending import actor, book, booked, give_hours, hours, key, offer, payee, step
from timebank.hours import service as hours_service
from timebank.redemptions import queries, service
from timebank.redemptions.service import AddOffer


async def test_an_offer_of_another_time_bank_does_not_exist(bank, other_bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    (refusal,) = await book(bank, await offer(other_bank), bank.participant)
    assert refusal.code == "unknown_offer"
    assert (await hours(bank, bank.participant.member_id)).set_aside == 0


async def test_a_member_of_another_time_bank_cannot_be_booked_for(bank, other_bank) -> None:
    await give_hours(other_bank, other_bank.participant.member_id, 60)
    (refusal,) = await book(bank, await offer(bank), bank.coordinator, member_id=other_bank.participant.member_id)
    assert refusal.code == "unknown_member"


async def test_a_booking_of_another_time_bank_cannot_be_seen_or_changed(bank, other_bank) -> None:
    await give_hours(other_bank, other_bank.participant.member_id, 60)
    reference = await booked(other_bank, await offer(other_bank), other_bank.participant)
    for name in ("accept", "fulfil", "decline", "cancel"):
        with pytest.raises(LookupError):
            await step(bank, name, reference)
    async with bank.db.reading(bank.id) as connection:
        assert await queries.booking(connection, bank.id, reference) is None
        assert await queries.booking(connection, other_bank.id, reference) is None


async def test_an_offer_cannot_name_another_time_banks_supplier_or_helper(bank, other_bank) -> None:
    theirs = await payee(other_bank)
    wanted = AddOffer(kind="voucher", title="V", price_minutes=60, benefit_label="x", payee_id=theirs, value_pence=100)
    (refusal,) = await service.add_offer(bank.db, bank.coordinator, wanted, key=key(), now=bank.now)
    assert refusal.code == "unknown_payee"
    helper = AddOffer(
        kind="peer_support",
        title="P",
        price_minutes=60,
        benefit_label="x",
        provider_id=other_bank.participant.member_id,
    )
    (refusal,) = await service.add_offer(bank.db, bank.coordinator, helper, key=key(), now=bank.now)
    assert refusal.code == "unknown_member"


async def test_time_outs_of_one_time_bank_leave_the_other_alone(bank, other_bank) -> None:
    from datetime import timedelta

    for each in (bank, other_bank):
        await give_hours(each, each.participant.member_id, 60)
        await booked(each, await offer(each, hold_days=1), each.participant)
    assert await service.time_out_due(bank.db, bank.id, bank.now + timedelta(days=2)) == 1
    assert (await hours(other_bank, other_bank.participant.member_id)).set_aside == 60


async def test_hours_cannot_be_given_across_time_banks(bank, other_bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    command = hours_service.Give(
        from_member_id=bank.participant.member_id, to_member_id=other_bank.participant.member_id, minutes=10
    )
    (refusal,) = await hours_service.give(
        bank.db, actor(bank, bank.participant.member_id), command, key=key(), now=bank.now
    )
    assert (refusal.code, refusal.field) == ("unknown_member", "to_member_id")
