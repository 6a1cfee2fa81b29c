"""Finance's pages: what is ready, what waits and for whom, and one payable with its steps."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, QueryParameter

from timebank.budgets import queries as budget_queries
from timebank.db import Connection, retrying
from timebank.kit import ids
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.clock import today
from timebank.kit.paging import DEFAULT_PAGE_SIZE, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.payees import queries as payees
from timebank.payments import (
    cash,
    credit_queries,
    invoice_queries,
    queries,
    requests,
    rules,
    run_queries,
    service,
    words,
)
from timebank.payments import glance as glances
from timebank.payments import overview as overviews
from timebank.payments.formats import FORMATS
from timebank.payments.profiles import any_format
from timebank.payments.rules import PayableFacts, UnknownPayment
from timebank.payments.service import Approve, Cancel, Submit
from timebank.payments.settings import payment_settings
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form, date_fields
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import Viewer, requires_role, viewer

PageRequest = Request[Any, Any, Any]
StateQuery = Annotated[str | None, QueryParameter(name="state")]  # Litestar keeps the name "state" for itself

MAX_TYPED = 100

may_look = requires_role(FINANCE, ADMIN)
may_act = requires_role(FINANCE)


@get("/payments", guards=[may_look], include_in_schema=False)
async def payments_page(
    request: PageRequest,
    in_state: StateQuery = None,
    cursor: FromQuery[str | None] = None,
    q: FromQuery[str | None] = None,
) -> Response[str]:
    """The queues; with ``state`` or ``q``, the payments in one state or with these words, a page at a time."""
    if in_state or q:
        return await _list_page(request, in_state or "all", cursor, q or "")
    return await queues_page(request)


@get("/payments/{reference:str}", guards=[may_look], include_in_schema=False)
async def payment_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One payment: what it is, what happened to it, what can be done now."""
    return await payment_view(request, reference_typed(reference))


@post("/payments/{reference:str}/submit", guards=[may_act], include_in_schema=False)
async def submit(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Send a payment for approval: with its invoice number, or again with a reason."""
    form = await forms.read(request)
    command = Submit(
        reference=reference_typed(reference),
        invoice_number=form.text("invoice_number"),
        reason=form.text("again_reason"),
    )
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: service.submit(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await payment_view(request, command.reference, form.refused(at_fields(result, reason="again_reason")))
    return redirect(request, f"/payments/{command.reference}", notice="Sent for approval. Someone else approves it.")


@post("/payments/{reference:str}/approve", guards=[may_act], include_in_schema=False)
async def approve(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Approve a payment as it was shown; leads back to the queue."""
    form = await forms.read(request)
    command = Approve(reference=reference_typed(reference), seen_digest=form.text("seen_digest"))
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: service.approve(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await payment_view(request, command.reference, form.refused(result))
    return redirect(request, "/payments", notice=f"Payment {command.reference} is approved.")


@post("/payments/{reference:str}/cancel", guards=[may_act], include_in_schema=False)
async def cancel(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Cancel a payment before export, with a reason."""
    form = await forms.read(request)
    command = Cancel(reference=reference_typed(reference), reason=form.text("cancel_reason"))
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: service.cancel(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await payment_view(request, command.reference, form.refused(at_fields(result, reason="cancel_reason")))
    return redirect(request, f"/payments/{command.reference}", notice="This payment is cancelled.")


async def queues_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    """Finance's first page, with a form that was refused on it."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        settings = await payment_settings(connection, timebank_id)
        payment_format = await any_format(connection, timebank_id, settings.format) or FORMATS[0]
        overview = await overviews.overview(connection, timebank_id, payment_format)
        day = today(now(request), person.time_zone)
        glance = await glances.glance(connection, timebank_id, day)
        names = await _names(connection, person, (*overview.waiting, *overview.ready, *overview.cash))
        others, away = await queries.deputies(connection, timebank_id, person.member_id or 0)
        payee_counts = await payees.counts(connection, timebank_id)
    return render(
        request,
        "payments/index.html",
        422 if form.refusals else 200,
        form=form,
        overview=overview,
        glance=glance,
        payee_counts=payee_counts,
        is_good=rules.is_approval_good,
        payment_format=payment_format,
        currency=person.currency,
        deputies=words.who_approves(others, away) if person.has_role(FINANCE) else "",
        names=names,
        member_id=person.member_id,
        can_act=person.has_role(FINANCE),
        today=day,
        words=words,
        digest=lambda payable: rules.digest(payable).hex(),
        payments_in_words=rules.payments_in_words,
    )


async def _list_page(request: PageRequest, state: str, cursor: str | None, typed: str) -> Response[str]:
    if state not in rules.STATES and state != "all":
        raise NotFoundException
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        page = await queries.page(
            connection,
            timebank_id,
            after=key_of(cursor, 0),
            state=None if state == "all" else state,
            size=DEFAULT_PAGE_SIZE,
            look_for=queries.wanted(typed[:MAX_TYPED], person.currency),
        )
    return render(request, "payments/list.html", page=page, state=state, typed=typed[:MAX_TYPED], words=words)


async def payment_view(request: PageRequest, reference: str, form: Form | None = None) -> Response[str]:
    """The page of one payment, with a form that was refused on it."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        payable = await queries.by_reference(connection, person.actor.timebank_id, reference)
        if payable is None:
            raise NotFoundException
        history = await queries.history(connection, person.actor.timebank_id, payable.id)
        attempts = await run_queries.payments_of_payable(connection, person.actor.timebank_id, payable.id)
        request_facts = await requests.of_payable(connection, person.actor.timebank_id, payable.id)
        in_cash = await cash.of_payable(connection, person.actor.timebank_id, payable.id)
        owed_back = await credit_queries.of_payable(connection, person.actor.timebank_id, payable.id)
        day = today(now(request), person.time_zone)
        cash_due = await cash.due(connection, person.actor.timebank_id, payable, day)
        on_invoices = await invoice_queries.of_payable(connection, person.actor.timebank_id, payable.id)
        budget = None
        if payable.budget_id is not None:
            budget = await budget_queries.budget(connection, person.actor.timebank_id, payable.budget_id)
        others, away = await queries.deputies(connection, person.actor.timebank_id, person.member_id or 0)
    return render(
        request,
        "payments/payment.html",
        422 if form else 200,
        form=form or Form.blank(handed_by=person.display_name, **date_fields("on", day)),
        payable=payable,
        request_facts=request_facts,
        in_cash=in_cash,
        cash_due=cash_due,
        on_invoices=on_invoices,
        budget=budget,
        owed_back=owed_back,
        deputies=words.who_approves(others, away) if person.has_role(FINANCE) else "",
        member_id=person.member_id,
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


def at_fields(refusals: Iterable[Refusal], **fields: str) -> list[Refusal]:
    """The refusals beside the fields of this page, where one page asks for several reasons."""
    return [replace(refusal, field=fields.get(refusal.field or "", refusal.field)) for refusal in refusals]


def reference_typed(typed: str) -> str:
    """The reference in an address. Raises NotFoundException for what cannot be one."""
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
