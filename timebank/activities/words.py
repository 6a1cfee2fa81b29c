"""Days and times of sessions as people say them: on pages, on paper and in messages. Pure."""

from datetime import date, time

from timebank.kit import dates
from timebank.kit.words import Clock, FullDay, Words, say

MAX_SUBJECT = 140


def day(value: date) -> str:
    """``Tuesday 3 March 2026``."""
    return str(FullDay(value))


def clock(value: time) -> Words:
    """``2:05pm``; ``midday`` and ``midnight`` by name."""
    return say("{time}", time=Clock(value))


def when(on: date, at: time) -> Words:
    """``Tuesday 3 March 2026 at 2pm``; a page says it in its language."""
    return say("{day} at {time}", day=FullDay(on), time=Clock(at))


def days(values: list[date]) -> str:
    """``3 March 2026, 10 March 2026 and 17 March 2026``."""
    return listed([dates.in_words(value) for value in values])


def months(values: list[date]) -> str:
    """``February 2026 and April 2026``."""
    return listed([dates.in_words(value).partition(" ")[2] for value in values])


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}" if words else ""


def subject(said: Words) -> str:
    """The subject of a message, cut where a long name makes it too long."""
    return said if len(said) <= MAX_SUBJECT else said[:MAX_SUBJECT]


def names(people: list[str]) -> str:
    """``Ada, Ben and Cem``, in any language."""
    if len(people) < 2:
        return people[0] if people else ""
    said: str = people[0]
    for name in people[1:-1]:
        said = say("{names}, {name}", names=said, name=name)
    return say("{names} and {name}", names=said, name=people[-1])
