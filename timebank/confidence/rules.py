"""Who may read what was told in confidence, and what can be told. Pure."""

from collections.abc import Collection

from timebank.kit import names
from timebank.kit.ids import ALPHABET, SECRET_BYTES, normalise_reference, reference_of, sha256
from timebank.kit.refusal import Refusal
from timebank.kit.words import say

MAX_HAPPENED = 5_000
MAX_ABOUT = 200
MAX_REACH = 300
MAX_WORDS = 4_000
MAX_PER_HOUR = 10
MAX_CODES_PER_HOUR = 20
WORKING_DAYS = 1
"""A report reaches the lead within one working day."""

NEW, OPEN, CLOSED = "new", "open", "closed"
STATE_WORDS = {NEW: "New", OPEN: "Being looked into", CLOSED: "Closed"}
TOLD, READ, NOTED, ANSWERED, SHUT, REOPENED = "told", "read", "noted", "answered", "closed", "reopened"
STEP_WORDS = {
    TOLD: "Told",
    READ: "Read",
    NOTED: "Noted",
    ANSWERED: "Answered",
    SHUT: "Closed",
    REOPENED: "Opened again",
}
HOW_WORDS = {"page": "Online", "phone": "By phone", "paper": "On paper", "talk": "In a talk"}
TAKEN = ("phone", "paper", "talk")

SHORTEST_NAME = 3
CODE_PART_BYTES = 5  # one reference of eight signs
assert len(ALPHABET) == 32
assert SECRET_BYTES >= 2 * CODE_PART_BYTES


def could_be_about(about: str, display_name: str) -> bool:
    """True when what was typed may mean this person: it holds a word of their name, whatever its accents and capitals.

    On the safe side on purpose: who might be meant does not read it, and somebody else does.
    """
    typed = names.loose_key(about)
    known = names.loose_key(display_name)
    if not typed or not known:
        return False
    words = {word for word in known.split() if len(word) >= SHORTEST_NAME} or {known}
    return bool(words & set(typed.split())) or known in typed


def may_read(member_id: int, display_name: str, *, about: str, excluded: Collection[int]) -> bool:
    """True for somebody with a part in safeguarding whom the report is not about."""
    return member_id not in excluded and not could_be_about(about, display_name)


def check_report(*, happened: str, about: str, reach: str) -> list[Refusal]:
    """What is wrong with what was typed: ``happened_missing``, ``happened_too_long``, ``about_too_long``,
    ``reach_too_long``.
    """
    refusals = []
    if not happened.strip():
        refusals.append(Refusal("happened_missing", say("Say what happened. A few words are enough."), "happened"))
    elif len(happened.strip()) > MAX_HAPPENED:
        refusals.append(
            Refusal("happened_too_long", say("Say it in up to {most} letters.", most=f"{MAX_HAPPENED:,}"), "happened")
        )
    if len(about.strip()) > MAX_ABOUT:
        refusals.append(Refusal("about_too_long", say("Write up to {most} letters.", most=MAX_ABOUT), "about"))
    if len(reach.strip()) > MAX_REACH:
        refusals.append(Refusal("reach_too_long", say("Write up to {most} letters.", most=MAX_REACH), "reach"))
    return refusals


def check_words(what: str, words: str) -> list[Refusal]:
    """What is wrong with a note or an answer: ``step_unknown``, ``words_missing``, ``words_too_long``."""
    if what not in (NOTED, ANSWERED, SHUT, REOPENED):
        return [Refusal("step_unknown", "Choose what to do.", "what")]
    if what in (NOTED, ANSWERED) and not words.strip():
        return [Refusal("words_missing", "Write something first.", "words")]
    if len(words.strip()) > MAX_WORDS:
        return [Refusal("words_too_long", f"Write up to {MAX_WORDS} letters.", "words")]
    return []


def code_of(key: str) -> str:
    """The code that opens the answer, ``B7K2-M9QX-4TZC-0HVD``: 80 bits that follow from the form's own random key, so
    that a form sent twice shows the same one.
    """
    mark = sha256(f"told in confidence {key}")
    parts = (mark[:CODE_PART_BYTES], mark[CODE_PART_BYTES : 2 * CODE_PART_BYTES])
    return "-".join(reference_of(int.from_bytes(part, "big")) for part in parts)


def normalise_code(typed: str) -> str | None:
    """The code that somebody meant, or None when it cannot be one."""
    signs = "".join(character for character in typed if character.isalnum())
    if len(signs) != 16:
        return None
    first, second = normalise_reference(signs[:8]), normalise_reference(signs[8:])
    return f"{first}-{second}" if first and second else None


def network_mark(network: str, day: str) -> bytes:
    """What stands for a network in the counters of a day: two bytes, shared by one network in 65,536."""
    return sha256(f"{network} {day}")[:2]
