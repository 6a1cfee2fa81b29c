"""Read models of offers: the catalogue, one offer, and the facts that the rules ask for."""

from datetime import datetime

import msgspec

from timebank.db import Connection
from timebank.kit.paging import MAX_KEY
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts

MAX_OFFERS = 300
NEARLY_MINUTES = 120
"""An offer that needs at most this much more is nearly within reach."""

OFFER_FACTS = """
select id, kind, title, price_minutes, places, starts_at, cancel_hours, hold_days, benefit_label, payee_id, value_pence,
       provider_id, is_open
  from offer
 where timebank_id = $1 and id = $2
"""

LOCK = " for no key update"

# Names are looked up row by row: joined, they invite plans that first pair every member with every offer.
OFFERS = """
select o.id, o.kind, o.title, o.summary, o.description, o.price_minutes, o.starts_at, o.place, o.access_notes,
       o.benefit_label, o.cancel_hours, o.provider_id, o.is_open,
       (select p.display_name from member p where p.timebank_id = o.timebank_id and p.id = o.provider_id)
           as provider_name,
       case when o.places is not null
            then greatest(o.places - (select count(*) from redemption r
                                       where r.timebank_id = o.timebank_id and r.offer_id = o.id
                                         and r.state in ('requested', 'accepted', 'fulfilled')), 0)
        end as places_left
  from offer o
 where o.timebank_id = $1
"""

OFFER_BY_ID = OFFERS + " and o.id = $2"
OPEN_OFFERS = (
    OFFERS
    + """
   and o.is_open and (o.starts_at is null or o.starts_at > $2)
   and (o.provider_id is null or exists (
        select from member a where a.timebank_id = o.timebank_id and a.id = o.provider_id and a.status = 'active'))
 order by o.price_minutes, o.id limit $3
"""
)


class OfferCard(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as a participant may see it: the price in minutes, and no money anywhere.

    ``places_left`` None means that there is no limit; ``short_minutes`` is what this member still needs, 0 for nothing.
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
    benefit_label: str
    cancel_hours: int
    provider_id: int | None
    provider_name: str | None
    is_open: bool
    short_minutes: int = 0

    @property
    def kind_name(self) -> str:
        """The kind in a participant's words."""
        return kind_of(self.kind).name

    @property
    def benefit_label_short(self) -> str:
        """The first sentence of the note on benefits, for the catalogue; the offer's own page has all of it."""
        first, stop, _ = self.benefit_label.partition(". ")
        return first + ("." if stop else "")

    @property
    def is_full(self) -> bool:
        """True when no place is left."""
        return self.places_left == 0


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


async def offer_facts(
    connection: Connection, timebank_id: int, offer_id: int, *, lock: bool = False
) -> OfferFacts | None:
    """The offer as the rules see it, or None. ``lock`` keeps others from taking a place until the transaction ends."""
    if not 0 < offer_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(OFFER_FACTS + (LOCK if lock else ""), timebank_id, offer_id)
    return None if row is None else msgspec.convert(dict(row), OfferFacts)


async def catalogue(
    connection: Connection, timebank_id: int, member_id: int, *, available: int, safeguarding_lead: str, now: datetime
) -> Catalogue:
    """What this member can use ``available`` minutes for, cheapest first, at most :data:`MAX_OFFERS` offers.

    Help from members is shown only where a safeguarding lead is named; nobody is shown their own offer.
    """
    rows = await connection.fetch(OPEN_OFFERS, timebank_id, now, MAX_OFFERS)
    cards = [_card(row, available) for row in rows]
    shown = [
        card
        for card in cards
        if card.provider_id != member_id and (safeguarding_lead or not kind_of(card.kind).needs_safeguarding_lead)
    ]
    free = [card for card in shown if not card.is_full]
    return Catalogue(
        now=tuple(card for card in free if card.short_minutes == 0),
        nearly=tuple(card for card in free if 0 < card.short_minutes <= NEARLY_MINUTES),
        later=tuple(card for card in free if card.short_minutes > NEARLY_MINUTES),
        full=tuple(card for card in shown if card.is_full),
    )


async def offer(connection: Connection, timebank_id: int, offer_id: int, *, available: int) -> OfferCard | None:
    """One offer as a participant with ``available`` minutes sees it, or None."""
    if not 0 < offer_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(OFFER_BY_ID, timebank_id, offer_id)
    return None if row is None else _card(row, available)


async def open_offers(connection: Connection, timebank_id: int, now: datetime, limit: int) -> list[OfferCard]:
    """Everything on offer, cheapest first; for the API, which shows it to nobody in particular."""
    rows = await connection.fetch(OPEN_OFFERS, timebank_id, now, limit)
    return [_card(row, None) for row in rows]


def _card(row: object, available: int | None) -> OfferCard:
    facts = dict(row)  # type: ignore[call-overload]
    short = 0 if available is None else max(facts["price_minutes"] - max(available, 0), 0)
    return msgspec.convert({**facts, "short_minutes": short}, OfferCard)
