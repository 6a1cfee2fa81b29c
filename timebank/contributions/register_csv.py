"""Registers as spreadsheets: what was typed, saved or not, and what is recorded. Both can be uploaded again. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from timebank.contributions.choosing import Directory
from timebank.contributions.queries import RegisterLineShown
from timebank.contributions.register_sheet import ExtraRow, PersonRow, Sheet
from timebank.kit import csv, durations
from timebank.kit.refusal import Refusal

HEADINGS = ("Name", "Member number", "Date", "Start time", "Time", "Preparation", "Travel", "Activity", "What they did")


def typed(sheet: Sheet, group: str, directory: Directory) -> str:
    """What was typed into a register, one row for each person who came, whatever is wrong with it.

    Time is the whole time where it can be added up, preparation and travel included; otherwise the text as typed.
    """
    rows: list[Sequence[str]] = [HEADINGS]
    people: list[tuple[PersonRow | ExtraRow, str, int]] = [
        (row, row.name, row.member_id) for row in sheet.people if row.came
    ]
    people += [(row, row.who, int(row.pick) if row.pick.isdecimal() else 0) for row in sheet.extras if not row.is_blank]
    for row, name, member_id in people:
        prep, travel = row.said.prep or sheet.prep, row.said.travel or sheet.travel
        member = directory.members.get(member_id)
        number = (member.member_number or "") if member else ""
        time = _whole(row.said.length or sheet.length, prep, travel)
        rows.append((name, number, sheet.day, sheet.start, time, prep, travel, group, row.said.what))
    for name in sheet.names.splitlines():
        if name.strip():
            time = _whole(sheet.length, sheet.prep, sheet.travel)
            rows.append((name.strip(), "", sheet.day, sheet.start, time, sheet.prep, sheet.travel, group, ""))
    return csv.write(rows)


def _whole(length: str, prep: str, travel: str) -> str:
    if not prep and not travel:
        return length
    parts = [durations.parse(part) for part in (length, prep, travel) if part]
    minutes = [part for part in parts if not isinstance(part, Refusal) or part.code != "minutes_zero"]
    known = [part for part in minutes if isinstance(part, int)]
    return durations.in_words(sum(known)) if len(known) == len(minutes) else length


def saved(lines: Iterable[RegisterLineShown], numbers: Mapping[int, str], reference: str) -> str:
    """A saved register, one row for each line; ``numbers`` are the member numbers by member id."""
    headings = ("Name", "Member number", "Date", "Time", "Activity", "What they did", "State", "Register")
    rows = (
        (
            line.display_name,
            numbers.get(line.member_id or 0, ""),
            line.held_on.isoformat(),
            durations.in_words(line.minutes),
            line.activity or "",
            line.what,
            line.state,
            reference,
        )
        for line in lines
    )
    return csv.write([headings, *rows])
