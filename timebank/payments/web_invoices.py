"""Pages of suppliers' invoices: entering, matching, explaining what differs, the papers."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.kit import money
from timebank.kit.actor import FINANCE
from timebank.kit.paging import DEFAULT_PAGE_SIZE, MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.payments import invoice_queries, invoice_rules, invoices, words
from timebank.payments.credit_notes import ProposeCreditNote, propose_note
from timebank.payments.documents import ACCEPT, read_paper
from timebank.payments.downloads import SEND_AS_IS, paper_response
from timebank.payments.invoice_papers import add_paper as keep_paper
from timebank.payments.invoice_rules import EnterInvoice
from timebank.payments.invoice_steps import UnknownInvoice
from timebank.payments.invoices import CoverMore, Entered, Explain, Withdraw
from timebank.payments.web import StateQuery, key_of, may_act, may_look
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, MAX_BODY_BYTES, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]
PLACE = "/payments/invoices"
WHEN_LOWER = [
    (invoice_rules.CORRECT, "We owe less", "The newest payment you ticked is made smaller."),
    (invoice_rules.LEAVE, "A part is still to come", "The rest of it waits for another invoice."),
]


@get(PLACE, guards=[may_look], include_in_schema=False)
async def invoices_page(
    request: PageRequest, in_state: StateQuery = None, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """Invoices, newest first; with ``state`` those in one state."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    if in_state and in_state not in invoice_rules.STATE_NAMES:
        raise NotFoundException
    async with database(request).reading(timebank_id) as connection:
        page = await invoice_queries.invoices(
            connection, timebank_id, before=key_of(cursor, MAX_KEY), size=DEFAULT_PAGE_SIZE, state=in_state or None
        )
        counts = await invoice_queries.counts(connection, timebank_id)
    return render(
        request,
        "payments/invoices.html",
        page=page,
        counts=counts,
        state=in_state or "",
        rules=invoice_rules,
        can_act=person.has_role(FINANCE),
    )


@get(f"{PLACE}/new", guards=[may_act], include_in_schema=False)
async def new_invoice_page(request: PageRequest) -> Response[str]:
    """Choose the supplier, then fill in the invoice and tick what it is for."""
    return await _new_page(request, Form.blank(payee_id=request.query_params.get("payee", ""), kind="invoice"))


@post(f"{PLACE}/new", guards=[may_act], status_code=200, include_in_schema=False)
async def enter_invoice(request: PageRequest) -> Response[Any]:
    """Enter an invoice, or find what it is for; a credit note goes where credits are kept."""
    form = await forms.read(request)
    fields = _read(form, viewer(request).currency)
    if isinstance(fields, list):
        return await _new_page(request, form.refused(fields))
    if form.text("kind") == "credit_note":
        return await _credit_note(request, form, fields)
    if form.has("suggest"):
        return await _suggest(request, form, fields)
    command = EnterInvoice(**fields)
    db, actor = database(request), viewer(request).actor
    result = await invoices.enter(db, actor, command, key=form.key, now=now(request))
    if isinstance(result, list):
        if [one.code for one in result] == ["references_missing"]:
            return await _suggest(request, form, fields, result)
        return await _new_page(request, form.refused(result))
    is_open = result.state == invoice_rules.DISPUTED
    notice = (
        "The invoice is entered. It is higher: say why below." if is_open else "The invoice is entered and matched."
    )
    return redirect(request, f"{PLACE}/{result.invoice_id}", notice=notice)


@get(f"{PLACE}/{{invoice_id:int}}", guards=[may_look], include_in_schema=False)
async def invoice_page(request: PageRequest, invoice_id: FromPath[int]) -> Response[str]:
    """One invoice: what it settles, what is open, its papers and history."""
    return await _invoice_page(request, _known(invoice_id))


@post(f"{PLACE}/{{invoice_id:int}}/cover", guards=[may_act], status_code=200, include_in_schema=False)
async def cover_more(request: PageRequest, invoice_id: FromPath[int]) -> Response[Any]:
    """Match what is open of an invoice with more payments."""
    form = await forms.read(request)
    command = CoverMore(invoice_id=_known(invoice_id), references=form.all("references"))
    return await _done(request, form, invoices.cover_more, command, "The payments are matched.")


@post(f"{PLACE}/{{invoice_id:int}}/explain", guards=[may_act], status_code=200, include_in_schema=False)
async def explain(request: PageRequest, invoice_id: FromPath[int]) -> Response[Any]:
    """Say why an invoice is higher."""
    form = await forms.read(request)
    command = Explain(invoice_id=_known(invoice_id), reason=form.text("reason"), is_owed=form.text("is_owed") == "yes")
    if form.text("is_owed") not in ("yes", "no"):
        missing = Refusal("owed_undecided", "Say whether the rest is owed.", "is_owed")
        return await _invoice_page(request, command.invoice_id, form.refused([missing]))
    return await _done(request, form, invoices.explain, command, "The difference is explained.")


@post(f"{PLACE}/{{invoice_id:int}}/withdraw", guards=[may_act], status_code=200, include_in_schema=False)
async def withdraw(request: PageRequest, invoice_id: FromPath[int]) -> Response[Any]:
    """Take out an invoice that was entered by mistake."""
    form = await forms.read(request)
    command = Withdraw(invoice_id=_known(invoice_id), reason=form.text("withdraw_reason"))
    return await _done(request, form, invoices.withdraw, command, "The invoice is withdrawn.")


@post(
    f"{PLACE}/{{invoice_id:int}}/papers",
    guards=[may_act],
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_BODY_BYTES,
)
async def add_paper(request: PageRequest, invoice_id: FromPath[int]) -> Response[Any]:
    """Keep a PDF or a photo with the invoice."""
    form = await forms.read(request)
    chosen = form.file("paper")
    content = b"" if chosen is None else await chosen.read(MAX_BODY_BYTES)
    paper = await read_paper(chosen.filename if chosen else "", content)
    if isinstance(paper, Refusal):
        return await _invoice_page(request, _known(invoice_id), form.refused([paper]))
    try:
        result = await keep_paper(
            database(request), viewer(request).actor, _known(invoice_id), paper, key=form.key, now=now(request)
        )
    except UnknownInvoice as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _invoice_page(request, invoice_id, form.refused(result))
    return redirect(request, f"{PLACE}/{invoice_id}", notice="The paper is kept with the invoice.")


@get(
    f"{PLACE}/{{invoice_id:int}}/papers/{{paper_id:int}}",
    guards=[may_look],
    include_in_schema=False,
    opt=SEND_AS_IS,
)
async def show_paper(request: PageRequest, invoice_id: FromPath[int], paper_id: FromPath[int]) -> Response[bytes]:
    """One paper, as it is kept; always to save, never shown inside our pages."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        paper = await invoice_queries.paper(connection, timebank_id, _known(invoice_id), _known(paper_id))
    if paper is None:
        raise NotFoundException
    return paper_response(paper)


# What the handlers share ---------------------------------------------------------------------------------------------


def _read(form: Form, currency: str) -> dict[str, Any] | list[Refusal]:
    """What was typed about an invoice. Without a due date it is due 30 days later; without tax it has none."""
    gross = money.parse(form.text("gross_pence"), currency, field="gross_pence")
    typed = form.text("tax_pence")
    tax = money.parse(typed, currency, allow_zero=True, field="tax_pence") if typed else 0
    invoiced_on = form.date("invoiced_on")
    has_due = any(form.text(f"due_on-{part}") for part in ("day", "month", "year"))
    due_on: date | Refusal = form.date("due_on") if has_due or isinstance(invoiced_on, Refusal) else _later(invoiced_on)
    found = [one for one in (gross, tax, invoiced_on) if isinstance(one, Refusal)]
    if has_due and isinstance(due_on, Refusal):
        found.append(due_on)
    payee_id = _id(form.text("payee_id"))
    if payee_id is None:
        found.append(Refusal("payee_missing", "Choose the supplier first.", "payee_id"))
    if isinstance(gross, int) and isinstance(tax, int) and tax > gross:
        found.append(Refusal("tax_out_of_range", "Enter the tax that is in the total.", "tax_pence"))
    if found:
        return found
    assert isinstance(gross, int)
    assert isinstance(tax, int)
    return {
        "payee_id": payee_id,
        "number": form.text("number"),
        "invoiced_on": invoiced_on,
        "due_on": due_on,
        "net_pence": gross - tax,
        "tax_pence": tax,
        "gross_pence": gross,
        "references": tuple(form.all("references")),
        "when_lower": form.text("when_lower"),
        "reason": form.text("reason"),
    }


def _later(day: date) -> date:
    return day + timedelta(days=30)


async def _suggest(
    request: PageRequest, form: Form, fields: dict[str, Any], refusals: list[Refusal] | None = None
) -> Response[str]:
    """The form again, with payments ticked that add up to the total: for a person to check."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        there = await invoice_queries.coverable(connection, timebank_id, fields["payee_id"])
    found = invoice_rules.suggest(fields["gross_pence"], there, invoiced_on=fields["invoiced_on"])
    form = replace(form, fields={**form.fields, "references": tuple(found)})
    return await _new_page(request, form.refused(refusals or []), suggested=bool(found), has_looked=True)


async def _credit_note(request: PageRequest, form: Form, fields: dict[str, Any]) -> Response[Any]:
    command = ProposeCreditNote(
        payee_id=fields["payee_id"],
        pence=fields["gross_pence"],
        document_number=fields["number"],
        reason=fields["reason"],
    )
    result = await propose_note(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(result, list):
        beside = {"document_number": "number", "pence": "gross_pence"}
        placed = [replace(one, field=beside.get(one.field or "", one.field)) for one in result]
        return await _new_page(request, form.refused(placed))
    notice = f"Credit note {result.reference} is entered. Someone else in finance agrees with it."
    return redirect(request, f"/payments/credits/{result.reference}", notice=notice)


async def _new_page(
    request: PageRequest, form: Form, *, suggested: bool = False, has_looked: bool = False
) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    payee_id = _id(form.text("payee_id"))
    async with database(request).reading(timebank_id) as connection:
        suppliers = await payees.payees(connection, timebank_id)
        there = await invoice_queries.coverable(connection, timebank_id, payee_id) if payee_id else []
        known = None
        if payee_id and any(one.code == "invoice_known" for one in form.refusals):
            key = invoice_rules.number_key(form.text("number"))
            known = await invoice_queries.known_number(connection, timebank_id, payee_id, key)
    codes = {one.code for one in form.refusals}
    return render(
        request,
        "payments/invoice_new.html",
        422 if form.refusals else 200,
        form=form,
        suppliers=[("", "Choose a supplier"), *((str(one.id), one.name) for one in suppliers)],
        payee=next((one for one in suppliers if one.id == payee_id), None),
        there=there,
        known=known,
        suggested=suggested,
        has_looked=has_looked,
        asks_lower=bool(form.text("when_lower")) or bool(codes & {"lower_undecided", "reason_missing"}),
        when_lower=WHEN_LOWER,
        words=words,
    )


async def _invoice_page(request: PageRequest, invoice_id: int, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await invoice_queries.invoice(connection, timebank_id, invoice_id)
        if found is None:
            raise NotFoundException
        items = await invoice_queries.items(connection, timebank_id, invoice_id)
        papers = await invoice_queries.papers(connection, timebank_id, invoice_id)
        events = await invoice_queries.events(connection, timebank_id, invoice_id)
        is_open = found.state == invoice_rules.DISPUTED
        there = await invoice_queries.coverable(connection, timebank_id, found.payee_id) if is_open else []
    return render(
        request,
        "payments/invoice.html",
        422 if form.refusals else 200,
        form=form,
        invoice=found,
        items=items,
        papers=papers,
        events=events,
        there=there,
        rules=invoice_rules,
        words=words,
        accept=ACCEPT,
        can_act=person.has_role(FINANCE),
    )


async def _done(request: PageRequest, form: Form, use_case: Any, command: Any, notice: str) -> Response[Any]:
    try:
        result: Entered | list[Refusal] = await use_case(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except UnknownInvoice as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _invoice_page(request, command.invoice_id, form.refused(result))
    return redirect(request, f"{PLACE}/{result.invoice_id}", notice=notice)


def _id(text: str) -> int | None:
    is_id = text.isascii() and text.isdigit() and 0 < len(text) < 19
    return int(text) if is_id and int(text) > 0 else None


def _known(number: int) -> int:
    if not 0 < number <= MAX_KEY:
        raise NotFoundException
    return number


ROUTES: list[Any] = [
    invoices_page,
    new_invoice_page,
    enter_invoice,
    invoice_page,
    cover_more,
    explain,
    withdraw,
    add_paper,
    show_paper,
]
