"""A member's own claims for programs; a coordinator names the member they act for and how they agreed."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.claims import queries, receipts, rules, service
from timebank.claims.api_frames import ApiRequest, done, named, place
from timebank.claims.queries import Claim
from timebank.claims.service import (
    AddLine,
    Answer,
    ChangeLine,
    Kept,
    LookAgain,
    Moved,
    NewLine,
    RemoveLine,
    Send,
    TakeBack,
    UnknownClaim,
)
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

READ, WRITE = "hours:read", "hours:write"

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_KEY)]
Small = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class ForMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``member_id`` null is the token's member; a coordinator names another one."""

    member_id: Id | None = None


class NewCost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cost. ``pence`` in minor units; for ``mileage`` give ``tenths_of_mile``, for ``carer`` ``minutes``, instead.

    ``photo``: the bytes of a JPEG, PNG, WebP or AVIF in base64; it is kept smaller and without location.
    ``member_id`` null is the token's member; a coordinator names another one.
    """

    kind: Annotated[str, msgspec.Meta(max_length=20)]
    day: date
    pence: Amount | None = None
    tenths_of_mile: Small | None = None
    minutes: Small | None = None
    what_for: Annotated[str, msgspec.Meta(max_length=rules.MAX_WHAT_FOR)] = ""
    session_id: Id | None = None
    contribution_id: Id | None = None
    photo: bytes = b""
    no_receipt_why: Annotated[str, msgspec.Meta(max_length=rules.MAX_WHY)] = ""
    duplicate_reason: Annotated[str, msgspec.Meta(max_length=rules.MAX_WHY)] = ""
    member_id: Id | None = None


class ClaimSend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send it; ``how_agreed`` when somebody sends it for the member."""

    how_agreed: Annotated[str, msgspec.Meta(max_length=300)] = ""
    member_id: Id | None = None


class ClaimWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the member says; ``how_agreed`` when somebody writes it for them."""

    words: Annotated[str, msgspec.Meta(max_length=rules.MAX_WORDS)]
    how_agreed: Annotated[str, msgspec.Meta(max_length=300)] = ""
    member_id: Id | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """One cost of a claim, for a session or for time given. ``rate_pence`` is what it was worked out by."""

    n: int
    kind: str
    day: date
    pence: int
    what_for: str
    session_id: int | None
    contribution_id: int | None
    tenths_of_mile: int | None
    minutes: int | None
    rate_pence: int | None
    rate_id: int | None
    has_photo: bool
    no_receipt_why: str
    duplicate_reason: str
    is_declined: bool
    decline_reason: str


class ClaimLine(msgspec.Struct, frozen=True, kw_only=True):
    """A claim: ``state`` is draft, sent, asked, agreed or declined; ``pence`` leaves out what was declined.

    ``follows`` names the claim whose declined costs it brings again.
    """

    reference: str
    member_id: int
    state: str
    pence: int
    sent_at: datetime | None
    decided_at: datetime | None
    follows: str | None
    followed_by: str | None
    seen: str
    costs: list[Cost]


class ClaimPage(msgspec.Struct, frozen=True, kw_only=True):
    """Claims, newest first; ``next_cursor`` is null at the end."""

    items: list[ClaimLine]
    next_cursor: str | None


@get("/api/v1/claims/own", tags=["payments"], operation_id="list_own_claims", guards=[needs_scope(READ)], **READING)
async def list_own(
    request: ApiRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[str | None] = None
) -> Response[ClaimPage]:
    """What the token's member claimed, newest first."""
    actor = acting(request)
    found = place(cursor, limit)
    if isinstance(found, list):
        return refused(found)
    before, size = found
    async with database(request).reading(actor.timebank_id) as connection:
        page = await queries.mine(connection, actor.timebank_id, actor.subject_id or 0, before=before, size=size)
    return Response(ClaimPage(items=[shown(claim) for claim in page.items], next_cursor=page.next_cursor))


@post("/api/v1/claims/costs", tags=["payments"], operation_id="add_cost", guards=[needs_scope(WRITE)], **CHANGING)
async def add_cost(request: ApiRequest, data: JSONBody[NewCost]) -> Response[Kept]:
    """Add a cost to the draft, which begins with it if there is none."""
    idempotency_key(request)  # without one not even the photo is kept
    actor = _for(request, data.member_id)
    line = await _line(request, actor, data)
    if isinstance(line, Refusal):
        return refused([line])
    return await done(request, actor, service.add_line, AddLine(line=line), status_code=201)


@put(
    "/api/v1/claims/{reference:str}/costs/{n:int}",
    tags=["payments"],
    operation_id="change_cost",
    guards=[needs_scope(WRITE)],
    **CHANGING,
)
async def change_cost(
    request: ApiRequest, reference: FromPath[str], n: FromPath[int], data: JSONBody[NewCost]
) -> Response[Kept]:
    """Put another cost in the place of one of a draft. Without a photo it has none."""
    idempotency_key(request)  # without one not even the photo is kept
    actor = _for(request, data.member_id)
    line = await _line(request, actor, data)
    if isinstance(line, Refusal):
        return refused([line])
    command = ChangeLine(reference=named(reference), n=n, line=line)
    return await done(request, actor, service.change_line, command)


@delete(
    "/api/v1/claims/{reference:str}/costs/{n:int}",
    tags=["payments"],
    operation_id="remove_cost",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def remove_cost(
    request: ApiRequest, reference: FromPath[str], n: FromPath[int], member_id: FromQuery[int | None] = None
) -> Response[Kept]:
    """Take a cost out of a draft."""
    command = RemoveLine(reference=named(reference), n=n)
    return await done(request, _for(request, member_id), service.remove_line, command)


@post(
    "/api/v1/claims/{reference:str}/send",
    tags=["payments"],
    operation_id="send_claim",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def send(request: ApiRequest, reference: FromPath[str], data: JSONBody[ClaimSend]) -> Response[Moved]:
    """Send a draft to be looked at."""
    command = Send(reference=named(reference), how_agreed=data.how_agreed)
    return await done(request, _for(request, data.member_id), service.send, command)


@post(
    "/api/v1/claims/{reference:str}/take-back",
    tags=["payments"],
    operation_id="take_claim_back",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def take_back(request: ApiRequest, reference: FromPath[str], data: JSONBody[ForMember]) -> Response[Moved]:
    """Make a draft of it again, while nobody has decided."""
    command = TakeBack(reference=named(reference))
    return await done(request, _for(request, data.member_id), service.take_back, command)


@post(
    "/api/v1/claims/{reference:str}/answer",
    tags=["payments"],
    operation_id="answer_about_claim",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def answer(request: ApiRequest, reference: FromPath[str], data: JSONBody[ClaimWords]) -> Response[Moved]:
    """Answer the question about it."""
    command = Answer(reference=named(reference), answer=data.words)
    return await done(request, _for(request, data.member_id), service.answer, command)


@post(
    "/api/v1/claims/{reference:str}/again",
    tags=["payments"],
    operation_id="look_at_claim_again",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def look_again(request: ApiRequest, reference: FromPath[str], data: JSONBody[ClaimWords]) -> Response[Moved]:
    """Say why what was declined should be paid; it comes back as a claim of its own."""
    command = LookAgain(reference=named(reference), words=data.words, how_agreed=data.how_agreed)
    return await done(request, _for(request, data.member_id), service.look_again, command)


def shown(claim: Claim) -> ClaimLine:
    """A claim as programs read it."""
    return ClaimLine(
        reference=claim.reference,
        member_id=claim.member_id,
        state=claim.state,
        pence=claim.pence,
        sent_at=claim.sent_at,
        decided_at=claim.decided_at,
        follows=claim.follows,
        followed_by=claim.followed_by,
        seen=claim.seen,
        costs=[msgspec.convert(msgspec.to_builtins(line), Cost) for line in claim.lines],
    )


def _for(request: ApiRequest, member_id: int | None) -> Actor:
    try:
        return service.for_member(acting(request), member_id)
    except UnknownClaim as error:
        raise NotFoundException from error


async def _line(request: ApiRequest, actor: Actor, data: NewCost) -> NewLine | Refusal:
    receipt_id = None
    if data.photo:
        remade = await receipts.remake(data.photo)
        if isinstance(remade, Refusal):
            return remade
        if not await _is_member(request, actor):
            raise NotFoundException
        receipt_id = await receipts.keep(database(request), actor, actor.subject_id or 0, remade, now=now(request))
    return NewLine(
        kind=data.kind,
        day=data.day,
        what_for=data.what_for,
        session_id=data.session_id,
        contribution_id=data.contribution_id,
        tenths_of_mile=data.tenths_of_mile,
        minutes=data.minutes,
        pence=data.pence,
        receipt_id=receipt_id,
        no_receipt_why=data.no_receipt_why,
        duplicate_reason=data.duplicate_reason,
    )


async def _is_member(request: ApiRequest, actor: Actor) -> bool:
    async with database(request).reading(actor.timebank_id) as connection:
        return await service.is_member(connection, actor.timebank_id, actor.subject_id or 0)


ROUTES: list[Any] = [list_own, add_cost, change_cost, remove_cost, send, take_back, answer, look_again]
