"""Which column of a session register holds what, told by its headings in any order and wording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from timebank.kit import names
from timebank.kit.durations import Bare

NEEDED = (
    "We could not find the headings. The register needs a row with a heading for each column: "
    "Name, Date and Time (or Hours, or Minutes). Activity and Notes are welcome too."
)

# Each list runs from the surest wording to the loosest: where two columns would do, the surer one is used.
_WORDINGS: Mapping[str, tuple[str, ...]] = {
    "line": ("line",),
    "number": (
        "member number", "membership number", "member no", "membership no", "member id", "membership id", "member num",
        "time bank number", "timebank number",
    ),
    "first": ("first name", "first names", "firstname", "forename", "forenames", "given name", "first"),
    "last": ("last name", "lastname", "surname", "family name", "last"),
    "name": (
        "name", "names", "full name", "member name", "name of member", "participant name", "name of participant",
        "member", "participant", "volunteer", "volunteer name", "person", "attendee", "participants", "members",
        "who", "who came", "people",
    ),
    "start": ("start", "start time", "started", "from", "time in", "arrived", "in"),
    "end": ("end", "end time", "finish", "finish time", "finished", "until", "to", "time out", "left", "out"),
    "date": (
        "date", "session date", "date of session", "activity date", "date of activity", "dates", "held on", "when",
        "session day", "day",
    ),
    "activity": (
        "activity", "activity name", "name of activity", "group", "group name", "project", "session", "session name",
        "event", "activity or group", "activity group", "group activity",
    ),
    "what": (
        "what they did", "what i did", "what was done", "what did they do", "what", "task", "tasks", "description",
        "details", "role", "notes", "note", "comments", "comment", "remarks",
    ),
}  # fmt: skip
_HOURS = {"hours", "hour", "hrs", "hr", "h"}
_MINUTES = {"minutes", "minute", "mins", "min"}
_LENGTHS = {"duration", "length", "long"}
_AROUND_LENGTH = {
    "time", "of", "in", "given", "spent", "total", "no", "number", "how", "hh", "mm", "hhmm", "decimal", "session",
    "worked", "volunteered", "contributed", "and", "or", "the", "activity", "credited", "earned", "logged",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Length:
    """A column that holds a length of time, and what a number without a unit means in it."""

    column: int
    bare: Bare
    is_loose: bool  # headed only "Time": it may hold when people came


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns of a register, counted from 0; ``lengths`` has two when hours and minutes stand apart."""

    columns: Mapping[str, int]
    lengths: tuple[Length, ...]
    width: int
    unused: tuple[str, ...] = field(default=())

    def cell(self, role: str, cells: Sequence[str]) -> str:
        """Return a row's cell for a role such as ``date``, or "" where the row or the register has none."""
        return at(cells, self.columns.get(role))


def at(cells: Sequence[str], column: int | None) -> str:
    """Return a cell, or "" where the row is shorter."""
    return cells[column] if column is not None and column < len(cells) else ""


def read(cells: Sequence[str]) -> Headings | None:
    """Return what the columns are if this is a heading row: it names the people, and the time they gave; else None."""
    wordings = [names.loose_key(cell.replace("#", " number ").replace("№", " number ")) for cell in cells]
    columns: dict[str, int] = {}
    for role, known in _WORDINGS.items():
        column = min(
            (c for c, w in enumerate(wordings) if w in known), key=lambda c: known.index(wordings[c]), default=None
        )
        if column is not None:
            columns[role] = column
    has_name = "name" in columns or "first" in columns
    lengths = _lengths(wordings)
    if not has_name or not (lengths or {"start", "end"} <= columns.keys()):
        return None
    if lengths:
        # Start and end add nothing to a length that is given.
        columns.pop("start", None)
        columns.pop("end", None)
    used = {*columns.values(), *(length.column for length in lengths)}
    unused = tuple(cell for column, cell in enumerate(cells) if cell and column not in used)
    return Headings(columns, lengths, len(cells), unused)


def _lengths(wordings: Sequence[str]) -> tuple[Length, ...]:
    """Return the one column that says how long, or an hours and a minutes column that say it together."""
    found: dict[str, Length] = {}
    for column, wording in enumerate(wordings):
        kind = _kind_of_length(wording)
        if kind is not None and kind not in found:
            bare: Bare = "hours" if kind == "hours" else "minutes" if kind == "minutes" else "ask"
            found[kind] = Length(column, bare, is_loose=kind == "time")
    with_unit = tuple(found[kind] for kind in ("hours", "minutes") if kind in found)
    for kind in ("length", "time"):
        if not with_unit and kind in found:
            return (found[kind],)
    return with_unit


def _kind_of_length(wording: str) -> str | None:
    words = set(wording.split())
    if wording in _WORDINGS["start"] or wording in _WORDINGS["end"]:
        return None
    if not words or not words <= _HOURS | _MINUTES | _LENGTHS | _AROUND_LENGTH:
        return None
    in_hours, in_minutes = bool(words & _HOURS), bool(words & _MINUTES)
    if in_hours != in_minutes:
        return "hours" if in_hours else "minutes"
    if in_hours or words & _LENGTHS:
        return "length"
    return "time" if "time" in words else None
