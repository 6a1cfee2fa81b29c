"""The files of a payment run: made from what was stored when it left, kept at once, and never made again."""

import asyncio
import hashlib
from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payees.queries import opened
from timebank.payments import rules, run_queries
from timebank.payments.codes import account_codes
from timebank.payments.formats import Batch, Item, Payment, PaymentFormat, file_kind
from timebank.payments.profiles import any_format, choices
from timebank.payments.settings import payment_settings

PAYMENTS = """
select line, reference, payee_id, payee_name, supplier_reference, pence, credited_pence, sealed, town, country
  from payment where timebank_id = $1 and batch_number = $2 order by line
"""
ITEMS = """
select t.line, t.pence, p.reference, p.kind, p.description, p.earned_on, t.due_on, t.invoice_number, t.tax_pence,
       t.tax_code, t.nominal_code, t.order_number, t.cost_centre, t.fund, t.owed_pence
  from payment_attempt t
  join payable p on p.timebank_id = t.timebank_id and p.id = t.payable_id
 where t.timebank_id = $1 and t.batch_number = $2
 order by t.line, p.id
"""
KEEP = """
insert into payment_file (timebank_id, batch_number, format, file_name, content, sha256, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, batch_number, format) do nothing
"""


class ControlTotalError(Exception):
    """A file, the payments and the ledger do not add up to the same. A bug: nothing was kept."""


class MakeFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file of a payment run in one more format."""

    number: int
    format: str


class MadeFile(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file; ``sha256`` is of its bytes, in hexadecimal."""

    number: int
    format: str
    sha256: str


async def make_file(
    db: Database, actor: Actor, command: MakeFile, *, key: str, now: datetime
) -> MadeFile | list[Refusal]:
    """Make and keep a payment run's file in one more format. The bytes are the same however often it is asked for.

    Refusals: ``not_finance``, ``unknown_batch``, ``unknown_format``, and those of the format's ``check``.
    """
    refusals = rules.check_finance(actor)
    if refusals:
        return refusals

    async def work(connection: Connection) -> MadeFile:
        payment_format = await chosen_format(connection, actor.timebank_id, command.format)
        batch = await load(connection, actor.timebank_id, command.number)
        if batch is None:
            raise Rollback([Refusal("unknown_batch", "There is no payment run with this number.", "number")])
        sha256 = await keep_file(connection, actor, batch, payment_format, now)
        return MadeFile(number=command.number, format=payment_format.code, sha256=sha256.hex())

    return await once(db, actor, "make_payment_file", key, command, MadeFile, work)


async def chosen_format(connection: Connection, timebank_id: int, code: str) -> PaymentFormat:
    """The format of that code, the time bank's own ones too. Raises Rollback with ``unknown_format``."""
    found = await any_format(connection, timebank_id, code)
    if found is None:
        codes = ", ".join(one for one, _, _ in await choices(connection, timebank_id))
        raise Rollback([Refusal("unknown_format", f"Choose one of these formats: {codes}.", "format")])
    return found


async def load(connection: Connection, timebank_id: int, number: int) -> Batch | None:
    """A payment run with all that a file needs, as it was stored when it left; None when there is none.

    Raises:
        KeyMissing: the key that accounts were locked with is not here.
    """
    facts = await run_queries.batch(connection, timebank_id, number)
    if facts is None:
        return None
    bank = await banks.by_id(connection, timebank_id)
    items: dict[int, list[Item]] = {}
    for row in await connection.fetch(ITEMS, timebank_id, number):
        fields = dict(row)
        items.setdefault(fields.pop("line"), []).append(Item(**fields))
    payments = []
    for row in await connection.fetch(PAYMENTS, timebank_id, number):
        fields = dict(row)
        sealed = fields.pop("sealed")
        account = None if sealed is None else opened(sealed)
        payments.append(Payment(**fields, account=account, items=tuple(items[fields["line"]])))
    return Batch(
        number=number,
        created_at=facts.created_at,
        processing_on=facts.processing_on,
        currency=facts.currency,
        slug=bank.slug,
        payer=facts.payer,
        account=None if facts.payer_sealed is None else opened(facts.payer_sealed),
        service_user_number=(await payment_settings(connection, timebank_id)).service_user_number,
        codes=await account_codes(connection, timebank_id),
        payments=tuple(payments),
    )


async def keep_file(
    connection: Connection, actor: Actor, batch: Batch, payment_format: PaymentFormat, now: datetime
) -> bytes:
    """Write the file, compare its control totals with the payments, and keep it. Returns the SHA-256 of what is kept.

    Raises:
        Rollback: something stands in the way of this format.
        ControlTotalError: what was written adds up to something else.
    """
    earlier = await run_queries.batch_file(connection, actor.timebank_id, batch.number, payment_format.code)
    if earlier is not None:
        return earlier.sha256
    refusals = payment_format.check(batch)
    if refusals:
        raise Rollback(refusals)
    # Seconds for 10,000 payments: in a thread, so that nobody else's page waits.
    content = await asyncio.to_thread(payment_format.write, batch)
    if (in_file := await asyncio.to_thread(payment_format.read_back, content, batch)) != batch.total:
        raise ControlTotalError(f"the file holds {in_file}, the payments {batch.total}")
    sha256 = hashlib.sha256(content).digest()
    extension, _ = file_kind(payment_format, content)
    file_name = file_name_of(await banks.by_id(connection, actor.timebank_id), batch, payment_format.code, extension)
    await connection.execute(
        KEEP,
        actor.timebank_id,
        batch.number,
        payment_format.code,
        file_name,
        content,
        sha256,
        actor.member_id,
        now,
    )
    return sha256


def file_name_of(bank: TimeBankFacts, batch: Batch, code: str, extension: str) -> str:
    """What a file is called: ``riverside-payments-0012-2026-03-10-bacs18.txt``."""
    code = code.replace(":", "-")
    day = batch.processing_on.isoformat()
    return f"{bank.slug}-payments-{batch.number:04d}-{day}-{code}.{extension}"
