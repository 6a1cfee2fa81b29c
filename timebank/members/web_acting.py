"""Pages for acting for a member: why and how agreed, then the member's own pages under a banner."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from timebank.identity.acting import end_acting
from timebank.identity.sessions import session_token
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import acting, queries, supporters
from timebank.members.acting import ActFor, Acting
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]
AnyConnection = ASGIConnection[Any, Any, Any, Any]

CHOICES = [("in_person", "In person"), ("phone", "By phone"), ("letter", "By letter")]


@get("/members/{member_id:int}/act", guards=[requires_role(COORDINATOR)], include_in_schema=False)
async def act_page(request: PageRequest, member_id: FromPath[int]) -> Response[str]:
    """Ask what they want done and how they agreed."""
    return await _page(request, member_id, BLANK)


@post("/members/{member_id:int}/act", guards=[requires_role(COORDINATOR)], include_in_schema=False)
async def act(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Begin; leads to the member's first page under a banner."""
    form = await forms.read(request)
    how_agreed = form.text("how_agreed") if form.text("how_agreed") in dict(CHOICES) else ""
    command = ActFor(member_id=member_id, reason=form.text("reason"), how_agreed=how_agreed)
    begun = await _begin(request, form, command)
    if isinstance(begun, list):
        return await _page(request, member_id, form.refused(begun))
    return redirect(request, "/")


@get("/supporting", guards=[signed_in], include_in_schema=False)
async def supporting(request: PageRequest) -> Response[str]:
    """Whom I support, and what I may do for each."""
    return await _supporting_page(request, BLANK)


@post("/supporting/{member_id:int}", guards=[signed_in], include_in_schema=False)
async def support(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Begin to act for somebody I support; leads to their first page under a banner."""
    form = await forms.read(request)
    command = ActFor(member_id=member_id, reason=form.text(f"reason-{member_id}"), how_agreed=acting.STANDING)
    begun = await _begin(request, form, command)
    if isinstance(begun, list):
        async with database(request).reading(viewer(request).actor.timebank_id) as connection:
            if await queries.by_id(connection, viewer(request).actor.timebank_id, member_id) is None:
                raise NotFoundException
        placed = [replace(one, field=f"reason-{member_id}" if one.field else None) for one in begun]
        return await _supporting_page(request, form.refused(placed))
    return redirect(request, "/")


async def _begin(request: PageRequest, form: Form, command: ActFor) -> Acting | list[Refusal]:
    """Let this browser act for the member; 404 for anybody who is no member of this time bank."""
    try:
        return await acting.act_for(
            database(request),
            viewer(request).actor,
            command,
            token=session_token(request),
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error


async def _supporting_page(request: PageRequest, form: Form) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        agreed = await supporters.supported_by(connection, timebank_id, person.member_id or 0)
    day = today(now(request), person.time_zone)
    return render(
        request,
        "members/supporting.html",
        422 if form.refusals else 200,
        form=form,
        agreed=agreed,
        today=day,
        max_reason=acting.MAX_REASON,
    )


NEVER = "never"
"""A scope that no agreement has: only the member, or a coordinator for them."""

# What a supporter's agreement opens, by the beginning of the address; reading and changing are told apart.
SCOPE_OF = (
    ("/acting/stop", None, None),
    ("/sign-out", None, None),
    ("/static", None, None),
    ("/tell", None, None),  # for everybody, whoever they act for
    ("/check", None, None),
    ("/hours", supporters.SEE_HOURS, supporters.SEE_HOURS),
    ("/me/fees", NEVER, NEVER),
    ("/statement", supporters.SEE_HOURS, NEVER),
    ("/print", supporters.SEE_HOURS, NEVER),
    ("/gifts/ask", supporters.SEE_HOURS, supporters.BOOK),
    ("/gifts", supporters.SEE_HOURS, NEVER),
    ("/offers", supporters.SEE_HOURS, supporters.BOOK),
    ("/bookings", supporters.SEE_HOURS, supporters.BOOK),
    ("/waiting", supporters.SEE_HOURS, supporters.BOOK),
    ("/share", supporters.BOOK, supporters.BOOK),
    ("/whats-on", supporters.SEE_HOURS, supporters.BOOK),
    ("/in", supporters.LOG_TIME, supporters.LOG_TIME),
    ("/log", supporters.LOG_TIME, supporters.LOG_TIME),
    ("/messages", supporters.MESSAGES, supporters.MESSAGES),
    ("/me/claims", NEVER, NEVER),  # money: until members can agree to that by itself
)


def within_scope(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard of the whole application: a supporter reaches what the member agreed to, and nothing else of theirs.

    Raises:
        PermissionDeniedException: the agreement does not cover this address.
    """
    acting_for = viewer(connection).acting_for
    if acting_for is None or acting_for.scope is None:
        return
    path, is_reading = connection.url.path, connection.scope.get("method") in ("GET", "HEAD")
    if path == "/":
        return
    for prefix, to_read, to_change in SCOPE_OF:
        if path == prefix or path.startswith(f"{prefix}/"):
            needed = to_read if is_reading else to_change
            if needed is None or needed in acting_for.scope:
                return
    raise PermissionDeniedException


@post("/acting/stop", guards=[signed_in], include_in_schema=False)
async def stop(request: PageRequest) -> Response[Any]:
    """Stop acting for somebody; leads back to their record, or home."""
    person = viewer(request)
    if person.acting_for is None:
        return redirect(request, "/")
    await end_acting(database(request), person.actor, now=now(request))
    is_staff = person.acting_for.scope is None
    back = f"/members/{person.acting_for.member_id}" if is_staff else "/supporting"
    return redirect(request, back, notice=say("You are back on your own pages."))


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


ROUTES = [act_page, act, supporting, support, stop]
