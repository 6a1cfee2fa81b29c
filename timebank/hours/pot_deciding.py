"""Giving hours from the community pot: deciding about an ask, and a coordinator who gives of their own accord."""

from datetime import datetime

import msgspec

import ledger
from timebank.banks.queries import by_id as timebank_by_id
from timebank.banks.queries import rules_in_force
from timebank.db import Connection, Database, Rollback, once
from timebank.hours import pot_queries, pot_rules, words
from timebank.hours.pot_service import PotAskNow, locked, new_ask, require_active, rules_now, tell_deciders
from timebank.hours.rules import POT, POT_HELP, pot_entry
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.messages.service import send

DECIDE = """
update pot_ask
   set state = $3, given_minutes = $4, decided_by = $5, decided_at = $6, reason = $7, entry_id = $8
 where timebank_id = $1 and id = $2
"""


class DecidePotAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Give ``minutes`` of what was asked, or 0 for no. ``reason`` is read by the member; a no, or less, needs one."""

    ask_id: int
    minutes: int
    reason: str = ""


class GivePotHours(msgspec.Struct, frozen=True, kw_only=True):
    """Give ``minutes`` from the pot without being asked, and why."""

    member_id: int
    minutes: int
    reason: str


async def decide(
    db: Database, actor: Actor, command: DecidePotAsk, *, key: str, now: datetime
) -> PotAskNow | list[Refusal]:
    """Decide about an ask. The member is told, with the reason.

    Refusals: those of ``pot_rules.check_decider`` and ``check_decision``, ``ask_decided``, ``member_unknown`` and
    ``pot_not_enough``; a refused decision changes nothing.

    Raises:
        LookupError: there is no such ask.
    """

    async def work(connection: Connection) -> PotAskNow:
        found = await locked(connection, actor.timebank_id, command.ask_id)
        reason = command.reason.strip()
        refusals = pot_rules.check_decider(
            actor, member_id=found["member_id"], asked_by=found["asked_by"]
        ) or pot_rules.check_decision(given_minutes=command.minutes, asked_minutes=found["minutes"], reason=reason)
        if refusals:
            raise Rollback(refusals)
        if found["state"] != pot_rules.WAITING:
            raise Rollback([Refusal("ask_decided", "Somebody has decided this already.")])
        return await _settle(
            connection,
            actor,
            command.ask_id,
            found["member_id"],
            asked_minutes=found["minutes"],
            minutes=command.minutes,
            reason=reason,
            is_offered=found["kind"] == pot_rules.OFFERED,
            now=now,
        )

    return await once(db, actor, "decide_pot_ask", key, command, PotAskNow, work)


async def give_from_pot(
    db: Database, actor: Actor, command: GivePotHours, *, key: str, now: datetime
) -> PotAskNow | list[Refusal]:
    """A coordinator gives hours from the pot: at once up to what the rules let one person give, else when a second
    person has agreed (state ``waiting``).

    Refusals: ``not_allowed``, ``own_ask``, ``reason_missing``, ``reason_too_long``, those of
    ``pot_rules.check_minutes``, ``member_unknown``, ``ask_waiting``, ``pot_not_enough``.
    """
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator gives from the pot.")]
    if actor.member_id is None or command.member_id == actor.member_id:
        return [Refusal("own_ask", "This would be your own hours. Ask somebody else.", "member_id")]
    reason = command.reason.strip()
    if not reason:
        return [Refusal("reason_missing", "Say why, in a sentence that they can read.", "reason")]
    if len(reason) > pot_rules.MAX_WHAT_FOR:
        return [Refusal("reason_too_long", f"Use up to {pot_rules.MAX_WHAT_FOR} letters.", "reason")]

    async def work(connection: Connection) -> PotAskNow:
        document = await rules_now(connection, actor.timebank_id, now)
        if refusals := pot_rules.check_minutes(command.minutes, document.max_pot_help_minutes):
            raise Rollback(refusals)
        await require_active(connection, actor.timebank_id, command.member_id)
        ask_id = await new_ask(connection, actor, command.member_id, pot_rules.OFFERED, command.minutes, reason, now)
        if command.minutes > document.pot_alone_up_to_minutes:
            await tell_deciders(connection, actor, ask_id, command.member_id, command.minutes, now)
            return PotAskNow(ask_id=ask_id, state=pot_rules.WAITING)
        return await _settle(
            connection,
            actor,
            ask_id,
            command.member_id,
            asked_minutes=command.minutes,
            minutes=command.minutes,
            reason=reason,
            is_offered=True,
            now=now,
        )

    return await once(db, actor, "give_from_pot", key, command, PotAskNow, work)


async def _settle(
    connection: Connection,
    actor: Actor,
    ask_id: int,
    member_id: int,
    *,
    asked_minutes: int,
    minutes: int,
    reason: str,
    is_offered: bool,
    now: datetime,
) -> PotAskNow:
    """Post the entry, keep the decision, tell the member."""
    entry_id = None
    if minutes:
        await require_active(connection, actor.timebank_id, member_id)
        facts = await timebank_by_id(connection, actor.timebank_id)
        day = today(now, facts.time_zone)
        version, _ = await rules_in_force(connection, actor.timebank_id, day)
        entry = pot_entry(
            key=f"{POT_HELP}:{ask_id}:1",
            member_id=member_id,
            minutes=minutes,
            effective_on=day,
            rules_version=version,
            actor=actor,
        )
        result = await ledger.post(connection, actor.timebank_id, entry)
        if not isinstance(result, ledger.Posted):
            raise Rollback([await _in_words(connection, actor.timebank_id, result)])
        entry_id = result.entry_id
    state = pot_rules.GIVEN if minutes else pot_rules.DECLINED
    await connection.execute(
        DECIDE, actor.timebank_id, ask_id, state, minutes or None, actor.member_id, now, reason, entry_id
    )
    told = words.answered(
        member_id,
        ask_id,
        asked_minutes=asked_minutes,
        given_minutes=minutes,
        reason=reason,
        is_offered=is_offered,
    )
    await send(connection, actor.timebank_id, [told], now=now)
    return PotAskNow(ask_id=ask_id, state=state, given_minutes=minutes)


async def _in_words(connection: Connection, timebank_id: int, result: ledger.Result) -> Refusal:
    """Why the ledger did not move the hours."""
    if not isinstance(result, ledger.Refused):
        raise TypeError(f"help from the pot was answered by {type(result).__name__}")
    if (result.code, result.account) != ("insufficient", POT):
        return Refusal(result.code, "These hours cannot move now. Ask an administrator.")
    return pot_rules.pot_has(await pot_queries.in_the_pot(connection, timebank_id))
