"""Sessions for programs: planning one or many, reading, changing, cancelling."""

from datetime import date, time
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.activities import queries, rules, service
from timebank.activities.recurrence import Repeat
from timebank.activities.rules import SessionDetails
from timebank.activities.service import CancelSession, ChangeSession, PlanSessions
from timebank.activities.shown import SessionShown
from timebank.banks import queries as banks
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "activities:read", "activities:write"
MAX_PEOPLE = 500

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=MAX_KEY)]
MAY_ARRANGE = needs_scope(WRITE, role=COORDINATOR)


class SessionFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session. Day and time are those of the time bank's wall clock; ``capacity`` null is no limit."""

    day: date
    starts_at: time
    planned_minutes: Minutes
    preparation_minutes: Minutes = 0
    travel_minutes: Minutes = 0
    room: str = ""
    capacity: Annotated[int, msgspec.Meta(ge=1, le=rules.MAX_CAPACITY)] | None = None
    who: str = ""
    papers: str = ""


class PlanBody(SessionFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One session, or many with ``repeat``: then it ends ``until`` a day or after ``count`` sessions."""

    activity_id: Id
    repeat: Repeat | None = None


class PlannedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was planned, and what was not as asked: see the fields of the page's notice."""

    session_ids: list[int]
    first_day: date
    moved: list[date]
    months_without: list[date]
    days_without: list[date]
    left_out: list[date]


class ChangeBody(SessionFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session as it shall be; ``version`` is what was read. ``following``: also all later ones of its series."""

    version: Id
    following: bool = False


class CancelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a session is cancelled: people read it. ``set_out``: members who were on their way, and are credited."""

    reason: str
    following: bool = False
    set_out: Annotated[list[Id], msgspec.Meta(max_length=MAX_PEOPLE)] = []


class ManyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions were changed or cancelled, and how many people are told."""

    sessions: int
    people_told: int


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One session. ``moved_from``: the time asked for, where the clock change leaves it out."""

    id: int
    activity_id: int
    series_id: int | None
    activity: str
    place: str
    held_on: date
    starts_at: time
    moved_from: time | None
    planned_minutes: int
    preparation_minutes: int
    travel_minutes: int
    room: str
    capacity: int | None
    who: str
    papers: str
    state: str
    cancel_reason: str
    version: int
    signed_up: int
    came: int


class SessionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions in order, cancelled ones too; at most 200."""

    sessions: list[SessionAnswer]


@get("/api/v1/sessions", tags=["activities"], guards=[needs_scope(READ)], **READING)
async def list_sessions(
    request: ApiRequest, first: FromQuery[date | None] = None, last: FromQuery[date | None] = None
) -> SessionsAnswer:
    """The sessions from a day (today, if left out) to a day (eight weeks later, if left out)."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        begin = first or today(now(request), bank.time_zone)
        end = last or date.fromordinal(min(begin.toordinal() + 56, date.max.toordinal()))
        found = await queries.between(connection, actor.timebank_id, begin, end)
    sees_all = actor.has(COORDINATOR)
    return SessionsAnswer(sessions=[session_answer(one) for one in found if one.is_listed or sees_all])


@post("/api/v1/sessions", tags=["activities"], guards=[MAY_ARRANGE], **CHANGING)
async def plan_sessions(request: ApiRequest, data: JSONBody[PlanBody]) -> Response[PlannedAnswer]:
    """Plan a session, or many at once."""
    actor, key = acting(request), idempotency_key(request)
    command = PlanSessions(
        activity_id=data.activity_id,
        day=data.day,
        starts_at=_wall_clock(data.starts_at),
        details=_details(data),
        repeat=data.repeat,
    )
    try:
        done = await service.plan_sessions(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such activity.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(msgspec.convert(done, PlannedAnswer, from_attributes=True), status_code=201)


@get("/api/v1/sessions/{session_id:int}", tags=["activities"], guards=[needs_scope(READ)], **READING)
async def read_session(request: ApiRequest, session_id: FromPath[int]) -> SessionAnswer:
    """One session."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.session(connection, actor.timebank_id, session_id)
    if found is None or not (found.is_listed or actor.has(COORDINATOR)):
        raise NotFoundException("There is no such session.")
    return session_answer(found)


@post("/api/v1/sessions/{session_id:int}", tags=["activities"], guards=[MAY_ARRANGE], status_code=200, **CHANGING)
async def change_session(
    request: ApiRequest, session_id: FromPath[int], data: JSONBody[ChangeBody]
) -> Response[ManyAnswer]:
    """Change a session, or all that follow; who signed up is told of another day, time, length or room."""
    actor, key = acting(request), idempotency_key(request)
    command = ChangeSession(
        session_id=_id(session_id),
        version=data.version,
        day=data.day,
        starts_at=_wall_clock(data.starts_at),
        details=_details(data),
        following=data.following,
    )
    try:
        done = await service.change_session(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such session.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(ManyAnswer(sessions=done.sessions, people_told=done.people_told), status_code=200)


@post(
    "/api/v1/sessions/{session_id:int}/cancel", tags=["activities"], guards=[MAY_ARRANGE], status_code=200, **CHANGING
)
async def cancel_session(
    request: ApiRequest, session_id: FromPath[int], data: JSONBody[CancelBody]
) -> Response[ManyAnswer]:
    """Cancel a session, or all that follow; who signed up is told why."""
    actor, key = acting(request), idempotency_key(request)
    command = CancelSession(
        session_id=_id(session_id), reason=data.reason, following=data.following, set_out=tuple(data.set_out)
    )
    try:
        done = await service.cancel_session(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such session.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(ManyAnswer(sessions=done.sessions, people_told=done.people_told), status_code=200)


def session_answer(found: SessionShown) -> SessionAnswer:
    """A session as programs see it."""
    return msgspec.convert(found, SessionAnswer, from_attributes=True)


def _id(given: int) -> int:
    if not 0 < given <= MAX_KEY:
        raise NotFoundException("There is no such session.")
    return given


def _wall_clock(given: time) -> time:
    """Without a zone and without seconds: what a wall clock and a plan show."""
    return given.replace(second=0, microsecond=0, tzinfo=None)


def _details(data: SessionFields) -> SessionDetails:
    return SessionDetails(**{name: getattr(data, name) for name in SessionDetails.__struct_fields__})


ROUTES: list[Any] = [list_sessions, plan_sessions, read_session, change_session, cancel_session]
