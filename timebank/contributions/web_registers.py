"""Saved registers as pages: what was saved, undo, the list of all, and both as a spreadsheet."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.contributions import queries, register_csv, register_list, register_people, rules, service
from timebank.contributions.choosing import Directory
from timebank.contributions.queries import RegisterShown
from timebank.contributions.register_list import Filter, Listed
from timebank.contributions.web_register_shown import attachment, led_by_viewer
from timebank.db import Connection
from timebank.kit import csv, dates, durations, ids
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

UNCREDITED = ("guest", "none")


@get("/registers/{reference:str}", guards=[signed_in])
async def saved_register_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """A saved register: who was credited, what waits, what was left out, and Undo while that is allowed."""
    return await _saved_page(request, reference)


@post("/registers/{reference:str}/undo", guards=[signed_in], status_code=303)
async def undo_register(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Undo a whole register."""
    form = await forms.read(request)
    known = stored_reference(reference)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        await shown_register(request, connection, known)
    try:
        undone = await service.undo_register(
            database(request), viewer(request).actor, known, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(undone, list):
        return await _saved_page(request, reference, form.refused(undone))
    return redirect(request, f"/registers/{undone.reference}")


@get("/registers/{reference:str}/download", guards=[signed_in])
async def download_register(request: PageRequest, reference: FromPath[str]) -> Response[bytes]:
    """A saved register as a spreadsheet."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        register = await shown_register(request, connection, stored_reference(reference))
        directory = await register_people.directory(
            connection, timebank_id, only_first_names=False, ids=[line.member_id for line in register.lines]
        )
    numbers = {member.id: member.member_number or "" for member in directory.members.values()}
    return attachment(register_csv.saved(register.lines, numbers, register.reference), f"{register.reference}.csv")


async def _saved_page(request: PageRequest, typed: str, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        register = await shown_register(request, connection, stored_reference(typed))
        _, in_force = await banks.rules_in_force(connection, timebank_id, today(now(request), person.time_zone))
    refusal = rules.may_undo(
        person.actor,
        recorded_by=register.recorded_by,
        recorded_at=register.recorded_at,
        rules=in_force,
        now=now(request),
    )
    counted = register.of("approved", "submitted")
    return render(
        request,
        "contributions/saved_register.html",
        422 if form.refusals else 200,
        form=form,
        register=register,
        sessions=sessions(register),
        people=len({(line.member_id, line.display_name) for line in counted}),
        added_minutes=sum(line.minutes for line in register.of("approved") if line.credited_to not in UNCREDITED),
        guest_minutes=sum(line.minutes for line in counted if line.guest_id and not line.member_id),
        only_counted_minutes=sum(line.minutes for line in register.of("approved") if line.credited_to == "none"),
        waiting_minutes=sum(line.minutes for line in register.of("submitted")),
        can_undo=refusal is None and register.undone_at is None,
        undo_until=rules.undo_ends(register.recorded_at, in_force),
        actor=person.actor,
        coordinates=person.actor.has(COORDINATOR),
        recorded_on=local(register.recorded_at, person),
    )


async def shown_register(request: PageRequest, connection: Connection, reference: str) -> RegisterShown:
    """The register as the viewer may see it: a coordinator any, others those that they saved, with first names only.

    Raises:
        PermissionDeniedException: the viewer neither coordinates nor leads a group.
        NotFoundException: there is none, or it is not theirs.
    """
    actor = viewer(request).actor
    led = await led_by_viewer(request, connection)
    register = await queries.register(connection, actor.timebank_id, reference)
    if register is None or (led is not None and register.recorded_by != actor.member_id):
        raise NotFoundException
    if led is None:
        return register
    directory = await register_people.directory(
        connection, actor.timebank_id, only_first_names=True, ids=[line.member_id for line in register.lines]
    )
    return register_people.with_first_names(register, directory)


def sessions(register: RegisterShown) -> list[tuple[str, Any, list[Any]]]:
    """The lines by activity and day, in the order in which they first appear."""
    found: dict[tuple[int | None, Any], tuple[str, Any, list[Any]]] = {}
    for line in register.lines:
        _, _, lines = found.setdefault((line.activity_id, line.held_on), (line.activity, line.held_on, []))
        lines.append(line)
    return list(found.values())


def stored_reference(typed: str) -> str:
    """The reference as it is stored; anything that cannot be one is an address without a page."""
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


@get("/registers", guards=[signed_in])
async def registers_page(request: PageRequest) -> Response[str]:
    """The saved registers, the newest first, by group, days and person."""
    form = _asked(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        led = await led_by_viewer(request, connection)
        directory = await register_people.directory(
            connection, actor.timebank_id, only_first_names=led is not None, typed=[form.text("who")]
        )
        groups = await queries.groups(connection, actor.timebank_id)
        wanted, form = _filter(form, directory, None if led is None else actor.member_id)
        found = (
            []
            if form.refusals
            else await register_list.listed(
                connection, actor.timebank_id, wanted, before=_number(form.text("before")), limit=register_list.PAGE + 1
            )
        )
    shown = found[: register_list.PAGE]
    asked = {name: form.text(name) for name in ("group", "from", "to", "who") if form.text(name)}
    more = len(found) > register_list.PAGE
    return render(
        request,
        "contributions/registers.html",
        422 if form.refusals else 200,
        form=form,
        registers=shown,
        groups=[(one.id, one.name) for one in sorted(groups, key=lambda g: g.name_key) if led is None or one.id in led],
        choices=register_people.choices(directory, ()),
        is_filtered=bool(asked),
        older=f"/registers?{urlencode({**asked, 'before': shown[-1].id})}" if more else None,
        newer=f"/registers?{urlencode(asked)}" if form.text("before") else None,
        download=f"/registers/list.csv?{urlencode(asked)}",
    )


@get("/registers/list.csv", guards=[signed_in])
async def download_list(request: PageRequest) -> Response[Any]:
    """The same list, all pages of it, as a spreadsheet."""
    form = _asked(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        led = await led_by_viewer(request, connection)
        directory = await register_people.directory(
            connection, actor.timebank_id, only_first_names=led is not None, typed=[form.text("who")]
        )
        wanted, form = _filter(form, directory, None if led is None else actor.member_id)
        if form.refusals:
            raise NotFoundException
        found = await register_list.listed(connection, actor.timebank_id, wanted, limit=register_list.MAX_LISTED)
    return attachment(_as_csv(found), "registers.csv")


def _as_csv(found: Sequence[Listed]) -> str:
    headings = (
        "Register",
        "Group",
        "First day",
        "Last day",
        "People",
        "Minutes",
        "Time",
        "Saved on",
        "Saved by",
        "State",
    )
    return csv.write(
        [
            headings,
            *(
                (
                    one.reference,
                    one.activity,
                    one.first_on.isoformat(),
                    one.last_on.isoformat(),
                    one.people,
                    0 if one.undone_at else one.minutes,
                    durations.in_words(0 if one.undone_at else one.minutes),
                    one.recorded_at.date().isoformat(),
                    one.recorded_by_name,
                    "undone" if one.undone_at else "waits" if one.waiting else "saved",
                )
                for one in found
            ),
        ]
    )


def _asked(request: PageRequest) -> Form:
    names = ("group", "from", "to", "who", "before")
    return Form.blank(**{name: str(request.query_params.get(name, ""))[:200] for name in names})


def _filter(form: Form, directory: Directory, recorded_by: int | None) -> tuple[Filter, Form]:
    """What to list, and the form with what could not be read."""
    refusals: list[Refusal] = []
    days: list[date | None] = []
    for field in ("from", "to"):
        day = dates.parse(form.text(field), field=field) if form.text(field) else None
        if isinstance(day, Refusal):
            refusals.append(day)
        days.append(None if isinstance(day, Refusal) else day)
    people: list[int] | None = None
    if form.text("who"):
        (found,) = directory.find([form.text("who")])
        people = [found.member.id] if found.member else [member.id for member in found.options]
        if not people:
            refusals.append(Refusal("unknown_member", "We do not know this name. Type another part of it.", "who"))
    wanted = Filter(_number(form.text("group")), days[0], days[1], people, recorded_by)
    return wanted, form.refused(refusals)


def _number(text: str) -> int | None:
    known = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_KEY))
    return int(text) if known and 0 < int(text) <= MAX_KEY else None


ROUTES: list[Any] = [registers_page, download_list, saved_register_page, undo_register, download_register]
