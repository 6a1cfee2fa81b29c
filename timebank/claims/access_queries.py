"""Read models of access costs: what is booked, which advances are open, and what one was spent on."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.claims.access_rules import AccessFacts
from timebank.db import Connection
from timebank.kit.paging import Page, page_of

MAX_OPEN = 200

COSTS = """
select c.id, c.reference, c.member_id, m.display_name as member_name, c.session_id,
       coalesce(a.name, '') as session_name, s.held_on as session_day, c.kind, c.way,
       c.payee_id, p.name as payee_name, c.day, c.what_for, c.pence,
       c.signed_name, c.state, c.spent_pence, c.returned_pence, c.made_by, b.display_name as made_by_name, c.made_at,
       e.display_name as ended_by_name, c.ended_at, c.end_reason,
       c.budget_id, g.name as budget_name
  from access_cost c
  join member m on m.timebank_id = c.timebank_id and m.id = c.member_id
  join payee p on p.timebank_id = c.timebank_id and p.id = c.payee_id
  join member b on b.timebank_id = c.timebank_id and b.id = c.made_by
  left join member e on e.timebank_id = c.timebank_id and e.id = c.ended_by
  left join session s on s.timebank_id = c.timebank_id and s.id = c.session_id
  left join activity a on a.timebank_id = c.timebank_id and a.id = s.activity_id
  left join budget g on g.timebank_id = c.timebank_id and g.id = c.budget_id
 where c.timebank_id = $1
"""
ONE = COSTS + " and c.reference = $2"
OPEN = COSTS + " and c.state = 'given' order by c.made_at, c.id limit $2"
OTHERS = COSTS + " and c.state <> 'given' and c.id < $2 order by c.id desc limit $3"
OF_MEMBER = COSTS + " and c.member_id = $2 and c.state <> 'cancelled' order by c.day desc, c.id desc limit $3"
RECEIPTS = """
select a.n, a.what, a.pence, a.no_receipt_why, r.content is not null as has_photo, a.added_at
  from access_receipt a
  left join receipt r on r.timebank_id = a.timebank_id and r.id = a.receipt_id
 where a.timebank_id = $1 and a.access_cost_id = $2
 order by a.n
"""
FACTS = """
select c.id, c.reference, c.member_id, c.way, c.payee_id, c.pence, c.state, c.made_by, c.day, c.budget_id,
       (select coalesce(sum(a.pence), 0) from access_receipt a
         where a.timebank_id = c.timebank_id and a.access_cost_id = c.id)::bigint as spent_pence,
       (select count(*) from access_receipt a where a.timebank_id = c.timebank_id and a.access_cost_id = c.id)
       as receipts
  from access_cost c
 where c.timebank_id = $1 and c.reference = $2
   for update of c
"""
IS_USED = """
select exists (select from access_receipt where timebank_id = $1 and receipt_id = $2)
    or exists (select from claim_line where timebank_id = $1 and receipt_id = $2 and not is_declined)
"""

# Money given in advance for a day that is over, which each of these people may settle: neither gave nor got it.
TO_SETTLE = """
select d.id, count(*) as advances
  from unnest($2::bigint[]) as d (id)
  join access_cost c on c.timebank_id = $1 and c.state = 'given' and c.day < $3
                    and c.made_by <> d.id and c.member_id <> d.id
 group by d.id
"""


class AccessCost(msgspec.Struct, frozen=True, kw_only=True):
    """One access cost. ``spent_pence`` and ``returned_pence`` are zero until an advance is settled."""

    id: int
    reference: str
    member_id: int
    member_name: str
    session_id: int | None
    session_name: str
    session_day: date | None
    kind: str
    way: str
    payee_id: int
    payee_name: str
    day: date
    what_for: str
    pence: int
    signed_name: str
    state: str
    spent_pence: int
    returned_pence: int
    made_by: int
    made_by_name: str
    made_at: datetime
    ended_by_name: str | None
    ended_at: datetime | None
    end_reason: str
    budget_id: int | None
    budget_name: str | None


class AccessReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of an advance was spent on."""

    n: int
    what: str
    pence: int
    no_receipt_why: str
    has_photo: bool
    added_at: datetime


async def by_reference(connection: Connection, timebank_id: int, reference: str) -> AccessCost | None:
    """The access cost with this reference, or None."""
    row = await connection.fetchrow(ONE, timebank_id, reference)
    return msgspec.convert(dict(row), AccessCost) if row else None


async def open_advances(connection: Connection, timebank_id: int) -> list[AccessCost]:
    """Money that is out and not accounted for, the oldest first."""
    return _all(await connection.fetch(OPEN, timebank_id, MAX_OPEN))


async def others(connection: Connection, timebank_id: int, *, before: int, size: int) -> Page[AccessCost]:
    """A page of everything else, newest first; ``before`` is the last id already seen."""
    return page_of(_all(await connection.fetch(OTHERS, timebank_id, before, size + 1)), size, lambda cost: (cost.id,))


async def of_member(connection: Connection, timebank_id: int, member_id: int, limit: int) -> list[AccessCost]:
    """What is paid so that this member can take part, the last days first."""
    return _all(await connection.fetch(OF_MEMBER, timebank_id, member_id, limit))


async def receipts_of(connection: Connection, timebank_id: int, access_cost_id: int) -> list[AccessReceipt]:
    """The receipts of an advance, in the order they were brought."""
    rows = await connection.fetch(RECEIPTS, timebank_id, access_cost_id)
    return [msgspec.convert(dict(row), AccessReceipt) for row in rows]


async def lock(connection: Connection, timebank_id: int, reference: str) -> AccessFacts | None:
    """The access cost as the rules see it, locked until the transaction ends; None when there is none."""
    row = await connection.fetchrow(FACTS, timebank_id, reference)
    return msgspec.convert(dict(row), AccessFacts) if row else None


async def is_used(connection: Connection, timebank_id: int, receipt_id: int) -> bool:
    """True when a cost that is or was paid has this photo."""
    return bool(await connection.fetchval(IS_USED, timebank_id, receipt_id))


def _all(rows: Sequence[object]) -> list[AccessCost]:
    return [msgspec.convert(dict(row), AccessCost) for row in rows]  # type: ignore[call-overload]


async def to_settle(connection: Connection, timebank_id: int, member_ids: Sequence[int], on: date) -> dict[int, int]:
    """How many advances for days that are over each of these people may settle; who has none is left out."""
    rows = await connection.fetch(TO_SETTLE, timebank_id, list(member_ids), on)
    return {row["id"]: row["advances"] for row in rows}
