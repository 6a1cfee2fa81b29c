"""How a member likes it, for programs: the same use case as the page."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import MAX_KEY
from timebank.members import choices
from timebank.members.choices import CHOICES, ChangeChoices, KeptChoices
from timebank.web.api import CHANGING, READING, ApiProblem, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "members:read"
WRITE = "members:write"
Hour = Annotated[int, msgspec.Meta(ge=0, le=choices.LAST_HOUR)]


class ChoicesNow(msgspec.Struct, frozen=True, kw_only=True):
    """A member's choices. ``revision`` goes with a change, so that two at once notice each other.

    ``quiet_from`` and ``quiet_until`` are hours on the clocks of the time bank, both null without a quiet time.
    """

    revision: int
    contact_route: str
    language: str
    format_preference: str
    easy_read: bool
    large_text: bool
    hours_shown: str
    skills_shown_to: str
    statement_checks: bool
    quiet_from: int | None
    quiet_until: int | None


class ChoicesWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choices to change; those that are left out stay. Null for both hours ends the quiet time."""

    revision: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
    contact_route: str | msgspec.UnsetType = msgspec.UNSET
    language: str | msgspec.UnsetType = msgspec.UNSET
    format_preference: str | msgspec.UnsetType = msgspec.UNSET
    easy_read: bool | msgspec.UnsetType = msgspec.UNSET
    large_text: bool | msgspec.UnsetType = msgspec.UNSET
    hours_shown: str | msgspec.UnsetType = msgspec.UNSET
    skills_shown_to: str | msgspec.UnsetType = msgspec.UNSET
    statement_checks: bool | msgspec.UnsetType = msgspec.UNSET
    quiet_from: Hour | msgspec.UnsetType | None = msgspec.UNSET
    quiet_until: Hour | msgspec.UnsetType | None = msgspec.UNSET


@get(
    "/api/v1/members/{member_id:int}/choices",
    operation_id="get_choices",
    tags=["members"],
    guards=[needs_scope(READ)],
    **READING,
)
async def get_choices(request: ApiRequest, member_id: FromPath[int]) -> Response[ChoicesNow]:
    """How a member likes it: one's own, or anybody's for a coordinator."""
    actor = acting(request)
    if actor.member_id != member_id and not actor.has(COORDINATOR):
        raise ApiProblem(403, "role_missing", "A token sees its own member only, unless that member coordinates.")
    if not 0 < member_id <= MAX_KEY:
        raise NotFoundException
    async with database(request).reading(actor.timebank_id) as connection:
        try:
            kept = await choices.choices_of(connection, actor.timebank_id, member_id)
        except LookupError as error:
            raise NotFoundException from error
    return Response(_shown(kept))


@post(
    "/api/v1/members/{member_id:int}/choices",
    operation_id="change_choices",
    status_code=200,
    tags=["members"],
    guards=[needs_scope(WRITE)],
    **CHANGING,
)
async def change_choices(
    request: ApiRequest, member_id: FromPath[int], data: JSONBody[ChoicesWanted]
) -> Response[ChoicesNow]:
    """Change how a member likes it: a coordinator anybody's, a member their own. They are told when it was not them.

    ``changed_meanwhile`` says that the record has another revision by now: read it and send the change again.
    """
    changes = {name: value for name in CHOICES if (value := getattr(data, name)) is not msgspec.UNSET}
    command = ChangeChoices(member_id=member_id, revision=data.revision, changes=changes)
    try:
        done = await choices.change(
            database(request), acting(request), command, key=idempotency_key(request), now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(_shown(done), status_code=200)


def _shown(kept: KeptChoices) -> ChoicesNow:
    return msgspec.convert(msgspec.structs.asdict(kept), ChoicesNow)


ROUTES: list[Any] = [get_choices, change_choices]
