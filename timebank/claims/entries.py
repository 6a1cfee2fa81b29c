"""What money given in advance posts in the ledger. Pure.

Amounts are credit-positive; ``a -> b`` takes from a and adds to b:

    given      advance/<payee> -> cash              cash is out, and they owe an account of it
    spent      expense/access -> advance/<payee>    what receipts show, up to what was given
    returned   cash -> advance/<payee>
    owed       expense/access -> payable/<payee>    what they spent beyond it; the entry of any payable

so that, once settled, given = spent + returned on the account of the advance, and it stands at zero.
"""

from datetime import date

from ledger.model import Leg, Post
from timebank.kit.actor import Actor
from timebank.payments.entries import expense_account
from timebank.payments.rules import ACCESS

CASH = "cash"


def advance_account(payee_id: int) -> str:
    """The ledger account of what a payee was given in advance and has not accounted for yet."""
    return f"advance/{payee_id}"


def given_entry(*, payee_id: int, pence: int, currency: str, key: str, actor: Actor, day: date, reference: str) -> Post:
    """Cash handed over: advance -> cash."""
    return Post(
        key=key,
        kind="advance_given",
        unit=currency,
        legs=(Leg(account=advance_account(payee_id), amount=-pence), Leg(account=CASH, amount=pence)),
        effective_on=day,
        actor=actor.name,
        reference=reference,
    )


def settled_entry(
    *,
    payee_id: int,
    spent_pence: int,
    returned_pence: int,
    currency: str,
    key: str,
    actor: Actor,
    day: date,
    reference: str,
) -> Post:
    """An advance accounted for, in one entry: what was spent of it and what came back."""
    legs = [Leg(account=advance_account(payee_id), amount=spent_pence + returned_pence)]
    if spent_pence:
        legs.append(Leg(account=expense_account(ACCESS), amount=-spent_pence))
    if returned_pence:
        legs.append(Leg(account=CASH, amount=-returned_pence))
    return Post(
        key=key,
        kind="advance_settled",
        unit=currency,
        legs=tuple(legs),
        effective_on=day,
        actor=actor.name,
        reference=reference,
    )
