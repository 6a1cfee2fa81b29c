"""Pages of a waiting list for whoever waits: going on it, my turn, leaving it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.hours import queries as hours
from timebank.kit.words import say
from timebank.redemptions import rules, waiting, waiting_queries, waiting_telling
from timebank.redemptions.waiting import ChangeWaiting, JoinWaiting
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]


@post("/offers/{offer_id:int}/wait", guards=[signed_in], status_code=200, include_in_schema=False)
async def wait_for_place(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Go on the waiting list: one tap, and no hours are set aside."""
    person = viewer(request)
    form = await forms.read(request)
    acting = person.acting_for
    command = JoinWaiting(offer_id=offer_id, member_id=person.subject_id, how_agreed=acting.in_words if acting else "")
    waits = await waiting.join(database(request), person.actor, command, key=form.key, now=now(request))
    if isinstance(waits, list):
        if any(refusal.code == "unknown_offer" for refusal in waits):
            raise NotFoundException
        return render(
            request, "redemptions/waiting_no.html", 422, form=form.refused(waits), offer_id=offer_id,
            code=waits[0].code,
        )  # fmt: skip
    return redirect(request, f"/waiting/{waits.waiting_id}")


@get("/waiting/{waiting_id:int}", guards=[signed_in], include_in_schema=False)
async def show_turn(request: PageRequest, waiting_id: FromPath[int]) -> Response[str]:
    """My turn: how many are before me, or the place that is kept for me and until when."""
    return await _turn_page(request, waiting_id)


@post("/waiting/{waiting_id:int}/leave", guards=[signed_in], status_code=200, include_in_schema=False)
async def leave_list(request: PageRequest, waiting_id: FromPath[int]) -> Response[Any]:
    """Leave the list, or say no to the place."""
    form = await forms.read(request)
    try:
        done = await waiting.leave(
            database(request), viewer(request).actor, ChangeWaiting(waiting_id=waiting_id), key=form.key,
            now=now(request),
        )  # fmt: skip
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        if done[0].code == "not_yours":
            raise NotFoundException
        return await _turn_page(request, waiting_id, form.refused(done), 422)
    notice = (
        say("Thank you for telling us. We ask the next person.")
        if done.state == "declined"
        else say("You are off the waiting list.")
    )
    return redirect(request, f"/waiting/{waiting_id}", notice=notice)


async def _turn_page(
    request: PageRequest, waiting_id: int, form: Form = BLANK, status_code: int = 200
) -> Response[str]:
    person, moment = viewer(request).actor, now(request)
    async with database(request).reading(person.timebank_id) as connection:
        turn = await waiting_queries.turn(connection, person.timebank_id, waiting_id)
        if turn is None or not rules.may_see(person, turn.member_id):
            raise NotFoundException
        bank = await banks.by_id(connection, person.timebank_id)
        mine = await hours.balance(connection, person.timebank_id, turn.member_id)
    return render(
        request,
        "redemptions/waiting.html",
        status_code,
        form=form,
        turn=turn,
        short_minutes=max(turn.price_minutes - max(mine.available, 0), 0),
        until=waiting_telling.until_words(turn.answer_until, bank) if turn.answer_until else "",
        has_started=turn.starts_at is not None and turn.starts_at <= moment,
        help_contact=bank.help_contact,
    )


ROUTES = [wait_for_place, show_turn, leave_list]
