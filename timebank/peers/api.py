"""Help between members, for programs: offers and wishes, keeping apart, reporting, checks; asks are beside it.

Reports are written here and never read: a token may lie in a program's settings, where others than the lead find it.
"""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.paging import MAX_KEY
from timebank.peers import api_asks, cards, service
from timebank.peers.api_asks import TAGS, WRITE, ApiRequest, Id, Length, Short, WordsBody, done_or_refused, peers_post
from timebank.peers.cards import Card, Filters
from timebank.peers.service import Done, Keep, Kept, NeedCheck, Offered, Person, TellLead
from timebank.peers.words import HOWS, TIMES, is_category
from timebank.web.api import CHANGING, READING, Nothing
from timebank.web.context import database, now

READ = "offers:read"


class OfferedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer or a wish in own words. ``times``: weekday, evening, weekend; ``hows``: in_person, phone, online.

    Empty means any. ``is_shown`` false puts it away.
    """

    title: Short
    category: Annotated[str, msgspec.Meta(max_length=30)]
    minutes: Length = 60
    details: Short = ""
    times: list[str] = []
    hows: list[str] = []
    is_shown: bool = True


class CheckBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The check that helpers of a category, or of one offer, need; empty: none."""

    check_kind: Annotated[str, msgspec.Meta(max_length=30)]
    category: Annotated[str, msgspec.Meta(max_length=30)] = ""
    offer_id: Id | None = None


class CardAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer or a wish. ``times`` and ``hows`` empty: any."""

    id: int
    member_id: int
    name: str
    title: str
    details: str
    minutes: int
    category: str
    times: list[str]
    hows: list[str]
    is_shown: bool


class CardsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Offers and wishes, by name; at most 60 of each."""

    offers: list[CardAnswer]
    wishes: list[CardAnswer]


class SuggestionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One good match and why. ``kind``: their offer, their wish, or the same interest."""

    kind: str
    id: int
    member_id: int
    name: str
    title: str
    category: str
    sentence: str


class SuggestionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Good matches, best first."""

    suggestions: list[SuggestionAnswer]


@get("/api/v1/peers/offers", tags=TAGS, operation_id="list_peer_offers", guards=[needs_scope(READ)], **READING)
async def list_shared(
    request: ApiRequest,
    words: FromQuery[str | None] = None,
    category: FromQuery[str | None] = None,
    when: FromQuery[str | None] = None,
    how: FromQuery[str | None] = None,
) -> CardsAnswer:
    """What others offer and would like, as the token's member may see it."""
    actor = acting(request)
    filters = Filters(
        words=(words or "").replace("\0", "")[:100],
        category=category if category and is_category(category) else "",
        when=when if when in TIMES else "",
        how=how if how in HOWS else "",
    )
    async with database(request).reading(actor.timebank_id) as connection:
        return CardsAnswer(
            offers=[_card(each) for each in await cards.offers(connection, actor, filters)],
            wishes=[_card(each) for each in await cards.wishes(connection, actor, filters)],
        )


@get("/api/v1/peers/mine", tags=TAGS, operation_id="list_own_sharing", guards=[needs_scope(READ)], **READING)
async def list_mine(request: ApiRequest) -> CardsAnswer:
    """The member's own offers and wishes, those put away too."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        offered, wished = await cards.mine(connection, actor.timebank_id, actor.subject_id or 0)
    return CardsAnswer(offers=[_card(each) for each in offered], wishes=[_card(each) for each in wished])


@get("/api/v1/peers/suggestions", tags=TAGS, operation_id="suggest_peers", guards=[needs_scope(READ)], **READING)
async def list_suggestions(request: ApiRequest) -> SuggestionsAnswer:
    """At most ten good matches for the member, each explained."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await cards.suggestions(connection, actor.timebank_id, actor.subject_id or 0, now(request), 10)
    return SuggestionsAnswer(
        suggestions=[
            SuggestionAnswer(
                kind=each.kind, id=each.id, member_id=each.member_id, name=each.name, title=each.title,
                category=each.category, sentence=str(each.sentence),
            )
            for each in found
        ]
    )  # fmt: skip


@post("/api/v1/peers/offers", tags=TAGS, operation_id="add_peer_offer", guards=[needs_scope(WRITE)], **CHANGING)
async def add_offer(request: ApiRequest, data: JSONBody[OfferedBody]) -> Response[Kept]:
    """Offer something to others."""
    return await _keep(request, data, None, is_wish=False)


@post(
    "/api/v1/peers/offers/{offer_id:int}", tags=TAGS, operation_id="change_peer_offer", guards=[needs_scope(WRITE)],
    status_code=200, **CHANGING,
)  # fmt: skip
async def change_offer(request: ApiRequest, offer_id: FromPath[int], data: JSONBody[OfferedBody]) -> Response[Kept]:
    """Say one's offer in other words, put it away, or show it again."""
    return await _keep(request, data, offer_id, is_wish=False)


@post("/api/v1/peers/wishes", tags=TAGS, operation_id="add_wish", guards=[needs_scope(WRITE)], **CHANGING)
async def add_wish(request: ApiRequest, data: JSONBody[OfferedBody]) -> Response[Kept]:
    """Say what one would like."""
    return await _keep(request, data, None, is_wish=True)


@post(
    "/api/v1/peers/wishes/{wish_id:int}", tags=TAGS, operation_id="change_wish", guards=[needs_scope(WRITE)],
    status_code=200, **CHANGING,
)  # fmt: skip
async def change_wish(request: ApiRequest, wish_id: FromPath[int], data: JSONBody[OfferedBody]) -> Response[Kept]:
    """Say one's wish in other words, put it away, or show it again."""
    return await _keep(request, data, wish_id, is_wish=True)


async def _keep(request: ApiRequest, data: OfferedBody, row_id: int | None, *, is_wish: bool) -> Response[Kept]:
    offered = Offered(
        title=data.title, category=data.category, minutes=data.minutes, details=data.details,
        times=tuple(data.times), hows=tuple(data.hows),
    )  # fmt: skip
    if row_id is not None and not 0 < row_id <= MAX_KEY:
        raise NotFoundException
    keep = service.keep_wish if is_wish else service.keep_offer
    command = Keep(offered=offered, id=row_id, is_shown=data.is_shown)
    return await done_or_refused(request, keep, command, 200 if row_id else 201)


@peers_post("people/{member_id:int}/block", "block_member")
async def block(request: ApiRequest, member_id: FromPath[int], data: JSONBody[Nothing]) -> Response[Done]:
    """Neither sees or asks the other any more; what is open ends."""
    del data
    return await done_or_refused(request, service.keep_apart, Person(member_id=member_id))


@peers_post("people/{member_id:int}/unblock", "unblock_member")
async def unblock(request: ApiRequest, member_id: FromPath[int], data: JSONBody[Nothing]) -> Response[Done]:
    """Take back the member's own block."""
    del data
    return await done_or_refused(request, service.let_meet, Person(member_id=member_id))


@peers_post("people/{member_id:int}/report", "report_member")
async def report(request: ApiRequest, member_id: FromPath[int], data: JSONBody[WordsBody]) -> Response[Done]:
    """Tell those who lead on safeguarding; whoever it is about never reads it."""
    return await done_or_refused(request, service.report, TellLead(member_id=member_id, words=data.words))


@peers_post("checks", "need_check")
async def need_check(request: ApiRequest, data: JSONBody[CheckBody]) -> Response[Kept]:
    """Say which check helpers of a category, or of one offer, need. For coordinators."""
    command = NeedCheck(check_kind=data.check_kind, category=data.category, offer_id=data.offer_id)
    return await done_or_refused(request, service.need_check, command)


def _card(card: Card) -> CardAnswer:
    return msgspec.convert(card, CardAnswer, from_attributes=True)


ROUTES: list[Any] = [
    list_shared, list_mine, list_suggestions, add_offer, change_offer, add_wish, change_wish, block, unblock, report,
    need_check, *api_asks.ROUTES,
]  # fmt: skip
