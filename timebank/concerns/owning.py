"""Who answers a question: handing it on, and looking after questions whose owner left or whose day has passed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import Rules
from timebank.concerns import queries, rules, words
from timebank.concerns.queries import Concern
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import ADMIN, COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.messages.service import Message, send

MAX_TOLD = 10

LOCK = "select id, state, owner_id from concern where timebank_id = $1 and id = $2 for update"
ADD_STEP = """
insert into concern_step (timebank_id, concern_id, n, what, actor_id, owner_id, at, reason)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7
  from concern_step where timebank_id = $1 and concern_id = $2
"""
OWN = "update concern set owner_id = $3, owned_since = $4 where timebank_id = $1 and id = $2"
OWNERLESS = """
select c.id
  from concern c
  join member asker on asker.timebank_id = c.timebank_id and asker.id = c.member_id and asker.status <> 'left'
 where c.timebank_id = $1 and c.state = 'open'
   and (c.owner_id is null
        or not exists (select from member m
                         join member_role r on r.timebank_id = m.timebank_id and r.member_id = m.id
                                           and r.role = any($2::text[])
                        where m.timebank_id = c.timebank_id and m.id = c.owner_id and m.status = 'active'))
 order by c.id
"""
STAFF = """
select distinct m.id
  from member m
  join member_role r on r.timebank_id = m.timebank_id and r.member_id = m.id and r.role in ('coordinator', 'admin')
 where m.timebank_id = $1 and m.status = 'active'
 order by m.id
 limit $2
"""


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """Let somebody else answer, and say why; the next one is chosen like the first."""

    concern_id: int
    reason: str


class GivenOn(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers now."""

    concern_id: int
    owner_id: int


async def add_step(
    connection: Connection,
    timebank_id: int,
    concern_id: int,
    what: str,
    actor_id: int | None,
    owner_id: int | None,
    now: datetime,
    reason: str = "",
) -> None:
    """Write down one step of a question inside the open transaction. ``actor_id`` None is the service itself."""
    await connection.execute(ADD_STEP, timebank_id, concern_id, what, actor_id, owner_id, now, reason)


async def excluded_from(connection: Connection, timebank_id: int, concern: Concern) -> set[int]:
    """Who may not answer this question: had a hand in the entry, is a part of it, asked, or answered before."""
    about = await queries.about_of(connection, timebank_id, concern)
    before = await queries.earlier(connection, timebank_id, concern.member_id, concern.about)
    others = {one[who] for one in before if one["id"] != concern.id for who in ("owner_id", "answered_by")}
    involved = about.involved if about else frozenset[int]()
    return {one for one in (*involved, *others, concern.member_id, concern.asked_by) if one is not None}


async def hand_over(
    db: Database, actor: Actor, command: HandOver, *, key: str, now: datetime
) -> GivenOn | list[Refusal]:
    """Let somebody else answer a question: by its owner, or by a coordinator when the owner is away.

    Refusals: ``not_allowed``, ``not_yours`` (who had a hand in the entry does not choose), ``answered_already``,
    ``reason_missing``, ``reason_too_long``, ``nobody_else``.

    Raises:
        LookupError: this time bank has no such question.
    """

    async def work(connection: Connection) -> GivenOn:
        timebank_id = actor.timebank_id
        known = 0 < command.concern_id <= queries.MAX_ID
        row = await connection.fetchrow(LOCK, timebank_id, command.concern_id) if known else None
        concern = await queries.one(connection, timebank_id, command.concern_id) if row else None
        if concern is None:
            raise LookupError(f"no question {command.concern_id}")
        excluded = await excluded_from(connection, timebank_id, concern)
        reason = names.tidy(command.reason)
        if refusal := _check_hand_over(actor, concern, excluded, reason):
            raise Rollback([refusal])
        owner = await _pass_on(connection, timebank_id, concern, excluded, actor.member_id, reason, now)
        if owner is None:
            message = "Nobody else here is independent of this entry. Make one more person an approver first."
            raise Rollback([Refusal("nobody_else", message)])
        return GivenOn(concern_id=concern.id, owner_id=owner)

    return await once(db, actor, "hand_over", key, command, GivenOn, work)


def _check_hand_over(actor: Actor, concern: Concern, excluded: Collection[int], reason: str) -> Refusal | None:
    if not rules.answers(actor):
        return Refusal("not_allowed", "Only a coordinator or whoever was asked can do this.")
    is_owner = actor.member_id == concern.owner_id
    if not is_owner and not (actor.has(COORDINATOR) or ADMIN in actor.roles):
        return Refusal("not_yours", "Somebody else was asked to answer this.")
    if not is_owner and actor.member_id in excluded:
        return Refusal("not_yours", "You had a part in this entry, so you do not choose who answers.")
    if not concern.is_open:
        return Refusal("answered_already", "This question has its answer. Nothing was changed.")
    if not reason:
        return Refusal("reason_missing", "Say why somebody else should answer.", "reason")
    if len(reason) > rules.MAX_REASON:
        return Refusal("reason_too_long", f"Say it in up to {rules.MAX_REASON} characters.", "reason")
    return None


async def look_after(db: Database, timebank_id: int, now: datetime) -> None:
    """A job: give questions whose owner cannot answer any more to somebody who can, and remind of those overdue."""
    async with db.writing(timebank_id) as connection:
        rows = await connection.fetch(OWNERLESS, timebank_id, list(rules.ANSWERERS))
        for row in rows:
            await _look_after_one(connection, timebank_id, row["id"], now)
        bank = await banks.by_id(connection, timebank_id)
        on = today(now, bank.time_zone)
        messages = [
            message
            for concern in await queries.overdue(connection, timebank_id, on=on)
            for message in _reminders(concern)
        ]
        if messages:
            await send(connection, timebank_id, messages, now=now)


async def _look_after_one(connection: Connection, timebank_id: int, concern_id: int, now: datetime) -> None:
    row = await connection.fetchrow(LOCK, timebank_id, concern_id)
    concern = await queries.one(connection, timebank_id, concern_id)
    if concern is None or row["state"] != "open":
        return
    excluded = await excluded_from(connection, timebank_id, concern)
    had_owner = concern.owner_id is not None
    reason = f"{concern.owner_first_name} cannot answer any more." if had_owner else ""
    owner = await _pass_on(connection, timebank_id, concern, excluded, None, reason, now)
    if owner is not None or not had_owner:
        return
    await connection.execute(OWN, timebank_id, concern_id, None, None)
    await add_step(connection, timebank_id, concern_id, "given", None, None, now, reason)
    ownerless = msgspec.structs.replace(concern, owner_id=None, owner_name="")
    in_force = await _rules(connection, timebank_id, now)
    await send(connection, timebank_id, await messages_to_owner(connection, timebank_id, ownerless, in_force), now=now)


async def _pass_on(
    connection: Connection,
    timebank_id: int,
    concern: Concern,
    excluded: Collection[int],
    actor_id: int | None,
    reason: str,
    now: datetime,
) -> int | None:
    """Choose the next owner, write it down and tell; None when nobody is left."""
    unfit = {*excluded, *([concern.owner_id] if concern.owner_id else [])}
    owner = rules.choose_owner(await queries.candidates(connection, timebank_id), unfit)
    if owner is None:
        return None
    await connection.execute(OWN, timebank_id, concern.id, owner, now)
    await add_step(connection, timebank_id, concern.id, "given", actor_id, owner, now, reason)
    given = await queries.one(connection, timebank_id, concern.id)
    if given is None:
        raise LookupError(f"no question {concern.id}")
    told = words.given_to(given.title, given.owner_first_name, given.due_on)
    step = len(await queries.steps(connection, timebank_id, concern.id))
    to_member = Message(
        member_id=given.member_id,
        kind="query_given",
        subject=told.subject,
        body=told.body,
        dedupe=f"concern:{given.id}:given:{step}",
        path=f"/queries/{given.id}",
    )
    in_force = await _rules(connection, timebank_id, now)
    to_owner = await messages_to_owner(connection, timebank_id, given, in_force, step=step)
    await send(connection, timebank_id, [to_member, *to_owner], now=now)
    return owner


async def messages_to_owner(
    connection: Connection, timebank_id: int, concern: Concern, in_force: Rules, *, step: int = 0
) -> list[Message]:
    """What whoever answers is told; without an owner, what coordinators are told instead."""
    fields: dict[str, Any] = {"path": f"/queries/{concern.id}", "kind": "query_to_answer"}
    if concern.owner_id is not None:
        told = words.to_answer(concern.member_name, concern.title, concern.due_on)
        dedupe = f"concern:{concern.id}:owner:{step}"
        return [Message(member_id=concern.owner_id, subject=told.subject, body=told.body, dedupe=dedupe, **fields)]
    told = words.nobody_to_answer(concern.title, in_force.independent_person, concern.due_on)
    staff = [row["id"] for row in await connection.fetch(STAFF, timebank_id, MAX_TOLD)]
    return [
        Message(
            member_id=member_id,
            subject=told.subject,
            body=told.body,
            dedupe=f"concern:{concern.id}:nobody:{member_id}",
            **fields,
        )
        for member_id in staff
        if member_id != concern.member_id
    ]


def _reminders(concern: Concern) -> list[Message]:
    """Each is sent once: to the member that the answer is late, to the owner that it is overdue."""
    path = f"/queries/{concern.id}"
    told = words.late(concern.title)
    messages = [
        Message(
            member_id=concern.member_id,
            kind="query_late",
            subject=told.subject,
            body=told.body,
            dedupe=f"concern:{concern.id}:late",
            path=path,
        )
    ]
    if concern.owner_id is not None:
        told = words.reminder(concern.member_name, concern.title)
        messages.append(
            Message(
                member_id=concern.owner_id,
                kind="query_overdue",
                subject=told.subject,
                body=told.body,
                dedupe=f"concern:{concern.id}:overdue:{concern.owner_id}",
                path=path,
            )
        )
    return messages


async def _rules(connection: Connection, timebank_id: int, now: datetime) -> Rules:
    bank = await banks.by_id(connection, timebank_id)
    _, in_force = await banks.rules_in_force(connection, timebank_id, today(now, bank.time_zone))
    return in_force
