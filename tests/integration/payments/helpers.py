"""Payables as redemptions make them: an expense entry and its record in one transaction, around one ledger call."""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from ledger import Posted, post_batch
from tests.people import NOW, Bank
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.payees.service import AddedPayee, AddPayee, member_as_payee, open_payable_account
from timebank.payees.service import add_payee as add
from timebank.payments import entries, queries, run_queries, service
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.outcomes import RecordOutcome, record_outcome
from timebank.payments.rules import NewPayable, PayableFacts, PaymentFacts
from timebank.payments.service import Approve, Changed, Submit

SOURCES = count(1_000_000_000)
"""Of debts that no booking made: far from the ids that bookings get."""
TODAY = NOW.date()


def new_key() -> str:
    return uuid4().hex


async def add_payee(db: Database, actor: Actor, name: str = "The Corner Café", member_id: int | None = None) -> int:
    if member_id is not None:
        async with db.writing(actor.timebank_id) as connection:
            return await member_as_payee(connection, actor.timebank_id, member_id, name)
    command = AddPayee(name=f"{name} {new_key()[:8]}", supplier_reference="SUP-1")
    added = await add(db, actor, command, key=new_key(), now=NOW)
    assert isinstance(added, AddedPayee), added
    return added.payee_id


async def owe(
    db: Database,
    actor: Actor,
    payee_id: int,
    *,
    kind: Any = "voucher",
    pence: int = 1250,
    due_on: date | None = None,
    source_id: int | None = None,
    now: datetime = NOW,
) -> str:
    """Owe a payee, as a fulfilled booking does; return the payment's reference."""
    new = NewPayable(
        kind=kind,
        payee_id=payee_id,
        pence=pence,
        currency="GBP",
        description="Lunch voucher" if kind == "voucher" else "First aid, one place",
        source_kind="redemption",
        source_id=next(SOURCES) if source_id is None else source_id,
        earned_on=now.date(),
        due_on=due_on or now.date() + timedelta(days=30),
    )
    async with db.writing(actor.timebank_id) as connection:
        await open_payable_account(connection, actor.timebank_id, payee_id)
        item = entries.expense_entry(new, key=f"fulfil:{new.source_id}:1", actor=actor, effective_on=now.date())
        [posted] = await post_batch(connection, actor.timebank_id, [item])
        assert isinstance(posted, Posted), posted
        return await service.record_payable(connection, actor, new, entry_id=posted.entry_id, now=now)


async def approved(bank: Bank, payee_id: int, *, kind: Any = "voucher", pence: int = 1250, **more: Any) -> str:
    """A payable that is ready to pay: confirmed by the coordinator, approved by finance."""
    reference = await owe(bank.db, bank.coordinator, payee_id, kind=kind, pence=pence, **more)
    if kind == "training":
        await done(
            service.submit(bank.db, bank.finance_two, Submit(reference=reference, invoice_number="INV-1"), **call())
        )
    await done(service.approve(bank.db, bank.finance, Approve(reference=reference), **call()))
    return reference


async def run(bank: Bank, actor: Actor | None = None, **command: Any) -> Exported:
    """Export what is ready."""
    exported = await export(bank.db, actor or bank.finance, ExportBatch(**command), **call())
    assert isinstance(exported, Exported), exported
    return exported


async def settle(bank: Bank, reference: str, outcome: str, *, on: date = TODAY, reason: str = "") -> Any:
    """What the bank did with the last payment that holds this payable."""
    payment = await last_payment(bank.db, bank.id, reference)
    command = RecordOutcome(reference=payment.reference, outcome=outcome, on=on, reason=reason)
    return await record_outcome(bank.db, bank.finance, command, **call())


async def last_payment(db: Database, timebank_id: int, reference: str) -> PaymentFacts:
    """The last payment that holds the payable with this reference."""
    payable = await facts(db, timebank_id, reference)
    async with db.reading(timebank_id) as connection:
        return (await run_queries.payments_of_payable(connection, timebank_id, payable.id))[-1]


async def done(use_case: Any) -> Changed:
    """The answer of a use case that must not refuse."""
    changed = await use_case
    assert isinstance(changed, Changed), changed
    return changed


def call() -> dict[str, Any]:
    return {"key": new_key(), "now": NOW}


def codes(answer: Any) -> list[str]:
    """The codes of the refusals a use case answered with."""
    assert isinstance(answer, list), answer
    return [refusal.code for refusal in answer]


async def facts(db: Database, timebank_id: int, reference: str) -> PayableFacts:
    async with db.reading(timebank_id) as connection:
        found = await queries.by_reference(connection, timebank_id, reference)
    assert found is not None
    return found


async def money(db: Database, timebank_id: int, *accounts: str) -> list[int]:
    """What is posted on each account, in pence."""
    async with db.reading(timebank_id) as connection:
        rows = await connection.fetch(
            """
            select a.code, b.posted from ledger.account a
              join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
             where a.book_id = $1
            """,
            timebank_id,
        )
    found = {row["code"]: row["posted"] for row in rows}
    return [found[account] for account in accounts]
