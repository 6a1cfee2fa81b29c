"""Reading a session register exactly as a spreadsheet program saves it. Pure: bytes in, lines and problems out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from timebank.contributions import register_headings as headings
from timebank.contributions.register_headings import Headings, Length
from timebank.contributions.register_names import KnownMember, NameMatch, match_names
from timebank.kit import csv, dates, durations, ids, names
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown

__all__ = ["KnownMember", "NameMatch", "RegisterFile", "RegisterLine", "digest", "match_names", "read"]

MAX_FILE_BYTES = 1024 * 1024
MAX_LINES = 1000
MAX_CELL = 1000
MAX_TITLE_ROWS = 30
MAX_NAME = 120
MAX_LINE_DIGITS = 6
EARLIEST_START_MINUTES = 8 * 60  # in a column headed only "Time", 8:00 and later may be when people came

_TOTALS = {
    "total",
    "totals",
    "grand total",
    "sub total",
    "subtotal",
    "sum",
    "total hours",
    "total minutes",
    "total time",
}
_CELL_ERRORS = ("#ref!", "#name?", "#value!", "#n/a", "#null!", "#num!", "#div/0!")


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """One person on one day, as the file has it.

    ``number`` is the row as the spreadsheet shows it. ``held_on`` and ``minutes`` are None where they could not be
    read; ``problems`` say why and what to do, each with the field ``name``, ``held_on``, ``minutes`` or None. The texts
    are kept as typed, so that a page can show them again.
    """

    number: int
    name_text: str
    held_on: date | None
    minutes: int | None
    activity_text: str
    what_text: str
    problems: tuple[Refusal, ...] = ()
    member_number: str = ""
    date_text: str = ""
    minutes_text: str = ""


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A register that was read: its lines, remarks on what was left out or assumed, and how the file was written."""

    lines: tuple[RegisterLine, ...]
    notes: tuple[str, ...]
    separator: str
    encoding: str


def read(data: bytes) -> RegisterFile | Refusal:
    """Return the lines of a register file, or why it cannot be read at all; a doubtful line keeps its own problems.

    Refusals: ``file_empty``, ``file_too_large``, ``not_csv``, ``no_headings``, ``no_lines``, ``too_many_lines``,
    ``cell_too_long``, ``too_many_columns``, ``quote_not_closed``; each has the field ``file``.
    """
    decoded = csv.decode(data, max_bytes=MAX_FILE_BYTES)
    if isinstance(decoded, Refusal):
        return decoded
    table = _table(decoded)
    if isinstance(table, Refusal):
        return table
    if not table.body:
        return Refusal("no_lines", "This register has headings but no lines. Add a line for each person.", "file")
    notes: list[str] = []
    if table.columns.unused:
        notes.append("Not used: " + ", ".join(shown(heading) for heading in table.columns.unused) + ".")
    lines = list(_lines(table, notes))
    if len(lines) > MAX_LINES:
        return _too_many_lines()
    lines = _with_doubtful_order(lines)
    lines = _with_repeats(lines)
    return RegisterFile(tuple(lines), tuple(notes), table.separator, decoded.encoding)


def digest(line: RegisterLine) -> str | None:
    """Return what makes two lines the same: who, day, minutes and activity, as hexadecimal; None while any is unread.

    Spelling aside (case, accents, apostrophes), the same line in another file has the same digest.
    """
    if line.held_on is None or line.minutes is None or not (line.name_text or line.member_number):
        return None
    # A name of nothing but emoji has no loose key.
    name = names.loose_key(line.name_text) or names.key(line.name_text)
    number, activity = names.loose_key(line.member_number), names.loose_key(line.activity_text)
    return ids.sha256("\n".join((name, number, line.held_on.isoformat(), str(line.minutes), activity))).hex()


@dataclass(frozen=True, slots=True)
class _Table:
    separator: str
    columns: Headings
    titles: tuple[csv.Row, ...]
    body: tuple[csv.Row, ...]


def _table(decoded: csv.Decoded) -> _Table | Refusal:
    """Return the file's table under the separator that makes its headings appear."""
    guess = decoded.separator or csv.sniff(decoded.text)
    refusal: Refusal | None = None
    for separator in (guess, *(other for other in csv.SEPARATORS if other != guess)):
        rows = csv.rows(decoded.text, separator, max_rows=MAX_LINES + MAX_TITLE_ROWS + 1, max_cell=MAX_CELL)
        if isinstance(rows, Refusal):
            refusal = refusal or (_too_many_lines() if rows.code == "too_many_lines" else rows)
            continue
        for at, row in enumerate(rows[:MAX_TITLE_ROWS]):
            columns = headings.read(row.cells)
            if columns is not None:
                return _Table(separator, columns, rows[:at], rows[at + 1 :])
    return refusal or Refusal("no_headings", headings.NEEDED, "file")


def _too_many_lines() -> Refusal:
    return Refusal("too_many_lines", f"This file has more than {MAX_LINES} lines. Split it into smaller files.", "file")


def _lines(table: _Table, notes: list[str]) -> Iterator[RegisterLine]:
    day_above = _day_in_titles(table, notes)
    numbers = _own_numbers(table)
    for row in table.body:
        if _is_total(row, table):
            notes.append(f"Row {row.number} is a total and was left out.")
        elif headings.read(row.cells) is not None:
            notes.append(f"Row {row.number} repeats the headings and was left out.")
        else:
            line = _line(row, table, day_above, notes)
            yield replace(line, number=numbers.get(row.number, row.number))


def _own_numbers(table: _Table) -> dict[int, int]:
    """The numbers that a column "Line" gives to the rows, where it numbers every one of them differently."""
    found = {row.number: table.columns.cell("line", row.cells) for row in table.body}
    if not all(text.isascii() and text.isdecimal() and len(text) <= MAX_LINE_DIGITS for text in found.values()):
        return {}
    numbers = {row: int(text) for row, text in found.items()}
    return numbers if len(set(numbers.values())) == len(numbers) and min(numbers.values()) > 0 else {}


def _line(row: csv.Row, table: _Table, day_above: date | None, notes: list[str]) -> RegisterLine:
    columns, cells = table.columns, row.cells
    name = _name(columns, cells)
    date_text = columns.cell("date", cells)
    held_on = day_above if day_above and not date_text else dates.parse(date_text, field="held_on")
    minutes_text, minutes = _minutes(columns, cells)
    if isinstance(held_on, date) and dates.is_day_number(date_text):
        notes.append(f"Row {row.number}: the number {date_text} was read as {dates.in_words(held_on)}.")
    # A comma in the text without quotation marks moves later cells to the right: nothing on the row can be trusted.
    moved = table.separator == "," and len(cells) > columns.width
    found = (_problem_of_name(name, columns, cells), held_on, minutes, _moved(row) if moved else None)
    return RegisterLine(
        number=row.number,
        name_text=name,
        held_on=held_on if isinstance(held_on, date) else None,
        minutes=minutes if isinstance(minutes, int) and not moved else None,
        activity_text=names.tidy(columns.cell("activity", cells)),
        what_text=columns.cell("what", cells),
        problems=tuple(problem for problem in found if isinstance(problem, Refusal)),
        member_number=columns.cell("number", cells),
        date_text=date_text,
        minutes_text=minutes_text,
    )


def _moved(row: csv.Row) -> Refusal:
    message = (
        f"Row {row.number} has more cells than there are headings. Put quotation marks around text that has commas, "
        "or save the file with semicolons."
    )
    return Refusal("more_cells_than_headings", message)


def _name(columns: Headings, cells: Sequence[str]) -> str:
    whole, first, last = (columns.cell(role, cells) for role in ("name", "first", "last"))
    if "first" in columns.columns:
        # "Name" beside "First name" is then the surname, unless the surname has a column of its own.
        return names.tidy(f"{first} {last if 'last' in columns.columns else whole}")
    return names.tidy(f"{whole} {last}")


def _problem_of_name(name: str, columns: Headings, cells: Sequence[str]) -> Refusal | None:
    if not name:
        if columns.cell("number", cells):
            return None
        return Refusal("name_missing", "Enter whose time this is.", "name")
    if name.casefold() in _CELL_ERRORS:
        return Refusal("name_unreadable", f"{shown(name)} is an error of the spreadsheet. Enter the name.", "name")
    if len(name) > MAX_NAME:
        return Refusal("name_too_long", f"Shorten this name to {MAX_NAME} characters.", "name")
    return None


def _minutes(columns: Headings, cells: Sequence[str]) -> tuple[str, int | Refusal]:
    """Return the time as typed and as minutes, from one column, from hours and minutes, or from start and end."""
    if not columns.lengths:
        start, end = columns.cell("start", cells), columns.cell("end", cells)
        typed = f"{start} - {end}" if start or end else ""
        return typed, durations.parse(typed, field="minutes")
    texts = [headings.at(cells, length.column) for length in columns.lengths]
    filled = [(length, text) for length, text in zip(columns.lengths, texts, strict=True) if text]
    if len(filled) == len(texts) == 2:
        return " and ".join(texts), _hours_and_minutes(*texts)
    length, text = filled[0] if filled else (columns.lengths[0], "")
    return text, _one_length(length, text)


def _one_length(length: Length, text: str) -> int | Refusal:
    minutes = durations.parse(text, bare=length.bare, field="minutes")
    if length.is_loose and isinstance(minutes, int) and minutes >= EARLIEST_START_MINUTES and ":" in text:
        message = f"Is {shown(text)} how long it took, or when it started? Write how long it took, like 1h 30m."
        return Refusal("length_or_start", message, "minutes")
    return minutes


def _hours_and_minutes(hours_text: str, minutes_text: str) -> int | Refusal:
    """Join 1 hour and 30 minutes, or take one length told twice (1.5 hours, 90 minutes); refuse what is neither."""
    parts: list[int] = []
    for text, bare in ((hours_text, "hours"), (minutes_text, "minutes")):
        part = durations.parse(text, bare="hours" if bare == "hours" else "minutes", field="minutes")
        if isinstance(part, Refusal):
            if part.code != "minutes_zero":
                return part
            part = 0
        parts.append(part)
    hours, minutes = parts
    if hours == minutes and hours:
        return hours
    if hours % 60 == 0 and minutes < 60:
        return durations.parse(f"{hours + minutes} min", field="minutes")
    message = (
        f"{shown(hours_text)} hours and {shown(minutes_text)} minutes do not agree. Write the time once, like 1:30."
    )
    return Refusal("hours_and_minutes_differ", message, "minutes")


def _day_in_titles(table: _Table, notes: list[str]) -> date | None:
    """Return the one day written above the headings of a register that has no column for it."""
    if "date" in table.columns.columns:
        return None
    found: set[date] = set()
    for row in table.titles:
        for cell in row.cells:
            for text in (cell, cell.partition(":")[2]):
                day = dates.parse(text)
                if isinstance(day, date) and not dates.is_day_number(text):
                    found.add(day)
    if len(found) != 1:
        return None
    day = found.pop()
    notes.append(f"Every line was read as {dates.in_words(day)}, the day above the headings.")
    return day


def _is_total(row: csv.Row, table: _Table) -> bool:
    filled = [cell for cell in row.cells if cell]
    name = names.loose_key(_name(table.columns, row.cells))
    if name in _TOTALS:
        return True
    if name:
        return False
    if any(names.loose_key(cell) in _TOTALS for cell in filled):
        return True
    # A sum without a word, under the last line.
    lengths = [headings.at(row.cells, length.column) for length in table.columns.lengths]
    return row is table.body[-1] and len(table.body) > 1 and filled == [text for text in lengths if text]


def _with_doubtful_order(lines: list[RegisterLine]) -> list[RegisterLine]:
    """In a file where one date has the month first, doubt each date that would be another day that way round."""
    if not any(problem.code == "date_month_first" for line in lines for problem in line.problems):
        return lines
    return [_doubted(line) if line.held_on and dates.could_be_month_first(line.date_text) else line for line in lines]


def _doubted(line: RegisterLine) -> RegisterLine:
    message = (
        f"Other dates in this file have the month first, so {shown(line.date_text)} could be two days. "
        "Write every date with the day first, or with the month in letters."
    )
    return replace(line, held_on=None, problems=(*line.problems, Refusal("date_order_doubtful", message, "held_on")))


def _with_repeats(lines: list[RegisterLine]) -> list[RegisterLine]:
    first_rows: dict[str, int] = {}
    checked: list[RegisterLine] = []
    for line in lines:
        identity = digest(line)
        first = first_rows.setdefault(identity, line.number) if identity else line.number
        if first != line.number:
            message = (
                f"Row {first} says the same: same name, day, time and activity. Keep one, or say why both are right."
            )
            line = replace(line, problems=(*line.problems, Refusal("line_repeated", message)))
        checked.append(line)
    return checked
