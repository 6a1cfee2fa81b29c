"""What members are told about their hours, in plain words. Pure.

A subject stands alone, as a text message does: it never names a group, because others may see the phone.
"""

from datetime import date
from typing import NamedTuple

from timebank.contributions.exchanges import CreditedTo
from timebank.kit import dates
from timebank.kit.durations import in_words

BROUGHT_FORWARD = "Hours brought forward"
WRONG = "If this is not right, tell us."


class Told(NamedTuple):
    """One message: what stands alone, and the whole of it in short paragraphs."""

    subject: str
    body: str


def _were(minutes: int) -> str:
    return "was" if minutes in (1, 60) else "were"


def _for(activity: str, day: date) -> str:
    return f"This is for {activity or BROUGHT_FORWARD.lower()} on {dates.in_words(day)}."


def added(minutes: int, to: CreditedTo, activity: str, day: date, *, gives: str = "hours", other: str = "") -> Told:
    """Time was written down for somebody, and where the hours went."""
    time = in_words(minutes)
    what_for = _for(activity, day)
    if to == "pot":
        subject, where = f"Your {time} went to the pot", "Your hours go to the community pot. That is your choice."
    elif to == "other":
        subject, where = f"Your {time} went to {other}", f"Your hours go to {other}. That is your choice."
    elif to == "member":
        subject, where = f"{time} {_were(minutes)} added", "You can use this time for something you need."
    else:
        subject = f"Your {time} is written down"
        where = "This work pays a fee, so it adds no hours." if gives == "fee" else "No hours are added for it."
    return Told(subject, f"{what_for}\n\n{where}\n\n{WRONG}")


def passed_on(minutes: int, giver: str) -> Told:
    """Somebody's hours came to a member by that other member's standing choice."""
    time = in_words(minutes)
    return Told(f"{time} came to you", f"{giver} gave {time} and passed the hours on to you.\n\n{WRONG}")


def used(minutes: int, giver: str, activity: str, day: date) -> Told:
    """Hours of somebody who received help were used for it."""
    time = in_words(minutes)
    body = f"{giver} gave you time. {_for(activity, day)}\n\n{time} of your hours went to {giver}.\n\n{WRONG}"
    return Told(f"{time} of your hours {_were(minutes)} used", body)


def not_yet(minutes: int, activity: str, day: date, reason: str) -> Told:
    """Time was not added, and why."""
    time = in_words(minutes)
    body = f"{_for(activity, day)}\n\nWhy: {reason}\n\nIf you see it another way, tell us."
    return Told(f"{time} {_were(minutes)} not added yet", body)


def put_right(before: int, after: int, activity: str, days: tuple[date, date], reason: str, *, kept: int = 0) -> Told:
    """A correction: minutes ``before`` and ``after`` (0: taken out), the day before and after.

    ``kept`` are minutes that had been used already and that nobody asks back.
    """
    day_before, day_after = days
    if after == 0:
        subject, change = f"{in_words(before)} {_were(before)} taken back", f"{in_words(before)} was a mistake of ours."
    elif before == after:
        subject = "The day of your time was put right"
        change = f"The day is {dates.in_words(day_after)}, not {dates.in_words(day_before)}."
    else:
        subject = f"Your time was put right: {in_words(after)}"
        change = f"It is {in_words(after)} now, not {in_words(before)}."
    parts = [_for(activity, day_after), change]
    if reason:
        parts.append(f"Why: {reason}")
    if kept:
        parts.append(f"You used {in_words(kept)} of it already. You keep that. Your bookings stay.")
    return Told(subject, "\n\n".join([*parts, WRONG]))


def receiver_put_right(before: int, after: int, activity: str, day: date, reason: str) -> Told:
    """What somebody paid for help has changed."""
    less = after < before
    time = in_words(abs(before - after))
    subject = f"{time} came back to you" if less else f"{time} more {_were(abs(before - after))} used"
    body = f"Time that you received was put right. {_for(activity, day)}"
    return Told(subject, "\n\n".join([body, *([f"Why: {reason}"] if reason else []), WRONG]))


def passed_on_put_right(before: int, after: int, giver: str, reason: str, *, kept: int = 0) -> Told:
    """Hours that came to a member by somebody else's standing choice have changed."""
    change = (
        f"{giver} passed time on to you. It is {in_words(after) if after else 'nothing'} now, not {in_words(before)}."
    )
    parts = [change, *([f"Why: {reason}"] if reason else [])]
    if kept:
        parts.append(f"You used {in_words(kept)} of it already. You keep that. Your bookings stay.")
    return Told("Time that came to you was put right", "\n\n".join([*parts, WRONG]))


def undone(minutes: int, activity: str, day: date) -> Told:
    """A register was taken back soon after it was saved."""
    time = in_words(minutes)
    body = f"{_for(activity, day)}\n\nThe list was saved by mistake and was taken back.\n\n{WRONG}"
    return Told(f"{time} {_were(minutes)} taken back", body)
