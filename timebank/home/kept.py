"""Read model of what a phone keeps for times without signal."""

from datetime import date, timedelta

import msgspec

from timebank.activities import queries as activities
from timebank.activities.shown import SessionShown
from timebank.db import Connection
from timebank.home import rules
from timebank.home.queries import LOOK_BACK_DAYS
from timebank.home.rules import GaveAndUsed
from timebank.hours import queries as hours
from timebank.hours.queries import HoursNow
from timebank.members import queries as members
from timebank.redemptions import queries as redemptions
from timebank.redemptions.queries import Booking

MAX_KEPT = 10
"""How many bookings, and how many sessions, a phone keeps at most."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A member's hours, open bookings (what comes first at the top) and sessions of the next days.

    ``last_year`` is there when the member chose to see first what they gave and used.
    """

    hours_now: HoursNow
    last_year: GaveAndUsed | None
    bookings: tuple[Booking, ...]
    sessions: tuple[SessionShown, ...]


async def kept(connection: Connection, timebank_id: int, member_id: int, *, on: date, days: int) -> Kept:
    """What a member's phone keeps on a day; sessions up to ``days`` later."""
    last_year = None
    if await members.hours_shown(connection, timebank_id, member_id) == "gave_and_used":
        moved = await hours.moved_since(connection, timebank_id, member_id, on - timedelta(days=LOOK_BACK_DAYS))
        last_year = rules.gave_and_used((kind, each.came, each.went) for kind, each in moved.items())
    bookings = await redemptions.open_bookings_of(connection, timebank_id, member_id, limit=MAX_KEPT)
    signed_up = await activities.my_sessions(connection, timebank_id, member_id, on)
    coming = (
        await activities.between(connection, timebank_id, on, on + timedelta(days=days)) if signed_up else []
    )  # fmt: skip
    return Kept(
        hours_now=await hours.balance(connection, timebank_id, member_id),
        last_year=last_year,
        bookings=tuple(sorted(bookings, key=lambda each: each.starts_at or each.expires_at)),
        sessions=tuple(each for each in coming if each.id in signed_up and each.is_planned)[:MAX_KEPT],
    )
