"""What a format is, and reading any of them: bytes in, rows and the column of each field out. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from timebank.kit import csv, names
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_LINES = 100_000  # three times the longest history of the real tier; a plan of so many takes about 250 MB
MAX_CELL = 2000
LOOKED_AT_FOR_HEADINGS = 10
NO_COLUMN = -1

Kind = Literal["members", "exchanges", "balances"]
Unit = Literal["", "seconds", "minutes", "hours"]
Texts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a column may hold. ``headings`` are how programs and people head it, as ``names.loose_key``."""

    name: str
    label: str
    headings: tuple[str, ...] = ()
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. ``source`` is the program: a number there is the same person in all of its files.

    ``positions`` are the fields of a file without headings, column by column. ``unit`` is what a plain number of time
    means, "" when a person has to say. ``adapt`` turns the texts of a line into those of the general fields.
    """

    name: str
    label: str
    kind: Kind
    source: str
    fields: tuple[Field, ...]
    unit: Unit
    example: str
    positions: tuple[str, ...] = ()
    min_cells: int = 1
    programme: str = ""  # the text that stands for the programme's own account
    adapt: Callable[[Texts], Texts] = dict

    @property
    def program(self) -> str:
        """What people call where the file comes from."""
        return "a spreadsheet" if self.source == "spreadsheet" else self.label.partition(":")[0]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read: its lines without the headings, and which column holds which field.

    ``headings`` names every column. ``missing`` are fields that a line cannot do without and no column was found for.
    """

    rows: tuple[csv.Row, ...]
    columns: Mapping[str, int]
    headings: tuple[str, ...]
    has_headings: bool
    missing: tuple[Field, ...]
    unused: tuple[str, ...]

    def texts(self, row: csv.Row) -> Texts:
        """What a row says, field by field; "" where it says nothing."""
        return {name: row.cells[at] if at < len(row.cells) else "" for name, at in self.columns.items()}


def read(wanted: Format, data: bytes, chosen: Mapping[str, int] | None = None) -> ReadFile | Refusal:
    """The rows of a file in this format, or why it cannot be read at all.

    ``chosen`` gives the column of a field, counted from 0, or NO_COLUMN; it goes before what the headings say.
    Refusals: those of ``kit.csv``, and ``no_lines``.
    """
    decoded = csv.decode(data, max_bytes=MAX_FILE_BYTES)
    if isinstance(decoded, Refusal):
        return decoded
    separator = decoded.separator or csv.sniff(decoded.text)
    rows = csv.rows(decoded.text, separator, max_rows=MAX_LINES + LOOKED_AT_FOR_HEADINGS, max_cell=MAX_CELL)
    if isinstance(rows, Refusal):
        return rows
    head, columns = _columns(wanted, rows) if rows else (None, {})
    body = rows if head is None else rows[head + 1 :]
    if not body:
        return Refusal("no_lines", "This file has no lines. Choose the file that has your lines in it.", "file")
    if len(body) > MAX_LINES:
        message = f"This file has more than {MAX_LINES:,} lines. Split it into smaller files."
        return Refusal("too_many_lines", message, "file")
    width = max(*(len(row.cells) for row in rows), *(at + 1 for at in columns.values()), 0)
    cells = () if head is None else rows[head].cells
    headings = tuple(cells[at] if at < len(cells) and cells[at] else f"Column {at + 1}" for at in range(width))
    known = {field.name for field in wanted.fields}
    for name, at in (chosen or {}).items():
        columns.pop(name, None)
        if name in known and 0 <= at < width:
            columns[name] = at
    missing = tuple(field for field in wanted.fields if field.is_needed and not _is_there(field.name, columns))
    unused = tuple(shown(headings[at]) for at in range(width) if at not in columns.values())
    return ReadFile(body, columns, headings, head is not None, missing, unused)


def _is_there(name: str, columns: Mapping[str, int]) -> bool:
    """A name may come in two parts."""
    return name in columns or (name == "name" and ("first" in columns or "last" in columns))


def _columns(wanted: Format, rows: tuple[csv.Row, ...]) -> tuple[int | None, dict[str, int]]:
    """The row of headings, if there is one, and the columns; by position where the format has no headings."""
    best: tuple[int, int, dict[str, int]] | None = None
    for at, row in enumerate(rows[:LOOKED_AT_FOR_HEADINGS]):
        found = _named(wanted, row)
        if len(found) >= 2 and (best is None or len(found) > best[0]):
            best = (len(found), at, found)
    if best is not None:
        return best[1], best[2]
    if wanted.positions:
        return None, {name: at for at, name in enumerate(wanted.positions) if name}
    # One heading that is known, or none: the first row is taken for headings, and the person says what they mean.
    return 0, _named(wanted, rows[0])


def _named(wanted: Format, row: csv.Row) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, cell in enumerate(row.cells):
        key = names.loose_key(cell)
        for field in wanted.fields:
            if key in field.headings and field.name not in found:
                found[field.name] = at
                break
    return found
