"""Statements: brought, looked at, imported. The same file again changes nothing, and no line comes in twice.

Importing keeps every new line and books the first ones in one transaction. A long file goes on in further transactions,
in order; after a crash :func:`import_statement` goes on where it stopped, because each line is booked with its state.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import ids, names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.payees.queries import own_account
from timebank.payments.service import abandon_if
from timebank.reconciliation import formats, matching, queries, rules
from timebank.reconciliation.booking import MAX_LINES_AT_ONCE, Looked, book_waiting, match_suspense
from timebank.reconciliation.formats import Columns, Question, ReadStatement
from timebank.reconciliation.queries import StatementFacts
from timebank.reconciliation.rules import Answers, LineFacts, Plan

MAX_COLUMN = 100

KEEP = """
insert into bank_statement (timebank_id, file_name, format, content, sha256, state, answers, last_four, uploaded_by,
                            uploaded_at)
values ($1, $2, $3, $4, $5, 'kept', '{}', '', $6, $7) returning id
"""
ANSWER = "update bank_statement set answers = $3 where timebank_id = $1 and id = $2"
DROP = "update bank_statement set state = 'dropped' where timebank_id = $1 and id = $2"
REMEMBER_COLUMNS = """
insert into bank_columns (timebank_id, headings, columns, changed_by, changed_at) values ($1, $2, $3, $4, $5)
on conflict (timebank_id, headings) do update set columns = $3, changed_by = $4, changed_at = $5
"""
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
LOCK_IMPORTS = "select pg_advisory_xact_lock(hashtextextended('bank_statement', $1))"
"""One import at a time per time bank, so that two files of the same days never bring a line twice."""


class KeepStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement file as the bank gave it."""

    file_name: str
    content: bytes


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A statement is kept. ``is_known``: it was imported before, so there is nothing more to do."""

    statement_id: int
    is_known: bool


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


@dataclass(frozen=True, slots=True)
class Previewed:
    """A file and what importing it would do. With a ``question`` its columns come first, and there is no plan."""

    statement: StatementFacts
    plan: Plan | None
    question: Question | None
    matched: int
    suggested: int
    unknown: int


async def keep(db: Database, actor: Actor, command: KeepStatement, *, key: str, now: datetime) -> Kept | list[Refusal]:
    """Keep a statement file, to be looked at and imported. The same bytes are kept once.

    Refusals: ``not_finance``, ``file_empty``, ``file_too_large``, and why the file cannot be read.
    """
    if refusals := rules.check_finance(actor):
        return refusals
    name = names.tidy(command.file_name)[-rules.MAX_FILE_NAME :] or "statement"
    sha256 = ids.sha256(command.content)

    async def work(connection: Connection) -> Kept:
        bank = await banks.by_id(connection, actor.timebank_id)
        read = formats.read(command.content, bank.currency)
        if isinstance(read, Refusal):
            read = await _with_remembered(connection, actor.timebank_id, command.content, bank.currency, read)
        if isinstance(read, Refusal):
            raise Rollback([read])
        await connection.execute(LOCK_IMPORTS, actor.timebank_id)
        before = await queries.same_file(connection, actor.timebank_id, sha256)
        if before is not None:
            return Kept(statement_id=before.id, is_known=before.state == rules.BOOKED)
        kind = read.format if isinstance(read, ReadStatement) else "csv"
        row = actor.timebank_id, name, kind, command.content, sha256, actor.member_id, now
        return Kept(statement_id=await connection.fetchval(KEEP, *row), is_known=False)

    return await once(db, actor, "keep_statement", key, (name, sha256.hex()), Kept, work)


async def _with_remembered(
    connection: Connection, timebank_id: int, content: bytes, currency: str, refusal: Refusal
) -> ReadStatement | Question | Refusal:
    """Read a CSV again in the columns that were chosen for its headings before."""
    columns = await queries.remembered_columns(connection, timebank_id, headings_mark(content))
    return formats.read(content, currency, Columns(**columns)) if columns else refusal


async def answer(
    db: Database, actor: Actor, statement_id: int, answers: Answers, *, key: str, now: datetime
) -> Kept | list[Refusal]:
    """Keep what was decided about a file, in place of what was decided before; columns are remembered for the next one.

    Refusals: ``not_finance``, ``imported_already``, ``column_unknown``. Raises LookupError for an unknown file.
    """
    if refusals := [*rules.check_finance(actor), *_check_columns(answers)]:
        return refusals

    async def work(connection: Connection) -> Kept:
        statement = await _waiting(connection, actor, statement_id)
        await connection.execute(ANSWER, actor.timebank_id, statement.id, msgspec.to_builtins(answers))
        if answers.columns:
            content = await queries.content(connection, actor.timebank_id, statement.id)
            mark = headings_mark(content)
            await connection.execute(REMEMBER_COLUMNS, actor.timebank_id, mark, answers.columns, actor.member_id, now)
        return Kept(statement_id=statement.id, is_known=False)

    return await once(db, actor, "answer_statement", key, (statement_id, answers), Kept, work)


async def drop(db: Database, actor: Actor, statement_id: int, *, key: str, now: datetime) -> Kept | list[Refusal]:
    """Put a file away that was not imported. Refusals: ``not_finance``, ``imported_already``. Raises LookupError."""
    if refusals := rules.check_finance(actor):
        return refusals

    async def work(connection: Connection) -> Kept:
        statement = await _waiting(connection, actor, statement_id)
        await connection.execute(DROP, actor.timebank_id, statement.id)
        return Kept(statement_id=statement.id, is_known=False)

    return await once(db, actor, "drop_statement", key, statement_id, Kept, work)


async def preview(db: Database, actor: Actor, statement_id: int, *, now: datetime) -> Previewed | list[Refusal]:
    """Say what importing a file would do. Changes nothing.

    Refusals: those of reading the file and of ``rules.make_plan``. Raises LookupError for an unknown file.
    """
    async with db.reading(actor.timebank_id) as connection:
        statement = await queries.statement(connection, actor.timebank_id, statement_id)
        if statement is None:
            raise LookupError(f"no statement {statement_id}")
        bank = await banks.by_id(connection, actor.timebank_id)
        found = await _planned(connection, bank, statement, now)
        if isinstance(found, Refusal):
            return [found]
        if isinstance(found, Question):
            return Previewed(statement, None, found, 0, 0, 0)
        lines = matching.in_order(_as_line(line, n) for n, (line, _) in enumerate(found.new, start=1) if line.pence)
        open_lines = await _unmatched(connection, bank, lines)
        suggested = 0
        for line in open_lines[: queries.MAX_LISTED]:
            suggested += bool(await queries.suggestions(connection, bank.id, line))
    matched = len(lines) - len(open_lines)
    return Previewed(statement, found, None, matched, suggested, len(open_lines) - suggested)


async def import_statement(
    db: Database, actor: Actor, statement_id: int, *, key: str, now: datetime
) -> Imported | list[Refusal]:
    """Import a file: keep its new lines, match them with payments, put the rest in suspense.

    Called again it goes on where it stopped, or says again what it did. Refusals: ``not_finance``, what the plan asks
    (``doubles``, ``gap``, ``account_changed``, ``columns_missing``), and those of reading the file. Raises LookupError.
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

    done = await once(db, actor, "import_statement", key, statement_id, Imported, work)
    part = 1
    while isinstance(done, Imported) and done.waiting:
        part += 1
        done = await once(db, actor, "import_statement", f"{key[:150]}:{part}", statement_id, Imported, work)
    if isinstance(done, list):
        return done
    await match_again(db, actor, key=f"{key[:150]}:again", now=now)
    async with db.reading(actor.timebank_id) as connection:
        return await imported(connection, actor.timebank_id, statement_id)


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
    plan = await _planned(connection, bank, statement, now)
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


async def _planned(
    connection: Connection, bank: TimeBankFacts, statement: StatementFacts, now: datetime
) -> Plan | Question | Refusal:
    content = await queries.content(connection, bank.id, statement.id)
    answers = msgspec.convert(statement.answers, Answers)
    columns = answers.columns
    if not columns and statement.format == "csv":
        columns = await queries.remembered_columns(connection, bank.id, headings_mark(content)) or {}
    read = formats.read(content, bank.currency, Columns(**columns) if columns else None)
    if not isinstance(read, ReadStatement):
        return read
    own = await own_account(connection, bank.id)
    before, after = await queries.neighbours(connection, bank.id, read.first_on, read.last_on)
    return rules.make_plan(
        read,
        await queries.known(connection, bank.id, read.first_on, read.last_on, rules.fingerprints(read.lines)),
        answers=answers,
        currency=bank.currency,
        today=today(now, bank.time_zone),
        before=before,
        after=after,
        own_last_four=own.last_four if own else "",
        last_last_four=await queries.last_last_four(connection, bank.id),
    )


async def _unmatched(connection: Connection, bank: TimeBankFacts, lines: list[LineFacts]) -> list[LineFacts]:
    """The lines that importing would leave for a person, looked at in pieces that fit into memory."""
    states: dict[tuple[int, int], str] = {}
    shown: set[tuple[int, int, str]] = set()
    found = []
    for at in range(0, len(lines), MAX_LINES_AT_ONCE):
        part = lines[at : at + MAX_LINES_AT_ONCE]
        world = await queries.world(connection, bank.id, part, bank.slug)
        world.states.update(states)
        world.shown |= shown
        matches = matching.match(part, world, bank.slug)
        found += [line for line, match in zip(part, matches, strict=True) if match is None]
        states, shown = world.states, world.shown
    return found


def headings_mark(content: bytes) -> bytes:
    """What the columns of a CSV are remembered under."""
    return ids.sha256("\x1f".join(formats.headings_of(content)).encode())


def columns_of(columns: Columns) -> dict[str, int]:
    """Columns as they are kept: without those that there are none of."""
    return {name: place for name, place in asdict(columns).items() if place is not None}


def _check_columns(answers: Answers) -> list[Refusal]:
    known = asdict(Columns())
    if any(name not in known or not 0 <= place < MAX_COLUMN for name, place in answers.columns.items()):
        return [Refusal("column_unknown", "Choose each column from the list.", "columns-date")]
    return []


async def _waiting(connection: Connection, actor: Actor, statement_id: int) -> StatementFacts:
    statement = await queries.statement(connection, actor.timebank_id, statement_id, lock=True)
    if statement is None or statement.state == rules.DROPPED:
        raise LookupError(f"no statement {statement_id}")
    if statement.state != rules.KEPT:
        raise Rollback([Refusal("imported_already", "This statement is imported already.")])
    return statement


def _as_line(line: formats.ReadLine, number: int) -> LineFacts:
    """A line that is not kept yet, as matching sees it."""
    return LineFacts(
        id=number, statement_id=0, number=line.number, booked_on=line.booked_on, pence=line.pence, text=line.text,
        reference=line.references, party=line.party, reason=line.reason, state=rules.WAITING, outcome="",
        batch_number=None, payment_line=None, entry_id=None,
    )  # fmt: skip
