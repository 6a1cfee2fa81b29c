"""The page on which finance codes a payment: budget, order, nominal code, tax."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.budgets import choosing
from timebank.budgets import queries as budget_queries
from timebank.budgets.rules import NOMINAL_CODE
from timebank.db import Connection
from timebank.kit import ids, money
from timebank.kit.refusal import Refusal
from timebank.payments import coding, queries, rules, words
from timebank.payments.coding import Code
from timebank.payments.rules import PayableFacts, UnknownPayment
from timebank.payments.web import may_act
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]


@get("/payments/{reference:str}/coding", guards=[may_act], include_in_schema=False)
async def coding_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """The form of what a payment is booked as."""
    return await _coding_page(request, _reference(reference))


@post("/payments/{reference:str}/coding", guards=[may_act], status_code=200, include_in_schema=False)
async def code_payment(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Code a payment that is not approved yet."""
    form = await forms.read(request)
    known = _reference(reference)
    typed = form.text("tax_pence")
    tax = money.parse(typed, viewer(request).currency, allow_zero=True, field="tax_pence") if typed else 0
    if isinstance(tax, Refusal):
        return await _coding_page(request, known, form.refused([tax]))
    command = Code(
        reference=known,
        budget_id=choosing.chosen(form.text("budget_id")),
        nominal_code=form.text("nominal_code"),
        order_number=form.text("order_number"),
        tax_pence=tax,
        tax_code=form.text("tax_code"),
    )
    db, actor = database(request), viewer(request).actor
    try:
        result = await coding.code(db, actor, command, key=form.key, now=now(request))
    except UnknownPayment as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _coding_page(request, known, form.refused(result))
    return redirect(request, f"/payments/{known}", notice="The payment is coded.")


async def _coding_page(request: PageRequest, reference: str, form: Form | None = None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payable = await queries.by_reference(connection, timebank_id, reference)
        if payable is None:
            raise NotFoundException
        nominal_code = await coding.own_nominal_code(connection, timebank_id, payable.id)
        choices = await _coding_choices(connection, timebank_id, payable, nominal_code)
    filled = Form.blank(
        budget_id=payable.budget_id,
        nominal_code=nominal_code,
        order_number=payable.order_number,
        tax_pence=money.decimal(payable.tax_pence, payable.currency) if payable.tax_pence else "",
        tax_code=payable.tax_code,
    )
    return render(
        request,
        "payments/coding.html",
        422 if form else 200,
        form=form or filled,
        payable=payable,
        choices=choices,
        may_code=payable.state in (rules.DRAFT, rules.SUBMITTED),
        words=words,
    )


async def nominal_codes(connection: Connection, timebank_id: int, kept: str = "") -> choosing.Choices:
    """The codes that a payment can be booked as, and the one that it has."""
    found = await budget_queries.codes(connection, timebank_id)
    choices = [
        ("", "The budget’s own, or the usual one"),
        *((one.code, one.title) for one in found if one.kind == NOMINAL_CODE and one.is_open),
    ]
    return choices if kept in dict(choices) else [*choices, (kept, kept)]


async def _coding_choices(
    connection: Connection, timebank_id: int, payable: PayableFacts, nominal_code: str
) -> dict[str, choosing.Choices]:
    orders = await budget_queries.orders(connection, timebank_id)

    def left(pence: int) -> str:
        return f"{money.in_words(pence, payable.currency)} left"

    return {
        "budgets": await choosing.budgets(connection, timebank_id, payable.currency, kept=payable.budget_id),
        "orders": [
            ("", "No order"),
            *(
                (one.number, f"{one.number}, {one.budget_name} ({left(one.left_pence)})")
                for one in orders
                if (one.is_open and one.payee_id in (None, payable.payee_id)) or one.number == payable.order_number
            ),
        ],
        "codes": await nominal_codes(connection, timebank_id, nominal_code),
    }


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


ROUTES: list[Any] = [coding_page, code_payment]
