"""Read models of offers for whoever uses them: the catalogue, one offer, and the facts that the rules ask for."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from timebank.db import Connection
from timebank.kit.names import loose_key
from timebank.kit.paging import MAX_KEY
from timebank.kit.words import mark
from timebank.redemptions import offer_rules
from timebank.redemptions.kinds import KINDS, kind_of
from timebank.redemptions.offer_rules import ACCESS, OfferFacts, Standing
from timebank.redemptions.places import GONE

MAX_OFFERS = 300
MAX_PLACES_LISTED = 60
MAX_SEARCH_WORDS = 6
MAX_SEARCH_CHARACTERS = 100
NEARLY_MINUTES = 120
"""An offer that needs at most this much more is nearly within reach."""
SMALL_SIDE, MEDIUM_WIDTH = 96, 480
"""The pictures of the list are square, those of the offer's page at most this wide; in pixels."""

When = Literal["week", "month", "later", "anytime"]
WHEN: Final[dict[str, str]] = {
    "week": mark("In the next 7 days"),
    "month": mark("In the next 31 days"),
    "later": mark("Later than that"),
    "anytime": mark("On a day I choose"),
}
PERIODS: Final[dict[str, tuple[int, int]]] = {"week": (0, 8), "month": (0, 32), "later": (32, 3660)}
"""From the beginning of which day on, and before the beginning of which day; 0 is today."""

OFFER_FACTS = """
select id, kind, title, price_minutes, places, starts_at, cancel_hours, hold_days, benefit_label, payee_id, value_pence,
       provider_id, is_open, is_for_groups, shown_from, shown_until, monthly_pence, revision, no_show,
       budget_id, order_id
  from offer
 where timebank_id = $1 and id = $2
"""

LOCK = " for no key update"

IN_GROUP = """
exists (select from offer_group g
          join group_membership m on m.timebank_id = g.timebank_id and m.group_id = g.group_id
         where g.timebank_id = o.timebank_id and g.offer_id = o.id and m.member_id = $2
           and m.from_on <= $3 and (m.until_on is null or m.until_on > $3))
"""
# Of a booking that was given back only what its supplier is owed all the same.
COMMITTED = """
((select coalesce(sum(r.committed_pence), 0) from redemption r
   where r.timebank_id = o.timebank_id and r.offer_id = o.id and r.state in ('requested', 'accepted', 'fulfilled')
     and r.requested_at >= $4 and r.requested_at < $5)
 + (select coalesce(sum(r.committed_pence), 0) from redemption r
     where r.timebank_id = o.timebank_id and r.offer_id = o.id and r.state = 'refunded'
       and r.requested_at >= $4 and r.requested_at < $5))
"""

# The third value of a statement is the day. It is worked out once, and only where an offer has a budget.
# For whom a place is kept, the money is kept, too.
UNFUNDED = """
(o.budget_id is not null and o.id in (select * from offers_without_money($1, $3))
 and not exists (select from waiting k where k.timebank_id = o.timebank_id and k.offer_id = o.id and k.member_id = $2
                    and k.state = 'offered'))
"""
STANDING = f"""
select not o.is_for_groups or {IN_GROUP} as may_use,
       {COMMITTED} as committed_pence,
       (select count(*) from redemption b
         where b.timebank_id = o.timebank_id and b.offer_id = o.id and b.member_id = $2) as bookings,
       {UNFUNDED} as is_unfunded
  from offer o
 where o.timebank_id = $1 and o.id = $6
"""  # noqa: S608 - our own text

# Names are looked up row by row: joined, they invite plans that first pair every member with every offer.
OFFERS = f"""
select o.id, o.kind, o.title, o.summary, o.description, o.price_minutes, o.starts_at, o.place, o.access_notes,
       o.access, o.benefit_label, o.cancel_hours, o.no_show, o.provider_id, o.is_open, o.revision,
       (o.shown_from is null or o.shown_from <= $3) and (o.shown_until is null or o.shown_until >= $3) as is_shown,
       (select p.display_name from member p where p.timebank_id = o.timebank_id and p.id = o.provider_id)
           as provider_name,
       least(case when o.places is not null then greatest(o.places - {GONE}, 0) end,
             case when exists (select from voucher_terms t where t.timebank_id = o.timebank_id and t.offer_id = o.id
                                  and t.source = 'pool')
                  then codes_left(o.timebank_id, o.id, $3)
              end) as places_left,
       case when o.monthly_pence is null then false
            else {COMMITTED} + coalesce(o.value_pence, 0) > o.monthly_pence
        end as is_used_up,
       {UNFUNDED} as is_unfunded,
       exists (select from saved_offer s
                where s.timebank_id = o.timebank_id and s.member_id = $2 and s.offer_id = o.id) as is_saved,
       ph.words as photo_words, ph.width as photo_width, ph.height as photo_height, ph.mark as photo_mark
  from offer o
  left join offer_photo ph on ph.timebank_id = o.timebank_id and ph.offer_id = o.id
 where o.timebank_id = $1
"""  # noqa: S608 - our own text

# Help from a member is there for others only while that member lets them see it; nobody sees whom they keep apart from.
_HELP_IS_SEEN = """
   and (o.provider_id is null or o.provider_id = $2 or $7 or (o.is_open and exists (
        select from member a where a.timebank_id = o.timebank_id and a.id = o.provider_id
           and a.status = 'active' and a.skills_shown_to = 'members')))
"""
_NOT_APART = """
   and not exists (select from member_block b where b.timebank_id = o.timebank_id
                    and (b.member_id, b.blocked_id) in ((o.provider_id, $2::bigint), ($2::bigint, o.provider_id)))
"""
OFFER_BY_ID = OFFERS + f" and o.id = $6 and ($7 or not o.is_for_groups or {IN_GROUP})" + _HELP_IS_SEEN + _NOT_APART

# What a member is shown: on offer now, for them, not their own, and of a kind that is switched on ($7).
VISIBLE = f"""
   and o.is_open and (o.starts_at is null or o.starts_at > $6) and o.kind = any($7::text[])
   and (o.shown_from is null or o.shown_from <= $3) and (o.shown_until is null or o.shown_until >= $3)
   and (not o.is_for_groups or {IN_GROUP})
   and o.provider_id is distinct from $2
   and (o.provider_id is null or exists (
        select from member a where a.timebank_id = o.timebank_id and a.id = o.provider_id
           and a.status = 'active' and a.skills_shown_to = 'members'))
   {_NOT_APART}
"""
CHOSEN = """
   and o.search_key like all ($8::text[])
   and ($9::text is null or o.kind = $9)
   and ($10::text is null or o.place = $10)
   and ($11::timestamptz is null or o.starts_at >= $11)
   and ($12::timestamptz is null or o.starts_at < $12)
   and (not $13 or o.starts_at is null)
   and o.access @> $14::text[]
"""
OPEN_OFFERS = OFFERS + VISIBLE + CHOSEN + " order by o.price_minutes, o.id limit $15"
SAVED_OFFERS = (
    OFFERS
    + f" and (not o.is_for_groups or {IN_GROUP})"
    + _NOT_APART
    + " and exists (select from saved_offer v where v.timebank_id = o.timebank_id and v.member_id = $2"
    + " and v.offer_id = o.id) order by o.title, o.id limit $6"
)
# The statement is given the same values as the list; the month is of no use to it.
PLACES = f"""
select distinct o.place from offer o
 where o.timebank_id = $1 and o.place <> '' and $4::timestamptz < $5::timestamptz
{VISIBLE}
 order by o.place limit $8
"""  # noqa: S608 - our own text


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for: words (``q``), a kind, a place as written, when (:data:`WHEN`), and access features."""

    q: str = ""
    kind: str = ""
    place: str = ""
    when: str = ""
    access: tuple[str, ...] = ()

    @property
    def is_anything(self) -> bool:
        """True when nothing was chosen."""
        return self == Wanted()

    @property
    def patterns(self) -> list[str]:
        """One pattern for each word: all of them must be in the offer."""
        # The plainest form of a text holds letters, digits and spaces only, so nothing in it means anything to LIKE.
        words = loose_key(self.q[:MAX_SEARCH_CHARACTERS]).split()[:MAX_SEARCH_WORDS]
        return [f"%{word}%" for word in words]

    @property
    def known_access(self) -> list[str]:
        """The features asked for that there are."""
        return [code for code in self.access if code in ACCESS]


ANYTHING: Final = Wanted()


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads the catalogue and when: everything that decides what they are shown. ``available`` is in minutes."""

    timebank_id: int
    member_id: int
    available: int
    time_zone: str
    safeguarding_lead: str
    now: datetime
    today: date
    sees_saved: bool = True
    """False while somebody acts for them: what is saved is for their own eyes."""

    @property
    def kinds(self) -> list[str]:
        """Help from members is shown only where a safeguarding lead is named."""
        return [kind.code for kind in KINDS if self.safeguarding_lead or not kind.needs_safeguarding_lead]

    @property
    def values(self) -> tuple[object, ...]:
        """The first values of every statement here: the time bank, the member, the day, the month."""
        return (self.timebank_id, self.member_id, self.today, *offer_rules.month_of(self.today, self.time_zone))


class OfferCard(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as a participant may see it: the price in minutes, and no money anywhere.

    ``places_left`` None means that there is no limit; ``short_minutes`` is what this member still needs, 0 for nothing;
    ``is_used_up``: nothing more this month; ``is_unfunded``: no money for one more just now.
    """

    id: int
    kind: str
    title: str
    summary: str
    description: str
    price_minutes: int
    places_left: int | None
    starts_at: datetime | None
    place: str
    access_notes: str
    access: tuple[str, ...]
    benefit_label: str
    cancel_hours: int
    no_show: str
    provider_id: int | None
    provider_name: str | None
    is_open: bool
    is_shown: bool
    is_used_up: bool
    is_unfunded: bool
    is_saved: bool
    revision: int
    photo_words: str | None
    photo_width: int | None
    photo_height: int | None
    photo_mark: str | None
    short_minutes: int = 0

    @property
    def kind_name(self) -> str:
        """The kind in a participant's words."""
        return kind_of(self.kind).name

    @property
    def access_words(self) -> list[str]:
        """What it has for people who need it."""
        return [ACCESS[code] for code in self.access]

    @property
    def benefit_label_short(self) -> str:
        """The first sentence of the note on benefits, for the catalogue; the offer's own page has all of it."""
        first, stop, _ = self.benefit_label.partition(". ")
        return first + ("." if stop else "")

    @property
    def is_full(self) -> bool:
        """True when no place is left."""
        return self.places_left == 0

    @property
    def photo_size(self) -> tuple[int, int]:
        """Width and height of the picture on the offer's page."""
        return medium_size(self.photo_width or 1, self.photo_height or 1)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What a member can use their hours for: at once, with a little more, later, and what is full just now."""

    now: tuple[OfferCard, ...]
    nearly: tuple[OfferCard, ...]
    later: tuple[OfferCard, ...]
    full: tuple[OfferCard, ...]

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to show."""
        return not (self.now or self.nearly or self.later or self.full)


def medium_size(width: int, height: int) -> tuple[int, int]:
    """The size of the middle picture of a photo of this size."""
    if width <= MEDIUM_WIDTH:
        return width, height
    return MEDIUM_WIDTH, max(1, round(height * MEDIUM_WIDTH / width))


async def offer_facts(
    connection: Connection, timebank_id: int, offer_id: int, *, lock: bool = False
) -> OfferFacts | None:
    """The offer as the rules see it, or None. ``lock`` keeps others from taking a place until the transaction ends."""
    if not 0 < offer_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(OFFER_FACTS + (LOCK if lock else ""), timebank_id, offer_id)
    return None if row is None else msgspec.convert(dict(row), OfferFacts)


async def standing(
    connection: Connection, timebank_id: int, offer_id: int, member_id: int, *, today: date, time_zone: str
) -> Standing:
    """How an offer that exists stands for a member on a day."""
    values = (timebank_id, member_id, today, *offer_rules.month_of(today, time_zone), offer_id)
    row = await connection.fetchrow(STANDING, *values)
    return Standing(
        may_use=row["may_use"],
        committed_pence=int(row["committed_pence"]),
        bookings=row["bookings"],
        today=today,
        is_unfunded=row["is_unfunded"],
    )


async def catalogue(connection: Connection, reader: Reader, wanted: Wanted = ANYTHING) -> Catalogue:
    """What this member can use their hours for, cheapest first, at most :data:`MAX_OFFERS` offers; one statement.

    Help from members is shown only where a safeguarding lead is named; nobody is shown their own offer, nor one that is
    for groups they do not belong to.
    """
    cards = await open_offers(connection, reader, wanted)
    free = [card for card in cards if not (card.is_full or card.is_used_up or card.is_unfunded)]
    return Catalogue(
        now=tuple(card for card in free if card.short_minutes == 0),
        nearly=tuple(card for card in free if 0 < card.short_minutes <= NEARLY_MINUTES),
        later=tuple(card for card in free if card.short_minutes > NEARLY_MINUTES),
        full=tuple(card for card in cards if card.is_full or card.is_used_up or card.is_unfunded),
    )


async def open_offers(
    connection: Connection, reader: Reader, wanted: Wanted = ANYTHING, *, limit: int = MAX_OFFERS
) -> list[OfferCard]:
    """Everything that this member is shown, cheapest first."""
    begins, ends = _period(reader, wanted.when)
    rows = await connection.fetch(
        OPEN_OFFERS,
        *reader.values,
        reader.now,
        reader.kinds,
        wanted.patterns,
        wanted.kind or None,
        wanted.place or None,
        begins,
        ends,
        wanted.when == "anytime",
        wanted.known_access,
        limit,
    )
    return [_card(row, reader) for row in rows]


async def places(connection: Connection, reader: Reader) -> list[str]:
    """Where there is something that this member is shown, at most :data:`MAX_PLACES_LISTED` places."""
    rows = await connection.fetch(PLACES, *reader.values, reader.now, reader.kinds, MAX_PLACES_LISTED)
    return [row["place"] for row in rows]


async def saved(connection: Connection, reader: Reader, *, limit: int = MAX_OFFERS) -> list[OfferCard]:
    """What the member saved for later, by title; also what is full or no longer on offer."""
    rows = await connection.fetch(SAVED_OFFERS, *reader.values, limit)
    return [_card(row, reader) for row in rows]


async def offer(connection: Connection, reader: Reader, offer_id: int, *, sees_all: bool = False) -> OfferCard | None:
    """One offer as this member sees it; None when there is none, when it is for groups they do not belong to, or when
    its helper does not let them see it.

    ``sees_all``: staff see those too.
    """
    if not 0 < offer_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(OFFER_BY_ID, *reader.values, offer_id, sees_all)
    return None if row is None else _card(row, reader)


def _period(reader: Reader, when: str) -> tuple[datetime | None, datetime | None]:
    """From when until when an offer starts that fits; whole days on the clocks of the time bank."""
    if when not in PERIODS:
        return None, None
    first, last = (
        datetime.combine(reader.today + timedelta(days=days), time(), ZoneInfo(reader.time_zone))
        for days in PERIODS[when]
    )
    return first, last


def _card(row: object, reader: Reader) -> OfferCard:
    facts = dict(row)  # type: ignore[call-overload]
    short = max(facts["price_minutes"] - max(reader.available, 0), 0)
    is_saved = facts["is_saved"] and reader.sees_saved
    return msgspec.convert({**facts, "short_minutes": short, "is_saved": is_saved}, OfferCard)


def sections(found: Catalogue) -> Sequence[tuple[str, Sequence[OfferCard]]]:
    """The parts of the catalogue that have something in them, by code, in the order in which people see them."""
    parts = (("now", found.now), ("soon", found.nearly), ("later", found.later), ("full", found.full))
    return [(code, cards) for code, cards in parts if cards]
