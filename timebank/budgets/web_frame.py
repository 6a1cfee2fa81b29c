"""The frames of the pages of budgets: reading their forms, showing a page, keeping what was entered."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, TypeVar

from litestar import Request, Response
from litestar.exceptions import NotFoundException

from timebank.budgets.rules import BudgetFacts, FundFacts, OrderFacts
from timebank.budgets.service import Saved
from timebank.db import Connection
from timebank.kit import money
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.web.context import database, now
from timebank.web.forms import Form, date_fields
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

Facts = TypeVar("Facts")
PageRequest = Request[Any, Any, Any]
Page = Callable[[PageRequest, Form | None], Awaitable[Response[Any]]]

PLACE = "/budgets"
may_act = requires_role(FINANCE)
LOOKS: dict[str, Any] = {"guards": [requires_role(FINANCE, ADMIN)], "include_in_schema": False}
FORM: dict[str, Any] = {"guards": [may_act], "include_in_schema": False}
ACTS: dict[str, Any] = {"guards": [may_act], "status_code": 200, "include_in_schema": False}


async def show(
    request: PageRequest,
    template: str,
    form: Form | None,
    load: Callable[[Connection, int], Awaitable[dict[str, Any]]],
    *,
    of: str = "",
    **more: Any,
) -> Response[Any]:
    """A page with what ``load`` finds. ``form`` is what was refused; else it is blank, or filled with the fields that
    ``load`` names of what it found as ``of``.
    """
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await load(connection, person.actor.timebank_id)
    fields = found.pop("form", None)
    if form is None and of:
        form = _filled(found[of], fields, person.currency)
    elif form is None:
        form = fields or Form.blank()
    status = 422 if form.refusals else 200
    return render(request, template, status, form=form, can_act=person.has_role(FINANCE), **found, **more)


async def keep(
    request: PageRequest,
    form: Form,
    use_case: Callable[..., Awaitable[Saved | list[Refusal]]],
    command: Any,
    page: Page,
    place: str,
    notice: str,
) -> Response[Any]:
    """Do a use case: it leads to its place, or back to the page with what stands in the way."""
    saved = await use_case(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(saved, list):
        return await page(request, form.refused(saved))
    return redirect(request, place.format(saved.id), notice=notice)


def read_fields(request: PageRequest, form: Form, *dates: str) -> dict[str, Any] | list[Refusal]:
    """What grants, budgets and orders have in common, as typed."""
    read: dict[str, Any] = {name: form.date(name) for name in dates}
    read["pence"] = money.parse(form.text("pence"), viewer(request).currency, field="pence")
    if refusals := [one for one in read.values() if isinstance(one, Refusal)]:
        return refusals
    return read | {"is_open": form.text("is_open") != "no", "why": form.text("why")}


def _filled(one: BudgetFacts | FundFacts | OrderFacts, names: list[str], currency: str) -> Form:
    fields: dict[str, Any] = {}
    for name in names:
        value = getattr(one, name)
        if isinstance(value, date):
            fields |= date_fields(name, value)
        elif name == "pence":
            fields[name] = money.decimal(value, currency)
        else:
            fields[name] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    return Form.blank(**fields)


def there(found: Facts | None) -> Facts:
    """What was looked for. Raises NotFoundException when it is not there."""
    if found is None:
        raise NotFoundException
    return found


def known(number: int) -> int:
    """The number, when it can be an id. Raises NotFoundException."""
    if not 0 < number <= MAX_KEY:
        raise NotFoundException
    return number
