"""Claims for programs of staff: what waits, one claim with its payment, and deciding."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.claims import queries, receipts, rules, service
from timebank.claims.api_mine import ApiRequest, ClaimLine, ClaimPage, Small, named, shown
from timebank.claims.service import Ask, Decide, DeclinedLine, Moved, UnknownClaim
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR, FINANCE, Actor
from timebank.kit.paging import MAX_KEY, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members.access import note_daily
from timebank.payments import queries as payments
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

READ, WRITE = "payables:read", "payments:write"


class NotPaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cost ``n`` is not paid, and why; the member reads it."""

    n: Small
    reason: Annotated[str, msgspec.Meta(max_length=rules.MAX_WORDS)]


class ClaimDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All costs are right but those named. ``seen`` is that of the claim as it was read; "" decides as it is now."""

    declined: Annotated[list[NotPaid], msgspec.Meta(max_length=rules.MAX_LINES)] = []
    seen: Annotated[str, msgspec.Meta(max_length=100)] = ""


class ClaimQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to the member."""

    question: Annotated[str, msgspec.Meta(max_length=rules.MAX_WORDS)]


class LooksSame(msgspec.Struct, frozen=True, kw_only=True):
    """Another cost that looks the same as cost ``n``."""

    n: int
    other: str
    other_n: int
    day: date
    pence: int
    is_same_photo: bool


class WholeClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim, what looks the same as one of its costs, and the payment it made, null for none."""

    claim: ClaimLine
    looks_same: list[LooksSame]
    payment: str | None
    payment_state: str | None
    due_on: date | None


@get("/api/v1/claims", tags=["payments"], operation_id="list_claims", guards=[needs_scope(READ)], **READING)
async def list_claims(
    request: ApiRequest,
    show: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[ClaimPage]:
    """Claims that wait, oldest first; with ``show=done`` those that were decided, newest first."""
    actor = _staff(request)
    size, before = page_size(limit), parse_cursor(cursor) if cursor else (MAX_KEY,)
    if isinstance(size, Refusal) or isinstance(before, Refusal):
        return refused([found for found in (size, before) if isinstance(found, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        if show == "done":
            page = await queries.done(connection, actor.timebank_id, before=before[0], size=size)
            items, following = list(page.items), page.next_cursor
        else:
            items, following = await queries.queue(connection, actor.timebank_id), None
    return Response(ClaimPage(items=[shown(claim) for claim in items], next_cursor=following))


@get(
    "/api/v1/claims/{reference:str}",
    tags=["payments"],
    operation_id="get_claim",
    guards=[needs_scope(READ)],
    **READING,
)
async def get_claim(request: ApiRequest, reference: FromPath[str]) -> Response[WholeClaim]:
    """One claim: one's own, or for coordinators and finance any that was sent. A look is written down."""
    actor = acting(request)
    claim = await _readable(request, actor, reference)
    async with database(request).reading(actor.timebank_id) as connection:
        is_own = claim.member_id == actor.subject_id
        same = [] if is_own else await queries.same(connection, actor.timebank_id, claim.id)
        payable = await payments.by_source(connection, actor.timebank_id, "claim", claim.id)
    return Response(
        WholeClaim(
            claim=shown(claim),
            looks_same=[
                LooksSame(
                    n=one.n,
                    other=one.other,
                    other_n=one.other_n,
                    day=one.other_day,
                    pence=one.other_pence,
                    is_same_photo=one.is_same_photo,
                )
                for one in same
            ],
            payment=payable.reference if payable else None,
            payment_state=payable.state if payable else None,
            due_on=payable.due_on if payable else None,
        )
    )


@get(
    "/api/v1/claims/{reference:str}/costs/{n:int}/photo",
    tags=["payments"],
    operation_id="get_receipt",
    guards=[needs_scope(READ)],
    **READING,
)
async def get_receipt(request: ApiRequest, reference: FromPath[str], n: FromPath[int]) -> Response[bytes]:
    """The photo of a receipt: one's own, or for coordinators and finance."""
    actor = acting(request)
    claim = await _readable(request, actor, reference)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await receipts.of_claim(connection, actor.timebank_id, claim.reference, n)
    if found is None:
        raise NotFoundException
    return Response(found.content, media_type=receipts.MEDIA_TYPE)


@post(
    "/api/v1/claims/{reference:str}/decide",
    tags=["payments"],
    operation_id="decide_claim",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    status_code=200,
    **CHANGING,
)
async def decide(request: ApiRequest, reference: FromPath[str], data: JSONBody[ClaimDecision]) -> Response[Moved]:
    """Decide about every cost at once; what is right becomes one payment for finance to approve."""
    actor, key = acting(request), idempotency_key(request)
    command = Decide(
        reference=named(reference),
        declined=tuple(DeclinedLine(n=each.n, reason=each.reason) for each in data.declined),
        seen=data.seen,
    )
    try:
        done = await service.decide(database(request), actor, command, key=key, now=now(request))
    except UnknownClaim as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(done)


@post(
    "/api/v1/claims/{reference:str}/ask",
    tags=["payments"],
    operation_id="ask_about_claim",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    status_code=200,
    **CHANGING,
)
async def ask(request: ApiRequest, reference: FromPath[str], data: JSONBody[ClaimQuestion]) -> Response[Moved]:
    """Ask the member something; the claim waits for their answer."""
    actor, key = acting(request), idempotency_key(request)
    command = Ask(reference=named(reference), question=data.question)
    try:
        done = await service.ask(database(request), actor, command, key=key, now=now(request))
    except UnknownClaim as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(done)


async def _readable(request: ApiRequest, actor: Actor, reference: str) -> queries.Claim:
    async with database(request).reading(actor.timebank_id) as connection:
        claim = await queries.by_reference(connection, actor.timebank_id, named(reference))
    is_own = claim is not None and claim.member_id == actor.subject_id
    is_staff = actor.has(COORDINATOR) or actor.has(FINANCE)
    if claim is None or not (is_own or (is_staff and claim.state != rules.DRAFT)):
        raise NotFoundException
    what = mark("looked at a claim of yours")
    await note_daily(database(request), actor, claim.member_id, what, now=now(request))
    return claim


def _staff(request: ApiRequest) -> Actor:
    actor = acting(request)
    if not (actor.has(COORDINATOR) or actor.has(FINANCE)):
        raise PermissionDeniedException("Only coordinators and finance see the claims of others.")
    return actor


ROUTES: list[Any] = [list_claims, get_claim, get_receipt, decide, ask]
