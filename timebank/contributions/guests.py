"""Guests: people who came and are no members yet. Their minutes wait under a name until they join, or are forgotten."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from dateutil.relativedelta import relativedelta

from timebank.banks import queries as banks
from timebank.contributions import amending, crediting, paying, queries
from timebank.contributions.crediting import ToCredit
from timebank.contributions.leading import groups_led
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.durations import in_words
from timebank.kit.refusal import Refusal
from timebank.members.statuses import statuses

MAX_NAME = 100
MAX_WAITING = 500
FORGOTTEN_AT_ONCE = 500

SAME_NAME = """
select id from guest
 where timebank_id = $1 and name_key = $2 and joined_at is null and forgotten_at is null
 limit 1
"""
# Two people who type the same name at once: one of them sees the other's guest.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('guest:' || $1::bigint || ':' || $2::text, 0))"
ADD = """
insert into guest (timebank_id, name, name_key, added_by, added_at) values ($1, $2, $3, $4, $5) returning id
"""
WAITING = """
select g.id, g.name, g.added_at, coalesce(sum(c.minutes), 0)::int as minutes, max(c.held_on) as last_on,
       coalesce((array_agg(a.name order by c.held_on desc, c.id desc)
                 filter (where a.id is not null))[1], '') as activity
  from guest g
  left join contribution c on c.timebank_id = g.timebank_id and c.guest_id = g.id and c.member_id is null
                          and c.state in ('submitted', 'approved')
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where g.timebank_id = $1 and g.joined_at is null and g.forgotten_at is null
   and ($2::bigint[] is null or exists (
        select from contribution l
         where l.timebank_id = g.timebank_id and l.guest_id = g.id and l.activity_id = any($2)))
 group by g.timebank_id, g.id
 order by g.name_key, g.id
 limit $3
"""
LOCK = "select id, name, joined_at, forgotten_at from guest where timebank_id = $1 and id = $2 for update"
JOINED = "update guest set member_id = $3, joined_at = $4 where timebank_id = $1 and id = $2"
TAKE_OVER = """
update contribution
   set member_id = $3,
       state = case when id = any($4::bigint[]) then 'submitted' else state end,
       credited_to = case when id = any($4::bigint[]) then null else credited_to end,
       flagged = case when id = any($4::bigint[]) then 'Recorded by the person themselves' else flagged end
 where timebank_id = $1 and guest_id = $2 and member_id is null
"""
FORGET = """
update guest set name = '', name_key = '', forgotten_at = $2
 where timebank_id = $1 and id in (
       select g.id from guest g
        where g.timebank_id = $1 and g.joined_at is null and g.forgotten_at is null and g.added_at < $3
          and not exists (
              select from contribution c
               where c.timebank_id = g.timebank_id and c.guest_id = g.id and c.recorded_at >= $3)
        order by g.id
        limit $4
          for update)
"""


class AddGuest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who came and is no member. ``is_another``: there is a guest of this name, and this is someone else."""

    name: str
    is_another: bool = False


class AddedGuest(msgspec.Struct, frozen=True, kw_only=True):
    """The guest is there."""

    guest_id: int
    name: str


class JoinGuest(msgspec.Struct, frozen=True, kw_only=True):
    """The guest is a member now: their minutes are that member's."""

    guest_id: int
    member_id: int


class JoinedGuest(msgspec.Struct, frozen=True, kw_only=True):
    """The minutes that were credited, and those that still wait for a second person."""

    guest_id: int
    member_id: int
    minutes: int
    waiting_minutes: int


class WaitingGuest(msgspec.Struct, frozen=True, kw_only=True):
    """A guest whose minutes wait: how many, the last day and group they came to."""

    id: int
    name: str
    added_at: datetime
    minutes: int
    last_on: date | None
    activity: str


async def add_guest(
    db: Database, actor: Actor, command: AddGuest, *, key: str, now: datetime
) -> AddedGuest | list[Refusal]:
    """Add a guest. For coordinators and session leaders.

    Refusals: ``not_allowed``, ``name_missing``, ``name_too_long``, ``guest_there`` (choose that one, or say it is
    somebody else).
    """

    async def work(connection: Connection) -> AddedGuest:
        return await add_guest_within(connection, actor, command, now=now)

    return await once(db, actor, "add_guest", key, command, AddedGuest, work)


async def add_guest_within(connection: Connection, actor: Actor, command: AddGuest, *, now: datetime) -> AddedGuest:
    """Add a guest inside an open transaction; raises Rollback with the refusals of :func:`add_guest`."""
    name = names.tidy(command.name)
    if refusal := await _may(connection, actor, now) or _check_name(name):
        raise Rollback([refusal])
    key = names.key(name)
    await connection.execute(ONE_AT_A_TIME, actor.timebank_id, key)
    there = await connection.fetchval(SAME_NAME, actor.timebank_id, key)
    if there is not None and not command.is_another:
        message = f"A guest called {name} is here already. Choose them, or say that this is someone else."
        raise Rollback([Refusal("guest_there", message, "name")])
    guest_id = await connection.fetchval(ADD, actor.timebank_id, name, key, actor.member_id, now)
    return AddedGuest(guest_id=guest_id, name=name)


async def _may(connection: Connection, actor: Actor, now: datetime) -> Refusal | None:
    bank = await banks.by_id(connection, actor.timebank_id)
    led = await groups_led(connection, actor, on=today(now, bank.time_zone))
    if led is None or led:
        return None
    return Refusal("not_allowed", "Only a coordinator, or whoever leads a group, can add guests.")


def _check_name(name: str) -> Refusal | None:
    if not name:
        return Refusal("name_missing", "Give the guest's name, or what people call them.", "name")
    if len(name) > MAX_NAME:
        return Refusal("name_too_long", f"Give a name of at most {MAX_NAME} letters.", "name")
    return None


async def waiting_guests(
    connection: Connection, actor: Actor, *, led: Sequence[int] | None = None
) -> list[WaitingGuest]:
    """The guests who may still join, by name, at most MAX_WAITING. ``led``: only those who came to these groups."""
    rows = await connection.fetch(WAITING, actor.timebank_id, None if led is None else list(led), MAX_WAITING)
    return [msgspec.convert(dict(row), WaitingGuest) for row in rows]


async def join_guest(
    db: Database, actor: Actor, guest_id: int, member_id: int, *, key: str, now: datetime
) -> JoinedGuest | list[Refusal]:
    """The guest has joined: what they gave is credited to the member, by the member's own standing choice.

    For coordinators, never about themselves. What the member recorded or approved about the guest themselves goes back
    to wait for a second person. Refusals: ``not_allowed``, ``own_hour``, ``unknown_guest``, ``guest_joined``,
    ``unknown_member``, and what the ledger refuses.
    """
    command = JoinGuest(guest_id=guest_id, member_id=member_id)

    async def work(connection: Connection) -> JoinedGuest:
        return await _join(connection, actor, command, now)

    return await once(db, actor, "join_guest", key, command, JoinedGuest, work)


async def _join(connection: Connection, actor: Actor, command: JoinGuest, now: datetime) -> JoinedGuest:
    timebank_id = actor.timebank_id
    if refusal := await _check_join(connection, actor, command):
        raise Rollback([refusal])
    rows = await connection.fetch(crediting.CREDITABLE_GUEST, timebank_id, command.guest_id)
    own = {row["id"] for row in rows if command.member_id in (row["recorded_by"], row["decided_by"])}
    wanted = [
        crediting.to_credit({**row, "member_id": command.member_id}, f"join_guest:{row['id']}:1", ())
        for row in rows
        if row["state"] == "approved" and row["credited_to"] == "guest" and row["id"] not in own
    ]
    again = [row["id"] for row in rows if row["id"] in own and row["state"] == "approved" and row["kind"] != "staff"]
    await connection.execute(JOINED, timebank_id, command.guest_id, command.member_id, now)
    planned = await crediting.plan_credits(connection, timebank_id, wanted)
    due = await paying.plan(connection, actor, _paid(command, rows, own), now=now)
    items = [*crediting.credit_items(actor, planned), *due.items]
    posted = await crediting.post_items(connection, timebank_id, items)
    await _take_over(connection, actor, command, rows, again, now)
    await crediting.keep_credits(connection, timebank_id, planned, posted)
    await paying.keep(connection, actor, due, posted, now=now)
    await crediting.tell_credited(connection, actor, planned, now=now, occasion="joined")
    waiting = sum(row["minutes"] for row in rows if row["state"] == "submitted" or row["id"] in again)
    return JoinedGuest(
        guest_id=command.guest_id,
        member_id=command.member_id,
        minutes=sum(one.minutes for one in wanted),
        waiting_minutes=waiting,
    )


def _paid(command: JoinGuest, rows: Sequence[Mapping[str, Any]], own: set[int]) -> list[ToCredit]:
    """Their time that pays a fee and counts already."""
    return [
        crediting.to_credit({**row, "member_id": command.member_id}, "", ())
        for row in rows
        if row["state"] == "approved"
        and row["credited_to"] == "none"
        and row["gives"] == "fee"
        and row["id"] not in own
    ]


async def _take_over(
    connection: Connection,
    actor: Actor,
    command: JoinGuest,
    rows: Sequence[Mapping[str, Any]],
    again: Sequence[int],
    now: datetime,
) -> None:
    timebank_id = actor.timebank_id
    await connection.execute(TAKE_OVER, timebank_id, command.guest_id, command.member_id, list(again))
    so_far = await connection.fetch(amending.CHANGED_SO_FAR, timebank_id, [row["id"] for row in rows])
    last = {row["contribution_id"]: row["n"] for row in so_far}
    changes = [
        (row["id"], last.get(row["id"], 0) + 1, "joined", row["minutes"], row["minutes"], row["held_on"],
         row["held_on"], 0)
        for row in rows
    ]  # fmt: skip
    await amending.add_changes(connection, actor, changes, "", now=now)


async def _check_join(connection: Connection, actor: Actor, command: JoinGuest) -> Refusal | None:
    if actor.member_id is None or not actor.has(COORDINATOR):
        return Refusal("not_allowed", "Only a coordinator can do this. Ask a coordinator of your time bank.")
    if actor.member_id == command.member_id:
        return Refusal("own_hour", "This is about your own hours. Ask another coordinator.", "member_id")
    known = 0 < command.guest_id <= queries.MAX_ID
    guest = await connection.fetchrow(LOCK, actor.timebank_id, command.guest_id) if known else None
    if guest is None or guest["forgotten_at"] is not None:
        return Refusal("unknown_guest", "This guest is not known any more. Look for them in the list.", "guest_id")
    if guest["joined_at"] is not None:
        return Refusal("guest_joined", "This guest has joined already. Their hours are with the member.", "guest_id")
    there = 0 < command.member_id <= queries.MAX_ID and await statuses(
        connection, actor.timebank_id, [command.member_id], lock=True
    )
    if not there or there[command.member_id] != "active":
        return Refusal("unknown_member", "Choose a member who takes part now.", "member_id")
    return None


def joined_words(joined: JoinedGuest, name: str) -> str:
    """What the page says after a guest has joined."""
    added = f"{in_words(joined.minutes)} added for {name}." if joined.minutes else f"{name} has joined."
    waits = f" {in_words(joined.waiting_minutes)} waits for a second person." if joined.waiting_minutes else ""
    return added + waits


async def forget_guests(db: Database, timebank_id: int, now: datetime) -> int:
    """A job: forget the names of guests who did not join within ``guest_months`` of the last time they came.

    Their minutes stay in the totals. Harmless to repeat. Returns how many were forgotten.
    """
    forgotten = 0
    while True:
        async with db.writing(timebank_id) as connection:
            bank = await banks.by_id(connection, timebank_id)
            _, in_force = await banks.rules_in_force(connection, timebank_id, today(now, bank.time_zone))
            before = now - relativedelta(months=in_force.guest_months)
            done = await connection.execute(FORGET, timebank_id, now, before, FORGOTTEN_AT_ONCE)
        count = int(done.split()[-1])
        forgotten += count
        if count < FORGOTTEN_AT_ONCE:
            return forgotten
