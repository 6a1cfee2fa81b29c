"""Choices, pauses, leaving, copies and checks, for programs: the same use cases as the pages."""

from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.paging import MAX_KEY
from timebank.kit.words import mark
from timebank.members import checks, leaving, pausing, safeguarding, standing
from timebank.members.access import note_access
from timebank.members.download import Download, download
from timebank.members.web_mine import as_file
from timebank.web.api import CHANGING, READING, ApiProblem, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "members:read"
WRITE = "members:write"


class HoursChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to the hours a member earns: ``hours``, ``pot``, ``member`` (see ``to_member_id``), ``nothing``."""

    choice: str
    to_member_id: int | None = None


class PauseAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``until_on`` is the day the member is back; null until they say so."""

    until_on: date | None = None


class MemberStatus(msgspec.Struct, frozen=True, kw_only=True):
    """``status`` is ``active`` or ``paused``; ``why`` is ``asked``, ``consent`` or ``leaving`` while paused."""

    status: str
    why: str
    until_on: date | None


class LeavingAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``kind`` is ``leaves``, or ``died`` (only by a coordinator)."""

    kind: str = leaving.LEAVES


class LeavingNow(msgspec.Struct, frozen=True, kw_only=True):
    """The member leaves at ``erase_at`` unless they stay."""

    member_id: int
    kind: str
    erase_at: datetime


class CheckSeen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A check that was seen. Without ``expires_on`` it holds as long as the rules say."""

    kind: str
    issued_on: date
    number: str = ""
    expires_on: date | None = None


class CheckLine(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a member. ``is_ended``: it counts no more, whatever its days say."""

    id: int
    kind: str
    number: str
    issued_on: date
    expires_on: date
    is_ended: bool


class CheckList(msgspec.Struct, frozen=True, kw_only=True):
    """A member's checks, the newest first."""

    items: tuple[CheckLine, ...]


class CheckKept(msgspec.Struct, frozen=True, kw_only=True):
    """The check is written down."""

    id: int


@get(
    "/api/v1/members/{member_id:int}/hours-choice",
    operation_id="get_hours_choice",
    tags=["members"],
    guards=[needs_scope(READ)],
    **READING,
)
async def get_choice(request: ApiRequest, member_id: FromPath[int]) -> Response[HoursChoice]:
    """What happens to the hours that a member earns: one's own, or anybody's for a coordinator."""
    actor = acting(request)
    _require_subject(request, member_id)
    async with database(request).reading(actor.timebank_id) as connection:
        try:
            chosen = await standing.choice_of(connection, actor.timebank_id, member_id)
        except LookupError as error:
            raise NotFoundException from error
    return Response(HoursChoice(choice=chosen.choice, to_member_id=chosen.to_member_id))


@post(
    "/api/v1/members/{member_id:int}/hours-choice",
    operation_id="set_hours_choice",
    tags=["members"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def set_choice(
    request: ApiRequest, member_id: FromPath[int], data: JSONBody[HoursChoice]
) -> Response[HoursChoice]:
    """Change it. Hours that are there already do not move."""
    command = standing.Choose(member_id=_key(member_id), choice=data.choice, to_member_id=data.to_member_id)
    done = await standing.choose(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    if isinstance(done, list):
        return refused(done)
    return Response(HoursChoice(choice=done.choice, to_member_id=done.to_member_id))


@post(
    "/api/v1/members/{member_id:int}/pause",
    operation_id="pause_member",
    tags=["members"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def pause_member(
    request: ApiRequest, member_id: FromPath[int], data: JSONBody[PauseAsked]
) -> Response[MemberStatus]:
    """Pause: no new bookings and no news; the hours stay."""
    command = pausing.AskPause(member_id=_key(member_id), until_on=data.until_on)
    done = await pausing.pause(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    return refused(done) if isinstance(done, list) else Response(_status(done))


@post(
    "/api/v1/members/{member_id:int}/come-back",
    operation_id="end_pause",
    tags=["members"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def end_pause(request: ApiRequest, member_id: FromPath[int], data: JSONBody[Nothing]) -> Response[MemberStatus]:
    """End a pause that was asked for."""
    del data
    command = pausing.ComeBack(member_id=_key(member_id))
    done = await pausing.come_back(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    return refused(done) if isinstance(done, list) else Response(_status(done))


@post(
    "/api/v1/members/{member_id:int}/leave",
    operation_id="ask_to_leave",
    tags=["members"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def leave(request: ApiRequest, member_id: FromPath[int], data: JSONBody[LeavingAsked]) -> Response[LeavingNow]:
    """Say that a member leaves. Until ``erase_at`` it can be taken back; then what is held about them is deleted."""
    command = leaving.AskToLeave(member_id=_key(member_id), kind=data.kind)
    done = await leaving.ask_to_leave(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    if isinstance(done, list):
        return refused(done)
    return Response(LeavingNow(member_id=done.member_id, kind=done.kind, erase_at=done.erase_at))


@post(
    "/api/v1/members/{member_id:int}/stay",
    operation_id="stay",
    tags=["members"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def stay(request: ApiRequest, member_id: FromPath[int], data: JSONBody[Nothing]) -> Response[MemberStatus]:
    """Take the wish to leave back."""
    del data
    done = await leaving.stay(
        database(request),
        acting(request),
        leaving.Stay(member_id=_key(member_id)),
        key=idempotency_key(request),
        now=now(request),
    )
    if isinstance(done, list):
        return refused(done)
    return Response(MemberStatus(status=done.status, why="", until_on=None))


@get(
    "/api/v1/members/{member_id:int}/download",
    operation_id="download_member",
    media_type="application/zip",
    tags=["members"],
    guards=[needs_scope(READ)],
    **READING,
)
async def get_everything(request: ApiRequest, member_id: FromPath[int]) -> Response[Any]:
    """Everything held about a member, as a zip. A coordinator's download is noted in the member's access log."""
    made = await download(database(request), acting(request), _key(member_id), now=now(request))
    if isinstance(made, Download):
        return as_file(made)
    if made[0].code == "unknown_member":
        raise NotFoundException
    return refused(made)


@get(
    "/api/v1/members/{member_id:int}/checks",
    operation_id="list_checks",
    tags=["members"],
    guards=[needs_scope(READ)],
    **READING,
)
async def list_checks(request: ApiRequest, member_id: FromPath[int]) -> Response[CheckList]:
    """A member's checks, for the safeguarding lead and the deputies. The look is noted in the member's access log."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        if not await safeguarding.may_see(connection, actor):
            raise ApiProblem(403, "role_missing", "Only the safeguarding lead and deputies may see this.")
        known = await pausing.status_or_none(connection, actor.timebank_id, _key(member_id))
        if known is None or known.status == "left":
            raise NotFoundException
        found = await checks.checks_of(connection, actor.timebank_id, member_id)
    await note_access(database(request), actor, member_id, mark("looked at your checks"), now=now(request))
    lines = tuple(msgspec.convert(msgspec.structs.asdict(check), CheckLine) for check in found)
    return Response(CheckList(items=lines))


@post(
    "/api/v1/members/{member_id:int}/checks",
    operation_id="add_check",
    tags=["members"],
    guards=[needs_scope(WRITE)],
    **CHANGING,
)
async def add_check(request: ApiRequest, member_id: FromPath[int], data: JSONBody[CheckSeen]) -> Response[CheckKept]:
    """Write down a check that was seen. For the safeguarding lead and the deputies."""
    command = checks.AddCheck(
        member_id=_key(member_id),
        kind=data.kind,
        number=data.number,
        issued_on=data.issued_on,
        expires_on=data.expires_on,
    )
    done = await checks.add_check(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    return refused(done) if isinstance(done, list) else Response(CheckKept(id=done.id), status_code=201)


def _require_subject(request: ApiRequest, member_id: int) -> None:
    if not 0 < member_id <= MAX_KEY:
        raise NotFoundException
    if pausing.check_subject(acting(request), member_id):
        raise ApiProblem(403, "role_missing", "A token sees its own member only, unless that member coordinates.")


def _key(member_id: int) -> int:
    """An id that the database can hold; no member has the one that stands for all others."""
    return member_id if 0 < member_id <= MAX_KEY else MAX_KEY


def _status(there: pausing.Status) -> MemberStatus:
    return MemberStatus(status=there.status, why=there.why, until_on=there.until_on)


ROUTES = [
    get_choice, set_choice, pause_member, end_pause, leave, stay, get_everything, list_checks, add_check,
]  # fmt: skip
