"""The page of one line: what the bank wrote, what it may be, what was said of it."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.kit import money
from timebank.kit.actor import FINANCE
from timebank.kit.refusal import Refusal
from timebank.reconciliation import queries, rules, service, suggesting, words
from timebank.reconciliation.rules import LineFacts
from timebank.reconciliation.service import Decide, Explain, Join, LineChanged, Split, Undo
from timebank.reconciliation.web import MAX_ID, PLACE, may_act, may_look
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]


@get("/reconciliation/lines/{line_id:int}", guards=[may_look], include_in_schema=False)
async def line_page(request: PageRequest, line_id: FromPath[int]) -> Response[str]:
    """One line of a statement, with what it may be."""
    return await _line_page(request, line_id)


@post("/reconciliation/lines/{line_id:int}", guards=[may_act], include_in_schema=False)
async def explain(request: PageRequest, line_id: FromPath[int]) -> Response[Any]:
    """Say what a line is; leads back to the first page, where the next one waits."""
    form = await forms.read(request)
    command = Explain(
        line_id=_known(line_id),
        kind=form.text("kind"),
        note=form.text("note"),
        payment=form.text("payment"),
        run=_number(form.text("run")),
        credit_id=_number(form.text("credit")),
    )
    db, actor = database(request), viewer(request).actor
    try:
        done = await service.explain(db, actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return await _answer(request, line_id, form, done)


@post("/reconciliation/lines/{line_id:int}/decide", guards=[may_act], include_in_schema=False)
async def decide(request: PageRequest, line_id: FromPath[int]) -> Response[Any]:
    """Agree with what somebody else said, or refuse it."""
    form = await forms.read(request)
    command = Decide(line_id=_known(line_id), agree=form.text("answer") == "agree", why=form.text("why"))
    db, actor = database(request), viewer(request).actor
    try:
        done = await service.decide(db, actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return await _answer(request, line_id, form, done)


@post("/reconciliation/lines/{line_id:int}/split", guards=[may_act], include_in_schema=False)
async def split(request: PageRequest, line_id: FromPath[int]) -> Response[Any]:
    """Split a line in two: leads to its parts."""
    form = await forms.read(request)
    db, person = database(request), viewer(request)
    line, currency = await _known_line(request, line_id)
    pence = money.parse(form.text("part"), currency, field="part")
    if isinstance(pence, Refusal):
        return await _line_page(request, line_id, form.refused([pence]))
    command = Split(line_id=line_id, pence=pence if line.pence > 0 else -pence)
    done = await service.split(db, person.actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _line_page(request, line_id, form.refused(done))
    return redirect(request, f"/reconciliation/lines/{line_id}", notice="The line is in two parts. Explain each.")


@post("/reconciliation/lines/{line_id:int}/join", guards=[may_act], include_in_schema=False)
async def join(request: PageRequest, line_id: FromPath[int]) -> Response[Any]:
    """Put the parts of a line together again."""
    form = await forms.read(request)
    await _known_line(request, line_id)
    command = Join(line_id=line_id)
    done = await service.join(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _line_page(request, line_id, form.refused(done))
    return redirect(request, f"/reconciliation/lines/{line_id}", notice="It is one line again.")


@post("/reconciliation/lines/{line_id:int}/undo", guards=[may_act], include_in_schema=False)
async def undo(request: PageRequest, line_id: FromPath[int]) -> Response[Any]:
    """Put an explained line back among those that are not."""
    form = await forms.read(request)
    command = Undo(line_id=_known(line_id), why=form.text("undo_why"))
    db, actor = database(request), viewer(request).actor
    try:
        done = await service.undo(db, actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        at_field = [replace(one, field="undo_why") if one.field in ("why", "note") else one for one in done]
        return await _line_page(request, line_id, form.refused(at_field))
    return redirect(request, f"/reconciliation/lines/{line_id}", notice="Undone. Say what this line is.")


async def _answer(request: PageRequest, line_id: int, form: Form, done: LineChanged | list[Refusal]) -> Response[Any]:
    if isinstance(done, list):
        return await _line_page(request, line_id, form.refused(done))
    if done.waits:
        return redirect(request, "/reconciliation", notice="Kept. Someone else in finance agrees before it counts.")
    if done.state == rules.IN_SUSPENSE:
        return redirect(
            request, f"/reconciliation/lines/{line_id}", notice="Refused. The line is still to be explained."
        )
    return redirect(request, "/reconciliation", notice="This line is explained.")


async def _line_page(request: PageRequest, line_id: int, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        line = await queries.line(connection, timebank_id, _known(line_id))
        if line is None:
            raise NotFoundException
        bank = await banks.by_id(connection, timebank_id)
        statement = await queries.statement(connection, timebank_id, line.statement_id)
        said = await queries.explanations(connection, timebank_id, line_id)
        standing = await queries.standing_explanation(connection, timebank_id, line_id)
        is_open = line.state == rules.IN_SUSPENSE and standing is None
        parts = await queries.parts_of(connection, timebank_id, line_id) if line.state == rules.SPLIT else []
        is_several = line.state == rules.MATCHED and line.payment_line is None
        payments = await queries.payments_of(connection, timebank_id, line_id) if is_several else []
        suggested = await suggesting.suggestions(connection, timebank_id, line) if is_open else None
        owed_back = await suggesting.repayable(connection, timebank_id, line) if is_open and line.pence > 0 else []
    return render(
        request,
        "reconciliation/line.html",
        422 if form.refusals else 200,
        place=PLACE,
        form=form,
        line=line,
        statement=statement,
        said=said,
        standing=standing,
        suggested=suggested,
        credits=owed_back,
        parts=parts,
        payments=payments,
        choices=words.choices(line, has_credits=bool(owed_back)),
        is_open=is_open,
        is_mine=standing is not None and standing.proposed_by == person.member_id,
        can_undo=standing is not None
        and standing.state == "agreed"
        and standing.kind not in (*rules.OWN_KINDS, rules.CREDIT_REPAID),
        second_above=rules.ALONE_BELOW_PENCE,
        can_act=person.has_role(FINANCE),
        currency=bank.currency,
        local=lambda moment: local(moment, person),
        words=words,
    )


async def _known_line(request: PageRequest, line_id: int) -> tuple[LineFacts, str]:
    """The line, and the currency of its time bank."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        line = await queries.line(connection, timebank_id, _known(line_id))
        bank = await banks.by_id(connection, timebank_id)
    if line is None:
        raise NotFoundException
    return line, bank.currency


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _known(number: int) -> int:
    if not 0 < number <= MAX_ID:
        raise NotFoundException
    return number


ROUTES = [line_page, explain, decide, split, join, undo]
