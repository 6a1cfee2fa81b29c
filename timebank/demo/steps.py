"""What happened in the demo, one thing after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from timebank.kit.refusal import Refusal

T = TypeVar("T")


class Refused(Exception):
    """A step of the demo was refused: a mistake of the demo's, never of a person's."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, and when."""

    at: datetime
    do: Callable[[], Awaitable[None]]


def accepted(outcome: T | list[Refusal]) -> T:
    """What a use case answered.

    Raises:
        Refused: it refused.
    """
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
