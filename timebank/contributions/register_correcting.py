"""Correcting a saved register as a form: what is there, what was typed instead, and what that asks for. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from timebank.contributions.choosing import Directory
from timebank.contributions.correction_plan import ChangedLine, CorrectRegister
from timebank.contributions.queries import RegisterLineShown, RegisterShown
from timebank.contributions.register_form import Typed
from timebank.contributions.rules import Line
from timebank.kit import dates, durations
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown

EXTRA_ROWS = 3
NONE_AT_ALL = frozenset({"", "0", "none", "0:00", "0 min", "0 minutes"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, with the row of the form that each part came from, or what cannot be read.

    ``options`` are the members that a typed name may mean, by row.
    """

    command: CorrectRegister
    rows: Mapping[str, str]
    refusals: tuple[Refusal, ...]
    options: Mapping[str, Sequence[int]]


def counted(register: RegisterShown) -> list[RegisterLineShown]:
    """The lines that can be corrected: those that count or wait to."""
    return register.of("approved", "submitted")


def first_fields(register: RegisterShown) -> dict[str, str]:
    """The form as it is shown first: everything as it is saved."""
    fields = {f"minutes-{line.id}": durations.in_words(line.minutes) for line in counted(register)}
    days = {line.held_on for line in counted(register)}
    if len(days) == 1:
        fields["date"] = days.pop().isoformat()
    return fields


def read(register: RegisterShown, form: Typed, directory: Directory) -> Wanted:
    """What the form asks for. A time that is emptied takes the person out; ``rows`` maps the service's places to
    those of the form.
    """
    refusals: list[Refusal] = []
    rows: dict[str, str] = {}
    lines = counted(register)
    day = _day(form, lines, refusals)
    changes: list[ChangedLine] = []
    for line in lines:
        minutes = _minutes(form.text(f"minutes-{line.id}"), line, refusals)
        reason = form.text(f"again-{line.id}")
        if minutes is not None or reason:
            rows[f"changes.{len(changes)}"] = str(line.id)
            changes.append(ChangedLine(contribution_id=line.id, minutes=minutes, duplicate_reason=reason))
    add, options = _added(form, directory, lines, day, refusals, rows)
    command = CorrectRegister(
        reference=register.reference,
        changes=tuple(changes),
        reason=form.text("reason"),
        add=tuple(add),
        held_on=day if day and lines and day != lines[0].held_on else None,
    )
    return Wanted(command, rows, tuple(refusals), options)


def _day(form: Typed, lines: Sequence[RegisterLineShown], refusals: list[Refusal]) -> date | None:
    """The one day of the register, as typed; None while it has several."""
    if len({line.held_on for line in lines}) != 1:
        return None
    day = dates.parse(form.text("date"), field="date")
    if isinstance(day, Refusal):
        refusals.append(day)
        return None
    return day


def _minutes(typed: str, line: RegisterLineShown, refusals: list[Refusal]) -> int | None:
    """The minutes that a line is to have, 0 to take it out; None when they stay."""
    if plain(typed) in NONE_AT_ALL:
        return 0
    minutes = durations.parse(typed, field=f"minutes-{line.id}")
    if isinstance(minutes, Refusal):
        refusals.append(replace(minutes, message=f"\u2068{line.display_name}\u2069: {minutes.message}"))
        return None
    return None if minutes == line.minutes else minutes


def _added(
    form: Typed,
    directory: Directory,
    lines: Sequence[RegisterLineShown],
    day: date | None,
    refusals: list[Refusal],
    rows: dict[str, str],
) -> tuple[list[Line], dict[str, Sequence[int]]]:
    usual = Counter(line.minutes for line in lines).most_common(1)[0][0] if lines else 60
    typed = [form.text(f"who-x{at}") for at in range(EXTRA_ROWS)]
    added: list[Line] = []
    options: dict[str, Sequence[int]] = {}
    for at, (who, found) in enumerate(zip(typed, directory.find(typed), strict=True)):
        if not who:
            continue
        offered = [option.id for option in found.options]
        options[f"x{at}"] = offered
        pick = form.text(f"pick-x{at}")
        member_id = int(pick) if pick in map(str, offered) else found.member.id if found.member else 0
        length = form.text(f"length-x{at}")
        minutes = durations.parse(length, field=f"length-x{at}") if length else usual
        if not member_id:
            message = f"Choose who {shown(who)} is." if offered else f"We do not know {shown(who)}. Check the name."
            refusals.append(Refusal("unknown_member", message, f"{'pick' if offered else 'who'}-x{at}"))
        elif isinstance(minutes, Refusal):
            refusals.append(minutes)
        else:
            rows[f"add.{len(added)}"] = f"x{at}"
            held_on = day or (lines[0].held_on if lines else date.min)
            added.append(
                Line(
                    member_id=member_id,
                    held_on=held_on,
                    minutes=minutes,
                    activity_id=lines[0].activity_id if lines else None,
                    duplicate_reason=form.text(f"again-x{at}"),
                )
            )
    return added, options


def placed(refusals: Sequence[Refusal], wanted: Wanted, names: Mapping[str, str]) -> list[Refusal]:
    """The service's refusals with the names of the form's fields; ``names`` says whom each row is about."""
    found = []
    for refusal in refusals:
        place, _, name = (refusal.field or "").rpartition(".")
        row = wanted.rows.get(place)
        if row is None:
            field = {"held_on": "date", "reason": "reason"}.get(refusal.field or "")
            found.append(replace(refusal, field=field))
            continue
        kind = "again" if name == "duplicate_reason" else "minutes"
        if row.startswith("x") and kind == "minutes":
            kind = "length" if name == "minutes" else "who"
        message = f"\u2068{names[row]}\u2069: {refusal.message}" if row in names else refusal.message
        found.append(replace(refusal, message=message, field=f"{kind}-{row}"))
    return list(dict.fromkeys(found))
