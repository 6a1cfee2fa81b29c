"""Correcting a register at any later time: who is affected, counter-entries, and everybody is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from timebank.contributions import amending, correction_plan, crediting, paying, queries
from timebank.contributions.amending import Amendment
from timebank.contributions.correction_plan import Affected, ChangedLine, Correction, CorrectRegister, make_plan
from timebank.contributions.recording import NewLines, add_lines, creditable, new_ids
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

__all__ = [
    "Affected",
    "ChangedLine",
    "CorrectRegister",
    "CorrectedRegister",
    "Correction",
    "PutRight",
    "correct_register",
    "correct_within",
    "mark_queried",
    "mark_upheld",
    "preview_correction",
]

SET_QUERY_STATE = "update contribution set query_state = $3 where timebank_id = $1 and id = $2"


class CorrectedRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A register was corrected: how many lines changed, were taken out and added, and how many of those wait."""

    reference: str
    changed: int
    removed: int
    added: int
    waiting: int
    short_minutes: int


@dataclass(frozen=True, slots=True)
class PutRight:
    """One contribution was corrected. ``entries`` are the ledger's; ``short_minutes`` were used already."""

    contribution_id: int
    minutes_before: int
    minutes_after: int
    short_minutes: int
    entries: tuple[UUID, ...]


async def preview_correction(
    db: Database, actor: Actor, command: CorrectRegister, *, now: datetime
) -> Correction | list[Refusal]:
    """Who a correction would affect, and who has used the hours already. Changes nothing; refuses as correcting."""
    try:
        # A writing transaction, because the register is locked while it is looked at; nothing is written.
        async with db.writing(actor.timebank_id) as connection:
            plan = await make_plan(connection, actor, command, now)
            return await correction_plan.shown(connection, actor, command, plan)
    except Rollback as rollback:
        return rollback.refusals


async def correct_register(
    db: Database, actor: Actor, command: CorrectRegister, *, key: str, now: datetime
) -> CorrectedRegister | list[Refusal]:
    """Correct a register by counter-entries; everybody affected is told. Nobody is taken below nothing, and no booking
    is cancelled: what has been used already goes to ``corrections``.

    A coordinator corrects any register, a session leader those of the groups that they lead; nobody their own time.
    Refusals: ``not_allowed``, ``own_hour``, ``own_record`` (a change that needs a second person, by who recorded it),
    ``undone_already``, ``not_counted``, ``unknown_line``, ``nothing_changed``, ``reason_missing``, ``reason_too_long``,
    those of recording (fields ``changes.0.minutes``, ``add.0.member_id``), and what the ledger refuses.

    Raises:
        LookupError: this time bank has no such register.
    """

    async def work(connection: Connection) -> CorrectedRegister:
        return await _correct(connection, actor, command, now)

    return await once(db, actor, "correct_register", key, command, CorrectedRegister, work)


async def correct_within(
    connection: Connection,
    actor: Actor,
    contribution_id: int,
    minutes: int,
    reason: str,
    *,
    now: datetime,
    tell: bool = True,
) -> PutRight:
    """Correct one contribution inside an open transaction (of :func:`timebank.db.once`): an answer to a query.

    It is the transaction's one ledger call. ``minutes`` 0 takes it out. ``tell`` False: the caller tells the member.
    Raises Rollback with ``own_hour``, ``not_counted``, ``nothing_changed``, ``minutes_negative``,
    ``minutes_above_limit`` or what the ledger refuses.

    Raises:
        LookupError: this time bank has no such contribution.
    """
    row = await _locked(connection, actor, contribution_id)
    if refusal := correction_plan.may_change(actor, row) or correction_plan.check_new_minutes(row, minutes):
        raise Rollback([refusal])
    planned = await amending.plan_amendments(connection, actor.timebank_id, [Amendment(row, minutes, row["held_on"])])
    if any(actor.member_id in one.paid_before for one in planned):
        raise Rollback([correction_plan.own_hour()])
    due = await paying.plan(connection, actor, (), planned, now=now)
    items = [*amending.amend_items(actor, planned), *due.items]
    posted = await crediting.post_items(connection, actor.timebank_id, items)
    await amending.keep_amendments(connection, actor, planned, posted, names.tidy(reason), now=now)
    await paying.keep(connection, actor, due, posted, now=now)
    await connection.execute(SET_QUERY_STATE, actor.timebank_id, row["id"], "corrected" if row["query_state"] else "")
    if tell:
        await amending.tell_amended(connection, actor, planned, names.tidy(reason), now=now)
    (one,) = planned
    return PutRight(one.id, row["minutes"], minutes, one.short_minutes, tuple(amending.entry_ids(one, posted)))


async def mark_queried(connection: Connection, actor: Actor, contribution_id: int, *, now: datetime) -> None:
    """Somebody asked about this contribution. Its hours stay where they are. Raises LookupError for an unknown one."""
    await _mark(connection, actor, contribution_id, "queried", "", now)


async def mark_upheld(
    connection: Connection, actor: Actor, contribution_id: int, reason: str, *, now: datetime
) -> None:
    """The question was answered, and the contribution stays as it is. Raises LookupError for an unknown one."""
    await _mark(connection, actor, contribution_id, "upheld", reason, now)


async def _mark(
    connection: Connection, actor: Actor, contribution_id: int, step: str, reason: str, now: datetime
) -> None:
    row = await _locked(connection, actor, contribution_id)
    so_far = await connection.fetchrow(amending.CHANGED_SO_FAR, actor.timebank_id, [row["id"]])
    n = so_far["n"] + 1 if so_far else 1
    same = (row["minutes"], row["minutes"], row["held_on"], row["held_on"], 0)
    await amending.add_changes(connection, actor, [(row["id"], n, step, *same)], names.tidy(reason), now=now)
    await connection.execute(SET_QUERY_STATE, actor.timebank_id, row["id"], step)


async def _locked(connection: Connection, actor: Actor, contribution_id: int) -> Mapping[str, Any]:
    known = 0 < contribution_id <= queries.MAX_ID
    row: Mapping[str, Any] | None = (
        await connection.fetchrow(crediting.CREDITABLE_ONE, actor.timebank_id, contribution_id) if known else None
    )
    if row is None:
        raise LookupError(f"no contribution {contribution_id}")
    return row


async def _correct(connection: Connection, actor: Actor, command: CorrectRegister, now: datetime) -> CorrectedRegister:
    plan = await make_plan(connection, actor, command, now)
    timebank_id, reason = actor.timebank_id, names.tidy(command.reason)
    first = max(row["line"] for row in plan.rows) + 1
    ids = await new_ids(connection, len(plan.add))
    wanted = creditable(plan.add, plan.flagged, ids, plan.known, command.reference)
    planned = await crediting.plan_credits(connection, timebank_id, wanted, choices=plan.known.choices)
    due = await paying.plan(connection, actor, wanted, plan.amended, now=now)
    items = [*amending.amend_items(actor, plan.amended), *crediting.credit_items(actor, planned), *due.items]
    posted = await crediting.post_items(connection, timebank_id, items)
    await amending.keep_amendments(connection, actor, plan.amended, posted, reason, now=now)
    if plan.add:
        numbers = range(first, first + len(plan.add))
        rows = NewLines(plan.register["id"], plan.known.version, ids, numbers, plan.add, plan.flagged)
        await add_lines(connection, actor, rows, planned, posted, now=now)
    await paying.keep(connection, actor, due, posted, now=now)
    added = [
        (id_, 1, "added", 0, line.minutes, line.held_on, line.held_on, 0)
        for id_, line in zip(ids, plan.add, strict=True)
    ]
    await amending.add_changes(connection, actor, added, reason, now=now)
    await amending.tell_amended(connection, actor, plan.amended, reason, now=now)
    await crediting.tell_credited(connection, actor, planned, now=now)
    removed = sum(1 for one in plan.amended if not one.to.minutes)
    return CorrectedRegister(
        reference=command.reference,
        changed=len(plan.amended) - removed,
        removed=removed,
        added=len(plan.add),
        waiting=sum(1 for why in plan.flagged if why),
        short_minutes=sum(max(0, one.short_minutes) for one in plan.amended),
    )
