"""Claims for programs of staff: what waits, one claim with its payment, and deciding."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.claims import queries, receipts, rules, service
from timebank.claims.api_frames import ApiRequest, done, named, place
from timebank.claims.api_mine import ClaimLine, ClaimPage, Id, Small, shown
from timebank.claims.deciders import as_decider
from timebank.claims.service import Ask, Decide, DeclinedLine, Moved
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import FINANCE, Actor
from timebank.kit.words import mark
from timebank.members.access import note_daily
from timebank.payments import queries as payments
from timebank.web.api import CHANGING, READING, refused
from timebank.web.context import database, now

READ, WRITE = "payables:read", "payments:write"


class NotPaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cost ``n`` is not paid, and why; the member reads it."""

    n: Small
    reason: Annotated[str, msgspec.Meta(max_length=rules.MAX_WORDS)]


class ClaimDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All costs are right but those named. ``seen`` is that of the claim as it was read; "" decides as it is now.

    ``budget_id`` pays; null for the budget of the group that the costs were for, if there is one.
    """

    declined: Annotated[list[NotPaid], msgspec.Meta(max_length=rules.MAX_LINES)] = []
    seen: Annotated[str, msgspec.Meta(max_length=100)] = ""
    budget_id: Id | None = None


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
    actor = await _looking(request)
    found = place(cursor, limit)
    if isinstance(found, list):
        return refused(found)
    before, size = found
    async with database(request).reading(actor.timebank_id) as connection:
        if show == "done":
            page = await queries.done(connection, actor.timebank_id, before=before, size=size)
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
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def decide(request: ApiRequest, reference: FromPath[str], data: JSONBody[ClaimDecision]) -> Response[Moved]:
    """Decide about every cost at once; what is right becomes one payment for finance to approve."""
    command = Decide(
        reference=named(reference),
        declined=tuple(DeclinedLine(n=each.n, reason=each.reason) for each in data.declined),
        seen=data.seen,
        budget_id=data.budget_id,
    )
    return await done(request, await _deciding(request), service.decide, command)


@post(
    "/api/v1/claims/{reference:str}/ask",
    tags=["payments"],
    operation_id="ask_about_claim",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def ask(request: ApiRequest, reference: FromPath[str], data: JSONBody[ClaimQuestion]) -> Response[Moved]:
    """Ask the member something; the claim waits for their answer."""
    command = Ask(reference=named(reference), question=data.question)
    return await done(request, await _deciding(request), service.ask, command)


async def _readable(request: ApiRequest, actor: Actor, reference: str) -> queries.Claim:
    async with database(request).reading(actor.timebank_id) as connection:
        claim = await queries.by_reference(connection, actor.timebank_id, named(reference))
    is_own = claim is not None and claim.member_id == actor.subject_id
    if claim is None or not (is_own or (claim.state != rules.DRAFT and await _looks(request, actor))):
        raise NotFoundException
    what = mark("looked at a claim of yours")
    await note_daily(database(request), actor, claim.member_id, what, now=now(request))
    return claim


async def _looks(request: ApiRequest, actor: Actor) -> bool:
    """May they look at claims of others: finance, and whoever decides about them?"""
    return actor.has(FINANCE) or await _as_decider(request, actor) is not None


async def _looking(request: ApiRequest) -> Actor:
    actor = acting(request)
    if not await _looks(request, actor):
        raise PermissionDeniedException("Only coordinators, their deputies and finance see the claims of others.")
    return actor


async def _deciding(request: ApiRequest) -> Actor:
    found = await _as_decider(request, acting(request))
    if found is None:
        raise PermissionDeniedException("Only a coordinator, or their deputy, can decide about a claim.")
    return found


async def _as_decider(request: ApiRequest, actor: Actor) -> Actor | None:
    async with database(request).reading(actor.timebank_id) as connection:
        _, _, on = await service.situation(connection, actor.timebank_id, now(request))
        return await as_decider(connection, actor, on)


ROUTES: list[Any] = [list_claims, get_claim, get_receipt, decide, ask]
