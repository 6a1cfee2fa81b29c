"""Everything that a step in the life of a booking is decided on."""

from datetime import date, datetime
from typing import NamedTuple

from timebank.banks import queries as banks
from timebank.banks.rules import Rules, TimeBankFacts
from timebank.db import Connection
from timebank.kit.clock import today
from timebank.redemptions import offer_queries, queries
from timebank.redemptions.offer_rules import OfferFacts
from timebank.redemptions.rules import BookingFacts


class Situation(NamedTuple):
    """A booking, its offer, and the rules of the time bank at a moment. The booking is locked."""

    booking: BookingFacts
    offer: OfferFacts
    bank: TimeBankFacts
    rules: Rules
    today: date
    now: datetime


async def situation_of(connection: Connection, timebank_id: int, reference: str, now: datetime) -> Situation:
    """Lock a booking and read what belongs to it. An offer with few places is locked before: a step may free one.

    Raises:
        LookupError: there is no booking with this reference.
    """
    seen = await queries.booking_facts(connection, timebank_id, reference)
    if seen is None:
        raise LookupError(f"no booking {reference}")
    offer = await offer_queries.offer_facts(connection, timebank_id, seen.offer_id)
    if offer is not None and offer.places is not None:
        offer = await offer_queries.offer_facts(connection, timebank_id, seen.offer_id, lock=True)
    booking = await queries.booking_facts(connection, timebank_id, reference, lock=True)
    if offer is None or booking is None:
        raise LookupError(f"no booking {reference}")
    return await situation_with(connection, booking, offer, timebank_id, now)


async def situation_with(
    connection: Connection, booking: BookingFacts, offer: OfferFacts, timebank_id: int, now: datetime
) -> Situation:
    """The situation of a booking that is locked already."""
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    _, document = await banks.rules_in_force(connection, timebank_id, day)
    return Situation(booking, offer, bank, document, day, now)
