"""Pages of vouchers: the member's code, and for staff how each offer's vouchers work and the slips to print."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank import languages
from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.identity.service import qr_data_uri, qr_svg
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE
from timebank.kit.clock import today
from timebank.kit.ids import normalise_reference
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing
from timebank.members.access import note_access
from timebank.redemptions import codes, rules, voucher_fields, voucher_queries, vouchers_paper, vouchers_shown
from timebank.redemptions import offer_queries as offers
from timebank.redemptions import queries as bookings
from timebank.redemptions.codes import WithdrawCodes
from timebank.redemptions.voucher_rules import OURS
from timebank.redemptions.vouchers_paper import use_address
from timebank.redemptions.vouchers_setting import SetTerms, set_terms
from timebank.redemptions.vouchers_shown import ChangeCode, OpenedCode, ShowCode
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import BLANK, Form
from timebank.web.headers import NO_REFERRER
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]
staff = requires_role(COORDINATOR, FINANCE, ADMIN)
coordinators = requires_role(COORDINATOR, ADMIN)

NO_STORE = {"Cache-Control": "no-store"}
PLACE = "/vouchers"
SOURCE_WORDS = {"hand": "We hand it over", "pool": "Codes that we bought", "ours": "Our own voucher"}


@post("/bookings/{reference:str}/code", guards=[signed_in], status_code=303)
async def show_code(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Note who looks, and open the code for ten minutes."""
    form = await forms.read(request)
    known = _reference(reference)
    try:
        done = await vouchers_shown.show(
            database(request), viewer(request).actor, ShowCode(reference=known), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return redirect(request, f"/bookings/{known}", notice=done[0].message)
    return redirect(request, f"/bookings/{known}/code/{done.view_id}")


@get("/bookings/{reference:str}/code/{view_id:int}", guards=[signed_in])
async def code_page(request: PageRequest, reference: FromPath[str], view_id: FromPath[int]) -> Response[Any]:
    """The code, large; when its ten minutes are over, the booking again."""
    person, known = viewer(request).actor, _reference(reference)
    try:
        async with database(request).reading(person.timebank_id) as connection:
            code = await vouchers_shown.opened(connection, person, known, view_id, now=now(request))
            booking = await _booking(request, connection, known)
    except KeyMissing:
        message = "This code cannot be opened just now. Please phone us."
        return redirect(request, f"/bookings/{known}", notice=message)
    if code is None:
        return redirect(request, f"/bookings/{known}")
    is_mine = booking.member_id == person.subject_id
    if not is_mine:
        look = f"looked at the code of booking {known}"
        await note_access(database(request), person, booking.member_id, look, now=now(request))
    return render(
        request,
        "redemptions/code.html",
        headers={**NO_STORE, **NO_REFERRER},
        code=code,
        is_mine=is_mine,
        qr=qr_data_uri(qr_svg(use_address(settings(request).base_url, code.code))) if code.kind == OURS else "",
        currency=viewer(request).currency,
    )


@post("/bookings/{reference:str}/code/used", guards=[signed_in], status_code=303)
async def say_used(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """I have used this code: it is not shown again."""
    return await _change(request, reference, vouchers_shown.say_used, "Thank you. This code is marked as used.")


@post("/bookings/{reference:str}/code/new", guards=[signed_in], status_code=303)
async def new_code(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """A new code in place of a lost one."""
    notice = "You have a new code. The old one does not work any more."
    return await _change(request, reference, vouchers_shown.replace, notice)


@post("/bookings/{reference:str}/slip/post", guards=[signed_in], status_code=303)
async def post_slip(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Put a slip in the queue to be printed and posted."""
    notice = "We will print your voucher and post it to you."
    return await _change(request, reference, vouchers_shown.ask_for_slip, notice)


@post("/bookings/{reference:str}/slip", guards=[signed_in], status_code=200)
async def slip(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """The slip of one voucher as a tagged PDF."""
    form = await forms.read(request)
    known = _reference(reference)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        await _booking(request, connection, known)
    found = await vouchers_shown.print_slips(database(request), viewer(request).actor, (known,), now=now(request))
    slips = _slips(found)
    if slips is None:
        return redirect(request, f"/bookings/{known}", notice=_refused(found))
    return await _slips_response(request, slips, large=form.text("size") == "large")


@get("/vouchers", guards=[staff])
async def vouchers_page(request: PageRequest) -> Response[str]:
    """Every offer of vouchers: how it works, what is left, what has to be printed."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        pools = await voucher_queries.pools(connection, timebank_id, today(now(request), person.time_zone))
        slips = await voucher_queries.slips(connection, timebank_id)
    return render(request, "redemptions/vouchers.html", pools=pools, slips=slips, source_words=SOURCE_WORDS)


@get("/vouchers/offers/{offer_id:int}", guards=[staff])
async def offer_vouchers(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """One offer's vouchers: stock, uploads, a form for more codes, and how they work."""
    return await offer_page(request, offer_id)


async def offer_page(request: PageRequest, offer_id: int, form: Form = BLANK) -> Response[str]:
    """The page of one offer's vouchers, with a form that was refused."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        offer = await offers.offer_facts(connection, timebank_id, offer_id)
        if offer is None or offer.kind != "voucher":
            raise NotFoundException
        day = today(now(request), person.time_zone)
        pool = next((p for p in await voucher_queries.pools(connection, timebank_id, day) if p.id == offer.id), None)
        batches = await voucher_queries.batches(connection, timebank_id, offer.id)
        values = await voucher_fields.filled(connection, timebank_id, offer.id)
    if pool is None:
        raise NotFoundException
    shown = form if form.refusals else Form.blank(**values)
    return render(
        request,
        "redemptions/voucher_offer.html",
        422 if form.refusals else 200,
        form=shown,
        place=PLACE,
        pool=pool,
        batches=batches,
        source_words=SOURCE_WORDS,
        refused_terms=form.has("source"),
    )


@post("/vouchers/offers/{offer_id:int}/terms", guards=[coordinators], status_code=303)
async def save_terms(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Change how the vouchers of an offer work."""
    form = await forms.read(request)
    terms = voucher_fields.read(form)
    if terms is None:
        terms = [Refusal("unknown_source", "Choose how people get this voucher.", "source")]
    if isinstance(terms, list):
        return await offer_page(request, offer_id, form.refused(terms))
    try:
        done = await set_terms(
            database(request),
            viewer(request).actor,
            SetTerms(offer_id=offer_id, terms=terms),
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await offer_page(request, offer_id, form.refused(done))
    return redirect(request, f"/vouchers/offers/{offer_id}", notice="Saved. New bookings follow it.")


@post("/vouchers/batches/{batch_id:int}/withdraw", guards=[staff], status_code=303)
async def withdraw_batch(request: PageRequest, batch_id: FromPath[int]) -> Response[Any]:
    """Take the free codes of an upload out again."""
    form = await forms.read(request)
    back = f"/vouchers/offers/{form.text('offer')}" if form.text("offer").isdecimal() else PLACE
    try:
        done = await codes.withdraw(
            database(request),
            viewer(request).actor,
            WithdrawCodes(batch_id=batch_id),
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return redirect(request, back, notice=done[0].message)
    notice = f"{done.codes} codes were taken out."
    if done.credit:
        notice += f" Their payment has left, so the supplier owes it back: credit {done.credit}."
    return redirect(request, back, notice=notice)


@post("/vouchers/slips", guards=[coordinators], status_code=200)
async def print_slips(request: PageRequest) -> Response[Any]:
    """Every slip that waits, as one tagged PDF; they leave the queue."""
    form = await forms.read(request)
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        waiting = await voucher_queries.slips(connection, person.timebank_id)
    references = tuple(one.reference for one in waiting if not form.all("slip") or one.reference in form.all("slip"))
    found = await vouchers_shown.print_slips(database(request), person, references, now=now(request))
    slips = _slips(found)
    if slips is None:
        return redirect(request, PLACE, notice=_refused(found))
    for one in waiting:
        if one.reference in {each.reference for each in slips}:
            look = f"printed the voucher of booking {one.reference}"
            await note_access(database(request), person, one.member_id, look, now=now(request))
    return await _slips_response(request, slips, large=form.text("size") == "large")


async def _change(request: PageRequest, reference: str, use_case: Any, notice: str) -> Response[Any]:
    form = await forms.read(request)
    known = _reference(reference)
    command = ChangeCode(reference=known)
    try:
        done = await use_case(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return redirect(request, f"/bookings/{known}", notice=done[0].message if isinstance(done, list) else notice)


async def _slips_response(request: PageRequest, slips: list[OpenedCode], *, large: bool) -> Response[bytes]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        bank = await banks.by_id(connection, person.actor.timebank_id)
    unread = settings(request).unread_languages
    content = await vouchers_paper.slips_pdf(
        [msgspec.structs.replace(slip, language=languages.spoken(slip.language, unread=unread)) for slip in slips],
        base_url=settings(request).base_url,
        timebank=bank.name,
        contact=bank.help_contact,
        large=large or person.is_large,
    )
    return pdf(content, "voucher.pdf")


def pdf(content: bytes, file_name: str) -> Response[bytes]:
    """A PDF that nobody keeps on the way."""
    headers = {"Content-Disposition": f'inline; filename="{file_name}"', **NO_STORE}
    return Response(content, media_type="application/pdf", headers=headers)


def _slips(found: list[OpenedCode] | list[Refusal]) -> list[OpenedCode] | None:
    slips = [one for one in found if isinstance(one, OpenedCode)]
    return slips or None


def _refused(found: list[OpenedCode] | list[Refusal]) -> str:
    return next((one.message for one in found if isinstance(one, Refusal)), "There is nothing to print.")


async def _booking(request: PageRequest, connection: Connection, reference: str) -> bookings.Booking:
    """The booking, for whom it may concern; for others it does not exist."""
    person = viewer(request).actor
    booking = await bookings.booking(connection, person.timebank_id, reference)
    if booking is None or not rules.may_see(person, booking.member_id):
        raise NotFoundException
    return booking


def _reference(typed: str) -> str:
    known = normalise_reference(typed)
    if known is None:
        raise NotFoundException
    return known


ROUTES: list[Any] = [
    show_code,
    code_page,
    say_used,
    new_code,
    post_slip,
    slip,
    vouchers_page,
    offer_vouchers,
    save_terms,
    withdraw_batch,
    print_slips,
]
