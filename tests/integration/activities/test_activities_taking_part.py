"""Signing up, the code on the wall, ticking off who is there, leaders, and reminders."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from tests.integration.activities.planning import DAY, START, group, key, look, messages, planned, signed_up
from tests.people import Bank, make_bank
from timebank.activities import queries, service
from timebank.activities.service import (
    AddLeader,
    ArchiveActivity,
    CancelSession,
    ChangeSession,
    CheckedIn,
    CheckInHere,
    EndLeader,
    SessionDetails,
    TakePart,
)
from timebank.kit.actor import Actor


def codes(refusals: Any) -> list[str]:
    assert isinstance(refusals, list), refusals
    return [one.code for one in refusals]


def part(session_id: int, who: Actor) -> TakePart:
    assert who.member_id is not None
    return TakePart(session_id=session_id, member_id=who.member_id)


async def code_of(bank: Bank, activity_id: int) -> str:
    code = await service.make_code(bank.db, bank.coordinator, activity_id, key=key(), now=bank.now)
    assert isinstance(code, str)
    return code


async def here(bank: Bank, who: Actor, code: str, now: datetime) -> CheckedIn | list[Any]:
    return await service.check_in_here(bank.db, who, CheckInHere(code=code), key=key(), now=now)


async def came(bank: Bank, session_id: int) -> list[int]:
    async with bank.db.reading(bank.id) as connection:
        return await queries.checked_in(connection, bank.id, session_id)


async def test_the_last_place_goes_to_one_of_many(bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank), capacity=1)
    people = [Actor(timebank_id=bank.id, member_id=await bank.member()) for _ in range(9)]
    tries = [service.sign_up(bank.db, who, part(session, who), key=key(), now=bank.now) for who in people]
    refused = [one for one in await asyncio.gather(*tries) if isinstance(one, list)]
    assert [codes(one) for one in refused] == [["full"]] * 8
    assert (await look(bank, session)).signed_up == 1


async def test_signing_up_again_and_off(bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank), capacity=1)
    for _ in range(2):
        await signed_up(bank, session, bank.participant)
    assert (await look(bank, session)).places_left == 0
    for _ in range(2):
        done = await service.withdraw(
            bank.db, bank.participant, part(session, bank.participant), key=key(), now=bank.now
        )
        assert not isinstance(done, list)
    await signed_up(bank, session, bank.finance)


async def test_a_coordinator_signs_somebody_up_and_they_are_told(bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank))
    command = part(session, bank.participant)
    assert codes(await service.sign_up(bank.db, bank.finance, command, key=key(), now=bank.now)) == ["not_allowed"]
    await service.sign_up(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    ((member, subject, _),) = await messages(bank, "session_signed_up")
    assert (member, subject) == (
        bank.participant.member_id,
        "You are on the list: Lunch club, Tuesday 17 March 2026 at 2pm",
    )
    with pytest.raises(LookupError):
        await service.sign_up(bank.db, bank.coordinator, TakePart(session_id=0, member_id=1), key=key(), now=bank.now)


async def test_what_cannot_be_joined(bank: Bank) -> None:
    closed = await group(bank, "Panel", is_listed=False)
    (panel,) = await planned(bank, closed)
    (lunch,) = await planned(bank, await group(bank))

    async def tried(session: int, now: datetime = bank.now) -> Any:
        return await service.sign_up(bank.db, bank.participant, part(session, bank.participant), key=key(), now=now)

    assert codes(await tried(panel)) == ["not_listed"]
    assert codes(await tried(lunch, START + timedelta(minutes=120))) == ["session_over"]
    await service.cancel_session(
        bank.db, bank.coordinator, CancelSession(session_id=lunch, reason="Snow"), key=key(), now=bank.now
    )
    assert codes(await tried(lunch)) == ["session_cancelled"]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (-61, "check_in_not_open"),
        (-60, None),
        (0, None),
        (120 + 120, None),
        (120 + 121, "check_in_over"),
        (-24 * 60 - 300, "no_session"),
        (24 * 60, "no_session"),
    ],
)
async def test_the_code_works_only_around_the_time(bank: Bank, minutes: int, expected: str | None) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    code = await code_of(bank, lunch)
    done = await here(bank, bank.participant, code.lower().replace("-", " "), START + timedelta(minutes=minutes))
    if expected:
        assert codes(done) == [expected]
        assert await came(bank, session) == []
    else:
        assert isinstance(done, CheckedIn)
        assert not done.again
        assert await came(bank, session) == [bank.participant.member_id]


async def test_summer_time_moves_the_window_with_the_clock(bank: Bank) -> None:
    lunch = await group(bank)
    await planned(bank, lunch, day=date(2026, 4, 7))
    code = await code_of(bank, lunch)
    assert codes(await here(bank, bank.participant, code, datetime(2026, 4, 7, 11, 59, tzinfo=UTC)))
    assert isinstance(await here(bank, bank.participant, code, datetime(2026, 4, 7, 12, tzinfo=UTC)), CheckedIn)


async def test_the_code_works_once(bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    code = await code_of(bank, lunch)
    first, second = await asyncio.gather(*(here(bank, bank.participant, code, START) for _ in range(2)))
    assert isinstance(first, CheckedIn)
    assert isinstance(second, CheckedIn)
    assert sorted((first.again, second.again)) == [False, True]
    for minutes in (5, 10):
        later = await here(bank, bank.participant, code, START + timedelta(minutes=minutes))
        assert isinstance(later, CheckedIn)
        assert (later.again, later.at) == (True, START)
    assert len(await came(bank, session)) == 1


async def test_wrong_codes(bank: Bank, other_bank: Bank) -> None:
    lunch = await group(bank)
    await planned(bank, lunch)
    code = await code_of(bank, lunch)
    assert codes(await here(bank, bank.participant, "0000-0000", START)) == ["code_unknown"]
    assert codes(await here(bank, bank.participant, "no code", START)) == ["code_unknown"]
    (elsewhere,) = await here(bank, other_bank.participant, code, START)  # type: ignore[misc]
    assert elsewhere.code == "other_timebank"
    assert bank.facts.name in elsewhere.message
    newer = await code_of(bank, lunch)
    assert codes(await here(bank, bank.participant, code, START)) == ["code_replaced"]
    assert isinstance(await here(bank, bank.participant, newer, START), CheckedIn)


async def test_a_cancelled_session_and_an_archived_group(bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    code = await code_of(bank, lunch)
    await service.cancel_session(
        bank.db, bank.coordinator, CancelSession(session_id=session, reason="Snow"), key=key(), now=bank.now
    )
    assert codes(await here(bank, bank.participant, code, START)) == ["session_cancelled"]
    await service.archive_activity(
        bank.db, bank.coordinator, ArchiveActivity(activity_id=lunch), key=key(), now=bank.now
    )
    assert codes(await here(bank, bank.participant, code, START)) == ["archived"]


async def test_leaders_lead_in_their_time_and_nothing_else(bank: Bank) -> None:
    lunch, walk = await group(bank), await group(bank, "Walk")
    (session,) = await planned(bank, lunch)
    (other,) = await planned(bank, walk)
    leader = bank.finance
    assert leader.member_id is not None
    refused = await service.check_in(bank.db, leader, part(session, bank.participant), key=key(), now=START)
    assert codes(refused) == ["not_allowed"]
    command = AddLeader(activity_id=lunch, member_id=leader.member_id, from_day=DAY, until_day=DAY)
    assert await service.add_leader(bank.db, bank.coordinator, command, key=key(), now=bank.now) == leader.member_id
    assert codes(await service.add_leader(bank.db, bank.coordinator, command, key=key(), now=bank.now)) == [
        "leads_already"
    ]
    async with bank.db.reading(bank.id) as connection:
        for day, expected in ((DAY - timedelta(days=1), set()), (DAY, {lunch}), (DAY + timedelta(days=1), set())):
            assert await queries.led_by(connection, bank.id, leader.member_id, on=day) == expected
    done = await service.check_in(bank.db, leader, part(session, bank.participant), key=key(), now=START)
    assert not isinstance(done, list)
    assert await came(bank, session) == [bank.participant.member_id]
    done = await service.take_back_check_in(bank.db, leader, part(session, bank.participant), key=key(), now=START)
    assert not isinstance(done, list)
    assert await came(bank, session) == []
    for day, of in ((START, other), (START + timedelta(days=1), session)):
        refused = await service.check_in(bank.db, leader, part(of, bank.participant), key=key(), now=day)
        assert codes(refused) == ["not_allowed"]
    end = EndLeader(activity_id=lunch, member_id=leader.member_id, last_day=DAY - timedelta(days=1))
    await service.end_leader(bank.db, bank.coordinator, end, key=key(), now=bank.now)
    async with bank.db.reading(bank.id) as connection:
        assert await queries.led_by(connection, bank.id, leader.member_id, on=DAY) == frozenset()
        assert await queries.leaders(connection, bank.id, lunch, DAY) == []


async def test_nobody_leads_what_is_put_away(bank: Bank) -> None:
    lunch, leader = await group(bank), bank.participant.member_id or 0
    command = AddLeader(activity_id=lunch, member_id=leader, from_day=bank.now.date())
    await service.add_leader(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    for archived, expected in ((False, {lunch}), (True, set())):
        archive = ArchiveActivity(activity_id=lunch, archived=archived)
        await service.archive_activity(bank.db, bank.coordinator, archive, key=key(), now=bank.now)
        async with bank.db.reading(bank.id) as connection:
            assert await queries.led_by(connection, bank.id, leader, on=bank.now.date()) == expected


async def test_the_tap_list_has_its_time_too(bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank))
    for now, code in (
        (START - timedelta(minutes=61), "check_in_not_open"),
        (START + timedelta(days=8), "check_in_over"),
    ):
        refused = await service.check_in(bank.db, bank.coordinator, part(session, bank.participant), key=key(), now=now)
        assert codes(refused) == [code]


async def test_reminders_once_each_by_their_own_channel_time(bank: Bank) -> None:
    lunch = await group(bank)
    day = date(2026, 4, 14)
    start = datetime(2026, 4, 14, 13, tzinfo=UTC)
    (session,) = await planned(bank, lunch, day=day, room="Room 1", papers="The menu")
    by_letter, late = await bank.member(), await bank.member()
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set contact_route = 'letter', postal_address = '1 High Street' where id = $1", by_letter
        )
    for who in (bank.participant.member_id, by_letter):
        await signed_up(bank, session, Actor(timebank_id=bank.id, member_id=who))
    await signed_up(bank, session, Actor(timebank_id=bank.id, member_id=late), start - timedelta(hours=47))

    async def told(at: datetime) -> list[int]:
        await service.remind(bank.db, bank.id, at)
        return [member for member, _, _ in await messages(bank, "session_reminder")]

    assert await told(start - timedelta(days=9, minutes=1)) == []
    assert await told(start - timedelta(days=9)) == [by_letter]
    assert await told(start - timedelta(days=2, minutes=1)) == [by_letter]
    both = [by_letter, bank.participant.member_id]
    for _ in range(2):
        assert await told(start - timedelta(days=2)) == both
    # It moves: they are reminded of the new time.
    before = await look(bank, session)
    command = ChangeSession(
        session_id=session,
        version=before.version,
        day=day + timedelta(days=7),
        starts_at=time(14),
        details=SessionDetails(planned_minutes=120),
    )
    done = await service.change_session(bank.db, bank.coordinator, command, key=key(), now=start - timedelta(days=1))
    assert not isinstance(done, list)
    assert len(await told(start + timedelta(days=5))) == 5
    _, subject, body = (await messages(bank, "session_reminder"))[1]
    assert subject == "Lunch club is on Tuesday 14 April 2026 at 2pm"
    assert "Room 1" in body
    assert "The menu" in body


async def test_nobody_is_reminded_of_what_is_cancelled_or_over(bank: Bank) -> None:
    (one,) = await planned(bank, await group(bank))
    await signed_up(bank, one, bank.participant)
    assert await service.remind(bank.db, bank.id, START + timedelta(minutes=1)) == 0
    cancel = CancelSession(session_id=one, reason="Snow")
    await service.cancel_session(bank.db, bank.coordinator, cancel, key=key(), now=bank.now)
    assert await service.remind(bank.db, bank.id, START - timedelta(days=1)) == 0


async def test_acting_for_somebody_checks_them_in(bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    acting = replace(bank.finance, roles=frozenset(), on_behalf_of=bank.participant.member_id)
    assert isinstance(await here(bank, acting, await code_of(bank, lunch), START), CheckedIn)
    assert await came(bank, session) == [bank.participant.member_id]


async def test_other_rules_other_windows(db: Any) -> None:
    bank = await make_bank(db, check_in_opens_minutes=0, check_in_closes_minutes=0)
    lunch = await group(bank)
    await planned(bank, lunch)
    code = await code_of(bank, lunch)
    assert codes(await here(bank, bank.participant, code, START - timedelta(seconds=1))) == ["check_in_not_open"]
    assert isinstance(await here(bank, bank.participant, code, START + timedelta(minutes=120)), CheckedIn)
