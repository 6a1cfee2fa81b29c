"""Pages for taking part: what is on, signing up, saying "I am here", and the groups one leads."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.activities import photos, queries, recurrence, rules, service, sheets
from timebank.activities.service import CheckInHere, TakePart
from timebank.activities.shown import MyPart, SessionShown
from timebank.activities.taking_part import next_step
from timebank.activities.web_parts import PageRequest, coordinates, led, today
from timebank.activities.web_sessions import DAYS_AHEAD, by_day
from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.kit import ids
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.reading import reading_of
from timebank.web.viewer import signed_in, viewer


@get("/whats-on", guards=[signed_in])
async def whats_on_page(request: PageRequest) -> Response[str]:
    """The sessions of the next weeks that the viewer can come to, and those they are signed up for."""
    person = viewer(request)
    timebank_id, first = person.actor.timebank_id, today(request)
    async with database(request).reading(timebank_id) as connection:
        found = await queries.between(connection, timebank_id, first, first + timedelta(days=DAYS_AHEAD))
        mine = await queries.my_sessions(connection, timebank_id, person.subject_id, first)
        leads = await led(request, connection)
        pictures = await _pictures(request, connection, {one.activity_id for one in found})
    shown = [one for one in found if (one.is_listed or one.id in mine) and not _is_over(request, one)]
    return render(request, "activities/whats_on.html", days=by_day(shown), mine=mine, leads=leads, photos=pictures)


@get("/whats-on/{session_id:int}", guards=[signed_in])
async def whats_on_session(request: PageRequest, session_id: FromPath[int]) -> Response[str]:
    """What to expect of a session, and the button to sign up or to take one's name off."""
    return await _session_page(request, session_id)


@post("/whats-on/{session_id:int}/sign-up", guards=[signed_in], status_code=303)
async def sign_up(request: PageRequest, session_id: FromPath[int]) -> Response[Any]:
    """Put the viewer (or whom they act for) on the list."""
    return await _take_part(request, session_id, coming=True)


@post("/whats-on/{session_id:int}/withdraw", guards=[signed_in], status_code=303)
async def withdraw(request: PageRequest, session_id: FromPath[int]) -> Response[Any]:
    """Take the viewer (or whom they act for) off the list."""
    return await _take_part(request, session_id, coming=False)


@get("/in", guards=[signed_in])
async def type_code_page(request: PageRequest) -> Response[Any]:
    """Type the code of the poster, for a phone without a camera."""
    typed = request.query_params.get("code", "").strip()
    if not typed:
        return render(request, "activities/type_code.html")
    code = ids.normalise_reference(typed)
    if code is None:
        message = say("A code has eight letters and numbers, like B7K2-M9QX. Look at the poster again.")
        form = Form.blank(code=typed[:40]).refused([Refusal("code_unreadable", message, "code")])
        return render(request, "activities/type_code.html", 422, form=form)
    return redirect(request, f"/in/{code}")


@get("/in/{code:str}", guards=[signed_in])
async def here_page(request: PageRequest, code: FromPath[str]) -> Response[str]:
    """One button: I am here. Or why not, and what to do."""
    return await _here_page(request, code)


@post("/in/{code:str}", guards=[signed_in], status_code=303)
async def check_in_here(request: PageRequest, code: FromPath[str]) -> Response[Any]:
    """Check the viewer (or whom they act for) in."""
    form = await forms.read(request)
    command = CheckInHere(code=code)
    done = await service.check_in_here(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )
    if isinstance(done, list):
        return await _here_page(request, code, done)
    return redirect(request, f"/in/{ids.normalise_reference(code)}")


@get("/groups/mine", guards=[signed_in])
async def my_groups_page(request: PageRequest) -> Response[str]:
    """The groups that the viewer leads, each with its next session and its register."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        leads = await led(request, connection)
        found = [one for one in await queries.activities(connection, timebank_id) if one.id in leads]
        upcoming = await queries.next_of_each(connection, timebank_id, sorted(leads), today(request))
        pictures = await _pictures(request, connection, leads)
    return render(
        request,
        "activities/my_groups.html",
        activities=found,
        upcoming=upcoming,
        today=today(request),
        photos=pictures,
    )


async def _take_part(request: PageRequest, session_id: int, *, coming: bool) -> Response[Any]:
    form = await forms.read(request)
    person = viewer(request)
    command = TakePart(session_id=session_id, member_id=person.subject_id)
    use_case = service.sign_up if coming else service.withdraw
    try:
        done = await use_case(database(request), person.actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _session_page(request, session_id, form.refused(done))
    notice = say("You are on the list. We remind you two days before.") if coming else say("Your name is off the list.")
    return redirect(request, f"/whats-on/{session_id}", notice=notice)


async def _session_page(request: PageRequest, session_id: int, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        session = await queries.session(connection, timebank_id, session_id)
        if session is None:
            raise NotFoundException
        mine = await queries.my_part(connection, timebank_id, session_id, person.subject_id)
        leads = await led(request, connection)
        runs = coordinates(request) or session.activity_id in leads
        if not (session.is_listed or mine != MyPart() or runs):
            raise NotFoundException
        activity = await queries.activity(connection, timebank_id, session.activity_id)
        leaders = await queries.leaders(connection, timebank_id, session.activity_id, session.held_on)
        bank = await banks.by_id(connection, timebank_id)
        pictures = await photos.of_activity(connection, timebank_id, session.activity_id)
    assert activity is not None
    names = [rules.first_name(one.display_name, one.kind) for one in leaders if one.from_day <= session.held_on]
    return render(
        request,
        "activities/whats_on_session.html",
        422 if form.refusals else 200,
        form=form,
        session=session,
        mine=mine,
        sheet=sheets.advance_sheet(activity, session, names, help_contact=bank.help_contact),
        is_over=_is_over(request, session),
        runs=runs,
        photos=pictures,
        place="/whats-on",
    )


async def _here_page(request: PageRequest, code: str, refusals: list[Refusal] | None = None) -> Response[str]:
    """What the code leads to now; the same page before and after the button is pressed."""
    person = viewer(request)
    typed = ids.normalise_reference(code)
    async with database(request).globally() as connection:
        found = await queries.find_code(connection, ids.sha256(typed)) if typed else None
    async with database(request).reading(person.actor.timebank_id) as connection:
        step = await next_step(connection, person.actor.timebank_id, found, now=now(request))
        mine = MyPart()
        if step.session is not None:
            mine = await queries.my_part(connection, person.actor.timebank_id, step.session.id, person.subject_id)
        ids_ = {step.session.activity_id} if step.session is not None else set()
        pictures = await _pictures(request, connection, ids_)
    refusal = refusals[0] if refusals else step.refusal
    is_unknown = refusal is not None and refusal.code in ("code_unknown", "other_timebank")
    return render(
        request,
        "activities/here.html",
        404 if is_unknown else 422 if refusals else 200,
        code=typed,
        session=step.session,
        upcoming=_may_see(step.upcoming),
        refusal=refusal,
        mine=mine,
        photo=next(iter(pictures.values()), None),
        place="/whats-on",
    )


async def _pictures(request: PageRequest, connection: Connection, activity_ids: Collection[int]) -> dict[int, int]:
    """The photo to show beside each group, for whoever reads Easy Read."""
    if not activity_ids or not reading_of(request).is_easy:
        return {}
    return await photos.first_of(connection, viewer(request).actor.timebank_id, activity_ids)


def _is_over(request: PageRequest, session: SessionShown) -> bool:
    start = recurrence.moment(session.held_on, session.starts_at, viewer(request).time_zone)
    return start + timedelta(minutes=session.planned_minutes) <= now(request)


def _may_see(session: SessionShown | None) -> SessionShown | None:
    return session if session is not None and session.is_listed else None


ROUTES: list[Any] = [
    whats_on_page,
    whats_on_session,
    sign_up,
    withdraw,
    type_code_page,
    here_page,
    check_in_here,
    my_groups_page,
]
