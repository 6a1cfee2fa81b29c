"""What stands on paper: sums that add up, in the reader's language, in every size, with every name."""

import io
from datetime import UTC, date, datetime
from uuid import UUID

import pypdf
import pytest

from tests.pseudo import speak_pseudo
from timebank import languages, paper
from timebank.home.dated import Dated
from timebank.home.queries import EntryRow
from timebank.home.rules import change_words
from timebank.kit.words import say
from timebank.statements import letter
from timebank.statements.paper import Printed, Subject, as_text, pdf_data

SUBJECT = Subject(name="王小明", number=17, timebank="Riverside", made_on=date(2026, 3, 10))


def row(n: int, minutes: int, after: int) -> EntryRow:
    return EntryRow(
        seq=n,
        title=say("Taken back: {what}", what="Lunch & #1 *club*") if minutes < 0 else "Lunch club",
        detail="",
        made_by="Ann O’Leary",
        happened_on=date(2026, 1 + n // 20, 1 + n % 20),
        recorded_at=datetime(2026, 3, 1, tzinfo=UTC),
        minutes=minutes,
        change=change_words("contribution", minutes),
        balance_after=after,
        entry_id=UUID(int=n),
        agreed="",
    )


def printed(code: str = "7Q2M-9XKD-P4RT-V0C3") -> Printed:
    rows = tuple(row(n, 60 if n % 3 else -30, 100 + n) for n in range(30))
    found = Dated(first=date(2026, 1, 1), last=date(2026, 3, 10), opening=100, rows=rows, is_cut=False)
    return Printed(subject=SUBJECT, dated=found, code=code, base_url="https://timebank.example")


def text_of(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.parametrize("large", [False, True])
def test_a_name_that_no_font_has_becomes_the_member_number(large: bool) -> None:
    said = text_of(paper.pdf("statement", pdf_data(printed(), large=large)))
    assert "Member 17" in said
    for words in ("At the end: 23 hours 20 minutes"[:11], "7Q2M-9XKD-P4RT-V0C3", "timebank.example/check"):
        assert words in said


def test_the_letter_keeps_its_sentence_without_the_name() -> None:
    data = letter.pdf_data(SUBJECT, "Dilys, 01632 960 123.", None, on=SUBJECT.made_on, large=False)
    said = text_of(paper.pdf("hours_letter", data))
    assert "Member 17 is a member of Riverside." in said
    assert "?" not in said
    assert "Dilys, 01632 960 123." in said


def test_every_word_of_a_statement_and_of_the_letter_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    speak_pseudo(monkeypatch)
    with languages.speaking("cy"):
        lines = as_text(printed()).splitlines()
        said = letter.as_text(SUBJECT, "Dilys", on=SUBJECT.made_on).splitlines()
        assert pdf_data(printed(), large=False)["language"] == "cy"
    names = ("RIVERSIDE", "Riverside", "timebank.example/check", "7Q2M", SUBJECT.name)
    for line in (*lines, *said):
        is_month = line.istitle() or line.isupper()
        is_entry = line.startswith("Dydd ")  # a day, then the group in its own words
        assert not line or "⟦" in line or line.startswith(names) or is_month or is_entry or line[0].isdigit(), line


def test_right_to_left_is_set_too() -> None:
    with languages.speaking("ar"):
        data = pdf_data(printed(), large=False)
    found = pypdf.PdfReader(io.BytesIO(paper.pdf("statement", data)))
    assert found.trailer["/Root"]["/Lang"] == "ar"  # type: ignore[index]
