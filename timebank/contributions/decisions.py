"""Deciding on time that waits for a second person."""

from datetime import datetime
from typing import Literal

import msgspec

from ledger import Posted, Refused, post
from timebank.contributions import queries, rules
from timebank.contributions.recording import credit_entry, not_credited
from timebank.db import Connection, Database, Rollback, claim, remember, retrying
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

LOCK = """
select c.id, c.member_id, c.minutes, c.held_on, c.state, c.recorded_by, c.rules_version, r.reference
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.id = $2
   for update of c
"""

DECIDED = """
update contribution
   set state = $3, decided_by = $4, decided_at = $5, decision_reason = $6, entry_id = $7,
       credited_to = case $3 when 'approved' then 'member' end
 where timebank_id = $1 and id = $2
"""


class Decide(msgspec.Struct, frozen=True, kw_only=True):
    """Approve a contribution, or decline it with a reason that the member can read."""

    contribution_id: int
    approve: bool
    reason: str = ""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the contribution."""

    state: Literal["approved", "declined"]
    member_id: int
    minutes: int


async def decide(db: Database, actor: Actor, command: Decide, *, key: str, now: datetime) -> Decided | list[Refusal]:
    """Approve (and credit) or decline time that waits; never one's own, and never what one recorded oneself.

    Refusals: ``not_allowed``, ``own_hour``, ``own_record``, ``decided_already``, ``undone_already``,
    ``reason_missing``, ``reason_too_long``, and what the ledger refuses.

    Raises:
        LookupError: this time bank has no such contribution.
    """
    if refusal := rules.may_record(actor):
        return [refusal]
    scope = f"decide:{actor.name}"

    async def settle() -> Decided:
        async with db.writing(actor.timebank_id) as connection:
            before = await claim(connection, actor.timebank_id, scope, key, command)
            if before is not None:
                return msgspec.convert(before, Decided)
            decided = await _decide(connection, actor, command, now)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(decided))
            return decided

    try:
        return await retrying(settle)
    except Rollback as rollback:
        return rollback.refusals


async def _decide(connection: Connection, actor: Actor, command: Decide, now: datetime) -> Decided:
    timebank_id = actor.timebank_id
    known = 0 < command.contribution_id <= queries.MAX_ID
    row = await connection.fetchrow(LOCK, timebank_id, command.contribution_id) if known else None
    if row is None:
        raise LookupError(f"no contribution {command.contribution_id}")
    reason = names.tidy(command.reason)
    refusal = rules.may_decide(
        actor, member_id=row["member_id"], recorded_by=row["recorded_by"]
    ) or rules.check_decision(row["state"], approve=command.approve, reason=reason)
    if refusal:
        raise Rollback([refusal])
    entry_id = None
    if command.approve:
        result = await post(
            connection,
            timebank_id,
            credit_entry(
                f"decide:{row['id']}:1",
                contribution_id=row["id"],
                member_id=row["member_id"],
                minutes=row["minutes"],
                held_on=row["held_on"],
                actor=actor,
                reference=row["reference"],
                rules_version=row["rules_version"],
            ),
        )
        if isinstance(result, Refused):
            raise Rollback([not_credited(result)])
        assert isinstance(result, Posted)
        entry_id = result.entry_id
    state: Literal["approved", "declined"] = "approved" if command.approve else "declined"
    await connection.execute(DECIDED, timebank_id, row["id"], state, actor.member_id, now, reason, entry_id)
    return Decided(state=state, member_id=row["member_id"], minutes=row["minutes"])
