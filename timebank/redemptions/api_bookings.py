"""Bookings for programs: the steps of one, the days of trainings and who came, and waiting lists."""

from datetime import date, datetime
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.ids import normalise_reference
from timebank.kit.refusal import Refusal
from timebank.redemptions import attendance, queries, rules, service, waiting, waiting_queries
from timebank.redemptions.attendance import Mark, SaveAttendance
from timebank.redemptions.service import CallOff, ChangeBooking, ChangeWaiting, JoinWaiting, MoreTime, Refund
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "redemptions:write"
STEPS = {
    "accept": service.accept,
    "fulfil": service.fulfil,
    "decline": service.decline,
    "cancel": service.cancel,
    "miss": service.miss,
}
NEEDS_REASON = ("decline", "refund")
NO_REASON = Refusal("reason_missing", "Say why, in a few words. The member can read it.", "reason")


class StepBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a step with a booking. The member reads the ``reason``; declining and refunding need one.

    ``minutes`` and ``supplier_pence`` are for a refund (null: all of the hours; nothing owed for all, as before for a
    part), ``until`` for more time.
    """

    step: Literal["accept", "fulfil", "decline", "cancel", "miss", "refund", "more_time"]
    reason: str = ""
    minutes: int | None = None
    supplier_pence: int | None = None
    until: date | None = None


class StateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A booking and the state it is in now."""

    reference: str
    state: str


class BookingLine(msgspec.Struct, frozen=True, kw_only=True):
    """One booking in a list."""

    reference: str
    offer_id: int
    member_id: int
    title: str
    kind: str
    minutes: int
    state: str
    starts_at: datetime | None
    cancel_until: datetime
    expires_at: datetime
    no_show: str
    refunded_minutes: int | None


class BookingsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Bookings, what comes first in front, at most 200."""

    bookings: list[BookingLine]


class DateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a training: bookings that nobody has settled, those settled, people who wait."""

    offer_id: int
    title: str
    starts_at: datetime
    place: str
    places: int | None
    called_off_at: datetime | None
    open: int
    settled: int
    waiting: int


class DatesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The days of the last three months and those to come, at most 200."""

    dates: list[DateAnswer]


class PersonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is expected: a first name and a reference."""

    reference: str
    first_name: str
    state: str
    came: bool | None
    no_show: str


class TurnAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A turn on a waiting list. ``before``: how many are in front. With "offered" a place is kept until then."""

    id: int
    offer_id: int
    member_id: int
    title: str
    starts_at: datetime | None
    state: str
    before: int
    joined_at: datetime
    offered_at: datetime | None
    answer_until: datetime | None
    reference: str | None


class DatePeopleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is expected on a day, and who waits for a place."""

    offer_id: int
    people: list[PersonAnswer]
    waiting: list[TurnAnswer]


class AttendanceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who came: reference -> came, missed or cancelled. Who is left out stays open."""

    marks: dict[str, Mark]


class AttendanceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many were saved, and why each of the others was not."""

    saved: int
    refused: dict[str, str]


class CallOffBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a day does not take place; members read it."""

    reason: str


class CalledOffAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many bookings were cancelled and how many people waited; all are told."""

    bookings: int
    waiting: int


class JoinBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go on the waiting list of an offer. ``member_id`` is the token's member if left out."""

    offer_id: int
    member_id: int | None = None
    how_agreed: str = ""


class TurnStepBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Leave a waiting list (or say no to the place), or for a coordinator: ask the next person now."""

    step: Literal["leave", "pass_on"]


class TurnsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a member waits for; a place that is kept for them in front."""

    turns: list[TurnAnswer]


@get("/api/v1/redemptions", tags=["redemptions"], guards=[needs_scope(WRITE)], **READING)
async def list_redemptions(request: ApiRequest, everybody: FromQuery[bool] = False) -> BookingsAnswer:
    """The token's member's bookings, or for a coordinator who asks for ``everybody`` all that is open."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        if everybody and actor.has(COORDINATOR):
            found = await queries.to_do(connection, actor.timebank_id, now=now(request))
        else:
            open_ones, past = await queries.bookings_of(connection, actor.timebank_id, actor.member_id or 0, limit=100)
            found = [*open_ones, *past]
    return BookingsAnswer(bookings=[msgspec.convert(each, BookingLine, from_attributes=True) for each in found])


@post(
    "/api/v1/redemptions/{reference:str}/steps",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def step_redemption(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[StepBody]
) -> Response[StateAnswer]:
    """Take a step with a booking; what is refused changes nothing."""
    actor, key, known = acting(request), idempotency_key(request), normalise_reference(reference)
    if known is None:
        raise NotFoundException("There is no such booking.")
    async with database(request).reading(actor.timebank_id) as connection:
        booking = await queries.booking(connection, actor.timebank_id, known)
    if booking is None or not rules.may_see(actor, booking.member_id):
        raise NotFoundException("There is no such booking.")
    if data.step in NEEDS_REASON and not data.reason.strip():
        return refused([NO_REASON])
    done = await _step(request, actor, known, data, key)
    if isinstance(done, list):
        return refused(done)
    return Response(StateAnswer(reference=done.reference, state=done.state), status_code=200)


async def _step(
    request: ApiRequest, actor: Actor, reference: str, data: StepBody, key: str
) -> service.Changed | list[Refusal]:
    db, moment = database(request), now(request)
    if data.step == "refund":
        refund = Refund(
            reference=reference, reason=data.reason, minutes=data.minutes, supplier_pence=data.supplier_pence
        )
        return await service.refund(db, actor, refund, key=key, now=moment)
    if data.step == "more_time":
        if data.until is None:
            return [Refusal("until_missing", "Say until which day.", "until")]
        more = MoreTime(reference=reference, until=data.until, reason=data.reason)
        return await service.more_time(db, actor, more, key=key, now=moment)
    change = ChangeBooking(reference=reference, reason=data.reason)
    return await STEPS[data.step](db, actor, change, key=key, now=moment)


@get("/api/v1/training-dates", tags=["redemptions"], guards=[needs_scope(WRITE)], **READING)
async def list_dates(request: ApiRequest) -> DatesAnswer:
    """The days of trainings and how they stand. For coordinators; empty for others."""
    actor = acting(request)
    if not actor.has(COORDINATOR):
        return DatesAnswer(dates=[])
    async with database(request).reading(actor.timebank_id) as connection:
        found = await attendance.dates(connection, actor.timebank_id, now(request))
    return DatesAnswer(dates=[msgspec.convert(each, DateAnswer, from_attributes=True) for each in found])


@get("/api/v1/training-dates/{offer_id:int}", tags=["redemptions"], guards=[needs_scope(WRITE)], **READING)
async def read_date(request: ApiRequest, offer_id: FromPath[int]) -> DatePeopleAnswer:
    """Who is expected on a day, and who waits for a place. For coordinators."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        if await attendance.offer_of(connection, actor, offer_id) is None:
            raise NotFoundException("There is no such day.")
        people = await attendance.expected(connection, actor.timebank_id, offer_id)
        turns, _ = await waiting_queries.turns_for(connection, actor.timebank_id, offer_id)
    return DatePeopleAnswer(
        offer_id=offer_id,
        people=[msgspec.convert(each, PersonAnswer, from_attributes=True) for each in people],
        waiting=[_turn(each) for each in turns],
    )


@post(
    "/api/v1/training-dates/{offer_id:int}/attendance",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def save_date(
    request: ApiRequest, offer_id: FromPath[int], data: JSONBody[AttendanceBody]
) -> Response[AttendanceAnswer]:
    """Save who came; what cannot be saved for one person stops nobody else's."""
    command = SaveAttendance(offer_id=offer_id, marks=data.marks)
    key = idempotency_key(request)
    saved = await attendance.save(database(request), acting(request), command, key=key, now=now(request))
    if isinstance(saved, list):
        if saved[0].code == "unknown_offer":
            raise NotFoundException("There is no such day.")
        return refused(saved)
    return Response(AttendanceAnswer(saved=saved.saved, refused=saved.refused), status_code=200)


@post(
    "/api/v1/training-dates/{offer_id:int}/call-off",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def call_off_date(
    request: ApiRequest, offer_id: FromPath[int], data: JSONBody[CallOffBody]
) -> Response[CalledOffAnswer]:
    """A day does not take place: its bookings are cancelled, its waiting list ends, everybody is told."""
    command = CallOff(offer_id=offer_id, reason=data.reason)
    key = idempotency_key(request)
    done = await service.call_off(database(request), acting(request), command, key=key, now=now(request))
    if isinstance(done, list):
        if done[0].code == "unknown_offer":
            raise NotFoundException("There is no such day.")
        return refused(done)
    return Response(CalledOffAnswer(bookings=done.bookings, waiting=done.waiting), status_code=200)


@get("/api/v1/waiting", tags=["redemptions"], guards=[needs_scope(WRITE)], **READING)
async def list_turns(request: ApiRequest) -> TurnsAnswer:
    """What the token's member waits for."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        turns = await waiting_queries.turns_of(connection, actor.timebank_id, actor.member_id or 0)
    return TurnsAnswer(turns=[_turn(each) for each in turns])


@post("/api/v1/waiting", tags=["redemptions"], guards=[needs_scope(WRITE)], **CHANGING)
async def join_list(request: ApiRequest, data: JSONBody[JoinBody]) -> Response[TurnAnswer]:
    """Go on a waiting list; no hours are set aside."""
    actor, key = acting(request), idempotency_key(request)
    member_id = actor.member_id if data.member_id is None else data.member_id
    if member_id is None or actor.member_id is None:
        return refused([Refusal("member_missing", "Say who waits.", "member_id")])
    command = JoinWaiting(offer_id=data.offer_id, member_id=member_id, how_agreed=data.how_agreed)
    done = await waiting.join(database(request), actor, command, key=key, now=now(request))
    if isinstance(done, list):
        return refused(done)
    return Response(await _turn_answer(request, actor, done.waiting_id), status_code=201)


@post(
    "/api/v1/waiting/{waiting_id:int}/steps",
    tags=["redemptions"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def step_turn(
    request: ApiRequest, waiting_id: FromPath[int], data: JSONBody[TurnStepBody]
) -> Response[TurnAnswer]:
    """Leave a list or say no to a place; or ask the next person now."""
    actor, key = acting(request), idempotency_key(request)
    await _turn_answer(request, actor, waiting_id)  # somebody else's turn looks like none
    use_case = waiting.leave if data.step == "leave" else waiting.pass_on
    command = ChangeWaiting(waiting_id=waiting_id)
    done = await use_case(database(request), actor, command, key=key, now=now(request))
    if isinstance(done, list):
        return refused(done)
    return Response(await _turn_answer(request, actor, waiting_id), status_code=200)


async def _turn_answer(request: ApiRequest, actor: Actor, waiting_id: int) -> TurnAnswer:
    async with database(request).reading(actor.timebank_id) as connection:
        turn = await waiting_queries.turn(connection, actor.timebank_id, waiting_id)
    if turn is None or not rules.may_see(actor, turn.member_id):
        raise NotFoundException("There is no such turn.")
    return _turn(turn)


def _turn(turn: waiting_queries.Turn) -> TurnAnswer:
    return msgspec.convert(turn, TurnAnswer, from_attributes=True)


ROUTES = [
    list_redemptions,
    step_redemption,
    list_dates,
    read_date,
    save_date,
    call_off_date,
    list_turns,
    join_list,
    step_turn,
]
