"""A member's own choices: what happens to their hours, a pause, who looked at their record, a copy of everything.

A coordinator or supporter who acts for a member uses the same pages.
"""

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from timebank.kit.paging import DEFAULT_PAGE_SIZE, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import access, blocking, pausing, queries, standing
from timebank.members.download import Download, download
from timebank.members.pausing import AskPause, ComeBack
from timebank.members.standing import Choose
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422
MINE = [signed_in]
DONE = {
    standing.HOURS: say("You keep the hours you earn."),
    standing.POT: say("The hours you earn go to the community pot."),
    standing.MEMBER: say("The hours you earn go to the person you chose."),
    standing.NOTHING: say("You take no hours. Your time is still counted."),
}


def subject(request: PageRequest) -> tuple[int, int]:
    """The time bank and the member whose pages these are: the viewer, or whom they act for."""
    actor = viewer(request).actor
    if actor.subject_id is None:
        raise NotFoundException
    return actor.timebank_id, actor.subject_id


@get("/me/hours-choice", guards=MINE, include_in_schema=False)
async def hours_choice(request: PageRequest) -> Response[Any]:
    """What happens to the hours I earn."""
    timebank_id, member_id = subject(request)
    async with database(request).reading(timebank_id) as connection:
        chosen = await standing.choice_of(connection, timebank_id, member_id)
        known = await queries.names(connection, timebank_id, [chosen.to_member_id or 0])
    form = Form.blank(choice=chosen.choice, to=known.get(chosen.to_member_id or 0, ""))
    return _choice_page(request, form)


@post("/me/hours-choice", guards=MINE, include_in_schema=False)
async def choose_hours(request: PageRequest) -> Response[Any]:
    """Change it; what was earned before stays where it is."""
    timebank_id, member_id = subject(request)
    form = await forms.read(request)
    choice, to = form.text("choice"), None
    if choice == standing.MEMBER:
        async with database(request).reading(timebank_id) as connection:
            apart = await blocking.around(connection, timebank_id, member_id)
            found = await standing.find_receiver(connection, timebank_id, form.text("to"), apart=apart)
        if isinstance(found, Refusal):
            return _choice_page(request, form.refused([found]))
        to = found
    command = Choose(member_id=member_id, choice=choice, to_member_id=to)
    done = await standing.choose(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        # The page asks for a name where the command has an id.
        fields = [Refusal(r.code, r.message, "to" if r.field == "to_member_id" else r.field) for r in done]
        return _choice_page(request, form.refused(fields))
    return redirect(request, "/me", notice=DONE[done.choice])


@get("/me/pause", guards=MINE, include_in_schema=False)
async def show_pause(request: PageRequest) -> Response[Any]:
    """Ask for a pause, or see the one that is."""
    return await _pause_page(request, Form.blank())


@post("/me/pause", guards=MINE, include_in_schema=False)
async def ask_pause(request: PageRequest) -> Response[Any]:
    """Pause from now on."""
    _, member_id = subject(request)
    form = await forms.read(request)
    until = _until(form)
    if isinstance(until, Refusal):
        return await _pause_page(request, form.refused([until]))
    command = AskPause(member_id=member_id, until_on=until)
    done = await pausing.pause(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _pause_page(request, form.refused(done))
    return redirect(request, "/me/pause", notice=say("You are paused. Your hours stay."))


@post("/me/come-back", guards=MINE, include_in_schema=False)
async def come_back(request: PageRequest) -> Response[Any]:
    """End the pause."""
    _, member_id = subject(request)
    form = await forms.read(request)
    command = ComeBack(member_id=member_id)
    done = await pausing.come_back(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return redirect(request, "/me/pause", notice=done[0].message)
    return redirect(request, "/me", notice=say("Welcome back. You can book again."))


@get("/me/looks", guards=MINE, include_in_schema=False)
async def show_looks(request: PageRequest, before: FromQuery[str | None] = None) -> Response[Any]:
    """Who looked at my record, when, and what they did."""
    timebank_id, member_id = subject(request)
    keys = parse_cursor(before) if before else (None,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    async with database(request).reading(timebank_id) as connection:
        page = await access.looks(connection, timebank_id, member_id, before=keys[0], limit=DEFAULT_PAGE_SIZE)
    return render(
        request,
        "members/looks.html",
        looks=page.items,
        older=f"/me/looks?before={page.next_cursor}" if page.next_cursor else None,
        newer="/me/looks" if before else None,
    )


@get("/me/download", guards=MINE, include_in_schema=False)
async def show_download(request: PageRequest) -> Response[Any]:
    """What is in the file, before it is made."""
    return render(request, "members/download.html")


@post("/me/download", guards=MINE, include_in_schema=False)
async def get_download(request: PageRequest) -> Response[Any]:
    """The file. It is an answer to a form, so that no link, no reader ahead and no history holds everything."""
    _, member_id = subject(request)
    made = await download(database(request), viewer(request).actor, member_id, now=now(request))
    if not isinstance(made, Download):
        return redirect(request, "/me/download", notice=made[0].message)
    return as_file(made)


def as_file(made: Download) -> Response[bytes]:
    """The zip as a download that no cache keeps."""
    return Response(
        made.content,
        status_code=200,
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{made.file_name}"',
            "Cache-Control": "no-store",
        },
    )


def _until(form: Form) -> date | Refusal | None:
    """The day typed, or None when the question was left empty."""
    is_typed = any(form.text(f"until_on-{part}") for part in ("day", "month", "year"))
    return form.date("until_on") if is_typed else None


def _choice_page(request: PageRequest, form: Form) -> Response[Any]:
    return render(request, "members/hours_choice.html", REFUSED if form.refusals else 200, form=form)


async def _pause_page(request: PageRequest, form: Form) -> Response[Any]:
    timebank_id, member_id = subject(request)
    async with database(request).reading(timebank_id) as connection:
        there = await pausing.status_of(connection, timebank_id, member_id)
    return render(request, "members/pause.html", REFUSED if form.refusals else 200, form=form, there=there)


ROUTES = [
    hours_choice, choose_hours, show_pause, ask_pause, come_back, show_looks, show_download, get_download,
]  # fmt: skip
