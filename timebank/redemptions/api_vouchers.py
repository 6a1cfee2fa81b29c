"""The JSON API of vouchers, codes and suppliers: the same use cases as the pages."""

from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.banks import queries as banks
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.clock import today
from timebank.kit.csv import Row
from timebank.kit.ids import normalise_reference
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing
from timebank.redemptions import (
    codes,
    codes_file,
    suppliers,
    suppliers_confirming,
    voucher_queries,
    vouchers_shown,
)
from timebank.redemptions import offer_queries as offers
from timebank.redemptions import suppliers_statement as statements
from timebank.redemptions.codes import UploadCodes, WithdrawCodes
from timebank.redemptions.suppliers import EndLink, MakeLink
from timebank.redemptions.suppliers_confirming import Confirm
from timebank.redemptions.voucher_rules import Terms
from timebank.redemptions.vouchers import no_key
from timebank.redemptions.vouchers_setting import SetTerms, set_terms
from timebank.redemptions.vouchers_shown import ChangeCode, ShowCode
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "redemptions:write"
NO_SUCH_BOOKING = "There is no such booking."
NO_SUCH_OFFER = "There is no such offer of vouchers."
NO_SUCH_SUPPLIER = "There is no such supplier."


class TermsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the vouchers of an offer work. ``source`` is hand, pool or ours."""

    source: str
    gives_at_once: bool = False
    allows_parts: bool = False
    valid_days: int | None = None
    expiry_returns_hours: bool = True
    low_stock: int = 5


class TermsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How the vouchers of an offer work. ``codes_left``: uploaded codes that can still be promised; null for none."""

    source: str
    gives_at_once: bool
    allows_parts: bool
    valid_days: int | None
    expiry_returns_hours: bool
    low_stock: int
    codes_left: int | None


class CodeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One code that was bought; ``expires_on`` is the last day on which it works."""

    code: str
    pin: str = ""
    expires_on: date | None = None


class CodesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes for an offer, at most 1,000. ``pence_each``: what each costs, owed to the offer's supplier, or null."""

    codes: list[CodeBody]
    pence_each: int | None = None


class LineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was given back, counted from 1, and why."""

    line: int
    problem: str


class CodesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many codes were added, and which were given back. ``payable``: the payment that waits for approval, or ""."""

    batch_id: int
    added: int
    payable: str
    given_back: list[LineAnswer]


class WithdrawnAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many codes were taken out."""

    codes: int


class CodeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A code in the open. Looking was written down, and the first look at an uploaded code used it."""

    reference: str
    kind: str
    state: str
    code: str
    pin: str
    last_day: date | None
    views: list["ViewAnswer"]


class ViewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked at a code, and when."""

    member_id: int
    name: str
    at: datetime
    how: str


class DoneAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """It was done with the code of this booking."""

    reference: str


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
    """One payment of a supplier."""

    day: date
    reference: str
    what: str
    pence: int
    state: str
    paid_on: date | None


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a supplier earned in one month, and how much of it is paid, in minor units of the time bank's currency."""

    month: date
    total_pence: int
    paid_pence: int
    lines: list[StatementLineAnswer]


@get("/api/v1/offers/{offer_id:int}/vouchers", tags=["redemptions"], guards=[needs_scope(WRITE)], **READING)
async def read_terms(request: ApiRequest, offer_id: FromPath[int]) -> TermsAnswer:
    """How the vouchers of an offer work, for staff."""
    return await _terms(request, offer_id)


@put("/api/v1/offers/{offer_id:int}/vouchers", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def write_terms(request: ApiRequest, offer_id: FromPath[int], data: JSONBody[TermsBody]) -> Response[TermsAnswer]:
    """Change how the vouchers of an offer work."""
    command = SetTerms(offer_id=offer_id, terms=msgspec.convert(msgspec.to_builtins(data), Terms))
    key = idempotency_key(request)
    try:
        done = await set_terms(database(request), acting(request), command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_OFFER) from error
    if isinstance(done, list):
        return refused(done)
    return Response(await _terms(request, offer_id), status_code=200)


@post("/api/v1/offers/{offer_id:int}/codes", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def upload_codes(
    request: ApiRequest, offer_id: FromPath[int], data: JSONBody[CodesBody]
) -> Response[CodesAnswer]:
    """Add codes; each line is taken, or given back with why."""
    actor, key = acting(request), idempotency_key(request)
    rows = [
        Row(n, (one.code.strip(), one.pin.strip(), one.expires_on.isoformat() if one.expires_on else ""))
        for n, one in enumerate(data.codes, start=1)
    ]
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
    lines = codes_file.read(rows, today=today(now(request), bank.time_zone), has_headings=False)
    if isinstance(lines, Refusal):
        return refused([lines])
    command = UploadCodes(offer_id=offer_id, lines=tuple(lines), pence_each=data.pence_each)
    try:
        done = await codes.upload(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_OFFER) from error
    if isinstance(done, list):
        return refused(done)
    back = [LineAnswer(line=one.line, problem=one.problem) for one in done.given_back]
    answer = CodesAnswer(batch_id=done.batch_id, added=done.added, payable=done.payable, given_back=back)
    return Response(answer, status_code=201)


@post("/api/v1/code-batches/{batch_id:int}/withdraw", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def withdraw_codes(request: ApiRequest, batch_id: FromPath[int]) -> Response[WithdrawnAnswer]:
    """Take the free codes of one upload out again."""
    command, key = WithdrawCodes(batch_id=batch_id), idempotency_key(request)
    try:
        done = await codes.withdraw(database(request), acting(request), command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such upload.") from error
    return refused(done) if isinstance(done, list) else Response(WithdrawnAnswer(codes=done.codes), status_code=200)


@post("/api/v1/redemptions/{reference:str}/code", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def show_code(request: ApiRequest, reference: FromPath[str]) -> Response[CodeAnswer]:
    """Look at the code of a booking: one's own, or anyone's for a coordinator. It is written down."""
    actor, key = acting(request), idempotency_key(request)
    command = ShowCode(reference=_known(reference), how=vouchers_shown.PROGRAM)
    try:
        done = await vouchers_shown.show(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_BOOKING) from error
    if isinstance(done, list):
        return refused(done)
    code, views = None, []
    try:
        async with database(request).reading(actor.timebank_id) as connection:
            code = await vouchers_shown.opened(connection, actor, done.reference, done.view_id, now=now(request))
            views = await vouchers_shown.views_of(connection, actor.timebank_id, done.reference)
    except KeyMissing as error:
        return refused([no_key(error)])
    if code is None:
        return refused([vouchers_shown.NOT_NOW])
    answer = CodeAnswer(
        reference=code.reference,
        kind=code.kind,
        state=code.state,
        code=code.shown,
        pin=code.pin,
        last_day=code.last_day,
        views=[ViewAnswer(member_id=view.seen_by, name=view.name, at=view.at, how=view.how) for view in views],
    )
    return Response(answer, status_code=200, headers={"Cache-Control": "no-store"})


@post("/api/v1/redemptions/{reference:str}/code/used", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def say_code_used(request: ApiRequest, reference: FromPath[str]) -> Response[DoneAnswer]:
    """I have used an uploaded code: it is not shown again."""
    return await _change(request, reference, vouchers_shown.say_used)


@post("/api/v1/redemptions/{reference:str}/code/new", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def replace_code(request: ApiRequest, reference: FromPath[str]) -> Response[DoneAnswer]:
    """Make a new code for a voucher of ours; the old one stops working."""
    return await _change(request, reference, vouchers_shown.replace)


@post("/api/v1/redemptions/{reference:str}/slip", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def ask_for_slip(request: ApiRequest, reference: FromPath[str]) -> Response[DoneAnswer]:
    """Put a slip with the code in the queue to be printed and posted."""
    return await _change(request, reference, vouchers_shown.ask_for_slip)


@get("/api/v1/suppliers", tags=["payments"], guards=[needs_scope(WRITE)], **READING)
async def list_suppliers(request: ApiRequest) -> SuppliersAnswer:
    """Every supplier and whether they have a link, for staff."""
    actor = _staff(request)
    async with database(request).reading(actor.timebank_id) as connection:
        rows = await suppliers.every_supplier(connection, actor.timebank_id)
    return SuppliersAnswer(
        suppliers=[
            SupplierAnswer(id=row.id, name=row.name, link_expires_at=row.expires_at, live_vouchers=row.live_vouchers)
            for row in rows
        ]
    )


@post("/api/v1/suppliers/{payee_id:int}/link", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def make_supplier_link(request: ApiRequest, payee_id: FromPath[int]) -> Response[LinkAnswer]:
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
    actor = _staff(request)
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        first = statements.read_month(month, default=today(now(request), bank.time_zone))
        shown = await statements.statement(connection, actor.timebank_id, payee_id, first)
    return StatementAnswer(
        month=shown.month,
        total_pence=shown.total_pence,
        paid_pence=shown.paid_pence,
        lines=[msgspec.convert(line, StatementLineAnswer, from_attributes=True) for line in shown.lines],
    )


async def _terms(request: ApiRequest, offer_id: int) -> TermsAnswer:
    actor = _staff(request)
    async with database(request).reading(actor.timebank_id) as connection:
        offer = await offers.offer_facts(connection, actor.timebank_id, offer_id)
        if offer is None or offer.kind != "voucher":
            raise NotFoundException(NO_SUCH_OFFER)
        bank = await banks.by_id(connection, actor.timebank_id)
        terms = await voucher_queries.terms(connection, actor.timebank_id, offer_id)
        left = None
        if terms.source == "pool":
            day = today(now(request), bank.time_zone)
            left = max(await voucher_queries.stock(connection, actor.timebank_id, offer_id, day), 0)
    return TermsAnswer(**msgspec.to_builtins(terms), codes_left=left)


async def _change(request: ApiRequest, reference: str, use_case: Any) -> Response[DoneAnswer]:
    command, key = ChangeCode(reference=_known(reference)), idempotency_key(request)
    try:
        done = await use_case(database(request), acting(request), command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_BOOKING) from error
    return refused(done) if isinstance(done, list) else Response(DoneAnswer(reference=done.reference), status_code=200)


def _staff(request: ApiRequest) -> Any:
    actor = acting(request)
    if suppliers.may_arrange(actor):
        raise PermissionDeniedException("Only staff can read this.")
    return actor


def _known(reference: str) -> str:
    known = normalise_reference(reference)
    if known is None:
        raise NotFoundException(NO_SUCH_BOOKING)
    return known


ROUTES: list[Any] = [
    read_terms,
    write_terms,
    upload_codes,
    withdraw_codes,
    show_code,
    say_code_used,
    replace_code,
    ask_for_slip,
    list_suppliers,
    make_supplier_link,
    end_supplier_link,
    confirm_voucher,
    read_statement,
]
