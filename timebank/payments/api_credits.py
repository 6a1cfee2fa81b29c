"""What payees owe us, for programs, through the same functions as the pages."""

from datetime import date

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from timebank.payments import credit_notes, credit_queries, rules
from timebank.payments import credits as owed_back
from timebank.payments import set_off as setting_off
from timebank.payments.api_shared import LOOK, STEP, ApiRequest, done_or_refused, reader, reference_of
from timebank.payments.credit_queries import CreditFacts
from timebank.web.context import database


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


@get("/api/v1/credits", **LOOK)
async def list_credits(request: ApiRequest) -> Credits:
    """What payees owe back."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return Credits(
            open=await credit_queries.still_open(connection, actor.timebank_id),
            proposed=await credit_queries.proposed(connection, actor.timebank_id),
        )


@post("/api/v1/credits", **STEP)
async def propose_credit_note(request: ApiRequest, data: JSONBody[NewCreditNote]) -> Response[owed_back.CreditChanged]:
    """Enter a credit note; a second person agrees with it before it counts."""
    command = credit_notes.ProposeCreditNote(**msgspec.structs.asdict(data))
    return await done_or_refused(request, credit_notes.propose_note, command)


@post("/api/v1/credits/set-off", **STEP)
async def set_off(request: ApiRequest, data: JSONBody[SetOff]) -> Response[setting_off.DebtSettled]:
    """Settle what is approved for a payee against credits that cover it."""
    command = setting_off.SettleDebt(payee_id=data.payee_id)
    return await done_or_refused(request, setting_off.settle_debt, command)


@post("/api/v1/credits/{reference:str}/decide", **STEP)
async def decide_credit_note(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[CreditDecision]
) -> Response[owed_back.CreditChanged]:
    """Agree with a credit note, or refuse it."""
    command = credit_notes.DecideCreditNote(reference=reference_of(reference), accept=data.accept)
    return await done_or_refused(request, credit_notes.decide_note, command)


@post("/api/v1/credits/{reference:str}/repaid", **STEP)
async def record_credit_repaid(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[CreditRepaid]
) -> Response[owed_back.CreditChanged]:
    """Record that a payee paid a credit back."""
    command = owed_back.RecordRepaid(reference=reference_of(reference), **msgspec.structs.asdict(data))
    return await done_or_refused(request, owed_back.repaid, command)


ROUTES = [list_credits, propose_credit_note, set_off, decide_credit_note, record_credit_repaid]
