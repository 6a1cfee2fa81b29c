"""Fees for programs: a member's own, and choosing; months and tax years for finance."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.fees import queries, rules, service, totals
from timebank.fees.queries import Charity, YearTotal
from timebank.fees.rules import FeeFacts, UnknownFee
from timebank.fees.service import ChooseEvery, ChooseFee, ChosenEvery, ChosenFee, PricedFees, PriceFees
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit import ids
from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.paging import MAX_KEY
from timebank.payments.periods import next_month
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "hours:read", "hours:write"
READ_PAYMENTS, WRITE_PAYMENTS = "payables:read", "payments:write"
MAX_YEAR = 9999
Pence = Annotated[int, msgspec.Meta(ge=-MAX_KEY, le=MAX_KEY)]


class FeeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A fee in minor units. ``pence`` is what the rate gives, ``offered_pence`` what can be chosen about now.

    ``how``: all, part, none or charity; null while nothing is chosen. ``chosen_pence`` is what the choice pays.
    ``choose_until`` is the last day for the member, null while the message is on its way and when nothing waits.
    """

    reference: str
    member_id: int
    activity: str
    held_on: date
    minutes: int
    rate_id: int | None
    pence: int
    offered_pence: int
    state: str
    can_choose: bool
    choose_until: date | None
    how: str | None
    chosen_pence: int | None
    payee_id: int | None
    payable_reference: str | None
    payable_state: str | None
    due_on: date | None
    settled_on: date | None
    benefit_text: str


class FeesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A member's newest fees, the charities that fees can be given to, and what was paid in each tax year."""

    fees: list[FeeAnswer]
    charities: list[Charity]
    tax_years: list[YearTotal]


class MonthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The fees of one month: how many of each sort, what they add up to in minor units, and what is paid of them."""

    month: date
    counts: dict[str, int]
    sums: dict[str, int]
    paid: list[FeeAnswer]


class YearsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid to each payee in each tax year; fees apart from costs paid back, which are no income."""

    tax_years: list[YearTotal]


class FeeChoiceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``how``: all, part (``pence``), none, or charity (``payee_id``). Show the ``benefit_text`` of the fee first.

    ``seen_pence``: the amount that was shown. ``how_agreed``: how the member agreed, from a coordinator.
    """

    how: str
    pence: Pence | None = None
    payee_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)] | None = None
    seen_pence: Pence | None = None
    how_agreed: str = ""


class EveryFeeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to every fee from now on: ask, all, none or charity (``payee_id``)."""

    how: str
    payee_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY)] | None = None


@get("/api/v1/members/{member_id:int}/fees", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def member_fees(request: ApiRequest, member_id: FromPath[int]) -> FeesAnswer:
    """A member's fees, newest first: one's own, or anyone's for coordinators and finance."""
    actor = acting(request)
    _may_read(actor, member_id)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.of_member(connection, actor.timebank_id, member_id)
        fees = [_answer(fee, await queries.choose_until(connection, actor.timebank_id, fee)) for fee in found]
        charities = await queries.charities(connection, actor.timebank_id)
        totals = await queries.totals_by_tax_year(connection, actor.timebank_id, member_id=member_id)
    return FeesAnswer(fees=fees, charities=charities, tax_years=totals)


@put("/api/v1/members/{member_id:int}/fees/every", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def every_fee(
    request: ApiRequest, member_id: FromPath[int], data: JSONBody[EveryFeeBody]
) -> Response[ChosenEvery]:
    """What happens to every fee of a member from now on."""
    actor, key = acting(request), idempotency_key(request)
    _may_read(actor, member_id)
    command = ChooseEvery(member_id=member_id, how=data.how, payee_id=data.payee_id)
    done = await service.choose_every(database(request), actor, command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@get("/api/v1/fees/{reference:str}", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def read_fee(request: ApiRequest, reference: FromPath[str]) -> FeeAnswer:
    """One fee and where its money is."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        fee = await queries.by_reference(connection, actor.timebank_id, _reference(reference))
        if fee is None or not rules.may_read(actor, fee.member_id):
            raise NotFoundException("There is no such fee.")
        return _answer(fee, await queries.choose_until(connection, actor.timebank_id, fee))


@post("/api/v1/fees/{reference:str}/choice", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def choose_fee(
    request: ApiRequest, reference: FromPath[str], data: JSONBody[FeeChoiceBody]
) -> Response[ChosenFee]:
    """Choose what happens to a fee, or something else while its money has not left."""
    actor, key = acting(request), idempotency_key(request)
    fields = {name: getattr(data, name) for name in FeeChoiceBody.__struct_fields__}
    command = ChooseFee(reference=_reference(reference), **fields)
    try:
        done = await service.choose(database(request), actor, command, key=key, now=now(request))
    except UnknownFee as error:
        raise NotFoundException("There is no such fee.") from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=201)


@get("/api/v1/fees", tags=["payments"], guards=[needs_scope(READ_PAYMENTS)], **READING)
async def fee_month(request: ApiRequest, month: FromQuery[date]) -> MonthAnswer:
    """The fees for time given in the month of a day. Who took nothing is a number and no name."""
    actor = acting(request)
    if not (actor.has(FINANCE) or actor.has(ADMIN)):
        raise PermissionDeniedException("Only finance and administrators see payments.")
    first = month.replace(day=1)
    if first.year >= MAX_YEAR:
        raise NotFoundException("There is no such month.")
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queries.of_month(connection, actor.timebank_id, first, next_month(first))
    return MonthAnswer(
        month=first,
        counts=dict(totals.counted(found)),
        sums=dict(totals.summed(found)),
        paid=[_answer(fee, None) for fee in found if fee.payable_reference is not None],
    )


@get("/api/v1/fees/years", tags=["payments"], guards=[needs_scope(READ_PAYMENTS)], **READING)
async def fee_years(request: ApiRequest) -> YearsAnswer:
    """What was paid to each member and charity in each tax year."""
    actor = acting(request)
    if not (actor.has(FINANCE) or actor.has(ADMIN)):
        raise PermissionDeniedException("Only finance and administrators see payments.")
    async with database(request).reading(actor.timebank_id) as connection:
        return YearsAnswer(tax_years=await queries.totals_by_tax_year(connection, actor.timebank_id))


@post("/api/v1/fees/price", tags=["payments"], guards=[needs_scope(WRITE_PAYMENTS)], status_code=200, **CHANGING)
async def price_fees(request: ApiRequest, data: JSONBody[Nothing]) -> Response[PricedFees]:
    """Work out fees that had no rate when they arose."""
    del data
    actor, key = acting(request), idempotency_key(request)
    done = await service.price(database(request), actor, PriceFees(), key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


def _may_read(actor: Actor, member_id: int) -> None:
    if not rules.may_read(actor, member_id):
        raise PermissionDeniedException("This token may only use its own member's fees.")


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException("There is no such fee.")
    return reference


def _answer(fee: FeeFacts, until: date | None) -> FeeAnswer:
    return FeeAnswer(
        reference=fee.reference,
        member_id=fee.member_id,
        activity=fee.activity,
        held_on=fee.held_on,
        minutes=fee.minutes,
        rate_id=fee.rate_id,
        pence=fee.pence,
        offered_pence=fee.offered_pence,
        state=fee.state,
        can_choose=fee.can_choose,
        choose_until=until,
        how=fee.how,
        chosen_pence=fee.choice_pence,
        payee_id=fee.payee_id,
        payable_reference=fee.payable_reference,
        payable_state=fee.payable_state,
        due_on=fee.due_on,
        settled_on=fee.settled_on,
        benefit_text=rules.NOTE,
    )


ROUTES = [member_fees, every_fee, fee_month, fee_years, price_fees, read_fee, choose_fee]
