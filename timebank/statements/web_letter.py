"""Papers to print: statements in one tap, and the letter that explains hours to an office."""

from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException

from timebank import languages
from timebank.kit.clock import today
from timebank.members.statement_checks import checks_of
from timebank.statements import letter, making, rules
from timebank.statements.paper import Printed
from timebank.statements.web_statement import (
    MINE,
    PRIVATE,
    PageRequest,
    asked,
    is_large,
    pdf_response,
    printed_for,
    subject,
)
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import render
from timebank.web.reading import offered, reading_of
from timebank.web.viewer import viewer


@get("/print", guards=MINE, include_in_schema=False)
async def show_print(request: PageRequest) -> Response[Any]:
    """Everything that can be printed, each in one tap."""
    timebank_id, member_id = subject(request)
    async with database(request).reading(timebank_id) as connection:
        is_on = await checks_of(connection, timebank_id, member_id)
    return render(
        request,
        "statements/print.html",
        form=Form.blank(period=rules.THREE_MONTHS),
        periods=[one for one in rules.PERIODS if one[0] != rules.OTHER],
        is_on=is_on,
        own_language=languages.LANGUAGES[reading_of(request).language],
    )


@get("/print/letter", guards=MINE, include_in_schema=False)
async def letter_pdf(request: PageRequest) -> Response[Any]:
    """The letter as a tagged PDF. ``?add=statement`` adds the statement of a period; nothing else does.

    It is in English, because an office reads it; ``?language=cy`` asks for another one that is offered.
    """
    timebank_id, member_id = subject(request)
    whose, contact = await making.subject_of(database(request), timebank_id, member_id, now=now(request))
    printed: Printed | None = None
    if request.query_params.get("add") == "statement":
        if isinstance(asked(request), list):
            raise NotFoundException
        printed = await printed_for(request)
    day = today(now(request), viewer(request).time_zone)
    with languages.speaking(_language(request)):
        data = letter.pdf_data(whose, contact, printed, on=day, large=is_large(request))
    return await pdf_response("hours_letter", data, "about-time-bank-hours.pdf")


@get("/print/letter/text", guards=MINE, include_in_schema=False)
async def letter_text(request: PageRequest) -> Response[Any]:
    """The letter as plain text, to copy into an e-mail or an online form."""
    timebank_id, member_id = subject(request)
    whose, contact = await making.subject_of(database(request), timebank_id, member_id, now=now(request))
    day = today(now(request), viewer(request).time_zone)
    with languages.speaking(_language(request)):
        content = letter.as_text(whose, contact, on=day)
    return Response(content, media_type="text/plain; charset=utf-8", headers=PRIVATE)


def _language(request: PageRequest) -> str:
    code = request.query_params.get("language", "")
    return code if any(code == language.code for language in offered(request)) else languages.SOURCE


ROUTES = [show_print, letter_pdf, letter_text]
