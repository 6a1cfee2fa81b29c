"""Payables: made when something is owed, checked by two people, exported once, followed until the bank has answered.

The functions at the top run inside another room's transaction, around that room's one ledger call; the use cases below
open their own.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from ledger import Post, Posted, Refused, Reverse, open_account, post_batch
from timebank.banks import queries as banks
from timebank.budgets import service as budgets
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.ids import reference as new_reference
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.payments import credit_queries, entries, queries, rules
from timebank.payments.own_account import own_mark, refuse_own_account
from timebank.payments.periods import open_day
from timebank.payments.rules import NewPayable, PayableFacts, UnknownPayment

REFERENCE_ATTEMPTS = 5

INSERT_PAYABLE = """
insert into payable (timebank_id, reference, kind, payee_id, pence, currency, description, due_on, state,
                     source_kind, source_id, earned_on, entry_id, created_by, created_at, submitted_by, changed_at,
                     invoice_number, tax_pence, tax_code, nominal_code, order_number, budget_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $15, $17, $18, $19, $20, $21, $22)
on conflict (timebank_id, reference) do nothing
returning id
"""

INSERT_EVENT = """
insert into payable_event (timebank_id, payable_id, n, state, actor_id, at, reason, entry_id)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7
  from payable_event
 where timebank_id = $1 and payable_id = $2
"""


SIGN = "update payable set approved_by = $3, approved_digest = $4 where timebank_id = $1 and id = $2"
LEAVE_BATCH = "update payable set batch_number = null, state = $3 where timebank_id = $1 and id = $2"
SETTLE = """
update payable set settled_pence = settled_pence + $3, settled_on = $4, part_pence = null, approved_by = $5,
                   approved_digest = $6, batch_number = null, state = $7
 where timebank_id = $1 and id = $2
"""


class Submit(msgspec.Struct, frozen=True, kw_only=True):
    """Send a payable for approval: a draft with its invoice number, an approved one again with a reason."""

    reference: str
    invoice_number: str = ""
    reason: str = ""


class Approve(msgspec.Struct, frozen=True, kw_only=True):
    """Approve a payable as it was shown (``seen_digest``, hexadecimal; "" when it was not shown)."""

    reference: str
    seen_digest: str = ""


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Take a payable back before it is exported."""

    reference: str
    reason: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A payable and the state it is in now."""

    reference: str
    state: str


# For redemptions, inside their transaction --------------------------------------------------------------------------


async def record_payable(
    connection: Connection,
    actor: Actor,
    new: NewPayable,
    *,
    entry_id: UUID,
    now: datetime,
    is_promised: bool = False,
    made_by: int | None = None,
) -> str:
    """Write down what ``entries.expense_entry`` has just posted, and return its public reference.

    A voucher arrives waiting for approval, submitted by the actor; a training place arrives without its invoice number.
    ``made_by``: who asked for it, where somebody else looked at it first (a claim); they do not approve it either.
    What a supplier confirmed names no member: the supplier stands behind it, and finance approves it.

    ``is_promised``: its budget has held the money for it, and the caller checks that (``budgets.service``).

    Raises:
        Rollback: its budget or purchase order cannot pay for it, with the refusals of ``budgets.service.check``.
        ValueError: the actor is the system (a payable always has somebody who stands behind it).
    """
    if actor.member_id is None and actor.supplier_id is None:
        raise ValueError("a payable is made by a person, never by the system")
    state = rules.first_state(new.kind)
    submitted_by = actor.member_id if state == rules.SUBMITTED else None
    await budgets.lock(connection, actor.timebank_id, new.budget_id)
    for _ in range(REFERENCE_ATTEMPTS):
        reference = new_reference()
        payable_id = await connection.fetchval(
            INSERT_PAYABLE,
            actor.timebank_id,
            reference,
            new.kind,
            new.payee_id,
            new.pence,
            new.currency,
            new.description,
            new.due_on,
            state,
            new.source_kind,
            new.source_id,
            new.earned_on,
            entry_id,
            actor.member_id if made_by is None else made_by,
            now,
            submitted_by,
            new.invoice_number,
            new.tax_pence,
            new.tax_code,
            new.nominal_code,
            new.order_number,
            new.budget_id,
        )
        if payable_id is not None:
            await _add_event(connection, actor, payable_id, state, now, entry_id=entry_id)
            if not is_promised:
                await budgets.check(
                    connection,
                    actor.timebank_id,
                    new.budget_id,
                    order_number=new.order_number,
                    payee_id=new.payee_id,
                    day=new.earned_on,
                )
            return reference
    raise RuntimeError(f"no free payment reference in {REFERENCE_ATTEMPTS} attempts")


async def reference_of(connection: Connection, timebank_id: int, source_kind: str, source_id: int) -> str:
    """The public reference of what a source owes; "" when it owes nothing."""
    payable = await queries.by_source(connection, timebank_id, source_kind, source_id)
    return "" if payable is None else payable.reference


async def cancellation(
    connection: Connection, actor: Actor, source_kind: str, source_id: int, *, key: str, effective_on: date
) -> Reverse | Refusal | None:
    """The ledger item that takes back what a source owes; locks the payable until the transaction ends.

    None when there is nothing to take back (no payable, or cancelled before). Refusals: ``credited_before``, and
    ``payment_already_exported`` when the payment has left, or a part of it: ``taking_back`` makes its payee owe it
    back. After posting it, call :func:`record_cancelled`.
    """
    payable = await queries.by_source(connection, actor.timebank_id, source_kind, source_id, lock=True)
    if payable is None or payable.state == rules.CANCELLED:
        return None
    if refusal := await owed_back_already(connection, actor.timebank_id, payable):
        return refusal
    if rules.has_left(payable):
        return rules.refuse_cancelling_for_source(payable)
    return entries.cancelling_entry(payable, key=key, actor=actor, effective_on=effective_on)


async def owed_back_already(connection: Connection, timebank_id: int, payable: PayableFacts) -> Refusal | None:
    """Refusal ``credited_before`` when the payee owes this back: taking it back again would give it back twice."""
    if not await credit_queries.of_payable(connection, timebank_id, payable.id):
        return None
    text = f"{payable.payee_name} owes us this back already. Have it approved, then set the two off: no money moves."
    return Refusal("credited_before", text)


async def record_cancelled(
    connection: Connection,
    actor: Actor,
    source_kind: str,
    source_id: int,
    *,
    entry_id: UUID,
    now: datetime,
    reason: str = "The booking was refunded.",
) -> None:
    """Write down that :func:`cancellation` was posted as ``entry_id``.

    Raises:
        UnknownPayment: the source has no payable.
    """
    payable = await queries.by_source(connection, actor.timebank_id, source_kind, source_id, lock=True)
    if payable is None:
        raise UnknownPayment(f"{source_kind}/{source_id}")
    if payable.batch_number is not None:  # rejected or returned: it is in no payment run any more
        await connection.execute(LEAVE_BATCH, actor.timebank_id, payable.id, rules.CANCELLED)
    await move(connection, actor, payable, rules.CANCELLED, now, reason=reason, entry_id=entry_id)


# Use cases ----------------------------------------------------------------------------------------------------------


async def submit(db: Database, actor: Actor, command: Submit, *, key: str, now: datetime) -> Changed | list[Refusal]:
    """Send a payable for approval. The actor becomes its submitter, and so cannot be the one who approves it.

    Who puts an approved one back does not stand behind it: its submitter stays, or could approve it now. Refusals:
    those of ``rules.check_submit``. Raises UnknownPayment for an unknown reference.
    """
    invoice_number, reason = tidy(command.invoice_number), command.reason.strip()

    async def work(connection: Connection) -> Changed:
        payable = await locked(connection, actor, command.reference)
        abandon_if(rules.check_submit(actor, payable, invoice_number=invoice_number, reason=reason))
        await connection.execute(
            """
            update payable
               set invoice_number = case when $3 = '' then invoice_number else $3 end,
                   submitted_by = case when state = 'approved' then coalesce(submitted_by, $4) else $4 end,
                   approved_by = null, approved_digest = null, batch_number = null, state = 'submitted'
             where timebank_id = $1 and id = $2
            """,
            actor.timebank_id,
            payable.id,
            invoice_number,
            actor.member_id,
        )
        return await move(connection, actor, payable, rules.SUBMITTED, now, reason=reason)

    return await once(db, actor, "submit_payable", key, command, Changed, work)


async def approve(db: Database, actor: Actor, command: Approve, *, key: str, now: datetime) -> Changed | list[Refusal]:
    """Approve a payable: sign the digest of what it says. Never by who submitted it, nor by whom it pays.

    Refusals: those of ``rules.check_approve``; ``pays_yourself`` also when it goes to the approver's own account under
    another name. Raises UnknownPayment for an unknown reference.
    """

    async def work(connection: Connection) -> Changed:
        payable = await locked(connection, actor, command.reference)
        abandon_if(
            rules.check_approve(actor, payable, seen_digest=command.seen_digest)
            or refuse_own_account(payable, await own_mark(connection, actor))
        )
        await connection.execute(
            SIGN,
            actor.timebank_id,
            payable.id,
            actor.member_id,
            rules.digest(payable),
        )
        return await move(connection, actor, payable, rules.APPROVED, now)

    return await once(db, actor, "approve_payable", key, command, Changed, work)


async def cancel(db: Database, actor: Actor, command: Cancel, *, key: str, now: datetime) -> Changed | list[Refusal]:
    """Cancel a payable before export, reversing its expense; the booking it came from stays as it is.

    Refusals: those of ``rules.check_cancel``, ``credited_before``. Raises UnknownPayment for an unknown reference.
    """
    reason = command.reason.strip()

    async def work(connection: Connection) -> Changed:
        payable = await locked(connection, actor, command.reference)
        abandon_if(rules.check_cancel(actor, payable, reason=reason))
        if refusal := await owed_back_already(connection, actor.timebank_id, payable):
            raise Rollback([refusal])
        day = await local_day(connection, actor.timebank_id, now)
        item = entries.cancelling_entry(payable, key=f"payable_cancelled:{payable.id}:1", actor=actor, effective_on=day)
        [entry_id] = await post(connection, actor, [item])
        return await move(connection, actor, payable, rules.CANCELLED, now, reason=reason, entry_id=entry_id)

    return await once(db, actor, "cancel_payable", key, command, Changed, work)


# Steps --------------------------------------------------------------------------------------------------------------


async def local_day(connection: Connection, timebank_id: int, now: datetime) -> date:
    """The calendar day in the time bank's own zone, or the first day that its accounts still take."""
    day = today(now, (await banks.by_id(connection, timebank_id)).time_zone)
    return await open_day(connection, timebank_id, day)


async def open_expense_account(connection: Connection, timebank_id: int, kind: str) -> None:
    """Make sure that there is a ledger account for what one kind of payable costs. Harmless when it is there."""
    facts = await banks.by_id(connection, timebank_id)
    await open_account(
        connection,
        timebank_id,
        code=entries.expense_account(kind),
        unit=facts.currency,
        account_class="system",
        name=f"Cost of {kind}",
        floor=None,
    )


async def post(connection: Connection, actor: Actor, items: Sequence[Post | Reverse]) -> list[UUID]:
    """The transaction's one ledger call. Returns the entries' ids; a refusal abandons the transaction in words."""
    ids = []
    for result in await post_batch(connection, actor.timebank_id, items):
        if not isinstance(result, Posted):
            message = result.message if isinstance(result, Refused) else "The entry was not posted."
            raise Rollback([Refusal("ledger_refused", f"The accounts refuse this: {message} Ask your administrator.")])
        ids.append(result.entry_id)
    return ids


async def locked(connection: Connection, actor: Actor, reference: str) -> PayableFacts:
    """The payable, locked until the transaction ends. Raises UnknownPayment when there is none."""
    payable = await queries.by_reference(connection, actor.timebank_id, reference, lock=True)
    if payable is None:
        raise UnknownPayment(reference)
    return payable


async def move(
    connection: Connection,
    actor: Actor,
    payable: PayableFacts,
    state: str,
    now: datetime,
    *,
    reason: str = "",
    entry_id: UUID | None = None,
) -> Changed:
    """Put a locked payable into a state and write the step into its history."""
    await connection.execute(
        "update payable set state = $3, reason = $4, changed_at = $5 where timebank_id = $1 and id = $2",
        actor.timebank_id,
        payable.id,
        state,
        reason,
        now,
    )
    await _add_event(connection, actor, payable.id, state, now, reason=reason, entry_id=entry_id)
    return Changed(reference=payable.reference, state=state)


async def add_settled(
    connection: Connection,
    actor: Actor,
    payable: PayableFacts,
    pence: int,
    *,
    on: date,
    reason: str,
    entry_id: UUID,
    now: datetime,
) -> Changed:
    """Settle so much of a locked payable outside payment runs: it is paid, or its rest needs a new approval."""
    is_whole = payable.settled_pence + pence == payable.pence
    state = rules.PAID if is_whole else rules.SUBMITTED
    await connection.execute(
        SETTLE,
        actor.timebank_id,
        payable.id,
        pence,
        on,
        payable.approved_by if is_whole else None,
        payable.approved_digest if is_whole else None,
        state,
    )
    return await move(connection, actor, payable, state, now, reason=reason, entry_id=entry_id)


async def _add_event(
    connection: Connection,
    actor: Actor,
    payable_id: int,
    state: str,
    now: datetime,
    *,
    reason: str = "",
    entry_id: UUID | None = None,
) -> None:
    await connection.execute(INSERT_EVENT, actor.timebank_id, payable_id, state, actor.member_id, now, reason, entry_id)


def abandon_if(refusals: list[Refusal]) -> None:
    """Leave the transaction without keeping anything when there are refusals."""
    if refusals:
        raise Rollback(refusals)
