"""Pausing: a member books nothing and gets no news, keeps their hours and can sign in; and coming back."""

from datetime import date, datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import joined, mark, say
from timebank.members.access import note_within
from timebank.messages.service import Message, send

ASKED, CONSENT, LEAVING = "asked", "consent", "leaving"
MAX_PAUSE_DAYS = 3 * 366

LOCK = "select status from member where timebank_id = $1 and id = $2 for update"
OPEN = "select id, why, until_on from pause where timebank_id = $1 and member_id = $2 and ended_at is null"
END = "update pause set ended_at = $3 where timebank_id = $1 and member_id = $2 and ended_at is null"
BEGIN = """
insert into pause (timebank_id, member_id, why, until_on, begun_by, begun_at) values ($1, $2, $3, $4, $5, $6)
"""
SET_STATUS = "update member set status = $3 where timebank_id = $1 and id = $2"
DUE = """
select member_id from pause
 where timebank_id = $1 and ended_at is null and until_on <= $2
 order by id
"""


class AskPause(msgspec.Struct, frozen=True, kw_only=True):
    """Pause a member's taking part. ``until_on`` is the day they are back; None until they say so."""

    member_id: int
    until_on: date | None = None


class ComeBack(msgspec.Struct, frozen=True, kw_only=True):
    """End a pause that was asked for."""

    member_id: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Where a member stands. ``why`` is empty while they are active."""

    status: str
    why: str = ""
    until_on: date | None = None


async def status_of(connection: Connection, timebank_id: int, member_id: int) -> Status:
    """Whether a member takes part now, and if not, why and until when.

    Raises:
        LookupError: the time bank has no such member.
    """
    there = await status_or_none(connection, timebank_id, member_id)
    if there is None:
        raise LookupError(f"no member {member_id}")
    return there


async def status_or_none(connection: Connection, timebank_id: int, member_id: int) -> Status | None:
    """The same; None when the time bank has no such member."""
    status = await connection.fetchval(
        "select status from member where timebank_id = $1 and id = $2", timebank_id, member_id
    )
    if status is None:
        return None
    row = await connection.fetchrow(OPEN, timebank_id, member_id)
    return Status(status=status, why=row["why"] if row else "", until_on=row["until_on"] if row else None)


async def pause(db: Database, actor: Actor, command: AskPause, *, key: str, now: datetime) -> Status | list[Refusal]:
    """Pause: by the member, or by a coordinator for them. Asked again with another day it changes the day.

    Nobody books with them meanwhile; bookings that are made already stay.

    Refusals: ``not_yours``, ``until_not_ahead``, ``until_too_far``, ``unknown_member``, ``paused_for_another_reason``.
    """
    if refusals := check_subject(actor, command.member_id):
        return refusals

    async def work(connection: Connection) -> Status:
        timebank_id, member_id = actor.timebank_id, command.member_id
        await _lock(connection, timebank_id, member_id)
        facts = await banks.by_id(connection, timebank_id)
        if refusals := check_until(command.until_on, today(now, facts.time_zone)):
            raise Rollback(refusals)
        there = await status_of(connection, timebank_id, member_id)
        if there.why in (CONSENT, LEAVING):
            raise Rollback(
                [Refusal("paused_for_another_reason", say("Nothing to pause: you are not taking part now."))]
            )
        await begin_within(connection, actor, member_id, ASKED, command.until_on, now=now)
        await note_within(connection, actor, member_id, mark("paused your taking part"), now=now)
        return Status(status="paused", why=ASKED, until_on=command.until_on)

    return await once(db, actor, "pause", key, command, Status, work)


async def come_back(
    db: Database, actor: Actor, command: ComeBack, *, key: str, now: datetime
) -> Status | list[Refusal]:
    """Take part again after a pause. Nothing happens to somebody who is active already.

    Refusals: ``not_yours``, ``unknown_member``, ``paused_for_another_reason``.
    """
    if refusals := check_subject(actor, command.member_id):
        return refusals

    async def work(connection: Connection) -> Status:
        timebank_id, member_id = actor.timebank_id, command.member_id
        await _lock(connection, timebank_id, member_id)
        there = await status_of(connection, timebank_id, member_id)
        if there.why in (CONSENT, LEAVING):
            words = {
                CONSENT: say("A parent or guardian has to agree first. Ask your coordinator."),
                LEAVING: say("You asked to leave. Say that you stay, and you are back."),
            }
            raise Rollback([Refusal("paused_for_another_reason", words[there.why])])
        await end_within(connection, timebank_id, member_id, now=now)
        await note_within(connection, actor, member_id, mark("ended your pause"), now=now)
        return Status(status="active")

    return await once(db, actor, "come_back", key, command, Status, work)


async def end_pauses_due(db: Database, timebank_id: int, now: datetime) -> int:
    """End every pause whose day has come, and tell the member; return how many. A job: harmless to repeat."""
    async with db.writing(timebank_id) as connection:
        facts = await banks.by_id(connection, timebank_id)
        day = today(now, facts.time_zone)
        due = [row["member_id"] for row in await connection.fetch(DUE, timebank_id, day)]
    for member_id in due:
        async with db.writing(timebank_id) as connection:
            await _lock(connection, timebank_id, member_id)
            there = await status_of(connection, timebank_id, member_id)
            if there.until_on is None or there.until_on > day:
                continue
            await end_within(connection, timebank_id, member_id, now=now)
            await send(connection, timebank_id, [_welcome_back(member_id, there.until_on)], now=now)
    return len(due)


async def begin_within(
    connection: Connection, actor: Actor, member_id: int, why: str, until_on: date | None = None, *, now: datetime
) -> None:
    """Pause a locked member inside the open transaction, whatever pause there was before."""
    timebank_id = actor.timebank_id
    await connection.execute(END, timebank_id, member_id, now)
    await connection.execute(BEGIN, timebank_id, member_id, why, until_on, actor.member_id, now)
    await connection.execute(SET_STATUS, timebank_id, member_id, "paused")


async def end_within(connection: Connection, timebank_id: int, member_id: int, *, now: datetime) -> None:
    """Make a locked member active inside the open transaction."""
    await connection.execute(END, timebank_id, member_id, now)
    await connection.execute(SET_STATUS, timebank_id, member_id, "active")


def check_subject(actor: Actor, member_id: int) -> list[Refusal]:
    """Who may decide about a member's taking part: the member, whoever acts for them, a coordinator."""
    if member_id in (actor.member_id, actor.subject_id) or actor.has(COORDINATOR):
        return []
    return [Refusal("not_yours", say("You can only do this for yourself."), "member_id")]


def check_until(until_on: date | None, day: date) -> list[Refusal]:
    """What is wrong with the day somebody wants to be back: ``until_not_ahead`` or ``until_too_far``."""
    if until_on is None:
        return []
    if until_on <= day:
        return [Refusal("until_not_ahead", say("Enter a day after today, or leave it empty."), "until_on")]
    if (until_on - day).days > MAX_PAUSE_DAYS:
        return [Refusal("until_too_far", say("Enter a day in the next three years, or leave it empty."), "until_on")]
    return []


async def _lock(connection: Connection, timebank_id: int, member_id: int) -> None:
    status = await connection.fetchval(LOCK, timebank_id, member_id)
    if status is None or status == "left":
        raise Rollback([Refusal("unknown_member", say("Choose a member of this time bank."), "member_id")])


def _welcome_back(member_id: int, until_on: date) -> Message:
    return Message(
        member_id=member_id,
        kind="pause_ended",
        subject=say("Welcome back: your pause is over"),
        body=joined(say("You can use your hours and book again."), say("Need more time? You can pause again.")),
        path="/me",
        dedupe=f"pause_ended:{member_id}:{until_on}",
    )
