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
MAX_DIGITS = 7
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


def as_typed(minutes: int) -> str:
    """Minutes as short as they can be typed: ``1:30``."""
    return f"{minutes // 60}:{minutes % 60:02d}"


def first_fields(register: RegisterShown) -> dict[str, str]:
    """The form as it is shown first: everything as it is saved. ``was-...`` keeps that, to tell what was changed."""
    lines = counted(register)
    fields = {f"minutes-{line.id}": as_typed(line.minutes) for line in lines}
    fields |= {f"was-{line.id}": str(line.minutes) for line in lines}
    days = {line.held_on for line in lines}
    if len(days) == 1:
        fields["date"] = fields["was-date"] = days.pop().isoformat()
    return fields


def asked_lines(register: RegisterShown, form: Typed) -> list[tuple[RegisterLineShown, int]]:
    """The lines that the form is about, each with its minutes when the form was shown first."""
    found = []
    for line in register.lines:
        was = form.text(f"was-{line.id}")
        if was.isascii() and was.isdecimal() and len(was) <= MAX_DIGITS:
            found.append((line, int(was)))
    return found


def read(register: RegisterShown, form: Typed, directory: Directory) -> Wanted:
    """What the form asks for. A time that is emptied takes the person out; ``rows`` maps the service's places to
    those of the form.

    Only what differs from what the form showed first is asked for: so the same form sent twice asks for the same, and
    what somebody else corrected meanwhile stays.
    """
    refusals: list[Refusal] = []
    rows: dict[str, str] = {}
    lines = asked_lines(register, form)
    was_on = dates.parse(form.text("was-date")) if form.has("was-date") else None
    day = dates.parse(form.text("date"), field="date") if isinstance(was_on, date) else None
    if isinstance(day, Refusal):
        refusals.append(day)
        day = None
    changes: list[ChangedLine] = []
    for line, was in lines:
        minutes = _minutes(form.text(f"minutes-{line.id}"), line, was, refusals)
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
        held_on=day if day != was_on else None,
    )
    return Wanted(command, rows, tuple(refusals), options)


def _minutes(typed: str, line: RegisterLineShown, was: int, refusals: list[Refusal]) -> int | None:
    """The minutes that a line is to have, 0 to take it out; None when they stay."""
    if plain(typed) in NONE_AT_ALL:
        return 0
    if plain(typed) == as_typed(was):
        return None  # hours brought forward are more than a day, which nobody could type
    minutes = durations.parse(typed, field=f"minutes-{line.id}")
    if isinstance(minutes, Refusal):
        refusals.append(replace(minutes, message=f"\u2068{line.display_name}\u2069: {minutes.message}"))
        return None
    return None if minutes == was else minutes


def _added(
    form: Typed,
    directory: Directory,
    lines: Sequence[tuple[RegisterLineShown, int]],
    day: date | None,
    refusals: list[Refusal],
    rows: dict[str, str],
) -> tuple[list[Line], dict[str, Sequence[int]]]:
    usual = Counter(was for _, was in lines).most_common(1)[0][0] if lines else 60
    first = lines[0][0] if lines else None
    typed = [form.text(f"who-x{at}") for at in range(EXTRA_ROWS)]
    added: list[Line] = []
    options: dict[str, Sequence[int]] = {}
    for at, (who, found) in enumerate(zip(typed, directory.find(typed), strict=True)):
        if not who or first is None:
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
            added.append(
                Line(
                    member_id=member_id,
                    held_on=day or first.held_on,
                    minutes=minutes,
                    activity_id=first.activity_id,
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
