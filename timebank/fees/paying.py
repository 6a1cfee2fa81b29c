"""What choices do to money: the ledger items of a choice, and its row and payment once they are posted.

A choice is planned before the transaction's one ledger call and kept after it. A fee that somebody gives to a charity
is owed to the charity from the beginning: it never stands to the person's account, and one reversal takes it back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from ledger import Post, Reverse
from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.budgets import rules as budget_rules
from timebank.budgets import service as budgets
from timebank.db import Connection, Rollback
from timebank.fees import rules
from timebank.fees.rules import FeeFacts
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.payees.service import member_as_payee, open_payable_account
from timebank.payments import entries
from timebank.payments import service as payments
from timebank.payments.rules import NewPayable

SOURCE: Final[Literal["fee"]] = "fee"

NEW_CHOICE_ID = "select nextval('fee_choice_id_seq')"
ADD_CHOICE = """
insert into fee_choice (timebank_id, id, fee_id, how, offered_pence, pence, payee_id, note, is_standing, how_agreed,
                        by_id, acting_id, at, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'live')
"""
END_CHOICE = "update fee_choice set state = $3 where timebank_id = $1 and id = $2"


@dataclass(frozen=True, slots=True)
class Money:
    """What a payment of a fee needs to know: the time bank, the day to post on, and until when it is to be paid."""

    bank: TimeBankFacts
    post_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class PlannedChoice:
    """A choice that will be kept once its ``item`` is posted; without an item nothing is paid."""

    id: int
    how: str
    offered_pence: int
    pence: int
    payee_id: int | None
    is_standing: bool
    how_agreed: str
    owed: NewPayable | None
    item: Post | None


@dataclass(frozen=True, slots=True)
class EndedChoice:
    """A choice that holds no longer: ``item`` takes its payment back; ``gone`` when that has left already."""

    id: int
    gone: bool
    item: Reverse | None


async def money_of(connection: Connection, timebank_id: int, now: datetime) -> Money:
    """Read once for all fees of a use case; opens the account of what fees cost."""
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    _, document = await banks.rules_in_force(connection, timebank_id, day)
    await payments.open_expense_account(connection, timebank_id, "fee")
    post_on = await payments.local_day(connection, timebank_id, now)
    return Money(bank=bank, post_on=post_on, due_on=day + timedelta(days=document.payment_days))


async def plan_choice(
    connection: Connection,
    actor: Actor,
    money: Money,
    *,
    member_id: int,
    reference: str,
    held_on: date,
    version: int,
    how: str,
    offered_pence: int,
    pence: int,
    charity_id: int | None,
    budget_id: int | None,
    is_standing: bool = False,
    how_agreed: str = "",
) -> PlannedChoice:
    """Work a choice out: whom it pays, and the ledger entry of what is owed. ``version`` is the rate's.

    ``budget_id`` is the fee's budget: lock it before, and :func:`check_budget` after all is written down.
    """
    choice_id: int = await connection.fetchval(NEW_CHOICE_ID)
    payee_id: int | None = None
    if pence and charity_id is not None:
        payee_id = charity_id
        await open_payable_account(connection, actor.timebank_id, payee_id)
    elif pence:
        name = (await members.names(connection, actor.timebank_id, [member_id])).get(member_id, "")
        payee_id = await member_as_payee(connection, actor.timebank_id, member_id, name)
    owed = item = None
    if payee_id is not None:
        owed = NewPayable(
            kind="fee",
            payee_id=payee_id,
            pence=pence,
            currency=money.bank.currency,
            # Remittance advice shows it, and what a group is about is nobody else's business.
            description=f"Involvement fee {reference}, {held_on.day} {held_on:%B %Y}, rate {version}",
            source_kind=SOURCE,
            source_id=choice_id,
            earned_on=held_on,
            due_on=money.due_on,
            budget_id=budget_id,
        )
        key = f"fee_choice:{choice_id}:1"
        item = entries.expense_entry(owed, key=key, actor=actor, effective_on=money.post_on)
    return PlannedChoice(
        id=choice_id,
        how=how,
        offered_pence=offered_pence,
        pence=pence,
        payee_id=payee_id,
        is_standing=is_standing,
        how_agreed=how_agreed,
        owed=owed,
        item=item,
    )


async def plan_end(connection: Connection, actor: Actor, fee: FeeFacts, money: Money) -> EndedChoice | None:
    """End the choice that holds; None when there is none. What has left stays where it is."""
    if fee.choice_id is None:
        return None
    if fee.payable_reference is None or fee.is_stopped:
        return EndedChoice(fee.choice_id, gone=False, item=None)
    found = await payments.cancellation(
        connection,
        actor,
        SOURCE,
        fee.choice_id,
        key=f"fee_choice_ended:{fee.choice_id}:1",
        effective_on=money.post_on,
    )
    if isinstance(found, Refusal) or fee.settled_pence:
        return EndedChoice(fee.choice_id, gone=True, item=None)
    return EndedChoice(fee.choice_id, gone=False, item=found)


async def keep_end(
    connection: Connection, actor: Actor, ended: EndedChoice, entry_ids: Mapping[str, UUID], reason: str, now: datetime
) -> None:
    """Write down that a choice has ended, after its item was posted."""
    state = rules.GONE if ended.gone else rules.ENDED
    await connection.execute(END_CHOICE, actor.timebank_id, ended.id, state)
    if ended.item is not None:
        await payments.record_cancelled(
            connection, actor, SOURCE, ended.id, entry_id=entry_ids[ended.item.key], now=now, reason=reason
        )


async def keep_choice(
    connection: Connection,
    actor: Actor,
    fee_id: int,
    planned: PlannedChoice,
    entry_ids: Mapping[str, UUID],
    now: datetime,
) -> str:
    """Write a choice down and what it owes, after its item was posted. Returns the payment's reference, "" for none."""
    await connection.execute(
        ADD_CHOICE,
        actor.timebank_id,
        planned.id,
        fee_id,
        planned.how,
        planned.offered_pence,
        planned.pence,
        planned.payee_id,
        rules.NOTE,
        planned.is_standing,
        planned.how_agreed,
        actor.member_id,
        actor.acting_id,
        now,
    )
    if planned.owed is None or planned.item is None:
        return ""
    entry_id = entry_ids[planned.item.key]
    return await payments.record_payable(connection, actor, planned.owed, entry_id=entry_id, now=now, is_promised=True)


async def check_budget(
    connection: Connection, actor: Actor, budget_id: int | None, pence: int, *, days: Iterable[date] = ()
) -> None:
    """Go on only when the budget, locked before, bears ``pence`` more for fees, as they are written down now.

    ``days``: those of fees that are new. Nobody is offered money that is not there; who is not staff reads no figures.

    Raises:
        Rollback: those of ``budgets.service.check`` for staff, ``no_budget_left`` for everybody else.
    """
    if budget_id is None or pence <= 0:
        return
    try:
        await budgets.check(connection, actor.timebank_id, budget_id, pence=pence)
        for day in sorted(set(days)):
            await budgets.check(connection, actor.timebank_id, budget_id, day=day)
    except Rollback as rollback:
        if any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN)):
            raise
        raise Rollback([budget_rules.no_money_for_this()]) from rollback


async def post(connection: Connection, actor: Actor, items: Sequence[Post | Reverse]) -> dict[str, UUID]:
    """The one ledger call of a use case of this room; the entries' ids by key."""
    if not items:
        return {}
    ids = await payments.post(connection, actor, items)
    return {item.key: entry_id for item, entry_id in zip(items, ids, strict=True)}
