"""Who came: said by whoever holds the day, without an account, or by a coordinator.

Came: the hours are used and the supplier is owed the place, once. Did not come: as it was shown when booking. Whoever
leaves early because of their health came. Whoever told the supplier in time gets hours and place back.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from timebank.db import Connection, Database
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.redemptions import offer_queries, rules, steps
from timebank.redemptions.offer_rules import OfferFacts
from timebank.redemptions.steps import ChangeBooking

Mark = Literal["came", "missed", "cancelled"]
STEP_OF: Final[Mapping[str, str]] = {"came": rules.FULFIL, "missed": rules.MISS, "cancelled": rules.CANCEL}
MAX_MARKS = 500
SHOWN_AFTER = timedelta(days=90)

# Whoever holds the day reads a first name and a number, and nothing else about anybody.
EXPECTED = """
select r.reference, r.state, r.came, r.no_show, r.member_id,
       split_part((select m.display_name from member m where m.timebank_id = r.timebank_id and m.id = r.member_id),
                  ' ', 1) as first_name
  from redemption r
 where r.timebank_id = $1 and r.offer_id = $2
   and r.state in ('requested', 'accepted', 'fulfilled', 'missed', 'refunded')
 order by first_name, r.reference
"""
REFERENCES = "select reference from redemption where timebank_id = $1 and offer_id = $2"
DATES = """
select o.id as offer_id, o.title, o.starts_at, o.place, o.places, o.payee_id, o.called_off_at,
       count(r.id) filter (where r.state in ('requested', 'accepted')) as open,
       count(r.id) filter (where r.state in ('fulfilled', 'missed', 'refunded')) as settled,
       (select count(*) from waiting w where w.timebank_id = o.timebank_id and w.offer_id = o.id
           and w.state in ('waiting', 'offered')) as waiting
  from offer o
  left join redemption r on r.timebank_id = o.timebank_id and r.offer_id = o.id
 where o.timebank_id = $1 and o.starts_at is not null and ($2::bigint is null or o.payee_id = $2)
   and o.starts_at > $3 and ($4::bigint is null or o.id = $4)
 group by o.timebank_id, o.id
having o.is_open or o.called_off_at is not null or count(r.id) > 0
 order by o.starts_at, o.id
 limit 200
"""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is expected on a day, as whoever holds it may see them."""

    reference: str
    first_name: str
    member_id: int
    state: str
    came: bool | None
    no_show: str

    @property
    def is_open(self) -> bool:
        """True while nobody has said whether they came."""
        return self.state in rules.OPEN_STATES


class TrainingDate(msgspec.Struct, frozen=True, kw_only=True):
    """A day and how it stands: bookings still open, those settled, people on the waiting list."""

    offer_id: int
    title: str
    starts_at: datetime
    place: str
    places: int | None
    payee_id: int | None
    called_off_at: datetime | None
    open: int
    settled: int
    waiting: int


class SaveAttendance(msgspec.Struct, frozen=True, kw_only=True):
    """Who came on the day of an offer: reference -> "came", "missed" or "cancelled". Who is left out stays open."""

    offer_id: int
    marks: dict[str, Mark]


class SavedAttendance(msgspec.Struct, frozen=True, kw_only=True):
    """How many were saved, and why each of the others was not, by reference."""

    saved: int
    refused: dict[str, str]


async def dates(
    connection: Connection, timebank_id: int, now: datetime, *, payee_id: int | None = None, offer_id: int | None = None
) -> list[TrainingDate]:
    """The days of the last three months and those to come, the earliest first; of one supplier, or of all."""
    rows = await connection.fetch(DATES, timebank_id, payee_id, now - SHOWN_AFTER, offer_id)
    return [msgspec.convert(dict(row), TrainingDate) for row in rows]


async def expected(connection: Connection, timebank_id: int, offer_id: int) -> list[Expected]:
    """Who booked a day, by first name."""
    rows = await connection.fetch(EXPECTED, timebank_id, offer_id)
    return [msgspec.convert(dict(row), Expected) for row in rows]


async def offer_of(connection: Connection, actor: Actor, offer_id: int) -> OfferFacts | None:
    """The offer whose attendance this actor may see: a coordinator any, a supplier their own; else None."""
    offer = await offer_queries.offer_facts(connection, actor.timebank_id, offer_id)
    if offer is None or offer.starts_at is None:
        return None
    is_theirs = actor.supplier_id is not None and actor.supplier_id == offer.payee_id
    return offer if is_theirs or actor.has(COORDINATOR) else None


async def save(
    db: Database, actor: Actor, command: SaveAttendance, *, key: str, now: datetime
) -> SavedAttendance | list[Refusal]:
    """Save who came, each booking by itself: what cannot be saved stops nobody else's.

    For the supplier of the offer, and coordinators (never about their own hours). Sent twice it changes nothing more.
    Refusals: ``unknown_offer``, ``too_early``, ``nobody_marked``, ``too_many_marks``; per booking those of
    ``rules.check_step``.
    """
    if not command.marks:
        return [Refusal("nobody_marked", say("Say for at least one person whether they came."), "marks")]
    if len(command.marks) > MAX_MARKS:
        return [Refusal("too_many_marks", f"Save at most {MAX_MARKS} people at once.", "marks")]
    async with db.reading(actor.timebank_id) as connection:
        offer = await offer_of(connection, actor, command.offer_id)
        if offer is None or offer.starts_at is None:
            return [Refusal("unknown_offer", "There is no such day.", "offer_id")]
        known = {row["reference"] for row in await connection.fetch(REFERENCES, actor.timebank_id, offer.id)}
    if now < offer.starts_at and any(mark != "cancelled" for mark in command.marks.values()):
        return [Refusal("too_early", say("This has not happened yet. Come back after it has started."), "marks")]
    refused = {}
    for reference, mark in sorted(command.marks.items()):
        if reference not in known:
            refused[reference] = "This booking is not one of this day. Nothing was changed."
            continue
        change = ChangeBooking(reference=reference)
        done = await steps.take(db, actor, change, STEP_OF[mark], key=f"{key}:{reference}", now=now)
        if isinstance(done, list):
            refused[reference] = str(done[0].message)
    return SavedAttendance(saved=len(command.marks) - len(refused), refused=refused)
