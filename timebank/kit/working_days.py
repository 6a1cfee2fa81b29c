"""Working days of a region: for limits that never end on a day when nobody works.

A region is a country and, where holidays differ inside it, a part of it, as ISO 3166 writes them: ``GB-ENG``, ``FR``.
"""

from collections.abc import Container
from datetime import date, timedelta
from functools import cache

import holidays

MAX_WORKING_DAYS = 1_000
WEEKEND = (5, 6)
ONE_DAY = timedelta(days=1)


def is_region(region: str) -> bool:
    """True for a region whose public holidays are known."""
    country, _, part = region.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    return country in known and (not part or part in known[country])


def is_working_day(day: date, region: str) -> bool:
    """True for Monday to Friday without the public holidays of the region; an unknown region has none."""
    return day.weekday() not in WEEKEND and day not in _holidays(region)


def next_working_day(day: date, region: str) -> date:
    """The day itself when somebody works on it, otherwise the first such day after it."""
    while not is_working_day(day, region):
        day += ONE_DAY
    return day


def working_days_after(day: date, count: int, region: str) -> date:
    """The day on which ``count`` working days after ``day`` have passed; with 0 the first working day from ``day``.

    Raises:
        ValueError: ``count`` is negative or beyond MAX_WORKING_DAYS.
    """
    if not 0 <= count <= MAX_WORKING_DAYS:
        raise ValueError(f"between 0 and {MAX_WORKING_DAYS} working days")
    for _ in range(count):
        day = next_working_day(day + ONE_DAY, region)
    return next_working_day(day, region)


@cache
def _holidays(region: str) -> Container[date]:
    """The public holidays of a region; the library works each year out when it is first asked about."""
    if not is_region(region):
        return frozenset[date]()
    country, _, part = region.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)
