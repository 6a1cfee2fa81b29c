"""Choosing a member from a list by text, as a browser's list of suggestions does. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from timebank.contributions.register_names import KnownMember, match_names
from timebank.kit import names

MAX_OFFERED = 12


def labels(members: Iterable[KnownMember]) -> dict[str, KnownMember]:
    """Every member by the text that stands for them: the name, with the member number where several share the name."""
    everyone = list(members)
    count = Counter(names.key(member.display_name) for member in everyone)
    return {_label(member, count): member for member in everyone}


def _label(member: KnownMember, count: Mapping[str, int]) -> str:
    if count[names.key(member.display_name)] > 1 and member.member_number:
        return f"{member.display_name} ({member.member_number})"
    return member.display_name


def first_names(members: Iterable[KnownMember]) -> dict[str, KnownMember]:
    """Every member by what a session leader may see: the first name, with an initial where two share it.

    Where even that is shared, the member number tells them apart.
    """
    unnamed = list(members)
    found: dict[str, KnownMember] = {}
    for wording in (_first_name, _with_initial):
        by_text: defaultdict[str, list[KnownMember]] = defaultdict(list)
        for member in unnamed:
            by_text[names.key(wording(member))].append(member)
        found |= {wording(same[0]): same[0] for same in by_text.values() if len(same) == 1}
        unnamed = [member for same in by_text.values() if len(same) > 1 for member in same]
    found |= {_with_number(member): member for member in unnamed}
    return dict(sorted(found.items(), key=lambda one: names.key(one[0])))


def _parts(member: KnownMember) -> list[str]:
    before = member.display_name.partition("(")[0]
    return [word for word in before.split() if any(c.isalnum() for c in word)] or member.display_name.split()[:1]


def _first_name(member: KnownMember) -> str:
    return _parts(member)[0]


def _with_initial(member: KnownMember) -> str:
    first, *others = _parts(member)
    return f"{first} {next(c for c in others[-1] if c.isalnum()).upper()}" if others else first


def _with_number(member: KnownMember) -> str:
    return f"{_with_initial(member)} ({member.member_number or f'id {member.id}'})"


class Chooser:
    """Finds the member that a typed text stands for, when it is one of the labels."""

    def __init__(
        self,
        members: Iterable[KnownMember],
        wording: Callable[[Iterable[KnownMember]], Mapping[str, KnownMember]] = labels,
    ) -> None:
        self._by_key = {names.key(text): member for text, member in wording(members).items()}

    def chosen(self, typed: str) -> KnownMember | None:
        """The member of this label, spelling of capitals and spaces aside; None when it is no label."""
        return self._by_key.get(names.key(typed))


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a typed name means: one ``member``, or the ``options`` that a person chooses from; neither when nobody."""

    member: KnownMember | None = None
    options: tuple[KnownMember, ...] = ()


@dataclass(frozen=True, slots=True)
class _Name:
    number: int
    name_text: str
    member_number: str


class Directory:
    """The members that somebody may choose from, and how that person reads their names.

    ``shown`` holds the text for each member id: full names for coordinators, first names for session leaders.
    """

    def __init__(self, members: Iterable[KnownMember], *, only_first_names: bool = False) -> None:
        self.members: dict[int, KnownMember] = {member.id: member for member in members}
        wording = first_names if only_first_names else labels
        by_text = wording(list(self.members.values()))
        self.choices: tuple[str, ...] = tuple(by_text)
        self.labels: dict[int, str] = {member.id: text for text, member in by_text.items()}
        self.shown: dict[int, str] = (
            self.labels if only_first_names else {member.id: member.display_name for member in self.members.values()}
        )
        self._by_key = {names.key(text): member for text, member in by_text.items()}

    def find(self, typed: Sequence[str]) -> list[Found]:
        """Whom each of these texts means: a label, a member number, or any part of a name. Nobody for an empty text."""
        there = {text: Found(self._by_key.get(names.key(text))) for text in set(typed)}
        asked = [text for text, found in there.items() if text and found.member is None]
        if asked:
            numbered = [_Name(at, *(("", text) if text.isdecimal() else (text, ""))) for at, text in enumerate(asked)]
            for text, match in zip(asked, match_names(numbered, tuple(self.members.values())), strict=True):
                exact = match.kind == "exact"
                options = () if exact else match.members or self._with_part(text)
                there[text] = Found(match.members[0] if exact else None, options)
        return [there[text] for text in typed]

    def _with_part(self, text: str) -> tuple[KnownMember, ...]:
        """The members whose name holds the text somewhere, at most MAX_OFFERED."""
        part = names.loose_key(text)
        if len(part) < 2:
            return ()
        found = [member for member in self.members.values() if part in names.loose_key(member.display_name)]
        return tuple(found[:MAX_OFFERED]) if len(found) <= MAX_OFFERED else ()
