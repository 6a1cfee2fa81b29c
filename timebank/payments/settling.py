"""Writing down what the bank did with payments, one or ten thousand: a few statements, however many there are.

First :func:`lock`, then the transaction's ledger call, then :func:`write_down`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.payments import rules
from timebank.payments.credits import give_back
from timebank.payments.rules import PaymentFacts

Place = tuple[int, int]
"""Payment run and line: which payment."""

ITEMS = """
select t.batch_number, t.line, t.payable_id, t.pence
  from payment_attempt t
 where t.timebank_id = $1 and (t.batch_number, t.line) in (select * from unnest($2::integer[], $3::integer[]))
 order by t.batch_number, t.line, t.payable_id
"""
PAYABLES = """
select p.id, p.reference, p.state, p.pence, p.settled_pence, p.settled_on, p.approved_by, p.approved_digest,
       p.batch_number
  from payable p where p.timebank_id = $1 and p.id = any($2::bigint[]) order by p.id for no key update
"""
LOCK_KEPT_BACK = """
select c.id from credit c
 where c.timebank_id = $1 and c.id in
       (select u.credit_id from credit_use u
         where u.timebank_id = $1 and u.is_standing
           and (u.batch_number, u.line) in (select * from unnest($2::integer[], $3::integer[])))
 order by c.id for no key update
"""
END_ATTEMPTS = """
update payment_attempt set is_live = false
 where timebank_id = $1 and (batch_number, line) in (select * from unnest($2::integer[], $3::integer[]))
"""
END_PAYMENTS = """
update payment m set state = x.state, settled_on = x.settled_on, changed_at = $6
  from unnest($2::integer[], $3::integer[], $4::text[], $5::date[]) as x(batch_number, line, state, settled_on)
 where m.timebank_id = $1 and m.batch_number = x.batch_number and m.line = x.line
"""
SETTLE = """
update payable p
   set settled_pence = x.settled_pence, settled_on = x.settled_on, part_pence = null, approved_by = x.approved_by,
       approved_digest = x.approved_digest, batch_number = x.batch_number, state = x.state, reason = x.reason,
       changed_at = $10
  from unnest($2::bigint[], $3::bigint[], $4::date[], $5::bigint[], $6::bytea[], $7::integer[], $8::text[],
              $9::text[])
       as x(id, settled_pence, settled_on, approved_by, approved_digest, batch_number, state, reason)
 where p.timebank_id = $1 and p.id = x.id
"""
EVENTS = """
insert into payable_event (timebank_id, payable_id, n, state, actor_id, at, reason, entry_id)
select $1, x.payable_id,
       coalesce((select max(e.n) from payable_event e where e.timebank_id = $1 and e.payable_id = x.payable_id), 0)
       + row_number() over (partition by x.payable_id order by x.place),
       x.state, $6, $7, x.reason, x.entry_id
  from unnest($2::bigint[], $3::text[], $4::text[], $5::uuid[]) with ordinality
       as x(payable_id, state, reason, entry_id, place)
"""


@dataclass(slots=True)
class Owed:
    """A locked payable as its payments change it; ``reason`` is of the last change."""

    id: int
    reference: str
    state: str
    pence: int
    settled_pence: int
    settled_on: date | None
    approved_by: int | None
    approved_digest: bytes | None
    batch_number: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """What locked payments hold: of each payment its payables with what it settles of them, in minor units."""

    items: dict[Place, list[tuple[Owed, int]]]

    def references(self, payment: PaymentFacts) -> list[str]:
        """The references of the payables in a payment."""
        return [owed.reference for owed, _ in self.items.get(_place(payment), [])]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bank did with a locked payment, and the ledger entry that says so."""

    payment: PaymentFacts
    outcome: str
    on: date
    reason: str
    entry_id: UUID


async def lock(connection: Connection, timebank_id: int, payments: Sequence[PaymentFacts]) -> Inside:
    """Lock what locked payments hold, payables first, then credits: before the ledger call of their outcomes."""
    places = _columns(sorted({_place(one) for one in payments}))
    rows = await connection.fetch(ITEMS, timebank_id, *places)
    ids = sorted({row["payable_id"] for row in rows})
    owed = {row["id"]: Owed(**dict(row)) for row in await connection.fetch(PAYABLES, timebank_id, ids)}
    await connection.fetch(LOCK_KEPT_BACK, timebank_id, *places)
    items: dict[Place, list[tuple[Owed, int]]] = {}
    for row in rows:
        items.setdefault((row["batch_number"], row["line"]), []).append((owed[row["payable_id"]], row["pence"]))
    return Inside(items)


async def write_down(
    connection: Connection, actor: Actor, inside: Inside, outcomes: Sequence[Outcome], *, now: datetime
) -> None:
    """Write down outcomes that were posted, in their order: payments, attempts, payables, and what was kept back."""
    timebank_id = actor.timebank_id
    ends: dict[Place, tuple[str, date]] = {}
    changed: dict[int, Owed] = {}
    events: list[tuple[int, str, str, UUID]] = []
    for one in outcomes:
        ends[_place(one.payment)] = one.outcome, one.on
        for owed, pence in inside.items.get(_place(one.payment), []):
            _change(owed, one, pence)
            changed[owed.id] = owed
            events.append((owed.id, owed.state, one.reason, one.entry_id))
        if one.outcome != rules.PAID:
            await give_back(connection, timebank_id, one.payment.batch_number, one.payment.line)
    if not ends:
        return
    await connection.execute(END_ATTEMPTS, timebank_id, *_columns(ends))
    states, days = zip(*ends.values(), strict=True)
    await connection.execute(END_PAYMENTS, timebank_id, *_columns(ends), states, days, now)
    if not changed:
        return
    rows = [
        (one.id, one.settled_pence, one.settled_on, one.approved_by, one.approved_digest, one.batch_number, one.state,
         one.reason)
        for one in changed.values()
    ]  # fmt: skip
    await connection.execute(SETTLE, timebank_id, *zip(*rows, strict=True), now)
    await connection.execute(EVENTS, timebank_id, *zip(*events, strict=True), actor.member_id, now)


def _change(owed: Owed, one: Outcome, pence: int) -> None:
    """What an outcome of its payment makes of a payable."""
    was_approved = True
    if one.outcome == rules.PAID:
        owed.settled_pence += pence
        # What is left of it needs a new approval.
        was_approved = owed.settled_pence == owed.pence
        owed.state = rules.PAID if was_approved else rules.SUBMITTED
    elif one.outcome == rules.REJECTED:
        was_approved, owed.state = False, rules.REJECTED
    else:
        owed.settled_pence -= pence
        # It came back. Another part of it may be on its way, or wait for approval: then that goes on.
        if owed.state == rules.PAID:
            was_approved, owed.state = False, rules.RETURNED
    if not was_approved:
        owed.approved_by = owed.approved_digest = None
    if owed.state in (rules.PAID, rules.REJECTED, rules.RETURNED):
        owed.batch_number = one.payment.batch_number
    elif owed.state != rules.EXPORTED:
        owed.batch_number = None
    owed.settled_on, owed.reason = one.on, one.reason


def _place(payment: PaymentFacts) -> Place:
    return payment.batch_number, payment.line


def _columns(places: Iterable[Place]) -> tuple[list[int], list[int]]:
    places = list(places)
    return [number for number, _ in places], [line for _, line in places]
