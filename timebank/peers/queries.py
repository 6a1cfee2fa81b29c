"""Reading offers, wishes, asks, thanks and reports. What two members may not know of each other is left out here."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.text import plain
from timebank.peers import rules
from timebank.peers.rules import AskFacts
from timebank.peers.suggesting import Suggestion, suggest
from timebank.peers.words import CATEGORIES, HOWS, TIMES, Category, category

MAX_LISTED = 60
MAX_MATCHED = 500
MAX_KEY = 2**63 - 1

# $2 is who reads. Nobody sees whom they blocked, or who blocked them. $3: whose choices of who may see let them.
_VISIBLE = """
   and m.status = 'active' and m.skills_shown_to = any($3::text[])
   and not exists (select from member_block b where b.timebank_id = m.timebank_id
                    and (b.member_id, b.blocked_id) in ((m.id, $2::bigint), ($2::bigint, m.id)))
"""
OFFERS = """
select o.id, o.provider_id as member_id, m.display_name as name, m.name_key, o.title, o.summary as details,
       o.price_minutes as minutes, o.place, coalesce(s.category, 'other') as category,
       coalesce(s.times, '{}') as times, coalesce(s.hows, '{}') as hows,
       coalesce(s.is_shown, o.is_open) as is_shown, s.offer_id is not null as is_skill,
       coalesce(s.check_kind, '') as check_kind, o.hold_days
  from offer o
  join member m on m.timebank_id = o.timebank_id and m.id = o.provider_id
  left join peer_skill s on s.timebank_id = o.timebank_id and s.offer_id = o.id
 where o.timebank_id = $1 and o.kind = 'peer_support'
"""
WISHES = """
select w.id, w.member_id, m.display_name as name, m.name_key, w.title, w.details, w.minutes, '' as place, w.category,
       w.times, w.hows, w.is_shown, true as is_skill, '' as check_kind, 0 as hold_days
  from peer_wish w
  join member m on m.timebank_id = w.timebank_id and m.id = w.member_id
 where w.timebank_id = $1
"""
SHOWN_OFFERS = OFFERS + " and coalesce(s.is_shown, o.is_open) and o.provider_id <> $2" + _VISIBLE
SHOWN_WISHES = WISHES + " and w.is_shown and w.member_id <> $2" + _VISIBLE
ORDER = " order by m.name_key, m.id, 1 limit $4"
_FILTER = """
   and ($5::text = '' or {title} ilike $5 or {details} ilike $5 or m.display_name ilike $5
        or {category} = any($6::text[]))
   and ($7::text = '' or {category} = $7)
   and ($8::text = '' or {times} = '{{}}' or $8 = any({times}))
   and ($9::text = '' or {hows} = '{{}}' or $9 = any({hows}))
"""
FOUND_OFFERS = (
    SHOWN_OFFERS
    + _FILTER.format(
        title="o.title", details="o.summary", category="coalesce(s.category, 'other')",
        times="coalesce(s.times, '{}')", hows="coalesce(s.hows, '{}')",
    )
    + ORDER
)  # fmt: skip
FOUND_WISHES = (
    SHOWN_WISHES
    + _FILTER.format(title="w.title", details="w.details", category="w.category", times="w.times", hows="w.hows")
    + ORDER
)
MY_OFFERS = OFFERS + " and o.provider_id = $2 and (s.offer_id is not null or o.is_open) order by o.id"
MY_WISHES = WISHES + " and w.member_id = $2 order by w.id"
COUNT_MINE = """
select (select count(*) from peer_skill s join offer o on o.timebank_id = s.timebank_id and o.id = s.offer_id
         where s.timebank_id = $1 and o.provider_id = $2 and s.is_shown) as offers,
       (select count(*) from peer_wish where timebank_id = $1 and member_id = $2 and is_shown) as wishes
"""

ASKS = """
select a.id, a.reference, a.offer_id, a.wish_id, a.receiver_id, a.helper_id, a.started_by, a.category, a.title, a.note,
       a.state, a.waits_for, a.minutes, a.starts_at, a.how, a.place, a.answer_by, a.redemption_id, a.receiver_said,
       a.helper_said, a.done_minutes, a.receiver_reach, a.helper_reach, a.created_at, a.changed_at,
       r.reference as booking, r.state as booking_state, got.display_name as receiver_name,
       gave.display_name as helper_name
  from peer_ask a
  join member got on got.timebank_id = a.timebank_id and got.id = a.receiver_id
  join member gave on gave.timebank_id = a.timebank_id and gave.id = a.helper_id
  left join redemption r on r.timebank_id = a.timebank_id and r.id = a.redemption_id
 where a.timebank_id = $1
"""
ONE_ASK = ASKS + " and a.reference = $2"
LOCK = " for update of a"
ASKS_OF = ASKS + " and $2 in (a.receiver_id, a.helper_id) order by a.id desc limit $3"
OPEN_ASKS = ASKS + " and a.state in ('asked', 'agreed', 'settling') order by a.state <> 'settling', a.id limit $2"
BETWEEN = (
    ASKS
    + """
   and a.state in ('asked', 'agreed') and $2 in (a.receiver_id, a.helper_id) and $3 in (a.receiver_id, a.helper_id)
 order by a.id
   for update of a
"""
)
STARTED = "select count(*) from peer_ask where timebank_id = $1 and started_by = $2 and state = 'asked'"
KNOWS = """
select exists (select from peer_ask where timebank_id = $1 and $2 in (receiver_id, helper_id)
                  and $3 in (receiver_id, helper_id))
"""
EVENTS = """
select e.n, e.what, e.minutes, e.starts_at, e.words, e.at, e.actor_id, m.display_name as by_whom
  from peer_ask_event e
  left join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.ask_id = $2
 order by e.n
"""
THANKS = """
select t.from_member_id, f.display_name as from_name, t.words, t.at, t.is_taken_off
  from peer_thanks t
  join member f on f.timebank_id = t.timebank_id and f.id = t.from_member_id
 where t.timebank_id = $1 and t.ask_id = $2 and not t.is_taken_off
 order by t.at
"""
CATEGORY_CHECKS = "select category, check_kind from peer_category_check where timebank_id = $1"
PRIVATE_LINES = "select email, phone, postal_address from member where timebank_id = $1 and id = $2"
REPORTS = """
select p.id, p.words, p.told_at, p.due_on, p.seen_at, p.answer, p.about_member_id, p.from_member_id,
       a.display_name as about_name, f.display_name as from_name, k.reference as ask
  from peer_report p
  join member a on a.timebank_id = p.timebank_id and a.id = p.about_member_id
  join member f on f.timebank_id = p.timebank_id and f.id = p.from_member_id
  left join peer_ask k on k.timebank_id = p.timebank_id and k.id = p.ask_id
 where p.timebank_id = $1 and p.about_member_id is distinct from $2
 order by p.seen_at is not null, p.due_on, p.id
 limit $3
"""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """An offer or a wish as others may see it: words, a category, rough times; nothing about where anybody lives.

    ``is_skill`` is False for help that a coordinator put among the offers. ``times`` and ``hows`` empty: any.
    """

    id: int
    member_id: int
    name: str
    name_key: str
    title: str
    details: str
    minutes: int
    place: str
    category: str
    times: tuple[str, ...]
    hows: tuple[str, ...]
    is_shown: bool
    is_skill: bool
    check_kind: str
    hold_days: int

    @property
    def about(self) -> Category:
        """Its category, with name and picture."""
        return category(self.category)

    @property
    def time_words(self) -> list[str]:
        """The names of its times, in the order of the list."""
        return [words for code, words in TIMES.items() if code in self.times]

    @property
    def how_words(self) -> list[str]:
        """The names of its ways, in the order of the list."""
        return [words for code, words in HOWS.items() if code in self.hows]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for; empty is anything."""

    words: str = ""
    category: str = ""
    when: str = ""
    how: str = ""


class AskLine(AskFacts, frozen=True, kw_only=True):
    """An ask with names, as one of the two or a coordinator sees it. ``*_reach`` is only for the two."""

    note: str
    place: str
    answer_by: date
    receiver_reach: str
    helper_reach: str
    created_at: datetime
    changed_at: datetime
    receiver_name: str
    helper_name: str

    def other_name(self, member_id: int) -> str:
        """The name of the other of the two."""
        return self.helper_name if member_id == self.receiver_id else self.receiver_name

    def said_by(self, member_id: int) -> int | None:
        """How long this one said it was; None while they said nothing."""
        return self.receiver_said if member_id == self.receiver_id else self.helper_said

    @property
    def minutes_moved(self) -> int:
        """How many minutes moved, when it is done."""
        return self.minutes if self.done_minutes is None else self.done_minutes


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said or done about an ask. No name: the service itself."""

    n: int
    what: str
    minutes: int | None
    starts_at: datetime | None
    words: str
    at: datetime
    actor_id: int | None
    by_whom: str | None


class Thanks(msgspec.Struct, frozen=True, kw_only=True):
    """Thanks in words."""

    from_member_id: int
    from_name: str
    words: str
    at: datetime
    is_taken_off: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody reported, for those who lead on safeguarding."""

    id: int
    words: str
    told_at: datetime
    due_on: date
    seen_at: datetime | None
    answer: str
    about_member_id: int
    from_member_id: int
    about_name: str
    from_name: str
    ask: str | None


def sees(actor: Actor) -> list[str]:
    """Whose choice of who may see their offers lets this actor see them."""
    return ["members", "coordinators"] if actor.has(COORDINATOR) else ["members"]


async def offers(connection: Connection, actor: Actor, filters: Filters) -> list[Card]:
    """What others offer, by name, at most :data:`MAX_LISTED`."""
    return await _found(connection, FOUND_OFFERS, actor, filters)


async def wishes(connection: Connection, actor: Actor, filters: Filters) -> list[Card]:
    """What others would like, by name, at most :data:`MAX_LISTED`."""
    return await _found(connection, FOUND_WISHES, actor, filters)


async def _found(connection: Connection, query: str, actor: Actor, filters: Filters) -> list[Card]:
    typed = plain(filters.words)
    escaped = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await connection.fetch(
        query,
        actor.timebank_id,
        actor.subject_id,
        sees(actor),
        MAX_LISTED,
        f"%{escaped}%" if typed else "",
        [each.code for each in CATEGORIES if typed and typed in each.name.lower()],
        filters.category,
        filters.when,
        filters.how,
    )
    return [msgspec.convert(dict(row), Card) for row in rows]


async def offer(connection: Connection, actor: Actor, offer_id: int) -> Card | None:
    """One offer that the actor may see, or their own; None otherwise."""
    return await _one(connection, SHOWN_OFFERS + " and o.id = $4", MY_OFFERS, actor, offer_id)


async def wish(connection: Connection, actor: Actor, wish_id: int) -> Card | None:
    """One wish that the actor may see, or their own; None otherwise."""
    return await _one(connection, SHOWN_WISHES + " and w.id = $4", MY_WISHES, actor, wish_id)


async def _one(connection: Connection, shown: str, own: str, actor: Actor, row_id: int) -> Card | None:
    if not 0 < row_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(shown, actor.timebank_id, actor.subject_id, sees(actor), row_id)
    if row is not None:
        return msgspec.convert(dict(row), Card)
    mine = await connection.fetch(own, actor.timebank_id, actor.subject_id)
    return next((msgspec.convert(dict(each), Card) for each in mine if each["id"] == row_id), None)


async def mine(connection: Connection, timebank_id: int, member_id: int) -> tuple[list[Card], list[Card]]:
    """A member's own offers and wishes, those not shown at the moment among them."""
    offered = await connection.fetch(MY_OFFERS, timebank_id, member_id)
    wished = await connection.fetch(MY_WISHES, timebank_id, member_id)
    return (
        [msgspec.convert(dict(row), Card) for row in offered],
        [msgspec.convert(dict(row), Card) for row in wished],
    )


async def count_mine(connection: Connection, timebank_id: int, member_id: int) -> tuple[int, int]:
    """How many offers and wishes a member shows."""
    row = await connection.fetchrow(COUNT_MINE, timebank_id, member_id)
    return row["offers"], row["wishes"]


async def of_person(connection: Connection, actor: Actor, member_id: int) -> tuple[list[Card], list[Card]]:
    """What one member offers and would like, as the actor may see it."""
    sides = []
    for query, key in ((SHOWN_OFFERS, "o.provider_id"), (SHOWN_WISHES, "w.member_id")):
        rows = await connection.fetch(
            f"{query} and {key} = $5{ORDER}", actor.timebank_id, actor.subject_id, sees(actor), MAX_LISTED, member_id
        )
        sides.append([msgspec.convert(dict(row), Card) for row in rows])
    return sides[0], sides[1]


async def suggestions(
    connection: Connection, timebank_id: int, member_id: int, now: datetime, limit: int
) -> list[Suggestion]:
    """Good matches for a member, best first, each with one sentence that says why; the same for the same facts.

    Never somebody blocked, hidden or away, and nothing about needs or homes.
    """
    del now
    scope = (timebank_id, member_id, ["members"], MAX_MATCHED)
    offered = [msgspec.convert(dict(row), Card) for row in await connection.fetch(SHOWN_OFFERS + ORDER, *scope)]
    wished = [msgspec.convert(dict(row), Card) for row in await connection.fetch(SHOWN_WISHES + ORDER, *scope)]
    my_offers, my_wishes = await mine(connection, timebank_id, member_id)
    already = {
        ask.other(member_id) for ask in await asks_of(connection, timebank_id, member_id) if ask.state in rules.OPEN
    }
    return suggest(
        [each for each in my_offers if each.is_shown],
        [each for each in my_wishes if each.is_shown],
        [each for each in offered if each.member_id not in already],
        [each for each in wished if each.member_id not in already],
        limit,
    )


async def ask(connection: Connection, timebank_id: int, reference: str, *, lock: bool = False) -> AskLine | None:
    """One ask, its state as its booking has it; the caller decides who may see it. ``lock`` keeps others out."""
    row = await connection.fetchrow(ONE_ASK + (LOCK if lock else ""), timebank_id, reference)
    return None if row is None else _ask(row)


async def asks_of(connection: Connection, timebank_id: int, member_id: int, *, limit: int = 100) -> list[AskLine]:
    """Every ask of a member, newest first."""
    return [_ask(row) for row in await connection.fetch(ASKS_OF, timebank_id, member_id, limit)]


async def open_asks(connection: Connection, timebank_id: int, *, limit: int = 200) -> list[AskLine]:
    """Every open ask, those that a coordinator settles first."""
    found = [_ask(row) for row in await connection.fetch(OPEN_ASKS, timebank_id, limit)]
    return [each for each in found if not each.is_over]


async def open_between(connection: Connection, timebank_id: int, one: int, other: int) -> list[AskLine]:
    """The open asks between two members, locked."""
    return [_ask(row) for row in await connection.fetch(BETWEEN, timebank_id, one, other)]


async def started(connection: Connection, timebank_id: int, member_id: int) -> int:
    """How many asks of a member wait for an answer."""
    count: int = await connection.fetchval(STARTED, timebank_id, member_id)
    return count


async def knows(connection: Connection, timebank_id: int, one: int, other: int) -> bool:
    """True when one of the two ever asked the other."""
    return bool(await connection.fetchval(KNOWS, timebank_id, one, other))


async def events(connection: Connection, timebank_id: int, ask_id: int) -> list[Event]:
    """Everything said and done about an ask, oldest first."""
    return [msgspec.convert(dict(row), Event) for row in await connection.fetch(EVENTS, timebank_id, ask_id)]


async def thanks(connection: Connection, timebank_id: int, ask_id: int) -> list[Thanks]:
    """The thanks that were not taken off again."""
    return [msgspec.convert(dict(row), Thanks) for row in await connection.fetch(THANKS, timebank_id, ask_id)]


async def category_checks(connection: Connection, timebank_id: int) -> dict[str, str]:
    """Which check helpers need, by category."""
    return {row["category"]: row["check_kind"] for row in await connection.fetch(CATEGORY_CHECKS, timebank_id)}


async def private_lines(connection: Connection, timebank_id: int, member_id: int) -> tuple[str, ...]:
    """What of a member no page for others may show: their e-mail address, phone number and lines of their address."""
    row = await connection.fetchrow(PRIVATE_LINES, timebank_id, member_id)
    if row is None:
        return ()
    return tuple(line for line in (row["email"], row["phone"], *row["postal_address"].splitlines()) if line.strip())


async def reports(connection: Connection, timebank_id: int, reader_id: int | None, *, limit: int = 200) -> list[Report]:
    """What was reported, new ones first; never what is about the reader."""
    rows: Sequence[object] = await connection.fetch(REPORTS, timebank_id, reader_id, limit)
    return [msgspec.convert(dict(row), Report) for row in rows]  # type: ignore[call-overload]


def _ask(row: object) -> AskLine:
    facts = dict(row)  # type: ignore[call-overload]
    state = rules.state_now(facts["state"], facts["booking_state"])
    return msgspec.convert({**facts, "state": state}, AskLine)
