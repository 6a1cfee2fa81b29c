"""Letters for banks: what they can carry, nothing else, and never a formula."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.payments.formats import letters

NAMES = [
    ("Bernard O'Leary", "BERNARD OLEARY", "Bernard O'Leary"),
    ("Zoë Łukasiewicz", "ZOE LUKASIEWICZ", "Zoe Lukasiewicz"),
    ("Café 🌻", "CAFE", "Cafe"),
    ("Smith, Jones & Co.", "SMITH JONES & CO.", "Smith, Jones + Co."),
    ("\N{RIGHT-TO-LEFT MARK}مريم الهاشمي", "MRYM LHSHMY", "mrym lhshmy"),
    ("Straße 5/7", "STRASSE 5/7", "Strasse 5/7"),
    ("=HYPERLINK(1)", "HYPERLINK 1", "HYPERLINK(1)"),
    ("-5+3", "5 3", "5+3"),
    ("@SUM", "SUM", "SUM"),
    ("tab\there\x00\x07", "TAB HERE", "tab here"),
    ("//a//b//", "A//B", "a/b"),
    ("e\N{COMBINING ACUTE ACCENT}", "E", "e"),
    ("🌻", "", ""),
    ("", "", ""),
    (" . - ' ", "", ""),
]


@pytest.mark.parametrize(("name", "bacs", "sepa"), NAMES)
def test_what_a_bank_is_sent(name: str, bacs: str, sepa: str) -> None:
    assert letters.bacs(name) == bacs
    assert letters.sepa(name) == sepa


def test_long_names_are_cut_where_the_format_ends() -> None:
    assert letters.bacs("A" * 200) == "A" * 18
    assert letters.sepa("A" * 200) == "A" * 70
    assert letters.written("é" * 200, "any", 35) == "é" * 35
    assert letters.written("é" * 200, "any", 0) == "é" * 200
    assert letters.written("é" * 200, "bacs", 0) == "E" * 200
    assert letters.written("two\r\nlines\x07", "any", 0) == "two\r\nlines"


@given(st.text(max_size=60), st.integers(1, 40))
def test_any_text_comes_out_in_the_letters_and_the_length(text: str, most: int) -> None:
    bacs, sepa = letters.bacs(text, most), letters.sepa(text, most)
    assert re.fullmatch(r"([A-Z0-9][A-Z0-9.&/\- ]*)?", bacs)
    assert re.fullmatch(r"([A-Za-z0-9(][A-Za-z0-9/\-?:().,'+ ]*)?", sepa)
    assert "//" not in sepa
    assert not sepa.endswith("/")
    assert max(len(bacs), len(sepa)) <= most
    # Written again it is the same: what a page shows is what leaves.
    assert (letters.bacs(bacs, most), letters.sepa(sepa, most)) == (bacs, sepa)
