"""Who may log which group: a coordinator every one, a session leader those that they lead."""

from datetime import date

from timebank.activities import queries as activities
from timebank.db import Connection
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal


async def groups_led(connection: Connection, actor: Actor, *, on: date | None = None) -> frozenset[int] | None:
    """The ids of the groups that the actor may log; None for a coordinator, who may log every group.

    ``on`` is the time bank's day; the database's clock says it when none is given.
    """
    if actor.member_id is None:
        return frozenset()
    if actor.has(COORDINATOR):
        return None
    return await activities.led_by(connection, actor.timebank_id, actor.member_id, on=on)


async def may_log(connection: Connection, actor: Actor, activity_id: int) -> Refusal | None:
    """Why this actor may not log this group, or None."""
    led = await groups_led(connection, actor)
    if led is None or activity_id in led:
        return None
    return Refusal("not_allowed", "Only a coordinator, or whoever leads this group, can log it.")
