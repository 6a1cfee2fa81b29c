"""Planning, changing and cancelling sessions, and who is told."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from tests.integration.activities.planning import AT, DAY, group, key, look, messages, planned, signed_up
from tests.people import Bank
from timebank.activities import queries, service
from timebank.activities.recurrence import Repeat
from timebank.activities.service import (
    ArchiveActivity,
    CancelSession,
    ChangeActivity,
    ChangeSession,
    PlanSessions,
    SessionDetails,
)

WEEKLY = Repeat(kind="weekly", count=4)


async def plan(
    bank: Bank, activity_id: int, day: date, at: time, repeat: Repeat | None = None, minutes: int = 60
) -> Any:
    command = PlanSessions(
        activity_id=activity_id, day=day, starts_at=at, details=SessionDetails(planned_minutes=minutes), repeat=repeat
    )
    return await service.plan_sessions(bank.db, bank.coordinator, command, key=key(), now=bank.now)


async def change(bank: Bank, session_id: int, **changes: Any) -> Any:
    before = await look(bank, session_id)
    given = {
        "session_id": session_id,
        "version": before.version,
        "day": before.held_on,
        "starts_at": before.starts_at,
        "details": SessionDetails(planned_minutes=before.planned_minutes, room=before.room),
    }
    command = ChangeSession(**{**given, **changes})
    return await service.change_session(bank.db, bank.coordinator, command, key=key(), now=bank.now)


def codes(refusals: Any) -> list[str]:
    assert isinstance(refusals, list), refusals
    return [one.code for one in refusals]


async def test_a_series_across_the_clock_change(bank: Bank) -> None:
    lunch = await group(bank)
    done = await plan(bank, lunch, date(2026, 3, 22), time(1, 30), WEEKLY)
    assert done.moved == [date(2026, 3, 29)]
    found = [await look(bank, one) for one in done.session_ids]
    assert [one.starts_at for one in found] == [time(1, 30), time(2, 30), time(1, 30), time(1, 30)]
    assert found[1].moved_from == time(1, 30)
    assert {one.series_id for one in found} == {found[0].series_id}


async def test_days_with_a_session_already_are_left_out_and_named(bank: Bank) -> None:
    lunch = await group(bank)
    await planned(bank, lunch, day=DAY + timedelta(days=7), at=time(13), planned_minutes=61)
    assert codes(await plan(bank, lunch, DAY + timedelta(days=7), time(14))) == ["session_there"]
    done = await plan(bank, lunch, DAY, time(14), WEEKLY)
    assert done.left_out == [DAY + timedelta(days=7)]
    assert len(done.session_ids) == 3
    # The one before ends as this one begins; another group may meet at the same time.
    assert (await plan(bank, lunch, DAY, time(15))).session_ids
    assert (await plan(bank, await group(bank, "Walk"), DAY, time(14))).session_ids


@pytest.mark.parametrize(
    ("day", "minutes", "repeat", "expected"),
    [
        (date(2026, 3, 9), 60, None, ["day_past"]),
        (date(2029, 3, 11), 60, None, ["day_too_far"]),
        (DAY, 0, None, ["bad_planned_minutes"]),
        (DAY, 1441, None, ["bad_planned_minutes"]),
        (DAY, 60, Repeat(kind="weekly"), ["end_missing"]),
        (DAY, 60, Repeat(kind="weekly", until=DAY), ["until_too_early"]),
        (DAY, 60, Repeat(kind="weekly", count=121), ["bad_count"]),
        (DAY, 60, Repeat(kind="weekly", every=0, count=2), ["bad_every"]),
        (DAY, 60, Repeat(kind="weekly", until=date(2029, 1, 1)), ["too_many_sessions"]),
        (DAY, 60, Repeat(kind="monthly_last_weekday", count=2), ["not_the_last"]),
    ],
)
async def test_what_cannot_be_planned(
    bank: Bank, day: date, minutes: int, repeat: Repeat | None, expected: list[str]
) -> None:
    lunch = await group(bank)
    assert codes(await plan(bank, lunch, day, AT, repeat, minutes)) == expected
    async with bank.db.reading(bank.id) as connection:
        assert await queries.around(connection, bank.id, lunch, date(2000, 1, 1)) == []


async def test_the_same_key_plans_once(bank: Bank) -> None:
    lunch = await group(bank)
    command = PlanSessions(activity_id=lunch, day=DAY, starts_at=AT, details=SessionDetails(planned_minutes=60))
    again = key()
    one = await service.plan_sessions(bank.db, bank.coordinator, command, key=again, now=bank.now)
    assert await service.plan_sessions(bank.db, bank.coordinator, command, key=again, now=bank.now) == one


async def test_changing_all_that_follow_moves_each_by_as_many_days(bank: Bank) -> None:
    lunch = await group(bank)
    sessions = await planned(bank, lunch, repeat=WEEKLY)
    await signed_up(bank, sessions[2], bank.participant)
    done = await change(bank, sessions[1], day=DAY + timedelta(days=14), starts_at=time(15), following=True)
    assert (done.sessions, done.people_told) == (3, 1)
    found = [await look(bank, one) for one in sessions]
    assert [one.held_on - DAY for one in found] == [timedelta(days=n) for n in (0, 14, 21, 28)]
    assert [one.starts_at for one in found] == [AT, time(15), time(15), time(15)]
    (told,) = await messages(bank, "session_changed")
    assert told[0] == bank.participant.member_id
    assert told[1] == "Lunch club is now on Tuesday 7 April 2026 at 3pm"
    assert "It was to be on Tuesday 31 March 2026 at 2pm." in told[2]


@pytest.mark.parametrize("weeks", [1, -1])
async def test_a_whole_series_moves_on_to_its_own_days(bank: Bank, weeks: int) -> None:
    lunch = await group(bank)
    sessions = await planned(bank, lunch, day=DAY + timedelta(days=14), repeat=WEEKLY)
    by = timedelta(weeks=weeks)
    before = [(await look(bank, one)).held_on for one in sessions]
    done = await change(bank, sessions[0], day=before[0] + by, following=True)
    assert not isinstance(done, list), done
    assert [(await look(bank, one)).held_on for one in sessions] == [day + by for day in before]


async def test_a_series_does_not_move_onto_another_session(bank: Bank) -> None:
    lunch = await group(bank)
    sessions = await planned(bank, lunch, repeat=WEEKLY)
    await planned(bank, lunch, day=DAY + timedelta(days=8))
    refused = await change(bank, sessions[0], day=DAY + timedelta(days=1), following=True)
    assert codes(refused) == ["session_there"]
    assert [(await look(bank, one)).held_on for one in sessions] == [DAY + timedelta(weeks=n) for n in range(4)]


async def test_a_change_that_nobody_needs_to_know_tells_nobody(bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    await signed_up(bank, session, bank.participant)
    done = await change(bank, session, details=SessionDetails(planned_minutes=120, papers="The agenda"))
    assert done.people_told == 0
    done = await change(bank, session, details=SessionDetails(planned_minutes=90, room="Room 2"))
    assert done.people_told == 1
    ((_, subject, body),) = await messages(bank, "session_changed")
    assert subject == "Lunch club on Tuesday 17 March 2026 at 2pm has changed"
    assert "It takes 1 hour 30 minutes. It is in Room 2." in body


async def test_two_coordinators_change_at_once(bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    assert (await change(bank, session, starts_at=time(15), version=1)).sessions == 1
    assert codes(await change(bank, session, starts_at=time(16), version=1)) == ["changed_meanwhile"]
    assert (await look(bank, session)).starts_at == time(15)


async def test_cancelling_tells_people_and_keeps_who_set_out(bank: Bank) -> None:
    lunch = await group(bank)
    sessions = await planned(bank, lunch, repeat=WEEKLY)
    await signed_up(bank, sessions[0], bank.participant)
    await signed_up(bank, sessions[0], bank.finance)
    assert bank.participant.member_id is not None
    command = CancelSession(session_id=sessions[0], reason="The hall is flooded", set_out=(bank.participant.member_id,))
    done = await service.cancel_session(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert not isinstance(done, list)
    assert (done.sessions, done.people_told) == (1, 2)
    bodies = {member: body for member, _, body in await messages(bank, "session_cancelled")}
    assert "The hall is flooded" in bodies[bank.participant.member_id]
    assert "your time counts" in bodies[bank.participant.member_id]
    assert "your time counts" not in bodies[bank.finance.member_id or 0]
    async with bank.db.reading(bank.id) as connection:
        assert await queries.had_set_out(connection, bank.id, sessions[0]) == [bank.participant.member_id]
        assert await queries.session_on(connection, bank.id, lunch, DAY) is None
    assert [(await look(bank, one)).state for one in sessions] == ["cancelled", "planned", "planned", "planned"]
    again = await service.cancel_session(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert codes(again) == ["cancelled_already"]
    # Its time is free again.
    assert (await plan(bank, lunch, DAY, AT)).session_ids


async def test_cancelling_needs_a_reason(bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank))
    for reason, code in ((" ", "reason_missing"), ("x" * 201, "reason_too_long")):
        command = CancelSession(session_id=session, reason=reason)
        done = await service.cancel_session(bank.db, bank.coordinator, command, key=key(), now=bank.now)
        assert codes(done) == [code]
    assert (await look(bank, session)).is_planned


async def test_an_activity_is_put_away_only_when_nothing_is_planned(bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    archive = ArchiveActivity(activity_id=lunch)
    refused = await service.archive_activity(bank.db, bank.coordinator, archive, key=key(), now=bank.now)
    assert codes(refused) == ["sessions_planned"]
    cancel = CancelSession(session_id=session, reason="No more money")
    await service.cancel_session(bank.db, bank.coordinator, cancel, key=key(), now=bank.now)
    assert await service.archive_activity(bank.db, bank.coordinator, archive, key=key(), now=bank.now) == lunch
    assert codes(await plan(bank, lunch, DAY, AT)) == ["archived"]


async def test_changing_an_activity(bank: Bank) -> None:
    lunch, walk = await group(bank), await group(bank, "Walk")
    command = ChangeActivity(activity_id=walk, name=" Lunch  CLUB ")
    refused = await service.change_activity(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert codes(refused) == ["name_taken"]
    command = ChangeActivity(
        activity_id=lunch, name="Lunch  Club", gives="fee", has_quiet_room=True, access_notes="Lift"
    )
    assert await service.change_activity(bank.db, bank.coordinator, command, key=key(), now=bank.now) == lunch
    async with bank.db.reading(bank.id) as connection:
        found = await queries.activity(connection, bank.id, lunch)
    assert found is not None
    assert (found.name, found.gives, found.access, found.access_notes) == ("Lunch Club", "fee", ["Quiet room"], "Lift")


async def test_only_coordinators_arrange(bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    somebody = replace(bank, coordinator=bank.participant)
    assert codes(await plan(somebody, lunch, DAY, AT)) == ["not_allowed"]
    assert codes(await change(somebody, session)) == ["not_allowed"]


async def test_sessions_of_another_time_bank_do_not_exist(bank: Bank, other_bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank))
    command = CancelSession(session_id=session, reason="Mischief")
    with pytest.raises(LookupError):
        await service.cancel_session(other_bank.db, other_bank.coordinator, command, key=key(), now=bank.now)
    assert (await look(bank, session)).is_planned
