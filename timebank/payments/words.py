"""What finance reads about a payment: the names of its states and kinds, and what happens next. Pure."""

from collections.abc import Mapping

from timebank.kit.money import in_words
from timebank.payments import leaving, rules
from timebank.payments.leaving import Behind
from timebank.payments.queries import MAX_COUNTED
from timebank.payments.rules import PayableFacts

STATE_NAMES = {
    rules.DRAFT: "Needs an invoice number",
    rules.SUBMITTED: "Waiting for approval",
    rules.APPROVED: "Ready to pay",
    rules.EXPORTED: "On its way",
    rules.PAID: "Paid",
    rules.REJECTED: "Rejected by the bank",
    rules.RETURNED: "Came back",
    rules.CANCELLED: "Cancelled",
    rules.VOID: "Taken back",
}

STATE_TAGS = {
    rules.DRAFT: "wait",
    rules.SUBMITTED: "wait",
    rules.APPROVED: "info",
    rules.EXPORTED: "info",
    rules.PAID: "good",
    rules.REJECTED: "stop",
    rules.RETURNED: "stop",
    rules.CANCELLED: None,
    rules.VOID: None,
}

EVENT_NAMES = {
    rules.DRAFT: "Recorded, waiting for its invoice",
    rules.SUBMITTED: "Sent for approval",
    rules.APPROVED: "Approved",
    rules.EXPORTED: "Exported in a payment run",
    rules.PAID: "Paid",
    rules.REJECTED: "Rejected by the bank",
    rules.RETURNED: "Came back from the bank",
    rules.CANCELLED: "Cancelled",
}

KIND_NAMES = {
    rules.VOUCHER: ("Voucher", "Vouchers"),
    rules.TRAINING: ("Training place", "Training places"),
    rules.FEE: ("Involvement fee", "Involvement fees"),
    rules.EXPENSE: ("Expenses", "Expenses"),
    rules.ACCESS: ("Access costs", "Access costs"),
    rules.OTHER: ("Other", "Other"),
}

CREDIT_STATES = {
    "proposed": ("Waits for a second person", "wait"),
    "open": ("Counts", "good"),
    "refused": ("Refused", None),
}

_STUCK = (
    "The accounts show this amount as owed to {payee} again. Find out what was wrong, then send it again: "
    "it needs a new approval, and leaves with a new reference."
)

NEXT = {
    rules.DRAFT: "Wait for the invoice from {payee}, then enter its number here.",
    rules.SUBMITTED: "Someone in finance who did not confirm it, and whom it does not pay, approves it.",
    rules.APPROVED: "It leaves with the next payment run.",
    rules.EXPORTED: "Load the file of the payment run into your bank. When the bank statement comes, mark it there.",
    rules.PAID: "Nothing. It is finished.",
    rules.REJECTED: _STUCK,
    rules.RETURNED: _STUCK,
    rules.CANCELLED: "Nothing. It will not be paid.",
}


def what_next(payable: PayableFacts) -> str:
    """One or two sentences: what has to happen next, and who does it."""
    if payable.pay_by == "cash" and payable.state == rules.APPROVED:
        return "Hand the money over against a signature, and record it here. Someone who did not approve it does that."
    if payable.settled_pence and payable.state == rules.SUBMITTED:
        return "A part is paid. Someone in finance approves the rest."
    return NEXT[payable.state].format(payee=payable.payee_name)


def why_not_approve(member_id: int | None, payable: PayableFacts) -> str:
    """Why this member cannot be the one who approves; "" when nothing stands in the way."""
    if member_id == payable.submitted_by:
        return "You confirmed it. Someone else approves."
    if member_id == payable.payee_member_id:
        return "It pays you. Someone else approves."
    return ""


def invoice_words(payable: PayableFacts) -> str:
    """The invoice number, or why there is none: a voucher is complete without one."""
    return payable.invoice_number or ("Not yet" if payable.state == rules.DRAFT else "Not needed")


def amount(payable: PayableFacts) -> str:
    """What the next payment run takes, and of how much when that is not all of it: ``£5.00 of £12.50``."""
    whole = in_words(payable.pence, payable.currency)
    if payable.next_pence in (payable.pence, 0):
        return whole
    return f"{in_words(payable.next_pence, payable.currency)} of {whole}"


def paid_so_far(payable: PayableFacts) -> str:
    """``£5.00 of £12.50 paid``; "" when nothing or everything is."""
    if payable.settled_pence in (0, payable.pence):
        return ""
    paid, whole = in_words(payable.settled_pence, payable.currency), in_words(payable.pence, payable.currency)
    return f"{paid} of {whole} paid"


def who_approves(others: int, away: int) -> str:
    """Who can approve what this finance person may not: a sentence when that is a worry, else ""."""
    if others:
        return ""
    if away:
        return (
            "The only other person in finance is away. An administrator can give somebody else the finance role, "
            "so that you are two."
        )
    return (
        "You are the only person in finance. An administrator can give a second person the finance role: "
        "nobody approves what they confirmed themselves."
    )


def why_behind(behind: Behind, currency: str) -> str:
    """Why approved payments stay behind, and what to do: one or two sentences."""
    count, amount = rules.payments_in_words(behind.payables), in_words(behind.pence, currency)
    what = f"{behind.payee_name}: {count}, {amount}"
    if behind.why == leaving.CHANGED:
        return f"{what}, changed after approval. Put it back for approval."
    if behind.why == leaving.NO_ACCOUNT:
        return f"{what}, no bank details that this format can use. Add them, then have it approved again."
    if behind.why == leaving.CASH:
        owing = in_words(behind.credit_pence, currency)
        if behind.credit_pence >= behind.pence:
            return f"{what}, paid in cash, but they owe us {owing}. Set the two off: no money moves."
        less = f" They owe us {owing}, which is kept back." if behind.credit_pence else ""
        return f"{what}, paid in cash.{less} Record it when they have signed for the money."
    if behind.why == leaving.COVERED:
        owing = in_words(behind.credit_pence, currency)
        return f"{what}, but they owe us {owing}. Set the two off: no money moves."
    return f"{count} more: one payment run holds {rules.MAX_PER_BATCH} at most. They go into the next one."


def why_stuck(why: str, credit_pence: int = 0, currency: str = "") -> str:
    """Why a payment cannot leave, and what to do: ``why`` is a word of ``leaving``, or the state that it is in."""
    if why == leaving.COVERED:
        return f"They owe us {in_words(credit_pence, currency)}. Set the two off: no money moves."
    return {
        leaving.CHANGED: "Changed after approval. Put it back for approval.",
        leaving.NO_ACCOUNT: "No bank details that this format can use. Add or confirm them, then approve it again.",
        leaving.TOO_MANY: f"One payment run holds {rules.MAX_PER_BATCH} at most. They go into the next one.",
        rules.REJECTED: "Rejected by the bank. Find out why, then send it for approval again.",
        rules.RETURNED: "It came back. Find out why, then send it for approval again.",
    }[why]


def how_many(count: int) -> str:
    """A count of ``queries.counts``: ``7``, or ``10,000 or more``, where it counts no further."""
    return f"{count:,} or more" if count >= MAX_COUNTED else f"{count:,}"


def states_of_run(counts: Mapping[str, int]) -> list[tuple[str, str | None]]:
    """What became of the payments of a run, as words and kinds of tags: ``Paid``, or ``2: on its way``, ``1: paid``."""
    if len(counts) == 1:
        [state] = counts
        return [(STATE_NAMES[state], STATE_TAGS[state])]
    order = [state for state in STATE_NAMES if state in counts]
    return [(f"{counts[state]}: {STATE_NAMES[state].lower()}", STATE_TAGS[state]) for state in order]
