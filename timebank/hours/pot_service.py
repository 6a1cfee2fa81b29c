"""Asking the community pot for hours, and taking it back."""

from datetime import datetime, timedelta
from typing import Literal

import asyncpg
import msgspec

from timebank.banks.queries import by_id as timebank_by_id
from timebank.banks.queries import rules_in_force
from timebank.banks.rules import Rules
from timebank.db import Connection, Database, Rollback, once
from timebank.hours import pot_queries, pot_rules, words
from timebank.hours.rules import may_act_for
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members.queries import by_id as member_by_id
from timebank.messages.service import send

YEAR = timedelta(days=365)
MAX_TOLD = 20
MEMBER_NOW = "select status from member where timebank_id = $1 and id = $2 for no key update"
NEW_ASK = """
insert into pot_ask (timebank_id, member_id, kind, minutes, what_for, asked_by, asked_at, state)
values ($1, $2, $3, $4, $5, $6, $7, 'waiting')
returning id
"""
LOCK = "select id, member_id, kind, minutes, asked_by, state from pot_ask where timebank_id = $1 and id = $2 for update"
WITHDRAW = "update pot_ask set state = 'withdrawn', decided_at = $3 where timebank_id = $1 and id = $2"
WHO_DECIDES = """
select m.id from member m
 where m.timebank_id = $1 and m.status = 'active' and m.id <> $2 and m.id <> $3
   and exists (select from member_role r
                where r.timebank_id = m.timebank_id and r.member_id = m.id
                  and r.role in ('coordinator', 'approver', 'admin'))
 order by m.id
 limit $4
"""


class AskPot(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the pot for ``minutes``. ``what_for`` may be empty: nobody has to say why."""

    member_id: int
    minutes: int
    what_for: str = ""


class WithdrawPotAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Take an ask back before anybody has decided."""

    ask_id: int


class PotAskNow(msgspec.Struct, frozen=True, kw_only=True):
    """Where an ask stands; ``given_minutes`` is 0 unless hours were given."""

    ask_id: int
    state: Literal["waiting", "given", "declined", "withdrawn"]
    given_minutes: int = 0


async def ask(db: Database, actor: Actor, command: AskPot, *, key: str, now: datetime) -> PotAskNow | list[Refusal]:
    """Ask for hours: by a member, or by whoever acts for them. Those who decide are told.

    Refusals: those of ``pot_rules.check_ask`` and ``check_room``, and ``member_unknown``.
    """

    async def work(connection: Connection) -> PotAskNow:
        document = await rules_now(connection, actor.timebank_id, now)
        what_for = command.what_for.strip()
        most = document.max_pot_help_minutes
        if refusals := pot_rules.check_ask(
            actor, member_id=command.member_id, minutes=command.minutes, what_for=what_for, most=most
        ):
            raise Rollback(refusals)
        await require_active(connection, actor.timebank_id, command.member_id)
        is_one_waiting, asked = await pot_queries.counts(connection, actor.timebank_id, command.member_id, now - YEAR)
        if refusals := pot_rules.check_room(
            is_one_waiting=is_one_waiting, asked_this_year=asked, most_per_year=document.max_pot_asks_per_year
        ):
            raise Rollback(refusals)
        ask_id = await new_ask(connection, actor, command.member_id, pot_rules.ASKED, command.minutes, what_for, now)
        await tell_deciders(connection, actor, ask_id, command.member_id, command.minutes, now)
        return PotAskNow(ask_id=ask_id, state=pot_rules.WAITING)

    return await once(db, actor, "ask_pot", key, command, PotAskNow, work)


async def withdraw(
    db: Database, actor: Actor, command: WithdrawPotAsk, *, key: str, now: datetime
) -> PotAskNow | list[Refusal]:
    """Take an ask back; it then does not count among those of the year.

    Refusals: ``ask_decided``.

    Raises:
        LookupError: there is no such ask of theirs.
    """

    async def work(connection: Connection) -> PotAskNow:
        found = await locked(connection, actor.timebank_id, command.ask_id)
        if not may_act_for(actor, found["member_id"]) and found["asked_by"] != actor.member_id:
            raise LookupError(command.ask_id)
        if found["state"] != pot_rules.WAITING:
            raise Rollback([Refusal("ask_decided", say("Somebody has answered already. Look at the answer."))])
        await connection.execute(WITHDRAW, actor.timebank_id, command.ask_id, now)
        return PotAskNow(ask_id=command.ask_id, state=pot_rules.WITHDRAWN)

    return await once(db, actor, "withdraw_pot_ask", key, command, PotAskNow, work)


async def rules_now(connection: Connection, timebank_id: int, now: datetime) -> Rules:
    """The rules in force today."""
    facts = await timebank_by_id(connection, timebank_id)
    _, document = await rules_in_force(connection, timebank_id, today(now, facts.time_zone))
    return document


async def require_active(connection: Connection, timebank_id: int, member_id: int) -> None:
    """Lock a member who takes part now; two asks at once wait for each other here.

    Raises:
        Rollback: ``member_unknown``.
    """
    known = 0 < member_id <= MAX_KEY
    status = await connection.fetchval(MEMBER_NOW, timebank_id, member_id) if known else None
    if status not in ("active", "paused"):
        raise Rollback([Refusal("member_unknown", say("Choose a member who takes part now."), "member_id")])


async def new_ask(
    connection: Connection, actor: Actor, member_id: int, kind: str, minutes: int, what_for: str, now: datetime
) -> int:
    """A new row that waits.

    Raises:
        Rollback: ``ask_waiting``, when another one of the member's waits.
    """
    try:
        ask_id: int = await connection.fetchval(
            NEW_ASK, actor.timebank_id, member_id, kind, minutes, what_for, actor.member_id, now
        )
    except asyncpg.UniqueViolationError as error:
        raise Rollback([Refusal("ask_waiting", "Something from the pot waits for them already.")]) from error
    return ask_id


async def locked(connection: Connection, timebank_id: int, ask_id: int) -> asyncpg.Record:
    """The ask, locked.

    Raises:
        LookupError: there is none with this id.
    """
    row = await connection.fetchrow(LOCK, timebank_id, ask_id) if 0 < ask_id <= MAX_KEY else None
    if row is None:
        raise LookupError(ask_id)
    return row


async def tell_deciders(
    connection: Connection, actor: Actor, ask_id: int, member_id: int, minutes: int, now: datetime
) -> None:
    """Tell those who may decide about it."""
    member = await member_by_id(connection, actor.timebank_id, member_id)
    name = member.display_name if member is not None else ""
    rows = await connection.fetch(WHO_DECIDES, actor.timebank_id, member_id, actor.member_id or 0, MAX_TOLD)
    told = [words.asked(row["id"], ask_id, name, minutes) for row in rows]
    await send(connection, actor.timebank_id, told, now=now)
