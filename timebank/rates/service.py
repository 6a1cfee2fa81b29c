"""Setting rates: one person proposes, a second one confirms, and the new rate ends the one before."""

from datetime import date, datetime, timedelta

import msgspec

from timebank.banks import queries as banks
from timebank.budgets import choosing
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.rates import queries, rules
from timebank.rates.rules import RateFacts

# Rates of one time bank are set one after the other: whether a day is free depends on all that are there.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('rates/' || $1::bigint, 0))"
ADD = """
insert into rate (timebank_id, kind, band, fund_id, pence, unit, from_on, note, state, proposed_by, proposed_at,
                  budget_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'proposed', $9, $10, $11)
on conflict do nothing returning id
"""
CONFIRM = """
update rate set state = 'in_use', decided_by = $3, decided_at = $4, version = $5, to_on = $6
 where timebank_id = $1 and id = $2
"""
REFUSE = (
    "update rate set state = 'refused', decided_by = $3, decided_at = $4, why = $5 where timebank_id = $1 and id = $2"
)
END = "update rate set to_on = $3 where timebank_id = $1 and id = $2"
NEXT_VERSION = """
select coalesce(max(version), 0) + 1 from rate
 where timebank_id = $1 and kind = $2 and lower(band) = lower($3) and fund_id is not distinct from $4
"""
ONE_DAY = timedelta(days=1)


class UnknownRate(LookupError):
    """The time bank has no such rate."""


class ProposeRate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate as it shall be from ``from_on`` on, in minor units per ``unit``; without band or fund it is for all.

    ``budget_id``: for fees of groups that have no budget of their own.
    """

    kind: str
    pence: int
    unit: str
    from_on: date
    band: str = ""
    fund_id: int | None = None
    budget_id: int | None = None
    note: str = ""


class DecideRate(msgspec.Struct, frozen=True, kw_only=True):
    """Confirm a proposed rate, or refuse it and say why."""

    rate_id: int
    confirm: bool
    why: str = ""


class SetRate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate and its state now. ``version`` is None until it is confirmed."""

    rate_id: int
    state: str
    version: int | None = None


async def propose(
    db: Database, actor: Actor, command: ProposeRate, *, key: str, now: datetime
) -> SetRate | list[Refusal]:
    """Propose a rate; it holds once a second person has confirmed it.

    Refusals: those of ``rules.check_proposal`` and ``rules.check_days``, ``already_proposed``, ``unknown_fund``,
    ``fund_closed``, and those of ``choosing.check_fits`` for its budget.
    """
    band, note = names.tidy(command.band), command.note.strip()
    refusals = rules.check_proposal(
        actor,
        kind=command.kind,
        band=band,
        pence=command.pence,
        unit=command.unit,
        note=note,
        fund_id=command.fund_id,
        budget_id=command.budget_id,
    )
    if refusals:
        return refusals

    async def work(connection: Connection) -> SetRate:
        await connection.execute(ONE_AT_A_TIME, actor.timebank_id)
        await _check_days(connection, actor, command.kind, band, command.fund_id, command.from_on, now)
        refusals = await choosing.check_fits(
            connection, actor.timebank_id, fund_id=command.fund_id, budget_id=command.budget_id, day=command.from_on
        )
        if refusals:
            raise Rollback(refusals)
        rate_id = await connection.fetchval(
            ADD,
            actor.timebank_id,
            command.kind,
            band,
            command.fund_id,
            command.pence,
            command.unit,
            command.from_on,
            note,
            actor.member_id,
            now,
            command.budget_id,
        )
        if rate_id is None:
            message = "A new rate for this waits already. Confirm or refuse that one first."
            raise Rollback([Refusal("already_proposed", message, "band")])
        return SetRate(rate_id=rate_id, state=rules.PROPOSED)

    return await once(db, actor, "propose_rate", key, command, SetRate, work)


async def decide(
    db: Database, actor: Actor, command: DecideRate, *, key: str, now: datetime
) -> SetRate | list[Refusal]:
    """Confirm a rate, which ends the one before on the day before it begins; or refuse it. Never one's own.

    Who proposed it may refuse it: that takes it back. Refusals: ``not_finance``, ``own_proposal``, ``decided_already``,
    ``reason_missing``, ``reason_too_long``, those of ``rules.check_days``. Raises UnknownRate.
    """

    async def work(connection: Connection) -> SetRate:
        await connection.execute(ONE_AT_A_TIME, actor.timebank_id)
        rate = await queries.one(connection, actor.timebank_id, command.rate_id, lock=True)
        if rate is None:
            raise UnknownRate(command.rate_id)
        why = command.why.strip()
        if refusals := _check_decision(actor, rate, confirm=command.confirm, why=why):
            raise Rollback(refusals)
        if not command.confirm:
            await connection.execute(REFUSE, actor.timebank_id, rate.id, actor.member_id, now, why)
            return SetRate(rate_id=rate.id, state=rules.REFUSED)
        return await _confirm(connection, actor, rate, now)

    return await once(db, actor, "decide_rate", key, command, SetRate, work)


def _check_decision(actor: Actor, rate: RateFacts, *, confirm: bool, why: str) -> list[Refusal]:
    found = [rules.may_set(actor)]
    if rate.state != rules.PROPOSED:
        found.append(Refusal("decided_already", "This rate was decided about already. There is nothing more to do."))
    elif confirm and actor.member_id == rate.proposed_by:
        found.append(Refusal("own_proposal", "You proposed this rate. Ask someone else in finance to confirm it."))
    if not confirm and not why:
        found.append(Refusal("reason_missing", "Say why this rate is refused.", "why"))
    if len(why) > rules.MAX_WHY:
        found.append(Refusal("reason_too_long", f"Use at most {rules.MAX_WHY} characters for the reason.", "why"))
    return [one for one in found if one]


async def _confirm(connection: Connection, actor: Actor, rate: RateFacts, now: datetime) -> SetRate:
    timebank_id = actor.timebank_id
    series = await _check_days(connection, actor, rate.kind, rate.band, rate.fund_id, rate.from_on, now)
    before = [one for one in series if one.from_on < rate.from_on]
    after = [one for one in series if one.from_on > rate.from_on]
    for one in before[-1:]:
        if one.to_on is None or one.to_on >= rate.from_on:
            await connection.execute(END, timebank_id, one.id, rate.from_on - ONE_DAY)
    to_on = after[0].from_on - ONE_DAY if after else None
    version = await connection.fetchval(NEXT_VERSION, timebank_id, rate.kind, rate.band, rate.fund_id)
    await connection.execute(CONFIRM, timebank_id, rate.id, actor.member_id, now, version, to_on)
    return SetRate(rate_id=rate.id, state=rules.IN_USE, version=version)


async def _check_days(
    connection: Connection, actor: Actor, kind: str, band: str, fund_id: int | None, from_on: date, now: datetime
) -> list[RateFacts]:
    """The rates in use of the same kind, band and fund. Raises Rollback when a new one may not begin on that day."""
    bank = await banks.by_id(connection, actor.timebank_id)
    in_use = await queries.in_use(connection, actor.timebank_id, kind)
    day = today(now, bank.time_zone)
    if refusals := rules.check_days(in_use, band=band, fund_id=fund_id, from_on=from_on, today=day):
        raise Rollback(refusals)
    return rules.series(in_use, band, fund_id)
