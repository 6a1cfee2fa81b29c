"""Giving hours to another member, or to the community pot."""

from datetime import datetime

import msgspec

from ledger import Posted, Refused, balance, post_batch
from timebank.banks.queries import by_id as timebank_by_id
from timebank.db import Connection, Database, Rollback, claim, remember
from timebank.hours import rules
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.members.queries import by_id as member_by_id


class Give(msgspec.Struct, frozen=True, kw_only=True):
    """A gift of ``minutes``. ``to_member_id`` None gives to the community pot."""

    from_member_id: int
    to_member_id: int | None
    minutes: int


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The gift was made; ``balance_minutes`` is what the giver has left."""

    entry_id: str
    balance_minutes: int


async def give(db: Database, actor: Actor, command: Give, *, key: str, now: datetime) -> Given | list[Refusal]:
    """Move minutes from one member to another, or to the pot, at once.

    Refusals: those of :func:`timebank.hours.rules.check_gift` and ``not_enough_hours``. A refused gift changes nothing.
    """
    try:
        async with db.writing(actor.timebank_id) as connection:
            scope = f"give:{actor.name}"
            earlier = await claim(connection, actor.timebank_id, scope, key, command)
            if earlier is not None:
                return msgspec.convert(earlier, Given)
            given = await _give(connection, actor, command, key=_ledger_key(scope, key), now=now)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(given))
            return given
    except Rollback as rollback:
        return rollback.refusals


async def _give(connection: Connection, actor: Actor, command: Give, *, key: str, now: datetime) -> Given:
    refusals = rules.check_gift(
        actor,
        from_member_id=command.from_member_id,
        to_member_id=command.to_member_id,
        minutes=command.minutes,
        known=await _active(connection, actor.timebank_id, command.from_member_id, command.to_member_id),
    )
    if refusals:
        raise Rollback(refusals)
    facts = await timebank_by_id(connection, actor.timebank_id)
    entry = rules.gift_entry(
        key=key,
        from_member_id=command.from_member_id,
        to_member_id=command.to_member_id,
        minutes=command.minutes,
        effective_on=today(now, facts.time_zone),
        actor=actor,
    )
    (result,) = await post_batch(connection, actor.timebank_id, [entry])
    giver = rules.account_of(command.from_member_id)
    if isinstance(result, Refused):
        if result.code == "insufficient" and result.account == giver:
            there = await balance(connection, actor.timebank_id, giver)
            raise Rollback([rules.not_enough(there.available or 0, command.minutes)])
        raise Rollback([Refusal(result.code, "These hours cannot move now. Please ask a coordinator.")])
    if not isinstance(result, Posted):
        raise TypeError(f"a gift was answered by {type(result).__name__}")
    return Given(entry_id=str(result.entry_id), balance_minutes=result.balances[giver])


def _ledger_key(scope: str, key: str) -> str:
    """A gift has no row of its own to be named after, and the ledger's keys are shorter than scope and key together."""
    return f"{rules.GIFT}:{sha256(f'{scope} {key}').hex()}:1"


async def _active(connection: Connection, timebank_id: int, *member_ids: int | None) -> frozenset[int]:
    found = [await member_by_id(connection, timebank_id, each) for each in member_ids if each is not None]
    return frozenset(member.id for member in found if member is not None and member.status == "active")
