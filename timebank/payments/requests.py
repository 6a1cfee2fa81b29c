"""Payables that come from no booking: finance types them in, with the reason and where the paper is."""

from datetime import date, datetime, timedelta
from typing import cast

import msgspec

from timebank.banks import queries as banks
from timebank.budgets import queries as budget_queries
from timebank.budgets import service as budgets
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.names import tidy
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.payees.queries import PayeeFacts
from timebank.payees.service import open_payable_account
from timebank.payments import entries, rules
from timebank.payments.periods import check_open
from timebank.payments.rules import NewPayable
from timebank.payments.service import abandon_if, open_expense_account, post, record_payable

KINDS = (rules.OTHER, rules.ACCESS)
MAX_AGE_DAYS = 730
MAX_DUE_DAYS = 366
MAX_EVIDENCE = 500
CODE_LENGTHS = {"tax_code": 10, "nominal_code": 40, "order_number": 35}

INSERT = """
insert into payment_request (timebank_id, reason, evidence, asked_by, asked_at) values ($1, $2, $3, $4, $5) returning id
"""
SAME_INVOICE = """
select reference from payable
 where timebank_id = $1 and payee_id = $2 and lower(invoice_number) = lower($3) and state <> 'cancelled'
 order by id limit 1
"""
LOCK_PAYEE = "select pg_advisory_xact_lock(hashtextextended('payment_request', $1 * 1000003 + $2))"
OF_PAYABLE = """
select r.reason, r.evidence from payment_request r
  join payable p on p.timebank_id = r.timebank_id and p.source_kind = 'request' and p.source_id = r.id
 where r.timebank_id = $1 and p.id = $2
"""


class RequestPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Something to pay. ``pence`` is in minor units with ``tax_pence`` in it; ``earned_on`` is the invoice's date.

    ``evidence`` says where the paper is, such as "e-mail of 3 March, folder Invoices". ``budget_id``: the budget that
    pays; None for that of the order, if there is one.
    """

    payee_id: int
    pence: int
    description: str
    earned_on: date
    due_on: date
    reason: str
    evidence: str
    kind: str = rules.OTHER
    tax_pence: int = 0
    invoice_number: str = ""
    tax_code: str = ""
    nominal_code: str = ""
    order_number: str = ""
    budget_id: int | None = None


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    """The new payable, which waits for a second person."""

    reference: str


class RequestFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Why a payable was typed in, and where its paper is."""

    reason: str
    evidence: str


async def request_payment(
    db: Database, actor: Actor, command: RequestPayment, *, key: str, now: datetime
) -> Requested | list[Refusal]:
    """Propose a payment that comes from no booking; someone else in finance approves it.

    Refusals: those of :func:`check_request`, ``month_closed``, ``invoice_known`` (the payee has a payment with this
    invoice number already), and those of ``budgets.service.check``.
    """
    tidied = msgspec.structs.replace(
        command,
        description=tidy(command.description),
        invoice_number=tidy(command.invoice_number),
        reason=command.reason.strip(),
        evidence=command.evidence.strip(),
        tax_code=tidy(command.tax_code),
        nominal_code=tidy(command.nominal_code),
        order_number=tidy(command.order_number),
    )

    async def work(connection: Connection) -> Requested:
        timebank_id = actor.timebank_id
        bank = await banks.by_id(connection, timebank_id)
        payee = await payees.payee(connection, timebank_id, tidied.payee_id)
        abandon_if(check_request(actor, payee, tidied, today=today(now, bank.time_zone)))
        abandon_if(await check_open(connection, timebank_id, tidied.earned_on, "earned_on"))
        await connection.execute(LOCK_PAYEE, timebank_id, tidied.payee_id)
        if tidied.invoice_number:
            known = await connection.fetchval(SAME_INVOICE, timebank_id, tidied.payee_id, tidied.invoice_number)
            if known is not None:
                text = f"This invoice is in payment {known} already. Look there before you pay it twice."
                raise Rollback([Refusal("invoice_known", text, "invoice_number")])
        budget_id = await _budget(connection, timebank_id, tidied)
        row = (tidied.reason, tidied.evidence, actor.member_id, now)
        request_id = await connection.fetchval(INSERT, timebank_id, *row)
        new = NewPayable(
            kind=cast("rules.Kind", tidied.kind),
            payee_id=tidied.payee_id,
            pence=tidied.pence,
            currency=bank.currency,
            description=tidied.description,
            source_kind="request",
            source_id=request_id,
            earned_on=tidied.earned_on,
            due_on=tidied.due_on,
            invoice_number=tidied.invoice_number,
            tax_pence=tidied.tax_pence,
            tax_code=tidied.tax_code,
            nominal_code=tidied.nominal_code,
            order_number=tidied.order_number,
            budget_id=budget_id,
        )
        await open_payable_account(connection, timebank_id, tidied.payee_id)
        await open_expense_account(connection, timebank_id, tidied.kind)
        item = entries.expense_entry(
            new, key=f"payment_request:{request_id}:1", actor=actor, effective_on=tidied.earned_on
        )
        [entry_id] = await post(connection, actor, [item])
        reference = await record_payable(connection, actor, new, entry_id=entry_id, now=now, is_promised=True)
        await budgets.check(
            connection,
            timebank_id,
            budget_id,
            order_number=new.order_number,
            payee_id=new.payee_id,
            day=new.earned_on,
            pence=new.pence,
            field="budget_id",
        )
        return Requested(reference=reference)

    return await once(db, actor, "request_payment", key, command, Requested, work)


async def _budget(connection: Connection, timebank_id: int, command: RequestPayment) -> int | None:
    """The budget that pays, locked: the one that was chosen, or that of the order."""
    budget_id = command.budget_id
    if budget_id is None and command.order_number:
        order = await budget_queries.order_by_number(connection, timebank_id, command.order_number)
        budget_id = None if order is None else order.budget_id
    await budgets.lock(connection, timebank_id, budget_id)
    return budget_id


def check_request(actor: Actor, payee: PayeeFacts | None, command: RequestPayment, *, today: date) -> list[Refusal]:
    """May this be proposed?

    Refusals: ``not_finance``, ``payee_missing``, ``payee_closed``, ``kind_unknown``, ``amount_out_of_range``,
    ``tax_out_of_range``, ``description_missing``, ``reason_missing``, ``evidence_missing``, ``too_long``,
    ``unknown_budget``, ``date_in_future``, ``date_too_early``, ``due_out_of_range``.
    """
    refusals = rules.check_finance(actor)
    if payee is None:
        refusals.append(Refusal("payee_missing", "Choose who is paid.", "payee_id"))
    elif not payee.is_open:
        refusals.append(Refusal("payee_closed", f"{payee.name} is closed: nothing new is paid to them.", "payee_id"))
    if command.kind not in KINDS:
        refusals.append(Refusal("kind_unknown", "Choose other or access costs.", "kind"))
    if not 0 < command.pence <= rules.MAX_PENCE:
        refusals.append(Refusal("amount_out_of_range", "Enter an amount above zero, up to a million pounds.", "pence"))
    elif not 0 <= command.tax_pence <= command.pence:
        refusals.append(Refusal("tax_out_of_range", "Enter the tax that is in the amount, or leave it empty.", "tax"))
    if command.budget_id is not None and not 0 < command.budget_id <= MAX_KEY:
        refusals.append(Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id"))
    return refusals + check_texts(command) + _check_days(command, today)


def check_texts(command: RequestPayment) -> list[Refusal]:
    """Refusals ``description_missing``, ``reason_missing``, ``evidence_missing``, ``too_long``."""
    refusals = []
    needed = (
        ("description", command.description, rules.MAX_DESCRIPTION, "Say what it is for."),
        ("reason", command.reason, rules.MAX_REASON, "Say why it is paid."),
        ("evidence", command.evidence, MAX_EVIDENCE, "Say where the invoice or receipt is."),
    )
    for field, text, _, missing in needed:
        if not text:
            refusals.append(Refusal(f"{field}_missing", missing, field))
    limits = [(field, text, limit) for field, text, limit, _ in needed]
    limits += [("invoice_number", command.invoice_number, rules.MAX_INVOICE_NUMBER)]
    limits += [(field, getattr(command, field), limit) for field, limit in CODE_LENGTHS.items()]
    for field, text, limit in limits:
        if len(text) > limit:
            refusals.append(Refusal("too_long", f"Shorten this to {limit} characters or fewer.", field))
    return refusals


def _check_days(command: RequestPayment, today: date) -> list[Refusal]:
    refusals = []
    if command.earned_on > today:
        refusals.append(Refusal("date_in_future", "Enter a date that is today or earlier.", "earned_on"))
    elif command.earned_on < today - timedelta(days=MAX_AGE_DAYS):
        refusals.append(Refusal("date_too_early", "Enter a date within the last two years.", "earned_on"))
    if not command.earned_on <= command.due_on <= today + timedelta(days=MAX_DUE_DAYS):
        text = "Enter a day from the invoice’s date on, at most a year ahead."
        refusals.append(Refusal("due_out_of_range", text, "due_on"))
    return refusals


async def of_payable(connection: Connection, timebank_id: int, payable_id: int) -> RequestFacts | None:
    """Why this payable was typed in; None when it comes from somewhere else."""
    row = await connection.fetchrow(OF_PAYABLE, timebank_id, payable_id)
    return msgspec.convert(dict(row), RequestFacts) if row else None
