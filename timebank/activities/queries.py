"""Reading activities and sessions. Every connection here has its time bank set."""

from collections.abc import Sequence
from datetime import date, time, timedelta

import msgspec

from timebank.activities.rules import ActivityDetails
from timebank.activities.shown import ActivityShown, FoundCode, Leader, MyPart, PersonOnList, SessionShown
from timebank.db import Connection
from timebank.kit.paging import MAX_KEY

MAX_SESSIONS_SHOWN = 200
MAX_ACTIVITIES = 1000

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
WITH_CHECK_INS = """
select s.activity_id, a.name as activity, s.held_on, count(*)::integer as people
  from session s
  join attendance t on t.timebank_id = s.timebank_id and t.session_id = s.id and t.checked_in_at is not null
  join activity a on a.timebank_id = s.timebank_id and a.id = s.activity_id
 where s.timebank_id = $1 and s.held_on between $2 and $3 and s.state = 'planned'
 group by s.timebank_id, s.activity_id, a.name, s.held_on
 order by s.held_on desc, a.name
"""
EXPECTED_AROUND = """
select distinct t.member_id
  from session s
  join attendance t on t.timebank_id = s.timebank_id and t.session_id = s.id
 where s.timebank_id = $1 and s.activity_id = $2 and s.held_on between $3 and $4
   and (t.signed_up_at is not null or t.checked_in_at is not null)
"""
DAYS_AROUND = 31
HAD_SET_OUT = """
select member_id from attendance where timebank_id = $1 and session_id = $2 and had_set_out order by member_id
"""

ACTIVITY_COLUMNS = ", ".join(f"a.{name}" for name in ("id", "is_archived", *ActivityDetails.__struct_fields__))
ACTIVITY = f"select {ACTIVITY_COLUMNS} from activity a where a.timebank_id = $1 and a.id = $2"  # noqa: S608 - our own
ACTIVITIES = f"""
select {ACTIVITY_COLUMNS}
  from activity a
 where a.timebank_id = $1 and a.is_archived = $2
 order by a.name_key, a.id
 limit $3
"""  # noqa: S608 - the columns are our own
LEADERS = """
select l.member_id, m.number, m.display_name, m.kind, l.from_day, l.until_day
  from activity_leader l
  join member m on m.timebank_id = l.timebank_id and m.id = l.member_id and m.status = 'active'
 where l.timebank_id = $1 and l.activity_id = $2 and coalesce(l.until_day, 'infinity') >= $3
   and coalesce(l.until_day, 'infinity') >= l.from_day
 order by m.name_key, m.id, l.from_day
"""
SESSION = """
select s.id, s.activity_id, s.series_id, a.name as activity, a.place, a.is_listed, a.is_archived, a.gives, s.held_on,
       s.starts_at, s.moved_from, s.planned_minutes, s.preparation_minutes, s.travel_minutes, s.room, s.capacity, s.who,
       s.papers, s.state, s.cancel_reason, s.version,
       (select count(*) from attendance t
         where t.timebank_id = s.timebank_id and t.session_id = s.id and t.signed_up_at is not null) as signed_up,
       (select count(*) from attendance t
         where t.timebank_id = s.timebank_id and t.session_id = s.id and t.checked_in_at is not null) as came
  from session s
  join activity a on a.timebank_id = s.timebank_id and a.id = s.activity_id
 where s.timebank_id = $1
"""
IN_ORDER = " order by s.held_on, s.starts_at, a.name_key, s.id limit "
ONE_SESSION = SESSION + " and s.id = $2"
AROUND = SESSION + " and s.activity_id = $2 and s.held_on >= $3" + IN_ORDER + "$4"
BETWEEN = SESSION + " and s.held_on between $2 and $3" + IN_ORDER + "$4"
NEXT_OF_EACH = """
select distinct on (s.activity_id) s.activity_id, s.id, s.held_on, s.starts_at
  from session s
 where s.timebank_id = $1 and s.activity_id = any($2::bigint[]) and s.held_on >= $3 and s.state = 'planned'
 order by s.activity_id, s.held_on, s.starts_at
"""
FOLLOWING = """
select count(*) from session
 where timebank_id = $1 and series_id = $2 and held_on > $3 and state = 'planned'
"""
# Who was at the last session that was logged: a register of another room, read here so that the list and the paper of
# the next session are filled in.
#
# The last day on which a group met is not always the last that is recorded: fewer than half as many people as usual are
# a stray line, such as one person's forgotten time. Usual is the middle of its last DAYS_COMPARED days (of two in the
# middle the fuller), so that a party does not hide the meetings after it. What members log for themselves is none.
DAYS_COMPARED, DAYS_LOOKED_BACK = 5, 91
JUST_OVER_HALF = 0.51
LAST_MET = f"""
with there as (
    select c.held_on, coalesce(c.member_id, g.member_id, -c.guest_id) as who
      from contribution c
      join register r on r.timebank_id = c.timebank_id and r.id = c.register_id and r.source <> 'self'
      left join guest g on g.timebank_id = c.timebank_id and g.id = c.guest_id
     where c.timebank_id = $1 and c.activity_id = $2 and c.held_on < $3 and c.state in ('submitted', 'approved')
       and c.held_on >= (select max(l.held_on) - {DAYS_LOOKED_BACK} from contribution l
                          where l.timebank_id = $1 and l.activity_id = $2 and l.held_on < $3
                            and l.state in ('submitted', 'approved'))
), days as (
    select held_on, count(distinct who) as people
      from there
     group by held_on
     order by held_on desc
     limit {DAYS_COMPARED})
select max(held_on)
  from days
 where 2 * people >= (select percentile_disc({JUST_OVER_HALF}) within group (order by people) from days)
"""  # noqa: S608 - built from the constants above
CAME_LAST = f"""
select distinct c.member_id
  from contribution c
 where c.timebank_id = $1 and c.activity_id = $2 and c.member_id is not null and c.state in ('submitted', 'approved')
   and c.held_on = ({LAST_MET})
"""  # noqa: S608 - built from the constant above
MAX_ON_FIRST_SHEET = 40
PEOPLE = f"""
with came_last as ({CAME_LAST}),
     part as (
    select t.member_id, t.signed_up_at, t.checked_in_at, t.had_set_out
      from attendance t
     where t.timebank_id = $1 and t.session_id = $4)
select m.id as member_id, m.number, m.display_name, m.kind, p.signed_up_at, p.checked_in_at,
       coalesce(p.had_set_out, false) as had_set_out, l.member_id is not null as came_last
  from part p
  full join came_last l on l.member_id = p.member_id
  join member m on m.timebank_id = $1 and m.id = coalesce(p.member_id, l.member_id)
 where (m.status = 'active' or p.checked_in_at is not null)
   and (l.member_id is not null or p.signed_up_at is not null or p.checked_in_at is not null or p.had_set_out)
 order by m.name_key, m.id
"""  # noqa: S608 - built from the constant above
# The first sheet of a small time bank: nobody was there before, so everybody may come.
FIRST_PEOPLE = """
select m.id as member_id, m.number, m.display_name, m.kind, null::timestamptz as signed_up_at,
       null::timestamptz as checked_in_at, false as had_set_out, false as came_last
  from member m
 where m.timebank_id = $1 and m.status = 'active' and m.kind = 'person'
   and not exists (select from contribution c where c.timebank_id = $1)
   and (select count(*) from member a where a.timebank_id = $1 and a.status = 'active') <= $2
 order by m.name_key, m.id
"""
MY_PART = """
select signed_up_at, checked_in_at, had_set_out
  from attendance where timebank_id = $1 and session_id = $2 and member_id = $3
"""
MY_SESSIONS = """
select t.session_id from attendance t
  join session s on s.timebank_id = t.timebank_id and s.id = t.session_id
 where t.timebank_id = $1 and t.member_id = $2 and t.signed_up_at is not null and s.held_on >= $3
"""
CODE_IN_USE = """
select code from check_in_code where timebank_id = $1 and activity_id = $2 and ended_at is null
"""
FIND_CODE = "select timebank_id, timebank_name, activity_id, ended_at from find_check_in_code($1)"


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a register needs of a planned session. Day and time are those of the time bank's wall clock."""

    id: int
    activity_id: int
    held_on: date
    starts_at: time
    planned_minutes: int
    preparation_minutes: int
    travel_minutes: int


class CheckIns(msgspec.Struct, frozen=True, kw_only=True):
    """How many people checked in to an activity on a day."""

    activity_id: int
    activity: str
    held_on: date
    people: int


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


async def with_check_ins(connection: Connection, timebank_id: int, first: date, last: date) -> list[CheckIns]:
    """The activities and days, from the first to the last, on which somebody checked in; the newest first."""
    rows = await connection.fetch(WITH_CHECK_INS, timebank_id, first, last)
    return [msgspec.convert(dict(row), CheckIns) for row in rows]


async def expected_around(connection: Connection, timebank_id: int, activity_id: int, day: date) -> list[int]:
    """The ids of the members who signed up or checked in to a session within DAYS_AROUND days of the day."""
    around = timedelta(days=DAYS_AROUND)
    rows = await connection.fetch(EXPECTED_AROUND, timebank_id, activity_id, day - around, day + around)
    return [row["member_id"] for row in rows]


async def had_set_out(connection: Connection, timebank_id: int, session_id: int) -> list[int]:
    """The ids of the members who had set out when the session was cancelled: they are credited as planned."""
    return [row["member_id"] for row in await connection.fetch(HAD_SET_OUT, timebank_id, session_id)]


async def activity(connection: Connection, timebank_id: int, activity_id: int) -> ActivityShown | None:
    """One activity, archived or not; None when this time bank has none with that id."""
    if not 0 < activity_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(ACTIVITY, timebank_id, activity_id)
    return msgspec.convert(dict(row), ActivityShown) if row else None


async def activities(connection: Connection, timebank_id: int, *, archived: bool = False) -> list[ActivityShown]:
    """The activities that are in use, or those that were put away, in the order of their names."""
    rows = await connection.fetch(ACTIVITIES, timebank_id, archived, MAX_ACTIVITIES)
    return [msgspec.convert(dict(row), ActivityShown) for row in rows]


async def leaders(connection: Connection, timebank_id: int, activity_id: int, today: date) -> list[Leader]:
    """Who leads an activity, now or from a day to come."""
    rows = await connection.fetch(LEADERS, timebank_id, activity_id, today)
    return [msgspec.convert(dict(row), Leader) for row in rows]


async def session(connection: Connection, timebank_id: int, session_id: int) -> SessionShown | None:
    """One session, cancelled or not; None when this time bank has none with that id."""
    if not 0 < session_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(ONE_SESSION, timebank_id, session_id)
    return msgspec.convert(dict(row), SessionShown) if row else None


async def around(
    connection: Connection, timebank_id: int, activity_id: int, since: date, limit: int = MAX_SESSIONS_SHOWN
) -> list[SessionShown]:
    """The sessions of one activity from a day on, cancelled ones too, in order."""
    rows = await connection.fetch(AROUND, timebank_id, activity_id, since, limit)
    return [msgspec.convert(dict(row), SessionShown) for row in rows]


async def between(
    connection: Connection, timebank_id: int, first: date, last: date, limit: int = MAX_SESSIONS_SHOWN
) -> list[SessionShown]:
    """The sessions of every activity on these days (both included), cancelled ones too, in order."""
    rows = await connection.fetch(BETWEEN, timebank_id, first, last, limit)
    return [msgspec.convert(dict(row), SessionShown) for row in rows]


async def next_of_each(
    connection: Connection, timebank_id: int, activity_ids: Sequence[int], since: date
) -> dict[int, tuple[int, date, time]]:
    """The next planned session of each of these activities: its id, day and time."""
    rows = await connection.fetch(NEXT_OF_EACH, timebank_id, list(activity_ids), since)
    return {row["activity_id"]: (row["id"], row["held_on"], row["starts_at"]) for row in rows}


async def following(connection: Connection, timebank_id: int, of: SessionShown) -> int:
    """How many planned sessions of the same series come after this one."""
    if of.series_id is None:
        return 0
    return int(await connection.fetchval(FOLLOWING, timebank_id, of.series_id, of.held_on))


async def people(
    connection: Connection, timebank_id: int, activity_id: int, day: date, session_id: int | None
) -> list[PersonOnList]:
    """Everybody expected on a day (signed up, or there last time) and everybody who came, by their names."""
    rows = await connection.fetch(PEOPLE, timebank_id, activity_id, day, session_id)
    return [msgspec.convert(dict(row), PersonOnList) for row in rows]


async def last_met(
    connection: Connection, timebank_id: int, activity_id: int, *, before: date = date.max
) -> date | None:
    """The last day on which the group met, as its registers say: a stray line of one person does not count as that."""
    found: date | None = await connection.fetchval(LAST_MET, timebank_id, activity_id, before)
    return found


async def first_people(connection: Connection, timebank_id: int) -> list[PersonOnList]:
    """Everybody, for the first sheet of a time bank in which nothing was logged yet; nobody later, or beyond
    MAX_ON_FIRST_SHEET members.
    """
    rows = await connection.fetch(FIRST_PEOPLE, timebank_id, MAX_ON_FIRST_SHEET)
    return [msgspec.convert(dict(row), PersonOnList) for row in rows]


async def my_part(connection: Connection, timebank_id: int, session_id: int, member_id: int) -> MyPart:
    """What a member has done about a session; nothing yet is an answer too."""
    row = await connection.fetchrow(MY_PART, timebank_id, session_id, member_id)
    return msgspec.convert(dict(row), MyPart) if row else MyPart()


async def my_sessions(connection: Connection, timebank_id: int, member_id: int, since: date) -> frozenset[int]:
    """The ids of the sessions from a day on for which the member is signed up."""
    return frozenset(row["session_id"] for row in await connection.fetch(MY_SESSIONS, timebank_id, member_id, since))


async def code_in_use(connection: Connection, timebank_id: int, activity_id: int) -> str | None:
    """The code that hangs on the activity's wall, or None when no poster was made yet."""
    found = await connection.fetchval(CODE_IN_USE, timebank_id, activity_id)
    return None if found is None else str(found)


async def find_code(connection: Connection, code_sha256: bytes) -> FoundCode | None:
    """Whose wall a code hangs on, whatever the time bank; None for a code that was never made."""
    row = await connection.fetchrow(FIND_CODE, code_sha256)
    return msgspec.convert(dict(row), FoundCode) if row else None
