"""CSV: the bytes that spreadsheet programs write, and text that they open without running anything."""

import csv as standard
import io

import pytest

from timebank.kit import csv
from timebank.kit.refusal import Refusal


def refused(result: object) -> str:
    assert isinstance(result, Refusal)
    assert result.field == "file"
    return result.code


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Zoë;1".encode(), "utf-8"),
        (b"\xef\xbb\xbf" + "Zoë;1".encode(), "utf-8"),
        (b"\xff\xfe" + "Zoë;1".encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + "Zoë;1".encode("utf-16-be"), "utf-16-be"),
        ("Zoë;1".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings(data: bytes, encoding: str) -> None:
    assert csv.decode(data) == csv.Decoded("Zoë;1", encoding, None)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04rest",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"{\\rtf1}",
        b"  <!doctype html>",
        b"<?xml version='1.0'?>",
        b"a,b\x00c",
        "a,b".encode("utf-16-le"),
        b"\xff\xfea",
        b"\xff\xfe\x00\xd8",
        b"a\x81b",
        b"a,\x01b",
    ],
)
def test_what_is_not_a_csv_says_how_to_save_one(data: bytes) -> None:
    result = csv.decode(data)
    assert refused(result) == "not_csv"
    assert isinstance(result, Refusal)
    assert "File, Save as, CSV" in result.message


@pytest.mark.parametrize("data", [b"", b" \r\n", b"\xef\xbb\xbf", b";;;\r\n;;;", b"sep=;\r\n", b'"",""'])
def test_an_empty_file(data: bytes) -> None:
    assert refused(csv.decode(data)) == "file_empty"


def test_a_file_that_is_too_large() -> None:
    assert isinstance(csv.decode(b"a" * 100, max_bytes=100), csv.Decoded)
    assert refused(csv.decode(b"a" * 101, max_bytes=100)) == "file_too_large"


@pytest.mark.parametrize("first", ["sep=;\r\n", "SEP=;\n", '"sep=;"\r', "sep=;;;;\r\n"])
def test_a_line_that_names_the_separator(first: str) -> None:
    assert csv.decode(f"{first}a;b".encode()) == csv.Decoded("a;b", "utf-8", ";")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2", ","),
        ("a;b\n1,5;2", ";"),
        ("a\tb\n1, 2\t3", "\t"),
        ("a|b\n1|2", "|"),
        ("Title\n\na;b;c\n1;2;3,5\n4;5;6,5", ";"),
        ('a;b\n"x,y,z";2\n"x,y,z";3', ";"),
        ("single", ","),
    ],
)
def test_sniffing(text: str, separator: str) -> None:
    assert csv.sniff(text) == separator


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    text = 'a,b\r\n\r\n"two\r\nlines", x \r\n,,\r\nlast,\N{NO-BREAK SPACE}\r\n'
    assert csv.rows(text, ",") == (
        csv.Row(1, ("a", "b")),
        csv.Row(3, ("two\r\nlines", "x")),
        csv.Row(5, ("last",)),
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    assert csv.rows(f"a,b{end}c,d{end}", ",") == (csv.Row(1, ("a", "b")), csv.Row(2, ("c", "d")))


def test_limits_of_rows() -> None:
    assert refused(csv.rows("a\n" * 4, ",", max_rows=3)) == "too_many_lines"
    assert len(csv.rows("a\n" * 3, ",", max_rows=3)) == 3  # type: ignore[arg-type]
    assert refused(csv.rows("abcd", ",", max_cell=3)) == "cell_too_long"
    assert refused(csv.rows("x" * 200_000, ",", max_cell=3)) == "cell_too_long"
    assert refused(csv.rows(",".join("x" * (csv.MAX_COLUMNS + 1)), ",")) == "too_many_columns"


def test_a_quotation_mark_that_is_never_closed() -> None:
    result = csv.rows('a,b\n1,"2\n3,4', ",")
    assert refused(result) == "quote_not_closed"
    assert isinstance(result, Refusal)
    assert "row 2" in result.message


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", " =", "\N{NO-BREAK SPACE}@", "＝"])
def test_formulas_are_neutralised(first: str) -> None:
    assert csv.neutralise(f"{first}cmd|' /C calc'!A0").startswith("'")


@pytest.mark.parametrize("text", ["", "O'Leary", "a=b", "1+1", "مريم", "🌻", "12-34"])
def test_other_text_is_left_alone(text: str) -> None:
    assert csv.neutralise(text) == text


def test_writing_quotes_only_where_needed() -> None:
    assert csv.write([["a", 'say "x"', "b,c", "d\ne", 5, csv.Plain("-1.50"), "-1.50"]]) == (
        'a,"say ""x""","b,c","d\ne",5,-1.50,\'-1.50\r\n'
    )


def test_a_return_inside_a_cell_stays_inside_it() -> None:
    text = csv.write([["a\rb", "c"]], line_end="\n")
    assert list(standard.reader(io.StringIO(text, newline=""))) == [["a\rb", "c"]]


def test_a_row_of_one_empty_cell_is_still_a_row() -> None:
    assert list(standard.reader(io.StringIO(csv.write([[""], ["x"]]), newline=""))) == [[""], ["x"]]
