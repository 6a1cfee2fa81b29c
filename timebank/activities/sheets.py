"""What is printed of a session: the sheet to sign in on, the poster for the wall, the advance sheet. Pure.

Each is a structure of words; the web makes a page, a text or (through ``timebank.paper``) a PDF of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from timebank.activities import rules, words
from timebank.activities.shown import ActivityShown, PersonOnList, SessionShown
from timebank.kit import durations, ids
from timebank.kit.dates import FIRST_DAY, LAST_DAY
from timebank.kit.words import Minutes, mark, say
from timebank.paper import Spelling

MIN_BLANK_ROWS = 8
ACTIVITY_BITS = 24
DAY_BITS = ids.REFERENCE_BITS - ACTIVITY_BITS

PLEASE = "Find your name, or write it in an empty row. Write how long you were here, then sign or tick."
TYPING_IN = "To type this in afterwards: scan the square, or go to {address} and give the code {code}."


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody expected: as the sheet names them, and their member number in words."""

    name: str
    note: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet to sign in on, for one activity and day."""

    activity_id: int
    activity: str
    day: date
    when: str
    place: str
    length: str
    code: str
    rows: tuple[Row, ...]
    blank_rows: int
    typing_in: str


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and its paragraphs, and the name of the picture that goes with them in Easy Read."""

    heading: str
    lines: tuple[str, ...]
    picture: str = ""


@dataclass(frozen=True, slots=True)
class AdvanceSheet:
    """What to expect of a session: when and where, then one part for each question people have."""

    title: str
    lines: tuple[str, ...]
    parts: tuple[Part, ...]


def sheet_code(activity_id: int, day: date) -> str:
    """The code of the sheet of an activity and a day, such as ``0002-R5NP``. It names the two and is no secret.

    Raises:
        ValueError: the day or the id is beyond what fits.
    """
    days = (day - FIRST_DAY).days
    if not 0 < activity_id < 1 << ACTIVITY_BITS or not 0 <= days < 1 << DAY_BITS:
        raise ValueError("a sheet's code holds an id of 24 bits and a day from the year 2000 on")
    # The day's parts that change most often come last: people check the end of what they typed.
    return ids.reference_of(activity_id << DAY_BITS | days)


def read_sheet_code(typed: str) -> tuple[int, date] | None:
    """The activity's id and the day that a code stands for, or None when it cannot be one."""
    reference = ids.normalise_reference(typed)
    if reference is None:
        return None
    number = 0
    for letter in reference.replace("-", ""):
        number = number * len(ids.ALPHABET) + ids.ALPHABET.index(letter)
    activity_id, days = number >> DAY_BITS, number & ((1 << DAY_BITS) - 1)
    day = FIRST_DAY + timedelta(days=days)
    return (activity_id, day) if activity_id and day <= LAST_DAY else None


def register_path(activity_id: int, day: date) -> str:
    """Where a sheet is typed in."""
    return f"/groups/{activity_id}/register?date={day.isoformat()}&by=sheet"


def sign_in_sheet(
    activity: ActivityShown,
    session: SessionShown | None,
    day: date,
    people: Sequence[PersonOnList],
    *,
    first_names_only: bool,
    host: str,
) -> Sheet:
    """The sheet of an activity and a day; ``session`` when one is planned. ``host`` is the address people type."""
    names = [one.display_name for one in people]
    if first_names_only:
        names = rules.first_names([(one.number, one.display_name, one.kind) for one in people])
    code = sheet_code(activity.id, day)
    rows = tuple(
        Row(name=name, note=f"Member {one.number}", otherwise=f"Member {one.number}")
        for name, one in zip(names, people, strict=True)
    )
    return Sheet(
        activity_id=activity.id,
        activity=activity.name,
        day=day,
        when=session.when if session else words.day(day),
        place=session.where if session else activity.place,
        length=durations.in_words(session.planned_minutes if session else activity.default_minutes),
        code=code,
        rows=rows,
        blank_rows=max(MIN_BLANK_ROWS, len(rows) // 3),
        typing_in=TYPING_IN.format(address=f"{host}/sheet", code=code),
    )


def sheet_data(sheet: Sheet, *, qr: str, large: bool) -> dict[str, object]:
    """The sheet as the template ``sign_in_sheet`` takes it; ``qr`` is the square as SVG."""
    return {
        "title": sheet.activity,
        "when": sheet.when,
        "place": sheet.place,
        "length": sheet.length,
        "code": sheet.code,
        "qr": qr,
        "large": large,
        "please": PLEASE,
        "people": [{"name": Spelling(text=row.name, otherwise=row.otherwise), "note": row.note} for row in sheet.rows],
        "blank_rows": sheet.blank_rows,
        "typing_in": sheet.typing_in,
    }


def sheet_text(sheet: Sheet) -> str:
    """The sheet as plain text."""
    head = [sheet.activity, sheet.when, sheet.place, f"Planned: {sheet.length}", f"Sheet {sheet.code}", "", PLEASE, ""]
    rows = [f"{row.name} ({row.note}): how long ________ sign ____________" for row in sheet.rows]
    blank = ["Name ____________________: how long ________ sign ____________"] * sheet.blank_rows
    lines = [line for n, line in enumerate(head) if line or n >= 5]
    return "\n".join([*lines, *rows, *blank, "", sheet.typing_in, ""])


def advance_sheet(
    activity: ActivityShown, session: SessionShown, leaders: Sequence[str], *, help_contact: str
) -> AdvanceSheet:
    """What to expect of a session. Leaders by first name; parts that nobody filled in are left out."""
    lines: list[str] = [
        say("{when}.", when=session.when),
        say("It takes {length}.", length=Minutes(session.planned_minutes)),
    ]
    lines += [say("Where: {place}.", place=session.where)] if session.where else []
    if not session.is_planned:
        lines.insert(0, say("This session is cancelled. The reason: {reason}", reason=session.cancel_reason))
    who: list[str] = [say("{names} will be there for you.", names=words.names(list(leaders)))] if leaders else []
    who += [session.who] if session.who else []
    access: list[str] = [say("{what}.", what=text) for text in activity.access]
    access += _paragraphs(activity.access_notes)
    before = [
        say(words_, length=Minutes(minutes))
        for words_, minutes in (
            (mark("Time to prepare: {length}."), session.preparation_minutes),
            (mark("Time to travel: {length}."), session.travel_minutes),
        )
        if minutes
    ]
    parts = (
        ("people", mark("Who will be there"), who),
        ("bus", mark("How to get there"), _paragraphs(activity.route)),
        ("access", mark("Getting in and around"), access),
        ("drink", mark("Breaks"), _paragraphs(activity.breaks)),
        ("page", mark("To read or bring"), _paragraphs(session.papers)),
        ("waiting", mark("Before and after"), before),
        ("gift", mark("What you get"), [_gives(activity)]),
        ("no", mark("If you cannot come"), [say("Take your name off the list, or tell us. You need not say why.")]),
        ("telephone", mark("Help"), [help_contact] if help_contact else []),
    )
    return AdvanceSheet(
        title=session.activity,
        lines=tuple(lines),
        parts=tuple(Part(say(heading), tuple(text), picture) for picture, heading, text in parts if text),
    )


def advance_data(
    sheet: AdvanceSheet, *, timebank: str, photos: Sequence[tuple[bytes, str]], large: bool, language: str = "en"
) -> dict[str, object]:
    """The advance sheet as the template ``advance_sheet`` takes it; photos as JPEG, each with its words."""
    return {
        "title": sheet.title,
        "timebank": timebank,
        "language": language,
        "large": large,
        "lines": list(sheet.lines),
        "parts": [{"heading": part.heading, "lines": list(part.lines)} for part in sheet.parts],
        "photos": [{"jpeg": list(content), "words": text} for content, text in photos],
    }


def advance_text(sheet: AdvanceSheet) -> str:
    """The advance sheet as plain text."""
    lines = [sheet.title, "", *sheet.lines]
    for part in sheet.parts:
        lines += ["", part.heading.upper(), *part.lines]
    return "\n".join([*lines, ""])


def poster_data(activity: ActivityShown, code: str, *, address: str, qr: str, host: str) -> dict[str, object]:
    """The poster as the template ``poster`` takes it."""
    return {
        "title": activity.name,
        "code": code,
        "address": address,
        "short_address": f"{host}/in",
        "qr": qr,
    }


def _gives(activity: ActivityShown) -> str:
    if activity.gives == "fee":
        return say("This group pays a fee and gives no hours. Kind: {kind}.", kind=say(_FEE_KINDS[activity.work_kind]))
    return say("One hour here is one hour for you, whatever you do.")


_FEE_KINDS = {
    "volunteering": mark("volunteering"),
    "service_user_involvement": mark("service-user involvement"),
    "peer_exchange": mark("peer exchange"),
}


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
