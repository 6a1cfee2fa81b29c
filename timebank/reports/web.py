"""Pages of reports: hours and money, the trace of a payment, tax years, and the pack for a funder."""

import asyncio
from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from timebank import languages, paper
from timebank.banks import queries as banks
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.clock import today
from timebank.kit.ids import normalise_reference
from timebank.kit.money import in_words
from timebank.languages import day as day_words
from timebank.languages import hours as hours_words
from timebank.payments.settings import payment_settings
from timebank.reports import making, queries, rules, trace
from timebank.reports.asked import Asked, asked
from timebank.reports.making import HOW_NAMES, KIND_NAMES, Bar, Report, bars
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
may_look = requires_role(FINANCE, ADMIN)
PRIVATE = {"Cache-Control": "no-store"}


@get("/reports", guards=[may_look], include_in_schema=False)
async def reports_page(request: PageRequest) -> Response[str]:
    """Hours and money of some days, by activity, funder and month."""
    found, form, funders = await _report(request)
    return render(
        request,
        "reports/index.html",
        422 if form.refusals else 200,
        form=form,
        report=found,
        funders=funders,
        address=_address(found.asked) if found else "",
        hours_bars=bars([(name, minutes, _time(minutes)) for name, minutes in found.by_activity]) if found else [],
        month_bars=_months(found) if found else [],
        kinds=KIND_NAMES,
        hows=HOW_NAMES,
        people_words=rules.people_words,
    )


@get("/reports/csv", guards=[may_look], include_in_schema=False)
async def reports_csv(request: PageRequest) -> Response[bytes]:
    """The same for a spreadsheet."""
    found = await _made(request)
    name = f"report-{found.asked.first.isoformat()}-to-{found.asked.last.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **PRIVATE}
    return Response(making.as_csv(found).encode(), media_type="text/csv", headers=headers)


@get("/reports/pack", guards=[may_look], include_in_schema=False)
async def funder_pack(request: PageRequest) -> Response[bytes]:
    """The pack for a funder, as a tagged PDF: hours by activity and month, fees declined, days to pay."""
    found = await _made(request)
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        bank = await banks.by_id(connection, person.actor.timebank_id)
    data = _pack(found, bank.name, today(now(request), bank.time_zone))
    name = f"funder-pack-{found.asked.first.isoformat()}-to-{found.asked.last.isoformat()}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **PRIVATE}
    content = await asyncio.to_thread(paper.pdf, "funder_pack", data)
    return Response(content, media_type="application/pdf", headers=headers)


@get("/reports/trace", guards=[may_look], include_in_schema=False)
async def trace_page(request: PageRequest, q: FromQuery[str | None] = None) -> Response[str]:
    """From a payment on the bank statement back to the hours and sessions it came from, and forward again."""
    reference = normalise_reference(q) if q else None
    found, after = [], []
    if reference is not None:
        timebank_id = viewer(request).actor.timebank_id
        async with database(request).reading(timebank_id) as connection:
            found = await trace.trace(connection, timebank_id, reference)
            if not found:
                after = await trace.trace_register(connection, timebank_id, reference)
    return render(
        request,
        "reports/trace.html",
        typed=(q or "")[:60],
        reference=reference,
        found=found or after,
        is_forward=bool(after),
        kinds=KIND_NAMES,
    )


@get("/reports/tax-years", guards=[may_look], include_in_schema=False)
async def tax_years_page(request: PageRequest, begins: FromQuery[str | None] = None) -> Response[str]:
    """What every payee was paid in a tax year; fees, expenses and the rest stay separate."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        years = await making.tax_years(connection, person.actor.timebank_id, today(now(request), person.time_zone))
        year = next((one for one in years if one.isoformat() == begins), None) if begins else years[0]
        if year is None:
            raise NotFoundException
        lines = await queries.paid_to(connection, person.actor.timebank_id, year, rules.next_tax_year(year))
        bank = await banks.by_id(connection, person.actor.timebank_id)
    return render(
        request,
        "reports/tax_years.html",
        years=[(one.isoformat(), rules.tax_year_words(one)) for one in years],
        year=year,
        year_words=rules.tax_year_words(year),
        lines=lines,
        currency=bank.currency,
        kinds=KIND_NAMES,
    )


async def _made(request: PageRequest) -> Report:
    found, form, _ = await _report(request)
    if found is None:
        raise NotFoundException(form.refusals[0].message)
    return found


async def _report(request: PageRequest) -> tuple[Report | None, Form, list[str]]:
    person, query = viewer(request), request.query_params
    typed = {name: query.get(name, "")[:60] for name in ("first", "last", "funder")}
    async with database(request).reading(person.actor.timebank_id) as connection:
        settings = await payment_settings(connection, person.actor.timebank_id)
        bank = await banks.by_id(connection, person.actor.timebank_id)
        funders = await queries.funders(connection, person.actor.timebank_id)
        wanted = asked(
            **typed,
            today=today(now(request), bank.time_zone),
            month=settings.tax_year_month,
            day=settings.tax_year_day,
        )
        if isinstance(wanted, list):
            return None, Form.blank(**typed).refused(wanted), funders
        report = await making.make(
            connection, person.actor.timebank_id, wanted, currency=bank.currency, now=now(request)
        )
    shown = {"first": _day(wanted.first), "last": _day(wanted.last), "funder": wanted.funder}
    return report, Form.blank(**shown), funders


def _months(report: Report) -> list[tuple[Bar, str]]:
    """Of each month a bar of its time, and its money in words."""
    made = bars([(f"{month:%B %Y}", minutes, _time(minutes)) for month, minutes, _ in report.by_month])
    money = [in_words(pence, report.currency) for _, _, pence in report.by_month]
    return list(zip(made, money, strict=True))


def _enough(count: int, pence: int, currency: str) -> str:
    """An amount in words, where enough people stand behind it that none can be recognised."""
    return in_words(pence, currency) if count >= rules.FEWEST_PEOPLE else "not shown"


def _time(minutes: int) -> str:
    return _hours(minutes) if minutes else "None"


def _hours(minutes: int) -> str:
    """Time in words. Papers of finance are in English, like its pages."""
    with languages.speaking("en"):
        return hours_words(minutes)


def _day(on: date) -> str:
    with languages.speaking("en"):
        return day_words(on, weekday=False)


def _address(wanted: Asked) -> str:
    return urlencode({"first": wanted.first.isoformat(), "last": wanted.last.isoformat(), "funder": wanted.funder})


def _pack(report: Report, bank: str, made_on: date) -> dict[str, Any]:
    wanted = report.asked
    about = wanted.funder or "all funders"
    return {
        "title": f"{bank}: report for {about}",
        "foot": f"Made on {_day(made_on)}",
        "lines": [
            f"From {_day(wanted.first)} to {_day(wanted.last)}",
            f"{_time(report.minutes)} given by members; people: {rules.people_words(report.people)}",
            f"{_hours(report.staff_minutes)} of paid staff time beside it" if report.staff_minutes else "",
            f"{in_words(report.pence, report.currency)} earned by suppliers and members",
        ],
        "tables": [
            {
                "title": "Time given, by activity",
                "heads": ["Activity", "Time"],
                "rows": [[name, _time(minutes)] for name, minutes in report.by_activity],
                "nothing": "No time was given in these days.",
            },
            {
                "title": "By month",
                "heads": ["Month", "Time", "Money"],
                "rows": [
                    [f"{month:%B %Y}", _time(minutes), in_words(pence, report.currency)]
                    for month, minutes, pence in report.by_month
                ],
                "nothing": "",
            },
            {
                "title": "Money, by type",
                "heads": ["Type", "Earned", "Paid"],
                "rows": [
                    [KIND_NAMES.get(kind, kind), in_words(pence, report.currency), in_words(paid, report.currency)]
                    for kind, _, pence, paid in report.by_kind
                ],
                "nothing": "Nothing was earned in these days.",
            },
            {
                "title": "Involvement fees: what people chose",
                "heads": ["Choice", "Fees", "Paid out"],
                "rows": [
                    [
                        HOW_NAMES[line.how],
                        rules.people_words(line.fees),
                        _enough(line.fees, line.pence, report.currency),
                    ]
                    for line in report.fees
                ],
                "nothing": "No fee was offered in these days.",
            },
            {
                "title": "How long it took to pay",
                "heads": ["Type", "Payments", "Days on average", "Late"],
                "rows": [
                    [KIND_NAMES.get(one.kind, one.kind), str(one.payables), f"{one.average:.1f}", str(one.late)]
                    for one in report.days_to_pay
                ],
                "nothing": "Nothing was paid in these days.",
            },
        ],
        "notes": [
            "An hour is an hour, whoever gives it. Hours are never valued in money.",
            f"Numbers below {rules.FEWEST_PEOPLE} are not shown where people could be recognised by them.",
        ],
    }


ROUTES = [reports_page, reports_csv, funder_pack, trace_page, tax_years_page]
