"""The JSON API of vouchers, codes and suppliers: the same use cases as the pages."""

from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

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
    voucher_queries,
    vouchers_shown,
)
from timebank.redemptions import offer_queries as offers
from timebank.redemptions.api_suppliers import staff_of
from timebank.redemptions.codes import UploadCodes, WithdrawCodes
from timebank.redemptions.voucher_rules import Terms
from timebank.redemptions.vouchers import no_key
from timebank.redemptions.vouchers_setting import SetTerms, set_terms
from timebank.redemptions.vouchers_shown import ChangeCode, ShowCode
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "redemptions:write"
NO_SUCH_BOOKING = "There is no such booking."
NO_SUCH_OFFER = "There is no such offer of vouchers."


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


@post(
    "/api/v1/code-batches/{batch_id:int}/withdraw",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def withdraw_codes(
    request: ApiRequest, batch_id: FromPath[int], data: JSONBody[Nothing]
) -> Response[WithdrawnAnswer]:
    """Take the free codes of one upload out again."""
    command, key = WithdrawCodes(batch_id=batch_id), idempotency_key(request)
    try:
        done = await codes.withdraw(database(request), acting(request), command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException("There is no such upload.") from error
    return refused(done) if isinstance(done, list) else Response(WithdrawnAnswer(codes=done.codes), status_code=200)


@post(
    "/api/v1/redemptions/{reference:str}/code",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def show_code(request: ApiRequest, reference: FromPath[str], data: JSONBody[Nothing]) -> Response[CodeAnswer]:
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


@post(
    "/api/v1/redemptions/{reference:str}/code/used",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def say_code_used(request: ApiRequest, reference: FromPath[str], data: JSONBody[Nothing]) -> Response[DoneAnswer]:
    """I have used an uploaded code: it is not shown again."""
    return await _change(request, reference, vouchers_shown.say_used)


@post(
    "/api/v1/redemptions/{reference:str}/code/new",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def replace_code(request: ApiRequest, reference: FromPath[str], data: JSONBody[Nothing]) -> Response[DoneAnswer]:
    """Make a new code for a voucher of ours; the old one stops working."""
    return await _change(request, reference, vouchers_shown.replace)


@post(
    "/api/v1/redemptions/{reference:str}/slip",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def ask_for_slip(request: ApiRequest, reference: FromPath[str], data: JSONBody[Nothing]) -> Response[DoneAnswer]:
    """Put a slip with the code in the queue to be printed and posted."""
    return await _change(request, reference, vouchers_shown.ask_for_slip)


async def _terms(request: ApiRequest, offer_id: int) -> TermsAnswer:
    actor = staff_of(request)
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
]
