"""Files for accounts and people for programs: account codes, journals, remittance advice, audit packs."""

from datetime import date
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.db import retrying
from timebank.identity.api_auth import acting, needs_scope
from timebank.payments import codes, papers, remittance, taken
from timebank.payments.api_shared import READ, WRITE, known_number, reader
from timebank.payments.audit_pack import MEDIA_TYPE, Pack
from timebank.payments.codes import SetCodes
from timebank.payments.journal import Days
from timebank.payments.remittance import PER_PDF, RemittancesAsked, SendRemittances
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
MAX_PART = 10_000 // PER_PDF + 1


class AccountCodes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The accounting package's code of each kind of cost, of the ``bank`` and of what payees owe us (``credit``)."""

    codes: dict[str, str]


@get("/api/v1/account-codes", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_codes(request: ApiRequest) -> AccountCodes:
    """The codes that are chosen."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return AccountCodes(codes=await codes.account_codes(connection, actor.timebank_id))


@post("/api/v1/account-codes", status_code=200, tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def set_codes(request: ApiRequest, data: JSONBody[AccountCodes]) -> Response[AccountCodes]:
    """Choose codes; what is not named stays, "" takes one away."""
    actor, key, db = acting(request), idempotency_key(request), database(request)
    command = SetCodes(codes=data.codes)
    result = await retrying(lambda: codes.set_codes(db, actor, command, key=key, now=now(request)))
    if isinstance(result, list):
        return refused(result)
    return Response(AccountCodes(codes=result.codes))


@get("/api/v1/journal", media_type="text/plain", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_journal(
    request: ApiRequest,
    first: FromQuery[date],
    last: FromQuery[date],
    form: FromQuery[Literal["hledger", "beancount"]] = "hledger",
) -> Response[Any]:
    """The ledger's money entries of these days as a journal for hledger or beancount. Costs are positive."""
    actor = reader(request)
    made = await papers.journal_of(database(request), actor.timebank_id, Days(first, last), form)
    return refused(made) if isinstance(made, list) else _file(made, "text/plain")


@get(
    "/api/v1/payment-batches/{number:int}/audit-pack",
    media_type=MEDIA_TYPE,
    tags=["payments"],
    guards=[needs_scope(READ)],
    **READING,
)
async def show_audit_pack(request: ApiRequest, number: FromPath[int]) -> Response[Any]:
    """All that stands behind a payment run, as a zip to be checked offline."""
    actor = reader(request)
    pack = await papers.audit_pack_of(database(request), actor.timebank_id, known_number(number))
    if pack is not None:
        await taken.note(database(request), actor, number, taken.AUDIT_PACK, now=now(request))
    return _file(pack, MEDIA_TYPE)


@get(
    "/api/v1/payment-batches/{number:int}/remittances",
    media_type="application/pdf",
    tags=["payments"],
    guards=[needs_scope(READ)],
    **READING,
)
async def show_remittances(request: ApiRequest, number: FromPath[int], part: FromQuery[int] = 1) -> Response[Any]:
    """Remittance advice of all payees as a tagged PDF, 200 in each part."""
    if not 1 <= part <= MAX_PART:
        raise NotFoundException
    actor = reader(request)
    made = await papers.advice_of(database(request), actor.timebank_id, known_number(number), part=part)
    return _file(made, "application/pdf")


@get(
    "/api/v1/payment-batches/{number:int}/payments/{line:int}/remittance",
    media_type="application/pdf",
    tags=["payments"],
    guards=[needs_scope(READ)],
    **READING,
)
async def show_remittance(request: ApiRequest, number: FromPath[int], line: FromPath[int]) -> Response[Any]:
    """Remittance advice of one payment as a tagged PDF."""
    actor = reader(request)
    made = await papers.advice_of(database(request), actor.timebank_id, known_number(number), line=line)
    return _file(made, "application/pdf")


@post(
    "/api/v1/payment-batches/{number:int}/remittances",
    status_code=200,
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    **CHANGING,
)
async def send_remittances(
    request: ApiRequest, number: FromPath[int], data: JSONBody[Nothing]
) -> Response[RemittancesAsked]:
    """E-mail the payees who have an address and were not told yet. Each payment is told of once."""
    actor, key, db = acting(request), idempotency_key(request), database(request)
    command = SendRemittances(number=known_number(number))
    result = await retrying(lambda: remittance.send_remittances(db, actor, command, key=key, now=now(request)))
    return refused(result) if isinstance(result, list) else Response(result)


def _file(made: Pack | None, media_type: str) -> Response[Any]:
    if made is None:
        raise NotFoundException
    headers = {"Content-Disposition": f'attachment; filename="{made.file_name}"'}
    return Response(made.content, media_type=media_type, headers=headers)


ROUTES = [
    show_codes,
    set_codes,
    show_journal,
    show_audit_pack,
    show_remittances,
    show_remittance,
    send_remittances,
]
