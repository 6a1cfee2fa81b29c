"""Asking the community pot for hours: the form, the ask as it stands, taking it back."""

from dataclasses import replace
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.hours import pot_queries, pot_rules, service
from timebank.hours.service import AskPot, WithdrawPotAsk
from timebank.hours.web_gifts import MINE, REFUSED, PageRequest, subject
from timebank.kit import durations
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import viewer


@get("/gifts/ask", guards=MINE, include_in_schema=False)
async def show_ask(request: PageRequest) -> Response[Any]:
    """How much, and what for if they like to say; or the ask that waits already."""
    return await _ask_page(request, Form.blank())


@post("/gifts/ask", guards=MINE, include_in_schema=False)
async def ask(request: PageRequest) -> Response[Any]:
    """Ask; somebody who looks after the pot answers."""
    _, member_id = subject(request)
    form = await forms.read(request)
    minutes = durations.parse(form.text("how_long"), field="how_long")
    if isinstance(minutes, Refusal):
        return await _ask_page(request, form.refused([minutes]))
    command = AskPot(member_id=member_id, minutes=minutes, what_for=form.text("what_for"))
    asked = await service.ask(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(asked, list):
        placed = [replace(one, field="how_long" if one.field == "minutes" else one.field) for one in asked]
        return await _ask_page(request, form.refused(placed))
    return redirect(request, f"/gifts/asks/{asked.ask_id}")


@get("/gifts/asks/{ask_id:int}", guards=MINE, include_in_schema=False)
async def show_pot_ask(request: PageRequest, ask_id: FromPath[int]) -> Response[Any]:
    """One ask, and the answer with its reason."""
    found = await _ask(request, ask_id)
    return render(request, "hours/pot_ask.html", ask=found)


@post("/gifts/asks/{ask_id:int}/withdraw", guards=MINE, include_in_schema=False)
async def withdraw(request: PageRequest, ask_id: FromPath[int]) -> Response[Any]:
    """Take the ask back while nobody has answered."""
    await _ask(request, ask_id)
    form = await forms.read(request)
    actor = viewer(request).actor
    done = await service.withdraw(
        database(request), actor, WithdrawPotAsk(ask_id=ask_id), key=form.key, now=now(request)
    )
    notice = done[0].message if isinstance(done, list) else say("You took it back.")
    return redirect(request, f"/gifts/asks/{ask_id}" if isinstance(done, list) else "/gifts", notice=notice)


async def _ask(request: PageRequest, ask_id: int) -> pot_queries.PotAsk:
    """An ask of the member's own; 404 for every other."""
    timebank_id, member_id = subject(request)
    async with database(request).reading(timebank_id) as connection:
        found = await pot_queries.one(connection, timebank_id, ask_id)
    if found is None or found.member_id != member_id:
        raise NotFoundException
    return found


async def _ask_page(request: PageRequest, form: Form) -> Response[Any]:
    timebank_id, member_id = subject(request)
    day = today(now(request), viewer(request).time_zone)
    async with database(request).reading(timebank_id) as connection:
        _, document = await banks.rules_in_force(connection, timebank_id, day)
        in_the_pot = await pot_queries.in_the_pot(connection, timebank_id)
        mine = await pot_queries.of_member(connection, timebank_id, member_id, limit=1)
    return render(
        request,
        "hours/pot_ask_form.html",
        REFUSED if form.refusals else 200,
        form=form,
        most=document.max_pot_help_minutes,
        in_the_pot=in_the_pot,
        waiting=mine[0] if mine and mine[0].waits else None,
        max_what_for=pot_rules.MAX_WHAT_FOR,
    )


ROUTES = [show_ask, ask, show_pot_ask, withdraw]
