"""A time of day read from what people type: ``14:05``, ``2.05pm``, ``2 pm``, ``midday``. Nothing is guessed."""

import re
from datetime import time

from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown
from timebank.kit.words import say

MAX_TYPED_TIME = 30

_NAMED = {"midday": time(12), "noon": time(12), "midnight": time(0)}
_TIME = re.compile(r"(?P<hour>\d{1,2})(?: ?[:.h] ?(?P<minute>\d\d)(?::\d\d)?)? ?(?P<half>[ap]\.?m\.?)?")


def parse(text: str, *, field: str | None = None) -> time | Refusal:
    """The time of day that a person wrote; the whole hour needs am or pm, because 2 alone may be either.

    Refusals: ``time_missing``, ``time_unreadable``.
    """
    typed = plain(text)
    if not typed:
        return Refusal("time_missing", say("Enter when it started, like 14:00 or 2pm."), field)
    if typed in _NAMED:
        return _NAMED[typed]
    match = _TIME.fullmatch(typed) if len(typed) <= MAX_TYPED_TIME else None
    if match is not None and (match["minute"] or match["half"]):
        hour, minute, half = int(match["hour"]), int(match["minute"] or 0), (match["half"] or "")[:1]
        if minute <= 59 and (1 <= hour <= 12 if half else hour <= 23):
            return time(hour % 12 + 12 * (half == "p") if half else hour, minute)
    return Refusal(
        "time_unreadable",
        say("We cannot read {value} as a time of day. Write it like 14:00 or 2pm.", value=shown(text)),
        field,
    )
