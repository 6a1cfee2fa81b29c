"""Read models of waiting lists, and the facts that their rules ask for."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection
from timebank.kit.paging import MAX_KEY
from timebank.redemptions import places
from timebank.redemptions.offer_queries import COMMITTED, UNFUNDED
from timebank.redemptions.offer_rules import month_of
from timebank.redemptions.waiting_rules import WaitingFacts

FACTS = """
select id, offer_id, member_id, state, offered_at, answer_until from waiting where timebank_id = $1
"""
LOCK = " for no key update"
BY_ID = FACTS + " and id = $2"
LIVE_OF = FACTS + " and offer_id = $2 and member_id = $3 and state in ('waiting', 'offered')"
OFFERED_OF = FACTS + " and offer_id = $2 and state = 'offered' order by id" + LOCK
LIVE_OF_OFFER = FACTS + " and offer_id = $2 and state in ('waiting', 'offered') order by id" + LOCK
# Whoever is paused or has left keeps their turn, and is passed over.
NEXT = """
select w.id, w.offer_id, w.member_id, w.state, w.offered_at, w.answer_until, m.contact_route
  from waiting w
  join member m on m.timebank_id = w.timebank_id and m.id = w.member_id and m.status = 'active'
 where w.timebank_id = $1 and w.offer_id = $2 and w.state = 'waiting'
 order by w.id
   for no key update of w
"""
COUNTS = f"""
select {places.GONE} as gone,
       (select count(*) from waiting w where w.timebank_id = $1 and w.offer_id = $2 and w.state = 'waiting') as waiting,
       (select count(*) from waiting w where w.timebank_id = $1 and w.offer_id = $2 and w.state = 'offered') as offered,
       (select count(*) from waiting w where w.timebank_id = $1 and w.member_id = $3
           and w.state in ('waiting', 'offered')) as lists,
       exists (select from redemption r where r.timebank_id = $1 and r.offer_id = $2 and r.member_id = $3
                  and r.state in ('requested', 'accepted')) as has_booked
  from offer o
 where o.timebank_id = $1 and o.id = $2
"""  # noqa: S608 - our own text
# A place is kept for them, or the free ones go further than those who have waited longer.
BEFORE = f"""
select (select count(*) from waiting w where w.timebank_id = $1 and w.offer_id = $2 and w.state = 'offered'
           and w.member_id <> $3)
     + (select count(*) from waiting w where w.timebank_id = $1 and w.offer_id = $2 and w.state = 'waiting'
           and w.member_id <> $3
           and not exists (select from waiting mine where mine.timebank_id = $1 and mine.offer_id = $2
                              and mine.member_id = $3
                              and (mine.state = 'offered' or (mine.state = 'waiting' and mine.id < w.id))))
     + {places.TAKEN}
  from offer o
 where o.timebank_id = $1 and o.id = $2
"""  # noqa: S608 - our own text
KEPT_PLACES = f"select {places.KEPT} from offer o where o.timebank_id = $1 and o.id = $2"  # noqa: S608 - our own text
# How many more bookings the budget of an offer bears, and its month; null for any number.
PAID_FOR = f"""
select case when o.budget_id is null or o.value_pence is null
                 or exists (select from voucher_terms t where t.timebank_id = o.timebank_id and t.offer_id = o.id
                               and t.source = 'pool') then null
            when {UNFUNDED} then 0
            else coalesce((select d.left_pence from order_sums($1) d where d.order_id = o.order_id and d.is_open),
                          (select s.left_pence from budget_sums($1) s where s.budget_id = o.budget_id)) / o.value_pence
        end as by_budget,
       case when coalesce(o.value_pence, 0) > 0
            then (o.monthly_pence - {COMMITTED}) / o.value_pence
                 - (select count(*) from waiting w where w.timebank_id = o.timebank_id and w.offer_id = o.id
                       and w.state = 'offered')
        end as by_month
  from offer o
 where o.timebank_id = $1 and $2::bigint is null and o.id = $6
"""  # noqa: S608 - our own text
WITH_LISTS = """
select distinct offer_id from waiting where timebank_id = $1 and state in ('waiting', 'offered') order by offer_id
"""
TURNS = """
select w.id, w.offer_id, w.member_id, w.state, w.joined_at, w.how_agreed, w.offered_at, w.answer_until, w.changed_at,
       o.title, o.starts_at, o.place, o.price_minutes, o.kind,
       (select m.display_name from member m where m.timebank_id = w.timebank_id and m.id = w.member_id) as member_name,
       (select m.contact_route from member m where m.timebank_id = w.timebank_id and m.id = w.member_id)
           as contact_route,
       (select r.reference from redemption r where r.timebank_id = w.timebank_id and r.id = w.redemption_id)
           as reference,
       (select count(*) from waiting b where b.timebank_id = w.timebank_id and b.offer_id = w.offer_id
           and b.state in ('waiting', 'offered') and b.id < w.id) as before
  from waiting w
  join offer o on o.timebank_id = w.timebank_id and o.id = w.offer_id
 where w.timebank_id = $1
"""
ONE_TURN = TURNS + " and w.id = $2"
MEMBERS_TURNS = (
    TURNS + " and w.member_id = $2 and w.state in ('waiting', 'offered') order by w.state, o.starts_at, w.id limit 50"
)
OFFERED_TURNS = TURNS + " and w.member_id = $2 and w.state = 'offered' order by w.answer_until, w.id"
MEMBERS_TURN = TURNS + " and w.member_id = $2 and w.offer_id = $3 and w.state in ('waiting', 'offered')"
OFFERS_TURNS = TURNS + " and w.offer_id = $2 and w.state in ('waiting', 'offered') order by w.id limit 200"
OFFERS_PAST_TURNS = (
    TURNS + " and w.offer_id = $2 and w.state not in ('waiting', 'offered') order by w.changed_at desc, w.id limit 50"
)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How an offer with places stands for a member. ``gone`` counts those who wait, too."""

    gone: int
    waiting: int
    offered: int
    lists: int
    has_booked: bool


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's turn on a waiting list, as they and staff see it. ``before``: how many are in front of them."""

    id: int
    offer_id: int
    member_id: int
    member_name: str
    contact_route: str
    state: str
    joined_at: datetime
    how_agreed: str
    offered_at: datetime | None
    answer_until: datetime | None
    changed_at: datetime
    title: str
    starts_at: datetime | None
    place: str
    price_minutes: int
    kind: str
    reference: str | None
    before: int

    @property
    def is_live(self) -> bool:
        """True while they wait or a place is kept for them."""
        return self.state in ("waiting", "offered")


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever is next, and how they are reached."""

    turn: WaitingFacts
    route: str


async def paid_for(
    connection: Connection, timebank_id: int, offer_id: int, *, today: date, time_zone: str
) -> int | None:
    """How many more bookings can be paid for just now; None for any number. Lock the offer and its budget first."""
    month = month_of(today, time_zone)
    row = await connection.fetchrow(PAID_FOR, timebank_id, None, today, *month, offer_id)
    most = [int(row[name]) for name in ("by_budget", "by_month") if row[name] is not None]
    return max(0, min(most)) if most else None


async def by_id(
    connection: Connection, timebank_id: int, waiting_id: int, *, lock: bool = False
) -> WaitingFacts | None:
    """One turn, or None."""
    if not 0 < waiting_id <= MAX_KEY:
        return None
    return _facts(await connection.fetchrow(BY_ID + (LOCK if lock else ""), timebank_id, waiting_id))


async def live(
    connection: Connection, timebank_id: int, offer_id: int, member_id: int, *, lock: bool = False
) -> WaitingFacts | None:
    """The turn that a member has on a list now, or None."""
    return _facts(await connection.fetchrow(LIVE_OF + (LOCK if lock else ""), timebank_id, offer_id, member_id))


async def live_of(connection: Connection, timebank_id: int, offer_id: int) -> list[WaitingFacts]:
    """Everybody who waits or is offered a place, in order, locked."""
    rows = await connection.fetch(LIVE_OF_OFFER, timebank_id, offer_id)
    return [msgspec.convert(dict(row), WaitingFacts) for row in rows]


async def in_order(connection: Connection, timebank_id: int, offer_id: int) -> list[Next]:
    """Active members who wait, who has waited longest in front, locked."""
    found = []
    for row in await connection.fetch(NEXT, timebank_id, offer_id):
        facts = dict(row)
        route = facts.pop("contact_route")
        found.append(Next(turn=msgspec.convert(facts, WaitingFacts), route=route))
    return found


async def counts(connection: Connection, timebank_id: int, offer_id: int, member_id: int) -> Counts:
    """How an offer stands for a member."""
    return msgspec.convert(dict(await connection.fetchrow(COUNTS, timebank_id, offer_id, member_id)), Counts)


async def taken_before(connection: Connection, timebank_id: int, offer_id: int, member_id: int) -> int:
    """How many places this member cannot have: booked or used, kept for others, or for who has waited longer."""
    taken: int = await connection.fetchval(BEFORE, timebank_id, offer_id, member_id)
    return taken


async def kept_places(connection: Connection, timebank_id: int, offer_id: int) -> int:
    """How many places are booked, used, or kept for somebody who is asked now."""
    kept: int = await connection.fetchval(KEPT_PLACES, timebank_id, offer_id)
    return kept


async def offers_with_lists(connection: Connection, timebank_id: int) -> list[int]:
    """The offers that somebody waits for."""
    return [row["offer_id"] for row in await connection.fetch(WITH_LISTS, timebank_id)]


async def turn(connection: Connection, timebank_id: int, waiting_id: int) -> Turn | None:
    """One turn with its offer, or None."""
    if not 0 < waiting_id <= MAX_KEY:
        return None
    return _turn(await connection.fetchrow(ONE_TURN, timebank_id, waiting_id))


async def turn_for(connection: Connection, timebank_id: int, member_id: int, offer_id: int) -> Turn | None:
    """The turn that a member has for an offer now, or None."""
    return _turn(await connection.fetchrow(MEMBERS_TURN, timebank_id, member_id, offer_id))


async def turns_of(connection: Connection, timebank_id: int, member_id: int) -> list[Turn]:
    """What a member waits for, a place that is kept for them in front."""
    return _turns(await connection.fetch(MEMBERS_TURNS, timebank_id, member_id))


async def kept_for(connection: Connection, timebank_id: int, member_id: int) -> list[Turn]:
    """The places that are kept for a member now, whichever needs an answer first in front."""
    return _turns(await connection.fetch(OFFERED_TURNS, timebank_id, member_id))


async def turns_for(connection: Connection, timebank_id: int, offer_id: int) -> tuple[list[Turn], list[Turn]]:
    """The waiting list of an offer in order, and whose turn on it has ended, newest first."""
    now = await connection.fetch(OFFERS_TURNS, timebank_id, offer_id)
    past = await connection.fetch(OFFERS_PAST_TURNS, timebank_id, offer_id)
    return _turns(now), _turns(past)


def _facts(row: object) -> WaitingFacts | None:
    return None if row is None else msgspec.convert(dict(row), WaitingFacts)  # type: ignore[call-overload]


def _turn(row: object) -> Turn | None:
    return None if row is None else msgspec.convert(dict(row), Turn)  # type: ignore[call-overload]


def _turns(rows: Sequence[object]) -> list[Turn]:
    return [msgspec.convert(dict(row), Turn) for row in rows]  # type: ignore[call-overload]
