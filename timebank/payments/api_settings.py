"""How the time bank pays, for programs."""

from typing import Any

import msgspec
from litestar import Request, Response, get, put
from litestar.exceptions import PermissionDeniedException
from litestar.params import JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.payments import rules
from timebank.payments import settings as payment_settings
from timebank.payments.settings import PaymentSettings, change_settings
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "payables:read"
WRITE = "payments:write"


class HowWePay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``format`` is the code of a format; ``days_ahead`` working days until money moves; when the tax year begins."""

    format: str
    service_user_number: str = ""
    days_ahead: int = 1
    tax_year_month: int = 4
    tax_year_day: int = 6


@get("/api/v1/payment-settings", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_settings(request: ApiRequest) -> HowWePay:
    """How the time bank pays."""
    actor = acting(request)
    if not rules.may_read(actor):
        raise PermissionDeniedException("Only finance and administrators can read this.")
    async with database(request).reading(actor.timebank_id) as connection:
        chosen = await payment_settings.payment_settings(connection, actor.timebank_id)
    return msgspec.convert(chosen, HowWePay, from_attributes=True)


@put("/api/v1/payment-settings", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def update_settings(request: ApiRequest, data: JSONBody[HowWePay]) -> Response[HowWePay]:
    """Choose how the time bank pays."""
    command = msgspec.convert(data, PaymentSettings, from_attributes=True)
    key = idempotency_key(request)
    done = await change_settings(database(request), acting(request), command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(data)


ROUTES: list[Any] = [show_settings, update_settings]
