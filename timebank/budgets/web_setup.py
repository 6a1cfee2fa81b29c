"""Finance's pages of grants, codes and purchase orders."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from timebank.budgets import choosing, queries, rules, service
from timebank.budgets.rules import SaveCode, SaveFund, SaveOrder
from timebank.budgets.web_frame import ACTS, LOOKS, PLACE, Page, PageRequest, keep, known, read_fields, show, there
from timebank.db import Connection
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.web import forms
from timebank.web.forms import Form
from timebank.web.viewer import viewer

# Grants --------------------------------------------------------------------------------------------------------------


@get(f"{PLACE}/funds", **LOOKS)
async def funds_page(request: PageRequest) -> Response[Any]:
    """Grants with what their budgets add up to, and the form of a new one."""
    return await _funds(request, None)


@post(f"{PLACE}/funds", **ACTS)
async def add_fund(request: PageRequest) -> Response[Any]:
    """Add a grant."""
    return await _save_fund(request, None, _funds)


@get(f"{PLACE}/funds/{{fund_id:int}}", **LOOKS)
async def fund_page(request: PageRequest, fund_id: FromPath[int]) -> Response[Any]:
    """One grant with its budgets, form and history."""
    return await _fund(fund_id)(request, None)


@post(f"{PLACE}/funds/{{fund_id:int}}", **ACTS)
async def change_fund(request: PageRequest, fund_id: FromPath[int]) -> Response[Any]:
    """Change a grant, close it or open it again."""
    return await _save_fund(request, fund_id, _fund(fund_id))


async def _save_fund(request: PageRequest, fund_id: int | None, page: Page) -> Response[Any]:
    form = await forms.read(request)
    fields = read_fields(request, form, "starts_on", "ends_on")
    if isinstance(fields, list):
        return await page(request, form.refused(fields))
    command = SaveFund(id=fund_id, name=form.text("name"), funder=form.text("funder"), **fields)
    return await keep(request, form, service.save_fund, command, page, PLACE + "/funds/{}", "The grant is saved.")


async def _funds(request: PageRequest, form: Form | None) -> Response[Any]:
    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        return {"funds": await queries.funds(connection, timebank_id)}

    return await show(request, "budgets/funds.html", form, load)


def _fund(fund_id: int) -> Page:
    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        return {
            "form": ["name", "funder", "pence", "is_open", "starts_on", "ends_on"],
            "fund": there(await queries.fund(connection, timebank_id, known(fund_id))),
            "budgets": await queries.budgets_of_fund(connection, timebank_id, fund_id),
            "history": await queries.history(connection, timebank_id, "fund", fund_id),
        }

    async def page(request: PageRequest, form: Form | None) -> Response[Any]:
        return await show(request, "budgets/fund.html", form, load, of="fund")

    return page


# Codes ---------------------------------------------------------------------------------------------------------------


@get(f"{PLACE}/codes", **LOOKS)
async def codes_page(request: PageRequest) -> Response[Any]:
    """Cost centres and nominal codes, as the accounting package has them."""
    return await _codes(request, None)


@post(f"{PLACE}/codes", **ACTS)
async def save_code(request: PageRequest) -> Response[Any]:
    """Add a code; with an ``id``, close it or open it again."""
    form = await forms.read(request)
    command = SaveCode(
        kind="nominal_code" if form.text("kind") == rules.NOMINAL_CODE else "cost_centre",
        code=form.text("code"),
        name=form.text("name"),
        id=choosing.chosen(form.text("id")),
        is_open=form.text("is_open") != "no",
    )
    return await keep(request, form, service.save_code, command, _codes, PLACE + "/codes", "Saved.")


async def _codes(request: PageRequest, form: Form | None) -> Response[Any]:
    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        codes = await queries.codes(connection, timebank_id)
        return {
            "form": Form.blank(kind=rules.COST_CENTRE),
            "codes": codes,
            "kinds": list(rules.CODE_KINDS.items()),
        }

    return await show(request, "budgets/codes.html", form, load)


# Orders --------------------------------------------------------------------------------------------------------------


@get(f"{PLACE}/orders", **LOOKS)
async def orders_page(request: PageRequest) -> Response[Any]:
    """Purchase orders: charged, booked and left; and the form of a new one."""
    return await _orders(request, None)


@post(f"{PLACE}/orders", **ACTS)
async def add_order(request: PageRequest) -> Response[Any]:
    """Add a purchase order."""
    return await _save_order(request, None, _orders)


@get(f"{PLACE}/orders/{{order_id:int}}", **LOOKS)
async def order_page(request: PageRequest, order_id: FromPath[int]) -> Response[Any]:
    """One purchase order with its form and history."""
    return await _order(order_id)(request, None)


@post(f"{PLACE}/orders/{{order_id:int}}", **ACTS)
async def change_order(request: PageRequest, order_id: FromPath[int]) -> Response[Any]:
    """Change a purchase order, close it or open it again."""
    return await _save_order(request, order_id, _order(order_id))


async def _save_order(request: PageRequest, order_id: int | None, page: Page) -> Response[Any]:
    form = await forms.read(request)
    fields = read_fields(request, form)
    number, budget_id = form.text("number"), choosing.chosen(form.text("budget_id"))
    refused = fields if isinstance(fields, list) else []
    if order_id is None and budget_id is None:
        refused.append(Refusal("budget_missing", "Choose the budget that pays.", "budget_id"))
    if order_id is None and not number:
        refused.append(Refusal("number_missing", "Enter the number of the purchase order.", "number"))
    if refused or isinstance(fields, list):
        return await page(request, form.refused(refused))
    command = SaveOrder(
        id=order_id,
        number=number or "kept",
        budget_id=budget_id or 0,
        payee_id=choosing.chosen(form.text("payee_id")),
        what_for=form.text("what_for"),
        **fields,
    )
    place = PLACE + "/orders/{}"
    return await keep(request, form, service.save_order, command, page, place, "The purchase order is saved.")


async def _orders(request: PageRequest, form: Form | None) -> Response[Any]:
    currency = viewer(request).currency

    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        suppliers = await payees.payees(connection, timebank_id)
        return {
            "form": Form.blank(budget_id=request.query_params.get("budget", "")),
            "orders": await queries.orders(connection, timebank_id),
            "budgets": await choosing.budgets(connection, timebank_id, currency, none="Choose a budget"),
            "suppliers": [("", "Any supplier"), *((str(one.id), one.name) for one in suppliers)],
        }

    return await show(request, "budgets/orders.html", form, load)


def _order(order_id: int) -> Page:
    async def load(connection: Connection, timebank_id: int) -> dict[str, Any]:
        return {
            "form": ["what_for", "pence", "is_open"],
            "order": there(await queries.order(connection, timebank_id, known(order_id))),
            "history": await queries.history(connection, timebank_id, "purchase_order", order_id),
        }

    async def page(request: PageRequest, form: Form | None) -> Response[Any]:
        return await show(request, "budgets/order.html", form, load, of="order")

    return page


ROUTES: list[Any] = [
    funds_page,
    fund_page,
    add_fund,
    change_fund,
    codes_page,
    save_code,
    orders_page,
    add_order,
    order_page,
    change_order,
]
