"""Guests as a page: who came and is no member yet, how long their time waits, and that one of them has joined."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.contributions import guests, register_people
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

coordinators = requires_role(COORDINATOR)


@get("/guests", guards=[coordinators])
async def guests_page(request: PageRequest) -> Response[str]:
    """The guests whose time waits, and a place to say that one of them is a member now."""
    return await _page(request, BLANK)


@post("/guests/{guest_id:int}/join", guards=[coordinators], status_code=303)
async def join(request: PageRequest, guest_id: FromPath[int]) -> Response[Any]:
    """A guest is a member now: their time is credited."""
    form = await forms.read(request)
    actor = viewer(request).actor
    who = form.text(f"who-{guest_id}")
    async with database(request).reading(actor.timebank_id) as connection:
        if not await register_people.is_guest(connection, actor.timebank_id, guest_id):
            raise NotFoundException
        directory = await register_people.directory(connection, actor.timebank_id, only_first_names=False, typed=[who])
    (found,) = directory.find([who])
    options = tuple(option.id for option in found.options)
    pick = form.text(f"pick-{guest_id}")
    member_id = int(pick) if pick in map(str, options) else found.member.id if found.member else 0
    if not member_id:
        message = (
            f"Choose who {shown(who)} is."
            if options
            else f"We do not know {shown(who)}. Add them as a member first."
            if who
            else "Type the name of the member."
        )
        refusal = Refusal("unknown_member", message, f"{'pick' if options else 'who'}-{guest_id}")
        return await _page(request, form.refused([refusal]), guest_id, options)
    joined = await guests.join_guest(database(request), actor, guest_id, member_id, key=form.key, now=now(request))
    if isinstance(joined, list):
        placed = [replace(one, field=f"who-{guest_id}") for one in joined]
        return await _page(request, form.refused(placed), guest_id, options)
    return redirect(request, "/guests", notice=guests.joined_words(joined, directory.shown[member_id]))


async def _page(request: PageRequest, form: Form, guest_id: int = 0, options: tuple[int, ...] = ()) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        waiting = await guests.waiting_guests(connection, person.actor)
        directory = await register_people.directory(connection, timebank_id, only_first_names=False, ids=options)
        _, in_force = await banks.rules_in_force(connection, timebank_id, today(now(request), person.time_zone))
    here = {guest.id for guest in waiting}
    if form.refusals and guest_id not in here:
        # They joined or were forgotten meanwhile: there is no row to stand beside.
        form = form.refused([replace(one, field=None) for one in form.refusals])
    return render(
        request,
        "contributions/guests.html",
        422 if form.refusals else 200,
        form=form,
        guests=waiting,
        options={guest_id: [("", "Choose"), *((member_id, directory.labels[member_id]) for member_id in options)]}
        if options
        else {},
        choices=register_people.choices(directory, ()),
        months=in_force.guest_months,
    )


ROUTES: list[Any] = [guests_page, join]
