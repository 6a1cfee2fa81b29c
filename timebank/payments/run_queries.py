"""Read models of payment runs: the runs, their files, and the payments that they ask the bank for."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from timebank.db import Connection
from timebank.kit.paging import Page, page_of
from timebank.payments.queries import BY_IDS, FACTS, LOCK, as_facts
from timebank.payments.rules import PayableFacts, PaymentFacts

MAX_BATCH_NUMBER = 2**31 - 1  # PostgreSQL's integer
BY_BATCH = (
    FACTS
    + """
   and exists (select from payment_attempt t
                where t.timebank_id = p.timebank_id and t.payable_id = p.id and t.batch_number = $2)
 order by p.id
"""
)
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
STATES = """
select batch_number, state, count(*) as payments
  from payment where timebank_id = $1 and batch_number = any($2::integer[]) group by 1, 2
"""
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


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """How many payments of one kind and currency, and what they add up to in minor units."""

    kind: str
    currency: str
    payments: int
    pence: int


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


async def in_batch(connection: Connection, timebank_id: int, number: int) -> list[PayableFacts]:
    """Payables of one payment run, in the order of its file."""
    return as_facts(await connection.fetch(BY_BATCH, timebank_id, number))


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


async def batch(connection: Connection, timebank_id: int, number: int) -> BatchFacts | None:
    """One payment run, or None."""
    row = await connection.fetchrow(BATCH_BY_NUMBER, timebank_id, number)
    return msgspec.convert(dict(row), BatchFacts) if row else None


async def batches(connection: Connection, timebank_id: int, *, before: int, size: int) -> Page[BatchFacts]:
    """A page of payment runs, newest first; ``before`` is the last number already seen."""
    rows = await connection.fetch(BATCHES_BEFORE, timebank_id, before, size + 1)
    return page_of([msgspec.convert(dict(row), BatchFacts) for row in rows], size, lambda facts: (facts.number,))


async def states(connection: Connection, timebank_id: int, numbers: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many payments of each of these runs are in each state."""
    found: dict[int, dict[str, int]] = {number: {} for number in numbers}
    for row in await connection.fetch(STATES, timebank_id, list(numbers)):
        found[row["batch_number"]][row["state"]] = row["payments"]
    return found


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
