"""One step in the life of a booking: checked, posted to the ledger in one call, and written into its history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from ledger import Capture, Item, Leg, Post, Posted, Refused, Result, Void, post_batch
from timebank.budgets import service as budgets
from timebank.budgets.queries import coding_of
from timebank.db import Connection, Database, Rollback, once
from timebank.hours.rules import UNIT, account_of
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.messages.service import send
from timebank.payees.service import open_payable_account
from timebank.payments import entries as payment_entries
from timebank.payments import service as payments
from timebank.payments.rules import NewPayable
from timebank.redemptions import effects, rules, telling
from timebank.redemptions.entry_kinds import BOOKING_FULFILLED
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.rules import BookingFacts
from timebank.redemptions.situation import Situation, situation_of

SOURCE: Final = "redemption"

UPDATE_BOOKING = """
update redemption
   set state = $3, entry_id = coalesce($4, entry_id), changed_at = $5, minutes = coalesce($6, minutes), came = $7
 where timebank_id = $1 and id = $2
"""

INSERT_EVENT = """
insert into redemption_event (timebank_id, redemption_id, n, state, actor_id, at, reason, payee_id)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7
  from redemption_event
 where timebank_id = $1 and redemption_id = $2
"""


class ChangeBooking(msgspec.Struct, frozen=True, kw_only=True):
    """Change the booking with this reference; the member can read the reason."""

    reference: str
    reason: str = ""


class Part(NamedTuple):
    """How much of a booking is used: ``minutes`` of what was set aside, ``pence`` for the supplier; None for all."""

    minutes: int | None = None
    pence: int | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A booking and the state it is in now."""

    reference: str
    state: str


async def take(
    db: Database, actor: Actor, command: ChangeBooking, step: str, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Take one step with one booking, in one transaction.

    Raises:
        LookupError: there is no booking with this reference.
    """
    refusals = rules.check_reason(command.reason)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Changed:
        situation = await situation_of(connection, actor.timebank_id, command.reference, now)
        return await _take(connection, actor, situation, step, command.reason.strip(), Part())

    return await once(db, actor, f"{step}_redemption", key, command, Changed, work)


async def fulfil_within(
    connection: Connection,
    actor: Actor,
    reference: str,
    *,
    minutes: int | None = None,
    pence: int | None = None,
    by: Actor | None = None,
    now: datetime,
) -> Changed:
    """Fulfil a booking inside an open transaction, as its one ledger call; for a coordinator or the offer's supplier.

    ``minutes`` below what was set aside uses only those, and the rest is free again. ``pence`` replaces what the
    supplier is owed; 0 for nothing here, because the caller owes it itself. ``by``: who brought it about, where the
    service acts for another use case; the accounts and the history name them.

    Raises:
        Rollback: with the refusals of ``rules.check_step``, or ``bad_minutes``, ``bad_pence``.
        LookupError: there is no booking with this reference.
    """
    situation = await situation_of(connection, actor.timebank_id, reference, now)
    part = Part(minutes, pence)
    if refusals := rules.check_part(situation.booking, minutes=minutes, pence=pence):
        raise Rollback(refusals)
    return await _take(connection, actor, situation, rules.FULFIL, "", part, by)


async def take_within(
    connection: Connection, actor: Actor, command: ChangeBooking, step: str, now: datetime, *, by: Actor | None = None
) -> Changed:
    """Take one step inside an open transaction. Raises ``Rollback`` and LookupError as :func:`fulfil_within` does."""
    situation = await situation_of(connection, actor.timebank_id, command.reference, now)
    return await _take(connection, actor, situation, step, command.reason.strip(), Part(), by)


async def fulfil_longer_within(
    connection: Connection, actor: Actor, reference: str, *, minutes: int, by: Actor | None = None, now: datetime
) -> Changed:
    """Fulfil a booking between two members that took longer than was set aside, in one entry of all its minutes.

    Raises as :func:`fulfil_within` does; ``Rollback`` also when the member does not have so many.
    """
    situation = await situation_of(connection, actor.timebank_id, reference, now)
    return await _take(connection, actor, situation, rules.FULFIL, "", Part(minutes), by)


async def _take(
    connection: Connection,
    actor: Actor,
    situation: Situation,
    step: str,
    reason: str,
    part: Part,
    by: Actor | None = None,
) -> Changed:
    booking, now, named = situation.booking, situation.now, by or actor
    refusals = rules.check_step(actor, situation.offer, booking, step, now)
    if refusals:
        raise Rollback(refusals)
    state = rules.state_after(booking, step)
    entry_id = came = None
    paid_from = situation.offer.budget_id if state == rules.FULFILLED else None
    # Also where a place gets free: whether the next one can be paid for is looked up.
    await budgets.lock(connection, actor.timebank_id, situation.offer.budget_id)
    if state == rules.FULFILLED:
        entry_id = await _fulfil(connection, named, situation, part)
        if situation.offer.starts_at is not None:
            came = step == rules.FULFIL
        if booking.state == rules.REQUESTED:
            await add_event(connection, named, booking.id, rules.ACCEPTED, now)
    elif step == rules.MISS:
        came = False
        await post(connection, named, situation, [void(booking, step, named)])
    elif step in (rules.CANCEL, rules.DECLINE):
        await post(connection, named, situation, [void(booking, step, named)])
    await connection.execute(UPDATE_BOOKING, actor.timebank_id, booking.id, state, entry_id, now, part.minutes, came)
    await add_event(connection, named, booking.id, state, now, reason=reason)
    minutes = booking.minutes if part.minutes is None else part.minutes
    told = telling.of_step(actor, situation, state, reason=reason, minutes=minutes, came=came)
    await send(connection, actor.timebank_id, told, now=now)
    await effects.after_step(connection, actor, situation, state, now)
    await check_money(connection, actor, paid_from)
    return Changed(reference=booking.reference, state=state)


async def check_money(connection: Connection, actor: Actor, budget_id: int | None) -> None:
    """Go on only when the budget that pays has enough, now that all is written. Only staff hear about the money.

    Raises:
        Rollback: ``budget_overspent``, ``order_overspent``.
    """
    try:
        await budgets.check_promises(connection, actor.timebank_id, budget_id)
    except Rollback as rollback:
        if actor.supplier_id is None and any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN)):
            raise
        message = say("This cannot be confirmed just now. Please phone the time bank.")
        raise Rollback([Refusal(rollback.refusals[0].code, message)]) from rollback


async def _fulfil(connection: Connection, actor: Actor, situation: Situation, part: Part) -> UUID:
    booking = situation.booking
    items: list[Item]
    if booking.state == rules.MISSED:
        items = [_used_directly(actor, situation, booking.minutes)]
    elif part.minutes is not None and part.minutes > booking.minutes:
        # One entry for the whole time: the hold cannot grow.
        items = [void(booking, "longer", actor), _used_directly(actor, situation, part.minutes)]
    else:
        items = [_capture(actor, situation, part)]
    money = await effects.money_of(connection, actor, situation, part.pence)
    owed = await _payable(connection, situation, money.pence, money.payee_id)
    if owed is not None:
        await open_payable_account(connection, actor.timebank_id, owed.payee_id)
        items.append(
            payment_entries.expense_entry(owed, key=f"fulfil:{booking.id}:2", actor=actor, effective_on=situation.today)
        )
    entry_ids = await post(connection, actor, situation, [*items, *money.entries])
    if owed is not None:
        await payments.record_payable(
            connection, actor, owed, entry_id=entry_ids[1], now=situation.now, is_promised=True
        )
    return entry_ids[0]


async def _payable(
    connection: Connection, situation: Situation, pence: int | None, payee_id: int | None
) -> NewPayable | None:
    """What the programme owes once this booking is fulfilled. It names the booking, never the member."""
    offer, booking = situation.offer, situation.booking
    kind = kind_of(offer.kind).payable_kind
    pence = offer.value_pence if pence is None else pence
    payee_id = payee_id or offer.payee_id
    if kind is None or payee_id is None or not pence:
        return None
    happened = situation.now if offer.starts_at is None else offer.starts_at
    coding = await coding_of(connection, situation.bank.id, offer.budget_id, offer.order_id)
    return NewPayable(
        kind=kind,
        payee_id=payee_id,
        pence=pence,
        currency=situation.bank.currency,
        description=f"{offer.title}, booking {booking.reference}",
        source_kind=SOURCE,
        source_id=booking.id,
        earned_on=today(happened, situation.bank.time_zone),
        due_on=situation.today + timedelta(days=situation.rules.payment_days),
        budget_id=coding.budget_id,
        nominal_code=coding.nominal_code,
        order_number=coding.order_number,
    )


def _capture(actor: Actor, situation: Situation, part: Part) -> Capture:
    booking = situation.booking
    # The table says until when; the hold keeps the first limit, which may have been extended since.
    return Capture(
        key=f"fulfil:{booking.id}:1",
        hold_id=booking.hold_id,
        kind=BOOKING_FULFILLED,
        effective_on=situation.today,
        actor=actor.name,
        amount=part.minutes,
        reference=booking.reference,
        meta={"rules": booking.rules_version},
    )


def _used_directly(actor: Actor, situation: Situation, minutes: int) -> Post:
    """Hours that are not set aside (any more) are used: somebody came who was said to be missing, or it took longer."""
    booking, offer = situation.booking, situation.offer
    return Post(
        key=f"fulfil:{booking.id}:1",
        kind=BOOKING_FULFILLED,
        unit=UNIT,
        legs=(
            Leg(account=account_of(booking.member_id), amount=-minutes),
            Leg(account=kind_of(offer.kind).hours_account(offer.provider_id), amount=minutes),
        ),
        effective_on=situation.today,
        actor=actor.name,
        reference=booking.reference,
        meta={"rules": booking.rules_version},
    )


def void(booking: BookingFacts, step: str, actor: Actor) -> Void:
    """The ledger item that frees the hours of a booking."""
    return Void(
        key=f"{step}:{booking.id}:1",
        hold_id=booking.hold_id,
        actor=actor.name,
        reason="expired" if step == rules.TIME_OUT else "voided",
        reference=booking.reference,
    )


async def post(connection: Connection, actor: Actor, situation: Situation, items: Sequence[Item]) -> list[UUID]:
    """The transaction's one ledger call; entry ids in the order of the items that make entries."""
    results = await post_batch(connection, actor.timebank_id, items)
    refused = [result for result in results if isinstance(result, Refused)]
    if refused:
        raise Rollback([_in_words(result, situation) for result in refused])
    return _entry_ids(results)


def _entry_ids(results: Sequence[Result]) -> list[UUID]:
    return [result.entry_id for result in results if isinstance(result, Posted)]


def _in_words(result: Refused, situation: Situation) -> Refusal:
    if result.code in ("hold_not_open", "hold_expired"):
        return Refusal("timed_out", say("The hours are no longer set aside. Please make a new booking."))
    if result.code == "insufficient" and situation.booking.state == rules.MISSED:
        return Refusal("not_enough_hours", "They have used these hours for something else since.")
    if result.code == "insufficient" and situation.offer.provider_id is not None:
        return Refusal(
            "helper_has_used_them",
            "The member who helped has used these hours already. Ask them to give hours instead.",
        )
    return Refusal(result.code, f"The accounts refuse this: {result.message} Please ask your administrator.")


async def end(connection: Connection, actor: Actor, situation: Situation, state: str, *, reason: str = "") -> None:
    """Write down that a booking has ended without its hours being used, after they were freed, and tell the member."""
    booking, now = situation.booking, situation.now
    await connection.execute(UPDATE_BOOKING, actor.timebank_id, booking.id, state, None, now, None, None)
    await add_event(connection, actor, booking.id, state, now, reason=reason)
    told = telling.of_step(actor, situation, state, reason=reason, minutes=booking.minutes, came=None)
    await send(connection, actor.timebank_id, told, now=now)
    await effects.after_step(connection, actor, situation, state, now)


async def add_event(
    connection: Connection, actor: Actor, redemption_id: int, state: str, now: datetime, *, reason: str = ""
) -> None:
    """Write one step into a booking's history."""
    await connection.execute(
        INSERT_EVENT, actor.timebank_id, redemption_id, state, actor.member_id, now, reason, actor.supplier_id
    )
