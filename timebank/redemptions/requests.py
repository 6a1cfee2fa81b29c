"""Asking for something: a place is taken and minutes are set aside, at once or not at all.

Locks are taken in one order: the member's bookings, the offer, the booking, its payable, the budget that pays for it,
then (inside the ledger) holds and balances.
"""

from datetime import datetime

import msgspec

from ledger import PlaceHold, Refused, balance, post_batch
from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.budgets import service as budgets
from timebank.db import Connection, Database, Rollback, once
from timebank.hours.rules import UNIT, account_of
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, joined, say
from timebank.members import blocking
from timebank.members import queries as members
from timebank.messages.service import Message, send
from timebank.redemptions import effects, offer_queries, offer_rules, queries, rules, steps, waiting, waiting_queries
from timebank.redemptions.entry_kinds import BOOKING_HOLD
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts, Seen
from timebank.redemptions.people import require_active
from timebank.redemptions.situation import situation_with

REFERENCE_ATTEMPTS = 5

# The lock covers what one member may have open at once; two requests for different offers would not meet otherwise.
LOCK_MEMBERS_BOOKINGS = (
    "select pg_advisory_xact_lock(hashtextextended('redemption.member/' || $1::text || '/' || $2::text, 0))"
)

INSERT_REDEMPTION = """
insert into redemption (timebank_id, reference, offer_id, member_id, minutes, state, hold_id, benefit_text,
                        requested_by, requested_at, cancel_until, expires_at, rules_version, changed_at,
                        committed_pence, no_show)
values ($1, $2, $3, $4, $5, 'requested', $6, $7, $8, $9, $10, $11, $12, $9, $13, $14)
on conflict (timebank_id, reference) do nothing
returning id
"""


class RequestRedemption(msgspec.Struct, frozen=True, kw_only=True):
    """Spend a member's hours on an offer. ``how_agreed`` says how they agreed when somebody else asks for them.

    ``minutes`` replaces the offer's price where two people agreed on a time of their own; only inside another use case.
    """

    offer_id: int
    member_id: int
    how_agreed: str = ""
    minutes: int | None = None
    seen: Seen | None = None
    """What the page showed; refused when that is no longer so."""


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
        ValueError: the actor is not a person, or the command has a price of its own.
    """
    if command.minutes is not None:
        raise ValueError("the price is the offer's")

    async def work(connection: Connection) -> Booked:
        return await request_within(connection, actor, command, now)

    return await once(db, actor, "request_redemption", key, command, Booked, work)


async def request_within(connection: Connection, actor: Actor, command: RequestRedemption, now: datetime) -> Booked:
    """Do :func:`request` inside an open transaction, as its one ledger call. Refusals are raised as ``Rollback``.

    Raises:
        Rollback: with the refusals of :func:`request`.
        ValueError: the actor is not a person.
    """
    if actor.member_id is None:
        raise ValueError("a booking is made by a person")
    refusals = rules.check_reason(command.how_agreed)
    if refusals:
        raise Rollback(refusals)
    return await _request(connection, actor, command, now)


async def _request(connection: Connection, actor: Actor, command: RequestRedemption, now: datetime) -> Booked:
    timebank_id, member_id = actor.timebank_id, command.member_id
    if not rules.may_see(actor, member_id):
        raise Rollback([Refusal("not_yours", say("You can only book for yourself."), "member_id")])
    await require_active(connection, timebank_id, member_id, "member_id")
    await connection.execute(LOCK_MEMBERS_BOOKINGS, str(timebank_id), str(member_id))
    offer = await offer_queries.offer_facts(connection, timebank_id, command.offer_id, lock=True)
    if offer is None:
        raise Rollback([Refusal("unknown_offer", say("Choose an offer of this time bank."), "offer_id")])
    if command.minutes is not None:
        offer = msgspec.structs.replace(offer, price_minutes=command.minutes)
    if offer.provider_id is not None:
        provider = await members.by_id(connection, timebank_id, offer.provider_id)
        apart = await blocking.around(connection, timebank_id, member_id)
        if provider is None or provider.status != "active" or offer.provider_id in apart:
            away = say("This person is away just now. Choose something else.")
            raise Rollback([Refusal("helper_away", away, "offer_id")])
    facts = await banks.by_id(connection, timebank_id)
    day = today(now, facts.time_zone)
    version, document = await banks.rules_in_force(connection, timebank_id, day)
    await budgets.lock(connection, timebank_id, offer.budget_id)
    standing = await offer_queries.standing(
        connection, timebank_id, offer.id, member_id, today=day, time_zone=facts.time_zone
    )
    if refusals := offer_rules.check_offered(offer, standing, command.seen):
        raise Rollback(refusals)
    there = await balance(connection, timebank_id, account_of(member_id))
    refusals = rules.check_request(
        actor,
        offer,
        member_id=member_id,
        taken=await waiting_queries.taken_before(connection, timebank_id, offer.id, member_id),
        open_bookings=await queries.open_bookings(connection, timebank_id, member_id),
        max_open_bookings=document.max_open_bookings,
        available=there.available or 0,
        safeguarding_lead=document.safeguarding_lead,
        now=now,
    )
    if refusals:
        raise Rollback(refusals)
    return await _set_aside(connection, actor, command, offer, facts, version, now)


async def _set_aside(
    connection: Connection,
    actor: Actor,
    command: RequestRedemption,
    offer: OfferFacts,
    bank: TimeBankFacts,
    version: int,
    now: datetime,
) -> Booked:
    hold_id = ids.uuid7()
    until, expires_at = rules.cancel_until(offer, now, bank), rules.expires_at(offer, now, bank)
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
            offer.value_pence,
            offer.no_show,
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
    booking = await queries.booking_facts(connection, actor.timebank_id, reference)
    assert booking is not None
    await waiting.take_turn(connection, actor.timebank_id, offer.id, command.member_id, redemption_id, now)
    situation = await situation_with(connection, booking, offer, actor.timebank_id, now)
    await effects.after_step(connection, actor, situation, rules.REQUESTED, now)
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
    parts: list[str] = [
        say("{name} booked this for you: {title}.", name=by_whom, title=offer.title),
        say("{hours} set aside for it.", hours=Minutes(offer.price_minutes)),
    ]
    if command.how_agreed.strip():
        parts.append(say("Why: {reason}", reason=command.how_agreed.strip()))
    parts.append(say("You can cancel it on your bookings page. If you did not agree, tell us."))
    message = Message(
        member_id=command.member_id,
        kind="booked_for_you",
        subject=say("A booking was made for you: {reference}", reference=reference),
        body=joined(*parts),
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
    return Refusal(result.code, say("This cannot be booked just now. Please ask a coordinator."), "offer_id")
