"""What members and those who answer are told. Pure.

A subject stands alone, as a text message does: it names no person's matter, because others may see the phone.
"""

from datetime import date
from typing import NamedTuple

from timebank.kit import dates
from timebank.kit.durations import in_words


class Told(NamedTuple):
    """One message: what stands alone, and the whole of it in short paragraphs."""

    subject: str
    body: str


def asked(title: str, owner: str, independent_person: str, due_on: date) -> Told:
    """To the member: the question is here, and who answers until when."""
    day = dates.in_words(due_on)
    if owner:
        who = f"{owner} looks at it and answers by {day}.\n\n{owner} did not make or approve this entry."
    elif independent_person:
        who = f"Everybody here had a part in it. So {independent_person} looks at it.\n\nYou hear by {day}."
    else:
        who = f"Everybody here had a part in it. We look for somebody who had none.\n\nYou hear by {day}."
    return Told("We have your question", f"You asked about this: {title}.\n\n{who}")


def to_answer(member: str, title: str, due_on: date) -> Told:
    """To the owner: a question waits for them."""
    body = (
        f"{member} says that something is not right: {title}.\n\nPlease answer by {dates.in_words(due_on)}. "
        "You were chosen because you did not make or approve this entry."
    )
    return Told(f"A question for you to answer by {dates.in_words(due_on)}", body)


def nobody_to_answer(title: str, independent_person: str, due_on: date) -> Told:
    """To coordinators: somebody from outside has to answer."""
    if independent_person:
        what = (
            f"Everybody here had a part in it, so {independent_person} answers. Tell them, and write down the answer."
        )
    else:
        what = "Everybody here had a part in it. Name an independent person in the rules, or one more approver."
    return Told("A question needs somebody independent", f"{title}.\n\n{what}\n\nDue by {dates.in_words(due_on)}.")


def given_to(title: str, owner: str, due_on: date) -> Told:
    """To the member: somebody else answers now."""
    return Told(
        "Somebody else answers your question now",
        f"You asked about this: {title}.\n\n{owner} looks at it now and answers by {dates.in_words(due_on)}.",
    )


def answered(title: str, who: str, answer: str, changed: str) -> Told:
    """To the member: the answer, and what it changed."""
    return Told(
        "We answered your question",
        f"You asked about this: {title}.\n\n{who} says: {answer}\n\n{changed}\n\nIf you see it another way, ask again.",
    )


def late(title: str) -> Told:
    """To the member: the day has passed without an answer."""
    return Told(
        "Your answer is late",
        f"You asked about this: {title}.\n\nWe are sorry that there is no answer yet. We asked for it again.",
    )


def reminder(member: str, title: str) -> Told:
    """To the owner: the day has passed."""
    return Told(
        "A question is overdue",
        f"{member} waits for your answer: {title}.\n\nAnswer it, or give it to somebody else.",
    )


def change_in_words(minutes: int, *, time_is: int | None = None) -> str:
    """What an answer did to the member's hours. ``time_is``: what the time given counts now, where it is that."""
    if time_is is not None:
        now = f"The time is {in_words(time_is)} now." if time_is else "The time is taken out now."
        if minutes == 0:
            return f"{now} Your hours stay as they are."
        return f"{now} Your hours are {in_words(abs(minutes))} {'more' if minutes > 0 else 'less'}."
    if minutes == 0:
        return "Your hours stay as they are."
    return f"You have {in_words(abs(minutes))} {'more' if minutes > 0 else 'less'} now."
