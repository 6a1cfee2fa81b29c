"""The till: pages of a supplier without an account, behind the link of their poster."""

from dataclasses import replace
from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank import languages
from timebank.identity.rules import helper
from timebank.identity.sessions import device_of
from timebank.kit import dates, money
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.redemptions import attendance, suppliers, suppliers_confirming, voucher_queries, vouchers_paper
from timebank.redemptions import suppliers_statement as statements
from timebank.redemptions.suppliers import Till
from timebank.redemptions.suppliers_confirming import Confirm, Confirmed
from timebank.redemptions.suppliers_statement import Statement
from timebank.redemptions.voucher_rules import MAX_TYPED_CODE, spaced
from timebank.redemptions.web_vouchers import pdf
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import BLANK, Form
from timebank.web.headers import NO_REFERRER
from timebank.web.pages import redirect, render
from timebank.web.reading import reading_of
from timebank.web.viewer import ANONYMOUS, STATE_KEY, viewer

PageRequest = Request[Any, Any, Any]

TILL_COOKIE = "timebank_till"
TILL_SECONDS = 12 * 3600
CODE_COOKIE = "timebank_voucher"
CODE_SECONDS = 600
NO_STORE = {"Cache-Control": "no-store"}
GONE = 410
TALLY_LINES = 10


@get("/till/open/{token:str}")
async def open_till(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """Scan the poster: the secret goes from the address into a cookie for a working day. Nothing else changes."""
    till = await suppliers.till_of(database(request), token, now=now(request))
    if till is None:
        return no_till(request, was_open=True)
    response = redirect(request, "/till")
    response.headers.update({**NO_REFERRER, **NO_STORE})
    response.set_cookie(_cookie(request, TILL_COOKIE, token, TILL_SECONDS))
    return response


@get("/till/use/{code:str}")
async def bring_code(request: PageRequest, code: FromPath[str]) -> Response[Any]:
    """Scan a voucher: its code waits in a cookie for the till's own page."""
    response = redirect(request, "/till")
    response.headers.update({**NO_REFERRER, **NO_STORE})
    if code.isascii() and code.isalnum() and len(code) <= MAX_TYPED_CODE:
        response.set_cookie(_cookie(request, CODE_COOKIE, code, CODE_SECONDS))
    return response


@get("/till")
async def till_page(request: PageRequest) -> Response[Any]:
    """Type or scan a code."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    brought = request.cookies.get(CODE_COOKIE, "")[:MAX_TYPED_CODE]
    code = spaced(brought.upper()) if len(brought) == 10 and brought.isalnum() else ""
    return await _till_page(request, till, Form.blank(code=code))


@post("/till/check", status_code=200)
async def check_code(request: PageRequest) -> Response[Any]:
    """What the code is for, and the button that confirms it. Wrong codes are counted, nothing else changes."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    form = await forms.read(request)
    return await _checked(request, till, form.text("code"), form)


@post("/till/confirm", status_code=303)
async def confirm_code(request: PageRequest) -> Response[Any]:
    """Confirm; leads to the page that says when it was done."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    form = await forms.read(request)
    pence = _amount(form.text("amount"), till.currency, "amount") if form.has("amount") else None
    if isinstance(pence, Refusal):
        return await _checked(request, till, form.text("code"), form.refused([pence]))
    command = Confirm(code=form.text("code"), pence=pence)
    done = await suppliers_confirming.confirm(
        database(request), till, command, device_of(request), key=form.key, now=now(request)
    )
    if isinstance(done, list):
        if any(refusal.field == "amount" for refusal in done):
            return await _checked(request, till, form.text("code"), form.refused(done))
        return await _till_page(request, till, form.refused(done))
    response = redirect(request, f"/till/done/{done.reference}")
    response.set_cookie(_cookie(request, CODE_COOKIE, "", 0))
    return response


@get("/till/done/{reference:str}")
async def done_page(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Done, when, and the reference. A refresh repeats nothing."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    async with database(request).reading(till.timebank_id) as connection:
        use = await voucher_queries.use(connection, till.timebank_id, till.payee_id, reference)
    if use is None:
        raise NotFoundException
    return render(request, "redemptions/till_done.html", headers=NO_STORE, till=till, use=use)


@get("/till/tally")
async def tally_page(request: PageRequest) -> Response[Any]:
    """Type in what was written down without signal."""
    till = await till_here(request)
    return no_till(request) if till is None else _tally(request, till, BLANK, [])


@post("/till/tally", status_code=200)
async def save_tally(request: PageRequest) -> Response[Any]:
    """Confirm line by line: each is taken, or given back with why."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    form = await forms.read(request)
    db, device, moment = database(request), device_of(request), now(request)

    async def confirm(n: int, command: Confirm) -> Confirmed | list[Refusal]:
        return await suppliers_confirming.confirm(db, till, command, device, key=f"{form.key[:56]}-{n}", now=moment)

    kept, done = await tallied(form, till.currency, confirm, today(moment, till.time_zone))
    return _tally(request, till, kept, done)


@get("/till/tally.pdf")
async def tally_pdf(request: PageRequest) -> Response[Any]:
    """The poster again, with the sheet to write on."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    address = settings(request).base_url + suppliers.OPEN_PATH + request.cookies.get(TILL_COOKIE, "")
    with languages.speaking(reading_of(request).language):
        content = await vouchers_paper.poster_pdf(
            address=address, supplier=till.payee_name, timebank=till.timebank_name, contact=till.help_contact
        )
    return pdf(content, "vouchers-at-the-till.pdf")


@get("/till/statement")
async def till_statement(request: PageRequest) -> Response[Any]:
    """What we owe you and have paid, month by month."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    shown = await statement_of(request, till.timebank_id, till.payee_id, till.time_zone)
    return render(
        request,
        "redemptions/till_statement.html",
        headers=NO_STORE,
        till=till,
        statement=shown,
        base="/till/statement",
        currency=till.currency,
        month=month_of(shown),
    )


@get("/till/statement.csv")
async def till_statement_csv(request: PageRequest) -> Response[Any]:
    """The same as CSV."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    shown = await statement_of(request, till.timebank_id, till.payee_id, till.time_zone)
    return statement_csv(shown, till.currency)


@get("/till/statement.pdf")
async def till_statement_pdf(request: PageRequest) -> Response[Any]:
    """The same as a tagged PDF."""
    till = await till_here(request)
    if till is None:
        return no_till(request)
    shown = await statement_of(request, till.timebank_id, till.payee_id, till.time_zone)
    reading = reading_of(request)
    with languages.speaking(reading.language):
        content = await vouchers_paper.statement_pdf(
            shown,
            supplier=till.payee_name,
            timebank=till.timebank_name,
            currency=till.currency,
            large=reading.is_large or request.query_params.get("size") == "large",
        )
    return pdf(content, f"statement-{month_of(shown)}.pdf")


@post("/till/leave", status_code=303)
async def leave_till(request: PageRequest) -> Response[Any]:
    """Forget the link on this phone."""
    response = redirect(request, "/till")
    for name in (TILL_COOKIE, CODE_COOKIE):
        response.set_cookie(_cookie(request, name, "", 0))
    return response


async def till_here(request: PageRequest) -> Till | None:
    """Who stands here. Their pages are in their time bank's name and time, whoever is signed in on the same phone."""
    till = await suppliers.till_of(database(request), request.cookies.get(TILL_COOKIE, ""), now=now(request))
    if till is not None:
        name, phone, email = helper(till.help_contact)
        request.scope["state"][STATE_KEY] = replace(
            ANONYMOUS,
            csrf=viewer(request).csrf,
            timebank_name=till.timebank_name,
            time_zone=till.time_zone,
            currency=till.currency,
            helper_name=name,
            helper_phone=phone,
            helper_email=email,
        )
    return till


def no_till(request: PageRequest, *, was_open: bool = False) -> Response[Any]:
    """Nobody knows who stands here: the poster was not scanned today, or its link has ended."""
    has_ended = was_open or bool(request.cookies.get(TILL_COOKIE))
    return render(
        request, "redemptions/till_closed.html", GONE, headers={**NO_STORE, **NO_REFERRER}, has_ended=has_ended
    )


async def _till_page(request: PageRequest, till: Till, form: Form) -> Response[Any]:
    status = 422 if form.refusals else 200
    if any(refusal.code == "paused" for refusal in form.refusals):
        status = 429
    async with database(request).reading(till.timebank_id) as connection:
        days = await attendance.dates(connection, till.timebank_id, now(request), payee_id=till.payee_id)
    return render(request, "redemptions/till.html", status, form=form, headers=NO_STORE, till=till, has_days=bool(days))


async def _checked(request: PageRequest, till: Till, typed: str, form: Form) -> Response[Any]:
    seen = await suppliers_confirming.look(database(request), till, typed, device_of(request), now=now(request))
    if isinstance(seen, list):
        return await _till_page(request, till, form.refused(seen))
    shown = form if form.has("amount") else Form.blank(amount=money.decimal(seen.left_pence, till.currency))
    return render(
        request,
        "redemptions/till_check.html",
        422 if form.refusals else 200,
        form=shown,
        headers=NO_STORE,
        till=till,
        seen=seen,
    )


def _tally(request: PageRequest, till: Till, form: Form, done: list[Confirmed]) -> Response[Any]:
    return render(
        request,
        "redemptions/till_tally.html",
        422 if form.refusals else 200,
        form=form,
        headers=NO_STORE,
        till=till,
        done=done,
        numbers=range(1, TALLY_LINES + 1),
        action="/till/tally",
    )


async def tallied(form: Form, currency: str, confirm: Any, day: date) -> tuple[Form, list[Confirmed]]:
    """Confirm every line that was filled in; the form keeps those that were not taken, with why."""
    done: list[Confirmed] = []
    refusals: list[Refusal] = []
    kept: dict[str, str] = {}
    for n in range(1, TALLY_LINES + 1):
        typed = {name: form.text(f"{name}-{n}") for name in ("code", "day", "amount")}
        if not any(typed.values()):
            continue
        outcome = await _line(n, typed, currency, confirm, day)
        if isinstance(outcome, Confirmed):
            done.append(outcome)
            continue
        refusals += [
            replace(refusal, field=f"{refusal.field or 'code'}-{n}", message=refusal.message) for refusal in outcome
        ]
        kept.update({f"{name}-{n}": value for name, value in typed.items()})
    if not done and not refusals:
        refusals = [Refusal("nothing_typed", say("Type at least one code."), "code-1")]
    return Form.blank(**kept).refused(refusals), done


async def _line(n: int, typed: dict[str, str], currency: str, confirm: Any, day: date) -> Confirmed | list[Refusal]:
    used_on = dates.parse(typed["day"], field="day") if typed["day"] else day
    pence = _amount(typed["amount"], currency, "amount") if typed["amount"] else None
    refusals = [one for one in (used_on, pence) if isinstance(one, Refusal)]
    if refusals or isinstance(used_on, Refusal) or isinstance(pence, Refusal):
        return refusals
    outcome: Confirmed | list[Refusal] = await confirm(n, Confirm(code=typed["code"], pence=pence, used_on=used_on))
    return outcome


def _amount(typed: str, currency: str, field: str) -> int | Refusal:
    return money.parse(typed, currency, field=field)


async def statement_of(request: PageRequest, timebank_id: int, payee_id: int, time_zone: str) -> Statement:
    """The month asked for (``?month=2026-03``), or this one."""
    on = today(now(request), time_zone)
    month = statements.read_month(request.query_params.get("month", ""), default=on)
    async with database(request).reading(timebank_id) as connection:
        return await statements.statement(connection, timebank_id, payee_id, month, on=on)


def statement_csv(shown: Statement, currency: str) -> Response[str]:
    """A month as a file for spreadsheets."""
    headers = {"Content-Disposition": f'attachment; filename="statement-{month_of(shown)}.csv"', **NO_STORE}
    content = "\ufeff" + statements.as_csv(shown, currency)
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def month_of(shown: Statement) -> str:
    """``2026-03``."""
    return f"{shown.month:%Y-%m}"


def _cookie(request: PageRequest, name: str, value: str, seconds: int) -> Cookie:
    """Lax, because a phone's camera or a message opens the link."""
    return Cookie(
        key=name,
        value=value,
        max_age=seconds,
        path="/till",
        secure=settings(request).is_https,
        httponly=True,
        samesite="lax",
    )


ROUTES: list[Any] = [
    open_till,
    bring_code,
    till_page,
    check_code,
    confirm_code,
    done_page,
    tally_page,
    save_tally,
    tally_pdf,
    till_statement,
    till_statement_csv,
    till_statement_pdf,
    leave_till,
]
