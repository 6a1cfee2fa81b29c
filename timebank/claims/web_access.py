"""Staff pages for access costs: book a taxi, carer or interpreter; give money and account for it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.budgets import choosing
from timebank.budgets.choosing import chosen
from timebank.claims import access_queries, access_rules, occasions, receipts, service, web_photos, words
from timebank.claims.access_queries import AccessCost
from timebank.claims.service import AddReceipt, BookAccess, CancelAccess, GiveAdvance, Settle, UnknownAccessCost
from timebank.kit import ids, money
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE
from timebank.kit.clock import today
from timebank.kit.paging import DEFAULT_PAGE_SIZE, MAX_KEY, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members.access import note_daily
from timebank.members.standing import find_receiver
from timebank.payees import queries as payees
from timebank.payments import queries as payments
from timebank.payments.words import STATE_NAMES as PAYMENT_STATES
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

may_look = requires_role(COORDINATOR, FINANCE)
may_arrange = requires_role(COORDINATOR)
DAYS_AROUND = 45


@get("/claims/access", guards=[may_look], include_in_schema=False)
async def access_page(request: PageRequest, before: FromQuery[str | None] = None) -> Response[str]:
    """Money that is out, and what was booked and settled, newest first."""
    timebank_id = viewer(request).actor.timebank_id
    keys = parse_cursor(before) if before else (MAX_KEY,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    async with database(request).reading(timebank_id) as connection:
        out = await access_queries.open_advances(connection, timebank_id)
        page = await access_queries.others(connection, timebank_id, before=keys[0], size=DEFAULT_PAGE_SIZE)
    return render(
        request,
        "claims/access.html",
        out=out,
        out_total=sum(cost.pence for cost in out),
        costs=page.items,
        older=f"/claims/access?before={page.next_cursor}" if page.next_cursor else None,
        newer="/claims/access" if before else None,
        may_arrange=viewer(request).has_role(COORDINATOR),
        kinds=access_rules.KIND_NAMES,
        words=words,
    )


@get("/claims/access/book", guards=[may_arrange], include_in_schema=False)
async def book_page(request: PageRequest) -> Response[str]:
    """Book something with a supplier."""
    return await _new_page(request, BLANK, is_advance=False)


@post("/claims/access/book", guards=[may_arrange], status_code=303)
async def book(request: PageRequest) -> Response[Any]:
    """Book it; finance approves the payment."""
    form = await forms.read(request)
    fields = await _new_fields(request, form)
    payee = form.text("payee_id")
    payee_id = int(payee) if payee.isascii() and payee.isdecimal() and len(payee) <= 18 else 0
    if isinstance(fields, list):
        return await _new_page(request, form.refused(fields), is_advance=False)
    command = BookAccess(payee_id=payee_id, **fields)
    done = await service.book(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _new_page(request, form.refused(_placed(done)), is_advance=False)
    return redirect(request, f"/claims/access/{done.reference}", notice="Booked. Someone in finance approves it.")


@get("/claims/access/advance", guards=[may_arrange], include_in_schema=False)
async def advance_page(request: PageRequest) -> Response[str]:
    """Give money in advance."""
    return await _new_page(request, BLANK, is_advance=True)


@post("/claims/access/advance", guards=[may_arrange], status_code=303)
async def give_advance(request: PageRequest) -> Response[Any]:
    """Write down that money was given, and who signed for it."""
    form = await forms.read(request)
    fields = await _new_fields(request, form)
    if isinstance(fields, list):
        return await _new_page(request, form.refused(fields), is_advance=True)
    command = GiveAdvance(signed_name=form.text("signed_name"), **fields)
    actor = viewer(request).actor
    done = await service.give_advance(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _new_page(request, form.refused(_placed(done)), is_advance=True)
    return redirect(request, f"/claims/access/{done.reference}", notice="Written down. Receipts are added here.")


@get("/claims/access/{reference:str}", guards=[may_look], include_in_schema=False)
async def cost_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One access cost: what it is for, its receipts, what is to be done."""
    return await _cost_page(request, reference, BLANK)


@post(
    "/claims/access/{reference:str}/receipts",
    guards=[may_look],
    request_max_body_size=web_photos.MAX_FORM_WITH_PHOTO,
    status_code=303,
)
async def add_receipt(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Add a receipt to an advance."""
    cost = await _cost(request, reference)
    form = await forms.read(request)
    person = viewer(request)
    receipt_id, refusal = await web_photos.take_photo(request, person.actor, cost.member_id, form)
    form = replace(form, fields={**form.fields, "receipt_id": (str(receipt_id or ""),)})
    pence = money.parse(form.text("amount"), person.currency, field="amount")
    refusals = [one for one in (refusal, pence) if isinstance(one, Refusal)]
    if refusals or isinstance(pence, Refusal):
        return await _cost_page(request, reference, form.refused(refusals))
    command = AddReceipt(
        reference=cost.reference,
        what=form.text("what"),
        pence=pence,
        receipt_id=receipt_id,
        no_receipt_why=form.text("no_receipt_why"),
    )
    done = await service.add_receipt(database(request), person.actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _cost_page(request, reference, form.refused(done))
    return redirect(request, f"/claims/access/{cost.reference}", notice="The receipt is added.")


@post("/claims/access/{reference:str}/settle", guards=[may_look], status_code=303)
async def settle(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Account for an advance."""
    form = await forms.read(request)
    person = viewer(request)
    typed = form.text("returned") or "0"
    pence = money.parse(typed, person.currency, allow_zero=True, field="returned")
    if isinstance(pence, Refusal):
        return await _cost_page(request, reference, form.refused([pence]))
    command = Settle(reference=_reference(reference), returned_pence=pence)
    try:
        done = await service.settle(database(request), person.actor, command, key=form.key, now=now(request))
    except UnknownAccessCost as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _cost_page(request, reference, form.refused(done))
    notice = f"Settled. Payment {done.payment} for the rest waits for finance." if done.payment else "Settled."
    return redirect(request, f"/claims/access/{done.reference}", notice=notice)


@post("/claims/access/{reference:str}/cancel", guards=[may_arrange], status_code=303)
async def cancel(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Cancel a booking; a supplier who is paid already owes it back."""
    form = await forms.read(request)
    command = CancelAccess(reference=_reference(reference), reason=form.text("reason"))
    actor = viewer(request).actor
    try:
        done = await service.cancel(database(request), actor, command, key=form.key, now=now(request))
    except UnknownAccessCost as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _cost_page(request, reference, form.refused(done))
    return redirect(request, f"/claims/access/{done.reference}", notice="Cancelled. They are told.")


@get("/claims/access/{reference:str}/receipts/{n:int}/photo", guards=[may_look], include_in_schema=False)
async def photo_of(request: PageRequest, reference: FromPath[str], n: FromPath[int]) -> Response[bytes]:
    """One receipt of an advance."""
    cost = await _cost(request, reference)
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await receipts.of_access(connection, timebank_id, cost.reference, n)
    return web_photos.shown(found)


async def _new_fields(request: PageRequest, form: Form) -> dict[str, Any] | list[Refusal]:
    """What both forms share: who, what, when, how much."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        member = await find_receiver(connection, person.actor.timebank_id, form.text("to"))
    day: date | Refusal = form.date("on")
    pence = money.parse(form.text("amount"), person.currency, field="amount")
    refusals = [one for one in (member, day, pence) if isinstance(one, Refusal)]
    session = form.text("session")
    if refusals:
        return refusals
    return {
        "member_id": member,
        "kind": form.text("kind"),
        "day": day,
        "pence": pence,
        "what_for": form.text("what_for"),
        "budget_id": chosen(form.text("budget_id")),
        "session_id": int(session) if session.isascii() and session.isdecimal() and len(session) <= 18 else None,
    }


def _placed(refusals: list[Refusal]) -> list[Refusal]:
    return [replace(one, field="to") if one.field == "member_id" else one for one in refusals]


async def _new_page(request: PageRequest, form: Form, *, is_advance: bool) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    on = today(now(request), person.time_zone)
    around = timedelta(days=DAYS_AROUND)
    async with database(request).reading(timebank_id) as connection:
        suppliers = [each for each in await payees.payees(connection, timebank_id) if each.kind == "supplier"]
        budgets = await choosing.budgets(connection, timebank_id, person.currency, none="The session’s own, or none")
        sessions = await occasions.sessions_between(connection, timebank_id, from_day=on - around, to_day=on + around)
    return render(
        request,
        "claims/access_new.html",
        422 if form.refusals else 200,
        form=form,
        is_advance=is_advance,
        suppliers=[(each.id, each.name) for each in suppliers if each.is_open],
        sessions=sessions,
        budgets=budgets,
        kinds=list(access_rules.KIND_NAMES.items()),
        max_words=access_rules.MAX_WORDS,
    )


async def _cost(request: PageRequest, reference: str) -> AccessCost:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        cost = await access_queries.by_reference(connection, person.actor.timebank_id, _reference(reference))
    if cost is None:
        raise NotFoundException
    what = mark("looked at what is paid for you to take part")
    await note_daily(database(request), person.actor, cost.member_id, what, now=now(request))
    return cost


async def _cost_page(request: PageRequest, reference: str, form: Form) -> Response[str]:
    person = viewer(request)
    cost = await _cost(request, reference)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        brought = await access_queries.receipts_of(connection, timebank_id, cost.id)
        payable = await payments.by_source(connection, timebank_id, "access_cost", cost.id)
    spent = sum(each.pence for each in brought)
    kept = form.text("receipt_id")
    return render(
        request,
        "claims/access_cost.html",
        422 if form.refusals else 200,
        form=form,
        cost=cost,
        brought=brought,
        spent=spent,
        left=max(0, cost.pence - spent),
        owed=max(0, spent - cost.pence),
        payable=payable,
        payment_states=PAYMENT_STATES,
        may_see_payments=person.has_role(FINANCE, ADMIN),
        may_arrange=person.has_role(COORDINATOR),
        is_own_gift=person.member_id == cost.made_by,
        receipt_id=kept if kept.isdecimal() else "",
        kinds=access_rules.KIND_NAMES,
        words=words,
        accept=receipts.ACCEPT,
        max_words=access_rules.MAX_WORDS,
    )


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


ROUTES: list[Any] = [
    access_page, book_page, book, advance_page, give_advance, cost_page, add_receipt, settle, cancel, photo_of,
]  # fmt: skip
