"""Reading what waits for a second person: the reason, what was said and shown, and what else is there for that day."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from timebank.contributions.queries import MAX_ID
from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.members import queries as members

PAGE = 20
MAX_OTHERS = 5
Show = Literal["all", "mine", "self"]
SHOWS: tuple[Show, ...] = ("all", "mine", "self")

QUEUE = """
select c.id, r.reference, r.source, c.activity_id, coalesce(a.name, '') as activity, c.member_id, c.guest_id,
       coalesce(g.name, '') as guest_name, c.held_on, c.starts_at, c.minutes, c.kind, c.what, c.flagged,
       c.duplicate_reason, c.recorded_by, c.recorded_at, coalesce(e.words, '') as words,
       e.photo_id is not null as has_photo, c.evidence
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  left join guest g on g.timebank_id = c.timebank_id and g.id = c.guest_id
  left join evidence e on e.timebank_id = c.timebank_id and e.contribution_id = c.id
 where c.timebank_id = $1 and c.state = 'submitted'
   and ($2::bigint is null or (c.recorded_at, c.id) >
        (select p.recorded_at, p.id from contribution p where p.timebank_id = $1 and p.id = $2))
   and ($3 <> 'mine' or (c.member_id is distinct from $4 and c.recorded_by <> $4))
   and ($3 <> 'self' or r.source = 'self')
   and ($5::bigint is null or c.activity_id = $5)
 order by c.recorded_at, c.id
 limit $6
"""
COUNTS = """
select count(*) as everything,
       count(*) filter (where c.member_id is distinct from $2 and c.recorded_by <> $2) as mine,
       count(*) filter (where r.source = 'self') as self
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.state = 'submitted'
"""
GROUPS = """
select a.id, a.name, count(*) as waiting
  from contribution c
  join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where c.timebank_id = $1 and c.state = 'submitted'
 group by a.id, a.name
 order by a.name
 limit 200
"""
SAME_DAY = """
select c.id, r.reference, c.member_id, c.held_on, c.activity_id, coalesce(a.name, '') as activity, c.minutes,
       c.starts_at, c.what, c.state, c.recorded_by
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  join unnest($2::bigint[], $3::date[]) as w (member_id, held_on)
    on w.member_id = c.member_id and w.held_on = c.held_on
 where c.timebank_id = $1 and c.state in ('submitted', 'approved')
 order by c.id
"""


@dataclass(frozen=True, slots=True)
class Other:
    """Something else that is recorded for the same person and day. ``why`` says what the two have in common."""

    id: int
    reference: str
    activity: str
    minutes: int
    starts_at: time | None
    what: str
    state: str
    recorded_by_name: str
    why: Literal["same", "overlaps", "same day"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Time that waits for a second person."""

    id: int
    reference: str
    source: str
    activity_id: int | None
    activity: str
    member_id: int | None
    guest_id: int | None
    display_name: str
    held_on: date
    starts_at: time | None
    minutes: int
    kind: str
    what: str
    flagged: str
    duplicate_reason: str
    recorded_by: int
    recorded_by_name: str
    recorded_at: datetime
    words: str
    has_photo: bool
    evidence: str
    others: tuple[Other, ...]

    @property
    def said(self) -> str:
        """What they did, in the longest words that are kept."""
        return self.words or self.what


@dataclass(frozen=True, slots=True)
class Counts:
    """How much waits, how much of it the viewer may decide, and how much members logged themselves."""

    everything: int
    mine: int
    self: int


async def waiting(
    connection: Connection,
    actor: Actor,
    *,
    show: Show = "all",
    group_id: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> list[Waiting]:
    """What waits, oldest first; ``after`` is the id of the last one of the page before. ``mine`` leaves out what the
    actor may not decide, ``self`` is what members logged themselves.
    """
    wanted = group_id if group_id is None or 0 < group_id <= MAX_ID else 0
    rows = await connection.fetch(QUEUE, actor.timebank_id, after, show, actor.member_id or 0, wanted, limit)
    pairs = sorted({(row["member_id"], row["held_on"]) for row in rows if row["member_id"] is not None})
    same_day = await connection.fetch(
        SAME_DAY, actor.timebank_id, [member for member, _ in pairs], [day for _, day in pairs]
    )
    people = {row["member_id"] for row in rows if row["member_id"]} | {row["recorded_by"] for row in [*rows, *same_day]}
    name = await members.names(connection, actor.timebank_id, sorted(people))
    by_day = defaultdict(list)
    for row in same_day:
        by_day[row["member_id"], row["held_on"]].append(row)
    found = []
    for row in rows:
        fields = dict(row)
        guest_name = fields.pop("guest_name")
        display_name = name[row["member_id"]] if row["member_id"] else f"{guest_name} (guest)"
        there = by_day[row["member_id"], row["held_on"]]
        others = [_other(row, one, name) for one in there if one["id"] != row["id"]]
        others.sort(key=lambda other: ("same", "overlaps", "same day").index(other.why))
        found.append(
            Waiting(
                **fields,
                display_name=display_name,
                recorded_by_name=name[row["recorded_by"]],
                others=tuple(others[:MAX_OTHERS]),
            )
        )
    return found


def _other(row: Mapping[str, Any], there: Mapping[str, Any], name: Mapping[int, str]) -> Other:
    return Other(
        id=there["id"],
        reference=there["reference"],
        activity=there["activity"],
        minutes=there["minutes"],
        starts_at=there["starts_at"],
        what=there["what"],
        state=there["state"],
        recorded_by_name=name[there["recorded_by"]],
        why=in_common(
            (row["activity_id"], row["minutes"], row["starts_at"]),
            (there["activity_id"], there["minutes"], there["starts_at"]),
        ),
    )


When = tuple[int | None, int, time | None]
"""A group, minutes, and the time of day when it began, if anyone said."""


def in_common(one: When, other: When) -> Literal["same", "overlaps", "same day"]:
    """What two entries of one person and day have in common: group and length, the time of day, or only the day."""
    (group, minutes, start), (other_group, other_minutes, other_start) = one, other
    if group == other_group and minutes == other_minutes and None in (start, other_start):
        return "same"
    if start is None or other_start is None:
        return "same day"
    begins, other_begins = (timedelta(hours=at.hour, minutes=at.minute) for at in (start, other_start))
    apart = begins >= other_begins + timedelta(minutes=other_minutes) or other_begins >= begins + timedelta(
        minutes=minutes
    )
    if apart:
        return "same day"
    return "same" if (group, minutes, start) == (other_group, other_minutes, other_start) else "overlaps"


async def counts(connection: Connection, actor: Actor) -> Counts:
    """How much waits in all, for this actor, and from members themselves."""
    row = await connection.fetchrow(COUNTS, actor.timebank_id, actor.member_id or 0)
    return Counts(**row)


async def groups_waiting(connection: Connection, timebank_id: int) -> list[tuple[int, str, int]]:
    """The groups of what waits: id, name, how much."""
    return [(row["id"], row["name"], row["waiting"]) for row in await connection.fetch(GROUPS, timebank_id)]
