"""How bookings end: attendance, time-outs with a reminder, more time, and hours given back in part."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.integration.redemptions.spending import (
    actor,
    booked,
    give_hours,
    hours,
    key,
    offer,
    paid_out,
    payee,
    posted,
    prove,
    state,
    step,
)
from tests.integration.redemptions.vouchering import till, token
from timebank.db import Rollback
from timebank.kit.actor import supplier
from timebank.messages.packing import pack
from timebank.payments import queries as payments
from timebank.redemptions import queries, service, steps
from timebank.redemptions.attendance import expected
from timebank.redemptions.service import MoreTime, Refund, SaveAttendance


async def told(bank, member_id: int) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select kind from message where member_id = $1 order by id", member_id)
    return [row["kind"] for row in rows]


async def payable_of(bank, reference: str):
    async with bank.db.reading(bank.id) as connection:
        booking = await queries.booking(connection, bank.id, reference)
        return await payments.by_source(connection, bank.id, "redemption", booking.id)


async def until_of(bank, reference: str) -> datetime:
    async with bank.db.reading(bank.id) as connection:
        return (await queries.booking(connection, bank.id, reference)).expires_at


async def attended(bank, who, offer_id: int, marks: dict[str, str], now, same: str | None = None):
    command = SaveAttendance(offer_id=offer_id, marks=marks)
    return await service.save_attendance(bank.db, who, command, key=same or key(), now=now)


@pytest.fixture
async def day(bank):
    """A training tomorrow week with a college, and three people who booked it; not coming uses the hours."""
    college = await payee(bank, "The college")
    starts = bank.now + timedelta(days=8)
    wanted = await offer(
        bank, "training", starts_at=starts, payee_id=college, value_pence=4500, no_show="used", places=5
    )
    people = [actor(bank, await bank.member()) for _ in range(3)]
    for each in people:
        await give_hours(bank, each.member_id, 60)
    references = [await booked(bank, wanted, each) for each in people]
    return wanted, college, people, references, starts + timedelta(hours=3)


async def test_a_supplier_says_who_came_and_is_owed_each_place_once(bank, day, owner_url) -> None:
    wanted, college, people, references, after = day
    who = supplier(bank.id, college)
    marks = dict(zip(references, ["came", "missed", "cancelled"], strict=True))
    (refusal,) = await attended(bank, who, wanted, marks, bank.now)
    assert refusal.code == "too_early"
    same = key()
    saved = await attended(bank, who, wanted, marks, after, same)
    assert (saved.saved, saved.refused) == (3, {})
    assert await attended(bank, who, wanted, marks, after, same) == saved
    again = await attended(bank, who, wanted, marks, after)
    assert (again.saved, len(again.refused)) == (0, 3)
    assert [await state(bank, each) for each in references] == ["fulfilled", "fulfilled", "cancelled"]
    assert [(await hours(bank, each.member_id)).available for each in people] == [0, 0, 60]
    assert await posted(bank, f"payable/{college}") == 9000
    assert [(await payable_of(bank, each)) is not None for each in references] == [True, True, False]
    assert (await told(bank, people[1].member_id))[-1] == "booking_fulfilled"
    async with bank.db.reading(bank.id) as connection:
        booking = await queries.booking(connection, bank.id, references[0])
        events = await queries.history(connection, bank.id, booking.id)
    assert (events[-1].actor_name, events[-1].actor_id) == ("The college", None)
    assert await prove(owner_url, bank.id) == []


async def test_where_hours_stay_free_a_mistake_at_the_door_can_be_mended(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    college = await payee(bank)
    starts = bank.now + timedelta(days=3)
    wanted = await offer(bank, "training", starts_at=starts, payee_id=college, value_pence=4500)
    reference = await booked(bank, wanted, bank.participant)
    after = starts + timedelta(hours=2)
    await attended(bank, supplier(bank.id, college), wanted, {reference: "missed"}, after)
    assert await state(bank, reference) == "missed"
    assert (await hours(bank, bank.participant.member_id)).available == 60
    assert await posted(bank, f"payable/{college}") == 0
    assert isinstance(await step(bank, "fulfil", reference, now=after), service.Changed)
    assert (await hours(bank, bank.participant.member_id)).available == 0
    assert await posted(bank, f"payable/{college}") == 4500
    assert await prove(owner_url, bank.id) == []


async def test_another_supplier_sees_and_changes_nothing(bank, day) -> None:
    wanted, _, _, references, after = day
    stranger = supplier(bank.id, await payee(bank, "Another"))
    (refusal,) = await attended(bank, stranger, wanted, {references[0]: "came"}, after)
    assert refusal.code == "unknown_offer"
    assert await state(bank, references[0]) == "requested"


async def test_whoever_holds_the_day_reads_first_names_only(bank, day) -> None:
    wanted, _, _, _, _ = day
    await give_hours(bank, (person := await bank.member("Quintilla Nobody-Else")), 60)
    await booked(bank, wanted, actor(bank, person))
    async with bank.db.reading(bank.id) as connection:
        names = [each.first_name for each in await expected(connection, bank.id, wanted)]
    assert "Quintilla" in names
    assert not [name for name in names if "Nobody" in name]


async def test_a_part_is_used_and_the_rest_is_free(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    cafe = await payee(bank)
    reference = await booked(bank, await offer(bank, payee_id=cafe, value_pence=1000), bank.participant)
    async with bank.db.writing(bank.id) as connection:
        with pytest.raises(Rollback):
            await steps.fulfil_within(connection, supplier(bank.id, cafe), reference, minutes=61, now=bank.now)
    async with bank.db.writing(bank.id) as connection:
        await steps.fulfil_within(connection, supplier(bank.id, cafe), reference, minutes=45, pence=700, now=bank.now)
    mine = await hours(bank, bank.participant.member_id)
    assert (mine.posted, mine.set_aside) == (15, 0)
    assert (await payable_of(bank, reference)).pence == 700
    assert isinstance(await step(bank, "refund", reference, reason="x"), service.Changed)
    assert (await hours(bank, bank.participant.member_id)).available == 60
    assert await prove(owner_url, bank.id) == []


async def refunded(bank, reference: str, **fields):
    command = Refund(reference=reference, reason="Left early", **fields)
    return await service.refund(bank.db, bank.coordinator, command, key=key(), now=bank.now)


async def test_a_part_of_the_hours_goes_back_and_less_is_owed(bank, owner_url) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    cafe = await payee(bank)
    reference = await booked(bank, await offer(bank, payee_id=cafe, value_pence=1000), bank.participant)
    await step(bank, "fulfil", reference)
    assert [each.code for each in await refunded(bank, reference, minutes=61)] == ["bad_minutes"]
    assert [each.code for each in await refunded(bank, reference, minutes=20, supplier_pence=1001)] == [
        "more_than_owed"
    ]
    assert await refunded(bank, reference, minutes=20, supplier_pence=600) == service.Changed(
        reference=reference, state="refunded"
    )
    assert (await hours(bank, bank.participant.member_id)).available == 20
    payable = await payable_of(bank, reference)
    assert (payable.pence, payable.state) == (600, "submitted")
    assert await posted(bank, f"payable/{cafe}") == 600
    assert await posted(bank, "spent/vouchers") == 40
    assert (await told(bank, bank.participant.member_id))[-1] == "booking_refunded"
    assert [each.code for each in await refunded(bank, reference)] == ["wrong_state"]
    assert await prove(owner_url, bank.id) == []


async def test_a_payment_that_has_left_can_stay_as_it_is(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    cafe = await payee(bank)
    reference = await booked(bank, await offer(bank, payee_id=cafe, value_pence=1000), bank.participant)
    await step(bank, "fulfil", reference)
    await paid_out(bank, (await payable_of(bank, reference)).reference)
    assert isinstance(await refunded(bank, reference, supplier_pence=1000), service.Changed)
    assert (await payable_of(bank, reference)).state == "exported"
    assert (await hours(bank, bank.participant.member_id)).available == 60


async def test_a_part_given_back_after_the_payment_left_is_owed_back_by_the_supplier(bank, owner_url: str) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    cafe = await payee(bank)
    reference = await booked(bank, await offer(bank, payee_id=cafe, value_pence=1000), bank.participant)
    await step(bank, "fulfil", reference)
    await paid_out(bank, (await payable_of(bank, reference)).reference)
    assert [each.code for each in await refunded(bank, reference, supplier_pence=1001)] == ["more_than_owed"]
    assert isinstance(await refunded(bank, reference, minutes=30, supplier_pence=400), service.Changed)
    assert await posted(bank, f"credit/{cafe}") == -600
    assert await posted(bank, "expense/voucher") == -400
    assert (await payable_of(bank, reference)).state == "exported"
    assert await prove(owner_url, bank.id) == []


async def test_a_reminder_comes_before_the_end_and_the_clock_runs_from_its_arrival(bank) -> None:
    me = bank.participant.member_id
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update member set contact_route = 'email', email = 'a@example.org' where id = $1", me)
    await give_hours(bank, me, 60)
    reference = await booked(bank, await offer(bank, hold_days=20), bank.participant)
    ends = await until_of(bank, reference)
    assert await service.remind_due(bank.db, bank.id, ends - timedelta(days=8)) == 0
    moment = ends - timedelta(days=6)
    assert await service.remind_due(bank.db, bank.id, moment) == 1
    assert await service.remind_due(bank.db, bank.id, moment) == 0
    assert await told(bank, me) == ["booking_ends"]
    # Not sent yet: nobody loses hours because of a message that is on its way.
    assert await service.time_out_due(bank.db, bank.id, ends + timedelta(minutes=1)) == 0
    later = await until_of(bank, reference)
    assert later > ends
    await pack(bank.db, bank.id, later)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update delivery set state = 'sent', sent_at = $1", later)
    assert await service.time_out_due(bank.db, bank.id, later + timedelta(minutes=1)) == 0
    latest = await until_of(bank, reference)
    assert latest > later
    assert await service.time_out_due(bank.db, bank.id, latest) == 1
    assert (await told(bank, me))[-1] == "booking_timed_out"
    assert (await hours(bank, me)).available == 60


async def test_hours_do_not_stay_set_aside_for_a_letter_that_is_never_printed(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set contact_route = 'letter', postal_address = 'x' where id = $1", bank.participant.member_id
        )
    reference = await booked(bank, await offer(bank, hold_days=20), bank.participant)
    ends = await until_of(bank, reference)
    await service.remind_due(bank.db, bank.id, ends - timedelta(days=6))
    moment, freed = ends, 0
    while not freed and moment < ends + timedelta(days=60):
        freed = await service.time_out_due(bank.db, bank.id, moment)
        moment += timedelta(days=1)
    assert freed == 1
    assert moment <= ends + timedelta(days=32)


async def test_hours_stay_set_aside_until_the_end_of_a_working_day(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    # Tuesday 10 March and four days is Saturday: it becomes the end of Monday.
    reference = await booked(bank, await offer(bank, hold_days=4), bank.participant)
    assert await until_of(bank, reference) == datetime(2026, 3, 17, tzinfo=UTC)


async def test_a_coordinator_gives_more_time(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank, hold_days=4), bank.participant)

    async def more(who, until: date):
        command = MoreTime(reference=reference, until=until, reason="The café is shut.")
        return await service.more_time(bank.db, who, command, key=key(), now=bank.now)

    assert [each.code for each in await more(bank.participant, date(2026, 4, 1))] == ["not_allowed"]
    assert [each.code for each in await more(bank.coordinator, date(2026, 3, 16))] == ["not_longer"]
    assert [each.code for each in await more(bank.coordinator, date(2028, 3, 16))] == ["too_long"]
    assert isinstance(await more(bank.coordinator, date(2026, 4, 4)), service.Changed)
    # Saturday 4 April: the end of Monday the 6th, in summer time.
    assert await until_of(bank, reference) == datetime(2026, 4, 6, 23, tzinfo=UTC)
    assert await told(bank, bank.participant.member_id) == ["booking_extended"]
    late = datetime(2026, 4, 6, 12, tzinfo=UTC)
    assert isinstance(await step(bank, "fulfil", reference, now=late), service.Changed)


async def test_members_hear_of_what_others_do_and_not_of_their_own(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    references = [await booked(bank, await offer(bank, title="Lunch"), bank.participant) for _ in range(4)]
    await step(bank, "accept", references[0])
    await step(bank, "decline", references[1], reason="Shut")
    await step(bank, "cancel", references[2], bank.participant)
    await step(bank, "cancel", references[3], bank.coordinator, reason="Ill")
    assert await told(bank, bank.participant.member_id) == [
        "booking_accepted", "booking_declined", "booking_cancelled",
    ]  # fmt: skip
    async with bank.db.reading(bank.id) as connection:
        body = await connection.fetchval("select body from message where kind = 'booking_declined'")
    assert "Shut" in body
    assert "Your hours are free again: 1 hour." in body


async def test_a_trainer_says_on_their_own_page_who_came(bank, client, clock, day) -> None:
    wanted, college, _, references, after = day
    browser = client()
    assert (await browser.get(f"/till/dates/{wanted}")).status_code == 410
    await till(bank, college)
    await browser.get(f"/till/open/{await token(bank, college)}")
    assert "/till/dates" in (await browser.get("/till")).text
    assert "3 people come" in (await browser.get("/till/dates")).text
    at = f"/till/dates/{wanted}"
    assert 'value="came"' not in (await browser.get(at)).text
    early = await browser.submit(at, {f"mark-{references[0]}": "came"})
    assert (early.status_code, await state(bank, references[0])) == (422, "requested")

    clock.advance(after - bank.now)
    page = (await browser.get(at)).text
    assert page.count('value="came"') == 3
    assert "Member" in page
    assert not re.search(r"Member \d", page)  # first names only
    assert (await browser.submit(at, {})).status_code == 422
    marks = dict(zip(references, ["came", "missed", "cancelled"], strict=True))
    saved = await browser.submit(at, {f"mark-{reference}": said for reference, said in marks.items()})
    assert (saved.status_code, saved.headers["location"]) == (303, at)
    assert [await state(bank, each) for each in references] == ["fulfilled", "fulfilled", "cancelled"]
    assert await posted(bank, f"payable/{college}") == 9000
    assert "That is everybody." in (await browser.get(at)).text

    elsewhere = client()
    stranger = await payee(bank, "Another")
    await till(bank, stranger)
    await elsewhere.get(f"/till/open/{await token(bank, stranger)}")
    assert (await elsewhere.get(at)).status_code == 404
    assert (await elsewhere.submit(at, {f"mark-{references[0]}": "came"})).status_code == 404
    assert "/till/dates" not in (await elsewhere.get("/till")).text
