"""Who leads an activity: members who log it and check people in, from a day until one."""

from datetime import date, datetime

import msgspec

from timebank.activities import rules
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.messages.service import Message, send

ACTIVITY = "select name from activity where timebank_id = $1 and id = $2 and not is_archived for update"
LEADS_FROM = """
select from_day from activity_leader
 where timebank_id = $1 and activity_id = $2 and member_id = $3
   and coalesce(until_day, 'infinity') >= $4 and from_day <= coalesce($5::date, 'infinity')
 limit 1
"""
ADD_LEADER = """
insert into activity_leader (timebank_id, activity_id, member_id, from_day, until_day, added_by, added_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""
END_LEADER = """
update activity_leader set until_day = greatest($4::date, from_day - 1)
 where timebank_id = $1 and activity_id = $2 and member_id = $3 and coalesce(until_day, 'infinity') > $4
returning member_id
"""


class AddLeader(msgspec.Struct, frozen=True, kw_only=True):
    """A member leads an activity from a day, and until one (that day included) or for as long as nobody ends it."""

    activity_id: int
    member_id: int
    from_day: date
    until_day: date | None = None


class EndLeader(msgspec.Struct, frozen=True, kw_only=True):
    """A member stops leading an activity; ``last_day`` is the last on which they lead it."""

    activity_id: int
    member_id: int
    last_day: date


async def add_leader(db: Database, actor: Actor, command: AddLeader, *, key: str, now: datetime) -> int | list[Refusal]:
    """Let a member lead an activity, tell them, and return their id.

    Refusals: ``not_allowed``, ``member_unknown``, ``until_before_from``, ``leads_already``.

    Raises:
        LookupError: there is no such activity, or it is archived.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> int:
        name = await connection.fetchval(ACTIVITY, actor.timebank_id, command.activity_id)
        if name is None:
            raise LookupError(command.activity_id)
        member = await members.by_id(connection, actor.timebank_id, command.member_id)
        if member is None or member.status != "active":
            raise Rollback([Refusal("member_unknown", "Choose a member from the list.", "who")])
        if command.until_day is not None and command.until_day < command.from_day:
            raise Rollback([Refusal("until_before_from", "The last day must not be before the first.", "until")])
        ids = (actor.timebank_id, command.activity_id, command.member_id)
        if await connection.fetchval(LEADS_FROM, *ids, command.from_day, command.until_day):
            raise Rollback([Refusal("leads_already", "They lead this group in that time already.", "who")])
        await connection.execute(ADD_LEADER, *ids, command.from_day, command.until_day, actor.member_id, now)
        told = Message(
            member_id=command.member_id,
            kind="group_leader",
            subject=f"You can now lead {name}",
            body=f"You can now log {name} and check people in. You see first names only.",
            path="/groups/mine",
            dedupe=f"leader:{command.activity_id}:{command.member_id}:{command.from_day}",
        )
        if command.member_id != actor.member_id:
            await send(connection, actor.timebank_id, [told], now=now)
        return command.member_id

    return await once(db, actor, "add_leader", key, command, int, work)


async def end_leader(db: Database, actor: Actor, command: EndLeader, *, key: str, now: datetime) -> int | list[Refusal]:
    """Let a member lead an activity no longer after a day; return their id.

    Refusals: ``not_allowed``.

    Raises:
        LookupError: they do not lead such an activity.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> int:
        ended = await connection.fetch(
            END_LEADER, actor.timebank_id, command.activity_id, command.member_id, command.last_day
        )
        if not ended:
            raise LookupError(command.member_id)
        return command.member_id

    return await once(db, actor, "end_leader", key, command, int, work)
