"""Thanks in words, keeping apart, and reports to those who lead on safeguarding."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit import ids
from timebank.kit.actor import ADMIN, Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.kit.working_days import working_days_after
from timebank.members import blocking, safeguarding
from timebank.messages.service import Message, send
from timebank.peers import cards, queries, rules
from timebank.peers.agreeing import end_kindly
from timebank.peers.meeting import here, mine, tell

WORKING_DAYS = 1
"""A report reaches the lead within one working day."""

THANK = """
insert into peer_thanks (timebank_id, ask_id, from_member_id, to_member_id, words, at) values ($1, $2, $3, $4, $5, $6)
on conflict (timebank_id, ask_id, from_member_id) do update
   set words = excluded.words, at = excluded.at, is_taken_off = false
"""
TAKE_OFF = """
update peer_thanks set is_taken_off = true
 where timebank_id = $1 and ask_id = $2 and from_member_id = $3
"""
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


class Thank(msgspec.Struct, frozen=True, kw_only=True):
    """Thanks in words for what happened; empty takes them off again."""

    reference: str
    words: str


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Another member: whom to keep away from, or to meet again."""

    member_id: int


class TellLead(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a member that the safeguarding lead should know. ``reference``: the ask it is about, if any."""

    member_id: int
    words: str
    reference: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A report was read; what is done about it, for the one who told it."""

    report_id: int
    words: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It is done; ``id`` is the row's, or the member's."""

    id: int


async def thank(db: Database, actor: Actor, command: Thank, *, key: str, now: datetime) -> Done | list[Refusal]:
    """Thank the other in words, once it is done; the other reads it, nobody else. Empty words take the thanks off.

    Refusals: ``too_early``, ``words_too_long``.

    Raises:
        LookupError: there is no such ask of the actor's.
    """
    if len(command.words) > rules.MAX_THANKS:
        words = say("Write up to {n} letters.", n=rules.MAX_THANKS)
        return [Refusal("words_too_long", words, "words")]

    async def work(connection: Connection) -> Done:
        found, subject_id = await mine(connection, actor, command.reference)
        if found.state != rules.DONE:
            raise Rollback([Refusal("too_early", say("You can say thank you when it is done."), "words")])
        words = command.words.strip()
        if not words:
            await connection.execute(TAKE_OFF, actor.timebank_id, found.id, subject_id)
            return Done(id=found.id)
        other_id = found.other(subject_id)
        await connection.execute(THANK, actor.timebank_id, found.id, subject_id, other_id, words, now)
        if other_id not in await blocking.around(connection, actor.timebank_id, subject_id):
            name = found.receiver_name if subject_id == found.receiver_id else found.helper_name
            await tell(
                connection, actor.timebank_id, found.reference, other_id, f"{found.id}:thanks:{subject_id}",
                say("{name} says thank you", name=name), say("You can read it on the page."), now=now,
            )  # fmt: skip
        return Done(id=found.id)

    return await once(db, actor, "peers_thank", key, command, Done, work)


async def keep_apart(db: Database, actor: Actor, command: Person, *, key: str, now: datetime) -> Done | list[Refusal]:
    """Neither of the two sees or asks the other any more. What they had open ends kindly: the other is not told why.

    What has begun already is left to be settled. Refusals: ``not_yourself``.

    Raises:
        LookupError: the actor knows no such member.
    """

    async def work(connection: Connection) -> Done:
        subject_id = await _known(connection, actor, command.member_id)
        await blocking.block(connection, actor.timebank_id, subject_id, command.member_id, now)
        return Done(id=command.member_id)

    done = await once(db, actor, "peers_block", key, command, Done, work)
    if isinstance(done, list):
        return done
    # Each in a transaction of its own, as the ledger asks; what is left when this is interrupted ends by the clock.
    while await _end_one(db, actor, command.member_id, now):
        pass
    return done


async def _end_one(db: Database, actor: Actor, member_id: int, now: datetime) -> bool:
    """End one of the open asks between two who keep apart; False when there is none."""
    async with db.writing(actor.timebank_id) as connection:
        for found in await queries.open_between(connection, actor.timebank_id, actor.subject_id or 0, member_id):
            if not found.is_over and not (found.state == rules.AGREED and found.has_started(now)):
                await end_kindly(connection, actor.timebank_id, found, [member_id], now)
                return True
    return False


async def let_meet(db: Database, actor: Actor, command: Person, *, key: str, now: datetime) -> Done | list[Refusal]:
    """Take back one's own block; one that the other made stays."""
    del now

    async def work(connection: Connection) -> Done:
        await blocking.unblock(connection, actor.timebank_id, actor.subject_id or 0, command.member_id)
        return Done(id=command.member_id)

    return await once(db, actor, "peers_unblock", key, command, Done, work)


async def _known(connection: Connection, actor: Actor, member_id: int) -> int:
    """Whose doing it is; the other must be somebody whom they can see or ever had to do with.

    Raises:
        LookupError: they know no such member.
        Rollback: ``not_yourself``.
    """
    subject_id = actor.subject_id
    if subject_id is None or not 0 < member_id <= MAX_KEY:
        raise LookupError("nobody")
    if member_id == subject_id:
        raise Rollback([Refusal("not_yourself", say("This is you."))])
    if await queries.knows(connection, actor.timebank_id, subject_id, member_id):
        return subject_id
    if any(await cards.of_person(connection, actor, member_id)):
        return subject_id
    if any(other == member_id for other, _ in await blocking.blocked_by(connection, actor.timebank_id, subject_id)):
        return subject_id
    raise LookupError(f"no member {member_id} that they know")


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
        subject_id = await _known(connection, actor, command.member_id)
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
