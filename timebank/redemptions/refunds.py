"""Hours of a fulfilled booking given back, wholly or in part, and what its supplier is owed made smaller or nothing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ledger import Item, Leg, Post, Reverse
from timebank.db import Connection, Database, Rollback, once
from timebank.hours.rules import UNIT, account_of
from timebank.kit import money
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.messages.service import send
from timebank.payments import taking_back
from timebank.payments.taking_back import Smaller
from timebank.redemptions import effects, rules, steps, telling
from timebank.redemptions.entry_kinds import BOOKING_REFUNDED
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.situation import Situation, situation_of
from timebank.redemptions.steps import SOURCE, Changed

# What the supplier is owed all the same still counts against the month's budget of the offer.
UPDATE = """
update redemption
   set state = 'refunded', refund_entry_id = $3, refunded_minutes = $4, changed_at = $5,
       committed_pence = case when $6::bigint is null then committed_pence
                              else nullif(least(committed_pence, $6), 0) end
 where timebank_id = $1 and id = $2
"""
OWED = """
select p.source_kind, p.source_id, p.pence
  from payable p
 where p.timebank_id = $1 and p.state <> 'cancelled'
   and ((p.source_kind = 'redemption' and p.source_id = $2)
        or (p.source_kind = 'voucher_use' and p.source_id in (
            select u.id from voucher_use u
              join voucher v on v.timebank_id = u.timebank_id and v.id = u.voucher_id
             where u.timebank_id = $1 and v.redemption_id = $2)))
 order by p.id
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
    """Give hours of a fulfilled booking back, and take back what its supplier is owed.

    When the payment has left already, the supplier owes it back: a credit, which the next payment to them keeps back.

    For coordinators, never about their own hours. Refusals: those of ``rules.check_step`` and ``rules.check_part``,
    ``more_than_owed``, ``nothing_is_owed``, ``credited_before``, ``parts_used`` (a voucher used in several parts: all
    of them stay owed, or none), and ``helper_has_used_them`` when the member who helped no longer has the hours.

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
    pence = 0 if command.supplier_pence is None and minutes == booking.minutes else command.supplier_pence
    changes = await _changes(connection, actor, situation, pence)
    items = [item for each in changes for item in each.items]
    entry_ids = await steps.post(connection, actor, situation, [_back(actor, situation, minutes), *items])
    await _record(connection, actor, situation, changes, entry_ids[1:])
    reason = command.reason.strip()
    await connection.execute(UPDATE, actor.timebank_id, booking.id, entry_ids[0], minutes, now, pence)
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


async def _changes(connection: Connection, actor: Actor, situation: Situation, pence: int | None) -> list[Smaller]:
    """What happens to the debts of a booking: nothing, taken back, or made smaller to ``pence``; None for nothing.

    A voucher used in several parts has made several: all of them stay, or none.
    """
    if pence is None:
        return []
    rows = await connection.fetch(OWED, actor.timebank_id, situation.booking.id)
    total = sum(row["pence"] for row in rows)
    if pence == total:
        return []
    if pence and len(rows) > 1:
        raise Rollback([_parts_used(total, situation)])
    sources = [(row["source_kind"], row["source_id"]) for row in rows] or [(SOURCE, situation.booking.id)]
    found = []
    for n, (kind, source_id) in enumerate(sources, start=2):
        key = f"refund:{situation.booking.id}:{n}"
        change = await taking_back.plan(
            connection, actor, kind, source_id, pence=pence, key=key, effective_on=situation.today
        )
        if isinstance(change, Refusal):
            raise Rollback([change])
        if change is not None:
            found.append(change)
    return found


def _parts_used(total: int, situation: Situation) -> Refusal:
    all_of_it = money.in_words(total, situation.bank.currency)
    message = (
        f"This voucher was used in several parts. Enter {all_of_it} to leave all of them owed, or 0 to take all of "
        "them back."
    )
    return Refusal("parts_used", message, "supplier_pence")


async def _record(
    connection: Connection,
    actor: Actor,
    situation: Situation,
    changes: Sequence[Smaller],
    entry_ids: Sequence[UUID],
) -> None:
    left, reason = list(entry_ids), f"Booking {situation.booking.reference} was given back."
    for change in changes:
        own, left = left[: len(change.items)], left[len(change.items) :]
        await taking_back.record(connection, actor, change, own, reason=reason, now=situation.now)
