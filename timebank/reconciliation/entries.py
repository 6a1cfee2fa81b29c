"""What lines of a statement post in the ledger. Pure.

Amounts are credit-positive; ``a -> b`` takes from a and adds to b:

    not explained  suspense <-> bank
    explained      suspense <-> the account of its kind
    undone         the exact reversal
    split          the reversal of the whole, and each part: suspense <-> bank
    a run as one   in-transit -> bank
"""

from datetime import date

from ledger.model import Leg, Post, Reverse
from timebank.kit.actor import Actor
from timebank.payments.entries import BANK, IN_TRANSIT
from timebank.reconciliation.rules import ACCOUNTS, ExplanationFacts, LineFacts

SUSPENSE = "suspense"


def suspense_entry(line: LineFacts, *, currency: str, actor: Actor, effective_on: date, times: int = 0) -> Post:
    """What a line posts while nobody knows what it is: suspense <-> bank; ``times`` is how often it did before."""
    return Post(
        key=f"statement_line:{line.id}:{times + 1}",
        kind="statement_unexplained",
        unit=currency,
        legs=(Leg(account=BANK, amount=-line.pence), Leg(account=SUSPENSE, amount=line.pence)),
        effective_on=effective_on,
        actor=actor.name,
        reference=f"statement/{line.statement_id}",
    )


def out_of_suspense(line: LineFacts, *, actor: Actor, effective_on: date) -> Reverse:
    """What takes a line out of suspense again when it turns out to be a payment of ours."""
    return _reversal(line, "matched", 1, actor=actor, effective_on=effective_on)


def split_entry(line: LineFacts, times: int, *, actor: Actor, effective_on: date) -> Reverse:
    """What takes a whole line out of suspense when its parts go in; ``times`` is how often it was split before."""
    return _reversal(line, "split", times + 1, actor=actor, effective_on=effective_on)


def run_entry(line: LineFacts, number: int, *, currency: str, actor: Actor, effective_on: date) -> Post:
    """What a line posts that pays all of a payment run as one amount: in-transit -> bank."""
    return Post(
        key=f"payment_run_paid:{line.id}:1",
        kind="payment_run_paid",
        unit=currency,
        legs=(Leg(account=IN_TRANSIT, amount=line.pence), Leg(account=BANK, amount=-line.pence)),
        effective_on=effective_on,
        actor=actor.name,
        reference=f"batch/{number}",
    )


def explaining_entry(
    line: LineFacts, explanation_id: int, kind: str, *, currency: str, actor: Actor, effective_on: date
) -> Post:
    """What an explanation posts: suspense <-> the account of its kind."""
    return Post(
        key=f"explain_line:{explanation_id}:1",
        kind="statement_explained",
        unit=currency,
        legs=(Leg(account=SUSPENSE, amount=-line.pence), Leg(account=ACCOUNTS[kind][0], amount=line.pence)),
        effective_on=effective_on,
        actor=actor.name,
        reference=f"line/{line.id}",
    )


def undoing_entry(explanation: ExplanationFacts, *, actor: Actor, effective_on: date) -> Reverse:
    """What puts an explained line back into suspense: the exact reversal."""
    assert explanation.entry_id is not None
    return Reverse(
        key=f"explain_undone:{explanation.id}:1",
        entry_id=explanation.entry_id,
        kind="statement_undone",
        effective_on=effective_on,
        actor=actor.name,
        reference=f"line/{explanation.line_id}",
    )


def _reversal(line: LineFacts, what: str, n: int, *, actor: Actor, effective_on: date) -> Reverse:
    """The exact reversal of the entry that a line has now."""
    assert line.entry_id is not None
    return Reverse(
        key=f"statement_line_{what}:{line.id}:{n}",
        entry_id=line.entry_id,
        kind=f"statement_{what}",
        effective_on=effective_on,
        actor=actor.name,
        reference=f"statement/{line.statement_id}",
    )
