"""Pages of offers: what hours can be used for, one offer, and the last look before booking it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.hours import queries as hours
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.redemptions import offer_queries, queries, rules, service
from timebank.redemptions.service import RequestRedemption
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]


@get("/offers", guards=[signed_in], include_in_schema=False)
async def show_offers(request: PageRequest) -> Response[str]:
    """What the member can use their hours for: now, nearly, later."""
    (person, member_id), moment = _me(request), now(request)
    async with database(request).reading(person.timebank_id) as connection:
        mine = await hours.balance(connection, person.timebank_id, member_id)
        bank = await banks.by_id(connection, person.timebank_id)
        _, document = await banks.rules_in_force(connection, bank.id, today(moment, bank.time_zone))
        found = await offer_queries.catalogue(
            connection,
            bank.id,
            member_id,
            available=mine.available,
            safeguarding_lead=document.safeguarding_lead,
            now=moment,
        )
    return render(request, "redemptions/offers.html", hours_now=mine, catalogue=found)


@get("/offers/{offer_id:int}", guards=[signed_in], include_in_schema=False)
async def show_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """One offer: the price, what will be left, and the note on benefits, before anything is spent."""
    return await _offer_page(request, offer_id, "redemptions/offer.html")


@get("/offers/{offer_id:int}/check", guards=[signed_in], include_in_schema=False)
async def check_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """The last look before hours are used."""
    return await _offer_page(request, offer_id, "redemptions/check.html")


@post("/offers/{offer_id:int}/use", guards=[signed_in], status_code=200, include_in_schema=False)
async def use_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Use the hours: one booking, however often the button is pressed."""
    person, member_id = _me(request)
    form = await forms.read(request)
    booked = await service.request(
        database(request),
        person,
        RequestRedemption(offer_id=offer_id, member_id=member_id, how_agreed=_how_agreed(request)),
        key=form.key,
        now=now(request),
    )
    if isinstance(booked, list):
        return await _offer_page(request, offer_id, "redemptions/check.html", form.refused(booked), 422)
    return redirect(request, f"/bookings/{booked.reference}")


async def _offer_page(
    request: PageRequest, offer_id: int, template: str, form: Form = BLANK, status_code: int = 200
) -> Response[str]:
    (person, member_id), moment = _me(request), now(request)
    async with database(request).reading(person.timebank_id) as connection:
        mine = await hours.balance(connection, person.timebank_id, member_id)
        offer = await offer_queries.offer(connection, person.timebank_id, offer_id, available=mine.available)
        facts = await offer_queries.offer_facts(connection, person.timebank_id, offer_id)
        open_ones, _ = await queries.bookings_of(connection, person.timebank_id, member_id)
    if offer is None or facts is None:
        raise NotFoundException
    return render(
        request,
        template,
        status_code,
        form=form,
        offer=offer,
        hours_now=mine,
        left=mine.available - offer.price_minutes,
        has_started=offer.starts_at is not None and offer.starts_at <= moment,
        is_own=offer.provider_id == member_id,
        # Whoever came back because they were not sure sees that it did work, before they use their hours twice.
        booked=next((each.reference for each in open_ones if each.offer_id == offer_id), None),
        cancel_until=rules.cancel_until(facts, moment),
        now=moment,
    )


def _me(request: PageRequest) -> tuple[Actor, int]:
    """Who is looking, and whose hours they look at."""
    return viewer(request).actor, viewer(request).subject_id


def _how_agreed(request: PageRequest) -> str:
    """Why somebody else does this for the member and how they agreed; nothing for one's own."""
    acting = viewer(request).acting_for
    return acting.in_words if acting else ""


ROUTES = [show_offers, show_offer, check_offer, use_offer]
