"""What may happen to a payment run and to its payments. Pure: facts in, refusals out."""

from collections.abc import Sequence
from datetime import date, timedelta

from timebank.kit.actor import Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.kit.working_days import is_working_day, next_working_day
from timebank.payments.rules import (
    EXPORTED,
    MAX_NAMED,
    OUTCOMES,
    PAID,
    REJECTED,
    RETURNED,
    STATES_IN_WORDS,
    PayableFacts,
    PaymentFacts,
    check_finance,
    check_reason_length,
    payments_in_words,
)

MAX_DAYS_AHEAD = 31  # Bacs


def check_export(
    payables: Sequence[PayableFacts],
    spoiled: Sequence[PayableFacts],
    *,
    expected_count: int | None,
    expected_pence: int | None,
    credited_pence: int = 0,
    stays_behind: Sequence[str] = (),
) -> list[Refusal]:
    """May exactly these payables leave as one batch? ``expected_*`` is what the person saw on the button, if known.

    ``expected_pence`` is what leaves the bank: less ``credited_pence``. What changed after approval (``spoiled``) stays
    behind, and so does what ``stays_behind`` says in words; where nothing else is ready, the refusals name them.
    """
    if not payables:
        return [
            Refusal(
                "approval_void",
                f"Payment {payable.reference} to {payable.payee_name} changed after it was approved. "
                "Open it, put it back for approval, then export again.",
            )
            for payable in spoiled[:MAX_NAMED]
        ] + [Refusal("stays_behind", why) for why in stays_behind[:MAX_NAMED]] or [
            Refusal("nothing_ready", "No payment is ready to export. Approve a payment first, then export.")
        ]
    if len({payable.currency for payable in payables}) > 1:
        return [Refusal("mixed_currencies", "One payment run holds one currency. Ask your administrator.")]
    total = sum(payable.next_pence for payable in payables) - credited_pence
    if expected_count not in (None, len(payables)) or expected_pence not in (None, total):
        return [
            Refusal(
                "ready_changed",
                f"What is ready has changed: it is now {payments_in_words(len(payables))}, "
                f"{in_words(total, payables[0].currency)}. Check it and export again.",
            )
        ]
    return []


def check_outcome(
    actor: Actor, payment: PaymentFacts, *, outcome: str, on: date, reason: str, exported_on: date, today: date
) -> list[Refusal]:
    """May the bank's answer to one payment be recorded?

    ``on`` is the day on its statement, not before export and not in the future.

    Rejected: it never left, so only an exported payment. Returned: it came back, so only one that was paid.
    """
    refusals = check_finance(actor)
    needed = PAID if outcome == RETURNED else EXPORTED
    if outcome not in OUTCOMES:
        refusals.append(Refusal("unknown_outcome", "Choose paid, rejected or returned.", "outcome"))
    elif payment.state != needed:
        hint = (
            "Only a payment marked as paid can come back. If the bank never sent it, choose rejected."
            if outcome == RETURNED
            else "Only a payment that is on its way can be marked as paid or rejected."
        )
        refusals.append(Refusal("wrong_state", f"Payment {payment.reference} {STATES_IN_WORDS[payment.state]}. {hint}"))
    earliest = payment.settled_on if outcome == RETURNED else exported_on
    if on > today:
        refusals.append(Refusal("date_in_future", "Enter a date that is today or earlier.", "on"))
    elif earliest is not None and on < earliest:
        refusals.append(Refusal("date_too_early", f"Enter a date on or after {earliest.day} {earliest:%B %Y}.", "on"))
    if outcome in (REJECTED, RETURNED) and not reason:
        refusals.append(Refusal("reason_missing", "Say what reason the bank gave.", "reason"))
    return refusals + check_reason_length(reason)


def check_processing(on: date, *, today: date, region: str) -> list[Refusal]:
    """May a bank be asked to move money on this day? Bacs takes it at most 31 days ahead.

    Refusals: ``processing_in_past``, ``processing_too_far``, ``not_a_working_day``.
    """
    if on < today:
        return [Refusal("processing_in_past", "Enter a day that is today or later.", "processing_on")]
    if on > today + timedelta(days=MAX_DAYS_AHEAD):
        text = f"Enter a day within the next {MAX_DAYS_AHEAD} days: banks take no later one."
        return [Refusal("processing_too_far", text, "processing_on")]
    if not is_working_day(on, region):
        better = next_working_day(on, region)
        text = (
            f"Banks move no money on {on.day} {on:%B %Y}: it is a weekend or a bank holiday. "
            f"The next working day is {better.day} {better:%B %Y}."
        )
        return [Refusal("not_a_working_day", text, "processing_on")]
    return []


def check_void(actor: Actor, states: Sequence[str], is_void: bool, reason: str) -> list[Refusal]:
    """May a payment run be taken back? ``states`` are those of its payments: the bank must not have answered yet."""
    refusals = check_finance(actor)
    if is_void:
        refusals.append(Refusal("already_void", "This payment run is void already."))
    elif any(state != EXPORTED for state in states):
        refusals.append(
            Refusal(
                "bank_has_answered",
                "The bank has answered for a payment of this run, so it cannot be taken back as a whole. "
                "Mark the others one by one.",
            )
        )
    if not reason:
        refusals.append(Refusal("reason_missing", "Say why this payment run is taken back.", "reason"))
    return refusals + check_reason_length(reason)
