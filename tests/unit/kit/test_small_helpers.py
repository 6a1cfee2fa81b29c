"""Clock, ids, paging, names and text: the small promises that every room relies on."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from timebank.kit import ids, names, paging, text
from timebank.kit.clock import FixedClock, SystemClock, today
from timebank.kit.refusal import Refusal

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


def test_clocks_give_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
    assert FixedClock(NOON.astimezone(timezone(timedelta(hours=5)))).now().utcoffset() == timedelta(0)


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.advance(timedelta(minutes=5)) == clock.now() == NOON + timedelta(minutes=5)
    clock.set(NOON)
    assert clock.now() == NOON


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), "Europe/London", date(2026, 3, 28)),
        (datetime(2026, 3, 29, 23, 30, tzinfo=UTC), "Europe/London", date(2026, 3, 30)),  # summer time has begun
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "America/New_York", date(2026, 3, 28)),
    ],
)
def test_today_is_the_day_where_the_time_bank_is(moment: datetime, zone: str, day: date) -> None:
    assert today(moment, zone) == day


def test_a_moment_without_a_zone_is_a_bug() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        today(naive, "Europe/London")
    with pytest.raises(ValueError, match="time zone"):
        FixedClock(naive)


def test_uuid7_is_version_7_and_in_order() -> None:
    made = [ids.uuid7() for _ in range(100)]
    assert {one.version for one in made} == {7}
    assert made == sorted(made)
    assert len(set(made)) == 100


def test_references_are_short_plain_and_different() -> None:
    made = {ids.reference() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(one) == 9 and one[4] == "-" and not set(one) & set("ILOU") for one in made)


def test_a_reference_stands_for_its_number() -> None:
    assert ids.reference_of(0) == "0000-0000"
    assert ids.reference_of(31) == "0000-000Z"
    assert ids.reference_of(2**40 - 1) == "ZZZZ-ZZZZ"
    with pytest.raises(ValueError, match="40 bits"):
        ids.reference_of(2**40)


@pytest.mark.parametrize(
    "typed",
    [
        "B7K0-M911",
        "b7k0m911",
        " b7ko m9il ",
        "B7K0\N{EN DASH}M911",
        "Ｂ７Ｋ０Ｍ９１１",
        "\N{LEFT-TO-RIGHT MARK}b7k0.m9-1l",
    ],
)
def test_a_reference_is_understood_however_it_is_typed(typed: str) -> None:
    assert ids.normalise_reference(typed) == "B7K0-M911"


@pytest.mark.parametrize("typed", ["", "B7K0-M91", "B7K0-M9111", "B7K0-M91U", "B7K0-M91!", "é" * 8, "A" * 5000])
def test_what_cannot_be_a_reference(typed: str) -> None:
    assert ids.normalise_reference(typed) is None


def test_secrets_are_long_and_different() -> None:
    made = {ids.secret_token() for _ in range(100)}
    assert len(made) == 100
    assert all(len(one) * 6 >= 128 and one.isascii() for one in made)


def test_sha256_of_text_and_of_its_bytes() -> None:
    assert ids.sha256("é") == ids.sha256("é".encode())
    assert ids.sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_page_knows_whether_there_is_more() -> None:
    page = paging.page_of([9, 8, 7], 2, lambda row: (row,))
    assert page.items == (9, 8)
    assert page.next_cursor is not None
    assert paging.parse_cursor(page.next_cursor) == (8,)
    assert paging.page_of([9, 8], 2, lambda row: (row,)).next_cursor is None
    assert paging.page_of([], 2, lambda row: (row,)) == paging.Page(())


def test_a_cursor_of_several_keys() -> None:
    assert paging.parse_cursor(paging.cursor(-5, 2**63 - 1), 2) == (-5, 2**63 - 1)


@pytest.mark.parametrize(
    "cursor", ["", "!", "é", "MQ==", "x" * 500, paging.cursor(1, 2), paging.cursor(2**63), "MDE", "IDE", "MS41"]
)
def test_a_cursor_that_this_service_did_not_write(cursor: str) -> None:
    refusal = paging.parse_cursor(cursor)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "bad_cursor"


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        (None, paging.DEFAULT_PAGE_SIZE),
        ("", paging.DEFAULT_PAGE_SIZE),
        ("1", 1),
        (paging.MAX_PAGE_SIZE, paging.MAX_PAGE_SIZE),
    ],
)
def test_page_sizes(asked: int | str | None, size: int) -> None:
    assert paging.page_size(asked) == size


@pytest.mark.parametrize("asked", ["0", -1, paging.MAX_PAGE_SIZE + 1, "ten", "1.5", "٣", "9" * 5000])
def test_page_sizes_that_are_refused(asked: int | str) -> None:
    refusal = paging.page_size(asked)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "bad_page_size"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bernard O'Leary", "BERNARD  O’LEARY"),
        ("Bernard O'Leary", "Bernard Oʼleary "),
        ("Dilys Pryce-Jones", "dilys pryce\N{NON-BREAKING HYPHEN}jones"),
        ("Dilys Pryce-Jones", "Dilys Pryce – Jones"),
        ("Chidi Okafor", "Chidi\N{NO-BREAK SPACE}Okafor"),
        ("مريم الهاشمي", "\N{RIGHT-TO-LEFT MARK}مريم  الهاشمي\N{RIGHT-TO-LEFT MARK}"),
        ("Hana Nováková", "Hana Nova\N{COMBINING ACUTE ACCENT}kova\N{COMBINING ACUTE ACCENT}"),
        ("Lena Groß", "LENA GROSS"),
    ],
)
def test_two_spellings_of_one_name(one: str, other: str) -> None:
    assert names.key(one) == names.key(other)


def test_accents_count_first_and_are_forgotten_second() -> None:
    assert names.key("Hana Nováková") != names.key("Hana Novakova")
    assert names.loose_key("Hana Nováková") == names.loose_key("hana novakova")
    assert names.loose_key("Lena Bjørk") == "lena bjork"
    assert names.loose_key("Dilys Pryce-Jones") == names.loose_key("Dilys Pryce Jones")
    assert names.loose_key("Bernard O'Leary") == names.loose_key("bernard oleary")


def test_tidy_keeps_what_people_see() -> None:
    assert names.tidy("  Joan\tD’Arcy\x00 \N{RIGHT-TO-LEFT MARK}") == "Joan D’Arcy"
    family = "👩\N{ZERO WIDTH JOINER}👧"
    assert names.tidy(family) == family


def test_shown_is_one_short_visible_line() -> None:
    assert text.shown("a\nb\N{RIGHT-TO-LEFT OVERRIDE}c") == "“a bc”"
    assert text.shown("x" * 100) == "“" + "x" * 39 + "…”"
