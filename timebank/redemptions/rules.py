"""What may happen to a booking, who may do it, and what it posts. Pure: facts in, refusals or ledger items out.

    requested -> accepted -> fulfilled -> refunded
    requested, accepted -> cancelled | declined | timed_out | missed
    missed -> fulfilled (they did come)

Hours are set aside when the booking is made and go to the kind's account when it is fulfilled. A booking handed over at
once passes through "accepted" on the way, so its history always tells the same story.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from timebank.banks.rules import TimeBankFacts
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, mark, say, say_n
from timebank.kit.working_days import next_working_day
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts

REQUESTED, ACCEPTED, FULFILLED = "requested", "accepted", "fulfilled"
CANCELLED, DECLINED, TIMED_OUT, REFUNDED, MISSED = "cancelled", "declined", "timed_out", "refunded", "missed"
OPEN_STATES = (REQUESTED, ACCEPTED)

ACCEPT, FULFIL, DECLINE, CANCEL, TIME_OUT, REFUND = "accept", "fulfil", "decline", "cancel", "time_out", "refund"
MISS = "miss"
EXTENDED = "extended"
"""Not a state: what the history says when a booking got more time."""
USED, FREE = "used", "free"
NoShow = Literal["used", "free"]
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
    (REQUESTED, MISS): MISSED,
    (ACCEPTED, MISS): MISSED,
    (MISSED, FULFIL): FULFILLED,
    (FULFILLED, REFUND): REFUNDED,
}
"""Every step there is: (state, step) -> the state after it. What is not here is refused.

A booking whose hours are used by not coming ends as "fulfilled", see :func:`state_after`.
"""

MAX_REASON = 500

STATE_WORDS: Final[Mapping[str, str]] = {
    REQUESTED: mark("asked for"),
    ACCEPTED: mark("agreed"),
    FULFILLED: mark("done"),
    CANCELLED: mark("cancelled"),
    DECLINED: mark("not possible"),
    TIMED_OUT: mark("ran out of time"),
    REFUNDED: mark("hours given back"),
    MISSED: mark("did not come"),
    EXTENDED: mark("got more time"),
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
    no_show: str = FREE
    reminded_until: datetime | None = None


def cancel_until(offer: OfferFacts, now: datetime, bank: TimeBankFacts) -> datetime:
    """Until when the participant can cancel: some hours before a date, else as long as the hours are set aside.

    For something very near it lies in the past already: then there is no way back, and the page says so before.
    """
    if offer.starts_at is None:
        return expires_at(offer, now, bank)
    return offer.starts_at - timedelta(hours=offer.cancel_hours)


def expires_at(offer: OfferFacts, now: datetime, bank: TimeBankFacts) -> datetime:
    """When the hours become free by themselves: the end of a working day, the offer's number of days after now, or
    after its date.
    """
    start = now if offer.starts_at is None else max(now, offer.starts_at)
    return end_of_working_day(today(start, bank.time_zone) + timedelta(days=offer.hold_days), bank)


def end_of_working_day(day: date, bank: TimeBankFacts) -> datetime:
    """The midnight after a day, or after the first working day that follows it, on the clocks of the time bank."""
    last = next_working_day(day, bank.holiday_region)
    return datetime.combine(last + timedelta(days=1), time(), ZoneInfo(bank.time_zone))


def state_after(booking: BookingFacts, step: str) -> str:
    """The state after a step that is possible: not coming uses the hours where that was said before booking."""
    return FULFILLED if step == MISS and booking.no_show == USED else STEPS[booking.state, step]


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
        refusals.append(Refusal("not_yours", say("You can only book for yourself."), "member_id"))
    if not offer.is_open:
        message = say("This is not on offer any more. Choose something else.")
        refusals.append(Refusal("offer_closed", message, "offer_id"))
    elif offer.starts_at is not None and offer.starts_at <= now:
        refusals.append(Refusal("in_the_past", say("This has started already. Choose something else."), "offer_id"))
    elif offer.places is not None and taken >= offer.places:
        refusals.append(no_places_left(offer))
    if kind_of(offer.kind).needs_safeguarding_lead and not safeguarding_lead:
        message = say("Help from members starts once we have a safety lead. Ask us when.")
        refusals.append(Refusal("peer_support_off", message, "offer_id"))
    if offer.provider_id == member_id:
        refusals.append(Refusal("own_offer", say("This is your own offer. Choose something else."), "offer_id"))
    elif actor.member_id not in (None, member_id) and offer.provider_id == actor.member_id:
        message = say("These hours would come to you, so someone else books this for them.")
        refusals.append(Refusal("nobody_gains_for_another", message, "offer_id"))
    if open_bookings >= max_open_bookings:
        message = say_n(
            open_bookings,
            "You have {n} open booking. Use or cancel it first.",
            "You have {n} open bookings. Use or cancel one first.",
        )
        refusals.append(Refusal("too_many_bookings", message))
    if available < offer.price_minutes:
        refusals.append(not_enough(available, offer.price_minutes))
    return refusals


def no_places_left(offer: OfferFacts) -> Refusal:
    """Refusal ``no_places_left``: the last place was taken; what can be done instead."""
    if kind_of(offer.kind).has_waiting_list:
        message = say("No places are left just now. You can go on the waiting list.")
    else:
        message = say("No places are left. Choose something else.")
    return Refusal("no_places_left", message, "offer_id")


def not_enough(available: int, price: int) -> Refusal:
    """Refusal ``not_enough_hours``: how many more are needed."""
    more = Minutes(price - max(available, 0))
    return Refusal("not_enough_hours", say("You need {more} more for this. Your hours have not changed.", more=more))


def check_step(actor: Actor, offer: OfferFacts, booking: BookingFacts, step: str, now: datetime) -> list[Refusal]:
    """What stands in the way of one step in the life of a booking.

    Refusals: ``wrong_state``, ``not_allowed``, ``own_booking``, ``not_yours``, ``too_late_to_cancel``, ``timed_out``,
    ``too_early``, ``no_date``, ``not_due``.
    """
    if (booking.state, step) not in STEPS:
        return [_wrong_state(booking, step)]
    if step == TIME_OUT:
        return [] if now >= booking.expires_at else [Refusal("not_due", "This booking still has time.")]
    refusals = _check_person(actor, offer, booking, step)
    if step in (ACCEPT, FULFIL, MISS) and booking.state in OPEN_STATES and now >= booking.expires_at:
        refusals.append(_timed_out())
    elif step in (FULFIL, MISS) and offer.starts_at is not None and now < offer.starts_at:
        message = say("This has not happened yet. Come back after it has started.")
        refusals.append(Refusal("too_early", message))
    elif step == MISS and offer.starts_at is None:
        refusals.append(Refusal("no_date", say("This has no day on which somebody could be missing.")))
    elif step == CANCEL and now > booking.cancel_until and not _cancels_for(actor, offer, booking):
        message = say("It is too late to cancel here. If you are ill, talk to us.")
        refusals.append(Refusal("too_late_to_cancel", message))
    return refusals


def _check_person(actor: Actor, offer: OfferFacts, booking: BookingFacts, step: str) -> list[Refusal]:
    if step in (FULFIL, MISS, CANCEL) and booking.state in OPEN_STATES and _supplies(actor, offer):
        return []
    if step == CANCEL:
        return [] if may_see(actor, booking.member_id) else [Refusal("not_yours", say("This is not your booking."))]
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", say("Only a coordinator can do this. Please ask one."))]
    if actor.member_id is not None and actor.member_id in (booking.member_id, offer.provider_id):
        return [Refusal("own_booking", say("This is about your own hours. Ask another coordinator to do it."))]
    return []


def _supplies(actor: Actor, offer: OfferFacts) -> bool:
    """True for the supplier who holds this date or honours this voucher."""
    return actor.supplier_id is not None and actor.supplier_id == offer.payee_id


def _cancels_for(actor: Actor, offer: OfferFacts, booking: BookingFacts) -> bool:
    """Someone who is ill gets their hours back without proof: a coordinator may cancel for others at any time, and a
    supplier says who told them in time.
    """
    return _supplies(actor, offer) or (actor.has(COORDINATOR) and actor.member_id != booking.member_id)


def _timed_out() -> Refusal:
    message = say("This booking ran out of time. The hours are free again. Make a new booking.")
    return Refusal("timed_out", message)


_STATE_NOW: Final[Mapping[str, str]] = {
    REQUESTED: mark("Booking {reference} has not been agreed yet. Nothing was changed."),
    ACCEPTED: mark("Booking {reference} is agreed already. Nothing was changed."),
    FULFILLED: mark("Booking {reference} is done already. Nothing was changed."),
    CANCELLED: mark("Booking {reference} is cancelled. Nothing was changed."),
    DECLINED: mark("Booking {reference} was not possible. Nothing was changed."),
    TIMED_OUT: mark("Booking {reference} ran out of time. Nothing was changed."),
    REFUNDED: mark("Booking {reference} has been given back already. Nothing was changed."),
    MISSED: mark("Booking {reference} was missed. Nothing was changed."),
}


def _wrong_state(booking: BookingFacts, step: str) -> Refusal:
    if booking.state == TIMED_OUT and step in (ACCEPT, FULFIL, MISS):
        return _timed_out()
    return Refusal("wrong_state", say(_STATE_NOW[booking.state], reference=booking.reference))


def check_part(booking: BookingFacts, *, minutes: int | None, pence: int | None) -> list[Refusal]:
    """Refusals ``bad_minutes`` and ``bad_pence`` for a part that no booking like this can have."""
    refusals = []
    if minutes is not None and not 1 <= minutes <= booking.minutes:
        message = say("Choose from 1 minute to {most}.", most=Minutes(booking.minutes))
        refusals.append(Refusal("bad_minutes", message, "minutes"))
    if pence is not None and pence < 0:
        refusals.append(Refusal("bad_pence", say("The amount cannot be below nothing."), "pence"))
    return refusals


def check_reason(reason: str) -> list[Refusal]:
    """Refusal ``reason_too_long`` above :data:`MAX_REASON` characters."""
    if len(reason) > MAX_REASON:
        message = say("Shorten the reason to {most} letters or fewer.", most=MAX_REASON)
        return [Refusal("reason_too_long", message, "reason")]
    return []
