"""A participant's first page, all their entries, and a member's record for coordinators."""

from datetime import date
from pathlib import Path
from typing import Any

from litestar import Request, Response, get, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.contributions import deputies
from timebank.home import dated, money, queries
from timebank.hours import queries as hours
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE
from timebank.kit.clock import today
from timebank.kit.words import mark
from timebank.members.access import note_access
from timebank.members.details import may_change
from timebank.members.queries import as_seen_by
from timebank.members.supporters import BOOK, LOG_TIME, MESSAGES, SEE_HOURS
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import Viewer, requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]


@get("/", include_in_schema=False)
async def show_home(request: PageRequest) -> Response[Any]:
    """The hours I have, my last entries in words, and where to go from here. Leads visitors to the sign-in page.

    A supporter who may not see the hours gets links to what they may do.
    """
    person = viewer(request)
    if not person.is_signed_in:
        return redirect(request, "/sign-in")
    scope = person.acting_for.scope if person.acting_for else None
    if scope is not None and SEE_HOURS not in scope:
        return render(request, "home/supporting.html", may_log=LOG_TIME in scope, may_read=MESSAGES in scope)
    timebank_id, member_id = _ids(person)
    day = today(now(request), person.time_zone)
    async with database(request).reading(timebank_id) as connection:
        page = await queries.first_page(
            connection,
            person.actor,
            member_id,
            on=day,
            now=now(request),
            books=_may_book(person),
            sees_money=scope is None,
        )
        decider = await deputies.as_decider(connection, person.actor, day)
        waits = await queries.work(connection, decider, on=day) if decider else None
        money_waits = await money.waiting_for(connection, person.actor, day)
    return render(request, "home/home.html", page=page, waits=waits, money_waits=money_waits)


@get("/more", guards=[requires_role(COORDINATOR)], include_in_schema=False)
async def show_more(request: PageRequest) -> Response[str]:
    """Everything else that coordinators and administrators do, by subject."""
    return render(request, "home/more.html")


@get("/hours", guards=[signed_in], include_in_schema=False)
async def show_hours(request: PageRequest, month: FromQuery[str | None] = None) -> Response[str]:
    """All my entries by months, newest first. An address that names no month shows the newest."""
    person = viewer(request)
    timebank_id, member_id = _ids(person)
    async with database(request).reading(timebank_id) as connection:
        hours_now = await hours.balance(connection, timebank_id, member_id)
        page = await dated.hours_page(connection, timebank_id, member_id, _month(month or ""))
    return render(
        request,
        "home/hours.html",
        hours_now=hours_now,
        page=page,
        today=today(now(request), person.time_zone),
        form=Form.blank(month=page.shown[0].month.strftime("%Y-%m") if page.shown else None),
    )


def _month(text: str) -> date | None:
    """The first day of the month in ``2026-03``; None for anything else."""
    try:
        return date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return None


@get("/members/{member_id:int}", guards=[requires_role(COORDINATOR, FINANCE)], include_in_schema=False)
async def show_record(request: PageRequest, member_id: FromPath[int]) -> Response[str]:
    """A member's record, as far as the viewer's role may see it. The look is written down before the page is shown.

    Finance sees how to reach somebody, not what they need nor what they did. Session leaders have no such page: their
    registers show first names.
    """
    person, db = viewer(request).actor, database(request)
    day = today(now(request), viewer(request).time_zone)
    async with db.reading(person.timebank_id) as connection:
        record = await queries.record(connection, person.timebank_id, member_id)
    if record is None:
        raise NotFoundException
    await note_access(db, person, member_id, mark("looked at the record"), now=now(request))
    member = as_seen_by(person, record.member)
    if not person.has(COORDINATOR):
        return render(request, "members/for_finance.html", member=member)
    return render(
        request,
        "home/record.html",
        record=record,
        today=day,
        member=member,
        may_change=may_change(person, member),
        is_admin=person.has(ADMIN),
        is_self=person.member_id == member.id,
    )


@route("/{rest:path}", http_method=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def show_nothing(rest: FromPath[Path]) -> Response[str]:
    """Any address that nothing else answers. As a page of ours it knows who is looking: a wrong turn signs nobody out.

    Raises:
        NotFoundException: always.
    """
    raise NotFoundException


def _may_book(person: Viewer) -> bool:
    """False for a supporter whose agreement does not cover booking."""
    acting = person.acting_for
    return acting is None or acting.scope is None or BOOK in acting.scope


def _ids(person: Viewer) -> tuple[int, int]:
    """The time bank, and the member whose hours are shown."""
    return person.actor.timebank_id, person.subject_id


ROUTES = [show_home, show_hours, show_more, show_record, show_nothing]
