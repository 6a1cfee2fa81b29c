"""What payees owe us, for programs, through the same functions as the pages."""

from datetime import date

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.payments import api_documents, credit_notes, credit_papers, credit_queries, rules
from timebank.payments import credits as owed_back
from timebank.payments import set_off as setting_off
from timebank.payments.api_documents import PaperAnswer, PaperBody
from timebank.payments.api_shared import LOOK, STEP, ApiRequest, done_or_refused, reader, reference_of
from timebank.payments.credit_papers import AddPaper
from timebank.payments.credit_queries import CreditFacts, CreditUse
from timebank.payments.downloads import SEND_AS_IS, paper_response
from timebank.web.api import refused
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


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """One credit, what became of it, and its papers."""

    credit: CreditFacts
    uses: list[CreditUse]
    papers: list[PaperAnswer]


@get("/api/v1/credits", **LOOK)
async def list_credits(request: ApiRequest) -> Credits:
    """What payees owe back."""
    actor = reader(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return Credits(
            open=await credit_queries.still_open(connection, actor.timebank_id),
            proposed=await credit_queries.proposed(connection, actor.timebank_id),
        )


@get("/api/v1/credits/{reference:str}", **LOOK)
async def show_credit(request: ApiRequest, reference: FromPath[str]) -> Credit:
    """One credit, what became of it, and its papers."""
    actor, known = reader(request), reference_of(reference)
    async with database(request).reading(actor.timebank_id) as connection:
        credit = await credit_queries.by_reference(connection, actor.timebank_id, known)
        if credit is None:
            raise NotFoundException("There is no such credit.")
        uses = await credit_queries.uses(connection, actor.timebank_id, credit.id)
        papers = await credit_papers.papers(connection, actor.timebank_id, credit.id)
    return Credit(credit=credit, uses=uses, papers=api_documents.answers(papers))


@post("/api/v1/credits/{reference:str}/papers", **STEP)
async def add_credit_paper(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[PaperBody]
) -> Response[owed_back.CreditChanged]:
    """Keep the credit note itself, a PDF or a photo."""
    paper = await api_documents.read_body(data)
    if isinstance(paper, Refusal):
        return refused([paper])
    return await done_or_refused(
        request, credit_papers.add_paper, AddPaper(reference=reference_of(reference), paper=paper)
    )


@get(
    "/api/v1/credits/{reference:str}/papers/{paper_id:int}",
    media_type="application/octet-stream",
    opt=SEND_AS_IS,
    **LOOK,
)
async def show_credit_paper(request: ApiRequest, reference: FromPath[str], paper_id: FromPath[int]) -> Response[bytes]:
    """One paper of a credit, the same bytes for ever."""
    actor, known = reader(request), reference_of(reference)
    if not 0 < paper_id <= MAX_KEY:
        raise NotFoundException("There is no such paper.")
    async with database(request).reading(actor.timebank_id) as connection:
        paper = await credit_papers.paper(connection, actor.timebank_id, known, paper_id)
    if paper is None:
        raise NotFoundException("There is no such paper.")
    return paper_response(paper)


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


ROUTES = [
    list_credits,
    show_credit,
    add_credit_paper,
    show_credit_paper,
    propose_credit_note,
    set_off,
    decide_credit_note,
    record_credit_repaid,
]
