"""The till of a trainer: who comes, and who came, behind the link of their poster. First names and references only."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.kit.refusal import Refusal
from timebank.kit.words import say_n
from timebank.redemptions import attendance
from timebank.redemptions.attendance import SaveAttendance
from timebank.redemptions.suppliers import Till
from timebank.redemptions.web_dates import marks_of
from timebank.redemptions.web_till import NO_STORE, no_till, till_here
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render

PageRequest = Request[Any, Any, Any]


@get("/till/dates", include_in_schema=False)
async def show_days(request: PageRequest) -> Response[Any]:
    """The days of this supplier's trainings, of the last three months and those to come."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    moment = now(request)
    async with database(request).reading(till.timebank_id) as connection:
        days = await attendance.dates(connection, till.timebank_id, moment, payee_id=till.payee_id)
    return render(request, "redemptions/till_dates.html", headers=NO_STORE, till=till, days=days, now=moment)


@get("/till/dates/{offer_id:int}", include_in_schema=False)
async def show_day(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Who booked one of these days."""
    till = await till_here(request)
    return no_till(request) if till is None else await _day_page(request, till, offer_id)


@post("/till/dates/{offer_id:int}", status_code=200, include_in_schema=False)
async def save_day(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Save who came: their places are owed to the supplier, once."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    form = await forms.read(request)
    command = SaveAttendance(offer_id=offer_id, marks=marks_of(form))
    saved = await attendance.save(database(request), till.actor, command, key=form.key, now=now(request))
    if isinstance(saved, list):
        if saved[0].code == "unknown_offer":
            raise NotFoundException
        return await _day_page(request, till, offer_id, form.refused(saved))
    if saved.refused:
        refusals = [Refusal("not_saved", why, f"mark-{reference}") for reference, why in saved.refused.items()]
        return await _day_page(request, till, offer_id, form.refused(refusals))
    notice = say_n(saved.saved, "Saved for {n} person.", "Saved for {n} people.")
    return redirect(request, f"/till/dates/{offer_id}", notice=notice)


async def _day_page(request: PageRequest, till: Till, offer_id: int, form: Form = BLANK) -> Response[Any]:
    async with database(request).reading(till.timebank_id) as connection:
        offer = await attendance.offer_of(connection, till.actor, offer_id)
        if offer is None or offer.starts_at is None:
            # Another supplier's day looks like one that does not exist.
            raise NotFoundException
        people = await attendance.expected(connection, till.timebank_id, offer_id)
    return render(
        request,
        "redemptions/till_date.html",
        422 if form.refusals else 200,
        form=form,
        headers=NO_STORE,
        till=till,
        offer=offer,
        people=people,
        has_started=offer.starts_at <= now(request),
    )


ROUTES: list[Any] = [show_days, show_day, save_day]
