"""What decides about signing in: how long things last, which PINs are too easy, when to pause. Pure."""

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from timebank.kit import text
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.kit.words import Words, mark, say

REMEMBERED_FOR = timedelta(days=90)
REMEMBERED_STAFF_IDLE = timedelta(days=14)
BORROWED_FOR = timedelta(hours=12)
BORROWED_IDLE = timedelta(minutes=30)
SEEN_EVERY = timedelta(minutes=1)
MAX_SESSIONS_PER_MEMBER = 20
MAX_DEVICE_CHARACTERS = 200

LINK_VALID_FOR = timedelta(days=3)
MAX_LINK_VALID_FOR = timedelta(days=30)
MAX_OPEN_LINKS_PER_MEMBER = 20
MAX_SECRET_CHARACTERS = 100

PIN_DIGITS = 4
MAX_TYPED_PIN = 40
MAX_WRONG_PINS_PER_PHONE = 5
# A room full of people shares one network: the limit that stops guessing with changing phones must be wider.
MAX_WRONG_PINS_PER_NETWORK = 30
MAX_WRONG_PINS_PER_CARD = 20
PAUSE = timedelta(minutes=15)
CARD_WINDOW = timedelta(days=1)
DOUBLE_TAP = timedelta(minutes=1)
MAX_NETWORK_CHARACTERS = 64

SCOPES = (
    "hours:read",
    "hours:write",
    "registers:write",
    "activities:read",
    "activities:write",
    "offers:read",
    "redemptions:write",
    "payables:read",
    "payments:write",
    "members:read",
    "members:write",
    "messages:read",
    "messages:write",
    "rules:read",
    "rules:write",
    "imports:write",
)
TOKEN_PREFIX = "tb_"  # noqa: S105 - no secret: it lets scanners of published code recognise one
TOKEN_VALID_FOR = timedelta(days=90)
MAX_TOKEN_VALID_FOR = timedelta(days=366)
MAX_TOKEN_NAME = 100

_EMAIL = re.compile(r"[^\s,;<>()]+@[^\s,;<>()]+\.[^\s,;<>().]+")
_PHONE = re.compile(r"\+?\d[\d ()-]{5,}\d")
_LEAD = frozenset({"ask", "call", "phone", "ring", "text", "tel", "telephone", "email", "e-mail", "or", "on", "at", ""})


class NotAllowed(Exception):
    """The actor may not make a way to sign in as this member. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The browser and the network that a request comes from. ``network`` is an address, or a block of them for IPv6."""

    network: str
    agent: str

    @property
    def mark(self) -> bytes:
        """What stands for this phone among the others of its network."""
        return sha256(f"{self.network}\n{self.agent}")


def device(host: str, agent: str) -> Device:
    """The device behind an address and a User-Agent header, cut to the limits of this module."""
    return Device(network=network_of(host), agent=_one_line(agent)[:MAX_DEVICE_CHARACTERS])


def network_of(host: str) -> str:
    """The network an address belongs to: the address itself, or its /64 for IPv6, where one phone has many."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _one_line(host)[:MAX_NETWORK_CHARACTERS] or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def device_words(agent: str) -> Words:
    """What to call a device on the list of devices: “Chrome on Android”. Never exact, only recognisable."""
    lower = agent.lower()
    browsers = (
        ("edg", "Edge"),
        ("samsungbrowser", "Samsung Internet"),
        ("firefox", "Firefox"),
        ("fxios", "Firefox"),
        ("chrome", "Chrome"),
        ("crios", "Chrome"),
        ("safari", "Safari"),
    )
    systems = (
        ("android", mark("an Android phone or tablet")),
        ("iphone", mark("an iPhone")),
        ("ipad", mark("an iPad")),
        ("windows", mark("a Windows computer")),
        ("mac os", mark("a Mac")),
        ("linux", mark("a Linux computer")),
    )
    browser = next((name for sign, name in browsers if sign in lower), None)
    system = next((name for sign, name in systems if sign in lower), mark("another kind of device"))
    if browser is None:
        return say("A browser on {system}", system=say(system))
    return say("{browser} on {system}", browser=browser, system=say(system))


def helper(contact: str) -> tuple[str | None, str | None, str | None]:
    """Name, phone and e-mail of the one whom a time bank names for help: ``Maya Osei, 01632 960 001`` and the like."""
    email = _EMAIL.search(contact)
    rest = _EMAIL.sub(" ", contact)
    phone = _PHONE.search(rest)
    words = _PHONE.sub(" ", rest).replace(",", " ").split()
    # Only around the name: "Dilys at the office" keeps its "at".
    for end in (0, -1):
        while words and words[end].lower().strip(".:;()") in _LEAD:
            del words[end]
    name = " ".join(words).strip(" .:;()-–")
    return name or None, phone[0].strip() if phone else None, email[0] if email else None


# Sessions -----------------------------------------------------------------------------------------------------------


def session_ends(now: datetime, *, is_remembered: bool) -> datetime:
    """When a session that begins now ends at the latest, however much it is used."""
    return now + (REMEMBERED_FOR if is_remembered else BORROWED_FOR)


def idle_limit(roles: Collection[str], *, is_remembered: bool) -> timedelta:
    """How long a session may lie unused. A participant's own phone stays signed in for as long as it is remembered."""
    if not is_remembered:
        return BORROWED_IDLE
    return REMEMBERED_STAFF_IDLE if roles else REMEMBERED_FOR


def is_session_live(
    *, seen_at: datetime, expires_at: datetime, roles: Collection[str], is_remembered: bool, now: datetime
) -> bool:
    """True while a session has neither run out nor lain unused for too long."""
    return now < expires_at and now < seen_at + idle_limit(roles, is_remembered=is_remembered)


def is_link_live(*, expires_at: datetime, used_at: datetime | None, now: datetime) -> bool:
    """True while a link can still be used: once, and before its time is up."""
    return used_at is None and now < expires_at


def home_page(roles: Collection[str]) -> str:
    """Where somebody begins after signing in."""
    if COORDINATOR in roles or ADMIN in roles:
        return "/groups"
    return "/payments" if FINANCE in roles else "/"


def may_sign_in_for(actor_roles: Collection[str], subject_roles: Collection[str], *, is_self: bool) -> bool:
    """True when the actor may hand out a way to sign in as the subject.

    A coordinator helps anyone who can do no more than a coordinator. Otherwise a coordinator could become finance, and
    the second pair of eyes on a payment would be the same person's.
    """
    if is_self or ADMIN in actor_roles:
        return True
    return COORDINATOR in actor_roles and set(subject_roles) <= set(actor_roles)


# PINs ---------------------------------------------------------------------------------------------------------------


def read_pin(typed: str) -> str:
    """The digits a person typed, in any script, with spaces and hyphens left out; whatever else is there stays."""
    return "".join(c for c in text.plain(typed[:MAX_TYPED_PIN]) if c not in " -.")


def check_pin(pin: str) -> list[Refusal]:
    """What speaks against this PIN for a new card: ``pin_unreadable`` or ``pin_too_easy``."""
    if len(pin) != PIN_DIGITS or not pin.isascii() or not pin.isdigit():
        return [Refusal("pin_unreadable", "Enter four numbers, like 5 2 0 7, or leave this empty.", "pin")]
    if is_weak(pin):
        return [
            Refusal(
                "pin_too_easy", "This PIN is too easy to guess. Choose other numbers, not a row, pair or year.", "pin"
            )
        ]
    return []


def is_weak(pin: str) -> bool:
    """True for the PINs that are tried first: one digit, rows, pairs, years, and straight down the keypad."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    is_row = len(steps) == 1 and steps <= {0, 1, 9}
    is_pair = pin[:2] == pin[2:] or (pin[0] == pin[1] and pin[2] == pin[3])
    return is_row or is_pair or pin[:2] in ("19", "20") or pin in ("2580", "0852")


def paused_until(wrong_at: Sequence[datetime], limit: int, window: timedelta) -> datetime | None:
    """Until when to pause after these wrong tries, newest first; None when there is no reason to.

    ``limit`` wrong tries within ``window`` pause for the length of the window, counted from the last of them. The
    caller asks before each try and records none while paused, so a pause is never prolonged by knocking.
    """
    if len(wrong_at) < limit or wrong_at[0] - wrong_at[limit - 1] >= window:
        return None
    return wrong_at[0] + window


# Tokens -------------------------------------------------------------------------------------------------------------


def check_token(name: str, scopes: Sequence[str], valid_for: timedelta) -> list[Refusal]:
    """What speaks against a token like this: ``bad_name``, ``no_scopes``, ``unknown_scope`` or ``bad_validity``."""
    refusals = []
    if not 1 <= len(name.strip()) <= MAX_TOKEN_NAME:
        refusals.append(Refusal("bad_name", f"Give the token a name of 1 to {MAX_TOKEN_NAME} letters.", "name"))
    if not scopes:
        refusals.append(Refusal("no_scopes", f"Choose at least one of: {', '.join(SCOPES)}.", "scopes"))
    refusals += [
        Refusal("unknown_scope", f"There is no scope {text.shown(scope)}. Choose from: {', '.join(SCOPES)}.", "scopes")
        for scope in scopes
        if scope not in SCOPES
    ]
    if not timedelta(0) < valid_for <= MAX_TOKEN_VALID_FOR:
        refusals.append(
            Refusal("bad_validity", f"A token can be valid for 1 to {MAX_TOKEN_VALID_FOR.days} days.", "valid_for")
        )
    return refusals


def _one_line(value: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())
