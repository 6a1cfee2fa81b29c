"""What a cost can be for: sessions, and time that the member gave; and what was claimed for that time."""

from datetime import date

import msgspec

from timebank.db import Connection

MAX_LISTED = 200
MAX_SHOWN = 12
TIME = "t"
"""Before the number of a contribution where a form chooses between sessions and time given."""

SESSIONS = """
select s.id, a.name, s.held_on
  from session s
  join activity a on a.timebank_id = s.timebank_id and a.id = s.activity_id
  join attendance t on t.timebank_id = s.timebank_id and t.session_id = s.id and t.member_id = $2
 where s.timebank_id = $1 and s.held_on between $3 and $4 and s.state = 'planned'
 order by s.held_on desc, s.id desc
 limit $5
"""
RECENT_SESSIONS = """
select s.id, a.name, s.held_on
  from session s
  join activity a on a.timebank_id = s.timebank_id and a.id = s.activity_id
 where s.timebank_id = $1 and s.held_on between $2 and $3 and s.state = 'planned'
 order by s.held_on desc, s.id desc
 limit $4
"""
TIMES = """
select t.id, a.name, t.held_on, t.minutes
  from contribution t
  join activity a on a.timebank_id = t.timebank_id and a.id = t.activity_id
 where t.timebank_id = $1 and t.member_id = $2 and t.held_on between $3 and $4 and t.state in ('submitted', 'approved')
 order by t.held_on desc, t.id desc
 limit $5
"""
IS_TIME_OF = """
select exists (select from contribution where timebank_id = $1 and member_id = $2 and id = $3
                  and state in ('submitted', 'approved'))
"""
FOR_TIME = """
select c.reference, l.kind, l.pence, c.state, l.is_declined
  from claim_line l
  join claim c on c.timebank_id = l.timebank_id and c.id = l.claim_id
 where l.timebank_id = $1 and l.contribution_id = $2
 order by c.id, l.n limit $3
"""
IS_SESSION = "select exists (select from session where timebank_id = $1 and id = $2)"


class ForTime(msgspec.Struct, frozen=True, kw_only=True):
    """A cost that was claimed for time given."""

    reference: str
    kind: str
    pence: int
    state: str
    is_declined: bool


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that a cost can be for."""

    id: int
    name: str
    held_on: date

    @property
    def chosen(self) -> str:
        """What stands for it in a form."""
        return str(self.id)


class Time(msgspec.Struct, frozen=True, kw_only=True):
    """Time given that a cost can be for (a contribution)."""

    id: int
    name: str
    held_on: date
    minutes: int

    @property
    def chosen(self) -> str:
        """What stands for it in a form."""
        return f"{TIME}{self.id}"


async def sessions_of(
    connection: Connection, timebank_id: int, member_id: int, *, from_day: date, to_day: date
) -> list[Session]:
    """Sessions that the member signed up for or came to in these days, the last ones first."""
    rows = await connection.fetch(SESSIONS, timebank_id, member_id, from_day, to_day, MAX_SHOWN)
    return [msgspec.convert(dict(row), Session) for row in rows]


async def occasions_of(
    connection: Connection, timebank_id: int, member_id: int, *, from_day: date, to_day: date
) -> list[Session | Time]:
    """What a cost of these days can be for, the last first: time that the member gave, and sessions beside it."""
    rows = await connection.fetch(TIMES, timebank_id, member_id, from_day, to_day, MAX_SHOWN)
    times = [msgspec.convert(dict(row), Time) for row in rows]
    given = {(one.name, one.held_on) for one in times}
    sessions = await sessions_of(connection, timebank_id, member_id, from_day=from_day, to_day=to_day)
    found: list[Session | Time] = [*times, *(one for one in sessions if (one.name, one.held_on) not in given)]
    return sorted(found, key=lambda one: one.held_on, reverse=True)


async def is_time_of(connection: Connection, timebank_id: int, member_id: int, contribution_id: int) -> bool:
    """True for time that this member gave, and that is added or still looked at."""
    return bool(await connection.fetchval(IS_TIME_OF, timebank_id, member_id, contribution_id))


async def for_time(connection: Connection, timebank_id: int, contribution_id: int) -> list[ForTime]:
    """The costs that were claimed for one contribution, at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(FOR_TIME, timebank_id, contribution_id, MAX_LISTED)
    return [msgspec.convert(dict(row), ForTime) for row in rows]


async def sessions_between(connection: Connection, timebank_id: int, *, from_day: date, to_day: date) -> list[Session]:
    """All sessions of these days, the last ones first; at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(RECENT_SESSIONS, timebank_id, from_day, to_day, MAX_LISTED)
    return [msgspec.convert(dict(row), Session) for row in rows]


async def is_session(connection: Connection, timebank_id: int, session_id: int) -> bool:
    """True when the time bank has this session."""
    return bool(await connection.fetchval(IS_SESSION, timebank_id, session_id))
