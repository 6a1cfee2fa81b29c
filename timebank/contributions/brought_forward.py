"""Hours brought forward: what somebody had before, entered with evidence and approved by a second person."""

from datetime import date, datetime

import msgspec

from timebank.contributions import rules
from timebank.contributions.recording import record, tidied
from timebank.contributions.rules import Line
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

THERE = """
select r.reference, c.minutes
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.member_id = $2 and c.kind = 'brought_forward' and c.state in ('submitted', 'approved')
 order by c.id desc
 limit 1
"""
ADDED = """
select c.id
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and r.reference = $2
"""
# Two who enter the same person's hours at once: the second sees the first's.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('opening:' || $1::bigint || ':' || $2::bigint, 0))"


class BringForward(msgspec.Struct, frozen=True, kw_only=True):
    """Hours that a member had on a day (``as_of``), and where they are written down (``evidence``).

    ``duplicate_reason`` says why there are hours brought forward a second time, when there are.
    """

    member_id: int
    minutes: int
    as_of: date
    evidence: str
    what: str = ""
    duplicate_reason: str = ""


class BroughtForward(msgspec.Struct, frozen=True, kw_only=True):
    """The hours are entered and wait for a second person, who is neither the maker nor the member."""

    contribution_id: int
    reference: str
    minutes: int


async def bring_forward(
    db: Database, actor: Actor, command: BringForward, *, key: str, now: datetime
) -> BroughtForward | list[Refusal]:
    """Enter hours brought forward. They wait; once approved they are credited ``opening -> member``, whatever the
    member's standing choice is. No limit of days applies.

    For coordinators. Refusals: ``not_allowed``, ``own_hour``, ``duplicate``, ``evidence_missing``,
    ``minutes_above_limit``, ``date_in_future``, ``unknown_member``, ``member_left``, ``member_paused``, texts too long;
    fields are the command's.
    """
    if refusal := rules.may_record(actor):
        return [refusal]
    if command.member_id == actor.member_id:
        return [Refusal("own_hour", "These are your own hours. Ask another coordinator to enter them.", "member_id")]

    async def work(connection: Connection) -> BroughtForward:
        return await _bring(connection, actor, command, now)

    return await once(db, actor, "bring_forward", key, command, BroughtForward, work)


async def _bring(connection: Connection, actor: Actor, command: BringForward, now: datetime) -> BroughtForward:
    await connection.execute(ONE_AT_A_TIME, actor.timebank_id, command.member_id)
    there = await connection.fetchrow(THERE, actor.timebank_id, command.member_id)
    if there and not command.duplicate_reason.strip():
        message = (
            f"Hours were brought forward for this person already, in register {there['reference']}. "
            "Leave it at that, or say why it is more."
        )
        raise Rollback([Refusal("duplicate", message, "duplicate_reason")])
    line = Line(
        member_id=command.member_id,
        held_on=command.as_of,
        minutes=command.minutes,
        what=command.what,
        evidence=command.evidence,
        duplicate_reason=command.duplicate_reason,
        kind="brought_forward",
    )
    try:
        saved = await record(connection, actor, [tidied(line)], source="page", now=now)
    except Rollback as rollback:
        raise Rollback([_placed(refusal) for refusal in rollback.refusals]) from rollback
    contribution_id = await connection.fetchval(ADDED, actor.timebank_id, saved.reference)
    return BroughtForward(contribution_id=contribution_id, reference=saved.reference, minutes=command.minutes)


def _placed(refusal: Refusal) -> Refusal:
    name = (refusal.field or "").rpartition(".")[2]
    return Refusal(refusal.code, refusal.message, {"held_on": "as_of"}.get(name, name) or None)
