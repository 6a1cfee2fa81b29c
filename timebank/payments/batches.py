"""Payment runs: approved payables leave together, one payment for each payee, as bytes that never change."""

from collections.abc import Callable, Sequence
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
from timebank.payees.queries import opened
from timebank.payments import credits as owed_back
from timebank.payments import entries, leaving, rules, run_rules, words
from timebank.payments.files import ControlTotalError, chosen_format, keep_file, load
from timebank.payments.leaving import Selection
from timebank.payments.periods import open_day
from timebank.payments.rules import PayableFacts, PaymentFacts
from timebank.payments.service import abandon_if, post
from timebank.payments.settings import payment_settings

REFERENCE_ATTEMPTS = 5

INSERT_BATCH = """
insert into payment_batch (timebank_id, number, format, line_count, total_pence, currency, created_by, created_at,
                           entry_ids, processing_on, payer, payer_sealed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

INSERT_PAYMENTS = """
insert into payment (timebank_id, batch_number, line, reference, payee_id, payee_name, supplier_reference, town,
                     country, pence, credited_pence, sealed, state, changed_at)
select $1, $2, x.line, x.reference, x.payee_id, x.payee_name, x.supplier_reference, y.town, y.country, x.pence,
       x.credited_pence,
       (select a.sealed from bank_account a
         where a.timebank_id = $1 and a.payee_id = x.payee_id and a.mark = x.mark and a.state in ('in_use', 'replaced')
         order by a.id desc limit 1),
       'exported', $3
  from unnest($4::integer[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::bytea[], $10::bigint[],
              $11::bigint[])
       as x(line, reference, payee_id, payee_name, supplier_reference, mark, pence, credited_pence)
  join payee y on y.timebank_id = $1 and y.id = x.payee_id
"""
"""Name and account are those that the approvals signed, also when somebody changes them in this very moment."""

INSERT_ATTEMPTS = """
insert into payment_attempt (timebank_id, payable_id, n, batch_number, line, pence, is_live, owed_pence, due_on,
                             invoice_number, tax_pence, tax_code, nominal_code, order_number, cost_centre, fund)
select $1, x.payable_id,
       1 + (select count(*) from payment_attempt t where t.timebank_id = $1 and t.payable_id = x.payable_id),
       $2, x.line, x.pence, true, x.owed_pence, x.due_on, x.invoice_number, x.tax_pence, x.tax_code, x.nominal_code,
       x.order_number, x.cost_centre, x.fund
  from unnest($3::bigint[], $4::integer[], $5::bigint[], $6::bigint[], $7::date[], $8::text[], $9::bigint[],
              $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
       as x(payable_id, line, pence, owed_pence, due_on, invoice_number, tax_pence, tax_code, nominal_code,
            order_number, cost_centre, fund)
"""
SHOWN = (
    "pence", "due_on", "invoice_number", "tax_pence", "tax_code", "nominal_code", "order_number", "cost_centre", "fund",
)  # fmt: skip
"""What was approved is kept: files that are made later say the same, whatever the payable and its budget say then."""

MARK_EXPORTED = """
update payable
   set state = 'exported', batch_number = $3, reason = '', changed_at = $4
 where timebank_id = $1 and id = any($2::bigint[])
"""

EXPORT_EVENTS = """
insert into payable_event (timebank_id, payable_id, n, state, actor_id, at, entry_id)
select $1, exported.id, coalesce(max(e.n), 0) + 1, 'exported', $3, $4, exported.entry_id
  from unnest($2::bigint[], $5::uuid[]) as exported(id, entry_id)
  left join payable_event e on e.timebank_id = $1 and e.payable_id = exported.id
 group by exported.id, exported.entry_id
"""

OWN_ACCOUNT = "select sealed from bank_account where timebank_id = $1 and payee_id is null and state = 'in_use'"
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
    db: Database,
    actor: Actor,
    command: ExportBatch,
    *,
    key: str,
    now: datetime,
    told: Callable[[str], None] | None = None,
) -> Exported | list[Refusal]:
    """Export what is ready as one numbered batch, at most :data:`rules.MAX_PER_BATCH` payables, those due first.

    What one payee is owed leaves as one payment, less what that payee owes us. Ledger entries move every amount from
    its payee to "in transit". The bytes are stored and never made again. The sums of the file, of the payables and of
    the ledger entries are compared to the penny before anything is kept. ``told`` hears of every step; nothing is kept
    before the last.

    Refusals: ``unknown_format``, those of ``run_rules.check_export`` and ``run_rules.check_processing``, and the
    format's ``check``. The same key gives the same batch.

    Raises:
        ControlTotalError: the sums differ; the transaction is abandoned.
    """

    def tell(step: str) -> None:
        if told is not None:
            told(step)

    async def work(connection: Connection) -> Exported:
        settings = await payment_settings(connection, actor.timebank_id)
        payment_format = await chosen_format(connection, actor.timebank_id, command.format or settings.format)
        abandon_if(rules.check_finance(actor))
        await connection.execute(LOCK_BATCHES, actor.timebank_id)
        bank = await banks.by_id(connection, actor.timebank_id)
        day = today(now, bank.time_zone)
        processing_on = command.processing_on or working_days_after(day, settings.days_ahead, bank.holiday_region)
        effective_on = await open_day(connection, actor.timebank_id, day)
        selection = await leaving.select(connection, actor.timebank_id, payment_format)
        abandon_if(
            run_rules.check_export(
                selection.payables,
                selection.spoiled,
                expected_count=command.expected_count,
                expected_pence=command.expected_pence,
                credited_pence=sum(selection.credited.values()),
                stays_behind=[words.why_behind(one, bank.currency) for one in selection.behind],
            )
        )
        abandon_if(run_rules.check_processing(processing_on, today=day, region=bank.holiday_region))
        number: int = await connection.fetchval(NEXT_NUMBER, actor.timebank_id)
        payments, attempts = await _payments(connection, actor.timebank_id, selection, number)
        tell(f"{len(attempts):,} approvals checked; payees: {len(payments):,}")
        items = entries.export_entries(
            payments, number=number, key=f"export_batch:{number}", actor=actor, effective_on=effective_on
        )
        entry_ids = await post(connection, actor, items)
        await _check_ledger(connection, actor.timebank_id, selection.payables, payments, entry_ids)
        tell("entered in the ledger; the sums agree")
        await _keep(
            connection, actor, number, payment_format.code, payments, attempts, entry_ids,
            payer=bank.name, processing_on=processing_on, now=now,
        )  # fmt: skip
        uses = owed_back.kept_back(selection.credits, payments, entry_ids)
        await owed_back.record_kept_back(connection, actor, uses, on=day, now=now)
        tell("written down; now the file, which is read back")
        batch = await load(connection, actor.timebank_id, number)
        assert batch is not None
        sha256 = await keep_file(connection, actor, batch, payment_format, now)
        return Exported(
            number=number,
            line_count=len(payments),
            payable_count=len(selection.payables),
            total_pence=batch.total.pence,
            currency=batch.currency,
            sha256=sha256.hex(),
        )

    return await once(db, actor, "export_batch", key, command, Exported, work)


async def own_account_as_it_is(connection: Connection, timebank_id: int) -> tuple[str, bytes | None]:
    """Whose account payments leave from, and that account, encrypted: read together, so that they fit."""
    sealed = await connection.fetchval(OWN_ACCOUNT, timebank_id)
    return ("", None) if sealed is None else (opened(sealed).holder, sealed)


async def _keep(
    connection: Connection,
    actor: Actor,
    number: int,
    code: str,
    payments: Sequence[PaymentFacts],
    attempts: Sequence[tuple[PayableFacts, int]],
    entry_ids: Sequence[UUID],
    *,
    payer: str,
    processing_on: date,
    now: datetime,
) -> None:
    """Write down a run, its payments, what is in each of them, and that its payables are on their way.

    ``payer`` stands where our own account has no holder.
    """
    timebank_id = actor.timebank_id
    holder, sealed = await own_account_as_it_is(connection, timebank_id)
    total, currency = sum(payment.pence for payment in payments), payments[0].currency
    made = (len(payments), total, currency, actor.member_id, now, entry_ids, processing_on)
    await connection.execute(INSERT_BATCH, timebank_id, number, code, *made, holder or payer, sealed)
    first = {line: payable for payable, line in reversed(attempts)}
    await connection.execute(
        INSERT_PAYMENTS,
        timebank_id,
        number,
        now,
        [one.line for one in payments],
        [one.reference for one in payments],
        [one.payee_id for one in payments],
        [one.payee_name for one in payments],
        [first[one.line].supplier_reference for one in payments],
        [first[one.line].account_mark for one in payments],
        [one.pence for one in payments],
        [one.credited_pence for one in payments],
    )
    ids = [payable.id for payable, _ in attempts]
    await connection.execute(
        INSERT_ATTEMPTS,
        timebank_id,
        number,
        ids,
        [line for _, line in attempts],
        [payable.next_pence for payable, _ in attempts],
        *([getattr(payable, name) for payable, _ in attempts] for name in SHOWN),
    )
    await connection.execute(MARK_EXPORTED, timebank_id, ids, number, now)
    posted = [entries.entry_of_line(entry_ids, line) for _, line in attempts]
    await connection.execute(EXPORT_EVENTS, timebank_id, ids, actor.member_id, now, posted)


async def _payments(
    connection: Connection, timebank_id: int, selection: Selection, number: int
) -> tuple[list[PaymentFacts], list[tuple[PayableFacts, int]]]:
    """One payment for each payee, in the order of names, and the line that every payable is in."""
    by_payee: dict[int, list[PayableFacts]] = {}
    for payable in sorted(selection.payables, key=lambda one: (one.payee_name.casefold(), one.payee_id, one.id)):
        by_payee.setdefault(payable.payee_id, []).append(payable)
    references = await _references(connection, timebank_id, len(by_payee))
    payments: list[PaymentFacts] = []
    attempts: list[tuple[PayableFacts, int]] = []
    for line, (reference, (payee_id, theirs)) in enumerate(zip(references, by_payee.items(), strict=True), start=1):
        kept_back = selection.credited.get(payee_id, 0)
        payments.append(
            PaymentFacts(
                batch_number=number,
                line=line,
                reference=reference,
                payee_id=payee_id,
                payee_name=theirs[0].payee_name,
                pence=sum(payable.next_pence for payable in theirs) - kept_back,
                credited_pence=kept_back,
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
    """The payables, the payments and the ledger entries must say the same, to the penny."""
    owed, in_transit, kept_back = 0, 0, 0
    for entry_id in entry_ids:
        for leg in (await entry(connection, timebank_id, entry_id)).legs:
            owed -= leg.amount if leg.account.startswith("payable/") else 0
            in_transit += leg.amount if leg.account == entries.IN_TRANSIT else 0
            kept_back += leg.amount if leg.account.startswith("credit/") else 0
    wanted = sum(payable.next_pence for payable in payables)
    leaving_pence = sum(payment.pence for payment in payments)
    credited = sum(payment.credited_pence for payment in payments)
    if (owed, in_transit, kept_back) != (wanted, leaving_pence, credited):
        raise ControlTotalError(
            f"the ledger holds {owed}, {in_transit} and {kept_back}, the payables {wanted}, "
            f"the payments {leaving_pence} and {credited}"
        )
