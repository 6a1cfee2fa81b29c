"""Pages of those who decide: claims that wait, oldest first, and one claim with everything that helps to decide."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery

from timebank.budgets.choosing import chosen
from timebank.claims import paid_from, queries, receipts, rules, service, web_photos, words
from timebank.claims.deciders import able, as_decider, others
from timebank.claims.queries import Claim
from timebank.claims.rules import ClaimFacts
from timebank.claims.service import Ask, Decide, DeclinedLine, UnknownClaim
from timebank.kit import ids
from timebank.kit.actor import COORDINATOR, FINANCE, Actor
from timebank.kit.clock import today
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
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]


@get("/claims", guards=[signed_in], include_in_schema=False)
async def queue_page(
    request: PageRequest, show: FromQuery[str | None] = None, before: FromQuery[str | None] = None
) -> Response[str]:
    """What waits to be looked at; with ``show=done`` what was decided, a page at a time."""
    actor = await _looking(request)
    timebank_id = actor.timebank_id
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
        not_mine={claim.id for claim in claims if rules.check_decider(actor, facts_of(claim))},
        is_done=is_done,
        sees_access=actor.has(FINANCE) or viewer(request).has_role(COORDINATOR),
        older=f"/claims?show=done&before={cursor}" if cursor else None,
        newer="/claims?show=done" if is_done and before else None,
        words=words,
        kinds=rules.KIND_NAMES,
    )


@get("/claims/{reference:str}", guards=[signed_in], include_in_schema=False)
async def claim_page(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One claim: its costs and receipts, what looks the same, what was said, and what became of it."""
    return await _claim_page(request, reference, BLANK)


@post("/claims/{reference:str}/decide", guards=[signed_in], status_code=303)
async def decide(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Say which costs are right; what is ticked is not paid, with the reason beside it."""
    actor = await _deciding(request)
    form = await forms.read(request)
    declined = tuple(
        DeclinedLine(n=int(n), reason=form.text(f"reason-{n}"))
        for n in dict.fromkeys(form.all("declined"))
        if n.isascii() and n.isdecimal() and len(n) <= 9
    )
    command = Decide(
        reference=_reference(reference),
        declined=declined,
        seen=form.text("seen"),
        budget_id=chosen(form.text("budget_id")),
    )
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


@post("/claims/{reference:str}/ask", guards=[signed_in], status_code=303)
async def ask(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Ask the member something."""
    actor = await _deciding(request)
    form = await forms.read(request)
    command = Ask(reference=_reference(reference), question=form.text("question"))
    try:
        done = await service.ask(database(request), actor, command, key=form.key, now=now(request))
    except UnknownClaim as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _claim_page(request, reference, form.refused(done))
    return redirect(request, "/claims", notice="Asked. The claim waits for their answer.")


@get("/claims/{reference:str}/lines/{n:int}/photo", guards=[signed_in], include_in_schema=False)
async def photo_of(request: PageRequest, reference: FromPath[str], n: FromPath[int]) -> Response[bytes]:
    """The receipt of one cost that was sent. A look is written down."""
    claim = await _claim(request, reference)
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await receipts.of_claim(connection, person.actor.timebank_id, claim.reference, n)
    return web_photos.shown(found)


async def _looking(request: PageRequest) -> Actor:
    """Who looks at claims here: finance, and whoever decides about them."""
    person = viewer(request)
    decider = await _as_decider(request)
    if decider is None and not person.has_role(FINANCE):
        raise PermissionDeniedException
    return decider or person.actor


async def _deciding(request: PageRequest) -> Actor:
    """Who decides here: by their role, or as a coordinator's deputy today."""
    found = await _as_decider(request)
    if found is None:
        raise PermissionDeniedException
    return found


async def _as_decider(request: PageRequest) -> Actor | None:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        return await as_decider(connection, person.actor, today(now(request), person.time_zone))


async def _claim(request: PageRequest, reference: str) -> Claim:
    """A claim that was sent; that it was looked at is written down, once a day."""
    await _looking(request)
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
        on = today(now(request), person.time_zone)
        decider = await as_decider(connection, person.actor, on) or person.actor
        sessions = [line.session_id for line in claim.lines]
        days = [line.day for line in claim.lines]
        given = [line.contribution_id for line in claim.lines]
        budgets = await paid_from.choices(
            connection,
            timebank_id,
            person.currency,
            session_ids=sessions,
            contribution_ids=given,
            day=max(days, default=on),
        )
        can = others(await able(connection, timebank_id, on), facts_of(claim))
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
        why_not=rules.check_decider(decider, facts_of(claim)),
        budgets=budgets,
        can=[one.name for one in can],
        names_deputies=person.has_role(COORDINATOR),
        kinds=rules.KIND_NAMES,
        words=words,
        miles=rules.miles_in_words,
        max_words=rules.MAX_WORDS,
    )


def facts_of(claim: Claim) -> ClaimFacts:
    """The claim as the rules see it."""
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
