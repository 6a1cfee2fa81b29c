"""Pages of bookings: mine, one of them, and what staff have to do."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.kit import dates, durations, money
from timebank.kit.actor import ADMIN, COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.ids import normalise_reference
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.members.access import note_access
from timebank.redemptions import (
    attendance,
    hold_rules,
    queries,
    rules,
    service,
    voucher_queries,
    vouchers_shown,
    waiting_queries,
    web_dates,
    web_waiting,
)
from timebank.redemptions.service import ChangeBooking, MoreTime, Refund
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]
coordinates = requires_role(COORDINATOR, ADMIN)

PAST_SHOWN = 30
DONE_SHOWN = 10
TO_DO_PATH = "/bookings/to-do"

STEPS = {"accept": service.accept, "fulfil": service.fulfil, "decline": service.decline, "miss": service.miss}
STEP_NOTICES = {
    "accept": "Booking {reference} is agreed.",
    "fulfil": "Booking {reference} is done.",
    "decline": "Booking {reference} is closed. The hours are free again.",
    "cancel-for": "Booking {reference} is cancelled. The hours are free again.",
    "refund": "Booking {reference}: the hours are given back.",
    "miss": "Booking {reference}: they did not come.",
    "more-time": "Booking {reference} has more time.",
}
NEEDS_REASON = ("decline", "refund", "cancel-for")

STATE_TAGS = {
    rules.REQUESTED: (mark("Asked for"), "wait"),
    rules.ACCEPTED: (mark("Agreed"), "good"),
    rules.FULFILLED: (mark("Done"), "good"),
    rules.CANCELLED: (mark("Cancelled"), None),
    rules.DECLINED: (mark("Not possible"), None),
    rules.TIMED_OUT: (mark("Ran out of time"), None),
    rules.REFUNDED: (mark("Hours given back"), None),
    rules.MISSED: (mark("Did not come"), None),
}


@get("/bookings", guards=[signed_in], include_in_schema=False)
async def show_bookings(request: PageRequest) -> Response[str]:
    """The member's bookings: what comes next first, then what they wait for, then what was."""
    person, member_id = _me(request)
    async with database(request).reading(person.timebank_id) as connection:
        open_ones, past = await queries.bookings_of(connection, person.timebank_id, member_id, limit=PAST_SHOWN)
        turns = await waiting_queries.turns_of(connection, person.timebank_id, member_id)
    moment = now(request)
    dated = [each for each in open_ones if each.starts_at is not None and each.starts_at >= moment]
    return render(
        request,
        "redemptions/bookings.html",
        coming=sorted(dated, key=lambda each: (each.starts_at or moment, each.id)),
        open_bookings=[each for each in open_ones if each not in dated],
        past_bookings=past,
        turns=turns,
        tags=STATE_TAGS,
    )


@get("/bookings/{reference:str}", guards=[signed_in], include_in_schema=False)
async def show_booking(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One booking: its reference, what happens next, until when it can be cancelled, and whom to ask."""
    return await _booking_page(request, reference)


@post("/bookings/{reference:str}/cancel", guards=[signed_in], status_code=200, include_in_schema=False)
async def cancel_booking(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Take a booking back; its hours are free again."""
    person = viewer(request).actor
    form = await forms.read(request)
    known = _reference(reference)
    try:
        changed = await service.cancel(
            database(request),
            person,
            ChangeBooking(reference=known, reason=form.text("reason") or _how_agreed(request)),
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(changed, list):
        return await _booking_page(request, known, form.refused(changed), 422)
    notice = say("Your booking is cancelled. The hours are free again.")
    return redirect(request, f"/bookings/{known}", notice=notice)


async def _booking_page(
    request: PageRequest, reference: str, form: Form = BLANK, status_code: int = 200
) -> Response[str]:
    person, moment = viewer(request).actor, now(request)
    async with database(request).reading(person.timebank_id) as connection:
        booking = await queries.booking(connection, person.timebank_id, _reference(reference))
        if booking is None or not rules.may_see(person, booking.member_id):
            # Another member's booking looks exactly like one that does not exist.
            raise NotFoundException
        bank = await banks.by_id(connection, person.timebank_id)
        events = await queries.history(connection, person.timebank_id, booking.id)
        voucher = await vouchers_shown.panel(connection, person, booking)
    is_mine = booking.member_id == person.subject_id
    if not is_mine:
        look = f"looked at booking {booking.reference}"
        await note_access(database(request), person, booking.member_id, look, now=moment)
    template = "redemptions/booking.html" if is_mine else "redemptions/booking_staff.html"
    return render(
        request,
        template,
        status_code,
        form=form,
        place=None if is_mine else TO_DO_PATH,
        booking=booking,
        voucher=voucher,
        events=events,
        reason=next((event.reason for event in reversed(events) if event.reason), "") if events else "",
        help_contact=bank.help_contact,
        currency=bank.currency,
        last_day=hold_rules.last_day(booking.expires_at, bank),
        can_cancel=booking.is_open and moment <= booking.cancel_until,
        can_decide=_can_decide(request, booking),
        refused_step=_refused_step(request) if form.refusals else "",
        state_words=rules.STATE_WORDS,
        tags=STATE_TAGS,
        now=moment,
    )


def _can_decide(request: PageRequest, booking: queries.Booking) -> bool:
    """Nobody decides about their own hours, nor over the heads of two who agreed on an hour of help."""
    person = viewer(request).actor
    if booking.ask and booking.is_open:
        return False
    return person.has(COORDINATOR) and person.member_id not in (booking.member_id, booking.provider_id)


@get(TO_DO_PATH, guards=[coordinates], include_in_schema=False)
async def show_to_do(request: PageRequest) -> Response[str]:
    """What staff have to do about bookings, each with its buttons in place; filters, and the days to come."""
    return await _to_do_page(request)


async def _to_do_page(request: PageRequest, form: Form = BLANK, status_code: int = 200) -> Response[str]:
    person, moment = viewer(request).actor, now(request)
    asked = request.query_params
    show = asked.get("show", "") if asked.get("show", "") in queries.SHOWN else ""
    kind = asked.get("kind", "") if asked.get("kind", "") in queries.KIND_CODES else ""
    async with database(request).reading(person.timebank_id) as connection:
        waiting = await queries.to_do(connection, person.timebank_id, now=moment, show=show, kind=kind)
        done = await queries.done_lately(connection, person.timebank_id, DONE_SHOWN)
        days = await attendance.dates(connection, person.timebank_id, moment)
        day = today(moment, viewer(request).time_zone)
        low_pools = await voucher_queries.low_pools(connection, person.timebank_id, day)
        slips = await voucher_queries.slips(connection, person.timebank_id)
    return render(
        request,
        "redemptions/to_do.html",
        status_code,
        form=form if form.refusals else Form.blank(show=show, kind=kind),
        waiting=waiting,
        low_pools=low_pools,
        slips=slips,
        done=done,
        days=[day for day in days if day.open or day.waiting or day.starts_at > moment],
        show=show,
        kind=kind,
        refused_reference=_reference_of(request) if form.refusals else "",
        refused_step=_refused_step(request) if form.refusals else "",
        decidable={booking.reference for booking in (*waiting, *done) if _can_decide(request, booking)},
        currency=viewer(request).currency,
        now=moment,
    )


@post("/bookings/{reference:str}/{step:str}", guards=[coordinates], status_code=200, include_in_schema=False)
async def decide_booking(request: PageRequest, reference: FromPath[str], step: FromPath[str]) -> Response[Any]:
    """Accept, fulfil, decline, cancel, refund a booking or give it more time; leads back to where the button was."""
    if step not in STEP_NOTICES:
        raise NotFoundException
    form = await forms.read(request)
    known = _reference(reference)
    reason = form.text("reason")
    on_booking_page = form.text("back") == "booking"
    if step in NEEDS_REASON and not reason:
        changed: service.Changed | list[Refusal] = [
            Refusal("reason_missing", "Say why, in a few words. The member can read it.", f"reason-{step}-{known}")
        ]
    else:
        try:
            changed = await _decide(request, step, known, reason, form)
        except LookupError as error:
            raise NotFoundException from error
    if isinstance(changed, list):
        placed = [_placed(refusal, step, known) for refusal in changed]
        if on_booking_page:
            return await _booking_page(request, known, form.refused(placed), 422)
        return await _to_do_page(request, form.refused(placed), 422)
    target = f"/bookings/{known}" if on_booking_page else TO_DO_PATH
    return redirect(request, target, notice=STEP_NOTICES[step].format(reference=known))


async def _decide(
    request: PageRequest, step: str, reference: str, reason: str, form: Form
) -> service.Changed | list[Refusal]:
    db, person, key, moment = database(request), viewer(request).actor, form.key, now(request)
    if step == "refund":
        refund = _refund(reference, reason, form, viewer(request).currency)
        return refund if isinstance(refund, list) else await service.refund(db, person, refund, key=key, now=moment)
    if step == "more-time":
        until = dates.parse(form.text("until"), field="until")
        if isinstance(until, Refusal):
            return [until]
        more = MoreTime(reference=reference, until=until, reason=reason)
        return await service.more_time(db, person, more, key=key, now=moment)
    command = ChangeBooking(reference=reference, reason=reason)
    use_case = service.cancel if step == "cancel-for" else STEPS[step]
    return await use_case(db, person, command, key=key, now=moment)


def _refund(reference: str, reason: str, form: Form, currency: str) -> Refund | list[Refusal]:
    minutes = durations.parse(form.text("minutes"), field="minutes") if form.text("minutes") else None
    owed = money.parse(form.text("supplier_pence"), currency, allow_zero=True) if form.text("supplier_pence") else None
    refusals = [each for each in (minutes, owed) if isinstance(each, Refusal)]
    if refusals or isinstance(minutes, Refusal) or isinstance(owed, Refusal):
        return [replace(each, field=each.field or "supplier_pence") for each in refusals]
    return Refund(reference=reference, reason=reason, minutes=minutes, supplier_pence=owed)


def _placed(refusal: Refusal, step: str, reference: str) -> Refusal:
    """The refusal at its field in the form of this step and booking; a page has many."""
    if refusal.field in ("minutes", "supplier_pence", "until", "reason"):
        return replace(refusal, field=f"{refusal.field}-{step}-{reference}")
    return refusal


def _reference_of(request: PageRequest) -> str:
    """The booking whose button was pressed, so that its box is open again with what was typed."""
    return normalise_reference(str(request.path_params.get("reference", ""))) or ""


def _refused_step(request: PageRequest) -> str:
    return str(request.path_params.get("step", ""))


def _me(request: PageRequest) -> tuple[Actor, int]:
    """Who is looking, and whose hours they look at."""
    return viewer(request).actor, viewer(request).subject_id


def _how_agreed(request: PageRequest) -> str:
    """Why somebody else does this for the member and how they agreed; nothing for one's own."""
    acting = viewer(request).acting_for
    return acting.in_words if acting else ""


def _reference(typed: str) -> str:
    """The reference as it is stored, however it was typed.

    Raises:
        NotFoundException: it cannot be one.
    """
    reference = normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


ROUTES = [
    show_bookings,
    show_to_do,
    show_booking,
    cancel_booking,
    decide_booking,
    *web_waiting.ROUTES,
    *web_dates.ROUTES,
]
