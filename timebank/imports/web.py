"""Pages for files from other programs: choose one, decide what it leaves open, import it, see what became of it."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.imports import queries, report, service
from timebank.imports.formats import FORMATS
from timebank.imports.forms import CHOICES, answers_from, fields_of
from timebank.imports.plan import Plan
from timebank.imports.rules import ROUNDINGS, Answers
from timebank.imports.service import BeginImport, Previewed
from timebank.kit.actor import COORDINATOR
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

REFUSED = 422
FOR_COORDINATORS = [requires_role(COORDINATOR)]
MAX_PAGE_BYTES = 4 * 1024 * 1024
MAX_ASKED = 50  # people to decide about on one page; for the rest there is one answer to all
MAX_SHOWN = 100
MAX_FIRST = 5
MAX_ENTRIES = 10
INLINE_SECONDS = 2.0
PLACE = "/imports"
CSV = "text/csv; charset=utf-8"


@get("/imports", guards=FOR_COORDINATORS)
async def imports_page(request: PageRequest) -> Response[str]:
    """Choose a file; and the imports so far."""
    return await _imports_page(request, BLANK)


@post("/imports", guards=FOR_COORDINATORS, status_code=303)
async def bring(request: PageRequest) -> Response[Any]:
    """Keep the file; leads to its preview."""
    form = await forms.read(request)
    chosen, wanted = form.file("file"), form.text("format")
    refusals = [] if wanted else [Refusal("format_missing", "Choose what kind of file this is.", "format")]
    if chosen is None or not chosen.filename:
        refusals.append(Refusal("file_missing", "Choose a file.", "file"))
    if refusals or chosen is None:
        return await _imports_page(request, form.refused(refusals))
    # One byte more than is allowed tells that the file is too large, however large it is.
    content = await chosen.read(MAX_PAGE_BYTES + 1)
    if len(content) > MAX_PAGE_BYTES:
        message = "This file is larger than 4 MB. Split it, or use the command: timebank import."
        return await _imports_page(request, form.refused([Refusal("file_too_large", message, "file")]))
    command = BeginImport(format=wanted, file_name=chosen.filename, content=content)
    brought = await service.begin(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(brought, list):
        return await _imports_page(request, form.refused(brought))
    return redirect(request, f"/imports/{brought.import_id}")


@get("/imports/{import_id:int}", guards=FOR_COORDINATORS)
async def import_page(request: PageRequest, import_id: FromPath[int]) -> Response[str]:
    """What will happen; or, once it was started, how far it is and what became of the lines."""
    run = await _run(request, import_id)
    if run.state == "ready":
        return await _preview_page(request, import_id, BLANK)
    return await _progress_page(request, run)


@post("/imports/{import_id:int}", guards=FOR_COORDINATORS, status_code=303)
async def decide(request: PageRequest, import_id: FromPath[int]) -> Response[Any]:
    """Keep what was decided; with the button of that name, start."""
    form = await forms.read(request)
    run = await _run(request, import_id)
    db, actor, at = database(request), viewer(request).actor, now(request)
    async with db.reading(actor.timebank_id) as connection:
        numbers = {str(one.number) for one in await members.known_members(connection, actor.timebank_id)}
    answers, refusals = answers_from(form, run, numbers)
    if refusals:
        return await _preview_page(request, import_id, form.refused(refusals))
    kept = await service.answer(db, actor, import_id, answers, key=form.key, now=at)
    if isinstance(kept, list):
        return redirect(request, f"/imports/{import_id}", notice=kept[0].message)
    if not form.has("start"):
        return redirect(request, f"/imports/{import_id}")
    started = await service.start(db, actor, import_id, key=form.key, now=at)
    if isinstance(started, list):
        return await _preview_page(request, import_id, form.refused(started))
    await service.run_on(db, actor.timebank_id, import_id, now=partial(now, request), seconds=INLINE_SECONDS)
    return redirect(request, f"/imports/{import_id}")


@post("/imports/{import_id:int}/continue", guards=FOR_COORDINATORS, status_code=303)
async def go_on(request: PageRequest, import_id: FromPath[int]) -> Response[Any]:
    """Go on with an import for a moment, without waiting for the job."""
    await forms.read(request)
    run = await _run(request, import_id)
    if run.state == "running":
        timebank_id = viewer(request).actor.timebank_id
        at = partial(now, request)
        await service.run_on(database(request), timebank_id, run.id, now=at, seconds=INLINE_SECONDS)
    return redirect(request, f"/imports/{import_id}")


@post("/imports/{import_id:int}/stop", guards=FOR_COORDINATORS, status_code=303)
async def stop(request: PageRequest, import_id: FromPath[int]) -> Response[Any]:
    """Stop an import, or drop a file that was not started."""
    form = await forms.read(request)
    await _run(request, import_id)
    stopped = await service.cancel(database(request), viewer(request).actor, import_id, key=form.key, now=now(request))
    if isinstance(stopped, list):
        return redirect(request, f"/imports/{import_id}", notice=stopped[0].message)
    return redirect(request, "/imports", notice="The import was stopped. What was added stays.")


@get("/imports/{import_id:int}/report.csv", guards=FOR_COORDINATORS)
async def report_file(request: PageRequest, import_id: FromPath[int]) -> Response[str]:
    """What will become of each line, or what did."""
    run = await _run(request, import_id)
    actor = viewer(request).actor
    if run.state == "ready":
        found = await service.preview(database(request), actor, import_id, now=now(request))
        text = report.preview_csv(found.plan) if isinstance(found, Previewed) else ""
    else:
        async with database(request).reading(actor.timebank_id) as connection:
            text = await report.as_csv(connection, actor.timebank_id, import_id)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="import-{import_id}.csv"',
    }
    return Response(text, media_type=CSV, headers=headers)


async def _run(request: PageRequest, import_id: int) -> queries.Run:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        run = await queries.run(connection, timebank_id, import_id)
    if run is None or run.state == "receiving":
        raise NotFoundException
    return run


async def _imports_page(request: PageRequest, form: Form) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        runs = await queries.runs(connection, timebank_id)
    return render(
        request,
        "imports/imports.html",
        REFUSED if form.refusals else 200,
        form=form,
        runs=runs,
        formats=[("", "Choose"), *((each.name, each.label) for each in FORMATS)],
        examples=FORMATS,
    )


async def _preview_page(request: PageRequest, import_id: int, form: Form) -> Response[str]:
    db, actor = database(request), viewer(request).actor
    found = await service.preview(db, actor, import_id, now=now(request))
    if isinstance(found, list):
        return await _imports_page(request, BLANK.refused(found))
    plan, run = found.plan, found.run
    asked = plan.people[:MAX_ASKED]
    entries = report.first_entries(plan, MAX_ENTRIES)
    sides = {member for one in entries for side in (one.payer, one.payee) if (member := queries.member_of(side))}
    async with db.reading(actor.timebank_id) as connection:
        name = await members.names(connection, actor.timebank_id, sorted(sides))
    shown = form if form.refusals else Form(fields=fields_of(run.answers, asked))
    decided = [f"{text}: {_answer_words(answer)}" for text, answer in run.answers.people.items()]
    return render(
        request,
        "imports/preview.html",
        REFUSED if form.refusals else 200,
        place=PLACE,
        form=shown,
        run=run,
        plan=plan,
        totals=report.summary(plan),
        entries=[
            (one, report.account_words(one.payee, name), report.account_words(one.payer, name)) for one in entries
        ],
        asked=asked,
        decided=decided[:MAX_SHOWN],
        has_answers=run.answers != Answers(columns=run.answers.columns),
        kept=[name for name in CHOICES if shown.has(name) and name not in _asked_now(plan)],
        columns=[("-1", "None"), *((str(n), text) for n, text in enumerate(plan.file.headings))],
        roundings=[*ROUNDINGS.items()],
        first=plan.file.rows[:MAX_FIRST],
        refused=plan.of("refused")[:MAX_SHOWN],
        refused_count=len(plan.of("refused")),
        what=report.what_is_ready(plan),
    )


def _asked_now(plan: Plan) -> set[str]:
    """The choices that the page shows; what was chosen elsewhere before goes along unseen."""
    shown = {one.field for one in plan.questions}
    if plan.people and plan.format.kind != "members":
        shown.add("unknown")
    return shown | ({"rest"} if plan.is_open else set())


def _answer_words(answer: str) -> str:
    words = {
        "add": "a new member",
        "leave_out": "left out",
        "programme": "the time bank itself",
        "pot": "the community pot",
    }
    return words.get(answer, f"member number {answer}")


async def _progress_page(request: PageRequest, run: queries.Run) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        outcome = await queries.outcome(connection, timebank_id, run.id)
        not_added = await queries.not_added(connection, timebank_id, run.id, limit=MAX_SHOWN)
    return render(
        request,
        "imports/progress.html",
        place=PLACE,
        run=run,
        outcome=outcome,
        not_added=not_added,
        states=report.STATE_WORDS,
    )


ROUTES: list[Any] = [imports_page, bring, import_page, decide, go_on, stop, report_file]
