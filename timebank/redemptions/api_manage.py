"""Managing offers for programs of staff: the list, adding, changing, closing, photos. Values are in pence."""

import base64
import binascii
from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.clock import today
from timebank.kit.pictures import remake
from timebank.kit.refusal import Refusal
from timebank.redemptions import managing, offer_photos, offers
from timebank.redemptions.managing import ManagedOffer
from timebank.redemptions.offer_rules import AddOffer, ChangeOffer
from timebank.redemptions.offers import OpenOffer
from timebank.redemptions.voucher_rules import Terms
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ_OFFERS, WRITE = "offers:read", "redemptions:write"
MAX_PHOTO_CHARACTERS = 8_000_000


class OfferBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an offer says. ``payee_id`` and ``value_pence`` come together. ``group_ids`` null is for everybody.

    ``monthly_pence`` is what may be committed for it in a calendar month; ``budget_id``
    pays for it, within its purchase order ``order_id`` if there is one; ``voucher`` says how its vouchers work.
    """

    title: str
    price_minutes: int
    benefit_label: str
    summary: str = ""
    description: str = ""
    places: int | None = None
    starts_at: datetime | None = None
    place: str = ""
    access_notes: str = ""
    access: list[str] = []
    group_ids: list[int] | None = None
    shown_from: date | None = None
    shown_until: date | None = None
    cancel_hours: int = 24
    hold_days: int = 28
    payee_id: int | None = None
    value_pence: int | None = None
    monthly_pence: int | None = None
    budget_id: int | None = None
    order_id: int | None = None
    no_show: str = "free"
    voucher: Terms | None = None


class AddOfferBody(OfferBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new training or voucher. ``copy_of`` gives it the picture of another offer."""

    kind: str
    copy_of: int | None = None
    is_open: bool = True


class ChangeOfferBody(OfferBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the offer says from now on; ``revision`` is the one it was read with."""

    revision: int


class OpenBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether people can book it."""

    is_open: bool


class PhotoBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A photo in base64 (JPEG, PNG, WebP or AVIF) and what it shows; no photo takes the one there is away."""

    photo: str = ""
    words: str = ""


class ManagedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as staff see it. ``state`` is open, later, full, used_up, unfunded, ended or closed."""

    id: int
    kind: str
    state: str
    is_open: bool
    revision: int
    taken: int
    open_bookings: int
    committed_pence: int
    photo_words: str | None
    title: str
    price_minutes: int
    benefit_label: str
    summary: str
    description: str
    places: int | None
    starts_at: datetime | None
    place: str
    access_notes: str
    access: list[str]
    group_ids: list[int] | None
    shown_from: date | None
    shown_until: date | None
    cancel_hours: int
    hold_days: int
    payee_id: int | None
    value_pence: int | None
    monthly_pence: int | None
    budget_id: int | None
    order_id: int | None
    no_show: str


class ManagedAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """Offers, open ones first."""

    offers: list[ManagedAnswer]


class ChangedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The offer as it is now numbered; ``told`` is how many people with a booking hear of another time or place."""

    offer_id: int
    revision: int
    told: int


@get("/api/v1/offers/manage", tags=["redemptions"], guards=[needs_scope(READ_OFFERS)], **READING)
async def list_managed(
    request: ApiRequest, q: FromQuery[str | None] = None, offer_state: FromQuery[str | None] = None
) -> ManagedAnswers:
    """Trainings and vouchers for staff, at most 500; ``offer_state`` chooses those in one state."""
    actor = _staff(request)
    async with database(request).reading(actor.timebank_id) as connection:
        clocks = await _clocks(request, connection, actor)
        text = (q or "").replace("\0", "")
        found = await managing.offers(connection, actor.timebank_id, q=text, state=offer_state or "", **clocks)
    return ManagedAnswers(offers=[_answer(one) for one in found])


@post("/api/v1/offers/manage", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def add_offer(request: ApiRequest, data: JSONBody[AddOfferBody]) -> Response[ManagedAnswer]:
    """Add a training or a voucher."""
    actor = acting(request)
    if data.kind == "peer_support":
        return refused([Refusal("unknown_kind", "Members add their own help themselves.", "kind")])
    command = AddOffer(**_fields(data), kind=data.kind, copy_of=data.copy_of, is_open=data.is_open)
    added = await offers.add_offer(database(request), actor, command, key=idempotency_key(request), now=now(request))
    if isinstance(added, list):
        return refused(added)
    return Response(await _one(request, actor, added.offer_id), status_code=201)


@get("/api/v1/offers/manage/{offer_id:int}", tags=["redemptions"], guards=[needs_scope(READ_OFFERS)], **READING)
async def read_managed(request: ApiRequest, offer_id: FromPath[int]) -> ManagedAnswer:
    """One training or voucher for staff."""
    return await _one(request, _staff(request), offer_id)


@post("/api/v1/offers/manage/{offer_id:int}", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def change_offer(
    request: ApiRequest, offer_id: FromPath[int], data: JSONBody[ChangeOfferBody]
) -> Response[ChangedAnswer]:
    """Change what an offer says; refused when somebody changed it since it was read."""
    command = ChangeOffer(offer_id=offer_id, revision=data.revision, **_fields(data))
    return await _changed(request, offers.change_offer, command)


@post("/api/v1/offers/manage/{offer_id:int}/open", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def open_offer(request: ApiRequest, offer_id: FromPath[int], data: JSONBody[OpenBody]) -> Response[ChangedAnswer]:
    """Close an offer, or open it again. Bookings stay as they are."""
    return await _changed(request, offers.open_offer, OpenOffer(offer_id=offer_id, is_open=data.is_open))


@post(
    "/api/v1/offers/manage/{offer_id:int}/photo",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def set_photo(request: ApiRequest, offer_id: FromPath[int], data: JSONBody[PhotoBody]) -> Response[ManagedAnswer]:
    """Give an offer its photo, or take it away."""
    actor, key, moment = acting(request), idempotency_key(request), now(request)
    try:
        if not data.photo:
            done = await offer_photos.remove_photo(database(request), actor, offer_id, key=key, now=moment)
        else:
            sizes = await _sizes(data.photo)
            if isinstance(sizes, Refusal):
                return refused([sizes])
            done = await offer_photos.set_photo(
                database(request), actor, offer_id, sizes, data.words, key=key, now=moment
            )
    except LookupError as error:
        raise NotFoundException("There is no such offer.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(await _one(request, actor, offer_id), status_code=200)


async def _sizes(photo: str) -> offer_photos.Sizes | Refusal:
    unreadable = Refusal("photo_unreadable", "Send the photo as base64, at most 6 megabytes of it.", "photo")
    if len(photo) > MAX_PHOTO_CHARACTERS:
        return unreadable
    try:
        remade = await remake(base64.b64decode(photo, validate=True))
    except (binascii.Error, ValueError):
        return unreadable
    return remade if isinstance(remade, Refusal) else await offer_photos.sizes_of(remade)


async def _changed(request: ApiRequest, use_case: Any, command: Any) -> Response[ChangedAnswer]:
    try:
        done = await use_case(
            database(request), acting(request), command, key=idempotency_key(request), now=now(request)
        )
    except LookupError as error:
        raise NotFoundException("There is no such offer.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(ChangedAnswer(offer_id=done.offer_id, revision=done.revision, told=done.told), status_code=200)


def _staff(request: ApiRequest) -> Actor:
    """The token's member, who is staff.

    Raises:
        PermissionDeniedException: they are not; what suppliers are paid is not for participants.
    """
    actor = acting(request)
    if not any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN)):
        raise PermissionDeniedException("Only staff can manage offers.")
    return actor


async def _clocks(request: ApiRequest, connection: Connection, actor: Actor) -> dict[str, Any]:
    bank = await banks.by_id(connection, actor.timebank_id)
    moment = now(request)
    return {"now": moment, "today": today(moment, bank.time_zone), "time_zone": bank.time_zone}


async def _one(request: ApiRequest, actor: Actor, offer_id: int) -> ManagedAnswer:
    async with database(request).reading(actor.timebank_id) as connection:
        clocks = await _clocks(request, connection, actor)
        found = await managing.offer(connection, actor.timebank_id, offer_id, **clocks)
    if found is None:
        raise NotFoundException("There is no such offer.")
    return _answer(found)


def _fields(body: OfferBody) -> dict[str, Any]:
    fields = {name: getattr(body, name) for name in OfferBody.__struct_fields__}
    group_ids = fields["group_ids"]
    return {
        **fields,
        "access": tuple(fields["access"]),
        "group_ids": None if group_ids is None else tuple(group_ids),
    }


def _answer(managed: ManagedOffer) -> ManagedAnswer:
    known = (managed.details, managed)
    fields = {
        name: next(getattr(each, name) for each in known if hasattr(each, name))
        for name in ManagedAnswer.__struct_fields__
    }
    return msgspec.convert(fields, ManagedAnswer)


ROUTES: list[Any] = [list_managed, add_offer, read_managed, change_offer, open_offer, set_photo]
