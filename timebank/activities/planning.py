"""Planning sessions, one or many at once; changing and cancelling one, or all that follow."""

from datetime import date, datetime, time, timedelta

import msgspec

from timebank.activities import recurrence, rules, words
from timebank.activities.recurrence import Occurrence, Repeat
from timebank.activities.rules import SessionDetails
from timebank.activities.telling import StoredSession, tell_of_cancelling, tell_of_change
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import clock, names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.messages.service import Message, send

LOCK_ACTIVITY = "select name, is_archived from activity where timebank_id = $1 and id = $2 for update"
NEW_SERIES = """
insert into session_series (timebank_id, activity_id, rule, first_day, made_by, made_at) values ($1, $2, $3, $4, $5, $6)
returning id
"""
NEW_SESSION = """
insert into session (timebank_id, activity_id, series_id, held_on, starts_at, moved_from, planned_minutes,
                     preparation_minutes, travel_minutes, room, capacity, who, papers, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
returning id
"""
ONE = """
select s.id, s.activity_id, s.series_id, s.held_on, s.starts_at, s.planned_minutes, s.room, s.state, s.version
  from session s
 where s.timebank_id = $1
"""
PLANNED_NEAR = ONE + " and s.activity_id = $2 and s.state = 'planned' and s.held_on between $3 and $4"
LOCK_SESSION = ONE + " and s.id = $2 for update"
FOLLOWING = (
    ONE + " and s.series_id = $2 and s.held_on >= $3 and s.state = 'planned' order by s.held_on, s.id for update"
)
CHANGE_SESSION = """
update session
   set held_on = $3, starts_at = $4, moved_from = $5, planned_minutes = $6, preparation_minutes = $7,
       travel_minutes = $8, room = $9, capacity = $10, who = $11, papers = $12, version = version + 1
 where timebank_id = $1 and id = $2
"""
CANCEL_SESSION = """
update session set state = 'cancelled', cancel_reason = $3, cancelled_at = $4, version = version + 1
 where timebank_id = $1 and id = $2
"""
SET_OUT = """
insert into attendance (timebank_id, session_id, member_id, had_set_out)
select $1, $2, m.id, true from member m where m.timebank_id = $1 and m.id = any($3::bigint[])
on conflict (timebank_id, session_id, member_id) do update set had_set_out = true
"""


class PlanSessions(msgspec.Struct, frozen=True, kw_only=True):
    """Plan a session, or many with ``repeat``. Day and time are those of the time bank's wall clock."""

    activity_id: int
    day: date
    starts_at: time
    details: SessionDetails
    repeat: Repeat | None = None


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What was planned: session ids in order; and what was not as asked. ``moved``: days on which the clock change
    moved the time; ``months_without`` (their first days) have no such day; ``days_without`` no such time; on
    ``left_out`` there was a session already.
    """

    session_ids: list[int]
    first_day: date
    moved: list[date] = []
    months_without: list[date] = []
    days_without: list[date] = []
    left_out: list[date] = []


class ChangeSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it shall be. ``version`` is the one that was looked at. With ``following``, every later session of
    its series gets the same details and time, and moves by as many days as this one.
    """

    session_id: int
    version: int
    day: date
    starts_at: time
    details: SessionDetails
    following: bool = False


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions were changed, and how many people were told."""

    sessions: int
    people_told: int
    moved: list[date] = []


class CancelSession(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel a session, or with ``following`` also every later one of its series. ``set_out``: members who were on
    their way to this one; their time is credited as planned.
    """

    session_id: int
    reason: str
    following: bool = False
    set_out: tuple[int, ...] = ()


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions were cancelled, and how many people were told."""

    sessions: int
    people_told: int


async def plan_sessions(
    db: Database, actor: Actor, command: PlanSessions, *, key: str, now: datetime
) -> Planned | list[Refusal]:
    """Plan sessions. Days on which the activity meets at that time already are left out and named.

    Refusals: ``not_allowed``, ``archived``, ``session_there`` (a session of the activity at that time already), and
    those of ``rules.check_session``, ``rules.check_first_day`` and ``recurrence.check_repeat``.

    Raises:
        LookupError: there is no such activity.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> Planned:
        zone = (await banks.by_id(connection, actor.timebank_id)).time_zone
        await _open_activity(connection, actor.timebank_id, command.activity_id)
        refusals = rules.check_session(command.details) + rules.check_first_day(command.day, clock.today(now, zone))
        if command.repeat is not None:
            refusals += recurrence.check_repeat(command.repeat, command.day)
        if refusals:
            raise Rollback(refusals)
        plan = recurrence.plan(command.day, command.starts_at, command.repeat, zone)
        free, left_out = await _free(connection, actor.timebank_id, command, plan.occurrences, zone)
        if not free:
            raise Rollback([_there(command.day) if left_out else _no_such_time(command.day)])
        series = await _series(connection, actor, command, now) if command.repeat else None
        added = [
            await connection.fetchval(
                NEW_SESSION,
                actor.timebank_id,
                command.activity_id,
                series,
                *(one.day, one.starts_at, one.moved_from),
                *_values(command.details),
                actor.member_id,
                now,
            )
            for one in free
        ]
        return Planned(
            session_ids=added,
            first_day=free[0].day,
            moved=[one.day for one in free if one.moved_from],
            months_without=list(plan.months_without),
            days_without=list(plan.days_without),
            left_out=left_out,
        )

    return await once(db, actor, "plan_sessions", key, command, Planned, work)


async def change_session(
    db: Database, actor: Actor, command: ChangeSession, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Change a session or all that follow; who signed up is told when the day, time, length or room is another.

    Refusals: ``not_allowed``, ``archived``, ``cancelled_already``, ``session_over``, ``changed_meanwhile``,
    ``session_there``, ``no_such_time``, and those of ``rules.check_session`` and ``rules.check_first_day``.

    Raises:
        LookupError: there is no such session.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> Changed:
        zone = (await banks.by_id(connection, actor.timebank_id)).time_zone
        today = clock.today(now, zone)
        name, session = await _open_session(connection, actor.timebank_id, command.session_id, today)
        refusals = rules.check_session(command.details) + rules.check_first_day(command.day, today)
        if session.version != command.version:
            message = "Somebody else changed this session meanwhile. Look at it again, then change it."
            refusals.insert(0, Refusal("changed_meanwhile", message))
        if refusals:
            raise Rollback(refusals)
        chosen = await _chosen(connection, actor.timebank_id, session, command.following)
        return await _change(connection, actor.timebank_id, command, name, session, chosen, zone, now)

    return await once(db, actor, "change_session", key, command, Changed, work)


async def cancel_session(
    db: Database, actor: Actor, command: CancelSession, *, key: str, now: datetime
) -> Cancelled | list[Refusal]:
    """Cancel a session or all that follow; everybody who signed up is told why.

    Refusals: ``not_allowed``, ``archived``, ``cancelled_already``, ``session_over``, ``reason_missing``,
    ``reason_too_long``.

    Raises:
        LookupError: there is no such session.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> Cancelled:
        zone = (await banks.by_id(connection, actor.timebank_id)).time_zone
        today = clock.today(now, zone)
        name, session = await _open_session(connection, actor.timebank_id, command.session_id, today)
        reason = names.tidy(command.reason)
        if refusals := rules.check_cancel(reason):
            raise Rollback(refusals)
        chosen = await _chosen(connection, actor.timebank_id, session, command.following)
        await connection.execute(SET_OUT, actor.timebank_id, command.session_id, list(command.set_out))
        told: list[Message] = []
        for one in chosen:
            await connection.execute(CANCEL_SESSION, actor.timebank_id, one.id, reason, now)
            set_out = command.set_out if one.id == command.session_id else ()
            told += await tell_of_cancelling(connection, actor.timebank_id, name, one, reason, set_out)
        await send(connection, actor.timebank_id, told, now=now)
        return Cancelled(sessions=len(chosen), people_told=len({each.member_id for each in told}))

    return await once(db, actor, "cancel_session", key, command, Cancelled, work)


async def _change(
    connection: Connection,
    timebank_id: int,
    command: ChangeSession,
    name: str,
    session: StoredSession,
    chosen: list[StoredSession],
    zone: str,
    now: datetime,
) -> Changed:
    """Move the sessions one after the other, the last first when they move on: so none lands on one that moves too."""
    by = command.day - session.held_on
    told: list[Message] = []
    moved: list[date] = []
    others = await _others(connection, timebank_id, chosen, by)
    for one in reversed(chosen) if by > timedelta(0) else chosen:
        there = recurrence.settle(one.held_on + by, command.starts_at, zone)
        if there is None:
            raise Rollback([_no_such_time(one.held_on + by)])
        if _is_taken(there, command.details.planned_minutes, others, zone):
            raise Rollback([_there(there.day)])
        if there.moved_from:
            moved.append(there.day)
        await connection.execute(
            CHANGE_SESSION,
            timebank_id,
            one.id,
            *(there.day, there.starts_at, there.moved_from),
            *_values(command.details),
        )
        told += await tell_of_change(connection, timebank_id, name, one, there, command.details)
    await send(connection, timebank_id, told, now=now)
    return Changed(sessions=len(chosen), people_told=len({each.member_id for each in told}), moved=sorted(moved))


async def _open_activity(connection: Connection, timebank_id: int, activity_id: int) -> str:
    row = await connection.fetchrow(LOCK_ACTIVITY, timebank_id, activity_id)
    if row is None:
        raise LookupError(activity_id)
    if row["is_archived"]:
        raise Rollback([Refusal("archived", "This group is put away. Bring it back first.")])
    return str(row["name"])


async def _open_session(
    connection: Connection, timebank_id: int, session_id: int, today: date
) -> tuple[str, StoredSession]:
    """The activity's name and the session, locked after its activity: the order of every use case here."""
    activity_id = await connection.fetchval(
        "select activity_id from session where timebank_id = $1 and id = $2", timebank_id, session_id
    )
    if activity_id is None:
        raise LookupError(session_id)
    name = await _open_activity(connection, timebank_id, activity_id)
    session = _stored(await connection.fetchrow(LOCK_SESSION, timebank_id, session_id))
    if session.state == "cancelled":
        raise Rollback([Refusal("cancelled_already", "This session is cancelled already. Plan a new one instead.")])
    if session.held_on < today:
        raise Rollback([Refusal("session_over", "This session is over. Use the register to log who came.")])
    return name, session


async def _chosen(
    connection: Connection, timebank_id: int, session: StoredSession, following: bool
) -> list[StoredSession]:
    if not following or session.series_id is None:
        return [session]
    rows = await connection.fetch(FOLLOWING, timebank_id, session.series_id, session.held_on)
    return [_stored(row) for row in rows]


async def _free(
    connection: Connection, timebank_id: int, command: PlanSessions, wanted: tuple[Occurrence, ...], zone: str
) -> tuple[list[Occurrence], list[date]]:
    """The occurrences at which the activity does not meet yet, and the days on which it does."""
    if not wanted:
        return [], []
    near = await _near(connection, timebank_id, command.activity_id, wanted[0].day, wanted[-1].day)
    taken = [one for one in wanted if _is_taken(one, command.details.planned_minutes, near, zone)]
    return [one for one in wanted if one not in taken], [one.day for one in taken]


async def _others(
    connection: Connection, timebank_id: int, chosen: list[StoredSession], by: timedelta
) -> list[StoredSession]:
    """The sessions of the same activity that stay where they are, on the days around."""
    days = sorted(one.held_on + by for one in chosen)
    near = await _near(connection, timebank_id, chosen[0].activity_id, days[0], days[-1])
    moving = {one.id for one in chosen}
    return [one for one in near if one.id not in moving]


async def _near(
    connection: Connection, timebank_id: int, activity_id: int, first: date, last: date
) -> list[StoredSession]:
    day = timedelta(days=1)
    rows = await connection.fetch(PLANNED_NEAR, timebank_id, activity_id, first - day, last + day)
    return [_stored(row) for row in rows]


def _is_taken(wanted: Occurrence, minutes: int, others: list[StoredSession], zone: str) -> bool:
    start = recurrence.moment(wanted.day, wanted.starts_at, zone)
    return any(
        rules.overlap(
            start,
            minutes,
            recurrence.moment(one.held_on, one.starts_at, zone),
            one.planned_minutes,
        )
        for one in others
    )


async def _series(connection: Connection, actor: Actor, command: PlanSessions, now: datetime) -> int:
    assert command.repeat is not None
    rule = recurrence.rule_text(command.repeat, command.day)
    return int(
        await connection.fetchval(
            NEW_SERIES, actor.timebank_id, command.activity_id, rule, command.day, actor.member_id, now
        )
    )


def _stored(row: object) -> StoredSession:
    return msgspec.convert(dict(row), StoredSession)  # type: ignore[call-overload]


def _there(day: date) -> Refusal:
    message = f"This group has a session at that time on {words.day(day)} already. Choose another time."
    return Refusal("session_there", message, "starts_at")


def _no_such_time(day: date) -> Refusal:
    message = f"The clocks change on {words.day(day)}, so this time does not exist. Choose another time."
    return Refusal("no_such_time", message, "starts_at")


def _values(details: SessionDetails) -> tuple[object, ...]:
    return (
        details.planned_minutes,
        details.preparation_minutes,
        details.travel_minutes,
        names.tidy(details.room),
        details.capacity,
        details.who.strip(),
        details.papers.strip(),
    )
