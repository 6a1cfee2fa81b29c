"""The register of one session as a page: filled from what is known, saved, kept as a draft, downloaded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.activities import queries as activities
from timebank.contributions import (
    drafts,
    queries,
    register_compare,
    register_form,
    register_lines,
    register_people,
    service,
)
from timebank.contributions.register_form import Plan
from timebank.contributions.register_lines import Reading
from timebank.contributions.register_people import Recorded
from timebank.contributions.register_sheet import Sheet
from timebank.contributions.service import SaveRegister
from timebank.contributions.web_register_shown import Meanwhile, World, led_by_viewer, show_register, the_world
from timebank.db import Connection
from timebank.kit import dates, ids
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

SECOND_SESSION = "A second session on this day"


@get("/groups/{group_id:int}/register", guards=[signed_in])
async def register_page(
    request: PageRequest,
    group_id: FromPath[int],
    date: FromQuery[str | None] = None,
    by: FromQuery[str | None] = None,
    draft: FromQuery[str | None] = None,
) -> Response[str]:
    """A register for one session: a draft to go on with, a paper sheet to type in, or what happened last time."""
    actor = viewer(request).actor
    if draft is not None:
        return await _draft_page(request, group_id, draft)
    is_sheet = by == "sheet" or (date is not None and by is None)
    async with database(request).reading(actor.timebank_id) as connection:
        await led_by_viewer(request, connection)
        if await queries.group(connection, actor.timebank_id, group_id) is None:
            raise NotFoundException
        day = _day(request, date)
        session = await activities.session_on(connection, actor.timebank_id, group_id, day)
        session_id = session.id if session else None
        on_paper = (
            await register_people.on_the_sheet(connection, actor.timebank_id, group_id, day, session_id)
            if is_sheet
            else []
        )
        world = await the_world(request, connection, group_id, ids=on_paper)
        offered = await register_people.offered(
            connection, actor.timebank_id, group_id, world.directory, world.guests, session_id, on_paper
        )
    plan = Plan(
        day=day.isoformat(),
        minutes=session.planned_minutes if session else world.group.default_minutes,
        start=session.starts_at.strftime("%H:%M") if session else "",
        preparation_minutes=session.preparation_minutes if session else 0,
        travel_minutes=session.travel_minutes if session else 0,
        is_planned=session is not None,
        by="sheet" if is_sheet else "ticks",
        is_exchange=world.is_exchange,
        token=ids.secret_token(),
    )
    sheet = register_form.first_sheet(plan, offered.people)
    return show_register(request, world, sheet, BLANK, because=offered.because, left_off=offered.left_off)


async def _draft_page(request: PageRequest, group_id: int, draft: str) -> Response[str]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        kept = await drafts.draft(connection, actor, draft)
        form = Form(fields=kept.fields) if kept else BLANK
        world = await the_world(request, connection, group_id, form)
    if kept is None or kept.activity_id != group_id:
        raise NotFoundException
    sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
    return show_register(request, world, sheet, form)


@post("/groups/{group_id:int}/register", guards=[signed_in], status_code=303)
async def save_register(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Save the register, or show it again with more people, or with what has to be put right."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        world = await the_world(request, connection, group_id, form)
        sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
        if (changed := await _changed(request, connection, form, sheet, world)) is not None:
            return show_register(request, world, changed, form)
        if sheet.names.strip():
            sheet = register_form.with_more_rows(sheet, world.directory)
        reading = register_lines.read_sheet(sheet, world.directory, world.guests.by_key)
        if reading.refusals:
            return show_register(request, world, reading.sheet, form.refused(reading.refusals))
    chosen = _as_chosen(reading, recorded := await _recorded(request, world, reading), form.text("against"))
    if reading.lines and not chosen.lines:
        return await _beside_page(request, world, reading, recorded, form)
    saved = await _save(request, form, chosen, group_id)
    if not isinstance(saved, list):
        await drafts.discard_draft(database(request), actor, sheet.token)
        return redirect(request, f"/registers/{saved.reference}")
    if any(one.code == "recorded_already" for one in saved):
        return await _beside_page(request, world, reading, await _recorded(request, world, reading), form)
    refusals = register_lines.beside_rows(saved, chosen, world.directory)
    return show_register(request, world, reading.sheet, form.refused(refusals))


async def _save(request: PageRequest, form: Form, reading: Reading, group_id: int) -> Any:
    command = SaveRegister(
        activity_id=group_id,
        lines=reading.lines,
        source="page",
        beside=reading.sheet.seen,
        new_guests=tuple(reading.new_guests.items()),
    )
    return await service.save_register(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )


def _day(request: PageRequest, typed: str | None) -> date:
    day = dates.parse(typed) if typed else None
    return today(now(request), viewer(request).time_zone) if day is None or isinstance(day, Refusal) else day


async def _changed(
    request: PageRequest, connection: Connection, form: Form, sheet: Sheet, world: World
) -> Sheet | None:
    """The sheet after a button that only changes what is shown, or None when the register is to be saved."""
    timebank_id = viewer(request).actor.timebank_id
    if change := form.text("change"):
        return replace(
            sheet, people=tuple(replace(row, is_open=row.is_open or row.id == change) for row in sheet.people)
        )
    if form.has("more"):
        return register_form.with_more_rows(sheet, world.directory)
    if form.has("members-of"):
        return register_form.with_people(sheet, world.listed)
    if form.has("regulars"):
        people = await register_people.regulars(
            connection,
            timebank_id,
            world.group.id,
            world.directory,
            world.guests,
            today=today(now(request), viewer(request).time_zone),
        )
        return register_form.with_people(sheet, people)
    return None


async def _recorded(request: PageRequest, world: World, reading: Reading) -> list[Recorded]:
    """What is recorded for this group and day already."""
    if not reading.lines:
        return []
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        return await register_people.recorded(connection, timebank_id, world.group.id, reading.lines[0].held_on)


def _as_chosen(reading: Reading, recorded: Sequence[Recorded], choice: str) -> Reading:
    """The reading as the person decided about the registers that they have seen: only who is missing there, or
    everybody a second time with the reason. Without a decision nothing counts as seen.
    """
    if choice not in ("missing", "second"):
        return replace(reading, sheet=replace(reading.sheet, seen=()))
    there = {one.who for one in recorded if one.reference in reading.sheet.seen}
    kept = [at for at, line in enumerate(reading.lines) if choice != "missing" or line.who not in there]
    lines = [reading.lines[at] for at in kept]
    if choice == "second":
        lines = [
            msgspec.structs.replace(line, duplicate_reason=line.duplicate_reason or SECOND_SESSION) for line in lines
        ]
    ids = {line.guest_id for line in lines}
    guests = {guest_id: name for guest_id, name in reading.new_guests.items() if guest_id in ids}
    return replace(reading, lines=tuple(lines), rows=tuple(reading.rows[at] for at in kept), new_guests=guests)


async def _beside_page(
    request: PageRequest, world: World, reading: Reading, recorded: Sequence[Recorded], form: Form
) -> Response[str]:
    """The register again, with what is saved beside what was typed, and a choice of what to do."""
    by = recorded[-1].recorded_by
    names = {line.who: one for line, one in zip(reading.lines, register_lines.names_of(reading), strict=True)}
    names |= {one.who: one.guest for one in recorded if one.guest_id}
    unnamed = {one.who for one in recorded} | {by}
    if world.sees_everybody:
        timebank_id = viewer(request).actor.timebank_id
        async with database(request).reading(timebank_id) as connection:
            names |= await members.names(connection, timebank_id, [who for who in unnamed if who > 0])
    else:
        names |= {who: world.directory.shown.get(who, "Somebody") for who in unnamed if who > 0}
    meanwhile = Meanwhile(recorded, register_compare.compare(reading.lines, recorded, names))
    sheet = replace(reading.sheet, seen=tuple(dict.fromkeys((*reading.sheet.seen, *meanwhile.references))))
    if form.text("against") == "missing" and not meanwhile.comparison.missing:
        message = "Everybody here is recorded already. There is nothing to add."
    else:
        message = f"{names.get(by, 'Somebody')} saved this group for this day already. See what differs, then choose."
    refusal = Refusal("recorded_already", message, "meanwhile")
    return show_register(request, world, sheet, form.refused([refusal]), meanwhile=meanwhile)


ROUTES: list[Any] = [register_page, save_register]
