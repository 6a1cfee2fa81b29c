"""Reading groups, registers, files and what waits for a decision."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from timebank.contributions.rules import Earlier, State
from timebank.db import Connection
from timebank.hours.queries import EntryWords
from timebank.kit import dates
from timebank.kit.actor import Actor
from timebank.members import queries as members

MAX_GROUPS = 500
MAX_QUEUE = 200
MAX_ID = 2**63 - 1

# The newest session of each group: its last day with time that counts or waits to.
GROUPS = """
select a.id, a.name, a.name_key, a.place, a.default_minutes,
       last.held_on as last_on, last.people as last_people, last.minutes as last_minutes
  from activity a
  left join lateral (
        select c.held_on, count(distinct c.member_id) as people, sum(c.minutes) as minutes
          from contribution c
         where c.timebank_id = a.timebank_id and c.activity_id = a.id and c.state in ('submitted', 'approved')
         group by c.held_on
         order by c.held_on desc
         limit 1) last on true
 where a.timebank_id = $1 and not a.is_archived
"""
ALL_GROUPS = GROUPS + " order by last.held_on desc nulls last, a.name_key limit $2"
ONE_GROUP = GROUPS + " and a.id = $2"

NAMED_GROUPS = "select id, name, name_key from activity where timebank_id = $1 and not is_archived order by name_key"

CAME_LAST = """
select distinct on (member_id) member_id, held_on, minutes, what
  from contribution
 where timebank_id = $1 and activity_id = $2 and state in ('submitted', 'approved')
   and held_on = (select max(held_on) from contribution
                   where timebank_id = $1 and activity_id = $2 and state in ('submitted', 'approved'))
 order by member_id, id
"""

EARLIER = """
select c.id as contribution_id, r.reference, c.activity_id, c.member_id, c.held_on, c.minutes
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.member_id = any($2::bigint[]) and c.held_on = any($3::date[])
   and c.state in ('submitted', 'approved')
 order by c.id
"""

REGISTER = """
select id, reference, source, upload_id, recorded_by, recorded_at, undone_by, undone_at, left_out
  from register
 where timebank_id = $1 and reference = $2
"""

LINES = """
select c.id, c.line, c.activity_id, a.name as activity, c.member_id, c.held_on, c.minutes, c.what, c.state, c.flagged,
       c.duplicate_reason, c.decided_by, c.decided_at, c.decision_reason, c.rules_version
  from contribution c
  join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where c.timebank_id = $1 and c.register_id = $2
 order by c.line
"""

WAITING = """
select c.id, r.reference, a.name as activity, c.member_id, c.held_on, c.minutes, c.what, c.flagged, c.duplicate_reason,
       c.recorded_by, c.recorded_at
  from contribution c
  join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.state = 'submitted'
 order by c.recorded_at, c.id
 limit $2
"""

WAITING_FOR = """
select count(*)
  from contribution
 where timebank_id = $1 and state = 'submitted' and member_id is distinct from $2 and recorded_by is distinct from $2
"""

DESCRIBED = """
select c.entry_id, c.undo_entry_id, a.name as activity, c.held_on, c.what, c.recorded_by, c.decided_by, r.undone_by
  from contribution c
  join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and (c.entry_id = any($2::uuid[]) or c.undo_entry_id = any($2::uuid[]))
"""

UPLOAD = """
select u.id, u.file_name, u.content, u.uploaded_by, u.uploaded_at,
       (select r.reference from register r
         where r.timebank_id = u.timebank_id and r.upload_id = u.id and r.undone_at is null) as reference
  from register_upload u
 where u.timebank_id = $1 and u.id = $2
"""


@dataclass(frozen=True, slots=True)
class Group:
    """A group and its last session; the last three are None before the first."""

    id: int
    name: str
    name_key: str
    place: str
    default_minutes: int
    last_on: date | None
    last_people: int | None
    last_minutes: int | None


@dataclass(frozen=True, slots=True)
class CameLast:
    """Somebody who came last time."""

    member_id: int
    display_name: str
    held_on: date
    minutes: int
    what: str


@dataclass(frozen=True, slots=True)
class RegisterLineShown:
    """One line of a saved register."""

    id: int
    line: int
    activity_id: int
    activity: str
    member_id: int
    display_name: str
    held_on: date
    minutes: int
    what: str
    state: State
    flagged: str
    duplicate_reason: str
    decided_by: int | None
    decided_at: datetime | None
    decision_reason: str
    rules_version: int


@dataclass(frozen=True, slots=True)
class RegisterShown:
    """A saved register with everybody in it. ``left_out`` are lines of its file that were not saved, and why."""

    id: int
    reference: str
    source: str
    upload_id: int | None
    recorded_by: int
    recorded_by_name: str
    recorded_at: datetime
    undone_by_name: str
    undone_at: datetime | None
    left_out: Sequence[Mapping[str, object]]
    lines: Sequence[RegisterLineShown]

    def of(self, *states: State) -> list[RegisterLineShown]:
        """The lines in these states."""
        return [line for line in self.lines if line.state in states]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Time that waits for a second person, and why."""

    id: int
    reference: str
    activity: str
    member_id: int
    display_name: str
    held_on: date
    minutes: int
    what: str
    flagged: str
    duplicate_reason: str
    recorded_by: int
    recorded_by_name: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A kept file. ``reference`` is the register it became, while that is not undone."""

    id: int
    file_name: str
    content: bytes
    uploaded_by: int
    uploaded_at: datetime
    reference: str | None


async def groups(connection: Connection, timebank_id: int) -> list[Group]:
    """The groups, the one that met last first."""
    return [Group(**row) for row in await connection.fetch(ALL_GROUPS, timebank_id, MAX_GROUPS)]


async def group(connection: Connection, timebank_id: int, group_id: int) -> Group | None:
    """One group, or None when this time bank has no such group."""
    if not 0 < group_id <= MAX_ID:
        return None
    row = await connection.fetchrow(ONE_GROUP, timebank_id, group_id)
    return Group(**row) if row else None


async def group_names(connection: Connection, timebank_id: int) -> dict[str, tuple[int, str]]:
    """Every group's id and name by the key of its name, in the order of names."""
    rows = await connection.fetch(NAMED_GROUPS, timebank_id)
    return {row["name_key"]: (row["id"], row["name"]) for row in rows}


async def came_last(connection: Connection, timebank_id: int, group_id: int) -> list[CameLast]:
    """Who of today's members came to the group's last session, in the order of their names."""
    rows = await connection.fetch(CAME_LAST, timebank_id, group_id)
    if not rows:
        return []
    known = {member.id: member.display_name for member in await members.known_members(connection, timebank_id)}
    came = [
        CameLast(row["member_id"], known[row["member_id"]], row["held_on"], row["minutes"], row["what"])
        for row in rows
        if row["member_id"] in known
    ]
    return sorted(came, key=lambda one: one.display_name.casefold())


async def earlier(
    connection: Connection, timebank_id: int, member_ids: Iterable[int], days: Iterable[date]
) -> list[Earlier]:
    """What is recorded for any of these members on any of these days, and counts or waits to."""
    rows = await connection.fetch(EARLIER, timebank_id, list(set(member_ids)), list(set(days)))
    return [Earlier(**row) for row in rows]


async def register(connection: Connection, timebank_id: int, reference: str) -> RegisterShown | None:
    """The register with this reference, or None."""
    row = await connection.fetchrow(REGISTER, timebank_id, reference)
    if row is None:
        return None
    lines = await connection.fetch(LINES, timebank_id, row["id"])
    people = {row["recorded_by"], *(line["member_id"] for line in lines)} | ({row["undone_by"]} - {None})
    name = await members.names(connection, timebank_id, sorted(people))
    return RegisterShown(
        id=row["id"],
        reference=row["reference"],
        source=row["source"],
        upload_id=row["upload_id"],
        recorded_by=row["recorded_by"],
        recorded_by_name=name[row["recorded_by"]],
        recorded_at=row["recorded_at"],
        undone_by_name=name.get(row["undone_by"], ""),
        undone_at=row["undone_at"],
        left_out=row["left_out"],
        lines=[RegisterLineShown(**line, display_name=name[line["member_id"]]) for line in lines],
    )


async def waiting(connection: Connection, timebank_id: int) -> list[Waiting]:
    """What waits for a decision, oldest first, at most MAX_QUEUE."""
    rows = await connection.fetch(WAITING, timebank_id, MAX_QUEUE)
    people = {row["member_id"] for row in rows} | {row["recorded_by"] for row in rows}
    name = await members.names(connection, timebank_id, sorted(people)) if people else {}
    return [
        Waiting(**row, display_name=name[row["member_id"]], recorded_by_name=name[row["recorded_by"]]) for row in rows
    ]


async def waiting_for(connection: Connection, actor: Actor) -> int:
    """How many decisions this actor could make."""
    return int(await connection.fetchval(WAITING_FOR, actor.timebank_id, actor.member_id))


async def upload(connection: Connection, timebank_id: int, upload_id: int) -> Upload | None:
    """The kept file with this id, or None."""
    if not 0 < upload_id <= MAX_ID:
        return None
    row = await connection.fetchrow(UPLOAD, timebank_id, upload_id)
    return Upload(**row) if row else None


async def describe_entries(
    connection: Connection, timebank_id: int, entry_ids: Sequence[UUID]
) -> dict[UUID, EntryWords]:
    """Words for those of the ledger's entries that are time given, or such time taken back."""
    if not entry_ids:
        return {}
    rows = await connection.fetch(DESCRIBED, timebank_id, list(entry_ids))
    actors = {actor for row in rows for actor in (row["recorded_by"], row["decided_by"], row["undone_by"]) if actor}
    name = await members.names(connection, timebank_id, sorted(actors)) if actors else {}
    words: dict[UUID, EntryWords] = {}
    for row in rows:
        detail = ", ".join(part for part in (row["what"], dates.in_words(row["held_on"])) if part)
        maker = name.get(row["decided_by"] or row["recorded_by"], "")
        words[row["entry_id"]] = EntryWords(title=row["activity"], detail=detail, made_by=maker)
        if row["undo_entry_id"] is not None:
            undone = f"Taken back: {row['activity']}"
            words[row["undo_entry_id"]] = EntryWords(
                title=undone, detail=detail, made_by=name.get(row["undone_by"], "")
            )
    return {entry_id: found for entry_id, found in words.items() if entry_id in set(entry_ids)}
