"""Telling someone in confidence, and looking into it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from timebank.banks import queries as banks
from timebank.confidence import queries, rules
from timebank.confidence.queries import AnswerNow, Report
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import ids, names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.kit.working_days import working_days_after
from timebank.members import safeguarding
from timebank.members.safeguarding import Person
from timebank.messages.service import Message, send

NEW_REPORT = """
insert into confidence_report
    (timebank_id, reference, code_sha256, how, happened, about, reach, from_member_id, taken_by, told_at, due_on)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
returning id
"""
EXCLUDE = """
insert into confidence_excluded (timebank_id, report_id, member_id)
select $1, $2, unnest($3::bigint[]) on conflict do nothing
"""
STEP = """
insert into confidence_step (timebank_id, report_id, n, what, words, actor_id, at)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6
  from confidence_step where timebank_id = $1 and report_id = $2
"""
COUNT = """
insert into confidence_count (timebank_id, what, mark, hour, times)
values ($1, $2, $3, date_trunc('hour', $4::timestamptz), 1)
on conflict (timebank_id, what, mark, hour) do update set times = confidence_count.times + 1
returning times
"""
FORGET_COUNTS = "delete from confidence_count where timebank_id = $1 and hour < $2::timestamptz - interval '1 day'"
UNREAD = """
select r.id, r.about, array(select e.member_id from confidence_excluded e
                             where e.timebank_id = r.timebank_id and e.report_id = r.id) as excluded
  from confidence_report r
 where r.timebank_id = $1 and r.state = 'new' and r.due_on < $2
"""


class TellSomeone(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody tells. ``not_for`` are people with a part in safeguarding whom it is about.

    ``says_who`` keeps the signed-in member's name with it. ``how`` is ``page``, or how a reader heard it.
    """

    happened: str
    about: str = ""
    reach: str = ""
    not_for: tuple[int, ...] = ()
    says_who: bool = False
    how: str = "page"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """It is with the readers. ``due_on`` is the day by which one of them reads it; the code opens their answer."""

    reference: str
    due_on: date


class TakeStep(msgspec.Struct, frozen=True, kw_only=True):
    """Do something with a report: ``noted``, ``answered``, ``closed`` or ``reopened``."""

    reference: str
    what: str
    words: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """It is done; ``state`` is where the report stands."""

    state: str


class Readers(msgspec.Struct, frozen=True, kw_only=True):
    """Whom people can tell: those who read here, and who else the rules name."""

    people: tuple[Person, ...]
    independent_person: str
    outside_body: str
    safeguarding_lead: str


async def whom_to_tell(connection: Connection, timebank_id: int, now: datetime) -> Readers:
    """Whom people can tell in confidence."""
    facts = await banks.by_id(connection, timebank_id)
    _, document = await banks.rules_in_force(connection, timebank_id, today(now, facts.time_zone))
    return Readers(
        people=tuple(await safeguarding.people(connection, timebank_id)),
        independent_person=document.independent_person,
        outside_body=document.outside_body,
        safeguarding_lead=document.safeguarding_lead,
    )


async def tell(
    db: Database, actor: Actor, command: TellSomeone, *, network: str, key: str, now: datetime
) -> Told | list[Refusal]:
    """Tell the lead, deputies and independent people, all but those it is about. They get a message without its text.

    Anybody may; ``actor`` has no member when nobody is signed in. Who stays anonymous leaves no trace of who they are:
    neither with the report nor with the key. Without a reader who may see it nothing is kept.

    Refusals: those of ``rules.check_report``, ``nobody_may_read`` and ``too_many`` (from one network in an hour);
    ``how_unknown`` and ``not_allowed`` for what a reader writes down for somebody.
    """
    if refusals := rules.check_report(happened=command.happened, about=command.about, reach=command.reach):
        return refusals
    if command.how != "page" and command.how not in rules.TAKEN:
        return [Refusal("how_unknown", "Choose how you heard it.", "how")]
    is_named = command.says_who or command.how != "page"
    teller = actor if is_named else Actor(timebank_id=actor.timebank_id, member_id=None)

    async def work(connection: Connection) -> Told:
        return await _tell(connection, teller, command, network, key, now)

    return await once(db, teller, "tell", key, _without_words(command), Told, work)


async def _tell(
    connection: Connection, teller: Actor, command: TellSomeone, network: str, key: str, now: datetime
) -> Told:
    timebank_id = teller.timebank_id
    is_taken = command.how != "page"
    if is_taken and await queries.reader(connection, teller) is None:
        raise Rollback([Refusal("not_allowed", "Only those who read reports can write one down.")])
    if not is_taken and await _too_many(connection, timebank_id, "tell", network, rules.MAX_PER_HOUR, now):
        raise Rollback(
            [Refusal("too_many", say("Many reports came from here just now. Please phone, write, or try in an hour."))]
        )
    about = names.tidy(command.about)
    people = await safeguarding.people(connection, timebank_id)
    readers = [
        each
        for each in people
        if rules.may_read(each.member_id, each.display_name, about=about, excluded=command.not_for)
    ]
    if not readers:
        raise Rollback(
            [Refusal("nobody_may_read", say("Nobody here may read this. Please tell the people named below."))]
        )
    facts = await banks.by_id(connection, timebank_id)
    due_on = working_days_after(today(now, facts.time_zone), rules.WORKING_DAYS, facts.holiday_region)
    reference = ids.reference()
    report_id = await connection.fetchval(
        NEW_REPORT,
        timebank_id,
        reference,
        ids.sha256(rules.code_of(key)),
        command.how,
        command.happened.strip(),
        about,
        command.reach.strip(),
        teller.subject_id if command.says_who and not is_taken else None,
        teller.member_id if is_taken else None,
        now,
        due_on,
    )
    # Whom it could be about now stays out for good, also when they change their name.
    out = {each.member_id for each in people if each not in readers} | (set(command.not_for) & _ids(people))
    await connection.execute(EXCLUDE, timebank_id, report_id, sorted(out))
    await connection.execute(STEP, timebank_id, report_id, rules.TOLD, "", teller.member_id, now)
    told = [each for each in readers if each.member_id != teller.member_id]
    await send(connection, timebank_id, [_something_new(each, report_id, reference) for each in told], now=now)
    return Told(reference=reference, due_on=due_on)


async def open_report(db: Database, actor: Actor, reference: str, *, now: datetime) -> Report | None:
    """A report for somebody who may read it, and a note that they did; None for everybody else."""
    async with db.writing(actor.timebank_id) as connection:
        found = await queries.report(connection, actor, reference, lock=True)
        if found is None:
            return None
        await connection.execute(STEP, actor.timebank_id, found.id, rules.READ, "", actor.member_id, now)
        if found.state == rules.NEW:
            await _set_state(connection, actor.timebank_id, found.id, rules.OPEN)
            found = msgspec.structs.replace(found, state=rules.OPEN)
        return found


async def take_step(db: Database, actor: Actor, command: TakeStep, *, key: str, now: datetime) -> Taken | list[Refusal]:
    """Note something, answer, close or open again. An answer reaches who told it, by their code or their own channel.

    Refusals: those of ``rules.check_words``; ``unknown_report`` when there is none for the actor.
    """
    if refusals := rules.check_words(command.what, command.words):
        return refusals

    async def work(connection: Connection) -> Taken:
        timebank_id = actor.timebank_id
        found = await queries.report(connection, actor, command.reference, lock=True)
        if found is None:
            raise Rollback([Refusal("unknown_report", "There is no such report for you.")])
        state = {rules.SHUT: rules.CLOSED, rules.REOPENED: rules.OPEN}.get(command.what, found.state)
        words = command.words.strip()
        await connection.execute(STEP, timebank_id, found.id, command.what, words, actor.member_id, now)
        await _set_state(connection, timebank_id, found.id, state)
        if command.what == rules.ANSWERED:
            await connection.execute(
                "update confidence_report set answer = $3 where timebank_id = $1 and id = $2",
                timebank_id,
                found.id,
                words,
            )
            if found.from_member_id is not None:
                message = _answered(found.from_member_id, found.id, now)
                await send(connection, timebank_id, [message], now=now)
        return Taken(state=state)

    return await once(db, actor, "confidence_step", key, _without_words(command), Taken, work)


async def read_answer(
    db: Database, timebank_id: int, typed: str, *, network: str, now: datetime
) -> AnswerNow | list[Refusal]:
    """What the holder of a code may see. Refusals: ``code_unknown``, ``too_many`` (from one network in an hour)."""
    unknown = [Refusal("code_unknown", say("We do not know this code. Check each letter."), "code")]
    async with db.writing(timebank_id) as connection:
        if await _too_many(connection, timebank_id, "code", network, rules.MAX_CODES_PER_HOUR, now):
            return [Refusal("too_many", say("Too many tries from here. Please try again in an hour."), "code")]
        code = rules.normalise_code(typed)
        found = await queries.answer_of(connection, timebank_id, ids.sha256(code)) if code else None
    return found or unknown


async def own_answers(connection: Connection, actor: Actor) -> list[AnswerNow]:
    """What a member told under their own name, as they may see it; never for somebody who acts for them."""
    if actor.member_id is None or actor.on_behalf_of is not None:
        return []
    rows = await connection.fetch(
        """
        select state, answer, told_at, due_on from confidence_report
         where timebank_id = $1 and from_member_id = $2 order by told_at desc limit 50
        """,
        actor.timebank_id,
        actor.member_id,
    )
    return [msgspec.convert(dict(row), AnswerNow) for row in rows]


async def remind_readers(db: Database, timebank_id: int, now: datetime) -> int:
    """Tell every reader, once, of what nobody has read on the day it was due. A job: harmless to repeat."""
    async with db.writing(timebank_id) as connection:
        facts = await banks.by_id(connection, timebank_id)
        rows = await connection.fetch(UNREAD, timebank_id, today(now, facts.time_zone))
        people = await safeguarding.people(connection, timebank_id) if rows else []
        late = [
            Message(
                member_id=person.member_id,
                kind="confidence",
                subject="Nobody has read what somebody told you",
                body="It should have been read by now. Please read it today.",
                path="/confidence",
                is_urgent=True,
                dedupe=f"confidence:{row['id']}:late:{person.member_id}",
            )
            for row in rows
            for person in people
            if rules.may_read(person.member_id, person.display_name, about=row["about"], excluded=row["excluded"])
        ]
        await send(connection, timebank_id, late, now=now)
    return len(rows)


async def _too_many(
    connection: Connection, timebank_id: int, what: str, network: str, limit: int, now: datetime
) -> bool:
    await connection.execute(FORGET_COUNTS, timebank_id, now)
    mark = rules.network_mark(network, now.date().isoformat())
    times: int = await connection.fetchval(COUNT, timebank_id, what, mark, now)
    return times > limit


async def _set_state(connection: Connection, timebank_id: int, report_id: int, state: str) -> None:
    await connection.execute(
        "update confidence_report set state = $3 where timebank_id = $1 and id = $2", timebank_id, report_id, state
    )


def _without_words(command: Any) -> dict[str, object]:
    """What a key stands for: digests in place of the words, so that no copy of them is made on the way."""
    fields = msgspec.to_builtins(command)
    return {name: ids.sha256(value).hex() if isinstance(value, str) else value for name, value in fields.items()}


def _ids(people: Sequence[Person]) -> set[int]:
    return {person.member_id for person in people}


def _something_new(reader: Person, report_id: int, reference: str) -> Message:
    return Message(
        member_id=reader.member_id,
        kind="confidence",
        subject="Somebody told you something in confidence",
        body="Please read it within one working day. Sign in to see it. Do not talk about it with others.",
        path=f"/confidence/{reference}",
        is_urgent=True,
        dedupe=f"confidence:{report_id}:new:{reader.member_id}",
    )


def _answered(member_id: int, report_id: int, now: datetime) -> Message:
    return Message(
        member_id=member_id,
        kind="confidence",
        subject=say("There is an answer for you"),
        body=say("You told us something. Sign in to read the answer."),
        path="/tell",
        is_urgent=True,
        dedupe=f"confidence:{report_id}:answer:{now.isoformat()}",
    )
