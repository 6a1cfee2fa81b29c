"""What will happen to each line of a register file, before anything is saved. Pure.

A line is *ready*, *recorded* already, a *question* that a person must answer, *refused*, or *left out* by choice. A
refused line never stands in the way of the others; a question does, because silently dropping it would cost somebody
their hours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, TypeVar

import msgspec

from timebank.contributions.choosing import Chooser
from timebank.contributions.register_file import KnownMember, NameMatch, RegisterFile, RegisterLine, match_names
from timebank.contributions.repeats import check_day_lengths
from timebank.contributions.rules import MAX_WHAT, Earlier, Facts, Line, check_line, flags
from timebank.kit import dates, durations, names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown

NEW_GROUP = "new"
LEAVE_OUT = "leave-out"
NEW_GUEST = 10**15  # plus the number of their line: stands for a guest until the file is confirmed
MAX_ANSWERS = 1000
MAX_ASKED = 150  # lines with something to fill in on one page; the rest are quicker to correct in the spreadsheet
MAX_ID_DIGITS = 18
QUESTION_CODES = frozenset(
    {
        "name_doubtful",
        "minutes_or_hours",
        "decimal_or_clock",
        "length_or_start",
        "hours_and_minutes_differ",
        "date_order_doubtful",
        "line_repeated",
    }
)
ASKS = {"name": "who", "member_id": "who", "held_on": "day", "minutes": "minutes", "duplicate_reason": "reason"}

State = Literal["ready", "recorded", "question", "refused", "left_out"]
Typed = Annotated[str, msgspec.Meta(max_length=1000)]
ByLine = Annotated[dict[int, Typed], msgspec.Meta(max_length=MAX_ANSWERS)]
Value = TypeVar("Value")


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided about a file; every text as typed.

    ``group`` is for lines without an activity; ``groups`` maps the key of an unknown activity name to a group's id,
    ``NEW_GROUP`` or ``LEAVE_OUT``. The others go by line number: ``who`` a member's id, ``someone`` a typed name,
    ``minutes`` and ``day`` corrections, ``reason`` why a repeated line is right, ``guests`` the lines of people who are
    no members yet, ``leave_out`` the lines not to save.
    """

    group: int | None = None
    groups: Annotated[dict[str, Typed], msgspec.Meta(max_length=MAX_ANSWERS)] = {}
    who: ByLine = {}
    someone: ByLine = {}
    minutes: ByLine = {}
    day: ByLine = {}
    reason: ByLine = {}
    guests: frozenset[int] = frozenset()
    leave_out: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class UnknownGroup:
    """A group that the file names and the time bank does not have. ``answer`` is what was chosen for it, or ""."""

    key: str
    name: str
    lines: tuple[int, ...]
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A line as far as it could be read with the answers; None where it could not. A new group counts below zero."""

    source: RegisterLine
    member: KnownMember | None
    day: date | None
    minutes: int | None
    activity_id: int | None
    problems: tuple[Refusal, ...]
    suggestions: tuple[KnownMember, ...]
    is_left_out: bool
    guest: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """All lines as read, and what concerns many lines at once."""

    reads: tuple[Read, ...]
    unknown_groups: tuple[UnknownGroup, ...]
    lacks_group: int
    needs_group: bool
    new_groups: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One line of the file, what will happen to it and why.

    ``line`` is what would be saved, where it could be read that far. ``asks`` names what a person may fill in: ``who``,
    ``day``, ``minutes``, ``reason``. ``remark`` says what was changed to make it fit.
    """

    read: Read
    state: State
    line: Line | None = None
    problems: tuple[Refusal, ...] = ()
    asks: tuple[str, ...] = ()
    flagged: str = ""
    recorded_in: str = ""
    remark: str = ""

    @property
    def number(self) -> int:
        """The line's number as the spreadsheet shows it."""
        return self.read.source.number

    @property
    def who(self) -> str:
        """The member found, else the name as the file has it."""
        return self.read.member.display_name if self.read.member else self.read.guest or self.read.source.name_text

    @property
    def why(self) -> str:
        """What stands in the way, in one or more sentences."""
        return " ".join(problem.message for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Preview:
    """The whole file, line by line, and the questions that concern many lines at once."""

    lines: tuple[PreviewLine, ...]
    reading: Reading

    def of(self, *states: State) -> tuple[PreviewLine, ...]:
        """The lines in these states, in the order of the file."""
        return tuple(line for line in self.lines if line.state in states)

    @property
    def ready_minutes(self) -> int:
        """The minutes that would be saved."""
        return sum(one.line.minutes for one in self.of("ready") if one.line)

    @property
    def open_questions(self) -> list[Refusal]:
        """What has to be answered before anything can be saved; fields are those of the page's form."""
        asked = []
        if self.reading.needs_group:
            asked.append(Refusal("group_missing", "Choose the group that this register is for.", "group"))
        asked += [
            Refusal("group_unknown", f"Choose what to do with the group {shown(group.name)}.", f"group-{at}")
            for at, group in enumerate(self.reading.unknown_groups)
            if not group.answer
        ]
        asked += [
            Refusal(
                one.problems[0].code, f"Line {one.number}: {one.problems[0].message}", f"{one.asks[0]}-{one.number}"
            )
            for one in self.of("question")
            if one.asks and one.problems
        ]
        return asked


def read_lines(
    file: RegisterFile, members: Sequence[KnownMember], groups: Mapping[str, int], answers: Answers
) -> Reading:
    """Find each line's member, day, minutes and group, using the answers. ``groups`` maps name keys to ids."""
    by_id = {str(member.id): member for member in members}
    resolved, unknown = _groups(file, groups, answers)
    chooser = Chooser(members)
    someone = {number: names.tidy(text) for number, text in answers.someone.items() if text.strip()}
    typed = tuple(
        replace(line, name_text="" if text.isdecimal() else text, member_number=text if text.isdecimal() else "")
        for line in file.lines
        if (text := someone.get(line.number))
    )
    matches = dict(zip((line.number for line in file.lines), match_names(file.lines, members), strict=True))
    for line, match in zip(typed, match_names(typed, members), strict=True):
        matches[line.number] = match
    reads = []
    for line in file.lines:
        other = someone.get(line.number, "")
        chosen = chooser.chosen(other) if other else by_id.get(answers.who.get(line.number, ""))
        key = names.key(line.activity_text)
        member, suggestions, problem = _who(line, matches[line.number], chosen, other)
        problems = {one.field: one for one in line.problems if one.code != "line_repeated"}
        is_guest = member is None and line.number in answers.guests
        guest = names.tidy(other or line.name_text) if is_guest else ""
        if member or guest:
            problems.pop("name", None)
        elif problem:
            problems.setdefault("name", problem)
        day = _corrected(answers.day.get(line.number, ""), dates.parse, line.held_on, "held_on", problems)
        minutes = _corrected(answers.minutes.get(line.number, ""), durations.parse, line.minutes, "minutes", problems)
        is_left_out = line.number in answers.leave_out or answers.groups.get(key) == LEAVE_OUT
        reads.append(
            Read(line, member, day, minutes, resolved[key], tuple(problems.values()), suggestions, is_left_out, guest)
        )
    lacking = sum(not line.activity_text for line in file.lines)
    made = tuple(group.name for group in unknown if group.answer == NEW_GROUP)
    return Reading(tuple(reads), unknown, lacking, bool(lacking) and resolved[""] is None, made, file.notes)


def _groups(
    file: RegisterFile, groups: Mapping[str, int], answers: Answers
) -> tuple[dict[str, int | None], tuple[UnknownGroup, ...]]:
    """The group of each activity name in the file: an id, below zero when it is to be made, None while it is open."""
    ids = set(groups.values())
    resolved: dict[str, int | None] = {"": answers.group if answers.group in ids else None}
    unknown: dict[str, UnknownGroup] = {}
    made = 0
    for line in file.lines:
        key = names.key(line.activity_text)
        if key in unknown:
            unknown[key] = replace(unknown[key], lines=(*unknown[key].lines, line.number))
        if key in resolved:
            continue
        if key in groups:
            resolved[key] = groups[key]
            continue
        answer = answers.groups.get(key, "")
        chosen = int(answer) if answer.isdecimal() and len(answer) <= MAX_ID_DIGITS else None
        if answer == NEW_GROUP:
            made += 1
            chosen = -made
        elif chosen not in ids:
            chosen = None
            answer = answer if answer == LEAVE_OUT else ""
        resolved[key] = chosen
        unknown[key] = UnknownGroup(key, line.activity_text, (line.number,), answer)
    return resolved, tuple(unknown.values())


def _who(
    line: RegisterLine, match: NameMatch, chosen: KnownMember | None, typed: str
) -> tuple[KnownMember | None, tuple[KnownMember, ...], Refusal | None]:
    """The member, or the members it may be with what to ask."""
    if chosen:
        return chosen, match.members, None
    if match.kind == "exact":
        return match.members[0], (), None
    name = shown(typed or line.name_text or line.member_number)
    if match.kind == "unknown":
        message = f"We do not know {name}. Say who this is, or tick that they are a guest."
        return None, (), Refusal("unknown_member", message, "name")
    if match.kind == "ambiguous":
        message = f"{len(match.members)} members are called {name}. Choose who came."
    else:
        message = f"Who is {name}? Choose who came."
    return None, match.members, Refusal("name_doubtful", message, "name")


def _corrected(
    typed: str,
    parse: Callable[..., Value | Refusal],
    as_read: Value | None,
    field: str,
    problems: dict[str | None, Refusal],
) -> Value | None:
    """What was typed in place of the file's own text, where something was."""
    if not typed.strip():
        return as_read
    found = parse(typed, field=field)
    if isinstance(found, Refusal):
        problems[field] = found
        return None
    problems.pop(field, None)
    return found


def judge(reading: Reading, facts: Facts, actor: Actor, answers: Answers) -> Preview:
    """Say for each line what will happen to it. ``facts.earlier`` holds what is recorded for its members and days."""
    there = {(one.member_id, one.held_on, one.activity_id, one.minutes): one for one in facts.earlier}
    seen: dict[tuple[int, date, int | None, int], int] = {}
    guest_ids: dict[str, int] = {}
    for read in reading.reads:
        if read.guest:
            guest_ids.setdefault(names.key(read.guest), NEW_GUEST + read.source.number)
    judged = _not_too_long([_judge(read, facts, there, seen, answers, guest_ids) for read in reading.reads], facts)
    judged = _not_too_many(judged)
    ready = [one.line for one in judged if one.state == "ready" and one.line]
    flagged = {line.number: why for line, why in zip(ready, flags(ready, facts, actor), strict=True)}
    return Preview(
        tuple(replace(one, flagged=flagged.get(one.number, "")) for one in judged),
        reading,
    )


def _not_too_long(judged: Sequence[PreviewLine], facts: Facts) -> list[PreviewLine]:
    """The lines, with those refused that would give somebody more minutes on a day than it has."""
    ready = [one.line for one in judged if one.state == "ready" and one.line]
    refused = {
        ready[int((refusal.field or "lines.0.").split(".")[1])].number: replace(refusal, field="minutes")
        for refusal in check_day_lengths(ready, facts)
    }
    return [
        replace(one, state="refused", problems=(refused[one.number],), asks=_asks((refused[one.number],)))
        if one.state == "ready" and one.number in refused
        else one
        for one in judged
    ]


def _not_too_many(judged: Sequence[PreviewLine]) -> list[PreviewLine]:
    """The lines, with something to fill in on the first MAX_ASKED that need it; a question beyond them is refused."""
    asking = [one.number for one in judged if one.asks]
    beyond = set(asking[MAX_ASKED:])
    return [
        replace(one, asks=(), state="refused" if one.state == "question" else one.state)
        if one.number in beyond
        else one
        for one in judged
    ]


def _judge(
    read: Read,
    facts: Facts,
    there: Mapping[tuple[int, date, int | None, int], Earlier],
    seen: dict[tuple[int, date, int | None, int], int],
    answers: Answers,
    guest_ids: Mapping[str, int],
) -> PreviewLine:
    if read.is_left_out:
        return PreviewLine(read, "left_out")
    if not ((read.member or read.guest) and read.day and read.minutes and read.activity_id) or read.problems:
        asked = any(problem.code in QUESTION_CODES for problem in read.problems)
        is_refused = any(problem.code not in QUESTION_CODES for problem in read.problems)
        waits_for_group = not read.problems and read.activity_id is None
        state: State = "question" if (asked and not is_refused) or waits_for_group else "refused"
        return PreviewLine(read, state, problems=read.problems, asks=_asks(read.problems))
    what, remark = _what(read.source.what_text)
    number = read.source.number
    line = Line(
        member_id=read.member.id if read.member else 0,
        guest_id=None if read.member else guest_ids[names.key(read.guest)],
        held_on=read.day,
        minutes=read.minutes,
        what=what,
        duplicate_reason=names.tidy(answers.reason.get(number, "")),
        activity_id=read.activity_id,
        number=number,
    )
    if problems := tuple(check_line(line, facts)):
        return PreviewLine(read, "refused", line, problems, _asks(problems), remark=remark)
    if one := there.get((line.who, line.held_on, read.activity_id, line.minutes)):
        return PreviewLine(read, "recorded", line, recorded_in=one.reference, remark=remark)
    first = seen.setdefault((line.who, line.held_on, line.activity_id, line.minutes), number)
    if first != number and not line.duplicate_reason:
        message = f"Line {first} says the same. Leave this one out, or say why both are right."
        problem = Refusal("line_repeated", message, "duplicate_reason")
        return PreviewLine(read, "question", line, (problem,), ("reason",), remark=remark)
    return PreviewLine(read, "ready", line, asks=("reason",) if first != number else (), remark=remark)


def _asks(problems: Sequence[Refusal]) -> tuple[str, ...]:
    """What a person may fill in to put these right; the first belongs to the first problem that can be."""
    return tuple(dict.fromkeys(ASKS[problem.field] for problem in problems if problem.field in ASKS))


def _what(text: str) -> tuple[str, str]:
    """What they did, and a remark when it had to be shortened."""
    tidy = names.tidy(text)
    if len(tidy) <= MAX_WHAT:
        return tidy, ""
    return tidy[
        : MAX_WHAT - 1
    ].rstrip() + "…", f"The note is longer than {MAX_WHAT} characters, so its end is left out."
