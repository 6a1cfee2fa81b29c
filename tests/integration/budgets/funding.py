"""What tests of budgets share: a grant, a budget, orders, and what the sums say."""

from datetime import date
from typing import Any
from uuid import uuid4

from tests.people import Bank
from timebank.budgets import queries, service
from timebank.budgets.rules import BudgetFacts, OrderFacts, SaveBudget, SaveCode, SaveFund, SaveOrder
from timebank.budgets.service import Saved

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def call(bank: Bank) -> dict[str, Any]:
    return {"key": uuid4().hex, "now": bank.now}


async def fund(bank: Bank, *, pence: int = 1_000_000, name: str = "Lottery", **more: Any) -> int:
    fields = {"starts_on": FIRST, "ends_on": LAST, "funder": "A funder"} | more
    command = SaveFund(name=f"{name} {uuid4().hex[:6]}", pence=pence, **fields)
    return saved(await service.save_fund(bank.db, bank.finance, command, **call(bank)))


async def code(bank: Bank, kind: Any, number: str) -> int:
    command = SaveCode(kind=kind, code=number, name=f"Code {number}")
    return saved(await service.save_code(bank.db, bank.finance, command, **call(bank)))


async def budget(bank: Bank, *, pence: int, fund_id: int | None = None, **more: Any) -> int:
    fields = {"starts_on": FIRST, "ends_on": LAST, "name": f"Lunches {uuid4().hex[:6]}"} | more
    command = SaveBudget(fund_id=fund_id or await fund(bank), pence=pence, **fields)
    return saved(await service.save_budget(bank.db, bank.finance, command, **call(bank)))


async def order(bank: Bank, budget_id: int, *, pence: int, **more: Any) -> int:
    command = SaveOrder(number=f"PO-{uuid4().hex[:6]}", budget_id=budget_id, pence=pence, **more)
    return saved(await service.save_order(bank.db, bank.finance, command, **call(bank)))


def saved(answer: Any) -> int:
    assert isinstance(answer, Saved), answer
    return answer.id


async def facts(bank: Bank, budget_id: int) -> BudgetFacts:
    async with bank.db.reading(bank.id) as connection:
        found = await queries.budget(connection, bank.id, budget_id)
    assert found is not None
    return found


async def order_facts(bank: Bank, order_id: int) -> OrderFacts:
    async with bank.db.reading(bank.id) as connection:
        found = await queries.order(connection, bank.id, order_id)
    assert found is not None
    return found


async def sums(bank: Bank, budget_id: int) -> tuple[int, int, int, int]:
    """Spent, booked, on order, left; they add up to the limit."""
    one = await facts(bank, budget_id)
    assert one.spent_pence + one.booked_pence + one.ordered_pence + one.left_pence == one.pence
    return one.spent_pence, one.booked_pence, one.ordered_pence, one.left_pence
