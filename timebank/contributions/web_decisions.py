"""What waits for a second person: the queue, decided in place."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.contributions import queries, rules, service
from timebank.contributions.service import Decide
from timebank.kit import durations
from timebank.kit.actor import COORDINATOR
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

coordinators = requires_role(COORDINATOR)


@get("/decisions", guards=[coordinators])
async def decisions_page(request: PageRequest) -> Response[str]:
    """What waits for a second person, oldest first, with the reason."""
    return await _decisions_page(request)


@post("/decisions/{contribution_id:int}", guards=[coordinators], status_code=303)
async def decide(request: PageRequest, contribution_id: FromPath[int]) -> Response[Any]:
    """Approve or decline one contribution; leads back to the queue."""
    form = await forms.read(request)
    approve = form.text("decision") == "approve"
    command = Decide(contribution_id=contribution_id, approve=approve, reason=form.text(f"reason-{contribution_id}"))
    try:
        decided = await service.decide(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(decided, list):
        field = f"reason-{contribution_id}"
        placed = [replace(one, field=field) if one.field else one for one in decided]
        return await _decisions_page(request, form.refused(placed))
    words = durations.in_words(decided.minutes)
    notice = f"{words} added." if decided.state == "approved" else f"{words} not added. The reason is kept with it."
    return redirect(request, "/decisions", notice=notice)


async def _decisions_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        waiting = await queries.waiting(connection, actor.timebank_id)
    mine = {one.id: rules.may_decide(actor, member_id=one.member_id, recorded_by=one.recorded_by) for one in waiting}
    return render(
        request,
        "contributions/decisions.html",
        422 if form.refusals else 200,
        form=form,
        waiting=waiting,
        refusals=mine,
        max_reason=rules.MAX_DECISION_REASON,
    )


ROUTES: list[Any] = [decisions_page, decide]
