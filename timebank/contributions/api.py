"""Registers for programs: save who came, look at what was saved."""

from datetime import date, datetime, time
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.contributions import api_corrections, api_decisions, api_registers, api_self_log, queries, service
from timebank.contributions.api_corrections import NewLine
from timebank.contributions.queries import RegisterShown
from timebank.contributions.service import SaveRegister
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit import ids
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.paging import MAX_KEY
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "registers:write"
MAX_LINES = 1000
MAX_BESIDE = 100

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Reference = Annotated[str, msgspec.Meta(max_length=20)]


class NewRegister(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A register to save: every line of it or none.

    ``beside``: the registers of the same activity and days that were looked at; any other one refuses. Null: not asked.
    """

    activity_id: Id
    lines: Annotated[list[NewLine], msgspec.Meta(max_length=MAX_LINES)]
    beside: Annotated[list[Reference], msgspec.Meta(max_length=MAX_BESIDE)] | None = None


class RegisterLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a register. ``state`` is submitted, approved, declined, undone or removed; ``flagged`` says why it
    waited. ``member_id`` is 0 for a guest. ``credited_to`` says where approved minutes went: member, other, pot, none,
    or guest (they wait). ``query_state``: queried, upheld or corrected, once somebody asked.
    """

    contribution_id: int
    line: int
    activity_id: int | None
    member_id: int
    guest_id: int | None
    kind: str
    held_on: date
    starts_at: time | None
    minutes: int
    preparation_minutes: int
    travel_minutes: int
    receiver_ids: list[int]
    what: str
    state: str
    credited_to: str | None
    query_state: str
    flagged: str
    rules_version: int


class SavedRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A saved register. Minutes count what was credited and what waits for a second person."""

    reference: str
    recorded_at: datetime
    undone_at: datetime | None
    credited: int
    credited_minutes: int
    waiting: int
    waiting_minutes: int
    lines: list[RegisterLine]


@post(
    "/api/v1/registers",
    tags=["registers"],
    operation_id="save_register",
    guards=[needs_scope(WRITE)],
    **CHANGING,
)
async def save_register(request: ApiRequest, data: JSONBody[NewRegister]) -> Response[SavedRegister]:
    """Save who came and credit their minutes. Lines beyond the approval limits wait for a second person.

    A coordinator saves any group, a session leader those that they lead.
    """
    actor = acting(request)
    command = SaveRegister(
        activity_id=data.activity_id,
        lines=tuple(line.as_line() for line in data.lines),
        source="api",
        beside=None if data.beside is None else tuple(data.beside),
    )
    key = idempotency_key(request)
    saved = await service.save_register(database(request), actor, command, key=key, now=now(request))
    if isinstance(saved, list):
        return refused(saved)
    return Response(
        await _shown(request, actor, saved.reference),
        status_code=201,
        headers={"Location": f"/api/v1/registers/{saved.reference}"},
    )


@get(
    "/api/v1/registers/{reference:str}",
    tags=["registers"],
    operation_id="get_register",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **READING,
)
async def register(request: ApiRequest, reference: FromPath[str]) -> SavedRegister:
    """A saved register and what became of its lines."""
    actor = acting(request)
    known = ids.normalise_reference(reference)
    if known is None:
        raise NotFoundException
    return await _shown(request, actor, known)


async def _shown(request: ApiRequest, actor: Actor, reference: str) -> SavedRegister:
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.register(connection, actor.timebank_id, reference)
    if found is None:
        raise NotFoundException
    return _as_saved(found)


def _as_saved(found: RegisterShown) -> SavedRegister:
    credited, waiting = found.of("approved"), found.of("submitted")
    return SavedRegister(
        reference=found.reference,
        recorded_at=found.recorded_at,
        undone_at=found.undone_at,
        credited=len(credited),
        credited_minutes=sum(line.minutes for line in credited),
        waiting=len(waiting),
        waiting_minutes=sum(line.minutes for line in waiting),
        lines=[
            RegisterLine(
                contribution_id=line.id,
                line=line.line,
                activity_id=line.activity_id,
                member_id=line.member_id,
                guest_id=line.guest_id,
                kind=line.kind,
                held_on=line.held_on,
                starts_at=line.starts_at,
                minutes=line.minutes,
                preparation_minutes=line.preparation_minutes,
                travel_minutes=line.travel_minutes,
                receiver_ids=list(line.receiver_ids),
                what=line.what,
                state=line.state,
                credited_to=line.credited_to,
                query_state=line.query_state,
                flagged=line.flagged,
                rules_version=line.rules_version,
            )
            for line in found.lines
        ],
    )


ROUTES: list[Any] = [
    save_register,
    register,
    *api_registers.ROUTES,
    *api_corrections.ROUTES,
    *api_self_log.ROUTES,
    *api_decisions.ROUTES,
]
