"""My statement for any dates: on the page, as PDF in two sizes, as a spreadsheet, as plain text; who may check it."""

import asyncio
from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException

from timebank import languages, paper
from timebank.home.dated import Dated
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members.statement_checks import SetChecks, checks_of, set_checks
from timebank.statements import making, rules, service
from timebank.statements import paper as statement_paper
from timebank.statements.paper import Printed
from timebank.statements.rules import Period
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import Form, date_fields
from timebank.web.pages import redirect, render
from timebank.web.reading import reading_of
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422
MINE = [signed_in]
PRIVATE = {"Cache-Control": "no-store"}


@get("/statement", guards=MINE, include_in_schema=False)
async def show_statement(request: PageRequest) -> Response[Any]:
    """What I had, what came, what went and what I have then, for the days I choose."""
    timebank_id, member_id = subject(request)
    chosen = asked(request)
    form = _form(request, chosen)
    found: Dated | list[Refusal] = chosen if isinstance(chosen, list) else []
    if isinstance(chosen, Period):
        found = await making.read(database(request), timebank_id, member_id, chosen.first, chosen.last)
    if isinstance(found, list):
        return _page(request, form.refused(found), None)
    return _page(request, form, found)


@get("/statement/pdf", guards=MINE, include_in_schema=False)
async def statement_pdf(request: PageRequest) -> Response[Any]:
    """The statement as a tagged PDF; ``?size=large`` in large print, which is what comes to those who read large."""
    printed = await printed_for(request)
    with languages.speaking(language_of(request)):
        data = statement_paper.pdf_data(printed, large=is_large(request))
    return await pdf_response("statement", data, f"{printed.file_name}.pdf")


@get("/statement/csv", guards=MINE, include_in_schema=False)
async def statement_csv(request: PageRequest) -> Response[Any]:
    """The statement for a spreadsheet."""
    printed = await printed_for(request, with_code=False)
    with languages.speaking(language_of(request)):
        content = statement_paper.as_csv(printed)
    return Response(
        content.encode(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{printed.file_name}.csv"', **PRIVATE},
    )


@get("/statement/text", guards=MINE, include_in_schema=False)
async def statement_text(request: PageRequest) -> Response[Any]:
    """The statement as plain text."""
    printed = await printed_for(request)
    with languages.speaking(language_of(request)):
        content = statement_paper.as_text(printed)
    return Response(content, media_type="text/plain; charset=utf-8", headers=PRIVATE)


@get("/statement/checks", guards=MINE, include_in_schema=False)
async def show_checks(request: PageRequest) -> Response[Any]:
    """Whether others may check my printed statements, and when somebody did."""
    return await _checks_page(request, Form.blank())


@post("/statement/checks", guards=MINE, include_in_schema=False)
async def change_checks(request: PageRequest) -> Response[Any]:
    """Turn it on, or off for every paper at once."""
    _, member_id = subject(request)
    form = await forms.read(request)
    command = SetChecks(member_id=member_id, is_on=form.text("answer") == "on")
    done = await set_checks(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _checks_page(request, form.refused(done))
    on = say("Others can check your new statements. Print one now.")
    off = say("Nobody can check your statements now.")
    return redirect(request, "/statement/checks", notice=on if done.is_on else off)


def subject(request: PageRequest) -> tuple[int, int]:
    """The time bank, and the member whose statement it is: the viewer, or whom they act for."""
    return viewer(request).actor.timebank_id, viewer(request).subject_id


def asked(request: PageRequest) -> Period | list[Refusal]:
    """The days that the address asks for: ``first`` and ``last``, a named period, or the boxes of the form."""
    query = request.query_params
    day = today(now(request), viewer(request).time_zone)
    if "first" in query or "last" in query:
        return _exact(query.get("first", ""), query.get("last", ""))
    if query.get("period") != rules.OTHER:
        return rules.period(query.get("period", ""), day)
    form = _asked_form(request)
    first, last = form.date("first"), form.date("last")
    refusals = [one for one in (first, last) if isinstance(one, Refusal)]
    if isinstance(first, Refusal) or isinstance(last, Refusal):
        return refusals
    return rules.check_period(first, last) or Period(first, last)


def _exact(first: str, last: str) -> Period | list[Refusal]:
    try:
        chosen = Period(date.fromisoformat(first[:10]), date.fromisoformat(last[:10]))
    except ValueError:
        return [Refusal("date_unreadable", say("Choose the first and the last day."), "first")]
    return rules.check_period(chosen.first, chosen.last) or chosen


async def printed_for(request: PageRequest, *, with_code: bool = True) -> Printed:
    """The statement that the address asks for.

    Raises:
        NotFoundException: the address asks for no days that we can show. The page says what is wrong with them.
    """
    timebank_id, member_id = subject(request)
    chosen = asked(request)
    if isinstance(chosen, list):
        raise NotFoundException
    db, actor = database(request), viewer(request).actor
    if not with_code:
        whose, _ = await making.subject_of(db, timebank_id, member_id, now=now(request))
        found = await making.read(db, timebank_id, member_id, chosen.first, chosen.last)
        printed: Printed | list[Refusal] = found if isinstance(found, list) else Printed(subject=whose, dated=found)
    else:
        base_url = settings(request).base_url
        printed = await making.make(
            db, actor, member_id, chosen.first, chosen.last, base_url=base_url, now=now(request)
        )
    if isinstance(printed, list):
        raise NotFoundException
    return printed


def is_large(request: PageRequest) -> bool:
    """Large print: when asked for, or when the reader reads large and asked for nothing else."""
    size = request.query_params.get("size", "")
    return size == "large" or (size != "normal" and reading_of(request).is_large)


def language_of(request: PageRequest) -> str:
    """The language of the reader."""
    return reading_of(request).language


async def pdf_response(template: str, data: dict[str, object], file_name: str) -> Response[Any]:
    """Set the page in a thread: it would hold up everybody else."""
    content = await asyncio.to_thread(paper.pdf, template, data)
    headers = {"Content-Disposition": f'inline; filename="{file_name}"', **PRIVATE}
    return Response(content, media_type="application/pdf", headers=headers)


def _asked_form(request: PageRequest) -> Form:
    fields = [f"{end}-{part}" for end in ("first", "last") for part in ("day", "month", "year")]
    return Form.blank(**{name: request.query_params.get(name, "")[: forms.MAX_NAME_CHARACTERS] for name in fields})


def _form(request: PageRequest, chosen: Period | list[Refusal]) -> Form:
    """The form as the page shows it: what was chosen, and the days that it means in the boxes."""
    names = [name for name, _ in rules.PERIODS]
    name = request.query_params.get("period", "")
    if isinstance(chosen, list):
        return Form({**_asked_form(request).fields, **_exact_fields(request), "period": (rules.OTHER,)})
    if name not in names:
        name = rules.OTHER if "first" in request.query_params else rules.THREE_MONTHS
    return Form.blank(period=name, **date_fields("first", chosen.first), **date_fields("last", chosen.last))


def _exact_fields(request: PageRequest) -> dict[str, tuple[str, ...]]:
    """The days of an address that could not be shown, in the boxes, to be put right."""
    filled: dict[str, str] = {}
    for name in ("first", "last"):
        try:
            filled |= date_fields(name, date.fromisoformat(request.query_params.get(name, "")[:10]))
        except ValueError:
            continue
    return dict(Form.blank(**filled).fields)


def _page(request: PageRequest, form: Form, found: Dated | None) -> Response[Any]:
    return render(
        request,
        "statements/statement.html",
        REFUSED if form.refusals else 200,
        form=form,
        found=found,
        days=urlencode({"first": found.first.isoformat(), "last": found.last.isoformat()}) if found else "",
        today=today(now(request), viewer(request).time_zone),
        periods=rules.PERIODS,
    )


async def _checks_page(request: PageRequest, form: Form) -> Response[Any]:
    timebank_id, member_id = subject(request)
    async with database(request).reading(timebank_id) as connection:
        is_on = await checks_of(connection, timebank_id, member_id)
        looks = await service.looks(connection, timebank_id, member_id)
    return render(
        request,
        "statements/checks.html",
        REFUSED if form.refusals else 200,
        form=form,
        is_on=is_on,
        looks=looks,
    )


ROUTES = [show_statement, statement_pdf, statement_csv, statement_text, show_checks, change_checks]
