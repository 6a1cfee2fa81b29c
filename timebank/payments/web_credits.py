"""Pages of credits: what payees owe us, entering and agreeing with a credit note, setting off, repaid."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.db import retrying
from timebank.kit import money
from timebank.kit.actor import FINANCE
from timebank.kit.clock import today
from timebank.kit.money import in_words
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.payments import credit_notes, credit_papers, credit_queries, rules, words
from timebank.payments import credits as owed_back
from timebank.payments import set_off as setting_off
from timebank.payments.credit_notes import DecideCreditNote, ProposeCreditNote
from timebank.payments.credit_papers import AddPaper
from timebank.payments.credits import RecordRepaid, UnknownCredit
from timebank.payments.documents import ACCEPT, ReadPaper, read_paper
from timebank.payments.downloads import SEND_AS_IS, paper_response
from timebank.payments.set_off import SettleDebt
from timebank.payments.web import may_act, may_look, queues_page, reference_typed
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, MAX_BODY_BYTES, Form, date_fields
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]


@get("/payments/credits", guards=[may_look], include_in_schema=False)
async def credits_page(request: PageRequest) -> Response[str]:
    """What payees owe us, and credit notes that wait for a second person."""
    return await _credits_page(request)


@post("/payments/credits", guards=[may_act], include_in_schema=False, request_max_body_size=MAX_BODY_BYTES)
async def enter_note(request: PageRequest) -> Response[Any]:
    """Enter a credit note, with its paper when that is at hand."""
    form = await forms.read(request)
    pence, paper = money.parse(form.text("pence"), viewer(request).currency, field="pence"), await _paper(form)
    unread = [found for found in (pence, paper) if isinstance(found, Refusal)]
    payee_id = form.text("payee_id")
    command = ProposeCreditNote(
        payee_id=int(payee_id) if payee_id.isascii() and payee_id.isdigit() and len(payee_id) <= 18 else 0,
        pence=1 if isinstance(pence, Refusal) else pence,
        document_number=form.text("document_number"),
        reason=form.text("reason"),
        kind=form.text("kind"),
    )
    if unread or isinstance(paper, Refusal):
        payee = [] if command.payee_id else [Refusal("payee_missing", "Choose who sent the credit note.", "payee_id")]
        found = credit_notes.check_note(command, command.document_number.strip(), command.reason.strip())
        return await _credits_page(request, form.refused([*payee, *unread, *found]))
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: credit_notes.propose_note(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _credits_page(request, form.refused(result))
    if paper is not None:
        kept = AddPaper(reference=result.reference, paper=paper)
        await retrying(lambda: credit_papers.add_paper(db, actor, kept, key=f"{form.key[:56]}-paper", now=now(request)))
    notice = "Saved. Someone else in finance checks it before it counts."
    return redirect(request, f"/payments/credits/{result.reference}", notice=notice)


@post("/payments/credits/set-off", guards=[may_act], include_in_schema=False)
async def set_off(request: PageRequest) -> Response[Any]:
    """Settle what is approved for a payee against what that payee owes us."""
    form = await forms.read(request)
    text = form.text("payee_id")
    command = SettleDebt(payee_id=int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0)
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: setting_off.settle_debt(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await queues_page(request, form.refused(result))
    amount = in_words(result.pence, viewer(request).currency)
    return redirect(request, "/payments", notice=f"{amount} is set off. No money moves.")


@get("/payments/credits/{reference:str}", guards=[may_look], include_in_schema=False)
async def credit_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One credit: why it is there, and what became of it."""
    return await _credit_page(request, reference_typed(reference))


@post("/payments/credits/{reference:str}/decide", guards=[may_act], include_in_schema=False)
async def decide(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Agree with a credit note, or refuse it."""
    form = await forms.read(request)
    command = DecideCreditNote(reference=reference_typed(reference), accept=form.text("decision") == "yes")
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: credit_notes.decide_note(db, actor, command, key=form.key, now=now(request)))
    except UnknownCredit as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _credit_page(request, command.reference, form.refused(result))
    notice = "Agreed. The next payment to them keeps it back." if command.accept else "Refused. It does not count."
    return redirect(request, f"/payments/credits/{command.reference}", notice=notice)


@post("/payments/credits/{reference:str}/repaid", guards=[may_act], include_in_schema=False)
async def repaid(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Record that the payee paid it back."""
    form = await forms.read(request)
    pence, on = money.parse(form.text("pence"), viewer(request).currency, field="pence"), form.date("on")
    if isinstance(pence, Refusal) or isinstance(on, Refusal):
        unread = [found for found in (pence, on) if isinstance(found, Refusal)]
        return await _credit_page(request, reference_typed(reference), form.refused(unread))
    command = RecordRepaid(reference=reference_typed(reference), pence=pence, on=on, note=form.text("note"))
    db, actor = database(request), viewer(request).actor
    try:
        result = await retrying(lambda: owed_back.repaid(db, actor, command, key=form.key, now=now(request)))
    except UnknownCredit as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _credit_page(request, command.reference, form.refused(result))
    return redirect(request, f"/payments/credits/{command.reference}", notice="Saved: it is paid back.")


@post(
    "/payments/credits/{reference:str}/papers",
    guards=[may_act],
    include_in_schema=False,
    request_max_body_size=MAX_BODY_BYTES,
)
async def add_paper(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Keep a PDF or a photo with the credit."""
    form = await forms.read(request)
    known = reference_typed(reference)
    paper = await _paper(form) or Refusal("paper_empty", "Choose a PDF or a photo first.", "paper")
    if isinstance(paper, Refusal):
        return await _credit_page(request, known, form.refused([paper]))
    db, actor, command = database(request), viewer(request).actor, AddPaper(reference=known, paper=paper)
    try:
        result = await retrying(lambda: credit_papers.add_paper(db, actor, command, key=form.key, now=now(request)))
    except UnknownCredit as error:
        raise NotFoundException from error
    if isinstance(result, list):
        return await _credit_page(request, known, form.refused(result))
    return redirect(request, f"/payments/credits/{known}", notice="The paper is kept with the credit.")


@get(
    "/payments/credits/{reference:str}/papers/{paper_id:int}",
    guards=[may_look],
    include_in_schema=False,
    opt=SEND_AS_IS,
)
async def show_paper(request: PageRequest, reference: FromPath[str], paper_id: FromPath[int]) -> Response[bytes]:
    """One paper, as it is kept; always to save, never shown inside our pages."""
    timebank_id, known = viewer(request).actor.timebank_id, reference_typed(reference)
    if not 0 < paper_id <= MAX_KEY:
        raise NotFoundException
    async with database(request).reading(timebank_id) as connection:
        paper = await credit_papers.paper(connection, timebank_id, known, paper_id)
    if paper is None:
        raise NotFoundException
    return paper_response(paper)


async def _paper(form: Form) -> ReadPaper | Refusal | None:
    """The file that was chosen, as it will be kept; None when none was."""
    chosen = form.file("paper")
    if chosen is None or not chosen.filename:
        return None
    return await read_paper(chosen.filename, await chosen.read(MAX_BODY_BYTES))


async def _credits_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        still_open = await credit_queries.still_open(connection, timebank_id)
        proposed = await credit_queries.proposed(connection, timebank_id)
        known = await payees.payees(connection, timebank_id)
    return render(
        request,
        "payments/credits.html",
        422 if form.refusals else 200,
        form=form,
        still_open=still_open,
        proposed=proposed,
        payees=[("", "Choose"), *((str(payee.id), payee.name) for payee in known)],
        accept=ACCEPT,
        kinds=[(kind, words.KIND_NAMES[kind][0]) for kind in rules.KINDS],
        can_act=person.has_role(FINANCE),
    )


async def _credit_page(request: PageRequest, reference: str, form: Form | None = None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        credit = await credit_queries.by_reference(connection, timebank_id, reference)
        if credit is None:
            raise NotFoundException
        uses = await credit_queries.uses(connection, timebank_id, credit.id)
        papers = await credit_papers.papers(connection, timebank_id, credit.id)
    return render(
        request,
        "payments/credit.html",
        422 if form else 200,
        form=form or Form.blank(**date_fields("on", today(now(request), person.time_zone))),
        credit=credit,
        uses=uses,
        papers=papers,
        accept=ACCEPT,
        is_own=credit.proposed_by == person.member_id,
        can_act=person.has_role(FINANCE),
        local=lambda moment: local(moment, person),
        words=words,
    )


ROUTES = [credits_page, enter_note, set_off, credit_page, decide, repaid, add_paper, show_paper]
