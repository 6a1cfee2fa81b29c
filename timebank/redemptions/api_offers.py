"""Offers for programs: what hours can be spent on, with the filters of the page, and what was saved for later."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.redemptions import offer_queries, saved
from timebank.redemptions.offer_queries import OfferCard, Wanted
from timebank.redemptions.readers import reader_of
from timebank.redemptions.saved import SaveOffer
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ_OFFERS, WRITE = "offers:read", "redemptions:write"


class OfferAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Something hours can be spent on, at a price in minutes and none in money; ``places_left`` null is no limit.

    ``short_minutes`` is what the token's member still needs for it; ``is_used_up``: no more this calendar month;
    ``is_unfunded``: no more for the present;
    ``revision`` changes with every change of the offer.
    """

    id: int
    kind: str
    title: str
    summary: str
    description: str
    price_minutes: int
    places_left: int | None
    starts_at: datetime | None
    place: str
    access: list[str]
    access_notes: str
    benefit_label: str
    is_open: bool
    is_used_up: bool
    is_unfunded: bool
    is_saved: bool
    short_minutes: int
    revision: int
    photo_words: str | None


class OffersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is on offer now, cheapest first; or what was saved, by title."""

    offers: list[OfferAnswer]


class SaveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``is_saved`` false takes it off the list."""

    is_saved: bool = True


class SavedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the offer is on the list of the token's member now."""

    offer_id: int
    is_saved: bool


@get("/api/v1/offers", tags=["redemptions"], guards=[needs_scope(READ_OFFERS)], **READING)
async def list_offers(
    request: ApiRequest,
    q: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    place: FromQuery[str | None] = None,
    when: FromQuery[str | None] = None,
    access: FromQuery[list[str] | None] = None,
) -> OffersAnswer:
    """Everything on offer to the token's member, at most 300.

    ``q`` are words that it must hold, ``when`` is week, month, later or anytime, ``access`` is given once for each
    feature that is needed.
    """
    actor = acting(request)
    texts = {name: (text or "").replace("\0", "") for name, text in (("q", q), ("kind", kind), ("place", place))}
    wanted = Wanted(**texts, when=when or "", access=tuple(access or ()))
    async with database(request).reading(actor.timebank_id) as connection:
        reading = await reader_of(connection, actor.timebank_id, _member(actor.member_id), now(request))
        found = await offer_queries.open_offers(connection, reading.reader, wanted)
    return OffersAnswer(offers=[_answer(card) for card in found])


@get("/api/v1/offers/saved", tags=["redemptions"], guards=[needs_scope(READ_OFFERS)], **READING)
async def list_saved(request: ApiRequest) -> OffersAnswer:
    """What the token's member saved for later. Nobody else sees it."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        reading = await reader_of(connection, actor.timebank_id, _member(actor.member_id), now(request))
        found = await offer_queries.saved(connection, reading.reader)
    return OffersAnswer(offers=[_answer(card) for card in found])


@get("/api/v1/offers/{offer_id:int}", tags=["redemptions"], guards=[needs_scope(READ_OFFERS)], **READING)
async def read_offer(request: ApiRequest, offer_id: FromPath[int]) -> OfferAnswer:
    """One offer, also one that is closed by now."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        reading = await reader_of(connection, actor.timebank_id, _member(actor.member_id), now(request))
        card = await offer_queries.offer(connection, reading.reader, offer_id, sees_all=actor.has(COORDINATOR))
    if card is None:
        raise NotFoundException("There is no such offer.")
    return _answer(card)


@post(
    "/api/v1/offers/{offer_id:int}/save", tags=["redemptions"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING
)
async def save_offer(request: ApiRequest, offer_id: FromPath[int], data: JSONBody[SaveBody]) -> Response[SavedAnswer]:
    """Save an offer for later, or take it off the list."""
    command = SaveOffer(offer_id=offer_id, is_saved=data.is_saved)
    try:
        done = await saved.save_offer(
            database(request), acting(request), command, key=idempotency_key(request), now=now(request)
        )
    except LookupError as error:
        raise NotFoundException("There is no such offer.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(SavedAnswer(offer_id=done.offer_id, is_saved=done.is_saved), status_code=200)


def _member(member_id: int | None) -> int:
    """The token's member; every token has one."""
    if member_id is None:
        raise NotFoundException("This token belongs to nobody.")
    return member_id


def _answer(card: OfferCard) -> OfferAnswer:
    return msgspec.convert(card, OfferAnswer, from_attributes=True)


ROUTES = [list_offers, list_saved, read_offer, save_offer]
