"""Reading what members offer and would like. What two members may not know of each other is left out here."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from timebank.db import Connection
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.text import plain
from timebank.peers import queries
from timebank.peers.queries import AskLine
from timebank.peers.suggesting import Suggestion, suggest
from timebank.peers.words import CATEGORIES, HOWS, OTHER, TIMES, Category, category

MAX_LISTED = 60
MAX_MATCHED = 500

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
MATCHED_OFFERS = SHOWN_OFFERS + " and coalesce(s.category, 'other') = any($5::text[])" + ORDER
MATCHED_WISHES = SHOWN_WISHES + " and w.category = any($5::text[])" + ORDER
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
MY_THINGS = f"""
select true as is_offer, o.* from ({MY_OFFERS}) o
 union all
select false, w.* from ({MY_WISHES}) w
 order by is_offer desc, id
"""  # noqa: S608 - our own text
COUNT_MINE = """
select (select count(*) from peer_skill s join offer o on o.timebank_id = s.timebank_id and o.id = s.offer_id
         where s.timebank_id = $1 and o.provider_id = $2 and s.is_shown) as offers,
       (select count(*) from peer_wish where timebank_id = $1 and member_id = $2 and is_shown) as wishes
"""

WITH_CHECKS = OFFERS + " and s.check_kind <> '' and s.is_shown order by o.title, o.id limit $2"
CATEGORY_CHECKS = "select category, check_kind from peer_category_check where timebank_id = $1"
PRIVATE_LINES = "select email, phone, postal_address from member where timebank_id = $1 and id = $2"


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
    rows = await connection.fetch(MY_THINGS, timebank_id, member_id)
    return (
        [msgspec.convert(dict(row), Card) for row in rows if row["is_offer"]],
        [msgspec.convert(dict(row), Card) for row in rows if not row["is_offer"]],
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
    connection: Connection,
    timebank_id: int,
    member_id: int,
    now: datetime,
    limit: int,
    *,
    asks: Sequence[AskLine] | None = None,
) -> list[Suggestion]:
    """Good matches for a member, best first, each with one sentence that says why; the same for the same facts.

    Never somebody blocked, hidden or away, and nothing about needs or homes. ``asks``: the member's open ones, where
    they are known already.
    """
    del now
    offered, wished = await mine(connection, timebank_id, member_id)
    my_offers = [each for each in offered if each.is_shown]
    my_wishes = [each for each in wished if each.is_shown]
    can_give = {each.category for each in my_offers} - {OTHER}
    categories = can_give | ({each.category for each in my_wishes} - {OTHER})
    if not categories:
        return []
    if asks is None:
        asks = await queries.open_of(connection, timebank_id, member_id)
    already = {ask.other(member_id) for ask in asks}
    scope = (timebank_id, member_id, ["members"], MAX_MATCHED)
    offers_there = await connection.fetch(MATCHED_OFFERS, *scope, sorted(categories))
    wishes_there = await connection.fetch(MATCHED_WISHES, *scope, sorted(can_give)) if can_give else []
    return suggest(
        my_offers,
        my_wishes,
        [msgspec.convert(dict(row), Card) for row in offers_there if row["member_id"] not in already],
        [msgspec.convert(dict(row), Card) for row in wishes_there if row["member_id"] not in already],
        limit,
    )


async def skill(connection: Connection, timebank_id: int, offer_id: int) -> Card | None:
    """What a member offers, for staff, shown or not; None when a member did not add it themselves."""
    if not 0 < offer_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(OFFERS + " and s.offer_id is not null and o.id = $2", timebank_id, offer_id)
    return None if row is None else msgspec.convert(dict(row), Card)


async def with_checks(connection: Connection, timebank_id: int) -> list[Card]:
    """What is offered and needs a check of its own, for staff, at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(WITH_CHECKS, timebank_id, MAX_LISTED)
    return [msgspec.convert(dict(row), Card) for row in rows]


async def category_checks(connection: Connection, timebank_id: int) -> dict[str, str]:
    """Which check helpers need, by category."""
    return {row["category"]: row["check_kind"] for row in await connection.fetch(CATEGORY_CHECKS, timebank_id)}


async def private_lines(connection: Connection, timebank_id: int, member_id: int) -> tuple[str, ...]:
    """What of a member no page for others may show: their e-mail address, phone number and lines of their address."""
    row = await connection.fetchrow(PRIVATE_LINES, timebank_id, member_id)
    if row is None:
        return ()
    return tuple(line for line in (row["email"], row["phone"], *row["postal_address"].splitlines()) if line.strip())
