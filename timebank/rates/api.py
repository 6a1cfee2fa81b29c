"""Rates for programs."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.paging import MAX_KEY
from timebank.rates import queries, rules, service
from timebank.rates.service import DecideRate, ProposeRate, SetRate, UnknownRate
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "payables:read", "payments:write"


class RateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One rate in minor units per ``unit``. ``version`` is null until it is in use; ``to_on`` while nothing ends it."""

    id: int
    kind: str
    band: str
    fund_id: int | None
    budget_id: int | None
    version: int | None
    pence: int
    unit: str
    from_on: date
    to_on: date | None
    note: str
    state: str


class RatesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All rates, at most 500."""

    rates: list[RateAnswer]


class RateBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate to propose; fees by it of groups without a budget are paid from ``budget_id``.

    ``kind`` and ``unit``: fee (hour, session), mileage (mile), carer (hour), meal (meal).
    """

    kind: str
    pence: Annotated[int, msgspec.Meta(ge=-MAX_KEY, le=MAX_KEY)]
    unit: str
    from_on: date
    band: str = ""
    fund_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)] | None = None
    budget_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)] | None = None
    note: str = ""


class RateDecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Confirm a rate, or refuse it and say why."""

    confirm: bool
    why: str = ""


@get("/api/v1/rates", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def list_rates(request: ApiRequest) -> RatesAnswer:
    """Every rate that is, was or will be in use, was proposed or refused."""
    actor = acting(request)
    if not rules.may_read(actor):
        raise PermissionDeniedException("Only finance and administrators see rates.")
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.rates(connection, actor.timebank_id)
    return RatesAnswer(rates=[msgspec.convert(rate, RateAnswer, from_attributes=True) for rate in found])


@post("/api/v1/rates", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def propose_rate(request: ApiRequest, data: JSONBody[RateBody]) -> Response[SetRate]:
    """Propose a rate; a second person confirms it."""
    command = ProposeRate(**{name: getattr(data, name) for name in RateBody.__struct_fields__})
    actor, key = acting(request), idempotency_key(request)
    done = await service.propose(database(request), actor, command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(done, status_code=201)


@post(
    "/api/v1/rates/{rate_id:int}/decision", tags=["payments"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING
)
async def decide_rate(
    request: ApiRequest, rate_id: FromPath[int], data: JSONBody[RateDecisionBody]
) -> Response[SetRate]:
    """Confirm a proposed rate, or refuse it."""
    actor, key = acting(request), idempotency_key(request)
    if not 0 < rate_id <= MAX_KEY:
        raise NotFoundException("There is no such rate.")
    command = DecideRate(rate_id=rate_id, confirm=data.confirm, why=data.why)
    try:
        done = await service.decide(database(request), actor, command, key=key, now=now(request))
    except UnknownRate as error:
        raise NotFoundException("There is no such rate.") from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


ROUTES = [list_rates, propose_rate, decide_rate]
