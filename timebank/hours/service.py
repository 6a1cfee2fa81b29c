"""Giving hours to another member, or to the community pot."""

from datetime import date, datetime

import msgspec

from ledger import Posted, Refused, Result, balance
from timebank.banks.queries import by_id as timebank_by_id
from timebank.banks.queries import rules_in_force
from timebank.db import Connection, Database, KeyReused, claim, recall, remember
from timebank.hours import rules, words
from timebank.hours.pot_deciding import DecidePotAsk, GivePotHours, decide, give_from_pot
from timebank.hours.pot_service import AskPot, PotAskNow, WithdrawPotAsk, ask, withdraw
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import blocking
from timebank.members.queries import by_id as member_by_id
from timebank.messages.service import send

__all__ = (
    "AskPot", "DecidePotAsk", "Give", "GivePotHours", "Given", "PotAskNow", "WithdrawPotAsk", "ask", "decide", "give",
    "give_from_pot", "withdraw",
)  # fmt: skip

NEW_GIFT = """
insert into gift (timebank_id, entry_id, from_member_id, to_member_id, minutes, note, given_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (timebank_id, entry_id) do nothing
returning id
"""
GIVER = "select display_name from member where timebank_id = $1 and id = $2"
GIFT_OF_ENTRY = "select id from gift where timebank_id = $1 and entry_id = $2"


class Give(msgspec.Struct, frozen=True, kw_only=True):
    """A gift of ``minutes``. ``to_member_id`` None gives to the community pot. The receiver reads the note."""

    from_member_id: int
    to_member_id: int | None
    minutes: int
    note: str = ""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The gift was made; ``balance_minutes`` is what the giver has left."""

    entry_id: str
    balance_minutes: int
    gift_id: int = 0


async def give(db: Database, actor: Actor, command: Give, *, key: str, now: datetime) -> Given | list[Refusal]:
    """Move minutes from one member to another, or to the pot, at once.

    Whoever receives it is told. Only they can give it back: a gift cannot be taken back.

    Who keeps apart from whom (``members.blocking``) gives them nothing: to each the other is unknown.

    Refusals: those of :func:`timebank.hours.rules.check_gift`, ``note_too_long`` and ``not_enough_hours``. A refused
    gift changes nothing; asked again with the same key on the same day it stays refused.

    Gifts share transactions through the batcher: each is one entry, and the answer remembered beside it.
    """
    scope = f"give:{actor.name}"
    async with db.reading(actor.timebank_id) as connection:
        earlier = await recall(connection, actor.timebank_id, scope, key, command)
        if earlier is not None:
            return msgspec.convert(earlier, Given)
        facts = await timebank_by_id(connection, actor.timebank_id)
        effective_on = today(now, facts.time_zone)
        version, document = await rules_in_force(connection, actor.timebank_id, effective_on)
        refusals = rules.check_gift(
            actor,
            from_member_id=command.from_member_id,
            to_member_id=command.to_member_id,
            minutes=command.minutes,
            most=document.max_gift_minutes,
            known=await _known(connection, actor.timebank_id, command.from_member_id, command.to_member_id),
        ) + rules.check_note(command.note)
        if refusals:
            return refusals
    entry = rules.gift_entry(
        key=_ledger_key(scope, key, effective_on),
        from_member_id=command.from_member_id,
        to_member_id=command.to_member_id,
        minutes=command.minutes,
        effective_on=effective_on,
        rules_version=version,
        actor=actor,
    )

    async def note(connection: Connection, result: Result) -> None:
        if isinstance(result, Posted) and await claim(connection, actor.timebank_id, scope, key, command) is None:
            gift_id = await _keep(connection, actor.timebank_id, command, result, now)
            given = msgspec.to_builtins(_given(command, result, gift_id))
            await remember(connection, actor.timebank_id, scope, key, given)

    result = await db.batcher.post(actor.timebank_id, entry, note=note)
    if isinstance(result, Refused):
        return await _in_words(db, actor, command, result)
    if not isinstance(result, Posted):
        raise TypeError(f"a gift was answered by {type(result).__name__}")
    async with db.reading(actor.timebank_id) as connection:
        gift_id = await connection.fetchval(GIFT_OF_ENTRY, actor.timebank_id, result.entry_id)
    return _given(command, result, gift_id)


async def _keep(connection: Connection, timebank_id: int, command: Give, posted: Posted, now: datetime) -> int:
    """Keep the note, and tell the receiver."""
    gift_id: int = await connection.fetchval(
        NEW_GIFT,
        timebank_id,
        posted.entry_id,
        command.from_member_id,
        command.to_member_id,
        command.minutes,
        command.note.strip(),
        now,
    )
    if command.to_member_id is not None:
        # Plain SQL: Piccolo does not know the batcher's transaction.
        giver = await connection.fetchval(GIVER, timebank_id, command.from_member_id)
        told = words.given(command.to_member_id, gift_id, giver, command.minutes, command.note.strip())
        await send(connection, timebank_id, [told], now=now)
    return gift_id


async def _in_words(db: Database, actor: Actor, command: Give, refused: Refused) -> list[Refusal]:
    giver = rules.account_of(command.from_member_id)
    if refused.code == "key_reused":
        raise KeyReused(refused.key)
    if refused.code == "overloaded":
        return [Refusal("overloaded", say("Too many are giving hours just now. Please try again in a minute."))]
    if (refused.code, refused.account) != ("insufficient", giver):
        return [Refusal(refused.code, say("These hours cannot move now. Please ask a coordinator."))]
    async with db.reading(actor.timebank_id) as connection:
        there = await balance(connection, actor.timebank_id, giver)
    return [rules.not_enough(there.available or 0, command.minutes)]


def _given(command: Give, result: Posted, gift_id: int) -> Given:
    return Given(
        entry_id=str(result.entry_id),
        balance_minutes=result.balances[rules.account_of(command.from_member_id)],
        gift_id=gift_id,
    )


def _ledger_key(scope: str, key: str, effective_on: date) -> str:
    """A gift has no row of its own to be named after, and the ledger's keys are shorter than scope and key together.

    The day is part of it, because it is part of what the ledger compares: a gift that was refused yesterday may be
    asked for again today.
    """
    return f"{rules.GIFT}:{sha256(f'{scope} {key} {effective_on}').hex()}:1"


async def _known(connection: Connection, timebank_id: int, giver_id: int, receiver_id: int | None) -> frozenset[int]:
    """Who of the two is active; without the receiver when the two keep apart."""
    both = [await member_by_id(connection, timebank_id, each) for each in (giver_id, receiver_id) if each is not None]
    active = frozenset(member.id for member in both if member is not None and member.status == "active")
    return active - await blocking.around(connection, timebank_id, giver_id)
