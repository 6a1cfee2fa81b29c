"""Whether somebody who holds a member's printed statement may check its code. Off until the member turns it on."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.members.access import note_within

CHECKS = "select statement_checks from member where timebank_id = $1 and id = $2 and status <> 'left'"
CHANGE = "update member set statement_checks = $3 where timebank_id = $1 and id = $2 and statement_checks <> $3"


class SetChecks(msgspec.Struct, frozen=True, kw_only=True):
    """Let others check a member's printed statements, or no longer."""

    member_id: int
    is_on: bool


class ChecksNow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether others may check from now on."""

    is_on: bool


async def checks_of(connection: Connection, timebank_id: int, member_id: int) -> bool:
    """True when others may check the member's statements."""
    return bool(await connection.fetchval(CHECKS, timebank_id, member_id))


async def set_checks(
    db: Database, actor: Actor, command: SetChecks, *, key: str, now: datetime
) -> ChecksNow | list[Refusal]:
    """Turn checking on or off, by the member or a coordinator for them. Off ends every code at once, for good: papers
    that were printed before can never be checked again.

    Refusals: ``not_yours``, ``member_left``.
    """
    if command.member_id not in (actor.member_id, actor.subject_id) and not actor.has(COORDINATOR):
        return [Refusal("not_yours", say("You can only choose for your own statements."))]

    async def work(connection: Connection) -> ChecksNow:
        before = await connection.fetchval(CHECKS + " for update", actor.timebank_id, command.member_id)
        if before is None:
            raise Rollback([Refusal("member_left", say("Choose a member of this time bank."), "member_id")])
        await connection.execute(CHANGE, actor.timebank_id, command.member_id, command.is_on)
        if before != command.is_on:
            what = mark("let others check your statements")
            if not command.is_on:
                what = mark("ended the checking of your statements")
            await note_within(connection, actor, command.member_id, what, now=now)
        return ChecksNow(is_on=command.is_on)

    return await once(db, actor, "statement_checks", key, command, ChecksNow, work)
