"""The JSON API of suppliers: their links, what they confirmed on paper, their statements."""

from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.banks import queries as banks
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.redemptions import (
    suppliers,
    suppliers_confirming,
)
from timebank.redemptions import suppliers_statement as statements
from timebank.redemptions.suppliers import EndLink, MakeLink
from timebank.redemptions.suppliers_confirming import Confirm
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "redemptions:write"
NO_SUCH_SUPPLIER = "There is no such supplier."


class SupplierAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier; ``link_expires_at`` is null when they have no link."""

    id: int
    name: str
    link_expires_at: datetime | None
    live_vouchers: int


class SuppliersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every supplier by name."""

    suppliers: list[SupplierAnswer]


class LinkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The link of a supplier. ``path`` is as good as a key to their till."""

    path: str
    expires_at: datetime


class ConfirmBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a supplier confirmed: the code, ``pence`` for a part (null: all that is left), the day (null: today)."""

    code: str
    pence: int | None = None
    used_on: date | None = None


class ConfirmedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmation, and the payment that it made."""

    reference: str
    pence: int
    left_pence: int
    used_on: date
    at: datetime
    payable: str


class StatementLineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One payment of a supplier: by when it is due, and what keeps it, "" for nothing."""

    day: date
    reference: str
    what: str
    pence: int
    state: str
    paid_on: date | None
    due_on: date | None
    note: str


class OwedToUsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a supplier still owes back, and what for; the next payment to them keeps it back."""

    day: date
    reference: str
    what: str
    pence: int


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a supplier earned in one month, and how much of it is paid, in minor units of the time bank's currency.

    ``owed_to_us`` is what they owe back today, of whatever month.
    """

    month: date
    total_pence: int
    paid_pence: int
    lines: list[StatementLineAnswer]
    owed_to_us: list[OwedToUsAnswer]


@get("/api/v1/suppliers", tags=["payments"], guards=[needs_scope(WRITE)], **READING)
async def list_suppliers(request: ApiRequest) -> SuppliersAnswer:
    """Every supplier and whether they have a link, for staff."""
    actor = staff_of(request)
    async with database(request).reading(actor.timebank_id) as connection:
        rows = await suppliers.every_supplier(connection, actor.timebank_id)
    return SuppliersAnswer(
        suppliers=[
            SupplierAnswer(id=row.id, name=row.name, link_expires_at=row.expires_at, live_vouchers=row.live_vouchers)
            for row in rows
        ]
    )


@post("/api/v1/suppliers/{payee_id:int}/link", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def make_supplier_link(
    request: ApiRequest, payee_id: FromPath[int], data: JSONBody[Nothing]
) -> Response[LinkAnswer]:
    """Make a link that lets a supplier confirm vouchers; the one before stops working."""
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await suppliers.make_link(
            database(request), actor, MakeLink(payee_id=payee_id), key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException(NO_SUCH_SUPPLIER) from error
    if isinstance(done, list):
        return refused(done)
    async with database(request).reading(actor.timebank_id) as connection:
        link = await suppliers.link_of(connection, actor.timebank_id, payee_id)
    if link is None:
        raise NotFoundException(NO_SUCH_SUPPLIER)
    return Response(LinkAnswer(path=link.path, expires_at=link.expires_at), status_code=201)


@delete(
    "/api/v1/suppliers/{payee_id:int}/link",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=204,
    **CHANGING,
)
async def end_supplier_link(request: ApiRequest, payee_id: FromPath[int]) -> Response[None]:
    """End the link of a supplier at once."""
    command, key = EndLink(payee_id=payee_id), idempotency_key(request)
    try:
        done = await suppliers.end_link(database(request), acting(request), command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_SUPPLIER) from error
    return refused(done) if isinstance(done, list) else Response(None, status_code=204)


@post("/api/v1/suppliers/{payee_id:int}/confirmations", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def confirm_voucher(
    request: ApiRequest, payee_id: FromPath[int], data: JSONBody[ConfirmBody]
) -> Response[ConfirmedAnswer]:
    """Type in what a supplier confirmed on paper, for staff."""
    key = idempotency_key(request)
    command = Confirm(code=data.code, pence=data.pence, used_on=data.used_on)
    done = await suppliers_confirming.confirm_for(
        database(request), acting(request), payee_id, command, key=key, now=now(request)
    )
    if isinstance(done, list):
        return refused(done)
    return Response(msgspec.convert(done, ConfirmedAnswer, from_attributes=True), status_code=201)


@get("/api/v1/suppliers/{payee_id:int}/statement", tags=["payments"], guards=[needs_scope(WRITE)], **READING)
async def read_statement(request: ApiRequest, payee_id: FromPath[int], month: FromQuery[str] = "") -> StatementAnswer:
    """What a supplier is owed and was paid in a month (``2026-03``; default: this one), for staff."""
    actor = staff_of(request)
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        on = today(now(request), bank.time_zone)
        first = statements.read_month(month, default=on)
        shown = await statements.statement(connection, actor.timebank_id, payee_id, first, on=on)
    return StatementAnswer(
        month=shown.month,
        total_pence=shown.total_pence,
        paid_pence=shown.paid_pence,
        lines=[msgspec.convert(line, StatementLineAnswer, from_attributes=True) for line in shown.lines],
        owed_to_us=[msgspec.convert(one, OwedToUsAnswer, from_attributes=True) for one in shown.owed_to_us],
    )


def staff_of(request: ApiRequest) -> Actor:
    """The token's member, who works here.

    Raises:
        PermissionDeniedException: they do not.
    """
    actor = acting(request)
    if suppliers.may_arrange(actor):
        raise PermissionDeniedException("Only staff can read this.")
    return actor


ROUTES: list[Any] = [list_suppliers, make_supplier_link, end_supplier_link, confirm_voucher, read_statement]
