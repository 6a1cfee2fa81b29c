"""Working days: weekends and the holidays of the region do not count."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.kit.working_days import is_region, is_working_day, next_working_day, working_days_after

REGIONS = ["GB-ENG", "GB-SCT", "FR", "US", "", "XX-NOWHERE"]


@pytest.mark.parametrize(
    ("day", "count", "region", "expected"),
    [
        (date(2026, 3, 10), 0, "GB-ENG", date(2026, 3, 10)),
        (date(2026, 3, 14), 0, "GB-ENG", date(2026, 3, 16)),  # a Saturday
        (date(2026, 3, 13), 1, "GB-ENG", date(2026, 3, 16)),
        (date(2026, 4, 2), 1, "GB-ENG", date(2026, 4, 7)),  # Good Friday, the weekend, Easter Monday
        (date(2026, 4, 2), 1, "GB-SCT", date(2026, 4, 6)),  # Easter Monday is worked in Scotland
        (date(2026, 4, 2), 1, "", date(2026, 4, 3)),
        (date(2026, 12, 24), 10, "GB-ENG", date(2027, 1, 12)),  # Boxing Day on a Saturday is made up for
    ],
)
def test_holidays_do_not_count(day: date, count: int, region: str, expected: date) -> None:
    assert working_days_after(day, count, region) == expected


def test_regions() -> None:
    assert is_region("GB-ENG")
    assert is_region("FR")
    assert not is_region("")
    assert not is_region("GB-XXX")
    assert not is_region("Narnia")


def test_a_count_has_limits() -> None:
    for count in (-1, 1_001):
        with pytest.raises(ValueError, match="working days"):
            working_days_after(date(2026, 3, 10), count, "")


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 60), st.sampled_from(REGIONS))
def test_it_ends_on_a_working_day_and_counts_each(day: date, count: int, region: str) -> None:
    ends = working_days_after(day, count, region)
    assert is_working_day(ends, region)
    passed = sum(is_working_day(date.fromordinal(n), region) for n in range(day.toordinal() + 1, ends.toordinal() + 1))
    assert passed == count if count else ends == next_working_day(day, region)
