"""Two registers of one group and day beside each other: what one has and the other has not. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from timebank.contributions.register_people import Recorded
from timebank.contributions.rules import Line


@dataclass(frozen=True, slots=True)
class Difference:
    """One person whose time is not the same on both sides; None where they are not there."""

    who: int
    name: str
    saved_minutes: int | None
    typed_minutes: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is saved beside what was typed. ``same`` counts the people whose time is the same on both sides."""

    differences: tuple[Difference, ...]
    same: int
    missing: int


def compare(lines: Sequence[Line], saved: Sequence[Recorded], names: Mapping[int, str]) -> Comparison:
    """Lay what was typed beside what is saved; ``names`` holds a name for each ``who`` of either."""
    typed = _by_person((line.who, line.minutes) for line in lines)
    there = _by_person((one.who, one.minutes) for one in saved)
    people = sorted({*typed, *there}, key=lambda who: names.get(who, "").casefold())
    different = tuple(
        Difference(who, names.get(who, ""), there.get(who), typed.get(who))
        for who in people
        if there.get(who) != typed.get(who)
    )
    missing = sum(1 for one in different if one.saved_minutes is None)
    return Comparison(different, len(people) - len(different), missing)


def _by_person(minutes: Iterable[tuple[int, int]]) -> dict[int, int]:
    total: dict[int, int] = {}
    for who, amount in minutes:
        total[who] = total.get(who, 0) + amount
    return total
