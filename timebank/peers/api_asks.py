"""Asks for programs: asking, agreeing, saying how it was, thanks."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.ids import normalise_reference
from timebank.kit.paging import MAX_KEY
from timebank.peers import queries, rules, service
from timebank.peers.queries import AskLine
from timebank.peers.service import AskFor, Close, Done, Say, SayYes, Settle, Share, Suggest, Thank
from timebank.web.api import CHANGING, READING, ApiProblem, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "redemptions:write"
TAGS = ["peers"]

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Length = Annotated[int, msgspec.Meta(ge=0, le=24 * 60)]
Long = Annotated[str, msgspec.Meta(max_length=2000)]
Short = Annotated[str, msgspec.Meta(max_length=500)]


class AskBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for an offer, or offer help with a wish: one of the two ids. ``starts_at`` null: let us agree."""

    minutes: Length
    offer_id: Id | None = None
    wish_id: Id | None = None
    starts_at: datetime | None = None
    how: str = "in_person"
    place: Short = ""
    note: Short = ""
    reach: Short = ""


class ReachBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the other can reach one for this meeting; they see it once both have agreed, until it is over."""

    reach: Short = ""


class SuggestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another time, length or way."""

    minutes: Length
    starts_at: datetime
    how: str = "in_person"
    place: Short = ""
    words: Short = ""


class MinutesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long it was; 0: it did not happen."""

    minutes: Length


class WordsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words for somebody."""

    words: Long


class SettleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts, and why; both read the reason."""

    minutes: Length
    reason: Short


class AskAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One ask. ``state``: asked, agreed, settling, done, free (did not happen), declined, cancelled, ended, lapsed.

    ``waits_for`` answers next. ``their_reach`` is there only while it is agreed, and only for the two.
    """

    reference: str
    title: str
    category: str
    state: str
    receiver_id: int
    receiver_name: str
    helper_id: int
    helper_name: str
    waits_for: int | None
    minutes: int
    starts_at: datetime | None
    how: str
    place: str
    note: str
    answer_by: date
    booking: str | None
    receiver_said: int | None
    helper_said: int | None
    done_minutes: int | None
    my_reach: str
    their_reach: str


class AsksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Asks, newest first; for coordinators all open ones, those to settle first."""

    asks: list[AskAnswer]


@post("/api/v1/peers/asks", tags=TAGS, operation_id="ask_peer", guards=[needs_scope(WRITE)], **CHANGING)
async def ask(request: ApiRequest, data: JSONBody[AskBody]) -> Response[AskAnswer]:
    """Ask a member for what they offer, or offer help with what they would like."""
    _require_zone(data.starts_at)
    command = AskFor(**{name: getattr(data, name) for name in AskFor.__struct_fields__})
    return await _step(request, None, service.ask, command, 201)


@get("/api/v1/peers/asks", tags=TAGS, operation_id="list_asks", guards=[needs_scope(WRITE)], **READING)
async def list_asks(request: ApiRequest) -> AsksAnswer:
    """The member's asks, at most 100."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.asks_of(connection, actor.timebank_id, actor.subject_id or 0)
    return AsksAnswer(asks=[_ask(each, actor) for each in found])


@get("/api/v1/peers/asks/open", tags=TAGS, operation_id="list_open_asks",
     guards=[needs_scope(WRITE, role=COORDINATOR)], **READING)  # fmt: skip
async def list_open(request: ApiRequest) -> AsksAnswer:
    """Every open ask of the time bank, for coordinators."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.open_asks(connection, actor.timebank_id)
    return AsksAnswer(asks=[_ask(each, actor) for each in found])


@get("/api/v1/peers/asks/{reference:str}", tags=TAGS, operation_id="get_ask", guards=[needs_scope(WRITE)], **READING)
async def get_ask(request: ApiRequest, reference: FromPath[str]) -> AskAnswer:
    """One ask of the member's; for a coordinator anybody's."""
    return await _one(request, acting(request), _reference(reference))


def peers_post(path: str, operation_id: str) -> post:
    """The route of a step that changes something."""
    return post(
        f"/api/v1/peers/{path}", tags=TAGS, operation_id=operation_id, guards=[needs_scope(WRITE)], status_code=200,
        **CHANGING,
    )  # fmt: skip


@peers_post("asks/{reference:str}/yes", "accept_ask")
async def say_yes(request: ApiRequest, reference: FromPath[str], data: JSONBody[ReachBody]) -> Response[AskAnswer]:
    """Say yes: the hours are set aside."""
    known = _reference(reference)
    return await _step(request, known, service.say_yes, SayYes(reference=known, reach=data.reach))


@peers_post("asks/{reference:str}/suggest", "suggest_another_time")
async def suggest(request: ApiRequest, reference: FromPath[str], data: JSONBody[SuggestBody]) -> Response[AskAnswer]:
    """Suggest another time, length or way; the other is asked."""
    known = _reference(reference)
    _require_zone(data.starts_at)
    command = Suggest(
        reference=known, minutes=data.minutes, starts_at=data.starts_at, how=data.how, place=data.place,
        words=data.words,
    )  # fmt: skip
    return await _step(request, known, service.suggest, command)


@peers_post("asks/{reference:str}/close", "close_ask")
async def close(request: ApiRequest, reference: FromPath[str], data: JSONBody[Nothing]) -> Response[AskAnswer]:
    """Say no thanks, or call it off before it begins."""
    del data
    known = _reference(reference)
    return await _step(request, known, service.close, Close(reference=known))


@peers_post("asks/{reference:str}/reach", "share_contact")
async def share(request: ApiRequest, reference: FromPath[str], data: JSONBody[ReachBody]) -> Response[AskAnswer]:
    """Change how the other can reach one for this meeting."""
    known = _reference(reference)
    return await _step(request, known, service.share, Share(reference=known, reach=data.reach))


@peers_post("asks/{reference:str}/happened", "confirm_ask")
async def happened(request: ApiRequest, reference: FromPath[str], data: JSONBody[MinutesBody]) -> Response[AskAnswer]:
    """Say how long it was; 0: it did not happen."""
    known = _reference(reference)
    return await _step(request, known, service.happened, Say(reference=known, minutes=data.minutes))


@peers_post("asks/{reference:str}/settle", "settle_ask")
async def settle(request: ApiRequest, reference: FromPath[str], data: JSONBody[SettleBody]) -> Response[AskAnswer]:
    """A coordinator, neither of the two, says what counts."""
    known = _reference(reference)
    command = Settle(reference=known, minutes=data.minutes, reason=data.reason)
    return await _step(request, known, service.settle, command)


@peers_post("asks/{reference:str}/thanks", "thank_peer")
async def thank(request: ApiRequest, reference: FromPath[str], data: JSONBody[WordsBody]) -> Response[Done]:
    """Thank the other in words; empty words take them off again."""
    return await done_or_refused(request, service.thank, Thank(reference=_reference(reference), words=data.words))


async def _step(
    request: ApiRequest, reference: str | None, use_case: Any, command: Any, status_code: int = 200
) -> Response[AskAnswer]:
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await use_case(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return refused(done)
    return Response(await _one(request, actor, reference or done.reference), status_code=status_code)


async def done_or_refused(request: ApiRequest, use_case: Any, command: Any, status_code: int = 200) -> Response[Any]:
    """Let the token's member do it; what it came to, or why not."""
    actor, key = acting(request), idempotency_key(request)
    try:
        done = await use_case(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=status_code)


async def _one(request: ApiRequest, actor: Actor, reference: str) -> AskAnswer:
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.ask(connection, actor.timebank_id, reference)
    if found is None or not (found.is_party(actor.subject_id) or actor.has(COORDINATOR)):
        raise NotFoundException
    return _ask(found, actor)


def _reference(typed: str) -> str:
    known = normalise_reference(typed)
    if known is None:
        raise NotFoundException
    return known


def _require_zone(moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise ApiProblem(422, "time_zone_missing", "Give the time with its zone, like 2026-03-03T14:00:00Z.")


def _ask(found: AskLine, actor: Actor) -> AskAnswer:
    is_receiver = actor.subject_id == found.receiver_id
    is_mine = found.is_party(actor.subject_id)
    mine, theirs = (
        (found.receiver_reach, found.helper_reach) if is_receiver else (found.helper_reach, found.receiver_reach)
    )
    fields = {
        name: getattr(found, name)
        for name in AskAnswer.__struct_fields__
        if name not in ("my_reach", "their_reach", "note")
    }
    return AskAnswer(
        **fields,
        note=found.note if is_mine else "",
        my_reach=mine if is_mine else "",
        their_reach=theirs if is_mine and found.state == rules.AGREED else "",
    )


ROUTES: list[Any] = [
    ask, list_asks, list_open, get_ask, say_yes, suggest, close, share, happened, settle, thank,
]  # fmt: skip
