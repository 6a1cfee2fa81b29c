"""Carrying an import out: every new line is kept first, then booked part by part, each in a transaction of its own.

Each line is booked together with its state, so whoever goes on after a crash (the job, the command, the page, another
person) begins exactly where it stopped, and nothing is booked twice.
"""

import time
from collections.abc import Callable
from datetime import date, datetime
from uuid import uuid4

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import FINANCE, Actor
from timebank.kit.refusal import Refusal
from timebank.payments.service import abandon_if
from timebank.reconciliation import formats, queries, rules
from timebank.reconciliation.booking import Looked, book_waiting, match_suspense
from timebank.reconciliation.formats import Question
from timebank.reconciliation.importing import LOCK_IMPORTS, planned
from timebank.reconciliation.queries import StatementFacts

JOB_SECONDS = 20
PAGE_SECONDS = 3
"""How long a page waits for an import; then it says how far it is, and the job goes on."""

START = """
update bank_statement
   set state = 'booking', opening_pence = $3, closing_pence = $4, first_on = $5, last_on = $6, last_four = $7,
       line_count = $8, known_count = $9, gap_pence = $10, imported_by = $11, imported_at = $12
 where timebank_id = $1 and id = $2
"""
INSERT_LINES = """
insert into bank_line (timebank_id, statement_id, number, booked_on, pence, text, reference, party, reason, fingerprint,
                       state)
select $1, $2, x.number, x.booked_on, x.pence, x.text, x.reference, x.party, x.reason, x.fingerprint,
       case when x.pence = 0 then 'nothing' else 'waiting' end
  from unnest($3::integer[], $4::date[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[])
       as x(number, booked_on, pence, text, reference, party, reason, fingerprint)
"""
FINISH = """
update bank_statement set state = 'booked'
 where timebank_id = $1 and id = $2 and state = 'booking'
   and not exists (select from bank_line where timebank_id = $1 and statement_id = $2 and state = 'waiting')
"""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What importing a statement did: how many lines it has, brought and knew already, and what became of the new ones.

    ``matched`` are payments of ours, ``unexplained`` wait in suspense, ``waiting`` are still to be booked.
    """

    statement_id: int
    line_count: int
    new: int
    known: int
    matched: int
    unexplained: int
    waiting: int


async def import_statement(
    db: Database,
    actor: Actor,
    statement_id: int,
    *,
    key: str,
    now: datetime,
    seconds: float | None = None,
    told: Callable[[Imported], None] | None = None,
) -> Imported | list[Refusal]:
    """Import a file: keep its new lines, match them with payments, put the rest in suspense.

    Called again it goes on where it stopped, or says again what it did. After about so many ``seconds`` it leaves the
    rest to the job; ``told`` hears of every part. Refusals: ``not_finance``, what the plan asks (``doubles``, ``gap``,
    ``account_changed``, ``columns_missing``), and those of reading the file. Raises LookupError.
    """
    if refusals := rules.check_finance(actor):
        return refusals

    async def work(connection: Connection) -> Imported:
        await connection.execute(LOCK_IMPORTS, actor.timebank_id)
        statement = await queries.statement(connection, actor.timebank_id, statement_id, lock=True)
        if statement is None or statement.state == rules.DROPPED:
            raise LookupError(f"no statement {statement_id}")
        if statement.state == rules.KEPT:
            await _start(connection, actor, statement, now)
        if statement.state != rules.BOOKED:
            bank = await banks.by_id(connection, actor.timebank_id)
            await book_waiting(connection, actor, bank, statement_id, now)
            await connection.execute(FINISH, actor.timebank_id, statement_id)
        return await imported(connection, actor.timebank_id, statement_id)

    stop_at = None if seconds is None else time.monotonic() + seconds
    done = await once(db, actor, "import_statement", key, statement_id, Imported, work)
    part = 1
    while isinstance(done, Imported) and done.waiting:
        if told is not None:
            told(done)
        if stop_at is not None and time.monotonic() >= stop_at:
            return done
        part += 1
        done = await once(db, actor, "import_statement", f"{key[:150]}:{part}", statement_id, Imported, work)
    if isinstance(done, list):
        return done
    await match_again(db, actor, key=f"{key[:150]}:again", now=now)
    async with db.reading(actor.timebank_id) as connection:
        return await imported(connection, actor.timebank_id, statement_id)


async def continue_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Go on with statements whose import was interrupted or takes long, for whoever began it. A job: what is left waits
    for its next round.

    Returns how many are imported to their end.
    """
    async with db.reading(timebank_id) as connection:
        begun = [one for one in await queries.unfinished(connection, timebank_id) if one.state == rules.BOOKING]
    stop_at = time.monotonic() + JOB_SECONDS
    ended = 0
    for statement in begun:
        actor = Actor(timebank_id=timebank_id, member_id=statement.imported_by, roles=frozenset({FINANCE}))
        seconds = stop_at - time.monotonic()
        if seconds <= 0:
            break
        done = await import_statement(db, actor, statement.id, key=f"job:{uuid4().hex}", now=now, seconds=seconds)
        ended += isinstance(done, Imported) and not done.waiting
    return ended


async def match_again(db: Database, actor: Actor, *, key: str, now: datetime) -> int | list[Refusal]:
    """Look at every line in suspense once more: what is now exactly a payment of ours is matched. Returns how many.

    Refusal ``not_finance``.
    """
    if refusals := rules.check_finance(actor):
        return refusals
    looked = Looked(matched=0, after=0)
    found = part = 0
    while looked.after is not None:
        part += 1

        async def work(connection: Connection, after: int = looked.after) -> Looked:
            await connection.execute(LOCK_IMPORTS, actor.timebank_id)
            bank = await banks.by_id(connection, actor.timebank_id)
            return await match_suspense(connection, actor, bank, after, now)

        done = await once(db, actor, "match_again", f"{key[:150]}:{part}", (part, looked.after), Looked, work)
        if isinstance(done, list):
            return done
        looked = done
        found += looked.matched
    return found


async def imported(connection: Connection, timebank_id: int, statement_id: int) -> Imported:
    """What became of the lines of a file."""
    statement = await queries.statement(connection, timebank_id, statement_id)
    assert statement is not None
    counts = await queries.counts(connection, timebank_id, statement_id)
    return Imported(
        statement_id=statement_id,
        line_count=statement.line_count + statement.known_count,
        new=statement.line_count,
        known=statement.known_count,
        matched=counts.get(rules.MATCHED, 0),
        unexplained=counts.get(rules.IN_SUSPENSE, 0),
        waiting=counts.get(rules.WAITING, 0),
    )


async def _start(connection: Connection, actor: Actor, statement: StatementFacts, now: datetime) -> None:
    bank = await banks.by_id(connection, actor.timebank_id)
    plan = await planned(connection, bank, statement, now)
    if isinstance(plan, Refusal):
        raise Rollback([plan])
    if isinstance(plan, Question):
        text = "Say first which column is which."
        raise Rollback([Refusal("columns_missing", text, "columns-date")])
    abandon_if(list(plan.asks))
    read = plan.statement
    await connection.execute(
        START,
        actor.timebank_id,
        statement.id,
        read.opening_pence,
        read.closing_pence,
        read.first_on,
        read.last_on,
        read.last_four,
        len(plan.new),
        plan.known,
        plan.gap_pence,
        actor.member_id,
        now,
    )
    if plan.new:
        columns = zip(*[_row(line, mark) for line, mark in plan.new], strict=True)
        await connection.execute(INSERT_LINES, actor.timebank_id, statement.id, *columns)


def _row(line: formats.ReadLine, mark: bytes) -> tuple[int, date, int, str, str, str, str, bytes]:
    return line.number, line.booked_on, line.pence, line.text, line.references, line.party, line.reason, mark
