"""The rules of a time bank in plain words: one sentence each, read from a form, compared, and when a change may start.

Pure. ``FIELDS`` is the one list: the page, the editor and the differences all follow it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import msgspec

from timebank.banks.rules import Rules
from timebank.kit import dates, durations, money
from timebank.kit.durations import in_words
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown
from timebank.kit.words import Minutes, Words, mark, mark_n, say, say_n

MAX_DECIDED_BY = 200
MAX_NOTE = 1000
MAX_NAMED = 100
MAX_DAYS_AHEAD = 366

MONEY_CURRENCY = "GBP"
"""Amounts in rules are numbers with two decimal places; whose currency they are in, the time bank knows."""

Kind = Literal["minutes", "hours", "count", "money", "name", "choice"]


@dataclass(frozen=True, slots=True)
class Field:
    """One rule. ``label`` asks for it in the editor, ``say`` puts a value into a sentence.

    ``minutes`` are typed as a length of time up to a day, ``hours`` as whole hours, ``count`` as a whole number,
    ``money`` as an amount with two decimal places (``most`` is in minor units).
    """

    name: str
    section: str
    label: str
    kind: Kind
    say: Callable[[object], Words]
    least: int = 1
    most: int = 366
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_editable: bool = True


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says now and what it will say."""

    name: str
    before: str
    after: str


class SaidRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as a sentence."""

    name: str
    section: str
    sentence: str


def _unless_none(words: str, when_none: str) -> Callable[[object], Words]:
    return lambda value: say(words, name=str(value)) if value else say(when_none)


def _count(words: tuple[str, str], zero: str | None = None) -> Callable[[object], Words]:
    def said_of(value: object) -> Words:
        number = int(str(value))
        return say(zero) if number == 0 and zero is not None else say_n(number, *words)

    return said_of


def _time(words: str, zero: str | None = None) -> Callable[[object], Words]:
    def said_of(value: object) -> Words:
        minutes = int(str(value))
        return say(zero) if minutes == 0 and zero is not None else say(words, time=Minutes(minutes))

    return said_of


def _money(words: str, zero: str) -> Callable[[object], Words]:
    def said_of(value: object) -> Words:
        pence = int(str(value))
        return say(words, amount=money.decimal(pence, MONEY_CURRENCY)) if pence else say(zero)

    return said_of


LOGGING, SECOND, USING, ANSWERS, SAFETY = (
    mark("Logging time"), mark("When a second person looks"), mark("Using hours"), mark("Questions and changes"),
    mark("People and safety"),
)  # fmt: skip
SECTIONS = (LOGGING, SECOND, USING, ANSWERS, SAFETY)
ON_LEAVING = {
    "pot": mark("When somebody leaves, their hours go to the community pot."),
    "expire": mark("When somebody leaves, their hours end."),
}

ON_SILENCE = {
    "as_confirmed": mark("Without an answer, what the other person said counts."),
    "as_agreed": mark("Without an answer, what was agreed counts."),
    "ask": mark("Without an answer, a coordinator asks and decides."),
}

FIELDS = (
    Field("max_minutes_per_entry", LOGGING, "The longest time in one entry", "minutes",
          _time(mark("One entry can be up to {time}."))),
    Field("max_days_back", LOGGING, "How many days later can a group be logged?", "count", most=3660,
          say=_count(mark_n("A group can be logged up to a day later.",
                            "A group can be logged up to {n} days later."))),
    Field("self_log_days_back", LOGGING, "How many days later can people log their own time?", "count", most=3660,
          say=_count(mark_n("Log your own time up to a day later.", "Log your own time up to {n} days later."))),
    Field("max_people_per_register", LOGGING, "How many people can one register name?", "count", most=500,
          say=_count(mark_n("One register names one person.", "One register can name up to {n} people."))),
    Field("undo_minutes", LOGGING, "For how many minutes can a register be undone?", "count", most=1440,
          say=_count(mark_n("A saved register can be undone for a minute.",
                            "A saved register can be undone for {n} minutes."))),
    Field("check_in_opens_minutes", LOGGING, "How long before a session does checking in open?", "minutes", least=0,
          say=_time(mark("Checking in opens {time} before a session."),
                    mark("Checking in opens when a session starts."))),
    Field("check_in_closes_minutes", LOGGING, "How long after a session does it close?", "minutes", least=0,
          say=_time(mark("Checking in closes {time} after a session."),
                    mark("Checking in closes when a session ends."))),
    Field("guest_months", LOGGING, "How many months does a guest’s time wait?", "count", most=120,
          say=_count(mark_n("A guest’s time waits a month for them to join.",
                            "A guest’s time waits {n} months for them to join."))),
    Field("approval_above_minutes", SECOND, "More than this in one day", "minutes",
          _time(mark("More than {time} a day needs a second person."))),
    Field("approval_above_minutes_per_week", SECOND, "More than this many hours in one week", "hours", most=168,
          say=_time(mark("More than {time} a week needs a second person."))),
    Field("approval_after_days", SECOND, "Logged more than this many days later", "count", most=3660,
          say=_count(mark_n("Logged more than a day later? Then a second person looks.",
                            "Logged more than {n} days later? Then a second person looks."))),
    Field("self_log_approved_up_to_minutes", SECOND, "What people log for themselves counts at once up to", "minutes",
          least=0, hint="0 means: always looked at first.",
          say=_time(mark("What you log counts at once, up to {time}."),
                    mark("What you log yourself is looked at before it counts."))),
    Field("member_floor_minutes", USING, "How far below zero can hours go?", "minutes", least=0, is_editable=False,
          say=_time(mark("Hours can go up to {time} below zero."), mark("Nobody’s hours go below zero."))),
    Field("max_open_bookings", USING, "How many bookings can be open at once?", "count", most=100,
          say=_count(mark_n("You can have one open booking.", "You can have up to {n} open bookings at once."))),
    Field("confirm_above_minutes", USING, "Using more than this at once asks who it is", "hours", most=1000, least=0,
          say=_time(mark("Using over {time} at once? Then show that it is you."),
                    mark("Using hours? Then show that it is you."))),
    Field("waiting_answer_days", USING, "For how many working days is a free place kept for who is next?", "count",
          most=30,
          say=_count(mark_n("We keep a free place for one working day.",
                            "We keep a free place for {n} working days."))),
    Field("payment_days", USING, "Within how many days are suppliers paid?", "count", least=0,
          say=_count(mark_n("We pay suppliers within a day.", "We pay suppliers within {n} days."),
                     mark("We pay suppliers on the same day."))),
    Field("receipt_needed_above_pence", USING, "Costs above this need a receipt", "money", least=0, most=100_000,
          hint="0 means: always.",
          say=_money(mark("A cost over {amount} needs its receipt."), mark("Every cost needs its receipt."))),
    Field("claims_back_days", USING, "How many days later can costs be claimed?", "count", most=3660,
          say=_count(mark_n("You can claim costs up to a day later.", "You can claim costs up to {n} days later."))),
    Field("fee_choice_days", USING, "For how many days can people choose about a fee?", "count", most=730,
          say=_count(mark_n("You have a day to choose about a fee.", "You have {n} days to choose about a fee."))),
    Field("max_gift_minutes", USING, "The most hours in one gift", "hours", most=1000,
          say=_time(mark("One gift can be up to {time}."))),
    Field("max_pot_help_minutes", USING, "The most hours from the pot at once", "hours", most=1000,
          say=_time(mark("The pot gives up to {time} at once."))),
    Field("max_pot_asks_per_year", USING, "How often can somebody ask the pot in a year?", "count",
          say=_count(mark_n("You can ask the pot once a year.", "You can ask the pot {n} times a year."))),
    Field("pot_alone_up_to_minutes", USING, "What a coordinator gives from the pot alone, up to", "minutes", least=0,
          hint="0 means: always two people.",
          say=_time(mark("More than {time} from the pot needs two people."),
                    mark("Hours from the pot always need two people."))),
    Field("peer_silence_days", USING, "After help from a member, for how many days do we wait for an answer?",
          "count", most=60,
          say=_count(mark_n("After help, we wait a day for an answer.",
                            "After help, we wait {n} days for an answer."))),
    Field("peer_silence", USING, "What counts when there is no answer?", "choice",
          say=lambda value: say(ON_SILENCE[str(value)]), choices=tuple(ON_SILENCE.items())),
    Field("hours_on_leaving", USING, "What happens to hours when somebody leaves?", "choice",
          say=lambda value: say(ON_LEAVING[str(value)]), choices=tuple(ON_LEAVING.items())),
    Field("answer_days", ANSWERS, "Within how many working days is a question answered?", "count", most=90,
          say=_count(mark_n("We answer a question within one working day.",
                            "We answer a question within {n} working days."))),
    Field("notice_days", ANSWERS, "How many days before is a change of rules told?", "count", least=0,
          say=_count(mark_n("A change of these rules is told a day before.",
                            "A change of these rules is told {n} days before."),
                         mark("A change of these rules can start at once."))),
    Field("minimum_age", SAFETY, "From what age can people join by themselves?", "count", least=0, most=99,
          say=_count(mark_n("From the age of {n}, people join by themselves.",
                            "From the age of {n}, people join by themselves."),
                         mark("People of every age join by themselves."))),
    Field("check_valid_months", SAFETY, "For how many months is a safety check good?", "count", most=120,
          say=_count(mark_n("A safety check is good for a month.", "A safety check is good for {n} months."))),
    Field("safeguarding_lead", SAFETY, "Who leads on safety?", "name",
          hint="Peer support is off until somebody is named.",
          say=_unless_none(mark("Worried about somebody’s safety? Tell {name}."),
                           mark("Nobody leads on safety yet, so peer support is off."))),
    Field("independent_person", SAFETY, "Who independent can be told in confidence?", "name",
          say=_unless_none(mark("You can tell {name} in confidence."),
                           mark("Nobody is named yet whom you can tell in confidence."))),
    Field("outside_body", SAFETY, "Which outside body can be told?", "name",
          say=_unless_none(mark("Outside our time bank you can tell {name}."),
                           mark("No outside body is named yet."))),
)  # fmt: skip
EDITABLE = tuple(field for field in FIELDS if field.is_editable)


def said(rules: Rules) -> list[SaidRule]:
    """Every rule as a sentence, in the order of the page."""
    return [
        SaidRule(name=field.name, section=field.section, sentence=field.say(getattr(rules, field.name)))
        for section in SECTIONS
        for field in FIELDS
        if field.section == section
    ]


def differences(before: Rules, after: Rules) -> list[Difference]:
    """The rules that differ, each as the sentence it was and the sentence it becomes."""
    return [
        Difference(
            name=field.name,
            before=field.say(getattr(before, field.name)),
            after=field.say(getattr(after, field.name)),
        )
        for field in FIELDS
        if getattr(before, field.name) != getattr(after, field.name)
    ]


def typed(rules: Rules) -> dict[str, str]:
    """The rules as the editor shows them in its boxes."""
    return {field.name: _as_text(field, getattr(rules, field.name)) for field in EDITABLE}


def read(before: Rules, boxes: Mapping[str, str]) -> Rules | list[Refusal]:
    """The rules that were typed into the boxes of the editor; what has no box stays as it was.

    Refusals: ``rule_unknown``, ``not_a_number``, ``out_of_range``, ``name_too_long``, ``choice_unknown``, and those of
    :func:`timebank.kit.durations.parse`.
    """
    values: dict[str, object] = {}
    known = {field.name for field in EDITABLE}
    refusals = [
        Refusal("rule_unknown", f"There is no rule {shown(name)} to change.", name)
        for name in boxes
        if name not in known
    ]
    for field in EDITABLE:
        if field.name not in boxes:
            continue
        value = _read(field, boxes[field.name])
        if isinstance(value, Refusal):
            refusals.append(value)
        else:
            values[field.name] = value
    return refusals or msgspec.structs.replace(before, **values)


def check(rules: Rules) -> list[Refusal]:
    """What is wrong with a document that no form has read: ``out_of_range``, ``name_too_long``."""
    refusals = []
    for field in FIELDS:
        value = getattr(rules, field.name)
        if field.kind == "name":
            if len(value) > MAX_NAMED:
                refusals.append(_too_long(field))
        elif field.kind != "choice" and (wrong := _out_of_range(field, value)):
            refusals.append(wrong)
    return refusals


def check_change(
    *,
    changed: list[Difference],
    decided_by: str,
    note: str,
    starts_on: date,
    today: date,
    earliest: date,
    notice_days: int,
) -> list[Refusal]:
    """What stands in the way of a change: ``nothing_changes``, ``decided_by_missing``, ``decided_by_too_long``,
    ``note_too_long``, ``starts_too_soon``, ``starts_too_late``.

    ``earliest`` is the first day on which it may start (see :func:`earliest_start`).
    """
    refusals = []
    if not changed:
        refusals.append(Refusal("nothing_changes", "Change at least one rule. So far they all stay as they are."))
    if not decided_by.strip():
        refusals.append(Refusal("decided_by_missing", "Say who decided, like “the members’ meeting”.", "decided_by"))
    elif len(decided_by.strip()) > MAX_DECIDED_BY:
        refusals.append(Refusal("decided_by_too_long", f"Use up to {MAX_DECIDED_BY} letters.", "decided_by"))
    if len(note.strip()) > MAX_NOTE:
        refusals.append(Refusal("note_too_long", f"Use up to {MAX_NOTE} letters.", "note"))
    if starts_on < earliest:
        message = f"Choose {dates.in_words(earliest)} or later."
        if earliest > today:
            message += f" Members are told {notice_days} days before. Only names can change at once."
        refusals.append(Refusal("starts_too_soon", message, "starts_on"))
    elif starts_on > today + timedelta(days=MAX_DAYS_AHEAD):
        refusals.append(Refusal("starts_too_late", "Choose a day within a year from now.", "starts_on"))
    return refusals


def earliest_start(*, today: date, notice_days: int, needs_notice: bool, last_starts_on: date) -> date:
    """The first day on which a change may start: with notice, and never before the change that was made last."""
    first = today + timedelta(days=notice_days) if needs_notice else today
    return max(first, last_starts_on)


def only_names(changed: list[Difference]) -> bool:
    """True when a change does nothing but name other people, as when somebody steps down."""
    return bool(changed) and {each.name for each in changed} <= {field.name for field in FIELDS if field.kind == "name"}


def _as_text(field: Field, value: object) -> str:
    if field.kind == "minutes":
        return in_words(int(str(value))) if value else "0"
    if field.kind == "hours":
        minutes = int(str(value))
        return str(minutes // 60) if minutes % 60 == 0 else in_words(minutes)
    if field.kind == "money":
        return money.decimal(int(str(value)), MONEY_CURRENCY)
    return str(value)


def _read(field: Field, text: str) -> object:
    if field.kind == "name":
        tidy = " ".join(text.split())
        return tidy if len(tidy) <= MAX_NAMED else _too_long(field)
    if field.kind == "choice":
        known = [value for value, _ in field.choices]
        return text if text in known else Refusal("choice_unknown", "Choose one of the answers.", field.name)
    if field.kind == "money":
        pence = money.parse(text, MONEY_CURRENCY, allow_zero=field.least == 0, field=field.name)
        return pence if isinstance(pence, Refusal) else _out_of_range(field, pence) or pence
    digits = plain(text).replace(",", "")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 6
    if field.kind == "minutes":
        if is_number and int(digits) == 0 and field.least == 0:
            return 0
        return durations.parse(text, field=field.name)
    if not is_number:
        message = f"{field.label.rstrip('?')}: write a whole number, not {shown(text)}."
        return Refusal("not_a_number", message, field.name)
    value = int(digits) * (60 if field.kind == "hours" else 1)
    return _out_of_range(field, value) or value


def _out_of_range(field: Field, value: int) -> Refusal | None:
    factor = 60 if field.kind == "hours" else 1
    most = durations.MAX_MINUTES if field.kind == "minutes" else field.most * factor
    if field.least * (factor if field.kind == "hours" else 1) <= value <= most:
        return None
    ends = f"{field.most}" if field.kind == "count" else in_words(most)
    if field.kind == "money":
        ends = money.decimal(most, MONEY_CURRENCY)
    message = f"{field.label.rstrip('?')}: use a number from {field.least} to {ends}."
    return Refusal("out_of_range", message, field.name)


def _too_long(field: Field) -> Refusal:
    return Refusal("name_too_long", f"Use up to {MAX_NAMED} letters.", field.name)
