"""Formats of payment files for programs: what each needs, and columns of the time bank's own."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, JSONBody

from timebank.db import retrying
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.payments import format_words as words
from timebank.payments import profile_forms, profiles, rules
from timebank.payments.api_shared import READ, WRITE
from timebank.payments.formats import FORMATS, PaymentFormat
from timebank.payments.formats.letters import Letters
from timebank.payments.formats.payments_csv import DateFormat, Field, PaymentsCsv, SortCodes
from timebank.payments.profiles import RetireProfile, SavedProfile, SaveProfile
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]


class FormatColumn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column. ``text`` is what a ``fixed`` one says in every line; ``width`` the most letters, 0 for no limit."""

    field: Field
    heading: str = ""
    text: str = ""
    width: int = 0


class FormatColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns of a CSV in order, and how its values are written."""

    columns: list[FormatColumn]
    with_headings: bool = True
    date_format: DateFormat = "yyyy-mm-dd"
    amounts: Literal["pounds", "pence"] = "pounds"
    separator: Literal["comma", "semicolon", "tab"] = "comma"
    line_end: Literal["crlf", "lf"] = "crlf"
    with_byte_order_mark: bool = False
    letters: Letters = "any"
    sort_codes: SortCodes = "089999"
    extension: Literal["csv", "txt"] = "csv"


class PaymentFormatFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One format. ``use`` is bank, accounts or people; ``version`` and ``made_at`` are those of the time bank's own.

    ``columns`` is null for what is no CSV.
    """

    code: str
    name: str
    use: str
    needs: str
    note: str
    extension: str
    version: int | None = None
    made_at: datetime | None = None
    columns: FormatColumns | None = None


class PaymentFormats(msgspec.Struct, frozen=True, kw_only=True):
    """Every format that can be chosen, the time bank's own first."""

    items: list[PaymentFormatFacts]


class NewPaymentFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of the time bank's own."""

    name: str
    profile: FormatColumns
    note: str = ""


class ChangedPaymentFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next version. ``seen_version`` is the one that this changes: one made in between is never overwritten."""

    seen_version: int
    name: str
    profile: FormatColumns
    note: str = ""


@get("/api/v1/payment-formats", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def list_formats(request: ApiRequest) -> PaymentFormats:
    """Every format with what it needs and what to know first."""
    actor = _reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        own = await profiles.profiles(connection, actor.timebank_id)
    items = [_facts(one.format, one.code, one.version, one.at) for one in own if one.is_open]
    return PaymentFormats(items=items + [_facts(one, one.code) for one in FORMATS])


@get("/api/v1/payment-formats/{code:str}", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_format(request: ApiRequest, code: FromPath[str]) -> PaymentFormatFacts:
    """One format; of the time bank's own any version, for ever."""
    actor = _reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await profiles.any_format(connection, actor.timebank_id, code)
    if found is None:
        raise NotFoundException
    return _facts(found, found.code)


@post("/api/v1/payment-formats", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def create_format(request: ApiRequest, data: JSONBody[NewPaymentFormat]) -> Response[SavedProfile]:
    """Keep columns of the time bank's own. The answer's ``code`` is the format's, whichever version is the latest."""
    return await _save(request, data.name, data.note, data.profile)


@post("/api/v1/payment-formats/{code:str}", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def change_format(
    request: ApiRequest, code: FromPath[str], data: JSONBody[ChangedPaymentFormat]
) -> Response[SavedProfile]:
    """Keep the next version of one of the time bank's own formats."""
    return await _save(request, data.name, data.note, data.profile, code=code, seen_version=data.seen_version)


@post(
    "/api/v1/payment-formats/{code:str}/retire",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def retire_format(request: ApiRequest, code: FromPath[str], data: JSONBody[Nothing]) -> Response[SavedProfile]:
    """Offer one of the time bank's own formats no more. Files that were made with it stay."""
    actor, key, db = acting(request), idempotency_key(request), database(request)
    command = RetireProfile(id=_id(code))
    result = await retrying(lambda: profiles.retire_profile(db, actor, command, key=key, now=now(request)))
    return refused(result) if isinstance(result, list) else Response(result, status_code=200)


async def _save(
    request: ApiRequest, name: str, note: str, columns: FormatColumns, *, code: str = "", seen_version: int = 0
) -> Response[SavedProfile]:
    actor, key, db = acting(request), idempotency_key(request), database(request)
    profile_id = _id(code) if code else None
    rows = [
        profile_forms.Row(field=one.field, heading=one.heading, text=one.text, width=str(one.width))
        for one in columns.columns
    ]
    chosen = {field: getattr(columns, field) for field in profile_forms.SELECTS}
    for field in ("with_headings", "with_byte_order_mark"):
        chosen[field] = "yes" if getattr(columns, field) else ""
    profile = profile_forms.read(rows, chosen)
    if isinstance(profile, list):
        return refused(profile)
    command = SaveProfile(id=profile_id, seen_version=seen_version, name=name, note=note, profile=profile)
    result = await retrying(lambda: profiles.save_profile(db, actor, command, key=key, now=now(request)))
    if isinstance(result, list):
        return refused(result)
    headers = {"Location": f"/api/v1/payment-formats/{result.code}"}
    return Response(result, status_code=200 if code else 201, headers=headers)


def _facts(
    payment_format: PaymentFormat, code: str, version: int | None = None, made_at: datetime | None = None
) -> PaymentFormatFacts:
    columns = None
    if isinstance(payment_format, PaymentsCsv):
        profile = payment_format.profile
        chosen: dict[str, Any] = profile_forms.filled(profile)
        for field in ("with_headings", "with_byte_order_mark"):
            chosen[field] = bool(chosen.get(field))
        columns = FormatColumns(columns=[FormatColumn(**asdict(one)) for one in profile.columns], **chosen)
    return PaymentFormatFacts(
        code=code,
        name=payment_format.name,
        use=payment_format.use,
        needs=words.needs(payment_format),
        note=payment_format.note,
        extension=payment_format.extension,
        version=version,
        made_at=made_at,
        columns=columns,
    )


def _id(code: str) -> int:
    profile_id = profiles.id_of(code)
    if profile_id is None:
        raise NotFoundException
    return profile_id


def _reader(request: ApiRequest) -> Actor:
    actor = acting(request)
    if not rules.may_read(actor):
        raise PermissionDeniedException("Only someone with the finance role can see payments.")
    return actor


ROUTES = [list_formats, show_format, create_format, change_format, retire_format]
