"""Pages of activities: what coordinators call groups. Their sessions, papers and check-in are in the modules beside."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.activities import forms as activity_forms
from timebank.activities import queries, service, web_paper, web_photos, web_sessions, web_taking_part
from timebank.activities.service import AddActivity, AddLeader, ArchiveActivity, ChangeActivity, EndLeader
from timebank.activities.web_parts import coordinates, coordinators, the_activity, today
from timebank.budgets import choosing
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

SESSIONS_ON_PAGE = 12


@get("/groups/all", guards=[coordinators])
async def activities_page(request: PageRequest) -> Response[str]:
    """Every group with its next session; or those that were put away."""
    archived = request.query_params.get("archived") == "yes"
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.activities(connection, timebank_id, archived=archived)
        upcoming = await queries.next_of_each(connection, timebank_id, [one.id for one in found], today(request))
    return render(
        request, "activities/activities.html", activities=found, upcoming=upcoming, archived=archived, place="/groups"
    )


@get("/groups/new", guards=[coordinators])
async def new_group_page(request: PageRequest) -> Response[str]:
    """The form for a new group."""
    return await _form_page(request, activity_forms.activity_form(None))


@post("/groups/new", guards=[coordinators], status_code=303)
async def add_group(request: PageRequest) -> Response[Any]:
    """Add a group; leads to its first register."""
    form = await forms.read(request)
    details = activity_forms.read_activity(form)
    if isinstance(details, list):
        return await _form_page(request, form.refused(details))
    added = await service.add_activity(
        database(request), viewer(request).actor, AddActivity(**details), key=form.key, now=now(request)
    )
    if isinstance(added, list):
        return await _form_page(request, form.refused(added))
    return redirect(request, f"/groups/{added}/register", notice="The group is added. Log its first session here.")


@get("/groups/{group_id:int}", guards=[signed_in])
async def activity_page(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """One group: what it is, its next sessions, who leads it, what can be printed."""
    return await _activity_page(request, group_id)


@get("/groups/{group_id:int}/edit", guards=[coordinators])
async def edit_group_page(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """The form of a group, filled in."""
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        activity = await the_activity(request, connection, group_id)
    return await _form_page(request, activity_forms.activity_form(activity), group_id)


@post("/groups/{group_id:int}/edit", guards=[coordinators], status_code=303)
async def change_group(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Change a group."""
    form = await forms.read(request)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        await the_activity(request, connection, group_id)
    details = activity_forms.read_activity(form)
    if isinstance(details, list):
        return await _form_page(request, form.refused(details), group_id)
    command = ChangeActivity(activity_id=group_id, **details)
    changed = await service.change_activity(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )
    if isinstance(changed, list):
        return await _form_page(request, form.refused(changed), group_id)
    return redirect(request, f"/groups/{group_id}", notice="The group is changed.")


@post("/groups/{group_id:int}/archive", guards=[coordinators], status_code=303)
async def archive_group(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Put a group away, or bring it back."""
    form = await forms.read(request)
    command = ArchiveActivity(activity_id=group_id, archived=not form.has("back"))
    try:
        done = await service.archive_activity(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _activity_page(request, group_id, form.refused(done))
    notice = "The group is put away. What was logged stays." if command.archived else "The group is back."
    return redirect(request, f"/groups/{group_id}", notice=notice)


@post("/groups/{group_id:int}/leaders", guards=[coordinators], status_code=303)
async def add_leader(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Let a member lead a group."""
    form = await forms.read(request)
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        await the_activity(request, connection, group_id)
        member_id = await web_sessions.typed_member(connection, timebank_id, form.text("who"))
    has_until = any(form.text(f"until-{part}") for part in ("day", "month", "year"))
    until = form.date("until") if has_until else None
    if refusals := [one for one in (member_id, until) if isinstance(one, Refusal)]:
        return await _activity_page(request, group_id, form.refused(refusals))
    assert isinstance(member_id, int)
    assert not isinstance(until, Refusal)
    command = AddLeader(activity_id=group_id, member_id=member_id, from_day=today(request), until_day=until)
    try:
        done = await service.add_leader(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _activity_page(request, group_id, form.refused(done))
    return redirect(request, f"/groups/{group_id}", notice="They can lead this group from now on. We tell them.")


@post("/groups/{group_id:int}/leaders/end", guards=[coordinators], status_code=303)
async def end_leader(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Let a member lead a group no longer, at once."""
    form = await forms.read(request)
    typed = form.text("member_id")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise NotFoundException
    command = EndLeader(activity_id=group_id, member_id=int(typed), last_day=today(request) - timedelta(days=1))
    try:
        done = await service.end_leader(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _activity_page(request, group_id, form.refused(done))
    return redirect(request, f"/groups/{group_id}", notice="They do not lead this group any more.")


async def _form_page(request: PageRequest, form: Form, activity_id: int | None = None) -> Response[str]:
    """The form of a group; what it is paid from stays to choose from, whatever became of it."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        activity = None if activity_id is None else await queries.activity(connection, timebank_id, activity_id)
        fund_id, budget_id = (activity.fund_id, activity.budget_id) if activity else (None, None)
        money = {
            "funds": await choosing.funds(connection, timebank_id, kept=fund_id, none="No fund"),
            "budgets": await choosing.budgets(connection, timebank_id, person.currency, kept=budget_id),
        }
    status = 422 if form.refusals else 200
    return render(
        request,
        "activities/activity_form.html",
        status,
        form=form,
        activity_id=activity_id,
        choices=activity_forms.choices() | money,
        place="/groups",
    )


async def _activity_page(request: PageRequest, activity_id: int, form: Form = BLANK) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        activity = await the_activity(request, connection, activity_id)
        sessions = await queries.around(connection, timebank_id, activity_id, today(request), SESSIONS_ON_PAGE + 1)
        leaders = await queries.leaders(connection, timebank_id, activity_id, today(request))
        known = await members.known_members(connection, timebank_id) if coordinates(request) else []
        code = await queries.code_in_use(connection, timebank_id, activity_id)
        funds = await choosing.fund_names(connection, timebank_id) if activity.fund_id else {}
        budgets = await choosing.budget_names(connection, timebank_id) if activity.budget_id else {}
    return render(
        request,
        "activities/activity.html",
        422 if form.refusals else 200,
        form=replace(form, fields=form.fields),
        activity=activity,
        sessions=sessions[:SESSIONS_ON_PAGE],
        has_more=len(sessions) > SESSIONS_ON_PAGE,
        leaders=leaders,
        known=known[: web_sessions.MAX_SUGGESTIONS],
        code=code,
        fund=activity.fund_id and (funds.get(activity.fund_id) or choosing.earlier_fund(activity.fund_id)),
        budget=activity.budget_id and budgets.get(activity.budget_id),
        coordinates=coordinates(request),
        today=today(request),
        place="/groups",
    )


ROUTES: list[Any] = [
    activities_page,
    new_group_page,
    add_group,
    activity_page,
    edit_group_page,
    change_group,
    archive_group,
    add_leader,
    end_leader,
    *web_sessions.ROUTES,
    *web_taking_part.ROUTES,
    *web_paper.ROUTES,
    *web_photos.ROUTES,
]
