"""Carrying an import out: its lines are written down first, then done chunk by chunk, each in a transaction of its own.

Where an import stands is part of each chunk's transaction, so whoever goes on after a crash (the job, the command, a
page) begins exactly where it stopped, and the result is the same. Whoever does a chunk holds the import's row.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once, retrying
from timebank.imports import posting, queries, rules
from timebank.imports.plan import Plan, Planned
from timebank.imports.uploads import planned
from timebank.kit.actor import Actor, system
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import adding

CHUNK = 500
INSERTED_AT_A_TIME = 5_000
JOB_SECONDS = 20
KEEP_UNSTARTED = timedelta(days=30)
KEEP_WHO = timedelta(days=90)
STOPPED = "The import was stopped before this line."

START = """
update import_run set state = 'running', started_by = $3, started_at = $4, steps = $5 where timebank_id = $1 and id = $2
"""
ADD_LINES = """
insert into import_line (timebank_id, import_id, line, part, step, kind, key, state, why, who, person, details, payer,
                         payee, minutes, rounded, happened_on, words, member_id)
select $1, $2, l.line, l.part, l.step, l.kind, l.key, l.state, l.why, l.who, l.person, l.details::jsonb, l.payer,
       l.payee, l.minutes, l.rounded, l.happened_on, l.words, l.member_id
  from unnest($3::int[], $4::int[], $5::int[], $6::text[], $7::bytea[], $8::text[], $9::text[], $10::text[],
              $11::text[], $12::text[], $13::text[], $14::text[], $15::int[], $16::text[], $17::date[], $18::text[],
              $19::bigint[])
       as l (line, part, step, kind, key, state, why, who, person, details, payer, payee, minutes, rounded, happened_on,
             words, member_id)
"""
NEXT = """
select line, part, step, kind, person, details, payer, payee, minutes, happened_on, member_id
  from import_line
 where timebank_id = $1 and import_id = $2 and step > $3 order by step limit $4
"""
ARRIVED = "update import_run set position = $3, forced = forced + $4 where timebank_id = $1 and id = $2"
END = "update import_run set state = $3, ended_at = $4 where timebank_id = $1 and id = $2"
DROP_FILE = "delete from import_piece where timebank_id = $1 and import_id = $2"
STOP_LINES = """
update import_line set state = 'left_out', step = null, why = $3, details = null
 where timebank_id = $1 and import_id = $2 and step > $4
"""
ABANDONED = """
select id from import_run where timebank_id = $1 and state in ('receiving', 'ready') and created_at < $2
"""
FORGET_WHO = """
update import_line l set who = '', details = null
  from import_run r
 where l.timebank_id = $1 and r.timebank_id = $1 and r.id = l.import_id and r.ended_at < $2 and l.who <> ''
"""
ADDED = """
update import_line l
   set member_id = d.member_id, details = null
  from unnest($3::int[], $4::int[], $5::bigint[]) as d (line, part, member_id)
 where l.timebank_id = $1 and l.import_id = $2 and l.line = d.line and l.part = d.part
"""
LINK = """
insert into import_person (timebank_id, source, code, member_id)
select $1, $2, p.code, p.member_id from unnest($3::text[], $4::bigint[]) as p (code, member_id)
on conflict (timebank_id, source, code) do nothing
"""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """An import has begun, or had nothing to do and is over."""

    import_id: int
    steps: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. ``state`` is running, finished or cancelled."""

    state: str
    position: int
    steps: int


async def start(db: Database, actor: Actor, import_id: int, *, key: str, now: datetime) -> Started | list[Refusal]:
    """Write down what will happen to each line, and begin; the job goes on with it. Starting twice starts once.

    Refusals: ``not_allowed``, ``another_running``, ``started_already``, ``not_complete``, and everything that has to be
    decided first.

    Raises:
        LookupError: this time bank has no such import.
    """
    if refusal := rules.may_import(actor):
        return [refusal]

    async def work(connection: Connection) -> Started:
        run = await queries.run(connection, actor.timebank_id, import_id, lock=True)
        if run is None:
            raise LookupError(f"no import {import_id}")
        await _refuse_what_cannot_start(connection, actor, run)
        data = await queries.content(connection, actor.timebank_id, import_id)
        facts = await queries.facts(connection, actor.timebank_id, run.wanted, now=now)
        plan = await asyncio.to_thread(planned, run, data, facts)
        if isinstance(plan, Refusal):
            raise Rollback([plan])
        if plan.is_open:
            raise Rollback(open_questions(plan))
        for at in range(0, len(plan.lines), INSERTED_AT_A_TIME):
            await _add_lines(connection, actor.timebank_id, import_id, plan.lines[at : at + INSERTED_AT_A_TIME])
        steps = sum(one.step is not None for one in plan.lines)
        await connection.execute(START, actor.timebank_id, import_id, actor.member_id, now, steps)
        if not steps:
            await _end(connection, actor.timebank_id, import_id, "finished", now)
        return Started(import_id=import_id, steps=steps)

    return await once(db, actor, "start_import", key, import_id, Started, work)


async def advance(db: Database, timebank_id: int, import_id: int, *, now: datetime, chunk: int = CHUNK) -> Progress:
    """Do the next chunk of a running import: all of it, and where the import then stands, or nothing.

    Raises:
        LookupError: this time bank has no such import.
    """
    verdict = posting.Verdict()
    while True:
        try:
            return await retrying(partial(_advance, db, timebank_id, import_id, verdict, now, chunk))
        except posting.Again as again:
            # Balances moved between looking and posting, or the ledger refused a line: nothing is kept, once more.
            verdict = again.verdict


async def run_on(
    db: Database,
    timebank_id: int,
    import_id: int,
    *,
    now: Callable[[], datetime],
    seconds: float | None = None,
    told: Callable[[Progress], Awaitable[None] | None] | None = None,
) -> Progress:
    """Go on with an import until it has ended, or for about so many seconds; ``told`` hears of every chunk."""
    stop_at = None if seconds is None else time.monotonic() + seconds
    while True:
        progress = await advance(db, timebank_id, import_id, now=now())
        if told is not None:
            told(progress)
        if progress.state != "running" or (stop_at is not None and time.monotonic() >= stop_at):
            return progress


async def continue_due(db: Database, timebank_id: int, now: datetime) -> Progress | None:
    """Go on with the import of a time bank, if one is under way. A job: what is left waits for its next round."""
    async with db.reading(timebank_id) as connection:
        import_id = await queries.running(connection, timebank_id)
    if import_id is None:
        return None
    return await run_on(db, timebank_id, import_id, now=lambda: now, seconds=JOB_SECONDS)


async def tidy_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Drop files that nobody started in 30 days, and what lines that were not imported say of people after 90. A job.

    Returns how many files were dropped.
    """
    async with db.writing(timebank_id) as connection:
        rows = await connection.fetch(ABANDONED, timebank_id, now - KEEP_UNSTARTED)
        for row in rows:
            run = await queries.run(connection, timebank_id, row["id"], lock=True)
            if run is not None and run.state in ("receiving", "ready"):
                await _end(connection, timebank_id, run.id, "cancelled", now)
        await connection.execute(FORGET_WHO, timebank_id, now - KEEP_WHO)
        return len(rows)


async def cancel(db: Database, actor: Actor, import_id: int, *, key: str, now: datetime) -> Started | list[Refusal]:
    """Stop an import, or drop a file that was not started. What was entered stays; the same file can go on later.

    Refusals: ``not_allowed``, ``ended_already``.

    Raises:
        LookupError: this time bank has no such import.
    """
    if refusal := rules.may_import(actor):
        return [refusal]

    async def work(connection: Connection) -> Started:
        run = await queries.run(connection, actor.timebank_id, import_id, lock=True)
        if run is None:
            raise LookupError(f"no import {import_id}")
        if run.state in ("finished", "cancelled"):
            raise Rollback([Refusal("ended_already", "This import has ended already.")])
        await connection.execute(STOP_LINES, actor.timebank_id, import_id, STOPPED, run.position)
        await _end(connection, actor.timebank_id, import_id, "cancelled", now)
        return Started(import_id=import_id, steps=run.steps)

    return await once(db, actor, "cancel_import", key, import_id, Started, work)


def open_questions(plan: Plan) -> list[Refusal]:
    """What has to be decided before an import can start; fields are those of the page's form."""
    asked = [
        Refusal("column_missing", f"Choose the column for: {field.label}.", f"column-{field.name}")
        for field in plan.file.missing
    ]
    asked += [Refusal(f"{one.field}_undecided", one.text, one.field) for one in plan.questions]
    if plan.people:
        count = len(plan.people)
        words = "Say who 1 person is." if count == 1 else f"Say who {count:,} people are."
        asked.append(Refusal("people_undecided", words, "unknown"))
    return asked


async def _refuse_what_cannot_start(connection: Connection, actor: Actor, run: queries.Run) -> None:
    if run.state == "receiving":
        raise Rollback([Refusal("not_complete", "The rest of this file has not come yet. Send it first.")])
    if run.state != "ready":
        raise Rollback([Refusal("started_already", "This import has begun already.")])
    # Two who start different files at once: the second waits here and then sees the first.
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended('imports of ' || $1::bigint, 0))", actor.timebank_id
    )
    if await queries.running(connection, actor.timebank_id) is not None:
        message = "Another import is under way. Wait until it has finished, or stop it."
        raise Rollback([Refusal("another_running", message)])


async def _add_lines(connection: Connection, timebank_id: int, import_id: int, lines: Sequence[Planned]) -> None:
    await connection.execute(
        ADD_LINES,
        timebank_id,
        import_id,
        *([getattr(one, name) for one in lines] for name in ("line", "part", "step", "kind", "key")),
        ["taken" if one.state == "ready" else one.state for one in lines],
        [one.why for one in lines],
        ["" if one.state == "ready" else one.who for one in lines],
        [one.person for one in lines],
        [_details(one) for one in lines],
        *(
            [getattr(one, name) for one in lines]
            for name in ("payer", "payee", "minutes", "rounded", "happened_on", "words", "member_id")
        ),
    )


def _details(one: Planned) -> str | None:
    if one.kind != "member" or one.state != "ready" or one.member_id is not None:
        return None
    joined = one.joined_on.isoformat() if one.joined_on else None
    details = {"name": one.name, "email": one.email, "phone": one.phone, "joined_on": joined}
    return msgspec.json.encode(details).decode()


async def _advance(
    db: Database, timebank_id: int, import_id: int, verdict: posting.Verdict, now: datetime, chunk: int
) -> Progress:
    async with db.writing(timebank_id) as connection:
        run = await queries.run(connection, timebank_id, import_id, lock=True)
        if run is None:
            raise LookupError(f"no import {import_id}")
        if run.state != "running":
            return Progress(run.state, run.position, run.steps)
        rows = await connection.fetch(NEXT, timebank_id, import_id, run.position, chunk)
        is_people = bool(rows) and rows[0]["kind"] == "member"
        rows = list(takewhile(lambda row: (row["kind"] == "member") == is_people, rows))
        actor = (
            system(timebank_id) if run.started_by is None else Actor(timebank_id=timebank_id, member_id=run.started_by)
        )
        bank = await banks.by_id(connection, timebank_id)
        day = today(now, bank.time_zone)
        forced = 0
        if is_people:
            await _add_people(connection, actor, run, rows, day, now)
        elif rows:
            version, _ = await banks.rules_in_force(connection, timebank_id, day)
            forced = await posting.post(connection, actor, run, rows, verdict, version)
        position = rows[-1]["step"] if rows else run.steps
        await connection.execute(ARRIVED, timebank_id, import_id, position, forced)
        if position < run.steps:
            return Progress("running", position, run.steps)
        await _end(connection, timebank_id, import_id, "finished", now)
        return Progress("finished", position, run.steps)


async def _add_people(
    connection: Connection, actor: Actor, run: queries.Run, rows: Sequence[Any], day: date, now: datetime
) -> None:
    """Add the people of these lines, and note who everybody is here by what the file calls them."""
    new = [row for row in rows if row["member_id"] is None]
    ids = {(row["line"], row["part"]): row["member_id"] for row in rows if row["member_id"] is not None}
    if new:
        await connection.execute(adding.ONE_AT_A_TIME, actor.timebank_id)
        commands = [_command(row["details"]) for row in new]
        added = await adding.insert_members(connection, actor, commands, day=day, now=now)
        ids |= {(row["line"], row["part"]): one.member_id for row, one in zip(new, added, strict=True)}
    members = [ids[row["line"], row["part"]] for row in rows]
    await connection.execute(LINK, actor.timebank_id, run.wanted.source, [row["person"] for row in rows], members)
    places = ([row["line"] for row in rows], [row["part"] for row in rows])
    await connection.execute(ADDED, actor.timebank_id, run.id, *places, members)


def _command(details: dict[str, str]) -> adding.AddMember:
    email, phone = details["email"], details["phone"]
    return msgspec.convert(
        {
            "display_name": details["name"],
            "email": email,
            "phone": phone,
            "contact_route": "email" if email else "phone" if phone else "none",
            "joined_on": details["joined_on"],
        },
        adding.AddMember,
    )


async def _end(connection: Connection, timebank_id: int, import_id: int, state: str, now: datetime) -> None:
    await connection.execute(END, timebank_id, import_id, state, now)
    await connection.execute(DROP_FILE, timebank_id, import_id)
