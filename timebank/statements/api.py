"""Statements for programs: any dates as JSON, CSV and PDF, months, whether others may check, checking a code."""

import asyncio
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank import paper
from timebank.hours.queries import months
from timebank.hours.rules import may_act_for
from timebank.identity.api_auth import acting, needs_scope
from timebank.identity.rules import network_of
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.members.queries import by_id
from timebank.members.statement_checks import ChecksNow, SetChecks, checks_of, set_checks
from timebank.statements import letter, making, service
from timebank.statements import paper as statement_paper
from timebank.statements.paper import Printed
from timebank.statements.service import Paper
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now, settings

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "hours:read", "hours:write"
NO_MEMBER = "There is no such member."


class DatedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. ``minutes`` is positive when hours came; ``balance_after_minutes`` is counted in the order of days."""

    entry_id: UUID
    happened_on: date
    title: str
    detail: str
    noted_by: str
    agreed: str
    minutes: int
    balance_after_minutes: int
    recorded_at: datetime


class DatedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of some days. ``closing`` is ``opening`` plus what came minus what went."""

    member_id: int
    first: date
    last: date
    opening_minutes: int
    came_minutes: int
    went_minutes: int
    closing_minutes: int
    entries: list[DatedLine]


class MonthLine(msgspec.Struct, frozen=True, kw_only=True):
    """A month, by its first day, in which something happened."""

    month: date
    entries: int
    came_minutes: int
    went_minutes: int


class MonthsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The months of a member's hours, newest first."""

    months: list[MonthLine]


class ChecksBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether others may check. Off ends every code for good."""

    is_on: bool


class LookLine(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody checked a paper; who, nobody knows."""

    at: datetime
    first: date
    last: date
    made_on: date


class ChecksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether others may check, and when somebody did, newest first."""

    is_on: bool
    looks: list[LookLine]


class CodeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code on a paper."""

    code: str


@get("/api/v1/members/{member_id:int}/statements", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_dated(
    request: ApiRequest, member_id: FromPath[int], first: FromQuery[date], last: FromQuery[date]
) -> Response[DatedAnswer]:
    """A member's statement from ``first`` to ``last``, both included."""
    printed = await _printed(request, member_id, first, last)
    if isinstance(printed, list):
        return refused(printed)
    found = printed.dated
    entries = [
        DatedLine(
            entry_id=row.entry_id,
            happened_on=row.happened_on,
            title=str(row.title),
            detail=str(row.detail),
            noted_by=row.made_by,
            agreed=row.agreed,
            minutes=row.minutes,
            balance_after_minutes=row.balance_after,
            recorded_at=row.recorded_at,
        )
        for row in found.rows
    ]
    return Response(
        DatedAnswer(
            member_id=member_id,
            first=found.first,
            last=found.last,
            opening_minutes=found.opening,
            came_minutes=found.came,
            went_minutes=found.went,
            closing_minutes=found.closing,
            entries=entries,
        )
    )


@get(
    "/api/v1/members/{member_id:int}/statements/csv",
    tags=["hours"],
    guards=[needs_scope(READ)],
    media_type="text/csv",
    **READING,
)
async def read_csv(
    request: ApiRequest, member_id: FromPath[int], first: FromQuery[date], last: FromQuery[date]
) -> Response[Any]:
    """The statement as CSV: minutes, ISO days, a first and a last line with the sums."""
    printed = await _printed(request, member_id, first, last)
    if isinstance(printed, list):
        return refused(printed)
    return Response(statement_paper.as_csv(printed).encode(), media_type="text/csv")


@get(
    "/api/v1/members/{member_id:int}/statements/pdf",
    tags=["hours"],
    guards=[needs_scope(READ)],
    media_type="application/pdf",
    **READING,
)
async def read_pdf(
    request: ApiRequest,
    member_id: FromPath[int],
    first: FromQuery[date],
    last: FromQuery[date],
    large: FromQuery[bool] = False,
) -> Response[Any]:
    """The statement as a tagged PDF, with a code when the member lets others check."""
    printed = await _printed(request, member_id, first, last, with_code=True)
    if isinstance(printed, list):
        return refused(printed)
    content = await asyncio.to_thread(paper.pdf, "statement", statement_paper.pdf_data(printed, large=large))
    return Response(content, media_type="application/pdf")


@get(
    "/api/v1/members/{member_id:int}/hours-letter",
    tags=["hours"],
    guards=[needs_scope(READ)],
    media_type="application/pdf",
    **READING,
)
async def read_letter(request: ApiRequest, member_id: FromPath[int], large: FromQuery[bool] = False) -> Response[Any]:
    """The letter that explains hours to an office, as a tagged PDF, without a statement."""
    actor = _may_read(acting(request), member_id)
    try:
        whose, contact = await making.subject_of(database(request), actor.timebank_id, member_id, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_MEMBER) from error
    data = letter.pdf_data(whose, contact, None, on=whose.made_on, large=large)
    return Response(await asyncio.to_thread(paper.pdf, "hours_letter", data), media_type="application/pdf")


@get("/api/v1/members/{member_id:int}/months", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_months(request: ApiRequest, member_id: FromPath[int]) -> MonthsAnswer:
    """What came and what went by month, newest first."""
    actor = _may_read(acting(request), member_id)
    async with database(request).reading(actor.timebank_id) as connection:
        if await by_id(connection, actor.timebank_id, member_id) is None:
            raise NotFoundException(NO_MEMBER)
        found = await months(connection, actor.timebank_id, member_id)
    return MonthsAnswer(
        months=[
            MonthLine(month=one.month, entries=one.entries, came_minutes=one.came, went_minutes=one.went)
            for one in found
        ]
    )


@get("/api/v1/members/{member_id:int}/statement-checks", tags=["hours"], guards=[needs_scope(READ)], **READING)
async def read_checks(request: ApiRequest, member_id: FromPath[int]) -> ChecksAnswer:
    """Whether others may check a member's printed statements, and when somebody did."""
    actor = _may_read(acting(request), member_id)
    async with database(request).reading(actor.timebank_id) as connection:
        if await by_id(connection, actor.timebank_id, member_id) is None:
            raise NotFoundException(NO_MEMBER)
        is_on = await checks_of(connection, actor.timebank_id, member_id)
        looks = await service.looks(connection, actor.timebank_id, member_id)
    return ChecksAnswer(
        is_on=is_on,
        looks=[LookLine(at=one.at, first=one.first_on, last=one.last_on, made_on=one.made_on) for one in looks],
    )


@post(
    "/api/v1/members/{member_id:int}/statement-checks",
    tags=["hours"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def change_statement_checks(
    request: ApiRequest, member_id: FromPath[int], data: JSONBody[ChecksBody]
) -> Response[ChecksNow]:
    """Let others check printed statements, or end it for every paper at once."""
    actor = acting(request)
    key = idempotency_key(request)
    command = SetChecks(member_id=member_id, is_on=data.is_on)
    done = await set_checks(database(request), actor, command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@post("/api/v1/statement-codes/check", tags=["hours"], guards=[needs_scope(READ)], status_code=200, **CHANGING)
async def check_code(request: ApiRequest, data: JSONBody[CodeBody]) -> Response[Paper]:
    """What the paper with this code should say. Each check counts and is shown to the member, also a repeated one."""
    idempotency_key(request)
    host = request.client.host if request.client else ""
    found = await service.check(database(request), data.code, network=network_of(host), now=now(request))
    return refused(found) if isinstance(found, list) else Response(found, status_code=200)


def _may_read(actor: Actor, member_id: int) -> Actor:
    if not may_act_for(actor, member_id):
        raise PermissionDeniedException("This token may only read its own member's hours.")
    return actor


async def _printed(
    request: ApiRequest, member_id: int, first: date, last: date, *, with_code: bool = False
) -> Printed | list[Refusal]:
    """The statement of these days; without a code nothing is written."""
    actor = _may_read(acting(request), member_id)
    db = database(request)
    try:
        if with_code:
            base_url = settings(request).base_url
            return await making.make(db, actor, member_id, first, last, base_url=base_url, now=now(request))
        whose, _ = await making.subject_of(db, actor.timebank_id, member_id, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_MEMBER) from error
    found = await making.read(db, actor.timebank_id, member_id, first, last)
    return found if isinstance(found, list) else Printed(subject=whose, dated=found)


ROUTES = [
    read_dated, read_csv, read_pdf, read_letter, read_months, read_checks, change_statement_checks, check_code,
]  # fmt: skip
