"""Choosing a budget, a fund or a code on a form: what is offered, and what was chosen."""

from collections.abc import Container
from datetime import date

from timebank.budgets import queries, rules
from timebank.budgets.rules import BudgetFacts
from timebank.db import Connection
from timebank.kit.money import in_words
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal

Choices = list[tuple[str, str]]


async def budgets(
    connection: Connection,
    timebank_id: int,
    currency: str,
    *,
    day: date | None = None,
    kept: int | None = None,
    none: str = "No budget",
) -> Choices:
    """Budgets that can pay now, each with what is left of it; ``kept`` also when it cannot.

    ``day``: only those whose dates hold it.
    """
    found = await queries.budgets(connection, timebank_id)
    return [("", none), *((str(one.id), _title(one, currency)) for one in found if one.id == kept or _pays(one, day))]


async def funds(
    connection: Connection, timebank_id: int, *, kept: int | None = None, none: str = "Any fund"
) -> Choices:
    """Open grants by name; ``kept`` also when it is closed, or when it is a number from before there were grants."""
    found = await queries.funds(connection, timebank_id)
    choices = [("", none), *((str(one.id), one.name) for one in found if one.is_open or one.id == kept)]
    if kept is not None and str(kept) not in dict(choices):
        choices.append((str(kept), earlier_fund(kept)))
    return choices


async def codes(connection: Connection, timebank_id: int, kind: str, *, kept: Container[int | None] = ()) -> Choices:
    """Open codes of a kind, and the ``kept`` ones."""
    found = await queries.codes(connection, timebank_id)
    return [
        ("", "None"),
        *((str(one.id), one.title) for one in found if one.kind == kind and (one.is_open or one.id in kept)),
    ]


async def fund_names(connection: Connection, timebank_id: int) -> dict[int, str]:
    """The names of grants by id."""
    return {one.id: one.name for one in await queries.funds(connection, timebank_id)}


async def budget_names(connection: Connection, timebank_id: int) -> dict[int, str]:
    """The names of budgets by id."""
    return {one.id: one.name for one in await queries.budgets(connection, timebank_id)}


async def check_fits(
    connection: Connection,
    timebank_id: int,
    *,
    fund_id: int | None,
    budget_id: int | None,
    day: date | None = None,
    kept: tuple[int | None, int | None] = (None, None),
) -> list[Refusal]:
    """May these two be chosen together? What was chosen before (``kept``) may stay, whatever became of it.

    ``day``: the first on which the budget is to pay. Refusals: ``unknown_fund``, ``fund_closed``, ``unknown_budget``,
    ``budget_closed``, ``outside_budget``, ``other_fund`` (the budget belongs to another).
    """
    refusals = []
    if fund_id is not None and fund_id != kept[0]:
        fund = await queries.fund(connection, timebank_id, fund_id)
        if fund is None:
            refusals.append(Refusal("unknown_fund", "Choose a fund of this time bank, or none.", "fund_id"))
        elif not fund.is_open:
            refusals.append(Refusal("fund_closed", f"The fund “{fund.name}” is closed. Choose another.", "fund_id"))
    if budget_id is None or (fund_id, budget_id) == kept:
        return refusals
    budget = await queries.budget(connection, timebank_id, budget_id)
    if budget is None:
        return [*refusals, Refusal("unknown_budget", "Choose a budget of this time bank, or none.", "budget_id")]
    if budget_id != kept[1]:
        refusals += rules.check_takes(budget, day or budget.starts_on, field="budget_id")
    if fund_id is not None and fund_id != budget.fund_id:
        text = f"The budget “{budget.name}” belongs to the fund “{budget.fund_name}”. Choose that fund, or none."
        refusals.append(Refusal("other_fund", text, "fund_id"))
    return refusals


def earlier_fund(number: int) -> str:
    """How a number is called that was written down before there were grants."""
    return f"Earlier fund {number}"


def chosen(text: str) -> int | None:
    """The id that a form sends; None for none, and for what is no id."""
    is_id = text.isascii() and text.isdigit() and 0 < len(text) < 20
    return int(text) if is_id and 0 < int(text) <= MAX_KEY else None


def _pays(budget: BudgetFacts, day: date | None) -> bool:
    return budget.is_open and budget.fund_is_open if day is None else budget.takes_on(day)


def _title(budget: BudgetFacts, currency: str) -> str:
    left = f"{in_words(budget.left_pence, currency)} left" if budget.left_pence >= 0 else "overspent"
    return f"{budget.name} ({left})"
