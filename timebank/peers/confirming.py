"""Afterwards: both say how long it was. The same: the hours move at once. Different: a coordinator settles it. Silence:
the rule of the time bank counts, when its time is over.
"""

from datetime import date, datetime, timedelta

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.hours import queries as hours
from timebank.kit.actor import COORDINATOR, Actor, system
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, say
from timebank.kit.working_days import next_working_day
from timebank.members import blocking
from timebank.messages import queries as messages
from timebank.peers import queries, rules
from timebank.peers.agreeing import end, end_kindly
from timebank.peers.meeting import Here, add_event, here, locked, mine, tell
from timebank.peers.queries import AskLine
from timebank.peers.rules import Outcome
from timebank.redemptions import skills

BATCH = 200

SAID = """
update peer_ask
   set receiver_said = case when receiver_id = $3 then $4 else receiver_said end,
       helper_said = case when helper_id = $3 then $4 else helper_said end, changed_at = $5
 where timebank_id = $1 and id = $2
"""
DONE = """
update peer_ask
   set state = 'done', done_minutes = $3, receiver_reach = '', helper_reach = '', changed_at = $4
 where timebank_id = $1 and id = $2
"""
SETTLING = "update peer_ask set state = 'settling', changed_at = $3 where timebank_id = $1 and id = $2"

# What the clock moves on: asks that nobody answered, those whose time has come, those whose booking ended elsewhere.
# Or whose two keep apart: what the block itself could not end in its transaction.
DUE = """
select a.id, a.reference
  from peer_ask a
  left join redemption r on r.timebank_id = a.timebank_id and r.id = a.redemption_id
 where a.timebank_id = $1
   and ((a.state = 'asked' and (a.answer_by < $3 or a.starts_at <= $2))
        or (a.state in ('agreed', 'settling') and r.state not in ('requested', 'accepted'))
        or (a.state = 'agreed' and a.starts_at + make_interval(mins => a.minutes) <= $2)
        or (a.state in ('asked', 'agreed') and (a.starts_at is null or a.starts_at > $2)
            and exists (select from member_block b where b.timebank_id = a.timebank_id
                           and (b.member_id, b.blocked_id)
                               in ((a.receiver_id, a.helper_id), (a.helper_id, a.receiver_id)))))
   and a.id > $4
 order by a.id
 limit $5
"""
FREE_TO_LOCK = "select true from peer_ask where timebank_id = $1 and id = $2 for update skip locked"


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """It happened, for so many minutes; 0: it did not happen."""

    reference: str
    minutes: int


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """A coordinator's decision about two answers that differ; both read the reason."""

    reference: str
    minutes: int
    reason: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ask stands now; ``minutes`` is what moved, 0 while nothing did."""

    reference: str
    state: str
    minutes: int = 0


async def happened(db: Database, actor: Actor, command: Say, *, key: str, now: datetime) -> Said | list[Refusal]:
    """Say how long it was. Both the same: the hours move to the helper at once. While a coordinator has not settled a
    difference, either may still say what the other said.

    More than was set aside moves only as far as the receiver has hours. Refusals: ``wrong_state``, ``too_early``,
    ``bad_minutes``, ``nobody_gains_for_another``.

    Raises:
        LookupError: there is no such ask of the actor's.
    """

    async def work(connection: Connection) -> Said:
        found, subject_id = await mine(connection, actor, command.reference)
        if refusals := rules.check_said(found, command.minutes, now):
            raise Rollback(refusals)
        await connection.execute(SAID, actor.timebank_id, found.id, subject_id, command.minutes, now)
        what = "said" if command.minutes else "said_no"
        await add_event(connection, actor, found.id, what, now, minutes=command.minutes or None)
        found = await locked(connection, actor.timebank_id, command.reference)
        where = await here(connection, actor.timebank_id, now)
        result = rules.outcome(found.receiver_said, found.helper_said)
        if result.what == "wait":
            await _ask_the_other(connection, actor.timebank_id, found, subject_id, now)
            return Said(reference=found.reference, state=found.state)
        return await _conclude(connection, actor, found, result, where)

    return await once(db, actor, "peers_happened", key, command, Said, work)


async def settle(db: Database, actor: Actor, command: Settle, *, key: str, now: datetime) -> Said | list[Refusal]:
    """Decide about two answers that differ. For a coordinator who is neither of the two; both are told why.

    Refusals: ``not_allowed``, ``own_booking``, ``wrong_state``, ``reason_missing``, ``reason_too_long``,
    ``bad_minutes``, and those of handing over.

    Raises:
        LookupError: there is no such ask.
    """
    if not actor.has(COORDINATOR) or actor.on_behalf_of is not None:
        return [Refusal("not_allowed", "Only a coordinator can do this. Please ask one.")]
    if not command.reason.strip():
        return [Refusal("reason_missing", "Say why, in a few words. Both can read it.", "reason")]
    if len(command.reason) > rules.MAX_REASON:
        return [Refusal("reason_too_long", f"Shorten the reason to {rules.MAX_REASON} letters or fewer.", "reason")]

    async def work(connection: Connection) -> Said:
        found = await locked(connection, actor.timebank_id, command.reference)
        if found.is_party(actor.member_id):
            raise Rollback([Refusal("own_booking", "This is about your own hours. Ask another coordinator to do it.")])
        if found.state != rules.SETTLING:
            raise Rollback([rules.wrong_state()])
        said = (found.receiver_said, found.helper_said)
        if refusals := rules.check_settling(command.minutes, said, found.minutes):
            raise Rollback(refusals)
        await add_event(
            connection, actor, found.id, "settled", now, minutes=command.minutes or None, words=command.reason.strip()
        )
        result = Outcome(what="done", minutes=command.minutes) if command.minutes else rules.IS_FREE
        where = await here(connection, actor.timebank_id, now)
        return await _conclude(connection, actor, found, result, where, settled=True)

    return await once(db, actor, "peers_settle", key, command, Said, work)


async def _conclude(
    connection: Connection, actor: Actor, found: AskLine, result: Outcome, where: Here, *, settled: bool = False
) -> Said:
    """Let follow what the answers came to; both are told."""
    timebank_id, now = actor.timebank_id, where.now
    if result.what == "free":
        await _free(connection, actor, found, now)
        return Said(reference=found.reference, state=rules.FREE)
    if result.what == "settling":
        await connection.execute(SETTLING, timebank_id, found.id, now)
        n = await add_event(connection, actor, found.id, "settling", now)
        for member_id in (found.receiver_id, found.helper_id):
            await tell(
                connection, timebank_id, found.reference, member_id, f"{found.id}:{n}:{member_id}",
                say("We look at it together"), say("What: {title}", title=found.title),
                say("The two of you said different things. That happens."),
                say("A coordinator asks both of you. Nothing is lost."), now=now,
            )  # fmt: skip
        return Said(reference=found.reference, state=rules.SETTLING)
    moved = await _hand_over(connection, actor, found, result.minutes, now)
    await connection.execute(DONE, timebank_id, found.id, moved, now)
    n = await add_event(connection, actor, found.id, "done", now, minutes=moved)
    short = [say("There were no more hours than these.")] if moved < result.minutes else []
    by_coordinator = [say("A coordinator settled it. You can read why.")] if settled else []
    for member_id, subject in (
        (found.helper_id, say("You got {length}", length=Minutes(moved))),
        (found.receiver_id, say("You used {length}", length=Minutes(moved))),
    ):
        if member_id == actor.subject_id:
            continue  # they see it on the page
        await tell(
            connection, timebank_id, found.reference, member_id, f"{found.id}:{n}:{member_id}", subject,
            say("What: {title}", title=found.title), *short, *by_coordinator, say("You can say thank you in words."),
            now=now,
        )  # fmt: skip
    return Said(reference=found.reference, state=rules.DONE, minutes=moved)


async def _free(connection: Connection, actor: Actor, found: AskLine, now: datetime) -> None:
    if found.booking is not None:
        await skills.free(connection, actor, found.booking, reason="It did not happen.", now=now)
    await end(connection, actor, found, rules.FREE, now)
    for member_id in (found.receiver_id, found.helper_id):
        if member_id == actor.subject_id:
            continue
        await tell(
            connection, actor.timebank_id, found.reference, member_id, f"{found.id}:free:{member_id}",
            say("No hours were used"), say("What: {title}", title=found.title),
            say("It did not happen. The hours are free again."), now=now,
        )  # fmt: skip


async def _hand_over(connection: Connection, by: Actor, found: AskLine, minutes: int, now: datetime) -> int:
    """Move the hours, beyond what was set aside only as far as the receiver has them; how many moved."""
    assert found.booking is not None
    moves = minutes
    if minutes > found.minutes:
        have = await hours.balance(connection, by.timebank_id, found.receiver_id)
        moves = rules.possible(minutes, held=found.minutes, available=have.available)
    await skills.hand_over(connection, by, found.booking, minutes=moves, held=found.minutes, now=now)
    return moves


async def _ask_the_other(
    connection: Connection, timebank_id: int, found: AskLine, subject_id: int, now: datetime
) -> None:
    other_id = found.other(subject_id)
    said = found.said_by(subject_id)
    name = found.receiver_name if subject_id == found.receiver_id else found.helper_name
    if said:
        subject = say("{name} says: it happened, {length}", name=name, length=Minutes(said))
    else:
        subject = say("{name} says it did not happen", name=name)
    await tell(
        connection, timebank_id, found.reference, other_id, _asks(found, other_id, "said"), subject,
        say("What: {title}", title=found.title), say("Is that right? One tap says so."), now=now,
    )  # fmt: skip


def _asks(found: AskLine, member_id: int, why: str) -> str:
    """What the message that asks somebody how it was is known by: silence runs from when it arrived."""
    return f"{found.id}:{why}:{member_id}"


# The clock ------------------------------------------------------------------------------------------------------------


async def look_after(db: Database, timebank_id: int, now: datetime) -> int:
    """A job: end what nobody answered, ask how it was, let the rule of silence count; how many asks it looked at.

    Harmless to repeat, and at the same moment twice: each ask is locked and what was sent is not sent again.
    """
    looked, after = 0, 0
    while True:
        async with db.reading(timebank_id) as connection:
            where = await here(connection, timebank_id, now)
            rows = await connection.fetch(DUE, timebank_id, now, where.today, after, BATCH)
        for row in rows:
            async with db.writing(timebank_id) as connection:
                # Each in a transaction of its own: the ledger takes one call in each.
                if await connection.fetchval(FREE_TO_LOCK, timebank_id, row["id"]):
                    await _move_on(connection, await locked(connection, timebank_id, row["reference"]), where)
            after = row["id"]
        looked += len(rows)
        if len(rows) < BATCH:
            return looked


async def _move_on(connection: Connection, found: AskLine, where: Here) -> None:
    actor = system(where.bank.id)
    if found.is_over:
        await _follow_booking(connection, actor, found, where.now)
    elif await _keep_apart(connection, found, where):
        await end_kindly(connection, where.bank.id, found, (found.receiver_id, found.helper_id), where.now)
    elif found.state == rules.ASKED:
        await end(connection, actor, found, rules.LAPSED, where.now)
        for member_id in (found.receiver_id, found.helper_id):
            await tell(
                connection, where.bank.id, found.reference, member_id, f"{found.id}:lapsed:{member_id}",
                say("Nobody answered in time"), say("What: {title}", title=found.title),
                say("No hours were used. You can ask again."), now=where.now,
            )  # fmt: skip
    elif found.state == rules.AGREED:
        await _ask_both(connection, found, where)
        if await _silence_is_over(connection, found, where):
            rule = where.rules.peer_silence
            result = rules.outcome_of_silence(rule, found.minutes, found.receiver_said, found.helper_said)
            await add_event(connection, actor, found.id, "silence", where.now)
            await _conclude(connection, actor, found, result, where)


async def _keep_apart(connection: Connection, found: AskLine, where: Here) -> bool:
    if found.state == rules.SETTLING or (found.state == rules.AGREED and found.has_started(where.now)):
        return False
    return found.helper_id in await blocking.around(connection, where.bank.id, found.receiver_id)


async def _follow_booking(connection: Connection, actor: Actor, found: AskLine, now: datetime) -> None:
    """The booking ended by itself, or staff ended it on the page of bookings."""
    if found.state == rules.DONE:
        moved = await connection.fetchval(
            "select minutes from redemption where timebank_id = $1 and id = $2", actor.timebank_id, found.redemption_id
        )
        await connection.execute(DONE, actor.timebank_id, found.id, moved, now)
        await add_event(connection, actor, found.id, "done", now, minutes=moved)
        subject, after = say("You got {length}", length=Minutes(moved)), say("You can say thank you in words.")
    else:
        await end(connection, actor, found, found.state, now)
        subject, after = say("It is called off"), say("No hours were used.")
    # The receiver hears of it from their booking.
    await tell(
        connection, actor.timebank_id, found.reference, found.helper_id, f"{found.id}:{found.state}:booking", subject,
        say("What: {title}", title=found.title), after, now=now,
    )  # fmt: skip


async def _ask_both(connection: Connection, found: AskLine, where: Here) -> None:
    for member_id in (found.receiver_id, found.helper_id):
        if found.said_by(member_id) is None:
            await tell(
                connection, where.bank.id, found.reference, member_id, _asks(found, member_id, "how"),
                say("How was it with {name}?", name=found.other_name(member_id)),
                say("What: {title}", title=found.title), say("Say how long it was. One tap is enough."),
                now=where.now,
            )  # fmt: skip


async def _silence_is_over(connection: Connection, found: AskLine, where: Here) -> bool:
    """True when everybody who said nothing had the days of the rule, from when the question reached them."""
    for member_id in (found.receiver_id, found.helper_id):
        if found.said_by(member_id) is None:
            ends = await _silence_ends(connection, found, member_id, where)
            if ends is None or where.today <= ends:
                return False
    return True


async def _silence_ends(connection: Connection, found: AskLine, member_id: int, where: Here) -> date | None:
    """The last day for an answer; None while the question is still on its way."""
    arrivals = [
        await messages.arrived_on(connection, where.bank.id, f"peers:{_asks(found, member_id, why)}")
        for why in ("said", "how")
    ]
    known = [each for each in arrivals if each is not None]
    if not known:
        return None
    last = max(known) + timedelta(days=where.rules.peer_silence_days)
    return next_working_day(last, where.bank.holiday_region)


async def silence_ends(connection: Connection, timebank_id: int, reference: str, now: datetime) -> date | None:
    """Until when the one who said nothing can answer, to show it on the page; None when it is not known yet."""
    found = await queries.ask(connection, timebank_id, reference)
    if found is None or found.state != rules.AGREED:
        return None
    where = await here(connection, timebank_id, now)
    ends = [
        await _silence_ends(connection, found, member_id, where)
        for member_id in (found.receiver_id, found.helper_id)
        if found.said_by(member_id) is None
    ]
    return None if None in ends else max((each for each in ends if each is not None), default=None)
