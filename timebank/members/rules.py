"""What a member's details may be. Pure."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date

import msgspec

from timebank.kit import names, text
from timebank.kit.actor import ADMIN, APPROVER, COORDINATOR, FINANCE, ROLES, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say

MAX_NAME = 100
MAX_EMAIL = 254  # RFC 5321: a path is 256 octets with its brackets
MAX_PHONE = 40
MAX_CAN_OFFER = 500
MAX_ACCESS_NEEDS = 1000
MAX_POSTAL_ADDRESS = 500
MAX_SEARCH = 100
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 5, 24  # 15 by E.164, and a text relay prefix and an extension
EARLIEST_JOINED = date(1980, 1, 1)  # the year of the first time dollars: anything earlier is a slip of the finger

CONTACT_ROUTES = {
    "none": mark("No messages"),
    "email": mark("E-mail"),
    "sms": mark("Text message"),
    "phone": mark("Phone call"),
    "letter": mark("Letter"),
}
FORMATS = {
    "screen": mark("On a screen"),
    "large_print": mark("Large print"),
    "easy_read": mark("Easy Read"),
    "letter": mark("On paper, by letter"),
}
KINDS = {"person": "A person", "group": "A group", "organisation": "An organisation"}
# What people in our time banks speak. The pages themselves are in the languages that have been translated.
LANGUAGES = {
    "en": mark("English"), "cy": mark("Welsh"), "ar": mark("Arabic"), "bn": mark("Bengali"),
    "zh": mark("Chinese"), "fr": mark("French"), "gd": mark("Gaelic"), "gu": mark("Gujarati"),
    "hi": mark("Hindi"), "ga": mark("Irish"), "it": mark("Italian"), "ku": mark("Kurdish"),
    "fa": mark("Persian"), "pl": mark("Polish"), "pt": mark("Portuguese"), "pa": mark("Punjabi"),
    "ro": mark("Romanian"), "so": mark("Somali"), "es": mark("Spanish"), "ta": mark("Tamil"),
    "ti": mark("Tigrinya"), "tr": mark("Turkish"), "uk": mark("Ukrainian"), "ur": mark("Urdu"),
    "vi": mark("Vietnamese"),
}  # fmt: skip
ROLE_WORDS = {
    COORDINATOR: mark("Coordinator"),
    FINANCE: mark("Finance"),
    ADMIN: mark("Administrator"),
    APPROVER: mark("Approver"),
}
PARTICIPANT_WORDS = mark("Participant")

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
                "name_unreadable",
                say("The name holds a character that cannot be shown. Type it again."),
                "display_name",
            )
        ]
    tidy = names.tidy(display_name)
    if not names.key(tidy):
        return [Refusal("name_missing", say("Enter the name they like to be called."), "display_name")]
    if len(tidy) > MAX_NAME:
        return [
            Refusal(
                "name_too_long", say("Enter a name of up to {max_name} letters.", max_name=MAX_NAME), "display_name"
            )
        ]
    return []


def check_email(email: str) -> list[Refusal]:
    """What is wrong with an e-mail address: ``email_unreadable`` or ``email_too_long``; it may be left out."""
    if len(email) > MAX_EMAIL:
        return [
            Refusal(
                "email_too_long",
                say("Enter an e-mail address of up to {max_email} letters.", max_email=MAX_EMAIL),
                "email",
            )
        ]
    if email and (_has_control(email) or not _EMAIL.fullmatch(email)):
        return [
            Refusal(
                "email_unreadable", say("Enter an e-mail address like name@example.org, or leave it empty."), "email"
            )
        ]
    return []


def check_phone(phone: str) -> list[Refusal]:
    """What is wrong with a phone number: ``phone_unreadable`` or ``phone_too_long``; it may be left out."""
    if len(phone) > MAX_PHONE:
        return [
            Refusal(
                "phone_too_long", say("Enter a phone number of up to {max_phone} signs.", max_phone=MAX_PHONE), "phone"
            )
        ]
    plain = text.plain(phone)
    digits = sum(c.isdigit() for c in plain)
    if plain and not (_PHONE.fullmatch(plain) and MIN_PHONE_DIGITS <= digits <= MAX_PHONE_DIGITS):
        return [
            Refusal("phone_unreadable", say("Enter a phone number like 01632 960 001, or leave it empty."), "phone")
        ]
    return []


def check_contact_route(route: str, *, email: str, phone: str, postal_address: str = "") -> list[Refusal]:
    """What is wrong with the way to send messages: ``contact_route_unknown``, or ``email_missing``, ``phone_missing``,
    ``address_missing``. Nobody needs an address: “none” is a way too.
    """
    if route not in CONTACT_ROUTES:
        return [Refusal("contact_route_unknown", say("Choose how messages should come."), "contact_route")]
    if route == "email" and not email:
        return [
            Refusal("email_missing", say("Enter an e-mail address, or choose another way to send messages."), "email")
        ]
    if route in ("phone", "sms") and not phone:
        return [Refusal("phone_missing", say("Enter a phone number, or choose another way to send messages."), "phone")]
    if route == "letter" and not postal_address:
        words = say("Enter an address for letters, or choose another way to send messages.")
        return [Refusal("address_missing", words, "postal_address")]
    return []


def check_can_offer(can_offer: str) -> list[Refusal]:
    """What is wrong with the words on what somebody can share: ``can_offer_too_long`` or ``can_offer_unreadable``."""
    return _check_words(can_offer, "can_offer", MAX_CAN_OFFER)


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a member, as typed. ``kind`` never changes afterwards."""

    display_name: str
    phone: str = ""
    email: str = ""
    contact_route: str = "none"
    postal_address: str = ""
    language: str = "en"
    format_preference: str = "screen"
    access_needs: str = ""
    can_offer: str = ""
    emergency_name: str = ""
    emergency_phone: str = ""


DETAILS = Details.__struct_fields__
DETAIL_WORDS = {
    "display_name": mark("Name"),
    "phone": mark("Phone"),
    "email": mark("E-mail"),
    "contact_route": mark("Messages by"),
    "postal_address": mark("Address"),
    "language": mark("Language"),
    "format_preference": mark("Likes to read"),
    "access_needs": mark("Access needs"),
    "can_offer": mark("Can share"),
    "emergency_name": mark("In an emergency, call"),
    "emergency_phone": mark("Emergency number"),
}
HOW_TO_REACH = ("contact_route", "phone", "email", "postal_address")  # a change of these is told by the old way too
SEEN_BY_FINANCE = ("display_name", *HOW_TO_REACH, "language", "format_preference")
OWN_DETAILS = tuple(name for name in DETAILS if name != "display_name")  # what members change without asking anybody


def tidy(details: Details) -> Details:
    """The details as they are kept: trimmed, names composed, phone numbers in plain digits."""
    trimmed = {name: value.strip() for name, value in msgspec.structs.asdict(details).items()}
    return Details(
        **{
            **trimmed,
            "display_name": names.tidy(details.display_name),
            "emergency_name": names.tidy(details.emergency_name),
            "phone": _plain_digits(trimmed["phone"]),
            "emergency_phone": _plain_digits(trimmed["emergency_phone"]),
        }
    )


def check_details(details: Details) -> list[Refusal]:
    """Everything that is wrong with what was typed about a member, in the order of the form.

    Beside those of the single fields: ``format_unknown``, ``language_unknown``, ``emergency_name_too_long``,
    ``emergency_phone_unreadable``, and for each text ``..._too_long`` or ``..._unreadable``.
    """
    found = [
        *check_name(details.display_name),
        *check_phone(details.phone.strip()),
        *check_email(details.email.strip()),
        *check_contact_route(
            details.contact_route,
            email=details.email.strip(),
            phone=details.phone.strip(),
            postal_address=details.postal_address.strip(),
        ),
        *_check_words(details.postal_address.strip(), "postal_address", MAX_POSTAL_ADDRESS),
    ]
    if details.language not in LANGUAGES:
        found.append(Refusal("language_unknown", say("Choose a language from the list."), "language"))
    if details.format_preference not in FORMATS:
        found.append(Refusal("format_unknown", say("Choose how it should look."), "format_preference"))
    emergency_phone = [
        Refusal(problem.code.replace("phone", "emergency_phone", 1), problem.message, "emergency_phone")
        for problem in check_phone(details.emergency_phone.strip())
    ]
    return [
        *found,
        *_check_words(details.access_needs.strip(), "access_needs", MAX_ACCESS_NEEDS),
        *check_can_offer(details.can_offer.strip()),
        *_check_words(details.emergency_name.strip(), "emergency_name", MAX_NAME),
        *emergency_phone,
    ]


def changed(before: Details, after: Details) -> tuple[str, ...]:
    """The names of the fields that differ, in the order of the form."""
    return tuple(name for name in DETAILS if getattr(before, name) != getattr(after, name))


def shown_detail(name: str, value: str) -> str:
    """A detail as people read it: the words of a choice, “nothing” for an empty text."""
    words: Mapping[str, Mapping[str, str]] = {
        "contact_route": CONTACT_ROUTES,
        "language": LANGUAGES,
        "format_preference": FORMATS,
    }
    return words.get(name, {}).get(value, value) or "nothing"


def fields_seen(actor: Actor) -> frozenset[str]:
    """Which details of others the actor may see: a coordinator all, finance what a payment needs, others none."""
    if actor.has(COORDINATOR):
        return frozenset(DETAILS)
    return frozenset(SEEN_BY_FINANCE) if actor.has(FINANCE) else frozenset()


def check_joined_on(joined_on: date, today: date) -> list[Refusal]:
    """What is wrong with the day of joining: ``joined_in_future`` or ``joined_too_early``."""
    if joined_on > today:
        return [Refusal("joined_in_future", say("Enter today or an earlier day."), "joined_on")]
    if joined_on < EARLIEST_JOINED:
        return [
            Refusal("joined_too_early", say("Enter a day after {value}.", value=EARLIEST_JOINED.year - 1), "joined_on")
        ]
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


def same_email(display_name: str) -> Refusal:
    """The question to ask when somebody with this e-mail address is a member already."""
    return Refusal(
        "same_email",
        f"{text.shown(display_name, MAX_NAME)} has this e-mail address. If they share it, tick the box to confirm.",
        "name_may_repeat",
    )


def _check_words(words: str, field: str, limit: int) -> list[Refusal]:
    if len(words) > limit:
        return [Refusal(f"{field}_too_long", say("Say it in up to {limit} letters.", limit=limit), field)]
    if _has_control(words.replace("\n", " ").replace("\t", " ")):
        return [Refusal(f"{field}_unreadable", say("This holds a character that cannot be shown."), field)]
    return []


def _plain_digits(phone: str) -> str:
    """Digits of every script as 0-9, so that a number is found and dialled whoever wrote it."""
    return "".join(str(unicodedata.decimal(c, c)) for c in phone)


def _has_control(value: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
