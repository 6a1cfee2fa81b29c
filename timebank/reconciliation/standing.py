"""Where reconciliation stands: the accounts and the bank side by side, what is on its way."""

from datetime import date

import msgspec

from timebank.db import Connection
from timebank.reconciliation.queries import MAX_LISTED, STATEMENT, statement_from

LATEST = STATEMENT + " and s.state in ('booking', 'booked') order by s.last_on desc, s.id desc limit 1"
LATEST_BALANCE = (
    STATEMENT + " and s.state = 'booked' and s.closing_pence is not null order by s.last_on desc, s.id desc limit 1"
)

IN_TRANSIT = """
select b.number, b.processing_on, count(*)::integer as payments, sum(m.pence)::bigint as pence
  from payment m
  join payment_batch b on b.timebank_id = m.timebank_id and b.number = m.batch_number
 where m.timebank_id = $1 and m.state = 'exported'
 group by b.number, b.processing_on order by b.processing_on, b.number limit $2
"""

# Every line is in the ledger's bank account, once it is booked; beside them is only what somebody marked by hand.
AGREEMENT = """
select (select coalesce(sum(pence), 0)::bigint
          from bank_line where timebank_id = $1 and state <> 'waiting' and part_of is null) as lines,
       (select coalesce(sum(case state when 'paid' then -pence else 0 end), 0)::bigint
          from payment where timebank_id = $1) as paid,
       (select coalesce(sum(case t.outcome when 'paid' then -m.pence else m.pence end), 0)::bigint
          from bank_match t
          join payment m
            on m.timebank_id = t.timebank_id and m.batch_number = t.batch_number and m.line = t.payment_line
         where t.timebank_id = $1) as shown,
       (select coalesce(sum(pence), 0)::bigint
          from credit_use where timebank_id = $1 and how = 'repaid' and is_standing) as repaid,
       (select coalesce(sum(l.pence), 0)::bigint
          from bank_explanation e
          join bank_line l on l.timebank_id = e.timebank_id and l.id = e.line_id
         where e.timebank_id = $1 and e.kind = 'credit_repaid' and e.state = 'agreed') as repaid_shown,
       (select count(*) from bank_line where timebank_id = $1 and state = 'suspense') as unexplained,
       (select coalesce(sum(pence), 0)::bigint from bank_line
         where timebank_id = $1 and state = 'suspense') as suspense,
       (select coalesce(sum(gap_pence), 0)::bigint from bank_statement
         where timebank_id = $1 and state in ('booking', 'booked')) as gap
"""
BALANCES = """
select a.code, b.posted from ledger.account a
  join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
 where a.book_id = $1 and a.code in ('bank', 'suspense', 'in-transit')
"""
LINES_SINCE = """
select coalesce(sum(pence), 0)::bigint from bank_line where timebank_id = $1 and booked_on > $2 and part_of is null
"""


class OnItsWay(msgspec.Struct, frozen=True, kw_only=True):
    """What is on its way of one payment run."""

    number: int
    processing_on: date
    payments: int
    pence: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where reconciliation stands, in minor units, as the bank sees it: above zero is money that we have.

    ``bank_pence`` is what the ledger's bank account says; ``lines_pence`` the sum of all statement lines;
    ``by_hand_pence`` what was marked by hand and no statement has shown yet. ``bank_pence`` is the sum of the two:
    ``difference_pence`` must be zero. ``suspense_pence`` is the ledger's, ``in_transit_pence`` what is on its way.
    ``before_pence`` is what the bank had before the first line of all, ``gap_pence`` what was accepted as missing.
    """

    currency: str
    bank_pence: int
    lines_pence: int
    by_hand_pence: int
    suspense_pence: int
    unexplained: int
    unexplained_pence: int
    in_transit_pence: int
    last_on: date | None
    closing_pence: int | None
    closing_on: date | None
    before_pence: int | None
    gap_pence: int

    @property
    def difference_pence(self) -> int:
        """What cannot be: it must be zero."""
        return self.bank_pence - self.lines_pence - self.by_hand_pence

    @property
    def is_reconciled(self) -> bool:
        """Everything is explained and the accounts agree with the bank."""
        return not (self.unexplained or self.suspense_pence or self.difference_pence)


async def in_transit(connection: Connection, timebank_id: int) -> list[OnItsWay]:
    """What is on its way, by payment run, the oldest in front."""
    rows = await connection.fetch(IN_TRANSIT, timebank_id, MAX_LISTED)
    return [msgspec.convert(dict(row), OnItsWay) for row in rows]


async def position(connection: Connection, timebank_id: int, currency: str) -> Position:
    """Where reconciliation stands."""
    row = await connection.fetchrow(AGREEMENT, timebank_id)
    ledger = {one["code"]: one["posted"] for one in await connection.fetch(BALANCES, timebank_id)}
    last = statement_from(await connection.fetchrow(LATEST, timebank_id))
    with_balance = statement_from(await connection.fetchrow(LATEST_BALANCE, timebank_id))
    before = None
    if with_balance is not None and with_balance.closing_pence is not None:
        since = await connection.fetchval(LINES_SINCE, timebank_id, with_balance.last_on)
        before = with_balance.closing_pence - (row["lines"] - since)
    return Position(
        currency=currency,
        bank_pence=-ledger.get("bank", 0),
        lines_pence=row["lines"],
        by_hand_pence=row["paid"] - row["shown"] + row["repaid"] - row["repaid_shown"],
        suspense_pence=ledger.get("suspense", 0),
        unexplained=row["unexplained"],
        unexplained_pence=row["suspense"],
        in_transit_pence=ledger.get("in-transit", 0),
        last_on=last.last_on if last else None,
        closing_pence=with_balance.closing_pence if with_balance else None,
        closing_on=with_balance.last_on if with_balance else None,
        before_pence=before,
        gap_pence=row["gap"],
    )
