"""Access costs for programs of staff: booked with a supplier, or given in cash and accounted for."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.claims import access_queries, access_rules, receipts, service
from timebank.claims.access_queries import AccessCost
from timebank.claims.api_frames import ApiRequest, done, named, place
from timebank.claims.api_mine import Amount, Id
from timebank.claims.service import (
    AccessNow,
    AddReceipt,
    BookAccess,
    CancelAccess,
    GiveAdvance,
    Settle,
)
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR, FINANCE, Actor
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

READ, WRITE = "payables:read", "payments:write"
Words = Annotated[str, msgspec.Meta(max_length=access_rules.MAX_WORDS)]


class NewBooking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A taxi, carer, interpreter or other, booked with a supplier for a member. ``pence`` in minor units, all in.

    ``budget_id`` pays; null for the budget of the session's group, if it has one.
    """

    member_id: Id
    payee_id: Id
    kind: Words
    day: date
    pence: Amount
    what_for: Words = ""
    session_id: Id | None = None
    budget_id: Id | None = None


class NewAdvance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cash given to a member against a signature. ``pence`` in minor units; ``budget_id`` as with a booking."""

    member_id: Id
    kind: Words
    day: date
    pence: Amount
    signed_name: Annotated[str, msgspec.Meta(max_length=access_rules.MAX_SIGNED_NAME)]
    what_for: Words = ""
    session_id: Id | None = None
    budget_id: Id | None = None


class NewReceipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a part of an advance was spent on; ``photo`` in base64, or why there is none."""

    what: Words
    pence: Amount
    photo: bytes = b""
    no_receipt_why: Words = ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came back in cash, in minor units; receipts and it must add up to what was given."""

    returned_pence: Amount = 0


class Cancellation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is cancelled; the member reads it."""

    reason: Annotated[str, msgspec.Meta(max_length=access_rules.MAX_REASON)]


class AccessLine(msgspec.Struct, frozen=True, kw_only=True):
    """An access cost. ``way`` is supplier or advance; ``state`` is booked, given, settled or cancelled."""

    reference: str
    member_id: int
    session_id: int | None
    budget_id: int | None
    kind: str
    way: str
    payee_id: int
    day: date
    what_for: str
    pence: int
    spent_pence: int
    returned_pence: int
    state: str
    made_at: datetime


class AccessPage(msgspec.Struct, frozen=True, kw_only=True):
    """``open`` is money that is out; ``items`` everything else, newest first, a page at a time."""

    open: list[AccessLine]
    items: list[AccessLine]
    next_cursor: str | None


@get("/api/v1/access-costs", tags=["payments"], operation_id="list_access_costs", guards=[needs_scope(READ)], **READING)
async def list_costs(
    request: ApiRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[str | None] = None
) -> Response[AccessPage]:
    """Money that is out, and what was booked and settled."""
    actor = _staff(request)
    found = place(cursor, limit)
    if isinstance(found, list):
        return refused(found)
    before, size = found
    async with database(request).reading(actor.timebank_id) as connection:
        out = await access_queries.open_advances(connection, actor.timebank_id)
        page = await access_queries.others(connection, actor.timebank_id, before=before, size=size)
    return Response(
        AccessPage(
            open=[_shown(cost) for cost in out],
            items=[_shown(cost) for cost in page.items],
            next_cursor=page.next_cursor,
        )
    )


@get(
    "/api/v1/access-costs/{reference:str}",
    tags=["payments"],
    operation_id="get_access_cost",
    guards=[needs_scope(READ)],
    **READING,
)
async def get_cost(request: ApiRequest, reference: FromPath[str]) -> Response[AccessLine]:
    """One access cost."""
    return Response(_shown(await _one(request, _staff(request), reference)))


@post(
    "/api/v1/access-costs/bookings",
    tags=["payments"],
    operation_id="book_access",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **CHANGING,
)
async def book(request: ApiRequest, data: JSONBody[NewBooking]) -> Response[AccessNow]:
    """Book with a supplier; someone in finance approves the payment."""
    command = BookAccess(**msgspec.structs.asdict(data))
    return await done(request, acting(request), service.book, command, status_code=201)


@post(
    "/api/v1/access-costs/advances",
    tags=["payments"],
    operation_id="give_advance",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **CHANGING,
)
async def give_advance(request: ApiRequest, data: JSONBody[NewAdvance]) -> Response[AccessNow]:
    """Write down cash that was given against a signature."""
    command = GiveAdvance(**msgspec.structs.asdict(data))
    return await done(request, acting(request), service.give_advance, command, status_code=201)


@post(
    "/api/v1/access-costs/{reference:str}/receipts",
    tags=["payments"],
    operation_id="add_access_receipt",
    guards=[needs_scope(WRITE)],
    **CHANGING,
)
async def add_receipt(request: ApiRequest, reference: FromPath[str], data: JSONBody[NewReceipt]) -> Response[AccessNow]:
    """Add a receipt to an advance."""
    idempotency_key(request)  # without one not even the photo is kept
    actor = _staff(request)
    cost = await _one(request, actor, reference)
    receipt_id = None
    if data.photo:
        remade = await receipts.remake(data.photo)
        if isinstance(remade, Refusal):
            return refused([remade])
        receipt_id = await receipts.keep(database(request), actor, cost.member_id, remade, now=now(request))
    command = AddReceipt(
        reference=cost.reference,
        what=data.what,
        pence=data.pence,
        receipt_id=receipt_id,
        no_receipt_why=data.no_receipt_why,
    )
    return await done(request, actor, service.add_receipt, command, status_code=201)


@post(
    "/api/v1/access-costs/{reference:str}/settle",
    tags=["payments"],
    operation_id="settle_advance",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def settle(request: ApiRequest, reference: FromPath[str], data: JSONBody[Settlement]) -> Response[AccessNow]:
    """Account for an advance; never by who gave it, nor by who got it."""
    command = Settle(reference=named(reference), returned_pence=data.returned_pence)
    return await done(request, _staff(request), service.settle, command)


@post(
    "/api/v1/access-costs/{reference:str}/cancel",
    tags=["payments"],
    operation_id="cancel_access",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    status_code=200,
    **CHANGING,
)
async def cancel(request: ApiRequest, reference: FromPath[str], data: JSONBody[Cancellation]) -> Response[AccessNow]:
    """Cancel a booking before the supplier is paid."""
    command = CancelAccess(reference=named(reference), reason=data.reason)
    return await done(request, acting(request), service.cancel, command)


async def _one(request: ApiRequest, actor: Actor, reference: str) -> AccessCost:
    async with database(request).reading(actor.timebank_id) as connection:
        cost = await access_queries.by_reference(connection, actor.timebank_id, named(reference))
    if cost is None:
        raise NotFoundException
    return cost


def _shown(cost: AccessCost) -> AccessLine:
    return msgspec.convert(msgspec.to_builtins(cost), AccessLine)


def _staff(request: ApiRequest) -> Actor:
    actor = acting(request)
    if not (actor.has(COORDINATOR) or actor.has(FINANCE)):
        raise PermissionDeniedException("Only coordinators and finance see access costs.")
    return actor


ROUTES: list[Any] = [list_costs, get_cost, book, give_advance, add_receipt, settle, cancel]
