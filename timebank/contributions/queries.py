"""Reading groups, registers, files and what waits for a decision."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from timebank.contributions import times
from timebank.contributions.lines import Earlier, Kind, State
from timebank.contributions.words import BROUGHT_FORWARD, SOMETHING_ELSE
from timebank.db import Connection
from timebank.hours.queries import EntryWords
from timebank.kit.actor import Actor
from timebank.kit.words import say
from timebank.members import queries as members

MAX_GROUPS = 500
MAX_QUEUE = 200
MAX_ID = 2**63 - 1
A_GUEST = "A guest"

# The last day on which each group met, as in activities.queries.LAST_MET: a stray line of one person is no meeting, and
# neither is what members log for themselves.
GROUPS = """
select a.id, a.name, a.name_key, a.place, a.default_minutes,
       last.held_on as last_on, last.people as last_people, last.minutes as last_minutes
  from activity a
  left join lateral (
        with days as (
            select c.held_on, count(distinct coalesce(c.member_id, -c.guest_id)) as people, sum(c.minutes) as minutes
              from contribution c
              join register r on r.timebank_id = c.timebank_id and r.id = c.register_id and r.source <> 'self'
             where c.timebank_id = a.timebank_id and c.activity_id = a.id and c.state in ('submitted', 'approved')
             group by c.held_on
             order by c.held_on desc
             limit 5)
        select held_on, people, minutes
          from days
         where 2 * people >= (select percentile_disc(0.51) within group (order by people) from days)
         order by held_on desc
         limit 1) last on true
 where a.timebank_id = $1 and not a.is_archived
"""
ALL_GROUPS = GROUPS + " order by last.held_on desc nulls last, a.name_key limit $2"
ONE_GROUP = GROUPS + " and a.id = $2"

NAMED_GROUPS = "select id, name, name_key from activity where timebank_id = $1 and not is_archived order by name_key"


EARLIER = """
select c.id as contribution_id, r.reference, c.activity_id, coalesce(c.member_id, -c.guest_id) as member_id, c.held_on,
       c.minutes, c.starts_at, c.preparation_minutes + c.travel_minutes as away_minutes, a.name as activity
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where c.timebank_id = $1 and {who} and c.held_on = any($3::date[])
   and c.state in ('submitted', 'approved') and c.kind <> 'brought_forward'
 order by c.id
"""
EARLIER_OF_MEMBERS = EARLIER.format(who="c.member_id = any($2::bigint[])")
EARLIER_OF_GUESTS = EARLIER.format(who="c.member_id is null and c.guest_id = any($2::bigint[])")

REGISTER = """
select id, reference, source, upload_id, recorded_by, recorded_at, undone_by, undone_at, left_out
  from register
 where timebank_id = $1 and reference = $2
"""

LINES = """
select c.id, c.line, c.activity_id, coalesce(a.name, $3) as activity, c.member_id, c.guest_id, c.kind, c.held_on,
       c.minutes, c.preparation_minutes, c.travel_minutes, c.starts_at, c.what, c.state, c.query_state, c.credited_to,
       c.flagged, c.duplicate_reason, c.decided_by, c.decided_at, c.decision_reason, c.rules_version,
       coalesce(g.name, '') as guest_name,
       array(select v.member_id from contribution_receiver v
              where v.timebank_id = c.timebank_id and v.contribution_id = c.id order by v.member_id) as receiver_ids
  from contribution c
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  left join guest g on g.timebank_id = c.timebank_id and g.id = c.guest_id and c.member_id is null
 where c.timebank_id = $1 and c.register_id = $2
 order by c.line
"""

WAITING = """
select c.id, r.reference, coalesce(a.name, $3) as activity, c.member_id, c.held_on, c.minutes, c.what, c.flagged,
       c.duplicate_reason, c.recorded_by, c.recorded_at, c.evidence, coalesce(g.name, '') as guest_name
  from contribution c
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  left join guest g on g.timebank_id = c.timebank_id and g.id = c.guest_id and c.member_id is null
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

# What a correction took back or added is named after the contribution too; who made it is in its change.
DESCRIBED = """
select found.entry_id, found.what_for, coalesce(a.name, $3) as activity, c.held_on, c.what, found.maker
  from (
        select c.entry_id, 'given' as what_for, c.id, coalesce(c.decided_by, c.recorded_by) as maker
          from contribution c
         where c.timebank_id = $1 and c.entry_id = any($2::uuid[])
        union all
        select c.undo_entry_id, 'undone', c.id, r.undone_by
          from contribution c
          join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
         where c.timebank_id = $1 and c.undo_entry_id = any($2::uuid[])
        union all
        select e.entry_id, g.step, e.contribution_id, g.changed_by
          from contribution_entry e
          join contribution_change g on g.timebank_id = e.timebank_id and g.contribution_id = e.contribution_id
                                    and g.n = e.n
         where e.timebank_id = $1 and e.entry_id = any($2::uuid[])
       ) found
  join contribution c on c.timebank_id = $1 and c.id = found.id
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
"""

WAITING_MINUTES = """
select coalesce(sum(minutes), 0)::bigint from contribution
 where timebank_id = $1 and member_id = $2 and state = 'submitted'
"""

CHANGES = """
select contribution_id, n, step, minutes_before, minutes_after, held_on_before, held_on_after, short_minutes, reason,
       changed_by, changed_at
  from contribution_change
 where timebank_id = $1 and contribution_id = any($2::bigint[])
 order by contribution_id, n
"""

GUEST_NAMES = "select id, name from guest where timebank_id = $1 and id = any($2::bigint[])"

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
class RegisterLineShown:
    """One line of a saved register. ``member_id`` is 0 for a guest, whose name is in ``display_name``."""

    id: int
    line: int
    activity_id: int | None
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
    guest_id: int | None = None
    kind: Kind = "given"
    preparation_minutes: int = 0
    travel_minutes: int = 0
    starts_at: time | None = None
    query_state: str = ""
    credited_to: str | None = None
    receiver_ids: Sequence[int] = ()


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
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a contribution after it was decided. ``short_minutes`` had been used already."""

    contribution_id: int
    n: int
    step: str
    minutes_before: int
    minutes_after: int
    held_on_before: date
    held_on_after: date
    short_minutes: int
    reason: str
    changed_by: int
    changed_at: datetime


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


async def earlier(connection: Connection, timebank_id: int, who: Iterable[int], days: Iterable[date]) -> list[Earlier]:
    """What is recorded for any of these people in the weeks of these days, and counts or waits to.

    ``who`` are members' ids, and guests' ids below zero. Hours brought forward belong to no day and are left out.
    """
    people, wanted = set(who), times.days_to_look_at(days)
    rows = await connection.fetch(EARLIER_OF_MEMBERS, timebank_id, [one for one in people if one > 0], wanted)
    if guests := [-one for one in people if one < 0]:
        rows += await connection.fetch(EARLIER_OF_GUESTS, timebank_id, guests, wanted)
    return [Earlier(**row) for row in rows]


async def register(connection: Connection, timebank_id: int, reference: str) -> RegisterShown | None:
    """The register with this reference, or None."""
    row = await connection.fetchrow(REGISTER, timebank_id, reference)
    if row is None:
        return None
    lines = await connection.fetch(LINES, timebank_id, row["id"], BROUGHT_FORWARD)
    people = {row["recorded_by"], row["undone_by"], *(line["member_id"] for line in lines)} - {None}
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
        lines=[_line_shown(line, name) for line in lines],
    )


def _line_shown(row: Mapping[str, Any], name: Mapping[int, str]) -> RegisterLineShown:
    line = dict(row)
    guest_name = line.pop("guest_name")
    line["member_id"] = line["member_id"] or 0
    return RegisterLineShown(**line, display_name=name.get(line["member_id"]) or guest_name or A_GUEST)


async def changes(connection: Connection, timebank_id: int, contribution_ids: Sequence[int]) -> list[Change]:
    """Everything that happened to these contributions after they were decided, oldest first."""
    return [Change(**row) for row in await connection.fetch(CHANGES, timebank_id, list(contribution_ids))]


async def guest_names(connection: Connection, timebank_id: int, guest_ids: Sequence[int]) -> dict[int, str]:
    """The names of those of these guests that are not forgotten."""
    if not guest_ids:
        return {}
    rows = await connection.fetch(GUEST_NAMES, timebank_id, list(guest_ids))
    return {row["id"]: row["name"] for row in rows if row["name"]}


async def waiting(connection: Connection, timebank_id: int) -> list[Waiting]:
    """What waits for a decision, oldest first, at most MAX_QUEUE."""
    rows = await connection.fetch(WAITING, timebank_id, MAX_QUEUE, BROUGHT_FORWARD)
    people = {row["member_id"] for row in rows} | {row["recorded_by"] for row in rows}
    name = await members.names(connection, timebank_id, sorted(people - {None})) if people else {}
    found = []
    for row in rows:
        one = dict(row)
        guest_name = one.pop("guest_name")
        one["member_id"] = one["member_id"] or 0
        shown = name.get(one["member_id"]) or guest_name or A_GUEST
        found.append(Waiting(**one, display_name=shown, recorded_by_name=name[row["recorded_by"]]))
    return found


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
    rows = await connection.fetch(DESCRIBED, timebank_id, list(entry_ids), BROUGHT_FORWARD)
    makers = {row["maker"] for row in rows if row["maker"]}
    name = await members.names(connection, timebank_id, sorted(makers)) if makers else {}
    words: dict[UUID, EntryWords] = {}
    for row in rows:
        words[row["entry_id"]] = EntryWords(
            title=_title(row["what_for"], row["activity"]), detail=row["what"], made_by=name.get(row["maker"], "")
        )
    return words


def _title(what_for: str, activity: str) -> str:
    if activity in (BROUGHT_FORWARD, SOMETHING_ELSE):  # our own words, not those of a time bank
        activity = say(activity)
    if what_for in ("undone", "removed"):
        return say("Taken back: {what}", what=activity)
    return say("Put right: {what}", what=activity) if what_for == "corrected" else activity


async def waiting_minutes(connection: Connection, timebank_id: int, member_id: int) -> int:
    """How many minutes that the member gave still wait for a decision."""
    return int(await connection.fetchval(WAITING_MINUTES, timebank_id, member_id))
