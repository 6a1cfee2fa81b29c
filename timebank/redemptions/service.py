"""Bookings: hours set aside, agreed, handed over, given back.

Each use case is one transaction with one ledger call. Locks are taken in one order: the member's bookings, the offer,
the booking, its payable, then (inside the ledger) holds and balances.
"""

from datetime import datetime

from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.redemptions import rules, steps
from timebank.redemptions.offers import AddedOffer, AddOffer, add_offer
from timebank.redemptions.requests import Booked, RequestRedemption, request, request_within
from timebank.redemptions.steps import ChangeBooking, Changed, fulfil_within

__all__ = [
    "AddOffer",
    "AddedOffer",
    "Booked",
    "ChangeBooking",
    "Changed",
    "RequestRedemption",
    "accept",
    "add_offer",
    "cancel",
    "decline",
    "fulfil",
    "fulfil_within",
    "refund",
    "request",
    "request_within",
    "time_out_due",
]


async def accept(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Say yes to a request: the place is kept, the voucher is ready, the helper agreed. The hours stay set aside.

    For coordinators, never about their own hours. Refusals: those of ``rules.check_step``. Raises LookupError for an
    unknown reference, as do the steps below.
    """
    return await steps.take(db, actor, command, rules.ACCEPT, key=key, now=now)


async def fulfil(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """It happened: the hours set aside go where the offer says, and its supplier, if any, is owed the offer's value.

    Both entries are made in one ledger call, or neither. For coordinators, never about their own hours. Refusals:
    those of ``rules.check_step``.
    """
    return await steps.take(db, actor, command, rules.FULFIL, key=key, now=now)


async def decline(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Say that it cannot be: the hours and the place are free again. For coordinators; the member reads the reason."""
    return await steps.take(db, actor, command, rules.DECLINE, key=key, now=now)


async def cancel(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Take a booking back: the hours and the place are free again.

    Members cancel their own until ``cancel_until``; a coordinator cancels for others at any time before fulfilment.
    """
    return await steps.take(db, actor, command, rules.CANCEL, key=key, now=now)


async def refund(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Give the hours of a fulfilled booking back, and take back what its supplier is owed while that has not left.

    For coordinators, never about their own hours. Refusals: those of ``rules.check_step``,
    ``payment_already_exported``, and ``helper_has_used_them`` when the member who helped no longer has the hours.
    """
    return await steps.take(db, actor, command, rules.REFUND, key=key, now=now)


async def time_out_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Free the hours of every booking whose time has passed at ``now``; return how many there were.

    Harmless to repeat and to run at the same moment twice: each booking is locked, and one that is being changed is
    left for the next run.
    """
    freed = 0
    while True:
        async with db.writing(timebank_id) as connection:
            batch = await steps.time_out_batch(connection, timebank_id, now)
        freed += batch
        if batch < steps.TIME_OUT_BATCH:
            return freed
