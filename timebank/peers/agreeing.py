"""Agreeing on an ask: who, when, how long. Agreed minutes are set aside at once; what is called off frees them."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor, system
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, say
from timebank.peers import rules
from timebank.peers.asks import Asked
from timebank.peers.meeting import (
    Here,
    add_event,
    answer_by,
    here,
    mine,
    name_of,
    require_free_to_meet,
    require_hours,
    require_on,
    tell,
    when_words,
)
from timebank.peers.queries import AskLine
from timebank.redemptions import skills

TURNS_TO_RECEIVER = frozenset({"not_enough_hours", "too_many_bookings"})
"""What only the receiver can put right: the helper's yes stays, and the receiver is asked."""

WAIT_FOR = """
update peer_ask
   set state = 'asked', waits_for = $3, minutes = $4, starts_at = $5, how = $6, place = $7, answer_by = $8,
       redemption_id = null, changed_at = $9
 where timebank_id = $1 and id = $2
"""
AGREE = """
update peer_ask
   set state = 'agreed', waits_for = null, offer_id = $3, redemption_id = $4, changed_at = $5
 where timebank_id = $1 and id = $2
"""
END = """
update peer_ask
   set state = $3, waits_for = null, receiver_reach = '', helper_reach = '', changed_at = $4
 where timebank_id = $1 and id = $2
"""
REACH = """
update peer_ask
   set receiver_reach = case when receiver_id = $3 then $4 else receiver_reach end,
       helper_reach = case when helper_id = $3 then $4 else helper_reach end, changed_at = $5
 where timebank_id = $1 and id = $2
"""


class Suggest(msgspec.Struct, frozen=True, kw_only=True):
    """Another time, length or place; the other is asked again, and hours set aside before are free until they agree."""

    reference: str
    minutes: int
    starts_at: datetime
    how: str
    place: str = ""
    words: str = ""


class SayYes(msgspec.Struct, frozen=True, kw_only=True):
    """Yes to what was asked or suggested last."""

    reference: str
    reach: str = ""


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """No thanks, or it is called off; no reason is needed."""

    reference: str
    words: str = ""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How the other can reach one for this meeting; empty takes it away."""

    reference: str
    reach: str


async def say_yes(db: Database, actor: Actor, command: SayYes, *, key: str, now: datetime) -> Asked | list[Refusal]:
    """Say yes: the agreed minutes are set aside at once, and both see how to reach each other.

    When the receiver lacks the hours, the helper's yes stays and the receiver is asked. Refusals: ``wrong_state``,
    ``not_your_turn``, ``time_missing``, ``in_the_past``, ``not_enough_hours`` (to the receiver), those of
    ``meeting.require_free_to_meet`` and of ``redemptions.requests``.

    Raises:
        LookupError: there is no such ask of the actor's.
    """
    if refusals := rules.check_meeting(how="phone", place="", reach=command.reach, note=""):
        return refusals

    async def work(connection: Connection) -> Asked:
        found, subject_id = await mine(connection, actor, command.reference)
        _require_turn(found, subject_id)
        if found.starts_at is None:
            raise Rollback([Refusal("time_missing", say("Suggest a day and a time first."), "day")])
        if refusals := rules.check_when(found.starts_at, now):
            raise Rollback(refusals)
        if command.reach.strip():
            await connection.execute(REACH, actor.timebank_id, found.id, subject_id, command.reach.strip(), now)
        return await _agree(connection, actor, found, subject_id, now)

    return await once(db, actor, "peers_yes", key, command, Asked, work)


def _require_turn(found: AskLine, subject_id: int) -> None:
    if found.state != rules.ASKED:
        raise Rollback([rules.wrong_state()])
    if found.waits_for != subject_id:
        raise Rollback([Refusal("not_your_turn", say("You wait for their answer now."))])


async def _agree(connection: Connection, actor: Actor, found: AskLine, subject_id: int, now: datetime) -> Asked:
    timebank_id = actor.timebank_id
    where = await here(connection, timebank_id, now)
    offer_id, needs = await _offer_of(connection, actor, found)
    await require_free_to_meet(
        connection, actor, where, receiver_id=found.receiver_id, helper_id=found.helper_id, category=found.category,
        needs=needs,
    )  # fmt: skip
    assert found.starts_at is not None
    # The receiver's own wish to have this moves the hours, whoever presses the last button.
    receiver = Actor(timebank_id=timebank_id, member_id=found.receiver_id)
    try:
        async with connection.transaction():
            booked = await skills.book_agreed(
                connection, receiver, offer_id, member_id=found.receiver_id, minutes=found.minutes,
                until=found.starts_at, ask=found.reference, now=now,
            )  # fmt: skip
    except Rollback as rollback:
        codes = {refusal.code for refusal in rollback.refusals}
        if subject_id == found.helper_id and codes & TURNS_TO_RECEIVER:
            return await _turn_to_receiver(connection, actor, found, offer_id, where)
        if "not_enough_hours" in codes:
            await require_hours(connection, timebank_id, found.receiver_id, found.minutes)
        raise
    await connection.execute(AGREE, timebank_id, found.id, offer_id, booked.redemption_id, now)
    n = await add_event(connection, actor, found.id, "agreed", now, minutes=found.minutes, starts_at=found.starts_at)
    name = await name_of(connection, timebank_id, subject_id)
    await tell(
        connection, timebank_id, found.reference, found.other(subject_id), f"{found.id}:{n}",
        say("{name} said yes", name=name), say("What: {title}", title=found.title),
        when_words(found.starts_at, where.bank.time_zone), say("How long: {length}", length=Minutes(found.minutes)),
        say("Afterwards, both of you say how long it was."), now=now,
    )  # fmt: skip
    return Asked(reference=found.reference, state=rules.AGREED)


async def _offer_of(connection: Connection, actor: Actor, found: AskLine) -> tuple[int, str]:
    """The offer to book, and the check it needs; for a wish an offer is made, which nobody else can book."""
    if found.offer_id is not None:
        row = await connection.fetchval(
            "select check_kind from peer_skill where timebank_id = $1 and offer_id = $2",
            actor.timebank_id,
            found.offer_id,
        )
        return found.offer_id, row or ""
    skill = skills.Skill(title=found.title, summary="", minutes=found.minutes, hold_days=rules.HOLD_DAYS)
    return await skills.add_skill(connection, actor.timebank_id, found.helper_id, skill), ""


async def _turn_to_receiver(connection: Connection, actor: Actor, found: AskLine, offer_id: int, where: Here) -> Asked:
    await connection.execute(
        WAIT_FOR, actor.timebank_id, found.id, found.receiver_id, found.minutes, found.starts_at, found.how,
        found.place, answer_by(where), where.now,
    )  # fmt: skip
    await connection.execute(
        "update peer_ask set offer_id = $3 where timebank_id = $1 and id = $2", actor.timebank_id, found.id, offer_id
    )
    n = await add_event(connection, actor, found.id, "yes", where.now)
    name = await name_of(connection, actor.timebank_id, found.helper_id)
    await tell(
        connection, actor.timebank_id, found.reference, found.receiver_id, f"{found.id}:{n}",
        say("{name} said yes. Please look at your hours.", name=name), say("What: {title}", title=found.title),
        say("You do not have enough hours for this just now."),
        say("You can suggest a shorter time, or ask the pot for hours."), now=where.now,
    )  # fmt: skip
    return Asked(reference=found.reference, state=rules.ASKED, waits_for=found.receiver_id)


async def suggest(db: Database, actor: Actor, command: Suggest, *, key: str, now: datetime) -> Asked | list[Refusal]:
    """Suggest another time, length or place, as long as it has not begun; the other is asked.

    Refusals: ``wrong_state``, ``too_late``, ``not_enough_hours`` (to the receiver), those of the rules' checks.

    Raises:
        LookupError: there is no such ask of the actor's.
    """
    refusals = [
        *rules.check_minutes(command.minutes),
        *rules.check_when(command.starts_at, now),
        *rules.check_meeting(how=command.how, place=command.place, reach="", note=command.words),
    ]
    if refusals:
        return refusals

    async def work(connection: Connection) -> Asked:
        found, subject_id = await mine(connection, actor, command.reference)
        where = await here(connection, actor.timebank_id, now)
        require_on(where)
        _require_before(found, now)
        if found.state == rules.AGREED and found.booking is not None:
            await skills.free(connection, actor, found.booking, reason="Another time was suggested.", now=now)
        if subject_id == found.receiver_id:
            await require_hours(connection, actor.timebank_id, subject_id, command.minutes)
        other_id = found.other(subject_id)
        await connection.execute(
            WAIT_FOR, actor.timebank_id, found.id, other_id, command.minutes, command.starts_at, command.how,
            command.place.strip(), answer_by(where), now,
        )  # fmt: skip
        n = await add_event(
            connection, actor, found.id, "suggested", now, minutes=command.minutes, starts_at=command.starts_at,
            words=command.words.strip(),
        )  # fmt: skip
        name = await name_of(connection, actor.timebank_id, subject_id)
        await tell(
            connection, actor.timebank_id, found.reference, other_id, f"{found.id}:{n}",
            say("{name} suggests another time", name=name), say("What: {title}", title=found.title),
            when_words(command.starts_at, where.bank.time_zone),
            say("How long: {length}", length=Minutes(command.minutes)), now=now,
        )  # fmt: skip
        return Asked(reference=found.reference, state=rules.ASKED, waits_for=other_id)

    return await once(db, actor, "peers_suggest", key, command, Asked, work)


def _require_before(found: AskLine, now: datetime) -> None:
    if found.state not in (rules.ASKED, rules.AGREED):
        raise Rollback([rules.wrong_state()])
    if found.state == rules.AGREED and found.has_started(now):
        raise Rollback([Refusal("too_late", say("This time has come already. Say whether it happened."))])


async def close(db: Database, actor: Actor, command: Close, *, key: str, now: datetime) -> Asked | list[Refusal]:
    """Say no thanks, or call it off before it begins. Hours that were set aside are free at once; no reason is needed.

    Refusals: ``wrong_state``, ``too_late``, ``words_too_long``.

    Raises:
        LookupError: there is no such ask of the actor's.
    """
    if refusals := rules.check_meeting(how="phone", place="", reach="", note=command.words):
        return refusals

    async def work(connection: Connection) -> Asked:
        found, subject_id = await mine(connection, actor, command.reference)
        _require_before(found, now)
        if found.state == rules.AGREED and found.booking is not None:
            await skills.free(connection, actor, found.booking, reason=command.words.strip(), now=now)
        is_no = found.state == rules.ASKED and found.waits_for == subject_id
        state = rules.DECLINED if is_no else rules.CANCELLED
        await end(connection, actor, found, state, now, words=command.words.strip())
        if is_no:
            subject, after = say("Not this time"), say("No hours were used. You can ask somebody else.")
        else:
            subject, after = say("It is called off"), say("No hours were used.")
        await tell(
            connection, actor.timebank_id, found.reference, found.other(subject_id), f"{found.id}:{state}",
            subject, say("What: {title}", title=found.title), after, now=now,
        )  # fmt: skip
        return Asked(reference=found.reference, state=state)

    return await once(db, actor, "peers_close", key, command, Asked, work)


async def end(
    connection: Connection, actor: Actor, found: AskLine, state: str, now: datetime, *, words: str = ""
) -> None:
    """Let an ask end without hours; what they shared to be reached goes with it."""
    await connection.execute(END, actor.timebank_id, found.id, state, now)
    await add_event(connection, actor, found.id, state, now, words=words)


async def end_kindly(
    connection: Connection, timebank_id: int, found: AskLine, tell_whom: Iterable[int], now: datetime
) -> None:
    """End an ask of two who keep apart. Not in anybody's name, and nobody is told why."""
    if found.booking is not None and found.state == rules.AGREED:
        await skills.free(connection, system(timebank_id), found.booking, reason="", now=now)
    await end(connection, system(timebank_id), found, rules.ENDED, now)
    for member_id in tell_whom:
        await tell(
            connection, timebank_id, found.reference, member_id, f"{found.id}:ended:{member_id}",
            say("It will not happen this time"), say("What: {title}", title=found.title),
            say("No hours were used. You can ask somebody else."), now=now,
        )  # fmt: skip


async def share(db: Database, actor: Actor, command: Share, *, key: str, now: datetime) -> Asked | list[Refusal]:
    """Change how the other can reach one for this meeting. Refusals: ``wrong_state``, ``reach_too_long``.

    Raises:
        LookupError: there is no such ask of the actor's.
    """
    if refusals := rules.check_meeting(how="phone", place="", reach=command.reach, note=""):
        return refusals

    async def work(connection: Connection) -> Asked:
        found, subject_id = await mine(connection, actor, command.reference)
        if found.state not in (rules.ASKED, rules.AGREED):
            raise Rollback([rules.wrong_state()])
        await connection.execute(REACH, actor.timebank_id, found.id, subject_id, command.reach.strip(), now)
        return Asked(reference=found.reference, state=found.state, waits_for=found.waits_for)

    return await once(db, actor, "peers_share", key, command, Asked, work)
