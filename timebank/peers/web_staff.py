"""Pages of staff: every open ask, which checks helpers need, and reports for those who lead on safeguarding."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath

from timebank.kit.actor import COORDINATOR
from timebank.members.access import note_daily
from timebank.members.checks import CHECK_KINDS
from timebank.peers import cards, queries, reporting, rules, service
from timebank.peers.service import Answer, NeedCheck
from timebank.peers.words import CATEGORIES, STATES
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]
coordinates = requires_role(COORDINATOR)


@get("/share/all", guards=[coordinates], include_in_schema=False)
async def show_all(request: PageRequest) -> Response[str]:
    """Every open ask: what a coordinator settles first, then what is agreed and what waits."""
    return await _all_page(request)


@post("/share/checks", guards=[coordinates], status_code=200, include_in_schema=False)
async def set_check(request: PageRequest) -> Response[Any]:
    """Which check helpers of a category need."""
    form = await forms.read(request)
    command = NeedCheck(category=form.text("category"), check_kind=form.text("check_kind"))
    done = await service.need_check(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _all_page(request, form.refused(done))
    return redirect(request, "/share/all", notice="Saved. It counts for every new ask.")


async def _all_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        asks = await queries.open_asks(connection, actor.timebank_id)
        checks = await cards.category_checks(connection, actor.timebank_id)
    return render(
        request,
        "peers/all.html",
        422 if form.refusals else 200,
        form=form,
        settling=[each for each in asks if each.state == rules.SETTLING],
        others=[each for each in asks if each.state != rules.SETTLING],
        states=STATES,
        categories=CATEGORIES,
        checks=checks,
        check_kinds=CHECK_KINDS,
        now=now(request),
    )


@get("/share/reports", guards=[signed_in], include_in_schema=False)
async def show_reports(request: PageRequest) -> Response[str]:
    """What members reported, for the safeguarding lead and deputies; never what is about the reader."""
    return await _reports_page(request)


@post("/share/reports/{report_id:int}", guards=[signed_in], status_code=200, include_in_schema=False)
async def answer_report(request: PageRequest, report_id: FromPath[int]) -> Response[Any]:
    """It was read; the one who told it hears so."""
    form, actor = await forms.read(request), viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        if not await reporting.may_read_reports(connection, actor):
            raise PermissionDeniedException
    command = Answer(report_id=report_id, words=form.text(f"words-{report_id}"))
    try:
        done = await service.answer_report(database(request), actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _reports_page(request, form.refused(done))
    return redirect(request, "/share/reports", notice="Noted. They are told.")


async def _reports_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        if not await reporting.may_read_reports(connection, actor):
            raise PermissionDeniedException
        reports = await queries.reports(connection, actor.timebank_id, actor.member_id)
    for member_id in {each.from_member_id for each in reports}:
        await note_daily(database(request), actor, member_id, "read what you reported about a member", now=now(request))
    return render(
        request,
        "peers/reports.html",
        422 if form.refusals else 200,
        form=form,
        reports=reports,
    )


ROUTES = [show_all, set_check, show_reports, answer_report]
