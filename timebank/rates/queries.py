"""Read models of rates."""

from collections.abc import Sequence
from datetime import date

import msgspec

from timebank.db import Connection
from timebank.rates import rules
from timebank.rates.rules import RateFacts

MAX_LISTED = 500

COLUMNS = """
select id, kind, band, fund_id, version, pence, unit, from_on, to_on, note, state, proposed_by, proposed_at, decided_by,
       decided_at, why, budget_id
  from rate
 where timebank_id = $1
"""
ALL = (
    COLUMNS
    + " order by kind, lower(band), fund_id nulls first, state = 'proposed' desc, from_on desc, id desc limit $2"
)
ONE = COLUMNS + " and id = $2"
SOME = COLUMNS + " and id = any($2::bigint[])"
IN_USE = COLUMNS + " and state = 'in_use' and kind = $2 order by from_on, id"
ON_DAY = (
    COLUMNS
    + """
   and state = 'in_use' and kind = $2 and lower(band) in ('', lower($3)) and (fund_id is null or fund_id = $4)
   and from_on <= $5 and (to_on is null or to_on >= $5)
"""
)
BANDS = "select distinct band from rate where timebank_id = $1 and kind = 'fee' and band <> '' order by band limit $2"


async def rate_on(
    connection: Connection, timebank_id: int, kind: str, band: str, day: date, *, fund_id: int | None = None
) -> RateFacts | None:
    """The rate that holds on a day, by ``rules.best``: for the band and fund, else wider ones. None when there is none.

    ``kind``: fee, mileage, carer or meal. Its ``id`` and ``version`` are what a payment keeps.
    """
    rows = await connection.fetch(ON_DAY, timebank_id, kind, band, fund_id, day)
    return rules.best(_all(rows), kind, band, fund_id, day)


async def in_use(connection: Connection, timebank_id: int, kind: str) -> list[RateFacts]:
    """Every rate of a kind that is, was or will be in use, the earliest first."""
    return _all(await connection.fetch(IN_USE, timebank_id, kind))


async def rates(connection: Connection, timebank_id: int) -> list[RateFacts]:
    """All rates by kind, band and fund, what waits and then the newest first; at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(ALL, timebank_id, MAX_LISTED))


async def one(connection: Connection, timebank_id: int, rate_id: int, *, lock: bool = False) -> RateFacts | None:
    """One rate, or None. ``lock`` keeps others from changing it until the transaction ends."""
    row = await connection.fetchrow(ONE + (" for update" if lock else ""), timebank_id, rate_id)
    return msgspec.convert(dict(row), RateFacts) if row else None


async def by_ids(connection: Connection, timebank_id: int, rate_ids: Sequence[int]) -> dict[int, RateFacts]:
    """These rates by id."""
    return {rate.id: rate for rate in _all(await connection.fetch(SOME, timebank_id, list(rate_ids)))}


async def bands(connection: Connection, timebank_id: int) -> list[str]:
    """The bands that have a rate for fees."""
    return [row["band"] for row in await connection.fetch(BANDS, timebank_id, MAX_LISTED)]


def _all(rows: Sequence[object]) -> list[RateFacts]:
    return [msgspec.convert(dict(row), RateFacts) for row in rows]  # type: ignore[call-overload]
