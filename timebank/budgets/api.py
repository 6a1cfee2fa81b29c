"""Budgets for programs of finance: grants, codes, budgets, purchase orders. Amounts are in minor units."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, JSONBody

from timebank.budgets import queries, rules, service
from timebank.budgets.rules import (
    BudgetFacts,
    CodeFacts,
    FundFacts,
    OrderFacts,
    SaveBudget,
    SaveCode,
    SaveFund,
    SaveOrder,
)
from timebank.budgets.service import Saved
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "payables:read", "payments:write"
KEEPS: dict[str, Any] = {"tags": ["payments"], "guards": [needs_scope(WRITE)], "status_code": 200, **CHANGING}
SHOWS: dict[str, Any] = {"tags": ["payments"], "guards": [needs_scope(READ)], **READING}


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """Budgets: limit = spent + booked + ordered + left."""

    items: list[BudgetFacts]


class Funds(msgspec.Struct, frozen=True, kw_only=True):
    """Grants with what their budgets add up to."""

    items: list[FundFacts]


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """Cost centres and nominal codes."""

    items: list[CodeFacts]


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Purchase orders with what is charged to them and left."""

    items: list[OrderFacts]


@get("/api/v1/budgets", **SHOWS)
async def list_budgets(request: ApiRequest) -> Budgets:
    """Budgets with their sums, open ones first."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return Budgets(items=await queries.budgets(connection, actor.timebank_id))


@get("/api/v1/budgets/{budget_id:int}", **SHOWS)
async def show_budget(request: ApiRequest, budget_id: FromPath[int]) -> BudgetFacts:
    """One budget with its sums."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        known = 0 < budget_id <= MAX_KEY
        found = await queries.budget(connection, actor.timebank_id, budget_id) if known else None
    if found is None:
        raise NotFoundException("There is no such budget.")
    return found


@get("/api/v1/funds", **SHOWS)
async def list_funds(request: ApiRequest) -> Funds:
    """Grants, open ones first."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return Funds(items=await queries.funds(connection, actor.timebank_id))


@get("/api/v1/finance-codes", **SHOWS)
async def list_codes(request: ApiRequest) -> Codes:
    """Cost centres and nominal codes."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return Codes(items=await queries.codes(connection, actor.timebank_id))


@get("/api/v1/purchase-orders", **SHOWS)
async def list_orders(request: ApiRequest) -> Orders:
    """Purchase orders, open ones first."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return Orders(items=await queries.orders(connection, actor.timebank_id))


@post("/api/v1/funds", **KEEPS)
async def save_fund(request: ApiRequest, data: JSONBody[SaveFund]) -> Response[Saved]:
    """Add a grant, change it, close it or open it again."""
    return await _save(request, service.save_fund, data)


@post("/api/v1/finance-codes", **KEEPS)
async def save_code(request: ApiRequest, data: JSONBody[SaveCode]) -> Response[Saved]:
    """Add a cost centre or nominal code, name it anew, close it or open it again."""
    return await _save(request, service.save_code, data)


@post("/api/v1/budgets", **KEEPS)
async def save_budget(request: ApiRequest, data: JSONBody[SaveBudget]) -> Response[Saved]:
    """Add a budget, change it, close it or open it again."""
    return await _save(request, service.save_budget, data)


@post("/api/v1/purchase-orders", **KEEPS)
async def save_order(request: ApiRequest, data: JSONBody[SaveOrder]) -> Response[Saved]:
    """Add a purchase order, change it, close it or open it again."""
    return await _save(request, service.save_order, data)


def reader(request: ApiRequest) -> Actor:
    """The token's member, who may look at payments. Raises PermissionDeniedException."""
    actor = acting(request)
    if not rules.may_read(actor):
        raise PermissionDeniedException("Only someone with the finance role can see budgets.")
    return actor


async def _save(request: ApiRequest, use_case: Any, command: Any) -> Response[Saved]:
    saved = await use_case(database(request), acting(request), command, key=idempotency_key(request), now=now(request))
    return refused(saved) if isinstance(saved, list) else Response(saved, status_code=200)


ROUTES: list[Any] = [
    list_budgets,
    show_budget,
    list_funds,
    list_codes,
    list_orders,
    save_fund,
    save_code,
    save_budget,
    save_order,
]
