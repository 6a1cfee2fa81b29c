"""What goes on paper: tagged, with squares that say what they should."""

import asyncio
import io
import json
from datetime import date

import pypdf
import pytest
import segno
import typst
import zxingcpp
from msgspec.structs import replace
from PIL import Image

from timebank import languages, paper
from timebank.identity.service import qr_svg
from timebank.paper import typesetting
from timebank.redemptions import vouchers_paper
from timebank.redemptions.suppliers_statement import OwedToUs, Statement, StatementLine, as_csv, next_month, read_month
from timebank.redemptions.vouchers_shown import OpenedCode

SLIP = OpenedCode(
    reference="AAAA-BBBB",
    title="Lunch at the café",
    kind="ours",
    state="live",
    code="B7K2M9QXTR",
    pin="",
    last_day=date(2026, 12, 5),
    returns_hours=True,
    allows_parts=False,
    left_pence=500,
    is_part_used=False,
    supplier="مقهى الزاوية",
)
LINES = (
    StatementLine(
        day=date(2026, 3, 3),
        reference="K7MQ-2BDX",
        what="=cmd",
        pence=500,
        state="Paid",
        paid_on=None,
        due_on=None,
        note="",
    ),
    StatementLine(
        day=date(2026, 3, 4),
        reference="K7MQ-2BDY",
        what="Lunch",
        pence=250,
        state="To be paid",
        paid_on=None,
        due_on=date(2026, 4, 3),
        note="",
    ),
)


def is_tagged(content: bytes, language: str = "en") -> pypdf.PdfReader:
    reader = pypdf.PdfReader(io.BytesIO(content))
    catalogue = reader.root_object
    assert catalogue["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalogue
    assert catalogue["/Lang"] == language
    return reader


@pytest.mark.parametrize("large", [False, True])
def test_slips_are_tagged_one_on_a_page_and_name_nobody(large: bool) -> None:
    content = asyncio.run(
        vouchers_paper.slips_pdf(
            [SLIP, SLIP], base_url="https://hours.test", timebank="Riverside", contact="Call 01632 960 001", large=large
        )
    )
    reader = is_tagged(content)
    assert len(reader.pages) == 2
    text = reader.pages[0].extract_text()
    assert "B7K2M-9QXTR" in text
    assert "5 December 2026" in text


def test_every_slip_is_in_the_language_of_whoever_gets_it() -> None:
    slips = [replace(SLIP, language=code) for code in ("ar", "es")]
    content = asyncio.run(
        vouchers_paper.slips_pdf(
            slips, base_url="https://hours.test", timebank="R", contact="01632 960 001", large=False
        )
    )
    first, second = (page.extract_text() for page in is_tagged(content, "ar").pages)
    # The letters of Arabic come out of a PDF in their joined shapes, so this looks only for the script.
    assert "How to use it" not in first
    assert any("\u0600" <= letter <= "\u06ff" for letter in first)
    with languages.speaking("es"):
        assert languages.gettext("How to use it") in second
    assert "B7K2M-9QXTR" in first


def rendered(template: str, data: dict[str, object]) -> list[Image.Image]:
    """The pages as pictures: the same template, data and typesetting as the PDF."""
    pages = typst.compile(
        typesetting.TEMPLATES / f"{template}.typ",
        root=typesetting.TEMPLATES,
        font_paths=typesetting.fonts(),
        ignore_system_fonts=True,
        format="png",
        ppi=72,
        sys_inputs={
            "data": json.dumps(typesetting._settled(data, set())),
            "fonts": json.dumps(typesetting._families()),
        },
    )
    return [Image.open(io.BytesIO(page)) for page in (pages if isinstance(pages, list) else [pages])]


def test_the_squares_on_paper_are_read_by_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    set_pages: dict[str, dict[str, object]] = {}
    monkeypatch.setattr(paper, "pdf", lambda name, data: set_pages.update({name: data}) or b"")
    slips = [SLIP, replace(SLIP, code="C3K2M9QXTR", language="ar")]
    asyncio.run(
        vouchers_paper.slips_pdf(slips, base_url="https://hours.test", timebank="R", contact="01632", large=False)
    )
    asyncio.run(
        vouchers_paper.poster_pdf(
            address="https://hours.test/till/open/secret", supplier="Corner Café", timebank="R", contact="01632"
        )
    )
    for page, slip in zip(rendered("voucher_slip", set_pages["voucher_slip"]), slips, strict=True):
        (found,) = zxingcpp.read_barcodes(page)
        assert found.text == f"https://hours.test/till/use/{slip.code}"
        is_right = found.position.top_left.x > page.width / 2
        assert is_right == (slip.language == "ar")
    (found,) = zxingcpp.read_barcodes(rendered("supplier_poster", set_pages["supplier_poster"])[0])
    assert found.text == "https://hours.test/till/open/secret"


def test_the_square_of_a_voucher_says_the_address_of_the_till_with_its_code() -> None:
    address = vouchers_paper.use_address("https://hours.test", SLIP.code)
    assert address == "https://hours.test/till/use/B7K2M9QXTR"
    picture = io.BytesIO()
    segno.make(address, error="m", micro=False).save(picture, kind="png", scale=8, border=4)
    (found,) = zxingcpp.read_barcodes(Image.open(picture))
    assert found.text == address
    # The very modules that go on paper and on the page.
    assert qr_svg(address).count("<path") == 2


def test_the_poster_has_its_square_and_a_sheet_for_days_without_signal() -> None:
    content = asyncio.run(
        vouchers_paper.poster_pdf(
            address="https://hours.test/till/open/secret",
            supplier="Corner Café",
            timebank="Riverside",
            contact="Call us",
        )
    )
    reader = is_tagged(content)
    assert len(reader.pages) == 2
    assert "Corner Café" in reader.pages[0].extract_text()
    assert "No signal?" in reader.pages[1].extract_text()


@pytest.mark.parametrize("large", [False, True])
def test_a_statement_adds_up_and_is_tagged(large: bool) -> None:
    owed = OwedToUs(day=date(2026, 3, 5), reference="K7MQ-2BDZ", what="Dinner", pence=120)
    shown = Statement(month=date(2026, 3, 1), lines=LINES, months=(), owed_to_us=(owed,))
    assert (shown.total_pence, shown.paid_pence) == (750, 500)
    content = asyncio.run(
        vouchers_paper.statement_pdf(shown, supplier="Corner Café", timebank="R", currency="GBP", large=large)
    )
    text = is_tagged(content).pages[0].extract_text()
    assert "March 2026" in text
    assert "£7.50" in text
    assert "You owe us" in text
    assert "£1.20" in text


def test_a_spreadsheet_runs_nothing_of_the_csv() -> None:
    content = as_csv(Statement(month=date(2026, 3, 1), lines=LINES, months=()), "GBP")
    assert "'=cmd" in content
    assert "5.00,GBP,Paid" in content


@pytest.mark.parametrize(
    ("typed", "month"),
    [("2026-02", date(2026, 2, 1)), ("", date(2026, 3, 1)), ("2026-13", date(2026, 3, 1)), ("x" * 7, date(2026, 3, 1))],
)
def test_months(typed: str, month: date) -> None:
    assert read_month(typed, default=date(2026, 3, 10)) == month
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
