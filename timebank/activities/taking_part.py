"""Signing up for a session, checking in to it, and having set out when it was cancelled."""

from datetime import date, datetime, time, timedelta
from typing import Literal

import msgspec

from timebank.activities import check_in as deciding
from timebank.activities import queries, recurrence, rules, words
from timebank.activities.check_in import NextStep
from timebank.activities.shown import FoundCode
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import clock, ids
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import Words, say
from timebank.members import queries as members
from timebank.messages.service import Message, send

LATE_TAP_DAYS = 7

SESSION = """
select s.id, s.activity_id, a.name, a.is_archived, a.is_listed, s.held_on, s.starts_at, s.planned_minutes, s.capacity,
       s.state
  from session s
  join activity a on a.timebank_id = s.timebank_id and a.id = s.activity_id
 where s.timebank_id = $1 and s.id = $2
   for update of s
"""
HOW_MANY = """
select count(*) from attendance
 where timebank_id = $1 and session_id = $2 and member_id <> $3 and signed_up_at is not null
"""
MINE = """
select signed_up_at, checked_in_at from attendance where timebank_id = $1 and session_id = $2 and member_id = $3
"""
SIGN_UP = """
insert into attendance (timebank_id, session_id, member_id, signed_up_at, signed_up_by) values ($1, $2, $3, $4, $5)
on conflict (timebank_id, session_id, member_id) do update set signed_up_at = $4, signed_up_by = $5
"""
WITHDRAW = """
update attendance set signed_up_at = null, signed_up_by = null, reminded_for = null
 where timebank_id = $1 and session_id = $2 and member_id = $3
"""
CHECK_IN = """
insert into attendance (timebank_id, session_id, member_id, checked_in_at, checked_in_by) values ($1, $2, $3, $4, $5)
on conflict (timebank_id, session_id, member_id) do update set checked_in_at = $4, checked_in_by = $5
"""
TAKE_BACK = """
update attendance set checked_in_at = null, checked_in_by = null
 where timebank_id = $1 and session_id = $2 and member_id = $3
"""
SET_OUT = """
insert into attendance (timebank_id, session_id, member_id, had_set_out) values ($1, $2, $3, $4)
on conflict (timebank_id, session_id, member_id) do update set had_set_out = $4
"""

State = Literal["signed_up", "not_signed_up", "checked_in", "not_checked_in", "set_out", "not_set_out"]


class TakePart(msgspec.Struct, frozen=True, kw_only=True):
    """One member and one session."""

    session_id: int
    member_id: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is now true of a member and a session."""

    session_id: int
    member_id: int
    state: State


class CheckInHere(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody scanned or typed the code on the wall: ``B7K2-M9QX``."""

    code: str


class CheckedIn(msgspec.Struct, frozen=True, kw_only=True):
    """They are checked in. ``again``: they were already, since ``at``."""

    session_id: int
    activity: str
    held_on: date
    starts_at: time
    at: datetime
    again: bool


class _Session(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    activity_id: int
    name: str
    is_archived: bool
    is_listed: bool
    held_on: date
    starts_at: time
    planned_minutes: int
    capacity: int | None
    state: str

    @property
    def when(self) -> Words:
        return words.when(self.held_on, self.starts_at)


async def sign_up(db: Database, actor: Actor, command: TakePart, *, key: str, now: datetime) -> Part | list[Refusal]:
    """Sign a member up: oneself, or anybody for a coordinator, and then they are told. Twice changes nothing.

    Refusals: ``not_allowed``, ``member_unknown``, ``session_cancelled``, ``session_over``, ``not_listed``, ``full``.

    Raises:
        LookupError: there is no such session.
    """
    if refusal := rules.may_sign_up(actor, command.member_id):
        return [refusal]

    async def work(connection: Connection) -> Part:
        session = await _session(connection, actor.timebank_id, command.session_id)
        await _member(connection, actor.timebank_id, command.member_id)
        zone = (await banks.by_id(connection, actor.timebank_id)).time_zone
        _still_to_come(session, zone, now)
        if not session.is_listed and not actor.has(COORDINATOR):
            raise Rollback([Refusal("not_listed", say("Only invited people come to this. Ask a coordinator."))])
        ids_ = (actor.timebank_id, command.session_id, command.member_id)
        mine = await connection.fetchrow(MINE, *ids_)
        done = Part(session_id=command.session_id, member_id=command.member_id, state="signed_up")
        if mine is not None and mine["signed_up_at"] is not None:
            return done
        if session.capacity is not None and await connection.fetchval(HOW_MANY, *ids_) >= session.capacity:
            raise Rollback([Refusal("full", say("All places are taken. Ask the time bank if one becomes free."))])
        await connection.execute(SIGN_UP, *ids_, now, actor.member_id)
        if actor.member_id != command.member_id:
            await send(connection, actor.timebank_id, [_signed_up_for_you(session, command.member_id, now)], now=now)
        return done

    return await once(db, actor, "sign_up", key, command, Part, work)


async def withdraw(db: Database, actor: Actor, command: TakePart, *, key: str, now: datetime) -> Part | list[Refusal]:
    """Take a member off the list again; nobody asks why.

    Refusals: ``not_allowed``, ``session_cancelled``, ``session_over``.

    Raises:
        LookupError: there is no such session.
    """
    if refusal := rules.may_sign_up(actor, command.member_id):
        return [refusal]

    async def work(connection: Connection) -> Part:
        session = await _session(connection, actor.timebank_id, command.session_id)
        _still_to_come(session, (await banks.by_id(connection, actor.timebank_id)).time_zone, now)
        await connection.execute(WITHDRAW, actor.timebank_id, command.session_id, command.member_id)
        return Part(session_id=command.session_id, member_id=command.member_id, state="not_signed_up")

    return await once(db, actor, "withdraw", key, command, Part, work)


async def check_in(db: Database, actor: Actor, command: TakePart, *, key: str, now: datetime) -> Part | list[Refusal]:
    """A coordinator or the group leader ticks off somebody who is there. Twice changes nothing.

    Refusals: ``not_allowed``, ``member_unknown``, ``session_cancelled``, ``check_in_not_open``, ``check_in_over``.

    Raises:
        LookupError: there is no such session.
    """

    async def work(connection: Connection) -> Part:
        session = await _led_session(connection, actor, command.session_id, now)
        await _member(connection, actor.timebank_id, command.member_id)
        ids_ = (actor.timebank_id, command.session_id, command.member_id)
        mine = await connection.fetchrow(MINE, *ids_)
        if mine is None or mine["checked_in_at"] is None:
            await _tap_is_open(connection, actor.timebank_id, session, now)
            await connection.execute(CHECK_IN, *ids_, now, actor.member_id)
        return Part(session_id=command.session_id, member_id=command.member_id, state="checked_in")

    return await once(db, actor, "check_in", key, command, Part, work)


async def take_back_check_in(
    db: Database, actor: Actor, command: TakePart, *, key: str, now: datetime
) -> Part | list[Refusal]:
    """A coordinator or the group leader takes a tick back: it was a mistake.

    Refusals: ``not_allowed``, ``session_cancelled``.

    Raises:
        LookupError: there is no such session.
    """

    async def work(connection: Connection) -> Part:
        await _led_session(connection, actor, command.session_id, now)
        await connection.execute(TAKE_BACK, actor.timebank_id, command.session_id, command.member_id)
        return Part(session_id=command.session_id, member_id=command.member_id, state="not_checked_in")

    return await once(db, actor, "take_back_check_in", key, command, Part, work)


async def mark_set_out(
    db: Database, actor: Actor, command: TakePart, set_out: bool, *, key: str, now: datetime
) -> Part | list[Refusal]:
    """Note that a member had set out when the session was cancelled, or that they had not; the register credits it.

    Refusals: ``not_allowed``, ``member_unknown``, ``not_cancelled``.

    Raises:
        LookupError: there is no such session.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> Part:
        session = await _session(connection, actor.timebank_id, command.session_id)
        await _member(connection, actor.timebank_id, command.member_id)
        if session.state != "cancelled":
            raise Rollback([Refusal("not_cancelled", "This session is not cancelled. Check people in instead.")])
        await connection.execute(SET_OUT, actor.timebank_id, command.session_id, command.member_id, set_out)
        state: State = "set_out" if set_out else "not_set_out"
        return Part(session_id=command.session_id, member_id=command.member_id, state=state)

    return await once(db, actor, "mark_set_out", key, [command, set_out], Part, work)


async def check_in_here(
    db: Database, actor: Actor, command: CheckInHere, *, key: str, now: datetime
) -> CheckedIn | list[Refusal]:
    """A member says "I am here" with the code on the wall. Once for each person and session; again says since when.

    Refusals: ``code_unknown``, ``code_replaced``, ``other_timebank``, ``archived``, ``session_cancelled``,
    ``check_in_not_open``, ``check_in_over``, ``no_session``. Each says what to do next.
    """
    member_id = actor.subject_id
    code = ids.normalise_reference(command.code)
    if code is None or member_id is None:
        return [deciding.UNKNOWN]
    async with db.globally() as connection:
        found = await queries.find_code(connection, ids.sha256(code))

    async def work(connection: Connection) -> CheckedIn:
        step = await next_step(connection, actor.timebank_id, found, now=now)
        if step.session is None:
            raise Rollback([step.refusal or deciding.UNKNOWN])
        session = await _session(connection, actor.timebank_id, step.session.id)
        ids_ = (actor.timebank_id, session.id, member_id)
        mine = await connection.fetchrow(MINE, *ids_)
        before = mine["checked_in_at"] if mine is not None else None
        if before is None:
            await connection.execute(CHECK_IN, *ids_, now, actor.member_id)
        return CheckedIn(
            session_id=session.id,
            activity=session.name,
            held_on=session.held_on,
            starts_at=session.starts_at,
            at=before or now,
            again=before is not None,
        )

    return await once(db, actor, "check_in_here", key, command, CheckedIn, work)


async def next_step(connection: Connection, timebank_id: int, found: FoundCode | None, *, now: datetime) -> NextStep:
    """What the code on the wall leads to now: the session to check in to, or why not and what to do."""
    if found is None or found.timebank_id != timebank_id or found.ended_at is not None:
        return deciding.wrong_code(found, timebank_id)
    bank = await banks.by_id(connection, timebank_id)
    today = clock.today(now, bank.time_zone)
    _, in_force = await banks.rules_in_force(connection, timebank_id, today)
    activity = await queries.activity(connection, timebank_id, found.activity_id)
    assert activity is not None
    near = await queries.around(connection, timebank_id, found.activity_id, today - timedelta(days=1))
    return deciding.decide(activity, near, rules=in_force, time_zone=bank.time_zone, now=now)


async def _session(connection: Connection, timebank_id: int, session_id: int) -> _Session:
    row = await connection.fetchrow(SESSION, timebank_id, session_id)
    if row is None:
        raise LookupError(session_id)
    return msgspec.convert(dict(row), _Session)


async def _led_session(connection: Connection, actor: Actor, session_id: int, now: datetime) -> _Session:
    session = await _session(connection, actor.timebank_id, session_id)
    zone = (await banks.by_id(connection, actor.timebank_id)).time_zone
    led = await queries.led_by(connection, actor.timebank_id, actor.member_id or 0, on=clock.today(now, zone))
    if refusal := rules.may_lead(actor, session.activity_id, led):
        raise Rollback([refusal])
    if session.state == "cancelled":
        raise Rollback([deciding.CANCELLED])
    return session


async def _member(connection: Connection, timebank_id: int, member_id: int) -> None:
    member = await members.by_id(connection, timebank_id, member_id)
    if member is None or member.status != "active":
        raise Rollback([Refusal("member_unknown", say("Choose a member from the list."), "who")])


async def _tap_is_open(connection: Connection, timebank_id: int, session: _Session, now: datetime) -> None:
    """The list opens with the poster and stays open for some days: paper is typed in late."""
    zone = (await banks.by_id(connection, timebank_id)).time_zone
    _, in_force = await banks.rules_in_force(connection, timebank_id, clock.today(now, zone))
    start = recurrence.moment(session.held_on, session.starts_at, zone)
    opens = start - timedelta(minutes=in_force.check_in_opens_minutes)
    if now < opens:
        raise Rollback([deciding.not_open(opens, zone)])
    if now > start + timedelta(days=LATE_TAP_DAYS):
        raise Rollback([Refusal("check_in_over", say("This session is long over. Use the register to log who came."))])


def _still_to_come(session: _Session, zone: str, now: datetime) -> None:
    if session.state == "cancelled" or session.is_archived:
        raise Rollback([deciding.CANCELLED])
    start = recurrence.moment(session.held_on, session.starts_at, zone)
    if now >= start + timedelta(minutes=session.planned_minutes):
        raise Rollback([Refusal("session_over", say("This session is over. Choose one that is still to come."))])


def _signed_up_for_you(session: _Session, member_id: int, now: datetime) -> Message:
    return Message(
        member_id=member_id,
        kind="session_signed_up",
        subject=words.subject(say("You are on the list: {name}, {when}", name=session.name, when=session.when)),
        body=say(
            "We put you on the list for {name} on {when}. If you cannot come, tell us.",
            name=session.name,
            when=session.when,
        ),
        path=f"/whats-on/{session.id}",
        dedupe=f"session:{session.id}:signed_up:{member_id}:{now.isoformat()}",
    )
