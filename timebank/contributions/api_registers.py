"""The list of registers and one's own drafts, for programs."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.contributions import drafts, register_list
from timebank.contributions.drafts import DRAFT_NAME, MAX_FIELDS, SaveDraft
from timebank.contributions.leading import groups_led
from timebank.contributions.register_list import Filter
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.paging import MAX_KEY, page_of, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "registers:write"
MAX_TYPED = 20_000

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Typed = Annotated[str, msgspec.Meta(max_length=MAX_TYPED)]


class ListedRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A register in the list, as far as its lines match. ``minutes`` count or wait to; an undone register has none."""

    reference: str
    source: str
    activity: str
    first_on: date
    last_on: date
    people: int
    minutes: int
    waiting: int
    recorded_by: int
    recorded_at: datetime
    undone_at: datetime | None


class Registers(msgspec.Struct, frozen=True, kw_only=True):
    """A page of registers, the newest first."""

    items: list[ListedRegister]
    next_cursor: str | None


class NewDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A register that was begun. ``fields`` are those of the page's form, each with its values in order."""

    activity_id: Id
    held_on: date | None = None
    people: Annotated[int, msgspec.Meta(ge=0, le=MAX_FIELDS)] = 0
    fields: Annotated[dict[str, list[Typed]], msgspec.Meta(max_length=MAX_FIELDS)]


class DraftOf(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own drafts. ``token`` names it; saving under the same token changes it."""

    token: str
    activity_id: int
    held_on: date | None
    people: int
    saved_at: datetime


class Drafts(msgspec.Struct, frozen=True, kw_only=True):
    """One's own drafts, the newest first."""

    items: list[DraftOf]


@get("/api/v1/registers", tags=["registers"], operation_id="list_registers", guards=[needs_scope(WRITE)], **READING)
async def list_registers(
    request: ApiRequest,
    activity_id: FromQuery[int | None] = None,
    first: FromQuery[date | None] = None,
    last: FromQuery[date | None] = None,
    member_id: FromQuery[int | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[Registers]:
    """The registers by activity, days and member: all for a coordinator, their own for a session leader."""
    actor = acting(request)
    size, after = page_size(limit), parse_cursor(cursor) if cursor else (None,)
    if isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused([found for found in (size, after) if isinstance(found, Refusal)])
    if any(number is not None and not 0 < number <= MAX_KEY for number in (activity_id, member_id)):
        return Response(Registers(items=[], next_cursor=None))
    async with database(request).reading(actor.timebank_id) as connection:
        led = await groups_led(connection, actor)
        if led is not None and not led:
            raise PermissionDeniedException
        wanted = Filter(
            activity_id=activity_id,
            first=first,
            last=last,
            people=None if member_id is None else [member_id],
            recorded_by=None if led is None else actor.member_id,
        )
        found = await register_list.listed(connection, actor.timebank_id, wanted, before=after[0], limit=size + 1)
    page = page_of(found, size, lambda one: (one.id,))
    items = [msgspec.convert(one, ListedRegister, from_attributes=True) for one in page.items]
    return Response(Registers(items=items, next_cursor=page.next_cursor))


@get("/api/v1/drafts", tags=["registers"], operation_id="list_drafts", guards=[needs_scope(WRITE)], **READING)
async def list_drafts(request: ApiRequest) -> Drafts:
    """One's own drafts."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        mine = await drafts.drafts(connection, actor)
    return Drafts(items=[msgspec.convert(one, DraftOf, from_attributes=True) for one in mine])


@get("/api/v1/drafts/{token:str}", tags=["registers"], operation_id="get_draft", guards=[needs_scope(WRITE)], **READING)
async def get_draft(request: ApiRequest, token: FromPath[str]) -> NewDraft:
    """What was typed into one of one's own drafts."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        kept = await drafts.draft(connection, actor, token)
    if kept is None:
        raise NotFoundException
    return NewDraft(activity_id=kept.activity_id, fields={name: list(values) for name, values in kept.fields.items()})


@post(
    "/api/v1/drafts/{token:str}",
    tags=["registers"],
    operation_id="save_draft",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def save_draft(request: ApiRequest, token: FromPath[str], data: JSONBody[NewDraft]) -> Response[Nothing]:
    """Keep what was typed under this name; saying it again changes nothing. Nothing is counted from it."""
    try:
        name = msgspec.convert(token, Annotated[str, msgspec.Meta(pattern=DRAFT_NAME)])
    except msgspec.ValidationError as error:
        raise NotFoundException from error
    command = SaveDraft(
        token=name,
        activity_id=data.activity_id,
        held_on=data.held_on,
        people=data.people,
        fields={field: tuple(values) for field, values in data.fields.items()},
    )
    idempotency_key(request)  # asked for everywhere; here the token does its work
    refusals = await drafts.save_draft(database(request), acting(request), command, now=now(request))
    return refused(refusals) if refusals else Response(Nothing(), status_code=200)


@post(
    "/api/v1/drafts/{token:str}/delete",
    tags=["registers"],
    operation_id="delete_draft",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def delete_draft(request: ApiRequest, token: FromPath[str], data: JSONBody[Nothing]) -> Response[Nothing]:
    """Delete one of one's own drafts; deleting it again changes nothing."""
    del data
    idempotency_key(request)
    await drafts.discard_draft(database(request), acting(request), token)
    return Response(Nothing(), status_code=200)


ROUTES: list[Any] = [list_registers, list_drafts, get_draft, save_draft, delete_draft]
