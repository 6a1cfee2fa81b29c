"""What waits for a second person, and deputies, for programs."""

from datetime import date, datetime, time
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.banks import queries as banks
from timebank.contributions import deputies, queue, service
from timebank.contributions.deputies import Deputy, Named, NameDeputy, WithdrawDeputy
from timebank.contributions.rules import MAX_DECISION_REASON
from timebank.contributions.service import Decide, Decided
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY, page_of, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "registers:write"

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Approve, or say why not yet; the member reads the reason."""

    approve: bool
    reason: Annotated[str, msgspec.Meta(max_length=MAX_DECISION_REASON)] = ""


class OtherEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something else for the same person and day. ``why`` is ``same``, ``overlaps`` or ``same day``."""

    id: int
    reference: str
    activity: str
    minutes: int
    state: str
    why: str


class WaitingEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Time that waits for a second person. ``flagged`` says why; ``others`` is what else is there for that day."""

    id: int
    reference: str
    source: str
    activity_id: int | None
    activity: str
    member_id: int | None
    guest_id: int | None
    held_on: date
    starts_at: time | None
    minutes: int
    kind: str
    words: str
    flagged: str
    duplicate_reason: str
    recorded_by: int
    recorded_at: datetime
    has_photo: bool
    others: tuple[OtherEntry, ...]


class WaitingPage(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, oldest first. ``next_cursor`` asks for the next page; null at the end."""

    items: tuple[WaitingEntry, ...]
    next_cursor: str | None


class Deputies(msgspec.Struct, frozen=True, kw_only=True):
    """The deputies of today and of days to come."""

    items: tuple[Deputy, ...]


class NewDeputy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who decides in the place of the token's member, on which days, both included."""

    deputy_id: Id
    starts_on: date
    ends_on: date


@get("/api/v1/decisions", tags=["registers"], operation_id="list_waiting", guards=[needs_scope(WRITE)], **READING)
async def list_waiting(
    request: ApiRequest,
    show: FromQuery[str | None] = None,
    activity_id: FromQuery[int | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[WaitingPage]:
    """What waits for a second person. ``show``: all, mine (what this member may decide), self (logged by members)."""
    actor = await _decider(request)
    size, after = page_size(limit), parse_cursor(cursor) if cursor else (None,)
    if isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused([found for found in (size, after) if isinstance(found, Refusal)])
    wanted: queue.Show = next((one for one in queue.SHOWS if one == show), "all")
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queue.waiting(
            connection, actor, show=wanted, group_id=activity_id, after=after[0], limit=size + 1
        )
    page = page_of(found, size, lambda one: (one.id,))
    return Response(WaitingPage(items=tuple(_shown(one) for one in page.items), next_cursor=page.next_cursor))


def _shown(one: queue.Waiting) -> WaitingEntry:
    others = tuple(
        OtherEntry(
            id=other.id,
            reference=other.reference,
            activity=other.activity,
            minutes=other.minutes,
            state=other.state,
            why=other.why,
        )
        for other in one.others
    )
    return WaitingEntry(
        id=one.id,
        reference=one.reference,
        source=one.source,
        activity_id=one.activity_id,
        activity=one.activity,
        member_id=one.member_id,
        guest_id=one.guest_id,
        held_on=one.held_on,
        starts_at=one.starts_at,
        minutes=one.minutes,
        kind=one.kind,
        words=one.said,
        flagged=one.flagged,
        duplicate_reason=one.duplicate_reason,
        recorded_by=one.recorded_by,
        recorded_at=one.recorded_at,
        has_photo=one.has_photo,
        others=others,
    )


@post(
    "/api/v1/decisions/{id_:int}",
    tags=["registers"],
    operation_id="decide",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def decide(request: ApiRequest, id_: FromPath[int], data: JSONBody[Decision]) -> Response[Decided]:
    """Approve or decline time that waits: never one's own, never what one recorded."""
    actor, key = await _decider(request), idempotency_key(request)
    command = Decide(contribution_id=id_, approve=data.approve, reason=data.reason)
    try:
        decided = await service.decide(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return refused(decided) if isinstance(decided, list) else Response(decided, status_code=200)


@get("/api/v1/deputies", tags=["registers"], operation_id="list_deputies", guards=[needs_scope(WRITE)], **READING)
async def list_deputies(request: ApiRequest) -> Deputies:
    """Who decides in whose place, today and on days to come."""
    actor = await _decider(request)
    async with database(request).reading(actor.timebank_id) as connection:
        on = today(now(request), (await banks.by_id(connection, actor.timebank_id)).time_zone)
        return Deputies(items=tuple(await deputies.named(connection, actor.timebank_id, on)))


@post("/api/v1/deputies", tags=["registers"], operation_id="name_deputy", guards=[needs_scope(WRITE)], **CHANGING)
async def name_deputy(request: ApiRequest, data: JSONBody[NewDeputy]) -> Response[Named]:
    """Name who decides in the place of the token's member; the deputy is told."""
    command = NameDeputy(deputy_id=data.deputy_id, starts_on=data.starts_on, ends_on=data.ends_on)
    key = idempotency_key(request)
    named = await deputies.name_deputy(database(request), acting(request), command, key=key, now=now(request))
    return refused(named) if isinstance(named, list) else Response(named, status_code=201)


@post(
    "/api/v1/deputies/{id_:int}/end",
    tags=["registers"],
    operation_id="end_deputy",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def end_deputy(request: ApiRequest, id_: FromPath[int], data: JSONBody[Nothing]) -> Response[Named]:
    """End at once what was given to a deputy."""
    del data
    key = idempotency_key(request)
    try:
        ended = await deputies.withdraw_deputy(
            database(request), acting(request), WithdrawDeputy(id=id_), key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(ended) if isinstance(ended, list) else Response(ended, status_code=200)


async def _decider(request: ApiRequest) -> Actor:
    """The token's member as somebody who decides: by role, or as a deputy today."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        on = today(now(request), (await banks.by_id(connection, actor.timebank_id)).time_zone)
        found = await deputies.as_decider(connection, actor, on)
    if found is None:
        raise PermissionDeniedException("Only a coordinator, an approver or a deputy of one may do this.")
    return found


ROUTES: list[Any] = [list_waiting, decide, list_deputies, name_deputy, end_deputy]
