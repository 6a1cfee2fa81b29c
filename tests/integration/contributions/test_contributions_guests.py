"""Guests' minutes wait until they join; hours brought forward wait for a second person."""

from datetime import date, timedelta
from uuid import uuid4

from tests.contributed import codes, group, hours, lead, line, messages, rows, save, standing, try_save
from tests.people import Bank
from timebank.contributions import guests, service
from timebank.contributions.guests import AddedGuest, AddGuest, JoinedGuest
from timebank.contributions.service import BringForward, BroughtForward, Decide, Decided
from timebank.kit.actor import Actor


async def guest(bank: Bank, name: str = "Rosa", actor: Actor | None = None) -> int:
    added = await service.add_guest(
        bank.db, actor or bank.coordinator, AddGuest(name=name), key=uuid4().hex, now=bank.now
    )
    assert isinstance(added, AddedGuest), added
    return added.guest_id


async def join(bank: Bank, guest_id: int, member_id: int, actor: Actor | None = None) -> object:
    return await service.join_guest(
        bank.db, actor or bank.coordinator, guest_id, member_id, key=uuid4().hex, now=bank.now
    )


async def test_a_guests_minutes_wait_and_are_credited_when_they_join(bank: Bank) -> None:
    lunch, rosa = await group(bank), await guest(bank)
    saved = await save(bank, lunch, line(0, 60, guest_id=rosa), line(0, 600, guest_id=rosa))
    assert (saved.credited, saved.waiting) == (0, 2)  # 11 hours on one day wait for a second person
    await save(bank, lunch, line(0, 45, guest_id=rosa, held_on=date(2026, 3, 3)))
    assert await hours(bank, "issued") == [0]
    async with bank.db.reading(bank.id) as connection:
        (waiting,) = await guests.waiting_guests(connection, bank.coordinator)
    assert (waiting.name, waiting.minutes, waiting.activity) == ("Rosa", 705, "Lunch club")
    one = await bank.member("Rosa Lee")
    await standing(bank, one, "pot")
    joined = await join(bank, rosa, one)
    assert joined == JoinedGuest(guest_id=rosa, member_id=one, minutes=45, waiting_minutes=660)
    assert await hours(bank, one, "pot") == [0, 45]
    await standing(bank, one, "hours")
    for row in await rows(bank, "id", "state = 'submitted'"):
        decide = Decide(contribution_id=row["id"], approve=True)
        assert isinstance(
            await service.decide(bank.db, bank.coordinator_two, decide, key=uuid4().hex, now=bank.now), Decided
        )
    assert await hours(bank, one, "pot", "issued") == [660, 45, -705]
    assert [kind for kind, _, _ in await messages(bank, one)] == ["hours_added"] * 3
    assert codes(await join(bank, rosa, one)) == ["guest_joined"]
    assert codes(await try_save(bank, lunch, line(0, 5, guest_id=rosa))) == ["unknown_guest"]


async def test_a_register_shows_the_guests_name(bank: Bank) -> None:
    from timebank.contributions import queries

    lunch, rosa = await group(bank), await guest(bank)
    saved = await save(bank, lunch, line(0, 60, guest_id=rosa))
    async with bank.db.reading(bank.id) as connection:
        shown = await queries.register(connection, bank.id, saved.reference)
    assert shown is not None
    assert [(one.member_id, one.display_name, one.credited_to) for one in shown.lines] == [(0, "Rosa", "guest")]


async def test_names_and_permission(bank: Bank) -> None:
    lunch = await group(bank)
    leader = await lead(bank, lunch, await bank.member())
    rosa = await guest(bank, "Rosa", leader)

    async def add(name: str, actor: Actor = bank.coordinator, is_another: bool = False) -> object:
        command = AddGuest(name=name, is_another=is_another)
        return await service.add_guest(bank.db, actor, command, key=uuid4().hex, now=bank.now)

    assert codes(await add("ROSA ")) == ["guest_there"]
    assert codes(await add(" ")) == ["name_missing"]
    assert codes(await add("x" * 101)) == ["name_too_long"]
    assert codes(await add("Ed", bank.participant)) == ["not_allowed"]
    assert isinstance(await add("Rosa", is_another=True), AddedGuest)
    one = await bank.member()
    assert codes(await join(bank, rosa, one, leader)) == ["not_allowed"]
    assert codes(await join(bank, rosa, bank.coordinator.member_id or 0)) == ["own_hour"]
    assert codes(await join(bank, rosa + 10**6, one)) == ["unknown_guest"]
    assert codes(await join(bank, rosa, one + 10**6)) == ["unknown_member"]
    assert codes(await try_save(bank, lunch, line(one, 5, guest_id=rosa))) == ["member_or_guest"]


async def test_what_somebody_recorded_about_themselves_as_a_guest_waits(bank: Bank) -> None:
    lunch, rosa = await group(bank), await guest(bank)
    await save(bank, lunch, line(0, 60, guest_id=rosa), actor=bank.coordinator_two)
    joined = await join(bank, rosa, bank.coordinator_two.member_id or 0)
    assert isinstance(joined, JoinedGuest)
    assert (joined.minutes, joined.waiting_minutes) == (0, 60)
    assert await hours(bank, bank.coordinator_two.member_id or 0) == [0]
    assert (await rows(bank))[0]["flagged"] == "Recorded by the person themselves"


async def test_names_are_forgotten_and_the_minutes_stay(bank: Bank) -> None:
    lunch, rosa, sol = await group(bank), await guest(bank), await guest(bank, "Sol")
    await save(bank, lunch, line(0, 60, guest_id=rosa))
    assert await guests.forget_guests(bank.db, bank.id, bank.now + timedelta(days=360)) == 0
    later = bank.now + timedelta(days=366)
    assert await guests.forget_guests(bank.db, bank.id, later) == 2
    assert await guests.forget_guests(bank.db, bank.id, later) == 0
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetch("select from guest where timebank_id = $1 and name <> ''", bank.id) == []
    assert [row["minutes"] for row in await rows(bank)] == [60]
    assert codes(await join(bank, sol, await bank.member())) == ["unknown_guest"]


async def test_hours_brought_forward_need_evidence_and_a_second_person(bank: Bank) -> None:
    one, approver = await bank.member(), await bank.member("Trustee", "approver")
    await standing(bank, one, "pot")
    command = BringForward(member_id=one, minutes=6000, as_of=date(2019, 1, 1), evidence="Old ledger book, page 4")

    async def bring(command: BringForward, actor: Actor = bank.coordinator) -> object:
        return await service.bring_forward(bank.db, actor, command, key=uuid4().hex, now=bank.now)

    import msgspec

    def other(**more: object) -> BringForward:
        return msgspec.structs.replace(command, **more)

    assert codes(await bring(other(evidence=" "))) == ["evidence_missing"]
    assert codes(await bring(other(minutes=0))) == ["minutes_above_limit"]
    assert codes(await bring(other(as_of=date(2027, 1, 1)))) == ["date_in_future"]
    assert codes(await bring(other(member_id=bank.coordinator.member_id or 0))) == ["own_hour"]
    assert codes(await bring(command, bank.participant)) == ["not_allowed"]
    brought = await bring(command)
    assert isinstance(brought, BroughtForward), brought
    assert await hours(bank, one, "opening") == [0, 0]
    assert codes(await bring(command)) == ["duplicate"]

    async def decide(actor: Actor) -> object:
        decision = Decide(contribution_id=brought.contribution_id, approve=True)
        return await service.decide(bank.db, actor, decision, key=uuid4().hex, now=bank.now)

    member = Actor(timebank_id=bank.id, member_id=one, roles=frozenset({"approver"}))
    assert codes(await decide(bank.coordinator)) == ["own_record"]
    assert codes(await decide(member)) == ["own_hour"]
    trustee = Actor(timebank_id=bank.id, member_id=approver, roles=frozenset({"approver"}))
    assert isinstance(await decide(trustee), Decided)
    assert await hours(bank, one, "opening", "pot") == [6000, -6000, 0]
    assert (await messages(bank, one))[-1][0] == "hours_added"
    assert isinstance(await bring(other(duplicate_reason="A second book")), BroughtForward)


async def test_every_kind_can_be_undone_soon_after(bank: Bank) -> None:
    lunch, rosa = await group(bank), await guest(bank)
    one, receiver, gives = await bank.member(), await bank.member(), await bank.member()
    await standing(bank, gives, "pot")
    exchange = line(one, 30, kind="exchange", receiver_ids=(receiver,), how_agreed="in person")
    saved = await save(
        bank,
        lunch,
        line(0, 60, guest_id=rosa),
        line(receiver, 60),
        exchange,
        line(gives, 15),
        line(one, 45, kind="staff"),
    )
    command = BringForward(member_id=one, minutes=600, as_of=date(2020, 1, 1), evidence="Old book")
    brought = await service.bring_forward(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert isinstance(brought, BroughtForward)
    decide = Decide(contribution_id=brought.contribution_id, approve=True)
    await service.decide(bank.db, bank.coordinator_two, decide, key=uuid4().hex, now=bank.now)
    assert await hours(bank, one, receiver, "pot", "opening", "issued") == [630, 30, 15, -600, -75]
    for reference in (saved.reference, brought.reference):
        undone = await service.undo_register(bank.db, bank.coordinator, reference, key=uuid4().hex, now=bank.now)
        assert isinstance(undone, service.UndoneRegister), undone
    assert await hours(bank, one, receiver, "pot", "opening", "issued") == [0, 0, 0, 0, 0]
    assert {row["state"] for row in await rows(bank)} == {"undone"}
    async with bank.db.reading(bank.id) as connection:
        kinds = await connection.fetch("select distinct kind from ledger.entry where book_id = $1", bank.id)
    assert {row["kind"] for row in kinds} == {
        "contribution", "contribution_undone", "exchange", "exchange_undone", "opening", "opening_undone"
    }  # fmt: skip
