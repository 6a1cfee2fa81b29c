"""Hours that stay set aside: reminding before they are free again, freeing them, and giving more time."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from ledger import Refused, post_batch
from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Database, Rollback, once, retrying
from timebank.kit.actor import COORDINATOR, Actor, system
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.messages import queries as messages
from timebank.messages.service import send
from timebank.redemptions import hold_rules, offer_queries, queries, rules, steps, telling
from timebank.redemptions.rules import BookingFacts
from timebank.redemptions.situation import situation_of, situation_with
from timebank.redemptions.steps import Changed

BATCH = 200

# Offers with few places are locked before the bookings, as everywhere.
LOCK_OFFERS_DUE = """
select o.id from offer o
 where o.timebank_id = $1 and o.places is not null and o.id in (
       select r.offer_id from redemption r
        where r.timebank_id = $1 and r.state in ('requested', 'accepted') and r.expires_at <= $2)
 order by o.id
   for no key update
"""
TO_REMIND = """
select r.id, r.reference, r.offer_id, r.member_id, r.minutes, r.state, r.cancel_until, r.expires_at, r.hold_id,
       r.entry_id, r.rules_version, r.no_show, r.reminded_until, r.requested_at, o.starts_at, o.place
  from redemption r
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
 where r.timebank_id = $1 and r.state in ('requested', 'accepted') and r.reminded_at is null
   and r.expires_at > $2 and o.provider_id is null
   and ((o.starts_at is null and r.expires_at <= $2::timestamptz + interval '7 days')
        or (r.state = 'accepted' and o.starts_at > $2 and o.starts_at <= $2::timestamptz + interval '34 days'))
 order by r.id
 limit $3
   for no key update of r skip locked
"""
REMINDED = """
update redemption set reminded_at = $3, reminded_until = expires_at where timebank_id = $1 and id = $2
"""
PUT_OFF = """
update redemption
   set expires_at = $3, cancel_until = case when cancel_until = expires_at then $3 else cancel_until end
 where timebank_id = $1 and id = $2
"""
MORE_TIME = """
update redemption
   set expires_at = $3, cancel_until = case when cancel_until = expires_at then $3 else cancel_until end,
       reminded_at = null, reminded_until = null
 where timebank_id = $1 and id = $2
returning (select count(*) from redemption_event e where e.timebank_id = $1 and e.redemption_id = $2)
"""


class MoreTime(msgspec.Struct, frozen=True, kw_only=True):
    """Keep the hours of a booking set aside until the end of a day, or of the next working day."""

    reference: str
    until: date
    reason: str = ""


async def more_time(
    db: Database, actor: Actor, command: MoreTime, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Give an open booking more time. For coordinators, never about their own hours; the member is told.

    Refusals: ``not_allowed``, ``own_booking``, ``reason_too_long``, and those of ``hold_rules.check_more_time``.

    Raises:
        LookupError: there is no booking with this reference.
    """
    refusals = rules.check_reason(command.reason)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Changed:
        return await _more_time(connection, actor, command, now)

    return await once(db, actor, "more_time_for_booking", key, command, Changed, work)


async def _more_time(connection: Connection, actor: Actor, command: MoreTime, now: datetime) -> Changed:
    if not actor.has(COORDINATOR):
        raise Rollback([Refusal("not_allowed", say("Only a coordinator can do this. Please ask one."))])
    situation = await situation_of(connection, actor.timebank_id, command.reference, now)
    booking, bank = situation.booking, situation.bank
    if actor.member_id is not None and actor.member_id == booking.member_id:
        message = say("This is about your own hours. Ask another coordinator to do it.")
        raise Rollback([Refusal("own_booking", message)])
    if refusals := hold_rules.check_more_time(booking, command.until, day=situation.today, bank=bank):
        raise Rollback(refusals)
    until, reason = rules.end_of_working_day(command.until, bank), command.reason.strip()
    n = await connection.fetchval(MORE_TIME, actor.timebank_id, booking.id, until)
    await steps.add_event(connection, actor, booking.id, rules.EXTENDED, now, reason=reason)
    last = hold_rules.last_day(until, bank)
    told = telling.of_more_time(booking, situation.offer.title, last, reason, n)
    await send(connection, actor.timebank_id, [told], now=now)
    return Changed(reference=booking.reference, state=booking.state)


async def remind_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Remind members whose hours will soon be free again, and those whose day is near; return how many.

    Each booking once, and again after it got more time.
    """
    reminded = 0
    async with db.writing(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        for row in await connection.fetch(TO_REMIND, timebank_id, now, BATCH):
            facts = dict(row)
            requested_at, starts_at, place = facts.pop("requested_at"), facts.pop("starts_at"), facts.pop("place")
            booking = msgspec.convert(facts, BookingFacts)
            if not hold_rules.is_due_to_remind(booking, requested_at=requested_at, starts_at=starts_at, now=now):
                continue
            await _remind(connection, bank, booking, place, now)
            reminded += 1
    return reminded


async def _remind(
    connection: Connection, bank: TimeBankFacts, booking: BookingFacts, place: str, now: datetime
) -> None:
    offer = await offer_queries.offer_facts(connection, bank.id, booking.offer_id)
    assert offer is not None
    if offer.starts_at is None:
        message = telling.of_end(booking, offer.title, hold_rules.last_day(booking.expires_at, bank))
    else:
        message = telling.of_day(booking, offer, bank, place)
    await send(connection, bank.id, [message], now=now)
    await connection.execute(REMINDED, bank.id, booking.id, now)


async def time_out_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Free the hours of every booking whose time has passed at ``now``; return how many there were.

    Whoever was reminded by a message that has not arrived, or only just has, keeps their hours for some days more.
    Harmless to repeat and to run at the same moment twice: each booking is locked, and one that is being changed is
    left for the next run.
    """
    freed = 0

    async def batch() -> tuple[int, int]:
        async with db.writing(timebank_id) as connection:
            return await _time_out_batch(connection, timebank_id, now)

    while True:
        seen, ended = await retrying(batch)
        freed += ended
        if seen < BATCH:
            return freed


async def _time_out_batch(connection: Connection, timebank_id: int, now: datetime) -> tuple[int, int]:
    """Look at no more than ``BATCH`` bookings that are due; how many there were, and how many have ended."""
    await connection.fetch(LOCK_OFFERS_DUE, timebank_id, now)
    due = await queries.due_bookings(connection, timebank_id, now, BATCH)
    if not due:
        return 0, 0
    bank = await banks.by_id(connection, timebank_id)
    ending = []
    for booking in due:
        until = await _put_off(connection, bank, booking, now)
        if until is None:
            ending.append(booking)
        else:
            await connection.execute(PUT_OFF, timebank_id, booking.id, until)
    await _end(connection, timebank_id, ending, now)
    return len(due), len(ending)


async def _put_off(
    connection: Connection, bank: TimeBankFacts, booking: BookingFacts, now: datetime
) -> datetime | None:
    offer = await offer_queries.offer_facts(connection, bank.id, booking.offer_id)
    if booking.reminded_until is None or (offer is not None and offer.starts_at is not None):
        return None
    about = telling.end_reminder(hold_rules.last_day(booking.reminded_until, bank))
    arrived_on = await messages.arrived_on(connection, bank.id, telling.dedupe_of(booking, about))
    return hold_rules.put_off_until(booking, arrived_on=arrived_on, now=now, bank=bank)


async def _end(connection: Connection, timebank_id: int, ending: Sequence[BookingFacts], now: datetime) -> None:
    """Free the hours of locked bookings in one ledger call, and tell everybody."""
    if not ending:
        return
    actor = system(timebank_id)
    results = await post_batch(
        connection, timebank_id, [steps.void(booking, rules.TIME_OUT, actor) for booking in ending]
    )
    refused = [result for result in results if isinstance(result, Refused)]
    if refused:
        # The table says open and the ledger says otherwise: a bug, which must not be papered over.
        raise RuntimeError(f"holds of due bookings could not be freed: {refused}")
    for booking in ending:
        offer = await offer_queries.offer_facts(connection, timebank_id, booking.offer_id)
        assert offer is not None
        situation = await situation_with(connection, booking, offer, timebank_id, now)
        await steps.end(connection, actor, situation, rules.TIMED_OUT)
