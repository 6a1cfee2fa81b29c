"""A file of voucher codes, read line by line: what can be taken, and what is given back and why. Pure."""

from collections.abc import Collection, Sequence
from datetime import date

import msgspec

from timebank.kit import csv, dates
from timebank.kit.csv import Row
from timebank.kit.refusal import Refusal

MAX_CODES = 1000
MAX_FILE_BYTES = 512 * 1024
MAX_CODE_CHARACTERS = 100
MAX_PIN_CHARACTERS = 40

_CODE = frozenset({"code", "codes", "voucher", "voucher code", "card number", "number", "e-code", "ecode"})
_PIN = frozenset({"pin", "pin code", "security code"})
_ENDS = frozenset({"expires", "expiry", "expiry date", "expires on", "valid until", "valid to", "end", "end date"})


class CodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line: its number in the file, and what it says; ``problem`` says why it cannot be taken, "" when it can."""

    number: int
    code: str
    pin: str = ""
    expires_on: date | None = None
    problem: str = ""

    @property
    def content(self) -> str:
        """What is locked: the code, and its PIN on a second line."""
        return f"{self.code}\n{self.pin}"


def opened(content: str) -> tuple[str, str]:
    """The code and the PIN of a line that was unlocked."""
    code, _, pin = content.partition("\n")
    return code, pin


def read(rows: Sequence[Row], *, today: date, has_headings: bool = True) -> list[CodeLine] | Refusal:
    """Read a table of codes: code, PIN, last day; with headings in any order, or without in this one.

    ``has_headings``: the first row may be headings.

    Refusals: ``no_codes``, ``too_many_lines``.
    """
    places = _headings(rows[0].cells) if rows and has_headings else None
    body = rows[1:] if places else rows
    if not body:
        return Refusal("no_codes", "There is no code in this. Put one code on each line.", "file")
    if len(body) > MAX_CODES:
        return Refusal("too_many_lines", f"Upload at most {MAX_CODES} codes at a time.", "file")
    seen: dict[str, int] = {}
    lines = []
    for row in body:
        line = _line(row, places, today)
        if not line.problem and line.code in seen:
            line = msgspec.structs.replace(line, problem=f"This is the same code as in line {seen[line.code]}.")
        seen.setdefault(line.code, row.number)
        lines.append(line)
    return lines


def known(lines: Sequence[CodeLine], codes: Collection[str]) -> list[CodeLine]:
    """The lines with those marked that are in the pool already."""
    message = "We have this code already."
    return [
        msgspec.structs.replace(line, problem=message) if not line.problem and line.code in codes else line
        for line in lines
    ]


def as_text(lines: Sequence[CodeLine]) -> str:
    """The lines as a table again, for the next form."""
    return csv.write(
        [
            (csv.Plain(line.code), csv.Plain(line.pin), line.expires_on.isoformat() if line.expires_on else "")
            for line in lines
        ],
        separator="\t",
        line_end="\n",
    )


def _headings(cells: Sequence[str]) -> dict[str, int] | None:
    names = [cell.strip().casefold().rstrip(":") for cell in cells]
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        for field, words in (("code", _CODE), ("pin", _PIN), ("ends", _ENDS)):
            if name in words:
                places.setdefault(field, place)
    return places if "code" in places else None


def _line(row: Row, places: dict[str, int] | None, today: date) -> CodeLine:
    cells = [*row.cells, "", "", ""]
    if places is None:
        code, pin, ends = cells[0], cells[1], cells[2]
        if pin and not ends and isinstance(dates.parse(pin), date) and not pin.isdecimal():
            pin, ends = "", pin
    else:
        code, pin, ends = (cells[places[name]] if places.get(name, 99) < len(cells) else "" for name in _FIELDS)
    problem = ""
    day = dates.parse(ends) if ends else None
    if not code:
        problem = "There is no code in this line."
    elif len(code) > MAX_CODE_CHARACTERS:
        problem = f"This is longer than {MAX_CODE_CHARACTERS} letters."
    elif len(pin) > MAX_PIN_CHARACTERS:
        problem = f"The PIN is longer than {MAX_PIN_CHARACTERS} letters."
    elif isinstance(day, Refusal):
        problem = f"“{ends[:30]}” is no date. Write it like 27/3/2027."
    elif day is not None and day < today:
        problem = f"It ended on {dates.in_words(day)}."
    return CodeLine(
        number=row.number,
        code=code[:MAX_CODE_CHARACTERS],
        pin=pin[:MAX_PIN_CHARACTERS],
        expires_on=None if isinstance(day, Refusal) else day,
        problem=problem,
    )


_FIELDS = ("code", "pin", "ends")
