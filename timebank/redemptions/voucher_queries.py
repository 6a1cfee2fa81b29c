"""Read models of vouchers and codes: for the hooks of bookings, for members, staff and suppliers."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection
from timebank.redemptions.voucher_rules import Terms, UseFacts, VoucherFacts

MAX_LISTED = 200

TERMS = """
select source, gives_at_once, allows_parts, valid_days, expiry_returns_hours, low_stock
  from voucher_terms where timebank_id = $1 and offer_id = $2
"""

VOUCHER = """
select id, redemption_id, payee_id, value_pence, spent_pence, allows_parts, valid_days, returns_hours, state, expires_at
  from voucher where timebank_id = $1
"""
LOCK = " for no key update"
VOUCHER_OF_BOOKING = VOUCHER + " and redemption_id = $2"
VOUCHER_BY_ID = VOUCHER + " and id = $2"

# A code of another supplier or another time bank is not there at all.
BY_CODE = """
select v.id as voucher_id, c.ended_at is not null as is_replaced, r.reference, o.title,
       split_part(m.display_name, ' ', 1) as first_name, m.kind as member_kind
  from voucher_code c
  join voucher v on v.timebank_id = c.timebank_id and v.id = c.voucher_id
  join redemption r on r.timebank_id = v.timebank_id and r.id = v.redemption_id
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
  join member m on m.timebank_id = r.timebank_id and m.id = r.member_id
 where c.timebank_id = $1 and c.code_hash = any($2::bytea[]) and v.payee_id = $3
"""

USES = """
select reference, n, pence, used_on, at from voucher_use where timebank_id = $1 and voucher_id = $2 order by n
"""
USE = """
select u.reference, u.n, u.pence, u.used_on, u.at, v.value_pence - v.spent_pence as left_pence, v.allows_parts, o.title
  from voucher_use u
  join voucher v on v.timebank_id = u.timebank_id and v.id = u.voucher_id
  join redemption r on r.timebank_id = v.timebank_id and r.id = v.redemption_id
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
 where u.timebank_id = $1 and u.reference = $2 and v.payee_id = $3
"""

CODE_IN_USE = """
select n, sealed from voucher_code where timebank_id = $1 and voucher_id = $2 and ended_at is null
"""
POOL_CODE = """
select id, batch_id, sealed, expires_on, state from pool_code where timebank_id = $1 and redemption_id = $2
"""

VIEWS = """
select v.at, v.how, v.seen_by, m.display_name as name
  from code_view v
  join member m on m.timebank_id = v.timebank_id and m.id = v.seen_by
 where v.timebank_id = $1 and v.redemption_id = $2
 order by v.at desc, v.id desc
 limit $3
"""
ONE_VIEW = "select redemption_id, seen_by, at from code_view where timebank_id = $1 and id = $2"

# Free codes that still work on this day, less the bookings that have no code yet.
STOCK = """
select (select count(*) from pool_code c
         where c.timebank_id = $1 and c.offer_id = $2 and c.state = 'free'
           and (c.expires_on is null or c.expires_on >= $3))
     - (select count(*) from redemption r
         where r.timebank_id = $1 and r.offer_id = $2 and r.state = 'requested'
           and not exists (select from pool_code g
                            where g.timebank_id = r.timebank_id and g.redemption_id = r.id))
"""

POOLS = """
select o.id, o.title, o.is_open, t.source, t.gives_at_once, t.allows_parts, t.low_stock, o.payee_id,
       (select p.name from payee p where p.timebank_id = o.timebank_id and p.id = o.payee_id) as supplier,
       case when t.source = 'pool' then (
           select count(*) from pool_code c
            where c.timebank_id = o.timebank_id and c.offer_id = o.id and c.state = 'free'
              and (c.expires_on is null or c.expires_on >= $2)) end as free_codes,
       (select min(c.expires_on) from pool_code c
         where c.timebank_id = o.timebank_id and c.offer_id = o.id and c.state = 'free' and c.expires_on >= $2)
           as next_expiry,
       (select count(*) from voucher v
          join redemption r on r.timebank_id = v.timebank_id and r.id = v.redemption_id
         where v.timebank_id = o.timebank_id and r.offer_id = o.id and v.state = 'live') as live_vouchers
  from offer o
  left join voucher_terms t on t.timebank_id = o.timebank_id and t.offer_id = o.id
 where o.timebank_id = $1 and o.kind = 'voucher'
 order by o.is_open desc, o.title, o.id
 limit $3
"""

BATCHES = """
select b.id, b.code_count, b.pence_each, b.uploaded_at, b.withdrawn_at,
       (select m.display_name from member m where m.timebank_id = b.timebank_id and m.id = b.uploaded_by)
           as uploaded_by,
       (select count(*) from pool_code c where c.timebank_id = b.timebank_id and c.batch_id = b.id and c.state = 'free')
           as free_codes,
       (select count(*) from pool_code c
         where c.timebank_id = b.timebank_id and c.batch_id = b.id and c.redemption_id is not null) as given_codes
  from code_batch b
 where b.timebank_id = $1 and b.offer_id = $2
 order by b.id desc
 limit $3
"""

SLIPS = """
select r.reference, r.member_id, v.slip_asked_at, o.title, m.display_name as member_name
  from voucher v
  join redemption r on r.timebank_id = v.timebank_id and r.id = v.redemption_id
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
  join member m on m.timebank_id = r.timebank_id and m.id = r.member_id
 where v.timebank_id = $1 and v.slip_asked_at is not null and v.state = 'live'
 order by v.slip_asked_at, v.id
 limit $2
"""

TO_DO = """
select (select count(*) from voucher v
         where v.timebank_id = $1 and v.slip_asked_at is not null and v.state = 'live')
     + (select count(*)
          from offer o join voucher_terms t on t.timebank_id = o.timebank_id and t.offer_id = o.id
         where o.timebank_id = $1 and o.kind = 'voucher' and o.is_open and t.source = 'pool'
           and t.low_stock >= (
               select count(*) from pool_code c
                where c.timebank_id = o.timebank_id and c.offer_id = o.id and c.state = 'free'
                  and (c.expires_on is null or c.expires_on >= $2)))
"""

STAFF = """
select distinct m.id from member m
  join member_role r on r.timebank_id = m.timebank_id and r.member_id = m.id
 where m.timebank_id = $1 and r.role = 'coordinator' and m.status = 'active'
 order by m.id
"""


class FoundVoucher(msgspec.Struct, frozen=True, kw_only=True):
    """The voucher behind a code, as its supplier may see it: what it is for, and a first name at most."""

    voucher_id: int
    is_replaced: bool
    reference: str
    title: str
    first_name: str
    member_kind: str


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmation as the supplier sees it."""

    reference: str
    n: int
    pence: int
    used_on: date
    at: datetime
    left_pence: int
    allows_parts: bool
    title: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw a code, when, and how: ``screen``, ``slip`` or ``program``."""

    at: datetime
    how: str
    seen_by: int
    name: str


class PoolCodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """The uploaded code of a booking, still locked."""

    id: int
    batch_id: int
    sealed: bytes
    expires_on: date | None
    state: str


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """An offer of vouchers as staff see it. ``free_codes`` is None where no codes are uploaded."""

    id: int
    title: str
    is_open: bool
    source: str | None
    gives_at_once: bool | None
    allows_parts: bool | None
    low_stock: int | None
    payee_id: int | None
    supplier: str | None
    free_codes: int | None
    next_expiry: date | None
    live_vouchers: int

    @property
    def is_low(self) -> bool:
        """True when more codes should be bought."""
        return self.is_open and self.free_codes is not None and self.free_codes <= (self.low_stock or 0)


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One upload of codes."""

    id: int
    code_count: int
    pence_each: int | None
    uploaded_at: datetime
    withdrawn_at: datetime | None
    uploaded_by: str
    free_codes: int
    given_codes: int


class SlipRow(msgspec.Struct, frozen=True, kw_only=True):
    """A slip that waits to be printed and posted."""

    reference: str
    member_id: int
    slip_asked_at: datetime
    title: str
    member_name: str


async def terms(connection: Connection, timebank_id: int, offer_id: int) -> Terms:
    """How the vouchers of an offer work; staff hand them over where nothing else is set."""
    row = await connection.fetchrow(TERMS, timebank_id, offer_id)
    return Terms() if row is None else msgspec.convert(dict(row), Terms)


async def voucher_of(
    connection: Connection, timebank_id: int, redemption_id: int, *, lock: bool = False
) -> VoucherFacts | None:
    """Our voucher of a booking, or None. Lock its booking first."""
    row = await connection.fetchrow(VOUCHER_OF_BOOKING + (LOCK if lock else ""), timebank_id, redemption_id)
    return None if row is None else msgspec.convert(dict(row), VoucherFacts)


async def by_code(
    connection: Connection, timebank_id: int, payee_id: int, marks: Sequence[bytes]
) -> FoundVoucher | None:
    """The voucher of this supplier with a code of one of these marks, or None."""
    row = await connection.fetchrow(BY_CODE, timebank_id, list(marks), payee_id)
    return None if row is None else msgspec.convert(dict(row), FoundVoucher)


async def uses(connection: Connection, timebank_id: int, voucher_id: int) -> list[UseFacts]:
    """Every confirmation of a voucher, oldest first."""
    return [msgspec.convert(dict(row), UseFacts) for row in await connection.fetch(USES, timebank_id, voucher_id)]


async def use(connection: Connection, timebank_id: int, payee_id: int, reference: str) -> Use | None:
    """A confirmation of this supplier, or None."""
    row = await connection.fetchrow(USE, timebank_id, reference, payee_id)
    return None if row is None else msgspec.convert(dict(row), Use)


async def pool_code_of(connection: Connection, timebank_id: int, redemption_id: int) -> PoolCodeRow | None:
    """The uploaded code of a booking, or None."""
    row = await connection.fetchrow(POOL_CODE, timebank_id, redemption_id)
    return None if row is None else msgspec.convert(dict(row), PoolCodeRow)


async def views(connection: Connection, timebank_id: int, redemption_id: int) -> list[View]:
    """Who saw the code of a booking, newest first, at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(VIEWS, timebank_id, redemption_id, MAX_LISTED)
    return [msgspec.convert(dict(row), View) for row in rows]


async def stock(connection: Connection, timebank_id: int, offer_id: int, day: date) -> int:
    """How many uploaded codes can still be promised."""
    left: int = await connection.fetchval(STOCK, timebank_id, offer_id, day)
    return left


async def pools(connection: Connection, timebank_id: int, day: date) -> list[Pool]:
    """Every offer of vouchers with its stock, at most :data:`MAX_LISTED`."""
    return [msgspec.convert(dict(row), Pool) for row in await connection.fetch(POOLS, timebank_id, day, MAX_LISTED)]


async def low_pools(connection: Connection, timebank_id: int, day: date) -> list[Pool]:
    """The offers of which codes run out, for the to-do list of coordinators."""
    return [pool for pool in await pools(connection, timebank_id, day) if pool.is_low]


async def batches(connection: Connection, timebank_id: int, offer_id: int) -> list[BatchRow]:
    """The uploads of an offer, newest first."""
    rows = await connection.fetch(BATCHES, timebank_id, offer_id, MAX_LISTED)
    return [msgspec.convert(dict(row), BatchRow) for row in rows]


async def slips(connection: Connection, timebank_id: int) -> list[SlipRow]:
    """Slips that wait to be printed and posted, oldest first."""
    return [msgspec.convert(dict(row), SlipRow) for row in await connection.fetch(SLIPS, timebank_id, MAX_LISTED)]


async def to_do(connection: Connection, timebank_id: int, day: date) -> int:
    """How many slips wait to be printed, and of how many vouchers the codes run out."""
    count: int = await connection.fetchval(TO_DO, timebank_id, day)
    return count


async def coordinators(connection: Connection, timebank_id: int) -> list[int]:
    """Whom a warning goes to."""
    return [row["id"] for row in await connection.fetch(STAFF, timebank_id)]
