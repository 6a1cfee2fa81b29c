"""Suppliers' invoices: one settles many payables; what does not fit stays open until somebody says why.

Whoever enters an invoice stands behind what it covers, so somebody else approves it.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ledger import Post, Reverse
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.money import in_words
from timebank.kit.names import tidy
from timebank.kit.paging import MAX_KEY
from timebank.kit.pictures import remake
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.payees.service import open_payable_account
from timebank.payments import correcting, entries, invoice_queries, invoice_rules, queries, requests, rules
from timebank.payments.invoice_queries import SAME_ELSEWHERE
from timebank.payments.invoice_rules import Covered, EnterInvoice, InvoiceFacts
from timebank.payments.rules import NewPayable
from timebank.payments.service import abandon_if, local_day, move, open_expense_account, post, record_payable

MAX_PAPER_BYTES = 5 * 1_048_576
MAX_PAPERS = 10
MAX_FILE_NAME = 100
PDF, JPEG = "application/pdf", "image/jpeg"

INSERT = """
insert into supplier_invoice (timebank_id, payee_id, number, number_key, invoiced_on, due_on, net_pence, tax_pence,
                              gross_pence, currency, state, reason, entered_by, entered_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
on conflict do nothing returning id
"""
SET_STATE = """
update supplier_invoice set state = $3, reason = case when $4 = '' then reason else $4 end, changed_at = $5
 where timebank_id = $1 and id = $2
"""
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
UNCOVER = "update supplier_invoice_item set is_live = false where timebank_id = $1 and invoice_id = $2"
UNBILL = """
update payable p
   set approved_by = null, approved_digest = null, part_pence = null, state = $3,
       submitted_by = case when $3 = 'draft' then null else $4::bigint end,
       invoice_number = coalesce((select i.number from supplier_invoice_item t
                                    join supplier_invoice i on i.timebank_id = t.timebank_id and i.id = t.invoice_id
                                   where t.timebank_id = p.timebank_id and t.payable_id = p.id and t.is_live
                                   order by i.id desc limit 1), ''),
       tax_pence = coalesce((select sum(t.tax_pence) from supplier_invoice_item t
                              where t.timebank_id = p.timebank_id and t.payable_id = p.id and t.is_live), 0)
 where p.timebank_id = $1 and p.id = $2
"""
EVENT = """
insert into supplier_invoice_event (timebank_id, invoice_id, what, reason, actor_id, at) values ($1, $2, $3, $4, $5, $6)
"""
ADD_PAPER = """
insert into supplier_invoice_paper (timebank_id, invoice_id, file_name, media_type, content, sha256, added_by, added_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, invoice_id, sha256) do nothing
"""


class UnknownInvoice(LookupError):
    """The time bank has no invoice with this id."""


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice and the state it is in now."""

    invoice_id: int
    state: str


class CoverMore(msgspec.Struct, frozen=True, kw_only=True):
    """A disputed invoice is for these payables too."""

    invoice_id: int
    references: tuple[str, ...]


class Explain(msgspec.Struct, frozen=True, kw_only=True):
    """Why an invoice is higher than what it covers. ``is_owed``: the rest is owed as well, and makes a payable."""

    invoice_id: int
    reason: str
    is_owed: bool = False


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    """Take out an invoice that was entered by mistake."""

    invoice_id: int
    reason: str


class ReadPaper(msgspec.Struct, frozen=True, kw_only=True):
    """A paper as it will be kept. PDFs stay as they are; photos are made anew without where they were taken."""

    file_name: str
    media_type: str
    content: bytes


async def enter(
    db: Database, actor: Actor, command: EnterInvoice, *, key: str, now: datetime
) -> Entered | list[Refusal]:
    """Enter a supplier's invoice and settle the payables it is for. For finance.

    Refusals: ``not_finance``, ``payee_missing``, ``unknown_payable``, ``invoice_known``, those of
    ``invoice_rules.check_entered`` and ``invoice_rules.plan``.
    """
    command = msgspec.structs.replace(command, number=tidy(command.number), reason=command.reason.strip())

    async def work(connection: Connection) -> Entered:
        timebank_id = actor.timebank_id
        bank = await banks.by_id(connection, timebank_id)
        abandon_if(rules.check_finance(actor))
        is_id = 0 < command.payee_id <= MAX_KEY
        payee = await payees.payee(connection, timebank_id, command.payee_id) if is_id else None
        refusals = [] if payee else [Refusal("payee_missing", "Choose the supplier.", "payee_id")]
        abandon_if(refusals + invoice_rules.check_entered(command, today=today(now, bank.time_zone)))
        ticked = await invoice_queries.lock_coverable(connection, timebank_id, command.payee_id, command.references)
        if len(ticked) != len(set(command.references)):
            text = "Tick payments of this supplier only. One of these is somebody else’s, or is gone."
            raise Rollback([Refusal("unknown_payable", text, "references")])
        await _check_known(connection, timebank_id, command)
        planned = invoice_rules.plan(
            command.gross_pence,
            command.tax_pence,
            ticked,
            when_lower=command.when_lower,
            reason=command.reason,
            currency=bank.currency,
        )
        if isinstance(planned, list):
            raise Rollback(planned)
        invoice_id = await connection.fetchval(
            INSERT,
            timebank_id,
            command.payee_id,
            command.number,
            invoice_rules.number_key(command.number),
            command.invoiced_on,
            command.due_on,
            command.net_pence,
            command.tax_pence,
            command.gross_pence,
            bank.currency,
            planned.state,
            command.reason,
            actor.member_id,
            now,
        )
        if invoice_id is None:  # somebody entered it a moment ago
            await _check_known(connection, timebank_id, command)
            raise AssertionError("an invoice is known and is not found")
        await _cover(connection, actor, invoice_id, command, planned.items, now)
        await _event(connection, actor, invoice_id, f"Entered: {_payments(len(ticked))}", command.reason, now)
        return Entered(invoice_id=invoice_id, state=planned.state)

    return await once(db, actor, "enter_invoice", key, command, Entered, work)


async def cover_more(
    db: Database, actor: Actor, command: CoverMore, *, key: str, now: datetime
) -> Entered | list[Refusal]:
    """Match what is still open of a disputed invoice with more payables. For finance.

    Refusals: ``not_finance``, ``nothing_disputed``, ``unknown_payable``, those of ``invoice_rules.plan``. Raises
    UnknownInvoice.
    """

    async def work(connection: Connection) -> Entered:
        abandon_if(rules.check_finance(actor))
        invoice = await _locked(connection, actor, command.invoice_id)
        if invoice.state != invoice_rules.DISPUTED:
            raise Rollback([Refusal("nothing_disputed", "Nothing is open about this invoice any more.")])
        ticked = await invoice_queries.lock_coverable(
            connection, actor.timebank_id, invoice.payee_id, command.references
        )
        if len(ticked) != len(set(command.references)):
            raise Rollback([Refusal("unknown_payable", "Tick payments of this supplier only.", "references")])
        planned = invoice_rules.plan(
            invoice.open_pence,
            invoice.tax_pence,
            ticked,
            currency=invoice.currency,
            whole_pence=invoice.gross_pence,
        )
        if isinstance(planned, list):
            refusals = [one for one in planned if one.field != "reason"]
            text = f"Only {in_words(invoice.open_pence, invoice.currency)} of the invoice is open. Tick less."
            too_much = [Refusal("more_than_open", text, "references")]
            is_lower = any(one.code in ("lower_undecided", "far_too_low") for one in refusals)
            raise Rollback(too_much if is_lower else refusals)
        await _cover(connection, actor, invoice.id, invoice, planned.items, now)
        await connection.execute(SET_STATE, actor.timebank_id, invoice.id, planned.state, "", now)
        await _event(connection, actor, invoice.id, f"Matched with {_payments(len(ticked))} more", "", now)
        return Entered(invoice_id=invoice.id, state=planned.state)

    return await once(db, actor, "cover_more_of_invoice", key, command, Entered, work)


async def explain(db: Database, actor: Actor, command: Explain, *, key: str, now: datetime) -> Entered | list[Refusal]:
    """Say why an invoice is higher than what it covers; the rest may be owed, and then waits for approval. For finance.

    Refusals: those of ``invoice_rules.check_explain``. Raises UnknownInvoice.
    """
    reason = command.reason.strip()

    async def work(connection: Connection) -> Entered:
        invoice = await _locked(connection, actor, command.invoice_id)
        abandon_if(invoice_rules.check_explain(rules.check_finance(actor), invoice.state, reason))
        what = f"Not owed: {in_words(invoice.open_pence, invoice.currency)}"
        if command.is_owed:
            reference = await _owe_rest(connection, actor, invoice, reason, now)
            what = f"Owed as well: {in_words(invoice.open_pence, invoice.currency)}, payment {reference}"
        await connection.execute(SET_STATE, actor.timebank_id, invoice.id, invoice_rules.EXPLAINED, reason, now)
        await _event(connection, actor, invoice.id, what, reason, now)
        return Entered(invoice_id=invoice.id, state=invoice_rules.EXPLAINED)

    return await once(db, actor, "explain_invoice", key, command, Entered, work)


async def withdraw(
    db: Database, actor: Actor, command: Withdraw, *, key: str, now: datetime
) -> Entered | list[Refusal]:
    """Take out an invoice entered by mistake: what it covered is as before, and its number can be entered again.

    Amounts that were made smaller stay so. Refusals: ``not_finance``, those of ``invoice_rules.check_withdraw``. Raises
    UnknownInvoice.
    """
    reason = command.reason.strip()

    async def work(connection: Connection) -> Entered:
        abandon_if(rules.check_finance(actor))
        invoice = await _locked(connection, actor, command.invoice_id)
        covered = await invoice_queries.lock_payables(connection, actor.timebank_id, invoice.id)
        abandon_if(invoice_rules.check_withdraw(invoice.state, covered, reason))
        await connection.execute(UNCOVER, actor.timebank_id, invoice.id)
        for payable in covered:
            state = rules.first_state(payable.kind)
            await connection.execute(UNBILL, actor.timebank_id, payable.id, state, actor.member_id)
            note = f"Invoice {invoice.number} was withdrawn."
            await move(connection, actor, payable, state, now, reason=note)
        withdrawn = invoice_rules.WITHDRAWN
        await connection.execute(SET_STATE, actor.timebank_id, invoice.id, withdrawn, reason, now)
        await _event(connection, actor, invoice.id, "Withdrawn", reason, now)
        return Entered(invoice_id=invoice.id, state=withdrawn)

    return await once(db, actor, "withdraw_invoice", key, command, Entered, work)


async def read_paper(file_name: str, content: bytes) -> ReadPaper | Refusal:
    """What somebody uploaded, as it will be kept: a PDF as it is, a photo made anew.

    Refusals: ``paper_empty``, ``paper_too_large``, those of ``kit.pictures.remake``.
    """
    name = tidy(file_name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1])[-MAX_FILE_NAME:]
    name = "".join(one for one in name if one.isalnum() or one in " ._-()").strip(" .") or "invoice"
    if not content:
        return Refusal("paper_empty", "Choose a PDF or a photo of the invoice first.", "paper")
    if content.startswith(b"%PDF-"):
        if len(content) > MAX_PAPER_BYTES:
            most = MAX_PAPER_BYTES // 1_048_576
            return Refusal("paper_too_large", f"The PDF is larger than {most} MB. Send a smaller one.", "paper")
        return ReadPaper(file_name=_ending(name, ".pdf"), media_type=PDF, content=content)
    remade = await remake(content, field="paper")
    if isinstance(remade, Refusal):
        return remade
    return ReadPaper(file_name=_ending(name, ".jpg"), media_type=JPEG, content=remade.content)


async def add_paper(
    db: Database, actor: Actor, invoice_id: int, paper: ReadPaper, *, key: str, now: datetime
) -> Entered | list[Refusal]:
    """Keep a paper with its invoice, with its SHA-256. The same paper twice is one. For finance.

    Refusals: ``not_finance``, ``too_many_papers``. Raises UnknownInvoice.
    """
    sha256 = hashlib.sha256(paper.content).digest()

    async def work(connection: Connection) -> Entered:
        abandon_if(rules.check_finance(actor))
        invoice = await _locked(connection, actor, invoice_id)
        if invoice.papers >= MAX_PAPERS:
            raise Rollback([Refusal("too_many_papers", f"An invoice keeps {MAX_PAPERS} papers at most.", "paper")])
        row = (paper.file_name, paper.media_type, paper.content, sha256, actor.member_id, now)
        await connection.execute(ADD_PAPER, actor.timebank_id, invoice.id, *row)
        await _event(connection, actor, invoice.id, f"Paper added: {paper.file_name}", "", now)
        return Entered(invoice_id=invoice.id, state=invoice.state)

    return await once(db, actor, "add_invoice_paper", key, [invoice_id, sha256.hex()], Entered, work)


# Steps ---------------------------------------------------------------------------------------------------------------


async def _locked(connection: Connection, actor: Actor, invoice_id: int) -> InvoiceFacts:
    found = await invoice_queries.invoice(connection, actor.timebank_id, invoice_id, lock=True)
    if found is None:
        raise UnknownInvoice(invoice_id)
    return found


async def _check_known(connection: Connection, timebank_id: int, command: EnterInvoice) -> None:
    """Nobody enters the same invoice twice, nor one that stands on another payment already."""
    number_key = invoice_rules.number_key(command.number)
    known = await invoice_queries.known_number(connection, timebank_id, command.payee_id, number_key)
    if known is not None:
        text = f"Invoice {command.number} of this supplier was entered before: see /payments/invoices/{known}."
        raise Rollback([Refusal("invoice_known", text, "number")])
    values = (command.payee_id, command.number, list(command.references))
    elsewhere = await connection.fetchval(SAME_ELSEWHERE, timebank_id, *values)
    if elsewhere is not None:
        text = f"Invoice {command.number} is in payment {elsewhere} already. Tick that one, or check the number."
        raise Rollback([Refusal("invoice_known", text, "number")])


async def _cover(
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


async def _owe_rest(connection: Connection, actor: Actor, invoice: InvoiceFacts, reason: str, now: datetime) -> str:
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


def _only(values: object) -> str:
    """The one value that all of them have, or ""."""
    found = set(values)  # type: ignore[call-overload]
    return found.pop() if len(found) == 1 else ""


async def _event(connection: Connection, actor: Actor, invoice_id: int, what: str, reason: str, now: datetime) -> None:
    row = (invoice_id, what[:200], reason, actor.member_id, now)
    await connection.execute(EVENT, actor.timebank_id, *row)


def _payments(count: int) -> str:
    return rules.payments_in_words(count)


def _ending(name: str, ending: str) -> str:
    stem = name.rsplit(".", 1)[0] if "." in name else name
    return f"{stem[: MAX_FILE_NAME - len(ending)]}{ending}"
