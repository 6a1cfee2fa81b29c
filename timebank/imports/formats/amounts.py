"""Lengths of time and days as other programs write them, read exactly. No float is involved, and nothing is rounded."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

from timebank.imports.formats.base import Unit
from timebank.kit import dates
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown

MAX_TYPED = 40
MAX_MINUTES = 100_000_000  # 190 years: more is a mistake, and every sum of a file fits
MINUTES_IN: dict[str, Fraction] = {"seconds": Fraction(1, 60), "minutes": Fraction(1), "hours": Fraction(60)}
_UNITS: dict[str, Fraction] = {
    spelling: MINUTES_IN[unit]
    for unit, spellings in {
        "hours": ("h", "hr", "hrs", "hour", "hours"),
        "minutes": ("m", "min", "mins", "minute", "minutes"),
        "seconds": ("s", "sec", "secs", "second", "seconds"),
    }.items()
    for spelling in spellings
}
_CLOCK = re.compile(r"(\d{1,7}):(\d\d)(?::(\d\d))?")
_NUMBER = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?: \d{3})+)?(?:([.,])(\d+))?")
_WITH_UNITS = re.compile(r"(?:(\d+(?:[.,]\d+)?) ?([a-z]+)\.?)(?: ?(?:and )?(\d+) ?([a-z]+)\.?|(\d{1,2}))?")
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ t](\d\d):(\d\d)(?::(\d\d))?(?:[.,]\d+)? ?(z|utc|gmt|[+-]\d\d:?\d\d)", re.IGNORECASE
)
_HOW = "Write hours and minutes, like 1:30, or a number, like 1.5."


def read_minutes(text: str, unit: Unit) -> Fraction | Refusal:
    """The exact minutes in a text, which may be less than nothing; a number without a unit is in ``unit``.

    Refusals: ``amount_missing``, ``amount_unreadable``, ``amount_ambiguous`` (1,500: a thousand or one and a half?),
    ``amount_too_large``, ``unit_unknown`` (a plain number, and ``unit`` is "").
    """
    if len(text) > MAX_TYPED:
        return Refusal("amount_unreadable", f"We cannot read {shown(text)} as a length of time. {_HOW}", "amount")
    typed = plain(text)
    if not typed.strip("-+ "):
        return Refusal("amount_missing", "This line says no time. Add it in the file.", "amount")
    is_negative = typed.startswith("-")
    found = _read(typed.lstrip("-+ "), unit, text)
    if isinstance(found, Refusal):
        return found
    if found > MAX_MINUTES:
        return Refusal("amount_too_large", f"{shown(text)} is more time than there can be. Check it.", "amount")
    return -found if is_negative else found


def _read(typed: str, unit: Unit, text: str) -> Fraction | Refusal:
    unreadable = Refusal("amount_unreadable", f"We cannot read {shown(text)} as a length of time. {_HOW}", "amount")
    if match := _CLOCK.fullmatch(typed):
        hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
        return unreadable if minutes > 59 or seconds > 59 else Fraction(hours * 60 + minutes) + Fraction(seconds, 60)
    if match := _NUMBER.fullmatch(typed):
        number = _plain_number(match, text)
        if isinstance(number, Refusal):
            return number
        if not unit:
            return Refusal("unit_unknown", f"Is {shown(text)} in hours, minutes or seconds? Say so above.", "amount")
        return number * MINUTES_IN[unit]
    if match := _WITH_UNITS.fullmatch(typed):
        return _with_units(match) or unreadable
    return unreadable


def _plain_number(match: re.Match[str], text: str) -> Fraction | Refusal:
    whole, point, part = match[1] or "", match[2], match[3] or ""
    grouped = re.search(r"[., ]", whole)
    if not whole and not part:
        return Refusal("amount_unreadable", f"We cannot read {shown(text)} as a number. {_HOW}", "amount")
    if grouped and point == grouped[0]:
        return Refusal("amount_unreadable", f"We cannot read {shown(text)} as a number. {_HOW}", "amount")
    if len(part) == 3 and 1 <= len(whole) <= 3 and not grouped and whole != "0":
        thousand = f"{whole}{part}"
        message = f"Is {shown(text)} {thousand}, or {whole} and a part? Write it without the sign, or as {whole}:30."
        return Refusal("amount_ambiguous", message, "amount")
    if grouped and not point and grouped[0] != " " and len(re.findall(r"[.,]", whole)) == 1:
        thousand = re.sub(r"[.,]", "", whole)
        message = f"Is {shown(text)} {thousand}, or a number with a part? Write it without the sign."
        return Refusal("amount_ambiguous", message, "amount")
    number = Fraction(int(re.sub(r"[., ]", "", whole) or "0"))
    return number + (Fraction(int(part), 10 ** len(part)) if part else 0)


def _with_units(match: re.Match[str]) -> Fraction | None:
    """``1h 30m``, ``1h30``, ``90 min``, ``1.5 hours``, ``45 s``."""
    first, first_unit, second, second_unit, bare = match.groups()
    if first_unit not in _UNITS:
        return None
    whole, _, part = first.replace(",", ".").partition(".")
    total = (Fraction(int(whole)) + (Fraction(int(part), 10 ** len(part)) if part else 0)) * _UNITS[first_unit]
    if bare is not None:
        return total + int(bare) if _UNITS[first_unit] == 60 and int(bare) < 60 else None
    if second is not None:
        if second_unit not in _UNITS or _UNITS[second_unit] >= _UNITS[first_unit] or int(second) > 59:
            return None
        total += int(second) * _UNITS[second_unit]
    return total


def read_day(text: str, zone: ZoneInfo, field: str = "date") -> date | Refusal:
    """The day in a text. A moment that says its zone is the day it was in the time bank's own zone.

    Refusals: those of ``kit.dates.parse``.
    """
    if match := _MOMENT.fullmatch(text.strip()[:MAX_TYPED]):
        year, month, day, hour, minute = (int(match[at]) for at in range(1, 6))
        try:
            moment = datetime(year, month, day, hour, minute, int(match[6] or 0), tzinfo=_offset(match[7]))
            found = moment.astimezone(zone).date()
        except (ValueError, OverflowError):
            return Refusal("date_impossible", f"There is no moment {shown(text)}. Check the day and the time.", field)
        return dates.parse(found.isoformat(), field=field)
    return dates.parse(text, field=field)


def _offset(text: str) -> timezone:
    if text.lower() in ("z", "utc", "gmt"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
