"""Words that the pages and messages of this room share: categories, times, ways, states. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from timebank.kit.words import Words, mark, say


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """One everyday thing that people do for each other: its name, its picture, and how a sentence says it."""

    code: str
    name: str
    picture: str
    inside: str


CATEGORIES: Final = tuple(
    Category(code=code, name=name, picture=picture, inside=inside)
    for code, name, picture, inside in (
        ("company", mark("Company and a chat"), "drink", mark("company and a chat")),
        ("walks", mark("Walks and fresh air"), "walk", mark("walks")),
        ("reading", mark("Reading, letters and forms"), "write", mark("letters and forms")),
        ("phones", mark("Phones and computers"), "phone", mark("phones and computers")),
        ("cooking", mark("Cooking"), "food", mark("cooking")),
        ("gardening", mark("Gardening"), "grow", mark("gardening")),
        ("crafts", mark("Crafts and music"), "craft", mark("crafts and music")),
        ("languages", mark("Languages"), "language", mark("languages")),
        ("getting_about", mark("Getting about"), "bus", mark("getting about")),
        ("learning", mark("Learning together"), "books", mark("learning together")),
        ("other", mark("Something else"), "new", mark("something else")),
    )
)
OTHER: Final = "other"
_BY_CODE: Final = {category.code: category for category in CATEGORIES}

TIMES: Final = {
    "weekday": mark("Weekdays, in the day"),
    "evening": mark("Evenings"),
    "weekend": mark("Weekends"),
}
TIMES_INSIDE: Final = {
    "weekday": mark("on weekdays"),
    "evening": mark("in the evening"),
    "weekend": mark("at weekends"),
}
HOWS: Final = {
    "in_person": mark("In person, at a public place"),
    "phone": mark("By phone"),
    "online": mark("Online"),
}
STATES: Final = {
    "asked": mark("Waits for an answer"),
    "agreed": mark("Agreed"),
    "settling": mark("Being sorted out"),
    "done": mark("Done"),
    "free": mark("Did not happen"),
    "declined": mark("Not this time"),
    "cancelled": mark("Cancelled"),
    "ended": mark("Ended"),
    "lapsed": mark("Ran out of time"),
}
EVENTS: Final = {
    "asked": mark("Asked"),
    "suggested": mark("Suggested another time or length"),
    "yes": mark("Said yes"),
    "agreed": mark("It is agreed. The hours are set aside."),
    "declined": mark("Said no thanks"),
    "cancelled": mark("Cancelled"),
    "ended": mark("It ended. No hours were used."),
    "lapsed": mark("Nobody answered in time"),
    "said": mark("Said how long it was"),
    "said_no": mark("Said it did not happen"),
    "settling": mark("The two answers differ. A coordinator looks at it."),
    "settled": mark("A coordinator settled it"),
    "silence": mark("There was no answer in time, so our rule counts"),
    "done": mark("The hours moved"),
    "free": mark("The hours are free again"),
}


def category(code: str) -> Category:
    """The category of this code; one that is not known any more is something else."""
    return _BY_CODE.get(code, _BY_CODE[OTHER])


def is_category(code: str) -> bool:
    """True for a code in the list."""
    return code in _BY_CODE


def inside(code: str) -> Words:
    """The category as a sentence says it: “gardening”."""
    return say(category(code).inside)


def when_inside(times: Iterable[str]) -> Words | None:
    """The first of the shared times as a sentence says it: “at weekends”; None when there is none."""
    for known, words in TIMES_INSIDE.items():
        if known in times:
            return say(words)
    return None
