"""A member's own page: where their fees and expenses are paid. Finance confirms what they type."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.kit.words import say
from timebank.payees import accounts, queries, rules
from timebank.payees.accounts import ProposeMyAccount, WithdrawAccount
from timebank.payees.web import typed_in
from timebank.signin.confirming import confirmed
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]
NO_STORE = {"Cache-Control": "no-store"}


@get("/me/paid", guards=[confirmed])
async def paid_page(request: PageRequest) -> Response[str]:
    """Where I am paid, what waits, and who looked."""
    return await _page(request, None)


@post("/me/paid", guards=[confirmed], status_code=303)
async def propose_mine(request: PageRequest) -> Response[Any]:
    """Say where I am paid."""
    form = await forms.read(request)
    command = ProposeMyAccount(typed=typed_in(form))
    db, actor = database(request), viewer(request).actor
    done = await accounts.propose_mine(db, actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _page(request, form.refused(done))
    return redirect(request, "/me/paid", notice=say("Thank you. We check it before we pay you there."))


@post("/me/paid/{account_id:int}/withdraw", guards=[confirmed], status_code=303)
async def withdraw_mine(request: PageRequest, account_id: FromPath[int]) -> Response[Any]:
    """Take back what I typed."""
    form = await forms.read(request)
    db, actor = database(request), viewer(request).actor
    try:
        done = await accounts.withdraw(
            db, actor, WithdrawAccount(account_id=account_id), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    notice = done[0].message if isinstance(done, list) else say("Taken back. You can type another one.")
    return redirect(request, "/me/paid", notice=notice)


async def _page(request: PageRequest, form: Form | None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payee = await queries.payee_of(connection, timebank_id, person.subject_id)
        every = await queries.accounts_of(connection, timebank_id, payee.id) if payee else []
        looks = await queries.looks(connection, timebank_id, payee.id) if payee else []
    is_theirs = person.acting_for is None
    holder = person.display_name if is_theirs else person.acting_for.display_name if person.acting_for else ""
    last = every[0] if every else None
    return render(
        request,
        "payees/mine.html",
        422 if form else 200,
        headers=NO_STORE,
        form=form or Form.blank(holder=holder or ""),
        in_use=next((one for one in every if one.state == rules.IN_USE), None),
        waiting=next((one for one in every if one.state == rules.PROPOSED), None),
        refused=last if last is not None and last.state == rules.REFUSED else None,
        pays_cash=payee is not None and payee.pay_by == rules.IN_CASH,
        looks=looks,
    )


ROUTES: list[Any] = [paid_page, propose_mine, withdraw_mine]
