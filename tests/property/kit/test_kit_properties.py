"""Parsers: whatever is typed gives a value in range or a refusal, and what was written is read back."""

import csv as standard
import io
import unicodedata
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from timebank.kit import csv, dates, durations, ids, money, names, paging
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain, shown

# Any text, and texts of the characters that the parsers give a meaning to.
typed = st.text(max_size=80) | st.text("0123456789:.,/-+ hmin½¼''tofan£p٣０", max_size=20)
unicode_texts = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.integers(1, durations.MAX_MINUTES))
@settings(max_examples=1500)
def test_minutes_survive_being_put_into_words(minutes: int) -> None:
    assert durations.parse(durations.in_words(minutes)) == minutes


@given(st.integers(1, durations.MAX_MINUTES))
def test_minutes_survive_every_way_of_writing(minutes: int) -> None:
    hours, rest = divmod(minutes, 60)
    for text in (f"{hours}:{rest:02}", f"{hours:02}:{rest:02}:00", f"{hours}h{rest:02}", f"{minutes} min"):
        assert durations.parse(text) == minutes
    assert durations.parse(str(minutes), bare="minutes") == minutes


@given(typed, st.sampled_from(["ask", "hours", "minutes"]))
@settings(max_examples=500)
def test_no_length_makes_the_parser_crash(text: str, bare: durations.Bare) -> None:
    result = durations.parse(text, bare=bare)
    if isinstance(result, Refusal):
        assert result.code.startswith(("minutes_", "decimal_"))
    else:
        assert 1 <= result <= durations.MAX_MINUTES


@given(typed)
@settings(max_examples=500)
def test_no_date_makes_the_parser_crash(text: str) -> None:
    result = dates.parse(text)
    assert isinstance(result, Refusal) or dates.FIRST_DAY <= result <= dates.LAST_DAY


@given(st.dates(dates.FIRST_DAY, dates.LAST_DAY))
def test_a_day_survives_every_way_of_writing(day: date) -> None:
    number = str((day - date(1899, 12, 30)).days)
    for text in (dates.in_words(day), day.isoformat(), f"{day.day}/{day.month}/{day.year}", number):
        assert dates.parse(text) == day


@given(typed)
@settings(max_examples=500)
def test_no_amount_makes_the_parser_crash(text: str) -> None:
    result = money.parse(text)
    assert isinstance(result, Refusal) or 1 <= result <= money.MAX_PENCE


@given(st.integers(1, money.MAX_PENCE), st.sampled_from(["GBP", "EUR", "CHF", "JPY"]))
def test_an_amount_survives_being_put_into_words(pence: int, currency: str) -> None:
    assert money.parse(money.in_words(pence, currency), currency) == pence
    assert money.parse(money.decimal(pence, currency), currency) == pence


@given(st.integers(0, 2**40 - 1))
def test_a_reference_survives_careless_typing(number: int) -> None:
    reference = ids.reference_of(number)
    careless = reference.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    assert ids.normalise_reference(careless) == reference


@given(unicode_texts)
def test_no_text_makes_a_reference_or_a_cursor_crash(text: str) -> None:
    normalised = ids.normalise_reference(text)
    assert normalised is None or ids.normalise_reference(normalised) == normalised
    keys = paging.parse_cursor(text)
    assert isinstance(keys, Refusal) or paging.cursor(*keys) == text


@given(st.lists(st.integers(-(2**63 - 1), 2**63 - 1), min_size=1, max_size=4))
def test_cursors_round_trip(keys: list[int]) -> None:
    assert paging.parse_cursor(paging.cursor(*keys), len(keys)) == tuple(keys)


@given(st.text(max_size=60))
def test_names_settle(text: str) -> None:
    assert names.tidy(names.tidy(text)) == names.tidy(text)
    assert names.key(names.key(text)) == names.key(text)
    assert names.loose_key(names.loose_key(text)) == names.loose_key(text)
    assert names.key(text.upper()) == names.key(names.tidy(text.upper()))
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in names.key(text) + plain(text) + shown(text))


@given(st.lists(st.lists(unicode_texts, min_size=1, max_size=5), max_size=6), st.sampled_from([",", ";", "\t"]))
@settings(max_examples=200)
def test_what_is_written_is_read_back_by_any_reader(table: list[list[str]], separator: str) -> None:
    for line_end in ("\r\n", "\n"):
        text = csv.write(table, separator=separator, line_end=line_end)
        read = list(standard.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
        assert read == [[csv.neutralise(cell) for cell in cells] for cells in table]


@given(st.lists(st.lists(unicode_texts, min_size=1, max_size=5), max_size=6))
def test_our_reader_reads_what_our_writer_writes(table: list[list[str]]) -> None:
    rows = csv.rows(csv.write(table), ",")
    assert not isinstance(rows, Refusal)
    expected = [csv._trimmed([csv.neutralise(cell) for cell in cells]) for cells in table]
    assert [row.cells for row in rows] == [cells for cells in expected if cells]


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_crash(data: bytes) -> None:
    decoded = csv.decode(data)
    if isinstance(decoded, csv.Decoded):
        assert csv.sniff(decoded.text) in csv.SEPARATORS
        assert isinstance(csv.rows(decoded.text, csv.sniff(decoded.text)), tuple | Refusal)
    else:
        assert decoded.field == "file"
