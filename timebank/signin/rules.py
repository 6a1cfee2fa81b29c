"""What decides about codes to sign in with: how long they work, how many are sent, how they are typed. Pure."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Final

from timebank.kit.refusal import Refusal
from timebank.kit.text import plain
from timebank.kit.words import say

EMAIL, SMS = "email", "sms"
CODE_DIGITS = 6
MAX_TYPED = 200
MAX_TYPED_CODE = 40
PHONE_DIGITS = 9
"""How many digits at the end make a phone number, however people write its beginning."""

CODE_VALID_FOR = timedelta(minutes=15)
CHOICE_VALID_FOR = timedelta(minutes=10)
"""How long after the right code somebody may choose whose hours to see."""
MAX_WRONG_TRIES = 5
WINDOW = timedelta(hours=1)
MAX_ASKS_PER_ADDRESS = 5
# A room full of people shares one network.
MAX_ASKS_PER_NETWORK = 30

CONFIRMED_FOR = timedelta(minutes=30)
"""How long a browser counts as in the right hands after a sign-in or a code."""
CONFIRMED_WHILE_TYPING = timedelta(hours=2)
"""The same for a form that was shown in time: nobody loses what they typed slowly."""

WRONG_CODE: Final = Refusal("wrong_code", say("That code did not match. Check the six numbers and try again."), "code")
NO_MORE: Final = Refusal("code_gone", say("This code does not work any more. Ask for a new one."), "code")
PAUSED: Final = Refusal(
    "paused", say("Too many codes were asked for here. Wait an hour, or use another way to sign in."), "address"
)


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def read_code(typed: str) -> str:
    """The digits of a code as somebody typed it, with spaces or not, in any script's digits."""
    return "".join(c for c in plain(typed[:MAX_TYPED_CODE]) if c.isdecimal())


def read_address(channel: str, typed: str) -> str | Refusal:
    """What to look for: a whole e-mail address in small letters, or the last nine digits of a phone number.

    Refusals: ``email_unreadable``, ``phone_unreadable``.
    """
    if channel == EMAIL:
        address = typed.strip().lower()
        if len(address) > MAX_TYPED or not re.fullmatch(r"[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]+", address):
            return Refusal("email_unreadable", say("Enter your e-mail address, like name@example.org."), "address")
        return address
    digits = "".join(c for c in plain(typed[:MAX_TYPED]) if c.isdecimal())
    if len(digits) < PHONE_DIGITS:
        return Refusal("phone_unreadable", say("Enter your phone number, like 07700 900123."), "address")
    return digits[-PHONE_DIGITS:]


def same_place(channel: str, address: str) -> str:
    """What two addresses on record share when they reach the same mailbox or phone.

    Two numbers may end in the same digits and belong to different countries; ``07700 900123`` and ``+44 7700 900123``
    count as two as well, because nothing says that they are one.
    """
    if channel == EMAIL:
        return address.strip().lower()
    digits = "".join(c for c in plain(address.replace("(0)", "")) if c.isdecimal())
    return digits.removeprefix("00")


def is_live(*, expires_at: datetime, wrong_tries: int, used_at: datetime | None, now: datetime) -> bool:
    """True while a code may be typed."""
    return used_at is None and now < expires_at and wrong_tries < MAX_WRONG_TRIES


def may_choose(*, proved_at: datetime | None, used_at: datetime | None, now: datetime) -> bool:
    """True for a while after the right code, until somebody is signed in."""
    return proved_at is not None and used_at is None and now < proved_at + CHOICE_VALID_FOR


def is_confirmed(confirmed_at: datetime | None, *, now: datetime, is_typing: bool) -> bool:
    """True while this browser counts as in its member's hands."""
    lasts = CONFIRMED_WHILE_TYPING if is_typing else CONFIRMED_FOR
    return confirmed_at is not None and now < confirmed_at + lasts
