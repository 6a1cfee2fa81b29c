"""Read models of payments: for the pages, the API, and the facts that the rules ask for."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from timebank.db import Connection
from timebank.kit.ids import normalise_reference
from timebank.kit.money import parse
from timebank.kit.paging import Page, page_of
from timebank.payments.rules import PayableFacts, PaymentFacts

MAX_LISTED = 200
MAX_STATEMENT_LINES = 5000
MAX_BATCH_NUMBER = 2**31 - 1  # PostgreSQL's integer

FACTS = """
select p.id, p.reference, p.kind, p.payee_id, y.name as payee_name, y.supplier_reference,
       y.member_id as payee_member_id, y.pay_by, a.mark as account_mark, p.pence, p.currency, p.description,
       p.invoice_number, p.earned_on, p.due_on, p.state, p.entry_id, p.created_by, p.submitted_by, p.approved_by,
       p.approved_digest, p.batch_number, p.settled_on, p.settled_pence, p.part_pence, p.tax_pence, p.tax_code,
       p.nominal_code, p.order_number, p.budget_id
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
  left join bank_account a on a.timebank_id = p.timebank_id and a.payee_id = p.payee_id and a.state = 'in_use'
 where p.timebank_id = $1
"""

LOCK = " for no key update of p"
BY_REFERENCE = FACTS + " and p.reference = $2"
BY_SOURCE = FACTS + " and p.source_kind = $2 and p.source_id = $3"
BY_STATE = FACTS + " and p.state = $2 order by p.due_on, p.id limit $3"
READY = FACTS + " and p.state = 'approved' and p.id = any($2::bigint[]) order by p.id" + LOCK
BY_BATCH = (
    FACTS
    + """
   and exists (select from payment_attempt t
                where t.timebank_id = p.timebank_id and t.payable_id = p.id and t.batch_number = $2)
 order by p.id
"""
)
AFTER_ID = (
    FACTS
    + """
   and p.id > $2 and ($3::text is null or p.state = $3)
   and ($4::text is null or p.reference = $5 or p.pence = $6 or p.invoice_number ilike $4 or y.name ilike $4
        or p.description ilike $4
        or exists (select from payment_attempt t
                     join payment m on m.timebank_id = t.timebank_id and m.batch_number = t.batch_number
                                   and m.line = t.line
                    where t.timebank_id = p.timebank_id and t.payable_id = p.id and m.reference = $5))
 order by p.id limit $7
"""
)

OF_PAYEE = FACTS + " and p.payee_id = $2 and p.earned_on >= $3 and p.earned_on < $4 order by p.earned_on, p.id limit $5"
MONTHS_OF_PAYEE = """
select date_trunc('month', earned_on)::date as month, count(*) as payments, sum(pence)::bigint as pence,
       coalesce(sum(pence) filter (where state = 'paid'), 0)::bigint as paid_pence
  from payable
 where timebank_id = $1 and payee_id = $2 and state <> 'cancelled'
 group by 1 order by 1 desc limit $3
"""

COUNTS = "select state, count(*) as payments from payable where timebank_id = $1 group by state"

DEPUTIES = """
select count(*) filter (where m.status = 'active') as others, count(*) filter (where m.status = 'paused') as away
  from member_role r
  join member m on m.timebank_id = r.timebank_id and m.id = r.member_id
 where r.timebank_id = $1 and r.role = 'finance' and m.status in ('active', 'paused') and m.id <> $2
"""

HISTORY = """
select e.n, e.state, e.at, e.reason, e.entry_id, e.actor_id, m.display_name as actor_name
  from payable_event e
  left join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.payable_id = $2
 order by e.n
"""

BATCH = """
select b.number, b.format, b.line_count, b.total_pence, b.currency, b.created_at, b.entry_ids, b.processing_on,
       b.payer, b.payer_sealed, b.created_by, m.display_name as created_by_name,
       v.at as void_at, v.why as void_why, v.by_id as void_by
  from payment_batch b
  join member m on m.timebank_id = b.timebank_id and m.id = b.created_by
  left join payment_batch_void v on v.timebank_id = b.timebank_id and v.batch_number = b.number
 where b.timebank_id = $1
"""

BATCH_BY_NUMBER = BATCH + " and b.number = $2"
BATCHES_BEFORE = BATCH + " and b.number < $2 order by b.number desc limit $3"
FILE = """
select batch_number as number, file_name, content, sha256, format
  from payment_file where timebank_id = $1 and batch_number = $2 and format = $3
"""
FILES = """
select f.format, f.file_name, f.sha256, length(f.content) as bytes, f.made_at
  from payment_file f where f.timebank_id = $1 and f.batch_number = $2 order by f.made_at, f.format
"""

PAYMENTS = """
select m.batch_number, m.line, m.reference, m.payee_id, m.payee_name, m.pence, m.credited_pence, b.currency, m.state,
       m.settled_on
  from payment m
  join payment_batch b on b.timebank_id = m.timebank_id and b.number = m.batch_number
 where m.timebank_id = $1
"""
PAYMENT_BY_REFERENCE = PAYMENTS + " and m.reference = $2"
PAYMENTS_OF_BATCH = PAYMENTS + " and m.batch_number = $2 order by m.line"
PAYMENTS_OF_PAYABLE = (
    PAYMENTS
    + """
   and exists (select from payment_attempt t where t.timebank_id = m.timebank_id and t.payable_id = $2
                  and t.batch_number = m.batch_number and t.line = m.line)
 order by m.batch_number, m.line
"""
)
BY_IDS = FACTS + " and p.id = any($2::bigint[]) order by p.id"
SUMS_OF_BATCH = """
select p.kind, p.currency, count(*) as payments, sum(t.pence)::bigint as pence
  from payment_attempt t
  join payable p on p.timebank_id = t.timebank_id and p.id = t.payable_id
 where t.timebank_id = $1 and t.batch_number = $2
 group by p.kind, p.currency order by p.currency, p.kind
"""
LOCK_PAYMENT = " for no key update of m"
ITEMS_OF_PAYMENT = """
select t.payable_id, t.pence from payment_attempt t
 where t.timebank_id = $1 and t.batch_number = $2 and t.line = $3 order by t.payable_id
"""
OF_PAYMENT = (
    FACTS
    + """
   and exists (select from payment_attempt t where t.timebank_id = p.timebank_id and t.payable_id = p.id
                  and t.batch_number = $2 and t.line = $3)
 order by p.id
"""
    + LOCK
)


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """How many payments of one kind and currency, and what they add up to in minor units."""

    kind: str
    currency: str
    payments: int
    pence: int


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of a payable. No actor means the supplier, who confirmed it."""

    n: int
    state: str
    at: datetime
    reason: str
    entry_id: UUID | None
    actor_id: int | None
    actor_name: str | None


class BatchFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A payment run, without its files. ``format`` is that of its first file; ``void_*`` are None while it stands."""

    number: int
    format: str
    line_count: int
    total_pence: int
    currency: str
    created_at: datetime
    created_by: int
    created_by_name: str
    entry_ids: list[UUID]
    processing_on: date
    payer: str
    payer_sealed: bytes | None
    void_at: datetime | None
    void_why: str | None
    void_by: int | None


class BatchFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a payment run, exactly as it was made the first time."""

    number: int
    file_name: str
    content: bytes
    sha256: bytes
    format: str


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a payment run, without its content; ``bytes`` is how long it is."""

    format: str
    file_name: str
    sha256: bytes
    bytes: int
    made_at: datetime


async def by_reference(
    connection: Connection, timebank_id: int, reference: str, *, lock: bool = False
) -> PayableFacts | None:
    """The payable with this reference, or None. ``lock`` keeps others from changing it until the transaction ends."""
    return _one(await connection.fetchrow(BY_REFERENCE + (LOCK if lock else ""), timebank_id, reference))


async def by_source(
    connection: Connection, timebank_id: int, source_kind: str, source_id: int, *, lock: bool = False
) -> PayableFacts | None:
    """The payable made by a redemption, or None when it made none."""
    return _one(await connection.fetchrow(BY_SOURCE + (LOCK if lock else ""), timebank_id, source_kind, source_id))


async def in_state(connection: Connection, timebank_id: int, state: str, limit: int = MAX_LISTED) -> list[PayableFacts]:
    """Payables in one state, those due first in front."""
    return as_facts(await connection.fetch(BY_STATE, timebank_id, state, limit))


async def lock_approved(connection: Connection, timebank_id: int, ids: Sequence[int]) -> list[PayableFacts]:
    """Those of these payables that are approved, locked until the transaction ends, in the order of ids."""
    return as_facts(await connection.fetch(READY, timebank_id, list(ids)))


async def by_ids(connection: Connection, timebank_id: int, ids: Sequence[int]) -> list[PayableFacts]:
    """These payables, in the order of ids."""
    return as_facts(await connection.fetch(BY_IDS, timebank_id, list(ids)))


async def in_batch(connection: Connection, timebank_id: int, number: int) -> list[PayableFacts]:
    """Payables of one payment run, in the order of its file."""
    return as_facts(await connection.fetch(BY_BATCH, timebank_id, number))


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for: words in a name, a description or an invoice number; a reference; an amount."""

    text: str | None = None
    reference: str | None = None
    pence: int | None = None


EVERYTHING = Wanted()


def wanted(typed: str, currency: str) -> Wanted:
    """What these words look for; nothing typed looks for everything."""
    text = typed.strip()
    if not text:
        return Wanted()
    pence = parse(text, currency)
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Wanted(
        text=f"%{escaped}%", reference=normalise_reference(text), pence=pence if isinstance(pence, int) else None
    )


async def page(
    connection: Connection, timebank_id: int, *, after: int, state: str | None, size: int, look_for: Wanted = EVERYTHING
) -> Page[PayableFacts]:
    """A page of payables in the order they were made; ``after`` is the last id already seen, 0 to start."""
    found = look_for.text, look_for.reference, look_for.pence
    rows = as_facts(await connection.fetch(AFTER_ID, timebank_id, after, state, *found, size + 1))
    return page_of(rows, size, lambda payable: (payable.id,))


async def counts(connection: Connection, timebank_id: int) -> dict[str, int]:
    """How many payables there are in every state."""
    return {row["state"]: row["payments"] for row in await connection.fetch(COUNTS, timebank_id)}


async def items_of_payment(
    connection: Connection, timebank_id: int, payment: PaymentFacts
) -> list[tuple[PayableFacts, int]]:
    """The payables of one payment with what it settles of each, in minor units."""
    rows = await connection.fetch(ITEMS_OF_PAYMENT, timebank_id, payment.batch_number, payment.line)
    pence = {row["payable_id"]: row["pence"] for row in rows}
    found = as_facts(await connection.fetch(BY_IDS, timebank_id, sorted(pence)))
    return [(payable, pence[payable.id]) for payable in found]


async def sums_of_batch(connection: Connection, timebank_id: int, number: int) -> tuple[Sum, ...]:
    """What one payment run settles, by kind."""
    rows = await connection.fetch(SUMS_OF_BATCH, timebank_id, number)
    return tuple(msgspec.convert(dict(row), Sum) for row in rows)


async def deputies(connection: Connection, timebank_id: int, member_id: int) -> tuple[int, int]:
    """How many others have the finance role and are here, and how many of them are away."""
    row = await connection.fetchrow(DEPUTIES, timebank_id, member_id)
    return row["others"], row["away"]


async def history(connection: Connection, timebank_id: int, payable_id: int) -> list[Event]:
    """Every step of one payable, oldest first."""
    return [msgspec.convert(dict(row), Event) for row in await connection.fetch(HISTORY, timebank_id, payable_id)]


async def batch(connection: Connection, timebank_id: int, number: int) -> BatchFacts | None:
    """One payment run, or None."""
    row = await connection.fetchrow(BATCH_BY_NUMBER, timebank_id, number)
    return msgspec.convert(dict(row), BatchFacts) if row else None


async def batches(connection: Connection, timebank_id: int, *, before: int, size: int) -> Page[BatchFacts]:
    """A page of payment runs, newest first; ``before`` is the last number already seen."""
    rows = await connection.fetch(BATCHES_BEFORE, timebank_id, before, size + 1)
    return page_of([msgspec.convert(dict(row), BatchFacts) for row in rows], size, lambda facts: (facts.number,))


async def batch_file(connection: Connection, timebank_id: int, number: int, format_code: str) -> BatchFile | None:
    """The stored bytes of one payment run in one format, or None when it was never made in it."""
    row = await connection.fetchrow(FILE, timebank_id, number, format_code)
    return msgspec.convert(dict(row), BatchFile) if row else None


async def batch_files(connection: Connection, timebank_id: int, number: int) -> list[FileFacts]:
    """The files of one payment run, the one that left first in front."""
    return [msgspec.convert(dict(row), FileFacts) for row in await connection.fetch(FILES, timebank_id, number)]


async def payments_of_batch(connection: Connection, timebank_id: int, number: int) -> list[PaymentFacts]:
    """The lines of one payment run, in the order of its files."""
    rows = await connection.fetch(PAYMENTS_OF_BATCH, timebank_id, number)
    return [msgspec.convert(dict(row), PaymentFacts) for row in rows]


async def lock_payments(connection: Connection, timebank_id: int, number: int) -> list[PaymentFacts]:
    """The lines of one payment run, locked until the transaction ends."""
    rows = await connection.fetch(PAYMENTS_OF_BATCH + LOCK_PAYMENT, timebank_id, number)
    return [msgspec.convert(dict(row), PaymentFacts) for row in rows]


async def lock_in_batch(connection: Connection, timebank_id: int, number: int) -> list[PayableFacts]:
    """Payables of one payment run, locked until the transaction ends, in the order of ids."""
    return as_facts(await connection.fetch(BY_BATCH + LOCK, timebank_id, number))


async def payments_of_payable(connection: Connection, timebank_id: int, payable_id: int) -> list[PaymentFacts]:
    """Every attempt to pay one payable, oldest first."""
    rows = await connection.fetch(PAYMENTS_OF_PAYABLE, timebank_id, payable_id)
    return [msgspec.convert(dict(row), PaymentFacts) for row in rows]


async def payment_by_reference(
    connection: Connection, timebank_id: int, reference: str, *, lock: bool = False
) -> PaymentFacts | None:
    """The payment with this end-to-end id, or None. ``lock`` keeps others from changing it."""
    row = await connection.fetchrow(PAYMENT_BY_REFERENCE + (LOCK_PAYMENT if lock else ""), timebank_id, reference)
    return msgspec.convert(dict(row), PaymentFacts) if row else None


async def payables_of_payment(
    connection: Connection, timebank_id: int, payment: PaymentFacts
) -> list[tuple[PayableFacts, int]]:
    """The payables of one payment with what it settles of each, in minor units; locked until the transaction ends."""
    key = timebank_id, payment.batch_number, payment.line
    pence = {row["payable_id"]: row["pence"] for row in await connection.fetch(ITEMS_OF_PAYMENT, *key)}
    return [(payable, pence[payable.id]) for payable in as_facts(await connection.fetch(OF_PAYMENT, *key))]


class PayeeMonth(msgspec.Struct, frozen=True, kw_only=True):
    """What a payee earned in one month (its first day), and how much of that is paid, in minor units."""

    month: date
    payments: int
    pence: int
    paid_pence: int

    @property
    def owed_pence(self) -> int:
        """What is still to be paid."""
        return self.pence - self.paid_pence


async def of_payee(
    connection: Connection, timebank_id: int, payee_id: int, *, from_day: date, before: date
) -> list[PayableFacts]:
    """What a payee earned from one day on and before another, oldest first, at most :data:`MAX_STATEMENT_LINES`."""
    return as_facts(await connection.fetch(OF_PAYEE, timebank_id, payee_id, from_day, before, MAX_STATEMENT_LINES))


async def months_of_payee(connection: Connection, timebank_id: int, payee_id: int) -> list[PayeeMonth]:
    """Every month in which a payee earned something, newest first, at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(MONTHS_OF_PAYEE, timebank_id, payee_id, MAX_LISTED)
    return [msgspec.convert(dict(row), PayeeMonth) for row in rows]


def _one(row: object) -> PayableFacts | None:
    return msgspec.convert(dict(row), PayableFacts) if row else None  # type: ignore[call-overload]


def as_facts(rows: Sequence[object]) -> list[PayableFacts]:
    """The rows of a query that begins with :data:`FACTS`."""
    return [msgspec.convert(dict(row), PayableFacts) for row in rows]  # type: ignore[call-overload]
