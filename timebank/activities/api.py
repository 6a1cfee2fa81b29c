"""Activities, their leaders and sessions for programs. Signing up and checking in are in ``api_taking_part``."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.activities import api_sessions, api_taking_part, queries, service
from timebank.activities.rules import ActivityDetails
from timebank.activities.service import (
    AddActivity,
    AddLeader,
    ArchiveActivity,
    ChangeActivity,
    EndLeader,
)
from timebank.activities.shown import ActivityShown
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import MAX_KEY
from timebank.kit.pictures import remake
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "activities:read", "activities:write"
MAX_PEOPLE = 500

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=MAX_KEY)]
MAY_ARRANGE = needs_scope(WRITE, role=COORDINATOR)


class ActivityBody(ActivityDetails, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An activity as it shall be. It gives hours or a fee; ``work_kind`` says what a fee is for."""

    default_minutes: Minutes = 60
    preparation_minutes: Minutes = 0
    travel_minutes: Minutes = 0


class ActivityAnswer(ActivityBody, frozen=True, kw_only=True):
    """One activity."""

    id: int
    is_archived: bool


class ActivitiesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The activities in use, by name; at most 1,000."""

    activities: list[ActivityAnswer]


class ArchiveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put an activity away (true), or bring it back."""

    archived: bool


class LeaderBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member who leads the activity from a day, and until one (included) if there is an end."""

    member_id: Id
    from_day: date
    until_day: date | None = None


class EndLeaderBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last day on which a member leads the activity."""

    member_id: Id
    last_day: date


class LeaderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who leads the activity."""

    activity_id: int
    member_id: int


class PhotoBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A photo as base64 (JPEG, PNG, WebP or AVIF), and what it shows in words."""

    photo: bytes
    words: str


class RemovePhotoBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which photo of the activity."""

    photo_id: Id


class PhotoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A photo of the place."""

    photo_id: int


@get("/api/v1/activities", tags=["activities"], guards=[needs_scope(READ)], **READING)
async def list_activities(request: ApiRequest) -> ActivitiesAnswer:
    """The activities in use. What is for coordinators only (invited groups, money) is left out for others."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.activities(connection, actor.timebank_id)
    sees_all = actor.has(COORDINATOR)
    return ActivitiesAnswer(activities=[_activity(one, sees_all) for one in found if one.is_listed or sees_all])


@get("/api/v1/activities/{activity_id:int}", tags=["activities"], guards=[needs_scope(READ)], **READING)
async def read_activity(request: ApiRequest, activity_id: FromPath[int]) -> ActivityAnswer:
    """One activity."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.activity(connection, actor.timebank_id, activity_id)
    sees_all = actor.has(COORDINATOR)
    if found is None or not (sees_all or (found.is_listed and not found.is_archived)):
        raise NotFoundException("There is no such activity.")
    return _activity(found, sees_all)


@post("/api/v1/activities", tags=["activities"], guards=[MAY_ARRANGE], **CHANGING)
async def add_activity(request: ApiRequest, data: JSONBody[ActivityBody]) -> Response[ActivityAnswer]:
    """Add an activity."""
    actor, key = acting(request), idempotency_key(request)
    command = AddActivity(**msgspec.structs.asdict(data))
    added = await service.add_activity(database(request), actor, command, key=key, now=now(request))
    return refused(added) if isinstance(added, list) else await _activity_answer(request, added, 201)


@post("/api/v1/activities/{activity_id:int}", tags=["activities"], guards=[MAY_ARRANGE], status_code=200, **CHANGING)
async def change_activity(
    request: ApiRequest, activity_id: FromPath[int], data: JSONBody[ActivityBody]
) -> Response[ActivityAnswer]:
    """Change an activity: everything that the body says or leaves at its default."""
    actor, key = acting(request), idempotency_key(request)
    command = ChangeActivity(activity_id=_id(activity_id), **msgspec.structs.asdict(data))
    try:
        changed = await service.change_activity(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such activity.") from error
    return refused(changed) if isinstance(changed, list) else await _activity_answer(request, changed)


@post(
    "/api/v1/activities/{activity_id:int}/archive",
    tags=["activities"],
    guards=[MAY_ARRANGE],
    status_code=200,
    **CHANGING,
)
async def archive_activity(
    request: ApiRequest, activity_id: FromPath[int], data: JSONBody[ArchiveBody]
) -> Response[ActivityAnswer]:
    """Put an activity away, or bring it back."""
    actor, key = acting(request), idempotency_key(request)
    command = ArchiveActivity(activity_id=_id(activity_id), archived=data.archived)
    try:
        done = await service.archive_activity(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such activity.") from error
    return refused(done) if isinstance(done, list) else await _activity_answer(request, done)


@post("/api/v1/activities/{activity_id:int}/leaders", tags=["activities"], guards=[MAY_ARRANGE], **CHANGING)
async def add_leader(
    request: ApiRequest, activity_id: FromPath[int], data: JSONBody[LeaderBody]
) -> Response[LeaderAnswer]:
    """Let a member lead an activity."""
    actor, key = acting(request), idempotency_key(request)
    command = AddLeader(activity_id=_id(activity_id), **msgspec.structs.asdict(data))
    try:
        done = await service.add_leader(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such activity.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(LeaderAnswer(activity_id=activity_id, member_id=done), status_code=201)


@post(
    "/api/v1/activities/{activity_id:int}/leaders/end",
    tags=["activities"],
    guards=[MAY_ARRANGE],
    status_code=200,
    **CHANGING,
)
async def end_leader(
    request: ApiRequest, activity_id: FromPath[int], data: JSONBody[EndLeaderBody]
) -> Response[LeaderAnswer]:
    """Let a member lead an activity no longer after a day."""
    actor, key = acting(request), idempotency_key(request)
    command = EndLeader(activity_id=_id(activity_id), **msgspec.structs.asdict(data))
    try:
        done = await service.end_leader(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("They do not lead such an activity.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(LeaderAnswer(activity_id=activity_id, member_id=done), status_code=200)


@post("/api/v1/activities/{activity_id:int}/check-in-code", tags=["activities"], guards=[MAY_ARRANGE], **CHANGING)
async def make_code(
    request: ApiRequest, activity_id: FromPath[int], data: JSONBody[Nothing]
) -> Response[api_taking_part.CodeAnswer]:
    """Make a new code for the wall; the one before stops working."""
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await service.make_code(database(request), actor, _id(activity_id), key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such activity.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(api_taking_part.CodeAnswer(code=done), status_code=201)


@post("/api/v1/activities/{activity_id:int}/photos", tags=["activities"], guards=[MAY_ARRANGE], **CHANGING)
async def add_activity_photo(
    request: ApiRequest, activity_id: FromPath[int], data: JSONBody[PhotoBody]
) -> Response[PhotoAnswer]:
    """Add a photo of the place to the advance sheets. It is made anew: small, without location."""
    actor, key = acting(request), idempotency_key(request)
    remade = await remake(data.photo)
    if isinstance(remade, Refusal):
        return refused([remade])
    try:
        done = await service.add_photo(
            database(request), actor, _id(activity_id), remade, data.words, key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException("There is no such activity.") from error
    return refused(done) if isinstance(done, list) else Response(PhotoAnswer(photo_id=done), status_code=201)


@post(
    "/api/v1/activities/{activity_id:int}/photos/remove",
    tags=["activities"],
    guards=[MAY_ARRANGE],
    status_code=200,
    **CHANGING,
)
async def remove_activity_photo(
    request: ApiRequest, activity_id: FromPath[int], data: JSONBody[RemovePhotoBody]
) -> Response[PhotoAnswer]:
    """Remove a photo of the place for good."""
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await service.remove_photo(
            database(request), actor, _id(activity_id), data.photo_id, key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException("There is no such photo.") from error
    return refused(done) if isinstance(done, list) else Response(PhotoAnswer(photo_id=done), status_code=200)


def _activity(found: ActivityShown, sees_all: bool) -> ActivityAnswer:
    answer = msgspec.convert(found, ActivityAnswer, from_attributes=True)
    if sees_all:
        return answer
    return msgspec.structs.replace(answer, budget_code="", funder="", band="", fund_id=None, budget_id=None)


async def _activity_answer(request: ApiRequest, activity_id: int, status: int = 200) -> Response[ActivityAnswer]:
    timebank_id = acting(request).timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.activity(connection, timebank_id, activity_id)
    assert found is not None
    return Response(_activity(found, sees_all=True), status_code=status)


def _id(given: int) -> int:
    if not 0 < given <= MAX_KEY:
        raise NotFoundException("There is no such thing in this time bank.")
    return given


assert ActivityBody.__struct_fields__ == ActivityDetails.__struct_fields__

ROUTES: list[Any] = [
    list_activities,
    read_activity,
    add_activity,
    change_activity,
    archive_activity,
    add_leader,
    end_leader,
    make_code,
    add_activity_photo,
    remove_activity_photo,
    *api_sessions.ROUTES,
    *api_taking_part.ROUTES,
]
