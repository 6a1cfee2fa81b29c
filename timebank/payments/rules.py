"""What may happen to a payable, and what each step posts. Pure: facts in, refusals or ledger items out.

    draft -> submitted -> approved -> exported -> paid -> returned
                                      exported -> rejected
    cancelled from draft, submitted and approved

Money moves in the ledger (amounts are credit-positive, ``a -> b`` takes from a and adds to b)::

    owed       expense/<kind> -> payable/<payee>     when the booking is fulfilled
    exported   payable/<payee> -> in-transit         one entry for a whole batch
    paid       in-transit -> bank
    rejected   in-transit -> payable/<payee>
    returned   bank -> payable/<payee>
    cancelled  the exact reversal of "owed"
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from ledger.model import Leg, Post, Reverse
from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal

VOUCHER = "voucher"
TRAINING = "training"
KINDS = (VOUCHER, TRAINING)

DRAFT = "draft"
SUBMITTED = "submitted"
APPROVED = "approved"
EXPORTED = "exported"
PAID = "paid"
REJECTED = "rejected"
RETURNED = "returned"
CANCELLED = "cancelled"
STATES = (DRAFT, SUBMITTED, APPROVED, EXPORTED, PAID, REJECTED, RETURNED, CANCELLED)
BEFORE_EXPORT = (DRAFT, SUBMITTED, APPROVED)
OUTCOMES = (PAID, REJECTED, RETURNED)

MAX_INVOICE_NUMBER = 35  # what a bank statement line can carry
MAX_DESCRIPTION = 140  # likewise
MAX_REASON = 500
MAX_PAYEE_NAME = 140
MAX_SUPPLIER_REFERENCE = 35
MAX_PENCE = 100_000_000
MAX_LINES_PER_BATCH = 500

IN_TRANSIT = "in-transit"
BANK = "bank"
DIGEST_VERSION = "payable/1"


class UnknownPayment(LookupError):
    """The time bank has no payment with this reference."""


class NewPayable(msgspec.Struct, frozen=True, kw_only=True):
    """What another room owes a payee because of something that happened there. ``pence`` is in minor units.

    ``source_kind`` and ``source_id`` name that something; one source makes at most one payable.
    """

    kind: Literal["voucher", "training"]
    payee_id: int
    pence: int
    currency: str
    description: str
    source_kind: Literal["redemption", "voucher_use", "code_batch"]
    source_id: int
    earned_on: date
    due_on: date


class PayableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One payable with its payee, as the rules see it."""

    id: int
    reference: str
    kind: str
    payee_id: int
    payee_name: str
    supplier_reference: str
    payee_member_id: int | None
    pence: int
    currency: str
    description: str
    invoice_number: str
    earned_on: date
    due_on: date
    state: str
    entry_id: UUID
    created_by: int | None
    submitted_by: int | None
    approved_by: int | None
    approved_digest: bytes | None
    batch_number: int | None
    settled_on: date | None


def payable_account(payee_id: int) -> str:
    """The ledger account that holds what is owed to a payee."""
    return f"payable/{payee_id}"


def first_state(kind: str) -> str:
    """Where a payable starts: a voucher is complete once confirmed, a training place waits for its invoice."""
    return SUBMITTED if kind == VOUCHER else DRAFT


def prepaid_account(payee_id: int) -> str:
    """The ledger account of what was bought from a payee in advance and is not used up yet."""
    return f"prepaid/{payee_id}"


def used_up_entry(
    *, payee_id: int, kind: str, pence: int, currency: str, key: str, actor: Actor, effective_on: date, reference: str
) -> Post:
    """The ledger entry for a part of what was bought in advance: expense -> prepaid."""
    return Post(
        key=key,
        kind="prepaid_used",
        unit=currency,
        legs=(Leg(account=f"expense/{kind}", amount=-pence), Leg(account=prepaid_account(payee_id), amount=pence)),
        effective_on=effective_on,
        actor=actor.name,
        reference=reference,
    )


def expense_entry(new: NewPayable, *, key: str, actor: Actor, effective_on: date) -> Post:
    """The ledger entry that makes the debt: expense -> payable, or prepaid -> payable for codes bought in advance.

    The caller posts it, then calls ``record_payable``.
    """
    is_prepaid = new.source_kind == "code_batch"
    return Post(
        key=key,
        kind="payable_owed",
        unit=new.currency,
        legs=(
            Leg(account=prepaid_account(new.payee_id) if is_prepaid else f"expense/{new.kind}", amount=-new.pence),
            Leg(account=payable_account(new.payee_id), amount=new.pence),
        ),
        effective_on=effective_on,
        actor=actor.name,
        reference=f"{new.source_kind}/{new.source_id}",
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


def export_legs(payables: Sequence[PayableFacts]) -> tuple[Leg, ...]:
    """What leaves each payee's account, one leg per payee, and the whole sum that goes in transit."""
    owed: dict[int, int] = {}
    for payable in payables:
        owed[payable.payee_id] = owed.get(payable.payee_id, 0) + payable.pence
    legs = [Leg(account=payable_account(payee_id), amount=-pence) for payee_id, pence in sorted(owed.items())]
    return (*legs, Leg(account=IN_TRANSIT, amount=sum(owed.values())))


def export_entry(payables: Sequence[PayableFacts], *, number: int, key: str, actor: Actor, effective_on: date) -> Post:
    """The one ledger entry of a batch: what each payee is owed goes in transit."""
    return Post(
        key=key,
        kind="payments_exported",
        unit=payables[0].currency,
        legs=export_legs(payables),
        effective_on=effective_on,
        actor=actor.name,
        reference=f"batch/{number}",
    )


def outcome_entry(payable: PayableFacts, outcome: str, *, key: str, actor: Actor, effective_on: date) -> Post:
    """The ledger entry for what the bank did with one exported payment."""
    owed = payable_account(payable.payee_id)
    source, target = {PAID: (IN_TRANSIT, BANK), REJECTED: (IN_TRANSIT, owed), RETURNED: (BANK, owed)}[outcome]
    return Post(
        key=key,
        kind=f"payment_{outcome}",
        unit=payable.currency,
        legs=(Leg(account=source, amount=-payable.pence), Leg(account=target, amount=payable.pence)),
        effective_on=effective_on,
        actor=actor.name,
        reference=payable.reference,
    )


def digest(payable: PayableFacts) -> bytes:
    """SHA-256 over all that is approved: payee, amount, what for, invoice. A change of any voids the approval."""
    content = (
        DIGEST_VERSION,
        payable.reference,
        payable.kind,
        payable.payee_id,
        payable.payee_name,
        payable.supplier_reference,
        payable.pence,
        payable.currency,
        payable.description,
        payable.invoice_number,
    )
    return hashlib.sha256(msgspec.json.encode(content)).digest()


def may_read(actor: Actor) -> bool:
    """Finance works here; an administrator may look."""
    return actor.has(FINANCE) or actor.has(ADMIN)


def check_finance(actor: Actor) -> list[Refusal]:
    """Refusal ``not_finance`` unless the actor is a person with the finance role."""
    if actor.member_id is None or not actor.has(FINANCE):
        return [Refusal("not_finance", "Only someone with the finance role can do this. Ask your finance team.")]
    return []


def check_new_payee(name: str, supplier_reference: str) -> list[Refusal]:
    """Refusals ``payee_name_missing``, ``payee_name_too_long``, ``supplier_reference_too_long``."""
    refusals = []
    if not name:
        refusals.append(Refusal("payee_name_missing", "Enter the supplier’s name.", "name"))
    if len(name) > MAX_PAYEE_NAME:
        refusals.append(
            Refusal("payee_name_too_long", f"Shorten the name to {MAX_PAYEE_NAME} letters or fewer.", "name")
        )
    if len(supplier_reference) > MAX_SUPPLIER_REFERENCE:
        refusals.append(
            Refusal(
                "supplier_reference_too_long",
                f"Shorten the supplier reference to {MAX_SUPPLIER_REFERENCE} characters or fewer.",
                "supplier_reference",
            )
        )
    return refusals


def check_submit(actor: Actor, payable: PayableFacts, *, invoice_number: str, reason: str) -> list[Refusal]:
    """May this payable go (back) to "waiting for approval"?

    A draft needs its invoice number; an approved one can be put back with a reason, which takes its approval away.
    """
    refusals = check_finance(actor)
    if payable.state not in (DRAFT, APPROVED):
        refusals.append(_wrong_state(payable, "Only a payment that is not yet on its way can be sent for approval."))
    if payable.state == DRAFT and not invoice_number:
        refusals.append(
            Refusal("invoice_number_missing", "Enter the invoice number from the supplier’s invoice.", "invoice_number")
        )
    if len(invoice_number) > MAX_INVOICE_NUMBER:
        refusals.append(
            Refusal(
                "invoice_number_too_long",
                f"Shorten the invoice number to {MAX_INVOICE_NUMBER} characters or fewer.",
                "invoice_number",
            )
        )
    if payable.state == APPROVED and not reason:
        refusals.append(Refusal("reason_missing", "Say why it needs to be approved again.", "reason"))
    return refusals + check_reason_length(reason)


def check_approve(actor: Actor, payable: PayableFacts, *, seen_digest: str = "") -> list[Refusal]:
    """May this person approve this payable, as they saw it (``seen_digest``, hexadecimal, "" when not known)?"""
    refusals = check_finance(actor)
    if payable.state != SUBMITTED:
        refusals.append(_wrong_state(payable, "Only a payment that waits for approval can be approved."))
        return refusals
    if actor.member_id is not None and actor.member_id == payable.submitted_by:
        refusals.append(
            Refusal("own_submission", "You confirmed this payment yourself. Ask someone else in finance to approve it.")
        )
    if actor.member_id is not None and actor.member_id == payable.payee_member_id:
        refusals.append(
            Refusal("pays_yourself", "This payment goes to you. Ask someone else in finance to approve it.")
        )
    if seen_digest and seen_digest != digest(payable).hex():
        refusals.append(
            Refusal(
                "changed_since_shown", "This payment changed while you were looking at it. Check it and approve again."
            )
        )
    return refusals


def check_cancel(actor: Actor, payable: PayableFacts, *, reason: str) -> list[Refusal]:
    """May finance cancel this payable? Only before export, and with a reason."""
    refusals = check_finance(actor)
    if payable.state not in BEFORE_EXPORT:
        refusals.append(_wrong_state(payable, "Only a payment that is not yet on its way can be cancelled."))
    if not reason:
        refusals.append(Refusal("reason_missing", "Say why this payment is cancelled.", "reason"))
    return refusals + check_reason_length(reason)


def check_export(
    actor: Actor, payables: Sequence[PayableFacts], *, expected_count: int | None, expected_pence: int | None
) -> list[Refusal]:
    """May exactly these payables leave as one batch? ``expected_*`` is what the person saw on the button, if known."""
    refusals = check_finance(actor)
    if not payables:
        refusals.append(
            Refusal("nothing_ready", "No payment is ready to export. Approve a payment first, then export.")
        )
        return refusals
    if len({payable.currency for payable in payables}) > 1:
        refusals.append(Refusal("mixed_currencies", "One payment run holds one currency. Ask your administrator."))
    total = sum(payable.pence for payable in payables)
    if expected_count not in (None, len(payables)) or expected_pence not in (None, total):
        refusals.append(
            Refusal(
                "ready_changed",
                f"What is ready has changed: it is now {payments_in_words(len(payables))}, "
                f"{in_words(total, payables[0].currency)}. Check it and export again.",
            )
        )
    refusals.extend(
        Refusal(
            "approval_void",
            f"Payment {payable.reference} to {payable.payee_name} changed after it was approved. "
            "Open it, put it back for approval, then export again.",
        )
        for payable in payables
        if not is_approval_good(payable)
    )
    return refusals


def is_approval_good(payable: PayableFacts) -> bool:
    """True when two people stand behind the payable and it is still what the second one approved.

    What nobody here made (``created_by`` is None) was confirmed by the supplier, who is the first of the two.
    """
    return (
        payable.state == APPROVED
        and (payable.submitted_by is not None or payable.created_by is None)
        and payable.approved_by is not None
        and payable.approved_by not in (payable.submitted_by, payable.payee_member_id)
        and payable.approved_digest == digest(payable)
    )


def check_outcome(
    actor: Actor, payable: PayableFacts, *, outcome: str, on: date, reason: str, exported_on: date | None, today: date
) -> list[Refusal]:
    """May the bank's answer be recorded? ``on`` is the day on its statement, not before export and not in the future.

    Rejected: it never left, so only an exported payment. Returned: it came back, so only one that was paid.
    """
    refusals = check_finance(actor)
    needed = PAID if outcome == RETURNED else EXPORTED
    if outcome not in OUTCOMES:
        refusals.append(Refusal("unknown_outcome", "Choose paid, rejected or returned.", "outcome"))
    elif payable.state != needed:
        hint = (
            "Only a payment marked as paid can come back. If the bank never sent it, choose rejected."
            if outcome == RETURNED
            else "Only a payment that is on its way can be marked as paid or rejected."
        )
        refusals.append(_wrong_state(payable, hint))
    earliest = payable.settled_on if outcome == RETURNED else exported_on
    if on > today:
        refusals.append(Refusal("date_in_future", "Enter a date that is today or earlier.", "on"))
    elif earliest is not None and on < earliest:
        refusals.append(Refusal("date_too_early", f"Enter a date on or after {earliest.day} {earliest:%B %Y}.", "on"))
    if outcome in (REJECTED, RETURNED) and not reason:
        refusals.append(Refusal("reason_missing", "Say what reason the bank gave.", "reason"))
    return refusals + check_reason_length(reason)


def check_reason_length(reason: str) -> list[Refusal]:
    """Refusal ``reason_too_long`` above :data:`MAX_REASON` characters."""
    if len(reason) > MAX_REASON:
        return [Refusal("reason_too_long", f"Shorten the reason to {MAX_REASON} characters or fewer.", "reason")]
    return []


def refuse_cancelling_for_source(payable: PayableFacts) -> Refusal:
    """Why a booking cannot be refunded any more: its payment has left."""
    return Refusal(
        "payment_already_exported",
        f"The payment to {payable.payee_name} is already in payment run {payable.batch_number}, so this booking "
        "cannot be refunded here. Ask your finance team.",
    )


def payments_in_words(count: int) -> str:
    """``1 payment``, ``7 payments``."""
    return f"{count} payment{'' if count == 1 else 's'}"


def _wrong_state(payable: PayableFacts, hint: str) -> Refusal:
    words = {
        DRAFT: "needs an invoice number",
        SUBMITTED: "waits for approval",
        APPROVED: "is approved",
        EXPORTED: "is on its way",
        PAID: "is paid",
        REJECTED: "was rejected by the bank",
        RETURNED: "came back from the bank",
        CANCELLED: "is cancelled",
    }[payable.state]
    return Refusal("wrong_state", f"Payment {payable.reference} {words}. {hint}")
