"""What each step of a payable posts in the ledger. Pure.

Amounts are credit-positive; ``a -> b`` takes from a and adds to b:

    owed       expense/<kind> -> payable/<payee>     when something is delivered or granted
    exported   payable/<payee> -> in-transit         for all payees of a payment run, in as few entries as there can be
    paid       in-transit -> bank
    rejected   in-transit -> payable/<payee>
    returned   bank -> payable/<payee>
    void       the exact reversal of "exported"
    cancelled  the exact reversal of "owed"
    cash       payable/<payee> -> cash               against a signature, less what is kept back: payable -> credit
    credit     credit/<payee> -> expense/<kind>      a refund after payment, or a credit note
    set off    payable/<payee> -> credit/<payee>     when the payee owes us as much
    repaid     bank -> credit/<payee>

Credits that a payment keeps back go with it: exported takes ``payable -> credit`` beside it, and what comes back puts
both back.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from ledger.model import MAX_LEGS, Leg, Post, Reverse
from timebank.kit.actor import Actor
from timebank.payees.rules import credit_account, payable_account, prepaid_account
from timebank.payments.rules import PAID, REJECTED, RETURNED, NewPayable, PayableFacts, PaymentFacts

CASH = "cash"
IN_TRANSIT = "in-transit"
BANK = "bank"
LEGS_PER_PAYEE = 2
PAYEES_PER_ENTRY = (MAX_LEGS - 1) // LEGS_PER_PAYEE


def expense_account(kind: str) -> str:
    """The ledger account of what one kind of payable has cost."""
    return f"expense/{kind}"


def expense_entry(new: NewPayable, *, key: str, actor: Actor, effective_on: date) -> Post:
    """The ledger entry that makes the debt: expense -> payable, or prepaid -> payable for codes bought in advance.

    The caller posts it, then calls ``service.record_payable``.
    """
    is_prepaid = new.source_kind == "code_batch"
    return Post(
        key=key,
        kind="payable_owed",
        unit=new.currency,
        legs=(
            Leg(account=prepaid_account(new.payee_id) if is_prepaid else expense_account(new.kind), amount=-new.pence),
            Leg(account=payable_account(new.payee_id), amount=new.pence),
        ),
        effective_on=effective_on,
        actor=actor.name,
        reference=f"{new.source_kind}/{new.source_id}",
    )


def used_up_entry(
    *, payee_id: int, kind: str, pence: int, currency: str, key: str, actor: Actor, effective_on: date, reference: str
) -> Post:
    """The ledger entry for a part of what was bought in advance: expense -> prepaid."""
    return Post(
        key=key,
        kind="prepaid_used",
        unit=currency,
        legs=(
            Leg(account=expense_account(kind), amount=-pence),
            Leg(account=prepaid_account(payee_id), amount=pence),
        ),
        effective_on=effective_on,
        actor=actor.name,
        reference=reference,
    )


def cancelling_entry(payable: PayableFacts, *, key: str, actor: Actor, effective_on: date) -> Reverse:
    """The ledger entry that takes the debt back: the exact reversal of the first one."""
    return Reverse(
        key=key,
        entry_id=payable.entry_id,
        kind="payable_cancelled",
        effective_on=effective_on,
        actor=actor.name,
        reference=payable.reference,
    )


def export_legs(payments: Sequence[PaymentFacts]) -> tuple[Leg, ...]:
    """What leaves each payee's account, less what is kept back for credits, and the sum that goes in transit."""
    legs = []
    for payment in payments:
        legs.append(Leg(account=payable_account(payment.payee_id), amount=-payment.pence - payment.credited_pence))
        if payment.credited_pence:
            legs.append(Leg(account=credit_account(payment.payee_id), amount=payment.credited_pence))
    return (*legs, Leg(account=IN_TRANSIT, amount=sum(payment.pence for payment in payments)))


def export_entries(
    payments: Sequence[PaymentFacts], *, number: int, key: str, actor: Actor, effective_on: date
) -> list[Post]:
    """The ledger entries of a payment run: what each payee is owed goes in transit. ``key`` gets a number appended."""
    parts = [payments[at : at + PAYEES_PER_ENTRY] for at in range(0, len(payments), PAYEES_PER_ENTRY)]
    return [
        Post(
            key=f"{key}:{n}",
            kind="payments_exported",
            unit=part[0].currency,
            legs=export_legs(part),
            effective_on=effective_on,
            actor=actor.name,
            reference=f"batch/{number}",
        )
        for n, part in enumerate(parts, start=1)
    ]


def entry_of_line(entry_ids: Sequence[UUID], line: int) -> UUID:
    """Which of a payment run's entries holds the payment on this line."""
    return entry_ids[(line - 1) // PAYEES_PER_ENTRY]


def void_entry(entry_id: UUID, *, number: int, key: str, actor: Actor, effective_on: date) -> Reverse:
    """The ledger entry that takes one entry of a payment run back."""
    return Reverse(
        key=key,
        entry_id=entry_id,
        kind="payments_voided",
        effective_on=effective_on,
        actor=actor.name,
        reference=f"batch/{number}",
    )


def outcome_entry(payment: PaymentFacts, outcome: str, *, key: str, actor: Actor, effective_on: date) -> Post:
    """The ledger entry for what the bank did with one payment."""
    if outcome == PAID:
        legs = [Leg(account=IN_TRANSIT, amount=-payment.pence), Leg(account=BANK, amount=payment.pence)]
    else:
        source = {REJECTED: IN_TRANSIT, RETURNED: BANK}[outcome]
        owed = payment.pence + payment.credited_pence
        legs = [
            Leg(account=source, amount=-payment.pence),
            Leg(account=payable_account(payment.payee_id), amount=owed),
        ]
        if payment.credited_pence:
            legs.append(Leg(account=credit_account(payment.payee_id), amount=-payment.credited_pence))
    return Post(
        key=key,
        kind=f"payment_{outcome}",
        unit=payment.currency,
        legs=tuple(legs),
        effective_on=effective_on,
        actor=actor.name,
        reference=payment.reference,
    )


def cash_entry(
    payable: PayableFacts, pence: int, credited_pence: int, *, key: str, actor: Actor, effective_on: date
) -> Post:
    """The ledger entry for cash handed over, and for what was kept back of it because the payee owes us that."""
    legs = [
        Leg(account=payable_account(payable.payee_id), amount=-pence - credited_pence),
        Leg(account=CASH, amount=pence),
    ]
    if credited_pence:
        legs.append(Leg(account=credit_account(payable.payee_id), amount=credited_pence))
    return Post(
        key=key,
        kind="paid_in_cash",
        unit=payable.currency,
        legs=tuple(legs),
        effective_on=effective_on,
        actor=actor.name,
        reference=payable.reference,
    )


def transfer_entry(
    source: str, target: str, pence: int, currency: str, *, kind: str, key: str, actor: Actor, effective_on: date,
    reference: str,
) -> Post:  # fmt: skip
    """The ledger entry that takes an amount from one account and adds it to another."""
    return Post(
        key=key,
        kind=kind,
        unit=currency,
        legs=(Leg(account=source, amount=-pence), Leg(account=target, amount=pence)),
        effective_on=effective_on,
        actor=actor.name,
        reference=reference,
    )
