"""Read models of offers for staff: the list, one offer with all that it says, suppliers and groups to choose from."""

from datetime import date, datetime
from typing import Any

import msgspec

from timebank.db import Connection
from timebank.kit.names import loose_key
from timebank.kit.paging import MAX_KEY
from timebank.redemptions import offer_rules
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_queries import COMMITTED, UNFUNDED
from timebank.redemptions.offer_rules import STATES, ChangeOffer, OfferDetails
from timebank.redemptions.places import TAKEN

MAX_MANAGED = 500
MAX_GROUPS_LISTED = 200

# $2 and $3 are unused in what is counted, but the month has its place after them everywhere.
MANAGED = f"""
select o.id, o.kind, o.is_open, o.revision, o.changed_at, o.title, o.price_minutes, o.benefit_label, o.summary,
       o.description, o.places, o.starts_at, o.place, o.access_notes, o.access, o.shown_from, o.shown_until,
       o.cancel_hours, o.hold_days, o.payee_id, o.value_pence, o.monthly_pence, o.budget_id,
       o.order_id, o.no_show, o.is_for_groups,
       (select p.name from payee p where p.timebank_id = o.timebank_id and p.id = o.payee_id) as payee_name,
       (select m.display_name from member m where m.timebank_id = o.timebank_id and m.id = o.changed_by)
           as changed_by_name,
       {TAKEN} as taken,
       (select count(*) from redemption r where r.timebank_id = o.timebank_id and r.offer_id = o.id
           and r.state in ('requested', 'accepted')) as open_bookings,
       {COMMITTED} as committed_pence,
       {UNFUNDED} as is_unfunded,
       array(select g.group_id from offer_group g where g.timebank_id = o.timebank_id and g.offer_id = o.id
              order by g.group_id) as groups,
       (select ph.words from offer_photo ph where ph.timebank_id = o.timebank_id and ph.offer_id = o.id) as photo_words,
       (select ph.mark from offer_photo ph where ph.timebank_id = o.timebank_id and ph.offer_id = o.id) as photo_mark
  from offer o
 where o.timebank_id = $1 and $2::bigint is null and $3::date is not null and o.kind <> 'peer_support'
"""  # noqa: S608 - our own text
LISTED = MANAGED + (
    " and o.search_key like all ($6::text[])"
    " order by o.is_open desc, o.starts_at desc nulls first, o.title, o.id limit $7"
)
ONE = MANAGED + " and o.id = $6"
GROUPS = """
select id, display_name from member
 where timebank_id = $1 and kind in ('group', 'organisation') and status <> 'left'
 order by name_key, id limit $2
"""


class ManagedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as staff see it. ``taken`` places are asked for, agreed or used; ``committed_pence`` is this month's."""

    id: int
    kind: str
    state: str
    is_open: bool
    revision: int
    changed_at: datetime | None
    changed_by_name: str | None
    taken: int
    open_bookings: int
    committed_pence: int
    payee_name: str | None
    photo_words: str | None
    photo_mark: str | None
    details: OfferDetails

    @property
    def kind_name(self) -> str:
        """The kind in words."""
        return kind_of(self.kind).name

    @property
    def state_words(self) -> str:
        """The state in words."""
        return STATES[self.state]

    def change(self) -> ChangeOffer:
        """The change that would leave it as it is."""
        fields = {name: getattr(self.details, name) for name in OfferDetails.__struct_fields__}
        return ChangeOffer(offer_id=self.id, revision=self.revision, **fields)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group or organisation whose members an offer may be for."""

    id: int
    display_name: str


async def offers(
    connection: Connection,
    timebank_id: int,
    *,
    q: str = "",
    state: str = "",
    now: datetime,
    today: date,
    time_zone: str,
) -> list[ManagedOffer]:
    """Offers of training and vouchers, open ones first, at most :data:`MAX_MANAGED`; of one state, if one is given."""
    patterns = [f"%{word}%" for word in loose_key(q).split()]
    rows = await connection.fetch(LISTED, *_month(timebank_id, today, time_zone), patterns, MAX_MANAGED)
    found = [_managed(row, now, today) for row in rows]
    return [one for one in found if not state or one.state == state]


async def offer(
    connection: Connection, timebank_id: int, offer_id: int, *, now: datetime, today: date, time_zone: str
) -> ManagedOffer | None:
    """One offer with all that it says, or None."""
    if not 0 < offer_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(ONE, *_month(timebank_id, today, time_zone), offer_id)
    return None if row is None else _managed(row, now, today)


async def groups(connection: Connection, timebank_id: int) -> list[Group]:
    """The groups and organisations of this time bank, at most :data:`MAX_GROUPS_LISTED`."""
    rows = await connection.fetch(GROUPS, timebank_id, MAX_GROUPS_LISTED)
    return [msgspec.convert(dict(row), Group) for row in rows]


def _month(timebank_id: int, today: date, time_zone: str) -> tuple[Any, ...]:
    return (timebank_id, None, today, *offer_rules.month_of(today, time_zone))


def _managed(row: Any, now: datetime, today: date) -> ManagedOffer:
    facts = dict(row)
    committed, value, monthly = int(facts["committed_pence"]), facts["value_pence"] or 0, facts["monthly_pence"]
    state = offer_rules.state_of(
        is_open=facts["is_open"],
        starts_at=facts["starts_at"],
        shown_from=facts["shown_from"],
        shown_until=facts["shown_until"],
        is_full=facts["places"] is not None and facts["taken"] >= facts["places"],
        is_used_up=monthly is not None and committed + value > monthly,
        is_unfunded=facts["is_unfunded"],
        now=now,
        today=today,
    )
    facts["group_ids"] = tuple(facts["groups"]) if facts["is_for_groups"] else None
    details = {name: facts[name] for name in OfferDetails.__struct_fields__ if name in facts}
    rest = {name: facts[name] for name in ManagedOffer.__struct_fields__ if name in facts}
    return msgspec.convert({**rest, "committed_pence": committed, "state": state, "details": details}, ManagedOffer)
