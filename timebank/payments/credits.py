"""Credits: what payees owe back, from a refund after payment or a credit note; netted, set off or repaid.

A payment run keeps a payee's credits back from what it pays. Who owes us as much as we owe them gets no payment:
``set_off.settle_debt`` sets the two off. What is repaid comes with the bank's statement. ``credit_notes`` are entered
by one person and agreed by another.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from ledger import Post
from timebank.banks import queries as banks
from timebank.db import Connection, Database, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.ids import reference as new_reference
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.payees.rules import credit_account, prepaid_account
from timebank.payees.service import open_credit_account
from timebank.payments import credit_queries, entries, queries, rules
from timebank.payments.credit_queries import CreditFacts, CreditLeft
from timebank.payments.periods import open_day
from timebank.payments.rules import PayableFacts, PaymentFacts
from timebank.payments.service import abandon_if, owed_back_already, post

REFUND, CREDIT_NOTE = "refund", "credit_note"
REFERENCE_ATTEMPTS = 5

INSERT = """
insert into credit (timebank_id, reference, payee_id, source, kind, payable_id, pence, left_pence, currency,
                    document_number, reason, state, proposed_by, proposed_at, entry_id)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict do nothing returning id
"""
USE = "update credit set left_pence = left_pence - $3 where timebank_id = $1 and id = $2"
INSERT_USE = """
insert into credit_use (timebank_id, credit_id, n, how, pence, batch_number, line, payable_id, used_on, note, by_id, at,
                        entry_id, cash_n, is_standing)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, true
  from credit_use where timebank_id = $1 and credit_id = $2
"""
LOCK_KEPT_BACK = """
select c.id from credit c
 where c.timebank_id = $1
   and exists (select from credit_use u where u.timebank_id = c.timebank_id and u.credit_id = c.id and u.is_standing
                  and u.batch_number = $2 and ($3::integer is null or u.line = $3))
 order by c.id for no key update
"""
GIVE_BACK = """
with back as (
    update credit_use set is_standing = false
     where timebank_id = $1 and batch_number = $2 and ($3::integer is null or line = $3) and is_standing
    returning credit_id, pence)
update credit c set left_pence = c.left_pence + b.pence
  from (select credit_id, sum(pence) as pence from back group by credit_id) b
 where c.timebank_id = $1 and c.id = b.credit_id
"""
NEXT_USE = "select coalesce(max(n), 0) + 1 from credit_use where timebank_id = $1 and credit_id = $2"


class UnknownCredit(LookupError):
    """The time bank has no credit with this reference."""


class Crediting(msgspec.Struct, frozen=True, kw_only=True):
    """A debt that was paid already and is owed no more: the ledger item that makes its payee owe ``pence`` back."""

    payable: PayableFacts
    pence: int
    post: Post


class RecordRepaid(msgspec.Struct, frozen=True, kw_only=True):
    """A payee paid (a part of) a credit back into the bank on that day."""

    reference: str
    pence: int
    on: date
    note: str = ""


class CreditChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A credit, its state, and what is left of it in minor units."""

    reference: str
    state: str
    left_pence: int


class Use(NamedTuple):
    """So much of a credit goes into one payment of a run."""

    credit_id: int
    pence: int
    batch_number: int
    line: int
    entry_id: UUID


# For other rooms, inside their transaction ---------------------------------------------------------------------------


async def crediting(
    connection: Connection,
    actor: Actor,
    source_kind: str,
    source_id: int,
    *,
    still_owed: int,
    key: str,
    effective_on: date,
) -> Crediting | Refusal:
    """The ledger item after which a source has cost ``still_owed`` (minor units) only, when its payment left already.

    Locks the payable until the transaction ends. Refusals: ``nothing_is_owed``, ``more_than_owed``,
    ``credited_before``. After posting it, call :func:`record_refund`.
    """
    payable = await queries.by_source(connection, actor.timebank_id, source_kind, source_id, lock=True)
    if payable is None or payable.state == rules.CANCELLED:
        return Refusal("nothing_is_owed", "No supplier is owed anything for this.", "supplier_pence")
    if not 0 <= still_owed < payable.pence:
        return Refusal("more_than_owed", "Enter less than what is owed now.", "supplier_pence")
    if refusal := await owed_back_already(connection, actor.timebank_id, payable):
        return refusal
    await open_credit_account(connection, actor.timebank_id, payable.payee_id)
    pence = payable.pence - still_owed
    is_prepaid = source_kind == "code_batch"
    cost = prepaid_account(payable.payee_id) if is_prepaid else entries.expense_account(payable.kind)
    item = entries.transfer_entry(
        credit_account(payable.payee_id),
        cost,
        pence,
        payable.currency,
        kind="payable_refunded",
        key=key,
        actor=actor,
        effective_on=effective_on,
        reference=payable.reference,
    )
    return Crediting(payable=payable, pence=pence, post=item)


async def record_refund(
    connection: Connection, actor: Actor, made: Crediting, *, entry_id: UUID, reason: str, now: datetime
) -> str:
    """Write down that :func:`crediting` was posted; return the reference of the credit."""
    payable = made.payable
    return await insert_credit(
        connection,
        actor,
        payee_id=payable.payee_id,
        source=REFUND,
        kind=payable.kind,
        payable_id=payable.id,
        pence=made.pence,
        currency=payable.currency,
        document_number="",
        reason=reason[: rules.MAX_REASON],
        state="open",
        entry_id=entry_id,
        now=now,
    )


def repaid_item(credit: CreditFacts, n: int, pence: int, *, actor: Actor, effective_on: date) -> Post:
    """The ledger item of a credit that came back into the bank; ``n`` is :func:`next_use` of the locked credit."""
    return entries.transfer_entry(
        entries.BANK,
        credit_account(credit.payee_id),
        pence,
        credit.currency,
        kind="credit_repaid",
        key=f"credit_repaid:{credit.id}:{n}",
        actor=actor,
        effective_on=effective_on,
        reference=credit.reference,
    )


async def next_use(connection: Connection, timebank_id: int, credit_id: int) -> int:
    """The number that the next use of a locked credit gets."""
    number: int = await connection.fetchval(NEXT_USE, timebank_id, credit_id)
    return number


async def record_repaid(
    connection: Connection,
    actor: Actor,
    credit: CreditFacts,
    pence: int,
    *,
    on: date,
    note: str,
    entry_id: UUID,
    now: datetime,
) -> CreditChanged:
    """Write down that :func:`repaid_item` was posted, for a locked credit."""
    await use_credit(connection, actor, credit.id, "repaid", pence, on=on, note=note, entry_id=entry_id, now=now)
    return CreditChanged(reference=credit.reference, state=credit.state, left_pence=credit.left_pence - pence)


# For payment runs ----------------------------------------------------------------------------------------------------


def kept_back(left: Sequence[CreditLeft], payments: Sequence[PaymentFacts], entry_ids: Sequence[UUID]) -> list[Use]:
    """Which credits the payments of a run keep back, the oldest of each payee first."""
    found = []
    for payment in payments:
        entry_id = entries.entry_of_line(entry_ids, payment.line)
        theirs = [credit for credit in left if credit.payee_id == payment.payee_id]
        for credit_id, pence in spread(theirs, payment.credited_pence):
            found.append(Use(credit_id, pence, payment.batch_number, payment.line, entry_id))
    return found


def spread(left: Sequence[CreditLeft], pence: int) -> list[tuple[int, int]]:
    """How much of which credit makes up an amount, the oldest first.

    Raises:
        AssertionError: there is not so much left.
    """
    found = []
    for credit in left:
        if taken := min(pence, credit.left_pence):
            found.append((credit.id, taken))
            pence -= taken
    if pence:
        raise AssertionError(f"{pence} more is kept back than there is")
    return found


async def record_kept_back(
    connection: Connection, actor: Actor, uses: Sequence[Use], *, on: date, now: datetime
) -> None:
    """Write down what the payments of a run keep back."""
    for use in uses:
        await use_credit(
            connection,
            actor,
            use.credit_id,
            "payment",
            use.pence,
            batch_number=use.batch_number,
            line=use.line,
            on=on,
            entry_id=use.entry_id,
            now=now,
        )


async def lock_kept_back(connection: Connection, timebank_id: int, batch_number: int, line: int | None) -> None:
    """Lock the credits of one payment (or of a whole run) until the transaction ends."""
    await connection.fetch(LOCK_KEPT_BACK, timebank_id, batch_number, line)


async def give_back(connection: Connection, timebank_id: int, batch_number: int, line: int | None) -> None:
    """The payment (or the whole run) did not go through: what it kept back is there again."""
    await connection.execute(GIVE_BACK, timebank_id, batch_number, line)


# Use cases -----------------------------------------------------------------------------------------------------------


async def repaid(
    db: Database, actor: Actor, command: RecordRepaid, *, key: str, now: datetime
) -> CreditChanged | list[Refusal]:
    """Record that a payee paid a credit back into the bank, wholly or in part.

    A day in a closed month counts in the first open one; ``used_on`` keeps the real day.

    Refusals: ``not_finance``, ``not_open``, ``more_than_left``, ``date_in_future``, ``reason_too_long``. Raises
    UnknownCredit.
    """

    async def work(connection: Connection) -> CreditChanged:
        abandon_if(rules.check_finance(actor))
        credit = await locked_credit(connection, actor, command.reference)
        bank = await banks.by_id(connection, actor.timebank_id)
        abandon_if(check_repaid(credit, command.pence, command.on, today=today(now, bank.time_zone)))
        abandon_if(rules.check_reason_length(command.note))
        n = await next_use(connection, actor.timebank_id, credit.id)
        effective_on = await open_day(connection, actor.timebank_id, command.on)
        item = repaid_item(credit, n, command.pence, actor=actor, effective_on=effective_on)
        [entry_id] = await post(connection, actor, [item])
        note = command.note.strip()
        return await record_repaid(
            connection, actor, credit, command.pence, on=command.on, note=note, entry_id=entry_id, now=now
        )

    return await once(db, actor, "credit_repaid", key, command, CreditChanged, work)


def check_repaid(credit: CreditFacts, pence: int, on: date, *, today: date) -> list[Refusal]:
    """May this amount of a credit be marked as repaid? Refusals: see :func:`repaid`."""
    if credit.state != "open" or not credit.left_pence:
        return [Refusal("not_open", "Nothing is left of this credit, or nobody agreed with it yet.")]
    refusals = []
    if not 0 < pence <= credit.left_pence:
        left = in_words(credit.left_pence, credit.currency)
        refusals.append(Refusal("more_than_left", f"Enter an amount up to {left}: that is what is left.", "pence"))
    if on > today:
        refusals.append(Refusal("date_in_future", "Enter a date that is today or earlier.", "on"))
    return refusals


async def locked_credit(connection: Connection, actor: Actor, reference: str) -> CreditFacts:
    """The credit, locked until the transaction ends. Raises UnknownCredit when there is none."""
    credit = await credit_queries.by_reference(connection, actor.timebank_id, reference, lock=True)
    if credit is None:
        raise UnknownCredit(reference)
    return credit


async def insert_credit(
    connection: Connection,
    actor: Actor,
    *,
    payee_id: int,
    source: str,
    kind: str,
    payable_id: int | None,
    pence: int,
    currency: str,
    document_number: str,
    reason: str,
    state: str,
    entry_id: UUID | None,
    now: datetime,
) -> str:
    """Write a credit down; return its new reference."""
    for _ in range(REFERENCE_ATTEMPTS):
        reference = new_reference()
        row = (reference, payee_id, source, kind, payable_id, pence, currency, document_number, reason, state)
        made = await connection.fetchval(INSERT, actor.timebank_id, *row, actor.member_id, now, entry_id)
        if made is not None:
            return reference
    raise RuntimeError(f"no free credit reference in {REFERENCE_ATTEMPTS} attempts")


async def use_credit(
    connection: Connection,
    actor: Actor,
    credit_id: int,
    how: str,
    pence: int,
    *,
    on: date,
    entry_id: UUID,
    now: datetime,
    batch_number: int | None = None,
    line: int | None = None,
    payable_id: int | None = None,
    cash_n: int | None = None,
    note: str = "",
) -> None:
    """Take so much from a locked credit, and write down what for."""
    await connection.execute(USE, actor.timebank_id, credit_id, pence)
    place = (batch_number, line, payable_id)
    await connection.execute(
        INSERT_USE, actor.timebank_id, credit_id, how, pence, *place, on, note, actor.member_id, now, entry_id, cash_n
    )
