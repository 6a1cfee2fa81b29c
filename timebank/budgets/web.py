"""Finance's pages of budgets: what is spent, committed and left, and setting up grants, codes and orders."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.budgets import charts, queries, rules, service
from timebank.budgets.rules import SaveBudget, SaveCode, SaveFund, SaveOrder
from timebank.budgets.service import Saved
from timebank.db import Connection
from timebank.kit import money
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form, date_fields
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
may_look = requires_role(FINANCE, ADMIN)
may_act = requires_role(FINANCE)

PLACE = "/budgets"


@get(PLACE, guards=[may_look], include_in_schema=False)
async def budgets_page(request: PageRequest) -> Response[str]:
    """Every budget with its bar and figures."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await queries.budgets(connection, person.actor.timebank_id)
        funds = await queries.funds(connection, person.actor.timebank_id)
    return render(
        request,
        "budgets/budgets.html",
        budgets=found,
        funds=funds,
        bar=lambda one: charts.bar(one, person.currency),
        can_act=person.has_role(FINANCE),
    )


@get(f"{PLACE}/new", guards=[may_act], include_in_schema=False)
async def new_budget_page(request: PageRequest) -> Response[str]:
    """The form of a new budget."""
    return await _budget_form(request, Form.blank(fund_id=request.query_params.get("fund", "")), None)


@post(f"{PLACE}/new", guards=[may_act], status_code=200, include_in_schema=False)
async def add_budget(request: PageRequest) -> Response[Any]:
    """Add a budget; leads to its page."""
    form = await forms.read(request)
    return await _save_budget(request, form, None)


@get(f"{PLACE}/{{budget_id:int}}", guards=[may_look], include_in_schema=False)
async def budget_page(request: PageRequest, budget_id: FromPath[int]) -> Response[str]:
    """One budget: its bar, its orders, what it pays for, its form and history."""
    return await _budget_page(request, _known(budget_id), None)


@post(f"{PLACE}/{{budget_id:int}}", guards=[may_act], status_code=200, include_in_schema=False)
async def change_budget(request: PageRequest, budget_id: FromPath[int]) -> Response[Any]:
    """Change a budget, close it or open it again."""
    form = await forms.read(request)
    return await _save_budget(request, form, _known(budget_id))


@get(f"{PLACE}/funds", guards=[may_look], include_in_schema=False)
async def funds_page(request: PageRequest) -> Response[str]:
    """Grants, cost centres and nominal codes."""
    return await _funds_page(request, Form.blank())


@get(f"{PLACE}/funds/{{fund_id:int}}", guards=[may_look], include_in_schema=False)
async def fund_page(request: PageRequest, fund_id: FromPath[int]) -> Response[str]:
    """One grant with its budgets, form and history."""
    return await _fund_page(request, _known(fund_id), None)


@post(f"{PLACE}/funds", guards=[may_act], status_code=200, include_in_schema=False)
async def add_fund(request: PageRequest) -> Response[Any]:
    """Add a grant."""
    form = await forms.read(request)
    return await _save_fund(request, form, None)


@post(f"{PLACE}/funds/{{fund_id:int}}", guards=[may_act], status_code=200, include_in_schema=False)
async def change_fund(request: PageRequest, fund_id: FromPath[int]) -> Response[Any]:
    """Change a grant, close it or open it again."""
    form = await forms.read(request)
    return await _save_fund(request, form, _known(fund_id))


@get(f"{PLACE}/codes", guards=[may_look], include_in_schema=False)
async def codes_page(request: PageRequest) -> Response[str]:
    """Cost centres and nominal codes, as the accounting package has them."""
    return await _codes_page(request, Form.blank(kind=rules.COST_CENTRE))


@post(f"{PLACE}/codes", guards=[may_act], status_code=200, include_in_schema=False)
async def save_code(request: PageRequest) -> Response[Any]:
    """Add a code; with an ``id``, close it or open it again."""
    form = await forms.read(request)
    command = SaveCode(
        kind="nominal_code" if form.text("kind") == rules.NOMINAL_CODE else "cost_centre",
        code=form.text("code"),
        name=form.text("name"),
        id=_id(form.text("id")),
        is_open=form.text("is_open") != "no",
    )
    saved = await service.save_code(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(saved, list):
        return await _codes_page(request, form.refused(saved))
    return redirect(request, f"{PLACE}/codes", notice="Saved.")


@get(f"{PLACE}/orders", guards=[may_look], include_in_schema=False)
async def orders_page(request: PageRequest) -> Response[str]:
    """Purchase orders: charged, booked and left; and the form of a new one."""
    return await _orders_page(request, Form.blank(budget_id=request.query_params.get("budget", "")))


@post(f"{PLACE}/orders", guards=[may_act], status_code=200, include_in_schema=False)
async def add_order(request: PageRequest) -> Response[Any]:
    """Add a purchase order."""
    form = await forms.read(request)
    return await _save_order(request, form, None)


@get(f"{PLACE}/orders/{{order_id:int}}", guards=[may_look], include_in_schema=False)
async def order_page(request: PageRequest, order_id: FromPath[int]) -> Response[str]:
    """One purchase order with its form and history."""
    return await _order_page(request, _known(order_id), None)


@post(f"{PLACE}/orders/{{order_id:int}}", guards=[may_act], status_code=200, include_in_schema=False)
async def change_order(request: PageRequest, order_id: FromPath[int]) -> Response[Any]:
    """Change a purchase order, close it or open it again."""
    form = await forms.read(request)
    return await _save_order(request, form, _known(order_id))


# What the handlers share ---------------------------------------------------------------------------------------------


async def _save_budget(request: PageRequest, form: Form, budget_id: int | None) -> Response[Any]:
    currency = viewer(request).currency
    starts_on, ends_on = form.date("starts_on"), form.date("ends_on")
    pence = money.parse(form.text("pence"), currency, field="pence")
    found = _refusals(starts_on, ends_on, pence)
    if budget_id is None and _id(form.text("fund_id")) is None:
        found.append(Refusal("fund_missing", "Choose the grant that it comes from.", "fund_id"))
    result: Saved | list[Refusal] = found
    if isinstance(starts_on, date) and isinstance(ends_on, date) and isinstance(pence, int) and not found:
        command = SaveBudget(
            id=budget_id,
            name=form.text("name"),
            fund_id=_id(form.text("fund_id")) or 0,
            cost_centre_id=_id(form.text("cost_centre_id")),
            nominal_code_id=_id(form.text("nominal_code_id")),
            starts_on=starts_on,
            ends_on=ends_on,
            pence=pence,
            is_open=form.text("is_open") != "no",
            why=form.text("why"),
        )
        result = await _saved(request, service.save_budget, command, form)
    if not isinstance(result, list):
        return redirect(request, f"{PLACE}/{result.id}", notice="The budget is saved.")
    refused = form.refused(result)
    return await (
        _budget_form(request, refused, None) if budget_id is None else _budget_page(request, budget_id, refused)
    )


async def _save_fund(request: PageRequest, form: Form, fund_id: int | None) -> Response[Any]:
    starts_on, ends_on = form.date("starts_on"), form.date("ends_on")
    pence = money.parse(form.text("pence"), viewer(request).currency, field="pence")
    found = _refusals(starts_on, ends_on, pence)
    result: Saved | list[Refusal] = found
    if isinstance(starts_on, date) and isinstance(ends_on, date) and isinstance(pence, int) and not found:
        command = SaveFund(
            id=fund_id,
            name=form.text("name"),
            funder=form.text("funder"),
            starts_on=starts_on,
            ends_on=ends_on,
            pence=pence,
            is_open=form.text("is_open") != "no",
            why=form.text("why"),
        )
        result = await _saved(request, service.save_fund, command, form)
    if not isinstance(result, list):
        return redirect(request, f"{PLACE}/funds/{result.id}", notice="The grant is saved.")
    refused = form.refused(result)
    return await (_funds_page(request, refused) if fund_id is None else _fund_page(request, fund_id, refused))


async def _save_order(request: PageRequest, form: Form, order_id: int | None) -> Response[Any]:
    pence = money.parse(form.text("pence"), viewer(request).currency, field="pence")
    found = _refusals(pence)
    if order_id is None and _id(form.text("budget_id")) is None:
        found.append(Refusal("budget_missing", "Choose the budget that pays.", "budget_id"))
    result: Saved | list[Refusal] = found
    if isinstance(pence, int) and not found:
        command = SaveOrder(
            id=order_id,
            number=form.text("number") or "kept",
            budget_id=_id(form.text("budget_id")) or 0,
            payee_id=_id(form.text("payee_id")),
            what_for=form.text("what_for"),
            pence=pence,
            is_open=form.text("is_open") != "no",
            why=form.text("why"),
        )
        if order_id is None and not form.text("number"):
            result = [Refusal("number_missing", "Enter the number of the purchase order.", "number")]
        else:
            result = await _saved(request, service.save_order, command, form)
    if not isinstance(result, list):
        return redirect(request, f"{PLACE}/orders/{result.id}", notice="The purchase order is saved.")
    refused = form.refused(result)
    return await (_orders_page(request, refused) if order_id is None else _order_page(request, order_id, refused))


async def _saved(
    request: PageRequest, use_case: Callable[..., Awaitable[Saved | list[Refusal]]], command: Any, form: Form
) -> Saved | list[Refusal]:
    return await use_case(database(request), viewer(request).actor, command, key=form.key, now=now(request))


async def _budget_form(request: PageRequest, form: Form, _: None) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        choices = await _choices(connection, timebank_id)
    status = 422 if form.refusals else 200
    return render(request, "budgets/new.html", status, form=form, choices=choices)


async def _budget_page(request: PageRequest, budget_id: int, form: Form | None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.budget(connection, timebank_id, budget_id)
        if found is None:
            raise NotFoundException
        choices = await _choices(connection, timebank_id, found.cost_centre_id, found.nominal_code_id)
        orders = await queries.orders(connection, timebank_id, budget_id)
        spent = await queries.spent(connection, timebank_id, budget_id)
        offers = await queries.offers(connection, timebank_id, budget_id)
        history = await queries.history(connection, timebank_id, "budget", budget_id)
    filled = Form.blank(
        name=found.name,
        cost_centre_id=found.cost_centre_id,
        nominal_code_id=found.nominal_code_id,
        pence=money.decimal(found.pence, person.currency),
        is_open="yes" if found.is_open else "no",
        **date_fields("starts_on", found.starts_on),
        **date_fields("ends_on", found.ends_on),
    )
    return render(
        request,
        "budgets/budget.html",
        422 if form else 200,
        form=form or filled,
        budget=found,
        bar=charts.bar(found, person.currency),
        choices=choices,
        orders=orders,
        spent=spent,
        late=[one for one in spent if not found.starts_on <= one.earned_on <= found.ends_on],
        offers=offers,
        history=history,
        can_act=person.has_role(FINANCE),
    )


async def _funds_page(request: PageRequest, form: Form) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        funds = await queries.funds(connection, person.actor.timebank_id)
    return render(
        request,
        "budgets/funds.html",
        422 if form.refusals else 200,
        form=form,
        funds=funds,
        can_act=person.has_role(FINANCE),
    )


async def _fund_page(request: PageRequest, fund_id: int, form: Form | None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.fund(connection, timebank_id, fund_id)
        if found is None:
            raise NotFoundException
        budgets = await queries.budgets_of_fund(connection, timebank_id, fund_id)
        history = await queries.history(connection, timebank_id, "fund", fund_id)
    filled = Form.blank(
        name=found.name,
        funder=found.funder,
        pence=money.decimal(found.pence, person.currency),
        is_open="yes" if found.is_open else "no",
        **date_fields("starts_on", found.starts_on),
        **date_fields("ends_on", found.ends_on),
    )
    return render(
        request,
        "budgets/fund.html",
        422 if form else 200,
        form=form or filled,
        fund=found,
        budgets=budgets,
        history=history,
        can_act=person.has_role(FINANCE),
    )


async def _codes_page(request: PageRequest, form: Form) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        codes = await queries.codes(connection, person.actor.timebank_id)
    return render(
        request,
        "budgets/codes.html",
        422 if form.refusals else 200,
        form=form,
        codes=codes,
        kinds=list(rules.CODE_KINDS.items()),
        can_act=person.has_role(FINANCE),
    )


async def _orders_page(request: PageRequest, form: Form) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        orders = await queries.orders(connection, timebank_id)
        budgets = await queries.budgets(connection, timebank_id)
        suppliers = await payees.payees(connection, timebank_id)
    return render(
        request,
        "budgets/orders.html",
        422 if form.refusals else 200,
        form=form,
        orders=orders,
        budgets=[("", "Choose a budget"), *((str(one.id), one.name) for one in budgets if one.is_open)],
        suppliers=[("", "Any supplier"), *((str(one.id), one.name) for one in suppliers)],
        can_act=person.has_role(FINANCE),
    )


async def _order_page(request: PageRequest, order_id: int, form: Form | None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.order(connection, timebank_id, order_id)
        if found is None:
            raise NotFoundException
        history = await queries.history(connection, timebank_id, "purchase_order", order_id)
    filled = Form.blank(
        what_for=found.what_for,
        pence=money.decimal(found.pence, person.currency),
        is_open="yes" if found.is_open else "no",
    )
    return render(
        request,
        "budgets/order.html",
        422 if form else 200,
        form=form or filled,
        order=found,
        history=history,
        can_act=person.has_role(FINANCE),
    )


async def _choices(connection: Connection, timebank_id: int, *kept: int | None) -> dict[str, list[tuple[str, str]]]:
    """What the form of a budget offers; closed codes only where they are chosen already (``kept``)."""
    funds = await queries.funds(connection, timebank_id)
    codes = [one for one in await queries.codes(connection, timebank_id) if one.is_open or one.id in kept]
    found = {"funds": [("", "Choose a grant"), *((str(one.id), one.name) for one in funds if one.is_open)]}
    for kind in rules.CODE_KINDS:
        found[kind] = [("", "None"), *((str(one.id), one.title) for one in codes if one.kind == kind)]
    return found


def _refusals(*read: object) -> list[Refusal]:
    return [one for one in read if isinstance(one, Refusal)]


def _id(text: str) -> int | None:
    is_id = text.isascii() and text.isdigit() and 0 < len(text) < 19
    return int(text) if is_id and int(text) > 0 else None


def _known(number: int) -> int:
    if not 0 < number <= MAX_KEY:
        raise NotFoundException
    return number


ROUTES: list[Any] = [
    budgets_page,
    new_budget_page,
    add_budget,
    budget_page,
    change_budget,
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
