"""Finance's pages: what is ready, what waits and for whom, and one payable with its steps."""

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
from timebank.payments import queries, rules, service, words
from timebank.payments.rules import PayableFacts, UnknownPayment
from timebank.payments.service import Approve, Cancel, Submit
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
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
    return await queues_page(request)


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


async def queues_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    """Finance's first page, with a form that was refused on it."""
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
        ready_total=sum(payable.next_pence for payable in overview.ready),
        names=names,
        member_id=person.member_id,
        can_act=person.has_role(FINANCE),
        today=today(now(request), person.time_zone),
        words=words,
        digest=lambda payable: rules.digest(payable).hex(),
        payments_in_words=rules.payments_in_words,
        limit=rules.MAX_PER_BATCH,
    )


async def _list_page(request: PageRequest, state: str, cursor: str | None) -> Response[str]:
    if state not in rules.STATES and state != "all":
        raise NotFoundException
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        page = await queries.page(
            connection,
            timebank_id,
            after=key_of(cursor, 0),
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
        attempts = await queries.payments_of_payable(connection, person.actor.timebank_id, payable.id)
    return render(
        request,
        "payments/payment.html",
        422 if form else 200,
        form=form or BLANK,
        payable=payable,
        history=history,
        attempts=attempts,
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


def key_of(cursor: str | None, otherwise: int) -> int:
    """The key in a cursor, or what to begin with. Raises NotFoundException for what is no cursor."""
    keys = parse_cursor(cursor) if cursor else (otherwise,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    return keys[0]


ROUTES = [
    payments_page,
    payment_page,
    submit,
    approve,
    cancel,
]
