"""Whose name is on a line of a register: sure, likely, one of several, or not known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, Protocol

from timebank.kit import names

MAX_SUGGESTIONS = 3
_COMPARED = 12  # members compared letter by letter for one name, after the letter pairs have chosen them
_LIKENESS_PERCENT = 72


class NamedLine(Protocol):
    """What is needed of a register's line to find its member."""

    @property
    def number(self) -> int:
        """The row, as the spreadsheet shows it."""
        ...

    @property
    def name_text(self) -> str:
        """The name as written."""
        ...

    @property
    def member_number(self) -> str:
        """The member number as written, or ""."""
        ...


@dataclass(frozen=True, slots=True)
class KnownMember:
    """A member that a line may mean."""

    id: int
    display_name: str
    member_number: str | None = None


@dataclass(frozen=True, slots=True)
class NameMatch:
    """What was found for one line.

    ``exact``: one member. ``likely``: at most MAX_SUGGESTIONS, the most alike first, for a person to choose from.
    ``ambiguous``: every member of that name. ``unknown``: none.
    """

    line: int
    kind: Literal["exact", "likely", "ambiguous", "unknown"]
    members: tuple[KnownMember, ...] = ()


def match_names(lines: Iterable[NamedLine], members: Sequence[KnownMember]) -> tuple[NameMatch, ...]:
    """Return one match for each line, in order.

    A name is sure when exactly one member has it, case, accents, apostrophes, hyphens and ``Surname, First`` order
    aside, and no member number contradicts it. Anything less is offered to a person, never decided.
    """
    directory = _Directory(members)
    return tuple(directory.match(line) for line in lines)


class _Directory:
    def __init__(self, members: Sequence[KnownMember]) -> None:
        self._by_number: dict[str, list[KnownMember]] = defaultdict(list)
        self._by_key: dict[str, dict[int, KnownMember]] = defaultdict(dict)
        self._by_loose_key: dict[str, dict[int, KnownMember]] = defaultdict(dict)
        self._by_pair: dict[str, list[str]] = defaultdict(list)
        self._suggested: dict[str, tuple[KnownMember, ...]] = {}
        for member in members:
            if number := _plain_number(member.member_number or ""):
                self._by_number[number].append(member)
            for name in _names_of(member.display_name):
                key = names.key(name)
                self._by_key[key][member.id] = member
                self._by_loose_key[names.loose_key(key)][member.id] = member
        for loose in self._by_loose_key:
            for pair in _pairs(loose):
                self._by_pair[pair].append(loose)

    def match(self, line: NamedLine) -> NameMatch:
        named = self._named(line.name_text)
        number = _plain_number(line.member_number)
        numbered = self._by_number.get(number, []) if number else []
        if len(numbered) == 1:
            if not line.name_text or numbered[0] in named:
                return NameMatch(line.number, "exact", tuple(numbered))
            # The number says one person and the name another: a person decides.
            return NameMatch(line.number, "likely", _first((*numbered, *named, *self._like(line.name_text))))
        if len(named) > 1:
            return NameMatch(line.number, "ambiguous", named)
        if named:
            contradicted = bool(number) and named[0].member_number is not None
            return NameMatch(line.number, "likely" if contradicted else "exact", named)
        alike = self._like(line.name_text)
        return NameMatch(line.number, "likely" if alike else "unknown", alike)

    def _named(self, text: str) -> tuple[KnownMember, ...]:
        """Return the members of this very name; accents, apostrophes, hyphens are forgotten only if nobody has it."""
        for name in _orders(text):
            if found := self._by_key.get(names.key(name)):
                return tuple(found.values())
        for name in _orders(text):
            if (loose := names.loose_key(name)) and (found := self._by_loose_key.get(loose)):
                return tuple(found.values())
        return ()

    def _like(self, text: str) -> tuple[KnownMember, ...]:
        loose = names.loose_key(text)
        if loose not in self._suggested:
            self._suggested[loose] = _first(self._alike(loose)) if loose else ()
        return self._suggested[loose]

    def _alike(self, loose: str) -> Iterator[KnownMember]:
        shared: Counter[str] = Counter()
        for pair in _pairs(loose):
            shared.update(self._by_pair.get(pair, ()))
        scored = sorted((-_likeness(loose, other), other) for other, _ in shared.most_common(_COMPARED))
        for score, other in scored:
            if -score >= _LIKENESS_PERCENT:
                yield from self._by_loose_key[other].values()


def _names_of(display_name: str) -> Iterator[str]:
    """Yield a name whole, and each of its parts when one stands in brackets: another script, or a short name."""
    yield display_name
    before, bracket, rest = display_name.partition("(")
    inside, closing, after = rest.partition(")")
    if bracket and closing:
        yield from (part for part in (f"{before} {after}".strip(), inside.strip()) if part)


def _orders(text: str) -> Iterator[str]:
    yield from _names_of(text)
    last, comma, first = text.partition(",")
    if comma and first.strip() and "," not in first:
        yield f"{first.strip()} {last.strip()}"


def _plain_number(text: str) -> str:
    return "".join(c for c in names.loose_key(text) if c.isalnum()).lstrip("0")


def _pairs(loose: str) -> set[str]:
    return {word[at : at + 2] for word in loose.split() for at in range(max(len(word) - 1, 1))}


def _likeness(loose: str, other: str) -> int:
    """Return 0 .. 100: how alike two names are, in any order of words, or as a first name or initials alone."""
    words, others = loose.split(), other.split()
    if _is_short_form(words, others) or _is_short_form(others, words):
        return 90
    whole = SequenceMatcher(None, loose, other, autojunk=False)
    # The letters in common, whatever their order, are quick to count and bound both ratios.
    if 100 * whole.quick_ratio() < _LIKENESS_PERCENT:
        return 0
    in_order = SequenceMatcher(None, " ".join(sorted(words)), " ".join(sorted(others)), autojunk=False)
    return int(100 * max(whole.ratio(), in_order.ratio()))


def _is_short_form(words: Sequence[str], others: Sequence[str]) -> bool:
    """``amina`` or ``amina y`` or ``a yusuf`` for ``amina yusuf``."""
    if len(words) > len(others) or not any(len(word) > 1 for word in words):
        return False
    if len(words) == 1:
        return words[0] in others
    return words[0][0] == others[0][0] and all(
        word == full or (len(word) == 1 and full.startswith(word))
        for word, full in ((words[0], others[0]), (words[-1], others[-1]))
    )


def _first(members: Iterable[KnownMember]) -> tuple[KnownMember, ...]:
    return tuple({member.id: member for member in members}.values())[:MAX_SUGGESTIONS]
