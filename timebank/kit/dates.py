"""Calendar days read from what people and spreadsheets write. Numbers are day before month; nothing is guessed.

The names of months and days of the week are read in every language of the pages, with or without their accents.
"""

import re
import unicodedata
from datetime import date, timedelta
from functools import cache
from typing import Literal

from babel import Locale

from timebank.kit import english
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown
from timebank.kit.words import mark, say

in_words = english.day

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2099, 12, 31)
MAX_TYPED_DATE = 60

OTHER_LANGUAGES = ("cy", "es", "ar")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_DAYS = {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_EXCEL_DAY_ZERO = date(1899, 12, 30)
_TIME = r"(?:[ t,]+\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[ap]m)?z?)?"
_LETTER = r"[^\W\d_]"
_WEEKDAY = rf"(?:(?P<weekday>(?:dydd )?{_LETTER}+)[.,]? )?"
_MONTH = rf"(?P<month>{_LETTER}{{3,12}})"
_OF = r"(?: (?:of|del?)(?= ))?"
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})(?P<gap>[-/.])(?P<month>\d{{1,2}})(?P=gap)(?P<day>\d{{1,2}}){_TIME}")
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}}) ?(?P<gap>[-/.]) ?(?P<month>\d{{1,2}}) ?(?P=gap) ?(?P<year>\d{{4}}|\d\d){_TIME}"
)
_NO_YEAR = re.compile(rf"{_WEEKDAY}\d{{1,2}}(?:[-/.]\d{{1,2}}|(?:st|nd|rd|th)?{_OF}[ -]{_MONTH})")
_NAMED = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_OF}[ -]?{_MONTH}\.?,?{_OF}[ -]?"
    rf"'?(?P<year>\d{{4}}|\d\d){_TIME}"
)
_NAMED_MONTH_FIRST = re.compile(rf"{_WEEKDAY}{_MONTH}\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}}){_TIME}")
_EXCEL_NUMBER = re.compile(r"\d{5}(?:[.,]\d+)?")


def parse(text: str, *, field: str | None = None) -> date | Refusal:
    """Return the day in a text: ``03/03/2026``, ``3.3.26``, ``2026-03-03``, ``Tue 3 Mar 2026``, ``March 3, 2026``,
    ``3 de marzo de 2026``.

    A number of five digits is the day number of a spreadsheet. Refusals: ``date_missing``, ``date_unreadable``,
    ``date_month_first`` (03/25/2026), ``date_impossible`` (31/02/2026), ``date_without_year``,
    ``date_weekday_differs``, ``date_out_of_range``.
    """
    if len(text) > MAX_TYPED_DATE:
        return _unreadable(text, field)
    typed = unicodedata.normalize("NFC", plain(text)).strip(" .,'")
    if not typed.strip("-? "):
        return Refusal("date_missing", say("Enter the day, like 3 March 2026 or 03/03/2026."), field)
    if _EXCEL_NUMBER.fullmatch(typed):
        return _in_range(_EXCEL_DAY_ZERO + timedelta(days=int(typed[:5])), text, field)
    for pattern in (_YEAR_FIRST, _DAY_FIRST, _NAMED, _NAMED_MONTH_FIRST):
        if match := pattern.fullmatch(typed):
            return _day(match, text, field)
    if (match := _NO_YEAR.fullmatch(typed)) and _weekday(match["weekday"]) != "unknown":
        return Refusal(
            "date_without_year",
            say("{typed} has no year. Write the whole date, like 3 March 2026 or 03/03/2026.", typed=shown(text)),
            field,
        )
    return _unreadable(text, field)


def is_day_number(text: str) -> bool:
    """Say whether a text is a spreadsheet's day number (46084), which a page should show as the day it was read as."""
    return _EXCEL_NUMBER.fullmatch(plain(text)) is not None


def could_be_month_first(text: str) -> bool:
    """Say whether a date in numbers would be another day in a file that writes the month first (03/04/2026)."""
    match = _DAY_FIRST.fullmatch(plain(text))
    if match is None or match["weekday"]:
        return False
    return int(match["day"]) <= len(_MONTHS) and int(match["month"]) <= len(_MONTHS) and match["day"] != match["month"]


def _unreadable(text: str, field: str | None) -> Refusal:
    message = say("We cannot read {typed} as a date. Write it like 3 March 2026 or 03/03/2026.", typed=shown(text))
    return Refusal("date_unreadable", message, field)


def _day(match: re.Match[str], text: str, field: str | None) -> date | Refusal:
    weekday = _weekday(match.groupdict().get("weekday"))
    month = int(match["month"]) if match["month"].isdigit() else _month(match["month"])
    if month is None or weekday == "unknown":
        return _unreadable(text, field)
    day, year = int(match["day"]), int(match["year"])
    if match.re is _DAY_FIRST and month > len(_MONTHS) and 1 <= day <= len(_MONTHS):
        message = say("{typed} has the month first. Write the day first, like 3 March 2026.", typed=shown(text))
        return Refusal("date_month_first", message, field)
    try:
        found = date(year + 2000 if len(match["year"]) == 2 else year, month, day)
    except ValueError:
        return Refusal(
            "date_impossible", say("There is no day {typed}. Check the day and the month.", typed=shown(text)), field
        )
    if isinstance(weekday, int) and found.weekday() != weekday:
        return Refusal("date_weekday_differs", say(_IS_A[found.weekday()], day=found, typed=shown(text)), field)
    return _in_range(found, text, field)


_IS_A = (
    mark("{day} is a Monday. Check {typed}."),
    mark("{day} is a Tuesday. Check {typed}."),
    mark("{day} is a Wednesday. Check {typed}."),
    mark("{day} is a Thursday. Check {typed}."),
    mark("{day} is a Friday. Check {typed}."),
    mark("{day} is a Saturday. Check {typed}."),
    mark("{day} is a Sunday. Check {typed}."),
)


def _in_range(found: date, text: str, field: str | None) -> date | Refusal:
    if FIRST_DAY <= found <= LAST_DAY:
        return found
    message = say(
        "{typed} is outside the years {first} to {last}. Check the year.",
        typed=shown(text),
        first=FIRST_DAY.year,
        last=LAST_DAY.year,
    )
    return Refusal("date_out_of_range", message, field)


def _month(word: str) -> int | None:
    if word == "sept":
        return 9
    english_one = next((n for n, month in enumerate(_MONTHS, start=1) if word in (month, month[:3])), None)
    return english_one or _words_elsewhere("months").get(_bare(word))


def _weekday(word: str | None) -> int | Literal["unknown"] | None:
    if word is None:
        return None
    if word in _SHORT_DAYS:
        return _SHORT_DAYS[word]
    english_one = next((n for n, day in enumerate(_DAYS) if word in (day, day[:3])), None)
    return _words_elsewhere("days").get(_bare(word), "unknown") if english_one is None else english_one


@cache
def _words_elsewhere(kind: Literal["months", "days"]) -> dict[str, int]:
    """Whole and short names of months (from 1) or days (Monday is 0) in the other languages, without what two of them
    would read differently.
    """
    found: dict[str, set[int]] = {}
    for code in OTHER_LANGUAGES:
        names = getattr(Locale.parse(code), kind)
        for use in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for n, name in names[use][width].items():
                    found.setdefault(_bare(name), set()).add(n)
    return {name: n for name, (n, *others) in found.items() if not others}


def _bare(word: str) -> str:
    """The word in small letters, without accents and without a stop."""
    taken_apart = unicodedata.normalize("NFD", word.lower().strip("."))
    return "".join(character for character in taken_apart if not unicodedata.combining(character))
