"""Pages of files for accounts and people: account codes, journals, remittance advice, audit packs."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from ledger.export import WRITERS
from ledger.export import Form as JournalForm
from timebank.db import retrying
from timebank.kit.actor import FINANCE
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.payments import codes, papers, remittance, run_queries, taken
from timebank.payments.audit_pack import MEDIA_TYPE, Pack
from timebank.payments.codes import CODED, SetCodes
from timebank.payments.formats.accounts import KINDS_IN_WORDS
from timebank.payments.journal import Days
from timebank.payments.remittance import PER_PDF, SendRemittances
from timebank.payments.run_queries import MAX_BATCH_NUMBER
from timebank.payments.web import may_act, may_look
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form, date_fields
from timebank.web.pages import redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]
NO_STORE = {"Cache-Control": "no-store"}
MONTHS_SHOWN = 6
PLACE = "/payments"


@get("/payments/codes", guards=[may_look], include_in_schema=False)
async def codes_page(request: PageRequest) -> Response[str]:
    """For the accounts: the code of each kind of cost, and journals by month."""
    return await _codes_page(request)


@post("/payments/codes", guards=[may_act], include_in_schema=False)
async def save_codes(request: PageRequest) -> Response[Any]:
    """Keep the codes."""
    form = await forms.read(request)
    command = SetCodes(codes={kind: form.text(f"code_{kind}") for kind in CODED})
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: codes.set_codes(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _codes_page(request, form.refused(result))
    return redirect(request, "/payments/codes", notice="The account codes are saved.")


@post("/payments/journal", guards=[may_look], include_in_schema=False)
async def choose_journal(request: PageRequest) -> Response[Any]:
    """Days as they were typed; leads to the download."""
    form = await forms.read(request)
    first, last = form.date("first"), form.date("last")
    refusals = [one for one in (first, last) if isinstance(one, Refusal)]
    if form.text("form") not in WRITERS:
        refusals.append(Refusal("unknown_form", "Choose for which program.", "form"))
    if isinstance(first, date) and isinstance(last, date) and last < first:
        refusals.append(Refusal("days_turned", "The last day is before the first. Choose them again.", "last"))
    if refusals:
        return await _codes_page(request, form.refused(refusals))
    return redirect(request, f"/payments/journal?form={form.text('form')}&first={first}&last={last}")


@get("/payments/journal", guards=[may_look], include_in_schema=False)
async def journal_file(
    request: PageRequest, form: FromQuery[str] = "", first: FromQuery[str] = "", last: FromQuery[str] = ""
) -> Response[Any]:
    """The ledger's money entries of these days."""
    days, program = _days(first, last), _program(form)
    if days is None or program is None:
        raise NotFoundException
    made = await papers.journal_of(database(request), viewer(request).actor.timebank_id, days, program)
    if isinstance(made, list):
        return await _codes_page(request, BLANK.refused(made))
    return download(made, "text/plain")


@get("/payments/batches/{number:int}/papers", guards=[may_look], include_in_schema=False)
async def papers_page(request: PageRequest, number: FromPath[int]) -> Response[str]:
    """Remittance advice of a payment run, on paper and by e-mail, and its audit pack."""
    return await _papers_page(request, number)


@post("/payments/batches/{number:int}/remittances", guards=[may_act], include_in_schema=False)
async def send_remittances(request: PageRequest, number: FromPath[int]) -> Response[Any]:
    """E-mail whoever has an address and was not told yet."""
    form = await forms.read(request)
    command = SendRemittances(number=_known(number))
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: remittance.send_remittances(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _papers_page(request, number, form.refused(result))
    notice = f"{in_words(result.asked)} sent within minutes." if result.asked else "There was nobody left to tell."
    return redirect(request, f"/payments/batches/{number}/papers", notice=notice)


@get("/payments/batches/{number:int}/remittances", guards=[may_look], include_in_schema=False)
async def remittances_file(request: PageRequest, number: FromPath[int], part: FromQuery[int] = 1) -> Response[bytes]:
    """Remittance advice of many payees in one PDF."""
    return await _advice(request, number, part=part)


@get("/payments/batches/{number:int}/lines/{line:int}/remittance", guards=[may_look], include_in_schema=False)
async def remittance_file(request: PageRequest, number: FromPath[int], line: FromPath[int]) -> Response[bytes]:
    """Remittance advice of one payee."""
    return await _advice(request, number, line=line)


@get("/payments/batches/{number:int}/audit-pack", guards=[may_look], include_in_schema=False)
async def audit_pack_file(request: PageRequest, number: FromPath[int]) -> Response[bytes]:
    """All that stands behind a payment run, as a zip."""
    actor = viewer(request).actor
    pack = await papers.audit_pack_of(database(request), actor.timebank_id, _known(number))
    if pack is None:
        raise NotFoundException
    await taken.note(database(request), actor, number, taken.AUDIT_PACK, now=now(request))
    return download(pack, MEDIA_TYPE)


def download(pack: Pack, media_type: str) -> Response[bytes]:
    """A file that nobody keeps on the way."""
    headers = {"Content-Disposition": f'attachment; filename="{pack.file_name}"', **NO_STORE}
    return Response(pack.content, media_type=media_type, headers=headers)


def in_words(mails: int) -> str:
    """``1 e-mail is``, ``3 e-mails are``."""
    return "1 e-mail is" if mails == 1 else f"{mails} e-mails are"


async def _advice(request: PageRequest, number: int, *, line: int | None = None, part: int = 1) -> Response[bytes]:
    if not 1 <= part <= MAX_BATCH_NUMBER // PER_PDF:
        raise NotFoundException
    person = viewer(request)
    made = await papers.advice_of(
        database(request), person.actor.timebank_id, _known(number), line=line, part=part, large=person.is_large
    )
    if made is None:
        raise NotFoundException
    return download(made, "application/pdf")


async def _codes_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        chosen = await codes.account_codes(connection, person.actor.timebank_id)
    months = list(_months(today(now(request), person.time_zone)))
    kept: Mapping[str, Any] = {f"code_{kind}": code for kind, code in chosen.items()}
    days = date_fields("first", months[0].first) | date_fields("last", months[0].last)
    return render(
        request,
        "payments/codes.html",
        422 if form.refusals else 200,
        form=form if form.fields else Form.blank(**kept, **days, form="hledger").refused(form.refusals),
        kinds=[(kind, KINDS_IN_WORDS[kind][0].upper() + KINDS_IN_WORDS[kind][1:]) for kind in CODED],
        months=months,
        chosen=chosen,
        programs=[("hledger", "hledger or ledger"), ("beancount", "beancount")],
        can_act=person.has_role(FINANCE),
        place=PLACE,
    )


async def _papers_page(request: PageRequest, number: int, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        batch = await run_queries.batch(connection, timebank_id, _known(number))
        if batch is None:
            raise NotFoundException
        mails = await remittance.mails_of(connection, timebank_id, number)
        standing = len(await remittance.standing_lines(connection, timebank_id, number))
    return render(
        request,
        "payments/papers.html",
        422 if form.refusals else 200,
        form=form,
        batch=batch,
        mails=mails,
        standing=standing,
        parts=list(range(1, -(-standing // PER_PDF) + 1)),
        per_pdf=PER_PDF,
        can_act=person.has_role(FINANCE),
        place=PLACE,
    )


def _months(day: date) -> list[Days]:
    """This month and those before it, newest first."""
    found, first = [], day.replace(day=1)
    for _ in range(MONTHS_SHOWN):
        following = (first + timedelta(days=31)).replace(day=1)
        found.append(Days(first, following - timedelta(days=1)))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def _days(first: str, last: str) -> Days | None:
    try:
        return Days(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError:
        return None


def _program(name: str) -> JournalForm | None:
    return next((known for known in WRITERS if known == name), None)


def _known(number: int) -> int:
    if not 0 < number <= MAX_BATCH_NUMBER:
        raise NotFoundException
    return number


ROUTES = [
    codes_page,
    save_codes,
    choose_journal,
    journal_file,
    papers_page,
    send_remittances,
    remittances_file,
    remittance_file,
    audit_pack_file,
]
