"""Bookings: hours set aside, agreed, handed over, given back.

Each use case is one transaction with one ledger call. Locks are taken in one order: the member's bookings, the offer,
the booking, its payable, then (inside the ledger) holds and balances.
"""

from datetime import datetime

import msgspec

from ledger import PlaceHold, Refused, balance, post_batch
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, claim, remember
from timebank.hours.rules import UNIT, account_of
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.durations import in_words
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.messages.service import Message, send
from timebank.redemptions import offer_queries, queries, rules, steps
from timebank.redemptions.entry_kinds import BOOKING_HOLD
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts
from timebank.redemptions.offers import AddedOffer, AddOffer, add_offer
from timebank.redemptions.people import require_active
from timebank.redemptions.steps import ChangeBooking, Changed

__all__ = [
    "AddOffer",
    "AddedOffer",
    "Booked",
    "ChangeBooking",
    "Changed",
    "RequestRedemption",
    "accept",
    "add_offer",
    "cancel",
    "decline",
    "fulfil",
    "refund",
    "request",
    "time_out_due",
]

REFERENCE_ATTEMPTS = 5

# The lock covers what one member may have open at once; two requests for different offers would not meet otherwise.
LOCK_MEMBERS_BOOKINGS = (
    "select pg_advisory_xact_lock(hashtextextended('redemption.member/' || $1::text || '/' || $2::text, 0))"
)

INSERT_REDEMPTION = """
insert into redemption (timebank_id, reference, offer_id, member_id, minutes, state, hold_id, benefit_text,
                        requested_by, requested_at, cancel_until, expires_at, rules_version, changed_at)
values ($1, $2, $3, $4, $5, 'requested', $6, $7, $8, $9, $10, $11, $12, $9)
on conflict (timebank_id, reference) do nothing
returning id
"""


class RequestRedemption(msgspec.Struct, frozen=True, kw_only=True):
    """Spend a member's hours on an offer. ``how_agreed`` says how they agreed when somebody else asks for them."""

    offer_id: int
    member_id: int
    how_agreed: str = ""


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A booking was made and its minutes are set aside."""

    reference: str
    redemption_id: int
    minutes: int
    cancel_until: datetime
    expires_at: datetime


async def request(
    db: Database, actor: Actor, command: RequestRedemption, *, key: str, now: datetime
) -> Booked | list[Refusal]:
    """Book an offer for a member: a place is taken and the minutes are set aside at once.

    A participant books for themselves, a coordinator for anyone. Refusals: those of ``rules.check_request``, and
    ``unknown_offer``, ``unknown_member``, ``paused``, ``helper_away``, ``reason_too_long``. A refused
    request changes nothing.

    Raises:
        ValueError: the actor is not a person.
    """
    if actor.member_id is None:
        raise ValueError("a booking is made by a person")
    refusals = rules.check_reason(command.how_agreed)
    if refusals:
        return refusals
    scope = f"request_redemption:{actor.name}"
    try:
        async with db.writing(actor.timebank_id) as connection:
            earlier = await claim(connection, actor.timebank_id, scope, key, command)
            if earlier is not None:
                return msgspec.convert(earlier, Booked)
            booked = await _request(connection, actor, command, now)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(booked))
            return booked
    except Rollback as rollback:
        return rollback.refusals


async def _request(connection: Connection, actor: Actor, command: RequestRedemption, now: datetime) -> Booked:
    timebank_id, member_id = actor.timebank_id, command.member_id
    if not rules.may_see(actor, member_id):
        raise Rollback([Refusal("not_yours", "You can only book for yourself.", "member_id")])
    await require_active(connection, timebank_id, member_id, "member_id")
    await connection.execute(LOCK_MEMBERS_BOOKINGS, str(timebank_id), str(member_id))
    offer = await offer_queries.offer_facts(connection, timebank_id, command.offer_id, lock=True)
    if offer is None:
        raise Rollback([Refusal("unknown_offer", "Choose an offer of this time bank.", "offer_id")])
    if offer.provider_id is not None:
        provider = await members.by_id(connection, timebank_id, offer.provider_id)
        if provider is None or provider.status != "active":
            raise Rollback([Refusal("helper_away", "This person is away just now. Choose something else.", "offer_id")])
    facts = await banks.by_id(connection, timebank_id)
    version, document = await banks.rules_in_force(connection, timebank_id, today(now, facts.time_zone))
    there = await balance(connection, timebank_id, account_of(member_id))
    refusals = rules.check_request(
        actor,
        offer,
        member_id=member_id,
        taken=await queries.places_taken(connection, timebank_id, offer.id),
        open_bookings=await queries.open_bookings(connection, timebank_id, member_id),
        max_open_bookings=document.max_open_bookings,
        available=there.available or 0,
        safeguarding_lead=document.safeguarding_lead,
        now=now,
    )
    if refusals:
        raise Rollback(refusals)
    return await _set_aside(connection, actor, command, offer, version, now)


async def _set_aside(
    connection: Connection, actor: Actor, command: RequestRedemption, offer: OfferFacts, version: int, now: datetime
) -> Booked:
    hold_id = ids.uuid7()
    until, expires_at = rules.cancel_until(offer, now), rules.expires_at(offer, now)
    for _ in range(REFERENCE_ATTEMPTS):
        reference = ids.reference()
        redemption_id = await connection.fetchval(
            INSERT_REDEMPTION,
            actor.timebank_id,
            reference,
            offer.id,
            command.member_id,
            offer.price_minutes,
            hold_id,
            offer.benefit_label,
            actor.member_id,
            now,
            until,
            expires_at,
            version,
        )
        if redemption_id is not None:
            break
    else:
        raise RuntimeError(f"no free booking reference in {REFERENCE_ATTEMPTS} attempts")
    hold = PlaceHold(
        key=f"request:{redemption_id}:1",
        hold_id=hold_id,
        kind=BOOKING_HOLD,
        unit=UNIT,
        from_account=account_of(command.member_id),
        to_account=kind_of(offer.kind).hours_account(offer.provider_id),
        amount=offer.price_minutes,
        expires_at=expires_at,
        actor=actor.name,
        reference=reference,
        meta={"rules": version, **actor.meta},
    )
    (result,) = await post_batch(connection, actor.timebank_id, [hold])
    if isinstance(result, Refused):
        raise Rollback([await _refusal(connection, actor.timebank_id, command.member_id, offer, result)])
    await steps.add_event(connection, actor, redemption_id, rules.REQUESTED, now, reason=command.how_agreed.strip())
    if command.member_id != actor.member_id:
        await _tell(connection, actor, command, offer, reference, now)
    return Booked(
        reference=reference,
        redemption_id=redemption_id,
        minutes=offer.price_minutes,
        cancel_until=until,
        expires_at=expires_at,
    )


async def _tell(
    connection: Connection, actor: Actor, command: RequestRedemption, offer: OfferFacts, reference: str, now: datetime
) -> None:
    """The member hears of what somebody else booked for them, by their own channel."""
    (by_whom,) = (await members.names(connection, actor.timebank_id, [actor.member_id or 0])).values()
    message = Message(
        member_id=command.member_id,
        kind="booked_for_you",
        subject=f"A booking was made for you: {reference}",
        body=f"{by_whom} booked this for you: {offer.title}.\n{in_words(offer.price_minutes)} set aside for it."
        + (f"\nWhy: {command.how_agreed.strip()}" if command.how_agreed.strip() else "")
        + "\nYou can cancel it on your bookings page. If you did not agree, tell us.",
        path=f"/bookings/{reference}",
        dedupe=f"booking:{reference}:requested",
    )
    await send(connection, actor.timebank_id, [message], now=now)


async def _refusal(
    connection: Connection, timebank_id: int, member_id: int, offer: OfferFacts, result: Refused
) -> Refusal:
    """The ledger's refusal in the participant's words: another booking may have taken the hours a moment ago."""
    if result.code == "insufficient":
        there = await balance(connection, timebank_id, account_of(member_id))
        return rules.not_enough(there.available or 0, offer.price_minutes)
    return Refusal(result.code, "This cannot be booked just now. Please ask a coordinator.", "offer_id")


async def accept(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Say yes to a request: the place is kept, the voucher is ready, the helper agreed. The hours stay set aside.

    For coordinators, never about their own hours. Refusals: those of ``rules.check_step``. Raises LookupError for an
    unknown reference, as do the steps below.
    """
    return await steps.take(db, actor, command, rules.ACCEPT, key=key, now=now)


async def fulfil(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """It happened: the hours set aside go where the offer says, and its supplier, if any, is owed the offer's value.

    Both entries are made in one ledger call, or neither. For coordinators, never about their own hours. Refusals:
    those of ``rules.check_step``.
    """
    return await steps.take(db, actor, command, rules.FULFIL, key=key, now=now)


async def decline(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Say that it cannot be: the hours and the place are free again. For coordinators; the member reads the reason."""
    return await steps.take(db, actor, command, rules.DECLINE, key=key, now=now)


async def cancel(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Take a booking back: the hours and the place are free again.

    Members cancel their own until ``cancel_until``; a coordinator cancels for others at any time before fulfilment.
    """
    return await steps.take(db, actor, command, rules.CANCEL, key=key, now=now)


async def refund(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Give the hours of a fulfilled booking back, and take back what its supplier is owed while that has not left.

    For coordinators, never about their own hours. Refusals: those of ``rules.check_step``,
    ``payment_already_exported``, and ``helper_has_used_them`` when the member who helped no longer has the hours.
    """
    return await steps.take(db, actor, command, rules.REFUND, key=key, now=now)


async def time_out_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Free the hours of every booking whose time has passed at ``now``; return how many there were.

    Harmless to repeat and to run at the same moment twice: each booking is locked, and one that is being changed is
    left for the next run.
    """
    freed = 0
    while True:
        async with db.writing(timebank_id) as connection:
            batch = await steps.time_out_batch(connection, timebank_id, now)
        freed += batch
        if batch < steps.TIME_OUT_BATCH:
            return freed
