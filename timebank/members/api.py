"""Members for programs: finding them, adding one, reading and changing a record. More is in the ``api_*`` modules."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import MAX_KEY, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members import api_agreements, api_care, api_choices, api_many, details, queries, rules, service
from timebank.members.access import note_access
from timebank.members.details import ChangeDetails
from timebank.members.queries import Filters, MemberRecord
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "members:read"
WRITE = "members:write"

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]


class MemberSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A member in a list. How to reach them is only on the record that a coordinator opens, and each look is logged."""

    id: int
    number: int
    kind: str
    status: str
    display_name: str
    can_offer: str
    joined_on: date
    roles: tuple[str, ...]


class MemberPage(msgspec.Struct, frozen=True, kw_only=True):
    """Members in the order of their names. ``next_cursor`` asks for the next page; null at the end."""

    items: tuple[MemberSummary, ...]
    next_cursor: str | None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a coordinator sees of a member. ``revision`` goes with a change, so that two at once notice each other."""

    id: int
    number: int
    kind: str
    status: str
    revision: int
    joined_on: date
    roles: tuple[str, ...]
    contact_member_id: int | None
    display_name: str
    phone: str
    email: str
    contact_route: str
    postal_address: str
    language: str
    format_preference: str
    access_needs: str
    can_offer: str
    emergency_name: str
    emergency_phone: str


class NewMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member to add. ``name_may_repeat`` confirms that another person of the same name or address is meant."""

    display_name: str
    joined_on: date
    kind: str = "person"
    contact_member_id: Id | None = None
    phone: str = ""
    email: str = ""
    contact_route: str = "none"
    postal_address: str = ""
    language: str = "en"
    format_preference: str = "screen"
    access_needs: str = ""
    can_offer: str = ""
    emergency_name: str = ""
    emergency_phone: str = ""
    roles: tuple[str, ...] = ()
    name_may_repeat: bool = False


class MemberAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The new member's id, and the number that people use."""

    id: int
    number: int


class MemberChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Details to change; those that are left out or null stay. ``revision`` is that of the record they come from."""

    revision: Id
    display_name: str | None = None
    phone: str | None = None
    email: str | None = None
    contact_route: str | None = None
    postal_address: str | None = None
    language: str | None = None
    format_preference: str | None = None
    access_needs: str | None = None
    can_offer: str | None = None
    emergency_name: str | None = None
    emergency_phone: str | None = None


class MemberChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The revision of the record now, and the names of the details that are different."""

    revision: int
    changed: tuple[str, ...]


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
    role: FromQuery[str | None] = None,
    status: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
) -> Response[MemberPage]:
    """Members who have not left, in the order of their names.

    ``q``: part of a name or e-mail address, digits of a phone number, or a member number. ``role``: a role, or
    ``participant``; ``status``: active, paused or left; ``kind``: person, group or organisation.
    """
    actor = acting(request)
    size, after = page_size(limit), parse_cursor(cursor) if cursor else None
    if isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused([found for found in (size, after) if isinstance(found, Refusal)])
    filters = Filters(role=_plain(role), status=_plain(status), kind=_plain(kind))
    async with database(request).reading(actor.timebank_id) as connection:
        page = await queries.search(
            connection,
            actor.timebank_id,
            _plain(q),
            filters=filters,
            after=after[0] if after else None,
            limit=size,
        )
    members = tuple(msgspec.convert(msgspec.structs.asdict(member), MemberSummary) for member in page.items)
    return Response(MemberPage(items=members, next_cursor=page.next_cursor))


@get(
    "/api/v1/members/{member_id:int}",
    operation_id="get_member",
    tags=["members"],
    guards=[needs_scope(READ, role=COORDINATOR)],
    **READING,
)
async def get_member(request: ApiRequest, member_id: FromPath[int]) -> Response[Record]:
    """A member's record. The look is written down for them to read."""
    actor, db = acting(request), database(request)
    async with db.reading(actor.timebank_id) as connection:
        found = await queries.by_id(connection, actor.timebank_id, member_id)
    if found is None:
        raise NotFoundException
    await note_access(db, actor, member_id, mark("looked at the record by program"), now=now(request))
    return Response(_record(found))


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
    command = msgspec.convert(msgspec.structs.asdict(data), service.AddMember)
    added = await service.add(database(request), actor, command, key=idempotency_key(request), now=now(request))
    if isinstance(added, list):
        return refused(added)
    return Response(MemberAdded(id=added.member_id, number=added.number), status_code=201)


@post(
    "/api/v1/members/{member_id:int}/changes",
    operation_id="change_member",
    status_code=200,
    tags=["members"],
    guards=[needs_scope(WRITE)],
    **CHANGING,
)
async def change_member(
    request: ApiRequest, member_id: FromPath[int], data: JSONBody[MemberChanges]
) -> Response[MemberChanged]:
    """Change details of a member: a coordinator anybody's, a member their own. They are told.

    ``changed_meanwhile`` says that the record has another revision by now: read it and send the change again.
    """
    changes = {name: value for name in rules.DETAILS if (value := getattr(data, name)) is not None}
    command = ChangeDetails(member_id=member_id, revision=data.revision, changes=changes)
    try:
        changed = await details.change(
            database(request), acting(request), command, key=idempotency_key(request), now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(changed, list):
        return refused(changed)
    return Response(MemberChanged(revision=changed.revision, changed=changed.changed), status_code=200)


def _record(found: MemberRecord) -> Record:
    return msgspec.convert(msgspec.structs.asdict(found), Record)


def _plain(typed: str | None) -> str:
    """What was asked for, without the character zero that PostgreSQL cannot take."""
    return (typed or "").replace("\x00", "")


ROUTES: list[Any] = [
    list_members,
    get_member,
    add_member,
    change_member,
    *api_agreements.ROUTES,
    *api_many.ROUTES,
    *api_care.ROUTES,
    *api_choices.ROUTES,
]
