"""The coordinator's pages: groups, the register of a session, and what was saved."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.contributions import queries, register_form, rules, service, web_decisions, web_uploads
from timebank.contributions.choosing import labels
from timebank.contributions.queries import Group, RegisterShown
from timebank.contributions.register_form import Reading, Sheet
from timebank.contributions.register_names import KnownMember
from timebank.contributions.service import SaveRegister
from timebank.db import Connection
from timebank.kit import ids
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

coordinators = requires_role(COORDINATOR)


@get("/groups", guards=[coordinators])
async def groups_page(request: PageRequest) -> Response[str]:
    """The coordinator's first page: log a group again, upload a file, decide."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        groups = await queries.groups(connection, actor.timebank_id)
        waiting = await queries.waiting_for(connection, actor)
    return render(request, "contributions/groups.html", groups=groups, waiting=waiting)


@get("/groups/{group_id:int}/register", guards=[coordinators])
async def register_page(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """A register for one session, filled from last time."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        group, known = await _group_and_members(connection, person.actor.timebank_id, group_id)
        came = await queries.came_last(connection, person.actor.timebank_id, group_id)
    sheet = register_form.first_sheet(
        today=today(now(request), person.time_zone),
        default_minutes=group.default_minutes,
        came=[(one.member_id, one.display_name, one.minutes, one.what) for one in came],
        known=bool(came),
    )
    return _register_page(request, group, known, sheet, BLANK, left_off=max(0, len(came) - register_form.MAX_SHOWN))


@post("/groups/{group_id:int}/register", guards=[coordinators], status_code=303)
async def save_register(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Save the register, or show it again with more rows or with what has to be put right."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        group, known = await _group_and_members(connection, actor.timebank_id, group_id)
    sheet = register_form.typed_sheet(form, known)
    if form.has("more"):
        return _register_page(request, group, known, register_form.with_more_rows(sheet), form)
    reading = register_form.read_sheet(sheet, known)
    if reading.refusals:
        return _register_page(request, group, known, reading.sheet, form.refused(reading.refusals))
    command = SaveRegister(activity_id=group_id, lines=reading.lines, source="page")
    saved = await service.save_register(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(saved, list):
        refusals = register_form.beside_rows(saved, reading, known)
        there = await _recorded_already(request, group_id, reading, saved)
        return _register_page(request, group, known, reading.sheet, form.refused(refusals), there=there)
    return redirect(request, f"/registers/{saved.reference}")


async def _group_and_members(
    connection: Connection, timebank_id: int, group_id: int
) -> tuple[Group, dict[int, KnownMember]]:
    group = await queries.group(connection, timebank_id, group_id)
    if group is None:
        raise NotFoundException
    known = await members.known_members(connection, timebank_id)
    return group, {one.id: KnownMember(one.id, one.display_name, str(one.number)) for one in known}


async def _recorded_already(
    request: PageRequest, group_id: int, reading: Reading, refusals: list[Refusal]
) -> dict[str, str]:
    """For each row that was refused as a duplicate, the reference of the register that has the same time."""
    if not reading.lines or not any(refusal.code == "duplicate" for refusal in refusals):
        return {}
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        earlier = await queries.earlier(
            connection, timebank_id, (line.member_id for line in reading.lines), (reading.lines[0].held_on,)
        )
    there = {(one.member_id, one.minutes): one.reference for one in earlier if one.activity_id == group_id}
    rows = zip(reading.rows, reading.lines, strict=True)
    return {
        row.id: there[line.member_id, line.minutes] for row, line in rows if (line.member_id, line.minutes) in there
    }


def _register_page(
    request: PageRequest,
    group: Group,
    known: dict[int, KnownMember],
    sheet: Sheet,
    form: Form,
    *,
    left_off: int = 0,
    there: dict[str, str] | None = None,
) -> Response[str]:
    names_to_choose = labels(known.values())
    in_short = register_form.in_short(form.refusals)
    return render(
        request,
        "contributions/register.html",
        422 if form.refusals else 200,
        form=replace(
            form, fields={**form.fields, "date": (sheet.day,), "length": (sheet.length,), "reason-all": (sheet.reason,)}
        ),
        group=group,
        sheet=sheet,
        choices=list(names_to_choose),
        labels={member.id: text for text, member in names_to_choose.items()},
        can_add_rows=len(sheet.extras) < register_form.MAX_EXTRA_ROWS,
        left_off=left_off,
        there=there or {},
        summary=form.refused(in_short),
        same_reason=len(in_short) < len(form.refusals) or bool(sheet.reason),
        today=today(now(request), viewer(request).time_zone).isoformat(),
        max_what=rules.MAX_WHAT,
    )


@get("/registers/{reference:str}", guards=[coordinators])
async def saved_register_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """A saved register: who was credited, what waits, what was left out, and Undo while that is allowed."""
    return await _saved_page(request, reference)


@post("/registers/{reference:str}/undo", guards=[coordinators], status_code=303)
async def undo_register(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Undo a whole register."""
    form = await forms.read(request)
    try:
        undone = await service.undo_register(
            database(request), viewer(request).actor, _reference(reference), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(undone, list):
        return await _saved_page(request, reference, form.refused(undone))
    return redirect(request, f"/registers/{undone.reference}")


async def _saved_page(request: PageRequest, typed: str, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        register = await queries.register(connection, timebank_id, _reference(typed))
        if register is None:
            raise NotFoundException
        _, in_force = await banks.rules_in_force(connection, timebank_id, today(now(request), person.time_zone))
    refusal = rules.may_undo(
        person.actor,
        recorded_by=register.recorded_by,
        recorded_at=register.recorded_at,
        rules=in_force,
        now=now(request),
    )
    return render(
        request,
        "contributions/saved_register.html",
        422 if form.refusals else 200,
        form=form,
        register=register,
        sessions=_sessions(register),
        people=len({line.member_id for line in register.of("approved", "submitted")}),
        added_minutes=sum(line.minutes for line in register.of("approved")),
        waiting_minutes=sum(line.minutes for line in register.of("submitted")),
        can_undo=refusal is None and register.undone_at is None,
        undo_until=rules.undo_ends(register.recorded_at, in_force),
        actor=person.actor,
        recorded_on=local(register.recorded_at, person),
    )


def _sessions(register: RegisterShown) -> list[tuple[str, Any, list[Any]]]:
    """The lines by activity and day, in the order in which they first appear."""
    sessions: dict[tuple[int, Any], tuple[str, Any, list[Any]]] = {}
    for line in register.lines:
        _, _, lines = sessions.setdefault((line.activity_id, line.held_on), (line.activity, line.held_on, []))
        lines.append(line)
    return list(sessions.values())


def _reference(typed: str) -> str:
    """The reference as it is stored; anything that cannot be one is an address without a page."""
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


ROUTES: list[Any] = [
    groups_page,
    register_page,
    save_register,
    *web_uploads.ROUTES,
    saved_register_page,
    undo_register,
    *web_decisions.ROUTES,
]
