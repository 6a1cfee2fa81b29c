"""What people read about their fees: where the money is now, by when, and why it is late if it is. Pure."""

from datetime import date

import msgspec

from timebank.fees import rules
from timebank.fees.rules import FeeFacts
from timebank.kit.money import in_words
from timebank.kit.words import Minutes, Words, mark, say
from timebank.payments.promise import Owed, promise
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
    found = promise(
        Owed(
            state=state,
            pence=fee.choice_pence or 0,
            currency=currency,
            due_on=fee.due_on,
            pay_by=fee.pay_by,
            has_account=bool(fee.has_account),
            settled_pence=fee.settled_pence or 0,
            settled_on=fee.settled_on,
            reason=fee.payable_reason or "",
            processing_on=fee.processing_on,
            is_gift=fee.how == rules.CHARITY,
        ),
        on,
    )
    return Standing(
        name=found.name,
        tag=found.tag,
        sentences=found.sentences,
        due_on=found.due_on,
        late=found.late,
        needs_account=found.needs_account,
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
