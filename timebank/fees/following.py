"""Fees follow time: they arise when it is approved, and change or go when it is put right or taken out.

For contributions, inside their transaction and around their one ledger call: plan, post ``items`` with their own, keep.
What has been paid is never asked back by the service: the fee says how much left above what is right, and finance sees.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from ledger import Post, Reverse
from timebank.budgets import service as budgets
from timebank.db import Connection
from timebank.fees import paying, queries, rules, telling
from timebank.fees.paying import Money, PlannedChoice
from timebank.fees.plans import NOTHING, Arising, ChangedTime, Changing, Following, NewFee, budget_of
from timebank.fees.queries import StandingFacts
from timebank.fees.rules import FeeFacts
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.messages.service import Message, send
from timebank.rates import queries as rates
from timebank.rates.rules import FEE, RateFacts, amount

REFERENCE_ATTEMPTS = 5
REASON = "The time was put right."

ADD = """
insert into fee (timebank_id, reference, contribution_id, member_id, activity, band, fund_id, held_on, minutes, rate_id,
                 pence, state, offered, created_at, changed_at, budget_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15)
on conflict (timebank_id, reference) do nothing returning id
"""
CHANGE = """
update fee set held_on = $3, minutes = $4, rate_id = $5, pence = $6, state = $7, offered = $8, changed_at = $9,
               budget_id = $10
 where timebank_id = $1 and id = $2
"""
ADD_EVENT = """
insert into fee_event (timebank_id, fee_id, n, what, minutes, pence, over_pence, by_id, at)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7, $8 from fee_event where timebank_id = $1 and fee_id = $2
"""


async def plan_new(connection: Connection, actor: Actor, new: Sequence[NewFee], *, now: datetime) -> Following:
    """Work out the fees for approved time: by the rate of its day, for each contribution one.

    Where no rate fits, the fee waits until finance has set one. Time that is worth less than half a penny makes none.
    """
    if not new:
        return NOTHING
    money = await paying.money_of(connection, actor.timebank_id, now)
    standing = await _standing(connection, actor, [one.member_id for one in new])
    priced = await _price_new(connection, actor, new)
    await budgets.lock(connection, actor.timebank_id, *(budget_of(one.budget_id, rate) for one, rate, _ in priced))
    arising = []
    for one, rate, pence in priced:
        reference = ids.reference()
        choice = None
        if rate is not None and one.member_id in standing:
            by = standing[one.member_id]
            budget_id = budget_of(one.budget_id, rate)
            choice = await _by_standing(connection, actor, money, by, reference, one.held_on, rate, pence, budget_id)
        arising.append(Arising(one, reference, rate, pence, choice))
    return Following(arising=arising, items=[one.choice.item for one in arising if one.choice and one.choice.item])


async def _price_new(
    connection: Connection, actor: Actor, new: Sequence[NewFee]
) -> list[tuple[NewFee, RateFacts | None, int]]:
    """Each with its rate, or None, and what it is worth; without what is worth nothing."""
    found: dict[tuple[str, date, int | None], RateFacts | None] = {}
    priced = []
    for one in new:
        place = (one.band, one.held_on, one.fund_id)
        if place not in found:
            found[place] = await rates.rate_on(
                connection, actor.timebank_id, FEE, one.band, one.held_on, fund_id=one.fund_id
            )
        rate = found[place]
        pence = amount(rate, one.minutes) if rate else 0
        if rate is None or pence:
            priced.append((one, rate, pence))
    return priced


async def plan_changes(
    connection: Connection, actor: Actor, changes: Sequence[ChangedTime], *, now: datetime
) -> Following:
    """Work out what becomes of the fees of contributions that are put right or taken out; those without a fee have none
    to follow. A payment that has not left is taken back, and the person is asked again.
    """
    wanted = {one.contribution_id: one for one in changes}
    fees = await queries.lock_of_contributions(connection, actor.timebank_id, sorted(wanted)) if wanted else []
    fees = [fee for fee in fees if fee.state != rules.WITHDRAWN]
    if not fees:
        return NOTHING
    money = await paying.money_of(connection, actor.timebank_id, now)
    standing = await _standing(connection, actor, [fee.member_id for fee in fees])
    await budgets.lock(connection, actor.timebank_id, *(fee.budget_id for fee in fees))
    changing = [
        await _change(connection, actor, money, fee, wanted[fee.contribution_id], standing.get(fee.member_id))
        for fee in fees
    ]
    return Following(changing=changing, items=items_of(changing))


def items_of(changing: Sequence[Changing]) -> list[Post | Reverse]:
    """What is taken back, then what is owed anew."""
    back: list[Post | Reverse] = [one.ended.item for one in changing if one.ended and one.ended.item]
    return [*back, *(one.choice.item for one in changing if one.choice and one.choice.item)]


async def _change(
    connection: Connection,
    actor: Actor,
    money: Money,
    fee: FeeFacts,
    to: ChangedTime,
    standing: StandingFacts | None,
    what: str = "corrected",
) -> Changing:
    is_out = to.minutes == 0
    rate = None if is_out else await rate_for(connection, actor, fee, to.held_on)
    pence = amount(rate, to.minutes) if rate else 0
    if not is_out and rate is not None and (pence, rate.id) == (fee.pence, fee.rate_id):
        # Worth the same by the same rate: whatever was chosen holds.
        return Changing(fee, to, what, rate, pence, fee.state, fee.over_pence, None, None)
    keeps_none = fee.how == rules.NONE and rate is not None and pence > fee.gone_pence
    ended = None if keeps_none else await paying.plan_end(connection, actor, fee, money)
    gone = fee.gone_pence + (fee.choice_pence or 0 if ended is not None and ended.gone else 0)
    left, over = max(0, pence - gone), max(0, gone - pence)
    if is_out:
        return Changing(fee, to, "withdrawn", rate, pence, rules.WITHDRAWN, over, ended, None)
    if rate is None:
        return Changing(fee, to, what, rate, pence, rules.NO_RATE, over, ended, None)
    if keeps_none or not left:
        return Changing(fee, to, what, rate, pence, rules.CHOSEN, over, ended, None)
    choice = None
    if standing is not None:
        budget_id = budget_of(fee.budget_id, rate)
        choice = await _by_standing(
            connection, actor, money, standing, fee.reference, to.held_on, rate, left, budget_id
        )
    return Changing(fee, to, what, rate, pence, rules.CHOSEN if choice else rules.WAITING, over, ended, choice)


async def plan_price(connection: Connection, actor: Actor, fees: Sequence[FeeFacts], *, now: datetime) -> Following:
    """Work out fees that had no rate and have one now; those that still have none stay as they are."""
    if not fees:
        return NOTHING
    money = await paying.money_of(connection, actor.timebank_id, now)
    standing = await _standing(connection, actor, [fee.member_id for fee in fees])
    found = [await rate_for(connection, actor, fee, fee.held_on) for fee in fees]
    budget_ids = [budget_of(fee.budget_id, rate) for fee, rate in zip(fees, found, strict=True)]
    await budgets.lock(connection, actor.timebank_id, *budget_ids)
    changing = []
    for fee in fees:
        same = ChangedTime(fee.contribution_id, fee.minutes, fee.held_on)
        one = await _change(connection, actor, money, fee, same, standing.get(fee.member_id), "priced")
        if one.rate is not None:
            changing.append(one)
    return Following(changing=changing, items=items_of(changing))


async def rate_for(connection: Connection, actor: Actor, fee: FeeFacts, held_on: date) -> RateFacts | None:
    """The rate of a fee: the one that it has, as long as its day stays the same."""
    if fee.rate_id is not None and held_on == fee.held_on:
        return await rates.one(connection, actor.timebank_id, fee.rate_id)
    return await rates.rate_on(connection, actor.timebank_id, FEE, fee.band, held_on, fund_id=fee.fund_id)


async def keep(
    connection: Connection, actor: Actor, following: Following, entry_ids: Mapping[str, UUID], *, now: datetime
) -> None:
    """Write the fees down after the caller's ledger call, and tell everybody; ``entry_ids`` are the entries by key."""
    messages: list[Message] = []
    for one in following.arising:
        messages += await _keep_new(connection, actor, one, entry_ids, now)
    for change in following.changing:
        messages += await _keep_change(connection, actor, change, entry_ids, now)
    await _check_budgets(connection, actor, following)
    messages = [each for each in messages if each.member_id != actor.member_id]
    if messages:
        await send(connection, actor.timebank_id, messages, now=now)


async def _check_budgets(connection: Connection, actor: Actor, following: Following) -> None:
    """Nobody is offered a fee that its budget cannot pay. Raises Rollback, see ``paying.check_budget``."""
    more: dict[int | None, int] = {}
    days: dict[int | None, list[date]] = {}
    for new in following.arising:
        more[new.budget_id] = more.get(new.budget_id, 0) + new.used_pence
        days.setdefault(new.budget_id, []).append(new.new.held_on)
    for change in following.changing:
        more[change.budget_id] = more.get(change.budget_id, 0) + change.more_pence
    for budget_id, pence in more.items():
        await paying.check_budget(connection, actor, budget_id, pence, days=days.get(budget_id, ()))


async def _keep_new(
    connection: Connection, actor: Actor, one: Arising, entry_ids: Mapping[str, UUID], now: datetime
) -> list[Message]:
    new, is_waiting = one.new, one.state == rules.WAITING
    fee_id: int | None = await connection.fetchval(
        ADD,
        actor.timebank_id,
        one.reference,
        new.contribution_id,
        new.member_id,
        new.activity,
        new.band,
        new.fund_id,
        new.held_on,
        new.minutes,
        one.rate.id if one.rate else None,
        one.pence,
        one.state,
        1 if is_waiting else 0,
        now,
        one.budget_id,
    )
    if fee_id is None:
        raise RuntimeError("this fee reference is in use")  # one in a million million; the person tries again
    await add_event(connection, actor, fee_id, "arose", new.minutes, one.pence, now=now)
    if one.choice is not None:
        await paying.keep_choice(connection, actor, fee_id, one.choice, entry_ids, now)
        return [telling.by_standing(new.member_id, fee_id, one.reference, one.choice.id)]
    return [telling.offered(new.member_id, fee_id, one.reference, 1)] if is_waiting else []


async def _keep_change(
    connection: Connection, actor: Actor, one: Changing, entry_ids: Mapping[str, UUID], now: datetime
) -> list[Message]:
    fee, to = one.fee, one.to
    offered = fee.offered + one.is_offered
    minutes = to.minutes or fee.minutes
    held_on = to.held_on if to.minutes else fee.held_on
    rate_id = one.rate.id if one.rate else (fee.rate_id if one.state == rules.WITHDRAWN else None)
    row = (held_on, minutes, rate_id, one.pence, one.state, offered, now, one.budget_id)
    await connection.execute(CHANGE, actor.timebank_id, fee.id, *row)
    await add_event(connection, actor, fee.id, one.what, to.minutes, one.pence, over_pence=one.over_pence, now=now)
    if one.ended is not None:
        await paying.keep_end(connection, actor, one.ended, entry_ids, REASON, now)
    if one.choice is not None:
        await paying.keep_choice(connection, actor, fee.id, one.choice, entry_ids, now)
        return [telling.by_standing(fee.member_id, fee.id, fee.reference, one.choice.id)]
    return [telling.offered(fee.member_id, fee.id, fee.reference, offered)] if one.is_offered else []


async def add_event(
    connection: Connection,
    actor: Actor,
    fee_id: int,
    what: str,
    minutes: int,
    pence: int,
    *,
    over_pence: int = 0,
    now: datetime,
) -> None:
    """Write one step into the history of a fee."""
    await connection.execute(
        ADD_EVENT, actor.timebank_id, fee_id, what, minutes, pence, over_pence, actor.member_id, now
    )


async def _standing(connection: Connection, actor: Actor, member_ids: Sequence[int]) -> dict[int, StandingFacts]:
    """The standing choices that hold. Without a person behind it nothing is owed, so the service alone asks instead."""
    if actor.member_id is None:
        return {}
    found = await queries.standing(connection, actor.timebank_id, sorted(set(member_ids)))
    return {member_id: one for member_id, one in found.items() if one.is_good}


async def _by_standing(
    connection: Connection,
    actor: Actor,
    money: Money,
    standing: StandingFacts,
    reference: str,
    held_on: date,
    rate: RateFacts,
    pence: int,
    budget_id: int | None,
) -> PlannedChoice:
    return await paying.plan_choice(
        connection,
        actor,
        money,
        member_id=standing.member_id,
        reference=reference,
        held_on=held_on,
        version=rate.version or 0,
        how=standing.how,
        offered_pence=pence,
        pence=0 if standing.how == rules.NONE else pence,
        charity_id=standing.payee_id,
        budget_id=budget_id,
        is_standing=True,
    )
