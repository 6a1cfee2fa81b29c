"""Months that are closed: the accounts take no new dates in them."""

from datetime import date, timedelta

from timebank.db import Connection
from timebank.kit.refusal import Refusal

CLOSED_UP_TO = """
select max(month) from (select distinct on (month) month, is_closed from period_close
                         where timebank_id = $1 order by month, id desc) c
 where is_closed
"""


LOCK_SHARED = "select pg_advisory_xact_lock_shared(hashtextextended('period_close', $1))"
LOCK = "select pg_advisory_xact_lock(hashtextextended('period_close', $1))"
"""Closing waits for whoever is posting with a day in mind, and whoever comes later sees the month closed."""


async def closed_through(connection: Connection, timebank_id: int) -> date | None:
    """The last day that takes no new dates, or None while nothing is closed."""
    month = await connection.fetchval(CLOSED_UP_TO, timebank_id)
    return None if month is None else next_month(month) - timedelta(days=1)


async def open_day(connection: Connection, timebank_id: int, day: date) -> date:
    """The day to post on: this one, or the first open one when it lies in a closed month.

    No month is closed from here until the transaction ends.
    """
    await connection.execute(LOCK_SHARED, timebank_id)
    closed = await closed_through(connection, timebank_id)
    return day if closed is None or day > closed else closed + timedelta(days=1)


async def check_open(connection: Connection, timebank_id: int, day: date, field: str) -> list[Refusal]:
    """Refusal ``month_closed`` when a day that somebody typed lies in a closed month. Keeps months as they are."""
    if await open_day(connection, timebank_id, day) == day:
        return []
    text = f"{day:%B %Y} is closed. Enter a later day, or ask for the month to be opened again."
    return [Refusal("month_closed", text, field)]


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
