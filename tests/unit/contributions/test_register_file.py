"""Session registers as spreadsheet programs save them: what is read from each file, line by line."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from timebank.contributions import register_file
from timebank.contributions.register_file import KnownMember, NameMatch, RegisterFile, RegisterLine
from timebank.kit.refusal import Refusal

FILES = Path(__file__).parents[2] / "files" / "registers"

MEMBERS = tuple(
    KnownMember(number, name, f"{number:04}")
    for number, name in enumerate(
        [
            "Amina Yusuf",
            "Bernard O'Leary",
            "Chidi Okafor",
            "Dilys Pryce-Jones",
            "Eun-ji Park",
            "Farid Rahimi",
            "Grace Adeyemi",
            "Hana Nováková",
            "Idris Walker",
            "Joan D’Arcy",
            "Kofi Mensah",
            "Lena Björk",
            "Maryam al-Hashimi (مريم الهاشمي)",
            "Noel Ó Briain",
            "Olu Bankole",
        ],
        start=1,
    )
)


def read(name: str) -> RegisterFile:
    result = register_file.read((FILES / name).read_bytes())
    assert isinstance(result, RegisterFile), result
    return result


def read_text(text: str) -> RegisterFile:
    result = register_file.read(text.encode())
    assert isinstance(result, RegisterFile), result
    return result


def facts(file: RegisterFile) -> list[tuple[int, str, date | None, int | None, str]]:
    return [(line.number, line.name_text, line.held_on, line.minutes, line.activity_text) for line in file.lines]


def codes(file: RegisterFile) -> dict[int, list[str]]:
    return {line.number: [problem.code for problem in line.problems] for line in file.lines if line.problems}


def march(day: int) -> date:
    return date(2026, 3, day)


# file: separator, encoding, and (row, name, day of March 2026, minutes, activity) of each line; none has a problem.
CLEAN: dict[str, tuple[str, str, list[tuple[int, str, int, int, str]]]] = {
    "excel-uk-semicolon-bom.csv": (
        ";",
        "utf-8",
        [
            (2, "Amina Yusuf", 3, 90, "Kitchen table"),
            (3, "Bernard O'Leary", 3, 90, "Kitchen table"),
            (4, "Chidi Okafor", 3, 120, "Kitchen table"),
            (5, "Dilys Pryce-Jones", 3, 45, "Kitchen table"),
        ],
    ),
    "libreoffice-comma.csv": (
        ",",
        "utf-8",
        [
            (2, "Eun-ji Park", 5, 90, "Reading panel"),
            (3, "Farid Rahimi", 5, 120, "Reading panel"),
            (4, "Grace Adeyemi", 5, 45, "Reading panel"),
            (5, "Hana Nováková", 5, 75, "Reading panel"),
        ],
    ),
    "numbers-tab.tsv": (
        "\t",
        "utf-8",
        [
            (2, "Idris Walker", 3, 90, "Bench by the canal"),
            (3, "Joan D’Arcy", 3, 90, "Bench by the canal"),
            (4, "Kofi Mensah", 3, 45, "Bench by the canal"),
        ],
    ),
    "excel-unicode-text.csv": (
        "\t",
        "utf-16-le",
        [
            (2, "Lena Björk", 10, 60, "Hospital letters"),
            (3, "Maryam al-Hashimi", 10, 60, "Hospital letters"),
            (4, "Noel Ó Briain", 10, 75, "Hospital letters"),
            (5, "Olu Bankole", 10, 30, "Hospital letters"),
        ],
    ),
    "windows-1252.csv": (
        ",",
        "cp1252",
        [
            (2, "Lena Björk", 12, 90, "Ward walk-round"),
            (3, "Joan D’Arcy", 12, 90, "Ward walk-round"),
            (4, "Noel Ó Briain", 12, 120, "Ward walk-round"),
        ],
    ),
    "quoted-newlines.csv": (
        ",",
        "utf-8",
        [
            (2, "O'Leary, Bernard", 18, 60, ""),
            (3, "Yusuf, Amina", 18, 90, ""),
            (4, "Grace Adeyemi", 18, 120, ""),
        ],
    ),
    "date-above-headings.csv": (
        ",",
        "utf-8",
        [(5, "Grace Adeyemi", 27, 90, ""), (6, "Hana Nováková", 27, 120, ""), (7, "Kofi Mensah", 27, 30, "")],
    ),
    "old-mac.csv": (",", "utf-8", [(2, "Amina Yusuf", 31, 90, ""), (3, "Kofi Mensah", 31, 45, "")]),
}


@pytest.mark.parametrize("name", CLEAN)
def test_a_file_that_is_read_without_a_question(name: str) -> None:
    separator, encoding, lines = CLEAN[name]
    file = read(name)
    assert facts(file) == [(row, who, march(day), minutes, activity) for row, who, day, minutes, activity in lines]
    assert codes(file) == {}
    assert (file.separator, file.encoding) == (separator, encoding)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no-header.csv", "no_headings"),
        ("header-only.csv", "no_lines"),
        ("empty.csv", "file_empty"),
        ("blank-cells-only.csv", "file_empty"),
        ("xlsx-renamed.csv", "not_csv"),
        ("xls-renamed.csv", "not_csv"),
        ("pdf-renamed.csv", "not_csv"),
        ("photo-renamed.csv", "not_csv"),
        ("open-quote.csv", "quote_not_closed"),
    ],
)
def test_a_file_that_cannot_be_read(name: str, code: str) -> None:
    result = register_file.read((FILES / name).read_bytes())
    assert isinstance(result, Refusal)
    assert (result.code, result.field) == (code, "file")


def test_every_file_in_the_folder_is_described() -> None:
    described = (FILES / "README.md").read_text()
    present = {path.name for path in FILES.iterdir()} - {"README.md"}
    assert present == {
        line.split(" | ")[0][2:] for line in described.splitlines() if line.startswith("| ") and "." in line[:40]
    }


def test_what_was_written_beside_a_line() -> None:
    notes = [line.what_text for line in read("libreoffice-comma.csv").lines]
    assert notes == ["Read the leaflet, marked hard words", "", 'Said the title was "too official"', ""]
    assert read("quoted-newlines.csv").lines[0].what_text.splitlines() == [
        "Drew the route:",
        "- bus stop",
        "- ramp, not the steps",
    ]
    assert read("windows-1252.csv").lines[0].what_text == "Noted where the signs are – three missing"
    assert read("excel-unicode-text.csv").lines[1].what_text == 'Read it in Arabic: "مريم الهاشمي"'


def test_titles_totals_and_a_signature() -> None:
    file = read("title-lines-and-total.csv")
    assert facts(file)[:3] == [
        (5, "Amina Yusuf", march(17), 90, "Kitchen table"),
        (6, "Chidi Okafor", march(17), 90, "Kitchen table"),
        (7, "Kofi Mensah", march(17), 120, "Kitchen table"),
    ]
    assert file.notes == ("Not used: “No”.", "Row 9 is a total and was left out.")
    # What is no total is never dropped in silence.
    assert codes(file) == {10: ["date_missing", "minutes_missing"]}


def test_decimal_commas() -> None:
    file = read("decimal-comma.csv")
    assert [(line.held_on, line.minutes) for line in file.lines] == [
        (march(19), 90),
        (march(19), 15),
        (march(19), 120),
        (march(19), None),
    ]
    assert codes(file) == {5: ["decimal_or_clock"]}


def test_lengths_as_people_write_them() -> None:
    file = read("mixed-durations.csv")
    assert [line.minutes for line in file.lines[:8]] == [90, 90, 90, 90, 90, 90, 30, 120]
    assert file.lines[13].minutes == 90
    assert codes(file) == {
        10: ["minutes_or_hours"],
        11: ["decimal_or_clock"],
        12: ["minutes_missing"],
        13: ["minutes_zero"],
        14: ["minutes_negative"],
        16: ["length_or_start"],
        17: ["minutes_too_many"],
        18: ["minutes_not_whole"],
        19: ["minutes_unreadable"],
    }
    assert all(line.minutes is None for line in file.lines if line.problems)
    assert file.lines[8].minutes_text == "45"


def test_dates_are_never_guessed() -> None:
    file = read("wrong-dates.csv")
    assert codes(file) == {
        2: ["date_month_first"],
        3: ["date_order_doubtful"],
        4: ["date_impossible"],
        5: ["date_weekday_differs"],
        6: ["date_without_year"],
        8: ["date_unreadable"],
        9: ["date_missing"],
        12: ["date_out_of_range"],
    }
    assert [line.held_on for line in file.lines if not line.problems] == [march(3), march(3), march(3)]
    assert file.notes == ("Row 7: the number 46084 was read as 3 March 2026.",)
    assert file.lines[1].date_text == "03/04/2026"


def test_one_date_with_the_month_first_casts_no_doubt_on_dates_in_letters() -> None:
    file = read_text("Name,Date,Hours\nA B,3/25/2026,1\nC D,3 April 2026,1\nE F,25/3/2026,1\nG H,3/4/2026,1\n")
    assert codes(file) == {2: ["date_month_first"], 5: ["date_order_doubtful"]}


def test_start_and_end_give_the_length() -> None:
    file = read("start-and-end.csv")
    assert [line.minutes for line in file.lines] == [90, 105, 90, None, None]
    assert codes(file) == {5: ["minutes_unreadable"], 6: ["minutes_unreadable"]}


def test_hours_and_minutes_in_columns_of_their_own() -> None:
    file = read("hours-and-minutes-columns.csv")
    assert [line.minutes for line in file.lines] == [90, 45, 120, 90, None]
    assert codes(file) == {6: ["hours_and_minutes_differ"]}
    assert [line.member_number for line in file.lines] == ["0001", "0002", "0003", "0004", "0005"]
    assert file.notes == ("Not used: “Phone”.",)


def test_the_day_above_the_headings_is_said_to_be_used() -> None:
    assert read("date-above-headings.csv").notes == (
        "Every line was read as 27 March 2026, the day above the headings.",
    )


def test_two_days_above_the_headings_are_not_chosen_between() -> None:
    file = read_text("Week of 3 March 2026\nFrom,3 March 2026\nto,5 March 2026\nName,Hours\nA B,1\n")
    assert codes(file) == {5: ["date_missing"]}


def test_the_same_line_twice_is_flagged_however_it_is_written() -> None:
    file = read("same-line-twice.csv")
    assert codes(file) == {4: ["line_repeated"]}
    assert "Row 2" in file.lines[2].problems[0].message
    assert file.lines[2].minutes == 90


def test_a_comma_without_quotation_marks_is_noticed() -> None:
    file = read("unquoted-comma.csv")
    assert codes(file) == {2: ["more_cells_than_headings"]}
    assert [line.minutes for line in file.lines] == [None, 120]


@pytest.mark.parametrize(
    ("heading", "cell", "minutes"),
    [
        ("Minutes", "90", 90),
        ("Length (mins)", "90", 90),
        ("TIME IN MINUTES", "90", 90),
        ("Hours", "13", 780),
        ("Number of hours", "1.5", 90),
        ("Time (hh:mm)", "1:30", 90),
        ("Duration", "1h30", 90),
        ("How long?", "2", 120),
        ("Hours given", "2", 120),
        ("Hours or minutes", "2", 120),
        ("Duration (hours and minutes)", "1:30", 90),
    ],
)
def test_headings_of_the_time(heading: str, cell: str, minutes: int) -> None:
    assert read_text(f"Name,Date,{heading}\nA B,3/3/2026,{cell}\n").lines[0].minutes == minutes


@pytest.mark.parametrize(
    ("headings", "cells"),
    [
        ("Date;Hours;Full name", "3/3/2026;1;A B"),
        ("WHEN;  hours ;Who came", "3/3/2026;1;A B"),
        ("Forename;Surname;Session date;Hours", "A;B;3/3/2026;1"),
        ("Name;Surname;Session date;Hours", "A;B;3/3/2026;1"),
        ("First name;Name;Session date;Hours", "A;B;3/3/2026;1"),
        ("Day;Date;Name;Hours", "Tuesday;3/3/2026;A B;1"),
        ("Name;Date;Start;End;Hours", "A B;3/3/2026;10:00;12:00;1"),
        ("Name;Date;Time;Duration", "A B;3/3/2026;10:30;1"),
    ],
)
def test_headings_in_any_order_and_wording(headings: str, cells: str) -> None:
    assert facts(read_text(f"{headings}\n{cells}\n")) == [(2, "A B", march(3), 60, "")]


def test_a_missing_heading_is_named() -> None:
    result = register_file.read(b"Name;Date;Place\nA B;3/3/2026;Hall\n")
    assert isinstance(result, Refusal)
    assert result.code == "no_headings"
    assert "Name, Date and Time" in result.message


def test_totals_in_other_places_and_headings_repeated() -> None:
    file = read_text(
        "Name,Date,Hours\nA B,3/3/2026,1\nName,Date,Hours\nC D,3/3/2026,2\n,Total,3\nGrand total:,,3\n,,3\n"
    )
    assert [line.name_text for line in file.lines] == ["A B", "C D"]
    assert file.notes == (
        "Row 3 repeats the headings and was left out.",
        "Row 5 is a total and was left out.",
        "Row 6 is a total and was left out.",
        "Row 7 is a total and was left out.",
    )


def test_a_line_without_a_name_or_with_a_spreadsheet_error() -> None:
    file = read_text(f"Name,Date,Hours\n,3/3/2026,1\n#REF!,3/3/2026,1\n{'x' * 130},3/3/2026,1\nA B,3/3/2026,1\n")
    assert codes(file) == {2: ["name_missing"], 3: ["name_unreadable"], 4: ["name_too_long"]}


def test_a_time_alone_is_a_total_only_under_the_last_line() -> None:
    file = read_text("Name,Date,Hours\nA B,3/3/2026,1\n,,2\nC D,3/3/2026,1\n")
    assert codes(file) == {3: ["name_missing", "date_missing"]}


def test_commas_in_the_titles_do_not_hide_semicolons_below() -> None:
    file = read_text(
        "Kitchen, hall\nDrop-in, all\nBring soup, bread\nSpring, 2026\nName;Date;Hours\nA B;3/3/2026;1,5\n"
    )
    assert file.separator == ";"
    assert facts(file) == [(6, "A B", march(3), 90, "")]


def test_limits() -> None:
    head, line = "Name,Date,Hours\n", "A B,3/3/2026,1\n"
    full = register_file.read((head + line * register_file.MAX_LINES).encode())
    assert isinstance(full, RegisterFile)
    assert len(full.lines) == register_file.MAX_LINES
    for data, code in (
        ((head + line * (register_file.MAX_LINES + 1)).encode(), "too_many_lines"),
        ((head + line * (register_file.MAX_LINES * 2)).encode(), "too_many_lines"),
        (b"a" * (register_file.MAX_FILE_BYTES + 1), "file_too_large"),
        ((head + "x" * (register_file.MAX_CELL + 1)).encode(), "cell_too_long"),
    ):
        result = register_file.read(data)
        assert isinstance(result, Refusal)
        assert result.code == code


def test_a_digest_forgets_spelling_and_keeps_facts() -> None:
    line = RegisterLine(2, "Joan D’Arcy", march(3), 60, "Choir", "")
    digest = register_file.digest(line)
    assert digest is not None
    for same in (
        replace(line, name_text="JOAN D'ARCY"),
        replace(line, number=9, what_text="sang", activity_text="choir "),
    ):
        assert register_file.digest(same) == digest
    for other in (
        replace(line, name_text="Joan Arc"),
        replace(line, held_on=march(4)),
        replace(line, minutes=61),
        replace(line, activity_text="Walk"),
        replace(line, member_number="7"),
    ):
        assert register_file.digest(other) not in (digest, None)
    assert register_file.digest(replace(line, minutes=None)) is None
    assert register_file.digest(replace(line, name_text="🌻")) != register_file.digest(replace(line, name_text="🌳"))


def matches(file: RegisterFile) -> list[NameMatch]:
    return list(register_file.match_names(file.lines, MEMBERS))


def test_names_of_the_clean_files_are_all_known() -> None:
    for name in CLEAN:
        found = matches(read(name))
        assert found
        assert {match.kind for match in found if name != "excel-unicode-text.csv" or match.line != 3} == {"exact"}


def test_names_in_every_alphabet() -> None:
    found = {
        match.line: (match.kind, [member.id for member in match.members])
        for match in matches(read("names-unicode.csv"))
    }
    assert found == {
        2: ("exact", [2]),
        3: ("exact", [10]),
        4: ("exact", [13]),
        5: ("exact", [13]),
        6: ("exact", [8]),
        7: ("exact", [4]),
        8: ("exact", [3]),
        9: ("exact", [7]),
        10: ("likely", [14]),
        11: ("likely", [11]),
        12: ("likely", [9]),
        13: ("unknown", []),
    }


def match(name: str, members: tuple[KnownMember, ...] = MEMBERS, number: str = "") -> tuple[str, list[int]]:
    line = RegisterLine(2, name, march(3), 60, "", "", member_number=number)
    found = register_file.match_names([line], members)[0]
    return found.kind, [member.id for member in found.members]


def test_two_members_of_one_name_are_told_apart_only_by_number() -> None:
    members = (*MEMBERS, KnownMember(99, "Amina Yusuf", "0099"))
    assert match("Amina Yusuf", members) == ("ambiguous", [1, 99])
    assert match("amina yusuf", members, "99") == ("exact", [99])
    assert match("Amina Yusuf", members, "0001") == ("exact", [1])


def test_a_number_and_a_name_that_disagree_are_asked_about() -> None:
    assert match("Amina Yusuf", number="0002") == ("likely", [2, 1])
    assert match("Amina Yusuf", number="0777") == ("likely", [1])
    assert match("", number="0002") == ("exact", [2])
    assert match("Nobody Known", number="0777") == ("unknown", [])


def test_an_accent_decides_between_two_members_who_differ_only_in_it() -> None:
    members = (KnownMember(1, "Ana Núñez"), KnownMember(2, "Ana Nunez"))
    assert match("Ana Núñez", members) == ("exact", [1])
    assert match("Ana Nunez", members) == ("exact", [2])
    assert match("Ana Nuñez", members) == ("ambiguous", [1, 2])


@pytest.mark.parametrize(
    ("typed", "kind", "members"),
    [
        ("Yusuf, Amina", "exact", [1]),
        ("Yusuf Amina", "likely", [1]),
        ("A. Yusuf", "likely", [1]),
        ("Amina Y", "likely", [1]),
        ("Amina", "likely", [1]),
        ("Amna Yusuf", "likely", [1]),
        ("Bernard OLeary", "exact", [2]),
        ("Maryam al-Hashimi", "exact", [13]),
        ("", "unknown", []),
        ("🌻", "unknown", []),
        ("Zzz", "unknown", []),
    ],
)
def test_near_misses_are_offered_and_never_decided(typed: str, kind: str, members: list[int]) -> None:
    assert match(typed) == (kind, members)


def test_at_most_three_suggestions() -> None:
    members = tuple(KnownMember(number, f"Sam Tester{letter}") for number, letter in enumerate("abcdefgh"))
    kind, found = match("Sam Tester", members)
    assert kind == "likely"
    assert len(found) == 3
