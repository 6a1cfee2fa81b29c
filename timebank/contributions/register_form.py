"""The register as a form: the rows to show, and what was typed into them. Pure.

A row for somebody who came last time is called ``m<member id>``, a row for somebody else ``x<number>``. The fields of a
row end in its name: ``came-m17``, ``length-m17``, ``what-m17``, ``reason-m17``; ``who-x0``, ``pick-x0``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from timebank.contributions.choosing import Chooser
from timebank.contributions.register_names import KnownMember, match_names
from timebank.contributions.rules import Line
from timebank.kit import dates, durations
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown

MAX_SHOWN = 180  # people from last time on one page
MAX_EXTRA_ROWS = 40
FIRST_ROWS = 10
ROWS_BESIDE_LAST_TIME = 3
MORE_ROWS = 5
MAX_LISTED_DUPLICATES = 3
MAX_ROW_LIST_CHARACTERS = 4000


class Typed(Protocol):
    """What is needed of a posted form."""

    def text(self, name: str) -> str:
        """What was typed in a field, "" when nothing was."""
        ...

    def has(self, name: str, value: str | None = None) -> bool:
        """True when the field was sent."""
        ...


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody who came last time."""

    id: str
    member_id: int
    name: str
    came: bool
    length: str
    what: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """Somebody else, typed by name. ``options`` are the members that the name may mean."""

    id: str
    who: str = ""
    pick: str = ""
    length: str = ""
    what: str = ""
    reason: str = ""
    options: tuple[KnownMember, ...] = ()

    @property
    def is_blank(self) -> bool:
        """True when nothing was typed into the row."""
        return not (self.who or self.length or self.what)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole form as it is shown. ``reason`` is why everybody is there a second time, given once for all."""

    day: str
    length: str
    people: tuple[PersonRow, ...]
    extras: tuple[ExtraRow, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sheet says: the lines to save with the row that each came from, or what has to be put right first."""

    lines: tuple[Line, ...]
    rows: tuple[PersonRow | ExtraRow, ...]
    refusals: tuple[Refusal, ...]
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class _Name:
    number: int
    name_text: str
    member_number: str


def first_sheet(*, today: date, default_minutes: int, came: Iterable[tuple[int, str, int, str]], known: bool) -> Sheet:
    """A new register, filled from last time: ``came`` holds member id, name, minutes and what they did."""
    last = list(came)[:MAX_SHOWN]
    lengths = Counter(minutes for _, _, minutes, _ in last)
    usual = lengths.most_common(1)[0][0] if lengths else default_minutes
    people = tuple(
        PersonRow(f"m{id_}", id_, name, True, "" if minutes == usual else durations.in_words(minutes), what)
        for id_, name, minutes, what in last
    )
    blank = ROWS_BESIDE_LAST_TIME if known else FIRST_ROWS
    return Sheet(today.isoformat(), durations.in_words(usual), people, _extra_rows(blank))


def _extra_rows(count: int, start: int = 0) -> tuple[ExtraRow, ...]:
    return tuple(ExtraRow(f"x{at}") for at in range(start, min(count + start, MAX_EXTRA_ROWS)))


def typed_sheet(form: Typed, members: Mapping[int, KnownMember]) -> Sheet:
    """The form as it was sent, whatever is in it."""
    listed = form.text("rows")[:MAX_ROW_LIST_CHARACTERS].split(",")
    ids = dict.fromkeys(int(one) for one in listed if one.isdecimal() and len(one) <= 18)
    people = tuple(
        PersonRow(
            f"m{id_}",
            id_,
            members[id_].display_name,
            form.has(f"came-m{id_}"),
            form.text(f"length-m{id_}"),
            form.text(f"what-m{id_}"),
            form.text(f"reason-m{id_}"),
        )
        for id_ in list(ids)[:MAX_SHOWN]
        if id_ in members
    )
    count = form.text("extras")
    extras = tuple(
        ExtraRow(
            row.id,
            form.text(f"who-{row.id}"),
            form.text(f"pick-{row.id}"),
            form.text(f"length-{row.id}"),
            form.text(f"what-{row.id}"),
            form.text(f"reason-{row.id}"),
        )
        for row in _extra_rows(int(count) if count.isdecimal() and len(count) <= 3 else ROWS_BESIDE_LAST_TIME)
    )
    return Sheet(form.text("date"), form.text("length"), people, extras, form.text("reason-all"))


def with_more_rows(sheet: Sheet) -> Sheet:
    """The same sheet with MORE_ROWS more blank rows, up to MAX_EXTRA_ROWS."""
    return replace(sheet, extras=(*sheet.extras, *_extra_rows(MORE_ROWS, len(sheet.extras))))


def read_sheet(sheet: Sheet, members: Mapping[int, KnownMember]) -> Reading:
    """Turn a sheet into lines. Refusals carry the names of the form's fields."""
    refusals: list[Refusal] = []
    day = dates.parse(sheet.day, field="date")
    if isinstance(day, Refusal):
        refusals.append(day)
    extras, unresolved = _resolved(sheet.extras, members)
    refusals += unresolved
    sheet = replace(sheet, extras=tuple(row for row, _ in extras))
    wanted: list[tuple[PersonRow | ExtraRow, int]] = [(row, row.member_id) for row in sheet.people if row.came]
    wanted += [(row, member.id) for row, member in extras if member]
    default: int | Refusal | None = None
    lines = []
    for row, member_id in wanted:
        if row.length:
            minutes = durations.parse(row.length, field=f"length-{row.id}")
        else:
            default = minutes = durations.parse(sheet.length, field="length") if default is None else default
        if isinstance(minutes, Refusal):
            refusals.append(minutes if minutes.field == "length" else _about(minutes, members[member_id].display_name))
        elif isinstance(day, date):
            reason = row.reason or sheet.reason
            lines.append(
                Line(member_id=member_id, held_on=day, minutes=minutes, what=row.what, duplicate_reason=reason)
            )
    return Reading(tuple(lines), tuple(row for row, _ in wanted), tuple(_once(refusals)), sheet)


def _resolved(
    extras: Sequence[ExtraRow], members: Mapping[int, KnownMember]
) -> tuple[list[tuple[ExtraRow, KnownMember | None]], list[Refusal]]:
    """Each row with the member that was typed into it, or with the members it may mean and a refusal."""
    chooser = Chooser(members.values())
    everyone = tuple(members.values())
    asked = [
        _Name(at, "", row.who) if row.who.isdecimal() else _Name(at, row.who, "")
        for at, row in enumerate(extras)
        if row.who
    ]
    matches = {match.line: match for match in match_names(asked, everyone)}
    rows: list[tuple[ExtraRow, KnownMember | None]] = []
    refusals = []
    for at, row in enumerate(extras):
        if row.is_blank:
            rows.append((row, None))
            continue
        if not row.who:
            refusals.append(Refusal("name_missing", "Say who this is, or empty the row.", f"who-{row.id}"))
            rows.append((row, None))
            continue
        match = matches[at]
        picked = {str(member.id): member for member in match.members}.get(row.pick)
        member = picked or chooser.chosen(row.who) or (match.members[0] if match.kind == "exact" else None)
        if member is None:
            row = replace(row, options=match.members)
            message = (
                f"Choose who {shown(row.who)} is."
                if match.members
                else f"We do not know {shown(row.who)}. Check the name, or add them as a member first."
            )
            field = f"pick-{row.id}" if match.members else f"who-{row.id}"
            refusals.append(Refusal("name_doubtful" if match.members else "unknown_member", message, field))
        elif picked:
            row = replace(row, options=match.members)
        rows.append((row, member))
    return rows, refusals


FIELDS = {"minutes": "length", "what": "what", "duplicate_reason": "reason"}


def beside_rows(refusals: Iterable[Refusal], reading: Reading, members: Mapping[int, KnownMember]) -> list[Refusal]:
    """The service's refusals with the names of this form's fields, each saying whom it is about."""
    placed = []
    for refusal in refusals:
        parts = (refusal.field or "").split(".")
        if len(parts) != 3 or parts[0] != "lines":
            placed.append(replace(refusal, field=_first_row(reading.sheet) if refusal.field == "lines" else None))
            continue
        at, name = int(parts[1]), parts[2]
        row, line = reading.rows[at], reading.lines[at]
        if name == "held_on":
            placed.append(replace(refusal, field="date"))
        elif name == "minutes" and not row.length:
            placed.append(replace(refusal, field="length"))
        else:
            kind = FIELDS.get(name) or ("came" if isinstance(row, PersonRow) else "who")
            known = members.get(line.member_id)
            about = replace(refusal, field=f"{kind}-{row.id}")
            placed.append(_about(about, known.display_name) if known else about)
    return _once(placed)


def in_short(refusals: Sequence[Refusal]) -> list[Refusal]:
    """The refusals for the list above the form: many people recorded already are told in one line, not one by one."""
    repeated = [one for one in refusals if one.code == "duplicate"]
    if len(repeated) <= MAX_LISTED_DUPLICATES:
        return list(refusals)
    message = (
        f"{len(repeated)} people are already recorded for this day with the same time. Is this register saved already? "
        "If it was a second session, say so once for everybody."
    )
    return [Refusal("duplicate", message, "reason-all"), *(one for one in refusals if one.code != "duplicate")]


def _about(refusal: Refusal, name: str) -> Refusal:
    # Set apart, so that a name written from right to left does not turn the sentence round.
    return replace(refusal, message=f"\u2068{name}\u2069: {refusal.message}")


def _first_row(sheet: Sheet) -> str:
    return f"came-{sheet.people[0].id}" if sheet.people else "who-x0"


def _once(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Each message once: a wrong day is wrong for everybody."""
    return list(dict.fromkeys(refusals))
