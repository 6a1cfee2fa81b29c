"""Pages of payment runs: making one, its payments and what the bank did with them, its files, taking it back."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.banks import queries as banks
from timebank.db import retrying
from timebank.kit.actor import FINANCE
from timebank.kit.clock import today
from timebank.kit.paging import DEFAULT_PAGE_SIZE
from timebank.kit.refusal import Refusal
from timebank.kit.working_days import working_days_after
from timebank.payees.queries import accounts
from timebank.payments import (
    batches,
    files,
    format_words,
    leaving,
    outcomes,
    profiles,
    rules,
    run_queries,
    taken,
    words,
)
from timebank.payments.batches import ExportBatch
from timebank.payments.downloads import SEND_AS_IS, file_response
from timebank.payments.files import MakeFile
from timebank.payments.outcomes import RecordOutcome, VoidBatch
from timebank.payments.rules import PaymentFacts
from timebank.payments.run_queries import MAX_BATCH_NUMBER
from timebank.payments.settings import payment_settings
from timebank.payments.web import key_of, may_act, may_look, queues_page
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form, date_fields
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]


@get("/payments/export", guards=[may_act], include_in_schema=False)
async def export_page(request: PageRequest, format_code: FromQuery[str | None] = None) -> Response[str]:
    """What leaves in which format and on which day, and what stays behind and why."""
    return await _export_page(request, format_code or "")


@post("/payments/export", guards=[may_act], include_in_schema=False)
async def export(request: PageRequest) -> Response[Any]:
    """Export what is ready; leads to the new payment run."""
    form = await forms.read(request)
    on_page = form.text("on_page") == "yes"
    processing_on = form.date("processing_on") if on_page else None
    if isinstance(processing_on, Refusal):
        return await _export_page(request, form.text("format"), form.refused([processing_on]))
    command = ExportBatch(
        format=form.text("format"),
        expected_count=_whole_number(form.text("expected_count")),
        expected_pence=_whole_number(form.text("expected_pence")),
        processing_on=processing_on,
    )
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: batches.export(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        refused = form.refused(result)
        return await (_export_page(request, command.format, refused) if on_page else queues_page(request, refused))
    return redirect(
        request,
        f"/payments/batches/{result.number}",
        notice=f"Payment run {result.number} is made: {rules.payments_in_words(result.line_count)}.",
    )


@get("/payments/batches", guards=[may_look], include_in_schema=False)
async def batches_page(request: PageRequest, cursor: FromQuery[str | None] = None) -> Response[str]:
    """Payment runs, newest first."""
    person = viewer(request)
    before = key_of(cursor, MAX_BATCH_NUMBER)
    async with database(request).reading(person.actor.timebank_id) as connection:
        page = await run_queries.batches(
            connection, person.actor.timebank_id, before=min(before, MAX_BATCH_NUMBER), size=DEFAULT_PAGE_SIZE
        )
        numbers = [batch.number for batch in page.items]
        states = await run_queries.states(connection, person.actor.timebank_id, numbers)
    return render(
        request,
        "payments/batches.html",
        page=page,
        states=states,
        words=words,
        local=lambda moment: local(moment, person),
    )


@get("/payments/batches/{number:int}", guards=[may_look], include_in_schema=False)
async def batch_page(request: PageRequest, number: FromPath[int]) -> Response[str]:
    """One payment run: its totals, its files, and what the bank did with each payment."""
    return await _batch_page(request, number)


@get("/payments/batches/{number:int}/file", guards=[may_look], opt=SEND_AS_IS, include_in_schema=False)
async def batch_file(
    request: PageRequest, number: FromPath[int], format_code: FromQuery[str | None] = None
) -> Response[bytes]:
    """The stored bytes of a payment run, the same for ever; ``format_code`` for another than its first file."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        batch = await run_queries.batch(connection, actor.timebank_id, _batch_number(number))
        if batch is None:
            raise NotFoundException
        file = await run_queries.batch_file(connection, actor.timebank_id, number, format_code or batch.format)
    if file is None:
        raise NotFoundException
    await taken.note(database(request), actor, number, file.format, now=now(request))
    return file_response(file)


@post("/payments/batches/{number:int}/file", guards=[may_act], include_in_schema=False)
async def make_file(request: PageRequest, number: FromPath[int]) -> Response[Any]:
    """Make the file of a payment run in one more format; leads to its download."""
    form = await forms.read(request)
    command = MakeFile(number=_batch_number(number), format=form.text("format"))
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: files.make_file(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _batch_page(request, number, form.refused(result))
    return redirect(request, f"/payments/batches/{number}/file?format_code={result.format}")


@post("/payments/batches/{number:int}/void", guards=[may_act], include_in_schema=False)
async def void(request: PageRequest, number: FromPath[int]) -> Response[Any]:
    """Take a payment run back as a whole, with a reason."""
    form = await forms.read(request)
    command = VoidBatch(number=_batch_number(number), reason=form.text("reason"))
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: outcomes.void_batch(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _batch_page(request, number, form.refused(result))
    notice = f"Payment run {number} is void. What was in it is ready to leave again."
    return redirect(request, f"/payments/batches/{number}", notice=notice)


@get("/payments/batches/{number:int}/lines/{line:int}", guards=[may_look], include_in_schema=False)
async def line_page(request: PageRequest, number: FromPath[int], line: FromPath[int]) -> Response[str]:
    """One payment of a run: what is in it, and what the bank did with it."""
    return await _line_page(request, number, line)


@post("/payments/batches/{number:int}/lines/{line:int}", guards=[may_act], include_in_schema=False)
async def outcome(request: PageRequest, number: FromPath[int], line: FromPath[int]) -> Response[Any]:
    """Record what the bank did: paid, rejected or returned; leads back to the run."""
    form = await forms.read(request)
    payment = await _payment(request, number, line)
    on = form.date("on")
    if isinstance(on, Refusal):
        return await _line_page(request, number, line, form.refused([on]))
    command = RecordOutcome(
        reference=payment.reference, outcome=form.text("outcome"), on=on, reason=form.text("reason")
    )
    db, actor = database(request), viewer(request).actor
    result = await retrying(lambda: outcomes.record_outcome(db, actor, command, key=form.key, now=now(request)))
    if isinstance(result, list):
        return await _line_page(request, number, line, form.refused(result))
    notice = f"Payment to {payment.payee_name}: {words.EVENT_NAMES[result.state].lower()}."
    return redirect(request, f"/payments/batches/{number}", notice=notice)


async def _export_page(request: PageRequest, format_code: str, form: Form | None = None) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    day = today(now(request), person.time_zone)
    async with database(request).reading(timebank_id) as connection:
        settings = await payment_settings(connection, timebank_id)
        payment_format = await profiles.any_format(connection, timebank_id, format_code or settings.format)
        if payment_format is None:
            raise NotFoundException
        plan = await leaving.plan(connection, timebank_id, payment_format)
        format_choices = await profiles.choices(connection, timebank_id)
        payees = {group.payee_id: group.payee_name for group in plan.groups}
        known = await accounts(connection, timebank_id, list(payees)) if payment_format.use == "bank" else {}
        bank = await banks.by_id(connection, timebank_id)
    first = working_days_after(day, settings.days_ahead, bank.holiday_region)
    return render(
        request,
        "payments/export.html",
        422 if form else 200,
        form=form or Form.blank(**date_fields("processing_on", first)),
        plan=plan,
        payment_format=payment_format,
        changed=format_words.sent_otherwise(
            payment_format, ((name, known.get(payee_id)) for payee_id, name in payees.items())
        ),
        format_choices=format_choices,
        currency=bank.currency,
        words=words,
        payments_in_words=rules.payments_in_words,
    )


async def _batch_page(request: PageRequest, number: int, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        batch = await run_queries.batch(connection, timebank_id, _batch_number(number))
        if batch is None:
            raise NotFoundException
        payments = await run_queries.payments_of_batch(connection, timebank_id, number)
        made = await run_queries.batch_files(connection, timebank_id, number)
        totals = await run_queries.sums_of_batch(connection, timebank_id, number)
        format_choices = await profiles.choices(connection, timebank_id)
        takings = await taken.of_batch(connection, timebank_id, number)
    return render(
        request,
        "payments/batch.html",
        422 if form.refusals else 200,
        form=form,
        batch=batch,
        payments=payments,
        files=made,
        format_choices=format_choices,
        takings=takings,
        names={taken.AUDIT_PACK: "Audit pack"} | {code: name for code, name, _ in format_choices},
        totals=totals,
        is_open=all(payment.state == rules.EXPORTED for payment in payments),
        local=lambda moment: local(moment, person),
        today=today(now(request), person.time_zone),
        can_act=person.has_role(FINANCE),
        words=words,
        payments_in_words=rules.payments_in_words,
    )


async def _line_page(request: PageRequest, number: int, line: int, form: Form | None = None) -> Response[str]:
    person = viewer(request)
    payment = await _payment(request, number, line)
    async with database(request).reading(person.actor.timebank_id) as connection:
        items = await run_queries.items_of_payment(connection, person.actor.timebank_id, payment)
    return render(
        request,
        "payments/line.html",
        422 if form else 200,
        form=form or Form.blank(**date_fields("on", today(now(request), person.time_zone))),
        payment=payment,
        items=items,
        can_act=person.has_role(FINANCE),
        words=words,
    )


async def _payment(request: PageRequest, number: int, line: int) -> PaymentFacts:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        payments = await run_queries.payments_of_batch(connection, timebank_id, _batch_number(number))
    found = next((payment for payment in payments if payment.line == line), None)
    if found is None:
        raise NotFoundException
    return found


def _batch_number(number: int) -> int:
    if not 0 < number <= MAX_BATCH_NUMBER:
        raise NotFoundException
    return number


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


ROUTES = [
    export_page,
    export,
    batches_page,
    batch_page,
    batch_file,
    make_file,
    void,
    line_page,
    outcome,
]
