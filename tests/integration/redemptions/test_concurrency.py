"""Many at once: the last place and the last hour go to exactly one, and a double tap is one booking."""

import asyncio

from tests.integration.redemptions.spending import (
    actor,
    book,
    booked,
    give_hours,
    hours,
    key,
    offer,
    payee,
    posted,
    prove,
    state,
    step,
)
from timebank.redemptions import service


async def test_the_last_place_goes_to_exactly_one_of_ten(bank, owner_url) -> None:
    people = [actor(bank, await bank.member()) for _ in range(10)]
    for person in people:
        await give_hours(bank, person.member_id, 60)
    wanted = await offer(bank, "training", places=1)
    answers = await asyncio.gather(*(book(bank, wanted, person) for person in people))
    refused = [answer for answer in answers if isinstance(answer, list)]
    assert len(refused) == 9
    assert {refusal.code for answer in refused for refusal in answer} == {"no_places_left"}
    left = [(await hours(bank, person.member_id)).set_aside for person in people]
    assert sorted(left) == [0] * 9 + [60]
    assert await prove(owner_url, bank.id) == []


async def test_the_last_hour_is_spent_once_on_ten_different_offers(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    wanted = [await offer(bank) for _ in range(10)]
    answers = await asyncio.gather(*(book(bank, each, bank.participant) for each in wanted))
    assert sum(isinstance(answer, service.Booked) for answer in answers) == 1
    assert {answer[0].code for answer in answers if isinstance(answer, list)} == {"not_enough_hours"}
    assert (await hours(bank, bank.participant.member_id)).set_aside == 60
    assert await prove(owner_url, bank.id) == []


async def test_the_limit_of_open_bookings_holds_under_parallel_requests(db) -> None:
    from tests.people import make_bank

    bank = await make_bank(db, max_open_bookings=3)
    await give_hours(bank, bank.participant.member_id, 600)
    wanted = [await offer(bank) for _ in range(8)]
    answers = await asyncio.gather(*(book(bank, each, bank.participant) for each in wanted))
    assert sum(isinstance(answer, service.Booked) for answer in answers) == 3


async def test_the_same_key_five_times_at_once_is_one_booking(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    wanted, same = await offer(bank), key()
    answers = await asyncio.gather(*(book(bank, wanted, bank.participant, key=same) for _ in range(5)))
    assert all(isinstance(answer, service.Booked) for answer in answers)
    assert len({answer.reference for answer in answers}) == 1
    assert (await hours(bank, bank.participant.member_id)).set_aside == 60


async def test_fulfil_cancel_and_time_out_race_and_one_wins(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    supplier = await payee(bank)
    reference = await booked(bank, await offer(bank, payee_id=supplier, value_pence=500), bank.participant)
    answers = await asyncio.gather(
        *(step(bank, "fulfil", reference) for _ in range(3)),
        *(step(bank, "cancel", reference, bank.participant) for _ in range(3)),
        *(step(bank, "decline", reference) for _ in range(3)),
    )
    assert sum(isinstance(answer, service.Changed) for answer in answers) == 1
    after = await state(bank, reference)
    mine = await hours(bank, bank.participant.member_id)
    assert (mine.posted, mine.set_aside) == ((0, 0) if after == "fulfilled" else (60, 0))
    assert await posted(bank, f"payable/{supplier}") == (500 if after == "fulfilled" else 0)
    assert await prove(owner_url, bank.id) == []


async def test_time_outs_run_twice_at_once_free_each_booking_once(bank, owner_url) -> None:
    from datetime import timedelta

    await give_hours(bank, bank.participant.member_id, 600)
    for _ in range(5):
        await booked(bank, await offer(bank, hold_days=1), bank.participant)
    later = bank.now + timedelta(days=2)
    freed = await asyncio.gather(*(service.time_out_due(bank.db, bank.id, later) for _ in range(3)))
    again = await service.time_out_due(bank.db, bank.id, later)
    assert sum(freed) + again == 5
    assert (await hours(bank, bank.participant.member_id)).set_aside == 0
    assert await prove(owner_url, bank.id) == []
