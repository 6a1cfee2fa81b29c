"""The days and the funder that a report is asked for."""

from datetime import date

import msgspec

from timebank.kit.dates import parse
from timebank.kit.refusal import Refusal
from timebank.reports.rules import tax_year

MAX_DAYS = 3660
MAX_FUNDER = 100


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """From one day to another (both included); ``funder`` is "" for all of them."""

    first: date
    last: date
    funder: str = ""


def asked(first: str, last: str, funder: str, *, today: date, month: int, day: int) -> Asked | list[Refusal]:
    """What the address asks for; without days the tax year until today.

    Refusals: those of a day that cannot be read, ``days_backwards``, ``too_many_days``.
    """
    days: dict[str, date] = {"first": tax_year(today, month=month, first_day=day), "last": today}
    refusals = []
    for name, typed in (("first", first), ("last", last)):
        if typed.strip():
            found = parse(typed, field=name)
            if isinstance(found, Refusal):
                refusals.append(found)
            else:
                days[name] = found
    if refusals:
        return refusals
    if days["last"] < days["first"]:
        return [Refusal("days_backwards", "Enter a last day that is not before the first day.", "last")]
    if (days["last"] - days["first"]).days > MAX_DAYS:
        return [Refusal("too_many_days", "Enter days that lie at most 10 years apart.", "last")]
    return Asked(first=days["first"], last=days["last"], funder=funder.replace("\0", "").strip()[:MAX_FUNDER])
