"""Groups and organisations that are members: who belongs to them, and whom to speak to."""

from datetime import date, datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members import queries
from timebank.members.access import note_within
from timebank.members.details import locked
from timebank.members.rules import EARLIEST_JOINED

MAX_PEOPLE_SHOWN = 500

COLUMNS = """
select g.id, g.group_id, grp.display_name as group_name, g.member_id, m.display_name as member_name,
       g.from_on, g.until_on
  from group_membership g
  join member grp on grp.timebank_id = g.timebank_id and grp.id = g.group_id
  join member m on m.timebank_id = g.timebank_id and m.id = g.member_id
"""
PEOPLE = COLUMNS + (
    " where g.timebank_id = $1 and g.group_id = $2 order by g.until_on desc nulls first, m.name_key, g.id limit $3"
)
GROUPS_OF = COLUMNS + (
    " where g.timebank_id = $1 and g.member_id = $2 order by g.until_on desc nulls first, grp.name_key, g.id limit $3"
)
JOIN = """
insert into group_membership (timebank_id, group_id, member_id, from_on, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (timebank_id, group_id, member_id) where until_on is null do nothing
returning id
"""
LEAVE = """
update group_membership set until_on = $4
 where timebank_id = $1 and group_id = $2 and id = $3 and until_on is null
returning member_id
"""
SET_CONTACT = "update member set contact_member_id = $3 where timebank_id = $1 and id = $2"


class Belongs(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's time in a group; ``until_on`` is None while it lasts."""

    id: int
    group_id: int
    group_name: str
    member_id: int
    member_name: str
    from_on: date
    until_on: date | None


class JoinGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody belongs to a group from a day on."""

    group_id: int
    member_id: int
    from_on: date


class LeaveGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's time in a group ended on a day. ``belonging_id`` is that of :class:`Belongs`."""

    group_id: int
    belonging_id: int
    until_on: date


class SetContact(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to speak to about a group; None for nobody."""

    group_id: int
    member_id: int | None


class GroupChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The group is as it was asked for. ``is_new`` is False when it was before."""

    is_new: bool


async def people_in(connection: Connection, timebank_id: int, group_id: int) -> list[Belongs]:
    """Who belongs to a group, and below them who did."""
    rows = await connection.fetch(PEOPLE, timebank_id, group_id, MAX_PEOPLE_SHOWN)
    return [msgspec.convert(dict(row), Belongs) for row in rows]


async def groups_of(connection: Connection, timebank_id: int, member_id: int) -> list[Belongs]:
    """The groups that somebody belongs to, and those they did."""
    rows = await connection.fetch(GROUPS_OF, timebank_id, member_id, MAX_PEOPLE_SHOWN)
    return [msgspec.convert(dict(row), Belongs) for row in rows]


async def join_group(
    db: Database, actor: Actor, command: JoinGroup, *, key: str, now: datetime
) -> GroupChanged | list[Refusal]:
    """Write down that somebody belongs to a group. Who belongs to it already stays as they are.

    Refusals: ``not_allowed``, ``not_a_group``, ``person_unknown``, ``day_in_future``, ``day_too_early``.

    Raises:
        LookupError: this time bank has no such group.
    """
    if refusal := _may(actor):
        return [refusal]

    async def work(connection: Connection) -> GroupChanged:
        await _group(connection, actor, command.group_id)
        await _check_person(connection, actor, command.member_id)
        await _check_day(connection, actor, command.from_on, "from_on", now)
        joined = await connection.fetchval(
            JOIN, actor.timebank_id, command.group_id, command.member_id, command.from_on, actor.member_id, now
        )
        if joined:
            await note_within(connection, actor, command.member_id, mark("added you to a group"), now=now)
        return GroupChanged(is_new=bool(joined))

    return await once(db, actor, "join_group", key, command, GroupChanged, work)


async def leave_group(
    db: Database, actor: Actor, command: LeaveGroup, *, key: str, now: datetime
) -> GroupChanged | list[Refusal]:
    """Write down that somebody no longer belongs to a group; what was before is kept.

    Refusals: ``not_allowed``, ``not_a_group``, ``day_in_future``, ``day_too_early``, ``ends_before_start``.

    Raises:
        LookupError: this time bank has no such group, or it has no such time of anybody.
    """
    if refusal := _may(actor):
        return [refusal]

    async def work(connection: Connection) -> GroupChanged:
        await _group(connection, actor, command.group_id)
        people = {one.id: one for one in await people_in(connection, actor.timebank_id, command.group_id)}
        if command.belonging_id not in people:
            raise LookupError(f"no time {command.belonging_id} in group {command.group_id}")
        await _check_day(connection, actor, command.until_on, "until_on", now)
        if command.until_on < people[command.belonging_id].from_on:
            message = "They joined the group after that day. Enter a later one."
            raise Rollback([Refusal("ends_before_start", message, "until_on")])
        left = await connection.fetchval(
            LEAVE, actor.timebank_id, command.group_id, command.belonging_id, command.until_on
        )
        if left:
            await note_within(connection, actor, left, mark("took you out of a group"), now=now)
        return GroupChanged(is_new=bool(left))

    return await once(db, actor, "leave_group", key, command, GroupChanged, work)


async def set_contact(
    db: Database, actor: Actor, command: SetContact, *, key: str, now: datetime
) -> GroupChanged | list[Refusal]:
    """Say whom to speak to about a group. Refusals: ``not_allowed``, ``not_a_group``, ``person_unknown``.

    Raises:
        LookupError: this time bank has no such group.
    """
    if refusal := _may(actor):
        return [refusal]

    async def work(connection: Connection) -> GroupChanged:
        before = await _group(connection, actor, command.group_id)
        if command.member_id is not None:
            await _check_person(connection, actor, command.member_id)
        await connection.execute(SET_CONTACT, actor.timebank_id, command.group_id, command.member_id)
        return GroupChanged(is_new=before.contact_member_id != command.member_id)

    return await once(db, actor, "set_group_contact", key, command, GroupChanged, work)


def _may(actor: Actor) -> Refusal | None:
    if actor.has(COORDINATOR) and actor.on_behalf_of is None:
        return None
    return Refusal("not_allowed", "Only a coordinator can change a group.")


async def _group(connection: Connection, actor: Actor, group_id: int) -> queries.MemberRecord:
    found = await locked(connection, actor.timebank_id, group_id)
    if found.kind == "person":
        raise Rollback([Refusal("not_a_group", "This is a person, not a group.")])
    return found


async def _check_person(connection: Connection, actor: Actor, member_id: int) -> None:
    person = await queries.by_id(connection, actor.timebank_id, member_id)
    if person is None or person.status != "active" or person.kind != "person":
        raise Rollback([Refusal("person_unknown", "Choose somebody who is a member now.", "member")])


async def _check_day(connection: Connection, actor: Actor, day: date, field: str, now: datetime) -> None:
    bank = await banks.by_id(connection, actor.timebank_id)
    if day > today(now, bank.time_zone):
        raise Rollback([Refusal("day_in_future", "Enter today or an earlier day.", field)])
    if day < EARLIEST_JOINED:
        raise Rollback([Refusal("day_too_early", f"Enter a day after {EARLIEST_JOINED.year - 1}.", field)])
