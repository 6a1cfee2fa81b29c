"""Members for programs: listing them, and adding one."""

from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery, JSONBody

from timebank.db import retrying
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members import api_care, queries, service
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "members:read"
WRITE = "members:write"


class MemberSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An active member. How to reach them is only on the record that a coordinator opens, and each look is logged."""

    id: int
    number: int
    display_name: str
    can_offer: str
    joined_on: date
    roles: tuple[str, ...]


class MemberPage(msgspec.Struct, frozen=True, kw_only=True):
    """Members in the order of their names. ``next_cursor`` asks for the next page; null at the end."""

    items: tuple[MemberSummary, ...]
    next_cursor: str | None


class NewMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member to add. ``name_may_repeat`` confirms that a second one of the same name is meant."""

    display_name: str
    joined_on: date
    email: str = ""
    phone: str = ""
    contact_route: str = "none"
    can_offer: str = ""
    roles: tuple[str, ...] = ()
    name_may_repeat: bool = False


class MemberAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The new member's id, and the number that people use."""

    id: int
    number: int


@get(
    "/api/v1/members",
    operation_id="list_members",
    tags=["members"],
    guards=[needs_scope(READ, role=COORDINATOR)],
    **READING,
)
async def list_members(
    request: ApiRequest,
    q: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[MemberPage]:
    """Active members, in the order of their names; ``q`` is part of a name, or a member number."""
    actor = acting(request)
    size, after = page_size(limit), parse_cursor(cursor) if cursor else None
    if isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused([found for found in (size, after) if isinstance(found, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        page = await queries.search(
            connection, actor.timebank_id, q or "", after=after[0] if after else None, limit=size
        )
    members = tuple(msgspec.convert(msgspec.structs.asdict(member), MemberSummary) for member in page.items)
    return Response(MemberPage(items=members, next_cursor=page.next_cursor))


@post(
    "/api/v1/members",
    operation_id="add_member",
    tags=["members"],
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **CHANGING,
)
async def add_member(request: ApiRequest, data: JSONBody[NewMember]) -> Response[MemberAdded]:
    """Add a member and open the account of their hours. The same ``Idempotency-Key`` adds them once."""
    actor = acting(request)
    key = idempotency_key(request)
    db = database(request)
    command = service.AddMember(
        display_name=data.display_name,
        email=data.email,
        phone=data.phone,
        contact_route=data.contact_route,
        can_offer=data.can_offer,
        joined_on=data.joined_on,
        roles=data.roles,
        name_may_repeat=data.name_may_repeat,
    )
    added = await retrying(lambda: service.add(db, actor, command, key=key, now=now(request)))
    if isinstance(added, list):
        return refused(added)
    return Response(MemberAdded(id=added.member_id, number=added.number), status_code=201)


ROUTES = [list_members, add_member, *api_care.ROUTES]
