"""Months and their closing, for programs, through the same functions as the pages."""

from datetime import date

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.banks import queries as banks
from timebank.kit.clock import today
from timebank.payments import months
from timebank.payments.api_shared import LOOK, STEP, ApiRequest, done_or_refused, reader
from timebank.web.context import database, now


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why; may be empty where nothing speaks against it."""

    why: str = ""


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month with its checklist."""

    month: date
    is_closed: bool
    checks: list[months.Check]


class Months(msgspec.Struct, frozen=True, kw_only=True):
    """Months that are over, newest first."""

    items: list[months.MonthChanged]


@get("/api/v1/payment-months", **LOOK)
async def list_months(request: ApiRequest) -> Months:
    """Months that are over, and whether they are closed."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        found = await months.months(connection, actor.timebank_id, today(now(request), bank.time_zone))
    steps = [(month, bool(step and step.is_closed)) for month, step in found]
    return Months(items=[months.MonthChanged(month=month, is_closed=is_closed) for month, is_closed in steps])


@get("/api/v1/payment-months/{month:str}", **LOOK)
async def show_month(request: ApiRequest, month: FromPath[str]) -> Month:
    """A month (like ``2026-03``) and what to look at before it is closed."""
    actor, first = reader(request), _month(month)
    async with database(request).reading(actor.timebank_id) as connection:
        return Month(
            month=first,
            is_closed=await months.is_closed(connection, actor.timebank_id, first),
            checks=await months.checklist(connection, actor.timebank_id, first),
        )


@post("/api/v1/payment-months/{month:str}/close", **STEP)
async def close_month(request: ApiRequest, month: FromPath[str], data: JSONBody[Why]) -> Response[months.MonthChanged]:
    """Close a month."""
    command = months.CloseMonth(month=_month(month), why=data.why)
    return await done_or_refused(request, months.close_month, command)


@post("/api/v1/payment-months/{month:str}/open", **STEP)
async def open_month(request: ApiRequest, month: FromPath[str], data: JSONBody[Why]) -> Response[months.MonthChanged]:
    """Open a closed month again."""
    command = months.OpenMonth(month=_month(month), why=data.why)
    return await done_or_refused(request, months.open_month, command)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise NotFoundException from error


ROUTES = [list_months, show_month, close_month, open_month]
