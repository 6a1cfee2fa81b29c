"""Fees for finance: a month with what is taken, and what was paid to whom in each tax year. English, for staff."""

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from timebank.fees import queries, service, totals, words
from timebank.fees.service import PriceFees
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.clock import today
from timebank.kit.text import plain
from timebank.members import queries as members
from timebank.payments import words as payment_words
from timebank.payments.periods import next_month
from timebank.rates import queries as rates
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
may_look = requires_role(FINANCE, ADMIN)
may_act = requires_role(FINANCE)


@get("/payments/fees", guards=[may_look], include_in_schema=False)
async def fees_page(request: PageRequest, month: FromQuery[str | None] = None) -> Response[str]:
    """The fees for time given in one month (``?month=2026-03``); who took nothing is a number and no name."""
    return await _month_page(request, BLANK, _month(month))


@post("/payments/fees/price", guards=[may_act], include_in_schema=False)
async def price(request: PageRequest) -> Response[Any]:
    """Work out the fees that had no rate."""
    form = await forms.read(request)
    done = await service.price(database(request), viewer(request).actor, PriceFees(), key=form.key, now=now(request))
    if isinstance(done, list):
        return await _month_page(request, form.refused(done), None)
    notice = f"{done.priced} worked out: each person is asked. {done.without_rate} still without a rate."
    return redirect(request, "/payments/fees", notice=notice)


@get("/payments/fees/years", guards=[may_look], include_in_schema=False)
async def years_page(request: PageRequest) -> Response[str]:
    """What was paid to each person in each tax year: fees, and apart from them costs paid back."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.totals_by_tax_year(connection, timebank_id)
    years = sorted({total.year for total in found}, reverse=True)
    return render(
        request,
        "fees/years.html",
        words=words,
        years=[(year, [total for total in found if total.year == year]) for year in years],
    )


async def _month_page(request: PageRequest, form: Form, month: date | None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    month = month or today(now(request), person.time_zone).replace(day=1)
    async with database(request).reading(timebank_id) as connection:
        fees = await queries.of_month(connection, timebank_id, month, next_month(month))
        months = await queries.months(connection, timebank_id)
        taken = [fee for fee in fees if fee.payable_reference is not None]
        over = [fee for fee in fees if fee.over_pence]
        names = await members.names(connection, timebank_id, sorted({fee.member_id for fee in (*taken, *over)}))
        used = await rates.by_ids(connection, timebank_id, sorted({fee.rate_id for fee in taken if fee.rate_id}))
        without_rate = await queries.without_rate_count(connection, timebank_id)
    return render(
        request,
        "fees/month.html",
        422 if form.refusals else 200,
        form=form,
        month=month,
        months=sorted({month, *months}, reverse=True),
        taken=taken,
        over=over,
        names=names,
        rates=used,
        counts=totals.counted(fees),
        sums=totals.summed(fees),
        without_rate=without_rate,
        can_act=person.has_role(FINANCE),
        words=payment_words,
    )


def _month(typed: str | None) -> date | None:
    """The first day of a month written as 2026-03. Raises NotFoundException for anything else."""
    if typed is None:
        return None
    year, dash, month = plain(typed).partition("-")
    if not (dash and year.isascii() and year.isdigit() and month.isascii() and month.isdigit()):
        raise NotFoundException
    if not (len(year) == 4 and len(month) == 2 and 2000 <= int(year) < 2200 and 1 <= int(month) <= 12):
        raise NotFoundException
    return date(int(year), int(month), 1)


ROUTES = [fees_page, price, years_page]
