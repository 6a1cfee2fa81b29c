"""Who may be meant by what was typed, codes, and the form on paper."""

import io

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank import paper
from timebank.confidence import paper as paper_form
from timebank.confidence import rules
from timebank.confidence.service import Readers


@pytest.mark.parametrize(
    ("about", "name", "expected"),
    [
        ("", "Ruth Goldberg", False),
        ("Ruth", "Ruth Goldberg", True),
        ("that was ruth, on Tuesday", "Ruth Goldberg", True),
        ("GÓLDBERG", "Ruth Goldberg", True),
        ("Truthful people", "Ruth Goldberg", False),
        ("Samir", "Ruth Goldberg", False),
        ("O'Leary", "Bernard O’Leary", True),
        ("Xin", "Xin Li", True),
        ("Li", "Xin Li", False),
        ("Li", "Li", True),
        ("مريم", "مريم الهاشمي", True),
        ("王小明 said it", "王小明", True),
    ],
)
def test_whoever_could_be_meant_is_meant(about: str, name: str, expected: bool) -> None:
    assert rules.could_be_about(about, name) is expected


@given(st.text(min_size=1, max_size=60))
def test_a_whole_name_is_always_found(name: str) -> None:
    from timebank.kit.names import loose_key

    if loose_key(name):
        assert rules.could_be_about(f"it was {name} again", name)


@given(st.text(min_size=1, max_size=64))
def test_a_code_is_read_back_however_it_is_typed(key: str) -> None:
    code = rules.code_of(key)
    assert len(code) == 19
    for typed in (code, code.lower(), code.replace("-", ""), code.replace("-", " – "), code.replace("0", "o")):
        assert rules.normalise_code(typed) == code


@pytest.mark.parametrize("typed", ["", "1234", "ABCD-EFGH-JKMN-PQR", "A" * 17, "💙" * 16, "ABCD-EFGH-JKMN-PQRU"])
def test_what_is_no_code(typed: str) -> None:
    assert rules.normalise_code(typed) is None


def test_a_network_is_two_bytes_and_another_one_tomorrow() -> None:
    mark = rules.network_mark("192.0.2.1", "2026-03-10")
    assert len(mark) == 2
    assert rules.network_mark("192.0.2.1", "2026-03-11") != mark


@pytest.mark.parametrize("large", [False, True])
def test_the_form_on_paper_is_tagged_and_says_whom_to_give_it_to(large: bool) -> None:
    readers = Readers(
        people=(), independent_person="Ivy Long, 01632 960 044", outside_body="The council", safeguarding_lead=""
    )
    content = paper.pdf("tell_someone", paper_form.pdf_data(readers, "Riverside #1 *x*", large=large))
    reader = pypdf.PdfReader(io.BytesIO(content))
    text = "\n".join(page.extract_text() for page in reader.pages)
    for words in ("Tell someone else", "Ivy Long, 01632 960 044", "The council", "What happened?", "Riverside #1 *x*"):
        assert words in text
    assert "Safeguarding lead" not in text
    assert b"pdfuaid:part>1<" in reader.trailer["/Root"]["/Metadata"].get_data()
    assert len(reader.pages) <= (2 if large else 1)
