"""Signing up for sessions and checking in, for programs."""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.activities import queries, rules, service
from timebank.activities.service import CheckInHere, TakePart
from timebank.banks import queries as banks
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "activities:read", "activities:write"


class CodeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The code for the wall."""

    code: str


class CodeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code on the wall, as scanned or typed."""

    code: Annotated[str, msgspec.Meta(max_length=40)]


class PersonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom it is about: the token's member if left out."""

    member_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)] | None = None


class PartBody(PersonBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a member at a session; see the actions of ``change_part``."""

    action: Literal["check_in", "take_back", "set_out", "not_set_out"]


class PartAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is now true: signed_up, not_signed_up, checked_in, not_checked_in, set_out or not_set_out."""

    session_id: int
    member_id: int
    state: str


class CheckedInAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """They are checked in since ``at``; ``again`` when they already were."""

    session_id: int
    activity: str
    held_on: date
    starts_at: time
    at: datetime
    again: bool


class PersonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody expected at a session, or who came. A leader who is no coordinator gets first names."""

    member_id: int
    name: str
    signed_up_at: datetime | None
    checked_in_at: datetime | None
    had_set_out: bool
    came_last: bool


class PeopleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody expected at a session, and everybody who came."""

    people: list[PersonAnswer]


@post(
    "/api/v1/sessions/{session_id:int}/sign-up",
    tags=["activities"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def sign_up_for_session(
    request: ApiRequest, session_id: FromPath[int], data: JSONBody[PersonBody]
) -> Response[PartAnswer]:
    """Put a member on the list: the token's own, or anybody for a coordinator."""
    return await _part(request, service.sign_up, session_id, data.member_id)


@post(
    "/api/v1/sessions/{session_id:int}/withdraw",
    tags=["activities"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def withdraw_from_session(
    request: ApiRequest, session_id: FromPath[int], data: JSONBody[PersonBody]
) -> Response[PartAnswer]:
    """Take a member off the list."""
    return await _part(request, service.withdraw, session_id, data.member_id)


@post(
    "/api/v1/sessions/{session_id:int}/people",
    tags=["activities"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def change_part(request: ApiRequest, session_id: FromPath[int], data: JSONBody[PartBody]) -> Response[PartAnswer]:
    """For coordinators and the group's leaders: check a member in or take it back; note who had set out."""
    if data.action == "check_in":
        return await _part(request, service.check_in, session_id, data.member_id)
    if data.action == "take_back":
        return await _part(request, service.take_back_check_in, session_id, data.member_id)

    async def mark(db: Any, actor: Actor, command: TakePart, *, key: str, now: datetime) -> Any:
        return await service.mark_set_out(db, actor, command, data.action == "set_out", key=key, now=now)

    return await _part(request, mark, session_id, data.member_id)


@get("/api/v1/sessions/{session_id:int}/people", tags=["activities"], guards=[needs_scope(READ)], **READING)
async def list_people(request: ApiRequest, session_id: FromPath[int]) -> PeopleAnswer:
    """For coordinators and the group's leaders: who is expected, and who came."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        session = await queries.session(connection, actor.timebank_id, session_id)
        zone = (await banks.by_id(connection, actor.timebank_id)).time_zone
        led = await queries.led_by(connection, actor.timebank_id, actor.member_id or 0, on=today(now(request), zone))
        if session is None or rules.may_lead(actor, session.activity_id, led):
            raise NotFoundException("There is no such session that you lead.")
        found = await queries.people(connection, actor.timebank_id, session.activity_id, session.held_on, session_id)
    names = [one.display_name for one in found]
    if not actor.has(COORDINATOR):
        names = rules.first_names([(one.number, one.display_name, one.kind) for one in found])
    return PeopleAnswer(
        people=[
            PersonAnswer(
                member_id=one.member_id,
                name=name,
                signed_up_at=one.signed_up_at,
                checked_in_at=one.checked_in_at,
                had_set_out=one.had_set_out,
                came_last=one.came_last,
            )
            for one, name in zip(found, names, strict=True)
        ]
    )


@post("/api/v1/check-in", tags=["activities"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def check_in_with_code(request: ApiRequest, data: JSONBody[CodeBody]) -> Response[CheckedInAnswer]:
    """Check the token's member in with the code on the wall; works only around the time of a session."""
    command = CheckInHere(code=data.code)
    key = idempotency_key(request)
    done = await service.check_in_here(database(request), acting(request), command, key=key, now=now(request))
    if isinstance(done, list):
        return refused(done)
    return Response(msgspec.convert(done, CheckedInAnswer, from_attributes=True), status_code=200)


async def _part(request: ApiRequest, use_case: Any, session_id: int, member_id: int | None) -> Response[PartAnswer]:
    actor, key = acting(request), idempotency_key(request)
    about = actor.member_id if member_id is None else member_id
    if about is None:
        return refused([Refusal("member_missing", "Say whom it is about.", "member_id")])
    if not 0 < session_id <= MAX_KEY:
        raise NotFoundException("There is no such session.")
    command = TakePart(session_id=session_id, member_id=about)
    try:
        done = await use_case(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such session.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(msgspec.convert(done, PartAnswer, from_attributes=True), status_code=200)


ROUTES: list[Any] = [
    sign_up_for_session,
    withdraw_from_session,
    change_part,
    list_people,
    check_in_with_code,
]
