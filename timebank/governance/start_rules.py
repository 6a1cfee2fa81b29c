"""What is asked on the first day, step by step, and what is wrong with an answer. Pure."""

import re
import unicodedata
from collections import Counter
from zoneinfo import available_timezones

import msgspec

from timebank.banks.rules import MAX_NAME, PRACTICE_PREFIX
from timebank.governance.templates_of_rules import template
from timebank.kit import names
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown

MAX_PEOPLE = 100
MAX_PERSON = 100
MAX_GROUP = 100
MAX_HELP_CONTACT = 200
MAX_SLUG_STEM = 30

HOLIDAYS_OF = {
    "Europe/London": "GB-ENG", "Europe/Belfast": "GB-NIR", "Europe/Dublin": "IE", "Europe/Paris": "FR",
    "Europe/Berlin": "DE", "Europe/Madrid": "ES", "Europe/Amsterdam": "NL", "Europe/Rome": "IT",
    "Pacific/Auckland": "NZ",
}  # fmt: skip
"""What to begin with; the settings change it."""

_EMAIL = re.compile(r"[^\s@<>,;]{1,64}@[^\s@<>,;]+\.[^\s@<>,;]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ().\-/]{4,30}")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+")


class PersonLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of the first people: a name, and how to reach them when the line said so."""

    name: str
    phone: str = ""
    email: str = ""


def check_bank(*, name: str, your_name: str, help_contact: str, time_zone: str, currency: str) -> list[Refusal]:
    """The first step: ``bad_name``, ``your_name_missing``, ``your_name_too_long``, ``help_contact_too_long``,
    ``bad_time_zone``, ``bad_currency``.
    """
    refusals = []
    if not 1 <= len(names.tidy(name)) <= MAX_NAME or not names.key(name):
        refusals.append(Refusal("bad_name", f"Give the time bank a name of 1 to {MAX_NAME} letters.", "name"))
    if not names.key(your_name):
        refusals.append(Refusal("your_name_missing", "Enter your own name.", "your_name"))
    elif len(names.tidy(your_name)) > MAX_PERSON:
        refusals.append(Refusal("your_name_too_long", f"Use up to {MAX_PERSON} letters.", "your_name"))
    if len(help_contact.strip()) > MAX_HELP_CONTACT:
        refusals.append(Refusal("help_contact_too_long", f"Use up to {MAX_HELP_CONTACT} letters.", "help_contact"))
    if time_zone not in available_timezones():
        refusals.append(Refusal("bad_time_zone", "Give a time zone such as Europe/London.", "time_zone"))
    if not re.fullmatch(r"[A-Z]{3}", currency):
        refusals.append(Refusal("bad_currency", "Give a currency of three capital letters, such as GBP.", "currency"))
    return refusals


def check_template(name: str) -> list[Refusal]:
    """The second step: ``template_missing``."""
    return [] if template(name) else [Refusal("template_missing", "Choose the rules to begin with.", "template")]


def check_group(name: str, place: str) -> list[Refusal]:
    """The third step, but for its usual length: ``group_missing``, ``group_too_long``, ``place_too_long``."""
    refusals = []
    if not names.key(name):
        message = "Give your first group a name, like “Tuesday lunch club”."
        refusals.append(Refusal("group_missing", message, "group_name"))
    elif len(names.tidy(name)) > MAX_GROUP:
        refusals.append(Refusal("group_too_long", f"Use up to {MAX_GROUP} letters.", "group_name"))
    if len(names.tidy(place)) > MAX_GROUP:
        refusals.append(Refusal("place_too_long", f"Use up to {MAX_GROUP} letters.", "group_place"))
    return refusals


def people_in(text: str) -> list[PersonLine] | list[Refusal]:
    """The people in pasted lines: a name each, and after a comma or tab a phone number or an e-mail address.

    Bullets and numbers in front are dropped, empty lines skipped. Refusals, one for each line: ``person_too_long``,
    ``person_twice``, ``person_unreadable``; ``too_many_people``.
    """
    lines = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(lines) > MAX_PEOPLE:
        message = f"Begin with up to {MAX_PEOPLE} people. More can be added from a spreadsheet afterwards."
        return [Refusal("too_many_people", message, "people")]
    found, refusals = [], []
    for n, line in lines:
        person = _person(line)
        if not names.key(person.name) or "@" in person.name:
            refusals.append(Refusal("person_unreadable", f"Line {n}: begin {shown(line)} with a name.", "people"))
        elif len(person.name) > MAX_PERSON:
            refusals.append(Refusal("person_too_long", f"Line {n}: use up to {MAX_PERSON} letters.", "people"))
        else:
            found.append(person)
    times = Counter(names.key(person.name) for person in found)
    for person in found:
        if times.pop(names.key(person.name), 0) > 1:
            message = f"{shown(person.name)} is there twice. Add something to tell them apart, or take one out."
            refusals.append(Refusal("person_twice", message, "people"))
    return refusals or found


def slug_stem(name: str) -> str:
    """A short name for addresses, made of the time bank's name: ``riverside-time-bank``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG_STEM].strip("-")
    if len(stem) < 3 or f"{stem}-".startswith(PRACTICE_PREFIX):
        stem = f"bank-{stem}".strip("-")
    return stem


def _person(line: str) -> PersonLine:
    parts = [part.strip() for part in re.split(r"[,;\t]", _BULLET.sub("", line)) if part.strip()]
    email = next((part for part in parts[1:] if _EMAIL.fullmatch(part)), "")
    phone = next((part for part in parts[1:] if _PHONE.fullmatch(part)), "")
    rest = [part for part in parts if part not in (email, phone)]
    return PersonLine(name=names.tidy(", ".join(rest)), phone=phone, email=email)
