"""Suppliers' invoices and coding for programs of finance. Amounts are in minor units."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.payments import coding, invoice_queries, invoice_rules, invoices, rules
from timebank.payments.api_documents import PaperAnswer, PaperBody, answers, read_body
from timebank.payments.coding import Code
from timebank.payments.downloads import SEND_AS_IS, paper_response
from timebank.payments.invoice_papers import add_paper as keep_paper
from timebank.payments.invoice_queries import InvoiceItem
from timebank.payments.invoice_rules import EnterInvoice, InvoiceFacts
from timebank.payments.invoice_steps import UnknownInvoice
from timebank.payments.invoices import CoverMore, Explain, Withdraw
from timebank.payments.rules import UnknownPayment
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "payables:read", "payments:write"
CHANGES: dict[str, Any] = {"tags": ["payments"], "guards": [needs_scope(WRITE)], "status_code": 200, **CHANGING}


class InvoiceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier's invoice and the payables it is for.

    Net and tax add up to gross. Where the invoice is lower, ``when_lower`` is ``correct`` or ``leave``, and ``reason``
    says why.
    """

    payee_id: int
    number: str
    invoiced_on: date
    due_on: date
    net_pence: int
    tax_pence: int
    gross_pence: int
    references: list[str]
    when_lower: str = ""
    reason: str = ""


class ReferencesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Payables that a disputed invoice is for as well."""

    references: list[str]


class ExplainBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an invoice is higher; ``is_owed``: the rest makes a payable of its own."""

    reason: str
    is_owed: bool


class ReasonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str


class CodeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a payable is booked as; an empty ``nominal_code`` is the budget's own."""

    budget_id: int | None = None
    nominal_code: str = ""
    order_number: str = ""
    tax_pence: int = 0
    tax_code: str = ""


class InvoiceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice, what it settles, and its papers. ``open_pence`` is what nothing explains yet."""

    invoice: InvoiceFacts
    open_pence: int
    items: list[InvoiceItem]
    papers: list[PaperAnswer]


class InvoicesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of invoices, newest first; ``next_cursor`` is null at the end."""

    items: list[InvoiceFacts]
    next_cursor: str | None


class Coded(msgspec.Struct, frozen=True, kw_only=True):
    """The payable that was coded, and its state."""

    reference: str
    state: str


@get("/api/v1/supplier-invoices", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def list_invoices(
    request: ApiRequest,
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[InvoicesAnswer]:
    """Invoices, newest first; ``state`` keeps those in one state."""
    actor = _reader(request)
    size, before = page_size(limit), parse_cursor(cursor) if cursor else (MAX_KEY,)
    refusals = [found for found in (size, before) if isinstance(found, Refusal)]
    if in_state is not None and in_state not in invoice_rules.STATE_NAMES:
        text = f"Ask for one of: {', '.join(invoice_rules.STATE_NAMES)}."
        refusals.append(Refusal("unknown_state", text, "state"))
    if refusals or isinstance(size, Refusal) or isinstance(before, Refusal):
        return refused(refusals)
    async with database(request).reading(actor.timebank_id) as connection:
        page = await invoice_queries.invoices(
            connection, actor.timebank_id, before=before[0], size=size, state=in_state
        )
    return Response(InvoicesAnswer(items=list(page.items), next_cursor=page.next_cursor))


@get("/api/v1/supplier-invoices/{invoice_id:int}", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_invoice(request: ApiRequest, invoice_id: FromPath[int]) -> InvoiceAnswer:
    """One invoice, what it settles, and its papers."""
    return await _answer(request, _reader(request), invoice_id)


@post("/api/v1/supplier-invoices", **{**CHANGES, "status_code": 201})
async def enter_invoice(request: ApiRequest, data: JSONBody[InvoiceBody]) -> Response[InvoiceAnswer]:
    """Enter an invoice and settle the payables it is for. The same number of a supplier is entered once."""
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    command = EnterInvoice(**{**fields, "references": tuple(data.references)})
    return await _changed(request, invoices.enter, command, status_code=201)


@post("/api/v1/supplier-invoices/{invoice_id:int}/cover", **CHANGES)
async def cover_more(
    request: ApiRequest, invoice_id: FromPath[int], data: JSONBody[ReferencesBody]
) -> Response[InvoiceAnswer]:
    """Match what is open of a disputed invoice with more payables."""
    command = CoverMore(invoice_id=_known(invoice_id), references=tuple(data.references))
    return await _changed(request, invoices.cover_more, command)


@post("/api/v1/supplier-invoices/{invoice_id:int}/explain", **CHANGES)
async def explain(
    request: ApiRequest, invoice_id: FromPath[int], data: JSONBody[ExplainBody]
) -> Response[InvoiceAnswer]:
    """Say why an invoice is higher than what it is matched with."""
    command = Explain(invoice_id=_known(invoice_id), reason=data.reason, is_owed=data.is_owed)
    return await _changed(request, invoices.explain, command)


@post("/api/v1/supplier-invoices/{invoice_id:int}/withdraw", **CHANGES)
async def withdraw(
    request: ApiRequest, invoice_id: FromPath[int], data: JSONBody[ReasonBody]
) -> Response[InvoiceAnswer]:
    """Take out an invoice that was entered by mistake."""
    return await _changed(request, invoices.withdraw, Withdraw(invoice_id=_known(invoice_id), reason=data.reason))


@post("/api/v1/supplier-invoices/{invoice_id:int}/papers", **CHANGES)
async def add_paper(
    request: ApiRequest, invoice_id: FromPath[int], data: JSONBody[PaperBody]
) -> Response[InvoiceAnswer]:
    """Keep a PDF or a photo with an invoice."""
    actor, key = acting(request), idempotency_key(request)
    paper = await read_body(data)
    if isinstance(paper, Refusal):
        return refused([paper])
    try:
        done = await keep_paper(database(request), actor, _known(invoice_id), paper, key=key, now=now(request))
    except UnknownInvoice as error:
        raise NotFoundException("There is no such invoice.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(await _answer(request, actor, invoice_id), status_code=200)


@get(
    "/api/v1/supplier-invoices/{invoice_id:int}/papers/{paper_id:int}",
    media_type="application/octet-stream",
    opt=SEND_AS_IS,
    tags=["payments"],
    guards=[needs_scope(READ)],
    **READING,
)
async def show_paper(request: ApiRequest, invoice_id: FromPath[int], paper_id: FromPath[int]) -> Response[bytes]:
    """One paper of an invoice, the same bytes for ever."""
    actor = _reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        paper = await invoice_queries.paper(connection, actor.timebank_id, _known(invoice_id), _known(paper_id))
    if paper is None:
        raise NotFoundException("There is no such paper.")
    return paper_response(paper)


@post("/api/v1/payables/{reference:str}/coding", **CHANGES)
async def code_payable(request: ApiRequest, reference: FromPath[str], data: JSONBody[CodeBody]) -> Response[Coded]:
    """Code a payable that is not approved yet: budget, order, nominal code, tax."""
    actor, key = acting(request), idempotency_key(request)
    command = Code(
        reference=ids.normalise_reference(reference) or "",
        budget_id=data.budget_id,
        nominal_code=data.nominal_code,
        order_number=data.order_number,
        tax_pence=data.tax_pence,
        tax_code=data.tax_code,
    )
    try:
        done = await coding.code(database(request), actor, command, key=key, now=now(request))
    except UnknownPayment as error:
        raise NotFoundException("There is no such payable.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(Coded(reference=done.reference, state=done.state), status_code=200)


def _reader(request: ApiRequest) -> Actor:
    actor = acting(request)
    if not rules.may_read(actor):
        raise PermissionDeniedException("Only someone with the finance role can see invoices.")
    return actor


async def _changed(
    request: ApiRequest, use_case: Any, command: Any, *, status_code: int = 200
) -> Response[InvoiceAnswer]:
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await use_case(database(request), actor, command, key=key, now=now(request))
    except UnknownInvoice as error:
        raise NotFoundException("There is no such invoice.") from error
    if isinstance(done, list):
        return refused(done)
    return Response(await _answer(request, actor, done.invoice_id), status_code=status_code)


async def _answer(request: ApiRequest, actor: Actor, invoice_id: int) -> InvoiceAnswer:
    timebank_id = actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await invoice_queries.invoice(connection, timebank_id, _known(invoice_id))
        if found is None:
            raise NotFoundException("There is no such invoice.")
        items = await invoice_queries.items(connection, timebank_id, invoice_id)
        papers = await invoice_queries.papers(connection, timebank_id, invoice_id)
    return InvoiceAnswer(
        invoice=found,
        open_pence=found.open_pence if found.state == invoice_rules.DISPUTED else 0,
        items=items,
        papers=answers(papers),
    )


def _known(number: int) -> int:
    if not 0 < number <= MAX_KEY:
        raise NotFoundException
    return number


ROUTES: list[Any] = [
    list_invoices,
    show_invoice,
    enter_invoice,
    cover_more,
    explain,
    withdraw,
    add_paper,
    show_paper,
    code_payable,
]
