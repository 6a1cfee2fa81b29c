"""What the room of peer support needs of bookings: a member's skill as an offer, and one booking that both agreed on.

A skill is never there for whoever comes first: its offer stays closed in the catalogue, and is opened for the one
booking that both have agreed on. Everything here runs inside the caller's transaction.
"""

from datetime import datetime

import msgspec

from timebank.db import Connection, Rollback
from timebank.kit.actor import Actor, system
from timebank.kit.words import mark
from timebank.redemptions import rules, steps
from timebank.redemptions.requests import Booked, RequestRedemption, request_within
from timebank.redemptions.steps import ChangeBooking

KIND = "peer_support"
BENEFIT_LABEL = mark(
    "An hour from another member is a time bank exchange. It is not pay. "
    "If you get benefits and want to be sure, ask Citizens Advice."
)

ADD = """
insert into offer (timebank_id, kind, title, summary, price_minutes, benefit_label, cancel_hours, hold_days,
                   provider_id, is_open)
values ($1, 'peer_support', $2, $3, $4, $5, 0, $6, $7, false)
returning id
"""
CHANGE = """
update offer set title = $4, summary = $5, price_minutes = $6
 where timebank_id = $1 and id = $2 and provider_id = $3
returning true
"""
OPEN = "update offer set is_open = $3 where timebank_id = $1 and id = $2"
IS_OPEN = "select is_open from offer where timebank_id = $1 and id = $2 for no key update"
AGREED = "update redemption set cancel_until = $3, ask = $4 where timebank_id = $1 and id = $2"


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """A skill as an offer: its words, its usual length in minutes, how long its bookings may stay open."""

    title: str
    summary: str
    minutes: int
    hold_days: int


async def add_skill(connection: Connection, timebank_id: int, provider_id: int, skill: Skill) -> int:
    """Keep a member's skill as an offer; its id."""
    offer_id: int = await connection.fetchval(
        ADD, timebank_id, skill.title, skill.summary, skill.minutes, BENEFIT_LABEL, skill.hold_days, provider_id
    )
    return offer_id


async def change_skill(connection: Connection, timebank_id: int, provider_id: int, offer_id: int, skill: Skill) -> None:
    """Change the words or the usual length of a member's own skill. What is booked already stays as it was agreed.

    Raises:
        LookupError: it is not a skill of this member.
    """
    if not await connection.fetchval(
        CHANGE, timebank_id, offer_id, provider_id, skill.title, skill.summary, skill.minutes
    ):
        raise LookupError(f"no skill {offer_id}")


async def book_agreed(
    connection: Connection,
    actor: Actor,
    offer_id: int,
    *,
    member_id: int,
    minutes: int,
    until: datetime,
    ask: str,
    now: datetime,
) -> Booked:
    """Set aside what both agreed on; the booking is agreed at once. The member may cancel until ``until``; the page of
    the booking leads to the ask with the reference ``ask``.

    ``actor`` is the member who gives the hours. Raises ``Rollback`` with the refusals of ``request_within``.
    """
    was_open = await connection.fetchval(IS_OPEN, actor.timebank_id, offer_id)
    await connection.execute(OPEN, actor.timebank_id, offer_id, True)
    command = RequestRedemption(offer_id=offer_id, member_id=member_id, minutes=minutes)
    booked = await request_within(connection, actor, command, now)
    await connection.execute(OPEN, actor.timebank_id, offer_id, was_open)
    await connection.execute(AGREED, actor.timebank_id, booked.redemption_id, until, ask)
    await steps.take_within(
        connection, system(actor.timebank_id), ChangeBooking(reference=booked.reference), rules.ACCEPT, now
    )
    return booked


async def free(connection: Connection, by: Actor, reference: str, *, reason: str, now: datetime) -> None:
    """Free the hours of a booking that will not happen, or did not; ``by`` says so. Nothing happens to one that has
    ended already.
    """
    command = ChangeBooking(reference=reference, reason=reason)
    try:
        async with connection.transaction():
            await steps.take_within(connection, system(by.timebank_id), command, rules.CANCEL, now, by=by)
    except Rollback as rollback:
        if not {refusal.code for refusal in rollback.refusals} <= {"wrong_state", "timed_out"}:
            raise


async def hand_over(connection: Connection, by: Actor, booked: str, *, minutes: int, held: int, now: datetime) -> None:
    """Move the hours of a booking to whoever helped; what of it was not needed is free. ``by``: who said so last.

    Raises ``Rollback`` with ``timed_out`` or ``wrong_state`` when the hours are no longer set aside, and when there are
    not enough beyond them.
    """
    actor = system(by.timebank_id)
    if minutes > held:
        await steps.fulfil_longer_within(connection, actor, booked, minutes=minutes, by=by, now=now)
    else:
        part = minutes if minutes < held else None
        await steps.fulfil_within(connection, actor, booked, minutes=part, by=by, now=now)
