"""The registers of a time bank as a list: by group, days and person, the newest first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from timebank.db import Connection

PAGE = 50
MAX_LISTED = 5_000

LISTED = """
select r.id, r.reference, r.source, r.recorded_by, m.display_name as recorded_by_name, r.recorded_at, r.undone_at,
       min(c.held_on) as first_on, max(c.held_on) as last_on,
       count(distinct coalesce(c.member_id, -c.guest_id))::integer as people,
       coalesce(sum(c.minutes) filter (where c.state in ('submitted', 'approved')), 0)::integer as minutes,
       (count(*) filter (where c.state = 'submitted'))::integer as waiting,
       coalesce(string_agg(distinct a.name, ', '), '') as activity
  from register r
  join contribution c on c.timebank_id = r.timebank_id and c.register_id = r.id
  join member m on m.timebank_id = r.timebank_id and m.id = r.recorded_by
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where r.timebank_id = $1
   and ($2::bigint is null or c.activity_id = $2)
   and ($3::date is null or c.held_on >= $3)
   and ($4::date is null or c.held_on <= $4)
   and ($5::bigint[] is null or c.member_id = any($5))
   and ($6::bigint is null or r.recorded_by = $6)
   and ($7::bigint is null or r.id < $7)
 group by r.timebank_id, r.id, m.display_name
 order by r.id desc
 limit $8
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which registers to list; None is no matter. ``recorded_by``: only those that this member saved."""

    activity_id: int | None = None
    first: date | None = None
    last: date | None = None
    people: Collection[int] | None = None
    recorded_by: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A register in the list, as far as its lines match: people, and the minutes that count or wait to."""

    id: int
    reference: str
    source: str
    recorded_by: int
    recorded_by_name: str
    recorded_at: datetime
    undone_at: datetime | None
    first_on: date
    last_on: date
    people: int
    minutes: int
    waiting: int
    activity: str


async def listed(
    connection: Connection, timebank_id: int, wanted: Filter, *, before: int | None = None, limit: int = PAGE
) -> list[Listed]:
    """The registers that match, the newest first; ``before`` is the id of the last one shown already."""
    rows = await connection.fetch(
        LISTED,
        timebank_id,
        wanted.activity_id,
        wanted.first,
        wanted.last,
        None if wanted.people is None else list(wanted.people),
        wanted.recorded_by,
        before,
        limit,
    )
    return [Listed(**row) for row in rows]
