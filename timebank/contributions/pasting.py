"""A pasted list as a register file, so that it goes through the same preview as a spreadsheet. Pure."""

import re
from collections.abc import Iterator

from timebank.contributions import register_headings as headings
from timebank.contributions.register_file import MAX_LINES
from timebank.kit import csv, durations
from timebank.kit.refusal import Refusal

UNREADABLE = frozenset({"minutes_unreadable", "minutes_missing"})
_GAP = re.compile(r"[ \xa0]+")


def as_file(pasted: str, *, day: str, group: str, length: str) -> str | Refusal:
    """The pasted list as CSV text: a name and a time on each line, in any of the ways that people write them.

    ``length`` is for lines without a time; ``day`` and ``group`` are for all. The lines keep their numbers. A list with
    headings of its own, such as one copied from a spreadsheet, is taken as it is.
    Refusals: ``list_missing``, ``too_many_lines``, with the field ``pasted``.
    """
    lines = pasted.splitlines()
    filled = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        return Refusal("list_missing", "Paste a list: one person on each line, with their time.", "pasted")
    if len(filled) > MAX_LINES:
        message = f"This list has more than {MAX_LINES} lines. Paste it in parts."
        return Refusal("too_many_lines", message, "pasted")
    for separator in csv.SEPARATORS:
        if headings.read([cell.strip() for cell in filled[0][1].split(separator)]) is not None:
            return pasted
    rows: list[tuple[str, ...]] = [(day,), ("Line", "Name", "Time", "Activity")]
    for number, line in filled:
        # As typed: the file is read again by us alone, and a sign put before a name would be another name.
        name, time = _name_and_time(line)
        rows.append((str(number), csv.Plain(name), csv.Plain(time or length), csv.Plain(group)))
    return csv.write(rows)


def _name_and_time(line: str) -> tuple[str, str]:
    """A line's name and time: the longest end of it that reads as a time; else what stands after the last separator."""
    for name, rest in _splits(line):
        found = durations.parse(rest)
        if not isinstance(found, Refusal) or found.code not in UNREADABLE:
            return name, rest
    for separator in ("\t", ";", ","):
        before, there, after = line.rpartition(separator)
        if there:
            return before.strip(" \t;,"), after.strip()
    return line, ""


def _splits(line: str) -> Iterator[tuple[str, str]]:
    """Every place where the time could begin: first the separators, from the left, then the spaces."""
    for separators in ("\t", ";", ",", ""):
        places = (
            [at for at, c in enumerate(line) if c == separators]
            if separators
            else [found.start() for found in _GAP.finditer(line)]
        )
        for at in places:
            name, rest = line[:at].strip(" \t;,"), line[at + 1 :].strip(" \t;,")
            if name and rest:
                yield name, rest
