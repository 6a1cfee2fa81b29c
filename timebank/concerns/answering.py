"""Answering a question: the entry stays as it is, and why; or it is put right by a new entry, never by changing one."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

import ledger
from ledger import Leg, Post, Posted, Refused, post
from timebank.banks import queries as banks
from timebank.banks.rules import Rules
from timebank.banks.service import MINUTES
from timebank.concerns import owning, queries, rules, words
from timebank.concerns.entry_kinds import PUT_RIGHT
from timebank.concerns.queries import Concern
from timebank.contributions import about as contributions_about
from timebank.contributions import corrections
from timebank.contributions.reconsidering import DOES_NOT_COUNT, count_within
from timebank.contributions.rules import check_minutes
from timebank.db import Connection, Database, Rollback, once
from timebank.hours.rules import account_of
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import Words
from timebank.messages.service import Message, send

CORRECTIONS = "corrections"

LOCK = "select id from concern where timebank_id = $1 and id = $2 for update"
ANSWER = """
update concern
   set state = $3, answer = $4, answered_by = $5, answered_at = $6, spoken_by = $7, changed_minutes = $8,
       correction_entry_id = $9
 where timebank_id = $1 and id = $2
"""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that the member reads, and what it changes.

    ``corrected``: for time given, ``minutes`` is what it should have been, 0 when there was none. For any other entry
    it is what the member gets (or, below zero, gives back), against what our mistakes cost.
    """

    concern_id: int
    outcome: Literal["upheld", "corrected"]
    words: str
    minutes: int | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The question is answered; ``changed_minutes`` is what it did to the member's hours."""

    concern_id: int
    state: Literal["upheld", "corrected"]
    changed_minutes: int


async def answer(db: Database, actor: Actor, command: Answer, *, key: str, now: datetime) -> Answered | list[Refusal]:
    """Answer a question, once; the member is told. Nobody is ever taken below zero: what is missing, our mistakes pay.

    Refusals: those of :func:`timebank.concerns.rules.check_answer`, ``minutes_missing``, ``nothing_changes``, those of
    :func:`timebank.concerns.rules.check_change` and of a correction, and what the ledger refuses.

    Raises:
        LookupError: this time bank has no such question.
    """

    async def work(connection: Connection) -> Answered:
        return await _answer(connection, actor, command, now)

    return await once(db, actor, "answer_query", key, command, Answered, work)


async def _answer(connection: Connection, actor: Actor, command: Answer, now: datetime) -> Answered:
    timebank_id = actor.timebank_id
    known = 0 < command.concern_id <= queries.MAX_ID
    locked = await connection.fetchval(LOCK, timebank_id, command.concern_id) if known else None
    concern = await queries.one(connection, timebank_id, command.concern_id) if locked else None
    if concern is None:
        raise LookupError(f"no question {command.concern_id}")
    bank = await banks.by_id(connection, timebank_id)
    on = today(now, bank.time_zone)
    _, in_force = await banks.rules_in_force(connection, timebank_id, on)
    refusals = rules.check_answer(
        actor,
        state=concern.state,
        owner_id=concern.owner_id,
        independent_person=in_force.independent_person,
        words=command.words,
    )
    if refusals:
        raise Rollback(refusals)
    said = command.words.strip()
    changed, entry_id, time_is = 0, None, None
    if concern.contribution_id is not None:
        changed, time_is = await _about_time(connection, actor, command, concern, in_force, now)
    elif command.outcome == "corrected":
        changed, entry_id = await _put_right(connection, actor, command, concern, now)
    spoken_by = "" if concern.owner_id is not None else in_force.independent_person
    await connection.execute(
        ANSWER,
        timebank_id,
        concern.id,
        command.outcome,
        said,
        actor.member_id,
        now,
        spoken_by,
        changed,
        entry_id,
    )
    await owning.add_step(connection, timebank_id, concern.id, "answered", actor.member_id, None, now)
    await _tell(connection, timebank_id, concern.id, words.change_in_words(changed, time_is=time_is), now)
    return Answered(concern_id=concern.id, state=command.outcome, changed_minutes=changed)


async def _about_time(
    connection: Connection, actor: Actor, command: Answer, concern: Concern, in_force: Rules, now: datetime
) -> tuple[int, int | None]:
    """Uphold or correct time given; what that did to the member's hours, and what the time counts now if it changed."""
    timebank_id, contribution_id = actor.timebank_id, concern.contribution_id or 0
    reason = _short(command.words)
    if command.outcome == "upheld":
        await corrections.mark_upheld(connection, actor, contribution_id, reason, now=now)
        return 0, None
    before = await contributions_about.facts(connection, timebank_id, contribution_id)
    if before is None:
        raise LookupError(f"no contribution {contribution_id}")
    if command.minutes is None:
        raise Rollback([Refusal("minutes_missing", "Enter how long it was.", "minutes")])
    counts = 0 if before.state in DOES_NOT_COUNT else before.minutes
    if command.minutes == counts:
        raise Rollback([Refusal("nothing_changes", "This is what counts already. Enter another time.", "minutes")])
    if command.minutes and (refusal := check_minutes(command.minutes, in_force, "minutes")):
        raise Rollback([refusal])
    account = account_of(concern.member_id)
    there = (await ledger.balance(connection, timebank_id, account)).posted
    if before.state in DOES_NOT_COUNT:
        await count_within(connection, actor, contribution_id, command.minutes, reason, now=now)
    else:
        # Whoever paid for an exchange hears of it too; everybody else by the answer.
        tell = before.kind == "exchange"
        await corrections.correct_within(
            connection, actor, contribution_id, command.minutes, reason, now=now, tell=tell
        )
    return (await ledger.balance(connection, timebank_id, account)).posted - there, command.minutes


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= rules.MAX_REASON else line[: rules.MAX_REASON - 1].rstrip() + "…"


async def _put_right(
    connection: Connection, actor: Actor, command: Answer, concern: Concern, now: datetime
) -> tuple[int, UUID | None]:
    """Move minutes between the member and what our mistakes cost; what really moved, and the entry if one was made."""
    if command.minutes is None:
        raise Rollback([Refusal("minutes_missing", "Enter how much is to be put right.", "minutes")])
    if refusal := rules.check_change(command.minutes):
        raise Rollback([refusal])
    account = account_of(concern.member_id)
    free = await ledger.balance(connection, actor.timebank_id, account)
    moves = rules.taken(command.minutes, free.posted - free.held_out)
    if moves == 0:
        return 0, None
    bank = await banks.by_id(connection, actor.timebank_id)
    entry = Post(
        key=f"answer_query:{concern.id}:1",
        kind=PUT_RIGHT,
        unit=MINUTES,
        legs=(Leg(account=CORRECTIONS, amount=-moves), Leg(account=account, amount=moves)),
        effective_on=today(now, bank.time_zone),
        actor=actor.name,
        meta={"concern": concern.id, "rules": concern.rules_version},
    )
    result = await post(connection, actor.timebank_id, entry)
    if isinstance(result, Refused):
        raise Rollback([Refusal(result.code, f"This could not be put right. {result.message}", "minutes")])
    assert isinstance(result, Posted)
    return moves, result.entry_id


async def _tell(connection: Connection, timebank_id: int, concern_id: int, changed: Words, now: datetime) -> None:
    concern = await queries.one(connection, timebank_id, concern_id)
    if concern is None:
        raise LookupError(f"no question {concern_id}")
    who = concern.spoken_by or rules.first_name(concern.answered_by_name)
    told = words.answered(concern.title, who, concern.answer, changed)
    message = Message(
        member_id=concern.member_id,
        kind="query_answered",
        subject=told.subject,
        body=told.body,
        dedupe=f"concern:{concern_id}:answered",
        path=f"/queries/{concern_id}",
    )
    await send(connection, timebank_id, [message], now=now)
