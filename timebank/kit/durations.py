"""Lengths of time as whole minutes: in words for people, and read from whatever people write. No float is involved."""

import re
from fractions import Fraction
from typing import Literal

from timebank.kit.english import length
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown
from timebank.kit.words import Minutes, say

in_words = length

MAX_MINUTES = 24 * 60
MAX_BARE_HOURS = 12
MAX_TYPED_DURATION = 60

Bare = Literal["ask", "hours", "minutes"]
"""What a number without a unit means: hours up to 12 and a question above (``ask``), or what a heading says."""

_WORD_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
} | {
    "fifteen": "15", "twenty": "20", "thirty": "30", "forty": "40", "forty-five": "45", "forty five": "45",
    "fifty": "50", "sixty": "60", "ninety": "90",
}  # fmt: skip
_WORD_NUMBER = re.compile(r"\b(?:" + "|".join(sorted(_WORD_NUMBERS, key=len, reverse=True)) + r")\b")
_HOUR = r"(?:hours|hour|hrs|hr|h)\b\.?"
_MINUTE = r"(?:minutes|minute|mins|min|mn|m)\b\.?|'"
# Ways of speaking, each turned into a number and a unit; applied in this order.
_SPOKEN = (
    (re.compile(r"\b3[ -]quarters? of (?:an |1 )hour\b"), "3/4 hour"),
    (re.compile(r"\b(?:a |1 )?quarter(?: of)?(?: an| 1)? ?hour\b"), "1/4 hour"),
    (re.compile(r"(?:\ba |\b1 )?\bhalf(?: an| a| 1|-)? ?hour\b"), "1/2 hour"),
    (re.compile(r"\b(?P<n>\d+) and (?:a half|1/2)\b"), r"\g<n> 1/2"),
    (re.compile(r"\b(?P<n>\d+) and a quarter\b"), r"\g<n> 1/4"),
    (re.compile(rf"\b(?:an? |(?P<n>\d+) )(?:{_HOUR}) and a half$"), lambda m: f"{m['n'] or 1} 1/2 hours"),
    (re.compile(rf"\b(?:an? |(?P<n>\d+) )(?:{_HOUR}) and a quarter$"), lambda m: f"{m['n'] or 1} 1/4 hours"),
    (re.compile(r"\ban? hour\b"), "1 hour"),
    (re.compile(r"^(?P<f>[13]/[24]) (?:of )?an? hour\b"), r"\g<f> hour"),
)
# How the pages in Spanish, Welsh and Arabic write a length of time, turned into English units.
_TRANSLATED = (
    (re.compile(r"\bmedia hora\b|\bhanner awr\b|نصف ساعة"), "1/2 hour"),
    (re.compile(r"\b(?:un )?cuarto de hora\b|\bchwarter awr\b|ربع ساعة"), "1/4 hour"),
    (re.compile(r"\buna hora\b|\bawr\b(?<!\d awr)|ساعة واحدة"), "1 hour"),
    (re.compile(r"ساعتان|ساعتين"), "2 hours"),
    (re.compile(r"دقيقة واحدة"), "1 minute"),
    (re.compile(r"دقيقتان|دقيقتين"), "2 minutes"),
    (re.compile(r"\b(?P<n>\d+) (?:hours?|horas?|awr) y media$"), r"\g<n> 1/2 hours"),
    (re.compile(r"\bhoras?\b|\bawr\b|\boriau\b|ساعات|ساعة"), "hours"),
    (re.compile(r"\bminutos?\b|\b[mf]unud(?:au)?\b|دقائق|دقيقة"), "minutes"),
    (re.compile(r"(?<=hours) (?:y|a|ac) |(?<=hour) (?:y|a|ac) |(?<=hours) و ?|(?<=hour) و ?"), " and "),
)
_NUMBER = r"\d+ [1-3]/[2-4]|[1-3]/[2-4]|\d*[.,]\d+|\d+"
_CLOCK = re.compile(rf"(?P<hours>\d{{1,3}}) ?: ?(?P<minutes>\d\d)(?: ?: ?(?P<seconds>\d\d)(?:[.,]0+)?)?(?: ?{_HOUR})?")
_BARE = re.compile(rf"(?P<number>{_NUMBER})")
_MINUTES = re.compile(rf"(?P<minutes>\d+)(?:[.,]0{{1,2}})? ?(?:{_MINUTE})")
_HOURS = re.compile(
    rf"(?P<hours>{_NUMBER}) ?(?:hours|hour|hrs|hr|h)\.?"
    rf"(?: ?(?:,|and|&|\+)? ?(?P<minutes>\d{{1,2}}) ?(?:{_MINUTE})?)?"
)
_TIME_OF_DAY = re.compile(r"\d{1,2}(?: ?[:.] ?\d\d){0,2} ?[ap]\.?m\.?|\d{1,2} ?o'clock")
_MOMENT = r"(?P<{0}h>\d{{1,2}})(?:[:.](?P<{0}m>\d\d)(?::00)?)? ?(?P<{0}half>[ap]\.?m\.?)?"
_BETWEEN = re.compile(rf"(?:from )?{_MOMENT.format('a')} ?(?:-|to|until|till) ?{_MOMENT.format('b')}")


def parse(text: str, *, bare: Bare = "ask", field: str | None = None) -> int | Refusal:
    """Return the whole minutes, 1 .. MAX_MINUTES, in what a person wrote: ``1:30``, ``1h30``, ``90 min``, ``1,5``.

    A number without a unit is hours up to MAX_BARE_HOURS; above that the person is asked, unless ``bare`` says what it
    is. Refusals: ``minutes_missing``, ``minutes_unreadable``, ``minutes_or_hours`` (15: hours or minutes?),
    ``decimal_or_clock`` (1.30: 1 hour 30 or 1.3 hours?), ``minutes_time_of_day`` (2pm), ``minutes_not_whole``,
    ``minutes_zero``, ``minutes_negative``, ``minutes_too_many``.
    """
    if len(text) > MAX_TYPED_DURATION:
        return _unreadable(text, field)
    typed = plain(text)
    if typed.strip("-?. ") == "":
        return Refusal("minutes_missing", say("Enter how long it took, like 1:30 or 90 min."), field)
    negative = typed.startswith("-")
    found = _read(_unspoken(typed.lstrip("-+ ").rstrip(". ")), bare, text, field)
    if isinstance(found, Refusal):
        return found
    if found.denominator != 1:
        return Refusal(
            "minutes_not_whole",
            say("{typed} is not a whole number of minutes. Write it like 1:30, or 90 min.", typed=shown(text)),
            field,
        )
    minutes = int(found)
    if negative and minutes:
        return Refusal("minutes_negative", say("Enter a time longer than nothing, without a minus sign."), field)
    if minutes == 0:
        return Refusal("minutes_zero", say("Enter a time longer than nothing, or leave this person out."), field)
    if minutes > MAX_MINUTES:
        message = say(
            "{typed} is more than {most}. Enter one day at a time.", typed=shown(text), most=Minutes(MAX_MINUTES)
        )
        return Refusal("minutes_too_many", message, field)
    return minutes


def _unreadable(text: str, field: str | None) -> Refusal:
    return Refusal(
        "minutes_unreadable",
        say("We cannot read {typed} as a length of time. Write it like 1:30, or 90 min.", typed=shown(text)),
        field,
    )


def _unspoken(typed: str) -> str:
    written = _WORD_NUMBER.sub(lambda match: _WORD_NUMBERS[match[0]], typed)
    for spoken, number in (*_TRANSLATED, *_SPOKEN):
        written = spoken.sub(number, written)
    return written


def _read(typed: str, bare: Bare, text: str, field: str | None) -> Fraction | Refusal:
    """Return the exact minutes, whole or not, or why the text has no single meaning."""
    if match := _CLOCK.fullmatch(typed):
        found = _clock(match)
        return _unreadable(text, field) if found is None else found
    if match := _BARE.fullmatch(typed):
        return _bare(match["number"], bare, text, field)
    if match := _MINUTES.fullmatch(typed):
        return Fraction(int(match["minutes"]))
    if match := _HOURS.fullmatch(typed):
        return _hours(match["hours"], match["minutes"], text, field)
    if _TIME_OF_DAY.fullmatch(typed):
        return Refusal(
            "minutes_time_of_day",
            say("{typed} is a time of day. Write how long it took, like 1:30.", typed=shown(text)),
            field,
        )
    if match := _BETWEEN.fullmatch(typed):
        return _between(match) or _unreadable(text, field)
    return _unreadable(text, field)


def _clock(match: re.Match[str]) -> Fraction | None:
    minutes, seconds = int(match["minutes"]), int(match["seconds"] or 0)
    if minutes > 59 or seconds > 59:
        return None
    return Fraction(int(match["hours"]) * 60 + minutes) + Fraction(seconds, 60)


def _bare(number: str, bare: Bare, text: str, field: str | None) -> Fraction | Refusal:
    value = _number(number)
    if bare == "minutes":
        return value
    if bare == "ask" and value > MAX_BARE_HOURS:
        amount = shown(text)
        message = say(
            "Is {typed} minutes or hours? Write it with its unit, like {n} min or {n} h.", typed=amount, n=number
        )
        return Refusal("minutes_or_hours", message, field)
    return _hours(number, None, text, field)


def _hours(number: str, minutes: str | None, text: str, field: str | None) -> Fraction | Refusal:
    if minutes is not None:
        if not number.isdigit() or int(minutes) > 59:
            return _unreadable(text, field)
        return Fraction(int(number) * 60 + int(minutes))
    point = re.fullmatch(r"(\d*)[.,](\d+)", number)
    if point is None:
        return _number(number) * 60
    whole, part = point[1] or "0", point[2]
    # 1.333 is never whole minutes, and 1,000 or 1.000 may be a thousand: neither is guessed at.
    if len(part) > 2:
        return Refusal(
            "minutes_not_whole",
            say("{typed} has too many decimal places. Write it like 1:30, or 90 min.", typed=shown(text)),
            field,
        )
    # Quarters of an hour are how spreadsheets write decimal hours; any other pair of digits below 60 may be minutes.
    if len(part) == 2 and int(part) < 60 and part not in ("00", "25", "50"):
        message = say(
            "Is {typed} {hours} h {minutes} min, or part of an hour? Write it like 1:30, or 90 min.",
            typed=shown(text),
            hours=int(whole),
            minutes=int(part),
        )
        return Refusal("decimal_or_clock", message, field)
    return _number(number) * 60


def _number(number: str) -> Fraction:
    whole, _, fraction = number.rpartition(" ")
    return Fraction(int(whole or 0)) + Fraction("0" * (fraction[0] in ".,") + fraction.replace(",", "."))


def _between(match: re.Match[str]) -> Fraction | None:
    """Return the length between two complete times of day (10:00, 2pm), written alike, the first one earlier."""
    ends = []
    for end in "ab":
        hour, minute, half = int(match[end + "h"]), match[end + "m"], (match[end + "half"] or "")[:1]
        if minute is None and not half:
            return None
        if int(minute or 0) > 59 or hour > 23 or (half and not 1 <= hour <= 12):
            return None
        ends.append((hour % 12 + 12 * (half == "p") if half else hour, int(minute or 0), bool(half)))
    (start, start_minute, start_half), (finish, finish_minute, finish_half) = ends
    length = (finish - start) * 60 + finish_minute - start_minute
    return Fraction(length) if start_half == finish_half and length > 0 else None
