"""Where each amount of a payment run comes from: payment, payable, what was delivered, and the hours behind it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from timebank.db import Connection

# Each source in its own way back: a booking spent hours itself, a voucher's use leads to its booking, a fee to the
# contribution that it pays for.
TRACE = """
select t.line, m.reference as payment, m.payee_name as payee, t.n as attempt, t.pence, p.reference as payable, p.kind,
       p.description, p.earned_on, p.due_on, p.invoice_number, p.order_number, p.entry_id as owed_entry,
       p.source_kind, p.source_id,
       coalesce(r.reference, u.reference, f.reference, c.reference, x.reference, '') as source_reference,
       coalesce(b.reference, g.reference || ', line ' || k.line, '') as behind,
       coalesce(r.entry_id, b.entry_id, k.entry_id) as hours_entry,
       coalesce(r.minutes, b.minutes, f.minutes) as minutes
  from payment_attempt t
  join payment m on m.timebank_id = t.timebank_id and m.batch_number = t.batch_number and m.line = t.line
  join payable p on p.timebank_id = t.timebank_id and p.id = t.payable_id
  left join redemption r on p.source_kind = 'redemption' and r.timebank_id = p.timebank_id and r.id = p.source_id
  left join voucher_use u on p.source_kind = 'voucher_use' and u.timebank_id = p.timebank_id and u.id = p.source_id
  left join voucher v on v.timebank_id = u.timebank_id and v.id = u.voucher_id
  left join redemption b on b.timebank_id = v.timebank_id and b.id = v.redemption_id
  left join fee_choice h on p.source_kind = 'fee' and h.timebank_id = p.timebank_id and h.id = p.source_id
  left join fee f on f.timebank_id = h.timebank_id and f.id = h.fee_id
  left join contribution k on k.timebank_id = f.timebank_id and k.id = f.contribution_id
  left join register g on g.timebank_id = k.timebank_id and g.id = k.register_id
  left join claim c on p.source_kind = 'claim' and c.timebank_id = p.timebank_id and c.id = p.source_id
  left join access_cost x on p.source_kind = 'access_cost' and x.timebank_id = p.timebank_id and x.id = p.source_id
 where t.timebank_id = $1 and t.batch_number = $2
 order by t.line, p.id
"""
EVENTS = """
select p.reference as payable, e.n, e.state, e.at, e.actor_id, e.reason, e.entry_id
  from payable_event e
  join payable p on p.timebank_id = e.timebank_id and p.id = e.payable_id
 where e.timebank_id = $1 and exists (select from payment_attempt t where t.timebank_id = e.timebank_id
                                         and t.payable_id = e.payable_id and t.batch_number = $2)
 order by p.id, e.n
"""
# What the bank did with a payment is posted under the payment's own reference, or the run's when it was one amount.
OUTCOME_ENTRIES = """
select id from ledger.entry where book_id = $1 and id = any($2::uuid[]) and reference = any($3::text[])
"""
VOID_ENTRIES = "select entry_ids from payment_batch_void where timebank_id = $1 and batch_number = $2"


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """One payable in a payment. ``behind``: the booking of a voucher's use, the line of the register of a fee.

    ``minutes`` and ``hours_entry`` are those of the hours behind it, if there are any.
    """

    line: int
    payment: str
    payee: str
    attempt: int
    pence: int
    payable: str
    kind: str
    description: str
    earned_on: date
    due_on: date
    invoice_number: str
    order_number: str
    owed_entry: UUID
    source_kind: str
    source_id: int
    source_reference: str
    behind: str
    hours_entry: UUID | None
    minutes: int | None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of a payable; no actor means the supplier or the service itself."""

    payable: str
    n: int
    state: str
    at: datetime
    actor_id: int | None
    reason: str
    entry_id: UUID | None


async def trace(connection: Connection, timebank_id: int, number: int) -> list[Traced]:
    """Every payable of a payment run, in the order of its lines."""
    return [Traced(**dict(row)) for row in await connection.fetch(TRACE, timebank_id, number)]


async def steps(connection: Connection, timebank_id: int, number: int) -> list[Step]:
    """Every step of every payable of a payment run: who submitted, approved and exported it, and when."""
    return [Step(**dict(row)) for row in await connection.fetch(EVENTS, timebank_id, number)]


async def entries_behind(
    connection: Connection,
    timebank_id: int,
    number: int,
    *,
    exported: Sequence[UUID],
    traced: Sequence[Traced],
    walked: Sequence[Step],
) -> list[UUID]:
    """The ledger entries of a payment run: what made the debts, what sent it on its way, and what became of it."""
    known = [one.entry_id for one in walked if one.entry_id is not None]
    references = sorted({one.payment for one in traced} | {f"batch/{number}"})
    outcomes = [row["id"] for row in await connection.fetch(OUTCOME_ENTRIES, timebank_id, known, references)]
    voided = await connection.fetchval(VOID_ENTRIES, timebank_id, number) or []
    return sorted({*exported, *voided, *outcomes, *(one.owed_entry for one in traced)})
