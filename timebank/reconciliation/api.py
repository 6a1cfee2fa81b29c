"""Reconciliation for programs: bring statements, import them, say what lines are, read where we stand."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from timebank.banks import queries as banks
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.paging import page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.reconciliation import creditors, queries, rules, service, standing
from timebank.reconciliation.api_shapes import (
    Ask,
    BankLine,
    BankLines,
    BankStatement,
    Creditor,
    Creditors,
    Decision,
    Explanation,
    NewStatement,
    Reconciliation,
    Splitting,
    Undoing,
)
from timebank.reconciliation.importing import columns_of
from timebank.reconciliation.queries import StatementFacts
from timebank.reconciliation.rules import Answers, LineFacts
from timebank.reconciliation.running import PAGE_SECONDS, imported
from timebank.reconciliation.service import (
    Decide,
    Explain,
    Join,
    KeepStatement,
    LineChanged,
    Parts,
    Split,
    Undo,
)
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "payables:read"
WRITE = "payments:write"
MAX_ID = 2**63 - 1
TAGS = ["reconciliation"]


@get("/api/v1/reconciliation", tags=TAGS, guards=[needs_scope(READ)], **READING)
async def show_reconciliation(request: ApiRequest) -> Reconciliation:
    """Where reconciliation stands."""
    actor = _reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        found = await standing.position(connection, actor.timebank_id, bank.currency)
    return Reconciliation(
        currency=found.currency,
        bank_pence=found.bank_pence,
        lines_pence=found.lines_pence,
        by_hand_pence=found.by_hand_pence,
        difference_pence=found.difference_pence,
        suspense_pence=found.suspense_pence,
        unexplained=found.unexplained,
        in_transit_pence=found.in_transit_pence,
        last_on=found.last_on,
        closing_pence=found.closing_pence,
        closing_on=found.closing_on,
        is_reconciled=found.is_reconciled,
    )


@get("/api/v1/creditors", tags=TAGS, guards=[needs_scope(READ)], **READING)
async def show_creditors(request: ApiRequest) -> Creditors:
    """What is owed to each payee today, by how long ago it was earned."""
    actor = _reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        found = await creditors.creditors(connection, bank.id, today(now(request), bank.time_zone))
    return Creditors(
        items=[
            Creditor(
                payee_id=one.payee_id,
                name=one.name,
                ages_pence=one.ages,
                owed_pence=one.pence,
                on_its_way_pence=one.on_its_way,
            )
            for one in found.payees
        ],
        owed_pence=found.pence,
        on_its_way_pence=found.on_its_way,
        ledger_pence=found.ledger_pence,
        currency=bank.currency,
    )


@post("/api/v1/bank-statements", tags=TAGS, guards=[needs_scope(WRITE)], **CHANGING)
async def bring_statement(request: ApiRequest, data: JSONBody[NewStatement]) -> Response[BankStatement]:
    """Bring a statement file. Nothing is imported until that is asked for. The same bytes are kept once."""
    actor = acting(request)
    command = KeepStatement(file_name=data.file_name, content=data.content)
    key = idempotency_key(request)
    kept = await service.keep(database(request), actor, command, key=key, now=now(request))
    if isinstance(kept, list):
        return refused(kept)
    return Response(
        await _shown(request, actor, kept.statement_id),
        status_code=201,
        headers={"Location": f"/api/v1/bank-statements/{kept.statement_id}"},
    )


@get("/api/v1/bank-statements/{statement_id:int}", tags=TAGS, guards=[needs_scope(READ)], **READING)
async def show_statement(request: ApiRequest, statement_id: FromPath[int]) -> BankStatement:
    """One statement: what importing it would do, or what it did."""
    return await _shown(request, _reader(request), _known(statement_id))


@post(
    "/api/v1/bank-statements/{statement_id:int}/answers",
    tags=TAGS,
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def answer_statement(
    request: ApiRequest, statement_id: FromPath[int], data: JSONBody[Answers]
) -> Response[BankStatement]:
    """Decide what a file leaves open, in place of what was decided before."""
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await service.answer(database(request), actor, _known(statement_id), data, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return refused(done)
    return Response(await _shown(request, actor, statement_id), status_code=200)


@post(
    "/api/v1/bank-statements/{statement_id:int}/import",
    tags=TAGS,
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def import_statement(
    request: ApiRequest, statement_id: FromPath[int], data: JSONBody[Nothing]
) -> Response[BankStatement]:
    """Import a file: its new lines are matched with payments, the rest waits in suspense.

    A long one goes on by itself: ``done.waiting`` says how much is left. Again: it goes on now.
    """
    actor, key = acting(request), idempotency_key(request)
    db = database(request)
    try:
        done = await service.import_statement(
            db, actor, _known(statement_id), key=key, now=now(request), seconds=PAGE_SECONDS
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return refused(done)
    return Response(await _shown(request, actor, statement_id), status_code=200)


@get("/api/v1/bank-lines", tags=TAGS, guards=[needs_scope(READ)], **READING)
async def list_lines(
    request: ApiRequest,
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[BankLines]:
    """Lines of statements, in the order they came; ``state`` keeps those in one state."""
    actor = _reader(request)
    size, after = page_size(limit), parse_cursor(cursor) if cursor else (0,)
    refusals = [found for found in (size, after) if isinstance(found, Refusal)]
    if in_state is not None and in_state not in rules.LINE_STATES:
        refusals.append(Refusal("unknown_state", f"Ask for one of: {', '.join(rules.LINE_STATES)}.", "state"))
    if refusals or isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused(refusals)
    async with database(request).reading(actor.timebank_id) as connection:
        page = await queries.lines(connection, actor.timebank_id, after=after[0], state=in_state, size=size)
    return Response(BankLines(items=[_line(one) for one in page.items], next_cursor=page.next_cursor))


@post(
    "/api/v1/bank-lines/{line_id:int}/explanation", tags=TAGS, guards=[needs_scope(WRITE)], status_code=200, **CHANGING
)
async def explain_line(
    request: ApiRequest, line_id: FromPath[int], data: JSONBody[Explanation]
) -> Response[LineChanged]:
    """Say what a line in suspense is. Large amounts count when a second person has agreed."""
    command = Explain(
        line_id=_known(line_id),
        kind=data.kind,
        note=data.note,
        payment=data.payment,
        run=data.run,
        credit_id=data.credit_id,
    )
    return await _done(request, service.explain, command)


@post("/api/v1/bank-lines/{line_id:int}/decision", tags=TAGS, guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def decide_line(request: ApiRequest, line_id: FromPath[int], data: JSONBody[Decision]) -> Response[LineChanged]:
    """Agree with, or refuse, what somebody else said of a line."""
    command = Decide(line_id=_known(line_id), agree=data.agree, why=data.why)
    return await _done(request, service.decide, command)


@post("/api/v1/bank-lines/{line_id:int}/undo", tags=TAGS, guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def undo_line(request: ApiRequest, line_id: FromPath[int], data: JSONBody[Undoing]) -> Response[LineChanged]:
    """Put an explained line back into suspense."""
    command = Undo(line_id=_known(line_id), why=data.why)
    return await _done(request, service.undo, command)


@post("/api/v1/bank-lines/{line_id:int}/split", tags=TAGS, guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def split_line(request: ApiRequest, line_id: FromPath[int], data: JSONBody[Splitting]) -> Response[Parts]:
    """Split a line in suspense in two; each part is explained like a line of its own."""
    command = Split(line_id=_known(line_id), pence=data.pence)
    return await _done(request, service.split, command)


@post("/api/v1/bank-lines/{line_id:int}/join", tags=TAGS, guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def join_line(request: ApiRequest, line_id: FromPath[int], data: JSONBody[Nothing]) -> Response[Parts]:
    """Put the parts of a line together again, while nothing is said of them."""
    command = Join(line_id=_known(line_id))
    return await _done(request, service.join, command)


async def _done(request: ApiRequest, use_case: Any, command: Any) -> Response[Any]:
    """What came of a step for a line, or why not; 404 for a line that is not there."""
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await use_case(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


def _reader(request: ApiRequest) -> Actor:
    actor = acting(request)
    if not rules.may_look(actor):
        raise PermissionDeniedException("Only someone with the finance role can see bank statements.")
    return actor


async def _shown(request: ApiRequest, actor: Actor, statement_id: int) -> BankStatement:
    async with database(request).reading(actor.timebank_id) as connection:
        statement = await queries.statement(connection, actor.timebank_id, statement_id)
        if statement is None or statement.state == rules.DROPPED:
            raise NotFoundException
        if statement.state != rules.KEPT:
            return _statement(statement, done=await imported(connection, actor.timebank_id, statement_id))
    found = await service.preview(database(request), actor, statement_id, now=now(request))
    if isinstance(found, list):
        return _statement(statement, asks=[Ask(code=one.code, question=one.message) for one in found])
    if found.question is not None:
        asks = [Ask(code="columns", question="Say which column is which.")]
        headings, guess = list(found.question.headings), columns_of(found.question.guess)
        return _statement(statement, asks=asks, headings=headings, guess=guess)
    assert found.plan is not None
    return _statement(
        statement,
        would_match=found.matched,
        would_suggest=found.suggested,
        would_leave=found.unknown,
        asks=[Ask(code=one.code, question=one.message) for one in found.plan.asks],
    )


def _statement(facts: StatementFacts, **more: Any) -> BankStatement:
    return BankStatement(
        id=facts.id,
        file_name=facts.file_name,
        format=facts.format,
        state=facts.state,
        sha256=facts.sha256.hex(),
        first_on=facts.first_on,
        last_on=facts.last_on,
        opening_pence=facts.opening_pence,
        closing_pence=facts.closing_pence,
        **more,
    )


def _line(facts: LineFacts) -> BankLine:
    return BankLine(
        id=facts.id,
        statement_id=facts.statement_id,
        booked_on=facts.booked_on,
        pence=facts.pence,
        text=facts.text,
        reference=facts.reference,
        party=facts.party,
        reason=facts.reason,
        state=facts.state,
        outcome=facts.outcome,
        batch_number=facts.batch_number,
        payment_line=facts.payment_line,
        part_of=facts.part_of,
    )


def _known(number: int) -> int:
    if not 0 < number <= MAX_ID:
        raise NotFoundException
    return number


ROUTES = [
    show_reconciliation,
    show_creditors,
    bring_statement,
    show_statement,
    answer_statement,
    import_statement,
    list_lines,
    explain_line,
    decide_line,
    undo_line,
    split_line,
    join_line,
]
