"""Time as an argument: the one place that reads the real clock, and a clock that tests can set."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Anything that knows what time it is."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for tests and for demo data."""

    def __init__(self, at: datetime) -> None:
        self._now = _aware(at)

    def now(self) -> datetime:
        """Return the moment the clock stands at, in UTC."""
        return self._now

    def set(self, at: datetime) -> None:
        """Move the clock to an aware moment, forwards or backwards."""
        self._now = _aware(at)

    def advance(self, by: timedelta) -> datetime:
        """Move the clock by a length of time and return the new moment."""
        self._now += by
        return self._now


def today(now: datetime, time_zone: str) -> date:
    """Return the calendar day at an aware moment in a time bank's zone (an IANA name such as ``Europe/London``).

    Raises ValueError for a moment without a zone: its day would depend on the machine.
    """
    return _aware(now).astimezone(ZoneInfo(time_zone)).date()


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC)
