"""Every step of a payable and of a payment run for programs, through the same functions as the pages."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, TypeVar

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.banks import queries as banks
from timebank.db import retrying
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit import ids
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.payments import (
    cash,
    credit_notes,
    credit_queries,
    files,
    many,
    months,
    outcomes,
    parts,
    requests,
    rules,
    service,
)
from timebank.payments import credits as owed_back
from timebank.payments import set_off as setting_off
from timebank.payments.api import READ, WRITE, ApiRequest, reader
from timebank.payments.credit_queries import CreditFacts
from timebank.payments.rules import UnknownPayment
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

Done = TypeVar("Done")


class SubmitPayable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft with its invoice number, or one that is to be approved again with the reason."""

    invoice_number: str = ""
    reason: str = ""


class ApprovePayable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``digest`` is that of the payable as it was read: what changed since then is not approved."""

    digest: str


class PayableSeen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payable as it was read."""

    reference: str
    digest: str


class ApprovePayables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most 200 payables."""

    items: list[PayableSeen]


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str


class PayablePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What leaves next, in minor units; null for all that is left."""

    pence: int | None


class PayableInCash(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cash against a signature."""

    receipt_number: str
    handed_by: str
    signed_by: str
    on: date


class NewPayableRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to pay that comes from no booking. ``pence`` is in minor units, with ``tax_pence`` in it."""

    payee_id: int
    pence: int
    description: str
    earned_on: date
    due_on: date
    reason: str
    evidence: str
    kind: str = rules.OTHER
    tax_pence: int = 0
    invoice_number: str = ""
    tax_code: str = ""
    nominal_code: str = ""
    order_number: str = ""


class PaymentOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bank did: paid, rejected or returned, on the day that its statement names."""

    outcome: str
    on: date
    reason: str = ""


class FileFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code of a format."""

    format: str


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why; may be empty where nothing speaks against it."""

    why: str = ""


class NewCreditNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payee's credit note, in minor units."""

    payee_id: int
    pence: int
    document_number: str
    reason: str
    kind: str = rules.OTHER


class CreditDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a second person agrees."""

    accept: bool


class CreditRepaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was paid back, in minor units."""

    pence: int
    on: date
    note: str = ""


class SetOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose approved payables are settled against what they owe us."""

    payee_id: int


class Credits(msgspec.Struct, frozen=True, kw_only=True):
    """What payees owe back, and credit notes that wait for a second person."""

    open: list[CreditFacts]
    proposed: list[CreditFacts]


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month with its checklist."""

    month: date
    is_closed: bool
    checks: list[months.Check]


class Months(msgspec.Struct, frozen=True, kw_only=True):
    """Months that are over, newest first."""

    items: list[months.MonthChanged]


async def _answer(work: Callable[[], Awaitable[Done | list[Refusal]]]) -> Response[Any]:
    """What a use case did, or its refusals."""
    try:
        result = await retrying(work)
    except (UnknownPayment, owed_back.UnknownCredit) as error:
        raise NotFoundException from error
    return refused(result) if isinstance(result, list) else Response(result)


@post("/api/v1/payables", tags=["payments"], guards=[needs_scope(WRITE)], status_code=201, **CHANGING)
async def request_payable(request: ApiRequest, data: JSONBody[NewPayableRequest]) -> Response[requests.Requested]:
    """Propose a payment that comes from no booking; someone else approves it."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = requests.RequestPayment(**msgspec.structs.asdict(data))
    return await _answer(lambda: requests.request_payment(db, actor, command, key=key, now=now(request)))


@post("/api/v1/payables/approve", tags=["payments"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def approve_payables(request: ApiRequest, data: JSONBody[ApprovePayables]) -> Response[many.ApprovedMany]:
    """Approve several payables, each as it was read; what changed is named and stays as it is."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    items = tuple(many.Seen(reference=one.reference, digest=one.digest) for one in data.items)
    command = many.ApproveMany(items=items)
    return await _answer(lambda: many.approve_many(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payables/{reference:str}/submit",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def submit_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[SubmitPayable]
) -> Response[service.Changed]:
    """Send a payable for approval."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = service.Submit(reference=_reference(reference), invoice_number=data.invoice_number, reason=data.reason)
    return await _answer(lambda: service.submit(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payables/{reference:str}/approve",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def approve_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[ApprovePayable]
) -> Response[service.Changed]:
    """Approve a payable as it was read."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = service.Approve(reference=_reference(reference), seen_digest=data.digest or "none")
    return await _answer(lambda: service.approve(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payables/{reference:str}/cancel",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def cancel_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[Reason]
) -> Response[service.Changed]:
    """Cancel a payable before export."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = service.Cancel(reference=_reference(reference), reason=data.reason)
    return await _answer(lambda: service.cancel(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payables/{reference:str}/part", tags=["payments"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING
)
async def part_of_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[PayablePart]
) -> Response[service.Changed]:
    """Say how much of a payable leaves next."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = parts.SetPart(reference=_reference(reference), pence=data.pence)
    return await _answer(lambda: parts.set_part(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payables/{reference:str}/cash", tags=["payments"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING
)
async def pay_payable_in_cash(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[PayableInCash]
) -> Response[service.Changed]:
    """Record cash against a signature."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = cash.PayCash(reference=_reference(reference), **msgspec.structs.asdict(data))
    return await _answer(lambda: cash.pay_cash(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payments/{reference:str}/outcome",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def record_payment_outcome(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[PaymentOutcome]
) -> Response[outcomes.Settled]:
    """Record what the bank did with one payment of a run; ``reference`` is its end-to-end id."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = outcomes.RecordOutcome(reference=_reference(reference), **msgspec.structs.asdict(data))
    return await _answer(lambda: outcomes.record_outcome(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payment-batches/{number:int}/void",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def void_payment_batch(
    request: ApiRequest, number: FromPath[int], data: JSONBody[Reason]
) -> Response[outcomes.Voided]:
    """Take a payment run back as a whole."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = outcomes.VoidBatch(number=_number(number), reason=data.reason)
    return await _answer(lambda: outcomes.void_batch(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payment-batches/{number:int}/files",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def make_payment_file(
    request: ApiRequest, number: FromPath[int], data: JSONBody[FileFormat]
) -> Response[files.MadeFile]:
    """Make the file of a payment run in one more format."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = files.MakeFile(number=_number(number), format=data.format)
    return await _answer(lambda: files.make_file(db, actor, command, key=key, now=now(request)))


@get("/api/v1/credits", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def list_credits(request: ApiRequest) -> Credits:
    """What payees owe back."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return Credits(
            open=await credit_queries.still_open(connection, actor.timebank_id),
            proposed=await credit_queries.proposed(connection, actor.timebank_id),
        )


@post("/api/v1/credits", tags=["payments"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def propose_credit_note(request: ApiRequest, data: JSONBody[NewCreditNote]) -> Response[owed_back.CreditChanged]:
    """Enter a credit note; a second person agrees with it before it counts."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = credit_notes.ProposeCreditNote(**msgspec.structs.asdict(data))
    return await _answer(lambda: credit_notes.propose_note(db, actor, command, key=key, now=now(request)))


@post("/api/v1/credits/set-off", tags=["payments"], guards=[needs_scope(WRITE)], status_code=200, **CHANGING)
async def set_off(request: ApiRequest, data: JSONBody[SetOff]) -> Response[setting_off.DebtSettled]:
    """Settle what is approved for a payee against credits that cover it."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = setting_off.SettleDebt(payee_id=data.payee_id)
    return await _answer(lambda: setting_off.settle_debt(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/credits/{reference:str}/decide",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def decide_credit_note(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[CreditDecision]
) -> Response[owed_back.CreditChanged]:
    """Agree with a credit note, or refuse it."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = credit_notes.DecideCreditNote(reference=_reference(reference), accept=data.accept)
    return await _answer(lambda: credit_notes.decide_note(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/credits/{reference:str}/repaid",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def record_credit_repaid(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[CreditRepaid]
) -> Response[owed_back.CreditChanged]:
    """Record that a payee paid a credit back."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = owed_back.RecordRepaid(reference=_reference(reference), **msgspec.structs.asdict(data))
    return await _answer(lambda: owed_back.repaid(db, actor, command, key=key, now=now(request)))


@get("/api/v1/payment-months", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def list_months(request: ApiRequest) -> Months:
    """Months that are over, and whether they are closed."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        found = await months.months(connection, actor.timebank_id, today(now(request), bank.time_zone))
    steps = [(month, bool(step and step.is_closed)) for month, step in found]
    return Months(items=[months.MonthChanged(month=month, is_closed=is_closed) for month, is_closed in steps])


@get("/api/v1/payment-months/{month:str}", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_month(request: ApiRequest, month: FromPath[str]) -> Month:
    """A month (like ``2026-03``) and what to look at before it is closed."""
    actor, first = reader(request), _month(month)
    async with database(request).reading(actor.timebank_id) as connection:
        return Month(
            month=first,
            is_closed=await months.is_closed(connection, actor.timebank_id, first),
            checks=await months.checklist(connection, actor.timebank_id, first),
        )


@post(
    "/api/v1/payment-months/{month:str}/close",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def close_month(request: ApiRequest, month: FromPath[str], data: JSONBody[Why]) -> Response[months.MonthChanged]:
    """Close a month."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = months.CloseMonth(month=_month(month), why=data.why)
    return await _answer(lambda: months.close_month(db, actor, command, key=key, now=now(request)))


@post(
    "/api/v1/payment-months/{month:str}/open",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def open_month(request: ApiRequest, month: FromPath[str], data: JSONBody[Why]) -> Response[months.MonthChanged]:
    """Open a closed month again."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    command = months.OpenMonth(month=_month(month), why=data.why)
    return await _answer(lambda: months.open_month(db, actor, command, key=key, now=now(request)))


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


def _number(number: int) -> int:
    if not 0 < number < 2**31:
        raise NotFoundException
    return number


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise NotFoundException from error


ROUTES = [
    request_payable,
    approve_payables,
    submit_payable,
    approve_payable,
    cancel_payable,
    part_of_payable,
    pay_payable_in_cash,
    record_payment_outcome,
    void_payment_batch,
    make_payment_file,
    list_credits,
    propose_credit_note,
    set_off,
    decide_credit_note,
    record_credit_repaid,
    list_months,
    show_month,
    close_month,
    open_month,
]
