"""Time that members log for themselves, for programs that act for one of them."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.contributions import photos, self_log, self_log_queries
from timebank.contributions.rules import MAX_DUPLICATE_REASON
from timebank.contributions.self_log import LogTime, Withdraw, Withdrawn
from timebank.contributions.self_log_queries import LoggedTime
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY, page_of, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "hours:read", "hours:write"

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Whole = Annotated[int, msgspec.Meta(ge=-MAX_KEY, le=MAX_KEY)]


class NewTime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Time that the token's member gave, in whole minutes. ``activity_id`` null is something else.

    ``photo``: the bytes of a JPEG, PNG, WebP or AVIF in base64; it is kept smaller and without location.
    ``duplicate_reason`` says why the same time is there a second time, when it is.
    """

    held_on: date
    minutes: Whole
    activity_id: Id | None = None
    words: Annotated[str, msgspec.Meta(max_length=self_log.MAX_WORDS)] = ""
    photo: bytes = b""
    duplicate_reason: Annotated[str, msgspec.Meta(max_length=MAX_DUPLICATE_REASON)] = ""


class OwnTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time that the member logged. ``state`` is submitted (waits), approved, declined, undone or removed.

    ``reason`` says why it was not added.
    """

    id: int
    state: str
    activity: str
    activity_id: int | None
    held_on: date
    minutes: int
    words: str
    has_photo: bool
    flagged: str
    recorded_at: datetime
    decided_at: datetime | None
    reason: str
    query_state: str


class OwnTimePage(msgspec.Struct, frozen=True, kw_only=True):
    """What the member logged, newest first. ``next_cursor`` asks for the next page; null at the end."""

    items: tuple[OwnTime, ...]
    next_cursor: str | None


@post("/api/v1/time", tags=["hours"], operation_id="log_time", guards=[needs_scope(WRITE)], **CHANGING)
async def log_time(request: ApiRequest, data: JSONBody[NewTime]) -> Response[OwnTime]:
    """Log time for the token's member. What the rules do not add at once waits for a second person."""
    actor, key = acting(request), idempotency_key(request)
    photo_id = None
    if data.photo:
        remade = await photos.remake(data.photo)
        if isinstance(remade, Refusal):
            return refused([remade])
        photo_id = await photos.keep(database(request), actor, remade, now=now(request))
    command = LogTime(
        activity_id=data.activity_id,
        held_on=data.held_on,
        minutes=data.minutes,
        words=data.words,
        photo_id=photo_id,
        duplicate_reason=data.duplicate_reason,
    )
    logged = await self_log.log_time(database(request), actor, command, key=key, now=now(request))
    if isinstance(logged, list):
        return refused(logged)
    return Response(
        await _one(request, actor, logged.contribution_id),
        status_code=201,
        headers={"Location": f"/api/v1/time/{logged.contribution_id}"},
    )


@get("/api/v1/time", tags=["hours"], operation_id="list_own_time", guards=[needs_scope(READ)], **READING)
async def list_time(
    request: ApiRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[str | None] = None
) -> Response[OwnTimePage]:
    """What the token's member logged, newest first."""
    actor = acting(request)
    size, before = page_size(limit), parse_cursor(cursor) if cursor else (None,)
    if isinstance(size, Refusal) or isinstance(before, Refusal):
        return refused([found for found in (size, before) if isinstance(found, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        found = await self_log_queries.mine(
            connection, actor.timebank_id, actor.subject_id or 0, before=before[0], limit=size + 1
        )
    page = page_of(found, size, lambda one: (one.id,))
    return Response(OwnTimePage(items=tuple(_shown(one) for one in page.items), next_cursor=page.next_cursor))


@get("/api/v1/time/{id_:int}", tags=["hours"], operation_id="get_own_time", guards=[needs_scope(READ)], **READING)
async def get_time(request: ApiRequest, id_: FromPath[int]) -> OwnTime:
    """One thing that the token's member logged, and what became of it."""
    return await _one(request, acting(request), id_)


@post(
    "/api/v1/time/{id_:int}/withdraw",
    tags=["hours"],
    operation_id="withdraw_own_time",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def withdraw_time(request: ApiRequest, id_: FromPath[int], data: JSONBody[Nothing]) -> Response[Withdrawn]:
    """Take it back while nobody has decided."""
    del data
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await self_log.withdraw(
            database(request), actor, Withdraw(contribution_id=id_), key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@get(
    "/api/v1/time/{id_:int}/photo", tags=["hours"], operation_id="get_own_photo", guards=[needs_scope(READ)], **READING
)
async def get_photo(request: ApiRequest, id_: FromPath[int]) -> Response[bytes]:
    """The photo that the token's member sent with it."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await photos.of_contribution(connection, actor.timebank_id, id_)
    if found is None or found.member_id != actor.subject_id:
        raise NotFoundException
    return Response(found.content, media_type=photos.MEDIA_TYPE)


async def _one(request: ApiRequest, actor: Actor, contribution_id: int) -> OwnTime:
    async with database(request).reading(actor.timebank_id) as connection:
        found = await self_log_queries.one(connection, actor.timebank_id, actor.subject_id or 0, contribution_id)
    if found is None:
        raise NotFoundException
    return _shown(found)


def _shown(one: LoggedTime) -> OwnTime:
    return OwnTime(
        id=one.id,
        state=one.state,
        activity=one.activity,
        activity_id=one.activity_id,
        held_on=one.held_on,
        minutes=one.minutes,
        words=one.words or one.what,
        has_photo=one.photo_id is not None,
        flagged=one.flagged,
        recorded_at=one.recorded_at,
        decided_at=one.decided_at,
        reason=one.decision_reason,
        query_state=one.query_state,
    )


ROUTES: list[Any] = [log_time, list_time, get_time, withdraw_time, get_photo]
