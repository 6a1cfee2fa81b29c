"""CSV as spreadsheet programs really save it: reading their bytes, and writing bytes they can open without harm."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from timebank.kit.refusal import Refusal

MAX_FILE_BYTES = 1024 * 1024
MAX_ROWS = 2000
MAX_CELL = 2000
MAX_COLUMNS = 100
SEPARATORS = (",", ";", "\t", "|")
SNIFFED_ROWS = 50

HOW_TO_SAVE = "Save it as CSV first: in your spreadsheet choose File, Save as, CSV. Then choose that file."
_KINDS_OF_FILE = (
    (b"PK\x03\x04", "a spreadsheet or zip file (such as .xlsx or .ods)"),
    (b"PK\x05\x06", "a zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file (.xls or .doc)"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "a text document (.rtf)"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
)
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?[,;\t]*(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_END = "end-of-file"


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank: its number as a spreadsheet shows it (from 1), and its cells, trimmed."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text, the encoding it was in, and the separator its first line names (``sep=;``) or None."""

    text: str
    encoding: str
    separator: str | None


class Plain(str):
    """Text written into a cell as it is, such as a negative number; never use it for anything a person typed."""

    __slots__ = ()


def decode(data: bytes, *, max_bytes: int = MAX_FILE_BYTES) -> Decoded | Refusal:
    """Return the text of a CSV file: UTF-8 with or without a mark, UTF-16 with a mark, else Windows-1252.

    Refusals: ``file_empty``, ``file_too_large``, ``not_csv`` (a workbook, a PDF, a picture, or no text at all).
    """
    if len(data) > max_bytes:
        size = f"{max_bytes // 1024} KB" if max_bytes < 1024 * 1024 else f"{max_bytes // (1024 * 1024)} MB"
        return Refusal("file_too_large", f"This file is larger than {size}. Choose a smaller one.", "file")
    for magic, kind in _KINDS_OF_FILE:
        if data[:64].lstrip().lower().startswith(magic.lower()):
            return Refusal("not_csv", f"This is {kind}, not a CSV. {HOW_TO_SAVE}", "file")
    found = _decoded(data)
    if found is None or _CONTROL.search(found[0]):
        return Refusal("not_csv", f"This file is not a CSV: it holds something other than text. {HOW_TO_SAVE}", "file")
    text, encoding = found
    named = _SEPARATOR_LINE.match(text)
    if named:
        text = text[named.end() :]
    if not text.strip(' \r\n\t,;|"\ufeff\xa0'):
        return Refusal("file_empty", "This file is empty. Choose the file that has your lines in it.", "file")
    return Decoded(text, encoding, named[1] if named and named[1] in SEPARATORS else None)


def _decoded(data: bytes) -> tuple[str, str] | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), encoding
            except UnicodeDecodeError:
                return None
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding).removesuffix("\x1a"), encoding
        except UnicodeDecodeError:
            continue
    return None


def sniff(text: str) -> str:
    """Return the separator under which most rows have the same number of columns, a comma when nothing tells."""
    best, best_score = ",", (0, 0)
    for separator in SEPARATORS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        widths: Counter[int] = Counter()
        try:
            for _, cells in zip(range(SNIFFED_ROWS), reader, strict=False):
                if len(cells) > 1:
                    widths[len(cells)] += 1
        except csv.Error:
            continue
        if widths:
            width, times = max(widths.items(), key=lambda item: (item[1], item[0]))
            if (times, width) > best_score:
                best, best_score = separator, (times, width)
    return best


def rows(text: str, separator: str, *, max_rows: int = MAX_ROWS, max_cell: int = MAX_CELL) -> tuple[Row, ...] | Refusal:
    """Return the rows that are not blank, their cells trimmed and trailing empty cells removed.

    Refusals: ``too_many_lines``, ``cell_too_long``, ``too_many_columns``, ``quote_not_closed``.
    """
    # A row of our own at the end tells whether a quotation mark was left open: then it is swallowed by that cell.
    reader = csv.reader(io.StringIO(f"{text}\r\n{_END}", newline=""), delimiter=separator)
    found: list[Row] = []
    number = 0
    cells: list[str] = []
    try:
        for number, cells in enumerate(reader, start=1):
            if len(found) > max_rows:
                message = f"This file has more than {max_rows} lines. Split it into smaller files."
                return Refusal("too_many_lines", message, "file")
            trimmed = _trimmed(cells)
            if len(trimmed) > MAX_COLUMNS:
                return Refusal("too_many_columns", f"Row {number} has more than {MAX_COLUMNS} columns.", "file")
            if any(len(cell) > max_cell for cell in trimmed):
                return _cell_too_long(number, max_cell)
            if trimmed:
                found.append(Row(number, trimmed))
    except csv.Error:
        return _cell_too_long(number + 1, max_cell)
    if cells != [_END]:
        message = f"A quotation mark in row {number} is never closed. Correct it in your spreadsheet and save again."
        return Refusal("quote_not_closed", message, "file")
    return tuple(found[:-1])


def _trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    stripped = [cell.strip(" \t\r\n\xa0\ufeff\u200e\u200f\u202f\x0b\x0c") for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return tuple(stripped)


def _cell_too_long(number: int, max_cell: int) -> Refusal:
    message = (
        f"Row {number} has a cell of more than {max_cell} characters. Shorten it, "
        "or look for a quotation mark that is never closed."
    )
    return Refusal("cell_too_long", message, "file")


def neutralise(text: str) -> str:
    """Return text that no spreadsheet runs as a formula: ``'`` goes before a first ``= + - @``, tab or return.

    Leading spaces do not protect, and wide forms are read like the plain ones by some programs. (OWASP, CSV injection.)
    """
    first = text.lstrip(" \xa0\u3000\ufeff\u200b\u200e\u200f")[:1]
    return f"'{text}" if first and first in "=+-@\t\r\n＝＋－＠" else text


def write(table: Iterable[Sequence[str | int]], *, separator: str = ",", line_end: str = "\r\n") -> str:
    """Return CSV text (RFC 4180: quotes only where needed, CRLF unless told).

    Text is neutralised; ``int`` and ``Plain`` are written as they are.
    """
    return "".join(separator.join(_cells(cells, separator)) + line_end for cells in table)


def _cells(cells: Sequence[str | int], separator: str) -> list[str]:
    # The standard library's writer leaves a return unquoted when lines end otherwise, and readers then see another row.
    risky = frozenset(f'"\r\n{separator}')
    texts = [_cell(cell) for cell in cells]
    if texts == [""]:
        return ['""']  # a blank line would be no row at all
    return ['"' + text.replace('"', '""') + '"' if risky.intersection(text) else text for text in texts]


def _cell(cell: str | int) -> str:
    if isinstance(cell, int):
        return str(int(cell))
    return str(cell) if isinstance(cell, Plain) else neutralise(cell)
