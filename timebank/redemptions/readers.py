"""Who reads the catalogue: their hours, the day on the clocks of their time bank, and the rules in force."""

from datetime import datetime
from typing import NamedTuple

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection
from timebank.hours import queries as hours
from timebank.hours.queries import HoursNow
from timebank.kit.clock import today
from timebank.redemptions.offer_queries import Reader


class Reading(NamedTuple):
    """A reader of the catalogue, the hours they have, and their time bank."""

    reader: Reader
    hours: HoursNow
    bank: TimeBankFacts


async def reader_of(
    connection: Connection, timebank_id: int, member_id: int, now: datetime, *, sees_saved: bool = True
) -> Reading:
    """This member as a reader of the catalogue; ``sees_saved`` False while somebody acts for them."""
    mine = await hours.balance(connection, timebank_id, member_id)
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    _, document = await banks.rules_in_force(connection, timebank_id, day)
    reader = Reader(
        timebank_id=timebank_id,
        member_id=member_id,
        available=mine.available,
        time_zone=bank.time_zone,
        safeguarding_lead=document.safeguarding_lead,
        now=now,
        today=day,
        sees_saved=sees_saved,
    )
    return Reading(reader, mine, bank)
