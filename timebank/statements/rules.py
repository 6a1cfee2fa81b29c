"""Statements for any dates, and the code that a printed one carries. Pure.

A code is 15 letters and digits of chance (75 bits) and one that checks the others, so that a slip of the pen is told
from a code that nobody knows.
"""

import secrets
from datetime import date, timedelta
from typing import Final, NamedTuple

from dateutil.relativedelta import relativedelta

from timebank.kit.ids import ALPHABET, sha256
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain
from timebank.kit.words import mark, say

CODE_CHARACTERS: Final = 16
GROUP: Final = 4
MAX_TYPED_CODE: Final = 80
MAX_TRIES_PER_HOUR: Final = 30
MAX_DAYS: Final = 3660
_LOOK_ALIKES = str.maketrans({"o": "0", "i": "1", "l": "1"})

THIS_MONTH, LAST_MONTH, THREE_MONTHS, YEAR, OTHER = "this_month", "last_month", "three_months", "year", "other"
PERIODS = (
    (THREE_MONTHS, mark("The last three months")),
    (THIS_MONTH, mark("This month")),
    (LAST_MONTH, mark("Last month")),
    (YEAR, mark("The last year")),
    (OTHER, mark("Other dates")),
)


class Period(NamedTuple):
    """The first and the last day of a statement; both belong to it."""

    first: date
    last: date


def period(name: str, today: date) -> Period:
    """The days that a name stands for on a day; anything unknown is the last three months, up to today."""
    if name == THIS_MONTH:
        return Period(today.replace(day=1), today)
    if name == LAST_MONTH:
        last = today.replace(day=1) - timedelta(days=1)
        return Period(last.replace(day=1), last)
    if name == YEAR:
        return Period(today - relativedelta(years=1) + timedelta(days=1), today)
    return Period(today - relativedelta(months=3) + timedelta(days=1), today)


def check_period(first: date, last: date) -> list[Refusal]:
    """Refusals ``ends_before_it_begins``, ``too_many_days``."""
    if last < first:
        message = say("The last day is before the first day. Change one of them.")
        return [Refusal("ends_before_it_begins", message, "last")]
    if (last - first).days >= MAX_DAYS:
        return [Refusal("too_many_days", say("Choose up to ten years at a time."), "first")]
    return []


def too_many_entries() -> Refusal:
    """Refusal ``too_many_entries``: nothing is left out in silence."""
    return Refusal("too_many_entries", say("That is too much for one statement. Choose fewer days."), "first")


def new_code() -> str:
    """A new code that nobody can guess, such as ``7Q2M-9XKD-P4RT-V0C3``."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS - 1))
    return shown_code(letters + check_character(letters))


def shown_code(letters: str) -> str:
    """The letters in groups of four."""
    return "-".join(letters[n : n + GROUP] for n in range(0, len(letters), GROUP))


def check_character(letters: str) -> str:
    """What stands last (Luhn's algorithm for 32 letters): one wrong letter always shows, two changed places nearly."""
    total, factor = 0, 2
    for letter in reversed(letters):
        addend = ALPHABET.index(letter) * factor
        total += addend // len(ALPHABET) + addend % len(ALPHABET)
        factor = 3 - factor
    return ALPHABET[-total % len(ALPHABET)]


def read_code(typed: str) -> str | Refusal:
    """The code that somebody typed, in any spacing, case or script of digits; O is 0, I and L are 1.

    Refusals: ``code_missing``, ``code_mistyped`` (one letter is wrong, or some are missing).
    """
    if not typed.strip():
        return Refusal("code_missing", say("Type the code from the foot of the paper."), "code")
    letters = "".join(c for c in plain(typed[:MAX_TYPED_CODE]) if c.isalnum()).translate(_LOOK_ALIKES).upper()
    is_whole = len(letters) == CODE_CHARACTERS and all(letter in ALPHABET for letter in letters)
    if not is_whole or check_character(letters[:-1]) != letters[-1]:
        message = say("The code has 16 letters and numbers. One is wrong or missing. Look again.")
        return Refusal("code_mistyped", message, "code")
    return shown_code(letters)


def network_mark(network: str, day: str) -> bytes:
    """What stands for a network in the counters of a day."""
    return sha256(f"{network} {day}")[:4]


UNKNOWN = Refusal(
    "code_unknown",
    say("We cannot confirm this paper. Ask the person who gave it to you, or the time bank."),
    "code",
)
TOO_MANY = Refusal("too_many_tries", say("Too many codes came from here. Please try again in an hour."), "code")
