"""Questions about entries, for programs."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.banks import queries as banks
from timebank.concerns import queries, rules, service
from timebank.concerns.queries import Concern
from timebank.concerns.service import Answer, Answered, Ask, GivenOn, HandOver
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY, page_of, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members.access import note_access
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE, STAFF = "hours:read", "hours:write", "registers:write"

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Whole = Annotated[int, msgspec.Meta(ge=-MAX_KEY, le=MAX_KEY)]


class NewQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the token's member says is wrong: with an entry, or with time they gave. One of the two ids."""

    words: Annotated[str, msgspec.Meta(max_length=rules.MAX_ASKED)]
    entry_id: UUID | None = None
    contribution_id: Id | None = None


class NewAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer. ``minutes`` when corrected: what the time given should have been, or for another entry what the
    member gets (below zero: gives back).
    """

    outcome: Literal["upheld", "corrected"]
    words: Annotated[str, msgspec.Meta(max_length=rules.MAX_ANSWER)]
    minutes: Whole | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody else should answer; the member can read it."""

    reason: Annotated[str, msgspec.Meta(max_length=rules.MAX_REASON)]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it stands. ``owner`` is the first name of whoever answers, empty for the independent person.

    ``state`` is open, upheld or corrected.
    """

    id: int
    member_id: int
    entry_id: UUID | None
    contribution_id: int | None
    about: str
    happened_on: date
    round: int
    asked: str
    asked_at: datetime
    due_on: date
    owner: str
    state: str
    answer: str
    answered_at: datetime | None
    changed_minutes: int


class QueryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Questions. ``next_cursor`` asks for the next page; null at the end."""

    items: tuple[Query, ...]
    next_cursor: str | None


@post("/api/v1/queries", tags=["concerns"], operation_id="ask", guards=[needs_scope(WRITE)], **CHANGING)
async def ask(request: ApiRequest, data: JSONBody[NewQuery]) -> Response[Query]:
    """Say that an entry of the token's member is not right."""
    actor, key = acting(request), idempotency_key(request)
    if (data.entry_id is None) == (data.contribution_id is None):
        return refused([Refusal("one_of_two", "Send entry_id or contribution_id, one of the two.", "entry_id")])
    command = Ask(words=data.words, entry_id=data.entry_id, contribution_id=data.contribution_id)
    try:
        asked = await service.ask(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(asked, list):
        return refused(asked)
    found = await _one(request, asked.concern_id)
    return Response(_shown(found), status_code=201, headers={"Location": f"/api/v1/queries/{found.id}"})


@get("/api/v1/queries", tags=["concerns"], operation_id="list_own_queries", guards=[needs_scope(READ)], **READING)
async def list_queries(
    request: ApiRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[str | None] = None
) -> Response[QueryPage]:
    """What the token's member asked, newest first."""
    actor = acting(request)
    size, before = page_size(limit), parse_cursor(cursor) if cursor else (None,)
    if isinstance(size, Refusal) or isinstance(before, Refusal):
        return refused([found for found in (size, before) if isinstance(found, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.of_member(
            connection, actor.timebank_id, actor.subject_id or 0, before=before[0], limit=size + 1
        )
    page = page_of(found, size, lambda one: (one.id,))
    return Response(QueryPage(items=tuple(_shown(one) for one in page.items), next_cursor=page.next_cursor))


@get(
    "/api/v1/queries/to-answer",
    tags=["concerns"],
    operation_id="list_queries_to_answer",
    guards=[needs_scope(STAFF)],
    **READING,
)
async def list_to_answer(
    request: ApiRequest,
    show: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[QueryPage]:
    """Questions for those who answer. ``show``: mine, open, overdue or answered; an approver sees their own."""
    actor = acting(request)
    if not rules.answers(actor):
        raise PermissionDeniedException("Only a coordinator or an approver may do this.")
    size, after = page_size(limit), parse_cursor(cursor) if cursor else (None,)
    if isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused([found for found in (size, after) if isinstance(found, Refusal)])
    wanted: queries.Show = next((one for one in queries.SHOWS if one == show), "mine")
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.to_answer(
            connection,
            actor.timebank_id,
            actor.member_id or 0,
            wanted,
            on=today(now(request), (await banks.by_id(connection, actor.timebank_id)).time_zone),
            sees_all=actor.has(COORDINATOR),
            after=after[0],
            limit=size + 1,
        )
    page = page_of(found, size, lambda one: (one.id,))
    return Response(QueryPage(items=tuple(_shown(one) for one in page.items), next_cursor=page.next_cursor))


@get("/api/v1/queries/{id_:int}", tags=["concerns"], operation_id="get_query", guards=[needs_scope(READ)], **READING)
async def get_query(request: ApiRequest, id_: FromPath[int]) -> Query:
    """One question: the member's own, or one that this member may answer. The look of somebody else is written down."""
    actor = acting(request)
    found = await _one(request, id_)
    look = "looked at a question you asked by program"
    await note_access(database(request), actor, found.member_id, look, now=now(request))
    return _shown(found)


@post(
    "/api/v1/queries/{id_:int}/answer",
    tags=["concerns"],
    operation_id="answer_query",
    guards=[needs_scope(STAFF)],
    status_code=200,
    **CHANGING,
)
async def answer(request: ApiRequest, id_: FromPath[int], data: JSONBody[NewAnswer]) -> Response[Answered]:
    """Answer a question that this member was given; the member who asked is told."""
    actor, key = acting(request), idempotency_key(request)
    command = Answer(concern_id=id_, outcome=data.outcome, words=data.words, minutes=data.minutes)
    try:
        answered = await service.answer(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return refused(answered) if isinstance(answered, list) else Response(answered, status_code=200)


@post(
    "/api/v1/queries/{id_:int}/hand-over",
    tags=["concerns"],
    operation_id="hand_over_query",
    guards=[needs_scope(STAFF)],
    status_code=200,
    **CHANGING,
)
async def hand_over(request: ApiRequest, id_: FromPath[int], data: JSONBody[Reason]) -> Response[GivenOn]:
    """Let somebody else answer; they and the member are told."""
    actor, key = acting(request), idempotency_key(request)
    try:
        given = await service.hand_over(
            database(request), actor, HandOver(concern_id=id_, reason=data.reason), key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(given) if isinstance(given, list) else Response(given, status_code=200)


async def _one(request: ApiRequest, concern_id: int) -> Concern:
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.one(connection, actor.timebank_id, concern_id)
    if found is None or not rules.may_see(actor, member_id=found.member_id, owner_id=found.owner_id):
        raise NotFoundException
    return found


def _shown(one: Concern) -> Query:
    return Query(
        id=one.id,
        member_id=one.member_id,
        entry_id=one.entry_id,
        contribution_id=one.contribution_id,
        about=one.title,
        happened_on=one.happened_on,
        round=one.round,
        asked=one.asked,
        asked_at=one.asked_at,
        due_on=one.due_on,
        owner=one.owner_first_name,
        state=one.state,
        answer=one.answer,
        answered_at=one.answered_at,
        changed_minutes=one.changed_minutes,
    )


ROUTES: list[Any] = [ask, list_queries, list_to_answer, get_query, answer, hand_over]
