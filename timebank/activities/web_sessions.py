"""Pages of sessions for those who run them: planning, the days, the list of who is there, changing, cancelling."""

from datetime import date, timedelta
from itertools import groupby
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.activities import forms as activity_forms
from timebank.activities import queries, recurrence, rules, service, words
from timebank.activities.service import CancelSession, ChangeSession, Planned, PlanSessions, TakePart
from timebank.activities.shown import ActivityShown, PersonOnList, SessionShown
from timebank.activities.web_parts import PageRequest, coordinates, coordinators, the_activity, the_session, today
from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.kit import dates
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

DAYS_AHEAD = 56
MAX_SUGGESTIONS = 2000
NAMED_DAYS = 3


@get("/sessions", guards=[coordinators])
async def sessions_page(request: PageRequest) -> Response[str]:
    """The sessions of one day, or of the next eight weeks."""
    asked = request.query_params.get("day", "")
    day = dates.parse(asked) if asked else None
    if isinstance(day, Refusal):
        raise NotFoundException
    first = day or today(request)
    last = day or first + timedelta(days=DAYS_AHEAD)
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.between(connection, timebank_id, first, last)
    return render(
        request,
        "activities/sessions.html",
        days=by_day(found),
        day=day,
        before=None if day is None or day <= dates.FIRST_DAY else day - timedelta(days=1),
        after=None if day is None or day >= dates.LAST_DAY else day + timedelta(days=1),
        today=today(request),
    )


@get("/groups/{group_id:int}/sessions/new", guards=[coordinators])
async def new_session_page(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """The form to plan sessions of a group."""
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        activity = await the_activity(request, connection, group_id)
    return _form_page(request, activity_forms.session_form(activity, None), activity)


@post("/groups/{group_id:int}/sessions/new", guards=[coordinators], status_code=303)
async def plan_sessions(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Plan one session, or many; says what could not be planned as asked."""
    form = await forms.read(request)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        activity = await the_activity(request, connection, group_id)
    read, repeat = activity_forms.read_session(form), activity_forms.read_repeat(form)
    if isinstance(read, list) or isinstance(repeat, list):
        refusals = [one for each in (read, repeat) if isinstance(each, list) for one in each]
        return _form_page(request, form.refused(refusals), activity)
    day, starts_at, details = read
    command = PlanSessions(activity_id=group_id, day=day, starts_at=starts_at, details=details, repeat=repeat)
    done = await service.plan_sessions(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )
    if isinstance(done, list):
        return _form_page(request, form.refused(done), activity)
    return redirect(request, f"/groups/{group_id}", notice=_planned(done))


@get("/sessions/{session_id:int}", guards=[signed_in])
async def session_page(request: PageRequest, session_id: FromPath[int]) -> Response[str]:
    """One session: who is expected, who is there, and a button to tick each off."""
    return await _session_page(request, session_id)


@post("/sessions/{session_id:int}/people", guards=[signed_in], status_code=303)
async def change_people(request: PageRequest, session_id: FromPath[int]) -> Response[Any]:
    """Tick somebody off or take the tick back, sign them up or take them off, note that they had set out."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        await the_session(request, connection, session_id)
        typed = form.text("member_id")
        is_id = typed.isascii() and typed.isdigit() and len(typed) < 19
        member_id = int(typed) if is_id else await typed_member(connection, actor.timebank_id, form.text("who"))
    if isinstance(member_id, Refusal):
        return await _session_page(request, session_id, form.refused([member_id]))
    command = TakePart(session_id=session_id, member_id=member_id)
    given: dict[str, Any] = {"key": form.key, "now": now(request)}
    match form.text("action"):
        case "check_in":
            done = await service.check_in(database(request), actor, command, **given)
        case "take_back":
            done = await service.take_back_check_in(database(request), actor, command, **given)
        case "sign_up":
            done = await service.sign_up(database(request), actor, command, **given)
        case "withdraw":
            done = await service.withdraw(database(request), actor, command, **given)
        case "set_out" | "not_set_out" as action:
            done = await service.mark_set_out(database(request), actor, command, action == "set_out", **given)
        case _:
            raise NotFoundException
    if isinstance(done, list):
        return await _session_page(request, session_id, form.refused(done))
    return redirect(request, f"/sessions/{session_id}#person-{member_id}")


@get("/sessions/{session_id:int}/change", guards=[coordinators])
async def change_session_page(request: PageRequest, session_id: FromPath[int]) -> Response[str]:
    """The form of a session, filled in."""
    return await _change_page(request, session_id, None)


@post("/sessions/{session_id:int}/change", guards=[coordinators], status_code=303)
async def change_session(request: PageRequest, session_id: FromPath[int]) -> Response[Any]:
    """Change a session, or all that follow."""
    form = await forms.read(request)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        session = await the_session(request, connection, session_id)
    read = activity_forms.read_session(form)
    if isinstance(read, list):
        return await _change_page(request, session_id, form.refused(read))
    day, starts_at, details = read
    typed = form.text("version")
    command = ChangeSession(
        session_id=session_id,
        version=int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else session.version,
        day=day,
        starts_at=starts_at,
        details=details,
        following=form.has("following", "yes"),
    )
    done = await service.change_session(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )
    if isinstance(done, list):
        return await _change_page(request, session_id, form.refused(done))
    notice = "The session is changed." if done.sessions == 1 else f"{done.sessions} sessions are changed."
    return redirect(request, f"/sessions/{session_id}", notice=f"{notice} {_told(done.people_told)}")


@get("/sessions/{session_id:int}/cancel", guards=[coordinators])
async def cancel_session_page(request: PageRequest, session_id: FromPath[int]) -> Response[str]:
    """Ask why, and who had set out already."""
    return await _cancel_page(request, session_id, Form.blank(following="no"))


@post("/sessions/{session_id:int}/cancel", guards=[coordinators], status_code=303)
async def cancel_session(request: PageRequest, session_id: FromPath[int]) -> Response[Any]:
    """Cancel a session, or all that follow; everybody who signed up is told."""
    form = await forms.read(request)
    command = CancelSession(
        session_id=session_id,
        reason=form.text("reason"),
        following=form.has("following", "yes"),
        set_out=tuple(int(one) for one in form.all("set_out") if one.isascii() and one.isdigit() and len(one) < 19),
    )
    try:
        done = await service.cancel_session(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _cancel_page(request, session_id, form.refused(done))
    notice = "The session is cancelled." if done.sessions == 1 else f"{done.sessions} sessions are cancelled."
    return redirect(request, f"/sessions/{session_id}", notice=f"{notice} {_told(done.people_told)}")


async def typed_member(connection: Connection, timebank_id: int, typed: str) -> int | Refusal:
    """The id of the active member whose name or number was typed. Says nothing of others' names."""
    number = typed.rpartition("(")[2].rstrip(") ") if typed.endswith(")") else typed
    if not typed:
        return Refusal("member_missing", "Type a name, or a member number.", "who")
    if number.isascii() and number.isdigit() and len(number) <= 9:
        found = await members.search(connection, timebank_id, number, after=None, limit=50)
        ids = [one.id for one in found.items if one.number == int(number)]
    else:
        ids = [one.id for one in await members.same_name(connection, timebank_id, typed)]
    if len(ids) == 1:
        return ids[0]
    if ids:
        return Refusal("member_shared", "Several members have this name. Type the member number instead.", "who")
    return Refusal("member_unknown", "We found nobody like that. Type the whole name, or the member number.", "who")


def by_day(sessions: list[SessionShown]) -> list[tuple[date, list[SessionShown]]]:
    """Sessions under their days, in order."""
    return [(day, list(found)) for day, found in groupby(sessions, key=lambda one: one.held_on)]


async def _session_page(request: PageRequest, session_id: int, form: Form = BLANK) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        session = await the_session(request, connection, session_id)
        people = await queries.people(connection, timebank_id, session.activity_id, session.held_on, session_id)
        known = await members.known_members(connection, timebank_id) if coordinates(request) else []
        _, in_force = await banks.rules_in_force(connection, timebank_id, today(request))
    start = recurrence.moment(session.held_on, session.starts_at, viewer(request).time_zone)
    return render(
        request,
        "activities/session.html",
        422 if form.refusals else 200,
        form=form,
        session=session,
        people=list(zip(people, _names(people, whole=coordinates(request)), strict=True)),
        known=known[:MAX_SUGGESTIONS],
        coordinates=coordinates(request),
        opens_at=start - timedelta(minutes=in_force.check_in_opens_minutes),
        is_open=start - timedelta(minutes=in_force.check_in_opens_minutes) <= now(request),
        is_over=session.held_on < today(request),
        place="/groups",
    )


async def _change_page(request: PageRequest, session_id: int, form: Form | None) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        session = await the_session(request, connection, session_id)
        activity = await the_activity(request, connection, session.activity_id)
        following = await queries.following(connection, timebank_id, session)
    filled = form or activity_forms.session_form(activity, session)
    return _form_page(request, filled, activity, session, following)


async def _cancel_page(request: PageRequest, session_id: int, form: Form) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        session = await the_session(request, connection, session_id)
        people = await queries.people(connection, timebank_id, session.activity_id, session.held_on, session_id)
        following = await queries.following(connection, timebank_id, session)
    signed_up = [one for one in people if one.signed_up_at is not None]
    return render(
        request,
        "activities/session_cancel.html",
        422 if form.refusals else 200,
        form=form,
        session=session,
        signed_up=[(str(one.member_id), one.display_name) for one in signed_up],
        following=following,
        max_reason=rules.MAX_CANCEL_REASON,
        place="/groups",
    )


def _form_page(
    request: PageRequest,
    form: Form,
    activity: ActivityShown,
    session: SessionShown | None = None,
    following: int = 0,
) -> Response[str]:
    return render(
        request,
        "activities/session_form.html",
        422 if form.refusals else 200,
        form=form,
        activity=activity,
        session=session,
        following=following,
        choices=activity_forms.choices(),
        place="/groups",
    )


def _names(people: list[PersonOnList], *, whole: bool) -> list[str]:
    """What the viewer may read: whole names for a coordinator, first names for a leader."""
    if whole:
        return [one.display_name for one in people]
    return rules.first_names([(one.number, one.display_name, one.kind) for one in people])


def _told(count: int) -> str:
    if not count:
        return "Nobody had to be told."
    return f"We tell the {count} {'person' if count == 1 else 'people'} who signed up."


def _planned(done: Planned) -> str:
    """What was planned and what was not as asked, short enough for a notice."""
    many = len(done.session_ids)
    lines = [f"{many} sessions are planned." if many > 1 else "The session is planned."]
    if done.moved:
        lines.append(f"The clocks change on {_some(done.moved)}: the time is moved forward.")
    if done.months_without:
        lines.append(f"No such day in {_some(done.months_without, months=True)}.")
    if done.days_without:
        lines.append(f"No such time on {_some(done.days_without)}.")
    if done.left_out:
        lines.append(f"There was a session already on {_some(done.left_out)}.")
    return " ".join(lines)


def _some(days: list[date], *, months: bool = False) -> str:
    shown = (words.months if months else words.days)(days[:NAMED_DAYS])
    return shown if len(days) <= NAMED_DAYS else f"{shown}, and {len(days) - NAMED_DAYS} more"


ROUTES: list[Any] = [
    sessions_page,
    new_session_page,
    plan_sessions,
    session_page,
    change_people,
    change_session_page,
    change_session,
    cancel_session_page,
    cancel_session,
]
