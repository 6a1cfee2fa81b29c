"""Bookings: hours set aside, agreed, handed over, given back.

Each use case is one transaction with one ledger call. Locks are taken in one order: the member's bookings, the offer,
the booking, its payable, then (inside the ledger) holds and balances.
"""

from datetime import datetime

from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.redemptions import rules, steps
from timebank.redemptions.attendance import SaveAttendance, SavedAttendance
from timebank.redemptions.attendance import save as save_attendance
from timebank.redemptions.calling_off import CalledOff, CallOff, call_off
from timebank.redemptions.holds import MoreTime, more_time, remind_due, time_out_due
from timebank.redemptions.offers import (
    AddedOffer,
    AddOffer,
    add_offer,
)
from timebank.redemptions.refunds import Refund, refund
from timebank.redemptions.requests import Booked, RequestRedemption, request, request_within
from timebank.redemptions.steps import ChangeBooking, Changed, fulfil_within
from timebank.redemptions.waiting import ChangeWaiting, JoinWaiting, Waits, join, leave, move_on, pass_on

__all__ = [
    "AddOffer",
    "AddedOffer",
    "Booked",
    "CallOff",
    "CalledOff",
    "ChangeBooking",
    "ChangeWaiting",
    "Changed",
    "JoinWaiting",
    "MoreTime",
    "Refund",
    "RequestRedemption",
    "SaveAttendance",
    "SavedAttendance",
    "Waits",
    "accept",
    "add_offer",
    "call_off",
    "cancel",
    "decline",
    "fulfil",
    "fulfil_within",
    "join",
    "leave",
    "miss",
    "more_time",
    "move_on",
    "pass_on",
    "refund",
    "remind_due",
    "request",
    "request_within",
    "save_attendance",
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


async def miss(
    db: Database, actor: Actor, command: ChangeBooking, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """They did not come: the hours are used or free, as shown when booking. For coordinators, or the supplier."""
    return await steps.take(db, actor, command, rules.MISS, key=key, now=now)
