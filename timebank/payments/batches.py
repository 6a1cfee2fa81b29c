"""Payment runs: approved payables leave together as bytes that never change, and the bank's answers come back."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from ledger import entry
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, claim, remember
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.payments import queries, rules
from timebank.payments.controls import read_back
from timebank.payments.formats import FORMATS, ControlTotal, PaymentFormat, PaymentRow, find_format
from timebank.payments.rules import PayableFacts
from timebank.payments.service import Changed, abandon_if, locked, move, post_one

DEFAULT_FORMAT = FORMATS[0].code

INSERT_BATCH = """
insert into payment_batch (timebank_id, number, format, file_name, content, sha256, line_count, total_pence, currency,
                           created_by, created_at, entry_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

MARK_EXPORTED = """
update payable
   set state = 'exported', batch_number = $3, reason = '', changed_at = $4
 where timebank_id = $1 and id = any($2::bigint[])
"""

EXPORT_EVENTS = """
insert into payable_event (timebank_id, payable_id, n, state, actor_id, at, entry_id)
select $1, exported.id, coalesce(max(e.n), 0) + 1, 'exported', $3, $4, $5
  from unnest($2::bigint[]) as exported(id)
  left join payable_event e on e.timebank_id = $1 and e.payable_id = exported.id
 group by exported.id
"""

NEXT_NUMBER = "select coalesce(max(number), 0) + 1 from payment_batch where timebank_id = $1"

LOCK_BATCHES = "select pg_advisory_xact_lock(hashtextextended('payment_batch', $1))"
"""One export at a time per time bank, so that batch numbers have no gaps and two exports never share a payable."""


class ExportBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Export everything that is approved. ``expected_*`` is what the person saw on the button; None skips the check."""

    format: str = DEFAULT_FORMAT
    expected_count: int | None = None
    expected_pence: int | None = None


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A payment run: its number, its payments, their sum in minor units, the SHA-256 of its bytes in hexadecimal."""

    number: int
    line_count: int
    total_pence: int
    currency: str
    sha256: str


class RecordOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank did: ``paid``, ``rejected`` or ``returned``, on the day its statement names."""

    reference: str
    outcome: str
    on: date
    reason: str = ""


class ControlTotalError(Exception):
    """The file, the payables and the ledger do not add up to the same. A bug: nothing was exported."""


async def export(
    db: Database, actor: Actor, command: ExportBatch, *, key: str, now: datetime
) -> Exported | list[Refusal]:
    """Export what is approved as one numbered batch, at most :data:`rules.MAX_LINES_PER_BATCH` lines, those due first.

    One ledger entry moves every amount from its payee to "in transit". The bytes are stored and never made again. The
    sums of the file, of the payables and of the ledger entry are compared to the penny before anything is kept.

    Refusals: ``unknown_format`` and those of ``rules.check_export``. The same key gives the same batch.

    Raises:
        ControlTotalError: the three sums differ; the transaction is abandoned.
    """
    scope = f"export_batch:{actor.name}"
    try:
        async with db.writing(actor.timebank_id) as connection:
            earlier = await claim(connection, actor.timebank_id, scope, key, command)
            if earlier is not None:
                return msgspec.convert(earlier, Exported)
            payment_format = find_format(command.format)
            if payment_format is None:
                codes = ", ".join(one.code for one in FORMATS)
                raise Rollback([Refusal("unknown_format", f"Choose one of these formats: {codes}.", "format")])
            await connection.execute(LOCK_BATCHES, actor.timebank_id)
            payables = await queries.ready(connection, actor.timebank_id, rules.MAX_LINES_PER_BATCH)
            abandon_if(
                rules.check_export(
                    actor, payables, expected_count=command.expected_count, expected_pence=command.expected_pence
                )
            )
            number = await connection.fetchval(NEXT_NUMBER, actor.timebank_id)
            facts = await banks.by_id(connection, actor.timebank_id)
            day = today(now, facts.time_zone)
            item = rules.export_entry(
                payables, number=number, key=f"export_batch:{number}:1", actor=actor, effective_on=day
            )
            entry_id = await post_one(connection, actor, item)
            content = payment_format.write([_row(payable, number) for payable in payables])
            await _check_control_totals(connection, actor.timebank_id, payables, payment_format, content, entry_id)
            exported = Exported(
                number=number,
                line_count=len(payables),
                total_pence=sum(payable.pence for payable in payables),
                currency=payables[0].currency,
                sha256=hashlib.sha256(content).hexdigest(),
            )
            file_name = f"{facts.slug}-payments-{number:04d}-{day.isoformat()}.{payment_format.extension}"
            await connection.execute(
                INSERT_BATCH,
                actor.timebank_id,
                number,
                payment_format.code,
                file_name,
                content,
                bytes.fromhex(exported.sha256),
                exported.line_count,
                exported.total_pence,
                exported.currency,
                actor.member_id,
                now,
                entry_id,
            )
            ids = [payable.id for payable in payables]
            await connection.execute(MARK_EXPORTED, actor.timebank_id, ids, number, now)
            await connection.execute(EXPORT_EVENTS, actor.timebank_id, ids, actor.member_id, now, entry_id)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(exported))
            return exported
    except Rollback as rollback:
        return rollback.refusals


async def record_outcome(
    db: Database, actor: Actor, command: RecordOutcome, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Record what the bank did with an exported payment, and move the money in the ledger accordingly.

    Refusals: those of ``rules.check_outcome``. Raises UnknownPayment for an unknown reference.
    """
    scope = f"payment_outcome:{actor.name}"
    reason = command.reason.strip()
    try:
        async with db.writing(actor.timebank_id) as connection:
            earlier = await claim(connection, actor.timebank_id, scope, key, command)
            if earlier is not None:
                return msgspec.convert(earlier, Changed)
            payable = await locked(connection, actor, command.reference)
            facts = await banks.by_id(connection, actor.timebank_id)
            exported_on = None
            if payable.batch_number is not None:
                batch = await queries.batch(connection, actor.timebank_id, payable.batch_number)
                exported_on = today(batch.created_at, facts.time_zone) if batch else None
            abandon_if(
                rules.check_outcome(
                    actor,
                    payable,
                    outcome=command.outcome,
                    on=command.on,
                    reason=reason,
                    exported_on=exported_on,
                    today=today(now, facts.time_zone),
                )
            )
            key_of_entry = f"payment_{command.outcome}:{payable.id}:1"
            item = rules.outcome_entry(payable, command.outcome, key=key_of_entry, actor=actor, effective_on=command.on)
            entry_id = await post_one(connection, actor, item)
            await connection.execute(
                "update payable set settled_on = $3 where timebank_id = $1 and id = $2",
                actor.timebank_id,
                payable.id,
                command.on,
            )
            changed = await move(connection, actor, payable, command.outcome, now, reason=reason, entry_id=entry_id)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(changed))
            return changed
    except Rollback as rollback:
        return rollback.refusals


def _row(payable: PayableFacts, number: int) -> PaymentRow:
    return PaymentRow(
        reference=payable.reference,
        payee_name=payable.payee_name,
        supplier_reference=payable.supplier_reference,
        invoice_number=payable.invoice_number,
        pence=payable.pence,
        currency=payable.currency,
        due_on=payable.due_on,
        description=payable.description,
        kind=payable.kind,
        batch_number=str(number),
    )


async def _check_control_totals(
    connection: Connection,
    timebank_id: int,
    payables: Sequence[PayableFacts],
    payment_format: PaymentFormat,
    content: bytes,
    entry_id: UUID,
) -> None:
    """The file read back, the payables and the ledger entry must say the same, to the penny and for every payee."""
    currency, total = payables[0].currency, sum(payable.pence for payable in payables)
    expected = ControlTotal(currency, len(payables), total)
    if (in_file := read_back(content, payment_format, currency)) != expected:
        raise ControlTotalError(f"the file holds {in_file}, the payables {expected}")
    legs = {leg.account: leg.amount for leg in rules.export_legs(payables)}
    posted = {leg.account: leg.amount for leg in (await entry(connection, timebank_id, entry_id)).legs}
    if posted != legs or posted[rules.IN_TRANSIT] != total:
        raise ControlTotalError(f"the ledger entry {entry_id} holds {posted}, the payables {legs}")
