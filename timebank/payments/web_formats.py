"""Pages of formats: what each needs, how a run looks in it, and columns of the time bank's own."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.db import Connection, retrying
from timebank.kit.actor import FINANCE
from timebank.payments import files, profile_forms, profiles, run_queries
from timebank.payments import format_words as words
from timebank.payments.formats import FORMATS, Batch, PaymentFormat
from timebank.payments.formats.payments_csv import ColumnProfile, PaymentsCsv
from timebank.payments.profiles import Profile, RetireProfile, SaveProfile
from timebank.payments.run_queries import MAX_BATCH_NUMBER
from timebank.payments.settings import payment_settings
from timebank.payments.web import may_act, may_look
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]
PREVIEW = "preview"


@get("/payments/formats", guards=[may_look], include_in_schema=False)
async def formats_page(request: PageRequest, run: FromQuery[int | None] = None) -> Response[str]:
    """Every format: whom it is for, what it needs, what to know first."""
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        own = [one for one in await profiles.profiles(connection, timebank_id) if one.is_open]
        chosen = (await payment_settings(connection, timebank_id)).format
    return render(
        request,
        "payments/formats.html",
        own=own,
        groups=[(title, [one for one in FORMATS if one.use == use]) for use, title in words.USES],
        chosen=chosen,
        needs=words.needs,
        run=run if run and 0 < run <= MAX_BATCH_NUMBER else None,
    )


@get("/payments/formats/{code:str}", guards=[may_look], include_in_schema=False)
async def format_page(request: PageRequest, code: FromPath[str], run: FromQuery[int | None] = None) -> Response[str]:
    """One format: what it needs, and how a run looks in it, the last one unless told."""
    return await _format_page(request, code, run)


@get("/payments/formats/{code:str}/copy", guards=[may_act], include_in_schema=False)
async def copy_page(request: PageRequest, code: FromPath[str]) -> Response[str]:
    """A form for new columns, filled with those of another format."""
    found = await _csv_format(request, code)
    form = Form.blank(name=f"{found.name}, ours"[: profiles.MAX_NAME], **profile_forms.filled(found.profile))
    return await _form_page(request, form, profile_forms.rows(found.profile), copied=found)


@post("/payments/formats/{code:str}/copy", guards=[may_act], include_in_schema=False)
async def copy(request: PageRequest, code: FromPath[str]) -> Response[Any]:
    """Keep new columns, or show how they look."""
    return await _save(request, copied=await _csv_format(request, code))


@get("/payments/formats/{code:str}/change", guards=[may_act], include_in_schema=False)
async def change_page(request: PageRequest, code: FromPath[str]) -> Response[str]:
    """A form with the columns of one of the time bank's own formats."""
    one = await _own(request, code)
    form = Form.blank(name=one.name, note=one.note, seen_version=one.version, **profile_forms.filled(one.profile))
    return await _form_page(request, form, profile_forms.rows(one.profile), changed=one)


@post("/payments/formats/{code:str}/change", guards=[may_act], include_in_schema=False)
async def change(request: PageRequest, code: FromPath[str]) -> Response[Any]:
    """Keep the next version, or show how it looks."""
    return await _save(request, changed=await _own(request, code))


@post("/payments/formats/{code:str}/retire", guards=[may_act], include_in_schema=False)
async def retire(request: PageRequest, code: FromPath[str]) -> Response[Any]:
    """Offer one of the time bank's own formats no more."""
    form = await forms.read(request)
    one = await _own(request, code)
    command = RetireProfile(id=one.id)
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: profiles.retire_profile(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _format_page(request, code, None, form.refused(result))
    return redirect(request, "/payments/formats", notice=f"“{one.name}” is not offered any more. Its files stay.")


async def _save(
    request: PageRequest, *, copied: PaymentsCsv | None = None, changed: Profile | None = None
) -> Response[Any]:
    form = await forms.read(request)
    typed = profile_forms.typed_rows(form.all)
    chosen = {name: form.text(name) for name in (*profile_forms.SELECTS, "with_headings", "with_byte_order_mark")}
    profile = profile_forms.read(typed, chosen)
    rows = profile_forms.with_empty(typed)
    if isinstance(profile, list):
        return await _form_page(request, form.refused(profile), rows, copied=copied, changed=changed)
    if form.text("do") == PREVIEW:
        return await _form_page(request, form, rows, copied=copied, changed=changed, profile=profile)
    seen = form.text("seen_version")
    command = SaveProfile(
        id=changed.id if changed else None,
        seen_version=int(seen) if seen.isascii() and seen.isdecimal() and len(seen) <= 4 else 0,
        name=form.text("name"),
        note=form.text("note"),
        profile=profile,
    )
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: profiles.save_profile(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _form_page(request, form.refused(result), rows, copied=copied, changed=changed)
    return redirect(request, f"/payments/formats/{result.code}", notice=f"“{command.name}” is kept.")


async def _format_page(request: PageRequest, code: str, run: int | None, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await profiles.any_format(connection, timebank_id, code)
        if found is None:
            raise NotFoundException
        profile_id = profiles.id_of(code)
        history = [] if profile_id is None else await profiles.versions(connection, timebank_id, profile_id)
        batch = await _run(connection, timebank_id, run)
        made = [] if batch is None else await run_queries.batch_files(connection, timebank_id, batch.number)
    return render(
        request,
        "payments/format.html",
        422 if form.refusals else 200,
        form=form,
        format=found,
        code=code,
        needs=words.needs(found),
        is_csv=words.is_csv(found),
        columns=_columns(found),
        history=history,
        is_open=bool(history) and history[0].is_open,
        batch=batch,
        preview=words.preview(found, batch) if batch else None,
        is_made=any(file.format == found.code for file in made),
        can_act=person.has_role(FINANCE),
        local=lambda moment: local(moment, person),
        shown=words.SHOWN_PAYMENTS,
    )


async def _form_page(
    request: PageRequest,
    form: Form,
    rows: list[profile_forms.Row],
    *,
    copied: PaymentsCsv | None = None,
    changed: Profile | None = None,
    profile: ColumnProfile | None = None,
) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    preview = batch = None
    if profile is not None:
        async with database(request).reading(timebank_id) as connection:
            batch = await _run(connection, timebank_id, None)
        if batch is not None:
            preview = words.preview(PaymentsCsv(profile), batch)
    code = changed.code if changed else copied.code if copied else ""
    return render(
        request,
        "payments/format_form.html",
        422 if form.refusals else 200,
        form=form,
        rows=rows,
        action=f"/payments/formats/{code}/{'change' if changed else 'copy'}",
        back=f"/payments/formats/{code}",
        changed=changed,
        copied=copied,
        is_preview=profile is not None,
        preview=preview,
        batch=batch,
        column_names=[("", "Leave out"), *words.COLUMN_NAMES.items()],
        options=profile_forms.SELECTS,
    )


async def _run(connection: Connection, timebank_id: int, number: int | None) -> Batch | None:
    """The run of a number, else the last one; None when there is none."""
    if number is None:
        page = await run_queries.batches(connection, timebank_id, before=MAX_BATCH_NUMBER, size=1)
        return await files.load(connection, timebank_id, page.items[0].number) if page.items else None
    batch = await files.load(connection, timebank_id, number) if 0 < number <= MAX_BATCH_NUMBER else None
    if batch is None:
        raise NotFoundException
    return batch


async def _csv_format(request: PageRequest, code: str) -> PaymentsCsv:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await profiles.any_format(connection, timebank_id, code)
    if not isinstance(found, PaymentsCsv):
        raise NotFoundException
    return found


async def _own(request: PageRequest, code: str) -> Profile:
    """The latest version of one of the time bank's own formats, by its code without a version."""
    timebank_id = viewer(request).actor.timebank_id
    profile_id = profiles.id_of(code)
    async with database(request).reading(timebank_id) as connection:
        found = [] if profile_id is None else await profiles.versions(connection, timebank_id, profile_id)
    if not found or not found[0].is_open or found[0].code != code:
        raise NotFoundException
    return found[0]


def _columns(payment_format: PaymentFormat) -> list[str]:
    """The columns of a CSV in words, without the empty ones."""
    if not isinstance(payment_format, PaymentsCsv):
        return []
    return [
        f"always “{column.text}”" if column.field == "fixed" else words.COLUMN_NAMES[column.field]
        for column in payment_format.profile.columns
        if column.field != "empty"
    ]


ROUTES = [formats_page, format_page, copy_page, copy, change_page, change, retire]
