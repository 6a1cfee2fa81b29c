"""What stands on a printed statement: the same words for the PDF, the plain text and the spreadsheet.

Made in the language of ``languages.current()``; nothing here is looked up.
"""

from datetime import date

import msgspec

from timebank import languages
from timebank.home.dated import Dated, DatedMonth
from timebank.home.queries import EntryRow
from timebank.identity.service import qr_svg
from timebank.kit import csv
from timebank.kit.csv import Plain
from timebank.languages import day, day_of_week, day_without_year, gettext, hours, month, translate
from timebank.paper import Spelling


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose statement it is, as it is printed."""

    name: str
    number: int
    timebank: str
    made_on: date


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """A statement ready to be printed. ``code`` is empty when nobody may check it."""

    subject: Subject
    dated: Dated
    code: str = ""
    base_url: str = ""

    @property
    def file_name(self) -> str:
        """A name for the file that names nobody."""
        return f"hours-{self.dated.first.isoformat()}-to-{self.dated.last.isoformat()}"


def amount(minutes: int) -> str:
    """Hours that somebody had at some moment."""
    if minutes < 0:
        # Only when a day was corrected: something was used before the day on which it now counts.
        return gettext("{hours} short").format(hours=hours(-minutes))
    return hours(minutes) if minutes else gettext("no hours")


def sums(part: Dated | DatedMonth) -> list[dict[str, str]]:
    """Before, what came, what went, after: they always add up."""
    return [
        {"label": gettext("At the start"), "value": amount(part.opening)},
        {"label": gettext("Came in"), "value": hours(part.came) if part.came else gettext("nothing")},
        {"label": gettext("Went out"), "value": hours(part.went) if part.went else gettext("nothing")},
        {"label": gettext("At the end"), "value": amount(part.closing)},
    ]


def period_words(first: date, last: date) -> str:
    """From which day to which."""
    return gettext("From {first} to {last}").format(first=day(first, weekday=False), last=day(last, weekday=False))


def lines(printed: Printed) -> list[object]:
    """Whose it is, from when, for which days."""
    subject = printed.subject
    member = gettext("Member {number}").format(number=subject.number)
    return [
        Spelling(text=subject.name, otherwise=member),
        f"{subject.timebank}, {member}",
        period_words(printed.dated.first, printed.dated.last),
        gettext("Printed on {day}").format(day=day(subject.made_on, weekday=False)),
    ]


def statement_part(dated: Dated) -> dict[str, object]:
    """The sums and the entries, for the templates."""
    return {
        "sums": sums(dated),
        "nothing": gettext("Nothing happened in these days."),
        "labels": {
            "day": gettext("Day"),
            "what": gettext("What happened"),
            "came": gettext("Came in"),
            "went": gettext("Went out"),
            "then": gettext("Then you had"),
        },
        "months": [
            {"title": month(one.month), "sums": sums(one), "rows": [_row(row) for row in one.rows]}
            for one in dated.months
        ],
    }


def _row(row: EntryRow) -> dict[str, str]:
    return {
        "day": day_of_week(row.happened_on),
        "date": day_without_year(row.happened_on),
        "what": translate(row.title),
        "more": more(row),
        "came": hours(row.minutes) if row.came else "",
        "went": "" if row.came else hours(-row.minutes),
        "then": amount(row.balance_after),
        "change": translate(row.change),
    }


def more(row: EntryRow) -> str:
    """What else an entry says: more about it, who noted it, how it was agreed."""
    noted = gettext("Noted by {name}").format(name=row.made_by) if row.made_by else ""
    agreed = gettext("For you: {why}").format(why=row.agreed) if row.agreed else ""
    return " · ".join(part for part in (translate(row.detail), noted, agreed) if part)


def check_part(printed: Printed) -> dict[str, str] | None:
    """The code and how to check it; None when nobody may."""
    if not printed.code:
        return None
    address = f"{printed.base_url}/check"
    return {
        "title": gettext("Is this paper real?"),
        "words": gettext("Whoever holds this paper can check it. Point a phone at the square, or go here and type:"),
        "address": address.partition("://")[2] or address,
        "code": printed.code,
        "qr": qr_svg(f"{address}?code={printed.code}"),
        "qr_words": gettext("Square code that opens the page to check this paper"),
    }


def pdf_data(printed: Printed, *, large: bool) -> dict[str, object]:
    """What the template ``statement`` of the room ``paper`` wants."""
    return {
        "title": gettext("My hours"),
        "language": languages.current().code,
        "large": large,
        "page_of": gettext("Page {n} of {all}"),
        "foot": ", ".join(part for part in (printed.subject.timebank, printed.code) if part),
        "lines": lines(printed),
        "statement": statement_part(printed.dated),
        "check": check_part(printed),
        "notes": [gettext("One hour is one hour, whatever the work. Hours are not money.")],
    }


def as_text(printed: Printed) -> str:
    """The statement as plain text, for a screen reader, a braille display or an e-mail."""
    said = [gettext("My hours"), *(one.text if isinstance(one, Spelling) else str(one) for one in lines(printed)), ""]
    said += [f"{row['label']}: {row['value']}" for row in sums(printed.dated)]
    for one in printed.dated.months:
        said += ["", month(one.month).upper(), "; ".join(f"{row['label']}: {row['value']}" for row in sums(one)), ""]
        for row in one.rows:
            said += [f"{day(row.happened_on)}: {translate(row.title)}", f"  {translate(row.change)}"]
            said += [f"  {more(row)}"] if more(row) else []
            said.append(f"  {gettext('Then you had')}: {amount(row.balance_after)}")
    if not printed.dated.rows:
        said += ["", gettext("Nothing happened in these days.")]
    if check := check_part(printed):
        said += ["", check["words"], check["address"], check["code"]]
    return "\n".join(said) + "\n"


def as_csv(printed: Printed) -> str:
    """The statement for a spreadsheet, in minutes and days that programs read; begins with a byte order mark."""
    found = printed.dated
    headings = [
        gettext("Day"),
        gettext("What happened"),
        gettext("More"),
        gettext("Noted by"),
        gettext("Minutes in"),
        gettext("Minutes out"),
        gettext("Minutes then"),
    ]
    rows: list[list[str | int]] = [
        [
            Plain(row.happened_on.isoformat()),
            translate(row.title),
            translate(row.detail),
            row.made_by,
            max(row.minutes, 0),
            max(-row.minutes, 0),
            row.balance_after,
        ]
        for row in found.rows
    ]
    start: list[str | int] = [Plain(found.first.isoformat()), gettext("At the start"), "", "", "", "", found.opening]
    end: list[str | int] = [
        Plain(found.last.isoformat()), gettext("At the end"), "", "", found.came, found.went, found.closing,
    ]  # fmt: skip
    return "\ufeff" + csv.write([headings, start, *rows, end])
