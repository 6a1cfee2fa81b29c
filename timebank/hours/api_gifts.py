"""Gifts and the community pot for programs."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.hours import gift_queries, pot_queries, pot_rules, service
from timebank.hours.gift_queries import Gift
from timebank.hours.pot_queries import PotAsk
from timebank.hours.rules import may_act_for
from timebank.hours.service import AskPot, DecidePotAsk, GivePotHours, PotAskNow, WithdrawPotAsk
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.paging import page_of, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members.queries import by_id
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "hours:read", "hours:write"
Minutes = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31)]
State = Literal["waiting", "given", "declined", "withdrawn"]


class GiftLine(msgspec.Struct, frozen=True, kw_only=True):
    """A gift. ``to_member_id`` null went to the community pot."""

    gift_id: int
    entry_id: UUID
    from_member_id: int
    to_member_id: int | None
    minutes: int
    note: str
    given_at: datetime


class GiftsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a member gave and was given, newest first."""

    gifts: list[GiftLine]
    next_cursor: str | None


class PotAskLine(msgspec.Struct, frozen=True, kw_only=True):
    """Hours asked of the pot (``kind`` asked), or offered from it by a coordinator, and what became of it."""

    ask_id: int
    member_id: int
    kind: Literal["asked", "offered"]
    minutes: int
    what_for: str
    asked_by: int
    asked_at: datetime
    state: State
    given_minutes: int
    decided_by: int | None
    decided_at: datetime | None
    reason: str
    entry_id: UUID | None


class PotAsksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Asks, newest first; those that wait, oldest first."""

    asks: list[PotAskLine]
    next_cursor: str | None


class PotAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The minutes that the pot can give now, and how many asks wait."""

    available_minutes: int
    waiting: int


class AskBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask the pot for minutes; ``what_for`` may be left out."""

    minutes: Minutes
    what_for: str = ""


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give ``minutes`` of what was asked; 0 is no. The member reads the reason."""

    minutes: Minutes
    reason: str = ""


class PotGiftBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give from the pot without being asked."""

    member_id: int
    minutes: Minutes
    reason: str


@get("/api/v1/members/{member_id:int}/gifts", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_gifts(
    request: ApiRequest,
    member_id: FromPath[int],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[GiftsAnswer]:
    """A member's gifts with their notes, newest first: one's own, or anyone's for a coordinator."""
    actor = _may_read(acting(request), member_id)
    before, size = parse_cursor(cursor) if cursor else (None,), page_size(limit)
    if isinstance(before, Refusal) or isinstance(size, Refusal):
        return refused([each for each in (before, size) if isinstance(each, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        if await by_id(connection, actor.timebank_id, member_id) is None:
            raise NotFoundException("There is no such member.")
        found = await gift_queries.of_member(connection, actor.timebank_id, member_id, before=before[0], limit=size + 1)
    page = page_of(found, size, lambda gift: (gift.id,))
    return Response(GiftsAnswer(gifts=[_gift(one) for one in page.items], next_cursor=page.next_cursor))


@get("/api/v1/members/{member_id:int}/pot-asks", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_pot_asks(
    request: ApiRequest,
    member_id: FromPath[int],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[PotAsksAnswer]:
    """What a member asked the pot for or was offered, newest first."""
    actor = _may_read(acting(request), member_id)
    before, size = parse_cursor(cursor) if cursor else (None,), page_size(limit)
    if isinstance(before, Refusal) or isinstance(size, Refusal):
        return refused([each for each in (before, size) if isinstance(each, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        if await by_id(connection, actor.timebank_id, member_id) is None:
            raise NotFoundException("There is no such member.")
        found = await pot_queries.of_member(connection, actor.timebank_id, member_id, before=before[0], limit=size + 1)
    page = page_of(found, size, lambda ask: (ask.id,))
    return Response(PotAsksAnswer(asks=[_ask(one) for one in page.items], next_cursor=page.next_cursor))


@post("/api/v1/members/{member_id:int}/pot-asks", tags=["hours"], guards=[needs_scope(WRITE)], **CHANGING)
async def ask_the_pot(request: ApiRequest, member_id: FromPath[int], data: JSONBody[AskBody]) -> Response[PotAskNow]:
    """Ask the pot for hours, for oneself or as a coordinator for a member."""
    actor = acting(request)
    key = idempotency_key(request)
    command = AskPot(member_id=member_id, minutes=data.minutes, what_for=data.what_for)
    done = await service.ask(database(request), actor, command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(done, status_code=201)


@post(
    "/api/v1/pot-asks/{ask_id:int}/withdrawal", tags=["hours"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING
)
async def withdraw_pot_ask(request: ApiRequest, ask_id: FromPath[int], data: JSONBody[Nothing]) -> Response[PotAskNow]:
    """Take an ask back while nobody has decided."""
    actor = acting(request)
    key = idempotency_key(request)
    try:
        done = await service.withdraw(
            database(request), actor, WithdrawPotAsk(ask_id=ask_id), key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException("There is no such ask.") from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@get("/api/v1/pot", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_pot(request: ApiRequest) -> PotAnswer:
    """What is in the community pot, and how many asks wait (0 for those who do not decide)."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        waiting = 0
        if pot_rules.may_decide(actor):
            waiting = await pot_queries.how_many_wait(connection, actor.timebank_id, actor.member_id or 0)
        minutes = await pot_queries.in_the_pot(connection, actor.timebank_id)
    return PotAnswer(available_minutes=minutes, waiting=waiting)


@get("/api/v1/pot-asks", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_waiting_asks(
    request: ApiRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[str | None] = None
) -> Response[PotAsksAnswer]:
    """Asks that wait for a decision, oldest first, for those who decide."""
    actor = acting(request)
    if not pot_rules.may_decide(actor):
        raise PermissionDeniedException("Only coordinators and approvers look after the pot.")
    after, size = parse_cursor(cursor) if cursor else (None,), page_size(limit)
    if isinstance(after, Refusal) or isinstance(size, Refusal):
        return refused([each for each in (after, size) if isinstance(each, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        found = await pot_queries.waiting(connection, actor.timebank_id, after=after[0], limit=size + 1)
    page = page_of(found, size, lambda ask: (ask.id,))
    return Response(PotAsksAnswer(asks=[_ask(one) for one in page.items], next_cursor=page.next_cursor))


@post(
    "/api/v1/pot-asks/{ask_id:int}/decision", tags=["hours"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING
)
async def decide_pot_ask(
    request: ApiRequest, ask_id: FromPath[int], data: JSONBody[DecisionBody]
) -> Response[PotAskNow]:
    """Give what was asked, give less, or say no."""
    actor = acting(request)
    key = idempotency_key(request)
    if not pot_rules.may_decide(actor):
        raise PermissionDeniedException("Only coordinators and approvers look after the pot.")
    command = DecidePotAsk(ask_id=ask_id, minutes=data.minutes, reason=data.reason)
    try:
        done = await service.decide(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such ask.") from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@post("/api/v1/pot/gifts", tags=["hours"], guards=[needs_scope(WRITE, role=COORDINATOR)], **CHANGING)
async def give_from_the_pot(request: ApiRequest, data: JSONBody[PotGiftBody]) -> Response[PotAskNow]:
    """Give hours from the pot; beyond the limit of the rules a second person decides first (state ``waiting``)."""
    actor = acting(request)
    key = idempotency_key(request)
    command = GivePotHours(member_id=data.member_id, minutes=data.minutes, reason=data.reason)
    done = await service.give_from_pot(database(request), actor, command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(done, status_code=201)


def _may_read(actor: Actor, member_id: int) -> Actor:
    if not may_act_for(actor, member_id):
        raise PermissionDeniedException("This token may only read what is its own member's.")
    return actor


def _gift(gift: Gift) -> GiftLine:
    return GiftLine(
        gift_id=gift.id,
        entry_id=gift.entry_id,
        from_member_id=gift.from_member_id,
        to_member_id=gift.to_member_id,
        minutes=gift.minutes,
        note=gift.note,
        given_at=gift.given_at,
    )


def _ask(ask: PotAsk) -> PotAskLine:
    return PotAskLine(
        ask_id=ask.id,
        member_id=ask.member_id,
        kind="asked" if ask.kind == pot_rules.ASKED else "offered",
        minutes=ask.minutes,
        what_for=ask.what_for,
        asked_by=ask.asked_by,
        asked_at=ask.asked_at,
        state=ask.state,
        given_minutes=ask.given_minutes or 0,
        decided_by=ask.decided_by,
        decided_at=ask.decided_at,
        reason=ask.reason,
        entry_id=ask.entry_id,
    )


ROUTES = [
    read_gifts, read_pot_asks, ask_the_pot, withdraw_pot_ask, read_pot, read_waiting_asks, decide_pot_ask,
    give_from_the_pot,
]  # fmt: skip
