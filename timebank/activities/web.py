"""Pages of activities and their sessions."""

from typing import Any

from litestar import Request, Response, get, post

from timebank.activities import service
from timebank.activities.service import AddActivity
from timebank.kit import durations
from timebank.kit.actor import COORDINATOR
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

coordinators = requires_role(COORDINATOR)


@get("/groups/new", guards=[coordinators])
async def new_group_page(request: PageRequest) -> Response[str]:
    """The form for a new group."""
    return render(request, "activities/new_group.html", form=Form.blank(default_minutes="1 hour 30 minutes"))


@post("/groups/new", guards=[coordinators], status_code=303)
async def add_group(request: PageRequest) -> Response[Any]:
    """Add a group; leads to its first register."""
    form = await forms.read(request)
    minutes = durations.parse(form.text("default_minutes"), field="default_minutes")
    if isinstance(minutes, Refusal):
        return render(request, "activities/new_group.html", 422, form=form.refused([minutes]))
    command = AddActivity(name=form.text("name"), place=form.text("place"), default_minutes=minutes)
    added = await service.add_activity(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )
    if isinstance(added, list):
        return render(request, "activities/new_group.html", 422, form=form.refused(added))
    return redirect(request, f"/groups/{added}/register", notice="The group is added. Log its first session here.")


ROUTES: list[Any] = [new_group_page, add_group]
