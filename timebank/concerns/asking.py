"""Saying that an entry is not right: one question, somebody independent to answer it, and a day by which they do."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import Rules
from timebank.concerns import owning, queries, rules, words
from timebank.concerns.queries import About
from timebank.contributions import corrections
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.messages.service import Message, send

LOCK_MEMBER = "select id from member where timebank_id = $1 and id = $2 for no key update"
HOW_MANY_OPEN = "select count(*) from concern where timebank_id = $1 and member_id = $2 and state = 'open'"
ADD = """
insert into concern (timebank_id, member_id, about, entry_id, contribution_id, title, entry_minutes, happened_on, round,
                     asked, asked_by, asked_at, due_on, owner_id, owned_since, state, rules_version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'open', $16)
returning id
"""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the member says is wrong: about an entry of theirs, or about time they gave (added or not)."""

    words: str
    entry_id: UUID | None = None
    contribution_id: int | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The question is here. ``owner_id`` None: the independent person answers."""

    concern_id: int
    owner_id: int | None
    due_on: date


async def about(connection: Connection, actor: Actor, command: Ask) -> About | None:
    """What the actor's subject asks about, or None when it is nothing of theirs."""
    if actor.subject_id is None:
        return None
    if command.entry_id is not None:
        return await queries.about_entry(connection, actor.timebank_id, actor.subject_id, command.entry_id)
    if command.contribution_id is not None:
        return await queries.about_time(connection, actor.timebank_id, actor.subject_id, command.contribution_id)
    return None


async def ask(db: Database, actor: Actor, command: Ask, *, key: str, now: datetime) -> Asked | list[Refusal]:
    """Say that an entry about the actor's subject is not right.

    Whoever answers neither made nor approved it, is no part of it and did not ask. The member and the owner are told.
    Refusals: those of :func:`timebank.concerns.rules.check_question`, ``still_waiting`` (time that waits for a second
    person), ``taken_back``.

    Raises:
        LookupError: the subject has no such entry.
    """

    async def work(connection: Connection) -> Asked:
        return await _ask(connection, actor, command, now)

    return await once(db, actor, f"ask:{actor.subject_id}", key, command, Asked, work)


async def _ask(connection: Connection, actor: Actor, command: Ask, now: datetime) -> Asked:
    timebank_id = actor.timebank_id
    # Two tabs of one member ask one after the other.
    await connection.fetchval(LOCK_MEMBER, timebank_id, actor.subject_id)
    found = await about(connection, actor, command)
    if found is None:
        raise LookupError("no such entry of this member")
    before = await queries.earlier(connection, timebank_id, found.member_id, found.key)
    refusal = _check_state(found) or rules.check_question(
        command.words,
        earlier=[one["state"] for one in before],
        open_count=await connection.fetchval(HOW_MANY_OPEN, timebank_id, found.member_id),
    )
    if refusal:
        raise Rollback([refusal])
    bank = await banks.by_id(connection, timebank_id)
    on = today(now, bank.time_zone)
    version, in_force = await banks.rules_in_force(connection, timebank_id, on)
    due = rules.due_on(on, in_force.answer_days, bank.holiday_region)
    # A second look is a new pair of eyes.
    answered = {one["answered_by"] for one in before} | {one["owner_id"] for one in before}
    excluded = found.involved | {found.member_id, actor.member_id} | answered
    owner = rules.choose_owner(
        await queries.candidates(connection, timebank_id), {one for one in excluded if one is not None}
    )
    concern_id = await connection.fetchval(
        ADD,
        timebank_id,
        found.member_id,
        found.key,
        found.entry_id,
        found.contribution.id if found.contribution else None,
        found.title,
        found.minutes,
        found.happened_on,
        len(before) + 1,
        command.words.strip(),
        actor.member_id,
        now,
        due,
        owner,
        now if owner else None,
        version,
    )
    if found.contribution is not None:
        await corrections.mark_queried(connection, actor, found.contribution.id, now=now)
    await owning.add_step(connection, timebank_id, concern_id, "asked", actor.member_id, None, now)
    if owner is not None:
        await owning.add_step(connection, timebank_id, concern_id, "given", None, owner, now)
    await _tell(connection, timebank_id, concern_id, in_force, now)
    return Asked(concern_id=concern_id, owner_id=owner, due_on=due)


def _check_state(found: About) -> Refusal | None:
    """Time that waits is not decided yet, and what was taken back is not there any more."""
    if found.contribution is None or found.contribution.member_id != found.member_id:
        return None
    if found.contribution.state == "submitted":
        return Refusal(
            "still_waiting", say("Nobody has decided about this yet. You can take it back and log it again.")
        )
    if found.contribution.state in ("undone", "removed") and found.entry_id is None:
        return Refusal("taken_back", say("This was taken back. There is nothing left to put right."))
    return None


async def _tell(connection: Connection, timebank_id: int, concern_id: int, in_force: Rules, now: datetime) -> None:
    concern = await queries.one(connection, timebank_id, concern_id)
    if concern is None:
        raise LookupError(f"no question {concern_id}")
    told = words.asked(concern.title, concern.owner_first_name, in_force.independent_person, concern.due_on)
    messages = [
        Message(
            member_id=concern.member_id,
            kind="query_asked",
            subject=told.subject,
            body=told.body,
            dedupe=f"concern:{concern_id}:asked",
            path=f"/queries/{concern_id}",
        )
    ]
    messages += await owning.messages_to_owner(connection, timebank_id, concern, in_force)
    await send(connection, timebank_id, messages, now=now)
