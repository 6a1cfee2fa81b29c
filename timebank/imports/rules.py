"""Decisions of this room: who may import, what can be answered, how time that is not whole minutes is rounded. Pure."""

from datetime import date
from fractions import Fraction
from typing import Annotated, Literal

import msgspec

from timebank.kit import durations
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal

MAX_ANSWERED_PEOPLE = 5_000
MAX_PIECE_BYTES = 4 * 1024 * 1024
MAX_PIECES = 64
MAX_FILE_NAME = 200

ADD, LEAVE_OUT, PROGRAMME, POT = "add", "leave_out", "programme", "pot"
ISSUED_ACCOUNT, POT_ACCOUNT, OPENING_ACCOUNT = "issued", "pot", "opening"

Rounding = Literal["", "half_even", "down", "up", "leave_out"]
ROUNDINGS = {
    "half_even": "To the nearest minute; half a minute to the even one",
    "down": "Down to the minute before",
    "up": "Up to the next minute",
    LEAVE_OUT: "Leave these lines out",
}
Typed = Annotated[str, msgspec.Meta(max_length=120)]


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person decided about a file. "" is not decided yet.

    ``columns`` maps a field to its column, counted from 0; -1 is none. ``unit`` says what a plain number of time means.
    ``rounding`` is for amounts that are not whole minutes. ``day`` is for lines without a day, and for balances.
    ``unknown`` decides for everybody who is not a member here; ``people`` for single ones, by the text in the file: a
    member's number, ``add``, ``leave_out``, ``programme`` (hours the programme gives or takes back) or ``pot``.
    ``contacts``: leave out phone numbers and addresses that cannot be read, or refuse the person. ``difference``:
    ``enter`` what lacks where a balance in the file is not the one here. ``rest``: leave out whatever is undecided.
    """

    columns: Annotated[dict[Typed, Annotated[int, msgspec.Meta(ge=-1, le=100)]], msgspec.Meta(max_length=30)] = {}
    unit: Literal["", "seconds", "minutes", "hours"] = ""
    rounding: Rounding = ""
    day: date | None = None
    unknown: Literal["", "add", "leave_out"] = ""
    people: Annotated[dict[Typed, Typed], msgspec.Meta(max_length=MAX_ANSWERED_PEOPLE)] = {}
    contacts: Literal["", "leave_out", "refuse"] = ""
    difference: Literal["", "enter", "leave_out"] = ""
    rest: Literal["", "leave_out"] = ""


def may_import(actor: Actor) -> Refusal | None:
    """None when the actor may bring in members and hours, else ``not_allowed``."""
    if actor.has(COORDINATOR):
        return None
    return Refusal("not_allowed", "Only a coordinator or an administrator can import.")


def rounded(minutes: Fraction, rule: Rounding) -> int:
    """Whole minutes by the rule that a person chose; exact where they are whole already.

    Raises:
        ValueError: they are not whole, and the rule does not say what to do.
    """
    if minutes.denominator == 1:
        return int(minutes)
    if rule == "half_even":
        return round(minutes)  # of a Fraction: exact, and half to even
    if rule in ("down", "up"):
        down = abs(minutes).__floor__()
        return (down + (rule == "up")) * (1 if minutes > 0 else -1)
    raise ValueError("no rule to round by")


def exactly(minutes: Fraction) -> str:
    """An exact length of time in words: ``1 hour 20 seconds``, ``1 minute and 1/3 second``."""
    whole, rest = divmod(abs(minutes), 1)
    seconds = rest * 60
    words = durations.in_words(int(whole)) if whole else ""
    if seconds:
        words = " ".join((words, f"{seconds} second" + ("" if seconds == 1 else "s"))).strip()
    return ("minus " if minutes < 0 else "") + (words or "0 minutes")
