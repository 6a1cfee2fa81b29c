"""The answers of the preview's form: read from what was sent, and put back into its fields."""

from collections.abc import Collection, Sequence
from datetime import date

import msgspec

from timebank.imports.people import Asked
from timebank.imports.queries import Run
from timebank.imports.rules import ADD, LEAVE_OUT, POT, PROGRAMME, Answers
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown
from timebank.web.forms import Form, date_fields

CHOICES = ("unit", "rounding", "unknown", "contacts", "difference", "rest")
BOXES = ("rest",)
MAX_COLUMN_DIGITS = 3
MAX_TEXT = 120


def answers_from(form: Form, run: Run, numbers: Collection[str]) -> tuple[Answers, list[Refusal]]:
    """What the form decides, on top of what was decided about people before. ``numbers`` are the members' numbers.

    Refusals: ``member_unknown``, ``choice_unknown``, those of reading a date.
    """
    refusals: list[Refusal] = []
    columns = {field.name: int(text) for field in run.wanted.fields if (text := form.text(f"column-{field.name}"))
               and text.removeprefix("-").isdecimal() and len(text) <= MAX_COLUMN_DIGITS}  # fmt: skip
    people = dict(run.answers.people)
    for name in form.fields:
        kind, _, place = name.partition("-")
        if kind != "person" or not place.isdecimal():
            continue
        key, answer, number = (form.text(f"{field}-{place}") for field in ("person", "who", "number"))
        answer = number.removeprefix("#").strip() or answer
        if answer and answer not in (ADD, LEAVE_OUT, PROGRAMME, POT) and answer not in numbers:
            message = f"There is no member with the number {shown(answer)}. Check it in the list of members."
            refusals.append(Refusal("member_unknown", message, f"number-{place}"))
        elif answer:
            people[key[:MAX_TEXT]] = answer
    day: date | Refusal | None = run.answers.day
    if any(form.text(f"day-{part}") for part in ("day", "month", "year")):
        day = form.date("day")
        if isinstance(day, Refusal):
            refusals.append(day)
            day = None
    if form.has("forget"):
        return Answers(columns=columns), []
    chosen = {name: form.text(name) for name in CHOICES}
    chosen |= {name: LEAVE_OUT for name in BOXES if form.has(name)}
    given = {**chosen, "columns": columns, "people": people, "day": day}
    try:
        return msgspec.convert(given, Answers), refusals
    except msgspec.ValidationError:
        return run.answers, [*refusals, Refusal("choice_unknown", "Choose one of the answers offered.")]


def fields_of(answers: Answers, asked: Sequence[Asked]) -> dict[str, tuple[str, ...]]:
    """The form filled with what was decided."""
    fields: dict[str, tuple[str, ...]] = {
        name: ("yes" if name in BOXES else str(getattr(answers, name)),) for name in CHOICES if getattr(answers, name)
    }
    fields |= {f"column-{name}": (str(column),) for name, column in answers.columns.items()}
    if answers.day:
        fields |= {name: (text,) for name, text in date_fields("day", answers.day).items()}
    return fields | {f"person-{place}": (one.key,) for place, one in enumerate(asked)}
