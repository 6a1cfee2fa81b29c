"""Use cases of activities, each one function and one transaction. The other modules' use cases are named here too."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from timebank.activities import rules
from timebank.activities.check_in_codes import make_code
from timebank.activities.leaders import AddLeader, EndLeader, add_leader, end_leader
from timebank.activities.photos import add_photo, remove_photo
from timebank.activities.planning import (
    Cancelled,
    CancelSession,
    Changed,
    ChangeSession,
    Planned,
    PlanSessions,
    cancel_session,
    change_session,
    plan_sessions,
)
from timebank.activities.reminders import remind
from timebank.activities.rules import ActivityDetails, SessionDetails
from timebank.activities.taking_part import (
    CheckedIn,
    CheckInHere,
    Part,
    TakePart,
    check_in,
    check_in_here,
    mark_set_out,
    sign_up,
    take_back_check_in,
    withdraw,
)
from timebank.budgets import choosing
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal

__all__ = (
    "ActivityDetails",
    "AddActivity",
    "AddLeader",
    "ArchiveActivity",
    "CancelSession",
    "Cancelled",
    "ChangeActivity",
    "ChangeSession",
    "Changed",
    "CheckInHere",
    "CheckedIn",
    "EndLeader",
    "Part",
    "PlanSessions",
    "Planned",
    "SessionDetails",
    "TakePart",
    "add_activity",
    "add_leader",
    "add_photo",
    "archive_activity",
    "cancel_session",
    "change_activity",
    "change_session",
    "check_in",
    "check_in_here",
    "end_leader",
    "make_activity",
    "make_code",
    "mark_set_out",
    "plan_sessions",
    "remind",
    "remove_photo",
    "sign_up",
    "take_back_check_in",
    "withdraw",
)

COLUMNS = ActivityDetails.__struct_fields__
ADD_ACTIVITY = f"""
insert into activity (timebank_id, name_key, {", ".join(COLUMNS)})
values ($1, $2, {", ".join(f"${n}" for n in range(3, len(COLUMNS) + 3))})
on conflict (timebank_id, name_key) do nothing
returning id
"""  # noqa: S608 - the columns are our own
CHANGE_ACTIVITY = f"""
update activity set name_key = $3, {", ".join(f"{name} = ${n}" for n, name in enumerate(COLUMNS, start=4))}
 where timebank_id = $1 and id = $2
"""  # noqa: S608 - the columns are our own
LOCK_ACTIVITY = "select id, fund_id, budget_id from activity where timebank_id = $1 and id = $2 for update"
NAME_TAKEN = "select exists (select from activity where timebank_id = $1 and name_key = $2 and id <> $3)"
STILL_PLANNED = """
select count(*) from session where timebank_id = $1 and activity_id = $2 and state = 'planned' and held_on >= $3
"""


class AddActivity(ActivityDetails, frozen=True, kw_only=True):
    """A new group. ``default_minutes`` is its usual length."""


class ChangeActivity(ActivityDetails, frozen=True, kw_only=True):
    """A group as it shall be from now on; what was logged before stays as it was."""

    activity_id: int


class ArchiveActivity(msgspec.Struct, frozen=True, kw_only=True):
    """Put a group away, or bring it back."""

    activity_id: int
    archived: bool = True


async def add_activity(
    db: Database, actor: Actor, command: AddActivity, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Add a group and return its id.

    Refusals: ``not_allowed``, those of :func:`timebank.activities.rules.check_activity` and, for fund and budget, of
    :func:`timebank.budgets.choosing.check_fits`.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> int:
        return await make_activity(connection, actor, command)

    return await once(db, actor, "add_activity", key, command, int, work)


async def make_activity(connection: Connection, actor: Actor, command: AddActivity) -> int:
    """Add a group inside an open transaction; raises Rollback with what stands in the way."""
    details = _tidy(command)
    refusals = rules.check_activity(details) + await _check_money(connection, actor, details)
    if refusals:
        raise Rollback(refusals)
    added = await connection.fetchval(ADD_ACTIVITY, actor.timebank_id, names.key(details.name), *_values(details))
    if added is None:
        raise Rollback(rules.check_activity(details, {names.key(details.name)}))
    return int(added)


async def change_activity(
    db: Database, actor: Actor, command: ChangeActivity, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Change a group and return its id. Sessions that are planned keep their own length.

    Refusals: ``not_allowed``, those of :func:`timebank.activities.rules.check_activity` and, for fund and budget, of
    :func:`timebank.budgets.choosing.check_fits`.

    Raises:
        LookupError: there is no such group.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> int:
        before = await _locked(connection, actor.timebank_id, command.activity_id)
        details = _tidy(command)
        key_of_name = names.key(details.name)
        is_taken = await connection.fetchval(NAME_TAKEN, actor.timebank_id, key_of_name, command.activity_id)
        kept = before["fund_id"], before["budget_id"]
        refusals = rules.check_activity(details, {key_of_name} if is_taken else ())
        refusals += await _check_money(connection, actor, details, kept)
        if refusals:
            raise Rollback(refusals)
        await connection.execute(
            CHANGE_ACTIVITY, actor.timebank_id, command.activity_id, key_of_name, *_values(details)
        )
        return command.activity_id

    return await once(db, actor, "change_activity", key, command, int, work)


async def archive_activity(
    db: Database, actor: Actor, command: ArchiveActivity, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Put a group away (its leaders lead nothing any more, its poster stops working) or bring it back; return its id.

    Refusals: ``not_allowed``; ``sessions_planned`` while sessions are still to come.

    Raises:
        LookupError: there is no such group.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> int:
        await _locked(connection, actor.timebank_id, command.activity_id)
        planned = await connection.fetchval(STILL_PLANNED, actor.timebank_id, command.activity_id, now.date())
        if command.archived and planned:
            message = f"There {'is 1 session' if planned == 1 else f'are {planned} sessions'} still to come."
            raise Rollback([Refusal("sessions_planned", f"{message} Cancel them first, so that people are told.")])
        await connection.execute(
            "update activity set is_archived = $3 where timebank_id = $1 and id = $2",
            actor.timebank_id,
            command.activity_id,
            command.archived,
        )
        return command.activity_id

    return await once(db, actor, "archive_activity", key, command, int, work)


async def _locked(connection: Connection, timebank_id: int, activity_id: int) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = await connection.fetchrow(LOCK_ACTIVITY, timebank_id, activity_id)
    if row is None:
        raise LookupError(activity_id)
    return row


async def _check_money(
    connection: Connection,
    actor: Actor,
    details: ActivityDetails,
    kept: tuple[int | None, int | None] = (None, None),
) -> list[Refusal]:
    for field, chosen in (("fund_id", details.fund_id), ("budget_id", details.budget_id)):
        if not 0 < (chosen or 1) <= MAX_KEY:
            what = field.removesuffix("_id")
            return [Refusal(f"unknown_{what}", f"Choose a {what} of this time bank, or none.", field)]
    return await choosing.check_fits(
        connection, actor.timebank_id, fund_id=details.fund_id, budget_id=details.budget_id, kept=kept
    )


def _tidy(given: ActivityDetails) -> ActivityDetails:
    values = {name: getattr(given, name) for name in COLUMNS}
    for name in ("name", "place", "budget_code", "funder", "band"):
        values[name] = names.tidy(values[name])
    for name in ("access_notes", "route", "breaks"):
        values[name] = values[name].strip()
    return ActivityDetails(**values)


def _values(details: ActivityDetails) -> list[object]:
    return [getattr(details, name) for name in COLUMNS]
