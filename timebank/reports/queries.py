"""What reports add up, straight from the rows of every room. Reading only."""

from datetime import date

import msgspec

from timebank.db import Connection
from timebank.reports.rules import Used

MAX_LINES = 2000
MAX_YEARS = 10

# First a sum for each person, so that nobody is sorted by name: 100,000 contributions are read once. Activities of the
# same name and funder are one.
GIVEN = """
with alike as (
    select id, name, funder, min(id) over (partition by name, funder) as first_id
      from activity where timebank_id = $1 and ($4 = '' or funder = $4)),
given as materialized (
    select a.first_id, date_trunc('month', c.held_on::timestamp) as month, c.kind = 'staff' as is_staff,
           c.member_id, c.guest_id, sum(c.minutes)::bigint as minutes
      from contribution c
      join alike a on a.id = c.activity_id
     where c.timebank_id = $1 and c.state = 'approved' and c.kind <> 'brought_forward' and c.held_on between $2 and $3
     group by 1, 2, 3, 4, 5)
"""
HOURS = (
    GIVEN
    + """
select a.name as activity, a.funder, g.month::date as month,
       coalesce(sum(g.minutes) filter (where not g.is_staff), 0)::bigint as minutes,
       coalesce(sum(g.minutes) filter (where g.is_staff), 0)::bigint as staff_minutes,
       count(*) filter (where not g.is_staff) as people
  from given g
  join alike a on a.id = g.first_id
 group by 1, 2, 3 order by 3, 1, 2 limit $5
"""
)
FUNDERS = """
select distinct funder from activity where timebank_id = $1 and funder <> '' order by funder limit 200
"""
PEOPLE = """
select count(*) from (
    select distinct c.member_id, c.guest_id
      from contribution c
      join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
     where c.timebank_id = $1 and c.state = 'approved' and c.kind not in ('staff', 'brought_forward')
       and c.held_on between $2 and $3 and ($4 = '' or a.funder = $4)) as people
"""
MONEY = """
select p.kind, date_trunc('month', p.earned_on::timestamp)::date as month, count(*) as payables,
       sum(p.pence)::bigint as pence, sum(p.settled_pence)::bigint as paid_pence
  from payable p
  left join budget b on b.timebank_id = p.timebank_id and b.id = p.budget_id
  left join fund f on f.timebank_id = b.timebank_id and f.id = b.fund_id
 where p.timebank_id = $1 and p.state <> 'cancelled' and p.earned_on between $2 and $3
   and ($4 = '' or f.funder = $4)
 group by 1, 2 order by 2, 1 limit $5
"""
DAYS_TO_PAY = """
select p.kind, count(*) as payables, sum(p.settled_on - (p.created_at at time zone t.time_zone)::date)::bigint as days,
       count(*) filter (where p.settled_on > p.due_on) as late
  from payable p
  join timebank t on t.id = p.timebank_id
 where p.timebank_id = $1 and p.state = 'paid' and p.settled_on between $2 and $3
 group by 1 order by 1
"""
FEES = """
select c.how, count(*) as fees, sum(c.offered_pence)::bigint as offered_pence, sum(c.pence)::bigint as pence
  from fee_choice c
  join fee f on f.timebank_id = c.timebank_id and f.id = c.fee_id
 where c.timebank_id = $1 and c.state <> 'ended' and f.held_on between $2 and $3
 group by 1 order by 1
"""
OUTSTANDING = """
select coalesce(sum(b.posted), 0)::bigint
  from ledger.balance b
  join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
 where b.book_id = $1 and a.class = 'member'
"""
# A booking costs what its payable says, what suppliers confirmed of its voucher, or what its code was bought for.
USED = """
select o.kind, coalesce(b.name, '') as budget, sum(r.minutes - coalesce(r.refunded_minutes, 0))::bigint as minutes,
       sum(
           (select coalesce(sum(p.pence), 0) from payable p
             where p.timebank_id = r.timebank_id and p.source_kind = 'redemption' and p.source_id = r.id
               and p.state <> 'cancelled')
         + (select coalesce(sum(p.pence), 0) from voucher v
              join voucher_use u on u.timebank_id = v.timebank_id and u.voucher_id = v.id
              join payable p on p.timebank_id = u.timebank_id and p.source_kind = 'voucher_use' and p.source_id = u.id
             where v.timebank_id = r.timebank_id and v.redemption_id = r.id and p.state <> 'cancelled')
         + (select coalesce(sum(c.pence_each), 0) from pool_code k
              join code_batch c on c.timebank_id = k.timebank_id and c.id = k.batch_id
             where k.timebank_id = r.timebank_id and k.redemption_id = r.id)
       )::bigint as pence
  from redemption r
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
  left join budget b on b.timebank_id = r.timebank_id and b.id = o.budget_id
 where r.timebank_id = $1 and r.state in ('fulfilled', 'refunded') and r.changed_at >= $2
 group by 1, 2 having sum(r.minutes - coalesce(r.refunded_minutes, 0)) > 0
 order by 1, 2
"""
PAID_TO = """
select y.id as payee_id, y.name, y.kind as payee_kind, p.kind, count(*) as payables, sum(p.pence)::bigint as pence
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
 where p.timebank_id = $1 and p.state = 'paid' and p.settled_on >= $2 and p.settled_on < $3
 group by 1, 2, 3, 4 order by 2, 1, 4 limit $4
"""
FIRST_PAID = "select min(settled_on) from payable where timebank_id = $1 and state = 'paid'"


class HoursLine(msgspec.Struct, frozen=True, kw_only=True):
    """Time given at one activity in one month (its first day). Staff time is beside it, never in it."""

    activity: str
    funder: str
    month: date
    minutes: int
    staff_minutes: int
    people: int


class MoneyLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was earned of one kind in one month, and how much of it is paid, in minor units."""

    kind: str
    month: date
    payables: int
    pence: int
    paid_pence: int


class DaysToPay(msgspec.Struct, frozen=True, kw_only=True):
    """How long it took from owing to paying; ``late`` were paid after they fell due."""

    kind: str
    payables: int
    days: int
    late: int

    @property
    def average(self) -> float:
        """Days on average."""
        return self.days / self.payables


class FeesLine(msgspec.Struct, frozen=True, kw_only=True):
    """What people chose about fees: all, part, none, charity."""

    how: str
    fees: int
    offered_pence: int
    pence: int


class PaidTo(msgspec.Struct, frozen=True, kw_only=True):
    """What one payee was paid of one kind."""

    payee_id: int
    name: str
    payee_kind: str
    kind: str
    payables: int
    pence: int


async def hours(connection: Connection, timebank_id: int, first: date, last: date, funder: str = "") -> list[HoursLine]:
    """Time given by activity and month, at most :data:`MAX_LINES`; ``funder`` keeps the activities of one."""
    rows = await connection.fetch(HOURS, timebank_id, first, last, funder, MAX_LINES)
    return [msgspec.convert(dict(row), HoursLine) for row in rows]


async def people(connection: Connection, timebank_id: int, first: date, last: date, funder: str = "") -> int:
    """How many different people gave time."""
    found: int = await connection.fetchval(PEOPLE, timebank_id, first, last, funder)
    return found


async def funders(connection: Connection, timebank_id: int) -> list[str]:
    """The funders that activities name."""
    return [row["funder"] for row in await connection.fetch(FUNDERS, timebank_id)]


async def money(connection: Connection, timebank_id: int, first: date, last: date, funder: str = "") -> list[MoneyLine]:
    """What was earned by kind and month; ``funder`` keeps what budgets of their funds pay for."""
    rows = await connection.fetch(MONEY, timebank_id, first, last, funder, MAX_LINES)
    return [msgspec.convert(dict(row), MoneyLine) for row in rows]


async def days_to_pay(connection: Connection, timebank_id: int, first: date, last: date) -> list[DaysToPay]:
    """How long it took to pay what was paid in these days, by kind."""
    rows = await connection.fetch(DAYS_TO_PAY, timebank_id, first, last)
    return [msgspec.convert(dict(row), DaysToPay) for row in rows]


async def fees(connection: Connection, timebank_id: int, first: date, last: date) -> list[FeesLine]:
    """What people chose about the fees of these days."""
    rows = await connection.fetch(FEES, timebank_id, first, last)
    return [msgspec.convert(dict(row), FeesLine) for row in rows]


async def outstanding_minutes(connection: Connection, timebank_id: int) -> int:
    """All the hours that members and groups have, in minutes."""
    found: int = await connection.fetchval(OUTSTANDING, timebank_id)
    return found


async def used_since(connection: Connection, timebank_id: int, since: object) -> list[Used]:
    """What hours were used for since a moment, by kind and budget."""
    return [msgspec.convert(dict(row), Used) for row in await connection.fetch(USED, timebank_id, since)]


async def paid_to(connection: Connection, timebank_id: int, first: date, before: date) -> list[PaidTo]:
    """What every payee was paid, by kind, from one day on and before another."""
    rows = await connection.fetch(PAID_TO, timebank_id, first, before, MAX_LINES)
    return [msgspec.convert(dict(row), PaidTo) for row in rows]


async def first_paid(connection: Connection, timebank_id: int) -> date | None:
    """The first day on which anything was paid."""
    found: date | None = await connection.fetchval(FIRST_PAID, timebank_id)
    return found
