"""Thanks in words, and keeping apart."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import blocking
from timebank.peers import cards, queries, rules
from timebank.peers.agreeing import end_kindly
from timebank.peers.meeting import mine, tell

THANK = """
insert into peer_thanks (timebank_id, ask_id, from_member_id, to_member_id, words, at) values ($1, $2, $3, $4, $5, $6)
on conflict (timebank_id, ask_id, from_member_id) do update
   set words = excluded.words, at = excluded.at, is_taken_off = false
"""
TAKE_OFF = """
update peer_thanks set is_taken_off = true
 where timebank_id = $1 and ask_id = $2 and from_member_id = $3
"""


class Thank(msgspec.Struct, frozen=True, kw_only=True):
    """Thanks in words for what happened; empty takes them off again."""

    reference: str
    words: str


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Another member: whom to keep away from, or to meet again."""

    member_id: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It is done; ``id`` is the row's, or the member's."""

    id: int


async def thank(db: Database, actor: Actor, command: Thank, *, key: str, now: datetime) -> Done | list[Refusal]:
    """Thank the other in words, once it is done; the other reads it, nobody else. Empty words take the thanks off.

    Refusals: ``too_early``, ``words_too_long``.

    Raises:
        LookupError: there is no such ask of the actor's.
    """
    if len(command.words) > rules.MAX_THANKS:
        words = say("Write up to {n} letters.", n=rules.MAX_THANKS)
        return [Refusal("words_too_long", words, "words")]

    async def work(connection: Connection) -> Done:
        found, subject_id = await mine(connection, actor, command.reference)
        if found.state != rules.DONE:
            raise Rollback([Refusal("too_early", say("You can say thank you when it is done."), "words")])
        words = command.words.strip()
        if not words:
            await connection.execute(TAKE_OFF, actor.timebank_id, found.id, subject_id)
            return Done(id=found.id)
        other_id = found.other(subject_id)
        await connection.execute(THANK, actor.timebank_id, found.id, subject_id, other_id, words, now)
        if other_id not in await blocking.around(connection, actor.timebank_id, subject_id):
            name = found.receiver_name if subject_id == found.receiver_id else found.helper_name
            await tell(
                connection, actor.timebank_id, found.reference, other_id, f"{found.id}:thanks:{subject_id}",
                say("{name} says thank you", name=name), say("You can read it on the page."), now=now,
            )  # fmt: skip
        return Done(id=found.id)

    return await once(db, actor, "peers_thank", key, command, Done, work)


async def keep_apart(db: Database, actor: Actor, command: Person, *, key: str, now: datetime) -> Done | list[Refusal]:
    """Neither of the two sees or asks the other any more. What they had open ends kindly: the other is not told why.

    What has begun already is left to be settled. Refusals: ``not_yourself``.

    Raises:
        LookupError: the actor knows no such member.
    """

    async def work(connection: Connection) -> Done:
        subject_id = await known(connection, actor, command.member_id)
        await blocking.block(connection, actor.timebank_id, subject_id, command.member_id, now)
        return Done(id=command.member_id)

    done = await once(db, actor, "peers_block", key, command, Done, work)
    if isinstance(done, list):
        return done
    # Each in a transaction of its own, as the ledger asks; what is left when this is interrupted ends by the clock.
    while await _end_one(db, actor, command.member_id, now):
        pass
    return done


async def _end_one(db: Database, actor: Actor, member_id: int, now: datetime) -> bool:
    """End one of the open asks between two who keep apart; False when there is none."""
    async with db.writing(actor.timebank_id) as connection:
        for found in await queries.open_between(connection, actor.timebank_id, actor.subject_id or 0, member_id):
            if not found.is_over and not (found.state == rules.AGREED and found.has_started(now)):
                await end_kindly(connection, actor.timebank_id, found, [member_id], now)
                return True
    return False


async def let_meet(db: Database, actor: Actor, command: Person, *, key: str, now: datetime) -> Done | list[Refusal]:
    """Take back one's own block; one that the other made stays."""
    del now

    async def work(connection: Connection) -> Done:
        await blocking.unblock(connection, actor.timebank_id, actor.subject_id or 0, command.member_id)
        return Done(id=command.member_id)

    return await once(db, actor, "peers_unblock", key, command, Done, work)


async def known(connection: Connection, actor: Actor, member_id: int) -> int:
    """Whose doing it is; the other must be somebody whom they can see or ever had to do with.

    Raises:
        LookupError: they know no such member.
        Rollback: ``not_yourself``.
    """
    subject_id = actor.subject_id
    if subject_id is None or not 0 < member_id <= MAX_KEY:
        raise LookupError("nobody")
    if member_id == subject_id:
        raise Rollback([Refusal("not_yourself", say("This is you."))])
    if await queries.knows(connection, actor.timebank_id, subject_id, member_id):
        return subject_id
    if any(await cards.of_person(connection, actor, member_id)):
        return subject_id
    if any(other == member_id for other, _ in await blocking.blocked_by(connection, actor.timebank_id, subject_id)):
        return subject_id
    raise LookupError(f"no member {member_id} that they know")
