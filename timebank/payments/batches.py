"""Payment runs: approved payables leave together, one payment for each payee, as bytes that never change."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from ledger import entry
from timebank.banks import queries as banks
from timebank.db import Connection, Database, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.ids import reference as new_reference
from timebank.kit.refusal import Refusal
from timebank.kit.working_days import working_days_after
from timebank.payees.queries import accounts, own_account
from timebank.payments import entries, queries, rules
from timebank.payments.files import ControlTotalError, chosen_format, keep_file, load
from timebank.payments.formats import PaymentFormat
from timebank.payments.periods import open_day
from timebank.payments.rules import PayableFacts, PaymentFacts
from timebank.payments.service import abandon_if, post
from timebank.payments.settings import payment_settings

REFERENCE_ATTEMPTS = 5

INSERT_BATCH = """
insert into payment_batch (timebank_id, number, format, line_count, total_pence, currency, created_by, created_at,
                           entry_ids, processing_on, payer, payer_sealed)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
       (select sealed from bank_account where timebank_id = $1 and payee_id is null and state = 'in_use')
"""

INSERT_PAYMENTS = """
insert into payment (timebank_id, batch_number, line, reference, payee_id, payee_name, supplier_reference, town,
                     country, pence, sealed, state, changed_at)
select $1, $2, x.line, x.reference, x.payee_id, y.name, y.supplier_reference, y.town, y.country, x.pence, a.sealed,
       'exported', $3
  from unnest($4::integer[], $5::text[], $6::bigint[], $7::bigint[]) as x(line, reference, payee_id, pence)
  join payee y on y.timebank_id = $1 and y.id = x.payee_id
  left join bank_account a on a.timebank_id = $1 and a.payee_id = x.payee_id and a.state = 'in_use'
"""

INSERT_ATTEMPTS = """
insert into payment_attempt (timebank_id, payable_id, n, batch_number, line, pence, is_live)
select $1, x.payable_id,
       1 + (select count(*) from payment_attempt t where t.timebank_id = $1 and t.payable_id = x.payable_id),
       $2, x.line, x.pence, true
  from unnest($3::bigint[], $4::integer[], $5::bigint[]) as x(payable_id, line, pence)
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
TAKEN = "select reference from payment where timebank_id = $1 and reference = any($2::text[])"

LOCK_BATCHES = "select pg_advisory_xact_lock(hashtextextended('payment_batch', $1))"
"""One export at a time per time bank, so that batch numbers have no gaps and two exports never share a payable."""


class ExportBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Export everything that is approved and can be paid in this format ("" for the time bank's own format).

    ``expected_*`` is what the person saw on the button; None skips the check. ``processing_on`` is the working day on
    which the bank is asked to move the money; None for the first one that the settings allow.
    """

    format: str = ""
    expected_count: int | None = None
    expected_pence: int | None = None
    processing_on: date | None = None


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A payment run: its number, its payments, the payables in them, and their sum in minor units.

    ``sha256`` is of the bytes of its first file, in hexadecimal.
    """

    number: int
    line_count: int
    payable_count: int
    total_pence: int
    currency: str
    sha256: str


async def export(
    db: Database, actor: Actor, command: ExportBatch, *, key: str, now: datetime
) -> Exported | list[Refusal]:
    """Export what is ready as one numbered batch, at most :data:`rules.MAX_PER_BATCH` payables, those due first.

    What one payee is owed leaves as one payment. Ledger entries move every amount from its payee to "in transit". The
    bytes are stored and never made again. The sums of the file, of the payables and of the ledger entries are compared
    to the penny before anything is kept.

    Refusals: ``unknown_format``, those of ``rules.check_export`` and ``rules.check_processing``, and of the format's
    ``check``. The same key gives the same batch.

    Raises:
        ControlTotalError: the sums differ; the transaction is abandoned.
    """

    async def work(connection: Connection) -> Exported:
        settings = await payment_settings(connection, actor.timebank_id)
        payment_format = await chosen_format(connection, actor.timebank_id, command.format or settings.format)
        abandon_if(rules.check_finance(actor))
        await connection.execute(LOCK_BATCHES, actor.timebank_id)
        payables, spoiled = await ready_to_leave(connection, actor.timebank_id, payment_format)
        abandon_if(
            rules.check_export(
                payables,
                spoiled,
                expected_count=command.expected_count,
                expected_pence=command.expected_pence,
            )
        )
        bank = await banks.by_id(connection, actor.timebank_id)
        day = today(now, bank.time_zone)
        processing_on = command.processing_on or working_days_after(day, settings.days_ahead, bank.holiday_region)
        abandon_if(rules.check_processing(processing_on, today=day, region=bank.holiday_region))
        number: int = await connection.fetchval(NEXT_NUMBER, actor.timebank_id)
        payments, attempts = await _payments(connection, actor.timebank_id, payables, number)
        items = entries.export_entries(
            payments,
            number=number,
            key=f"export_batch:{number}",
            actor=actor,
            effective_on=await open_day(connection, actor.timebank_id, day),
        )
        entry_ids = await post(connection, actor, items)
        await _check_ledger(connection, actor.timebank_id, payables, payments, entry_ids)
        own = await own_account(connection, actor.timebank_id)
        await connection.execute(
            INSERT_BATCH,
            actor.timebank_id,
            number,
            payment_format.code,
            len(payments),
            sum(payment.pence for payment in payments),
            payments[0].currency,
            actor.member_id,
            now,
            entry_ids,
            processing_on,
            own.holder if own else bank.name,
        )
        await connection.execute(
            INSERT_PAYMENTS,
            actor.timebank_id,
            number,
            now,
            [one.line for one in payments],
            [one.reference for one in payments],
            [one.payee_id for one in payments],
            [one.pence for one in payments],
        )
        await connection.execute(
            INSERT_ATTEMPTS,
            actor.timebank_id,
            number,
            [payable.id for payable, _ in attempts],
            [line for _, line in attempts],
            [payable.next_pence for payable, _ in attempts],
        )
        ids = [payable.id for payable in payables]
        await connection.execute(MARK_EXPORTED, actor.timebank_id, ids, number, now)
        await connection.execute(EXPORT_EVENTS, actor.timebank_id, ids, actor.member_id, now, entry_ids[0])
        batch = await load(connection, actor.timebank_id, number)
        assert batch is not None
        sha256 = await keep_file(connection, actor, batch, payment_format, now)
        return Exported(
            number=number,
            line_count=len(payments),
            payable_count=len(payables),
            total_pence=batch.total.pence,
            currency=batch.currency,
            sha256=sha256.hex(),
        )

    return await once(db, actor, "export_batch", key, command, Exported, work)


async def ready_to_leave(
    connection: Connection, timebank_id: int, payment_format: PaymentFormat
) -> tuple[list[PayableFacts], list[PayableFacts]]:
    """The payables that an export in this format would take now, locked; and what changed since its approval."""
    found = await queries.ready(connection, timebank_id, rules.MAX_PER_BATCH)
    known = await accounts(connection, timebank_id, sorted({payable.payee_id for payable in found}))
    good = [payable for payable in found if rules.is_approval_good(payable)]
    spoiled = [payable for payable in found if not rules.is_approval_good(payable)]
    return [payable for payable in good if payment_format.reaches(known.get(payable.payee_id))], spoiled


async def _payments(
    connection: Connection, timebank_id: int, payables: Sequence[PayableFacts], number: int
) -> tuple[list[PaymentFacts], list[tuple[PayableFacts, int]]]:
    """One payment for each payee, in the order of names, and the line that every payable is in."""
    by_payee: dict[int, list[PayableFacts]] = {}
    for payable in sorted(payables, key=lambda one: (one.payee_name.casefold(), one.payee_id, one.id)):
        by_payee.setdefault(payable.payee_id, []).append(payable)
    references = await _references(connection, timebank_id, len(by_payee))
    payments: list[PaymentFacts] = []
    attempts: list[tuple[PayableFacts, int]] = []
    for line, (reference, (payee_id, theirs)) in enumerate(zip(references, by_payee.items(), strict=True), start=1):
        payments.append(
            PaymentFacts(
                batch_number=number,
                line=line,
                reference=reference,
                payee_id=payee_id,
                payee_name=theirs[0].payee_name,
                pence=sum(payable.next_pence for payable in theirs),
                credited_pence=0,
                currency=theirs[0].currency,
                state=rules.EXPORTED,
                settled_on=None,
            )
        )
        attempts.extend((payable, line) for payable in theirs)
    return payments, attempts


async def _references(connection: Connection, timebank_id: int, count: int) -> list[str]:
    """New end-to-end ids that no payment of the time bank has."""
    found: set[str] = set()
    for _ in range(REFERENCE_ATTEMPTS):
        found |= {new_reference() for _ in range(count - len(found))}
        found -= {row["reference"] for row in await connection.fetch(TAKEN, timebank_id, sorted(found))}
        if len(found) == count:
            return sorted(found)
    raise RuntimeError(f"no free payment references in {REFERENCE_ATTEMPTS} attempts")


async def _check_ledger(
    connection: Connection,
    timebank_id: int,
    payables: Sequence[PayableFacts],
    payments: Sequence[PaymentFacts],
    entry_ids: Sequence[UUID],
) -> None:
    """The payables, the payments and the ledger entries must say the same, to the penny and for every payee."""
    owed, in_transit = 0, 0
    for entry_id in entry_ids:
        for leg in (await entry(connection, timebank_id, entry_id)).legs:
            owed -= leg.amount if leg.account.startswith("payable/") else 0
            in_transit += leg.amount if leg.account == entries.IN_TRANSIT else 0
    wanted = sum(payable.next_pence for payable in payables)
    leaving = sum(payment.pence for payment in payments)
    if owed != wanted or in_transit != leaving:
        raise ControlTotalError(f"the ledger holds {owed} and {in_transit}, the payables {wanted} and {leaving}")
