"""What people read about their claims: the names of states, and where the money is and why it is late. Pure."""

from datetime import date

import msgspec

from timebank.claims import access_rules, rules
from timebank.kit.words import Words, mark, say
from timebank.payments import rules as payable_rules
from timebank.payments.rules import PayableFacts

STATE_NAMES = {
    rules.DRAFT: mark("Not sent yet"),
    rules.SENT: mark("Someone looks at it"),
    rules.ASKED: mark("We have a question"),
    rules.AGREED: mark("Agreed"),
    rules.DECLINED: mark("Not paid"),
}
STATE_TAGS = {
    rules.DRAFT: "info",
    rules.SENT: "wait",
    rules.ASKED: "stop",
    rules.AGREED: "good",
    rules.DECLINED: None,
}
STEP_NAMES = {
    "sent": "Sent",
    "taken_back": "Taken back",
    "asked": "Asked",
    "answered": "Answered",
    "agreed": "Agreed",
    "declined": "Not paid",
}
PICTURES = {
    rules.BUS: "bus",
    rules.TRAIN: "map",
    rules.TAXI: "place",
    rules.MILEAGE: "key",
    rules.CARER: "together",
    rules.MEAL: "food",
    rules.OTHER: "list",
}
ACCESS_STATES = {
    access_rules.BOOKED: "Booked",
    access_rules.GIVEN: "Money is out",
    access_rules.SETTLED: "Settled",
    access_rules.CANCELLED: "Cancelled",
}
ACCESS_TAGS = {
    access_rules.BOOKED: "good",
    access_rules.GIVEN: "wait",
    access_rules.SETTLED: "good",
    access_rules.CANCELLED: None,
}
ACCESS_NAMES = {
    access_rules.TAXI: mark("A taxi"),
    access_rules.CARER: mark("A carer or supporter"),
    access_rules.INTERPRETER: mark("An interpreter"),
    access_rules.OTHER: mark("Something else"),
}


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payment to a member is now, by when it is due, and why it is late if it is.

    ``needs_account``: it cannot go out until the member says where to.
    """

    where: Words
    due_on: date | None
    late: Words | None
    needs_account: bool
    tag: str | None
    state: str


_WHERE = {
    payable_rules.DRAFT: mark("Finance checks it. Then we pay you."),
    payable_rules.SUBMITTED: mark("Finance checks it. Then we pay you."),
    payable_rules.APPROVED: mark("It goes out with the next payments."),
    payable_rules.EXPORTED: mark("It is on its way to your bank."),
    payable_rules.REJECTED: mark("Your bank did not take it. We find out why."),
    payable_rules.RETURNED: mark("It came back from your bank. We find out why."),
    payable_rules.CANCELLED: mark("This will not be paid. Please ask us why."),
}
_LATE = {
    payable_rules.DRAFT: mark("It is late, and we are sorry. Nobody has checked it yet."),
    payable_rules.SUBMITTED: mark("It is late, and we are sorry. Nobody has checked it yet."),
    payable_rules.APPROVED: mark("It is late, and we are sorry. It waits for the next payments."),
    payable_rules.EXPORTED: mark("It is late, and we are sorry. The bank has it."),
    payable_rules.REJECTED: mark("It is late, and we are sorry. The bank did not take it."),
    payable_rules.RETURNED: mark("It is late, and we are sorry. The bank sent it back."),
}
_TAGS = {payable_rules.PAID: "good", payable_rules.REJECTED: "stop", payable_rules.RETURNED: "stop"}


def promise(payable: PayableFacts, on: date) -> Promise:
    """What the member is promised about one payment."""
    is_over = payable.state in (payable_rules.PAID, payable_rules.CANCELLED)
    needs_account = not is_over and payable.pay_by == "bank" and payable.account_mark is None
    late = None
    if not is_over and payable.due_on < on:
        late = say(_LATE[payable.state])
        if needs_account:
            late = say("It is late. We do not know where to pay it yet.")
    where = say(_WHERE[payable.state]) if payable.state != payable_rules.PAID else say("We have paid it.")
    if payable.state == payable_rules.PAID and payable.settled_on is not None:
        where = say("We paid it on {day}.", day=payable.settled_on)
    elif payable.pay_by == "cash" and payable.state in (payable_rules.SUBMITTED, payable_rules.APPROVED):
        where = say("You get it in cash. We tell you when it is ready.")
    return Promise(
        where=where,
        due_on=None if is_over else payable.due_on,
        late=late,
        needs_account=needs_account,
        tag=_TAGS.get(payable.state, "wait"),
        state=payable.state,
    )
