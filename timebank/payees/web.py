"""Finance's pages of payees: who they are, where they are paid, who confirmed it and who looked."""

from dataclasses import replace
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, QueryParameter

from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.vault import KeyMissing
from timebank.payees import accounts, details, queries, rules, service, shown, words
from timebank.payees.accounts import DecideAccount, LookAtAccount, ProposeAccount, WithdrawAccount
from timebank.payees.details import ChangePayee, OpenPayee
from timebank.payees.reading import Typed
from timebank.payees.service import AddPayee
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
may_look = requires_role(FINANCE, ADMIN)
may_act = requires_role(FINANCE)

REFUSED = 422
PLACE = "/payments"
NO_STORE = {"Cache-Control": "no-store"}
MAX_SEARCH = 140


@get("/payees", guards=[may_look])
async def payees_page(
    request: PageRequest,
    show: FromQuery[str] = "open",
    search: Annotated[str, QueryParameter(name="q")] = "",
) -> Response[str]:
    """Payees by name: all of them, who has no account, whose account waits, who is closed."""
    if show not in queries.VIEWS:
        raise NotFoundException
    person, search = viewer(request), search.strip()[:MAX_SEARCH]
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        rows = await queries.listed(connection, timebank_id, view=show, search=search, member_id=person.member_id)
        counts = await queries.counts(connection, timebank_id)
        own = await queries.accounts_of(connection, timebank_id, None)
    return render(
        request,
        "payees/list.html",
        place=PLACE,
        form=Form.blank(q=search, show=show),
        payees=rows,
        counts=counts,
        show=show,
        search=search,
        limit=queries.MAX_LISTED,
        own_states={one.state for one in own},
        words=words,
        can_act=person.has_role(FINANCE),
    )


@get("/payees/new", guards=[may_act])
async def new_page(request: PageRequest) -> Response[str]:
    """Ask for a new payee."""
    return _new_page(request, Form.blank(kind=rules.SUPPLIER))


@post("/payees/new", guards=[may_act], status_code=303)
async def add(request: PageRequest) -> Response[Any]:
    """Add a supplier or a charity; leads on to where they are paid."""
    form = await forms.read(request)
    command = AddPayee(
        name=form.text("name"), supplier_reference=form.text("supplier_reference"), kind=form.text("kind")
    )
    done = await service.add_payee(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return _new_page(request, form.refused(done))
    return redirect(request, f"/payees/{done.payee_id}/account", notice="Added. Now say where they are paid.")


@get("/payees/{payee_id:int}", guards=[may_look])
async def payee_page(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """One payee."""
    return await _page(request, payee_id, BLANK)


@get("/payees/ours", guards=[may_look])
async def ours_page(request: PageRequest) -> Response[str]:
    """The account that the time bank pays from."""
    return await _page(request, None, BLANK)


@get("/payees/{payee_id:int}/change", guards=[may_act])
async def change_page(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """Ask for the details."""
    return await _change_page(request, payee_id, None)


@post("/payees/{payee_id:int}/change", guards=[may_act], status_code=303)
async def change(request: PageRequest, payee_id: FromPath[int]) -> Response[Any]:
    """Change the details."""
    form = await forms.read(request)
    command = ChangePayee(payee_id=payee_id, **{field: form.text(field) for field in details.FIELDS})
    try:
        done = await details.change_payee(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _change_page(request, payee_id, form.refused(done))
    return redirect(request, f"/payees/{payee_id}", notice="Saved." if done.fields else "Nothing was different.")


@post("/payees/{payee_id:int}/open", guards=[may_act], status_code=303)
async def open_or_close(request: PageRequest, payee_id: FromPath[int]) -> Response[Any]:
    """Close a payee, or open them again."""
    form = await forms.read(request)
    command = OpenPayee(
        payee_id=payee_id, is_open=form.text("is_open") == "yes", knows_owed=form.has("knows_owed", "yes")
    )
    try:
        done = await details.open_payee(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page(request, payee_id, form.refused(done))
    notice = "This payee is open again." if command.is_open else "Closed. What is owed already is still paid."
    return redirect(request, f"/payees/{payee_id}", notice=notice)


@get("/payees/{payee_id:int}/account", guards=[may_act])
async def account_page(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """Ask where a payee is paid."""
    return await _account_page(request, payee_id, None)


@post("/payees/{payee_id:int}/account", guards=[may_act], status_code=303)
async def propose(request: PageRequest, payee_id: FromPath[int]) -> Response[Any]:
    """Propose where a payee is paid."""
    return await _propose(request, payee_id)


@get("/payees/ours/account", guards=[may_look])
async def our_account_page(request: PageRequest) -> Response[str]:
    """Ask which account the time bank pays from."""
    return await _account_page(request, None, None)


@post("/payees/ours/account", guards=[may_look], status_code=303)
async def propose_ours(request: PageRequest) -> Response[Any]:
    """Propose the account that the time bank pays from."""
    return await _propose(request, None)


@post("/payees/accounts/{account_id:int}/decide", guards=[may_look], status_code=303)
async def decide(request: PageRequest, account_id: FromPath[int]) -> Response[Any]:
    """Confirm a proposed account, or refuse it."""
    form = await forms.read(request)
    command = DecideAccount(account_id=account_id, confirm=form.text("confirm") == "yes", why=form.text("why"))
    db, actor = database(request), viewer(request).actor
    try:
        done = await accounts.decide(db, actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page_of(request, account_id, form.refused(done))
    if not command.confirm:
        notice = "Refused. Who typed it is told why."
    elif done.approvals_void:
        notice = f"Confirmed. {words.payments_go_back(done.approvals_void)}."
    else:
        notice = "Confirmed. Payments go to this account from now on."
    return redirect(request, shown.path_of(done.payee_id), notice=notice)


@post("/payees/accounts/{account_id:int}/withdraw", guards=[may_look], status_code=303)
async def withdraw(request: PageRequest, account_id: FromPath[int]) -> Response[Any]:
    """Take one's own proposal back."""
    form = await forms.read(request)
    db, actor = database(request), viewer(request).actor
    try:
        done = await accounts.withdraw(
            db, actor, WithdrawAccount(account_id=account_id), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page_of(request, account_id, form.refused(done))
    return redirect(request, shown.path_of(done.payee_id), notice="Taken back.")


@post("/payees/accounts/{account_id:int}/look", guards=[may_look], status_code=303)
async def look(request: PageRequest, account_id: FromPath[int]) -> Response[Any]:
    """Write down why somebody needs a whole number; leads to the page that shows it."""
    form = await forms.read(request)
    field = "look_why_waiting" if form.has("look_why_waiting") else "look_why"
    command = LookAtAccount(account_id=account_id, why=form.text(field))
    db, actor = database(request), viewer(request).actor
    try:
        done = await accounts.look(db, actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page_of(request, account_id, form.refused(replace(one, field=field) for one in done))
    return redirect(request, f"/payees/looks/{done.look_id}")


@get("/payees/looks/{look_id:int}", guards=[may_look])
async def look_page(request: PageRequest, look_id: FromPath[int]) -> Response[Any]:
    """A whole number, for the person who asked and for a few minutes."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        try:
            found = await accounts.seen(connection, actor, look_id, now=now(request))
        except KeyMissing as error:
            raise NotFoundException from error
        if found is None:
            raise NotFoundException
        facts, account = found
        payee = await queries.payee(connection, actor.timebank_id, facts.payee_id) if facts.payee_id else None
    return render(
        request,
        "payees/number.html",
        headers=NO_STORE,
        place=PLACE,
        payee=payee,
        facts=facts,
        account=account,
        back_to=shown.path_of(facts.payee_id),
        words=words,
        minutes=int(accounts.LOOK_LASTS.total_seconds() // 60),
    )


async def _propose(request: PageRequest, payee_id: int | None) -> Response[Any]:
    form = await forms.read(request)
    command = ProposeAccount(payee_id=payee_id, typed=typed_in(form))
    try:
        done = await accounts.propose(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _account_page(request, payee_id, form.refused(done))
    notice = "Kept. Someone else in finance confirms it before any money goes there."
    return redirect(request, shown.path_of(payee_id), notice=notice)


def typed_in(form: Form) -> Typed:
    """The account that was typed into a form."""
    return Typed(**{field: form.text(field) for field in ("holder", "sort_code", "number", "iban", "bic")})


async def _page_of(request: PageRequest, account_id: int, form: Form) -> Response[str]:
    """The page of the payee whose account this is, with a form that was refused."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        account = await queries.account(connection, timebank_id, account_id)
    if account is None:
        raise NotFoundException
    return await _page(request, account.payee_id, form)


async def _page(request: PageRequest, payee_id: int | None, form: Form) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await shown.payee(connection, person, payee_id, now=now(request))
    if found is None:
        raise NotFoundException
    return render(
        request,
        "payees/payee.html",
        REFUSED if form.refusals else 200,
        headers=NO_STORE,
        place=PLACE,
        form=form,
        shown=found,
        words=words,
        can_act=person.has_role(FINANCE),
    )


def _new_page(request: PageRequest, form: Form) -> Response[str]:
    return render(request, "payees/new.html", REFUSED if form.refusals else 200, place=PLACE, form=form)


async def _change_page(request: PageRequest, payee_id: int, form: Form | None) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payee = await queries.payee(connection, timebank_id, payee_id)
    if payee is None:
        raise NotFoundException
    filled = form or Form.blank(**{field: getattr(payee, field) for field in details.FIELDS})
    return render(request, "payees/change.html", REFUSED if form else 200, place=PLACE, form=filled, payee=payee)


async def _account_page(request: PageRequest, payee_id: int | None, form: Form | None) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payee = await queries.payee(connection, timebank_id, payee_id) if payee_id else None
        if payee_id and payee is None:
            raise NotFoundException
        waits = any(one.state == rules.PROPOSED for one in await queries.accounts_of(connection, timebank_id, payee_id))
    return render(
        request,
        "payees/account.html",
        REFUSED if form else 200,
        headers=NO_STORE,
        place=PLACE,
        form=form or Form.blank(holder=payee.name if payee else viewer(request).timebank_name or ""),
        payee=payee,
        waits=waits,
        back_to=shown.path_of(payee_id),
    )


ROUTES: list[Any] = [
    payees_page,
    new_page,
    add,
    payee_page,
    ours_page,
    change_page,
    change,
    open_or_close,
    account_page,
    propose,
    our_account_page,
    propose_ours,
    decide,
    withdraw,
    look,
    look_page,
]
