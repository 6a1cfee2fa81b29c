"""Pages of months: what to check before a month is closed, closing it, opening it again."""

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.db import retrying
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.clock import today
from timebank.payments import months
from timebank.payments.months import CloseMonth, OpenMonth
from timebank.payments.web import may_act, may_look
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]


@get("/payments/months", guards=[may_look], include_in_schema=False)
async def months_page(request: PageRequest) -> Response[str]:
    """Months that are over, newest first, and whether they are closed."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    day = today(now(request), person.time_zone)
    async with database(request).reading(timebank_id) as connection:
        found = await months.months(connection, timebank_id, day)
    return render(request, "payments/months.html", months=found, local=lambda moment: local(moment, person))


@get("/payments/months/{month:str}", guards=[may_look], include_in_schema=False)
async def month_page(request: PageRequest, month: FromPath[str]) -> Response[str]:
    """One month: the checklist, and every time it was closed or opened."""
    return await _month_page(request, _month(month))


@post("/payments/months/{month:str}/close", guards=[may_act], include_in_schema=False)
async def close(request: PageRequest, month: FromPath[str]) -> Response[Any]:
    """Close a month."""
    form = await forms.read(request)
    command = CloseMonth(month=_month(month), why=form.text("why"))
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: months.close_month(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _month_page(request, command.month, form.refused(result))
    return redirect(request, "/payments/months", notice=f"{command.month:%B %Y} is closed.")


@post("/payments/months/{month:str}/open", guards=[may_look], include_in_schema=False)
async def open_again(request: PageRequest, month: FromPath[str]) -> Response[Any]:
    """Open a closed month again."""
    form = await forms.read(request)
    command = OpenMonth(month=_month(month), why=form.text("why"))
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: months.open_month(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _month_page(request, command.month, form.refused(result))
    return redirect(request, "/payments/months", notice=f"{command.month:%B %Y} is open again.")


async def _month_page(request: PageRequest, month: date, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        checks = await months.checklist(connection, timebank_id, month)
        history = await months.history_of(connection, timebank_id, month)
        is_closed = await months.is_closed(connection, timebank_id, month)
    return render(
        request,
        "payments/month.html",
        422 if form.refusals else 200,
        form=form,
        month=month,
        checks=checks,
        history=history,
        is_closed=is_closed,
        closed_itself=bool(history and history[-1].is_closed),
        not_over=months.check_close(month, today=today(now(request), person.time_zone)),
        is_own=bool(history and history[-1].by_id == person.member_id and not person.has_role(ADMIN)),
        can_close=person.has_role(FINANCE),
        local=lambda moment: local(moment, person),
    )


def _month(text: str) -> date:
    """``2026-03`` as its first day."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise NotFoundException from error


ROUTES = [months_page, month_page, close, open_again]
