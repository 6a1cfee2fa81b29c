"""Days: the day comes before the month, and whatever could be two days is refused."""

from datetime import date, timedelta

import pytest
from babel.dates import format_date

from timebank.kit import dates
from timebank.kit.refusal import Refusal
from timebank.languages import LANGUAGES

THIRD_OF_MARCH = date(2026, 3, 3)


@pytest.mark.parametrize(
    "text",
    [
        "03/03/2026",
        "3/3/26",
        "03.03.2026",
        "3-3-2026",
        "3 / 3 / 2026",
        "2026-03-03",
        "2026/03/03",
        "2026-03-03 00:00:00",
        "2026-03-03T10:30:00Z",
        "03/03/2026 10:00",
        "3 March 2026",
        "3rd of March 2026",
        "3-Mar-26",
        "3 Mar. 2026",
        "3mar2026",
        "Tue 3 Mar 2026",
        "Tuesday, 3 March 2026",
        "TUES 03/03/2026",
        "March 3, 2026",
        "Tuesday March 3rd 2026",
        "46084",
        "46084.4375",
        "٠٣/٠٣/٢٠٢٦",
        "3 de marzo de 2026",
        "3 Marzo 2026",
        "martes 3 mar 2026",
        "3 del marzo del 2026",
        "3 Mawrth 2026",
        "dydd Mawrth 3 Mawrth 2026",
        "3 Maw. 2026",
        "٣ مارس ٢٠٢٦",
        "الثلاثاء، 3 مارس 2026",
        " 03/03/2026\N{NO-BREAK SPACE}",
    ],
)
def test_one_day_in_many_ways(text: str) -> None:
    assert dates.parse(text) == THIRD_OF_MARCH


def test_the_day_comes_before_the_month() -> None:
    assert dates.parse("05/04/2026") == date(2026, 4, 5)
    assert dates.parse("1 Sept 2026") == date(2026, 9, 1)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["full", "long", "EEE d MMM y", "d MMMM y"])
def test_every_day_is_read_as_each_language_writes_it(language: str, form: str) -> None:
    for n in range(0, 366, 5):
        day = date(2026, 1, 1) + timedelta(days=n)
        assert dates.parse(format_date(day, form, locale=language if language != "en" else "en_GB")) == day


def test_accents_may_be_missing() -> None:
    assert dates.parse("miercoles 4 marzo 2026") == date(2026, 3, 4)
    assert dates.parse("1 ابريل 2026") == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("lunes 3 de marzo de 2026", "date_weekday_differs"),
        ("31 de febrero de 2026", "date_impossible"),
        ("3 de marzo", "date_without_year"),
        ("3 Mawrth", "date_without_year"),
        ("3 marsec 2026", "date_unreadable"),
        ("", "date_missing"),
        ("-", "date_missing"),
        ("03/25/2026", "date_month_first"),
        ("12/13/26", "date_month_first"),
        ("13/25/2026", "date_impossible"),
        ("31/02/2026", "date_impossible"),
        ("29 Feb 2026", "date_impossible"),
        ("2026-13-01", "date_impossible"),
        ("0/1/2026", "date_impossible"),
        ("Mon 3 Mar 2026", "date_weekday_differs"),
        ("3/3", "date_without_year"),
        ("3 March", "date_without_year"),
        ("3/3/1926", "date_out_of_range"),
        ("1999-12-31", "date_out_of_range"),
        ("2100-01-01", "date_out_of_range"),
        ("10000", "date_out_of_range"),
        ("4608", "date_unreadable"),
        ("460840", "date_unreadable"),
        ("Friday", "date_unreadable"),
        ("3 Marsch 2026", "date_unreadable"),
        ("3-3/2026", "date_unreadable"),
        ("9" * 80, "date_unreadable"),
    ],
)
def test_what_is_no_day_is_refused(text: str, code: str) -> None:
    refusal = dates.parse(text, field="held_on")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (code, "held_on")


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [("03/04/2026", True), ("3.4.26", True), ("03/03/2026", False), ("25/03/2026", False), ("3 April 2026", False)],
)
def test_which_dates_have_another_reading(text: str, doubtful: bool) -> None:
    assert dates.could_be_month_first(text) is doubtful


def test_a_day_in_words() -> None:
    assert dates.in_words(THIRD_OF_MARCH) == "3 March 2026"
