"""Pages for register files: choose one, see line by line what will happen, confirm."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.contributions import pasting, queries, service
from timebank.contributions.choosing import labels
from timebank.contributions.preview import LEAVE_OUT, MAX_ANSWERS, NEW_GROUP, Answers, Preview
from timebank.contributions.register_file import MAX_FILE_BYTES
from timebank.contributions.service import ConfirmUpload, Previewed
from timebank.kit import dates
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

coordinators = requires_role(COORDINATOR)

MAX_LISTED = 8
ANSWER_KINDS = ("who", "someone", "minutes", "day", "reason", "guest", "leave")


@get("/registers/upload", guards=[coordinators])
async def upload_page(request: PageRequest) -> Response[str]:
    """Choose a file."""
    return await _upload_page(request, BLANK)


@post("/registers/upload", guards=[coordinators], status_code=303)
async def upload(request: PageRequest) -> Response[Any]:
    """Keep the file; leads to its preview, also when the same file came before."""
    form = await forms.read(request)
    chosen = form.file("file")
    if chosen is None or not chosen.filename:
        return await _upload_page(request, form.refused([Refusal("file_missing", "Choose a file.", "file")]))
    kept = await service.keep_upload(
        database(request),
        viewer(request).actor,
        file_name=chosen.filename,
        content=await _content(chosen),
        now=now(request),
    )
    if isinstance(kept, list):
        return await _upload_page(request, form.refused(kept))
    if kept.reference:
        notice = "This file was added before. Nothing was changed."
        return redirect(request, f"/registers/{kept.reference}", notice=notice)
    group = _number(form.text("group"))
    return redirect(request, f"/registers/upload/{kept.upload_id}" + (f"?group={group}" if group else ""))


@post("/registers/paste", guards=[coordinators], status_code=303)
async def paste(request: PageRequest) -> Response[Any]:
    """Keep a pasted list as a file; leads to the same preview."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        group = await queries.group(connection, actor.timebank_id, _number(form.text("paste_group")) or 0)
    day = dates.parse(form.text("day"), field="day")
    refusals = [day] if isinstance(day, Refusal) else []
    if group is None:
        refusals.append(Refusal("group_missing", "Choose the group that this list is for.", "paste_group"))
    if refusals or group is None or isinstance(day, Refusal):
        return await _upload_page(request, form.refused(refusals))
    content = pasting.as_file(form.text("pasted"), day=day.isoformat(), group=group.name, length=form.text("length"))
    if isinstance(content, Refusal):
        return await _upload_page(request, form.refused([content]))
    name = f"Pasted list of {dates.in_words(day)}"
    kept = await service.keep_upload(
        database(request), actor, file_name=name, content=content.encode(), now=now(request)
    )
    if isinstance(kept, list):
        return await _upload_page(request, form.refused([replace(one, field="pasted") for one in kept]))
    if kept.reference:
        notice = "This list was added before. Nothing was changed."
        return redirect(request, f"/registers/{kept.reference}", notice=notice)
    return redirect(request, f"/registers/upload/{kept.upload_id}?group={group.id}")


async def _content(chosen: UploadFile) -> bytes:
    # One byte more than is allowed tells that the file is too large, however large it is.
    return await chosen.read(MAX_FILE_BYTES + 1)


async def _upload_page(request: PageRequest, form: Form) -> Response[str]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        groups = await queries.groups(connection, actor.timebank_id)
    if not form.has("day"):
        day = today(now(request), viewer(request).time_zone).isoformat()
        form = replace(form, fields={**form.fields, "day": (day,)})
    return render(
        request, "contributions/upload.html", 422 if form.refusals else 200, form=form, groups=_options(groups)
    )


@get("/registers/upload/{upload_id:int}", guards=[coordinators])
async def preview_page(
    request: PageRequest, upload_id: FromPath[int], group: FromQuery[str | None] = None
) -> Response[Any]:
    """Line by line, what confirming would do."""
    found = await _previewed(request, upload_id, Answers(group=_number(group or "")))
    if isinstance(found, list):
        return await _upload_page(request, BLANK.refused(found))
    if found.upload.reference:
        notice = "This file was added before. Nothing was changed."
        return redirect(request, f"/registers/{found.upload.reference}", notice=notice)
    return _preview_page(request, found, Form.blank(group=group or ""))


@post("/registers/upload/{upload_id:int}/confirm", guards=[coordinators], status_code=303)
async def confirm(request: PageRequest, upload_id: FromPath[int]) -> Response[Any]:
    """Save the lines that are ready, or look again with the answers given."""
    form = await forms.read(request)
    answers = _answers(form)
    if form.has("again"):
        return await _preview_again(request, upload_id, answers, form)
    try:
        confirmed = await service.confirm_upload(
            database(request),
            viewer(request).actor,
            ConfirmUpload(upload_id=upload_id, answers=answers),
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(confirmed, list):
        return await _preview_again(request, upload_id, answers, form.refused(confirmed))
    notice = None if confirmed.is_new else "This file was added before. Nothing was changed."
    return redirect(request, f"/registers/{confirmed.reference}", notice=notice)


async def _previewed(request: PageRequest, upload_id: int, answers: Answers) -> Previewed | list[Refusal]:
    try:
        return await service.preview_upload(
            database(request), viewer(request).actor, upload_id, answers, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error


async def _preview_again(request: PageRequest, upload_id: int, answers: Answers, form: Form) -> Response[Any]:
    found = await _previewed(request, upload_id, answers)
    if isinstance(found, list):
        return await _upload_page(request, form.refused(found))
    return _preview_page(request, found, form)


def _preview_page(request: PageRequest, found: Previewed, form: Form) -> Response[str]:
    preview = found.preview
    fields = dict(form.fields)
    for at, group in enumerate(preview.reading.unknown_groups):
        fields[f"group-{at}"] = (group.answer,)
    people = labels(found.members)
    return render(
        request,
        "contributions/preview.html",
        422 if form.refusals else 200,
        form=replace(_placed(form, preview), fields=fields),
        upload=found.upload,
        preview=preview,
        file=preview.reading,
        groups=_options(found.groups),
        group_names={group.id: group.name for group in found.groups}
        | {-at: name for at, name in enumerate(preview.reading.new_groups, start=1)},
        several_groups=len({read.activity_id for read in preview.reading.reads}) > 1,
        choices=list(people),
        labels={member.id: text for text, member in people.items()},
        max_listed=MAX_LISTED,
        new_group=NEW_GROUP,
        leave_out=LEAVE_OUT,
        can_answer=bool(
            preview.reading.lacks_group or preview.reading.unknown_groups or any(one.asks for one in preview.lines)
        ),
    )


def _placed(form: Form, preview: Preview) -> Form:
    """Refusals about a line of the register that was not saved, in terms of the file's line."""
    ready = preview.of("ready")
    placed = []
    for refusal in form.refusals:
        parts = (refusal.field or "").split(".")
        if parts[0] == "lines":
            at = int(parts[1]) if len(parts) > 1 and int(parts[1]) < len(ready) else None
            about = "" if at is None else f"Line {ready[at].number}: "
            refusal = replace(refusal, message=about + refusal.message, field=None)
        placed.append(refusal)
    return form.refused(placed)


def _answers(form: Form) -> Answers:
    by_line: dict[str, dict[int, str]] = {kind: {} for kind in ANSWER_KINDS}
    groups: dict[str, str] = {}
    for name in list(form.fields)[: forms.MAX_FIELDS]:
        kind, _, number = name.partition("-")
        if kind in by_line and (line := _number(number)) and form.text(name) and len(by_line[kind]) < MAX_ANSWERS:
            by_line[kind][line] = form.text(name)[:1000]
        elif kind == "group" and number.isdecimal() and len(groups) < MAX_ANSWERS:
            groups[form.text(f"groupname-{number}")[:1000]] = form.text(name)[:1000]
    return Answers(
        group=_number(form.text("group")),
        groups=groups,
        who=by_line["who"],
        someone=by_line["someone"],
        minutes=by_line["minutes"],
        day=by_line["day"],
        reason=by_line["reason"],
        guests=frozenset(by_line["guest"]),
        leave_out=frozenset(by_line["leave"]),
    )


def _number(text: str) -> int | None:
    """A number that may be an id or a line, or None."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_KEY))):
        return None
    return int(text) if 0 < int(text) <= MAX_KEY else None


def _options(groups: Any) -> list[tuple[int, str]]:
    return [(group.id, group.name) for group in sorted(groups, key=lambda group: str(group.name_key))]


ROUTES: list[Any] = [upload_page, upload, paste, preview_page, confirm]
