"""Redemptions for programs: booking an offer, and one booking."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.ids import normalise_reference
from timebank.kit.refusal import Refusal
from timebank.redemptions import api_bookings, offer_queries, queries, rules, service
from timebank.redemptions.service import RequestRedemption
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "redemptions:write"


class RedemptionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Book an offer. ``member_id`` is the token's member if left out.

    A coordinator may name another member and say in ``how_agreed`` how they agreed.
    """

    offer_id: int
    member_id: int | None = None
    how_agreed: str = ""


class EventAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of a booking."""

    state: str
    at: datetime
    reason: str


class RedemptionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One booking. ``state`` is requested, accepted, fulfilled, cancelled, declined, timed_out, refunded or missed."""

    reference: str
    offer_id: int
    member_id: int
    title: str
    kind: str
    minutes: int
    state: str
    benefit_text: str
    requested_at: datetime
    cancel_until: datetime
    expires_at: datetime
    events: list[EventAnswer]


@post("/api/v1/redemptions", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def book_offer(request: ApiRequest, data: JSONBody[RedemptionBody]) -> Response[RedemptionAnswer]:
    """Book an offer: its minutes are set aside at once; what is refused changes nothing.

    Refusal ``ask_first`` for help from a member: they are asked at ``/api/v1/peers/asks``, and it is booked once both
    have agreed.
    """
    actor = acting(request)
    key = idempotency_key(request)
    member_id = actor.member_id if data.member_id is None else data.member_id
    if member_id is None or actor.member_id is None:
        return refused([Refusal("member_missing", "Say who the booking is for.", "member_id")])
    async with database(request).reading(actor.timebank_id) as connection:
        offer = await offer_queries.offer_facts(connection, actor.timebank_id, data.offer_id)
    if offer is not None and offer.provider_id is not None:
        return refused([Refusal("ask_first", "Ask the member who helps first: POST /api/v1/peers/asks.", "offer_id")])
    command = RequestRedemption(offer_id=data.offer_id, member_id=member_id, how_agreed=data.how_agreed)
    booked = await service.request(database(request), actor, command, key=key, now=now(request))
    if isinstance(booked, list):
        return refused(booked)
    answer = await _answer(request, actor.timebank_id, booked.reference, member_id)
    return Response(answer, status_code=201)


@get("/api/v1/redemptions/{reference:str}", tags=["redemptions"], guards=[needs_scope(WRITE)], **READING)
async def read_redemption(request: ApiRequest, reference: FromPath[str]) -> RedemptionAnswer:
    """One booking: one's own, or anyone's for a coordinator."""
    actor = acting(request)
    known = normalise_reference(reference)
    async with database(request).reading(actor.timebank_id) as connection:
        booking = await queries.booking(connection, actor.timebank_id, known) if known else None
    if booking is None or not rules.may_see(actor, booking.member_id):
        raise NotFoundException("There is no such booking.")
    return await _answer(request, actor.timebank_id, booking.reference, booking.member_id)


async def _answer(request: ApiRequest, timebank_id: int, reference: str, member_id: int) -> RedemptionAnswer:
    async with database(request).reading(timebank_id) as connection:
        booking = await queries.booking(connection, timebank_id, reference)
        if booking is None or booking.member_id != member_id:
            raise NotFoundException("There is no such booking.")
        events = await queries.history(connection, timebank_id, booking.id)
    return RedemptionAnswer(
        reference=booking.reference,
        offer_id=booking.offer_id,
        member_id=booking.member_id,
        title=booking.title,
        kind=booking.kind,
        minutes=booking.minutes,
        state=booking.state,
        benefit_text=booking.benefit_text,
        requested_at=booking.requested_at,
        cancel_until=booking.cancel_until,
        expires_at=booking.expires_at,
        events=[EventAnswer(state=event.state, at=event.at, reason=event.reason) for event in events],
    )


ROUTES = [book_offer, read_redemption, *api_bookings.ROUTES]
