"""Codes bought in advance: uploaded, kept locked, taken out of the pool again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from ledger import Item, Posted, Refused, post_batch
from timebank.banks import queries as banks
from timebank.budgets import service as budgets
from timebank.budgets.queries import coding_of
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import sheets
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing, vault
from timebank.payees import service as payee_accounts
from timebank.payments import entries as payment_entries
from timebank.payments import rules as payment_rules
from timebank.payments import service as payments
from timebank.payments import taking_back
from timebank.payments.rules import MAX_PENCE, NewPayable
from timebank.redemptions import codes_file, offer_queries
from timebank.redemptions import voucher_queries as queries
from timebank.redemptions.codes_file import CodeLine
from timebank.redemptions.voucher_rules import POOL
from timebank.redemptions.vouchers import POOL_CODE, no_key

SOURCE: Final = "code_batch"

KNOWN = """
select code_hash from pool_code
 where timebank_id = $1 and offer_id = $2 and code_hash = any($3::bytea[]) and state <> 'withdrawn'
"""
NEW_BATCH = """
insert into code_batch (timebank_id, offer_id, payee_id, pence_each, code_count, uploaded_by, uploaded_at)
values ($1, $2, $3, $4, $5, $6, $7) returning id
"""
NEW_CODES = """
insert into pool_code (timebank_id, batch_id, offer_id, code_hash, sealed, expires_on, changed_at)
select $1, $2, $3, c.code_hash, c.sealed, c.expires_on, $7
  from unnest($4::bytea[], $5::bytea[], $6::date[]) as c (code_hash, sealed, expires_on)
"""
FORGET_WARNING = """
update voucher_terms set low_told_at = null where timebank_id = $1 and offer_id = $2 and low_stock < $3
"""
LOCK_BATCH = """
select id, offer_id, pence_each, withdrawn_at from code_batch where timebank_id = $1 and id = $2 for no key update
"""
# What was given out is used, and what has ended is booked as spent: neither can be handed back.
GONE = """
select count(*) from pool_code
 where timebank_id = $1 and batch_id = $2 and (redemption_id is not null or state = 'expired')
"""
WITHDRAW_CODES = """
with gone as (
    update pool_code set state = 'withdrawn', changed_at = $3
     where timebank_id = $1 and batch_id = $2 and state = 'free'
    returning id)
select count(*) from gone
"""
WITHDRAW_BATCH = "update code_batch set withdrawn_at = $3, withdrawn_by = $4 where timebank_id = $1 and id = $2"

EXPIRE_CODES = """
with ended as (
    update pool_code set state = 'expired', changed_at = $3
     where timebank_id = $1 and state = 'free' and expires_on < $2
    returning batch_id)
select b.id, b.payee_id, b.pence_each, count(*) as codes
  from ended e join code_batch b on b.timebank_id = $1 and b.id = e.batch_id
 group by b.id, b.payee_id, b.pence_each order by b.id
"""


class UploadCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Add codes to an offer. ``pence_each`` is what each of them costs, owed to the offer's supplier from now on; None
    when nothing is owed: they were a gift, or are paid for.
    """

    offer_id: int
    lines: tuple[CodeLine, ...]
    pence_each: int | None = None


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not taken, and why. What it said is not kept."""

    line: int
    problem: str


class UploadedCodes(msgspec.Struct, frozen=True, kw_only=True):
    """How many codes were added, and which lines were given back; ``payable`` is the reference of what is owed."""

    batch_id: int
    added: int
    given_back: tuple[GivenBack, ...] = ()
    payable: str = ""


class WithdrawCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Take the free codes of one upload out of the pool."""

    batch_id: int


class WithdrawnCodes(msgspec.Struct, frozen=True, kw_only=True):
    """How many codes were taken out; ``credit`` is the reference of what their supplier owes back, "" for nothing."""

    codes: int
    credit: str = ""


def may_upload(actor: Actor) -> list[Refusal]:
    """Refusal ``not_allowed`` unless the actor coordinates or keeps the money."""
    if any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN)):
        return []
    return [Refusal("not_allowed", "Only staff can work with codes. Ask your coordinator.")]


async def preview(
    connection: Connection, actor: Actor, offer_id: int, content: bytes, *, now: datetime
) -> list[CodeLine] | list[Refusal]:
    """Read a file of codes (CSV, xlsx, ods or pasted text) and say of each line whether it can be taken.

    Refusals: ``not_allowed``, ``no_data_key``, those of ``kit.sheets.read`` and ``codes_file.read``.
    """
    refusals = may_upload(actor)
    if refusals:
        return refusals
    sheet = sheets.read(content, max_bytes=codes_file.MAX_FILE_BYTES, max_rows=codes_file.MAX_CODES + 1)
    if isinstance(sheet, Refusal):
        return [sheet]
    bank = await banks.by_id(connection, actor.timebank_id)
    lines = codes_file.read(sheet.rows, today=today(now, bank.time_zone))
    if isinstance(lines, Refusal):
        return [lines]
    try:
        return await _with_known(connection, actor.timebank_id, offer_id, lines)
    except KeyMissing as error:
        return [no_key(error)]


async def upload(
    db: Database, actor: Actor, command: UploadCodes, *, key: str, now: datetime
) -> UploadedCodes | list[Refusal]:
    """Keep the lines that can be taken; the others change nothing.

    Codes that were bought make one payment, which waits for a second person's approval.
    Refusals: ``not_allowed``, ``not_a_pool``, ``no_codes``, ``supplier_missing``, ``bad_price``, ``no_data_key``.

    Raises:
        LookupError: there is no such offer.
    """
    refusals = may_upload(actor)
    if command.pence_each is not None and not 1 <= command.pence_each * max(len(command.lines), 1) <= MAX_PENCE:
        refusals.append(Refusal("bad_price", "Enter what one code costs, above zero.", "price"))
    if len(command.lines) > codes_file.MAX_CODES:
        refusals.append(Refusal("too_many_lines", f"Upload at most {codes_file.MAX_CODES} codes at a time.", "file"))
    if refusals:
        return refusals
    try:
        marks = [vault().mark(POOL_CODE, line.code).hex() for line in command.lines]
    except KeyMissing as error:
        return [no_key(error)]
    # What is remembered of the request must not give the codes away.
    content = (command.offer_id, command.pence_each, marks, [line.expires_on for line in command.lines])

    async def work(connection: Connection) -> UploadedCodes:
        return await _upload(connection, actor, command, now)

    return await once(db, actor, "upload_codes", key, content, UploadedCodes, work)


async def withdraw(
    db: Database, actor: Actor, command: WithdrawCodes, *, key: str, now: datetime
) -> WithdrawnCodes | list[Refusal]:
    """Take the free codes of an upload out again, once: a wrong file, or codes that the supplier takes back.

    What was owed for them is owed no more; where that payment has left already, the supplier owes it back. Codes that
    were given out stay owed, and so do those that have ended.

    Refusals: ``not_allowed``, ``none_left``, and ``credited_before`` for what is owed back already.

    Raises:
        LookupError: there is no such upload.
    """
    refusals = may_upload(actor)
    if refusals:
        return refusals

    async def work(connection: Connection) -> WithdrawnCodes:
        batch = await connection.fetchrow(LOCK_BATCH, actor.timebank_id, command.batch_id)
        if batch is None:
            raise LookupError(command.batch_id)
        codes = 0
        if batch["withdrawn_at"] is None:
            codes = await connection.fetchval(WITHDRAW_CODES, actor.timebank_id, batch["id"], now)
        if not codes:
            raise Rollback([Refusal("none_left", "None of these codes is free any more.")])
        credit = ""
        if batch["pence_each"] is not None:
            gone = await connection.fetchval(GONE, actor.timebank_id, batch["id"])
            credit = await _take_back(connection, actor, batch["id"], gone * batch["pence_each"], now)
        await connection.execute(WITHDRAW_BATCH, actor.timebank_id, batch["id"], now, actor.member_id)
        return WithdrawnCodes(codes=codes, credit=credit)

    return await once(db, actor, "withdraw_codes", key, command, WithdrawnCodes, work)


async def expire_within(connection: Connection, actor: Actor, now: datetime) -> int:
    """Take codes out of the pool whose last day is over, and book what they cost; return how many there were."""
    bank = await banks.by_id(connection, actor.timebank_id)
    day = today(now, bank.time_zone)
    rows = await connection.fetch(EXPIRE_CODES, actor.timebank_id, day, now)
    items = [
        payment_entries.used_up_entry(
            payee_id=row["payee_id"],
            kind=payment_rules.VOUCHER,
            pence=row["pence_each"] * row["codes"],
            currency=bank.currency,
            key=f"codes_expired:{row['id']}:{day.isoformat()}",
            actor=actor,
            effective_on=day,
            reference=f"{SOURCE}/{row['id']}",
        )
        for row in rows
        if row["pence_each"] is not None
    ]
    if items:
        await _post(connection, actor.timebank_id, items)
    return sum(row["codes"] for row in rows)


async def _upload(connection: Connection, actor: Actor, command: UploadCodes, now: datetime) -> UploadedCodes:
    offer = await offer_queries.offer_facts(connection, actor.timebank_id, command.offer_id, lock=True)
    if offer is None:
        raise LookupError(command.offer_id)
    terms = await queries.terms(connection, actor.timebank_id, offer.id)
    if terms.source != POOL:
        message = "This offer gives no uploaded codes. Change that first, in the offer."
        raise Rollback([Refusal("not_a_pool", message)])
    if command.pence_each is not None and offer.payee_id is None:
        message = "Choose the supplier of this offer first, or say that nothing is owed."
        raise Rollback([Refusal("supplier_missing", message, "price")])
    lines = await _with_known(connection, actor.timebank_id, offer.id, command.lines)
    good = [line for line in lines if not line.problem]
    if not good:
        raise Rollback([Refusal("no_codes", "None of these codes can be taken. Nothing was changed.", "file")])
    batch_id = await connection.fetchval(
        NEW_BATCH,
        actor.timebank_id,
        offer.id,
        offer.payee_id,
        command.pence_each,
        len(good),
        actor.member_id,
        now,
    )
    keys = vault()
    await connection.execute(
        NEW_CODES,
        actor.timebank_id,
        batch_id,
        offer.id,
        [keys.mark(POOL_CODE, line.code) for line in good],
        [keys.seal(line.content) for line in good],
        [line.expires_on for line in good],
        now,
    )
    bank = await banks.by_id(connection, actor.timebank_id)
    day = today(now, bank.time_zone)
    stock = await queries.stock(connection, actor.timebank_id, offer.id, day)
    await connection.execute(FORGET_WARNING, actor.timebank_id, offer.id, stock)
    payable = ""
    if command.pence_each is not None and offer.payee_id is not None:
        _, document = await banks.rules_in_force(connection, actor.timebank_id, day)
        await budgets.lock(connection, actor.timebank_id, offer.budget_id)
        coding = await coding_of(connection, actor.timebank_id, offer.budget_id, offer.order_id)
        owed = NewPayable(
            kind="voucher",
            payee_id=offer.payee_id,
            pence=command.pence_each * len(good),
            currency=bank.currency,
            description=f"{offer.title}: {len(good)} codes",
            source_kind=SOURCE,
            source_id=batch_id,
            earned_on=day,
            due_on=day + timedelta(days=document.payment_days),
            budget_id=coding.budget_id,
            nominal_code=coding.nominal_code,
            order_number=coding.order_number,
        )
        await payee_accounts.open_payable_account(connection, actor.timebank_id, offer.payee_id)
        await payee_accounts.open_prepaid_account(connection, actor.timebank_id, offer.payee_id)
        entry = payment_entries.expense_entry(owed, key=f"codes_bought:{batch_id}:1", actor=actor, effective_on=day)
        (entry_id,) = await _post(connection, actor.timebank_id, [entry])
        payable = await payments.record_payable(connection, actor, owed, entry_id=entry_id, now=now)
    back = tuple(GivenBack(line=line.number, problem=line.problem) for line in lines if line.problem)
    return UploadedCodes(batch_id=batch_id, added=len(good), given_back=back, payable=payable)


async def _with_known(
    connection: Connection, timebank_id: int, offer_id: int, lines: Sequence[CodeLine]
) -> list[CodeLine]:
    marks = {line.code: vault().marks(POOL_CODE, line.code) for line in lines if line.code}
    rows = await connection.fetch(KNOWN, timebank_id, offer_id, [mark for each in marks.values() for mark in each])
    there = {bytes(row["code_hash"]) for row in rows}
    return codes_file.known(lines, {code for code, each in marks.items() if there.intersection(each)})


async def _take_back(connection: Connection, actor: Actor, batch_id: int, pence: int, now: datetime) -> str:
    """Let an upload cost ``pence`` only, minor units; the reference of what the supplier owes back, "" for nothing."""
    day = await payments.local_day(connection, actor.timebank_id, now)
    smaller = await taking_back.plan(
        connection, actor, SOURCE, batch_id, pence=pence, key=f"codes_withdrawn:{batch_id}:1", effective_on=day
    )
    if isinstance(smaller, Refusal):
        raise Rollback([smaller])
    if smaller is None:
        return ""
    entry_ids = await _post(connection, actor.timebank_id, smaller.items)
    reason = "The codes that nobody had were taken out again."
    return await taking_back.record(connection, actor, smaller, entry_ids, reason=reason, now=now)


async def _post(connection: Connection, timebank_id: int, items: Sequence[Item]) -> list[UUID]:
    """The transaction's one ledger call."""
    results = await post_batch(connection, timebank_id, items)
    refused = [result for result in results if isinstance(result, Refused)]
    if refused:
        raise Rollback([Refusal("ledger_refused", f"The accounts refuse this: {refused[0].message}")])
    return [result.entry_id for result in results if isinstance(result, Posted)]
