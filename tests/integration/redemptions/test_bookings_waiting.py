"""Waiting lists: who is next, how long they have, and what happens at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.integration.redemptions.spending import (
    actor,
    book,
    booked,
    give_hours,
    hours,
    key,
    offer,
    prove,
    step,
    waits,
)
from tests.people import make_bank
from timebank.messages.packing import pack
from timebank.redemptions import managing, service, waiting_queries
from timebank.redemptions.offers import ChangedOffer, change_offer
from timebank.redemptions.service import Booked, ChangeWaiting


async def turn(bank, waiting_id: int):
    async with bank.db.reading(bank.id) as connection:
        return await waiting_queries.turn(connection, bank.id, waiting_id)


async def told(bank, member_id: int) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select kind from message where member_id = $1 order by id", member_id)
    return [row["kind"] for row in rows]


async def reached_by(bank, member_id: int, route: str) -> None:
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set contact_route = $2, email = 'a@example.org', phone = '01632 960 001', "
            "postal_address = '1 Road' where id = $1",
            member_id,
            route,
        )


async def person(bank, minutes: int = 60, route: str = "email"):
    member_id = await bank.member()
    await give_hours(bank, member_id, minutes)
    await reached_by(bank, member_id, route)
    return actor(bank, member_id)


async def change(bank, use_case, waiting_id: int, who, now=None):
    command = ChangeWaiting(waiting_id=waiting_id)
    return await use_case(bank.db, who, command, key=key(), now=now or bank.now)


@pytest.fixture
async def full(bank):
    """A training of one place, booked, in three weeks; and who booked it."""
    holder = await person(bank)
    wanted = await offer(bank, "training", places=1, starts_at=bank.now + timedelta(days=21))
    return wanted, await booked(bank, wanted, holder), holder


async def test_a_freed_place_is_offered_in_order_and_kept_until_somebody_takes_it(bank, full, owner_url) -> None:
    wanted, reference, holder = full
    ann, bo = await person(bank), await person(bank)
    first, second = await waits(bank, wanted, ann), await waits(bank, wanted, bo)
    assert (await turn(bank, second)).before == 1
    assert (await hours(bank, ann.member_id)).set_aside == 0

    await step(bank, "cancel", reference, holder)
    assert (await turn(bank, first)).state == "offered"
    assert await told(bank, ann.member_id) == ["place_offered"]
    (refusal,) = await book(bank, wanted, bo)
    assert refusal.code == "no_places_left"
    (refusal,) = await book(bank, wanted, holder)
    assert refusal.code == "no_places_left"

    made = await book(bank, wanted, ann)
    assert isinstance(made, Booked), made
    there = await turn(bank, first)
    assert (there.state, there.reference) == ("taken", made.reference)
    assert (await turn(bank, second)).state == "waiting"
    assert await prove(owner_url, bank.id) == []


async def test_more_places_go_to_those_who_wait_longest(bank, full) -> None:
    wanted, _, _ = full
    people = [await person(bank) for _ in range(3)]
    turns = [await waits(bank, wanted, each) for each in people]

    async def states() -> list[str]:
        return [(await turn(bank, each)).state for each in turns]

    async def changed(**fields: object) -> None:
        day = bank.now.date()
        async with bank.db.reading(bank.id) as connection:
            there = await managing.offer(connection, bank.id, wanted, now=bank.now, today=day, time_zone="UTC")
        command = msgspec.structs.replace(there.change(), **fields)
        done = await change_offer(bank.db, bank.coordinator, command, key=key(), now=bank.now)
        assert isinstance(done, ChangedOffer), done

    await changed(summary="The same places")
    assert await states() == ["waiting", "waiting", "waiting"]
    await changed(places=3)
    assert await states() == ["offered", "offered", "waiting"]
    assert await told(bank, people[1].member_id) == ["place_offered"]
    (refusal,) = await book(bank, wanted, await person(bank))
    assert refusal.code == "no_places_left"
    # Fewer again: what was offered stays so.
    await changed(places=1)
    assert await states() == ["offered", "offered", "waiting"]


async def test_the_rules_say_how_long_a_place_is_kept(bank, full) -> None:
    wanted, reference, holder = full
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "insert into rules (timebank_id, version, document, decided_by, starts_on)"
            " select timebank_id, 2, document || '{\"waiting_answer_days\": 5}', 'all of us', starts_on"
            " from rules where version = 1",
        )
    ann = await person(bank)
    first = await waits(bank, wanted, ann)
    await step(bank, "cancel", reference, holder)
    there = await turn(bank, first)
    assert there.answer_until - there.offered_at > timedelta(days=5)


async def test_saying_no_asks_the_next_and_silence_passes_kindly(bank, full) -> None:
    wanted, reference, holder = full
    people = [await person(bank) for _ in range(3)]
    turns = [await waits(bank, wanted, each) for each in people]
    await step(bank, "cancel", reference, holder)
    done = await change(bank, service.leave, turns[0], people[0])
    assert done.state == "declined"
    assert (await turn(bank, turns[1])).state == "offered"

    await pack(bank.db, bank.id, bank.now + timedelta(minutes=1))
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update delivery set state = 'sent', sent_at = $1", bank.now)
    until = (await turn(bank, turns[1])).answer_until
    assert await service.move_on(bank.db, bank.id, until - timedelta(minutes=1)) == 0
    assert await service.move_on(bank.db, bank.id, until + timedelta(minutes=1)) == 2
    assert [(await turn(bank, each)).state for each in turns] == ["declined", "passed", "offered"]
    assert (await told(bank, people[1].member_id))[-1] == "place_passed"


async def test_the_clock_of_an_answer_starts_when_the_message_arrives(bank, full) -> None:
    wanted, reference, holder = full
    ann = await person(bank)
    first = await waits(bank, wanted, ann)
    await step(bank, "cancel", reference, holder)
    until = (await turn(bank, first)).answer_until
    # Nothing has been sent: the place is still kept long after.
    assert await service.move_on(bank.db, bank.id, until + timedelta(days=3)) == 0
    assert (await turn(bank, first)).state == "offered"
    # It can be answered in these days, too.
    assert isinstance(await book(bank, wanted, ann, now=until + timedelta(days=3)), Booked)


async def test_an_answer_never_ends_on_a_day_when_nobody_works(db) -> None:
    bank = await make_bank(db)
    friday = datetime(2026, 3, 13, 10, tzinfo=UTC)
    bank.now = friday
    holder, ann = await person(bank), await person(bank)
    wanted = await offer(bank, "training", places=1, starts_at=friday + timedelta(days=21))
    reference = await booked(bank, wanted, holder)
    first = await waits(bank, wanted, ann)
    await step(bank, "cancel", reference, holder)
    # Two working days after Friday is Tuesday, to its end.
    assert (await turn(bank, first)).answer_until == datetime(2026, 3, 18, tzinfo=UTC)


async def test_near_the_start_there_is_half_of_the_time_and_letters_are_passed_over(bank) -> None:
    holder, letter, mail = await person(bank), await person(bank, route="letter"), await person(bank)
    starts = bank.now + timedelta(hours=21)
    wanted = await offer(bank, "training", places=1, starts_at=starts, cancel_hours=0)
    reference = await booked(bank, wanted, holder)
    first, second = await waits(bank, wanted, letter), await waits(bank, wanted, mail)
    await step(bank, "cancel", reference, holder)
    assert (await turn(bank, first)).state == "waiting"
    there = await turn(bank, second)
    assert (there.state, there.answer_until) == ("offered", bank.now + timedelta(hours=10))


async def test_too_near_the_start_nobody_is_asked_and_the_list_ends_with_the_day(bank) -> None:
    holder, ann = await person(bank), await person(bank)
    starts = bank.now + timedelta(hours=2)
    wanted = await offer(bank, "training", places=1, starts_at=starts, cancel_hours=0)
    reference = await booked(bank, wanted, holder)
    first = await waits(bank, wanted, ann)
    await step(bank, "cancel", reference, holder)
    assert (await turn(bank, first)).state == "waiting"
    assert isinstance(await book(bank, wanted, ann), Booked)  # who is first may still take it by themselves
    other = await person(bank)
    last = await waits(bank, wanted, other)
    assert await service.move_on(bank.db, bank.id, starts + timedelta(minutes=1)) == 1
    assert (await turn(bank, last)).state == "ended"
    assert "waiting_ended" in await told(bank, other.member_id)


async def test_hours_must_suffice_when_the_place_is_taken(bank, full) -> None:
    wanted, reference, holder = full
    ann = await person(bank, minutes=20)
    first = await waits(bank, wanted, ann)
    await step(bank, "cancel", reference, holder)
    (refusal,) = await book(bank, wanted, ann)
    assert refusal.code == "not_enough_hours"
    assert "40 minutes more" in refusal.message
    assert (await turn(bank, first)).state == "offered"


async def test_two_places_freed_at_once_go_to_two_people(bank, owner_url) -> None:
    holders = [await person(bank) for _ in range(2)]
    wanted = await offer(bank, "training", places=2, starts_at=bank.now + timedelta(days=21))
    references = [await booked(bank, wanted, each) for each in holders]
    turns = [await waits(bank, wanted, await person(bank)) for _ in range(3)]
    await asyncio.gather(
        *(step(bank, "cancel", reference, each) for reference, each in zip(references, holders, strict=True)),
        service.move_on(bank.db, bank.id, bank.now),
    )
    assert [(await turn(bank, each)).state for each in turns] == ["offered", "offered", "waiting"]
    assert await prove(owner_url, bank.id) == []


async def test_taking_a_place_while_it_passes_on_gives_it_to_one(bank, full, owner_url) -> None:
    wanted, reference, holder = full
    ann, bo = await person(bank), await person(bank)
    first, second = await waits(bank, wanted, ann), await waits(bank, wanted, bo)
    await step(bank, "cancel", reference, holder)
    made, _ = await asyncio.gather(book(bank, wanted, ann), change(bank, service.pass_on, first, bank.coordinator))
    states = [(await turn(bank, each)).state for each in (first, second)]
    assert states in (["taken", "waiting"], ["passed", "offered"])
    assert isinstance(made, Booked) == (states[0] == "taken")
    assert await prove(owner_url, bank.id) == []


async def test_waiting_is_refused_in_words(bank, full) -> None:
    wanted, _, holder = full
    ann = await person(bank)
    codes = []
    no_list, free = await offer(bank, "voucher", places=0), await offer(bank, "training", places=3)
    for who, offer_id in ((holder, wanted), (ann, no_list), (ann, free)):
        command = service.JoinWaiting(offer_id=offer_id, member_id=who.member_id)
        (refusal,) = await service.join(bank.db, who, command, key=key(), now=bank.now)
        codes.append(refusal.code)
    assert codes == ["booked_already", "no_waiting_list", "places_free"]
    first = await waits(bank, wanted, ann)
    assert await waits(bank, wanted, ann) == first
    (refusal,) = await change(bank, service.leave, first, holder)
    assert refusal.code == "not_yours"
    (refusal,) = await change(bank, service.pass_on, first, bank.coordinator)
    assert refusal.code == "wrong_state"


async def test_another_time_bank_cannot_touch_a_turn(bank, other_bank, full) -> None:
    wanted, _, _ = full
    first = await waits(bank, wanted, await person(bank))
    for use_case in (service.leave, service.pass_on):
        with pytest.raises(LookupError):
            await change(other_bank, use_case, first, other_bank.coordinator)


async def test_a_coordinator_adds_somebody_who_is_told_how(bank, full) -> None:
    wanted, _, _ = full
    ann = await person(bank)
    first = await waits(bank, wanted, bank.coordinator, member_id=ann.member_id)
    assert await told(bank, ann.member_id) == ["waiting_added"]
    await change(bank, service.leave, first, bank.coordinator)
    assert await told(bank, ann.member_id) == ["waiting_added", "waiting_removed"]


async def test_called_off_frees_everything_and_tells_everybody(bank, full, owner_url) -> None:
    wanted, reference, holder = full
    ann = await person(bank)
    first = await waits(bank, wanted, ann)
    command = service.CallOff(offer_id=wanted, reason="The trainer is ill.")
    (refusal,) = await service.call_off(bank.db, ann, command, key=key(), now=bank.now)
    assert refusal.code == "not_allowed"
    same = key()
    done = await service.call_off(bank.db, bank.coordinator, command, key=same, now=bank.now)
    assert (done.bookings, done.waiting) == (1, 1)
    assert await service.call_off(bank.db, bank.coordinator, command, key=same, now=bank.now) == done
    assert (await hours(bank, holder.member_id)).available == 60
    assert (await turn(bank, first)).state == "ended"
    assert "booking_cancelled" in await told(bank, holder.member_id)
    assert "waiting_ended" in await told(bank, ann.member_id)
    (refusal,) = await book(bank, wanted, ann)
    assert refusal.code == "offer_closed"
    assert reference
    assert await prove(owner_url, bank.id) == []
