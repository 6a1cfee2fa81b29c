"""What a member's details may be. Pure."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import date

from timebank.kit import names, text
from timebank.kit.actor import ADMIN, APPROVER, COORDINATOR, FINANCE, ROLES, Actor
from timebank.kit.refusal import Refusal

MAX_NAME = 100
MAX_EMAIL = 254  # RFC 5321: a path is 256 octets with its brackets
MAX_PHONE = 40
MAX_CAN_OFFER = 500
MAX_SEARCH = 100
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 5, 24  # 15 by E.164, and a text relay prefix and an extension
EARLIEST_JOINED = date(1980, 1, 1)  # the year of the first time dollars: anything earlier is a slip of the finger

CONTACT_ROUTES = {
    "none": "No messages",
    "email": "E-mail",
    "sms": "Text message",
    "phone": "Phone call",
    "letter": "Letter",
}
ROLE_WORDS = {COORDINATOR: "Coordinator", FINANCE: "Finance", ADMIN: "Administrator", APPROVER: "Approver"}
PARTICIPANT_WORDS = "Participant"

_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\.]+(\.[^\s@<>,;:\"()\[\]\\.]+)+")
_PHONE = re.compile(r"\+?[0-9 ().\-/]+( ?(?:x|ext\.?|extension) ?[0-9]{1,6})?")


def role_words(roles: Collection[str]) -> str:
    """Roles as people read them: “Coordinator and Finance”, or “Participant” for somebody with none."""
    words = [ROLE_WORDS[role] for role in ROLES if role in roles]
    return " and ".join(words) or PARTICIPANT_WORDS


def check_name(display_name: str) -> list[Refusal]:
    """What is wrong with a name: ``name_missing``, ``name_too_long`` or ``name_unreadable``.

    Any name people have is right: apostrophes, emoji, every script, one word or ten.
    """
    if _has_control(display_name):
        return [
            Refusal(
                "name_unreadable", "The name holds a character that cannot be shown. Type it again.", "display_name"
            )
        ]
    tidy = names.tidy(display_name)
    if not names.key(tidy):
        return [Refusal("name_missing", "Enter the name they like to be called.", "display_name")]
    if len(tidy) > MAX_NAME:
        return [Refusal("name_too_long", f"Enter a name of up to {MAX_NAME} letters.", "display_name")]
    return []


def check_email(email: str) -> list[Refusal]:
    """What is wrong with an e-mail address: ``email_unreadable`` or ``email_too_long``; it may be left out."""
    if len(email) > MAX_EMAIL:
        return [Refusal("email_too_long", f"Enter an e-mail address of up to {MAX_EMAIL} letters.", "email")]
    if email and (_has_control(email) or not _EMAIL.fullmatch(email)):
        return [
            Refusal("email_unreadable", "Enter an e-mail address like name@example.org, or leave it empty.", "email")
        ]
    return []


def check_phone(phone: str) -> list[Refusal]:
    """What is wrong with a phone number: ``phone_unreadable`` or ``phone_too_long``; it may be left out."""
    if len(phone) > MAX_PHONE:
        return [Refusal("phone_too_long", f"Enter a phone number of up to {MAX_PHONE} signs.", "phone")]
    plain = text.plain(phone)
    digits = sum(c.isdigit() for c in plain)
    if plain and not (_PHONE.fullmatch(plain) and MIN_PHONE_DIGITS <= digits <= MAX_PHONE_DIGITS):
        return [Refusal("phone_unreadable", "Enter a phone number like 01632 960 001, or leave it empty.", "phone")]
    return []


def check_contact_route(route: str, *, email: str, phone: str) -> list[Refusal]:
    """What is wrong with the way to send messages: ``contact_route_unknown``, ``email_missing``, ``phone_missing``."""
    if route not in CONTACT_ROUTES:
        return [Refusal("contact_route_unknown", "Choose how to send them messages.", "contact_route")]
    if route == "email" and not email:
        return [Refusal("email_missing", "Enter their e-mail address, or choose another way to reach them.", "email")]
    if route in ("phone", "sms") and not phone:
        return [Refusal("phone_missing", "Enter their phone number, or choose another way to reach them.", "phone")]
    return []


def check_can_offer(can_offer: str) -> list[Refusal]:
    """What is wrong with the words on what somebody can share: ``can_offer_too_long`` or ``can_offer_unreadable``."""
    if len(can_offer) > MAX_CAN_OFFER:
        return [Refusal("can_offer_too_long", f"Say it in up to {MAX_CAN_OFFER} letters.", "can_offer")]
    if _has_control(can_offer.replace("\n", " ").replace("\t", " ")):
        return [Refusal("can_offer_unreadable", "This holds a character that cannot be shown.", "can_offer")]
    return []


def check_details(*, display_name: str, email: str, phone: str, contact_route: str, can_offer: str) -> list[Refusal]:
    """Everything that is wrong with what was typed about a member, in the order of the form."""
    return [
        *check_name(display_name),
        *check_phone(phone.strip()),
        *check_email(email.strip()),
        *check_contact_route(contact_route, email=email.strip(), phone=phone.strip()),
        *check_can_offer(can_offer.strip()),
    ]


def check_joined_on(joined_on: date, today: date) -> list[Refusal]:
    """What is wrong with the day of joining: ``joined_in_future`` or ``joined_too_early``."""
    if joined_on > today:
        return [Refusal("joined_in_future", "Enter today or an earlier day.", "joined_on")]
    if joined_on < EARLIEST_JOINED:
        return [Refusal("joined_too_early", f"Enter a day after {EARLIEST_JOINED.year - 1}.", "joined_on")]
    return []


def check_roles(actor: Actor, roles: Sequence[str]) -> list[Refusal]:
    """What speaks against these roles for a new member: ``role_unknown`` or ``roles_not_allowed``."""
    if any(role not in ROLES for role in roles):
        return [Refusal("role_unknown", f"Choose roles from: {', '.join(ROLES)}.", "roles")]
    if roles and not actor.has(ADMIN):
        return [Refusal("roles_not_allowed", "Only an administrator can give somebody a role.", "roles")]
    return []


def same_name(display_name: str, count: int) -> Refusal:
    """The question to ask when somebody of this name is a member already."""
    who = "There is already a member" if count == 1 else f"There are already {count} members"
    return Refusal(
        "same_name",
        f"{who} called {text.shown(display_name, MAX_NAME)}. If this is another person, tick the box to confirm.",
        "name_may_repeat",
    )


def _has_control(value: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
