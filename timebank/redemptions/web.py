"""Pages of bookings: my bookings, and what staff have to do."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.kit.actor import ADMIN, COORDINATOR, Actor
from timebank.kit.ids import normalise_reference
from timebank.kit.refusal import Refusal
from timebank.members.access import note_access
from timebank.redemptions import queries, rules, service
from timebank.redemptions.service import ChangeBooking, Refund
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
    "refund": "Booking {reference}: the hours are given back.",
    "miss": "Booking {reference}: they did not come.",
}


@get("/bookings", guards=[signed_in], include_in_schema=False)
async def show_bookings(request: PageRequest) -> Response[str]:
    """The member's bookings: open ones first."""
    person, member_id = _me(request)
    async with database(request).reading(person.timebank_id) as connection:
        open_ones, past = await queries.bookings_of(connection, person.timebank_id, member_id, limit=PAST_SHOWN)
    return render(request, "redemptions/bookings.html", open_bookings=open_ones, past_bookings=past)


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
    return redirect(request, f"/bookings/{known}", notice="Your booking is cancelled. The hours are free again.")


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
        events=events,
        help_contact=bank.help_contact,
        can_cancel=booking.is_open and moment <= booking.cancel_until,
        can_decide=_can_decide(request, booking),
        state_words=rules.STATE_WORDS,
        now=moment,
    )


def _can_decide(request: PageRequest, booking: queries.Booking) -> bool:
    """Nobody decides about their own hours."""
    person = viewer(request).actor
    return person.has(COORDINATOR) and person.member_id not in (booking.member_id, booking.provider_id)


@get(TO_DO_PATH, guards=[coordinates], include_in_schema=False)
async def show_to_do(request: PageRequest) -> Response[str]:
    """What staff have to do about bookings, each with its buttons in place."""
    return await _to_do_page(request)


async def _to_do_page(request: PageRequest, form: Form = BLANK, status_code: int = 200) -> Response[str]:
    person, moment = viewer(request).actor, now(request)
    async with database(request).reading(person.timebank_id) as connection:
        waiting = await queries.to_do(connection, person.timebank_id)
        done = await queries.done_lately(connection, person.timebank_id, DONE_SHOWN)
    return render(
        request,
        "redemptions/to_do.html",
        status_code,
        form=form,
        waiting=waiting,
        done=done,
        refused_reference=_reference_of(request) if form.refusals else "",
        decidable={booking.reference for booking in (*waiting, *done) if _can_decide(request, booking)},
        now=moment,
    )


@post("/bookings/{reference:str}/{step:str}", guards=[coordinates], status_code=200, include_in_schema=False)
async def decide_booking(request: PageRequest, reference: FromPath[str], step: FromPath[str]) -> Response[Any]:
    """Accept, fulfil, decline or refund a booking; leads back to where the button was."""
    if step not in STEP_NOTICES:
        raise NotFoundException
    form = await forms.read(request)
    known = _reference(reference)
    reason = form.text("reason")
    on_booking_page = form.text("back") == "booking"
    if step in ("decline", "refund") and not reason:
        changed: service.Changed | list[Refusal] = [
            Refusal("reason_missing", "Say why, in a few words. The member can read it.", f"reason-{known}")
        ]
    else:
        try:
            changed = await _decide(request, step, known, reason, form)
        except LookupError as error:
            raise NotFoundException from error
    if isinstance(changed, list):
        if on_booking_page:
            return await _booking_page(request, known, form.refused(changed), 422)
        return await _to_do_page(request, form.refused(changed), 422)
    target = f"/bookings/{known}" if on_booking_page else TO_DO_PATH
    return redirect(request, target, notice=STEP_NOTICES[step].format(reference=known))


async def _decide(
    request: PageRequest, step: str, reference: str, reason: str, form: Form
) -> service.Changed | list[Refusal]:
    db, person, key, moment = database(request), viewer(request).actor, form.key, now(request)
    if step == "refund":
        return await service.refund(db, person, Refund(reference=reference, reason=reason), key=key, now=moment)
    command = ChangeBooking(reference=reference, reason=reason)
    return await STEPS[step](db, person, command, key=key, now=moment)


def _reference_of(request: PageRequest) -> str:
    """The booking whose button was pressed, so that its box is open again with what was typed."""
    return normalise_reference(str(request.path_params.get("reference", ""))) or ""


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
]
