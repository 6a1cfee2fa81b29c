"""What members and those who answer are told. Pure.

A subject stands alone, as a text message does: it names no person's matter, because others may see the phone.
"""

from datetime import date
from typing import NamedTuple

from timebank.kit.words import Minutes, Words, joined, say


class Told(NamedTuple):
    """One message: what stands alone, and the whole of it in short paragraphs."""

    subject: Words
    body: Words


def _about(title: str) -> Words:
    return say("You asked about this: {title}.", title=title)


def asked(title: str, owner: str, independent_person: str, due_on: date) -> Told:
    """To the member: the question is here, and who answers until when."""
    if owner:
        who = say("{name} looks at it and answers by {day}.", name=owner, day=due_on)
        then = say("{name} did not make or approve this entry.", name=owner)
    elif independent_person:
        who = say("Everybody here had a part in it. So {name} looks at it.", name=independent_person)
        then = say("You hear by {day}.", day=due_on)
    else:
        who = say("Everybody here had a part in it. We look for somebody who had none.")
        then = say("You hear by {day}.", day=due_on)
    return Told(say("We have your question"), joined(_about(title), who, then))


def to_answer(member: str, title: str, due_on: date) -> Told:
    """To the owner: a question waits for them."""
    what = say("{name} says that something is not right: {title}.", name=member, title=title)
    please = say("Please answer by {day}. You were chosen because you did not make or approve this entry.", day=due_on)
    return Told(say("A question for you to answer by {day}", day=due_on), joined(what, please))


def nobody_to_answer(title: str, independent_person: str, due_on: date) -> Told:
    """To coordinators: somebody from outside has to answer."""
    if independent_person:
        what = say(
            "Everybody here had a part in it, so {name} answers. Tell them, and write down the answer.",
            name=independent_person,
        )
    else:
        what = say("Everybody here had a part in it. Name an independent person in the rules, or one more approver.")
    body = joined(say("{title}.", title=title), what, say("Due by {day}.", day=due_on))
    return Told(say("A question needs somebody independent"), body)


def given_to(title: str, owner: str, due_on: date) -> Told:
    """To the member: somebody else answers now."""
    now = say("{name} looks at it now and answers by {day}.", name=owner, day=due_on)
    return Told(say("Somebody else answers your question now"), joined(_about(title), now))


def answered(title: str, who: str, answer: str, changed: Words) -> Told:
    """To the member: the answer, and what it changed."""
    says = say("{name} says: {answer}", name=who, answer=answer)
    body = joined(_about(title), says, changed, say("If you see it another way, ask again."))
    return Told(say("We answered your question"), body)


def late(title: str) -> Told:
    """To the member: the day has passed without an answer."""
    sorry = say("We are sorry that there is no answer yet. We asked for it again.")
    return Told(say("Your answer is late"), joined(_about(title), sorry))


def reminder(member: str, title: str) -> Told:
    """To the owner: the day has passed."""
    waits = say("{name} waits for your answer: {title}.", name=member, title=title)
    return Told(say("A question is overdue"), joined(waits, say("Answer it, or give it to somebody else.")))


def change_in_words(minutes: int, *, time_is: int | None = None) -> Words:
    """What an answer did to the member's hours. ``time_is``: what the time given counts now, where it is that."""
    changed = Minutes(abs(minutes))
    if time_is is not None:
        now = say("The time is {time} now.", time=Minutes(time_is)) if time_is else say("The time is taken out now.")
        if minutes == 0:
            then = say("Your hours stay as they are.")
        elif minutes > 0:
            then = say("Your hours are {time} more.", time=changed)
        else:
            then = say("Your hours are {time} less.", time=changed)
        return joined(now, then, by=" ")
    if minutes == 0:
        return say("Your hours stay as they are.")
    if minutes > 0:
        return say("You have {time} more now.", time=changed)
    return say("You have {time} less now.", time=changed)
