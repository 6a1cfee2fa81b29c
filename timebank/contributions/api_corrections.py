"""Registers afterwards, guests and hours brought forward, for programs."""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.contributions import guests, queries, service
from timebank.contributions.guests import AddedGuest, AddGuest, JoinedGuest, WaitingGuest
from timebank.contributions.leading import groups_led
from timebank.contributions.rules import (
    MAX_AGREED,
    MAX_DECISION_REASON,
    MAX_DUPLICATE_REASON,
    MAX_EVIDENCE,
    MAX_WHAT,
    Line,
)
from timebank.contributions.service import (
    BringForward,
    BroughtForward,
    ChangedLine,
    CorrectedRegister,
    Correction,
    CorrectRegister,
    UndoneRegister,
)
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit import ids
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import MAX_KEY
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "registers:write"
MAX_CHANGES = 1000

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)]
Whole = Annotated[int, msgspec.Meta(ge=-MAX_KEY, le=MAX_KEY)]
Reason = Annotated[str, msgspec.Meta(max_length=MAX_DUPLICATE_REASON)]


class NewLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person's time on one day, in whole minutes. ``activity_id`` only where it is not the register's.

    ``guest_id`` instead of ``member_id`` for somebody who is no member yet. ``starts_at`` is on the time bank's wall
    clock. ``preparation_minutes`` and ``travel_minutes`` are part of ``minutes``. An ``exchange`` is for
    ``receiver_ids``; ``how_agreed`` says how those who pay for it agreed. ``duplicate_reason`` says why the time is
    like another entry, or overlaps one, when it does.
    """

    held_on: date
    minutes: Whole
    member_id: Id | None = None
    guest_id: Id | None = None
    what: Annotated[str, msgspec.Meta(max_length=MAX_WHAT)] = ""
    duplicate_reason: Reason = ""
    activity_id: Id | None = None
    starts_at: time | None = None
    preparation_minutes: Whole = 0
    travel_minutes: Whole = 0
    kind: Literal["given", "exchange", "staff"] = "given"
    receiver_ids: Annotated[list[Id], msgspec.Meta(max_length=MAX_CHANGES)] = []
    how_agreed: Annotated[str, msgspec.Meta(max_length=MAX_AGREED)] = ""

    def as_line(self) -> Line:
        """The line as the service takes it."""
        fields = msgspec.structs.asdict(self)
        fields["starts_at"] = self.starts_at.replace(tzinfo=None) if self.starts_at else None
        return Line(**{**fields, "member_id": self.member_id or 0, "receiver_ids": tuple(self.receiver_ids)})


class LineChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a saved line is to say: its minutes (0 takes it out) or its day; null leaves it as it is."""

    contribution_id: Id
    minutes: Whole | None = None
    held_on: date | None = None
    duplicate_reason: Reason = ""


class NewCorrection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Correct a register: change lines, add some, or move all of it. Everybody affected reads the reason."""

    reason: Annotated[str, msgspec.Meta(max_length=MAX_DECISION_REASON)]
    changes: Annotated[list[LineChange], msgspec.Meta(max_length=MAX_CHANGES)] = []
    add: Annotated[list[NewLine], msgspec.Meta(max_length=MAX_CHANGES)] = []
    held_on: date | None = None


class LineHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a line after it was decided. ``short_minutes`` had been used already."""

    contribution_id: int
    step: str
    minutes_before: int
    minutes_after: int
    held_on_before: date
    held_on_after: date
    short_minutes: int
    reason: str
    changed_by: int
    changed_at: datetime


class RegisterHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that happened to the lines of a register, line by line, oldest first."""

    items: list[LineHistory]


class NewGuest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who came and is no member yet. ``is_another``: not the guest of this name who is there already."""

    name: Annotated[str, msgspec.Meta(max_length=guests.MAX_NAME)]
    is_another: bool = False


class Guests(msgspec.Struct, frozen=True, kw_only=True):
    """The guests who may still join, by name."""

    items: list[WaitingGuest]


class NewMemberOfGuest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which member the guest is now."""

    member_id: Id


class NewBroughtForward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours that a member had on a day, and where they are written down."""

    member_id: Id
    minutes: Whole
    as_of: date
    evidence: Annotated[str, msgspec.Meta(max_length=MAX_EVIDENCE)]
    what: Annotated[str, msgspec.Meta(max_length=MAX_WHAT)] = ""
    duplicate_reason: Reason = ""


def _known(reference: str) -> str:
    known = ids.normalise_reference(reference)
    if known is None:
        raise NotFoundException
    return known


@post(
    "/api/v1/registers/{reference:str}/undo",
    tags=["registers"],
    operation_id="undo_register",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def undo_register(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[Nothing]
) -> Response[UndoneRegister]:
    """Take a register back soon after it was saved: by who saved it, or an administrator."""
    del data
    actor, key = acting(request), idempotency_key(request)
    try:
        undone = await service.undo_register(database(request), actor, _known(reference), key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return refused(undone) if isinstance(undone, list) else Response(undone, status_code=200)


def _command(reference: str, data: NewCorrection) -> CorrectRegister:
    return CorrectRegister(
        reference=_known(reference),
        changes=tuple(ChangedLine(**msgspec.structs.asdict(change)) for change in data.changes),
        reason=data.reason,
        add=tuple(line.as_line() for line in data.add),
        held_on=data.held_on,
    )


@post(
    "/api/v1/registers/{reference:str}/corrections/preview",
    tags=["registers"],
    operation_id="preview_correction",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **READING,
)
async def preview_correction(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[NewCorrection]
) -> Response[Correction]:
    """Who a correction would affect, and who has used the hours already. Changes nothing."""
    try:
        shown = await service.preview_correction(
            database(request), acting(request), _command(reference, data), now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(shown) if isinstance(shown, list) else Response(shown, status_code=200)


@post(
    "/api/v1/registers/{reference:str}/corrections",
    tags=["registers"],
    operation_id="correct_register",
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def correct_register(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[NewCorrection]
) -> Response[CorrectedRegister]:
    """Correct a register at any later time, by counter-entries. Everybody is told; nobody goes below nothing."""
    key = idempotency_key(request)
    try:
        done = await service.correct_register(
            database(request), acting(request), _command(reference, data), key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@get(
    "/api/v1/registers/{reference:str}/history",
    tags=["registers"],
    operation_id="register_history",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **READING,
)
async def register_history(request: ApiRequest, reference: FromPath[str]) -> RegisterHistory:
    """What was corrected, asked and answered about the lines of a register, by whom and why."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.register(connection, actor.timebank_id, _known(reference))
        if found is None:
            raise NotFoundException
        changes = await queries.changes(connection, actor.timebank_id, [line.id for line in found.lines])
    return RegisterHistory(items=[msgspec.convert(one, LineHistory, from_attributes=True) for one in changes])


@get("/api/v1/guests", tags=["registers"], operation_id="list_guests", guards=[needs_scope(WRITE)], **READING)
async def list_guests(request: ApiRequest) -> Guests:
    """Guests whose minutes wait: all for a coordinator, those of their groups for a session leader."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        led = await groups_led(connection, actor)
        found = await guests.waiting_guests(connection, actor, led=None if led is None else sorted(led))
    return Guests(items=found)


@post("/api/v1/guests", tags=["registers"], operation_id="add_guest", guards=[needs_scope(WRITE)], **CHANGING)
async def add_guest(request: ApiRequest, data: JSONBody[NewGuest]) -> Response[AddedGuest]:
    """Add somebody who came and is no member yet."""
    command, key = AddGuest(name=data.name, is_another=data.is_another), idempotency_key(request)
    added = await service.add_guest(database(request), acting(request), command, key=key, now=now(request))
    return refused(added) if isinstance(added, list) else Response(added, status_code=201)


@post(
    "/api/v1/guests/{guest_id:int}/join",
    tags=["registers"],
    operation_id="join_guest",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    status_code=200,
    **CHANGING,
)
async def join_guest(
    request: ApiRequest, guest_id: FromPath[int], data: JSONBody[NewMemberOfGuest]
) -> Response[JoinedGuest]:
    """The guest is a member now: their minutes are credited to that member."""
    key = idempotency_key(request)
    joined = await service.join_guest(
        database(request), acting(request), guest_id, data.member_id, key=key, now=now(request)
    )
    return refused(joined) if isinstance(joined, list) else Response(joined, status_code=200)


@post(
    "/api/v1/brought-forward",
    tags=["registers"],
    operation_id="bring_forward",
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **CHANGING,
)
async def bring_forward(request: ApiRequest, data: JSONBody[NewBroughtForward]) -> Response[BroughtForward]:
    """Enter hours brought forward, with evidence. They wait for a second person."""
    command, key = BringForward(**msgspec.structs.asdict(data)), idempotency_key(request)
    brought = await service.bring_forward(database(request), acting(request), command, key=key, now=now(request))
    return refused(brought) if isinstance(brought, list) else Response(brought, status_code=201)


ROUTES: list[Any] = [
    undo_register, preview_correction, correct_register, register_history, list_guests, add_guest, join_guest,
    bring_forward,
]  # fmt: skip
