"""Who could do something together: matches between what members offer and would like, each explained in one sentence.

Pure, and the same for the same facts. The same category makes a match; shared times and ways make it a better one.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, Protocol

import msgspec

from timebank.kit.words import Words, say
from timebank.peers.words import TIMES, inside, when_inside

TIME_POINTS, WAY_POINTS = 2, 1
KIND_POINTS = {"offer": 20, "wish": 15, "same": 10}


class Matchable(Protocol):
    """What a match needs to know of an offer or a wish; ``times`` and ``hows`` empty mean any."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def member_id(self) -> int: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def name_key(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def category(self) -> str: ...  # noqa: D102
    @property
    def times(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def hows(self) -> tuple[str, ...]: ...  # noqa: D102


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """One good match. ``sentence`` says why; ``href`` leads to it. ``kind``: their offer, their wish, or the same."""

    kind: Literal["offer", "wish", "same"]
    id: int
    member_id: int
    name: str
    title: str
    category: str
    sentence: str
    href: str
    points: int


def suggest(
    my_offers: Sequence[Matchable],
    my_wishes: Sequence[Matchable],
    their_offers: Iterable[Matchable],
    their_wishes: Iterable[Matchable],
    limit: int,
) -> list[Suggestion]:
    """The best matches, one for each person, best first. Something else matches nothing: it says too little."""
    found = [
        *_matches("offer", my_wishes, their_offers),
        *_matches("wish", my_offers, their_wishes),
        *_matches("same", my_offers, their_offers),
    ]
    best: dict[int, tuple[tuple[int, str, int, str], Suggestion]] = {}
    for match, key in found:
        if match.member_id not in best or key < best[match.member_id][0]:
            best[match.member_id] = (key, match)
    return [match for _, match in sorted(best.values(), key=lambda each: each[0])][: max(limit, 0)]


def _matches(
    kind: Literal["offer", "wish", "same"], own: Sequence[Matchable], others: Iterable[Matchable]
) -> Iterable[tuple[Suggestion, tuple[int, str, int, str]]]:
    for theirs in others:
        alike = [each for each in own if each.category == theirs.category and theirs.category != "other"]
        if not alike:
            continue
        times = max((_shared(each.times, theirs.times) for each in alike), key=len)
        ways = max((_shared(each.hows, theirs.hows) for each in alike), key=len)
        points = KIND_POINTS[kind] + TIME_POINTS * len(times) + WAY_POINTS * len(ways)
        where = "wishes" if kind == "wish" else "offers"
        match = Suggestion(
            kind=kind,
            id=theirs.id,
            member_id=theirs.member_id,
            name=theirs.name,
            title=theirs.title,
            category=theirs.category,
            sentence=_sentence(kind, theirs, times),
            href=f"/share/{where}/{theirs.id}",
            points=points,
        )
        yield match, (-points, theirs.name_key, theirs.id, kind)


def _shared(mine: Collection[str], theirs: Collection[str]) -> tuple[str, ...]:
    """What both named. Any time on one side says nothing, so it shares nothing that a sentence could name."""
    return tuple(code for code in (*TIMES, "in_person", "phone", "online") if code in mine and code in theirs)


def _sentence(kind: str, theirs: Matchable, times: Sequence[str]) -> Words:
    what, when = inside(theirs.category), when_inside(times)
    name = theirs.name
    if kind == "offer":
        if when is None:
            return say("{name} can help with {what}.", name=name, what=what)
        return say("{name} can help with {what} and is free {when}.", name=name, what=what, when=when)
    if kind == "wish":
        if when is None:
            return say("{name} would like help with {what}.", name=name, what=what)
        return say("{name} would like help with {what} and is free {when}.", name=name, what=what, when=when)
    if when is None:
        return say("{name} likes {what} too.", name=name, what=what)
    return say("{name} likes {what} too and is free {when}.", name=name, what=what, when=when)
