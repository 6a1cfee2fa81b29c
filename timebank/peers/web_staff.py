"""Pages of staff: every open ask, which checks helpers need, and reports for those who lead on safeguarding."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath

from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.words import mark
from timebank.members import safeguarding
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


@get("/share/offers/{offer_id:int}/check", guards=[coordinates], include_in_schema=False)
async def show_offer_check(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """Which check one offer needs, and whether its helper has it."""
    return await _offer_check_page(request, offer_id)


@post("/share/offers/{offer_id:int}/check", guards=[coordinates], status_code=200, include_in_schema=False)
async def set_offer_check(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Which check the helper of one offer needs."""
    form = await forms.read(request)
    command = NeedCheck(offer_id=offer_id, check_kind=form.text("check_kind"))
    try:
        done = await service.need_check(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _offer_check_page(request, offer_id, form.refused(done))
    return redirect(request, f"/share/offers/{offer_id}/check", notice="Saved. It counts for every new ask.")


async def _offer_check_page(request: PageRequest, offer_id: int, form: Form | None = None) -> Response[str]:
    actor, moment = viewer(request).actor, now(request)
    async with database(request).reading(actor.timebank_id) as connection:
        card = await cards.skill(connection, actor.timebank_id, offer_id)
        if card is None:
            raise NotFoundException
        checks = await cards.category_checks(connection, actor.timebank_id)
        day = today(moment, viewer(request).time_zone)
        has_check = bool(card.check_kind) and await safeguarding.has_valid_check(
            connection, actor.timebank_id, card.member_id, card.check_kind, day
        )
    return render(
        request,
        "peers/offer_check.html",
        422 if form is not None else 200,
        form=form or Form.blank(check_kind=card.check_kind),
        card=card,
        of_category=checks.get(card.category, ""),
        has_check=has_check,
        check_kinds=CHECK_KINDS,
        place="/share/all",
    )


async def _all_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        asks = await queries.open_asks(connection, actor.timebank_id)
        checks = await cards.category_checks(connection, actor.timebank_id)
        offer_checks = await cards.with_checks(connection, actor.timebank_id)
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
        offer_checks=offer_checks,
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
        await note_daily(
            database(request), actor, member_id, mark("read what you reported about a member"), now=now(request)
        )
    return render(
        request,
        "peers/reports.html",
        422 if form.refusals else 200,
        form=form,
        reports=reports,
    )


ROUTES = [show_all, set_check, show_offer_check, set_offer_check, show_reports, answer_report]
