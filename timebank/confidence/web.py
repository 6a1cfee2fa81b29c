"""“Tell someone else”: for everybody, signed in or not, and what was told, for its readers."""

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from timebank import paper
from timebank.banks import queries as banks
from timebank.banks.rules import SLUG, TimeBankFacts
from timebank.confidence import paper as paper_form
from timebank.confidence import queries, rules, service
from timebank.confidence.queries import AnswerNow
from timebank.confidence.service import TakeStep, TellSomeone
from timebank.kit.actor import Actor
from timebank.kit.ids import normalise_reference
from timebank.kit.words import say
from timebank.web import forms
from timebank.web.context import AnyConnection, database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422
# Nobody who uses the same browser later finds in its history what was typed or which code was shown.
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
TAKEN = [("phone", "By phone"), ("paper", "On paper"), ("talk", "In a talk")]


async def for_readers(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A guard for the lead, deputies and independent people; no role of the time bank opens it.

    Raises:
        NotAuthorizedException: nobody is signed in.
        PermissionDeniedException: the viewer has no part in safeguarding, or acts for somebody else.
    """
    signed_in(connection, handler)
    actor = viewer(connection).actor
    async with database(connection).reading(actor.timebank_id) as reading:
        if await queries.reader(reading, actor) is None:
            raise PermissionDeniedException


READERS = [for_readers]


@get("/tell", include_in_schema=False)
async def show_tell(request: PageRequest) -> Response[Any]:
    """To the page of the viewer's time bank; whoever is not signed in chooses one by its name, which is public."""
    person = viewer(request)
    if person.timebank_slug:
        return redirect(request, f"/tell/{person.timebank_slug}")
    async with database(request).globally() as connection:
        known = [await banks.by_id(connection, timebank_id) for timebank_id in await banks.every_id(connection)]
    if len(known) == 1:
        return redirect(request, f"/tell/{known[0].slug}")
    return render(request, "confidence/which.html", banks=sorted(known, key=lambda bank: bank.name.casefold()))


@get("/tell/{slug:str}", include_in_schema=False)
async def show_form(request: PageRequest, slug: FromPath[str]) -> Response[Any]:
    """Whom to tell, by phone and on paper first; then the form."""
    return await _form_page(request, await _bank(request, slug), Form.blank())


@post("/tell/{slug:str}", include_in_schema=False)
async def tell(request: PageRequest, slug: FromPath[str]) -> Response[Any]:
    """Send it, and show the code for the answer this one time; the same form sent twice shows the same code."""
    bank = await _bank(request, slug)
    form = await forms.read(request)
    command = TellSomeone(
        happened=form.text("happened"),
        about=form.text("about"),
        reach=form.text("reach"),
        not_for=_chosen(form),
        says_who=form.has("says_who") and _is_here(request, bank),
    )
    told = await service.tell(
        database(request), _teller(request, bank), command, network=_network(request), key=form.key, now=now(request)
    )
    if isinstance(told, list):
        return await _form_page(request, bank, form.refused(told))
    return render(
        request,
        "confidence/told.html",
        headers=PRIVATE,
        bank=bank,
        told=told,
        code=rules.code_of(form.key),
        says_who=command.says_who,
    )


@get("/tell/{slug:str}/paper", include_in_schema=False)
async def show_paper(request: PageRequest, slug: FromPath[str]) -> Response[Any]:
    """The same form to print and post."""
    bank = await _bank(request, slug)
    async with database(request).reading(bank.id) as connection:
        readers = await service.whom_to_tell(connection, bank.id, now(request))
    return render(
        request,
        "confidence/paper.html",
        bank=bank,
        readers=readers,
        words=paper_form.WORDS,
        questions=paper_form.QUESTIONS,
        afterwards=paper_form.AFTERWARDS,
    )


@get("/tell/{slug:str}/paper.pdf", include_in_schema=False)
async def get_paper(request: PageRequest, slug: FromPath[str]) -> Response[bytes]:
    """The form as a tagged PDF; with ``?large=yes`` in large print."""
    bank = await _bank(request, slug)
    async with database(request).reading(bank.id) as connection:
        readers = await service.whom_to_tell(connection, bank.id, now(request))
    data = paper_form.pdf_data(readers, bank.name, large=request.query_params.get("large") == "yes")
    # In a thread: setting a page would hold up everybody else.
    content = await asyncio.to_thread(paper.pdf, "tell_someone", data)
    return Response(
        content,
        media_type="application/pdf",
        headers={"Content-Disposition": 'inline; filename="tell-someone-else.pdf"', "Cache-Control": "no-store"},
    )


@get("/tell/{slug:str}/answer", include_in_schema=False)
async def show_answer_form(request: PageRequest, slug: FromPath[str]) -> Response[Any]:
    """Ask for the code; show what a member told under their own name without one."""
    return await _answer_page(request, await _bank(request, slug), Form.blank())


@post("/tell/{slug:str}/answer", include_in_schema=False)
async def show_answer(request: PageRequest, slug: FromPath[str]) -> Response[Any]:
    """What the holder of a code may see."""
    bank = await _bank(request, slug)
    form = await forms.read(request)
    found = await service.read_answer(
        database(request), bank.id, form.text("code"), network=_network(request), now=now(request)
    )
    if isinstance(found, list):
        return await _answer_page(request, bank, form.refused(found))
    return await _answer_page(request, bank, Form.blank(), found)


# For readers --------------------------------------------------------------------------------------------------------


@get("/confidence", guards=READERS, include_in_schema=False)
async def show_reports(request: PageRequest) -> Response[Any]:
    """Everything that the viewer may read."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.reports(connection, actor)
    return render(request, "confidence/list.html", headers=PRIVATE, reports=found, new=rules.NEW, closed=rules.CLOSED)


@get("/confidence/new", guards=READERS, include_in_schema=False)
async def show_taking(request: PageRequest) -> Response[Any]:
    """Write down what somebody said or wrote."""
    return await _taking_page(request, Form.blank(how="phone"))


@post("/confidence/new", guards=READERS, include_in_schema=False)
async def take(request: PageRequest) -> Response[Any]:
    """Keep it like any other report."""
    form = await forms.read(request)
    command = TellSomeone(
        happened=form.text("happened"),
        about=form.text("about"),
        reach=form.text("reach"),
        not_for=_chosen(form),
        how=form.text("how") or "none",
    )
    told = await service.tell(
        database(request), viewer(request).actor, command, network="", key=form.key, now=now(request)
    )
    if isinstance(told, list):
        return await _taking_page(request, form.refused(told))
    return redirect(request, "/confidence", notice=f"Written down. Its reference is {told.reference}.")


@get("/confidence/{reference:str}", guards=READERS, include_in_schema=False)
async def show_report(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """One report. That it was read is written down."""
    return await _report_page(request, reference, Form.blank())


@post("/confidence/{reference:str}", guards=READERS, include_in_schema=False)
async def take_step(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Note something, answer, close or open again."""
    form = await forms.read(request)
    actor = viewer(request).actor
    known = normalise_reference(reference) or ""
    async with database(request).reading(actor.timebank_id) as connection:
        if await queries.report(connection, actor, known) is None:
            raise NotFoundException
    command = TakeStep(reference=known, what=form.text("what"), words=form.text("words"))
    done = await service.take_step(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _report_page(request, known, form.refused(done))
    return redirect(request, f"/confidence/{known}", notice="Done.")


async def _form_page(request: PageRequest, bank: TimeBankFacts, form: Form) -> Response[Any]:
    async with database(request).reading(bank.id) as connection:
        readers = await service.whom_to_tell(connection, bank.id, now(request))
    return render(
        request,
        "confidence/tell.html",
        REFUSED if form.refusals else 200,
        headers=PRIVATE,
        form=form,
        bank=bank,
        readers=readers,
        is_here=_is_here(request, bank),
        people=[
            (person.member_id, say("{name}, {part}", name=person.display_name, part=say(person.part_words)))
            for person in readers.people
        ],
    )


async def _answer_page(
    request: PageRequest, bank: TimeBankFacts, form: Form, found: AnswerNow | None = None
) -> Response[Any]:
    own: list[AnswerNow] = []
    if _is_here(request, bank):
        async with database(request).reading(bank.id) as connection:
            own = await service.own_answers(connection, viewer(request).actor)
    return render(
        request,
        "confidence/answer.html",
        REFUSED if form.refusals else 200,
        headers=PRIVATE,
        form=form,
        bank=bank,
        found=found,
        own=own,
    )


async def _taking_page(request: PageRequest, form: Form) -> Response[Any]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        readers = await service.whom_to_tell(connection, timebank_id, now(request))
    return render(
        request,
        "confidence/take.html",
        REFUSED if form.refusals else 200,
        headers=PRIVATE,
        form=form,
        how=TAKEN,
        people=[
            (person.member_id, say("{name}, {part}", name=person.display_name, part=say(person.part_words)))
            for person in readers.people
        ],
    )


async def _report_page(request: PageRequest, reference: str, form: Form) -> Response[Any]:
    actor = viewer(request).actor
    db = database(request)
    known = normalise_reference(reference)
    found = await service.open_report(db, actor, known, now=now(request)) if known else None
    if found is None:
        raise NotFoundException
    async with db.reading(actor.timebank_id) as connection:
        steps = await queries.steps(connection, actor.timebank_id, found.id)
        readers = await queries.readers_of(connection, actor.timebank_id, found)
    return render(
        request,
        "confidence/report.html",
        REFUSED if form.refusals else 200,
        headers=PRIVATE,
        place="/confidence",
        form=form,
        report=found,
        steps=steps,
        readers=readers,
        is_closed=found.state == rules.CLOSED,
    )


async def _bank(request: PageRequest, slug: str) -> TimeBankFacts:
    """The time bank that an address names; 404 for none."""
    if not SLUG.fullmatch(slug):
        raise NotFoundException
    async with database(request).globally() as connection:
        found = await banks.by_slug(connection, slug)
    if found is None:
        raise NotFoundException
    return found


def _is_here(request: PageRequest, bank: TimeBankFacts) -> bool:
    """True when the viewer is signed in to this very time bank, for themselves."""
    person = viewer(request)
    return person.timebank_id == bank.id and person.acting_for is None


def _teller(request: PageRequest, bank: TimeBankFacts) -> Actor:
    """Whoever is signed in to this time bank for themselves; otherwise nobody in particular, with no rights."""
    return viewer(request).actor if _is_here(request, bank) else Actor(timebank_id=bank.id, member_id=None)


def _network(request: PageRequest) -> str:
    return request.client.host if request.client else ""


def _chosen(form: Form) -> tuple[int, ...]:
    ticked = {each for each in form.all("not_for") if each.isascii() and each.isdigit() and len(each) < 19}
    return tuple(sorted(int(each) for each in ticked))


ROUTES = [
    show_tell, show_form, tell, show_paper, get_paper, show_answer_form, show_answer, show_reports, show_taking, take,
    show_report, take_step,
]  # fmt: skip
