"""Members' own pages: what I paid, one cost at a time; sent, asked about, answered; and where the money is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.claims import (
    access_queries,
    access_rules,
    line_forms,
    occasions,
    queries,
    receipts,
    rules,
    service,
    web_photos,
    words,
)
from timebank.claims.queries import Claim, Line
from timebank.claims.service import (
    AddLine,
    Answer,
    ChangeLine,
    LookAgain,
    NewLine,
    RemoveLine,
    Send,
    TakeBack,
    UnknownClaim,
)
from timebank.kit import ids, money
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.payments.promise import owed, promise
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

PAGE = 20
MAX_ACCESS = 10
SESSION_DAYS = 60


@get("/me/claims", guards=[signed_in], include_in_schema=False)
async def claims_page(request: PageRequest, before: FromQuery[str | None] = None) -> Response[str]:
    """What I claimed and where the money is; what is booked and paid for me."""
    return await _claims_page(request, BLANK, before)


@get("/me/claims/new", guards=[signed_in], include_in_schema=False)
async def new_page(
    request: PageRequest, kind: FromQuery[str | None] = None, same: FromQuery[str | None] = None
) -> Response[str]:
    """Choose what I paid for; then one page with only what belongs to it. ``same`` begins from my last journey."""
    person = viewer(request)
    if same is not None:
        async with database(request).reading(person.actor.timebank_id) as connection:
            trip = await queries.last_trip(connection, person.actor.timebank_id, person.subject_id)
        if trip is not None:
            return await _line_page(request, trip.kind, line_forms.filled_from(trip, person.currency))
    if kind not in rules.KINDS:
        return render(request, "claims/choose.html", kinds=rules.KIND_NAMES, pictures=words.PICTURES)
    return await _line_page(request, kind, Form.blank(day="today"))


@post("/me/claims/new", guards=[signed_in], request_max_body_size=web_photos.MAX_FORM_WITH_PHOTO, status_code=303)
async def add_line(request: PageRequest) -> Response[Any]:
    """Keep the cost in my draft; leads to the draft."""
    form = await forms.read(request)
    actor = viewer(request).actor
    line, form = await line_forms.read(request, form, besides=("", 0))
    if line is None:
        return await _line_page(request, form.text("kind"), form)
    kept = await service.add_line(database(request), actor, AddLine(line=line), key=form.key, now=now(request))
    if isinstance(kept, list):
        return await _line_page(request, line.kind, form.refused(line_forms.placed(form, kept)))
    return redirect(request, f"/me/claims/{kept.reference}")


@post("/me/claims/same", guards=[signed_in], status_code=303)
async def same_again(request: PageRequest) -> Response[Any]:
    """My last journey once more, today; leads to the draft, or to its page when something is missing."""
    form = await forms.read(request)
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        trip = await queries.last_trip(connection, person.actor.timebank_id, person.subject_id)
    if trip is None:
        return redirect(request, "/me/claims/new")
    line = NewLine(
        kind=trip.kind,
        day=today(now(request), person.time_zone),
        what_for=trip.what_for,
        tenths_of_mile=trip.tenths_of_mile,
        pence=trip.pence,
        no_receipt_why=trip.no_receipt_why,
    )
    command = AddLine(line=line)
    kept = await service.add_line(database(request), person.actor, command, key=form.key, now=now(request))
    if isinstance(kept, list):
        filled = replace(line_forms.filled_from(trip, person.currency), refusals=tuple(kept))
        return await _line_page(request, trip.kind, filled)
    return redirect(request, f"/me/claims/{kept.reference}")


@get("/me/claims/{reference:str}", guards=[signed_in], include_in_schema=False)
async def claim_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One claim: its costs, what happens next, where the money is."""
    return await _claim_page(request, reference, BLANK)


@get("/me/claims/{reference:str}/lines/{n:int}", guards=[signed_in], include_in_schema=False)
async def change_page(request: PageRequest, reference: FromPath[str], n: FromPath[int]) -> Response[str]:
    """Change one cost of my draft."""
    claim = await _own(request, reference)
    line = _line(claim, n)
    if claim.state != rules.DRAFT:
        raise NotFoundException
    return await _line_page(request, line.kind, line_forms.filled(line, viewer(request).currency), claim, n)


@post(
    "/me/claims/{reference:str}/lines/{n:int}",
    guards=[signed_in],
    request_max_body_size=web_photos.MAX_FORM_WITH_PHOTO,
    status_code=303,
)
async def change_line(request: PageRequest, reference: FromPath[str], n: FromPath[int]) -> Response[Any]:
    """Keep what I changed; leads back to the draft."""
    claim = await _own(request, reference)
    _line(claim, n)
    form = await forms.read(request)
    line, form = await line_forms.read(request, form, besides=(claim.reference, n))
    if line is None:
        return await _line_page(request, form.text("kind"), form, claim, n)
    command = ChangeLine(reference=claim.reference, n=n, line=line)
    kept = await _found(
        service.change_line(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(kept, list):
        return await _line_page(request, line.kind, form.refused(line_forms.placed(form, kept)), claim, n)
    return redirect(request, f"/me/claims/{claim.reference}")


@post("/me/claims/{reference:str}/lines/{n:int}/remove", guards=[signed_in], status_code=303)
async def remove_line(request: PageRequest, reference: FromPath[str], n: FromPath[int]) -> Response[Any]:
    """Take a cost out of my draft."""
    claim = await _own(request, reference)
    form = await forms.read(request)
    command = RemoveLine(reference=claim.reference, n=n)
    done = await _found(
        service.remove_line(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    to = f"/me/claims/{claim.reference}" if len(claim.lines) > 1 else "/me/claims"
    return redirect(request, to, notice=say("We took it out."))


@post("/me/claims/{reference:str}/send", guards=[signed_in], status_code=303)
async def send(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Send it; leads to what happens next."""
    form = await forms.read(request)
    command = Send(reference=_reference(reference), how_agreed=_how_agreed(request))
    done = await _found(service.send(database(request), viewer(request).actor, command, key=form.key, now=now(request)))
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    return redirect(request, f"/me/claims/{done.reference}?new=yes")


@post("/me/claims/{reference:str}/take-back", guards=[signed_in], status_code=303)
async def take_back(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Take it back to change it."""
    form = await forms.read(request)
    command = TakeBack(reference=_reference(reference))
    done = await _found(
        service.take_back(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    return redirect(request, f"/me/claims/{done.reference}", notice=say("You can change it now. Then send it again."))


@post("/me/claims/{reference:str}/answer", guards=[signed_in], status_code=303)
async def answer(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Answer the question about it."""
    form = await forms.read(request)
    command = Answer(reference=_reference(reference), answer=form.text("answer"))
    done = await _found(
        service.answer(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    return redirect(request, f"/me/claims/{done.reference}", notice=say("Thank you. Somebody looks at it again."))


@post("/me/claims/{reference:str}/again", guards=[signed_in], status_code=303)
async def look_again(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Say why I see it another way; what was not paid is looked at again."""
    form = await forms.read(request)
    command = LookAgain(reference=_reference(reference), words=form.text("words"), how_agreed=_how_agreed(request))
    done = await _found(
        service.look_again(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    return redirect(request, f"/me/claims/{done.reference}?new=yes")


@get("/me/claims/photos/{receipt_id:int}", guards=[signed_in], include_in_schema=False)
async def own_photo(request: PageRequest, receipt_id: FromPath[int]) -> Response[bytes]:
    """A photo of my own."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await receipts.own(connection, person.actor.timebank_id, person.subject_id, receipt_id)
    return web_photos.shown(found)


async def _claims_page(request: PageRequest, form: Form, before: str | None) -> Response[str]:
    person = viewer(request)
    keys = parse_cursor(before) if before else (MAX_KEY,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    timebank_id = person.actor.timebank_id
    on = today(now(request), person.time_zone)
    async with database(request).reading(timebank_id) as connection:
        page = await queries.mine(connection, timebank_id, person.subject_id, before=keys[0], size=PAGE)
        payments = await owed(connection, timebank_id, "claim", [claim.id for claim in page.items])
        trip = await queries.last_trip(connection, timebank_id, person.subject_id)
        access = await access_queries.of_member(connection, timebank_id, person.subject_id, MAX_ACCESS)
        advances = [cost.id for cost in access if cost.way == access_rules.ADVANCE]
        beyond = await owed(connection, timebank_id, "access_cost", advances)
    return render(
        request,
        "claims/mine.html",
        422 if form.refusals else 200,
        form=form,
        claims=page.items,
        promises={source_id: promise(payment, on) for source_id, payment in payments.items()},
        trip=trip,
        trip_needs_photo=trip is not None and trip.had_photo,
        access=access,
        beyond={source_id: (payment, promise(payment, on)) for source_id, payment in beyond.items()},
        older=f"/me/claims?before={page.next_cursor}" if page.next_cursor else None,
        newer="/me/claims" if before else None,
        kinds=rules.KIND_NAMES,
        words=words,
        miles=rules.miles_in_words,
    )


async def _claim_page(request: PageRequest, reference: str, form: Form) -> Response[str]:
    person = viewer(request)
    claim = await _own(request, reference)
    timebank_id = person.actor.timebank_id
    on = today(now(request), person.time_zone)
    async with database(request).reading(timebank_id) as connection:
        payment = (await owed(connection, timebank_id, "claim", [claim.id])).get(claim.id)
        events = await queries.events(connection, timebank_id, claim.id)
    asked = [event for event in events if event.step == "asked"]
    return render(
        request,
        "claims/claim.html",
        422 if form.refusals else 200,
        form=form,
        claim=claim,
        is_new="new" in request.query_params,
        question=asked[-1] if asked else None,
        promise=promise(payment, on) if payment else None,
        kinds=rules.KIND_NAMES,
        words=words,
        miles=rules.miles_in_words,
        max_words=rules.MAX_WORDS,
    )


async def _line_page(
    request: PageRequest, kind: str, form: Form, claim: Claim | None = None, n: int = 0
) -> Response[str]:
    if kind not in rules.KINDS:
        return render(request, "claims/choose.html", kinds=rules.KIND_NAMES, pictures=words.PICTURES)
    person = viewer(request)
    on = today(now(request), person.time_zone)
    async with database(request).reading(person.actor.timebank_id) as connection:
        rate, _ = await service.rate_for(connection, person.actor.timebank_id, kind, on)
        _, in_force, _ = await service.situation(connection, person.actor.timebank_id, now(request))
        sessions = await occasions.occasions_of(
            connection,
            person.actor.timebank_id,
            person.subject_id,
            from_day=on - timedelta(days=SESSION_DAYS),
            to_day=on,
        )
    kept = form.text("receipt_id")
    return render(
        request,
        "claims/line.html",
        422 if form.refusals else 200,
        form=form,
        action=f"/me/claims/{claim.reference}/lines/{n}" if claim else "/me/claims/new",
        back=f"/me/claims/{claim.reference}" if claim else "/me/claims/new",
        kind=kind,
        title=rules.KIND_NAMES[kind],
        picture_of=words.PICTURES[kind],
        rate=rate,
        most_without=in_force.receipt_needed_above_pence,
        sessions=sessions,
        on=on,
        yesterday=on - timedelta(days=1),
        receipt_id=kept if kept.isdecimal() else "",
        accept=receipts.ACCEPT,
        asks_again=bool(form.text("again")) or any(one.field == "again" for one in form.refusals),
        rules=rules,
        symbol=money.in_words(0, person.currency)[0] if person.currency in ("GBP", "EUR", "USD") else None,
    )


async def _own(request: PageRequest, reference: str) -> Claim:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        claim = await queries.by_reference(connection, person.actor.timebank_id, _reference(reference))
    if claim is None or claim.member_id != person.subject_id:
        raise NotFoundException
    return claim


async def _found(use_case: Any) -> Any:
    """What the use case answers; what is not theirs is not found."""
    try:
        return await use_case
    except UnknownClaim as error:
        raise NotFoundException from error


def _line(claim: Claim, n: int) -> Line:
    found = next((line for line in claim.lines if line.n == n), None)
    if found is None:
        raise NotFoundException
    return found


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


def _how_agreed(request: PageRequest) -> str:
    acting_for = viewer(request).acting_for
    return "" if acting_for is None else acting_for.in_words


ROUTES: list[Any] = [
    claims_page, new_page, add_line, same_again, claim_page, change_page, change_line, remove_line, send, take_back,
    answer, look_again, own_photo,
]  # fmt: skip
