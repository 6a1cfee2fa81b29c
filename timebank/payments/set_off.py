"""Setting off: what we owe a payee against what that payee owes us, when no payment is left to make."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.payees.rules import IN_CASH, credit_account, payable_account
from timebank.payments import credit_queries, entries, queries, rules
from timebank.payments.credit_queries import CreditLeft
from timebank.payments.credits import next_use, use_credit
from timebank.payments.rules import PayableFacts
from timebank.payments.service import abandon_if, add_settled, local_day, post

APPROVED_OF_PAYEE = queries.FACTS + " and p.payee_id = $2 and p.state = 'approved' order by p.id" + queries.LOCK


class SettleDebt(msgspec.Struct, frozen=True, kw_only=True):
    """Set what is approved for a payee off against what that payee owes us."""

    payee_id: int


class DebtSettled(msgspec.Struct, frozen=True, kw_only=True):
    """What was set off, in minor units, and the payables in it."""

    pence: int
    payables: list[str]


async def settle_debt(
    db: Database, actor: Actor, command: SettleDebt, *, key: str, now: datetime
) -> DebtSettled | list[Refusal]:
    """Set all that is approved for a payee off against credits that cover it: both are settled, and nothing is paid.

    Cash is handed over for one payable at a time, so of a payee in cash those are set off that the credits cover.

    Refusals: ``not_finance``, ``nothing_ready``, ``credit_too_small`` (then the next payment keeps it back).
    """

    async def work(connection: Connection) -> DebtSettled:
        abandon_if(rules.check_finance(actor))
        timebank_id = actor.timebank_id
        rows = await connection.fetch(APPROVED_OF_PAYEE, timebank_id, command.payee_id)
        payables = [payable for payable in queries.as_facts(rows) if rules.is_approval_good(payable)]
        if not payables:
            raise Rollback([Refusal("nothing_ready", "Nothing is approved for this payee. Approve a payment first.")])
        left = await credit_queries.left(connection, timebank_id, [command.payee_id], lock=True)
        credit = sum(one.left_pence for one in left)
        if payables[0].pay_by == IN_CASH:
            payables = _covered(payables, credit) or payables
        total = sum(payable.next_pence for payable in payables)
        if credit < total:
            raise Rollback([_too_small(payables[0], total, credit)])
        parts = _set_off(payables, left)
        n = await next_use(connection, timebank_id, left[0].id)
        day = await local_day(connection, timebank_id, now)
        item = entries.transfer_entry(
            payable_account(command.payee_id),
            credit_account(command.payee_id),
            total,
            payables[0].currency,
            kind="payable_set_off",
            key=f"credit_set_off:{left[0].id}:{n}",
            actor=actor,
            effective_on=day,
            reference=payables[0].reference,
        )
        [entry_id] = await post(connection, actor, [item])
        for payable, credit_id, pence in parts:
            await use_credit(
                connection, actor, credit_id, "debt", pence, payable_id=payable.id, on=day, entry_id=entry_id, now=now
            )
        for payable in payables:
            reason = "Set off against what they owe us."
            await add_settled(
                connection, actor, payable, payable.next_pence, on=day, reason=reason, entry_id=entry_id, now=now
            )
        return DebtSettled(pence=total, payables=[payable.reference for payable in payables])

    return await once(db, actor, "settle_debt", key, command, DebtSettled, work)


def _covered(payables: Sequence[PayableFacts], credit: int) -> list[PayableFacts]:
    """Those that so much credit covers whole, in their order."""
    found = []
    for payable in payables:
        if payable.next_pence <= credit:
            found.append(payable)
            credit -= payable.next_pence
    return found


def _too_small(payable: PayableFacts, total: int, credit: int) -> Refusal:
    owed, owing = in_words(total, payable.currency), in_words(credit, payable.currency)
    way = "Pay in cash" if payable.pay_by == IN_CASH else "Export"
    text = f"They owe {owing} and are owed {owed}. {way}: what they owe is kept back."
    return Refusal("credit_too_small", text)


def _set_off(payables: Sequence[PayableFacts], left: Sequence[CreditLeft]) -> list[tuple[PayableFacts, int, int]]:
    """How much of which credit goes to which payable, both in the order of their ids."""
    found, remaining = [], [[one.id, one.left_pence] for one in left]
    for payable in payables:
        wanted = payable.next_pence
        while wanted:
            credit = remaining[0]
            pence = min(wanted, credit[1])
            found.append((payable, credit[0], pence))
            wanted -= pence
            credit[1] -= pence
            if not credit[1]:
                remaining.pop(0)
    return found
