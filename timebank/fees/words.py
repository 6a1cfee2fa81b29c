"""What people read about their fees: where the money is now, by when, and why it is late if it is. Pure.

Claims say where money is in the same sentences (``timebank.claims.words``); neither room knows the other.
"""

from datetime import date

import msgspec

from timebank.fees import rules
from timebank.fees.rules import FeeFacts
from timebank.kit.money import in_words
from timebank.kit.words import Minutes, Words, mark, say
from timebank.payments import rules as payments
from timebank.rates.rules import SESSION, RateFacts, is_rounded


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a fee is: a word for it with its colour, sentences, by when it is paid, and why it is late, or "".

    ``needs_account``: it cannot go out until the person says where to.
    """

    name: Words
    tag: str | None
    sentences: tuple[str, ...]
    due_on: date | None = None
    late: str = ""
    needs_account: bool = False


HOW_NAMES = {
    rules.ALL: mark("You take it"),
    rules.PART: mark("You take a part"),
    rules.NONE: mark("You take nothing"),
    rules.CHARITY: mark("You give it away"),
}
_NAMES = {
    payments.DRAFT: (mark("Not paid yet"), "wait"),
    payments.SUBMITTED: (mark("Not paid yet"), "wait"),
    payments.APPROVED: (mark("Not paid yet"), "wait"),
    payments.EXPORTED: (mark("On its way"), "info"),
    payments.PAID: (mark("Paid"), "good"),
    payments.REJECTED: (mark("It came back"), "stop"),
    payments.RETURNED: (mark("It came back"), "stop"),
    payments.CANCELLED: (mark("Stopped"), None),
}
_WHERE = {
    payments.DRAFT: mark("Finance checks it. Then we pay you."),
    payments.SUBMITTED: mark("Finance checks it. Then we pay you."),
    payments.APPROVED: mark("It goes out with the next payments."),
    payments.EXPORTED: mark("It is on its way to your bank."),
    payments.PAID: mark("We have paid it."),
    payments.REJECTED: mark("Your bank did not take it. We find out why."),
    payments.RETURNED: mark("It came back from your bank. We find out why."),
    payments.CANCELLED: mark("This will not be paid. Please ask us why."),
}
_WHERE_GIFT = {
    payments.DRAFT: mark("Finance checks it. Then we pay the charity."),
    payments.SUBMITTED: mark("Finance checks it. Then we pay the charity."),
    payments.EXPORTED: mark("It is on its way to the charity."),
    payments.REJECTED: mark("The bank did not take it. We find out why."),
    payments.RETURNED: mark("It came back from the bank. We find out why."),
}
_LATE = {
    payments.DRAFT: mark("It is late, and we are sorry. Nobody has checked it yet."),
    payments.SUBMITTED: mark("It is late, and we are sorry. Nobody has checked it yet."),
    payments.APPROVED: mark("It is late, and we are sorry. It waits for the next payments."),
    payments.EXPORTED: mark("It is late, and we are sorry. The bank has it."),
    payments.REJECTED: mark("It is late, and we are sorry. The bank did not take it."),
    payments.RETURNED: mark("It is late, and we are sorry. The bank sent it back."),
}


def standing(fee: FeeFacts, on: date, currency: str) -> Standing:
    """Where a fee is on a day, in the words of the person's page."""
    if fee.state == rules.NO_RATE:
        return Standing(
            name=say("Not known yet"),
            tag="wait",
            sentences=(say("We do not know the amount yet. We tell you when we do."),),
        )
    if fee.state == rules.WITHDRAWN:
        return Standing(name=say("Taken out"), tag=None, sentences=(say("This time was a mistake of ours."),))
    if fee.state == rules.WAITING:
        return Standing(name=say("You choose"), tag="stop", sentences=(say("Nothing is paid until you choose."),))
    if fee.how == rules.NONE:
        return Standing(name=say("You take nothing"), tag=None, sentences=(say("You chose to take nothing."),))
    if fee.payable_state is None:
        return Standing(name=say("Paid"), tag="good", sentences=(say("You have had this fee already."),))
    return _of_payment(fee, fee.payable_state, on, currency)


def _of_payment(fee: FeeFacts, state: str, on: date, currency: str) -> Standing:
    is_gift = fee.how == rules.CHARITY
    name, tag = _NAMES.get(state, (mark("Not paid yet"), "wait"))
    is_over = state in (payments.PAID, payments.CANCELLED)
    # A charity's account is no concern of the person's.
    needs_account = not is_over and not fee.has_left and not is_gift and fee.pay_by == "bank" and not fee.has_account
    where = (_WHERE_GIFT.get(state) if is_gift else None) or _WHERE.get(state, _WHERE[payments.SUBMITTED])
    sentences = [say(where)]
    if state == payments.PAID and fee.settled_on is not None:
        sentences = [say("We paid it on {day}.", day=fee.settled_on)]
    elif state == payments.EXPORTED and fee.processing_on is not None:
        sentences.append(say("It leaves our bank on {day}.", day=fee.processing_on))
    elif fee.pay_by == "cash" and state in payments.BEFORE_EXPORT and not is_gift:
        sentences = [say("You get it in cash. We tell you when it is ready.")]
    if fee.settled_pence and not is_over:
        sentences.append(say("We have paid {amount} of it so far.", amount=in_words(fee.settled_pence, currency)))
    if fee.payable_reason and state in (payments.REJECTED, payments.RETURNED, payments.CANCELLED):
        sentences.append(say("The reason: {reason}", reason=fee.payable_reason))
    late = ""
    if not is_over and fee.due_on is not None and fee.due_on < on:
        late = say(_LATE.get(state, _LATE[payments.SUBMITTED]))
        if needs_account:
            late = say("It is late. We do not know where to pay it yet.")
    return Standing(
        name=say(name),
        tag=tag,
        sentences=tuple(sentences),
        due_on=None if is_over else fee.due_on,
        late=late,
        needs_account=needs_account,
    )


def worked_out(fee: FeeFacts, rate: RateFacts | None, currency: str) -> tuple[str, ...]:
    """How the amount comes about, step by step: what the time is, what the rate is, and whether it was rounded."""
    if rate is None:
        return ()
    amount = in_words(rate.pence, currency)
    if rate.unit == SESSION:
        return (say("One session is {amount}.", amount=amount),)
    steps = [
        say("Your time was {time}.", time=Minutes(fee.minutes)),
        say("An hour is {amount}.", amount=amount),
    ]
    if is_rounded(rate, fee.minutes):
        steps.append(say("We round to the nearest penny. Half a penny goes up."))
    return tuple(steps)


def year(first: date, last: date) -> Words:
    """A tax year: ``6 April 2026 to 5 April 2027``."""
    return say("{first} to {last}", first=first, last=last)
