"""Hours for programs: a member's balance and statement, and giving hours."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.hours import api_gifts, queries, service
from timebank.hours.rules import may_act_for
from timebank.hours.service import Give, Given
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.paging import page_of, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "hours:read", "hours:write"


class BalanceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A member's hours in minutes: all, set aside for bookings, and free to use."""

    member_id: int
    minutes: int
    set_aside_minutes: int
    available_minutes: int


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; ``minutes`` is positive when hours came to the member."""

    entry_id: UUID
    kind: str
    minutes: int
    balance_after_minutes: int
    happened_on: date
    recorded_at: datetime


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, newest first. Ask again with ``next_cursor`` for older ones; null when there are none."""

    member_id: int
    entries: list[StatementLine]
    next_cursor: str | None


class TransferBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gift of minutes. ``to_member_id`` null gives to the community pot. The receiver reads the note.

    ``from_member_id`` is the token's member if left out.
    """

    to_member_id: int | None
    minutes: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31)]
    from_member_id: int | None = None
    note: str = ""


@get("/api/v1/members/{member_id:int}/balance", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_balance(request: ApiRequest, member_id: FromPath[int]) -> BalanceAnswer:
    """A member's hours: one's own, or anyone's for a coordinator."""
    actor = acting(request)
    if not may_act_for(actor, member_id):
        raise PermissionDeniedException("This token may only read its own member's hours.")
    async with database(request).reading(actor.timebank_id) as connection:
        try:
            there = await queries.balance(connection, actor.timebank_id, member_id)
        except LookupError as error:
            raise NotFoundException("There is no such member.") from error
    return BalanceAnswer(
        member_id=member_id,
        minutes=there.posted,
        set_aside_minutes=there.set_aside,
        available_minutes=there.available,
    )


@get("/api/v1/members/{member_id:int}/statement", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_statement(
    request: ApiRequest,
    member_id: FromPath[int],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[StatementAnswer]:
    """A member's entries, newest first, page by page (``cursor``, ``limit`` 1 to 200)."""
    actor = acting(request)
    if not may_act_for(actor, member_id):
        raise PermissionDeniedException("This token may only read its own member's hours.")
    before, size = parse_cursor(cursor) if cursor else (None,), page_size(limit)
    if isinstance(before, Refusal) or isinstance(size, Refusal):
        return refused([each for each in (before, size) if isinstance(each, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        try:
            lines = await queries.statement(connection, actor.timebank_id, member_id, before[0], size + 1)
        except LookupError as error:
            raise NotFoundException("There is no such member.") from error
    page = page_of(lines, size, lambda line: (line.seq,))
    answer = StatementAnswer(
        member_id=member_id,
        entries=[
            StatementLine(
                entry_id=line.entry_id,
                kind=line.kind,
                minutes=line.minutes,
                balance_after_minutes=line.balance_after,
                happened_on=line.happened_on,
                recorded_at=line.recorded_at,
            )
            for line in page.items
        ],
        next_cursor=page.next_cursor,
    )
    return Response(answer)


@post("/api/v1/transfers", tags=["hours"], guards=[needs_scope(WRITE)], **CHANGING)
async def give_hours(request: ApiRequest, data: JSONBody[TransferBody]) -> Response[Given]:
    """Give hours to a member or to the community pot; what is refused changes nothing."""
    actor = acting(request)
    key = idempotency_key(request)
    giver = actor.member_id if data.from_member_id is None else data.from_member_id
    if giver is None:
        return refused([Refusal("from_member_missing", "Say whose hours to give.", "from_member_id")])
    command = Give(from_member_id=giver, to_member_id=data.to_member_id, minutes=data.minutes, note=data.note)
    given = await service.give(database(request), actor, command, key=key, now=now(request))
    return refused(given) if isinstance(given, list) else Response(given, status_code=201)


ROUTES = [read_balance, read_statement, give_hours, *api_gifts.ROUTES]
