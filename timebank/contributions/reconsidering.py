"""Counting time after all that was declined or taken back: when the answer to a question says that it was right."""

from datetime import datetime

from timebank.contributions.about import facts
from timebank.contributions.recording import record
from timebank.contributions.rules import Line
from timebank.db import Connection, Rollback
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

DOES_NOT_COUNT = ("declined", "undone", "removed")
SET_QUERY_STATE = "update contribution set query_state = 'corrected' where timebank_id = $1 and id = $2"


async def count_within(
    connection: Connection, actor: Actor, contribution_id: int, minutes: int, reason: str, *, now: datetime
) -> None:
    """Record the time anew, as the actor would in a register; the line that was declined stays as it was.

    It is the transaction's one ledger call. Raises Rollback with ``not_counted`` (nothing to count it for), or what
    recording and the ledger refuse.

    Raises:
        LookupError: this time bank has no such contribution.
    """
    before = await facts(connection, actor.timebank_id, contribution_id)
    if before is None:
        raise LookupError(f"no contribution {contribution_id}")
    if before.activity_id is None or before.member_id is None:
        raise Rollback([Refusal("not_counted", "Enter these hours anew as hours brought forward, then answer.")])
    line = Line(
        member_id=before.member_id,
        held_on=before.held_on,
        minutes=minutes,
        what=before.what,
        activity_id=before.activity_id,
        duplicate_reason=reason[:200],
    )
    await record(connection, actor, [line], source="page", now=now)
    await connection.execute(SET_QUERY_STATE, actor.timebank_id, contribution_id)
