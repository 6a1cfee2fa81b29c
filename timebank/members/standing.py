"""A member's standing choice: what happens to the hours they are to be given, changed in one place, no reason asked.

They keep their hours (the default), give each to the community pot or to one member, or take none. Only one step is
followed: what comes to a member by another's choice stays with that member, so two who choose each other go nowhere.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import joined, mark, say
from timebank.members import blocking
from timebank.members.access import note_within
from timebank.messages.service import Message, send

HOURS, POT, MEMBER, NOTHING = "hours", "pot", "member", "nothing"
CHOICES = (HOURS, POT, MEMBER, NOTHING)

CHOICES_OF = """
select m.id, m.standing_choice, m.standing_to_id,
       coalesce(t.status = 'active', true)
       and not exists (select from member_block b
                        where b.timebank_id = m.timebank_id
                          and (b.member_id, b.blocked_id) in ((m.id, t.id), (t.id, m.id))) as is_good
  from member m
  left join member t on t.timebank_id = m.timebank_id and t.id = m.standing_to_id
 where m.timebank_id = $1 and m.id = any($2::bigint[])
"""
LOCK = """
select status, standing_choice, standing_to_id, display_name
  from member where timebank_id = $1 and id = $2 for update
"""
CHANGE = "update member set standing_choice = $3, standing_to_id = $4 where timebank_id = $1 and id = $2"
RECEIVER = """
select true from member
 where timebank_id = $1 and id = $2 and status = 'active' and id <> all($3::bigint[])
"""

FOUND = """
select id from member
 where timebank_id = $1 and status = 'active' and (name_key = $2 or number = $3) and id <> all($4::bigint[])
 limit 2
"""
MAX_NUMBER_DIGITS = 9


class Choose(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen to a member's hours from now on. ``to_member_id`` only when ``choice`` is ``member``."""

    member_id: int
    choice: str
    to_member_id: int | None = None


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The choice as it is kept now."""

    choice: str
    to_member_id: int | None = None


async def standing_choices(
    connection: Connection, timebank_id: int, member_ids: Sequence[int]
) -> dict[int, tuple[str, int | None]]:
    """Each member's choice, and whom their hours go to when the choice is ``member``; all that exist are in it.

    When the chosen member is no longer active, or the two keep apart, the hours stay with whom they belong to:
    ``("hours", None)``.
    """
    rows = await connection.fetch(CHOICES_OF, timebank_id, list(member_ids))
    return {
        row["id"]: (row["standing_choice"], row["standing_to_id"]) if row["is_good"] else (HOURS, None) for row in rows
    }


async def choice_of(connection: Connection, timebank_id: int, member_id: int) -> Chosen:
    """One member's choice as their page shows it, even when whom they chose is no longer active.

    Raises:
        LookupError: the time bank has no such member.
    """
    row = await connection.fetchrow(
        """
        select standing_choice as choice, standing_to_id as to_member_id
          from member where timebank_id = $1 and id = $2
        """,
        timebank_id,
        member_id,
    )
    if row is None:
        raise LookupError(f"no member {member_id}")
    return msgspec.convert(dict(row), Chosen)


async def find_receiver(
    connection: Connection, timebank_id: int, typed: str, *, apart: Collection[int] = ()
) -> int | Refusal:
    """The member whom somebody means by a whole name or a member number; nobody can leaf through names here.

    ``apart``: whom the giver does not meet (see ``blocking.around``); they are found as little as somebody unknown.

    Refusals: ``choose_a_member``, ``nobody_found``, ``several_found``.
    """
    if not names.key(typed):
        return Refusal("choose_a_member", say("Enter a name or a member number."), "to")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= MAX_NUMBER_DIGITS else None
    rows = await connection.fetch(FOUND, timebank_id, names.key(typed), number, list(apart))
    if not rows:
        return Refusal("nobody_found", say("We do not know this name. Check it, or enter their member number."), "to")
    if len(rows) > 1:
        return Refusal("several_found", say("Several people have this name. Enter a member number."), "to")
    found: int = rows[0]["id"]
    return found


async def choose(db: Database, actor: Actor, command: Choose, *, key: str, now: datetime) -> Chosen | list[Refusal]:
    """Change what happens to a member's hours from now on: by themselves, or by a coordinator for them.

    Hours that are there already do not move. Whom the hours are to go to is told once. To a member who keeps apart from
    another (``blocking``) that one is unknown, whoever chooses.

    Refusals: ``not_yours``, ``choice_unknown``, ``choose_a_member``, ``unknown_member``, ``to_yourself``,
    ``nobody_gains_for_another``, ``member_left``.
    """
    refusals = check_choice(actor, command)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Chosen:
        return await _choose(connection, actor, command, now)

    return await once(db, actor, "standing_choice", key, command, Chosen, work)


def check_choice(actor: Actor, command: Choose) -> list[Refusal]:
    """What is wrong with a choice, before anybody is looked up."""
    if command.member_id not in (actor.member_id, actor.subject_id) and not actor.has(COORDINATOR):
        return [Refusal("not_yours", say("You can only choose for your own hours."))]
    if command.choice not in CHOICES:
        return [Refusal("choice_unknown", say("Choose what happens to the hours."), "choice")]
    to = command.to_member_id
    if command.choice != MEMBER:
        return [Refusal("choose_a_member", say("Leave the person out."), "to_member_id")] if to is not None else []
    if to is None:
        return [Refusal("choose_a_member", say("Choose who gets the hours."), "to_member_id")]
    if not 0 < to <= MAX_KEY:
        return [Refusal("unknown_member", say("Choose a member who takes part now."), "to_member_id")]
    if to == command.member_id:
        return [Refusal("to_yourself", say("Choose someone else, or choose to keep the hours."), "to_member_id")]
    if to == actor.member_id:
        return [
            Refusal("nobody_gains_for_another", say("Ask someone else to do this: you would gain."), "to_member_id")
        ]
    return []


async def _choose(connection: Connection, actor: Actor, command: Choose, now: datetime) -> Chosen:
    timebank_id, member_id, to = actor.timebank_id, command.member_id, command.to_member_id
    before = await connection.fetchrow(LOCK, timebank_id, member_id)
    if before is None or before["status"] == "left":
        raise Rollback([Refusal("member_left", say("Choose a member of this time bank."), "member_id")])
    apart = list(await blocking.around(connection, timebank_id, member_id))
    if to is not None and not await connection.fetchval(RECEIVER, timebank_id, to, apart):
        raise Rollback([Refusal("unknown_member", say("Choose a member who takes part now."), "to_member_id")])
    chosen = Chosen(choice=command.choice, to_member_id=to)
    if (before["standing_choice"], before["standing_to_id"]) == (command.choice, to):
        return chosen
    await connection.execute(CHANGE, timebank_id, member_id, command.choice, to)
    await note_within(connection, actor, member_id, mark("changed what happens to your hours"), now=now)
    if to is not None:
        await send(connection, timebank_id, [_told(to, member_id, before["display_name"])], now=now)
    return chosen


def _told(to: int, giver_id: int, giver: str) -> Message:
    return Message(
        member_id=to,
        kind="standing_choice",
        subject=say("{name} gives you the hours they earn", name=giver),
        body=joined(
            say("From now on, the hours that {name} earns go to you.", name=giver),
            say("They can change this at any time. If you would rather not have them, tell your coordinator."),
        ),
        path="/hours",
        # Once for each pair, however often they change their mind.
        dedupe=f"standing:{giver_id}:{to}",
    )
