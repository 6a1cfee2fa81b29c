"""Coding a payable before it is approved: which budget and order pay for it, as what it is booked, its tax."""

from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.budgets import queries as budget_queries
from timebank.budgets import service as budgets
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.money import in_words
from timebank.kit.names import tidy
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.payments import rules
from timebank.payments.rules import PayableFacts
from timebank.payments.service import Changed, abandon_if, locked, move

MAX_TAX_CODE, MAX_NOMINAL_CODE, MAX_ORDER_NUMBER = 10, 40, 35

SET = """
update payable
   set budget_id = $3, nominal_code = $4, order_number = $5, tax_pence = $6, tax_code = $7
 where timebank_id = $1 and id = $2
"""


OWN_CODE = "select nominal_code from payable where timebank_id = $1 and id = $2"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What finance books a payable as. Without a ``nominal_code`` it has its budget's own, or the usual one of its
    kind, as they are when it is approved.
    """

    reference: str
    budget_id: int | None = None
    nominal_code: str = ""
    order_number: str = ""
    tax_pence: int = 0
    tax_code: str = ""


async def code(db: Database, actor: Actor, command: Code, *, key: str, now: datetime) -> Changed | list[Refusal]:
    """Code a payable that is not approved yet. Its payee and amount stay as they are. For finance.

    Refusals: those of :func:`check_code` and ``budgets.service.check`` (a budget or order without enough left). Raises
    UnknownPayment for an unknown reference.
    """
    command = msgspec.structs.replace(
        command,
        nominal_code=tidy(command.nominal_code),
        order_number=tidy(command.order_number),
        tax_code=tidy(command.tax_code),
    )

    async def work(connection: Connection) -> Changed:
        timebank_id = actor.timebank_id
        payable = await locked(connection, actor, command.reference)
        abandon_if(check_code(actor, payable, command))
        order = None
        if command.order_number:
            order = await budget_queries.order_by_number(connection, timebank_id, command.order_number)
            if order is None:
                text = f"There is no purchase order {command.order_number}. Choose one from the list, or none."
                raise Rollback([Refusal("unknown_order", text, "order_number")])
        budget_id = command.budget_id if command.budget_id or order is None else order.budget_id
        await budgets.lock(connection, timebank_id, budget_id)
        found = None if budget_id is None else await budget_queries.budget(connection, timebank_id, budget_id)
        row = (budget_id, command.nominal_code, command.order_number, command.tax_pence, command.tax_code)
        if found is None and budget_id is not None:
            raise Rollback([Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id")])
        await connection.execute(SET, timebank_id, payable.id, *row)
        is_new = (budget_id, command.order_number) != (payable.budget_id, payable.order_number)
        await budgets.check(
            connection,
            timebank_id,
            budget_id,
            order_number=command.order_number,
            payee_id=payable.payee_id,
            day=payable.earned_on if is_new else None,
            pence=payable.pence if budget_id != payable.budget_id else 0,
            field="budget_id",
        )
        currency = (await banks.by_id(connection, timebank_id)).currency
        reason = _words(found.name if found else "", command, currency)
        return await move(connection, actor, payable, payable.state, now, reason=reason)

    return await once(db, actor, "code_payable", key, command, Changed, work)


async def own_nominal_code(connection: Connection, timebank_id: int, payable_id: int) -> str:
    """The nominal code that was chosen for a payable; "" when it has its budget's or the usual one of its kind."""
    return await connection.fetchval(OWN_CODE, timebank_id, payable_id) or ""


def check_code(actor: Actor, payable: PayableFacts, command: Code) -> list[Refusal]:
    """Refusals ``not_finance``, ``wrong_state`` (only before approval), ``tax_out_of_range``, ``too_long``."""
    refusals = rules.check_finance(actor)
    if payable.state not in (rules.DRAFT, rules.SUBMITTED):
        text = "Only what is not approved yet can be coded. Put it back for approval first."
        refusals.append(Refusal("wrong_state", text))
    if not 0 <= command.tax_pence <= payable.pence:
        most = in_words(payable.pence, payable.currency)
        text = f"Enter the tax that is in the {most}, or leave it empty."
        refusals.append(Refusal("tax_out_of_range", text, "tax_pence"))
    if command.budget_id is not None and not 0 < command.budget_id <= MAX_KEY:
        refusals.append(Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id"))
    for field, value, limit in (
        ("nominal_code", command.nominal_code, MAX_NOMINAL_CODE),
        ("order_number", command.order_number, MAX_ORDER_NUMBER),
        ("tax_code", command.tax_code, MAX_TAX_CODE),
    ):
        if len(value) > limit:
            refusals.append(Refusal("too_long", f"Shorten this to {limit} characters or fewer.", field))
    return refusals


def _words(budget: str, command: Code, currency: str) -> str:
    """What it was coded as, for the history."""
    parts = [
        ("budget", budget),
        ("nominal code", command.nominal_code),
        ("order", command.order_number),
        ("tax", in_words(command.tax_pence, currency) if command.tax_pence else ""),
        ("tax code", command.tax_code),
    ]
    said = ", ".join(f"{name} {value}" for name, value in parts if value)
    return f"Coded: {said or 'nothing'}."[: rules.MAX_REASON]
