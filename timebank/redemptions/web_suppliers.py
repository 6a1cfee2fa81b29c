"""Pages of suppliers for staff: the link and its poster, the paper tally, what is owed and paid."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank import languages
from timebank.banks import queries as banks
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing
from timebank.payees import queries as payee_queries
from timebank.payees.queries import PayeeFacts
from timebank.payments import credit_queries
from timebank.redemptions import suppliers, suppliers_confirming, vouchers_paper
from timebank.redemptions.suppliers import EndLink, MakeLink
from timebank.redemptions.suppliers_confirming import Confirm, Confirmed
from timebank.redemptions.suppliers_statement import Statement
from timebank.redemptions.web_till import TALLY_LINES, month_of, statement_csv, statement_of, tallied
from timebank.redemptions.web_vouchers import pdf
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.reading import reading_of
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
staff = requires_role(COORDINATOR, FINANCE, ADMIN)

NO_STORE = {"Cache-Control": "no-store"}
PLACE = "/suppliers"


@get("/suppliers", guards=[staff])
async def suppliers_page(request: PageRequest) -> Response[str]:
    """Every supplier and whether they have a link."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        rows = await suppliers.every_supplier(connection, timebank_id)
    moment = now(request)
    return render(
        request, "redemptions/suppliers.html", suppliers=rows, now=moment, soon=moment + suppliers.WARN_BEFORE
    )


@get("/suppliers/{payee_id:int}", guards=[staff])
async def supplier_page(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """One supplier: link, poster, statement, tally."""
    timebank_id = viewer(request).actor.timebank_id
    link, key_is_missing = None, False
    async with database(request).reading(timebank_id) as connection:
        payee = await _payee(connection, timebank_id, payee_id)
        owed_to_us = await credit_queries.owed_back(connection, timebank_id, payee.id)
        try:
            link = await suppliers.link_of(connection, timebank_id, payee.id)
        except KeyMissing:
            key_is_missing = True
    return render(
        request,
        "redemptions/supplier.html",
        headers=NO_STORE,
        place=PLACE,
        payee=payee,
        owed_to_us=owed_to_us,
        link=link,
        key_is_missing=key_is_missing,
        address=settings(request).base_url + link.path if link else "",
        is_over=link is not None and now(request) >= link.expires_at,
    )


@post("/suppliers/{payee_id:int}/link", guards=[staff], status_code=303)
async def make_link(request: PageRequest, payee_id: FromPath[int]) -> Response[Any]:
    """A new link; the old poster stops working."""
    form = await forms.read(request)
    try:
        done = await suppliers.make_link(
            database(request), viewer(request).actor, MakeLink(payee_id=payee_id), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    notice = "The poster is ready. Older ones do not work now."
    return redirect(request, f"/suppliers/{payee_id}", notice=done[0].message if isinstance(done, list) else notice)


@post("/suppliers/{payee_id:int}/link/end", guards=[staff], status_code=303)
async def end_link(request: PageRequest, payee_id: FromPath[int]) -> Response[Any]:
    """End the link at once."""
    form = await forms.read(request)
    try:
        done = await suppliers.end_link(
            database(request), viewer(request).actor, EndLink(payee_id=payee_id), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    notice = done[0].message if isinstance(done, list) else "The link has ended. Its poster does not work any more."
    return redirect(request, f"/suppliers/{payee_id}", notice=notice)


@get("/suppliers/{payee_id:int}/poster.pdf", guards=[staff])
async def supplier_poster(request: PageRequest, payee_id: FromPath[int]) -> Response[bytes]:
    """The poster for the till, with a sheet for days without signal."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payee = await _payee(connection, timebank_id, payee_id)
        bank = await banks.by_id(connection, timebank_id)
        try:
            link = await suppliers.link_of(connection, timebank_id, payee.id)
        except KeyMissing as error:
            raise NotFoundException from error
    if link is None:
        raise NotFoundException
    with languages.speaking(reading_of(request).language):
        content = await vouchers_paper.poster_pdf(
            address=settings(request).base_url + link.path,
            supplier=payee.name,
            timebank=bank.name,
            contact=bank.help_contact,
        )
    return pdf(content, "vouchers-at-the-till.pdf")


@get("/suppliers/{payee_id:int}/tally", guards=[staff])
async def staff_tally_page(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """Type in a supplier's paper tally."""
    return await _staff_tally(request, payee_id, BLANK, [])


@post("/suppliers/{payee_id:int}/tally", guards=[staff], status_code=200)
async def save_staff_tally(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """Confirm line by line for the supplier."""
    form = await forms.read(request)
    person, db, moment = viewer(request), database(request), now(request)

    async def confirm(n: int, command: Confirm) -> Confirmed | list[Refusal]:
        key = f"{form.key[:56]}-{n}"
        return await suppliers_confirming.confirm_for(db, person.actor, payee_id, command, key=key, now=moment)

    kept, done = await tallied(form, person.currency, confirm, today(moment, person.time_zone))
    return await _staff_tally(request, payee_id, kept, done)


@get("/suppliers/{payee_id:int}/statement", guards=[staff])
async def supplier_statement(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """What one supplier is owed and was paid, month by month."""
    payee, shown = await _staff_statement(request, payee_id)
    return render(
        request,
        "redemptions/supplier_statement.html",
        place=PLACE,
        payee=payee,
        statement=shown,
        base=f"/suppliers/{payee.id}/statement",
        currency=viewer(request).currency,
        month=month_of(shown),
    )


@get("/suppliers/{payee_id:int}/statement.csv", guards=[staff])
async def supplier_statement_csv(request: PageRequest, payee_id: FromPath[int]) -> Response[str]:
    """The same as CSV."""
    _, shown = await _staff_statement(request, payee_id)
    return statement_csv(shown, viewer(request).currency)


@get("/suppliers/{payee_id:int}/statement.pdf", guards=[staff])
async def supplier_statement_pdf(request: PageRequest, payee_id: FromPath[int]) -> Response[bytes]:
    """The same as a tagged PDF."""
    payee, shown = await _staff_statement(request, payee_id)
    person = viewer(request)
    content = await vouchers_paper.statement_pdf(
        shown,
        supplier=payee.name,
        timebank=person.timebank_name or "",
        currency=person.currency,
        large=request.query_params.get("size") == "large",
    )
    return pdf(content, f"statement-{month_of(shown)}.pdf")


async def _staff_tally(request: PageRequest, payee_id: int, form: Form, done: list[Confirmed]) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payee = await _payee(connection, timebank_id, payee_id)
    return render(
        request,
        "redemptions/supplier_tally.html",
        422 if form.refusals else 200,
        form=form,
        headers=NO_STORE,
        place=PLACE,
        payee=payee,
        done=done,
        numbers=range(1, TALLY_LINES + 1),
        action=f"/suppliers/{payee.id}/tally",
    )


async def _payee(connection: Any, timebank_id: int, payee_id: int) -> PayeeFacts:
    payee = await payee_queries.payee(connection, timebank_id, payee_id) if payee_id < 2**63 else None
    if payee is None:
        raise NotFoundException
    return payee


async def _staff_statement(request: PageRequest, payee_id: int) -> tuple[PayeeFacts, Statement]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payee = await _payee(connection, timebank_id, payee_id)
    return payee, await statement_of(request, timebank_id, payee.id, person.time_zone)


ROUTES: list[Any] = [
    suppliers_page,
    supplier_page,
    make_link,
    end_link,
    supplier_poster,
    staff_tally_page,
    save_staff_tally,
    supplier_statement,
    supplier_statement_csv,
    supplier_statement_pdf,
]
