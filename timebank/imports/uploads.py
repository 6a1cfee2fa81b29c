"""Bringing a file, in one piece or in several, and answering what it leaves open."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.imports import queries, rules
from timebank.imports.formats import BY_NAME, read
from timebank.imports.formats.base import MAX_FILE_BYTES, ReadFile
from timebank.imports.plan import Facts, Plan
from timebank.imports.planning import make_plan
from timebank.imports.rules import MAX_FILE_NAME, MAX_PIECE_BYTES, Answers
from timebank.kit import ids, names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

BEGIN = """
insert into import_run (timebank_id, format, source, file_name, state, uploaded_by, created_at)
values ($1, $2, $3, $4, 'receiving', $5, $6) returning id
"""
ADD_PIECE = "insert into import_piece (timebank_id, import_id, n, content) values ($1, $2, $3, $4)"
LAST_PIECE = "select coalesce(max(n), 0) from import_piece where timebank_id = $1 and import_id = $2"
GROW = "update import_run set size_bytes = size_bytes + $3 where timebank_id = $1 and id = $2 returning size_bytes"
COMPLETE = "update import_run set state = 'ready', sha256 = $3 where timebank_id = $1 and id = $2"
ANSWER = "update import_run set answers = $3 where timebank_id = $1 and id = $2"


class BeginImport(msgspec.Struct, frozen=True, kw_only=True):
    """A file to import, or its first piece."""

    format: str
    file_name: str
    content: bytes
    is_last: bool = True


class AddPiece(msgspec.Struct, frozen=True, kw_only=True):
    """The next piece of a file. ``n`` counts the calls from 2, so that none is lost or taken twice."""

    import_id: int
    content: bytes
    is_last: bool


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """A file is kept. ``is_complete`` is False while more pieces are to come."""

    import_id: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Previewed:
    """A file and what importing it would do, with the answers given so far."""

    run: queries.Run
    plan: Plan


async def begin(
    db: Database, actor: Actor, command: BeginImport, *, key: str, now: datetime
) -> Brought | list[Refusal]:
    """Keep a file to be imported later, or its first piece.

    Refusals: ``not_allowed``, ``format_unknown``, ``file_too_large``, and why a whole file cannot be read.
    """
    if refusal := rules.may_import(actor):
        return [refusal]
    if command.format not in BY_NAME:
        return [Refusal("format_unknown", "Choose what kind of file this is.", "format")]
    name = names.tidy(command.file_name)[-MAX_FILE_NAME:] or "file"

    async def work(connection: Connection) -> Brought:
        source = BY_NAME[command.format].source
        import_id = await connection.fetchval(
            BEGIN, actor.timebank_id, command.format, source, name, actor.member_id, now
        )
        return await _keep(connection, actor, import_id, command.format, command.content, command.is_last)

    asked = (command.format, name, ids.sha256(command.content).hex(), command.is_last)
    return await once(db, actor, "begin_import", key, asked, Brought, work)


async def add_piece(
    db: Database, actor: Actor, command: AddPiece, *, key: str, now: datetime
) -> Brought | list[Refusal]:
    """Keep the next piece of a file that was begun.

    Refusals: ``not_allowed``, ``not_receiving``, ``file_too_large``, and why the whole file cannot be read.

    Raises:
        LookupError: this time bank has no such import.
    """
    if refusal := rules.may_import(actor):
        return [refusal]

    async def work(connection: Connection) -> Brought:
        run = await queries.run(connection, actor.timebank_id, command.import_id, lock=True)
        if run is None:
            raise LookupError(f"no import {command.import_id}")
        if run.state != "receiving":
            raise Rollback([Refusal("not_receiving", "This file is complete already. Begin a new import.")])
        return await _keep(connection, actor, run.id, run.format, command.content, command.is_last)

    asked = (command.import_id, ids.sha256(command.content).hex(), command.is_last)
    return await once(db, actor, "add_import_piece", key, asked, Brought, work)


async def answer(
    db: Database, actor: Actor, import_id: int, answers: Answers, *, key: str, now: datetime
) -> Brought | list[Refusal]:
    """Keep what was decided about a file, in place of what was decided before.

    Refusals: ``not_allowed``, ``started_already``.

    Raises:
        LookupError: this time bank has no such import.
    """
    if refusal := rules.may_import(actor):
        return [refusal]

    async def work(connection: Connection) -> Brought:
        run = await queries.run(connection, actor.timebank_id, import_id, lock=True)
        if run is None:
            raise LookupError(f"no import {import_id}")
        if run.state != "ready":
            raise Rollback([Refusal("started_already", "This import has begun, so nothing can be decided any more.")])
        await connection.execute(ANSWER, actor.timebank_id, import_id, msgspec.to_builtins(answers))
        return Brought(import_id=import_id, is_complete=True)

    return await once(db, actor, "answer_import", key, (import_id, answers), Brought, work)


async def preview(db: Database, actor: Actor, import_id: int, *, now: datetime) -> Previewed | list[Refusal]:
    """Say line by line what importing the file would do. Changes nothing.

    Refusals: ``not_allowed``, ``not_complete``.

    Raises:
        LookupError: this time bank has no such import.
    """
    if refusal := rules.may_import(actor):
        return [refusal]
    async with db.reading(actor.timebank_id) as connection:
        run = await queries.run(connection, actor.timebank_id, import_id)
        if run is None:
            raise LookupError(f"no import {import_id}")
        if run.state == "receiving":
            return [Refusal("not_complete", "The rest of this file has not come yet. Send it first.")]
        data = await queries.content(connection, actor.timebank_id, import_id)
        facts = await queries.facts(connection, actor.timebank_id, run.wanted, now=now)
    # A large file takes a second or more, in which others are not to wait.
    plan = await asyncio.to_thread(planned, run, data, facts)
    return [plan] if isinstance(plan, Refusal) else Previewed(run, plan)


def planned(run: queries.Run, data: bytes, facts: Facts) -> Plan | Refusal:
    """The plan of a kept file."""
    file = read(run.wanted, data, run.answers.columns)
    return make_plan(run.wanted, file, facts, run.answers) if isinstance(file, ReadFile) else file


async def _keep(
    connection: Connection, actor: Actor, import_id: int, format_name: str, content: bytes, is_last: bool
) -> Brought:
    timebank_id = actor.timebank_id
    if not content:
        raise Rollback(
            [Refusal("file_empty", "This file is empty. Choose the file that has your lines in it.", "file")]
        )
    size = await connection.fetchval(
        "select size_bytes from import_run where timebank_id = $1 and id = $2", timebank_id, import_id
    )
    if size + len(content) > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES // (1024 * 1024)} MB"
        raise Rollback([Refusal("file_too_large", f"This file is larger than {limit}. Split it.", "file")])
    await connection.execute(GROW, timebank_id, import_id, len(content))
    n = await connection.fetchval(LAST_PIECE, timebank_id, import_id)
    for at in range(0, len(content), MAX_PIECE_BYTES):
        n += 1
        if n > rules.MAX_PIECES:
            raise Rollback([Refusal("too_many_pieces", "Send the file in fewer, larger pieces.", "file")])
        await connection.execute(ADD_PIECE, timebank_id, import_id, n, content[at : at + MAX_PIECE_BYTES])
    if is_last:
        data = await queries.content(connection, timebank_id, import_id)
        file = await asyncio.to_thread(read, BY_NAME[format_name], data)
        if isinstance(file, Refusal):
            raise Rollback([file])
        await connection.execute(COMPLETE, timebank_id, import_id, ids.sha256(data))
    return Brought(import_id=import_id, is_complete=is_last)
