"""What members are told about their hours, in plain words. Pure.

A subject stands alone, as a text message does: it never names a group, because others may see the phone.
"""

from datetime import date
from typing import NamedTuple

from timebank.contributions.exchanges import CreditedTo
from timebank.kit.words import Minutes, Words, joined, mark, say, say_n

BROUGHT_FORWARD = mark("Hours brought forward")
SOMETHING_ELSE = mark("Something else")
WRONG = mark("If this is not right, tell us.")


class Told(NamedTuple):
    """One message: what stands alone, and the whole of it in short paragraphs."""

    subject: Words
    body: Words


def _of(minutes: int) -> int:
    """One hour *was* added, and so was one minute; any other time *were*."""
    return 1 if minutes in (1, 60) else 2


def _for(activity: str, day: date) -> Words:
    if not activity:
        return say("This is for hours brought forward on {day}.", day=day)
    return say("This is for {activity} on {day}.", activity=activity, day=day)


def _why(reason: str) -> list[Words]:
    return [say("Why: {reason}", reason=reason)] if reason else []


def _kept(kept: int) -> list[Words]:
    words = mark("You used {time} of it already. You keep that. Your bookings stay.")
    return [say(words, time=Minutes(kept))] if kept else []


def added(minutes: int, to: CreditedTo, activity: str, day: date, *, gives: str = "hours", other: str = "") -> Told:
    """Time was written down for somebody, and where the hours went."""
    time = Minutes(minutes)
    if to == "pot":
        subject = say("Your {time} went to the pot", time=time)
        where = say("Your hours go to the community pot. That is your choice.")
    elif to == "other":
        subject = say("Your {time} went to {name}", time=time, name=other)
        where = say("Your hours go to {name}. That is your choice.", name=other)
    elif to == "member":
        subject = say_n(_of(minutes), "{time} was added", "{time} were added", time=time)
        where = say("You can use this time for something you need.")
    else:
        subject = say("Your {time} is written down", time=time)
        where = (
            say("This work pays a fee, so it adds no hours.") if gives == "fee" else say("No hours are added for it.")
        )
    return Told(subject, joined(_for(activity, day), where, say(WRONG)))


def passed_on(minutes: int, giver: str) -> Told:
    """Somebody's hours came to a member by that other member's standing choice."""
    time = Minutes(minutes)
    passed = say("{name} gave {time} and passed the hours on to you.", name=giver, time=time)
    return Told(say("{time} came to you", time=time), joined(passed, say(WRONG)))


def used(minutes: int, giver: str, activity: str, day: date) -> Told:
    """Hours of somebody who received help were used for it."""
    time = Minutes(minutes)
    gave = joined(say("{name} gave you time.", name=giver), _for(activity, day), by=" ")
    went = say("{time} of your hours went to {name}.", time=time, name=giver)
    subject = say_n(_of(minutes), "{time} of your hours was used", "{time} of your hours were used", time=time)
    return Told(subject, joined(gave, went, say(WRONG)))


def not_yet(minutes: int, activity: str, day: date, reason: str) -> Told:
    """Time was not added, and why."""
    why = say("Why: {reason}", reason=reason)
    body = joined(_for(activity, day), why, say("If you see it another way, tell us."))
    subject = say_n(_of(minutes), "{time} was not added yet", "{time} were not added yet", time=Minutes(minutes))
    return Told(subject, body)


def put_right(before: int, after: int, activity: str, days: tuple[date, date], reason: str, *, kept: int = 0) -> Told:
    """A correction: minutes ``before`` and ``after`` (0: taken out), the day before and after.

    ``kept`` are minutes that had been used already and that nobody asks back.
    """
    day_before, day_after = days
    if after == 0:
        subject = _taken_back(before)
        change = say("{time} was a mistake of ours.", time=Minutes(before))
    elif before == after:
        subject = say("The day of your time was put right")
        change = say("The day is {now}, not {before}.", now=day_after, before=day_before)
    else:
        subject = say("Your time was put right: {time}", time=Minutes(after))
        change = say("It is {now} now, not {before}.", now=Minutes(after), before=Minutes(before))
    return Told(subject, joined(_for(activity, day_after), change, *_why(reason), *_kept(kept), say(WRONG)))


def receiver_put_right(before: int, after: int, activity: str, day: date, reason: str) -> Told:
    """What somebody paid for help has changed."""
    change = abs(before - after)
    if after < before:
        subject = say("{time} came back to you", time=Minutes(change))
    else:
        subject = say_n(_of(change), "{time} more was used", "{time} more were used", time=Minutes(change))
    body = joined(say("Time that you received was put right."), _for(activity, day), by=" ")
    return Told(subject, joined(body, *_why(reason), say(WRONG)))


def passed_on_put_right(before: int, after: int, giver: str, reason: str, *, kept: int = 0) -> Told:
    """Hours that came to a member by somebody else's standing choice have changed."""
    now = Minutes(after) if after else say("nothing")
    change = say(
        "{name} passed time on to you. It is {now} now, not {before}.", name=giver, now=now, before=Minutes(before)
    )
    body = joined(change, *_why(reason), *_kept(kept), say(WRONG))
    return Told(say("Time that came to you was put right"), body)


def undone(minutes: int, activity: str, day: date) -> Told:
    """A register was taken back soon after it was saved."""
    mistake = say("The list was saved by mistake and was taken back.")
    return Told(_taken_back(minutes), joined(_for(activity, day), mistake, say(WRONG)))


def _taken_back(minutes: int) -> Words:
    return say_n(_of(minutes), "{time} was taken back", "{time} were taken back", time=Minutes(minutes))
