"""What a plan is: what will happen to each line of a file, before anything is done. Pure.

A line is *ready*, *there* already, *undecided* (a person has to say something), *left out* by choice, or *refused*. A
refused line never stands in the way of the others; an undecided one does, until it is decided or left out. Nothing that
does not add up is put right here: it is said.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from timebank.imports.formats import Format, ReadFile
from timebank.imports.people import Asked, MemberFacts
from timebank.kit import ids

KEY_BYTES = 16
MEMBER_PART, PAYEE_PART, ENTRY_PART = 1, 2, 3

State = Literal["ready", "there", "undecided", "left_out", "refused"]
Kind = Literal["member", "exchange", "balance"]


class Planned(msgspec.Struct, kw_only=True, gc=False):
    """One thing that a line asks for. ``payer`` gives minutes to ``payee``; either may be ``person/<code>``, to add."""

    line: int
    part: int
    kind: Kind
    key: bytes
    state: State = "ready"
    why: str = ""
    who: str = ""
    person: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    joined_on: date | None = None
    payer: str = ""
    payee: str = ""
    minutes: int | None = None
    rounded: str = ""
    happened_on: date | None = None
    words: str = ""
    member_id: int | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something to decide for many lines at once. ``field`` is the one of ``Answers``."""

    field: str
    text: str
    hint: str
    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a plan needs to know of the time bank. ``known``: members by what the same source called them before.

    ``done``: keys of lines that were imported before. ``floor`` is what balances may go down to, in minutes.
    """

    today: date
    zone: ZoneInfo
    members: Sequence[MemberFacts]
    known: Mapping[str, int]
    done: frozenset[bytes]
    floor: int = 0
    minimum_age: int = 0
    brought: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole file. ``lines`` may hold several parts of one line; ``people`` are those to decide about."""

    format: Format
    file: ReadFile
    lines: tuple[Planned, ...]
    questions: tuple[Question, ...]
    people: tuple[Asked, ...]
    notes: tuple[str, ...]

    def of(self, *states: State) -> tuple[Planned, ...]:
        """The parts in these states, in the order of the file."""
        return tuple(one for one in self.lines if one.state in states)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How many parts there are by kind and state."""
        return Counter((one.kind, one.state) for one in self.lines)

    @property
    def ready_minutes(self) -> int:
        """The minutes of the exchanges that are ready."""
        return sum(one.minutes or 0 for one in self.lines if one.kind == "exchange" and one.state == "ready")

    @property
    def is_open(self) -> bool:
        """True while something has to be decided first."""
        return bool(self.questions or self.people or self.file.missing)


def key_of(*parts: str) -> bytes:
    """What makes a line the same in another file: its words, spelling of spaces aside."""
    return ids.sha256("\n".join(" ".join(part.split()) for part in parts))[:KEY_BYTES]


def in_order(lines: Sequence[Planned]) -> list[Planned]:
    """The parts that are ready, in the order in which they are done: people first, then entries by their day."""
    ready = [one for one in lines if one.state == "ready"]
    return sorted(ready, key=lambda one: (one.kind != "member", one.happened_on or date.min, one.line, one.part))
