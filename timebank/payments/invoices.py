"""Suppliers' invoices: one settles many payables; what does not fit stays open until somebody says why.

Whoever enters an invoice stands behind what it covers, so somebody else approves it.
"""

from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.money import in_words
from timebank.kit.names import tidy
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.payments import invoice_queries, invoice_rules, rules
from timebank.payments.invoice_queries import SAME_ELSEWHERE
from timebank.payments.invoice_rules import EnterInvoice
from timebank.payments.invoice_steps import add_event, cover, locked, owe_rest
from timebank.payments.service import abandon_if, move

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
        await cover(connection, actor, invoice_id, command, planned.items, now)
        what = f"Entered: {rules.payments_in_words(len(ticked))}"
        await add_event(connection, actor, invoice_id, what, now, reason=command.reason)
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
        invoice = await locked(connection, actor, command.invoice_id)
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
        await cover(connection, actor, invoice.id, invoice, planned.items, now)
        await connection.execute(SET_STATE, actor.timebank_id, invoice.id, planned.state, "", now)
        what = f"Matched with {rules.payments_in_words(len(ticked))} more"
        await add_event(connection, actor, invoice.id, what, now)
        return Entered(invoice_id=invoice.id, state=planned.state)

    return await once(db, actor, "cover_more_of_invoice", key, command, Entered, work)


async def explain(db: Database, actor: Actor, command: Explain, *, key: str, now: datetime) -> Entered | list[Refusal]:
    """Say why an invoice is higher than what it covers; the rest may be owed, and then waits for approval. For finance.

    Refusals: those of ``invoice_rules.check_explain``. Raises UnknownInvoice.
    """
    reason = command.reason.strip()

    async def work(connection: Connection) -> Entered:
        invoice = await locked(connection, actor, command.invoice_id)
        abandon_if(invoice_rules.check_explain(rules.check_finance(actor), invoice.state, reason))
        what = f"Not owed: {in_words(invoice.open_pence, invoice.currency)}"
        if command.is_owed:
            reference = await owe_rest(connection, actor, invoice, reason, now)
            what = f"Owed as well: {in_words(invoice.open_pence, invoice.currency)}, payment {reference}"
        await connection.execute(SET_STATE, actor.timebank_id, invoice.id, invoice_rules.EXPLAINED, reason, now)
        await add_event(connection, actor, invoice.id, what, now, reason=reason)
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
        invoice = await locked(connection, actor, command.invoice_id)
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
        await add_event(connection, actor, invoice.id, "Withdrawn", now, reason=reason)
        return Entered(invoice_id=invoice.id, state=withdrawn)

    return await once(db, actor, "withdraw_invoice", key, command, Entered, work)


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
