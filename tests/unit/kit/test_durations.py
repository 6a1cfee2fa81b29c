"""Lengths of time: every way people write them gives exact minutes, and what could mean two things is asked about."""

import pytest

from timebank.kit import durations
from timebank.kit.refusal import Refusal


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (45, "45 minutes"),
        (60, "1 hour"),
        (61, "1 hour 1 minute"),
        (90, "1 hour 30 minutes"),
        (120, "2 hours"),
        (60_000, "1,000 hours"),
        (-90, "minus 1 hour 30 minutes"),
    ],
)
def test_minutes_in_words(minutes: int, words: str) -> None:
    assert durations.in_words(minutes) == words


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1 hora", 60),
        ("2 horas", 120),
        ("30 minutos", 30),
        ("1 hora y 30 minutos", 90),
        ("1 hora 30 minutos", 90),
        ("una hora y 1 minuto", 61),
        ("media hora", 30),
        ("1 hora y media", 90),
        ("2 horas y media", 150),
        ("1,5 horas", 90),
        ("1 awr", 60),
        ("2 awr 30 munud", 150),
        ("1 awr a 30 munud", 90),
        ("hanner awr", 30),
        ("45 munud", 45),
        ("2 funud", 2),
        ("ساعة واحدة", 60),
        ("ساعتان", 120),
        ("3 ساعات", 180),
        ("٣ ساعات و١٥ دقيقة", 195),
        ("ساعة واحدة و30 دقيقة", 90),
        ("نصف ساعة", 30),
        ("30 دقيقة", 30),
    ],
)
def test_lengths_as_the_translated_pages_write_them(text: str, minutes: int) -> None:
    assert durations.parse(text) == minutes


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1:30", 90),
        ("01:30", 90),
        ("1:30:00", 90),
        (" 0:05 ", 5),
        ("24:00", 1440),
        ("1:30 h", 90),
        ("1h30", 90),
        ("1h5", 65),
        ("1H 30M", 90),
        ("1h 30m", 90),
        ("1 h", 60),
        ("2hrs", 120),
        ("2 hrs.", 120),
        ("1 hr 15 mins", 75),
        ("90 min", 90),
        ("90m", 90),
        ("90mins.", 90),
        ("90 minutes", 90),
        ("90.0 min", 90),
        ("45'", 45),
        ("1.5", 90),
        ("1,5", 90),
        ("1.5h", 90),
        ("0,25 hours", 15),
        (".5", 30),
        ("1.1", 66),
        ("1.00", 60),
        ("1.25", 75),
        ("1.50", 90),
        ("1.75", 105),
        ("1½", 90),
        ("½", 30),
        ("2¾ hours", 165),
        ("1 1/2 hours", 90),
        ("1/3 hour", 20),
        ("1", 60),
        ("12", 720),
        ("13 h", 780),
        ("1 hour 30 minutes", 90),
        ("1 hour and 30 minutes", 90),
        ("2 hours, 15 min", 135),
        ("an hour", 60),
        ("half an hour", 30),
        ("Half hour", 30),
        ("an hour and a half", 90),
        ("one and a half hours", 90),
        ("2 hours and a half", 150),
        ("two hours", 120),
        ("forty-five minutes", 45),
        ("a quarter of an hour", 15),
        ("three quarters of an hour", 45),
        ("10:00-11:30", 90),
        ("10:00 – 11:30", 90),
        ("9.15 to 10.00", 45),
        ("11am to 1pm", 120),
        ("12pm-12:45pm", 45),
        ("1\N{NO-BREAK SPACE}h", 60),
        ("１：３０", 90),
        ("١:٣٠", 90),
        ("\N{RIGHT-TO-LEFT MARK}٩٠ min", 90),
    ],
)
def test_a_length_as_people_write_it(text: str, minutes: int) -> None:
    assert durations.parse(text) == minutes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "minutes_missing"),
        ("  ", "minutes_missing"),
        ("-", "minutes_missing"),
        ("?", "minutes_missing"),
        ("0", "minutes_zero"),
        ("0:00", "minutes_zero"),
        ("-0", "minutes_zero"),
        ("0 min", "minutes_zero"),
        ("-1", "minutes_negative"),
        ("\N{MINUS SIGN}1:30", "minutes_negative"),
        ("13", "minutes_or_hours"),
        ("90", "minutes_or_hours"),
        ("12.5", "minutes_or_hours"),
        ("1.30", "decimal_or_clock"),
        ("1,15", "decimal_or_clock"),
        ("1.05", "decimal_or_clock"),
        ("1.333", "minutes_not_whole"),
        ("1,000", "minutes_not_whole"),
        ("1.67", "minutes_not_whole"),
        ("1:30:30", "minutes_not_whole"),
        ("24:01", "minutes_too_many"),
        ("25 h", "minutes_too_many"),
        ("99999999999999999999 min", "minutes_too_many"),
        ("2pm", "minutes_time_of_day"),
        ("10:30 a.m.", "minutes_time_of_day"),
        ("1:60", "minutes_unreadable"),
        ("1:5", "minutes_unreadable"),
        ("1h 75m", "minutes_unreadable"),
        ("1.5h 30", "minutes_unreadable"),
        ("1/0", "minutes_unreadable"),
        ("10-12", "minutes_unreadable"),
        ("11:30-10:00", "minutes_unreadable"),
        ("2-3:30pm", "minutes_unreadable"),
        ("2:00-3:30pm", "minutes_unreadable"),
        ("1e2", "minutes_unreadable"),
        ("NaN", "minutes_unreadable"),
        ("all day", "minutes_unreadable"),
        ("1:30" + "0" * 60, "minutes_unreadable"),
    ],
)
def test_what_is_doubtful_or_no_length_is_refused(text: str, code: str) -> None:
    refusal = durations.parse(text, field="minutes")
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert refusal.field == "minutes"
    assert refusal.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "bare", "minutes"),
    [
        ("90", "minutes", 90),
        ("1", "minutes", 1),
        ("1:30", "minutes", 90),
        ("2 h", "minutes", 120),
        ("13", "hours", 780),
        ("1.5", "hours", 90),
        ("45 min", "hours", 45),
    ],
)
def test_a_heading_says_what_a_bare_number_is(text: str, bare: durations.Bare, minutes: int) -> None:
    assert durations.parse(text, bare=bare) == minutes


def test_a_part_of_a_minute_is_refused_where_numbers_are_minutes() -> None:
    refusal = durations.parse("1.5", bare="minutes")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "minutes_not_whole"


def test_a_long_text_is_not_repeated_in_full() -> None:
    refusal = durations.parse("x" * 100_000)
    assert isinstance(refusal, Refusal)
    assert len(refusal.message) < 200
