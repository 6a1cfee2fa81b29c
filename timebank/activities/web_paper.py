"""Pages to print: the sheet to sign in on, the poster for the wall, the advance sheet. Each as page, PDF and text."""

import asyncio
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank import languages, paper
from timebank.activities import photos, queries, rules, service, sheets
from timebank.activities.sheets import AdvanceSheet, Sheet
from timebank.activities.shown import ActivityShown, MyPart
from timebank.activities.web_parts import PageRequest, coordinates, coordinators, led, the_activity, today
from timebank.banks import queries as banks
from timebank.identity.service import qr_data_uri, qr_svg
from timebank.kit import dates
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.reading import reading_of
from timebank.web.viewer import signed_in, viewer


@get("/groups/{group_id:int}/sheet", guards=[signed_in])
async def sheet_page(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """A sheet to sign in on, as a page to print."""
    sheet = await _sheet(request, group_id)
    large = _large(request)
    return render(
        request,
        "activities/sheet_print.html",
        sheet=sheet,
        please=sheets.PLEASE,
        qr=qr_data_uri(qr_svg(_register_address(request, sheet))),
        large=large,
        query=f"day={sheet.day.isoformat()}",
    )


@get("/groups/{group_id:int}/sheet.pdf", guards=[signed_in])
async def sheet_pdf(request: PageRequest, group_id: FromPath[int]) -> Response[bytes]:
    """The sheet as a tagged PDF."""
    sheet = await _sheet(request, group_id)
    data = sheets.sheet_data(sheet, qr=qr_svg(_register_address(request, sheet)), large=_large(request))
    return await _pdf("sign_in_sheet", data, f"sign-in-sheet-{sheet.day.isoformat()}.pdf")


@get("/groups/{group_id:int}/sheet.txt", guards=[signed_in])
async def sheet_text(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """The sheet as plain text."""
    return _text(sheets.sheet_text(await _sheet(request, group_id)))


@get("/sheet", guards=[signed_in])
async def find_sheet(request: PageRequest) -> Response[Any]:
    """Type the code of a sheet; leads to the register of its group and day."""
    typed = request.query_params.get("code", "").strip()
    if not typed:
        return render(request, "activities/find_sheet.html", place="/groups")
    found = sheets.read_sheet_code(typed[:80])
    if found is not None:
        async with database(request).reading(viewer(request).actor.timebank_id) as connection:
            activity = await queries.activity(connection, viewer(request).actor.timebank_id, found[0])
            may_log = coordinates(request) or found[0] in await led(request, connection)
        if activity is not None and may_log:
            return redirect(request, sheets.register_path(*found))
    message = "We know no sheet with this code. Look at its foot: eight letters and numbers, like 0002-R5NP."
    form = Form.blank(code=typed[:40]).refused([Refusal("sheet_unknown", message, "code")])
    return render(request, "activities/find_sheet.html", 422, form=form, place="/groups")


@get("/groups/{group_id:int}/poster", guards=[coordinators])
async def poster_page(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """The poster for the wall, or the button that makes one."""
    poster = await _poster(request, group_id)
    return render(
        request,
        "activities/poster.html",
        activity=poster.activity,
        code=poster.code,
        host=_host(request),
        qr=qr_data_uri(qr_svg(poster.address)) if poster.code else "",
        place="/groups",
    )


@post("/groups/{group_id:int}/poster", guards=[coordinators], status_code=303)
async def make_poster(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Make a new code; the old poster stops working."""
    form = await forms.read(request)
    try:
        done = await service.make_code(
            database(request), viewer(request).actor, group_id, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    assert isinstance(done, str), "the guard lets nobody else in"
    return redirect(request, f"/groups/{group_id}/poster", notice="The poster is ready. Older ones do not work now.")


@get("/groups/{group_id:int}/poster.pdf", guards=[coordinators])
async def poster_pdf(request: PageRequest, group_id: FromPath[int]) -> Response[bytes]:
    """The poster as a tagged PDF."""
    poster = await _poster(request, group_id)
    if poster.code is None:
        raise NotFoundException
    data = sheets.poster_data(
        poster.activity, poster.code, address=poster.address, qr=qr_svg(poster.address), host=_host(request)
    )
    return await _pdf("poster", data, "poster.pdf")


@get("/whats-on/{session_id:int}/sheet.pdf", guards=[signed_in])
async def advance_pdf(request: PageRequest, session_id: FromPath[int]) -> Response[bytes]:
    """The advance sheet of a session as a tagged PDF."""
    sheet, timebank, pictures = await _advance(request, session_id)
    data = sheets.advance_data(
        sheet, timebank=timebank, photos=pictures, large=_large(request), language=reading_of(request).language
    )
    return await _pdf("advance_sheet", data, "what-to-expect.pdf")


@get("/whats-on/{session_id:int}/sheet.txt", guards=[signed_in])
async def advance_text(request: PageRequest, session_id: FromPath[int]) -> Response[str]:
    """The advance sheet of a session as plain text."""
    sheet, *_ = await _advance(request, session_id)
    return _text(sheets.advance_text(sheet))


@dataclass(frozen=True, slots=True)
class _Poster:
    activity: ActivityShown
    code: str | None
    address: str


async def _sheet(request: PageRequest, activity_id: int) -> Sheet:
    """The sheet of a group and the day asked for: of its next session, or of today, when none is asked for."""
    asked = request.query_params.get("day", "")
    day = dates.parse(asked) if asked else None
    if isinstance(day, Refusal):
        raise NotFoundException
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        activity = await the_activity(request, connection, activity_id)
        day = day or await _next_day(request, connection, activity_id)
        facts = await queries.session_on(connection, timebank_id, activity_id, day)
        session = await queries.session(connection, timebank_id, facts.id) if facts else None
        people = await queries.people(connection, timebank_id, activity_id, day, facts.id if facts else None)
        people = people or await queries.first_people(connection, timebank_id)
    return sheets.sign_in_sheet(
        activity, session, day, people, first_names_only=not coordinates(request), host=_host(request)
    )


async def _next_day(request: PageRequest, connection: Any, activity_id: int) -> date:
    first = today(request)
    found = await queries.next_of_each(connection, viewer(request).actor.timebank_id, [activity_id], first)
    return found[activity_id][1] if activity_id in found else first


async def _poster(request: PageRequest, activity_id: int) -> _Poster:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        activity = await the_activity(request, connection, activity_id)
        code = await queries.code_in_use(connection, timebank_id, activity_id)
    return _Poster(activity, code, f"{settings(request).base_url}/in/{code}")


async def _advance(request: PageRequest, session_id: int) -> tuple[AdvanceSheet, str, list[tuple[bytes, str]]]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        session = await queries.session(connection, timebank_id, session_id)
        if session is None:
            raise NotFoundException
        mine = await queries.my_part(connection, timebank_id, session_id, person.subject_id)
        runs = coordinates(request) or session.activity_id in await led(request, connection)
        activity = await queries.activity(connection, timebank_id, session.activity_id)
        leaders = await queries.leaders(connection, timebank_id, session.activity_id, session.held_on)
        bank = await banks.by_id(connection, timebank_id)
        pictures = await photos.contents(connection, timebank_id, session.activity_id)
    if activity is None or not (session.is_listed or mine != MyPart() or runs):
        raise NotFoundException
    names = [rules.first_name(one.display_name, one.kind) for one in leaders if one.from_day <= session.held_on]
    sheet = sheets.advance_sheet(activity, session, names, help_contact=bank.help_contact)
    return _in_language(sheet, reading_of(request).language), bank.name, pictures


def _in_language(sheet: AdvanceSheet, language: str) -> AdvanceSheet:
    """The sheet in the reader's language; what the group wrote itself stays as it is."""
    with languages.speaking(language):
        parts = [
            replace(part, heading=languages.translate(part.heading), lines=_said(part.lines)) for part in sheet.parts
        ]
        return replace(sheet, lines=_said(sheet.lines), parts=tuple(parts))


def _said(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(languages.translate(line) for line in lines)


def _large(request: PageRequest) -> bool:
    return request.query_params.get("size") == "large"


def _host(request: PageRequest) -> str:
    """The address that people type: without https, and without a slash at its end."""
    parts = urlsplit(settings(request).base_url)
    return parts.netloc + parts.path.rstrip("/")


def _register_address(request: PageRequest, sheet: Sheet) -> str:
    return settings(request).base_url + sheets.register_path(sheet.activity_id, sheet.day)


async def _pdf(template: str, data: dict[str, object], file_name: str) -> Response[bytes]:
    """In a thread: setting a page would hold up everybody else."""
    content = await asyncio.to_thread(paper.pdf, template, data)
    headers = {"Content-Disposition": f'inline; filename="{file_name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


def _text(content: str) -> Response[str]:
    return Response(content, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


ROUTES: list[Any] = [
    sheet_page,
    sheet_pdf,
    sheet_text,
    find_sheet,
    poster_page,
    make_poster,
    poster_pdf,
    advance_pdf,
    advance_text,
]
