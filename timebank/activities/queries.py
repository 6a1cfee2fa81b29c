"""Reading activities and sessions. Every connection here has its time bank set."""

from datetime import date, time

import msgspec

from timebank.db import Connection

LED_BY = """
select l.activity_id
  from activity_leader l
  join activity a on a.timebank_id = l.timebank_id and a.id = l.activity_id and not a.is_archived
  join member m on m.timebank_id = l.timebank_id and m.id = l.member_id and m.status = 'active'
  join timebank t on t.id = l.timebank_id
 where l.timebank_id = $1 and l.member_id = $2
   and coalesce($3::date, (now() at time zone t.time_zone)::date)
       between l.from_day and coalesce(l.until_day, 'infinity')
"""
SESSION_ON = """
select id, activity_id, held_on, starts_at, planned_minutes, preparation_minutes, travel_minutes
  from session
 where timebank_id = $1 and activity_id = $2 and held_on = $3 and state = 'planned'
 order by starts_at, id
 limit 1
"""
CHECKED_IN = """
select member_id from attendance
 where timebank_id = $1 and session_id = $2 and checked_in_at is not null
 order by checked_in_at, member_id
"""
SIGNED_UP = """
select member_id from attendance
 where timebank_id = $1 and session_id = $2 and signed_up_at is not null
 order by signed_up_at, member_id
"""
HAD_SET_OUT = """
select member_id from attendance where timebank_id = $1 and session_id = $2 and had_set_out order by member_id
"""


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a register needs of a planned session. Day and time are those of the time bank's wall clock."""

    id: int
    activity_id: int
    held_on: date
    starts_at: time
    planned_minutes: int
    preparation_minutes: int
    travel_minutes: int


async def led_by(connection: Connection, timebank_id: int, member_id: int, *, on: date | None = None) -> frozenset[int]:
    """The ids of the activities that the member leads on a day: today in the time bank's zone, when none is given."""
    rows = await connection.fetch(LED_BY, timebank_id, member_id, on)
    return frozenset(row["activity_id"] for row in rows)


async def session_on(connection: Connection, timebank_id: int, activity_id: int, day: date) -> SessionFacts | None:
    """The first session of the activity that is planned for the day and not cancelled, or None."""
    row = await connection.fetchrow(SESSION_ON, timebank_id, activity_id, day)
    return msgspec.convert(dict(row), SessionFacts) if row else None


async def checked_in(connection: Connection, timebank_id: int, session_id: int) -> list[int]:
    """The ids of the members who checked in, in the order in which they came."""
    return [row["member_id"] for row in await connection.fetch(CHECKED_IN, timebank_id, session_id)]


async def signed_up(connection: Connection, timebank_id: int, session_id: int) -> list[int]:
    """The ids of the members who signed up, in the order in which they did."""
    return [row["member_id"] for row in await connection.fetch(SIGNED_UP, timebank_id, session_id)]


async def had_set_out(connection: Connection, timebank_id: int, session_id: int) -> list[int]:
    """The ids of the members who had set out when the session was cancelled: they are credited as planned."""
    return [row["member_id"] for row in await connection.fetch(HAD_SET_OUT, timebank_id, session_id)]
