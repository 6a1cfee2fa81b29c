"""Hours of a fulfilled booking given back, wholly or in part, and what its supplier is owed made smaller or nothing."""

from datetime import datetime
from uuid import UUID

import msgspec

from ledger import Item, Leg, Post, Reverse
from timebank.db import Connection, Database, Rollback, once
from timebank.hours.rules import UNIT, account_of
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.messages.service import send
from timebank.payments import correcting
from timebank.payments import service as payments
from timebank.payments.correcting import Correction
from timebank.redemptions import effects, rules, steps, telling
from timebank.redemptions.entry_kinds import BOOKING_REFUNDED
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.situation import Situation, situation_of
from timebank.redemptions.steps import SOURCE, Changed

UPDATE = """
update redemption
   set state = 'refunded', refund_entry_id = $3, refunded_minutes = $4, changed_at = $5
 where timebank_id = $1 and id = $2
"""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Give hours of a booking back; the member reads the reason.

    ``minutes`` None gives all of them back. ``supplier_pence`` is what the supplier is still owed, in minor units;
    None: nothing when all hours go back, and as before when a part does.
    """

    reference: str
    reason: str = ""
    minutes: int | None = None
    supplier_pence: int | None = None


async def refund(db: Database, actor: Actor, command: Refund, *, key: str, now: datetime) -> Changed | list[Refusal]:
    """Give hours of a fulfilled booking back, and take back what its supplier is owed while that has not left.

    For coordinators, never about their own hours. Refusals: those of ``rules.check_step`` and ``rules.check_part``,
    ``payment_already_exported`` (leave the payment as it is, or ask finance), ``more_than_owed``, ``nothing_is_owed``,
    and ``helper_has_used_them`` when the member who helped no longer has the hours.

    Raises:
        LookupError: there is no booking with this reference.
    """
    refusals = rules.check_reason(command.reason)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Changed:
        situation = await situation_of(connection, actor.timebank_id, command.reference, now)
        return await _refund(connection, actor, situation, command)

    return await once(db, actor, "refund_redemption", key, command, Changed, work)


async def _refund(connection: Connection, actor: Actor, situation: Situation, command: Refund) -> Changed:
    booking, now = situation.booking, situation.now
    refusals = rules.check_step(actor, situation.offer, booking, rules.REFUND, now)
    refusals += rules.check_part(booking, minutes=command.minutes, pence=command.supplier_pence)
    if refusals:
        raise Rollback(refusals)
    minutes = booking.minutes if command.minutes is None else command.minutes
    items: list[Item] = [_back(actor, situation, minutes)]
    owed = await _owed(connection, actor, situation, command, is_whole=minutes == booking.minutes)
    items += [owed.reverse, owed.post] if isinstance(owed, Correction) else [owed] if owed else []
    entry_ids = await steps.post(connection, actor, situation, items)
    reason = command.reason.strip()
    await _record(connection, actor, situation, command, owed, entry_ids)
    await connection.execute(UPDATE, actor.timebank_id, booking.id, entry_ids[0], minutes, now)
    await steps.add_event(connection, actor, booking.id, rules.REFUNDED, now, reason=reason)
    told = telling.of_step(actor, situation, rules.REFUNDED, reason=reason, minutes=minutes, came=None)
    await send(connection, actor.timebank_id, told, now=now)
    await effects.after_step(connection, actor, situation, rules.REFUNDED, now)
    return Changed(reference=booking.reference, state=rules.REFUNDED)


def _back(actor: Actor, situation: Situation, minutes: int) -> Item:
    """The exact reversal of the entry, or for a part a counter-entry."""
    booking, offer = situation.booking, situation.offer
    if booking.entry_id is None:
        raise AssertionError(f"booking {booking.id} is fulfilled without an entry")
    key, meta = f"refund:{booking.id}:1", {"rules": booking.rules_version}
    if minutes == booking.minutes:
        return Reverse(
            key=key,
            entry_id=booking.entry_id,
            kind=BOOKING_REFUNDED,
            effective_on=situation.today,
            actor=actor.name,
            reference=booking.reference,
            meta=meta,
        )
    return Post(
        key=key,
        kind=BOOKING_REFUNDED,
        unit=UNIT,
        legs=(
            Leg(account=kind_of(offer.kind).hours_account(offer.provider_id), amount=-minutes),
            Leg(account=account_of(booking.member_id), amount=minutes),
        ),
        effective_on=situation.today,
        actor=actor.name,
        reference=booking.reference,
        meta=meta,
    )


async def _owed(
    connection: Connection, actor: Actor, situation: Situation, command: Refund, *, is_whole: bool
) -> Correction | Reverse | None:
    """What happens to the debt: nothing, taken back, or made smaller. A payment that has left stops it in words."""
    booking, pence = situation.booking, command.supplier_pence
    if pence is None and not is_whole:
        return None
    key = f"refund:{booking.id}:2"
    if not pence:
        owed: Correction | Reverse | Refusal | None = await payments.cancellation(
            connection, actor, SOURCE, booking.id, key=key, effective_on=situation.today
        )
    else:
        owed = await correcting.correction(
            connection, actor, SOURCE, booking.id, pence=pence, key=key, effective_on=situation.today
        )
    if isinstance(owed, Refusal):
        raise Rollback([owed])
    return owed


async def _record(
    connection: Connection,
    actor: Actor,
    situation: Situation,
    command: Refund,
    owed: Correction | Reverse | None,
    entry_ids: list[UUID],
) -> None:
    booking, now = situation.booking, situation.now
    if isinstance(owed, Reverse):
        await payments.record_cancelled(connection, actor, SOURCE, booking.id, entry_id=entry_ids[1], now=now)
    elif isinstance(owed, Correction):
        await correcting.record_corrected(
            connection,
            actor,
            SOURCE,
            booking.id,
            pence=command.supplier_pence or 0,
            entry_id=entry_ids[2],
            reason="A part of the booking was given back.",
            now=now,
        )
