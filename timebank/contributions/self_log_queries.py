"""Reading what members logged for themselves, and what they may choose from."""

from dataclasses import dataclass
from datetime import date, datetime

from timebank.contributions.queries import MAX_ID
from timebank.contributions.words import SOMETHING_ELSE
from timebank.db import Connection
from timebank.kit import names
from timebank.members import queries as members

PAGE = 20
MAX_CHOICES = 500
LOOK_BACK_DAYS = 180

# The member's own groups first, the one they came to last at the top.
CHOICES = """
select a.id, a.name, a.place, own.last_on is not null as is_own
  from activity a
  left join lateral (
        select max(c.held_on) as last_on from contribution c
         where c.timebank_id = a.timebank_id and c.activity_id = a.id and c.member_id = $2
           and c.held_on > $4::date - $5::int and c.state in ('submitted', 'approved')) own on true
 where a.timebank_id = $1 and not a.is_archived and a.gives = 'hours' and a.name_key <> $3
 order by own.last_on desc nulls last, a.name_key
 limit $6
"""
ELSE_IS_OPEN = "select not exists (select from activity where timebank_id = $1 and name_key = $2 and is_archived)"
LOGGED = """
select c.id, c.state, coalesce(a.name, '') as activity, c.activity_id, c.held_on, c.minutes, c.what, c.flagged,
       c.duplicate_reason, c.recorded_at, c.recorded_by, c.decided_by, c.decided_at, c.decision_reason, c.entry_id,
       coalesce(c.credited_to, '') as credited_to, c.query_state, coalesce(e.words, '') as words, e.photo_id
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  left join evidence e on e.timebank_id = c.timebank_id and e.contribution_id = c.id
 where c.timebank_id = $1 and c.member_id = $2 and r.source = 'self'
"""
ONE = LOGGED + " and c.id = $3"
MINE = LOGGED + " and ($3::bigint is null or c.id < $3) order by c.id desc limit $4"


@dataclass(frozen=True, slots=True)
class Choice:
    """A group that a member may log time for; ``is_own`` when they gave time to it lately."""

    id: int
    name: str
    place: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class LoggedTime:
    """Time that a member logged, and what became of it."""

    id: int
    state: str
    activity: str
    activity_id: int | None
    held_on: date
    minutes: int
    what: str
    flagged: str
    duplicate_reason: str
    recorded_at: datetime
    recorded_by: int
    decided_by_name: str
    decided_at: datetime | None
    decision_reason: str
    entry_id: object | None
    credited_to: str
    query_state: str
    words: str
    photo_id: int | None

    @property
    def waits(self) -> bool:
        """True while nobody has decided about it."""
        return self.state == "submitted"


async def choices(connection: Connection, timebank_id: int, member_id: int, on: date) -> list[Choice]:
    """The groups that a member may log time for, their own first."""
    key = names.key(SOMETHING_ELSE)
    rows = await connection.fetch(CHOICES, timebank_id, member_id, key, on, LOOK_BACK_DAYS, MAX_CHOICES)
    return [Choice(**row) for row in rows]


async def else_is_open(connection: Connection, timebank_id: int) -> bool:
    """Whether members may log what belongs to no group: until a coordinator puts that group away."""
    return bool(await connection.fetchval(ELSE_IS_OPEN, timebank_id, names.key(SOMETHING_ELSE)))


async def one(connection: Connection, timebank_id: int, member_id: int, contribution_id: int) -> LoggedTime | None:
    """What this member logged under this id, or None."""
    if not 0 < contribution_id <= MAX_ID:
        return None
    rows = await connection.fetch(ONE, timebank_id, member_id, contribution_id)
    return (await _shown(connection, timebank_id, rows))[0] if rows else None


async def mine(
    connection: Connection, timebank_id: int, member_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[LoggedTime]:
    """What a member logged, newest first; ``before`` is the id of the last one seen."""
    return await _shown(connection, timebank_id, await connection.fetch(MINE, timebank_id, member_id, before, limit))


async def _shown(connection: Connection, timebank_id: int, rows: list[dict[str, object]]) -> list[LoggedTime]:
    fields = [dict(row) for row in rows]
    deciders = [row.pop("decided_by") for row in fields]
    name = await members.names(connection, timebank_id, sorted({who for who in deciders if isinstance(who, int)}))
    return [
        LoggedTime(**row, decided_by_name=name.get(who, "") if isinstance(who, int) else "")  # type: ignore[arg-type]
        for row, who in zip(fields, deciders, strict=True)
    ]
