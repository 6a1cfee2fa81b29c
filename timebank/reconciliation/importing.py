"""Statement files: brought, asked about, looked at. The same file again changes nothing; ``running`` imports it."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import ids, names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.payees.queries import own_account
from timebank.reconciliation import formats, matching, queries, rules, suggesting
from timebank.reconciliation.booking import MAX_LINES_AT_ONCE
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
        found = await planned(connection, bank, statement, now)
        if isinstance(found, Refusal):
            return [found]
        if isinstance(found, Question):
            return Previewed(statement, None, found, 0, 0, 0)
        lines = matching.in_order(_as_line(line, n) for n, (line, _) in enumerate(found.new, start=1) if line.pence)
        open_lines = await _unmatched(connection, bank, lines)
        suggested = 0
        for line in open_lines[: queries.MAX_LISTED]:
            suggested += bool(await suggesting.suggestions(connection, bank.id, line))
    matched = len(lines) - len(open_lines)
    return Previewed(statement, found, None, matched, suggested, len(open_lines) - suggested)


async def planned(
    connection: Connection, bank: TimeBankFacts, statement: StatementFacts, now: datetime
) -> Plan | Question | Refusal:
    """What importing a file would bring; a question when its columns are not clear."""
    content = await queries.content(connection, bank.id, statement.id)
    answers = msgspec.convert(statement.answers, Answers)
    columns = answers.columns
    if not columns and statement.format == "csv":
        columns = await queries.remembered_columns(connection, bank.id, headings_mark(content)) or {}
    # Reading 10,000 lines takes a moment: others are served meanwhile.
    read = await asyncio.to_thread(formats.read, content, bank.currency, Columns(**columns) if columns else None)
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
