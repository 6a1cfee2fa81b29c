"""Another member's page: what they share, keeping apart from them, reporting; and the page while this is off."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.kit.paging import MAX_KEY
from timebank.kit.words import Words, say
from timebank.members import blocking
from timebank.peers import cards, meeting, queries, service
from timebank.peers.service import Person, TellLead
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]


async def off(request: PageRequest) -> Response[str]:
    """Say kindly that help from members has not started yet, and whom to ask."""
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        bank = await banks.by_id(connection, person.timebank_id)
    return render(request, "peers/off.html", help_contact=bank.help_contact)


@get("/share/people/{member_id:int}", guards=[signed_in], include_in_schema=False)
async def show_person(request: PageRequest, member_id: FromPath[int]) -> Response[str]:
    """What a member shares, and what to do when it does not feel right."""
    return await _page(request, member_id)


@post("/share/people/{member_id:int}/block", guards=[signed_in], status_code=200, include_in_schema=False)
async def block(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Keep apart: neither sees or asks the other any more."""
    form = await forms.read(request)
    try:
        done = await service.keep_apart(
            database(request), viewer(request).actor, Person(member_id=member_id), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page(request, member_id, form.refused(done))
    return redirect(request, "/share", notice=say("You do not see each other any more. We do not say why."))


@post("/share/people/{member_id:int}/unblock", guards=[signed_in], status_code=200, include_in_schema=False)
async def unblock(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Meet again."""
    form, actor = await forms.read(request), viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        known = await blocking.blocked_by(connection, actor.timebank_id, viewer(request).subject_id)
    if member_id not in {other for other, _ in known}:
        raise NotFoundException
    await service.let_meet(database(request), actor, Person(member_id=member_id), key=form.key, now=now(request))
    return redirect(request, "/share/mine", notice=say("You can see each other again."))


@post("/share/people/{member_id:int}/report", guards=[signed_in], status_code=200, include_in_schema=False)
async def report(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Tell those who lead on safeguarding."""
    form = await forms.read(request)
    command = TellLead(member_id=member_id, words=form.text("words"), reference=form.text("ask"))
    try:
        done = await service.report(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page(request, member_id, form.refused(done))
    notice: Words = say("Thank you for telling us. Somebody reads it within one working day.")
    return redirect(request, "/share", notice=notice)


async def _page(request: PageRequest, member_id: int, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    actor, subject_id = person.actor, person.subject_id
    async with database(request).reading(actor.timebank_id) as connection:
        if member_id == subject_id or not 0 < member_id <= MAX_KEY:
            raise NotFoundException
        offered, wished = await cards.of_person(connection, actor, member_id)
        # Nobody learns who is a member here by trying numbers.
        if not offered and not wished and not await queries.knows(connection, actor.timebank_id, subject_id, member_id):
            raise NotFoundException
        name = await meeting.name_of(connection, actor.timebank_id, member_id)
        bank = await banks.by_id(connection, actor.timebank_id)
    return render(
        request,
        "peers/person.html",
        422 if form.refusals else 200,
        form=form,
        member_id=member_id,
        name=name,
        their_offers=offered,
        their_wishes=wished,
        slug=bank.slug,
        ask=request.query_params.get("ask", "")[:20],
    )


ROUTES = [show_person, block, unblock, report]
