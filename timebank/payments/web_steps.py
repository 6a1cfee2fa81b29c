"""Pages of single steps: paying something that comes from no booking, a part, cash; approving several at once."""

import asyncio
from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.budgets import choosing
from timebank.db import retrying
from timebank.kit import money
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.payments import cash, many, parts, queries, receipts, requests, rules, web_coding, words
from timebank.payments.cash import PayCash
from timebank.payments.many import ApproveMany, Seen
from timebank.payments.parts import SetPart
from timebank.payments.requests import RequestPayment
from timebank.payments.rules import UnknownPayment
from timebank.payments.web import at_fields, may_act, may_look, payment_view, queues_page, reference_typed
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form, date_fields
from timebank.web.pages import redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]
NO_DAY = date.min  # stands for a day that cannot be read
MAX_DIGEST = 128  # of what an approval signs, in hexadecimal digits
DUE_DAYS = 30


@get("/payments/new", guards=[may_act], include_in_schema=False)
async def new_page(request: PageRequest) -> Response[str]:
    """The form for a payment that comes from no booking."""
    day = today(now(request), viewer(request).time_zone)
    fields = date_fields("earned_on", day) | date_fields("due_on", day + timedelta(days=DUE_DAYS))
    return await _new_page(request, Form.blank(kind=rules.OTHER, **fields))


@post("/payments/new", guards=[may_act], include_in_schema=False)
async def new_payment(request: PageRequest) -> Response[Any]:
    """Propose a payment; someone else approves it."""
    form = await forms.read(request)
    person = viewer(request)
    pence = money.parse(form.text("pence"), person.currency, field="pence")
    tax = money.parse(form.text("tax") or "0", person.currency, allow_zero=True, field="tax")
    earned_on, due_on = form.date("earned_on"), form.date("due_on")
    unread = [found for found in (pence, tax, earned_on, due_on) if isinstance(found, Refusal)]
    command = RequestPayment(
        payee_id=_id(form.text("payee_id")),
        kind=form.text("kind") or rules.OTHER,
        pence=1 if isinstance(pence, Refusal) else pence,
        tax_pence=0 if isinstance(tax, Refusal) else tax,
        description=form.text("description"),
        invoice_number=form.text("invoice_number"),
        earned_on=NO_DAY if isinstance(earned_on, Refusal) else earned_on,
        due_on=NO_DAY if isinstance(due_on, Refusal) else due_on,
        reason=form.text("reason"),
        evidence=form.text("evidence"),
        order_number=form.text("order_number"),
        budget_id=choosing.chosen(form.text("budget_id")),
        nominal_code=form.text("nominal_code"),
    )
    if unread:
        payee = [] if command.payee_id else [Refusal("payee_missing", "Choose who is paid.", "payee_id")]
        return await _new_page(request, form.refused([*payee, *unread, *requests.check_texts(command)]))
    db, actor = database(request), person.actor
    result = await retrying(lambda: requests.request_payment(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _new_page(request, form.refused(result))
    return redirect(request, f"/payments/{result.reference}", notice="Sent for approval. Someone else approves it.")


@post("/payments/approve", guards=[may_act], include_in_schema=False)
async def approve_many(request: PageRequest) -> Response[Any]:
    """Approve all that are ticked, each as it was shown; what changed is named."""
    form = await forms.read(request)
    items = []
    for ticked in form.all("approve"):
        reference, _, digest = ticked.partition(":")
        items.append(Seen(reference=reference[:20], digest=digest[:MAX_DIGEST]))
    command = ApproveMany(items=tuple(items))
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: many.approve_many(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await queues_page(request, form.refused(result))
    done = f"{rules.payments_in_words(len(result.approved))} approved."
    if result.left:
        refusals = [Refusal(one.code, one.why) for one in result.left[: rules.MAX_NAMED]]
        return await queues_page(request, form.refused([Refusal("some_left", f"{done} Not approved:"), *refusals]))
    return redirect(request, "/payments", notice=done)


@post("/payments/{reference:str}/part", guards=[may_act], include_in_schema=False)
async def part(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Say how much of a payment leaves next; empty for all that is left."""
    form = await forms.read(request)
    typed = form.text("part")
    pence = money.parse(typed, viewer(request).currency, field="part") if typed else None
    if isinstance(pence, Refusal):
        return await payment_view(request, reference_typed(reference), form.refused([pence]))
    command = SetPart(reference=reference_typed(reference), pence=pence)
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: parts.set_part(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await payment_view(request, command.reference, form.refused(result))
    return redirect(request, f"/payments/{command.reference}", notice="Saved. Someone else approves it.")


@post("/payments/{reference:str}/cash", guards=[may_act], include_in_schema=False)
async def pay_cash(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Record cash against a signature."""
    form = await forms.read(request)
    pence, on = money.parse(form.text("pence"), viewer(request).currency, field="pence"), form.date("on")
    if isinstance(pence, Refusal) or isinstance(on, Refusal):
        unread = [found for found in (pence, on) if isinstance(found, Refusal)]
        return await payment_view(request, reference_typed(reference), form.refused(unread))
    command = PayCash(
        reference=reference_typed(reference),
        pence=pence,
        receipt_number=form.text("receipt_number"),
        handed_by=form.text("handed_by"),
        signed_by=form.text("signed_by"),
        on=on,
    )
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: cash.pay_cash(db, actor, command, key=form.key, now=now(request)))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await payment_view(request, command.reference, form.refused(at_fields(result)))
    return redirect(request, f"/payments/{command.reference}", notice="Paid in cash.")


@get("/payments/{reference:str}/receipt.pdf", guards=[may_look], media_type="application/pdf", include_in_schema=False)
async def receipt_slip(request: PageRequest, reference: FromPath[str]) -> Response[bytes]:
    """The slip that the payee signs when they get the cash."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        payable = await queries.by_reference(connection, person.actor.timebank_id, reference_typed(reference))
        if payable is None or payable.pay_by != "cash":
            raise NotFoundException
        paid = await cash.of_payable(connection, person.actor.timebank_id, payable.id)
        day = today(now(request), person.time_zone)
        due = await cash.due(connection, person.actor.timebank_id, payable, day)
    last = paid[-1] if paid and payable.state != rules.APPROVED else None
    if last is None and not due.pence:
        raise NotFoundException
    content = await asyncio.to_thread(receipts.slip, person.timebank_name or "", payable, last, due)
    name = f"receipt-{payable.reference}.pdf"
    return Response(content, headers={"Content-Disposition": f'inline; filename="{name}"'})


async def _new_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        budgets = await choosing.budgets(connection, timebank_id, person.currency)
        codes = await web_coding.nominal_codes(connection, timebank_id)
        known = [payee for payee in await payees.payees(connection, timebank_id) if payee.is_open]
    return render(
        request,
        "payments/new.html",
        422 if form.refusals else 200,
        form=form,
        payees=[("", "Choose"), *((str(payee.id), payee.name) for payee in known)],
        kinds=[(kind, words.KIND_NAMES[kind][0]) for kind in requests.KINDS],
        budgets=budgets,
        codes=codes,
    )


def _id(text: str) -> int:
    """The number typed, or 0, which nobody has."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


ROUTES = [new_page, new_payment, approve_many, part, pay_cash, receipt_slip]
