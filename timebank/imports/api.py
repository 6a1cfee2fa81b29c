"""Imports for programs: bring a file in pieces, decide, start, follow, read what became of each line."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.imports import queries, service
from timebank.imports.plan import Plan
from timebank.imports.rules import MAX_FILE_NAME, MAX_PIECE_BYTES, Answers
from timebank.imports.service import AddPiece, BeginImport, Previewed
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.paging import cursor as make_cursor
from timebank.kit.paging import parse_cursor
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "imports:write"
MAX_ASKED = 500
GUARDS = [needs_scope(WRITE, role=COORDINATOR)]

Content = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_PIECE_BYTES)]


class NewImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file, or its first piece. ``content`` are its bytes in base64, at most 4 MiB of them."""

    format: Annotated[str, msgspec.Meta(max_length=40)]
    file_name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_FILE_NAME)]
    content: Content
    is_last: bool = True


class NewPiece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next piece of a file, in base64."""

    content: Content
    is_last: bool


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many parts of lines there are of a kind (member, exchange, balance) in a state."""

    kind: str
    state: str
    count: int


class ToDecide(msgspec.Struct, frozen=True, kw_only=True):
    """Something to decide first: a field of ``answers``, and the first lines that it concerns."""

    field: str
    question: str
    count: int
    lines: list[int]


class PersonToDecide(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to decide about: ``key`` is the one in ``answers.people``; ``suggestions`` are members' numbers."""

    key: str
    text: str
    why: str
    lines: list[int]
    suggestions: list[int]


class ImportShown(msgspec.Struct, frozen=True, kw_only=True):
    """A file and how far it is. ``state``: receiving, ready, running, finished or cancelled.

    While it is ready, ``counts`` say what would happen; afterwards, what did. ``to_decide``, ``people`` and
    ``missing_columns`` stand in the way of starting.
    """

    id: int
    format: str
    file_name: str
    state: str
    created_at: datetime
    ended_at: datetime | None
    steps: int
    position: int
    answers: Answers
    counts: list[Counted] = []
    to_decide: list[ToDecide] = []
    people: list[PersonToDecide] = []
    missing_columns: list[str] = []
    notes: list[str] = []
    exchange_minutes: int = 0
    forced: int = 0


class LineShown(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one part of a line: done, ready, there, left_out or refused."""

    line: int
    part: int
    kind: str
    state: str
    why: str
    member_id: int | None
    minutes: int | None
    in_the_file: str
    happened_on: date | None
    forced: str


class LinesShown(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the lines, and the cursor of the next ones."""

    items: list[LineShown]
    next_cursor: str | None


@post("/api/v1/imports", tags=["imports"], operation_id="begin_import", guards=GUARDS, **CHANGING)
async def begin_import(request: ApiRequest, data: JSONBody[NewImport]) -> Response[ImportShown]:
    """Bring a file, or its first piece. Nothing is imported until it is started."""
    actor = acting(request)
    command = msgspec.convert(msgspec.structs.asdict(data), BeginImport)
    key = idempotency_key(request)
    brought = await service.begin(database(request), actor, command, key=key, now=now(request))
    if isinstance(brought, list):
        return refused(brought)
    return Response(
        await _shown(request, actor, brought.import_id),
        status_code=201,
        headers={"Location": f"/api/v1/imports/{brought.import_id}"},
    )


@post(
    "/api/v1/imports/{import_id:int}/pieces",
    tags=["imports"],
    operation_id="add_import_piece",
    guards=GUARDS,
    **CHANGING,
)
async def add_piece(request: ApiRequest, import_id: FromPath[int], data: JSONBody[NewPiece]) -> Response[ImportShown]:
    """Bring the next piece of a file."""
    actor = acting(request)
    command = AddPiece(import_id=import_id, content=data.content, is_last=data.is_last)
    key = idempotency_key(request)
    try:
        added = await service.add_piece(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return (
        refused(added)
        if isinstance(added, list)
        else Response(await _shown(request, actor, import_id), status_code=201)
    )


@get("/api/v1/imports/{import_id:int}", tags=["imports"], operation_id="get_import", guards=GUARDS, **READING)
async def get_import(request: ApiRequest, import_id: FromPath[int]) -> ImportShown:
    """What importing the file would do, how far it is, or what it did."""
    return await _shown(request, acting(request), import_id)


@post(
    "/api/v1/imports/{import_id:int}/answers",
    tags=["imports"],
    operation_id="answer_import",
    guards=GUARDS,
    **CHANGING,
)
async def answer(request: ApiRequest, import_id: FromPath[int], data: JSONBody[Answers]) -> Response[ImportShown]:
    """Decide what the file leaves open, in place of what was decided before; the answer is the new preview."""
    actor, key = acting(request), idempotency_key(request)
    try:
        kept = await service.answer(database(request), actor, import_id, data, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return (
        refused(kept) if isinstance(kept, list) else Response(await _shown(request, actor, import_id), status_code=201)
    )


@post(
    "/api/v1/imports/{import_id:int}/start",
    tags=["imports"],
    operation_id="start_import",
    guards=GUARDS,
    **CHANGING,
)
async def start(request: ApiRequest, import_id: FromPath[int], data: JSONBody[Nothing]) -> Response[ImportShown]:
    """Start the import; it goes on in the background."""
    actor, key = acting(request), idempotency_key(request)
    try:
        started = await service.start(database(request), actor, import_id, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(started, list):
        return refused(started)
    return Response(await _shown(request, actor, import_id), status_code=201)


@post(
    "/api/v1/imports/{import_id:int}/cancel",
    tags=["imports"],
    operation_id="cancel_import",
    guards=GUARDS,
    **CHANGING,
)
async def cancel(request: ApiRequest, import_id: FromPath[int], data: JSONBody[Nothing]) -> Response[ImportShown]:
    """Stop the import, or drop the file. What was added stays."""
    actor, key = acting(request), idempotency_key(request)
    try:
        stopped = await service.cancel(database(request), actor, import_id, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(stopped, list):
        return refused(stopped)
    return Response(await _shown(request, actor, import_id), status_code=201)


@get(
    "/api/v1/imports/{import_id:int}/lines",
    tags=["imports"],
    operation_id="list_import_lines",
    guards=GUARDS,
    **READING,
)
async def lines(
    request: ApiRequest, import_id: FromPath[int], cursor: FromQuery[str | None] = None
) -> Response[LinesShown]:
    """What became of each line, in the order of the file, once the import was started; 500 at a time."""
    actor = acting(request)
    after = parse_cursor(cursor, 2) if cursor else (0, 0)
    if isinstance(after, Refusal):
        return refused([after])
    if any(not 0 <= part < 2**31 for part in after):
        return refused([Refusal("bad_cursor", "Start again from the first page.", "cursor")])
    async with database(request).reading(actor.timebank_id) as connection:
        if await queries.run(connection, actor.timebank_id, import_id) is None:
            raise NotFoundException
        found = await queries.lines(connection, actor.timebank_id, import_id, after=(after[0], after[1]))
    return Response(_page(found))


def _page(found: list[queries.Line]) -> LinesShown:
    """One page of lines."""
    items = [
        LineShown(
            line=one.line,
            part=one.part,
            kind=one.kind,
            state=one.state,
            why=one.why,
            member_id=one.member_id,
            minutes=one.minutes,
            in_the_file=one.rounded,
            happened_on=one.happened_on,
            forced=one.forced,
        )
        for one in found
    ]
    is_full = len(found) == queries.MAX_LINES_READ
    return LinesShown(items=items, next_cursor=make_cursor(found[-1].line, found[-1].part) if is_full else None)


async def _shown(request: ApiRequest, actor: Actor, import_id: int) -> ImportShown:
    db = database(request)
    async with db.reading(actor.timebank_id) as connection:
        run = await queries.run(connection, actor.timebank_id, import_id)
        if run is None:
            raise NotFoundException
        outcome = await queries.outcome(connection, actor.timebank_id, import_id)
    shown = ImportShown(
        id=run.id,
        format=run.format,
        file_name=run.file_name,
        state=run.state,
        created_at=run.created_at,
        ended_at=run.ended_at,
        steps=run.steps,
        position=run.position,
        answers=run.answers,
        counts=[Counted(kind=kind, state=state, count=n) for (kind, state), n in sorted(outcome.lines.items())],
        exchange_minutes=outcome.minutes,
        forced=outcome.forced,
    )
    if run.state != "ready":
        return shown
    found = await service.preview(db, actor, import_id, now=now(request))
    return _with_plan(shown, found.plan) if isinstance(found, Previewed) else shown


def _with_plan(shown: ImportShown, plan: Plan) -> ImportShown:
    people = [
        PersonToDecide(
            key=one.key,
            text=one.text,
            why=one.why,
            lines=one.lines[:10],
            suggestions=[member.number for member in one.suggestions],
        )
        for one in plan.people[:MAX_ASKED]
    ]
    return msgspec.structs.replace(
        shown,
        counts=[Counted(kind=kind, state=state, count=n) for (kind, state), n in sorted(plan.counts.items())],
        to_decide=[
            ToDecide(field=one.field, question=one.text, count=one.count, lines=list(one.lines))
            for one in plan.questions
        ],
        people=people,
        missing_columns=[field.name for field in plan.file.missing],
        notes=list(plan.notes),
        exchange_minutes=plan.ready_minutes,
    )


ROUTES: list[Any] = [begin_import, add_piece, get_import, answer, start, cancel, lines]
