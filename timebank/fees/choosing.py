"""Choosing what happens to a fee, and to every fee to come; and pricing fees that had no rate."""

from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.budgets import service as budgets
from timebank.db import Connection, Database, Rollback, once
from timebank.fees import following, paying, queries, rules
from timebank.fees.rules import FeeFacts, UnknownFee
from timebank.kit.actor import COORDINATOR, FINANCE, Actor
from timebank.kit.clock import today
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.members.access import note_within
from timebank.rates import queries as rates

SET_CHOSEN = "update fee set state = 'chosen', changed_at = $3 where timebank_id = $1 and id = $2"
CHARITY_OPEN = "select true from payee where timebank_id = $1 and id = $2 and kind = 'charity' and is_open for share"
SET_STANDING = """
insert into fee_standing (timebank_id, member_id, how, payee_id, note, changed_by, changed_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (timebank_id, member_id) do update
   set how = excluded.how, payee_id = excluded.payee_id, note = excluded.note, changed_by = excluded.changed_by,
       changed_at = excluded.changed_at
"""
NO_STANDING = "delete from fee_standing where timebank_id = $1 and member_id = $2"
ASK = "ask"
MAX_PRICED = 400


class ChooseFee(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a fee: ``all``, a ``part`` (``pence`` of it), ``none``, or all to a ``charity`` (``payee_id``).

    ``seen_pence`` is the amount that was shown, when it was. ``how_agreed``: a coordinator says how the member agreed.
    """

    reference: str
    how: str
    pence: int | None = None
    payee_id: int | None = None
    seen_pence: int | None = None
    how_agreed: str = ""


class ChosenFee(msgspec.Struct, frozen=True, kw_only=True):
    """The choice that holds, what it pays in minor units, and the reference of the payment, "" when nothing is paid."""

    reference: str
    how: str
    pence: int
    payable_reference: str


class ChooseEvery(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to every fee to come: ``ask`` each time, ``all``, ``none``, or to a ``charity`` (``payee_id``)."""

    member_id: int
    how: str
    payee_id: int | None = None


class ChosenEvery(msgspec.Struct, frozen=True, kw_only=True):
    """The choice for every fee, as it is kept now."""

    how: str
    payee_id: int | None = None


class PriceFees(msgspec.Struct, frozen=True, kw_only=True):
    """Work out the fees that no rate fitted when they arose."""


class PricedFees(msgspec.Struct, frozen=True, kw_only=True):
    """How many fees have a rate now, and how many of those looked at still have none."""

    priced: int
    without_rate: int


async def choose(
    db: Database, actor: Actor, command: ChooseFee, *, key: str, now: datetime
) -> ChosenFee | list[Refusal]:
    """Choose what happens to a fee, or something else while its money has not left. No reason is asked or kept.

    By the member, or a coordinator for them; a supporter cannot. After the last day to choose only a coordinator can.
    What is taken waits for approval by finance, as everything that is paid. Refusals: those of ``rules.may_choose`` and
    ``rules.check_choice``, ``too_late``, ``charity_unknown``, ``no_budget_left`` (more than before, which its budget
    does not hold any more). Raises UnknownFee.
    """

    async def work(connection: Connection) -> ChosenFee:
        fee = await queries.lock_by_reference(connection, actor.timebank_id, command.reference)
        if fee is None or not rules.may_read(actor, fee.member_id):
            raise UnknownFee(command.reference)
        await _check(connection, actor, fee, command, now)
        return await _choose(connection, actor, fee, command, now)

    return await once(db, actor, "choose_fee", key, command, ChosenFee, work)


async def _check(connection: Connection, actor: Actor, fee: FeeFacts, command: ChooseFee, now: datetime) -> None:
    bank = await banks.by_id(connection, actor.timebank_id)
    if refusal := rules.may_choose(actor, fee.member_id, tidy(command.how_agreed)):
        raise Rollback([refusal])
    refusals = rules.check_choice(
        fee, command.how, command.pence, command.payee_id, seen_pence=command.seen_pence, currency=bank.currency
    )
    if refusals:
        raise Rollback(refusals)
    until = await queries.choose_until(connection, actor.timebank_id, fee)
    if until is not None and today(now, bank.time_zone) > until and not rules.is_helped(actor):
        raise Rollback([Refusal("too_late", say("The time to choose here is over. Ask us, and we sort it out."))])
    await _check_charity(connection, actor, command.payee_id)


async def _check_charity(connection: Connection, actor: Actor, payee_id: int | None) -> None:
    if payee_id is not None and not await connection.fetchval(CHARITY_OPEN, actor.timebank_id, payee_id):
        raise Rollback([Refusal("charity_unknown", say("Choose one of these charities."), "payee_id")])


async def _choose(connection: Connection, actor: Actor, fee: FeeFacts, command: ChooseFee, now: datetime) -> ChosenFee:
    rate = await rates.one(connection, actor.timebank_id, fee.rate_id or 0)
    if rate is None:
        raise RuntimeError(f"fee {fee.id} has no rate")
    await budgets.lock(connection, actor.timebank_id, fee.budget_id)
    money = await paying.money_of(connection, actor.timebank_id, now)
    ended = await paying.plan_end(connection, actor, fee, money)
    if ended is not None and ended.gone:
        raise Rollback([Refusal("has_left", say("This money has left. Ask us if something is wrong."))])
    planned = await paying.plan_choice(
        connection,
        actor,
        money,
        member_id=fee.member_id,
        reference=fee.reference,
        held_on=fee.held_on,
        version=rate.version or 0,
        how=command.how,
        offered_pence=fee.offered_pence,
        pence=rules.paid_pence(fee, command.how, command.pence),
        charity_id=command.payee_id,
        budget_id=fee.budget_id,
        how_agreed=tidy(command.how_agreed),
    )
    items = [item for item in (ended.item if ended else None, planned.item) if item is not None]
    entry_ids = await paying.post(connection, actor, items)
    if ended is not None:
        await paying.keep_end(connection, actor, ended, entry_ids, "The person chose something else.", now)
    payable_reference = await paying.keep_choice(connection, actor, fee.id, planned, entry_ids, now)
    await connection.execute(SET_CHOSEN, actor.timebank_id, fee.id, now)
    await paying.check_budget(connection, actor, fee.budget_id, planned.pence - fee.used_pence)
    await following.add_event(connection, actor, fee.id, "chosen", fee.minutes, planned.pence, now=now)
    await note_within(connection, actor, fee.member_id, mark("chose what happens to your fee"), now=now)
    return ChosenFee(reference=fee.reference, how=command.how, pence=planned.pence, payable_reference=payable_reference)


async def choose_every(
    db: Database, actor: Actor, command: ChooseEvery, *, key: str, now: datetime
) -> ChosenEvery | list[Refusal]:
    """Choose what happens to every fee from now on, or to be asked each time. Fees that wait already are not touched.

    Refusals: ``not_yours``, ``choice_unknown``, ``charity_missing``, ``unwanted_charity``, ``charity_unknown``.
    """
    if actor.member_id is None or (command.member_id != actor.subject_id and not actor.has(COORDINATOR)):
        return [Refusal("not_yours", say("Only you can choose what happens to your fee."))]
    if command.how not in (ASK, *rules.STANDING):
        return [Refusal("choice_unknown", say("Choose what happens to your fee."), "how")]
    if command.how == rules.CHARITY and command.payee_id is None:
        return [Refusal("charity_missing", say("Choose a charity."), "payee_id")]
    if command.how != rules.CHARITY and command.payee_id is not None:
        return [Refusal("unwanted_charity", say("Leave the charity out."), "payee_id")]

    async def work(connection: Connection) -> ChosenEvery:
        await _check_charity(connection, actor, command.payee_id)
        if command.how == ASK:
            await connection.execute(NO_STANDING, actor.timebank_id, command.member_id)
        else:
            await connection.execute(
                SET_STANDING,
                actor.timebank_id,
                command.member_id,
                command.how,
                command.payee_id,
                rules.NOTE,
                actor.member_id,
                now,
            )
        await note_within(
            connection, actor, command.member_id, mark("chose what happens to every fee of yours"), now=now
        )
        return ChosenEvery(how=command.how, payee_id=command.payee_id)

    return await once(db, actor, "choose_every_fee", key, command, ChosenEvery, work)


async def price(
    db: Database, actor: Actor, command: PriceFees, *, key: str, now: datetime
) -> PricedFees | list[Refusal]:
    """Work out fees that had no rate when they arose, once finance has set one; each person is asked then.

    At most :data:`MAX_PRICED` at once. Refusals: ``not_finance``, and those of a budget that has not enough left.
    """
    if actor.member_id is None or not actor.has(FINANCE):
        return [Refusal("not_finance", "Only someone with the finance role can do this. Ask your finance team.")]

    async def work(connection: Connection) -> PricedFees:
        fees = await queries.lock_without_rate(connection, actor.timebank_id, MAX_PRICED)
        plan = await following.plan_price(connection, actor, fees, now=now)
        entry_ids = await paying.post(connection, actor, plan.items)
        await following.keep(connection, actor, plan, entry_ids, now=now)
        return PricedFees(priced=len(plan.changing), without_rate=len(fees) - len(plan.changing))

    return await once(db, actor, "price_fees", key, command, PricedFees, work)
