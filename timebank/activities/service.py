"""Use cases of activities, each one function and one transaction."""

from datetime import datetime

import msgspec

from timebank.activities import rules
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

ADD_ACTIVITY = """
insert into activity (timebank_id, name, name_key, place, default_minutes) values ($1, $2, $3, $4, $5)
on conflict (timebank_id, name_key) do nothing
returning id
"""


class AddActivity(msgspec.Struct, frozen=True, kw_only=True):
    """A new group. ``default_minutes`` is its usual length."""

    name: str
    place: str = ""
    default_minutes: int = 60


async def add_activity(
    db: Database, actor: Actor, command: AddActivity, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Add a group and return its id.

    Refusals: ``not_allowed``, and those of :func:`timebank.activities.rules.check_activity`.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> int:
        return await make_activity(connection, actor, command)

    return await once(db, actor, "add_activity", key, command, int, work)


async def make_activity(connection: Connection, actor: Actor, command: AddActivity) -> int:
    """Add a group inside an open transaction; raises Rollback with what stands in the way."""
    taken: set[str] = set()
    if refusals := _check(command, taken):
        raise Rollback(refusals)
    name = names.tidy(command.name)
    added = await connection.fetchval(
        ADD_ACTIVITY,
        actor.timebank_id,
        name,
        names.key(name),
        names.tidy(command.place),
        command.default_minutes,
    )
    if added is None:
        raise Rollback(_check(command, {names.key(name)}))
    return int(added)


def _check(command: AddActivity, taken: set[str]) -> list[Refusal]:
    return rules.check_activity(
        name=command.name, place=command.place, default_minutes=command.default_minutes, taken=taken
    )
