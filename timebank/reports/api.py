"""Reports for programs: hours and money, tax years, and the trace of a reference. Minutes and pence are integers."""

from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery

from timebank.banks import queries as banks
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.clock import today
from timebank.kit.ids import normalise_reference
from timebank.payments.settings import payment_settings
from timebank.reports import making, queries, rules, trace
from timebank.reports.asked import asked
from timebank.reports.queries import DaysToPay, FeesLine, HoursLine, MoneyLine, PaidTo
from timebank.reports.rules import Exposure
from timebank.reports.trace import Traced
from timebank.web.api import READING, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "payables:read"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What happened from one day to another. ``people_in_words`` hides small numbers, as a funder may read it."""

    first: date
    last: date
    funder: str
    currency: str
    people_in_words: str
    hours: list[HoursLine]
    money: list[MoneyLine]
    days_to_pay: list[DaysToPay]
    fees: list[FeesLine]
    outstanding_minutes: int
    exposures: list[Exposure]


class TaxYear(msgspec.Struct, frozen=True, kw_only=True):
    """What every payee was paid, by kind, in the tax year that begins on this day."""

    begins: date
    currency: str
    paid: list[PaidTo]


class Traces(msgspec.Struct, frozen=True, kw_only=True):
    """What a reference leads to. ``is_forward``: it is a saved register, and these are what its hours have paid for."""

    reference: str
    is_forward: bool
    items: list[Traced]


@get("/api/v1/reports", tags=["reports"], guards=[needs_scope(READ)], **READING)
async def report(
    request: ApiRequest,
    first: FromQuery[str | None] = None,
    last: FromQuery[str | None] = None,
    funder: FromQuery[str | None] = None,
) -> Response[Report]:
    """Hours and money of some days; without days the tax year until today."""
    timebank_id = _reader(request).timebank_id
    async with database(request).reading(timebank_id) as connection:
        settings, bank = await payment_settings(connection, timebank_id), await banks.by_id(connection, timebank_id)
        wanted = asked(
            first or "",
            last or "",
            funder or "",
            today=today(now(request), bank.time_zone),
            month=settings.tax_year_month,
            day=settings.tax_year_day,
        )
        if isinstance(wanted, list):
            return refused(wanted)
        made = await making.make(connection, timebank_id, wanted, currency=bank.currency, now=now(request))
    return Response(
        Report(
            first=wanted.first,
            last=wanted.last,
            funder=wanted.funder,
            currency=made.currency,
            people_in_words=rules.people_words(made.people),
            hours=made.hours,
            money=made.money,
            days_to_pay=made.days_to_pay,
            fees=made.fees,
            outstanding_minutes=made.outstanding,
            exposures=made.exposures,
        )
    )


@get("/api/v1/reports/tax-years/{begins:str}", tags=["reports"], guards=[needs_scope(READ)], **READING)
async def tax_year(request: ApiRequest, begins: FromPath[str]) -> TaxYear:
    """What every payee was paid in the tax year that begins on this day (2026-04-06); 404 when none does."""
    timebank_id = _reader(request).timebank_id
    async with database(request).reading(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        years = await making.tax_years(connection, timebank_id, today(now(request), bank.time_zone))
        year = next((one for one in years if one.isoformat() == begins), None)
        if year is None:
            raise NotFoundException
        lines = await queries.paid_to(connection, timebank_id, year, rules.next_tax_year(year))
    return TaxYear(begins=year, currency=bank.currency, paid=lines)


@get("/api/v1/reports/traces/{reference:str}", tags=["reports"], guards=[needs_scope(READ)], **READING)
async def trace_reference(request: ApiRequest, reference: FromPath[str]) -> Traces:
    """From a bank payment, payable or booking back to hours and sessions; from a saved register forward to payments."""
    timebank_id, typed = _reader(request).timebank_id, normalise_reference(reference)
    if typed is None:
        raise NotFoundException
    async with database(request).reading(timebank_id) as connection:
        found = await trace.trace(connection, timebank_id, typed)
        after = [] if found else await trace.trace_register(connection, timebank_id, typed)
    if not found and not after:
        raise NotFoundException
    return Traces(reference=typed, is_forward=bool(after), items=found or after)


def _reader(request: ApiRequest) -> Actor:
    actor = acting(request)
    if not (actor.has(FINANCE) or actor.has(ADMIN)):
        raise PermissionDeniedException("Only someone with the finance role can see reports.")
    return actor


ROUTES = [report, tax_year, trace_reference]
