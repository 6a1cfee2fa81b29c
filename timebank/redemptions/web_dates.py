"""Pages of staff for one day of a training: who comes, who came, who waits, and calling it off."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.kit.actor import ADMIN, COORDINATOR
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.redemptions import attendance, service, waiting, waiting_queries, waiting_rules, waiting_telling
from timebank.redemptions.attendance import STEP_OF, SaveAttendance
from timebank.redemptions.calling_off import CallOff
from timebank.redemptions.waiting import ChangeWaiting, JoinWaiting
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
coordinates = requires_role(COORDINATOR, ADMIN)


@get("/bookings/dates/{offer_id:int}", guards=[coordinates], include_in_schema=False)
async def show_date(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """One day: everybody who booked it, and its waiting list."""
    return await _date_page(request, offer_id)


@post("/bookings/dates/{offer_id:int}/attendance", guards=[coordinates], status_code=200, include_in_schema=False)
async def save_attendance(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Save who came."""
    form = await forms.read(request)
    command = SaveAttendance(offer_id=offer_id, marks=marks_of(form))
    saved = await attendance.save(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(saved, list):
        if saved[0].code == "unknown_offer":
            raise NotFoundException
        return await _date_page(request, offer_id, form.refused(saved), 422)
    if saved.refused:
        refusals = [Refusal("not_saved", why, f"mark-{reference}") for reference, why in saved.refused.items()]
        return await _date_page(request, offer_id, form.refused(refusals), 422)
    people = "1 person" if saved.saved == 1 else f"{saved.saved} people"
    return redirect(request, f"/bookings/dates/{offer_id}", notice=f"Saved for {people}.")


def marks_of(form: Form) -> dict[str, attendance.Mark]:
    """What was said of each person: fields named ``mark-<reference>``; what is no answer is left out."""
    found: dict[str, attendance.Mark] = {}
    for name in form.fields:
        said = form.text(name)
        if name.startswith("mark-") and said in STEP_OF:
            found[name.removeprefix("mark-")] = said  # type: ignore[assignment]
    return found


@post("/bookings/dates/{offer_id:int}/call-off", guards=[coordinates], status_code=200, include_in_schema=False)
async def call_off(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """It does not take place: everybody's hours are free, and everybody is told why."""
    form = await forms.read(request)
    command = CallOff(offer_id=offer_id, reason=form.text("reason"))
    done = await service.call_off(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        if done[0].code in ("unknown_offer", "no_date"):
            raise NotFoundException
        return await _date_page(request, offer_id, form.refused(done), 422)
    notice = f"Called off. We tell everybody: bookings {done.bookings}, waiting {done.waiting}."
    return redirect(request, f"/bookings/dates/{offer_id}", notice=notice)


@post("/bookings/dates/{offer_id:int}/waiting", guards=[coordinates], status_code=200, include_in_schema=False)
async def add_to_list(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Put a member on the waiting list, and say how they agreed."""
    form = await forms.read(request)
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        member = await members.chosen(connection, person.timebank_id, form.text("member"))
    refusals = []
    if member is None:
        refusals.append(Refusal("unknown_member", "Choose a member from the list.", "member"))
    if not form.text("how_agreed"):
        refusals.append(Refusal("how_agreed_missing", "Say how they agreed, for example by phone.", "how_agreed"))
    if member is None or refusals:
        return await _date_page(request, offer_id, form.refused(refusals), 422)
    command = JoinWaiting(offer_id=offer_id, member_id=member.id, how_agreed=form.text("how_agreed"))
    done = await waiting.join(database(request), person, command, key=form.key, now=now(request))
    if isinstance(done, list):
        if done[0].code == "unknown_offer":
            raise NotFoundException
        return await _date_page(request, offer_id, form.refused(done), 422)
    notice = f"{member.display_name} is on the waiting list."
    return redirect(request, f"/bookings/dates/{offer_id}", notice=notice)


@post("/bookings/waiting/{waiting_id:int}/{step:str}", guards=[coordinates], status_code=200, include_in_schema=False)
async def change_turn(request: PageRequest, waiting_id: FromPath[int], step: FromPath[str]) -> Response[Any]:
    """Take somebody off a waiting list, or ask the next person now."""
    use_case = {"remove": waiting.leave, "pass-on": waiting.pass_on}.get(step)
    if use_case is None:
        raise NotFoundException
    form = await forms.read(request)
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        turn = await waiting_queries.turn(connection, person.timebank_id, waiting_id)
    if turn is None:
        raise NotFoundException
    command = ChangeWaiting(waiting_id=waiting_id)
    done = await use_case(database(request), person, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _date_page(request, turn.offer_id, form.refused(done), 422)
    notice = "They are off the list." if step == "remove" else "We ask the next person."
    return redirect(request, f"/bookings/dates/{turn.offer_id}", notice=notice)


async def _date_page(request: PageRequest, offer_id: int, form: Form = BLANK, status_code: int = 200) -> Response[str]:
    person, moment = viewer(request).actor, now(request)
    async with database(request).reading(person.timebank_id) as connection:
        offer = await attendance.offer_of(connection, person, offer_id)
        if offer is None:
            raise NotFoundException
        bank = await banks.by_id(connection, person.timebank_id)
        people = await attendance.expected(connection, person.timebank_id, offer_id)
        turns, past = await waiting_queries.turns_for(connection, person.timebank_id, offer_id)
        choices = await members.choices(connection, person.timebank_id)
    return render(
        request,
        "redemptions/date.html",
        status_code,
        form=form,
        place="/bookings/to-do",
        offer=offer,
        people=people,
        turns=turns,
        past_turns=past,
        until={turn.id: waiting_telling.until_words(turn.answer_until, bank) for turn in turns if turn.answer_until},
        turn_words=waiting_rules.STATE_WORDS,
        choices=choices,
        has_started=offer.starts_at is not None and offer.starts_at <= moment,
        now=moment,
    )


ROUTES = [show_date, save_attendance, call_off, add_to_list, change_turn]
