"""For programs: what was agreed with a member. Consents, supporters, groups, roles."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import ADMIN, COORDINATOR
from timebank.kit.paging import MAX_KEY
from timebank.members import consents, groups, queries, roles, supporters
from timebank.members.access import note_access
from timebank.members.consents import Answer, Topic
from timebank.members.groups import Belongs
from timebank.members.queries import MemberRecord
from timebank.members.supporters import SupporterShown
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "members:read"
WRITE = "members:write"
MAX_TEXT = 1000

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class ConsentList(msgspec.Struct, frozen=True, kw_only=True):
    """The topics a member agrees to now, and every answer there was, newest first."""

    given: tuple[str, ...]
    history: tuple[Answer, ...]


class TopicList(msgspec.Struct, frozen=True, kw_only=True):
    """Everything members can agree to."""

    items: tuple[Topic, ...]


class NewConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member's answer about a topic. ``how``: in_person, phone, letter or online."""

    topic: Text
    is_given: bool
    decided_on: date
    how: Text


class NewTopic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something more to ask members; ``kind``: ``partner`` (then the title is their name) or ``own``."""

    kind: Text
    title: Text
    explanation: Text = ""


class SupporterList(msgspec.Struct, frozen=True, kw_only=True):
    """Who may act for a member, and who did."""

    items: tuple[SupporterShown, ...]


class NewSupporter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may act for a member: another member, or a person from outside by name and contact.

    ``scope``: see_hours, book, log_time, messages.
    """

    supporter_member_id: Id | None = None
    outside_name: Text = ""
    outside_contact: Text = ""
    scope: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)]
    starts_on: date
    ends_on: date | None = None
    agreed_how: Text
    agreed_on: date


class PeopleList(msgspec.Struct, frozen=True, kw_only=True):
    """Who belongs to a group, and who did."""

    items: tuple[Belongs, ...]


class NewPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who belongs to the group from a day on."""

    member_id: Id
    from_on: date


class Leave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last day on which somebody belonged to the group."""

    until_on: date


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to speak to about the group; null for nobody."""

    member_id: Id | None


class NewRoles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All the roles that a member shall hold."""

    roles: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """Done. ``is_new`` is false when it was so before."""

    is_new: bool


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The id of what was made."""

    id: int


class TopicMade(msgspec.Struct, frozen=True, kw_only=True):
    """The code of the new topic, for answers about it."""

    code: str


class RolesNow(msgspec.Struct, frozen=True, kw_only=True):
    """The roles as they are now."""

    roles: tuple[str, ...]


_READS: dict[str, Any] = {"tags": ["members"], "guards": [needs_scope(READ, role=COORDINATOR)], **READING}
_WRITES: dict[str, Any] = {"tags": ["members"], "guards": [needs_scope(WRITE, role=COORDINATOR)], **CHANGING}
# A member may do this for themselves; the use case says who else.
_WRITES_OWN: dict[str, Any] = {"tags": ["members"], "guards": [needs_scope(WRITE)], **CHANGING}


@get("/api/v1/consent-topics", operation_id="list_consent_topics", **_READS)
async def list_topics(request: ApiRequest) -> TopicList:
    """Everything members can agree to: two topics in every time bank, partners by name, and its own."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        return TopicList(items=tuple(await consents.topics(connection, actor.timebank_id)))


@post("/api/v1/consent-topics", operation_id="add_consent_topic", **_WRITES)
async def add_topic(request: ApiRequest, data: JSONBody[NewTopic]) -> Response[TopicMade]:
    """Ask members something more from now on."""
    command = msgspec.convert(msgspec.structs.asdict(data), consents.AddTopic)
    made = await consents.add_topic(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    return refused(made) if isinstance(made, list) else Response(TopicMade(code=made.code), status_code=201)


@get("/api/v1/members/{member_id:int}/consents", operation_id="list_consents", **_READS)
async def list_consents(request: ApiRequest, member_id: FromPath[int]) -> ConsentList:
    """What a member agrees to, with every answer there was. The look is written down."""
    member = await _looked_at(request, member_id, "looked at your consents")
    async with database(request).reading(acting(request).timebank_id) as connection:
        found = await consents.consents(connection, acting(request).timebank_id, member.id)
    return ConsentList(given=tuple(one.topic.code for one in found.standing if one.is_given), history=found.history)


@post("/api/v1/members/{member_id:int}/consents", operation_id="decide_consent", **_WRITES_OWN)
async def decide(request: ApiRequest, member_id: FromPath[int], data: JSONBody[NewConsent]) -> Response[Changed]:
    """Write down a member's answer, given or withdrawn. They are told when somebody else does it."""
    command = msgspec.convert({"member_id": member_id, **msgspec.structs.asdict(data)}, consents.Decide)
    use_case = consents.decide(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    done = await _known(use_case)
    return refused(done) if isinstance(done, list) else Response(Changed(is_new=done.is_new), status_code=201)


@get("/api/v1/members/{member_id:int}/supporters", operation_id="list_supporters", **_READS)
async def list_supporters(request: ApiRequest, member_id: FromPath[int]) -> SupporterList:
    """Who may act for a member, and who did. The look is written down."""
    member = await _looked_at(request, member_id, "looked at your supporters")
    async with database(request).reading(acting(request).timebank_id) as connection:
        found = await supporters.supporters_of(connection, acting(request).timebank_id, member.id)
    return SupporterList(items=tuple(found))


@post("/api/v1/members/{member_id:int}/supporters", operation_id="add_supporter", **_WRITES_OWN)
async def add_supporter(request: ApiRequest, member_id: FromPath[int], data: JSONBody[NewSupporter]) -> Response[Made]:
    """Let somebody act for a member, as the member agreed. Both are told."""
    command = msgspec.convert({"member_id": member_id, **msgspec.structs.asdict(data)}, supporters.AddSupporter)
    use_case = supporters.add_supporter(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    done = await _known(use_case)
    return refused(done) if isinstance(done, list) else Response(Made(id=done.id), status_code=201)


@post("/api/v1/supporters/{supporter_id:int}/end", operation_id="end_supporter", status_code=200, **_WRITES_OWN)
async def end_supporter(request: ApiRequest, supporter_id: FromPath[int], data: JSONBody[Nothing]) -> Response[Changed]:
    """End an agreement at once; either of the two may, or a coordinator for them."""
    use_case = supporters.end_supporter(
        database(request), acting(request), supporter_id, key=idempotency_key(request), now=now(request)
    )
    done = await _known(use_case)
    return refused(done) if isinstance(done, list) else Response(Changed(is_new=done.is_new), status_code=200)


@get("/api/v1/members/{member_id:int}/people", operation_id="list_people_of_group", **_READS)
async def list_people(request: ApiRequest, member_id: FromPath[int]) -> PeopleList:
    """Who belongs to a group or an organisation, and who did."""
    group = await _looked_at(request, member_id, "looked at the people in the group")
    async with database(request).reading(acting(request).timebank_id) as connection:
        return PeopleList(items=tuple(await groups.people_in(connection, acting(request).timebank_id, group.id)))


@post("/api/v1/members/{member_id:int}/people", operation_id="join_group", **_WRITES)
async def join_group(request: ApiRequest, member_id: FromPath[int], data: JSONBody[NewPerson]) -> Response[Changed]:
    """Write down that somebody belongs to a group."""
    command = groups.JoinGroup(group_id=member_id, member_id=data.member_id, from_on=data.from_on)
    use_case = groups.join_group(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    done = await _known(use_case)
    return refused(done) if isinstance(done, list) else Response(Changed(is_new=done.is_new), status_code=201)


@post(
    "/api/v1/members/{member_id:int}/people/{belonging_id:int}/leave",
    operation_id="leave_group",
    status_code=200,
    **_WRITES,
)
async def leave_group(
    request: ApiRequest, member_id: FromPath[int], belonging_id: FromPath[int], data: JSONBody[Leave]
) -> Response[Changed]:
    """Write down that somebody's time in a group ended."""
    command = groups.LeaveGroup(group_id=member_id, belonging_id=belonging_id, until_on=data.until_on)
    use_case = groups.leave_group(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    done = await _known(use_case)
    return refused(done) if isinstance(done, list) else Response(Changed(is_new=done.is_new), status_code=200)


@post("/api/v1/members/{member_id:int}/contact", operation_id="set_group_contact", status_code=200, **_WRITES)
async def set_contact(request: ApiRequest, member_id: FromPath[int], data: JSONBody[Contact]) -> Response[Changed]:
    """Say whom to speak to about a group."""
    command = groups.SetContact(group_id=member_id, member_id=data.member_id)
    use_case = groups.set_contact(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    done = await _known(use_case)
    return refused(done) if isinstance(done, list) else Response(Changed(is_new=done.is_new), status_code=200)


@post(
    "/api/v1/members/{member_id:int}/roles",
    operation_id="set_roles",
    status_code=200,
    tags=["members"],
    guards=[needs_scope(WRITE, role=ADMIN)],
    **CHANGING,
)
async def set_roles(request: ApiRequest, member_id: FromPath[int], data: JSONBody[NewRoles]) -> Response[RolesNow]:
    """Give a member exactly these roles. It signs them out everywhere and tells them."""
    command = roles.SetRoles(member_id=member_id, roles=data.roles)
    use_case = roles.set_roles(
        database(request), acting(request), command, key=idempotency_key(request), now=now(request)
    )
    done = await _known(use_case)
    return refused(done) if isinstance(done, list) else Response(RolesNow(roles=done.roles), status_code=200)


async def _known(use_case: Any) -> Any:
    try:
        return await use_case
    except LookupError as error:
        raise NotFoundException from error


async def _looked_at(request: ApiRequest, member_id: int, what: str) -> MemberRecord:
    actor, db = acting(request), database(request)
    async with db.reading(actor.timebank_id) as connection:
        found = await queries.by_id(connection, actor.timebank_id, member_id)
    if found is None:
        raise NotFoundException
    await note_access(db, actor, found.id, what, now=now(request))
    return found


ROUTES: list[Any] = [
    list_topics, add_topic, list_consents, decide,
    list_supporters, add_supporter, end_supporter,
    list_people, join_group, leave_group, set_contact,
    set_roles,
]  # fmt: skip
