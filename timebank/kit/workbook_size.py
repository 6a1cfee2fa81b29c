"""How large a workbook is before it is opened: a small zip can hold gigabytes, and one cell far out makes a table of
billions. The library that reads workbooks makes room for the whole table at once, so this looks first.
"""

import io
import re
import zipfile
import zlib
from typing import NoReturn
from xml.parsers import expat

MAX_PARTS = 500
MAX_UNPACKED_BYTES = 60 * 1024 * 1024
MAX_AREA = 2_000_000
"""Rows times columns up to the last cell with something in it."""
MAX_TAGS = 3_000_000

_OF_TABLES = (b"sheetData", b"table:table")
_BINARY = re.compile(r"xl/workbook\.bin", re.IGNORECASE)
_PLACE = re.compile(r"([A-Z]{0,3})([0-9]{0,8})")


class _TooLarge(Exception):
    """It does not fit, or is no table."""


def repacked(data: bytes) -> bytes | None:
    """The same workbook, packed anew from what was looked at; None when it does not stay within the limits.

    Each part unpacks to no more than the zip says of it, all of them to :data:`MAX_UNPACKED_BYTES`, and every table has
    at most :data:`MAX_AREA` places. Packed anew, because what a zip says of itself may be a lie that the next reader
    does not fall for in the same way.
    """
    clean = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(clean, "w") as again:
            parts = {part.filename: part for part in archive.infolist()}
            if len(parts) > MAX_PARTS or len(parts) != len(archive.infolist()):
                return None
            if sum(part.file_size for part in parts.values()) > MAX_UNPACKED_BYTES:
                return None
            if any(_BINARY.fullmatch(name) for name in parts):
                return None  # nothing here can look into it
            for name, part in parts.items():
                with archive.open(part) as stream:
                    content = stream.read(part.file_size + 1)
                if any(word in content for word in _OF_TABLES):
                    _Tables().read(content)
                again.writestr(zipfile.ZipInfo(name), content)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, expat.ExpatError, _TooLarge):
        return None
    except (ValueError, NotImplementedError, RuntimeError, EOFError, OSError):  # what zipfile raises for odd ones
        return None
    return clean.getvalue()


class _Tables:
    """Follows the rows and cells of one part, in either of the two formats."""

    def __init__(self) -> None:
        self._tags = 0
        self._row = self._column = 0  # where the last cell stands
        self._rows = self._columns = 0  # up to the last cell with something in it
        self._repeat = 1
        self._span = 1

    def read(self, content: bytes) -> None:
        """Raise where the tables of this part are too large, or it is no well-formed XML."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        parser.Parse(content, True)

    def _refuse(self, *_: object) -> NoReturn:
        raise _TooLarge

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._tags += 1
        if self._tags > MAX_TAGS:
            raise _TooLarge
        local = name.rpartition(":")[2]
        if local in ("sheetData", "table"):
            self._row = self._column = self._rows = self._columns = 0
        elif local == "row":
            self._row = _number(attributes.get("r"), self._row + 1)
            self._column = 0
        elif local == "c":
            column, row = _place(attributes.get("r", ""))
            self._row, self._column = row or max(self._row, 1), column or self._column + 1
            self._fill()
        elif local == "table-row":
            self._row += self._repeat  # what the row before stood for
            self._repeat = _number(attributes.get("table:number-rows-repeated"), 1)
            self._column = 0
        elif local in ("table-cell", "covered-table-cell"):
            self._span = _number(attributes.get("table:number-columns-repeated"), 1)
            self._column += self._span
            if any(key.startswith("office:") for key in attributes):
                self._fill()

    def _text(self, text: str) -> None:
        if text.strip() and self._column:
            self._fill()

    def _fill(self) -> None:
        """There is something in this cell."""
        self._rows = max(self._rows, self._row + self._repeat - 1)
        self._columns = max(self._columns, self._column)
        if self._rows * self._columns > MAX_AREA:
            raise _TooLarge


def _number(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise _TooLarge
    return int(text)


def _place(text: str) -> tuple[int, int]:
    """``AB12`` as column 28 and row 12; zero for what it leaves out."""
    found = _PLACE.fullmatch(text.upper())
    if found is None:
        raise _TooLarge
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column, int(found[2] or 0)
