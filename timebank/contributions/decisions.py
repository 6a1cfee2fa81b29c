"""Deciding on time that waits for a second person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from timebank.banks import queries as banks
from timebank.contributions import crediting, deputies, paying, queries, rules, words
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.messages.service import send

DECIDED = """
update contribution
   set state = $3, decided_by = $4, decided_at = $5, decision_reason = $6
 where timebank_id = $1 and id = $2
"""


class Decide(msgspec.Struct, frozen=True, kw_only=True):
    """Approve a contribution, or decline it with a reason that the member can read."""

    contribution_id: int
    approve: bool
    reason: str = ""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the contribution. ``member_id`` is None for a guest's, whose minutes wait until they join."""

    state: Literal["approved", "declined"]
    member_id: int | None
    minutes: int


async def decide(db: Database, actor: Actor, command: Decide, *, key: str, now: datetime) -> Decided | list[Refusal]:
    """Approve (and credit) or decline time that waits; never one's own, and never what one recorded oneself.

    For coordinators, approvers and whoever stands in for one of them that day. The member is told. Refusals:
    ``not_allowed``, ``own_hour``, ``own_record``, ``decided_already``, ``undone_already``, ``reason_missing``,
    ``reason_too_long``, and what the ledger refuses.

    Raises:
        LookupError: this time bank has no such contribution.
    """

    async def work(connection: Connection) -> Decided:
        return await _decide(connection, actor, command, now)

    return await once(db, actor, "decide", key, command, Decided, work)


async def _decide(connection: Connection, actor: Actor, command: Decide, now: datetime) -> Decided:
    timebank_id = actor.timebank_id
    known = 0 < command.contribution_id <= queries.MAX_ID
    row = await connection.fetchrow(crediting.CREDITABLE_ONE, timebank_id, command.contribution_id) if known else None
    if row is None:
        raise LookupError(f"no contribution {command.contribution_id}")
    reason = names.tidy(command.reason)
    bank = await banks.by_id(connection, timebank_id)
    decider = await deputies.as_decider(connection, actor, today(now, bank.time_zone)) or actor
    refusal = rules.may_decide(
        decider, member_id=row["member_id"], recorded_by=row["recorded_by"]
    ) or rules.check_decision(row["state"], approve=command.approve, reason=reason)
    if refusal:
        raise Rollback([refusal])
    state: Literal["approved", "declined"] = "approved" if command.approve else "declined"
    if command.approve:
        await _approve(connection, actor, row, now)
    await connection.execute(DECIDED, timebank_id, row["id"], state, actor.member_id, now, reason)
    if not command.approve and row["member_id"] is not None:
        told = words.not_yet(row["minutes"], row["activity"], row["held_on"], reason)
        declined = crediting.message(row["member_id"], "not_yet", told, f"contribution:{row['id']}:declined")
        await send(connection, timebank_id, [declined], now=now)
    return Decided(state=state, member_id=row["member_id"], minutes=row["minutes"])


async def _approve(connection: Connection, actor: Actor, row: Mapping[str, Any], now: datetime) -> None:
    received = await crediting.receivers_of(connection, actor.timebank_id, [row["id"]])
    wanted = crediting.to_credit(row, f"decide:{row['id']}:1", list(received.get(row["id"], ())))
    planned = await crediting.plan_credits(connection, actor.timebank_id, [wanted])
    if planned[0].other_id is not None and planned[0].other_id == actor.member_id:
        message = "These hours would come to you by the person's standing choice. Someone else decides about them."
        raise Rollback([Refusal("own_hour", message)])
    due = await paying.plan(connection, actor, [wanted], now=now)
    items = [*crediting.credit_items(actor, planned), *due.items]
    posted = await crediting.post_items(connection, actor.timebank_id, items)
    await crediting.keep_credits(connection, actor.timebank_id, planned, posted)
    await paying.keep(connection, actor, due, posted, now=now)
    await crediting.tell_credited(connection, actor, planned, now=now)
