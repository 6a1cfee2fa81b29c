"""Access costs: booked with a supplier and paid like any payable, or given in cash and accounted for with receipts."""

from datetime import datetime, timedelta
from typing import Final

from ledger import open_account
from timebank.banks import queries as banks
from timebank.claims import access_queries, access_rules, entries, occasions, paid_from, receipts, rules, telling
from timebank.claims.access_commands import AccessNow, AddReceipt, BookAccess, CancelAccess, GiveAdvance, Settle
from timebank.claims.access_rules import ADVANCE, SUPPLIER, AccessFacts, UnknownAccessCost
from timebank.claims.lines import situation
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.ids import reference as new_reference
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.messages.service import send as tell
from timebank.payees import queries as payees
from timebank.payees.service import member_as_payee, open_payable_account
from timebank.payments import entries as payment_entries
from timebank.payments import service as payments
from timebank.payments import taking_back
from timebank.payments.rules import NewPayable

ADD = """
insert into access_cost (timebank_id, reference, member_id, session_id, kind, way, payee_id, day, what_for, pence,
                         signed_name, state, made_by, made_at, budget_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (timebank_id, reference) do nothing
returning id
"""
ENTRY = "update access_cost set entry_id = $3 where timebank_id = $1 and id = $2"
ADD_RECEIPT = """
insert into access_receipt (timebank_id, access_cost_id, n, what, pence, receipt_id, no_receipt_why, added_by, added_at)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7, $8
  from access_receipt where timebank_id = $1 and access_cost_id = $2
returning n
"""
END = """
update access_cost
   set state = $3, spent_pence = $4, returned_pence = $5, ended_by = $6, ended_at = $7, end_reason = $8,
       end_entry_ids = $9
 where timebank_id = $1 and id = $2
"""
REFERENCE_ATTEMPTS = 5
KIND: Final = "access"


async def book(
    db: Database, actor: Actor, command: BookAccess, *, key: str, now: datetime
) -> AccessNow | list[Refusal]:
    """Book with a supplier; they are owed it at once, and a second person in finance approves it.

    Refusals: those of ``access_rules.check_new``, ``unknown_member``, ``unknown_session``, ``unknown_payee``, and those
    of ``budgets.service.check`` when the budget has not enough left.
    """

    async def work(connection: Connection) -> AccessNow:
        timebank_id = actor.timebank_id
        bank, in_force, _ = await situation(connection, timebank_id, now)
        _stop(_check(actor, command, bank.currency))
        await _known(connection, timebank_id, command.member_id, command.session_id)
        payee = None
        if 0 < command.payee_id <= MAX_KEY:
            payee = await payees.payee(connection, timebank_id, command.payee_id)
        if payee is None or payee.kind != "supplier" or not payee.is_open:
            raise Rollback([Refusal("unknown_payee", "Choose the supplier from the list.", "payee_id")])
        budget_id = await paid_from.chosen(connection, timebank_id, command.budget_id, [command.session_id])
        made, reference = await _add(
            connection, actor, command, SUPPLIER, payee.id, "", access_rules.BOOKED, budget_id, now
        )
        day = await payments.local_day(connection, timebank_id, now)
        await open_payable_account(connection, timebank_id, payee.id)
        await payments.open_expense_account(connection, timebank_id, KIND)
        new = NewPayable(
            kind=KIND,
            payee_id=payee.id,
            pence=command.pence,
            currency=bank.currency,
            # No name: a supplier's invoice and a bank statement say enough.
            description=f"{access_rules.KIND_NAMES[command.kind]}, booking {reference}",
            source_kind="access_cost",
            source_id=made,
            earned_on=command.day,
            due_on=max(day, command.day) + timedelta(days=in_force.payment_days),
            budget_id=budget_id,
        )
        item = payment_entries.expense_entry(new, key=f"book_access:{made}:1", actor=actor, effective_on=day)
        [entry_id] = await payments.post(connection, actor, [item])
        await connection.execute(ENTRY, timebank_id, made, entry_id)
        payment = await payments.record_payable(connection, actor, new, entry_id=entry_id, now=now, is_promised=True)
        await paid_from.check(connection, timebank_id, budget_id, new.pence, command.day)
        told = telling.booked_for_you(made, command.member_id, command.kind, command.day)
        await tell(connection, timebank_id, [told], now=now)
        return AccessNow(reference=reference, state=access_rules.BOOKED, payment=payment)

    return await once(db, actor, "book_access", key, command, AccessNow, work)


async def cancel(
    db: Database, actor: Actor, command: CancelAccess, *, key: str, now: datetime
) -> AccessNow | list[Refusal]:
    """Cancel a booking and what is owed for it; where its payment has left already, the supplier owes it back.

    Refusals: those of ``access_rules.check_cancel``, ``credited_before``. Raises UnknownAccessCost.
    """
    reason = names.tidy(command.reason)

    async def work(connection: Connection) -> AccessNow:
        cost = await _locked(connection, actor, command.reference)
        _stop(access_rules.check_cancel(actor, cost, reason))
        day = await payments.local_day(connection, actor.timebank_id, now)
        back = await taking_back.plan(
            connection, actor, "access_cost", cost.id, key=f"cancel_access:{cost.id}:1", effective_on=day
        )
        if isinstance(back, Refusal):
            raise Rollback([back])
        entry_ids = []
        if back is not None:  # finance may have cancelled the payment before
            entry_ids = await payments.post(connection, actor, back.items)
            await taking_back.record(connection, actor, back, entry_ids, reason=reason, now=now)
        values = (access_rules.CANCELLED, 0, 0, actor.member_id, now, reason, entry_ids)
        await connection.execute(END, actor.timebank_id, cost.id, *values)
        told = telling.booking_cancelled(cost.id, cost.member_id, cost.day, reason)
        await tell(connection, actor.timebank_id, [told], now=now)
        return AccessNow(reference=cost.reference, state=access_rules.CANCELLED)

    return await once(db, actor, "cancel_access", key, command, AccessNow, work)


async def give_advance(
    db: Database, actor: Actor, command: GiveAdvance, *, key: str, now: datetime
) -> AccessNow | list[Refusal]:
    """Give cash in advance, against a signature. Refusals: those of ``access_rules.check_new`` and ``check_signed``,
    ``unknown_member``, ``unknown_session``.
    """
    signed_name = names.tidy(command.signed_name)

    async def work(connection: Connection) -> AccessNow:
        timebank_id = actor.timebank_id
        bank, _, _ = await situation(connection, timebank_id, now)
        _stop([*_check(actor, command, bank.currency), *access_rules.check_signed(signed_name)])
        name = await _known(connection, timebank_id, command.member_id, command.session_id)
        payee_id = await member_as_payee(connection, timebank_id, command.member_id, name)
        budget_id = await paid_from.chosen(connection, timebank_id, command.budget_id, [command.session_id])
        made, reference = await _add(
            connection, actor, command, ADVANCE, payee_id, signed_name, access_rules.GIVEN, budget_id, now
        )
        await _open_accounts(connection, timebank_id, payee_id)
        item = entries.given_entry(
            payee_id=payee_id,
            pence=command.pence,
            currency=bank.currency,
            key=f"give_advance:{made}:1",
            actor=actor,
            day=await payments.local_day(connection, timebank_id, now),
            reference=reference,
        )
        [entry_id] = await payments.post(connection, actor, [item])
        await connection.execute(ENTRY, timebank_id, made, entry_id)
        await paid_from.check(connection, timebank_id, budget_id, command.pence, command.day)
        told = telling.money_given(made, command.member_id, command.pence, bank.currency, command.day)
        await tell(connection, timebank_id, [told], now=now)
        return AccessNow(reference=reference, state=access_rules.GIVEN)

    return await once(db, actor, "give_advance", key, command, AccessNow, work)


async def add_receipt(
    db: Database, actor: Actor, command: AddReceipt, *, key: str, now: datetime
) -> AccessNow | list[Refusal]:
    """Add a receipt to an advance. Refusals: those of ``access_rules.check_receipt``, ``receipt_needed``,
    ``photo_gone``, ``same_photo``. Raises UnknownAccessCost.
    """
    what, why = names.tidy(command.what), names.tidy(command.no_receipt_why)

    async def work(connection: Connection) -> AccessNow:
        timebank_id = actor.timebank_id
        bank, in_force, _ = await situation(connection, timebank_id, now)
        cost = await _locked(connection, actor, command.reference)
        has_photo = command.receipt_id is not None
        _stop(
            access_rules.check_receipt(
                actor,
                cost,
                what=what,
                pence=command.pence,
                has_photo=has_photo,
                no_receipt_why=why,
                currency=bank.currency,
            )
        )
        if not has_photo:
            line = rules.NewLine(kind=rules.OTHER, day=cost.day, no_receipt_why=why)
            missing = rules.check_receipt(line, command.pence, in_force.receipt_needed_above_pence, bank.currency)
            _stop([missing] if missing else [])
        elif not await receipts.is_own(connection, timebank_id, cost.member_id, command.receipt_id or 0):
            raise Rollback([Refusal("photo_gone", "The photo is not here any more. Choose it again.", "photo")])
        elif await access_queries.is_used(connection, timebank_id, command.receipt_id or 0):
            message = "This photo shows a cost that is here already. Look at it again."
            raise Rollback([Refusal("same_photo", message, "photo")])
        values = (what, command.pence, command.receipt_id, why, actor.member_id, now)
        await connection.execute(ADD_RECEIPT, timebank_id, cost.id, *values)
        return AccessNow(reference=cost.reference, state=cost.state)

    return await once(db, actor, "add_access_receipt", key, command, AccessNow, work)


async def settle(db: Database, actor: Actor, command: Settle, *, key: str, now: datetime) -> AccessNow | list[Refusal]:
    """Account for an advance in one ledger call; what they spent beyond it becomes a payment to them.

    Refusals: those of ``access_rules.check_settle``, ``budget_overspent`` (they spent more than its budget has left).
    Raises UnknownAccessCost.
    """

    async def work(connection: Connection) -> AccessNow:
        timebank_id = actor.timebank_id
        bank, in_force, _ = await situation(connection, timebank_id, now)
        cost = await _locked(connection, actor, command.reference)
        _stop(access_rules.check_settle(actor, cost, returned_pence=command.returned_pence, currency=bank.currency))
        day = await payments.local_day(connection, timebank_id, now)
        await paid_from.chosen(connection, timebank_id, cost.budget_id, [])
        await payments.open_expense_account(connection, timebank_id, KIND)
        items = [
            entries.settled_entry(
                payee_id=cost.payee_id,
                spent_pence=min(cost.spent_pence, cost.pence),
                returned_pence=command.returned_pence,
                currency=bank.currency,
                key=f"settle_advance:{cost.id}:1",
                actor=actor,
                day=day,
                reference=cost.reference,
            )
        ]
        owed = None
        if cost.owed_pence:
            owed = NewPayable(
                kind=KIND,
                payee_id=cost.payee_id,
                pence=cost.owed_pence,
                currency=bank.currency,
                description=f"Access costs beyond advance {cost.reference}",
                source_kind="access_cost",
                source_id=cost.id,
                earned_on=cost.day,
                due_on=day + timedelta(days=in_force.payment_days),
                budget_id=cost.budget_id,
            )
            key_two = f"settle_advance:{cost.id}:2"
            items.append(payment_entries.expense_entry(owed, key=key_two, actor=actor, effective_on=day))
        entry_ids = await payments.post(connection, actor, items)
        payment = ""
        if owed is not None:
            payment = await payments.record_payable(
                connection, actor, owed, entry_id=entry_ids[1], made_by=cost.made_by, now=now, is_promised=True
            )
        values = (access_rules.SETTLED, cost.spent_pence, command.returned_pence, actor.member_id, now, "", entry_ids)
        await connection.execute(END, timebank_id, cost.id, *values)
        await paid_from.check(connection, timebank_id, cost.budget_id, cost.owed_pence, None)
        told = telling.settled(cost.id, cost.member_id, cost.owed_pence, bank.currency)
        await tell(connection, timebank_id, [told], now=now)
        return AccessNow(reference=cost.reference, state=access_rules.SETTLED, payment=payment)

    return await once(db, actor, "settle_advance", key, command, AccessNow, work)


def _check(actor: Actor, command: BookAccess | GiveAdvance, currency: str) -> list[Refusal]:
    return access_rules.check_new(
        actor,
        member_id=command.member_id,
        kind=command.kind,
        pence=command.pence,
        what_for=command.what_for,
        currency=currency,
    )


async def _known(connection: Connection, timebank_id: int, member_id: int, session_id: int | None) -> str:
    """The member's name. Raises Rollback when the member or the session is not there."""
    member = await members.by_id(connection, timebank_id, member_id)
    if member is None or member.status == "left":
        raise Rollback([Refusal("unknown_member", "Choose the member from the list.", "member_id")])
    if session_id is not None:
        is_there = 0 < session_id <= MAX_KEY and await occasions.is_session(connection, timebank_id, session_id)
        if not is_there:
            raise Rollback([Refusal("unknown_session", "Choose the session from the list.", "session")])
    return member.display_name


async def _add(
    connection: Connection,
    actor: Actor,
    command: BookAccess | GiveAdvance,
    way: str,
    payee_id: int,
    signed_name: str,
    state: str,
    budget_id: int | None,
    now: datetime,
) -> tuple[int, str]:
    for _ in range(REFERENCE_ATTEMPTS):
        reference = new_reference()
        made = await connection.fetchval(
            ADD,
            actor.timebank_id,
            reference,
            command.member_id,
            command.session_id,
            command.kind,
            way,
            payee_id,
            command.day,
            names.tidy(command.what_for),
            command.pence,
            signed_name,
            state,
            actor.member_id,
            now,
            budget_id,
        )
        if made is not None:
            return made, reference
    raise RuntimeError(f"no free reference in {REFERENCE_ATTEMPTS} attempts")


async def _open_accounts(connection: Connection, timebank_id: int, payee_id: int) -> None:
    facts = await banks.by_id(connection, timebank_id)
    for code, name in (
        (entries.advance_account(payee_id), f"Given in advance to payee {payee_id}"),
        (entries.CASH, "Cash"),
    ):
        await open_account(
            connection, timebank_id, code=code, unit=facts.currency, account_class="system", name=name, floor=None
        )


async def _locked(connection: Connection, actor: Actor, reference: str) -> AccessFacts:
    cost = await access_queries.lock(connection, actor.timebank_id, reference)
    if cost is None:
        raise UnknownAccessCost(reference)
    return cost


def _stop(refusals: list[Refusal]) -> None:
    if refusals:
        raise Rollback(refusals)
