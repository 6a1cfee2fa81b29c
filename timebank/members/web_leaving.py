"""Leaving: the page that says what will happen, two taps, and a week to think again. For members and coordinators."""

from datetime import date, datetime, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import MAX_KEY
from timebank.kit.words import say
from timebank.members import leaving
from timebank.members.leaving import AskToLeave, Stay, WhatHappens
from timebank.members.web_mine import subject
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422
FOR_COORDINATORS = [requires_role(COORDINATOR)]
KINDS = [(leaving.LEAVES, "They asked to leave"), (leaving.DIED, "They have died")]


@get("/me/leave", guards=[signed_in], include_in_schema=False)
async def show_leave(request: PageRequest) -> Response[Any]:
    """What will happen when I leave; or until when I can still stay."""
    return await _page(request, "members/leave.html", subject(request)[1], Form.blank())


@post("/me/leave", guards=[signed_in], include_in_schema=False)
async def ask_to_leave(request: PageRequest) -> Response[Any]:
    """Say that I leave."""
    member_id = subject(request)[1]
    form = await forms.read(request)
    command = AskToLeave(member_id=member_id)
    done = await leaving.ask_to_leave(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _page(request, "members/leave.html", member_id, form.refused(done))
    return redirect(request, "/me/leave")


@post("/me/stay", guards=[signed_in], include_in_schema=False)
async def stay(request: PageRequest) -> Response[Any]:
    """Say that I stay."""
    form = await forms.read(request)
    command = Stay(member_id=subject(request)[1])
    done = await leaving.stay(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    notice = done[0].message if isinstance(done, list) else say("You stay. We are glad.")
    return redirect(request, "/me", notice=notice)


@get("/members/leaving", guards=FOR_COORDINATORS, include_in_schema=False)
async def show_leaving(request: PageRequest) -> Response[Any]:
    """Everybody who is leaving, and what is still in the way."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        waiting = await leaving.waiting(connection, timebank_id)
        facts = {
            each.member_id: await leaving.what_happens(connection, timebank_id, each.member_id, now(request))
            for each in waiting
        }
    return render(
        request,
        "members/leaving.html",
        place="/members",
        waiting=[(each, _last_day(request, each.erase_at), facts[each.member_id].in_the_way) for each in waiting],
    )


@get("/members/{member_id:int}/leave", guards=FOR_COORDINATORS, include_in_schema=False)
async def show_leave_for(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """What will happen when a member leaves, and the same for somebody who has died."""
    return await _page(request, "members/leave_for.html", member_id, Form.blank(kind=leaving.LEAVES))


@post("/members/{member_id:int}/leave", guards=FOR_COORDINATORS, include_in_schema=False)
async def ask_to_leave_for(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down that a member leaves, or has died."""
    await _what_happens(request, member_id)
    form = await forms.read(request)
    command = AskToLeave(member_id=member_id, kind=form.text("kind"))
    done = await leaving.ask_to_leave(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _page(request, "members/leave_for.html", member_id, form.refused(done))
    return redirect(request, "/members/leaving", notice="Written down.")


@post("/members/{member_id:int}/stay", guards=FOR_COORDINATORS, include_in_schema=False)
async def stay_for(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down that a member stays."""
    await _what_happens(request, member_id)
    form = await forms.read(request)
    command = Stay(member_id=member_id)
    done = await leaving.stay(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    notice = done[0].message if isinstance(done, list) else "They stay."
    return redirect(request, "/members/leaving", notice=notice)


async def _page(request: PageRequest, template: str, member_id: int, form: Form) -> Response[Any]:
    facts = await _what_happens(request, member_id)
    last_day = _last_day(request, facts.departure.erase_at) if facts.departure else facts.last_day
    return render(
        request,
        template,
        REFUSED if form.refusals else 200,
        form=form,
        facts=facts,
        last_day=last_day,
        kinds=KINDS,
    )


async def _what_happens(request: PageRequest, member_id: int) -> WhatHappens:
    """The facts about a member of this time bank; 404 for anybody else's id and for who has left."""
    timebank_id = viewer(request).actor.timebank_id
    if not 0 < member_id <= MAX_KEY:
        raise NotFoundException
    async with database(request).reading(timebank_id) as connection:
        try:
            return await leaving.what_happens(connection, timebank_id, member_id, now(request))
        except LookupError as error:
            raise NotFoundException from error


def _last_day(request: PageRequest, erase_at: datetime) -> date:
    """The last whole day before the moment, in the viewer's time zone."""
    return local(erase_at, viewer(request)).date() - timedelta(days=1)


ROUTES = [show_leave, ask_to_leave, stay, show_leaving, show_leave_for, ask_to_leave_for, stay_for]
