"""A booking from request to fulfilment and back, in each kind, with what the ledger and payments then say."""

from datetime import timedelta

import pytest

from tests.integration.redemptions.spending import (
    actor,
    book,
    booked,
    give_hours,
    hours,
    offer,
    paid_out,
    payee,
    posted,
    prove,
    state,
    step,
)
from timebank.payments import queries as payments
from timebank.redemptions import queries, service


def codes(answer: object) -> list[str]:
    assert isinstance(answer, list), answer
    return [refusal.code for refusal in answer]


async def payable_of(bank, reference: str):
    async with bank.db.reading(bank.id) as connection:
        booking = await queries.booking(connection, bank.id, reference)
        return await payments.by_source(connection, bank.id, "redemption", booking.id)


async def test_a_voucher_is_set_aside_handed_over_and_owed(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    supplier = await payee(bank)
    wanted = await offer(bank, "voucher", payee_id=supplier, value_pence=1000)

    reference = await booked(bank, wanted, bank.participant)
    mine = await hours(bank, bank.participant.member_id)
    assert (mine.posted, mine.set_aside, mine.available) == (240, 60, 180)

    assert await step(bank, "accept", reference) == service.Changed(reference=reference, state="accepted")
    assert await step(bank, "fulfil", reference) == service.Changed(reference=reference, state="fulfilled")
    mine = await hours(bank, bank.participant.member_id)
    assert (mine.posted, mine.set_aside, mine.available) == (180, 0, 180)
    assert await posted(bank, "spent/vouchers") == 60
    assert await posted(bank, f"payable/{supplier}") == 1000
    assert await posted(bank, "expense/voucher") == -1000
    payable = await payable_of(bank, reference)
    assert (payable.kind, payable.pence, payable.state) == ("voucher", 1000, "submitted")
    assert payable.due_on == (bank.now + timedelta(days=30)).date()
    assert "Demo participant" not in payable.description
    assert await prove(owner_url, bank.id) == []


async def test_a_refund_gives_back_hours_and_takes_back_what_is_owed(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    supplier = await payee(bank)
    reference = await booked(bank, await offer(bank, "voucher", payee_id=supplier, value_pence=1000), bank.participant)
    await step(bank, "fulfil", reference)

    assert await step(bank, "refund", reference, reason="The café was shut.") == service.Changed(
        reference=reference, state="refunded"
    )
    assert (await hours(bank, bank.participant.member_id)).available == 60
    assert await posted(bank, f"payable/{supplier}") == 0
    assert await posted(bank, "spent/vouchers") == 0
    assert (await payable_of(bank, reference)).state == "cancelled"
    assert codes(await step(bank, "refund", reference)) == ["wrong_state"]
    assert await prove(owner_url, bank.id) == []


async def test_a_refund_after_the_payment_left_makes_the_supplier_owe_it_back(bank, owner_url: str) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    supplier = await payee(bank)
    reference = await booked(bank, await offer(bank, "voucher", payee_id=supplier, value_pence=1000), bank.participant)
    await step(bank, "fulfil", reference)
    await paid_out(bank, (await payable_of(bank, reference)).reference)
    assert await step(bank, "refund", reference) == service.Changed(reference=reference, state="refunded")
    assert (await hours(bank, bank.participant.member_id)).available == 60
    assert (await payable_of(bank, reference)).state == "exported"
    assert await posted(bank, f"credit/{supplier}") == -1000
    assert await posted(bank, "expense/voucher") == 0
    assert await prove(owner_url, bank.id) == []


async def test_training_goes_to_its_own_account_and_waits_for_the_invoice(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 120)
    supplier = await payee(bank, "The college")
    starts = bank.now + timedelta(days=3)
    wanted = await offer(bank, "training", starts_at=starts, payee_id=supplier, value_pence=4500, price_minutes=90)
    reference = await booked(bank, wanted, bank.participant)

    assert codes(await step(bank, "fulfil", reference)) == ["too_early"]
    await step(bank, "accept", reference)
    assert isinstance(await step(bank, "fulfil", reference, now=starts + timedelta(days=2)), service.Changed)
    assert await posted(bank, "spent/training") == 90
    payable = await payable_of(bank, reference)
    assert (payable.kind, payable.state, payable.earned_on) == ("training", "draft", starts.date())


async def test_help_from_a_member_moves_the_hours_to_the_helper(bank) -> None:
    helper = await bank.member("Helper")
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank, "peer_support", provider_id=helper), bank.participant)
    await step(bank, "fulfil", reference)
    assert (await hours(bank, helper)).posted == 60
    assert (await hours(bank, bank.participant.member_id)).posted == 0
    assert await payable_of(bank, reference) is None


async def test_a_helper_who_used_the_hours_stops_the_refund_in_words(bank) -> None:
    helper = await bank.member("Helper")
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank, "peer_support", provider_id=helper), bank.participant)
    await step(bank, "fulfil", reference)
    await booked(bank, await offer(bank, "voucher"), actor(bank, helper))
    assert codes(await step(bank, "refund", reference)) == ["helper_has_used_them"]
    assert await state(bank, reference) == "fulfilled"


@pytest.mark.parametrize(("name", "after"), [("cancel", "cancelled"), ("decline", "declined")])
async def test_hours_and_place_are_free_again(bank, name: str, after: str) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    wanted = await offer(bank, "training", places=1)
    reference = await booked(bank, wanted, bank.participant)
    who = bank.participant if name == "cancel" else bank.coordinator
    assert await step(bank, name, reference, who) == service.Changed(reference=reference, state=after)
    assert (await hours(bank, bank.participant.member_id)).available == 60
    assert isinstance(await book(bank, wanted, bank.participant), service.Booked)


async def test_not_enough_hours_says_how_many_more_and_keeps_nothing(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 30)
    wanted = await offer(bank)
    (refusal,) = await book(bank, wanted, bank.participant)
    assert refusal.code == "not_enough_hours"
    assert "30 minutes more" in refusal.message
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from redemption") == 0
        assert await connection.fetchval("select count(*) from idempotency where scope like 'request%'") == 0


async def test_a_coordinator_books_for_others_but_not_a_participant(bank) -> None:
    other = await bank.member("Somebody")
    await give_hours(bank, other, 60)
    wanted = await offer(bank)
    assert codes(await book(bank, wanted, bank.participant, member_id=other)) == ["not_yours"]
    assert isinstance(await book(bank, wanted, bank.coordinator, member_id=other), service.Booked)
    assert (await hours(bank, other)).set_aside == 60


async def test_nobody_decides_about_their_own_hours(bank) -> None:
    await give_hours(bank, bank.coordinator.member_id, 120)
    reference = await booked(bank, await offer(bank), bank.coordinator)
    for name in ("accept", "fulfil", "decline"):
        assert codes(await step(bank, name, reference, bank.coordinator)) == ["own_booking"]
    assert isinstance(await step(bank, "fulfil", reference, bank.coordinator_two), service.Changed)
    assert codes(await step(bank, "refund", reference, bank.coordinator)) == ["own_booking"]


async def test_a_participant_cannot_do_what_staff_do(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank), bank.participant)
    stranger = actor(bank, await bank.member())
    for name in ("accept", "fulfil", "decline"):
        assert codes(await step(bank, name, reference, bank.participant)) == ["not_allowed"]
    assert codes(await step(bank, "cancel", reference, stranger)) == ["not_yours"]
    assert await state(bank, reference) == "requested"


async def test_after_the_deadline_only_a_coordinator_can_cancel(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    starts = bank.now + timedelta(days=2)
    reference = await booked(bank, await offer(bank, "training", starts_at=starts, cancel_hours=24), bank.participant)
    late = starts - timedelta(hours=23)
    assert codes(await step(bank, "cancel", reference, bank.participant, now=late)) == ["too_late_to_cancel"]
    assert isinstance(await step(bank, "cancel", reference, bank.coordinator, now=late), service.Changed)
    assert (await hours(bank, bank.participant.member_id)).available == 60


async def test_time_outs_free_the_hours_once_and_late_fulfilment_is_refused(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    short = await offer(bank, hold_days=7)
    long = await offer(bank, hold_days=30)
    first = await booked(bank, short, bank.participant)
    second = await booked(bank, long, bank.participant)
    later = bank.now + timedelta(days=8)

    assert codes(await step(bank, "fulfil", first, now=later)) == ["timed_out"]
    assert await service.time_out_due(bank.db, bank.id, bank.now) == 0
    assert await service.time_out_due(bank.db, bank.id, later) == 1
    assert await service.time_out_due(bank.db, bank.id, later) == 0
    assert [await state(bank, each) for each in (first, second)] == ["timed_out", "requested"]
    assert (await hours(bank, bank.participant.member_id)).set_aside == 60
    assert codes(await step(bank, "accept", first, now=later)) == ["timed_out"]
    assert await prove(owner_url, bank.id) == []


async def test_every_change_is_in_the_history_with_who_and_why(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank), bank.participant)
    await step(bank, "fulfil", reference)
    await step(bank, "refund", reference, reason="Closed that day")
    async with bank.db.reading(bank.id) as connection:
        booking = await queries.booking(connection, bank.id, reference)
        events = await queries.history(connection, bank.id, booking.id)
    assert [(event.n, event.state, event.actor_id) for event in events] == [
        (1, "requested", bank.participant.member_id),
        (2, "accepted", bank.coordinator.member_id),
        (3, "fulfilled", bank.coordinator.member_id),
        (4, "refunded", bank.coordinator.member_id),
    ]
    assert events[3].reason == "Closed that day"


async def test_entries_are_described_for_spender_and_helper(bank) -> None:
    helper = await bank.member("Helper")
    await give_hours(bank, bank.participant.member_id, 120)
    reference = await booked(
        bank, await offer(bank, "peer_support", provider_id=helper, title="Gardening"), bank.participant
    )
    await step(bank, "fulfil", reference)
    await step(bank, "refund", reference)
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow("select entry_id, refund_entry_id from redemption")
        ids = [row["entry_id"], row["refund_entry_id"]]
        mine = await queries.describe_entries(connection, bank.id, ids, reader_id=bank.participant.member_id)
        theirs = await queries.describe_entries(connection, bank.id, ids[:1], reader_id=helper)
    assert mine[ids[0]].title == "Gardening"
    assert mine[ids[0]].made_by == "Demo coordinator"
    assert mine[ids[1]].title == "Given back: Gardening"
    assert theirs == {ids[0]: theirs[ids[0]]}
    assert theirs[ids[0]].title == "Gardening, for Demo participant"


async def test_a_used_voucher_stays_used_and_a_refunded_one_comes_back(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    wanted = await offer(bank, places=1)
    reference = await booked(bank, wanted, bank.participant)
    await step(bank, "fulfil", reference)
    assert codes(await book(bank, wanted, bank.participant)) == ["no_places_left"]
    await step(bank, "refund", reference)
    assert isinstance(await book(bank, wanted, bank.participant), service.Booked)
