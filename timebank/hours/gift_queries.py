"""Reading gifts: given and received, with their notes."""

from datetime import datetime
from uuid import UUID

import msgspec

from timebank.db import Connection
from timebank.kit.paging import MAX_KEY

PAGE = 20

GIFT = """
select g.id, g.entry_id, g.from_member_id, f.display_name as from_name, g.to_member_id,
       coalesce(t.display_name, '') as to_name, g.minutes, g.note, g.given_at
  from gift g
  join member f on f.timebank_id = g.timebank_id and f.id = g.from_member_id
  left join member t on t.timebank_id = g.timebank_id and t.id = g.to_member_id
 where g.timebank_id = $1
"""
ONE = GIFT + " and g.id = $2 and $3 in (g.from_member_id, g.to_member_id)"
OF_MEMBER = (
    GIFT + " and (g.from_member_id = $2 or g.to_member_id = $2) and ($3::bigint is null or g.id < $3)"
    " order by g.id desc limit $4"
)


class Gift(msgspec.Struct, frozen=True, kw_only=True):
    """One gift of hours. No ``to_member_id``: it went to the community pot."""

    id: int
    entry_id: UUID
    from_member_id: int
    from_name: str
    to_member_id: int | None
    to_name: str
    minutes: int
    note: str
    given_at: datetime


async def one(connection: Connection, timebank_id: int, gift_id: int, member_id: int) -> Gift | None:
    """A gift that the member gave or received; None for everybody else's."""
    if not 0 < gift_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(ONE, timebank_id, gift_id, member_id)
    return Gift(**row) if row else None


async def of_member(
    connection: Connection, timebank_id: int, member_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[Gift]:
    """What a member gave and was given, newest first."""
    return [Gift(**row) for row in await connection.fetch(OF_MEMBER, timebank_id, member_id, before, limit)]
