"""Finance's pages: what is ready, what waits and for whom, one payment, payment runs and their files."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, QueryParameter

from timebank.db import Connection, retrying
from timebank.kit import ids
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.clock import today
from timebank.kit.paging import DEFAULT_PAGE_SIZE, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.payments import batches, queries, rules, service, words
from timebank.payments.batches import ExportBatch, RecordOutcome
from timebank.payments.downloads import SEND_AS_IS, file_response
from timebank.payments.queries import MAX_BATCH_NUMBER
from timebank.payments.rules import PayableFacts, UnknownPayment
from timebank.payments.service import Approve, Cancel, Submit
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form, date_fields
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import Viewer, requires_role, viewer

PageRequest = Request[Any, Any, Any]
StateQuery = Annotated[str | None, QueryParameter(name="state")]  # Litestar keeps the name "state" for itself

may_look = requires_role(FINANCE, ADMIN)
may_act = requires_role(FINANCE)


@get("/payments", guards=[may_look], include_in_schema=False)
async def payments_page(
    request: PageRequest, in_state: StateQuery = None, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The queues; with ``state``, every payment in one state, a page at a time."""
    if in_state:
        return await _list_page(request, in_state, cursor)
    return await _queues_page(request)


@post("/payments/export", guards=[may_act], include_in_schema=False)
async def export(request: PageRequest) -> Response[Any]:
    """Export what is ready; leads to the new payment run."""
    form = await forms.read(request)
    command = ExportBatch(
        expected_count=_whole_number(form.text("expected_count")),
        expected_pence=_whole_number(form.text("expected_pence")),
    )
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: batches.export(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _queues_page(request, form.refused(result))
    return redirect(
        request,
        f"/payments/batches/{result.number}",
        notice=f"Payment run {result.number} is made: {rules.payments_in_words(result.line_count)}.",
    )


@get("/payments/batches", guards=[may_look], include_in_schema=False)
async def batches_page(request: PageRequest, cursor: FromQuery[str | None] = None) -> Response[str]:
    """Payment runs, newest first."""
    person = viewer(request)
    before = _key_of(cursor, MAX_BATCH_NUMBER)
    async with database(request).reading(person.actor.timebank_id) as connection:
        page = await queries.batches(
            connection, person.actor.timebank_id, before=min(before, MAX_BATCH_NUMBER), size=DEFAULT_PAGE_SIZE
        )
    return render(request, "payments/batches.html", page=page, local=lambda moment: local(moment, person))


@get("/payments/batches/{number:int}", guards=[may_look], include_in_schema=False)
async def batch_page(request: PageRequest, number: FromPath[int]) -> Response[str]:
    """One payment run: its totals, its file, and what the bank did with each payment."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        batch = await queries.batch(connection, person.actor.timebank_id, _batch_number(number))
        if batch is None:
            raise NotFoundException
        payables = await queries.in_batch(connection, person.actor.timebank_id, number)
    return render(
        request,
        "payments/batch.html",
        batch=batch,
        payables=payables,
        totals=queries.sums(payables),
        sha256=batch.sha256.hex(),
        local=lambda moment: local(moment, person),
        today=today(now(request), person.time_zone),
        can_act=person.has_role(FINANCE),
        words=words,
        payments_in_words=rules.payments_in_words,
    )


@get("/payments/batches/{number:int}/file", guards=[may_look], opt=SEND_AS_IS, include_in_schema=False)
async def batch_file(request: PageRequest, number: FromPath[int]) -> Response[bytes]:
    """The stored bytes of a payment run, the same for ever."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        file = await queries.batch_file(connection, timebank_id, _batch_number(number))
    if file is None:
        raise NotFoundException
    return file_response(file)


@get("/payments/{reference:str}", guards=[may_look], include_in_schema=False)
async def payment_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One payment: what it is, what happened to it, what can be done now."""
    return await _payment_page(request, _reference(reference))


@post("/payments/{reference:str}/submit", guards=[may_act], include_in_schema=False)
async def submit(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Send a payment for approval: with its invoice number, or again with a reason."""
    form = await forms.read(request)
    command = Submit(
        reference=_reference(reference), invoice_number=form.text("invoice_number"), reason=form.text("again_reason")
    )
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: service.submit(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _payment_page(request, command.reference, form.refused(_at(result, reason="again_reason")))
    return redirect(request, f"/payments/{command.reference}", notice="Sent for approval. Someone else approves it.")


@post("/payments/{reference:str}/approve", guards=[may_act], include_in_schema=False)
async def approve(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Approve a payment as it was shown; leads back to the queue."""
    form = await forms.read(request)
    command = Approve(reference=_reference(reference), seen_digest=form.text("seen_digest"))
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: service.approve(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _payment_page(request, command.reference, form.refused(result))
    return redirect(request, "/payments", notice=f"Payment {command.reference} is approved.")


@post("/payments/{reference:str}/cancel", guards=[may_act], include_in_schema=False)
async def cancel(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Cancel a payment before export, with a reason."""
    form = await forms.read(request)
    command = Cancel(reference=_reference(reference), reason=form.text("cancel_reason"))
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: service.cancel(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _payment_page(request, command.reference, form.refused(_at(result, reason="cancel_reason")))
    return redirect(request, f"/payments/{command.reference}", notice="This payment is cancelled.")


@post("/payments/{reference:str}/outcome", guards=[may_act], include_in_schema=False)
async def outcome(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Record what the bank did: paid, rejected or returned. From a payment run it leads back to the run."""
    form = await forms.read(request)
    our_reference = _reference(reference)
    on = form.date("on")
    if isinstance(on, Refusal):
        return await _payment_page(request, our_reference, form.refused([on]))
    command = RecordOutcome(reference=our_reference, outcome=form.text("outcome"), on=on, reason=form.text("reason"))
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: batches.record_outcome(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _payment_page(request, our_reference, form.refused(result))
    back = _whole_number(form.text("batch"))
    return redirect(
        request,
        f"/payments/{our_reference}" if back is None else f"/payments/batches/{back}",
        notice=f"Payment {our_reference}: {words.EVENT_NAMES[result.state].lower()}.",
    )


async def _queues_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        overview = await queries.overview(connection, person.actor.timebank_id)
        names = await _names(connection, person, (*overview.waiting, *overview.ready))
    return render(
        request,
        "payments/index.html",
        422 if form.refusals else 200,
        form=form,
        overview=overview,
        ready_total=sum(payable.pence for payable in overview.ready),
        names=names,
        member_id=person.member_id,
        can_act=person.has_role(FINANCE),
        today=today(now(request), person.time_zone),
        words=words,
        digest=lambda payable: rules.digest(payable).hex(),
        payments_in_words=rules.payments_in_words,
        limit=rules.MAX_LINES_PER_BATCH,
    )


async def _list_page(request: PageRequest, state: str, cursor: str | None) -> Response[str]:
    if state not in rules.STATES and state != "all":
        raise NotFoundException
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        page = await queries.page(
            connection,
            timebank_id,
            after=_key_of(cursor, 0),
            state=None if state == "all" else state,
            size=DEFAULT_PAGE_SIZE,
        )
    return render(request, "payments/list.html", page=page, state=state, words=words)


async def _payment_page(request: PageRequest, reference: str, form: Form | None = None) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        payable = await queries.by_reference(connection, person.actor.timebank_id, reference)
        if payable is None:
            raise NotFoundException
        history = await queries.history(connection, person.actor.timebank_id, payable.id)
    day = today(now(request), person.time_zone)
    return render(
        request,
        "payments/payment.html",
        422 if form else 200,
        form=form or Form.blank(**date_fields("on", day)),
        payable=payable,
        history=history,
        local=lambda moment: local(moment, person),
        can_act=person.has_role(FINANCE),
        is_approval_good=rules.is_approval_good(payable),
        why_not=words.why_not_approve(person.member_id, payable),
        seen_digest=rules.digest(payable).hex(),
        words=words,
    )


async def _names(connection: Connection, person: Viewer, payables: Iterable[PayableFacts]) -> dict[int, str]:
    wanted = {payable.submitted_by for payable in payables} | {payable.approved_by for payable in payables}
    return await members.names(connection, person.actor.timebank_id, sorted(one for one in wanted if one is not None))


def _at(refusals: Iterable[Refusal], **fields: str) -> list[Refusal]:
    """The refusals beside the fields of this page, where one page asks for several reasons."""
    return [replace(refusal, field=fields.get(refusal.field or "", refusal.field)) for refusal in refusals]


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


def _batch_number(number: int) -> int:
    if not 0 < number <= MAX_BATCH_NUMBER:
        raise NotFoundException
    return number


def _key_of(cursor: str | None, otherwise: int) -> int:
    keys = parse_cursor(cursor) if cursor else (otherwise,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    return keys[0]


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


ROUTES = [
    payments_page,
    export,
    batches_page,
    batch_page,
    batch_file,
    payment_page,
    submit,
    approve,
    cancel,
    outcome,
]
