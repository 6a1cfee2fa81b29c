"""Who may decide about time that waits: coordinators, approvers, and the deputies whom they name for some days."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import msgspec

from timebank.banks import queries as banks
from timebank.contributions import queries
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import dates
from timebank.kit.actor import APPROVER, COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.messages.service import Message, send

MAX_DEPUTY_DAYS = 366
MAX_SHOWN = 100

STANDS_IN = """
select exists (
    select from approver_deputy d
      join member a on a.timebank_id = d.timebank_id and a.id = d.approver_id and a.status <> 'left'
      join member_role r on r.timebank_id = d.timebank_id and r.member_id = d.approver_id
                        and r.role in ('coordinator', 'admin', 'approver')
     where d.timebank_id = $1 and d.deputy_id = $2 and d.withdrawn_at is null
       and $3::date between d.starts_on and d.ends_on)
"""
DECIDERS = """
select m.id
  from member m
 where m.timebank_id = $1 and m.status = 'active'
   and (exists (select from member_role r
                 where r.timebank_id = m.timebank_id and r.member_id = m.id
                   and r.role in ('coordinator', 'admin', 'approver'))
     or exists (select from approver_deputy d
                 join member a on a.timebank_id = d.timebank_id and a.id = d.approver_id and a.status <> 'left'
                 join member_role r on r.timebank_id = d.timebank_id and r.member_id = d.approver_id
                                   and r.role in ('coordinator', 'admin', 'approver')
                where d.timebank_id = m.timebank_id and d.deputy_id = m.id and d.withdrawn_at is null
                  and $2::date between d.starts_on and d.ends_on))
"""
NAMED = """
select d.id, d.approver_id, d.deputy_id, d.starts_on, d.ends_on
  from approver_deputy d
 where d.timebank_id = $1 and d.withdrawn_at is null and d.ends_on >= $2
 order by d.starts_on, d.id
 limit $3
"""
ADD = """
insert into approver_deputy (timebank_id, approver_id, deputy_id, starts_on, ends_on, named_by, named_at)
values ($1, $2, $3, $4, $5, $2, $6)
returning id
"""
WITHDRAW = """
update approver_deputy set withdrawn_at = $4
 where timebank_id = $1 and id = $2 and approver_id = $3 and withdrawn_at is null
returning deputy_id
"""


class NameDeputy(msgspec.Struct, frozen=True, kw_only=True):
    """Let a member decide in the actor's place, from one day to another, both included."""

    deputy_id: int
    starts_on: date
    ends_on: date


class WithdrawDeputy(msgspec.Struct, frozen=True, kw_only=True):
    """End what the actor gave to a deputy, at once."""

    id: int


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A deputy is named, or not any more."""

    id: int
    deputy_id: int


class Deputy(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides in whose place, on which days."""

    id: int
    approver_id: int
    approver_name: str
    deputy_id: int
    deputy_name: str
    starts_on: date
    ends_on: date


def decides(actor: Actor) -> bool:
    """True for whoever decides about time that waits by a role of their own."""
    return actor.has(COORDINATOR) or APPROVER in actor.roles


async def as_decider(connection: Connection, actor: Actor, on: date) -> Actor | None:
    """The actor as they decide on a day: by their own role, or as somebody's deputy; None when they may not."""
    if decides(actor):
        return actor
    stands_in = actor.member_id is not None and actor.on_behalf_of is None
    if stands_in and await connection.fetchval(STANDS_IN, actor.timebank_id, actor.member_id, on):
        return replace(actor, roles=actor.roles | {APPROVER})
    return None


async def deciders(connection: Connection, timebank_id: int, on: date) -> frozenset[int]:
    """Every active member who may decide on a day, by role or as a deputy."""
    return frozenset(row["id"] for row in await connection.fetch(DECIDERS, timebank_id, on))


async def named(connection: Connection, timebank_id: int, on: date) -> list[Deputy]:
    """The deputies of today and of days to come, the first ones first."""
    rows = await connection.fetch(NAMED, timebank_id, on, MAX_SHOWN)
    people = sorted({row["approver_id"] for row in rows} | {row["deputy_id"] for row in rows})
    name = await members.names(connection, timebank_id, people)
    return [Deputy(**row, approver_name=name[row["approver_id"]], deputy_name=name[row["deputy_id"]]) for row in rows]


def check(actor: Actor, command: NameDeputy, on: date) -> list[Refusal]:
    """What stands in the way of naming this deputy, but for who they are.

    Refusals: ``not_allowed``, ``yourself``, ``ends_before_it_starts``, ``date_in_the_past``, ``too_many_days``.
    """
    if actor.member_id is None or not decides(actor):
        return [Refusal("not_allowed", "Only a coordinator or an approver can name a deputy.")]
    found = []
    if command.deputy_id == actor.member_id:
        found.append(Refusal("yourself", "Name somebody else: you decide yourself already.", "deputy"))
    if command.ends_on < command.starts_on:
        message = f"The last day is before the first, {dates.in_words(command.starts_on)}. Change one of them."
        found.append(Refusal("ends_before_it_starts", message, "ends"))
    elif command.ends_on < on:
        found.append(Refusal("date_in_the_past", "These days are over. Enter days to come.", "ends"))
    elif command.ends_on - command.starts_on >= timedelta(days=MAX_DEPUTY_DAYS):
        message = f"Name a deputy for up to {MAX_DEPUTY_DAYS} days. You can do it again afterwards."
        found.append(Refusal("too_many_days", message, "ends"))
    return found


async def name_deputy(
    db: Database, actor: Actor, command: NameDeputy, *, key: str, now: datetime
) -> Named | list[Refusal]:
    """Name who decides in the actor's place for some days; the deputy is told.

    Refusals: those of :func:`check`, and ``unknown_member``.
    """

    async def work(connection: Connection) -> Named:
        timebank_id = actor.timebank_id
        on = today(now, (await banks.by_id(connection, timebank_id)).time_zone)
        if refusals := check(actor, command, on):
            raise Rollback(refusals)
        deputy = await members.by_id(connection, timebank_id, command.deputy_id)
        if deputy is None or deputy.status != "active":
            raise Rollback([Refusal("unknown_member", "Choose somebody who is a member now.", "deputy")])
        added = await connection.fetchval(
            ADD, timebank_id, actor.member_id, deputy.id, command.starts_on, command.ends_on, now
        )
        name = await members.names(connection, timebank_id, [actor.member_id or 0])
        who = name[actor.member_id or 0]
        days = f"from {dates.in_words(command.starts_on)} to {dates.in_words(command.ends_on)}"
        told = Message(
            member_id=deputy.id,
            kind="deputy_named",
            subject="You are asked to decide about time that waits",
            body=f"{who} asks you to decide in their place {days}.\nYou find what waits under “Decisions”.\n"
            "If you would rather not, tell them.",
            dedupe=f"deputy:{added}",
            path="/decisions",
        )
        await send(connection, timebank_id, [told], now=now)
        return Named(id=int(added), deputy_id=deputy.id)

    return await once(db, actor, "name_deputy", key, command, Named, work)


async def withdraw_deputy(
    db: Database, actor: Actor, command: WithdrawDeputy, *, key: str, now: datetime
) -> Named | list[Refusal]:
    """End what the actor gave to a deputy, at once.

    Refusals: ``not_allowed``.

    Raises:
        LookupError: the actor has named no such deputy, or ended it before.
    """
    if actor.member_id is None or not decides(actor):
        return [Refusal("not_allowed", "Only a coordinator or an approver can do this.")]

    async def work(connection: Connection) -> Named:
        known = 0 < command.id <= queries.MAX_ID
        deputy_id = (
            await connection.fetchval(WITHDRAW, actor.timebank_id, command.id, actor.member_id, now) if known else None
        )
        if deputy_id is None:
            raise LookupError(f"no deputy {command.id} of this member")
        return Named(id=command.id, deputy_id=deputy_id)

    return await once(db, actor, "withdraw_deputy", key, command, Named, work)
