"""The register as a form: the rows to show first, and what was typed into them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from timebank.contributions.choosing import Directory
from timebank.contributions.register_sheet import NOTHING, By, ExtraRow, HelpedRow, PersonRow, Said, Sheet
from timebank.kit import durations

MAX_PEOPLE = 500  # rows on one page
MAX_EXTRA_ROWS = 100
MAX_HELPED_ROWS = 60
FIRST_ROWS = 10
ROWS_BESIDE_LAST_TIME = 3
HELPED_ROWS = 2
MORE_ROWS = 5
MAX_ROW_LIST_CHARACTERS = 12_000
MAX_NAMES_CHARACTERS = 20_000
MAX_ID_DIGITS = 18


class Typed(Protocol):
    """What is needed of a posted form."""

    def text(self, name: str) -> str:
        """What was typed in a field, "" when nothing was."""
        ...

    def all(self, name: str) -> Sequence[str]:
        """Every value sent under a name."""
        ...

    def has(self, name: str, value: str | None = None) -> bool:
        """True when the field was sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Somebody to offer on a new register, and what is known of their time."""

    name: str
    member_id: int = 0
    guest_id: int = 0
    came: bool = True
    minutes: int = 0
    preparation_minutes: int = 0
    travel_minutes: int = 0
    what: str = ""
    is_staff: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The day and times that a new register starts with. ``is_planned``: they are those of a session, which count
    more than last time's.
    """

    day: str
    minutes: int
    start: str = ""
    preparation_minutes: int = 0
    travel_minutes: int = 0
    is_planned: bool = False
    by: By = "ticks"
    is_exchange: bool = False
    token: str = ""


def first_sheet(plan: Plan, before: Iterable[Before]) -> Sheet:
    """A new register, filled with who came last time, signed up or checked in; what they share is said once."""
    people = list(before)[:MAX_PEOPLE]
    usual = (
        _usual((one.minutes - one.preparation_minutes - one.travel_minutes for one in people), plan.minutes),
        _usual((one.preparation_minutes for one in people if one.minutes), 0),
        _usual((one.travel_minutes for one in people if one.minutes), 0),
    )
    planned = (plan.minutes, plan.preparation_minutes, plan.travel_minutes)
    session, prep, travel = planned if plan.is_planned else usual
    return Sheet(
        day=plan.day,
        length=durations.in_words(session),
        start=plan.start,
        prep=_words(prep),
        travel=_words(travel),
        people=tuple(_row(one, usual, plan.by) for one in people),
        extras=_extra_rows(ROWS_BESIDE_LAST_TIME if people else FIRST_ROWS),
        helped=_helped_rows(HELPED_ROWS) if plan.is_exchange else (),
        by=plan.by,
        token=plan.token,
    )


def _usual(minutes: Iterable[int], otherwise: int) -> int:
    counted = Counter(one for one in minutes if one > 0)
    return counted.most_common(1)[0][0] if counted else otherwise


def _row(one: Before, shared: tuple[int, int, int], by: By) -> PersonRow:
    session, prep, travel = shared
    own = one.minutes - one.preparation_minutes - one.travel_minutes
    said = (
        Said(
            length=_words(own) if own > 0 and own != session else "",
            prep=_own(one.preparation_minutes, prep),
            travel=_own(one.travel_minutes, travel),
            what=one.what,
            is_staff=one.is_staff,
        )
        if one.minutes and by == "ticks"
        else Said(is_staff=one.is_staff)
    )
    row_id = f"g{one.guest_id}" if one.guest_id else f"m{one.member_id}"
    return PersonRow(row_id, one.member_id, one.name, one.came and by == "ticks", said, one.guest_id, note=one.note)


def _words(minutes: int) -> str:
    return durations.in_words(minutes) if minutes else ""


def _own(minutes: int, shared: int) -> str:
    return "" if minutes == shared else _words(minutes) or "none"


def _extra_rows(count: int, start: int = 0) -> tuple[ExtraRow, ...]:
    return tuple(ExtraRow(f"x{at}") for at in range(start, min(count + start, MAX_EXTRA_ROWS)))


def _helped_rows(count: int, start: int = 0) -> tuple[HelpedRow, ...]:
    return tuple(HelpedRow(f"h{at}") for at in range(start, min(count + start, MAX_HELPED_ROWS)))


def typed_sheet(form: Typed, directory: Directory, guests: Mapping[int, str]) -> Sheet:
    """The form as it was sent, whatever is in it."""
    by: By = "sheet" if form.text("by") == "sheet" else "ticks"
    came = frozenset(form.all("came"))
    opened = frozenset(form.all("open"))
    rows = []
    for row_id in list(dict.fromkeys(form.text("rows")[:MAX_ROW_LIST_CHARACTERS].split(",")))[:MAX_PEOPLE]:
        row = _listed(row_id, directory, guests)
        if row is None:
            continue
        said = _said(form, row.id)
        here = bool(said.length) if by == "sheet" else row.id in came
        rows.append(replace(row, came=here, said=said, is_open=row.id in opened))
    return Sheet(
        day=form.text("date"),
        length=form.text("length"),
        start=form.text("start"),
        prep=form.text("prep"),
        travel=form.text("travel"),
        people=tuple(rows),
        extras=tuple(
            ExtraRow(
                row.id,
                form.text(f"who-{row.id}"),
                form.text(f"pick-{row.id}"),
                _said(form, row.id),
                form.has(f"guest-{row.id}"),
            )
            for row in _extra_rows(_count(form.text("extras"), ROWS_BESIDE_LAST_TIME))
        ),
        helped=tuple(
            HelpedRow(row.id, form.text(f"helped-{row.id}"), form.text(f"pick-{row.id}"))
            for row in _helped_rows(_count(form.text("helped"), 0))
        ),
        agreed=form.text("agreed"),
        reason=form.text("reason-all"),
        names=form.text("names")[:MAX_NAMES_CHARACTERS],
        by=by,
        token=form.text("draft"),
        seen=tuple(one for one in form.text("seen").split(",") if one),
    )


def listed_ids(form: Typed) -> list[int]:
    """The member ids of the rows that the form lists, and of the choices made in it."""
    listed = form.text("rows")[:MAX_ROW_LIST_CHARACTERS].split(",")
    picked = [form.text(f"pick-x{at}") for at in range(_count(form.text("extras"), 0))]
    numbers = [row_id[1:] for row_id in listed if row_id[:1] == "m"] + picked
    return [int(text) for text in numbers if text.isascii() and text.isdecimal() and len(text) <= MAX_ID_DIGITS]


def typed_names(form: Typed) -> list[str]:
    """Every name typed into the form."""
    rows = [form.text(f"who-x{at}") for at in range(min(_count(form.text("extras"), 0), MAX_EXTRA_ROWS))]
    helped = [form.text(f"helped-h{at}") for at in range(min(_count(form.text("helped"), 0), MAX_HELPED_ROWS))]
    return [name for name in (*rows, *helped, *form.text("names").splitlines()) if name.strip()]


def _listed(row_id: str, directory: Directory, guests: Mapping[int, str]) -> PersonRow | None:
    kind, number = row_id[:1], row_id[1:]
    if not (number.isascii() and number.isdecimal() and len(number) <= MAX_ID_DIGITS):
        return None
    known = int(number)
    if kind == "m" and known in directory.members:
        return PersonRow(row_id, known, directory.shown[known], came=False)
    if kind == "g" and known in guests:
        return PersonRow(row_id, 0, guests[known], came=False, guest_id=known)
    return None


def _said(form: Typed, row_id: str) -> Said:
    return Said(
        length=form.text(f"length-{row_id}"),
        prep=form.text(f"prep-{row_id}"),
        travel=form.text(f"travel-{row_id}"),
        what=form.text(f"what-{row_id}"),
        is_staff=form.has(f"staff-{row_id}"),
        reason=form.text(f"reason-{row_id}"),
    )


def _count(typed: str, otherwise: int) -> int:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 3 else otherwise


def with_more_rows(sheet: Sheet, directory: Directory) -> Sheet:
    """The same sheet, ready for more: names that mean one member become rows with a tick, the others keep theirs.

    The list of names is taken apart; what does not fit stays in it. At least MORE_ROWS rows are blank.
    """
    listed = [line.strip() for line in sheet.names.splitlines() if line.strip()]
    pending = [row for row in sheet.extras if not row.is_blank] + [ExtraRow("", who=name) for name in listed]
    found = directory.find([row.who for row in pending])
    there = {row.member_id: at for at, row in enumerate(sheet.people) if row.member_id}
    people, kept, left = list(sheet.people), list[ExtraRow](), list[str]()
    for row, one in zip(pending, found, strict=True):
        member = directory.members.get(_picked(row.pick, one.options)) or one.member
        if member and not row.is_guest and member.id in there and not row.said:
            at = there[member.id]
            people[at] = replace(people[at], came=people[at].came or sheet.by == "ticks")
        elif member and not row.is_guest and member.id not in there and len(people) < MAX_PEOPLE:
            there[member.id] = len(people)
            came = sheet.by == "ticks" or bool(row.said.length)
            people.append(PersonRow(f"m{member.id}", member.id, directory.shown[member.id], came, row.said))
        elif len(kept) < MAX_EXTRA_ROWS - MORE_ROWS:
            kept.append(replace(row, id=f"x{len(kept)}", options=tuple(option.id for option in one.options)))
        else:
            left.append(row.who)
    blank = _extra_rows(MORE_ROWS, len(kept))
    helped = sheet.helped
    if helped and all(row.who for row in helped):
        helped = (*helped, *_helped_rows(MORE_ROWS, len(helped)))
    return replace(sheet, people=tuple(people), extras=(*kept, *blank), helped=helped, names="\n".join(left))


def with_people(sheet: Sheet, people: Iterable[Before]) -> Sheet:
    """The same sheet with more people to tick, as far as they fit."""
    there = {row.id for row in sheet.people}
    rows = [replace(_row(one, (0, 0, 0), sheet.by), came=False, said=NOTHING) for one in people]
    more = [row for row in rows if row.id not in there]
    return replace(sheet, people=(*sheet.people, *more)[:MAX_PEOPLE])


def _picked(pick: str, options: Sequence[object]) -> int:
    offered = {str(getattr(one, "id", one)) for one in options}
    return int(pick) if pick in offered else 0
