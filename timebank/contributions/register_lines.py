"""From what was typed into a register to the lines to save, and from refusals back to the fields. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time

import msgspec

from timebank.contributions.choosing import Directory, Found
from timebank.contributions.register_sheet import ExtraRow, HelpedRow, PersonRow, Sheet
from timebank.contributions.rules import Line
from timebank.kit import dates, durations, names, times
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown

MAX_LISTED_DUPLICATES = 3
NEW_GUEST = 10**15  # plus the place of their line: stands for a guest without a row yet
MAX_NAME = 100
NONE_AT_ALL = frozenset({"0", "none", "no", "nothing", "-", "0:00", "0 min", "0 minutes"})

Row = PersonRow | ExtraRow


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sheet says: the lines to save with the row that each came from, or what has to be put right first.

    ``new_guests`` are the names of those who have no row in the time bank yet; until they are added, their lines have
    the key as ``guest_id``.
    """

    lines: tuple[Line, ...]
    rows: tuple[Row, ...]
    refusals: tuple[Refusal, ...]
    sheet: Sheet
    new_guests: dict[int, str]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Somebody who came, before their time is read."""

    row: Row
    name: str
    member_id: int = 0
    guest_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Shared:
    """What holds for everybody unless their row says otherwise."""

    day: date | None
    start: time | None
    length: int | Refusal
    prep: int | Refusal
    travel: int | Refusal
    receivers: tuple[int, ...]
    agreed: str


def read_sheet(sheet: Sheet, directory: Directory, guests: Mapping[str, int] | None = None) -> Reading:
    """Turn a sheet into lines. Refusals carry the names of the form's fields.

    ``guests`` are those who wait to become members: their ids by the keys of their names.
    """
    refusals: list[Refusal] = []
    day = _kept(dates.parse(sheet.day, field="date"), refusals)
    start = _kept(times.parse(sheet.start, field="start"), refusals) if sheet.start else None
    sheet, wanted = _people(sheet, directory, refusals)
    sheet, receivers = _receivers(sheet, directory, refusals)
    if sheet.names.strip():
        refusals.append(Refusal("names_waiting", "Press “Add these names” first, or empty the list.", "names"))
    shared = _Shared(
        day if isinstance(day, date) else None,
        start if isinstance(start, time) else None,
        durations.parse(sheet.length, field="length"),
        _part(sheet.prep, "prep"),
        _part(sheet.travel, "travel"),
        receivers,
        sheet.agreed,
    )
    lines: list[Line] = []
    rows: list[Row] = []
    known_guests = dict(guests or {})
    new_guests: dict[int, str] = {}
    for one in wanted:
        line = _line(one, shared, sheet.reason, refusals)
        if line is not None:
            if line.guest_id == 0:
                key = names.key(one.name)
                if key not in known_guests:
                    known_guests[key] = NEW_GUEST + len(lines)
                    new_guests[NEW_GUEST + len(lines)] = one.name
                line = msgspec.structs.replace(line, guest_id=known_guests[key])
            lines.append(line)
            rows.append(one.row)
    return Reading(tuple(lines), tuple(rows), tuple(_once(refusals)), sheet, new_guests)


def _kept(found: object, refusals: list[Refusal]) -> object:
    if isinstance(found, Refusal):
        refusals.append(found)
    return found


def _part(typed: str, field: str) -> int | Refusal:
    """Preparation or travel: nothing typed, or a word for nothing, is none at all."""
    if plain(typed) in NONE_AT_ALL or not typed:
        return 0
    return durations.parse(typed, field=field)


def _people(sheet: Sheet, directory: Directory, refusals: list[Refusal]) -> tuple[Sheet, list[_Wanted]]:
    """Everybody who came, in the order of the page; the sheet holds what each doubtful name may mean."""
    wanted = [_Wanted(row, row.name, row.member_id, row.guest_id or None) for row in sheet.people if row.came]
    found = directory.find([row.who for row in sheet.extras])
    extras = []
    for row, one in zip(sheet.extras, found, strict=True):
        kept, who = _resolved(row, one, directory, refusals)
        extras.append(kept)
        if who is not None:
            wanted.append(who)
    return replace(sheet, extras=tuple(extras)), wanted


def _resolved(
    row: ExtraRow, found: Found, directory: Directory, refusals: list[Refusal]
) -> tuple[ExtraRow, _Wanted | None]:
    if row.is_blank:
        return row, None
    if not row.who:
        refusals.append(Refusal("name_missing", "Say who this is, or empty the row.", f"who-{row.id}"))
        return row, None
    options = tuple(option.id for option in found.options)
    if row.is_guest and len(names.tidy(row.who)) > MAX_NAME:
        refusals.append(Refusal("name_too_long", f"Give a name of at most {MAX_NAME} letters.", f"who-{row.id}"))
        return row, None
    if row.is_guest:
        return replace(row, options=options), _Wanted(row, names.tidy(row.who), 0, 0)
    picked = int(row.pick) if row.pick in {str(option) for option in options} else 0
    if found.member or picked:
        row = replace(row, options=options)
        member_id = picked or (found.member.id if found.member else 0)
        return row, _Wanted(row, directory.shown[member_id], member_id)
    refusals.append(_who_is(row.who, options, f"pick-{row.id}", f"who-{row.id}", may_be_guest=True))
    # One name that fits is chosen for them: a look and one more tap, no list to open.
    return replace(row, options=options, pick=str(options[0]) if len(options) == 1 else row.pick), None


def _who_is(typed: str, options: Sequence[int], pick: str, who: str, *, may_be_guest: bool) -> Refusal:
    if len(options) == 1:
        return Refusal("name_doubtful", f"Is this who you mean by {shown(typed)}? If so, save again.", pick)
    if options:
        return Refusal("name_doubtful", f"Choose who {shown(typed)} is.", pick)
    end = "Check the name, or tick that they are a guest." if may_be_guest else "Check the name."
    return Refusal("unknown_member", f"We do not know {shown(typed)}. {end}", who)


def _receivers(sheet: Sheet, directory: Directory, refusals: list[Refusal]) -> tuple[Sheet, tuple[int, ...]]:
    """The members who were helped, each once."""
    helped, receivers = [], list[int]()
    for row, found in zip(sheet.helped, directory.find([row.who for row in sheet.helped]), strict=True):
        options = tuple(option.id for option in found.options)
        picked = int(row.pick) if row.pick in {str(option) for option in options} else 0
        helped.append(replace(row, options=options if row.who else ()))
        if not row.who:
            continue
        member_id = picked or (found.member.id if found.member else 0)
        if member_id:
            receivers.append(member_id)
            continue
        refusals.append(_who_is(row.who, options, f"pick-{row.id}", f"helped-{row.id}", may_be_guest=False))
        if len(options) == 1:
            helped[-1] = HelpedRow(row.id, row.who, str(options[0]), options)
    return replace(sheet, helped=tuple(helped)), tuple(dict.fromkeys(receivers))


def _line(one: _Wanted, shared: _Shared, reason: str, refusals: list[Refusal]) -> Line | None:
    row, said = one.row, one.row.said
    parts = []
    for typed, field, everybody in (
        (said.length, "length", shared.length),
        (said.prep, "prep", shared.prep),
        (said.travel, "travel", shared.travel),
    ):
        if not typed:
            found = everybody
        elif field == "length":
            found = durations.parse(typed, field=f"length-{row.id}")
        else:
            found = _part(typed, f"{field}-{row.id}")
        if isinstance(found, Refusal):
            refusals.append(about(found, one.name) if typed else found)
        else:
            parts.append(found)
    if len(parts) < 3 or shared.day is None:
        return None
    length, prep, travel = parts
    is_exchange = bool(shared.receivers) and not said.is_staff
    return Line(
        member_id=one.member_id,
        guest_id=one.guest_id,
        held_on=shared.day,
        minutes=length + prep + travel,
        preparation_minutes=prep,
        travel_minutes=travel,
        starts_at=shared.start,
        what=said.what,
        duplicate_reason=said.reason or reason,
        kind="staff" if said.is_staff else "exchange" if is_exchange else "given",
        receiver_ids=shared.receivers if is_exchange else (),
        how_agreed=shared.agreed if is_exchange else "",
    )


FIELDS = {"minutes": "length", "what": "what", "duplicate_reason": "reason", "preparation_minutes": "prep",
          "travel_minutes": "travel", "kind": "staff"}  # fmt: skip
OF_ALL = {"held_on": "date", "starts_at": "start", "receiver_ids": "helped-h0", "how_agreed": "agreed"}


def beside_rows(refusals: Iterable[Refusal], reading: Reading, directory: Directory) -> list[Refusal]:
    """The service's refusals with the names of this form's fields, each saying whom it is about."""
    placed = []
    for refusal in refusals:
        parts = (refusal.field or "").split(".")
        if len(parts) != 3 or parts[0] != "lines":
            placed.append(replace(refusal, field=_first_row(reading.sheet) if refusal.field == "lines" else None))
            continue
        at, name = int(parts[1]), parts[2]
        row, line = reading.rows[at], reading.lines[at]
        if name in OF_ALL:
            field = OF_ALL[name]
            there = reading.sheet.helped or name not in ("receiver_ids", "how_agreed")
            placed.append(replace(refusal, field=field if there else "length"))
        elif name == "minutes" and not row.said.length:
            placed.append(replace(refusal, field="length"))
        else:
            kind = FIELDS.get(name) or ("came" if isinstance(row, PersonRow) and reading.sheet.by == "ticks" else "who")
            if kind == "who" and isinstance(row, PersonRow):
                kind = "length"  # typing a sheet in, the time beside the name is all there is
            name_shown = directory.shown.get(line.member_id) or _name_of(row)
            placed.append(about(replace(refusal, field=f"{kind}-{row.id}"), name_shown))
    return _once(placed)


def in_short(refusals: Sequence[Refusal]) -> list[Refusal]:
    """The refusals for the list above the form: many people recorded already are told in one line, not one by one."""
    repeated = [one for one in refusals if one.code == "duplicate"]
    if len(repeated) <= MAX_LISTED_DUPLICATES:
        return list(refusals)
    message = (
        f"{len(repeated)} people are already recorded for this day with the same time. Is this register saved already? "
        "If it was a second session, say so once for everybody."
    )
    return [Refusal("duplicate", message, "reason-all"), *(one for one in refusals if one.code != "duplicate")]


def about(refusal: Refusal, name: str) -> Refusal:
    """The refusal with the name of whom it is about before it."""
    # Set apart, so that a name written from right to left does not turn the sentence round.
    return replace(refusal, message=f"\u2068{name}\u2069: {refusal.message}")


def names_of(reading: Reading) -> list[str]:
    """Whose each line is, as the page shows them."""
    return [_name_of(row) for row in reading.rows]


def _name_of(row: Row) -> str:
    return row.name if isinstance(row, PersonRow) else row.who


def _first_row(sheet: Sheet) -> str:
    if not sheet.people:
        return "who-x0"
    return f"{'length' if sheet.by == 'sheet' else 'came'}-{sheet.people[0].id}"


def _once(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Each message once: a wrong day is wrong for everybody."""
    return list(dict.fromkeys(refusals))
