"""Payments for programs: what is owed, and payment runs with their files."""

from datetime import date, datetime
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from timebank.db import retrying
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.ids import normalise_reference
from timebank.kit.paging import page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.payments import batches, queries, rules, run_queries, taken
from timebank.payments.api_shared import LOOK, READ, WRITE, ApiRequest, known_number, reader
from timebank.payments.batches import ExportBatch
from timebank.payments.downloads import SEND_AS_IS, file_response
from timebank.payments.rules import PayableFacts
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now


class Payee(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a payment goes to."""

    id: int
    name: str
    supplier_reference: str


class Payable(msgspec.Struct, frozen=True, kw_only=True):
    """One amount owed, in minor units of ``currency``. ``settled_pence`` is paid; ``next_pence`` leaves next.

    ``digest`` stands for all that an approval signs: send it back to approve what was read.
    """

    reference: str
    kind: str
    state: str
    payee: Payee
    pence: int
    currency: str
    description: str
    invoice_number: str
    earned_on: date
    due_on: date
    batch_number: int | None
    settled_on: date | None
    settled_pence: int
    next_pence: int
    tax_pence: int
    pay_by: str
    digest: str


class Payables(msgspec.Struct, frozen=True, kw_only=True):
    """A page of payables in the order they were made; ``next_cursor`` is null at the end."""

    items: list[Payable]
    next_cursor: str | None


class NewPaymentBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Export everything that is approved and can be paid in this format, "" for the time bank's own.

    With ``expected_*`` nothing is exported unless exactly that is ready. ``processing_on`` is the working day on which
    the bank is asked to move the money; without it the first one that the settings allow.
    """

    format: str = ""
    expected_count: int | None = None
    expected_pence: int | None = None
    processing_on: date | None = None


class PaymentLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank is asked to pay to one payee. ``reference`` is the end-to-end id.

    ``credited_pence`` was kept back, because the payee owed it to us.
    """

    line: int
    reference: str
    payee_id: int
    payee_name: str
    pence: int
    credited_pence: int
    state: str
    settled_on: date | None


class PaymentFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a payment run. ``sha256`` is of its bytes, in hexadecimal."""

    format: str
    file_name: str
    sha256: str


class PaymentBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A payment run: its payments, the payables in them, and the files that were made of it, the first one in front."""

    number: int
    format: str
    files: list[PaymentFile]
    line_count: int
    total_pence: int
    currency: str
    processing_on: date
    created_at: datetime
    void_at: datetime | None
    payments: list[PaymentLine]
    payables: list[Payable]


@get("/api/v1/payables", **LOOK)
async def list_payables(
    request: ApiRequest,
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[Payables]:
    """Payables, oldest first; ``state`` keeps those in one state."""
    actor = reader(request)
    size, after = page_size(limit), parse_cursor(cursor) if cursor else (0,)
    refusals = [found for found in (size, after) if isinstance(found, Refusal)]
    if in_state is not None and in_state not in rules.STATES:
        refusals.append(Refusal("unknown_state", f"Ask for one of: {', '.join(rules.STATES)}.", "state"))
    if refusals or isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused(refusals)
    async with database(request).reading(actor.timebank_id) as connection:
        page = await queries.page(connection, actor.timebank_id, after=after[0], state=in_state, size=size)
    return Response(Payables(items=[_payable(one) for one in page.items], next_cursor=page.next_cursor))


@get("/api/v1/payables/{reference:str}", **LOOK)
async def show_payable(request: ApiRequest, reference: FromPath[str]) -> Payable:
    """One payable."""
    actor = reader(request)
    known = normalise_reference(reference)
    async with database(request).reading(actor.timebank_id) as connection:
        facts = await queries.by_reference(connection, actor.timebank_id, known) if known else None
    if facts is None:
        raise NotFoundException
    return _payable(facts)


@post("/api/v1/payment-batches", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def create_batch(request: ApiRequest, data: JSONBody[NewPaymentBatch]) -> Response[PaymentBatch]:
    """Export what is ready as one payment run. The same ``Idempotency-Key`` gives the same run."""
    actor = acting(request)
    key = idempotency_key(request)
    command = ExportBatch(
        format=data.format,
        expected_count=data.expected_count,
        expected_pence=data.expected_pence,
        processing_on=data.processing_on,
    )
    db = database(request)
    result = await retrying(lambda: batches.export(db, actor, command, key=key, now=now(request)))
    if isinstance(result, list):
        return refused(result)
    batch = await _batch(request, actor, result.number)
    return Response(batch, status_code=201, headers={"Location": f"/api/v1/payment-batches/{batch.number}"})


@get("/api/v1/payment-batches/{number:int}", **LOOK)
async def show_batch(request: ApiRequest, number: FromPath[int]) -> PaymentBatch:
    """One payment run and its payables."""
    return await _batch(request, reader(request), number)


@get(
    "/api/v1/payment-batches/{number:int}/file",
    media_type="text/csv",
    opt=SEND_AS_IS,
    tags=["payments"],
    guards=[needs_scope(READ)],
    **READING,
)
async def show_batch_file(
    request: ApiRequest, number: FromPath[int], format_code: Annotated[str | None, QueryParameter(name="format")] = None
) -> Response[bytes]:
    """The stored bytes of a payment run, the same for ever; ``format`` for another than its first file."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        batch = await run_queries.batch(connection, actor.timebank_id, known_number(number))
        if batch is None:
            raise NotFoundException
        file = await run_queries.batch_file(connection, actor.timebank_id, number, format_code or batch.format)
    if file is None:
        raise NotFoundException
    await taken.note(database(request), actor, number, file.format, now=now(request))
    return file_response(file)


async def _batch(request: ApiRequest, actor: Actor, number: int) -> PaymentBatch:
    async with database(request).reading(actor.timebank_id) as connection:
        facts = await run_queries.batch(connection, actor.timebank_id, known_number(number))
        if facts is None:
            raise NotFoundException
        payments = await run_queries.payments_of_batch(connection, actor.timebank_id, number)
        made = await run_queries.batch_files(connection, actor.timebank_id, number)
        payables = await run_queries.in_batch(connection, actor.timebank_id, number)
    return PaymentBatch(
        number=facts.number,
        format=facts.format,
        files=[PaymentFile(format=one.format, file_name=one.file_name, sha256=one.sha256.hex()) for one in made],
        line_count=facts.line_count,
        total_pence=facts.total_pence,
        currency=facts.currency,
        processing_on=facts.processing_on,
        created_at=facts.created_at,
        void_at=facts.void_at,
        payments=[
            PaymentLine(
                line=one.line,
                reference=one.reference,
                payee_id=one.payee_id,
                payee_name=one.payee_name,
                pence=one.pence,
                credited_pence=one.credited_pence,
                state=one.state,
                settled_on=one.settled_on,
            )
            for one in payments
        ],
        payables=[_payable(payable) for payable in payables],
    )


def _payable(facts: PayableFacts) -> Payable:
    return Payable(
        reference=facts.reference,
        kind=facts.kind,
        state=facts.state,
        payee=Payee(id=facts.payee_id, name=facts.payee_name, supplier_reference=facts.supplier_reference),
        pence=facts.pence,
        currency=facts.currency,
        description=facts.description,
        invoice_number=facts.invoice_number,
        earned_on=facts.earned_on,
        due_on=facts.due_on,
        batch_number=facts.batch_number,
        settled_on=facts.settled_on,
        settled_pence=facts.settled_pence,
        next_pence=facts.next_pence,
        tax_pence=facts.tax_pence,
        pay_by=facts.pay_by,
        digest=rules.digest(facts).hex(),
    )


ROUTES = [list_payables, show_payable, create_batch, show_batch, show_batch_file]
