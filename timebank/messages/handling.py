"""What people do about messages: try again, call somebody, print letters."""

from datetime import datetime
from typing import Literal

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal

MAX_LETTERS = 500

LOCK = "select channel, state, batch from delivery where timebank_id = $1 and id = $2 for update"
TRY_AGAIN = """
update delivery set state = 'waiting', attempts = 0, queued_at = $3, next_at = $3
 where timebank_id = $1 and id = $2
"""
OPEN_ANOTHER = """
select exists (select from delivery where timebank_id = $1 and channel = $3 and state = 'waiting' and batch is null
   and only_address = '' and member_id = (select member_id from delivery where timebank_id = $1 and id = $2))
"""
NEWEST_IN_IT = "select coalesce(max(id), 0) from message where timebank_id = $1 and delivery_id = $2"
TOLD = """
update delivery set state = 'sent', sent_at = $3, settled_by = $4, trouble = '', attempts = attempts + 1
 where timebank_id = $1 and id = $2
returning member_id
"""
NO_ANSWER = """
update delivery set attempts = attempts + 1, trouble = $3 where timebank_id = $1 and id = $2 returning member_id
"""
NEXT_BATCH = "select coalesce(max(batch), 0) + 1 from delivery where timebank_id = $1"
INTO_BATCH = """
update delivery set batch = $2, queued_at = $3
 where timebank_id = $1 and id in (
    select id from delivery
     where timebank_id = $1 and channel = 'letter' and state = 'waiting' and batch is null
     order by id limit $4 for update)
returning member_id
"""
PRINTED = """
update delivery set state = 'sent', sent_at = $3, settled_by = $4, attempts = attempts + 1
 where timebank_id = $1 and batch = $2 and state = 'waiting'
returning id
"""
IS_BATCH = "select exists (select from delivery where timebank_id = $1 and batch = $2)"
LOOKED = """
insert into access_log (timebank_id, at, actor_id, subject_id, what)
select $1, $2, $3, subject, $5 from unnest($4::bigint[]) as subject where subject <> $3
"""


class CallMade(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody called. ``seen`` is the newest message they read out, so that none is lost that came meanwhile."""

    delivery_id: int
    seen: int
    outcome: Literal["told", "no_answer"]


async def try_again(db: Database, actor: Actor, delivery_id: int, *, key: str, now: datetime) -> int | list[Refusal]:
    """Put a message that could not be delivered back into the queue, with all its time before it.

    Refusals: ``not_allowed``; ``not_failed`` when it is not one of those.

    Raises:
        LookupError: the time bank has no such delivery.
    """
    if refused := _not_allowed(actor):
        return refused

    async def work(connection: Connection) -> int:
        channel, state, _ = await _lock(connection, actor, delivery_id)
        if state != "failed":
            raise Rollback([Refusal("not_failed", "This message is on its way again. There is nothing to do.")])
        if await connection.fetchval(OPEN_ANOTHER, actor.timebank_id, delivery_id, channel) and channel in (
            "phone",
            "letter",
        ):
            raise Rollback([Refusal("open_already", "Another message to them waits. Settle that one first.")])
        await connection.execute(TRY_AGAIN, actor.timebank_id, delivery_id, now)
        return delivery_id

    return await once(db, actor, "try_message_again", key, delivery_id, int, work)


async def call_made(db: Database, actor: Actor, command: CallMade, *, key: str, now: datetime) -> int | list[Refusal]:
    """Note that a call was made: the person was told, or did not answer and stays on the list.

    Refusals: ``not_allowed``; ``call_settled`` when somebody else did it; ``newer_message`` when another message to
    them came meanwhile.

    Raises:
        LookupError: the time bank has no such call.
    """
    if refused := _not_allowed(actor):
        return refused

    async def work(connection: Connection) -> int:
        channel, state, _ = await _lock(connection, actor, command.delivery_id)
        if channel != "phone":
            raise LookupError(f"no call {command.delivery_id}")
        if state != "waiting":
            raise Rollback([Refusal("call_settled", "Somebody has made this call already.")])
        newest = await connection.fetchval(NEWEST_IN_IT, actor.timebank_id, command.delivery_id)
        if command.outcome == "told" and newest != command.seen:
            message = "Another message for them has come in. Read it to them too, then mark the call."
            raise Rollback([Refusal("newer_message", message)])
        if command.outcome == "told":
            member_id = await connection.fetchval(TOLD, actor.timebank_id, command.delivery_id, now, actor.member_id)
            what = "called you with your messages"
        else:
            member_id = await connection.fetchval(
                NO_ANSWER, actor.timebank_id, command.delivery_id, "There was no answer."
            )
            what = "called you; there was no answer"
        await connection.execute(LOOKED, actor.timebank_id, now, actor.member_id, [member_id], what)
        return command.delivery_id

    return await once(db, actor, "message_call_made", key, command, int, work)


async def print_letters(db: Database, actor: Actor, *, key: str, now: datetime) -> int | list[Refusal]:
    """Take the letters that wait (at most MAX_LETTERS) into one print run; return its number.

    Refusals: ``not_allowed``; ``nothing_to_print``.
    """
    if refused := _not_allowed(actor):
        return refused

    async def work(connection: Connection) -> int:
        await connection.execute(
            "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"letters of {actor.timebank_id}"
        )
        number = int(await connection.fetchval(NEXT_BATCH, actor.timebank_id))
        rows = await connection.fetch(INTO_BATCH, actor.timebank_id, number, now, MAX_LETTERS)
        if not rows:
            raise Rollback([Refusal("nothing_to_print", "No letter waits to be printed.")])
        members = [row["member_id"] for row in rows]
        await connection.execute(LOOKED, actor.timebank_id, now, actor.member_id, members, "printed a letter to you")
        return number

    return await once(db, actor, "print_letters", key, "", int, work)


async def letters_printed(db: Database, actor: Actor, number: int, *, key: str, now: datetime) -> int | list[Refusal]:
    """Mark the letters of a print run as printed: they arrive a week later. Return how many there were.

    Refusals: ``not_allowed``; ``printed_already``.

    Raises:
        LookupError: the time bank has no such print run.
    """
    if refused := _not_allowed(actor):
        return refused

    async def work(connection: Connection) -> int:
        if not await connection.fetchval(IS_BATCH, actor.timebank_id, number):
            raise LookupError(f"no letters {number}")
        rows = await connection.fetch(PRINTED, actor.timebank_id, number, now, actor.member_id)
        if not rows:
            raise Rollback([Refusal("printed_already", "These letters are marked as printed already.")])
        return len(rows)

    return await once(db, actor, "letters_printed", key, number, int, work)


def _not_allowed(actor: Actor) -> list[Refusal]:
    if actor.member_id is None or not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator can do this. Ask a coordinator of your time bank.")]
    return []


async def _lock(connection: Connection, actor: Actor, delivery_id: int) -> tuple[str, str, int | None]:
    row = await connection.fetchrow(LOCK, actor.timebank_id, delivery_id)
    if row is None:
        raise LookupError(f"no delivery {delivery_id}")
    return row["channel"], row["state"], row["batch"]
