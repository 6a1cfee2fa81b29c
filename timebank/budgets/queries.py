"""Read models of budgets: what there is, what is spent, committed and left. The migration's functions add up."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from timebank.budgets.rules import BudgetFacts, CodeFacts, FundFacts, OrderFacts
from timebank.db import Connection

Facts = TypeVar("Facts")
MAX_LISTED = 200
MAX_EVENTS = 100
MAX_SPENT_LISTED = 100

BUDGETS = """
select b.id, b.name, b.fund_id, f.name as fund_name, f.funder, f.is_open as fund_is_open, b.cost_centre_id,
       coalesce(c.code, '') as cost_centre, b.nominal_code_id, coalesce(n.code, '') as nominal_code, b.starts_on,
       b.ends_on, b.pence, b.is_open, s.spent_pence, s.booked_pence, s.ordered_pence, s.left_pence
  from budget b
  join fund f on f.timebank_id = b.timebank_id and f.id = b.fund_id
  left join finance_code c on c.timebank_id = b.timebank_id and c.id = b.cost_centre_id
  left join finance_code n on n.timebank_id = b.timebank_id and n.id = b.nominal_code_id
  join budget_sums($1) s on s.budget_id = b.id
 where b.timebank_id = $1
"""
LISTED = BUDGETS + " order by b.is_open desc, b.name limit $2"
ONE = BUDGETS + " and b.id = $2"
OF_FUND = BUDGETS + " and b.fund_id = $2 order by b.name"

FUNDS = """
select f.id, f.name, f.funder, f.starts_on, f.ends_on, f.pence, f.is_open,
       coalesce(k.budgeted, 0)::bigint as budgeted_pence, coalesce(k.spent, 0)::bigint as spent_pence,
       coalesce(k.committed, 0)::bigint as committed_pence
  from fund f
  left join (select b.fund_id, sum(b.pence) as budgeted, sum(s.spent_pence) as spent,
                    sum(s.booked_pence + s.ordered_pence) as committed
               from budget b join budget_sums($1) s on s.budget_id = b.id
              where b.timebank_id = $1 group by b.fund_id) k on k.fund_id = f.id
 where f.timebank_id = $1
"""
FUND = FUNDS + " and f.id = $2"
FUNDS_LISTED = FUNDS + " order by f.is_open desc, f.ends_on desc, f.name limit $2"

CODES = """
select id, kind, code, name, is_open from finance_code
 where timebank_id = $1 order by kind, is_open desc, code limit $2
"""
CODE = "select id, kind, code, name, is_open from finance_code where timebank_id = $1 and id = $2"

ORDERS = """
select o.id, o.number, o.payee_id, y.name as payee_name, o.budget_id, b.name as budget_name, o.what_for, o.pence,
       o.is_open, s.charged_pence, s.booked_pence, s.left_pence
  from purchase_order o
  join budget b on b.timebank_id = o.timebank_id and b.id = o.budget_id
  left join payee y on y.timebank_id = o.timebank_id and y.id = o.payee_id
  join order_sums($1) s on s.order_id = o.id
 where o.timebank_id = $1
"""
ORDERS_LISTED = ORDERS + " order by o.is_open desc, o.number limit $2"
ORDERS_OF_BUDGET = ORDERS + " and o.budget_id = $2 order by o.is_open desc, o.number"
ORDER = ORDERS + " and o.id = $2"
ORDER_BY_NUMBER = ORDERS + " and o.number = $2"

EVENTS = """
select e.at, e.what, e.why, m.display_name as actor_name
  from budget_event e join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.subject = $2 and e.subject_id = $3 order by e.id desc limit $4
"""
SPENT = """
select '/payments/' || p.reference as place, p.reference, p.description, p.earned_on, p.pence, p.state, p.order_number,
       y.name as payee_name
  from payable p join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
 where p.timebank_id = $1 and p.budget_id = $2 and p.state <> 'cancelled'
 union all
select '/claims/access/' || a.reference, a.reference, 'Access costs, cash given in advance', a.day,
       least(a.spent_pence, a.pence), 'paid', '', y.name
  from access_cost a join payee y on y.timebank_id = a.timebank_id and y.id = a.payee_id
 where a.timebank_id = $1 and a.budget_id = $2 and a.state = 'settled' and a.spent_pence > 0
 union all
select '/payments/credits/' || c.reference, c.reference, 'Owed back: ' || p.description, c.proposed_at::date, -c.pence,
       'paid', p.order_number, y.name
  from credit c
  join payable p on p.timebank_id = c.timebank_id and p.id = c.payable_id and p.state <> 'cancelled'
  join payee y on y.timebank_id = c.timebank_id and y.id = c.payee_id
 where c.timebank_id = $1 and p.budget_id = $2 and c.source = 'refund'
 order by earned_on desc, reference limit $3
"""
PROMISED = """
select 'fee' as kind, count(*) as count, coalesce(sum(greatest(0, f.pence - coalesce(
           (select sum(c.pence) from fee_choice c
              join payable q on q.timebank_id = c.timebank_id and q.source_kind = 'fee' and q.source_id = c.id
                            and q.state <> 'cancelled'
             where c.timebank_id = f.timebank_id and c.fee_id = f.id and c.state = 'gone'), 0))), 0)::bigint as pence
  from fee f where f.timebank_id = $1 and f.budget_id = $2 and f.state = 'waiting'
 union all
select 'advance', count(*), coalesce(sum(a.pence), 0)::bigint
  from access_cost a where a.timebank_id = $1 and a.budget_id = $2 and a.state = 'given'
"""
OFFERS = """
select o.id, o.title, o.is_open, o.value_pence, d.number as order_number
  from offer o
  left join purchase_order d on d.timebank_id = o.timebank_id and d.id = o.order_id
 where o.timebank_id = $1 and o.budget_id = $2 order by o.is_open desc, o.title limit $3
"""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was changed, by whom and why."""

    at: datetime
    what: str
    why: str
    actor_name: str


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """One debt that a budget pays, what was paid from cash given in advance, or (below zero) what is owed back.

    ``place`` is its page.
    """

    place: str
    reference: str
    description: str
    earned_on: date
    pence: int
    state: str
    order_number: str
    payee_name: str


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """What a budget holds for a kind of promise besides bookings: a ``fee`` that was offered, cash in ``advance``."""

    kind: str
    count: int
    pence: int


class BudgetOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that members can book and a budget pays for; ``value_pence`` each time."""

    id: int
    title: str
    is_open: bool
    value_pence: int | None
    order_number: str | None


class Coding(msgspec.Struct, frozen=True, kw_only=True):
    """What a debt gets from its budget: the nominal code, and the number of the open order it belongs to."""

    budget_id: int | None = None
    nominal_code: str = ""
    order_number: str = ""


async def budgets(connection: Connection, timebank_id: int) -> list[BudgetFacts]:
    """Budgets with their sums, open ones first, at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(LISTED, timebank_id, MAX_LISTED), BudgetFacts)


async def budget(connection: Connection, timebank_id: int, budget_id: int) -> BudgetFacts | None:
    """One budget with its sums, or None."""
    return _one(await connection.fetchrow(ONE, timebank_id, budget_id), BudgetFacts)


async def budgets_of_fund(connection: Connection, timebank_id: int, fund_id: int) -> list[BudgetFacts]:
    """The budgets of one grant."""
    return _all(await connection.fetch(OF_FUND, timebank_id, fund_id), BudgetFacts)


async def funds(connection: Connection, timebank_id: int) -> list[FundFacts]:
    """Grants with their sums, open ones first, at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(FUNDS_LISTED, timebank_id, MAX_LISTED), FundFacts)


async def fund(connection: Connection, timebank_id: int, fund_id: int) -> FundFacts | None:
    """One grant with its sums, or None."""
    return _one(await connection.fetchrow(FUND, timebank_id, fund_id), FundFacts)


async def codes(connection: Connection, timebank_id: int) -> list[CodeFacts]:
    """Cost centres and nominal codes, at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(CODES, timebank_id, MAX_LISTED), CodeFacts)


async def code(connection: Connection, timebank_id: int, code_id: int) -> CodeFacts | None:
    """One cost centre or nominal code, or None."""
    return _one(await connection.fetchrow(CODE, timebank_id, code_id), CodeFacts)


async def orders(connection: Connection, timebank_id: int, budget_id: int | None = None) -> list[OrderFacts]:
    """Purchase orders with their sums, open ones first; of one budget, or at most :data:`MAX_LISTED` of all."""
    if budget_id is None:
        return _all(await connection.fetch(ORDERS_LISTED, timebank_id, MAX_LISTED), OrderFacts)
    return _all(await connection.fetch(ORDERS_OF_BUDGET, timebank_id, budget_id), OrderFacts)


async def order(connection: Connection, timebank_id: int, order_id: int) -> OrderFacts | None:
    """One purchase order with its sums, or None."""
    return _one(await connection.fetchrow(ORDER, timebank_id, order_id), OrderFacts)


async def order_by_number(connection: Connection, timebank_id: int, number: str) -> OrderFacts | None:
    """The purchase order with this number, or None."""
    return _one(await connection.fetchrow(ORDER_BY_NUMBER, timebank_id, number), OrderFacts)


async def history(connection: Connection, timebank_id: int, subject: str, subject_id: int) -> list[Event]:
    """What was changed in one of them, newest first, at most :data:`MAX_EVENTS`."""
    return _all(await connection.fetch(EVENTS, timebank_id, subject, subject_id, MAX_EVENTS), Event)


async def spent(connection: Connection, timebank_id: int, budget_id: int) -> list[Spent]:
    """What a budget pays or paid, newest first, at most :data:`MAX_SPENT_LISTED`."""
    return _all(await connection.fetch(SPENT, timebank_id, budget_id, MAX_SPENT_LISTED), Spent)


async def promised(connection: Connection, timebank_id: int, budget_id: int) -> list[Promised]:
    """What a budget holds for fees that wait for a choice, and for cash that is not accounted for; none without any."""
    found = _all(await connection.fetch(PROMISED, timebank_id, budget_id), Promised)
    return [one for one in found if one.count]


async def offers(connection: Connection, timebank_id: int, budget_id: int) -> list[BudgetOffer]:
    """What members can book and a budget pays for, at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(OFFERS, timebank_id, budget_id, MAX_LISTED), BudgetOffer)


async def coding_of(
    connection: Connection, timebank_id: int, budget_id: int | None, order_id: int | None = None
) -> Coding:
    """What a debt gets that this budget pays, within this order if that is still open."""
    found = None if budget_id is None else await budget(connection, timebank_id, budget_id)
    if found is None:
        return Coding()
    within = None if order_id is None else await order(connection, timebank_id, order_id)
    return Coding(
        budget_id=found.id,
        nominal_code=found.nominal_code,
        order_number=within.number if within is not None and within.is_open else "",
    )


def _one(row: Any, kind: type[Facts]) -> Facts | None:
    return None if row is None else msgspec.convert(dict(row), kind)


def _all(rows: Sequence[Any], kind: type[Facts]) -> list[Facts]:
    return [msgspec.convert(dict(row), kind) for row in rows]
