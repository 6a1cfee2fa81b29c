"""Reports about members to those who lead on safeguarding. Whoever a report is about never reads it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit import ids
from timebank.kit.actor import ADMIN, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.kit.working_days import is_working_day, working_days_after
from timebank.members import safeguarding
from timebank.messages.service import Message, send
from timebank.peers import queries, rules
from timebank.peers.between import Done, known
from timebank.peers.meeting import here

WORKING_DAYS = 1
"""A report reaches the lead within one working day."""
REMIND_FROM_HOUR = 9

NEW_REPORT = """
insert into peer_report (timebank_id, from_member_id, about_member_id, ask_id, words, told_at, due_on)
values ($1, $2, $3, $4, $5, $6, $7) returning id
"""
SEEN = """
update peer_report
   set seen_by = coalesce(seen_by, $3), seen_at = coalesce(seen_at, $4), answer = $5
 where timebank_id = $1 and id = $2 and about_member_id is distinct from $3
returning from_member_id
"""
ADMINS = """
select m.id from member m
  join member_role r on r.timebank_id = m.timebank_id and r.member_id = m.id and r.role = 'admin'
 where m.timebank_id = $1 and m.status = 'active' order by m.id
"""


UNREAD = """
select id, about_member_id, due_on from peer_report
 where timebank_id = $1 and seen_at is null and due_on < $2
 order by id
"""


class TellLead(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a member that the safeguarding lead should know. ``reference``: the ask it is about, if any."""

    member_id: int
    words: str
    reference: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A report was read; what is done about it, for the one who told it."""

    report_id: int
    words: str = ""


async def report(db: Database, actor: Actor, command: TellLead, *, key: str, now: datetime) -> Done | list[Refusal]:
    """Tell those who lead on safeguarding about a member. They are told at once; whoever it is about never reads it.

    Refusals: ``words_missing``, ``words_too_long``, ``not_yourself``, ``nobody_may_read``.

    Raises:
        LookupError: the actor knows no such member.
    """
    text = command.words.strip()
    if not text:
        return [Refusal("words_missing", say("Say what happened. A few words are enough."), "words")]
    if len(text) > rules.MAX_REPORT:
        return [Refusal("words_too_long", say("Write up to {n} letters.", n=rules.MAX_REPORT), "words")]

    async def work(connection: Connection) -> Done:
        timebank_id = actor.timebank_id
        subject_id = await known(connection, actor, command.member_id)
        found = await queries.ask(connection, timebank_id, command.reference) if command.reference else None
        where = await here(connection, timebank_id, now)
        readers = await readers_of(connection, timebank_id, command.member_id)
        if not readers:
            words = say("Nobody here may read this. Please use “Tell someone else”.")
            raise Rollback([Refusal("nobody_may_read", words)])
        report_id = await connection.fetchval(
            NEW_REPORT, timebank_id, subject_id, command.member_id,
            found.id if found is not None and found.is_party(subject_id) else None, text, now,
            working_days_after(where.today, WORKING_DAYS, where.bank.holiday_region),
        )  # fmt: skip
        told = [
            Message(
                member_id=reader,
                kind="peers_report",
                subject="Somebody reports something to you",
                body="Please read it within one working day. Sign in to see it. Do not talk about it with others.",
                path="/share/reports",
                is_urgent=True,
                dedupe=f"peers_report:{report_id}:{reader}",
            )
            for reader in readers
        ]
        await send(connection, timebank_id, told, now=now)
        return Done(id=report_id)

    # The words are kept once, with the report: not beside its key.
    marked = {"member_id": command.member_id, "reference": command.reference, "words": ids.sha256(text).hex()}
    return await once(db, actor, "peers_report", key, marked, Done, work)


async def readers_of(connection: Connection, timebank_id: int, about_id: int) -> list[int]:
    """Who reads a report about a member: lead and deputies; administrators while nobody is named. Never the member."""
    people = await safeguarding.people(connection, timebank_id)
    readers = [each.member_id for each in people if each.part in (safeguarding.LEAD, safeguarding.DEPUTY)]
    if not readers:
        readers = [row["id"] for row in await connection.fetch(ADMINS, timebank_id)]
    return [each for each in readers if each != about_id]


async def may_read_reports(connection: Connection, actor: Actor) -> bool:
    """True for the lead and deputies; for administrators while nobody is named. Never while acting for another."""
    if actor.on_behalf_of is not None:
        return False
    if await safeguarding.may_see(connection, actor):
        return True
    people = await safeguarding.people(connection, actor.timebank_id)
    return actor.has(ADMIN) and not any(each.part != safeguarding.INDEPENDENT for each in people)


async def answer_report(
    db: Database, actor: Actor, command: Answer, *, key: str, now: datetime
) -> Done | list[Refusal]:
    """A report was read; words for the one who told it, if any. Refusals: ``not_allowed``, ``words_too_long``.

    Raises:
        LookupError: there is no such report for the actor.
    """
    if len(command.words) > rules.MAX_REPORT:
        return [Refusal("words_too_long", f"Write up to {rules.MAX_REPORT} letters.", f"words-{command.report_id}")]

    async def work(connection: Connection) -> Done:
        if not await may_read_reports(connection, actor):
            raise Rollback([Refusal("not_allowed", "Only the safeguarding lead and deputies can do this.")])
        words = command.words.strip()
        told_by = await connection.fetchval(SEEN, actor.timebank_id, command.report_id, actor.member_id, now, words)
        if told_by is None:
            raise LookupError(f"no report {command.report_id}")
        subject = say("We have read what you told us")
        body = words or str(say("Thank you for telling us. We look into it."))
        message = Message(
            member_id=told_by, kind="peers_report", subject=subject, body=body, path="/share",
            dedupe=f"peers_report:{command.report_id}:answer:{now.isoformat()}",
        )  # fmt: skip
        await send(connection, actor.timebank_id, [message], now=now)
        return Done(id=command.report_id)

    return await once(db, actor, "peers_answer_report", key, {"id": command.report_id}, Done, work)


async def remind(db: Database, timebank_id: int, now: datetime) -> int:
    """A job: remind those who may read reports of those that were not read in time; how many wait.

    On working days, not before nine in the morning.
    Harmless to repeat: nobody is reminded of the same report twice on a day.
    """
    async with db.writing(timebank_id) as connection:
        where = await here(connection, timebank_id, now)
        waiting = await connection.fetch(UNREAD, timebank_id, where.today)
        hour = now.astimezone(ZoneInfo(where.bank.time_zone)).hour
        if hour < REMIND_FROM_HOUR or not is_working_day(where.today, where.bank.holiday_region):
            return len(waiting)
        told = [
            Message(
                member_id=reader,
                kind="peers_report",
                subject="A report is still unread",
                body="Please read it today. Sign in to see it. Do not talk about it with others.",
                path="/share/reports",
                is_urgent=True,
                dedupe=f"peers_report:{row['id']}:{reader}:{where.today.isoformat()}",
            )
            for row in waiting
            for reader in await readers_of(connection, timebank_id, row["about_member_id"])
        ]
        await send(connection, timebank_id, told, now=now)
    return len(waiting)
