"""Whom to offer on a new register: who came last time, who signed up or checked in, who comes now and then."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from timebank.activities import queries as activities
from timebank.activities.queries import CheckIns
from timebank.contributions.choosing import Directory
from timebank.contributions.queries import MAX_ID, RegisterShown
from timebank.contributions.register_form import MAX_PEOPLE, Before
from timebank.contributions.register_names import KnownMember
from timebank.db import Connection
from timebank.kit import names
from timebank.members import groups as member_groups
from timebank.members import queries as members

REGULARS_DAYS = 91
CHECK_IN_DAYS = 62
MAX_CHOICES = 2_000  # suggestions in the page; a larger time bank gets those on the page, and finds others by name
MAX_TEXTS = 60  # typed names that a large time bank looks up one by one; for more it looks at everybody
MAX_GUESTS = 500

CAME = """
select distinct on (who)
       coalesce(c.member_id, g.member_id, 0) as member_id,
       case when coalesce(c.member_id, g.member_id) is null then c.guest_id else 0 end as guest_id,
       coalesce(c.member_id, g.member_id, -c.guest_id) as who,
       c.minutes, c.preparation_minutes, c.travel_minutes, c.what, c.kind
  from contribution c
  left join guest g on g.timebank_id = c.timebank_id and g.id = c.guest_id
 where c.timebank_id = $1 and c.activity_id = $2 and c.state in ('submitted', 'approved')
   and c.held_on between $3 and $4
 order by who, c.held_on desc, c.id
"""

WHO_COME = """
select distinct coalesce(c.member_id, g.member_id) as member_id
  from contribution c
  left join guest g on g.timebank_id = c.timebank_id and g.id = c.guest_id
 where c.timebank_id = $1 and c.activity_id = $2 and c.state in ('submitted', 'approved')
   and coalesce(c.member_id, g.member_id) is not null
   and c.held_on >= least($3, (select max(held_on) from contribution
                                where timebank_id = $1 and activity_id = $2 and state in ('submitted', 'approved')))
"""

GUESTS = """
select id, name, name_key from guest
 where timebank_id = $1 and joined_at is null and forgotten_at is null
 order by added_at desc, id desc
 limit $2
"""

RECORDED = """
select r.reference, r.recorded_by, r.recorded_at, coalesce(c.member_id, g.member_id, 0) as member_id,
       coalesce(c.guest_id, 0) as guest_id, coalesce(g.name, '') as guest, c.minutes
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  left join guest g on g.timebank_id = c.timebank_id and g.id = c.guest_id
 where c.timebank_id = $1 and c.activity_id = $2 and c.held_on = $3 and c.state in ('submitted', 'approved')
   and r.source in ('page', 'file', 'api')
 order by r.recorded_at, r.id, c.line
"""


SAVED_SESSIONS = """
select distinct c.activity_id, c.held_on
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.held_on between $2 and $3 and c.state in ('submitted', 'approved')
   and r.source in ('page', 'file', 'api')
"""


@dataclass(frozen=True, slots=True)
class Guests:
    """Guests who wait to become members, by id and by the key of their name."""

    by_id: dict[int, str]
    by_key: dict[str, int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line that is recorded for a group and day already."""

    reference: str
    recorded_by: int
    recorded_at: datetime
    member_id: int
    guest_id: int
    guest: str
    minutes: int

    @property
    def who(self) -> int:
        """One number for whoever it was, as ``Line.who`` has it."""
        return self.member_id or -self.guest_id


@dataclass(frozen=True, slots=True)
class Offered:
    """Who is on a new register, and why those with a tick have it: ``came``, ``signed_up`` or ``checked_in``."""

    people: tuple[Before, ...]
    because: str
    left_off: int


async def directory(
    connection: Connection,
    timebank_id: int,
    *,
    only_first_names: bool,
    ids: Iterable[int] = (),
    typed: Iterable[str] = (),
) -> Directory:
    """The members that may be on a register, as the viewer may see their names.

    In a time bank with more than MAX_CHOICES members only those with these ids, and those whom the typed names may
    mean: looking at fifty thousand people for every page takes seconds.
    """
    texts = [text for text in typed if text.strip()]
    if len(texts) <= MAX_TEXTS and await members.active(connection, timebank_id) > MAX_CHOICES:
        known = await members.known_some(connection, timebank_id, list(set(ids)), texts)
    else:
        known = await members.known_members(connection, timebank_id)
    return Directory(
        (KnownMember(one.id, one.display_name, str(one.number)) for one in known), only_first_names=only_first_names
    )


async def who_come(connection: Connection, timebank_id: int, group_id: int, *, today: date) -> list[int]:
    """The ids of the members who came to the group lately or the last time, or are expected at a session these days."""
    rows = await connection.fetch(WHO_COME, timebank_id, group_id, today - timedelta(days=REGULARS_DAYS))
    expected = await activities.expected_around(connection, timebank_id, group_id, today)
    return [row["member_id"] for row in rows] + expected


async def in_group(connection: Connection, timebank_id: int, group_id: int) -> list[int]:
    """The ids of those who belong to a group or organisation that is a member."""
    people = await member_groups.people_in(connection, timebank_id, group_id)
    return [one.member_id for one in people if one.until_on is None]


async def waiting_guests(connection: Connection, timebank_id: int) -> Guests:
    """Guests who are not members yet, the newest MAX_GUESTS."""
    rows = await connection.fetch(GUESTS, timebank_id, MAX_GUESTS)
    return Guests({row["id"]: row["name"] for row in rows}, {row["name_key"]: row["id"] for row in reversed(rows)})


async def is_guest(connection: Connection, timebank_id: int, guest_id: int) -> bool:
    """True when this time bank has or had such a guest."""
    known = "select exists (select from guest where timebank_id = $1 and id = $2)"
    return 0 < guest_id <= MAX_ID and bool(await connection.fetchval(known, timebank_id, guest_id))


async def on_the_sheet(
    connection: Connection, timebank_id: int, group_id: int, day: date, session_id: int | None
) -> list[int]:
    """The ids of the members on the printed sheet of this group and day, in its order."""
    people = await activities.people(connection, timebank_id, group_id, day, session_id)
    people = people or await activities.first_people(connection, timebank_id)
    return [one.member_id for one in people]


async def offered(
    connection: Connection,
    timebank_id: int,
    group_id: int,
    known: Directory,
    guests: Guests,
    session_id: int | None,
    on_paper: Sequence[int] = (),
) -> Offered:
    """The people of a new register in the order of their names; those who stand ``on_paper`` first, in its order.

    With a tick: who checked in at the session; where nobody did, who signed up; where nobody did, who came last time.
    """
    day = await activities.last_met(connection, timebank_id, group_id)
    last = _befores(await connection.fetch(CAME, timebank_id, group_id, day, day) if day else (), known, guests)
    there = await activities.checked_in(connection, timebank_id, session_id) if session_id else []
    expected = await activities.signed_up(connection, timebank_id, session_id) if session_id else []
    by_id = {one.member_id: one for one in last if one.member_id}
    for member_id in (*on_paper, *there, *expected):
        if member_id in known.members and member_id not in by_id:
            by_id[member_id] = Before(name=known.shown[member_id], member_id=member_id)
    ticked = {one for one in (there or expected) if one in by_id}
    notes = dict.fromkeys(expected, "Signed up") | dict.fromkeys(there, "Checked in")
    people = [
        replace(one, came=not ticked or one.member_id in ticked, note=notes.get(one.member_id, ""))
        for one in (*by_id.values(), *(one for one in last if one.guest_id))
    ]
    places = {member_id: place for place, member_id in enumerate(on_paper)}
    people.sort(
        key=lambda one: (places.get(one.member_id, len(places)), bool(ticked) and not one.came, names.key(one.name))
    )
    because = ("checked_in" if there else "signed_up") if ticked else "came"
    return Offered(tuple(people[:MAX_PEOPLE]), because, max(0, len(people) - MAX_PEOPLE))


async def not_saved_yet(
    connection: Connection, timebank_id: int, led: frozenset[int] | None, *, today: date
) -> list[CheckIns]:
    """Where people checked in these last CHECK_IN_DAYS days and no register is saved; ``led``: only these groups."""
    first = today - timedelta(days=CHECK_IN_DAYS)
    there = await activities.with_check_ins(connection, timebank_id, first, today)
    if not there:
        return []
    rows = await connection.fetch(SAVED_SESSIONS, timebank_id, first, today)
    saved = {(row["activity_id"], row["held_on"]) for row in rows}
    return [
        one for one in there if (one.activity_id, one.held_on) not in saved and (led is None or one.activity_id in led)
    ]


async def regulars(
    connection: Connection, timebank_id: int, group_id: int, known: Directory, guests: Guests, *, today: date
) -> list[Before]:
    """Everybody who came to the group in the last REGULARS_DAYS days, in the order of their names."""
    since = today - timedelta(days=REGULARS_DAYS)
    return _befores(await connection.fetch(CAME, timebank_id, group_id, since, date.max), known, guests)


def _befores(rows: Iterable[dict[str, object]], known: Directory, guests: Guests) -> list[Before]:
    found = []
    for row in rows:
        member_id, guest_id = _number(row["member_id"]), _number(row["guest_id"])
        name = known.shown.get(member_id) or guests.by_id.get(guest_id)
        if name is None:
            continue  # they left, or were forgotten
        found.append(
            Before(
                name=name,
                member_id=member_id,
                guest_id=guest_id,
                minutes=_number(row["minutes"]),
                preparation_minutes=_number(row["preparation_minutes"]),
                travel_minutes=_number(row["travel_minutes"]),
                what=str(row["what"]),
                is_staff=row["kind"] == "staff",
            )
        )
    return sorted(found, key=lambda one: names.key(one.name))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


async def recorded(connection: Connection, timebank_id: int, group_id: int, day: date) -> list[Recorded]:
    """What is recorded for this group and day already, and counts or waits to."""
    return [Recorded(**row) for row in await connection.fetch(RECORDED, timebank_id, group_id, day)]


def choices(known: Directory, there: Iterable[int]) -> list[str]:
    """The suggestions of the page: everybody, or in a large time bank only those on the page, by member id."""
    if len(known.choices) <= MAX_CHOICES:
        return [*known.choices]
    return [known.labels[member_id] for member_id in there]


async def work_kind(connection: Connection, timebank_id: int, group_id: int) -> str:
    """The kind of work of a group: ``volunteering``, ``service_user_involvement`` or ``peer_exchange``."""
    kind = "select work_kind from activity where timebank_id = $1 and id = $2"
    return str(await connection.fetchval(kind, timebank_id, group_id))


def with_first_names(register: RegisterShown, directory: Directory) -> RegisterShown:
    """A register as a session leader may see it; a guest keeps the name that they typed."""
    lines = [
        replace(line, display_name=directory.shown.get(line.member_id, line.display_name.partition(" ")[0]))
        if line.member_id
        else line
        for line in register.lines
    ]
    return replace(register, lines=lines)
