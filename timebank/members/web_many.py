"""Pages for adding many members: choose a file or paste a list, see line by line what will happen, confirm."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.kit.actor import COORDINATOR
from timebank.kit.csv import MAX_COLUMNS
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.members import many, member_file
from timebank.members.many import Answers, ConfirmMany, Preview, Upload
from timebank.members.member_file import COLUMNS, MAX_FILE_BYTES, MAX_LINES
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

REFUSED = 422
FOR_COORDINATORS = [requires_role(COORDINATOR)]
MAX_ASKED = 150  # questions on one page; for the rest there is one answer to all
MAX_SHOWN = 1000


@get("/members/many", guards=FOR_COORDINATORS, include_in_schema=False)
async def many_page(request: PageRequest) -> Response[Any]:
    """Choose a file, or paste a list."""
    return _many_page(request, BLANK)


@post("/members/many", guards=FOR_COORDINATORS, include_in_schema=False)
async def keep(request: PageRequest) -> Response[Any]:
    """Keep the file or the list; leads to its preview, also when the same came before."""
    form = await forms.read(request)
    chosen, pasted = form.file("file"), form.text("pasted")
    if chosen is not None and chosen.filename:
        name = chosen.filename
        # One byte more than is allowed tells that the file is too large, however large it is.
        content = await chosen.read(MAX_FILE_BYTES + 1)
        field = "file"
    elif pasted:
        name, content, field = many.PASTED, pasted.encode(), "pasted"
    else:
        missing = Refusal("file_missing", "Choose a file, or paste a list.", "file")
        return _many_page(request, form.refused([missing]))
    kept = await many.keep(database(request), viewer(request).actor, file_name=name, content=content, now=now(request))
    if isinstance(kept, list):
        return _many_page(request, form.refused([Refusal(one.code, one.message, field) for one in kept]))
    return redirect(request, f"/members/many/{kept}")


@get("/members/many/{upload_id:int}", guards=FOR_COORDINATORS, include_in_schema=False)
async def preview_page(request: PageRequest, upload_id: FromPath[int]) -> Response[Any]:
    """Line by line, what confirming would do; for a file that was confirmed, what became of it."""
    return await _preview_page(request, upload_id, Answers(), BLANK)


@post("/members/many/{upload_id:int}", guards=FOR_COORDINATORS, include_in_schema=False)
async def confirm(request: PageRequest, upload_id: FromPath[int]) -> Response[Any]:
    """Add the ready lines, or look again with the answers given."""
    form = await forms.read(request)
    answers = _answers(form)
    if form.has("again"):
        return await _preview_page(request, upload_id, answers, form)
    try:
        done = await many.confirm(
            database(request),
            viewer(request).actor,
            ConfirmMany(upload_id=upload_id, answers=answers),
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _preview_page(request, upload_id, answers, form.refused(done))
    notice = None if done.is_new else "This file was added before. Nothing was changed."
    return redirect(request, f"/members/many/{upload_id}", notice=notice)


@get("/members/many/{upload_id:int}/left-out.csv", guards=FOR_COORDINATORS, include_in_schema=False)
async def left_out(request: PageRequest, upload_id: FromPath[int]) -> Response[str]:
    """The lines that were not added, or would not be, with the reason: to put right and to upload again."""
    upload, preview = await _found(request, upload_id, Answers())
    if preview is None:
        text = many.left_out_csv(upload.headings, upload.left_out)
    else:
        headings = [column.heading for column in preview.file.columns]
        text = many.left_out_csv(headings, many.left_out(preview))
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="not-added.csv"'},
    )


@post("/members/many/{upload_id:int}/drop", guards=FOR_COORDINATORS, include_in_schema=False)
async def drop(request: PageRequest, upload_id: FromPath[int]) -> Response[Any]:
    """Throw a file away that was not confirmed."""
    await forms.read(request)
    if not await many.drop(database(request), viewer(request).actor, upload_id):
        raise NotFoundException
    return redirect(request, "/members/many", notice="The list was thrown away. Nobody was added.")


async def _found(request: PageRequest, upload_id: int, answers: Answers) -> tuple[Upload, Preview | None]:
    try:
        found = await many.preview(database(request), viewer(request).actor, upload_id, answers, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(found, list):
        raise NotFoundException
    return found


async def _preview_page(request: PageRequest, upload_id: int, answers: Answers, form: Form) -> Response[Any]:
    upload, preview = await _found(request, upload_id, answers)
    if preview is None:
        return render(request, "members/many_done.html", upload=upload, place="/members")
    fields = dict(form.fields)
    for at, column in enumerate(preview.file.columns):
        fields.setdefault(f"column-{at}", (column.role,))
    fields["headings"] = ("yes" if preview.file.has_headings else "no",)
    fields.setdefault("all_same", ("",))
    questions = preview.of("question")
    answered = [line for line in preview.lines if line.alike and line.number in answers.same]
    return render(
        request,
        "members/many_preview.html",
        REFUSED if form.refusals else 200,
        place="/members",
        form=Form(fields=fields, refusals=form.refusals),
        upload=upload,
        preview=preview,
        asked=[line for line in preview.lines if line in questions or line in answered][:MAX_ASKED],
        questions=len(questions),
        refused=preview.of("refused"),
        ready=preview.of("ready"),
        there=preview.of("there"),
        is_answered=bool(answered) or bool(answers.all_same),
        roles=[("", "Not used"), *COLUMNS.items()],
    )


def _many_page(request: PageRequest, form: Form) -> Response[Any]:
    return render(
        request,
        "members/many.html",
        REFUSED if form.refusals else 200,
        form=form,
        place="/members",
        max_lines=MAX_LINES,
    )


def _answers(form: Form) -> Answers:
    columns: dict[int, str] = {}
    same: dict[int, str] = {}
    for name in list(form.fields)[: forms.MAX_FIELDS]:
        kind, _, typed = name.partition("-")
        number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= len(str(MAX_KEY)) else -1
        value = form.text(name)
        if kind == "column" and 0 <= number < MAX_COLUMNS and (value in COLUMNS or value == member_file.UNUSED):
            columns[number] = value
        elif kind == "same" and 0 < number <= MAX_KEY and value in (many.NEW, many.SAME) and len(same) < MAX_LINES:
            same[number] = value
    headings = form.text("headings")
    all_same = form.text("all_same")
    return Answers(
        columns=columns,
        has_headings={"yes": True, "no": False}.get(headings),
        same=same,
        all_same=all_same if all_same in (many.NEW, many.SAME) else "",
    )


ROUTES: list[Any] = [many_page, keep, preview_page, confirm, left_out, drop]
