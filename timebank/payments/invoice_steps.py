"""What entering an invoice does to payables: it covers them, makes one smaller, and may owe its rest as well."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ledger import Post, Reverse
from timebank.db import Connection, Rollback
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payees.service import open_payable_account
from timebank.payments import correcting, entries, invoice_queries, invoice_rules, queries, requests, rules
from timebank.payments.invoice_rules import Covered, EnterInvoice, InvoiceFacts
from timebank.payments.rules import NewPayable
from timebank.payments.service import local_day, move, open_expense_account, post, record_payable

COVER = """
insert into supplier_invoice_item (timebank_id, invoice_id, payable_id, pence, tax_pence) values ($1, $2, $3, $4, $5)
"""
# The tax of a payable is what its invoices say. Who entered the last one stands behind it.
BILL = """
update payable p
   set invoice_number = $3, due_on = $4, submitted_by = $5, approved_by = null, approved_digest = null,
       part_pence = $6, state = 'submitted',
       tax_pence = (select least(p.pence, sum(t.tax_pence)) from supplier_invoice_item t
                     where t.timebank_id = p.timebank_id and t.payable_id = p.id and t.is_live)
 where p.timebank_id = $1 and p.id = $2
"""
EVENT = """
insert into supplier_invoice_event (timebank_id, invoice_id, what, reason, actor_id, at) values ($1, $2, $3, $4, $5, $6)
"""


class UnknownInvoice(LookupError):
    """The time bank has no invoice with this id."""


async def locked(connection: Connection, actor: Actor, invoice_id: int) -> InvoiceFacts:
    """The invoice, locked until the transaction ends. Raises UnknownInvoice when there is none."""
    found = await invoice_queries.invoice(connection, actor.timebank_id, invoice_id, lock=True)
    if found is None:
        raise UnknownInvoice(invoice_id)
    return found


async def add_event(
    connection: Connection, actor: Actor, invoice_id: int, what: str, now: datetime, *, reason: str = ""
) -> None:
    """Write what happened to an invoice into its history."""
    row = (invoice_id, what[:200], reason, actor.member_id, now)
    await connection.execute(EVENT, actor.timebank_id, *row)


async def cover(
    connection: Connection,
    actor: Actor,
    invoice_id: int,
    invoice: EnterInvoice | InvoiceFacts,
    items: Sequence[Covered],
    now: datetime,
) -> None:
    """Write down what an invoice covers: amounts that are smaller first, in one ledger call, then number, date, tax."""
    for item in items:
        if item.corrected_pence is not None:
            reason = f"Invoice {invoice.number} is lower."
            await _correct(connection, actor, invoice_id, item, reason, now)
        row = (item.found.payable.id, item.pence, item.tax_pence)
        await connection.execute(COVER, actor.timebank_id, invoice_id, *row)
    for item in items:
        payable = item.found.payable
        if not invoice_rules.may_change(payable):
            continue  # it has left: the invoice is noted, and nothing of it changes
        part = None
        if item.is_part:  # the next payment run takes what invoices cover so far
            covered = payable.pence - item.found.open_pence + item.pence
            part = covered - payable.settled_pence if covered > payable.settled_pence else None
        values = (invoice.number, invoice.due_on, actor.member_id, part)
        await connection.execute(BILL, actor.timebank_id, payable.id, *values)
        await move(connection, actor, payable, rules.SUBMITTED, now, reason=f"Invoice {invoice.number} entered.")


async def _correct(
    connection: Connection, actor: Actor, invoice_id: int, item: Covered, reason: str, now: datetime
) -> None:
    found, pence = item.found, item.corrected_pence or 0
    day = await local_day(connection, actor.timebank_id, now)
    change = await correcting.correction(
        connection,
        actor,
        found.source_kind,
        found.source_id,
        pence=pence,
        key=f"invoice:{invoice_id}:{found.payable.id}",
        effective_on=day,
    )
    if isinstance(change, Refusal):
        raise Rollback([change])
    if change is None:
        return
    posts: list[Post | Reverse] = [change.reverse, change.post]
    entry_ids: list[UUID] = await post(connection, actor, posts)
    await correcting.record_corrected(
        connection,
        actor,
        found.source_kind,
        found.source_id,
        pence=pence,
        entry_id=entry_ids[-1],
        reason=reason,
        now=now,
    )


async def owe_rest(connection: Connection, actor: Actor, invoice: InvoiceFacts, reason: str, now: datetime) -> str:
    """The rest of an invoice as a payable of its own, with its share of the tax. Returns its reference."""
    timebank_id, pence = actor.timebank_id, invoice.open_pence
    covered = await invoice_queries.lock_payables(connection, timebank_id, invoice.id)
    evidence = f"Invoice {invoice.number} of {invoice.invoiced_on.isoformat()}"
    request_id = await connection.fetchval(requests.INSERT, timebank_id, reason, evidence, actor.member_id, now)
    new = NewPayable(
        kind="other",
        payee_id=invoice.payee_id,
        pence=pence,
        currency=invoice.currency,
        description=f"Rest of invoice {invoice.number}",
        source_kind="request",
        source_id=request_id,
        earned_on=invoice.invoiced_on,
        due_on=invoice.due_on,
        invoice_number=invoice.number,
        tax_pence=invoice_rules.shares(invoice.tax_pence, [invoice.covered_pence, pence], invoice.gross_pence)[1],
        tax_code=_only(one.tax_code for one in covered),
        nominal_code=_only(one.nominal_code for one in covered),
    )
    await open_payable_account(connection, timebank_id, invoice.payee_id)
    await open_expense_account(connection, timebank_id, new.kind)
    day = await local_day(connection, timebank_id, now)
    item = entries.expense_entry(new, key=f"payment_request:{request_id}:1", actor=actor, effective_on=day)
    [entry_id] = await post(connection, actor, [item])
    reference = await record_payable(connection, actor, new, entry_id=entry_id, now=now)
    payable = await queries.by_reference(connection, timebank_id, reference)
    assert payable is not None
    await connection.execute(COVER, timebank_id, invoice.id, payable.id, pence, new.tax_pence)
    return reference


def _only(values: Iterable[str]) -> str:
    """The one value that all of them have, or ""."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""
