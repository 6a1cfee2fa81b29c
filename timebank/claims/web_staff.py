"""Coordinators' pages: claims that wait, oldest first, and one claim with everything that helps to decide."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.claims import queries, receipts, rules, service, web_photos, words
from timebank.claims.queries import Claim
from timebank.claims.rules import ClaimFacts
from timebank.claims.service import Ask, Decide, DeclinedLine, UnknownClaim
from timebank.kit import ids
from timebank.kit.actor import COORDINATOR, FINANCE
from timebank.kit.paging import DEFAULT_PAGE_SIZE, MAX_KEY, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members.access import note_daily
from timebank.payments import queries as payments
from timebank.payments.words import STATE_NAMES as PAYMENT_STATES
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

may_look = requires_role(COORDINATOR, FINANCE)
may_decide = requires_role(COORDINATOR)


@get("/claims", guards=[may_look], include_in_schema=False)
async def queue_page(
    request: PageRequest, show: FromQuery[str | None] = None, before: FromQuery[str | None] = None
) -> Response[str]:
    """What waits to be looked at; with ``show=done`` what was decided, a page at a time."""
    timebank_id = viewer(request).actor.timebank_id
    is_done = show == "done"
    keys = parse_cursor(before) if before else (MAX_KEY,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    async with database(request).reading(timebank_id) as connection:
        if is_done:
            page = await queries.done(connection, timebank_id, before=keys[0], size=DEFAULT_PAGE_SIZE)
            claims, cursor = list(page.items), page.next_cursor
        else:
            claims, cursor = await queries.queue(connection, timebank_id), None
    return render(
        request,
        "claims/queue.html",
        claims=claims,
        is_done=is_done,
        older=f"/claims?show=done&before={cursor}" if cursor else None,
        newer="/claims?show=done" if is_done and before else None,
        words=words,
        kinds=rules.KIND_NAMES,
    )


@get("/claims/{reference:str}", guards=[may_look], include_in_schema=False)
async def claim_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One claim: its costs and receipts, what looks the same, what was said, and what became of it."""
    return await _claim_page(request, reference, BLANK)


@post("/claims/{reference:str}/decide", guards=[may_decide], status_code=303)
async def decide(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Say which costs are right; what is ticked is not paid, with the reason beside it."""
    form = await forms.read(request)
    declined = tuple(
        DeclinedLine(n=int(n), reason=form.text(f"reason-{n}"))
        for n in dict.fromkeys(form.all("declined"))
        if n.isascii() and n.isdecimal() and len(n) <= 9
    )
    command = Decide(reference=_reference(reference), declined=declined, seen=form.text("seen"))
    actor = viewer(request).actor
    try:
        done = await service.decide(database(request), actor, command, key=form.key, now=now(request))
    except UnknownClaim as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    notice = (
        f"Payment {done.payment} waits for finance." if done.payment else "Nothing of it is paid. They are told why."
    )
    return redirect(request, "/claims", notice=notice)


@post("/claims/{reference:str}/ask", guards=[may_decide], status_code=303)
async def ask(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Ask the member something."""
    form = await forms.read(request)
    command = Ask(reference=_reference(reference), question=form.text("question"))
    actor = viewer(request).actor
    try:
        done = await service.ask(database(request), actor, command, key=form.key, now=now(request))
    except UnknownClaim as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    return redirect(request, "/claims", notice="Asked. The claim waits for their answer.")


@get("/claims/{reference:str}/lines/{n:int}/photo", guards=[may_look], include_in_schema=False)
async def photo_of(request: PageRequest, reference: FromPath[str], n: FromPath[int]) -> Response[bytes]:
    """The receipt of one cost that was sent. A look is written down."""
    claim = await _claim(request, reference)
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await receipts.of_claim(connection, person.actor.timebank_id, claim.reference, n)
    return web_photos.shown(found)


async def _claim(request: PageRequest, reference: str) -> Claim:
    """A claim that was sent; that it was looked at is written down, once a day."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        claim = await queries.by_reference(connection, person.actor.timebank_id, _reference(reference))
    if claim is None or claim.state == rules.DRAFT:
        raise NotFoundException
    what = mark("looked at a claim of yours")
    await note_daily(database(request), person.actor, claim.member_id, what, now=now(request))
    return claim


async def _claim_page(request: PageRequest, reference: str, form: Form) -> Response[str]:
    person = viewer(request)
    claim = await _claim(request, reference)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        same = await queries.same(connection, timebank_id, claim.id)
        events = await queries.events(connection, timebank_id, claim.id)
        payable = await payments.by_source(connection, timebank_id, "claim", claim.id)
    return render(
        request,
        "claims/decide.html",
        422 if form.refusals else 200,
        form=form,
        claim=claim,
        same={line.n: [one for one in same if one.n == line.n] for line in claim.lines},
        events=events,
        payable=payable,
        payment_states=PAYMENT_STATES,
        may_see_payments=person.has_role(FINANCE) or "admin" in person.roles,
        why_not=rules.check_decider(person.actor, _facts(claim)),
        kinds=rules.KIND_NAMES,
        words=words,
        miles=rules.miles_in_words,
        max_words=rules.MAX_WORDS,
    )


def _facts(claim: Claim) -> ClaimFacts:
    return ClaimFacts(
        id=claim.id,
        reference=claim.reference,
        member_id=claim.member_id,
        state=claim.state,
        sent_by=claim.sent_by,
        lines=len(claim.lines),
        helpers=frozenset(line.added_by for line in claim.lines) - {claim.member_id},
    )


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


ROUTES: list[Any] = [queue_page, claim_page, decide, ask, photo_of]
