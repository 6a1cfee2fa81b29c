"""Files of codes, as shops send them."""

from datetime import date

import pytest

from timebank.kit import sheets
from timebank.kit.csv import Row
from timebank.kit.refusal import Refusal
from timebank.redemptions import codes_file

TODAY = date(2026, 3, 10)


def read(text: str) -> list[codes_file.CodeLine]:
    sheet = sheets.read(text.encode())
    assert not isinstance(sheet, Refusal), sheet
    lines = codes_file.read(sheet.rows, today=TODAY)
    assert not isinstance(lines, Refusal), lines
    return lines


def test_headings_in_any_order() -> None:
    (line,) = read("Expiry date;PIN;Voucher code\n31/12/2026;0042;GIFT-77\n")
    assert (line.code, line.pin, line.expires_on, line.problem) == ("GIFT-77", "0042", date(2026, 12, 31), "")


@pytest.mark.parametrize(
    ("text", "pin", "ends"),
    [
        ("GIFT", "", None),
        ("GIFT,1234", "1234", None),
        ("GIFT,1234,2026-12-31", "1234", date(2026, 12, 31)),
        ("GIFT,31/12/2026", "", date(2026, 12, 31)),
        ("GIFT,,31 December 2026", "", date(2026, 12, 31)),
    ],
)
def test_without_headings(text: str, pin: str, ends: date | None) -> None:
    (line,) = read(text)
    assert (line.code, line.pin, line.expires_on, line.problem) == ("GIFT", pin, ends, "")


def test_every_bad_line_says_why_and_the_others_go_on() -> None:
    lines = read("A,1\nA,2\n,3\nB,,1/1/2020\nC,,soon\n" + "D" * 101 + "\nE," + "9" * 41 + "\nF")
    assert [bool(line.problem) for line in lines] == [False, True, True, True, True, True, True, False]
    assert lines[1].problem == "This is the same code as in line 1."


def test_the_good_lines_can_be_read_again() -> None:
    lines = read("=SUM(1),007,31/12/2026\n-A1\nplain")
    again = read(codes_file.as_text(lines))
    assert [(line.code, line.pin, line.expires_on) for line in again] == [
        (line.code, line.pin, line.expires_on) for line in lines
    ]


@pytest.mark.parametrize("rows", [[], [Row(1, ("Code",))]])
def test_a_file_without_codes_is_refused(rows: list[Row]) -> None:
    answer = codes_file.read(rows, today=TODAY)
    assert isinstance(answer, Refusal)
    assert answer.code == "no_codes"


def test_too_many_are_refused() -> None:
    rows = [Row(n, (f"C{n}",)) for n in range(codes_file.MAX_CODES + 1)]
    answer = codes_file.read(rows, today=TODAY)
    assert isinstance(answer, Refusal)
    assert answer.code == "too_many_lines"


def test_what_is_locked_comes_back_in_two_parts() -> None:
    (line,) = read("GIFT,1234")
    assert codes_file.opened(line.content) == ("GIFT", "1234")
