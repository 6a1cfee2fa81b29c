"""What may happen to a booking, who may do it, and what it posts. Pure: facts in, refusals or ledger items out.

    requested -> accepted -> fulfilled -> refunded
    requested, accepted -> cancelled | declined | timed_out

Hours are set aside when the booking is made and go to the kind's account when it is fulfilled. A booking handed over at
once passes through "accepted" on the way, so its history always tells the same story.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.durations import in_words
from timebank.kit.refusal import Refusal
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts

REQUESTED, ACCEPTED, FULFILLED = "requested", "accepted", "fulfilled"
CANCELLED, DECLINED, TIMED_OUT, REFUNDED = "cancelled", "declined", "timed_out", "refunded"
OPEN_STATES = (REQUESTED, ACCEPTED)

ACCEPT, FULFIL, DECLINE, CANCEL, TIME_OUT, REFUND = "accept", "fulfil", "decline", "cancel", "time_out", "refund"
STEPS: Final[Mapping[tuple[str, str], str]] = {
    (REQUESTED, ACCEPT): ACCEPTED,
    (REQUESTED, FULFIL): FULFILLED,
    (REQUESTED, DECLINE): DECLINED,
    (REQUESTED, CANCEL): CANCELLED,
    (REQUESTED, TIME_OUT): TIMED_OUT,
    (ACCEPTED, FULFIL): FULFILLED,
    (ACCEPTED, DECLINE): DECLINED,
    (ACCEPTED, CANCEL): CANCELLED,
    (ACCEPTED, TIME_OUT): TIMED_OUT,
    (FULFILLED, REFUND): REFUNDED,
}
"""Every step there is: (state, step) -> the state after it. What is not here is refused."""

MAX_REASON = 500

STATE_WORDS: Final[Mapping[str, str]] = {
    REQUESTED: "asked for",
    ACCEPTED: "agreed",
    FULFILLED: "done",
    CANCELLED: "cancelled",
    DECLINED: "not possible",
    TIMED_OUT: "ran out of time",
    REFUNDED: "hours given back",
}


class BookingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as the rules see it."""

    id: int
    reference: str
    offer_id: int
    member_id: int
    minutes: int
    state: str
    cancel_until: datetime
    expires_at: datetime
    hold_id: UUID
    entry_id: UUID | None
    rules_version: int


def cancel_until(offer: OfferFacts, now: datetime) -> datetime:
    """Until when the participant can cancel: some hours before a date, else as long as the hours are set aside.

    For something very near it lies in the past already: then there is no way back, and the page says so before.
    """
    if offer.starts_at is None:
        return expires_at(offer, now)
    return offer.starts_at - timedelta(hours=offer.cancel_hours)


def expires_at(offer: OfferFacts, now: datetime) -> datetime:
    """When the hours become free by themselves: the offer's number of days after now, or after its date."""
    start = now if offer.starts_at is None else max(now, offer.starts_at)
    return start + timedelta(days=offer.hold_days)


def may_see(actor: Actor, member_id: int) -> bool:
    """True for one's own booking, and for whoever coordinates."""
    return actor.subject_id == member_id or actor.has(COORDINATOR)


def check_request(
    actor: Actor,
    offer: OfferFacts,
    *,
    member_id: int,
    taken: int,
    open_bookings: int,
    max_open_bookings: int,
    available: int,
    safeguarding_lead: str,
    now: datetime,
) -> list[Refusal]:
    """What stands in the way of this booking. ``taken`` places of the offer and ``available`` minutes are as of now.

    Refusals: ``not_yours``, ``offer_closed``, ``in_the_past``, ``no_places_left``, ``peer_support_off``,
    ``own_offer``, ``nobody_gains_for_another``, ``too_many_bookings``, ``not_enough_hours``.
    """
    refusals = []
    if not may_see(actor, member_id):
        refusals.append(Refusal("not_yours", "You can only book for yourself.", "member_id"))
    if not offer.is_open:
        refusals.append(Refusal("offer_closed", "This is not on offer any more. Choose something else.", "offer_id"))
    elif offer.starts_at is not None and offer.starts_at <= now:
        refusals.append(Refusal("in_the_past", "This has started already. Choose something else.", "offer_id"))
    elif offer.places is not None and taken >= offer.places:
        refusals.append(Refusal("no_places_left", "No places are left. Choose something else.", "offer_id"))
    if kind_of(offer.kind).needs_safeguarding_lead and not safeguarding_lead:
        message = "Help from members starts once we have a safety lead. Ask us when."
        refusals.append(Refusal("peer_support_off", message, "offer_id"))
    if offer.provider_id == member_id:
        refusals.append(Refusal("own_offer", "This is your own offer. Choose something else.", "offer_id"))
    elif actor.member_id not in (None, member_id) and offer.provider_id == actor.member_id:
        message = "These hours would come to you, so someone else books this for them."
        refusals.append(Refusal("nobody_gains_for_another", message, "offer_id"))
    if open_bookings >= max_open_bookings:
        message = f"You have {open_bookings} open bookings. Use or cancel one first."
        refusals.append(Refusal("too_many_bookings", message))
    if available < offer.price_minutes:
        refusals.append(not_enough(available, offer.price_minutes))
    return refusals


def not_enough(available: int, price: int) -> Refusal:
    """Refusal ``not_enough_hours``: how many more are needed."""
    more = in_words(price - max(available, 0))
    return Refusal("not_enough_hours", f"You need {more} more for this. Your hours have not changed.")


def check_step(actor: Actor, offer: OfferFacts, booking: BookingFacts, step: str, now: datetime) -> list[Refusal]:
    """What stands in the way of one step in the life of a booking.

    Refusals: ``wrong_state``, ``not_allowed``, ``own_booking``, ``not_yours``, ``too_late_to_cancel``, ``timed_out``,
    ``too_early``, ``not_due``.
    """
    if (booking.state, step) not in STEPS:
        return [_wrong_state(booking, step)]
    if step == TIME_OUT:
        return [] if now >= booking.expires_at else [Refusal("not_due", "This booking still has time.")]
    refusals = _check_person(actor, offer, booking, step)
    if step in (ACCEPT, FULFIL) and now >= booking.expires_at:
        message = "This booking ran out of time. The hours are free again. Make a new booking."
        refusals.append(Refusal("timed_out", message))
    elif step == FULFIL and offer.starts_at is not None and now < offer.starts_at:
        refusals.append(Refusal("too_early", "This has not happened yet. Come back after it has started."))
    elif step == CANCEL and now > booking.cancel_until and not _coordinates_for(actor, booking):
        refusals.append(Refusal("too_late_to_cancel", "It is too late to cancel here. Please talk to us."))
    return refusals


def _check_person(actor: Actor, offer: OfferFacts, booking: BookingFacts, step: str) -> list[Refusal]:
    if step == CANCEL:
        return [] if may_see(actor, booking.member_id) else [Refusal("not_yours", "This is not your booking.")]
    if step == FULFIL and actor.supplier_id is not None and actor.supplier_id == offer.payee_id:
        return []
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator can do this. Please ask one.")]
    if actor.member_id is not None and actor.member_id in (booking.member_id, offer.provider_id):
        return [Refusal("own_booking", "This is about your own hours. Ask another coordinator to do it.")]
    return []


def _coordinates_for(actor: Actor, booking: BookingFacts) -> bool:
    """Someone who is ill gets their hours back without proof: a coordinator may cancel for others at any time."""
    return actor.has(COORDINATOR) and actor.member_id != booking.member_id


def _wrong_state(booking: BookingFacts, step: str) -> Refusal:
    if booking.state == TIMED_OUT and step in (ACCEPT, FULFIL):
        return Refusal("timed_out", "This booking ran out of time. The hours are free again. Make a new booking.")
    words = {
        REQUESTED: "has not been agreed yet",
        ACCEPTED: "is agreed already",
        FULFILLED: "is done already",
        CANCELLED: "is cancelled",
        DECLINED: "was not possible",
        TIMED_OUT: "ran out of time",
        REFUNDED: "has been given back already",
    }[booking.state]
    return Refusal("wrong_state", f"Booking {booking.reference} {words}. Nothing was changed.")


def check_part(booking: BookingFacts, *, minutes: int | None, pence: int | None) -> list[Refusal]:
    """Refusals ``bad_minutes`` and ``bad_pence`` for a part that no booking like this can have."""
    refusals = []
    if minutes is not None and not 1 <= minutes <= booking.minutes:
        message = f"Choose from 1 minute to {in_words(booking.minutes)}, which is set aside."
        refusals.append(Refusal("bad_minutes", message, "minutes"))
    if pence is not None and pence < 0:
        refusals.append(Refusal("bad_pence", "The amount cannot be below nothing.", "pence"))
    return refusals


def check_reason(reason: str) -> list[Refusal]:
    """Refusal ``reason_too_long`` above :data:`MAX_REASON` characters."""
    if len(reason) > MAX_REASON:
        return [Refusal("reason_too_long", f"Shorten the reason to {MAX_REASON} letters or fewer.", "reason")]
    return []
