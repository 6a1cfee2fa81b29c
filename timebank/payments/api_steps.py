"""Every step of a payable for programs, through the same functions as the pages."""

from datetime import date

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody

from timebank.payments import cash, many, parts, requests, rules, service
from timebank.payments.api_shared import STEP, ApiRequest, done_or_refused, reference_of


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


class CancelPayable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str


class PayablePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What leaves next, in minor units; null for all that is left."""

    pence: int | None


class PayableInCash(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cash against a signature; ``pence`` is the amount on the signed receipt, null when it was not read there."""

    pence: int | None = None
    receipt_number: str
    handed_by: str
    signed_by: str
    on: date


class NewPayableRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to pay that comes from no booking. ``pence`` is in minor units, with ``tax_pence`` in it.

    ``budget_id`` pays; null for the budget of the order, if there is one.
    """

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
    budget_id: int | None = None


@post("/api/v1/payables", **(STEP | {"status_code": 201}))
async def request_payable(request: ApiRequest, data: JSONBody[NewPayableRequest]) -> Response[requests.Requested]:
    """Propose a payment that comes from no booking; someone else approves it."""
    command = requests.RequestPayment(**msgspec.structs.asdict(data))
    return await done_or_refused(request, requests.request_payment, command)


@post("/api/v1/payables/approve", **STEP)
async def approve_payables(request: ApiRequest, data: JSONBody[ApprovePayables]) -> Response[many.ApprovedMany]:
    """Approve several payables, each as it was read; what changed is named and stays as it is."""
    items = tuple(many.Seen(reference=one.reference, digest=one.digest) for one in data.items)
    command = many.ApproveMany(items=items)
    return await done_or_refused(request, many.approve_many, command)


@post("/api/v1/payables/{reference:str}/submit", **STEP)
async def submit_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[SubmitPayable]
) -> Response[service.Changed]:
    """Send a payable for approval."""
    command = service.Submit(reference=reference_of(reference), invoice_number=data.invoice_number, reason=data.reason)
    return await done_or_refused(request, service.submit, command)


@post("/api/v1/payables/{reference:str}/approve", **STEP)
async def approve_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[ApprovePayable]
) -> Response[service.Changed]:
    """Approve a payable as it was read."""
    command = service.Approve(reference=reference_of(reference), seen_digest=data.digest or "none")
    return await done_or_refused(request, service.approve, command)


@post("/api/v1/payables/{reference:str}/cancel", **STEP)
async def cancel_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[CancelPayable]
) -> Response[service.Changed]:
    """Cancel a payable before export."""
    command = service.Cancel(reference=reference_of(reference), reason=data.reason)
    return await done_or_refused(request, service.cancel, command)


@post("/api/v1/payables/{reference:str}/part", **STEP)
async def part_of_payable(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[PayablePart]
) -> Response[service.Changed]:
    """Say how much of a payable leaves next."""
    command = parts.SetPart(reference=reference_of(reference), pence=data.pence)
    return await done_or_refused(request, parts.set_part, command)


@post("/api/v1/payables/{reference:str}/cash", **STEP)
async def pay_payable_in_cash(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[PayableInCash]
) -> Response[service.Changed]:
    """Record cash against a signature."""
    command = cash.PayCash(reference=reference_of(reference), **msgspec.structs.asdict(data))
    return await done_or_refused(request, cash.pay_cash, command)


ROUTES = [
    request_payable,
    approve_payables,
    submit_payable,
    approve_payable,
    cancel_payable,
    part_of_payable,
    pay_payable_in_cash,
]
