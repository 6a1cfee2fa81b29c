"""What the bank did with the payments of a run, for programs; a run taken back; its file in another format."""

from datetime import date

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody

from timebank.payments import files, outcomes
from timebank.payments.api_shared import STEP, ApiRequest, done_or_refused, known_number, reference_of


class VoidRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str


class PaymentOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bank did: paid, rejected or returned, on the day that its statement names."""

    outcome: str
    on: date
    reason: str = ""


class FileFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code of a format."""

    format: str


@post("/api/v1/payments/{reference:str}/outcome", **STEP)
async def record_payment_outcome(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[PaymentOutcome]
) -> Response[outcomes.Settled]:
    """Record what the bank did with one payment of a run; ``reference`` is its end-to-end id."""
    command = outcomes.RecordOutcome(reference=reference_of(reference), **msgspec.structs.asdict(data))
    return await done_or_refused(request, outcomes.record_outcome, command)


@post("/api/v1/payment-batches/{number:int}/void", **STEP)
async def void_payment_batch(
    request: ApiRequest, number: FromPath[int], data: JSONBody[VoidRun]
) -> Response[outcomes.Voided]:
    """Take a payment run back as a whole."""
    command = outcomes.VoidBatch(number=known_number(number), reason=data.reason)
    return await done_or_refused(request, outcomes.void_batch, command)


@post("/api/v1/payment-batches/{number:int}/files", **STEP)
async def make_payment_file(
    request: ApiRequest, number: FromPath[int], data: JSONBody[FileFormat]
) -> Response[files.MadeFile]:
    """Make the file of a payment run in one more format."""
    command = files.MakeFile(number=known_number(number), format=data.format)
    return await done_or_refused(request, files.make_file, command)


ROUTES = [record_payment_outcome, void_payment_batch, make_payment_file]
