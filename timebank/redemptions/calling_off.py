"""A day that does not take place: everybody's hours and places are free again, and everybody is told why."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.redemptions import offer_queries, queries, rules, steps, waiting
from timebank.redemptions.situation import situation_with

AT_ONCE = 500
"""Bookings in one transaction; the rest follows in the next."""

CLOSE = """
update offer set is_open = false, called_off_at = coalesce(called_off_at, $3), called_off_reason = $4
 where timebank_id = $1 and id = $2
"""


class CallOff(msgspec.Struct, frozen=True, kw_only=True):
    """The day of this offer does not take place; members read the reason."""

    offer_id: int
    reason: str


class CalledOff(msgspec.Struct, frozen=True, kw_only=True):
    """How many bookings were cancelled, and how many people waited for a place."""

    bookings: int
    waiting: int
    is_all: bool = True


async def call_off(
    db: Database, actor: Actor, command: CallOff, *, key: str, now: datetime
) -> CalledOff | list[Refusal]:
    """Close an offer, cancel every open booking of it and end its waiting list; tell everybody. For coordinators.

    Refusals: ``not_allowed``, ``unknown_offer``, ``no_date``, ``reason_missing``, ``reason_too_long``.
    """
    refusals = rules.check_reason(command.reason)
    if not actor.has(COORDINATOR):
        refusals = [Refusal("not_allowed", "Only a coordinator can do this. Please ask one.")]
    elif not command.reason.strip():
        refusals = [Refusal("reason_missing", "Say why, in a few words. Members can read it.", "reason")]
    if refusals:
        return refusals

    async def work(connection: Connection) -> CalledOff:
        return await _call_off(connection, actor, command, now)

    bookings = waits = n = 0
    while True:
        done = await once(db, actor, "call_off", key if n == 0 else f"{key}:{n}", command, CalledOff, work)
        if isinstance(done, list):
            return done
        bookings, waits, n = bookings + done.bookings, waits + done.waiting, n + 1
        if done.is_all:
            return CalledOff(bookings=bookings, waiting=waits)


async def _call_off(connection: Connection, actor: Actor, command: CallOff, now: datetime) -> CalledOff:
    timebank_id, reason = actor.timebank_id, command.reason.strip()
    offer = await offer_queries.offer_facts(connection, timebank_id, command.offer_id, lock=True)
    if offer is None:
        raise Rollback([Refusal("unknown_offer", "Choose an offer of this time bank.", "offer_id")])
    if offer.starts_at is None:
        raise Rollback([Refusal("no_date", "Only something with a day can be called off.", "offer_id")])
    await connection.execute(CLOSE, timebank_id, offer.id, now, reason)
    offer = msgspec.structs.replace(offer, is_open=False)
    waits = await waiting.end_list(connection, timebank_id, offer, reason, now)
    open_ones = await queries.open_of_offer(connection, timebank_id, offer.id, AT_ONCE)
    situations = [await situation_with(connection, each, offer, timebank_id, now) for each in open_ones]
    if situations:
        items = [steps.void(each.booking, rules.CANCEL, actor) for each in situations]
        await steps.post(connection, actor, situations[0], items)
    for each in situations:
        await steps.end(connection, actor, each, rules.CANCELLED, reason=reason)
    return CalledOff(bookings=len(situations), waiting=waits, is_all=len(situations) < AT_ONCE)
