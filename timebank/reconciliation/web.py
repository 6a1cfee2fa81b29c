"""Finance's pages about the bank: where we stand, statements brought and imported, what is owed to whom."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.banks import queries as banks
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.clock import today
from timebank.kit.paging import DEFAULT_PAGE_SIZE, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.reconciliation import creditors, formats, queries, rules, service, standing, words
from timebank.reconciliation.formats import MAX_FILE_BYTES
from timebank.reconciliation.formats.columns import LABELS, NAMES
from timebank.reconciliation.importing import columns_of
from timebank.reconciliation.rules import Answers
from timebank.reconciliation.running import PAGE_SECONDS, imported
from timebank.reconciliation.service import KeepStatement, Kept
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
PLACE = "/payments"
MAX_ID = 2**63 - 1
MAX_PREVIEWED = 100

may_look = requires_role(FINANCE, ADMIN)
may_act = requires_role(FINANCE)


@get("/reconciliation", guards=[may_look], include_in_schema=False)
async def first_page(request: PageRequest) -> Response[str]:
    """What is not explained, what is on its way, and whether the accounts agree with the bank."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    day = today(now(request), person.time_zone)
    async with database(request).reading(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        position = await standing.position(connection, timebank_id, bank.currency)
        unexplained = await queries.unexplained(connection, timebank_id)
        proposed = await queries.proposed(connection, timebank_id)
        in_transit = await standing.in_transit(connection, timebank_id)
        unfinished = await queries.unfinished(connection, timebank_id)
    ages = [[0, 0] for _ in words.TRANSIT_AGES]
    for one in in_transit:
        age = ages[words.transit_age(one.processing_on, day)]
        age[0], age[1] = age[0] + one.payments, age[1] + one.pence
    return render(
        request,
        "reconciliation/index.html",
        place=PLACE,
        position=position,
        unexplained=unexplained,
        proposed={line.id for line in proposed},
        in_transit=in_transit,
        ages=list(zip(words.TRANSIT_AGES, ages, strict=True)),
        unfinished=unfinished,
        can_act=person.has_role(FINANCE),
        today=day,
        words=words,
        form=BLANK,
    )


@post("/reconciliation/match", guards=[may_act], include_in_schema=False)
async def match_again(request: PageRequest) -> Response[Any]:
    """Look at every unexplained line once more."""
    form = await forms.read(request)
    found = await service.match_again(database(request), viewer(request).actor, key=form.key, now=now(request))
    if isinstance(found, list):
        return redirect(request, "/reconciliation", notice=found[0].message)
    return redirect(request, "/reconciliation", notice=f"Looked again: {words.lines_in_words(found)} matched.")


@get("/reconciliation/statements", guards=[may_look], include_in_schema=False)
async def statements_page(request: PageRequest, cursor: FromQuery[str | None] = None) -> Response[str]:
    """Bring a statement; and those that were imported, newest first."""
    return await _statements_page(request, BLANK, cursor)


@post("/reconciliation/statements", guards=[may_act], include_in_schema=False)
async def bring(request: PageRequest) -> Response[Any]:
    """Keep a statement file; leads to what importing it would do."""
    form = await forms.read(request)
    chosen = form.file("file")
    if chosen is None or not chosen.filename:
        missing = Refusal("file_missing", "Choose the statement that you downloaded from your bank.", "file")
        return await _statements_page(request, form.refused([missing]))
    # One byte more than is allowed tells that the file is too large, however large it is.
    content = await chosen.read(MAX_FILE_BYTES + 1)
    command = KeepStatement(file_name=chosen.filename, content=content)
    kept = await service.keep(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(kept, list):
        return await _statements_page(request, form.refused(kept))
    notice = "This statement was imported before. Nothing was changed." if kept.is_known else None
    return redirect(request, f"/reconciliation/statements/{kept.statement_id}", notice=notice)


@get("/reconciliation/statements/{statement_id:int}", guards=[may_look], include_in_schema=False)
async def statement_page(
    request: PageRequest,
    statement_id: FromPath[int],
    cursor: FromQuery[str | None] = None,
    columns: FromQuery[str | None] = None,
) -> Response[str]:
    """What importing a file would do; or, when it is imported, its lines. ``columns`` chooses columns once more."""
    return await _statement_page(request, statement_id, BLANK, cursor, choose=columns == "choose")


@post("/reconciliation/statements/{statement_id:int}", guards=[may_act], include_in_schema=False)
async def decide(request: PageRequest, statement_id: FromPath[int]) -> Response[Any]:
    """Keep what was answered about a file; with the button of that name, import it."""
    form = await forms.read(request)
    db, actor, at = database(request), viewer(request).actor, now(request)
    address = f"/reconciliation/statements/{statement_id}"
    try:
        if form.has("columns") or form.has("doubles") or form.has("gap") or form.has("account"):
            answered = await service.answer(
                db,
                actor,
                _known(statement_id),
                await _answers(request, statement_id, form),
                key=f"{form.key}-a",
                now=at,
            )
            if isinstance(answered, list):
                return await _statement_page(request, statement_id, form.refused(answered))
        if not form.has("import"):
            await _must_exist(request, statement_id)
            return redirect(request, address)
        done = await service.import_statement(
            db, actor, _known(statement_id), key=form.key, now=at, seconds=PAGE_SECONDS
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _statement_page(request, statement_id, form.refused(done))
    if done.waiting:
        return redirect(request, address)
    notice = f"{words.lines_in_words(done.new)} imported: {done.matched} matched, {done.unexplained} to explain."
    return redirect(request, address, notice=notice)


@post("/reconciliation/statements/{statement_id:int}/drop", guards=[may_act], include_in_schema=False)
async def drop(request: PageRequest, statement_id: FromPath[int]) -> Response[Any]:
    """Put a file away that was not imported."""
    form = await forms.read(request)
    db, actor = database(request), viewer(request).actor
    try:
        done = await service.drop(db, actor, _known(statement_id), key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    notice = "The file was put away. Nothing was imported." if isinstance(done, Kept) else done[0].message
    return redirect(request, "/reconciliation/statements", notice=notice)


@get("/reconciliation/creditors", guards=[may_look], include_in_schema=False)
async def creditors_page(request: PageRequest) -> Response[str]:
    """What is owed to each payee, by age."""
    person = viewer(request)
    day = today(now(request), person.time_zone)
    async with database(request).reading(person.actor.timebank_id) as connection:
        bank = await banks.by_id(connection, person.actor.timebank_id)
        found = await creditors.creditors(connection, bank.id, day)
    return render(
        request,
        "reconciliation/creditors.html",
        place=PLACE,
        found=found,
        ages=creditors.AGES,
        currency=bank.currency,
        today=day,
    )


@get("/reconciliation/creditors.csv", guards=[may_look], include_in_schema=False)
async def creditors_file(request: PageRequest) -> Response[str]:
    """What is owed to each payee, for a spreadsheet."""
    person = viewer(request)
    day = today(now(request), person.time_zone)
    async with database(request).reading(person.actor.timebank_id) as connection:
        bank = await banks.by_id(connection, person.actor.timebank_id)
        found = await creditors.creditors(connection, bank.id, day)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="creditors-{day.isoformat()}.csv"',
    }
    return Response(creditors.as_csv(found, bank.currency), media_type="text/csv; charset=utf-8", headers=headers)


async def _statements_page(request: PageRequest, form: Form, cursor: str | None = None) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        bank = await banks.by_id(connection, person.actor.timebank_id)
        page = await queries.statements(connection, bank.id, before=_before(cursor, MAX_ID), size=DEFAULT_PAGE_SIZE)
    return render(
        request,
        "reconciliation/statements.html",
        422 if form.refusals else 200,
        place=PLACE,
        form=form,
        page=page,
        currency=bank.currency,
        can_act=person.has_role(FINANCE),
        limit=f"{MAX_FILE_BYTES // (1024 * 1024)} MB",
        local=lambda moment: local(moment, person),
    )


async def _statement_page(
    request: PageRequest, statement_id: int, form: Form, cursor: str | None = None, *, choose: bool = False
) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        statement = await queries.statement(connection, timebank_id, _known(statement_id))
        bank = await banks.by_id(connection, timebank_id)
        if statement is None or statement.state == rules.DROPPED:
            raise NotFoundException
        if statement.state != rules.KEPT:
            page = await queries.lines_of(
                connection, timebank_id, statement_id, after=_before(cursor, 0), size=DEFAULT_PAGE_SIZE
            )
            done = await imported(connection, timebank_id, statement_id)
            return render(
                request,
                "reconciliation/statement.html",
                place=PLACE,
                statement=statement,
                page=page,
                done=done,
                currency=bank.currency,
                local=lambda moment: local(moment, person),
                can_act=person.has_role(FINANCE),
                form=form,
                words=words,
            )
    found = await service.preview(database(request), person.actor, statement_id, now=now(request))
    refusals = found if isinstance(found, list) else []
    shown = None if isinstance(found, list) else found
    question = shown.question if shown else None
    if question is None and statement.format == "csv" and (choose or refusals):
        async with database(request).reading(timebank_id) as connection:
            question = formats.columns_question(await queries.content(connection, timebank_id, statement_id))
    guess = columns_of(question.guess) if question else {}
    if question and not form.fields:
        form = Form.blank(**{f"columns-{name}": str(place) for name, place in guess.items()})
    return render(
        request,
        "reconciliation/preview.html",
        422 if form.refusals else 200,
        place=PLACE,
        form=form.refused([*form.refusals, *refusals]) if refusals else form,
        statement=statement,
        plan=shown.plan if shown else None,
        question=question,
        shown=shown,
        lines=shown.plan.new[:MAX_PREVIEWED] if shown and shown.plan else (),
        choices=_choices(question.headings) if question else [],
        names=[(name, LABELS[name]) for name in NAMES],
        asks={ask.field: ask for ask in shown.plan.asks} if shown and shown.plan else {},
        currency=bank.currency,
        can_act=person.has_role(FINANCE),
        words=words,
    )


def _choices(headings: tuple[str, ...]) -> list[tuple[str, str]]:
    return [("", "None"), *((str(n), heading or f"Column {n + 1}") for n, heading in enumerate(headings))]


async def _must_exist(request: PageRequest, statement_id: int) -> None:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        if await queries.statement(connection, timebank_id, _known(statement_id)) is None:
            raise NotFoundException


async def _answers(request: PageRequest, statement_id: int, form: Form) -> Answers:
    """What the form says, on top of what was answered before."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        statement = await queries.statement(connection, timebank_id, _known(statement_id))
    if statement is None:
        raise LookupError(f"no statement {statement_id}")
    before = statement.answers
    columns = before.get("columns", {})
    if form.has("columns"):
        chosen = {name: form.text(f"columns-{name}") for name in NAMES}
        columns = {name: int(place) for name, place in chosen.items() if place.isascii() and place.isdigit()}
    doubles = form.text("doubles") or before.get("doubles", "")
    answers = {
        "columns": columns,
        "doubles": doubles if doubles in ("leave_out", "bring") else "",
        "gap": form.has("gap") or before.get("gap", False),
        "account": form.has("account") or before.get("account", False),
    }
    return msgspec.convert(answers, Answers)


def _before(cursor: str | None, otherwise: int) -> int:
    keys = parse_cursor(cursor) if cursor else (otherwise,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    return int(keys[0])


def _known(number: int) -> int:
    if not 0 < number <= MAX_ID:
        raise NotFoundException
    return number


ROUTES = [
    first_page,
    match_again,
    statements_page,
    bring,
    statement_page,
    decide,
    drop,
    creditors_page,
    creditors_file,
]
