"""What a line of a register says, and what is known when it is judged. Pure."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal

import msgspec

from timebank.banks.rules import Rules

MAX_WHAT = 200
MAX_DUPLICATE_REASON = 200
MAX_DECISION_REASON = 500
MAX_AGREED = 200
MAX_EVIDENCE = 500
MAX_BROUGHT_FORWARD = 600_000

Kind = Literal["given", "exchange", "staff", "brought_forward"]
Source = Literal["page", "file", "api", "self", "check_in", "import"]
State = Literal["submitted", "approved", "declined", "undone", "removed"]
Standing = Literal["active", "paused", "left"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One person's time on one day. ``minutes`` are whole minutes.

    ``activity_id`` may be left to the register; ``number`` is the line of its file, 0 when there is none.

    ``guest_id`` instead of a member: then ``member_id`` is 0. ``starts_at`` is on the time bank's wall clock.
    ``preparation_minutes`` and ``travel_minutes`` are part of ``minutes``. An ``exchange`` is for ``receiver_ids``;
    ``how_agreed`` says how those who pay for it agreed. ``evidence`` is for hours brought forward.
    """

    member_id: int
    held_on: date
    minutes: int
    what: str = ""
    duplicate_reason: str = ""
    activity_id: int | None = None
    number: int = 0
    starts_at: time | None = None
    preparation_minutes: int = 0
    travel_minutes: int = 0
    guest_id: int | None = None
    kind: Kind = "given"
    receiver_ids: tuple[int, ...] = ()
    how_agreed: str = ""
    evidence: str = ""

    @property
    def who(self) -> int:
        """One number for whoever it was: a member's id, or a guest's id below zero."""
        return self.member_id if self.guest_id is None else -self.guest_id


@dataclass(frozen=True, slots=True)
class Earlier:
    """Time that is recorded already and counts, or waits to. ``member_id`` is a guest's id below zero for a guest."""

    contribution_id: int
    reference: str
    activity_id: int | None
    member_id: int
    held_on: date
    minutes: int
    starts_at: time | None = None
    away_minutes: int = 0
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know about a time bank to judge the lines of a register.

    ``people`` holds every member that the lines name; one who is missing from it is not known here. ``guests`` are the
    guests who still wait. ``earlier`` covers the weeks of the lines. ``paying`` are the groups whose receivers pay even
    when they are several. ``passed_on`` says to which other member the hours of a member go, by standing choice.
    """

    rules: Rules
    today: date
    people: Mapping[int, Standing]
    activities: Container[int]
    earlier: Sequence[Earlier]
    time_zone: str = "UTC"
    guests: Container[int] = frozenset()
    paying: Container[int] = frozenset()
    source: Source = "page"
    passed_on: Mapping[int, int] = field(default_factory=dict)
