"""Printed pages: tagged as PDF/UA wants, with every name on them, and square codes that say what they should."""

import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pypdf
import pytest
import typst
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf.generic import DictionaryObject, IndirectObject

from timebank import paper
from timebank.activities import sheets
from timebank.activities.sheets import read_sheet_code, sheet_code
from timebank.activities.shown import ActivityShown, PersonOnList
from timebank.identity.cards import qr_svg
from timebank.kit.dates import FIRST_DAY, LAST_DAY
from timebank.paper import PaperError, Spelling, typesetting

ADDRESS = "https://timebank.example/groups/12/register?date=2026-03-17&by=sheet"
DAY = date(2026, 3, 17)
A4 = (595.28, 841.89)
MILLIMETRES_PER_INCH = 25.4
NAMES = ("Ann O’Leary", "Hana Nováková", "مريم الهاشمي", "আমিনা", "ਹਰਪ੍ਰੀਤ", "अमित", "Олена", "Ελένη", "דנה", "ትዕግስት")
NO_FONT = "王小明"


def person(number: int, name: str) -> PersonOnList:
    return PersonOnList(
        member_id=number,
        number=number,
        display_name=name,
        kind="person",
        signed_up_at=None,
        checked_in_at=None,
        had_set_out=False,
        came_last=True,
    )


def sheet_data(*names: str, large: bool = False) -> dict[str, Any]:
    activity = ActivityShown(id=12, is_archived=False, name="Lunch & “tea” #1 *club*", place="Hall", default_minutes=90)
    people = [person(n, name) for n, name in enumerate(names, start=1)]
    sheet = sheets.sign_in_sheet(activity, None, DAY, people, first_names_only=False, host="timebank.example")
    return sheets.sheet_data(sheet, qr=qr_svg(ADDRESS), large=large)


def poster_data() -> dict[str, Any]:
    activity = ActivityShown(id=12, is_archived=False, name="Lunch club")
    address = "https://timebank.example/in/B7K2-M9QX"
    return sheets.poster_data(activity, "B7K2-M9QX", address=address, qr=qr_svg(address), host="timebank.example")


def advance_data() -> dict[str, Any]:
    sheet = sheets.AdvanceSheet("Lunch club", ("Tuesday",), (sheets.Part("Breaks", ("One.", "Two.")),))
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "jpeg")
    return sheets.advance_data(sheet, timebank="Riverside", photos=[(picture.getvalue(), "The blue door")], large=False)


PAGES = {
    "sign_in_sheet": sheet_data(*NAMES),
    "sign_in_sheet large": sheet_data(*NAMES, large=True),
    "poster": poster_data(),
    "advance_sheet": advance_data(),
}


def read(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def text_of(reader: pypdf.PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def elements(node: Any) -> Iterator[DictionaryObject]:
    """Every element of the structure tree below a node."""
    node = node.get_object() if isinstance(node, IndirectObject) else node
    if isinstance(node, list):
        for each in node:
            yield from elements(each)
    elif isinstance(node, DictionaryObject):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node["/K"])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_tagged_and_says_what_it_is(name: str) -> None:
    data = PAGES[name]
    reader = read(paper.pdf(name.split(maxsplit=1)[0], data))
    catalogue = reader.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "en"
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == data["title"]
    assert b"pdfuaid:part>1<" in catalogue["/Metadata"].get_data()
    tree = list(elements(catalogue["/StructTreeRoot"]["/K"]))
    kinds = [element["/S"] for element in tree]
    assert "/P" in kinds
    for figure in (element for element in tree if element["/S"] == "/Figure"):
        assert figure["/Alt"]
    if "sheet" in name and "advance" not in name:
        assert kinds.count("/TH") == 3
        assert kinds.count("/TR") == 1 + len(NAMES) + data["blank_rows"]
    for page in reader.pages:
        assert [float(page.mediabox.width), float(page.mediabox.height)] == pytest.approx(A4, abs=0.1)
        assert page["/Tabs"] == "/S" or "/Annots" not in page
    fonts = {font.get_object()["/BaseFont"] for page in reader.pages for font in page["/Resources"]["/Font"].values()}
    assert all("+Noto" in font for font in fonts), "every font is embedded, and is one of ours"


def test_every_page_says_which_it_is() -> None:
    reader = read(paper.pdf("sign_in_sheet", sheet_data(*(f"Person {n}" for n in range(70)))))
    count = len(reader.pages)
    assert count >= 3
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert f"Page {number} of {count}" in text
        assert f"Sheet {sheet_code(12, DAY)}" in text
        assert "Sign or tick" in text
    assert "Person 69" in text_of(reader)


def test_names_of_many_scripts_are_on_the_sheet_and_none_is_lost() -> None:
    text = text_of(read(paper.pdf("sign_in_sheet", sheet_data(*NAMES, NO_FONT, "Zoë 😀"))))
    for name in ("Ann O’Leary", "Hana Nováková", "Олена", "Ελένη", "Zoë"):
        assert name in text
    # Right-to-left and joined scripts come out of the reader in an order of their own; their letters must be there.
    for name in NAMES:
        assert {letter for letter in name if letter.isalpha()} <= set(text), name
    assert NO_FONT not in text
    # Once in place of the name, once beside it.
    assert text.count(f"Member {len(NAMES) + 1}") == 2
    assert text.count(f"Member {len(NAMES) + 2}") == 1


def test_a_text_that_no_font_has_is_marked_and_not_lost_in_silence() -> None:
    data = poster_data() | {"title": f"Lunch {NO_FONT}"}
    assert "Lunch ???" in text_of(read(paper.pdf("poster", data)))


def test_markup_in_a_name_is_only_text() -> None:
    text = text_of(read(paper.pdf("sign_in_sheet", sheet_data("#panic() *Bo* $x$ @y \\ [z] </bdi>"))))
    assert "#panic() *Bo* $x$ @y \\ [z] </bdi>" in text
    assert "Lunch & “tea” #1 *club*" in text


@pytest.mark.parametrize(
    ("template", "data", "expected"),
    [
        ("sign_in_sheet", sheet_data("Ann"), ADDRESS),
        ("sign_in_sheet", sheet_data("Ann", large=True), ADDRESS),
        ("poster", poster_data(), "https://timebank.example/in/B7K2-M9QX"),
    ],
)
def test_the_square_says_what_it_should_and_is_large_enough(template: str, data: dict[str, Any], expected: str) -> None:
    ppi = 150
    picture = typst.compile(
        typesetting.TEMPLATES / f"{template}.typ",
        root=typesetting.TEMPLATES,
        font_paths=typesetting.fonts(),
        ignore_system_fonts=True,
        format="png",
        ppi=ppi,
        sys_inputs={
            "data": json.dumps(typesetting._settled(data, set())),
            "fonts": json.dumps(typesetting._families()),
        },
    )
    page = Image.open(io.BytesIO(picture)).convert("L")
    (found,) = zxingcpp.read_barcodes(page)
    assert found.text == expected
    width = found.position.top_right.x - found.position.top_left.x
    assert width / ppi * MILLIMETRES_PER_INCH >= 25


def test_mistakes_in_templates_and_data_are_told() -> None:
    for template in ("no_such", "../base", "Sheet", ""):
        with pytest.raises(PaperError, match="no template"):
            paper.pdf(template, {})
    with pytest.raises(PaperError, match="poster"):
        paper.pdf("poster", {"title": "x"})


def test_a_spelling_falls_back_only_where_it_must() -> None:
    data = {"a": [Spelling(text="王", otherwise="M1"), Spelling(text="Ann", otherwise="M2")]}
    assert typesetting._settled(data, {"王"}) == {"a": ["M1", "Ann"]}


def test_plain_text_has_everything_too() -> None:
    activity = ActivityShown(id=12, is_archived=False, name="Lunch club", default_minutes=90)
    sheet = sheets.sign_in_sheet(activity, None, DAY, [person(3, "Ann Bo")], first_names_only=True, host="t.example")
    text = sheets.sheet_text(sheet)
    assert "Ann (Member 3)" in text
    assert sheet.code in text
    assert "t.example/sheet" in text
    assert text.count("Name ____") == sheet.blank_rows >= 8


@given(st.integers(1, 2**24 - 1), st.dates(FIRST_DAY, LAST_DAY))
def test_a_sheets_code_is_read_back(activity_id: int, day: date) -> None:
    code = sheet_code(activity_id, day)
    assert read_sheet_code(code) == (activity_id, day)
    assert read_sheet_code(f" {code.lower().replace('-', ' ')} ") == (activity_id, day)


@given(st.text(max_size=12))
def test_anything_may_be_typed_as_a_code(typed: str) -> None:
    found = read_sheet_code(typed)
    assert found is None or sheet_code(*found)
