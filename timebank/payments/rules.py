"""What may happen to a payable. Pure: facts in, refusals out.

    draft -> submitted -> approved -> exported -> paid -> returned -> submitted
                          ^           exported -> rejected ---------> submitted
                          +---------- exported: its payment run is void
    submitted again when only a part was paid; paid straight from approved in cash, or from what the payee owes us
    cancelled from draft, submitted and approved

What the steps post stands in ``entries``.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.refusal import Refusal

VOUCHER, TRAINING, FEE, EXPENSE, ACCESS, OTHER = "voucher", "training", "fee", "expense", "access", "other"
KINDS = (VOUCHER, TRAINING, FEE, EXPENSE, ACCESS, OTHER)
NEEDS_INVOICE = (TRAINING,)
"""What waits for the supplier's invoice before it can be approved."""

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
VOID = "void"

MAX_INVOICE_NUMBER = 35  # what a bank statement line can carry
MAX_DESCRIPTION = 140  # likewise
MAX_REASON = 500
MAX_PENCE = 100_000_000
MAX_PER_BATCH = 10_000
"""Payables of one payment run."""
MAX_NAMED = 20
DIGEST_VERSION = "payable/5"
_DAY_ONE = date(2000, 1, 1)


Kind = Literal["voucher", "training", "fee", "expense", "access", "other"]
SourceKind = Literal["redemption", "voucher_use", "code_batch", "fee", "claim", "access_cost", "request"]


class UnknownPayment(LookupError):
    """The time bank has no payment with this reference."""


class NewPayable(msgspec.Struct, frozen=True, kw_only=True):
    """What another room owes a payee because of something that happened there.

    ``pence`` is in minor units, tax included.

    ``source_kind`` and ``source_id`` name that something; one source makes at most one payable.
    """

    kind: Kind
    payee_id: int
    pence: int
    currency: str
    description: str
    source_kind: SourceKind
    source_id: int
    earned_on: date
    due_on: date
    invoice_number: str = ""
    tax_pence: int = 0
    tax_code: str = ""
    nominal_code: str = ""
    order_number: str = ""
    budget_id: int | None = None


class PayableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One payable with its payee, as the rules see it.

    ``settled_pence`` is paid and did not come back; ``part_pence`` is what the next payment run takes, None for all
    that is left. ``account_mark`` stands for the payee's account in use, None when there is none.
    """

    id: int
    reference: str
    kind: str
    payee_id: int
    payee_name: str
    supplier_reference: str
    payee_member_id: int | None
    pay_by: str
    account_mark: bytes | None
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
    settled_pence: int
    part_pence: int | None
    tax_pence: int
    tax_code: str
    nominal_code: str
    order_number: str
    budget_id: int | None
    cost_centre: str = ""
    fund: str = ""

    @property
    def left_pence(self) -> int:
        """What is not paid yet."""
        return self.pence - self.settled_pence

    @property
    def next_pence(self) -> int:
        """What the next payment run takes of it."""
        return min(self.left_pence, self.part_pence or self.left_pence)


class PaymentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a payment run: what the bank is asked to pay to one payee, and what became of it.

    ``reference`` is its end-to-end id. ``pence`` leaves the bank; ``credited_pence`` was kept back for credits, so it
    settles ``pence + credited_pence`` of what is owed.
    """

    batch_number: int
    line: int
    reference: str
    payee_id: int
    payee_name: str
    pence: int
    credited_pence: int
    currency: str
    state: str
    settled_on: date | None


def first_state(kind: str) -> str:
    """Where a payable starts: complete and waiting for approval, or waiting for its invoice."""
    return DRAFT if kind in NEEDS_INVOICE else SUBMITTED


def digest(payable: PayableFacts) -> bytes:
    """What an approval signs: SHA-256 over what is owed and for what, then SHA-256 over where it goes and its coding.

    A change of any of it voids the approval. The database says the same: the first half in ``payable.content_digest``,
    the second in ``leaving.DESTINATION``; change all of them together.
    """
    content = (
        payable.reference,
        payable.kind,
        payable.payee_id,
        payable.pence,
        payable.currency,
        payable.description,
        payable.invoice_number,
        (payable.earned_on - _DAY_ONE).days,
        (payable.due_on - _DAY_ONE).days,
        payable.settled_pence,
        payable.part_pence,
        payable.tax_pence,
        payable.tax_code,
        payable.order_number,
        payable.budget_id,
    )
    destination = (
        payable.payee_name,
        payable.supplier_reference,
        payable.pay_by,
        payable.account_mark.hex() if payable.account_mark else None,
        payable.nominal_code,
        payable.cost_centre,
        payable.fund,
    )
    return _sha256(DIGEST_VERSION, content) + _sha256("", destination)


def _sha256(version: str, values: Sequence[str | int | None]) -> bytes:
    """Each value with its length, so that texts cannot run together; ``-`` stands for nothing."""
    parts = [b"-" if value is None else b"%d:%b" % (len(text := str(value).encode()), text) for value in values]
    return hashlib.sha256(version.encode() + b"".join(parts)).digest()


def may_read(actor: Actor) -> bool:
    """Finance works here; an administrator may look."""
    return actor.has(FINANCE) or actor.has(ADMIN)


def check_finance(actor: Actor) -> list[Refusal]:
    """Refusal ``not_finance`` unless the actor is a person with the finance role."""
    if actor.member_id is None or not actor.has(FINANCE):
        return [Refusal("not_finance", "Only someone with the finance role can do this. Ask your finance team.")]
    return []


def check_submit(actor: Actor, payable: PayableFacts, *, invoice_number: str, reason: str) -> list[Refusal]:
    """May this payable go (back) to "waiting for approval"?

    A draft needs its invoice number; an approved one can be put back with a reason, which takes its approval away. One
    that the bank rejected or sent back can be sent again with a reason, once it is approved anew.
    """
    refusals = check_finance(actor)
    if payable.state not in (DRAFT, APPROVED, REJECTED, RETURNED):
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
    if payable.state in (APPROVED, REJECTED, RETURNED) and not reason:
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
    elif payable.kind in (EXPENSE, ACCESS) and actor.member_id is not None and actor.member_id == payable.created_by:
        message = "You asked for this payment for somebody. Ask someone else in finance to approve it."
        refusals.append(Refusal("own_submission", message))
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
    elif payable.settled_pence:
        refusals.append(Refusal("partly_paid", "A part of this is paid already, so it cannot be cancelled as a whole."))
    if not reason:
        refusals.append(Refusal("reason_missing", "Say why this payment is cancelled.", "reason"))
    return refusals + check_reason_length(reason)


def has_left(payable: PayableFacts) -> bool:
    """True when (a part of) its money is on its way or paid, so that it cannot simply be taken back."""
    return payable.settled_pence > 0 or payable.state in (EXPORTED, PAID)


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


STATES_IN_WORDS = {
    DRAFT: "needs an invoice number",
    SUBMITTED: "waits for approval",
    APPROVED: "is approved",
    EXPORTED: "is on its way",
    PAID: "is paid",
    REJECTED: "was rejected by the bank",
    RETURNED: "came back from the bank",
    CANCELLED: "is cancelled",
    VOID: "was taken back with its payment run",
}


def _wrong_state(payable: PayableFacts, hint: str) -> Refusal:
    return Refusal("wrong_state", f"Payment {payable.reference} {STATES_IN_WORDS[payable.state]}. {hint}")
