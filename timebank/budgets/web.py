"""Finance's pages of budgets: what is spent, committed and left, and what each pays for."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from timebank.budgets import charts, choosing, queries, rules, service, web_setup
from timebank.budgets.rules import SaveBudget
from timebank.budgets.web_frame import (
    ACTS,
    FORM,
    LOOKS,
    PLACE,
    Page,
    PageRequest,
    keep,
    known,
    read_fields,
    show,
    there,
)
from timebank.db import Connection
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.forms import Form
from timebank.web.viewer import viewer


@get(PLACE, **LOOKS)
async def budgets_page(request: PageRequest) -> Response[Any]:
    """Every budget with its bar and figures."""
    currency = viewer(request).currency

    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        found = await queries.budgets(connection, timebank_id)
        funds = await queries.funds(connection, timebank_id)
        return {"budgets": found, "funds": funds, "bar": lambda one: charts.bar(one, currency)}

    return await show(request, "budgets/budgets.html", None, load)


@get(f"{PLACE}/new", **FORM)
async def new_budget_page(request: PageRequest) -> Response[Any]:
    """The form of a new budget."""
    return await _new_budget(request, None)


@post(f"{PLACE}/new", **ACTS)
async def add_budget(request: PageRequest) -> Response[Any]:
    """Add a budget; leads to its page."""
    return await _save_budget(request, None, _new_budget)


@get(f"{PLACE}/{{budget_id:int}}", **LOOKS)
async def budget_page(request: PageRequest, budget_id: FromPath[int]) -> Response[Any]:
    """One budget: its bar, its orders, what it pays for, its form and history."""
    return await _budget(budget_id)(request, None)


@post(f"{PLACE}/{{budget_id:int}}", **ACTS)
async def change_budget(request: PageRequest, budget_id: FromPath[int]) -> Response[Any]:
    """Change a budget, close it or open it again."""
    return await _save_budget(request, budget_id, _budget(budget_id))


async def _save_budget(request: PageRequest, budget_id: int | None, page: Page) -> Response[Any]:
    form = await forms.read(request)
    fund_id = choosing.chosen(form.text("fund_id"))
    fields = read_fields(request, form, "starts_on", "ends_on")
    refused = fields if isinstance(fields, list) else []
    if budget_id is None and fund_id is None:
        refused.append(Refusal("fund_missing", "Choose the grant that it comes from.", "fund_id"))
    if refused or isinstance(fields, list):
        return await page(request, form.refused(refused))
    command = SaveBudget(
        id=budget_id,
        name=form.text("name"),
        fund_id=fund_id or 0,
        cost_centre_id=choosing.chosen(form.text("cost_centre_id")),
        nominal_code_id=choosing.chosen(form.text("nominal_code_id")),
        **fields,
    )
    return await keep(request, form, service.save_budget, command, page, PLACE + "/{}", "The budget is saved.")


async def _new_budget(request: PageRequest, form: Form | None) -> Response[Any]:
    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        filled = Form.blank(fund_id=request.query_params.get("fund", ""))
        return {"form": filled, "choices": await _choices(connection, timebank_id)}

    return await show(request, "budgets/new.html", form, load)


def _budget(budget_id: int) -> Page:
    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        found = there(await queries.budget(connection, timebank_id, known(budget_id)))
        spent = await queries.spent(connection, timebank_id, found.id)
        return {
            "form": ["name", "cost_centre_id", "nominal_code_id", "pence", "is_open", "starts_on", "ends_on"],
            "budget": found,
            "choices": await _choices(connection, timebank_id, found.cost_centre_id, found.nominal_code_id),
            "orders": await queries.orders(connection, timebank_id, found.id),
            "spent": spent,
            "late": [one for one in spent if not found.starts_on <= one.earned_on <= found.ends_on],
            "promised": await queries.promised(connection, timebank_id, found.id),
            "offers": await queries.offers(connection, timebank_id, found.id),
            "history": await queries.history(connection, timebank_id, "budget", found.id),
        }

    async def page(request: PageRequest, form: Form | None) -> Response[Any]:
        currency = viewer(request).currency
        return await show(
            request, "budgets/budget.html", form, load, of="budget", bar=lambda one: charts.bar(one, currency)
        )

    return page


async def _choices(connection: Connection, timebank_id: int, *kept: int | None) -> dict[str, choosing.Choices]:
    """What the form of a budget offers; closed codes only where they are chosen already (``kept``)."""
    found = {"funds": await choosing.funds(connection, timebank_id, none="Choose a grant")}
    for kind in rules.CODE_KINDS:
        found[kind] = await choosing.codes(connection, timebank_id, kind, kept=kept)
    return found


ROUTES: list[Any] = [budgets_page, new_budget_page, add_budget, budget_page, change_budget, *web_setup.ROUTES]
