"""Read models of fees: for the person, for finance, and the facts that the rules ask for."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.fees import rules
from timebank.fees.rules import FeeFacts
from timebank.kit.working_days import next_working_day
from timebank.messages import queries as messages
from timebank.payments.settings import payment_settings

MAX_LISTED = 200
MAX_PAYEES = 5000

FACTS = """
select f.id, f.reference, f.contribution_id, f.member_id, f.activity, f.band, f.fund_id, f.held_on, f.minutes,
       f.rate_id, f.pence, f.state, f.offered, f.created_at, f.budget_id, coalesce(g.pence, 0)::bigint as gone_pence,
       c.id as choice_id, c.how, c.pence as choice_pence, c.is_standing, c.note, c.payee_id, y.name as payee_name,
       p.reference as payable_reference, p.state as payable_state, p.reason as payable_reason,
       p.budget_id as payable_budget_id, p.settled_pence,
       p.settled_on, p.due_on, b.processing_on, y.pay_by,
       case when y.id is not null then exists (select from bank_account a where a.timebank_id = f.timebank_id
            and a.payee_id = y.id and a.state = 'in_use') end as has_account
  from fee f
  left join fee_choice c on c.timebank_id = f.timebank_id and c.fee_id = f.id and c.state = 'live'
  left join payable p on p.timebank_id = f.timebank_id and p.source_kind = 'fee' and p.source_id = c.id
  left join payee y on y.timebank_id = f.timebank_id and y.id = c.payee_id
  left join payment_batch b on b.timebank_id = f.timebank_id and b.number = p.batch_number
  left join lateral (
      select sum(o.pence) as pence
        from fee_choice o
        join payable q on q.timebank_id = o.timebank_id and q.source_kind = 'fee' and q.source_id = o.id
       where o.timebank_id = f.timebank_id and o.fee_id = f.id and o.state = 'gone' and q.state <> 'cancelled'
  ) g on true
 where f.timebank_id = $1
"""
BY_REFERENCE = FACTS + " and f.reference = $2"
BY_CONTRIBUTIONS = FACTS + " and f.contribution_id = any($2::bigint[]) order by f.id"
OF_MEMBER = FACTS + " and f.member_id = $2 and f.state <> 'withdrawn' order by f.held_on desc, f.id desc limit $3"
OF_MONTH = FACTS + " and f.held_on >= $2 and f.held_on < $3 order by f.held_on, f.id limit $4"
BY_IDS = FACTS + " and f.id = any($2::bigint[]) order by f.id"
# Locked in a statement of their own: what is joined in the one that waits for a lock may be older than the lock.
LOCK_FEES = "select id from fee where timebank_id = $1 and {which} order by id {limit} for update"
LOCK_BY_REFERENCE = LOCK_FEES.format(which="reference = $2", limit="")
LOCK_BY_CONTRIBUTIONS = LOCK_FEES.format(which="contribution_id = any($2::bigint[])", limit="")
LOCK_WITHOUT_RATE = LOCK_FEES.format(which="state = 'no_rate'", limit="limit $2")
LOCK_PAYABLES = """
select p.id
  from payable p
  join fee_choice c on c.timebank_id = p.timebank_id and c.id = p.source_id and c.state = 'live'
 where p.timebank_id = $1 and p.source_kind = 'fee' and c.fee_id = any($2::bigint[])
 order by p.id
   for no key update of p
"""
CHARITIES = """
select id, name from payee where timebank_id = $1 and kind = 'charity' and is_open order by name limit $2
"""
STANDING = """
select s.member_id, s.how, s.payee_id, y.name as payee_name, coalesce(y.is_open, true) as is_good
  from fee_standing s
  left join payee y on y.timebank_id = s.timebank_id and y.id = s.payee_id
 where s.timebank_id = $1 and s.member_id = any($2::bigint[])
"""
CHOICES = """
select c.id, c.how, c.offered_pence, c.pence, c.is_standing, c.how_agreed, c.by_id, c.at, c.state, c.note,
       y.name as payee_name, p.reference as payable_reference, p.state as payable_state
  from fee_choice c
  left join payee y on y.timebank_id = c.timebank_id and y.id = c.payee_id
  left join payable p on p.timebank_id = c.timebank_id and p.source_kind = 'fee' and p.source_id = c.id
 where c.timebank_id = $1 and c.fee_id = $2
 order by c.id
"""
MONTHS = """
select distinct date_trunc('month', held_on)::date as month from fee where timebank_id = $1 order by 1 desc limit $2
"""

# Money that really moved, by its day: payments of the bank, and what was settled otherwise (in cash).
PAID = """
with by_bank as (
    select t.payable_id, sum(t.pence) as pence
      from payment_attempt t
      join payment m on m.timebank_id = t.timebank_id and m.batch_number = t.batch_number and m.line = t.line
     where t.timebank_id = $1 and m.state = 'paid'
     group by t.payable_id
), paid as (
    select t.payable_id, m.settled_on as day, t.pence
      from payment_attempt t
      join payment m on m.timebank_id = t.timebank_id and m.batch_number = t.batch_number and m.line = t.line
     where t.timebank_id = $1 and m.state = 'paid'
    union all
    select p.id, p.settled_on, p.settled_pence - coalesce(k.pence, 0)
      from payable p
      left join by_bank k on k.payable_id = p.id
     where p.timebank_id = $1 and p.settled_on is not null and p.settled_pence > coalesce(k.pence, 0)
)
select p.payee_id, y.name as payee_name, y.kind as payee_kind,
       (make_date(extract(year from d.day)::int, $2, $3)
        - case when d.day < make_date(extract(year from d.day)::int, $2, $3) then interval '1 year'
               else interval '0' end)::date as year,
       sum(d.pence) filter (where p.kind = 'fee')::bigint as fees_pence,
       sum(d.pence) filter (where p.kind in ('expense', 'access'))::bigint as expenses_pence
  from paid d
  join payable p on p.timebank_id = $1 and p.id = d.payable_id
  join payee y on y.timebank_id = $1 and y.id = p.payee_id
 where y.kind in ('member', 'charity') and ($4::bigint is null or y.member_id = $4)
 group by 1, 2, 3, 4
 order by 4 desc, 2, 1
 limit $5
"""


class StandingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a member chose for every fee. ``is_good``: the charity, if it is one, is still there."""

    member_id: int
    how: str
    payee_id: int | None
    payee_name: str | None
    is_good: bool


class Charity(msgspec.Struct, frozen=True, kw_only=True):
    """A charity that fees can be given to; a payee."""

    id: int
    name: str


class ChoiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One choice in the history of a fee, with its payment."""

    id: int
    how: str
    offered_pence: int
    pence: int
    is_standing: bool
    how_agreed: str
    by_id: int
    at: datetime
    state: str
    note: str
    payee_name: str | None
    payable_reference: str | None
    payable_state: str | None


class YearTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid to one payee in one tax year (``year`` is its first day): fees, and apart from them what was paid
    back to them for costs, which is no income. In minor units.
    """

    payee_id: int
    payee_name: str
    payee_kind: str
    year: date
    fees_pence: int
    expenses_pence: int

    @property
    def last_day(self) -> date:
        """The last day of the tax year."""
        return self.year.replace(year=self.year.year + 1) - timedelta(days=1)


async def by_reference(connection: Connection, timebank_id: int, reference: str) -> FeeFacts | None:
    """The fee with this reference, or None."""
    row = await connection.fetchrow(BY_REFERENCE, timebank_id, reference)
    return msgspec.convert(dict(row), FeeFacts) if row else None


async def lock_by_reference(connection: Connection, timebank_id: int, reference: str) -> FeeFacts | None:
    """The fee with this reference and its payment, locked until the transaction ends; None when there is none."""
    found = await _locked(connection, timebank_id, LOCK_BY_REFERENCE, reference)
    return found[0] if found else None


async def lock_of_contributions(
    connection: Connection, timebank_id: int, contribution_ids: Sequence[int]
) -> list[FeeFacts]:
    """The fees of these contributions and their payments, locked until the transaction ends."""
    return await _locked(connection, timebank_id, LOCK_BY_CONTRIBUTIONS, list(contribution_ids))


async def _locked(connection: Connection, timebank_id: int, lock: str, which: object) -> list[FeeFacts]:
    ids = [row["id"] for row in await connection.fetch(lock, timebank_id, which)]
    if not ids:
        return []
    await connection.fetch(LOCK_PAYABLES, timebank_id, ids)
    return _all(await connection.fetch(BY_IDS, timebank_id, ids))


async def of_contributions(
    connection: Connection, timebank_id: int, contribution_ids: Sequence[int]
) -> dict[int, FeeFacts]:
    """The fees of these contributions, by contribution: for lists of hours that say "this pays a fee"."""
    found = _all(await connection.fetch(BY_CONTRIBUTIONS, timebank_id, list(contribution_ids)))
    return {fee.contribution_id: fee for fee in found}


async def of_member(connection: Connection, timebank_id: int, member_id: int) -> list[FeeFacts]:
    """A member's fees, the newest first, at most :data:`MAX_LISTED`; what was taken out is not in it."""
    return _all(await connection.fetch(OF_MEMBER, timebank_id, member_id, MAX_LISTED))


async def without_rate_count(connection: Connection, timebank_id: int) -> int:
    """How many fees no rate fitted yet."""
    count: int = await connection.fetchval(
        "select count(*) from fee where timebank_id = $1 and state = 'no_rate'", timebank_id
    )
    return count


async def lock_without_rate(connection: Connection, timebank_id: int, limit: int) -> list[FeeFacts]:
    """Fees that no rate fitted when they arose, the oldest first; locked until the transaction ends."""
    return await _locked(connection, timebank_id, LOCK_WITHOUT_RATE, limit)


async def of_month(connection: Connection, timebank_id: int, month: date, before: date) -> list[FeeFacts]:
    """The fees for time given from one day on and before another, at most :data:`MAX_PAYEES`."""
    return _all(await connection.fetch(OF_MONTH, timebank_id, month, before, MAX_PAYEES))


async def months(connection: Connection, timebank_id: int) -> list[date]:
    """The months that have fees, newest first, by their first days."""
    return [row["month"] for row in await connection.fetch(MONTHS, timebank_id, MAX_LISTED)]


async def choices(connection: Connection, timebank_id: int, fee_id: int) -> list[ChoiceFacts]:
    """Every choice about a fee, oldest first."""
    return [msgspec.convert(dict(row), ChoiceFacts) for row in await connection.fetch(CHOICES, timebank_id, fee_id)]


async def charities(connection: Connection, timebank_id: int) -> list[Charity]:
    """The charities that fees can be given to, by name."""
    return [msgspec.convert(dict(row), Charity) for row in await connection.fetch(CHARITIES, timebank_id, MAX_LISTED)]


async def standing(connection: Connection, timebank_id: int, member_ids: Sequence[int]) -> dict[int, StandingFacts]:
    """What these members chose for every fee; who is asked each time is not in it."""
    rows = await connection.fetch(STANDING, timebank_id, list(member_ids))
    return {row["member_id"]: msgspec.convert(dict(row), StandingFacts) for row in rows}


async def choose_until(connection: Connection, timebank_id: int, fee: FeeFacts) -> date | None:
    """The last day on which the person can choose by themselves: so many days after the message arrived, never on a day
    when nobody works. None while the message is on its way, and when nothing waits.
    """
    if fee.state != rules.WAITING:
        return None
    arrived = await messages.arrived_on(connection, timebank_id, offer_dedupe(fee.id, fee.offered))
    if arrived is None:
        return None
    bank = await banks.by_id(connection, timebank_id)
    _, document = await banks.rules_in_force(connection, timebank_id, arrived)
    return next_working_day(arrived + timedelta(days=document.fee_choice_days), bank.holiday_region)


def offer_dedupe(fee_id: int, offered: int) -> str:
    """What the message about an offer is known by."""
    return f"fee:{fee_id}:offered:{offered}"


async def totals_by_tax_year(
    connection: Connection, timebank_id: int, *, member_id: int | None = None
) -> list[YearTotal]:
    """What was paid to members and charities in each tax year, newest first; fees apart from costs paid back.

    Money counts on the day when it was paid, not when it was earned; what came back does not count. The tax year begins
    as the time bank's payment settings say. ``member_id``: only what this member was paid.
    """
    settings = await payment_settings(connection, timebank_id)
    rows = await connection.fetch(
        PAID, timebank_id, settings.tax_year_month, settings.tax_year_day, member_id, MAX_PAYEES
    )
    return [
        msgspec.convert(dict(row) | {name: row[name] or 0 for name in ("fees_pence", "expenses_pence")}, YearTotal)
        for row in rows
    ]


def _all(rows: Sequence[object]) -> list[FeeFacts]:
    return [msgspec.convert(dict(row), FeeFacts) for row in rows]  # type: ignore[call-overload]
