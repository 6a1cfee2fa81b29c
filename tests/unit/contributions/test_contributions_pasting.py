"""A pasted list: names and times on each line, in the ways that people write them."""

import pytest

from timebank.contributions import pasting, register_file
from timebank.contributions.register_file import RegisterFile
from timebank.kit.refusal import Refusal


def read(pasted: str, length: str = "") -> RegisterFile:
    content = pasting.as_file(pasted, day="2026-03-10", group="Lunch, club", length=length)
    assert isinstance(content, str), content
    file = register_file.read(content.encode())
    assert isinstance(file, RegisterFile), file
    return file


@pytest.mark.parametrize(
    ("line", "name", "minutes"),
    [
        ("Amina Yusuf, 1:30", "Amina Yusuf", 90),
        ("Amina Yusuf, 1,5", "Amina Yusuf", 90),
        ("Yusuf, Amina, 90 min", "Yusuf, Amina", 90),
        ("Amina Yusuf\t1h30", "Amina Yusuf", 90),
        ("Amina Yusuf; 1.5", "Amina Yusuf", 90),
        ("Amina Yusuf 1 hour 30 minutes", "Amina Yusuf", 90),
        ("  Tom O’Brien   2 ", "Tom O’Brien", 120),
        ("שרה כהן, 45 min", "שרה כהן", 45),
        ("Mary-Jane Smith", "Mary-Jane Smith", None),
    ],
)
def test_each_line_has_a_name_and_a_time(line: str, name: str, minutes: int | None) -> None:
    (one,) = read(line).lines
    assert (one.name_text, one.minutes, one.activity_text) == (name, minutes, "Lunch, club")
    assert one.held_on is not None
    assert one.held_on.isoformat() == "2026-03-10"


def test_lines_keep_the_numbers_of_the_list_and_a_usual_length_helps() -> None:
    file = read("Amina Yusuf, 1:30\n\n\nTom O’Brien\nBo, lots\n", length="2:00")
    assert [(one.number, one.name_text, one.minutes) for one in file.lines] == [
        (1, "Amina Yusuf", 90),
        (4, "Tom O’Brien", 120),
        (5, "Bo", None),
    ]


def test_a_table_with_headings_is_taken_as_it_is() -> None:
    pasted = "Name\tDate\tTime\nAmina Yusuf\t3/3/2026\t1:30\n"
    assert pasting.as_file(pasted, day="2026-03-10", group="Lunch", length="") == pasted


def test_nothing_and_too_much() -> None:
    for pasted, code in (("\n \n", "list_missing"), ("A, 1:00\n" * 1001, "too_many_lines")):
        refused = pasting.as_file(pasted, day="2026-03-10", group="Lunch", length="")
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.field) == (code, "pasted")


def test_a_column_of_line_numbers_that_repeats_is_not_used() -> None:
    file = register_file.read(b"Line,Name,Date,Time\n7,Amina,3/3/2026,1:30\n7,Bo,3/3/2026,1:30\n")
    assert isinstance(file, RegisterFile)
    assert [one.number for one in file.lines] == [2, 3]
