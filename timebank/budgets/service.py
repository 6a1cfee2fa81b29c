"""Budgets: setting them up, and watching that nothing overspends them.

Whatever may spend or promise money of a budget calls :func:`lock` before it looks or writes, and :func:`check` after
its last write. Locks come after those of offers, bookings and debts, and before the ledger.
"""

from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from timebank.banks import queries as banks
from timebank.budgets import queries, rules
from timebank.budgets.rules import SaveBudget, SaveCode, SaveFund, SaveOrder
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.money import in_words
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal

__all__ = [
    "SaveBudget",
    "SaveCode",
    "SaveFund",
    "SaveOrder",
    "Saved",
    "check",
    "check_promises",
    "lock",
    "money_left_for",
    "save_budget",
    "save_code",
    "save_fund",
    "save_order",
]

LOCK = "select id from budget where timebank_id = $1 and id = any($2::bigint[]) order by id for no key update"
LOCK_FUND = "select id from fund where timebank_id = $1 and id = $2 for no key update"
WITHOUT_MONEY = "select exists (select from offers_without_money($1, $2) o where o = $3)"
EVENT = """
insert into budget_event (timebank_id, subject, subject_id, actor_id, at, what, why) values ($1, $2, $3, $4, $5, $6, $7)
"""
SAVE = {
    "fund": ("name", "funder", "starts_on", "ends_on", "pence", "is_open"),
    "finance_code": ("kind", "code", "name", "is_open"),
    "budget": (
        "name", "fund_id", "cost_centre_id", "nominal_code_id", "starts_on", "ends_on", "pence", "is_open",
    ),
    "purchase_order": ("number", "payee_id", "budget_id", "what_for", "pence", "is_open"),
}  # fmt: skip
"""The columns that each table is saved with."""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved."""

    id: int


# For rooms that spend, inside their transaction -----------------------------------------------------------------------


async def lock(connection: Connection, timebank_id: int, *budget_ids: int | None) -> None:
    """Let nobody else spend or promise money of these budgets until the transaction ends. None is passed over.

    Raises:
        Rollback: ``unknown_budget``, one of them is not of this time bank.
    """
    ids = sorted({one for one in budget_ids if one is not None})
    known = [one for one in ids if 0 < one <= rules.MAX_ID]
    there = await connection.fetch(LOCK, timebank_id, known) if known else []
    if len(there) < len(ids):
        raise Rollback([Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id")])


async def check(
    connection: Connection,
    timebank_id: int,
    budget_id: int | None,
    *,
    order_number: str = "",
    payee_id: int | None = None,
    day: date | None = None,
    pence: int = 0,
    field: str | None = None,
) -> None:
    """Go on only when a locked budget, with all that was written before, is not overspent.

    ``order_number``: the order that a debt to ``payee_id`` is charged to, "" for none. ``day``: when what is new
    happened; None when it was promised earlier, so that closed budgets and their dates do not matter any more.
    ``pence``: what is new.

    Raises:
        Rollback: ``unknown_budget``, ``unknown_order``, and those of ``rules.check_limit``, ``check_takes``,
            ``check_order_fits``, ``check_order_limit``.
    """
    refusals: list[Refusal] = []
    currency = (await banks.by_id(connection, timebank_id)).currency
    if budget_id is not None:
        found = await queries.budget(connection, timebank_id, budget_id)
        if found is None:
            raise Rollback([Refusal("unknown_budget", "Choose a budget of this time bank.", field or "budget_id")])
        if day is not None:
            refusals += rules.check_takes(found, day, field=field)
        refusals += rules.check_limit(found, currency, pence=pence, field=field)
    if order_number:
        order = await queries.order_by_number(connection, timebank_id, order_number)
        if order is None:
            text = f"There is no purchase order {order_number}. Choose one from the list, or none."
            raise Rollback([Refusal("unknown_order", text, "order_number")])
        if day is not None:
            refusals += rules.check_order_fits(order, budget_id=budget_id, payee_id=payee_id)
        refusals += rules.check_order_limit(order, currency, field="order_number")
    if refusals:
        raise Rollback(refusals)


async def check_promises(connection: Connection, timebank_id: int, budget_id: int | None) -> None:
    """Go on only when a locked budget and its orders are not overspent by what is promised now.

    Raises:
        Rollback: ``budget_overspent``, ``order_overspent``.
    """
    if budget_id is None:
        return
    await check(connection, timebank_id, budget_id)
    currency = (await banks.by_id(connection, timebank_id)).currency
    for order in await queries.orders(connection, timebank_id, budget_id):
        if refusals := rules.check_order_limit(order, currency):
            raise Rollback(refusals)


async def money_left_for(connection: Connection, timebank_id: int, offer_id: int, day: date) -> bool:
    """True when one more of an offer can be paid for, booked on this day; always without a budget. Lock it first."""
    return not await connection.fetchval(WITHOUT_MONEY, timebank_id, day, offer_id)


# Setting up ----------------------------------------------------------------------------------------------------------


async def save_fund(db: Database, actor: Actor, command: SaveFund, *, key: str, now: datetime) -> Saved | list[Refusal]:
    """Add a grant, change it, close it or open it again. For finance.

    Refusals: ``not_finance``, ``unknown_fund``, ``name_taken``, those of ``rules.check_fund`` and
    ``rules.check_fund_holds``.
    """
    command = msgspec.structs.replace(command, name=tidy(command.name), funder=tidy(command.funder))
    refusals = rules.check_finance(actor) or rules.check_fund(command)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Saved:
        timebank_id, before = actor.timebank_id, None
        currency = (await banks.by_id(connection, timebank_id)).currency
        if command.id is not None:
            await connection.fetch(LOCK_FUND, timebank_id, command.id)
            before = await queries.fund(connection, timebank_id, command.id)
            if before is None:
                raise Rollback([Refusal("unknown_fund", "There is no such grant.", "id")])
            held = await queries.budgets_of_fund(connection, timebank_id, command.id)
            if refused := rules.check_fund_holds(command, held, currency):
                raise Rollback(refused)
        return await _save(connection, actor, "fund", command, before, currency, now)

    return await once(db, actor, "save_fund", key, command, Saved, work)


async def save_code(db: Database, actor: Actor, command: SaveCode, *, key: str, now: datetime) -> Saved | list[Refusal]:
    """Add a cost centre or nominal code, name it anew, close it or open it again. For finance.

    Refusals: ``not_finance``, ``unknown_code``, ``code_taken``, those of ``rules.check_code``.
    """
    command = msgspec.structs.replace(command, name=tidy(command.name), code=tidy(command.code))
    refusals = rules.check_finance(actor) or rules.check_code(command)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Saved:
        before, kept = None, command
        if command.id is not None:
            before = await queries.code(connection, actor.timebank_id, command.id)
            if before is None:
                raise Rollback([Refusal("unknown_code", "There is no such code.", "id")])
            # What was exported with it says this code: another one is another row.
            kept = msgspec.structs.replace(command, kind=before.kind, code=before.code)
        return await _save(connection, actor, "finance_code", kept, before, "", now)

    return await once(db, actor, "save_finance_code", key, command, Saved, work)


async def save_budget(
    db: Database, actor: Actor, command: SaveBudget, *, key: str, now: datetime
) -> Saved | list[Refusal]:
    """Add a budget, change it, close it or open it again. For finance.

    Refusals: ``not_finance``, ``unknown_budget``, ``unknown_fund``, ``unknown_code``, ``name_taken``, those of
    ``rules.check_budget``, ``rules.check_within_fund`` and ``rules.check_limit``.
    """
    command = msgspec.structs.replace(command, name=tidy(command.name))
    refusals = rules.check_finance(actor) or rules.check_budget(command)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Saved:
        timebank_id, before, kept = actor.timebank_id, None, command
        currency = (await banks.by_id(connection, timebank_id)).currency
        if command.id is not None:
            seen = await queries.budget(connection, timebank_id, command.id)
            if seen is None:
                raise Rollback([Refusal("unknown_budget", "There is no such budget.", "id")])
            kept = msgspec.structs.replace(command, fund_id=seen.fund_id)
        await connection.fetch(LOCK_FUND, timebank_id, kept.fund_id)
        if command.id is not None:
            await lock(connection, timebank_id, command.id)
            before = await queries.budget(connection, timebank_id, command.id)
        fund = await queries.fund(connection, timebank_id, kept.fund_id)
        if fund is None:
            raise Rollback([Refusal("unknown_fund", "Choose a grant of this time bank.", "fund_id")])
        had = before.pence if before else 0
        refused = rules.check_within_fund(kept, fund, before_pence=had, currency=currency)
        refused += await _check_codes(connection, timebank_id, kept)
        if refused:
            raise Rollback(refused)
        saved = await _save(connection, actor, "budget", kept, before, currency, now)
        await check(connection, timebank_id, saved.id, field="pence")
        return saved

    return await once(db, actor, "save_budget", key, command, Saved, work)


async def save_order(
    db: Database, actor: Actor, command: SaveOrder, *, key: str, now: datetime
) -> Saved | list[Refusal]:
    """Add a purchase order, change it, close it or open it again. For finance.

    Refusals: ``not_finance``, ``unknown_order``, ``unknown_budget``, ``unknown_payee``, ``number_taken``, those of
    ``rules.check_order``, ``rules.check_limit``, ``rules.check_order_limit``.
    """
    command = msgspec.structs.replace(command, number=tidy(command.number), what_for=tidy(command.what_for))
    refusals = rules.check_finance(actor) or rules.check_order(command)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Saved:
        timebank_id, before, kept = actor.timebank_id, None, command
        currency = (await banks.by_id(connection, timebank_id)).currency
        if command.id is not None:
            before = await queries.order(connection, timebank_id, command.id)
            if before is None:
                raise Rollback([Refusal("unknown_order", "There is no such purchase order.", "id")])
            kept = msgspec.structs.replace(
                command, number=before.number, budget_id=before.budget_id, payee_id=before.payee_id
            )
        await lock(connection, timebank_id, kept.budget_id)
        budget = await queries.budget(connection, timebank_id, kept.budget_id)
        if budget is None:
            raise Rollback([Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id")])
        if before is None and not (budget.is_open and budget.fund_is_open):
            text = f"The budget “{budget.name}” is closed. Choose another."
            raise Rollback([Refusal("budget_closed", text, "budget_id")])
        saved = await _save(connection, actor, "purchase_order", kept, before, currency, now)
        await check(connection, timebank_id, kept.budget_id, order_number=kept.number, field="pence")
        return saved

    return await once(db, actor, "save_order", key, command, Saved, work)


async def _check_codes(connection: Connection, timebank_id: int, command: SaveBudget) -> list[Refusal]:
    refusals = []
    for field, kind, code_id in (
        ("cost_centre_id", rules.COST_CENTRE, command.cost_centre_id),
        ("nominal_code_id", rules.NOMINAL_CODE, command.nominal_code_id),
    ):
        if code_id is None:
            continue
        found = await queries.code(connection, timebank_id, code_id)
        if found is None or found.kind != kind:
            text = f"Choose a {rules.CODE_KINDS[kind].lower()} of this time bank, or none."
            refusals.append(Refusal("unknown_code", text, field))
    return refusals


async def _save(
    connection: Connection,
    actor: Actor,
    table: str,
    command: Any,
    before: Any,
    currency: str,
    now: datetime,
) -> Saved:
    """Insert or update one row, and write what changed into the history."""
    names = SAVE[table]
    values = [getattr(command, name) for name in names]
    who = (actor.member_id, now)
    if before is None:
        marks = ", ".join(f"${n}" for n in range(2, len(names) + 4))
        statement = f"insert into {table} (timebank_id, {', '.join(names)}, changed_by, changed_at)"
        statement += f" values ($1, {marks}) returning id"
        first: tuple[int, ...] = (actor.timebank_id,)
    else:
        pairs = ", ".join(f"{name} = ${n}" for n, name in enumerate((*names, "changed_by", "changed_at"), start=3))
        statement = f"update {table} set {pairs} where timebank_id = $1 and id = $2 returning id"  # noqa: S608
        first = (actor.timebank_id, command.id)
    try:
        row_id: int = await connection.fetchval(statement, *first, *values, *who)
    except asyncpg.UniqueViolationError as error:
        raise Rollback([_taken(table)]) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise Rollback([Refusal("unknown_payee", "Choose a supplier of this time bank.", "payee_id")]) from error
    what = _what(command, before, names, currency)
    if what:
        await connection.execute(
            EVENT, actor.timebank_id, table, row_id, actor.member_id, now, what[:1000], command.why.strip()
        )
    return Saved(id=row_id)


def _taken(table: str) -> Refusal:
    what = {
        "fund": ("name_taken", "There is a grant of this name already.", "name"),
        "finance_code": ("code_taken", "There is this code already. Open that one again, or choose another.", "code"),
        "budget": ("name_taken", "There is a budget of this name already.", "name"),
        "purchase_order": ("number_taken", "There is a purchase order with this number already.", "number"),
    }
    return Refusal(*what[table])


FIELD_NAMES = {
    "name": "Name",
    "funder": "Funder",
    "starts_on": "First day",
    "ends_on": "Last day",
    "pence": "Amount",
    "is_open": "Open",
    "cost_centre_id": "Cost centre",
    "nominal_code_id": "Nominal code",
    "what_for": "What for",
}


def _what(command: Any, before: Any, names: tuple[str, ...], currency: str) -> str:
    """The change in words; "" when there is none."""

    def said(name: str, value: Any) -> str:
        if value is None:
            return ""
        if name == "pence":
            return in_words(value, currency)
        if name == "is_open":
            return "yes" if value else "no"
        return f"{value.day} {value:%B %Y}" if isinstance(value, date) else str(value)

    if before is None:
        amount = f": {said('pence', command.pence)}" if "pence" in names else ""
        return f"Added{amount}"
    return rules.changes(
        [
            (FIELD_NAMES[name], said(name, getattr(before, name)), said(name, getattr(command, name)))
            for name in names
            if name in FIELD_NAMES
        ]
    )
