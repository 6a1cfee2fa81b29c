"""Offers for programs: what hours can be spent on."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get

from timebank.identity.api_auth import acting, needs_scope
from timebank.redemptions import offer_queries
from timebank.web.api import READING
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ_OFFERS = "offers:read"


class OfferAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Something hours can be spent on, at a price in minutes and none in money; ``places_left`` null is no limit."""

    id: int
    kind: str
    title: str
    summary: str
    description: str
    price_minutes: int
    places_left: int | None
    starts_at: datetime | None
    place: str
    access_notes: str
    benefit_label: str


class OffersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is on offer now, cheapest first."""

    offers: list[OfferAnswer]


@get("/api/v1/offers", tags=["redemptions"], guards=[needs_scope(READ_OFFERS)], **READING)
async def list_offers(request: ApiRequest) -> OffersAnswer:
    """Everything on offer, at most 300."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await offer_queries.open_offers(connection, actor.timebank_id, now(request), offer_queries.MAX_OFFERS)
    return OffersAnswer(offers=[msgspec.convert(card, OfferAnswer, from_attributes=True) for card in found])


ROUTES = [list_offers]
