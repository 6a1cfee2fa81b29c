"""Reading time banks and the rules in force."""

from datetime import date

import msgspec

from timebank.banks.rules import Rules, TimeBankFacts
from timebank.db import Connection

FACTS = "select id, slug, name, time_zone, currency, holiday_region, help_contact from timebank where "

RULES_IN_FORCE = """
select version, document
  from rules
 where timebank_id = $1 and starts_on <= $2
 order by version desc
 limit 1
"""


async def by_id(connection: Connection, timebank_id: int) -> TimeBankFacts:
    """The time bank with this id.

    Raises:
        LookupError: there is none.
    """
    return _facts(await connection.fetchrow(FACTS + "id = $1", timebank_id))


async def by_slug(connection: Connection, slug: str) -> TimeBankFacts | None:
    """The time bank with this short name, or None."""
    row = await connection.fetchrow(FACTS + "slug = $1", slug)
    return _facts(row) if row else None


async def every_id(connection: Connection) -> list[int]:
    """The ids of all time banks of this deployment: for scheduled work, which goes through them one by one."""
    return [row["id"] for row in await connection.fetch("select id from timebank order by id")]


async def rules_in_force(connection: Connection, timebank_id: int, on: date) -> tuple[int, Rules]:
    """The version and the text of the rules that hold on a day.

    Raises:
        LookupError: the time bank has no rules yet on that day.
    """
    row = await connection.fetchrow(RULES_IN_FORCE, timebank_id, on)
    if row is None:
        raise LookupError(f"time bank {timebank_id} has no rules on {on}")
    return row["version"], msgspec.convert(row["document"], Rules)


def _facts(row: object) -> TimeBankFacts:
    if row is None:
        raise LookupError("no such time bank")
    return msgspec.convert(dict(row), TimeBankFacts)  # type: ignore[call-overload]
