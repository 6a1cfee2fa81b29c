"""Pages for acting for a member: why and how agreed, then the member's own pages under a banner."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.identity.acting import end_acting
from timebank.identity.sessions import session_token
from timebank.kit.actor import COORDINATOR
from timebank.members import acting, queries
from timebank.members.acting import ActFor
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]

CHOICES = [("in_person", "In person"), ("phone", "By phone"), ("letter", "By letter")]


@get("/members/{member_id:int}/act", guards=[requires_role(COORDINATOR)], include_in_schema=False)
async def act_page(request: PageRequest, member_id: FromPath[int]) -> Response[str]:
    """Ask what they want done and how they agreed."""
    return await _page(request, member_id, BLANK)


@post("/members/{member_id:int}/act", guards=[requires_role(COORDINATOR)], include_in_schema=False)
async def act(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Begin; leads to the member's first page under a banner."""
    form = await forms.read(request)
    command = ActFor(member_id=member_id, reason=form.text("reason"), how_agreed=form.text("how_agreed"))
    try:
        begun = await acting.act_for(
            database(request),
            viewer(request).actor,
            command,
            token=session_token(request),
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(begun, list):
        return await _page(request, member_id, form.refused(begun))
    return redirect(request, "/")


@post("/acting/stop", guards=[signed_in], include_in_schema=False)
async def stop(request: PageRequest) -> Response[Any]:
    """Stop acting for somebody; leads back to their record, or home."""
    person = viewer(request)
    if person.acting_for is None:
        return redirect(request, "/")
    await end_acting(database(request), person.actor, now=now(request))
    back = f"/members/{person.acting_for.member_id}" if COORDINATOR in person.roles else "/"
    return redirect(request, back, notice="You are back on your own pages.")


async def _page(request: PageRequest, member_id: int, form: Form) -> Response[str]:
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        member = await queries.by_id(connection, person.timebank_id, member_id)
    if member is None or member.status == "left" or member.id == person.member_id:
        raise NotFoundException
    return render(
        request,
        "members/act_for.html",
        422 if form.refusals else 200,
        form=form,
        member=member,
        choices=CHOICES,
        max_reason=acting.MAX_REASON,
    )


ROUTES = [act_page, act, stop]
