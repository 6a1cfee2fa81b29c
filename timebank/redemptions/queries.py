"""Read models of bookings: what members have booked, what staff have to do, and the facts that the rules ask for."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from timebank.db import Connection
from timebank.hours.queries import EntryWords
from timebank.kit.words import say
from timebank.redemptions.kinds import KINDS, kind_of
from timebank.redemptions.offer_rules import ACCESS
from timebank.redemptions.rules import BookingFacts

MAX_LISTED = 200

BOOKING_FACTS = """
select id, reference, offer_id, member_id, minutes, state, cancel_until, expires_at, hold_id, entry_id, rules_version,
       no_show, reminded_until
  from redemption
 where timebank_id = $1
"""

LOCK = " for no key update"
BOOKING_BY_REFERENCE = BOOKING_FACTS + " and reference = $2"
OPEN_OF_OFFER = BOOKING_FACTS + " and offer_id = $2 and state in ('requested', 'accepted') order by id limit $3" + LOCK
BOOKINGS_DUE = (
    BOOKING_FACTS
    + " and state in ('requested', 'accepted') and expires_at <= $2 order by id limit $3 for no key update skip locked"
)

OPEN_BOOKINGS = """
select count(*) from redemption where timebank_id = $1 and member_id = $2 and state in ('requested', 'accepted')
"""

# Names are looked up row by row: joined, they invite plans that first pair every member with every offer.
BOOKINGS = """
select r.id, r.reference, r.offer_id, r.member_id, r.minutes, r.state, r.benefit_text, r.requested_at, r.cancel_until,
       r.expires_at, r.changed_at, r.no_show, r.came, r.refunded_minutes, r.ask,
       o.value_pence is not null as has_supplier,
       o.kind, o.title, o.starts_at, o.place, o.access, o.access_notes, o.provider_id,
       (select m.display_name from member m where m.timebank_id = r.timebank_id and m.id = r.member_id) as member_name,
       (select p.display_name from member p where p.timebank_id = o.timebank_id and p.id = o.provider_id)
           as provider_name
  from redemption r
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
 where r.timebank_id = $1
"""

ONE_BOOKING = BOOKINGS + " and r.reference = $2"
MEMBERS_OPEN_BOOKINGS = (
    BOOKINGS
    + " and r.member_id = $2 and r.state in ('requested', 'accepted') order by r.requested_at desc, r.id desc limit $3"
)
MEMBERS_PAST_BOOKINGS = (
    BOOKINGS
    + " and r.member_id = $2 and r.state not in ('requested', 'accepted')"
    + " order by r.changed_at desc, r.id desc limit $3"
)
# What two members agreed on, they settle between them: it is in the list of the room of peers.
TO_DO = (
    BOOKINGS
    + " and r.state in ('requested', 'accepted') and r.ask = ''"
    + " and ($3::text = '' or ($3 = 'new' and r.state = 'requested') or ($3 = 'agreed' and r.state = 'accepted')"
    + "      or ($3 = 'soon' and r.expires_at <= $4::timestamptz + interval '7 days')"
    + "      or ($3 = 'happened' and o.starts_at <= $4))"
    + " and ($5::text = '' or o.kind = $5)"
    + " order by coalesce(o.starts_at, r.requested_at), r.requested_at, r.id limit $2"
)
SHOWN = ("new", "agreed", "soon", "happened")
"""What the list of staff can be narrowed to: new, agreed, ends within a week, has happened and nobody said so."""
KIND_CODES = tuple(kind.code for kind in KINDS)
DONE_LATELY = BOOKINGS + " and r.state = 'fulfilled' order by r.changed_at desc, r.id desc limit $2"

HISTORY = """
select e.n, e.state, e.at, e.reason, e.actor_id,
       coalesce(m.display_name,
                (select p.name from payee p where p.timebank_id = e.timebank_id and p.id = e.payee_id)) as actor_name
  from redemption_event e
  left join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.redemption_id = $2
 order by e.n
"""

OF_ENTRIES = """
select r.entry_id, r.refund_entry_id, r.reference, r.member_id, e.state,
       (select o.kind from offer o where o.timebank_id = r.timebank_id and o.id = r.offer_id) as kind,
       (select o.title from offer o where o.timebank_id = r.timebank_id and o.id = r.offer_id) as title,
       (select m.display_name from member m where m.timebank_id = r.timebank_id and m.id = r.member_id) as member_name,
       (select a.display_name from member a where a.timebank_id = r.timebank_id and a.id = e.actor_id) as actor_name
  from redemption r
  join redemption_event e on e.timebank_id = r.timebank_id and e.redemption_id = r.id
                         and e.state in ('fulfilled', 'refunded')
 where r.timebank_id = $1 and (r.entry_id = any($2::uuid[]) or r.refund_entry_id = any($2::uuid[]))
"""


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking with its offer, as the member and staff see it."""

    id: int
    reference: str
    offer_id: int
    member_id: int
    member_name: str
    minutes: int
    state: str
    benefit_text: str
    requested_at: datetime
    cancel_until: datetime
    expires_at: datetime
    changed_at: datetime
    no_show: str
    came: bool | None
    refunded_minutes: int | None
    ask: str
    has_supplier: bool
    kind: str
    title: str
    starts_at: datetime | None
    place: str
    access: tuple[str, ...]
    access_notes: str
    provider_id: int | None
    provider_name: str | None

    @property
    def access_words(self) -> list[str]:
        """What it has for people who need it."""
        return [ACCESS[code] for code in self.access]

    @property
    def is_open(self) -> bool:
        """True while the hours are set aside."""
        return self.state in ("requested", "accepted")

    @property
    def what_next(self) -> tuple[str, ...]:
        """What happens next, in short sentences."""
        return kind_of(self.kind).what_next(self.state)

    @property
    def accept_words(self) -> str:
        """What the button says that accepts it."""
        return kind_of(self.kind).accept_words

    @property
    def fulfil_words(self) -> str:
        """What the button says that fulfils it."""
        return kind_of(self.kind).fulfil_words


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of a booking. No actor means the service itself."""

    n: int
    state: str
    at: datetime
    reason: str
    actor_id: int | None
    actor_name: str | None


async def booking_facts(
    connection: Connection, timebank_id: int, reference: str, *, lock: bool = False
) -> BookingFacts | None:
    """The booking as the rules see it, or None. ``lock`` keeps others from changing it until the transaction ends."""
    row = await connection.fetchrow(BOOKING_BY_REFERENCE + (LOCK if lock else ""), timebank_id, reference)
    return None if row is None else msgspec.convert(dict(row), BookingFacts)


async def due_bookings(connection: Connection, timebank_id: int, now: datetime, limit: int) -> list[BookingFacts]:
    """Open bookings whose time has passed, locked; those that somebody is changing right now are left out."""
    rows = await connection.fetch(BOOKINGS_DUE, timebank_id, now, limit)
    return [msgspec.convert(dict(row), BookingFacts) for row in rows]


async def open_of_offer(connection: Connection, timebank_id: int, offer_id: int, limit: int) -> list[BookingFacts]:
    """Open bookings of an offer, locked."""
    rows = await connection.fetch(OPEN_OF_OFFER, timebank_id, offer_id, limit)
    return [msgspec.convert(dict(row), BookingFacts) for row in rows]


async def open_bookings(connection: Connection, timebank_id: int, member_id: int) -> int:
    """How many bookings a member has open."""
    count: int = await connection.fetchval(OPEN_BOOKINGS, timebank_id, member_id)
    return count


async def booking(connection: Connection, timebank_id: int, reference: str) -> Booking | None:
    """The booking with this reference, or None."""
    row = await connection.fetchrow(ONE_BOOKING, timebank_id, reference)
    return None if row is None else _booking(row)


async def open_bookings_of(
    connection: Connection, timebank_id: int, member_id: int, *, limit: int = 50
) -> list[Booking]:
    """A member's open bookings, newest first, cut at ``limit``."""
    return [_booking(row) for row in await connection.fetch(MEMBERS_OPEN_BOOKINGS, timebank_id, member_id, limit)]


async def bookings_of(
    connection: Connection, timebank_id: int, member_id: int, *, limit: int = 50
) -> tuple[list[Booking], list[Booking]]:
    """A member's open bookings and their past ones, newest first, each cut at ``limit``."""
    past_rows = await connection.fetch(MEMBERS_PAST_BOOKINGS, timebank_id, member_id, limit)
    open_ones = await open_bookings_of(connection, timebank_id, member_id, limit=limit)
    return open_ones, [_booking(row) for row in past_rows]


async def to_do(
    connection: Connection, timebank_id: int, *, now: datetime, show: str = "", kind: str = ""
) -> list[Booking]:
    """Open bookings for staff, what comes first at the top, at most :data:`MAX_LISTED`; ``show`` is one of SHOWN."""
    rows = await connection.fetch(TO_DO, timebank_id, MAX_LISTED, show, now, kind)
    return [_booking(row) for row in rows]


async def done_lately(connection: Connection, timebank_id: int, limit: int) -> list[Booking]:
    """The bookings fulfilled last, newest first."""
    return [_booking(row) for row in await connection.fetch(DONE_LATELY, timebank_id, limit)]


async def history(connection: Connection, timebank_id: int, redemption_id: int) -> list[Event]:
    """Every step of a booking, oldest first."""
    rows = await connection.fetch(HISTORY, timebank_id, redemption_id)
    return [msgspec.convert(dict(row), Event) for row in rows]


async def describe_entries(
    connection: Connection, timebank_id: int, entry_ids: Sequence[UUID], *, reader_id: int | None = None
) -> dict[UUID, EntryWords]:
    """Words for the entries of bookings among ``entry_ids``; others are left out. ``reader_id`` is who reads."""
    if not entry_ids:
        return {}
    rows = await connection.fetch(OF_ENTRIES, timebank_id, list(entry_ids))
    wanted = set(entry_ids)
    return {entry_id: words for entry_id, words in _described(rows, reader_id) if entry_id in wanted}


def _described(rows: Iterable[object], reader_id: int | None) -> Iterable[tuple[UUID, EntryWords]]:
    for row in rows:
        facts = msgspec.convert(dict(row), _EntryFacts)  # type: ignore[call-overload]
        is_refund = facts.state == "refunded"
        entry_id = facts.refund_entry_id if is_refund else facts.entry_id
        if entry_id is None:
            continue
        gave_it = kind_of(facts.kind).needs_provider and reader_id is not None and reader_id != facts.member_id
        title = say("{what}, for {name}", what=facts.title, name=facts.member_name) if gave_it else facts.title
        yield (
            entry_id,
            EntryWords(
                title=say("Given back: {what}", what=title) if is_refund else title,
                detail=say("Booking {reference}", reference=facts.reference),
                made_by=facts.actor_name or "",
            ),
        )


class _EntryFacts(msgspec.Struct, frozen=True, kw_only=True):
    entry_id: UUID | None
    refund_entry_id: UUID | None
    reference: str
    member_id: int
    kind: str
    title: str
    member_name: str
    state: str
    actor_name: str | None


def _booking(row: object) -> Booking:
    return msgspec.convert(dict(row), Booking)  # type: ignore[call-overload]
