"""Closing a month, so that the accounts take no new dates in it; and opening it again."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta

import msgspec
from asyncpg import QueryCanceledError

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import ADMIN, Actor
from timebank.kit.clock import today
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.payments import periods, rules
from timebank.payments.periods import next_month
from timebank.payments.service import abandon_if

MAX_IN_TRANSIT_DAYS = 10
MAX_LISTED = 24

STATES = """
select distinct on (c.month) c.month, c.is_closed, c.by_id, c.at, c.why, m.display_name as by_name
  from period_close c
  join member m on m.timebank_id = c.timebank_id and m.id = c.by_id
 where c.timebank_id = $1
 order by c.month desc, c.id desc
"""
HISTORY = """
select c.month, c.is_closed, c.by_id, c.at, c.why, m.display_name as by_name
  from period_close c
  join member m on m.timebank_id = c.timebank_id and m.id = c.by_id
 where c.timebank_id = $1 and c.month = $2 order by c.id
"""
FIRST_DAY = "select min(earned_on) from payable where timebank_id = $1"
INSERT = "insert into period_close (timebank_id, month, is_closed, by_id, at, why) values ($1, $2, $3, $4, $5, $6)"
NOT_EXPORTED = """
select count(*) from payable
 where timebank_id = $1 and state in ('draft', 'submitted', 'approved', 'rejected', 'returned') and earned_on < $2
   and due_on < $2
"""
LONG_IN_TRANSIT = """
select count(*) from payment p
  join payment_batch b on b.timebank_id = p.timebank_id and b.number = p.batch_number
 where p.timebank_id = $1 and p.state = 'exported' and b.processing_on < $2
"""
POSTED = """
select coalesce(sum(b.posted), 0)::bigint from ledger.account a
  join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
 where a.book_id = $1 and a.code = $2
"""
IN_TRANSIT_LIVE = """
select coalesce(sum(pence), 0)::bigint from payment where timebank_id = $1 and state = 'exported'
"""
OWED = """
select coalesce(sum(pence - settled_pence), 0)::bigint
       - (select coalesce(sum(pence), 0)::bigint from payment_attempt where timebank_id = $1 and is_live)
  from payable where timebank_id = $1 and state not in ('cancelled', 'paid')
"""
OWED_POSTED = """
select coalesce(sum(b.posted), 0)::bigint from ledger.account a
  join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
 where a.book_id = $1 and a.code like 'payable/%'
"""
CREDIT_LEFT = "select coalesce(sum(left_pence), 0)::bigint from credit where timebank_id = $1 and state = 'open'"
CREDIT_POSTED = """
select coalesce(-sum(b.posted), 0)::bigint from ledger.account a
  join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
 where a.book_id = $1 and a.code like 'credit/%'
"""
UNBALANCED = """
select count(*) from (
    select a.unit_id from ledger.account a
      join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
     where a.book_id = $1 group by a.unit_id having sum(b.posted) <> 0) u
"""
# Every balance again, from the entries and from the postings: each by itself must give what is kept.
UNPROVED = """
with entries as (
    select x.account_id, sum(x.amount) as amount
      from ledger.entry e cross join unnest(e.accounts, e.amounts) x(account_id, amount)
     where e.book_id = $1 group by 1
), postings as (
    select account_id, sum(amount) as amount, count(*) as n from ledger.posting where book_id = $1 group by 1
)
select count(*)
  from ledger.balance b
  full join entries e on e.account_id = b.account_id
  full join postings p on p.account_id = coalesce(b.account_id, e.account_id)
 where coalesce(b.book_id, $1) = $1
   and (b.posted is distinct from coalesce(e.amount, 0) or b.posted is distinct from coalesce(p.amount, 0)
        or b.seq is distinct from coalesce(p.n, 0))
"""
MAX_PROOF_MILLISECONDS = 5_000


class CloseMonth(msgspec.Struct, frozen=True, kw_only=True):
    """Close the month that begins on this day. ``why`` is needed when the checklist has something against it."""

    month: date
    why: str = ""


class OpenMonth(msgspec.Struct, frozen=True, kw_only=True):
    """Open a closed month again."""

    month: date
    why: str


class MonthChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A month and whether it is closed now."""

    month: date
    is_closed: bool


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the checklist: what was looked at, whether it is well, and what was found."""

    code: str
    text: str
    is_good: bool
    found: str


Look = Callable[[Connection, int, date, str], Awaitable[Sequence[Check]]]
"""Further lines of the checklist: of a time bank, a month by its first day, and a currency."""

_further: list[Look] = []


def look_also(look: Look) -> None:
    """Let a room above this one add lines to every checklist; done once, when the application is put together."""
    if look not in _further:
        _further.append(look)


class MonthFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A month that was closed or opened: the last step, by whom, when and why."""

    month: date
    is_closed: bool
    by_id: int
    by_name: str
    at: datetime
    why: str


async def close_month(
    db: Database, actor: Actor, command: CloseMonth, *, key: str, now: datetime
) -> MonthChanged | list[Refusal]:
    """Close a month that is over. Whatever is posting with a day in it comes first; later days go into an open month.

    Refusals: ``not_finance``, ``not_a_month``, ``month_not_over``, ``month_closed_already``, ``reason_missing`` (the
    checklist has something against it), ``reason_too_long``.
    """
    why = command.why.strip()

    async def work(connection: Connection) -> MonthChanged:
        timebank_id = actor.timebank_id
        abandon_if(rules.check_finance(actor))
        bank = await banks.by_id(connection, timebank_id)
        abandon_if(check_close(command.month, today=today(now, bank.time_zone)))
        await connection.execute(periods.LOCK, timebank_id)
        if await is_closed(connection, timebank_id, command.month):
            raise Rollback([Refusal("month_closed_already", "This month is closed already.")])
        open_points = [one for one in await checklist(connection, timebank_id, command.month) if not one.is_good]
        if open_points and not why:
            text = "Not everything on the list is done. Say why the month is closed all the same."
            raise Rollback([Refusal("reason_missing", text, "why")])
        abandon_if(rules.check_reason_length(why))
        await connection.execute(INSERT, timebank_id, command.month, True, actor.member_id, now, why)
        return MonthChanged(month=command.month, is_closed=True)

    return await once(db, actor, "close_month", key, command, MonthChanged, work)


async def open_month(
    db: Database, actor: Actor, command: OpenMonth, *, key: str, now: datetime
) -> MonthChanged | list[Refusal]:
    """Open a closed month again: for an administrator, or a finance person who did not close it. It needs a reason.

    Refusals: ``not_allowed``, ``month_open_already``, ``own_close``, ``reason_missing``, ``reason_too_long``.
    """
    why = command.why.strip()

    async def work(connection: Connection) -> MonthChanged:
        timebank_id = actor.timebank_id
        if actor.member_id is None or not rules.may_read(actor):
            raise Rollback([Refusal("not_allowed", "Only finance or an administrator can open a month again.")])
        await connection.execute(periods.LOCK, timebank_id)
        history = await history_of(connection, timebank_id, command.month)
        if not history or not history[-1].is_closed:
            raise Rollback([Refusal("month_open_already", "This month is open already.")])
        if history[-1].by_id == actor.member_id and not actor.has(ADMIN):
            text = "You closed this month yourself. Ask someone else in finance, or an administrator, to open it."
            raise Rollback([Refusal("own_close", text)])
        if not why:
            raise Rollback([Refusal("reason_missing", "Say why this month is opened again.", "why")])
        abandon_if(rules.check_reason_length(why))
        await connection.execute(INSERT, timebank_id, command.month, False, actor.member_id, now, why)
        return MonthChanged(month=command.month, is_closed=False)

    return await once(db, actor, "open_month", key, command, MonthChanged, work)


def check_close(month: date, *, today: date) -> list[Refusal]:
    """May this month be closed on this day? Refusals ``not_a_month``, ``month_not_over``."""
    if month.day != 1:
        return [Refusal("not_a_month", "Name a month by its first day.", "month")]
    if next_month(month) > today:
        return [Refusal("month_not_over", "This month is not over yet. Close it after its last day.", "month")]
    return []


async def is_closed(connection: Connection, timebank_id: int, month: date) -> bool:
    """True when this month takes no new dates: it is closed, or a later one is."""
    closed = await periods.closed_through(connection, timebank_id)
    return closed is not None and closed >= month


async def history_of(connection: Connection, timebank_id: int, month: date) -> list[MonthFacts]:
    """Every time this month was closed or opened, oldest first."""
    rows = await connection.fetch(HISTORY, timebank_id, month)
    return [msgspec.convert(dict(row), MonthFacts) for row in rows]


async def months(connection: Connection, timebank_id: int, day: date) -> list[tuple[date, MonthFacts | None]]:
    """Months that are over on this day since the first payable, newest first, with the last step of each."""
    steps = {
        row["month"]: msgspec.convert(dict(row), MonthFacts) for row in await connection.fetch(STATES, timebank_id)
    }
    first = await connection.fetchval(FIRST_DAY, timebank_id) or day
    found: list[tuple[date, MonthFacts | None]] = []
    month = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    while month >= first.replace(day=1) and len(found) < MAX_LISTED:
        found.append((month, steps.get(month)))
        month = (month - timedelta(days=1)).replace(day=1)
    return found


async def checklist(connection: Connection, timebank_id: int, month: date) -> list[Check]:
    """What to look at before this month is closed. Amounts are of now."""
    bank = await banks.by_id(connection, timebank_id)
    before = next_month(month)
    waiting = await connection.fetchval(NOT_EXPORTED, timebank_id, before)
    stale = await connection.fetchval(LONG_IN_TRANSIT, timebank_id, before - timedelta(days=MAX_IN_TRANSIT_DAYS))
    suspense = await connection.fetchval(POSTED, timebank_id, "suspense")
    return [
        Check(
            code="exported",
            text="Everything that was due by the end of the month has left",
            is_good=not waiting,
            found=f"{rules.payments_in_words(waiting)} not sent yet" if waiting else "",
        ),
        Check(
            code="in_transit",
            text=f"Nothing was on its way for more than {MAX_IN_TRANSIT_DAYS} days",
            is_good=not stale,
            found=f"{rules.payments_in_words(stale)} without the bank’s answer" if stale else "",
        ),
        Check(
            code="suspense",
            text="Every line of the bank statement is explained",
            is_good=not suspense,
            found=f"{in_words(abs(suspense), bank.currency)} in suspense" if suspense else "",
        ),
        await _agreement(connection, timebank_id, bank.currency),
        await _proof(connection, timebank_id),
        *[one for look in _further for one in await look(connection, timebank_id, month, bank.currency)],
    ]


async def _agreement(connection: Connection, timebank_id: int, currency: str) -> Check:
    """The accounts add up to zero, and say the same as the payments do."""
    pairs = (
        ("on its way", await connection.fetchval(POSTED, timebank_id, "in-transit"), IN_TRANSIT_LIVE),
        ("owed to payees", await connection.fetchval(OWED_POSTED, timebank_id), OWED),
        ("owed by payees", await connection.fetchval(CREDIT_POSTED, timebank_id), CREDIT_LEFT),
    )
    found = []
    for what, in_accounts, query in pairs:
        in_payments = await connection.fetchval(query, timebank_id)
        if in_accounts != in_payments:
            accounts, payments = in_words(in_accounts, currency), in_words(in_payments, currency)
            found.append(f"{what}: accounts {accounts}, payments {payments}")
    if await connection.fetchval(UNBALANCED, timebank_id):
        found.append("the accounts do not add up to zero")
    return Check(
        code="agrees",
        text="The accounts balance, and say the same as the payments",
        is_good=not found,
        found="; ".join(found),
    )


async def _proof(connection: Connection, timebank_id: int) -> Check:
    """Every balance of this time bank, rebuilt from its entries; it gives up after a few seconds and says so."""
    try:
        async with connection.transaction():
            await connection.execute(f"set local statement_timeout = {MAX_PROOF_MILLISECONDS}")
            wrong = await connection.fetchval(UNPROVED, timebank_id)
            await connection.execute("set local statement_timeout to default")
        found = f"{wrong} account{'' if wrong == 1 else 's'} with another balance" if wrong else ""
    except QueryCanceledError:
        found = "it takes too long here. Ask whoever runs your server for “timebank prove”"
    return Check(
        code="proved",
        text="Every balance is the sum of its entries",
        is_good=not found,
        found=found,
    )
