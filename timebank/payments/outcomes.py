"""What the bank did with a payment: paid, rejected, returned; and a payment run that is taken back as a whole."""

from datetime import date, datetime

import msgspec

from ledger import Post
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.payments import credits as owed_back
from timebank.payments import entries, rules, run_queries, run_rules, settling
from timebank.payments.periods import open_day
from timebank.payments.rules import PaymentFacts, UnknownPayment
from timebank.payments.service import abandon_if, local_day, move, post

END_ATTEMPTS = "update payment_attempt set is_live = false where timebank_id = $1 and batch_number = $2"
VOID_PAYMENTS = "update payment set state = 'void', changed_at = $3 where timebank_id = $1 and batch_number = $2"
VOID = """
insert into payment_batch_void (timebank_id, batch_number, by_id, at, why, entry_ids) values ($1, $2, $3, $4, $5, $6)
"""
READY_AGAIN = """
update payable set state = 'approved', batch_number = null, changed_at = $3
 where timebank_id = $1 and batch_number = $2
"""


class RecordOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank did with the payment of this end-to-end id, on the day that its statement names."""

    reference: str
    outcome: str
    on: date
    reason: str = ""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, the state it is in now, and the references of the payables in it."""

    reference: str
    state: str
    payables: list[str]


class VoidBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Take a payment run back: the bank was never given its file, or has deleted it."""

    number: int
    reason: str


class Voided(msgspec.Struct, frozen=True, kw_only=True):
    """A payment run that is void; its payables are ready to leave again."""

    number: int
    payable_count: int


async def record_outcome(
    db: Database, actor: Actor, command: RecordOutcome, *, key: str, now: datetime
) -> Settled | list[Refusal]:
    """Record what the bank did with one payment, and move the money in the ledger accordingly.

    Refusals: those of ``run_rules.check_outcome``. Raises UnknownPayment for an unknown reference.
    """

    async def work(connection: Connection) -> Settled:
        payment = await run_queries.payment_by_reference(connection, actor.timebank_id, command.reference, lock=True)
        if payment is None:
            raise UnknownPayment(command.reference)
        bank = await banks.by_id(connection, actor.timebank_id)
        batch = await run_queries.batch(connection, actor.timebank_id, payment.batch_number)
        assert batch is not None
        reason = command.reason.strip()
        abandon_if(
            run_rules.check_outcome(
                actor,
                payment,
                outcome=command.outcome,
                on=command.on,
                reason=reason,
                exported_on=today(batch.created_at, bank.time_zone),
                today=today(now, bank.time_zone),
            )
        )
        return await settle(connection, actor, payment, command.outcome, on=command.on, reason=reason, now=now)

    return await once(db, actor, "payment_outcome", key, command, Settled, work)


async def settle(
    connection: Connection,
    actor: Actor,
    payment: PaymentFacts,
    outcome: str,
    *,
    on: date,
    reason: str,
    now: datetime,
) -> Settled:
    """The steps of an outcome that is allowed, with the transaction's one ledger call, for a locked payment."""
    inside = await settling.lock(connection, actor.timebank_id, [payment])
    [entry_id] = await post(
        connection,
        actor,
        [outcome_item(payment, outcome, actor=actor, effective_on=await open_day(connection, actor.timebank_id, on))],
    )
    done = settling.Outcome(payment, outcome, on, reason, entry_id)
    await settling.write_down(connection, actor, inside, [done], now=now)
    return Settled(reference=payment.reference, state=outcome, payables=inside.references(payment))


def outcome_item(payment: PaymentFacts, outcome: str, *, actor: Actor, effective_on: date) -> Post:
    """The ledger item of an outcome; its key makes it happen once."""
    key = f"payment_{outcome}:{payment.batch_number}:{payment.line}"
    return entries.outcome_entry(payment, outcome, key=key, actor=actor, effective_on=effective_on)


async def void_batch(
    db: Database, actor: Actor, command: VoidBatch, *, key: str, now: datetime
) -> Voided | list[Refusal]:
    """Take a payment run back as a whole; what it held is ready again, as it was approved, with new references later.

    Refusals: ``not_finance``, ``unknown_batch``, ``already_void``, ``bank_has_answered``, ``reason_missing``,
    ``reason_too_long``.
    """
    reason = command.reason.strip()

    async def work(connection: Connection) -> Voided:
        timebank_id = actor.timebank_id
        batch = await run_queries.batch(connection, timebank_id, command.number)
        if batch is None:
            raise Rollback([Refusal("unknown_batch", "There is no payment run with this number.", "number")])
        payments = await run_queries.lock_payments(connection, timebank_id, command.number)
        batch = await run_queries.batch(connection, timebank_id, command.number)
        assert batch is not None
        abandon_if(run_rules.check_void(actor, [one.state for one in payments], batch.void_at is not None, reason))
        day = await local_day(connection, timebank_id, now)
        payables = await run_queries.lock_in_batch(connection, timebank_id, command.number)
        await owed_back.lock_kept_back(connection, timebank_id, command.number, None)
        items = [
            entries.void_entry(
                entry_id, number=command.number, key=f"void_batch:{command.number}:{n}", actor=actor, effective_on=day
            )
            for n, entry_id in enumerate(batch.entry_ids, start=1)
        ]
        entry_ids = await post(connection, actor, items)
        await owed_back.give_back(connection, timebank_id, command.number, None)
        await connection.execute(END_ATTEMPTS, timebank_id, command.number)
        await connection.execute(VOID_PAYMENTS, timebank_id, command.number, now)
        await connection.execute(VOID, timebank_id, command.number, actor.member_id, now, reason, entry_ids)
        await connection.execute(READY_AGAIN, timebank_id, command.number, now)
        for payable in payables:
            await move(connection, actor, payable, rules.APPROVED, now, reason=reason, entry_id=entry_ids[0])
        return Voided(number=command.number, payable_count=len(payables))

    return await once(db, actor, "void_batch", key, command, Voided, work)
