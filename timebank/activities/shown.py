"""What is read of activities and sessions, as pages and programs see it. Pure."""

from datetime import date, datetime, time

import msgspec

from timebank.activities import words
from timebank.activities.rules import ACCESS_TICKS, ActivityDetails
from timebank.kit.words import Words, say


class ActivityShown(ActivityDetails, frozen=True, kw_only=True):
    """A stream of work as pages and programs see it."""

    id: int
    is_archived: bool

    @property
    def access(self) -> list[str]:
        """What the place has, in words: “Step-free from the street”."""
        return [say(text) for name, text in ACCESS_TICKS.items() if getattr(self, name)]


class Leader(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who leads an activity, now or from a day to come."""

    member_id: int
    number: int
    display_name: str
    kind: str
    from_day: date
    until_day: date | None


class SessionShown(msgspec.Struct, frozen=True, kw_only=True):
    """One session as pages and programs see it. Day and time are those of the time bank's wall clock.

    ``signed_up`` and ``came`` count people; ``moved_from`` is the time asked for where the clock change left it out.
    """

    id: int
    activity_id: int
    series_id: int | None
    activity: str
    place: str
    is_listed: bool
    is_archived: bool
    gives: str
    held_on: date
    starts_at: time
    moved_from: time | None
    planned_minutes: int
    preparation_minutes: int
    travel_minutes: int
    room: str
    capacity: int | None
    who: str
    papers: str
    state: str
    cancel_reason: str
    version: int
    signed_up: int
    came: int

    @property
    def when(self) -> Words:
        """``Tuesday 3 March 2026 at 2pm``."""
        return words.when(self.held_on, self.starts_at)

    @property
    def clock(self) -> Words:
        """``2pm``."""
        return words.clock(self.starts_at)

    @property
    def where(self) -> str:
        """The room and the place, as far as they are known."""
        return ", ".join(part for part in (self.room, self.place) if part)

    @property
    def is_planned(self) -> bool:
        """True when it has not been cancelled."""
        return self.state == "planned"

    @property
    def places_left(self) -> int | None:
        """How many can still sign up; None without a limit."""
        return None if self.capacity is None else max(0, self.capacity - self.signed_up)


class PersonOnList(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody expected at a session, or who came. ``came_last``: they were at the last session that was logged."""

    member_id: int
    number: int
    display_name: str
    kind: str
    signed_up_at: datetime | None
    checked_in_at: datetime | None
    had_set_out: bool
    came_last: bool


class MyPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one member has done about one session."""

    signed_up_at: datetime | None = None
    checked_in_at: datetime | None = None
    had_set_out: bool = False


class FoundCode(msgspec.Struct, frozen=True, kw_only=True):
    """Whose wall a code hangs on; ``ended_at`` when a newer one has taken its place."""

    timebank_id: int
    timebank_name: str
    activity_id: int
    ended_at: datetime | None
