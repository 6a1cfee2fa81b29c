"""What a line in suspense may be: payments by amount and day, credits that a payee may have repaid. For a person."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from timebank.db import Connection
from timebank.payments import credit_queries
from timebank.payments.credit_queries import CreditFacts
from timebank.payments.rules import PaymentFacts
from timebank.payments.run_queries import PAYMENTS
from timebank.reconciliation import matching
from timebank.reconciliation.rules import LineFacts

MAX_SUGGESTED = 5
MAX_DAYS_LATER = 10
"""A payment is suggested for a line up to so many days after it was to leave."""
MAX_DAYS_BACK = 90
"""Money that comes back is compared with payments of so many days."""

SAME_AMOUNT_OUT = (
    PAYMENTS
    + """
   and m.state = 'exported' and m.pence = $2 and b.processing_on between $3::date - $4::integer and $3::date + 1
 order by b.processing_on, m.line limit $5
"""
)
SAME_AMOUNT_BACK = (
    PAYMENTS
    + """
   and m.state = 'paid' and m.pence = $2 and m.settled_on between $3::date - $4::integer and $3::date
 order by m.settled_on desc, m.line limit $5
"""
)
RUNS_SAME_AMOUNT = """
select b.number, count(*)::integer as payments
  from payment m
  join payment_batch b on b.timebank_id = m.timebank_id and b.number = m.batch_number
 where m.timebank_id = $1 and m.state = 'exported' and b.processing_on between $3::date - $4::integer and $3::date + 1
 group by b.number having sum(m.pence) = $2 and count(*) > 1
 order by b.number limit $5
"""

# Somebody marked it by hand, and no line of a statement is that repayment yet.
REPAID_BY_HAND = """
select u.credit_id, u.used_on, u.entry_id from credit_use u
 where u.timebank_id = $1 and ($2::bigint is null or u.credit_id = $2) and u.how = 'repaid' and u.is_standing
   and u.pence = $3
   and not exists (select from bank_explanation e where e.timebank_id = u.timebank_id and e.credit_id = u.credit_id
                      and e.state = 'agreed' and e.entry_id = u.entry_id)
 order by u.used_on, u.credit_id, u.n
"""
CREDIT_REFERENCES = "select reference from credit where timebank_id = $1 and id = any($2::bigint[]) order by id"
CREDIT_REFERENCE = "select reference from credit where timebank_id = $1 and id = $2"


class Suggested(msgspec.Struct, frozen=True, kw_only=True):
    """What a line may be, by amount and day: payments, or payment runs with the number of their payments."""

    payments: list[PaymentFacts]
    runs: list[tuple[int, int]]

    def __bool__(self) -> bool:
        return bool(self.payments or self.runs)


@dataclass(frozen=True, slots=True)
class Repayable:
    """A credit that a line may have repaid. ``marked_on``: somebody marked this amount as repaid by hand on that day.

    ``is_likely``: the amount or the reference is the same.
    """

    credit: CreditFacts
    marked_on: date | None
    is_likely: bool


async def suggestions(connection: Connection, timebank_id: int, line: LineFacts) -> Suggested:
    """What a line in suspense may be: the same amount, at about the day. Never more than a hint for a person."""
    pence = abs(line.pence)
    if line.pence < 0:
        key = timebank_id, pence, line.booked_on, MAX_DAYS_LATER, MAX_SUGGESTED
        rows = await connection.fetch(SAME_AMOUNT_OUT, *key)
        runs = [(row["number"], row["payments"]) for row in await connection.fetch(RUNS_SAME_AMOUNT, *key)]
    else:
        rows = await connection.fetch(
            SAME_AMOUNT_BACK, timebank_id, pence, line.booked_on, MAX_DAYS_BACK, MAX_SUGGESTED
        )
        runs = []
    return Suggested(payments=[msgspec.convert(dict(row), PaymentFacts) for row in rows], runs=runs)


async def repayable(connection: Connection, timebank_id: int, line: LineFacts) -> list[Repayable]:
    """Credits that a payee may have repaid with the money of a line: those marked by hand for this very amount, then
    those with this amount left or whose reference the line names, then larger ones."""
    by_hand = {
        row["credit_id"]: row["used_on"]
        for row in await connection.fetch(REPAID_BY_HAND, timebank_id, None, line.pence)
    }
    found = []
    for credit in await credit_queries.still_open(connection, timebank_id):
        if credit.left_pence >= line.pence and credit.id not in by_hand:
            is_named = credit.reference in matching.possible_references(line)
            found.append(Repayable(credit, None, is_named or credit.left_pence == line.pence))
    for row in await connection.fetch(CREDIT_REFERENCES, timebank_id, list(by_hand)):
        marked = await credit_queries.by_reference(connection, timebank_id, row["reference"])
        assert marked is not None
        found.append(Repayable(marked, by_hand[marked.id], True))
    return sorted(found, key=lambda one: (one.marked_on is None, not one.is_likely, one.credit.id))


async def repaid_by_hand(connection: Connection, timebank_id: int, credit_id: int, pence: int) -> UUID | None:
    """The ledger entry of a repayment of a locked credit, marked by hand and on no statement yet; None for none."""
    rows = await connection.fetch(REPAID_BY_HAND, timebank_id, credit_id, pence)
    found: UUID | None = rows[0]["entry_id"] if rows else None
    return found


async def credit(connection: Connection, timebank_id: int, credit_id: int) -> CreditFacts | None:
    """One credit, locked until the transaction ends, or None."""
    reference = await connection.fetchval(CREDIT_REFERENCE, timebank_id, credit_id)
    return reference and await credit_queries.by_reference(connection, timebank_id, reference, lock=True)
