"""Hours brought forward as a page: what somebody had before, with the evidence, for a second person to approve."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post

from timebank.contributions import brought_forward, register_people, rules
from timebank.contributions.brought_forward import BringForward
from timebank.contributions.choosing import Directory
from timebank.kit import dates
from timebank.kit.actor import COORDINATOR
from timebank.kit.durations import in_words
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

coordinators = requires_role(COORDINATOR)

FIELDS = {"member_id": "who", "minutes": "hours"}
MAX_DIGITS = 6


@get("/registers/brought-forward", guards=[coordinators])
async def brought_forward_page(request: PageRequest) -> Response[str]:
    """Whose hours, how many, on which day, and where that is written."""
    return await _page(request, BLANK)


@post("/registers/brought-forward", guards=[coordinators], status_code=303)
async def bring_forward(request: PageRequest) -> Response[Any]:
    """Enter the hours; they wait for a second person."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        directory = await register_people.directory(
            connection, actor.timebank_id, only_first_names=False, typed=[form.text("who")]
        )
    member_id, options, refusals = _member(form, directory)
    minutes = _minutes(form)
    as_of = dates.parse(form.text("as_of"), field="as_of")
    refusals += [one for one in (minutes, as_of) if isinstance(one, Refusal)]
    if refusals or isinstance(minutes, Refusal) or isinstance(as_of, Refusal):
        return await _page(request, form.refused(refusals), options)
    command = BringForward(
        member_id=member_id,
        minutes=minutes,
        as_of=as_of,
        evidence=form.text("evidence"),
        what=form.text("what"),
        duplicate_reason=form.text("duplicate_reason"),
    )
    done = await brought_forward.bring_forward(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        placed = [replace(one, field=FIELDS.get(one.field or "", one.field)) for one in done]
        return await _page(request, form.refused(placed), options)
    notice = f"{in_words(minutes)} entered for {directory.shown[member_id]}. A second person approves them."
    return redirect(request, f"/registers/{done.reference}", notice=notice)


def _member(form: Form, directory: Directory) -> tuple[int, tuple[int, ...], list[Refusal]]:
    """The member, or what to ask and the members that the name may mean."""
    who = form.text("who")
    (found,) = directory.find([who])
    options = tuple(option.id for option in found.options)
    if form.text("pick") in map(str, options):
        return int(form.text("pick")), options, []
    if found.member:
        return found.member.id, options, []
    if not who:
        return 0, (), [Refusal("name_missing", "Type the name of the member.", "who")]
    message = f"Choose who {shown(who)} is." if options else f"We do not know {shown(who)}. Check the name."
    return 0, options, [Refusal("unknown_member", message, "pick" if options else "who")]


def _minutes(form: Form) -> int | Refusal:
    """Whole hours and minutes, each in its own field; there is no clock that shows 120 hours."""
    parts = []
    for field, what in (("hours", "hours"), ("minutes", "minutes")):
        typed = plain(form.text(field)) or "0"
        if not typed.isdecimal() or len(typed) > MAX_DIGITS:
            return Refusal("not_whole", f"Enter the {what} as a whole number, such as 12.", field)
        parts.append(int(typed))
    hours, minutes = parts
    if minutes > 59:
        return Refusal("minutes_too_many", "Enter minutes from 0 to 59, and the rest as hours.", "minutes")
    if not hours and not minutes:
        return Refusal("minutes_zero", "Enter how many hours they had.", "hours")
    return hours * 60 + minutes


async def _page(request: PageRequest, form: Form, options: tuple[int, ...] = ()) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        directory = await register_people.directory(connection, timebank_id, only_first_names=False, ids=options)
    return render(
        request,
        "contributions/brought_forward.html",
        422 if form.refusals else 200,
        form=form,
        choices=register_people.choices(directory, ()),
        options=[("", "Choose"), *((one, directory.labels[one]) for one in options)] if options else [],
        is_again=any(one.code == "duplicate" for one in form.refusals) or form.has("duplicate_reason"),
        max_evidence=rules.MAX_EVIDENCE,
        max_what=rules.MAX_WHAT,
    )


ROUTES: list[Any] = [brought_forward_page, bring_forward]
