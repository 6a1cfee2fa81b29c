"""The register of one session as a page: filled from what is known, saved, kept as a draft, downloaded."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery

from timebank.activities import queries as activities
from timebank.contributions import (
    drafts,
    leading,
    queries,
    register_compare,
    register_csv,
    register_form,
    register_lines,
    register_people,
    rules,
    service,
)
from timebank.contributions.choosing import Directory
from timebank.contributions.queries import Group
from timebank.contributions.register_compare import Comparison
from timebank.contributions.register_form import Before, Plan
from timebank.contributions.register_lines import Reading
from timebank.contributions.register_people import Guests, Recorded
from timebank.contributions.register_sheet import Sheet, fields_of
from timebank.contributions.service import SaveRegister
from timebank.db import Connection
from timebank.kit import dates, ids
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

SECOND_SESSION = "A second session on this day"
PEER_EXCHANGE = "peer_exchange"
CSV_TYPE = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class World:
    """What a register's page needs to know besides what is typed."""

    group: Group
    directory: Directory
    guests: Guests
    is_exchange: bool
    sees_everybody: bool
    sources: Sequence[tuple[int, str]] = ()  # groups and organisations that are members
    listed: Sequence[Before] = ()  # the people of the one that was chosen


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What is recorded for this group and day already, beside what was typed."""

    recorded: Sequence[Recorded]
    comparison: Comparison

    @property
    def references(self) -> list[str]:
        """The registers, in the order in which they were saved."""
        return list(dict.fromkeys(one.reference for one in self.recorded))


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
    async with database(request).reading(actor.timebank_id) as connection:
        kept = await drafts.draft(connection, actor, draft) if draft is not None else None
        form = Form(fields=kept.fields) if kept else BLANK
        world = await _world(request, connection, group_id, form)
        if draft is not None:
            if kept is None or kept.activity_id != group_id:
                raise NotFoundException
            sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
            return _register_page(request, world, sheet, form)
        day = _day(request, date)
        session = await activities.session_on(connection, actor.timebank_id, group_id, day)
        offered = await register_people.offered(
            connection, actor.timebank_id, group_id, world.directory, world.guests, session.id if session else None
        )
    plan = Plan(
        day=day.isoformat(),
        minutes=session.planned_minutes if session else world.group.default_minutes,
        start=session.starts_at.strftime("%H:%M") if session else "",
        preparation_minutes=session.preparation_minutes if session else 0,
        travel_minutes=session.travel_minutes if session else 0,
        is_planned=session is not None,
        by="sheet" if by == "sheet" or (date and by is None) else "ticks",
        is_exchange=world.is_exchange,
        token=ids.secret_token(),
    )
    sheet = register_form.first_sheet(plan, offered.people)
    return _register_page(request, world, sheet, BLANK, because=offered.because, left_off=offered.left_off)


@post("/groups/{group_id:int}/register", guards=[signed_in], status_code=303)
async def save_register(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Save the register, or show it again with more people, or with what has to be put right."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        world = await _world(request, connection, group_id, form)
        sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
        if (changed := await _changed(request, connection, form, sheet, world)) is not None:
            return _register_page(request, world, changed, form)
        if sheet.names.strip():
            sheet = register_form.with_more_rows(sheet, world.directory)
        reading = register_lines.read_sheet(sheet, world.directory, world.guests.by_key)
        if reading.refusals:
            return _register_page(request, world, reading.sheet, form.refused(reading.refusals))
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
    return _register_page(request, world, reading.sheet, form.refused(refusals))


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


@post("/groups/{group_id:int}/register/draft", guards=[signed_in], status_code=303)
async def keep_draft(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Keep what was typed for later. A page that saves by itself sends ``quiet`` and stays where it is."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        world = await _world(request, connection, group_id, form)
    sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
    day = dates.parse(sheet.day)
    command = drafts.SaveDraft(
        token=sheet.token if re.fullmatch(drafts.DRAFT_NAME, sheet.token) else ids.secret_token(),
        activity_id=group_id,
        held_on=None if isinstance(day, Refusal) else day,
        people=sum(row.came for row in sheet.people) + sum(bool(row.who) for row in sheet.extras),
        fields=fields_of(sheet),
    )
    refusals = await drafts.save_draft(database(request), actor, command, now=now(request))
    if form.has("quiet"):
        return Response(None, status_code=409 if refusals else 204)
    if refusals:
        return _register_page(request, world, sheet, form.refused(refusals))
    return redirect(request, "/groups", notice="The draft is saved. You find it here.")


@post("/groups/drafts/{token:str}/delete", guards=[signed_in], status_code=303)
async def delete_draft(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """Delete one of the viewer's own drafts."""
    await forms.read(request)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        await led_by_viewer(request, connection)
    if not await drafts.discard_draft(database(request), viewer(request).actor, token):
        raise NotFoundException
    return redirect(request, "/groups", notice="The draft is deleted.")


@post("/groups/{group_id:int}/register/download", guards=[signed_in], status_code=200)
async def download_typed(request: PageRequest, group_id: FromPath[int]) -> Response[bytes]:
    """What was typed, as a file that can be uploaded again, whatever is wrong with it."""
    form = await forms.read(request)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        world = await _world(request, connection, group_id, form)
    sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
    content = register_csv.typed(sheet, world.group.name, world.directory)
    return attachment(content, f"register-{sheet.day}.csv")


def attachment(content: str, name: str) -> Response[bytes]:
    """A CSV file to keep, marked so that spreadsheets read it as UTF-8."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in name)
    headers = {"Content-Disposition": f"attachment; filename=\"{safe}\"; filename*=UTF-8''{quote(name)}"}
    return Response(("\ufeff" + content).encode(), media_type=CSV_TYPE, headers=headers)


async def led_by_viewer(request: PageRequest, connection: Connection) -> frozenset[int] | None:
    """The ids of the groups that the viewer leads; None for a coordinator, who may log every group.

    Raises:
        PermissionDeniedException: the viewer neither coordinates nor leads a group.
    """
    led = await leading.groups_led(connection, viewer(request).actor)
    if led is not None and not led:
        raise PermissionDeniedException
    return led


async def _world(request: PageRequest, connection: Connection, group_id: int, form: Form = BLANK) -> World:
    """The group and who may be on its register; for a session leader with first names only.

    Raises:
        PermissionDeniedException: the viewer neither coordinates nor leads this group.
        NotFoundException: this time bank has no such group.
    """
    actor = viewer(request).actor
    led = await led_by_viewer(request, connection)
    if led is not None and group_id not in led:
        raise PermissionDeniedException
    group = await queries.group(connection, actor.timebank_id, group_id)
    if group is None:
        raise NotFoundException
    sees_everybody = actor.has(COORDINATOR)
    day = today(now(request), viewer(request).time_zone)
    come = await register_people.who_come(connection, actor.timebank_id, group_id, today=day)
    sources = await members.groups(connection, actor.timebank_id) if sees_everybody else []
    of = form.text("of")
    chosen = next((one.id for one in sources if form.has("members-of") and str(one.id) == of), None)
    listed = await register_people.in_group(connection, actor.timebank_id, chosen) if chosen else []
    directory = await register_people.directory(
        connection,
        actor.timebank_id,
        only_first_names=not sees_everybody,
        ids=(*come, *listed, *register_form.listed_ids(form)),
        typed=register_form.typed_names(form),
    )
    guests = await register_people.waiting_guests(connection, actor.timebank_id)
    kind = await register_people.work_kind(connection, actor.timebank_id, group_id)
    return World(
        group,
        directory,
        guests,
        kind == PEER_EXCHANGE,
        sees_everybody,
        [(one.id, one.display_name) for one in sources],
        [Before(name=directory.shown[one], member_id=one) for one in listed if one in directory.members],
    )


def _common(sheet: Sheet) -> dict[str, tuple[str, ...]]:
    """The fields that are said once for everybody, as the macros of the page read them."""
    return {
        "date": (sheet.day,),
        "length": (sheet.length,),
        "start": (sheet.start,),
        "prep": (sheet.prep,),
        "travel": (sheet.travel,),
        "agreed": (sheet.agreed,),
        "reason-all": (sheet.reason,),
        "names": (sheet.names,),
    }


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
    return _register_page(request, world, sheet, form.refused([refusal]), meanwhile=meanwhile)


def _register_page(
    request: PageRequest,
    world: World,
    sheet: Sheet,
    form: Form,
    *,
    because: str = "",
    left_off: int = 0,
    meanwhile: Meanwhile | None = None,
) -> Response[str]:
    in_short = register_lines.in_short(form.refusals)
    there = [row.member_id for row in sheet.people if row.member_id]
    return render(
        request,
        "contributions/register.html",
        422 if form.refusals else 200,
        form=replace(form, fields={**form.fields, **_common(sheet)}),
        group=world.group,
        sheet=sheet,
        world=world,
        choices=register_people.choices(world.directory, there),
        labels=world.directory.labels,
        because=because,
        left_off=left_off,
        meanwhile=meanwhile,
        summary=form.refused(in_short),
        same_reason=len(in_short) < len(form.refusals) or bool(sheet.reason),
        max_what=rules.MAX_WHAT,
        came=sum(row.came for row in sheet.people),
    )


ROUTES: list[Any] = [register_page, save_register, keep_draft, delete_draft, download_typed]
