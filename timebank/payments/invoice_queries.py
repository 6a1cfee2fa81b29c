"""Read models of suppliers' invoices: the list, one with what it covers and its papers, what could be covered."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from timebank.db import Connection
from timebank.kit.paging import Page, page_of
from timebank.payments import documents
from timebank.payments.documents import Paper, PaperContent
from timebank.payments.invoice_rules import Coverable, InvoiceFacts
from timebank.payments.queries import FACTS, LOCK
from timebank.payments.rules import PayableFacts

MAX_COVERABLE = 500
MAX_EVENTS = 100

INVOICES = """
select i.id, i.payee_id, y.name as payee_name, i.number, i.invoiced_on, i.due_on, i.net_pence, i.tax_pence,
       i.gross_pence, i.currency, i.state, i.reason, m.display_name as entered_by_name, i.entered_at,
       coalesce(t.pence, 0)::bigint as covered_pence, coalesce(t.payables, 0) as payables,
       (select count(*) from supplier_invoice_paper f
         where f.timebank_id = i.timebank_id and f.invoice_id = i.id) as papers
  from supplier_invoice i
  join payee y on y.timebank_id = i.timebank_id and y.id = i.payee_id
  join member m on m.timebank_id = i.timebank_id and m.id = i.entered_by
  left join lateral (select sum(t.pence) as pence, count(*) as payables from supplier_invoice_item t
                      where t.timebank_id = i.timebank_id and t.invoice_id = i.id and t.is_live) t on true
 where i.timebank_id = $1
"""
BEFORE = INVOICES + (
    " and i.id < $2 and ($3::text is null or i.state = $3) and ($4::bigint is null or i.payee_id = $4)"
    " order by i.id desc limit $5"
)
ONE = INVOICES + " and i.id = $2"
LOCK_ONE = "select id from supplier_invoice where timebank_id = $1 and id = $2 for no key update"
BY_NUMBER = """
select id from supplier_invoice
 where timebank_id = $1 and payee_id = $2 and number_key = $3 and state <> 'withdrawn'
"""
SAME_ELSEWHERE = """
select reference from payable p
 where p.timebank_id = $1 and p.payee_id = $2 and lower(p.invoice_number) = lower($3) and p.state <> 'cancelled'
   and not p.reference = any($4::text[])
   and not exists (select from supplier_invoice_item t where t.timebank_id = p.timebank_id and t.payable_id = p.id
                      and t.is_live)
 order by p.id limit 1
"""
COVERED_SUM = """
(select coalesce(sum(t.pence), 0) from supplier_invoice_item t
  where t.timebank_id = p.timebank_id and t.payable_id = p.id and t.is_live)
"""
_WITH_OPEN = FACTS.replace(
    "  from payable p\n",
    f"       , p.source_kind, p.source_id, p.pence - {COVERED_SUM} as open_pence\n  from payable p\n",
)
COVERABLE = (
    _WITH_OPEN
    + f" and p.payee_id = $2 and p.state <> 'cancelled' and p.pence > {COVERED_SUM}"
    + (" order by p.earned_on, p.id limit $3")
)
CHOSEN = _WITH_OPEN + " and p.payee_id = $2 and p.reference = any($3::text[]) order by p.earned_on, p.id" + LOCK
CHOSEN_IDS = """
select id from payable where timebank_id = $1 and payee_id = $2 and reference = any($3::text[]) order by id
   for no key update
"""
ITEMS = """
select p.reference, p.description, p.earned_on, p.state, p.pence as owed_pence, t.pence, t.tax_pence, t.is_live
  from supplier_invoice_item t
  join payable p on p.timebank_id = t.timebank_id and p.id = t.payable_id
 where t.timebank_id = $1 and t.invoice_id = $2 order by p.earned_on, p.id
"""
LIVE_PAYABLES = (
    FACTS
    + """
   and exists (select from supplier_invoice_item t where t.timebank_id = p.timebank_id and t.payable_id = p.id
                  and t.invoice_id = $2 and t.is_live)
 order by p.id
"""
    + LOCK
)
PAPERS = """
select f.id, f.file_name, f.media_type, length(f.content) as length, f.sha256, f.added_at
  from supplier_invoice_paper f where f.timebank_id = $1 and f.invoice_id = $2 order by f.id
"""
PAPER = """
select file_name, media_type, content, sha256 from supplier_invoice_paper
 where timebank_id = $1 and invoice_id = $2 and id = $3
"""
EVENTS = """
select e.at, e.what, e.reason, m.display_name as actor_name
  from supplier_invoice_event e join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.invoice_id = $2 order by e.id limit $3
"""
OF_PAYABLE = """
select i.id, i.number, i.state, t.pence
  from supplier_invoice_item t
  join supplier_invoice i on i.timebank_id = t.timebank_id and i.id = t.invoice_id
 where t.timebank_id = $1 and t.payable_id = $2 and t.is_live order by i.id
"""
COUNTS = "select state, count(*) as invoices from supplier_invoice where timebank_id = $1 group by state"


class InvoiceItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice settles of one payable, in minor units. ``is_live``: false once it is withdrawn."""

    reference: str
    description: str
    earned_on: date
    state: str
    owed_pence: int
    pence: int
    tax_pence: int
    is_live: bool


class InvoiceEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an invoice."""

    at: datetime
    what: str
    reason: str
    actor_name: str


class InvoiceOf(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that covers so much of a payable."""

    id: int
    number: str
    state: str
    pence: int


async def invoices(
    connection: Connection,
    timebank_id: int,
    *,
    before: int,
    size: int,
    state: str | None = None,
    payee_id: int | None = None,
) -> Page[InvoiceFacts]:
    """A page of invoices, newest first; ``before`` is the last id already seen."""
    rows = await connection.fetch(BEFORE, timebank_id, before, state, payee_id, size + 1)
    found = [msgspec.convert(dict(row), InvoiceFacts) for row in rows]
    return page_of(found, size, lambda one: (one.id,))


async def invoice(
    connection: Connection, timebank_id: int, invoice_id: int, *, lock: bool = False
) -> InvoiceFacts | None:
    """One invoice, or None. ``lock`` keeps others from changing it until the transaction ends."""
    if lock:
        await connection.fetch(LOCK_ONE, timebank_id, invoice_id)
    row = await connection.fetchrow(ONE, timebank_id, invoice_id)
    return msgspec.convert(dict(row), InvoiceFacts) if row else None


async def known_number(connection: Connection, timebank_id: int, payee_id: int, number_key: str) -> int | None:
    """The invoice of this supplier that has this number already, or None."""
    found: int | None = await connection.fetchval(BY_NUMBER, timebank_id, payee_id, number_key)
    return found


async def coverable(connection: Connection, timebank_id: int, payee_id: int) -> list[Coverable]:
    """What of a supplier's payables no invoice covers yet, oldest first, at most :data:`MAX_COVERABLE`."""
    return _coverable(await connection.fetch(COVERABLE, timebank_id, payee_id, MAX_COVERABLE))


async def lock_coverable(
    connection: Connection, timebank_id: int, payee_id: int, references: Sequence[str]
) -> list[Coverable]:
    """These payables of a supplier, locked until the transaction ends, oldest first; who is not theirs is left out."""
    # Locked in the order of ids first; the sums are read when the locks are there.
    await connection.fetch(CHOSEN_IDS, timebank_id, payee_id, list(references))
    return _coverable(await connection.fetch(CHOSEN, timebank_id, payee_id, list(references)))


async def items(connection: Connection, timebank_id: int, invoice_id: int) -> list[InvoiceItem]:
    """What an invoice settles, oldest first."""
    rows = await connection.fetch(ITEMS, timebank_id, invoice_id)
    return [msgspec.convert(dict(row), InvoiceItem) for row in rows]


async def lock_payables(connection: Connection, timebank_id: int, invoice_id: int) -> list[PayableFacts]:
    """The payables that an invoice covers, locked until the transaction ends."""
    rows = await connection.fetch(LIVE_PAYABLES, timebank_id, invoice_id)
    return [msgspec.convert(dict(row), PayableFacts) for row in rows]


async def papers(connection: Connection, timebank_id: int, invoice_id: int) -> list[Paper]:
    """The papers of an invoice, in the order they came."""
    return documents.papers(await connection.fetch(PAPERS, timebank_id, invoice_id))


async def paper(connection: Connection, timebank_id: int, invoice_id: int, paper_id: int) -> PaperContent | None:
    """One paper of an invoice, or None."""
    return documents.content(await connection.fetchrow(PAPER, timebank_id, invoice_id, paper_id))


async def events(connection: Connection, timebank_id: int, invoice_id: int) -> list[InvoiceEvent]:
    """What happened to an invoice, oldest first."""
    rows = await connection.fetch(EVENTS, timebank_id, invoice_id, MAX_EVENTS)
    return [msgspec.convert(dict(row), InvoiceEvent) for row in rows]


async def of_payable(connection: Connection, timebank_id: int, payable_id: int) -> list[InvoiceOf]:
    """The invoices that cover a payable, first one first."""
    rows = await connection.fetch(OF_PAYABLE, timebank_id, payable_id)
    return [msgspec.convert(dict(row), InvoiceOf) for row in rows]


async def counts(connection: Connection, timebank_id: int) -> dict[str, int]:
    """How many invoices are in each state."""
    return {row["state"]: row["invoices"] for row in await connection.fetch(COUNTS, timebank_id)}


def _coverable(rows: Sequence[Any]) -> list[Coverable]:
    found = []
    for row in rows:
        fields = dict(row)
        own = {name: fields.pop(name) for name in ("source_kind", "source_id", "open_pence")}
        payable = msgspec.convert(fields, PayableFacts)
        found.append(
            Coverable(
                payable=payable,
                source_kind=own["source_kind"],
                source_id=own["source_id"],
                open_pence=int(own["open_pence"]),
            )
        )
    return found
