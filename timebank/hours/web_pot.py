"""The community pot for those who look after it: what is in it, who asks, deciding, giving."""

from dataclasses import replace
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.banks import queries as banks
from timebank.hours import pot_queries, pot_rules, service
from timebank.hours.service import DecidePotAsk, GivePotHours
from timebank.hours.web_gifts import REFUSED, PageRequest
from timebank.kit import durations
from timebank.kit.actor import APPROVER, COORDINATOR
from timebank.kit.clock import today
from timebank.kit.durations import in_words
from timebank.kit.paging import cursor, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members.standing import find_receiver
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

DECIDES = [requires_role(COORDINATOR, APPROVER)]
GIVES = [requires_role(COORDINATOR)]


@get("/pot", guards=DECIDES, include_in_schema=False)
async def show_pot(request: PageRequest, before: FromQuery[str | None] = None) -> Response[Any]:
    """What is in the pot, who waits for an answer, and what was decided."""
    return await _pot_page(request, BLANK, before=before)


@post("/pot/asks/{ask_id:int}", guards=DECIDES, include_in_schema=False)
async def decide(request: PageRequest, ask_id: FromPath[int]) -> Response[Any]:
    """Give what was asked, give less, or say no with a reason."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        asked = await pot_queries.one(connection, actor.timebank_id, ask_id)
    if asked is None:
        raise NotFoundException
    minutes: int | Refusal = 0
    if form.text("answer") == "give":
        typed = form.text(f"minutes-{ask_id}")
        minutes = durations.parse(typed) if typed else asked.minutes
    if isinstance(minutes, Refusal):
        return await _pot_page(request, form.refused([replace(minutes, field=f"minutes-{ask_id}")]), at=ask_id)
    command = DecidePotAsk(ask_id=ask_id, minutes=minutes, reason=form.text(f"reason-{ask_id}"))
    done = await service.decide(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        placed = [replace(one, field=f"{one.field}-{ask_id}" if one.field else None) for one in done]
        return await _pot_page(request, form.refused(placed), at=ask_id)
    given = f"{asked.member_name} has {in_words(done.given_minutes)} more."
    return redirect(request, "/pot", notice=given if done.given_minutes else f"{asked.member_name} hears why not.")


@get("/pot/give", guards=GIVES, include_in_schema=False)
async def show_pot_give(request: PageRequest) -> Response[Any]:
    """Give from the pot without being asked."""
    return await _give_page(request, BLANK)


@post("/pot/give", guards=GIVES, include_in_schema=False)
async def give_from_pot(request: PageRequest) -> Response[Any]:
    """Give at once, or let a second person agree."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        to = await find_receiver(connection, actor.timebank_id, form.text("to"))
    minutes = durations.parse(form.text("minutes"), field="minutes")
    if isinstance(to, Refusal) or isinstance(minutes, Refusal):
        return await _give_page(request, form.refused([one for one in (to, minutes) if isinstance(one, Refusal)]))
    command = GivePotHours(member_id=to, minutes=minutes, reason=form.text("reason"))
    done = await service.give_from_pot(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        placed = [replace(one, field="to" if one.field == "member_id" else one.field) for one in done]
        return await _give_page(request, form.refused(placed))
    is_given = done.state == pot_rules.GIVEN
    notice = (
        f"{in_words(minutes)} given. They are told." if is_given else "A second person agrees first. They are told."
    )
    return redirect(request, "/pot", notice=notice)


async def _pot_page(request: PageRequest, form: Form, *, before: str | None = None, at: int = 0) -> Response[Any]:
    actor = viewer(request).actor
    keys = parse_cursor(before) if before else (None,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    size = pot_queries.PAGE
    async with database(request).reading(actor.timebank_id) as connection:
        in_the_pot = await pot_queries.in_the_pot(connection, actor.timebank_id)
        waiting = await pot_queries.waiting(connection, actor.timebank_id)
        decided = await pot_queries.decided(connection, actor.timebank_id, before=keys[0], limit=size + 1)
    return render(
        request,
        "hours/pot.html",
        REFUSED if form.refusals else 200,
        form=form,
        at=at,
        blank=BLANK,
        in_the_pot=in_the_pot,
        waiting=[(one, _why_not(request, one)) for one in waiting],
        decided=decided[:size],
        older=f"/pot?before={cursor(decided[size - 1].id)}" if len(decided) > size else None,
        max_reason=pot_rules.MAX_REASON,
    )


def _why_not(request: PageRequest, ask: pot_queries.PotAsk) -> str:
    """Why this viewer does not decide about an ask; empty when they may."""
    found = pot_rules.check_decider(viewer(request).actor, member_id=ask.member_id, asked_by=ask.asked_by)
    return found[0].message if found else ""


async def _give_page(request: PageRequest, form: Form) -> Response[Any]:
    actor = viewer(request).actor
    day = today(now(request), viewer(request).time_zone)
    async with database(request).reading(actor.timebank_id) as connection:
        in_the_pot = await pot_queries.in_the_pot(connection, actor.timebank_id)
        _, document = await banks.rules_in_force(connection, actor.timebank_id, day)
    return render(
        request,
        "hours/pot_give.html",
        REFUSED if form.refusals else 200,
        form=form,
        in_the_pot=in_the_pot,
        alone=document.pot_alone_up_to_minutes,
        max_reason=pot_rules.MAX_WHAT_FOR,
    )


ROUTES = [show_pot, decide, show_pot_give, give_from_pot]
