"""The form of a time bank's own columns: what is filled in at first, and what was typed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from timebank.kit.refusal import Refusal
from timebank.payments import format_words as words
from timebank.payments.formats.payments_csv import MAX_COLUMNS, MAX_HEADING, MAX_WIDTH, REPEATABLE, ColumnProfile, Field
from timebank.payments.formats.payments_csv import Column as ProfileColumn

EMPTY_ROWS = 3
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}
SELECTS: dict[str, Sequence[tuple[str, str]]] = {
    "date_format": words.DATE_FORMATS,
    "amounts": words.AMOUNTS,
    "separator": words.SEPARATORS,
    "line_end": words.LINE_ENDS,
    "letters": words.LETTERS,
    "sort_codes": words.SORT_CODES,
    "extension": words.EXTENSIONS,
}
FIELDS: tuple[str, ...] = get_args(Field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the form, as typed."""

    place: str = ""
    field: str = ""
    heading: str = ""
    text: str = ""
    width: str = ""


def filled(profile: ColumnProfile) -> dict[str, str]:
    """The choices of a profile for ``Form.blank``; its columns are :func:`rows`."""
    names = {
        "separator": {sign: name for name, sign in SEPARATORS.items()}[profile.separator],
        "line_end": {sign: name for name, sign in LINE_ENDS.items()}[profile.line_end],
    }
    chosen = {name: names.get(name, getattr(profile, name)) for name in SELECTS}
    for name in ("with_headings", "with_byte_order_mark"):
        if getattr(profile, name):
            chosen[name] = "yes"
    return chosen


def rows(profile: ColumnProfile) -> list[Row]:
    """A row for every column, and a few empty ones."""
    found = [
        Row(
            place=str(place),
            field=column.field,
            heading=column.heading,
            text=column.text,
            width=str(column.width or ""),
        )
        for place, column in enumerate(profile.columns, start=1)
    ]
    return with_empty(found)


def with_empty(typed: Sequence[Row]) -> list[Row]:
    """The rows that hold a column or anything typed, and a few empty ones, as far as they fit."""
    kept = [row for row in typed if row.field or row.heading or row.text]
    return kept + [Row() for _ in range(min(EMPTY_ROWS, MAX_COLUMNS - len(kept)))]


def typed_rows(all_of: Any) -> list[Row]:
    """The rows of a posted form; ``all_of`` gives every value of a field. Uneven ones end with the shortest."""
    columns = [all_of(name) for name in ("place", "field", "heading", "text", "width")]
    return [
        Row(place=place.strip(), field=field, heading=heading.strip(), text=text.strip(), width=width.strip())
        for place, field, heading, text, width in zip(*columns, strict=False)
    ][:MAX_COLUMNS]


def read(typed: Sequence[Row], chosen: dict[str, str]) -> ColumnProfile | list[Refusal]:
    """The profile that was typed.

    Refusals: ``amount_column_missing``, ``column_twice``, ``column_unknown``, ``place_unreadable``,
    ``width_unreadable``, ``heading_too_long``, ``too_many_columns``, ``choice_unknown``.
    """
    used = [row for row in typed if row.field]
    refusals = [*_check_rows(used), *_check_choices(chosen)]
    if refusals:
        return refusals
    # Who types one place twice gets them in the order of the form.
    ordered = sorted(used, key=lambda row: int(row.place) if row.place else len(used))
    columns = tuple(
        ProfileColumn(row.field, row.heading, row.text, int(row.width or 0))  # type: ignore[arg-type]
        for row in ordered
    )
    choices: dict[str, Any] = {name: chosen[name] for name in SELECTS}
    choices["separator"] = SEPARATORS[chosen["separator"]]
    choices["line_end"] = LINE_ENDS[chosen["line_end"]]
    return ColumnProfile(
        columns=columns,
        with_headings=bool(chosen.get("with_headings")),
        with_byte_order_mark=bool(chosen.get("with_byte_order_mark")),
        **choices,
    )


def _check_rows(used: Sequence[Row]) -> list[Refusal]:
    fields = [row.field for row in used]
    refusals = []
    if len(used) > MAX_COLUMNS:
        refusals.append(Refusal("too_many_columns", f"Use at most {MAX_COLUMNS} columns.", "columns"))
    if any(field not in FIELDS for field in fields):
        refusals.append(Refusal("column_unknown", "Choose every column from its list.", "columns"))
    elif "amount" not in fields:
        refusals.append(Refusal("amount_column_missing", "Choose the amount in one of the rows.", "columns"))
    twice = {field for field in fields if fields.count(field) > 1 and field not in REPEATABLE}
    for field in sorted(twice & set(words.COLUMN_NAMES)):
        text = f"“{words.COLUMN_NAMES[field]}” stands in two rows. Choose it once."
        refusals.append(Refusal("column_twice", text, "columns"))
    if not all(_is_number(row.place, 1, 999) for row in used):
        refusals.append(Refusal("place_unreadable", "Give every place as a number from 1 to 999.", "columns"))
    if not all(_is_number(row.width, 0, MAX_WIDTH) for row in used):
        text = f"Give “most letters” as a number up to {MAX_WIDTH}, or leave it empty."
        refusals.append(Refusal("width_unreadable", text, "columns"))
    if any(max(len(row.heading), len(row.text)) > MAX_HEADING for row in used):
        text = f"Use at most {MAX_HEADING} letters for a heading or a text."
        refusals.append(Refusal("heading_too_long", text, "columns"))
    return refusals


def _check_choices(chosen: dict[str, str]) -> list[Refusal]:
    return [
        Refusal("choice_unknown", "Choose from the list.", name)
        for name, options in SELECTS.items()
        if chosen.get(name) not in dict(options)
    ]


def _is_number(text: str, least: int, most: int) -> bool:
    if not text:
        return True
    return text.isascii() and text.isdecimal() and len(text) <= 4 and least <= int(text) <= most
