"""What finance reads about a payment: the names of its states and kinds, and what happens next. Pure."""

from timebank.payments import rules
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
    return NEXT[payable.state].format(payee=payable.payee_name)


def why_not_approve(member_id: int | None, payable: PayableFacts) -> str:
    """Why this member cannot be the one who approves; "" when nothing stands in the way."""
    if member_id == payable.submitted_by:
        return "You confirmed this, so someone else in finance approves it."
    if member_id == payable.payee_member_id:
        return "This pays you, so someone else in finance approves it."
    return ""


def invoice_words(payable: PayableFacts) -> str:
    """The invoice number, or why there is none: a voucher is complete without one."""
    return payable.invoice_number or ("Not yet" if payable.state == rules.DRAFT else "Not needed")
