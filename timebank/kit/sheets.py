"""Tables as people have them: CSV in every dialect, or a workbook (.xlsx, .ods). Bytes in, rows of text out."""

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from timebank.kit import csv
from timebank.kit.csv import MAX_CELL, MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS, Row
from timebank.kit.refusal import Refusal
from timebank.kit.workbook_size import repacked

MAX_SHEETS = 50
MAX_BLANK_ROWS = 20_000  # a spreadsheet whose last used row is far below its table

_ZIP = b"PK\x03\x04"
Value = int | float | str | bool | time | date | datetime | timedelta


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a table that are not blank. ``source`` says how it came: ``utf-8 with ;``, or ``a workbook``."""

    rows: tuple[Row, ...]
    source: str


def read(
    data: bytes, *, max_bytes: int = MAX_FILE_BYTES, max_rows: int = MAX_ROWS, max_cell: int = MAX_CELL
) -> Sheet | Refusal:
    """Return the rows of a CSV file, or of the first sheet of a workbook that has any.

    Refusals: those of :func:`timebank.kit.csv.decode` and :func:`timebank.kit.csv.rows`, and ``workbook_unreadable``,
    ``workbook_locked``; all with the field ``file``.
    """
    if data.startswith(_ZIP):
        return _workbook(data, max_bytes=max_bytes, max_rows=max_rows, max_cell=max_cell)
    decoded = csv.decode(data, max_bytes=max_bytes)
    if isinstance(decoded, Refusal):
        return decoded
    separator = decoded.separator or csv.sniff(decoded.text)
    rows = csv.rows(decoded.text, separator, max_rows=max_rows, max_cell=max_cell)
    return rows if isinstance(rows, Refusal) else Sheet(rows, f"{decoded.encoding} with {separator!r}")


def _workbook(data: bytes, *, max_bytes: int, max_rows: int, max_cell: int) -> Sheet | Refusal:
    if len(data) > max_bytes:
        return Refusal(
            "file_too_large", f"This file is larger than {max_bytes // 1024} KB. Choose a smaller one.", "file"
        )
    content = repacked(data)
    if content is None:
        return _unreadable()
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            for name in book.sheet_names[:MAX_SHEETS]:
                found = _rows(book.get_sheet_by_name(name), max_rows, max_cell)
                if isinstance(found, Refusal) or found:
                    return found if isinstance(found, Refusal) else Sheet(found, "a workbook")
    except PasswordError:
        return Refusal("workbook_locked", "This workbook has a password. Save it without one, or as CSV.", "file")
    except (CalamineError, ValueError, OSError, OverflowError):
        return _unreadable()
    return Refusal("file_empty", "This file is empty. Choose the file that has your lines in it.", "file")


def _rows(sheet: CalamineSheet, max_rows: int, max_cell: int) -> tuple[Row, ...] | Refusal:
    found: list[Row] = []
    start = sheet.start[0] if sheet.start else 0
    for number, cells in enumerate(_cells(sheet), start=start + 1):
        texts = [_text(cell) for cell in islice(cells, MAX_COLUMNS + 1)]
        while texts and not texts[-1]:
            texts.pop()
        if len(texts) > MAX_COLUMNS:
            return Refusal("too_many_columns", f"Row {number} has more than {MAX_COLUMNS} columns.", "file")
        if any(len(text) > max_cell for text in texts):
            message = f"Row {number} has a cell of more than {max_cell} characters. Shorten it."
            return Refusal("cell_too_long", message, "file")
        if texts:
            found.append(Row(number, tuple(texts)))
        if len(found) > max_rows:
            message = f"This file has more than {max_rows} lines. Split it into smaller files."
            return Refusal("too_many_lines", message, "file")
    return tuple(found)


def _cells(sheet: CalamineSheet) -> Iterator[Iterable[Value]]:
    return islice(sheet.iter_rows(), MAX_BLANK_ROWS)


def _text(value: Value) -> str:
    """A cell as somebody would have typed it: whole numbers without a point, days as 2026-03-27."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds()) // 60
        return f"{minutes // 60}:{minutes % 60:02d}"
    return str(value).replace("\x00", "").strip()


def _unreadable() -> Refusal:
    return Refusal("workbook_unreadable", f"This workbook cannot be read. {csv.HOW_TO_SAVE}", "file")
