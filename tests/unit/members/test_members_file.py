"""Lists of members as people have them: which column is what, what a line says, who is there already."""

import io
import zipfile
from datetime import date
from xml.sax.saxutils import escape

import pytest

from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.members import many, member_file
from timebank.members.many import Answers
from timebank.members.member_file import MemberFile

TODAY = date(2026, 3, 10)
STAFF = Actor(timebank_id=1, member_id=1, roles=frozenset({"coordinator"}))


def read(text: str | bytes, **said: object) -> MemberFile:
    file = member_file.read(text.encode() if isinstance(text, str) else text, **said)  # type: ignore[arg-type]
    assert isinstance(file, MemberFile), file
    return file


def roles(file: MemberFile) -> list[str]:
    return [column.role for column in file.columns]


def known(number: int, name: str, email: str = "", digits: str = "") -> dict[str, object]:
    return {
        "id": 100 + number,
        "number": number,
        "display_name": name,
        "name_key": names.key(name),
        "email": email,
        "digits": digits,
    }


def judged(text: str, *people: dict[str, object], answers: Answers | None = None) -> many.Preview:
    return many.judge(STAFF, read(text), people, answers or Answers(), TODAY)


def states(preview: many.Preview) -> list[str]:
    return [line.state for line in preview.lines]


def workbook(rows: list[list[str | int]]) -> bytes:
    """A small .xlsx made by hand, as spreadsheet programs write them."""
    cells = "".join(
        f'<row r="{at}">'
        + "".join(
            f"<c><v>{cell}</v></c>" if isinstance(cell, int) else f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
            for cell in row
        )
        + "</row>"
        for at, row in enumerate(rows, start=1)
    )
    space = "http://schemas.openxmlformats.org"
    relations = f'<Relationships xmlns="{space}/package/2006/relationships"><Relationship Id="r1" Type='
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": relations
        + f'"{space}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{space}/spreadsheetml/2006/main" '
        f'xmlns:r="{space}/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": relations
        + f'"{space}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{space}/spreadsheetml/2006/main"><sheetData>{cells}'
        "</sheetData></worksheet>",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Name,Phone,E-mail\nAnn,01632 960001,a@b.org\n", ["name", "phone", "email"]),
        ("\ufeffE-Mail;Surname;First name;Mobile\nb@c.org;Bee;Ann;\n", ["email", "last", "first", "phone"]),
        ("Full Name\tDate joined\tSkills\nAnn\t3/3/2026\tbaking\n", ["name", "joined_on", "can_offer"]),
        ("Members of the club\n\nName,Access needs\nAnn,step-free\n", ["name", "access_needs"]),
        ("Ann Bee\nBo Day\n", ["name"]),
        ("Ann Bee,a@b.org,01632 960 001\nBo Day,b@c.org,\n", ["name", "email", "phone"]),
        ("Name,Address,Town,Postcode,Shoe size\nAnn,1 The Row,Ely,CB7,39\n", ["name", *["postal_address"] * 3, ""]),
    ],
)
def test_columns_are_recognised_in_any_order(text: str, expected: list[str]) -> None:
    assert roles(read(text)) == expected


def test_a_line_says_all_that_there_is() -> None:
    text = (
        "First name,Surname,E-mail,Messages by,Address line 1,Postcode,Language,Format,Access needs,Joined,Type\n"
        "Ann,O’Neill,a@b.org,post,1 The Row,CB7 1AA,Welsh,large print,A quiet room,2025-04-01,Person\n"
    )
    (line,) = read(text).lines
    details = line.details
    assert (details.display_name, details.email, details.contact_route) == ("Ann O’Neill", "a@b.org", "letter")
    assert (details.postal_address, details.language, details.format_preference) == (
        "1 The Row\nCB7 1AA",
        "cy",
        "large_print",
    )
    assert (line.joined_on, line.kind, line.number) == (date(2025, 4, 1), "person", 2)


def test_without_a_word_messages_go_where_there_is_an_address() -> None:
    lines = read("Name,E-mail,Phone,Address\nA,a@b.org,01632960001,\nB,,01632960001,\nC,,,1 The Row\nD,,,\n").lines
    assert [line.details.contact_route for line in lines] == ["email", "phone", "letter", "none"]


def test_what_a_person_says_about_columns_goes_before_the_guess() -> None:
    text = "Nom,Courriel\nAnn,a@b.org\n"
    guessed = read(text)
    assert guessed.is_guessed
    assert [line.details.display_name for line in guessed.lines] == ["Nom", "Ann"]
    told = read(text, columns={0: "name", 1: "email"}, has_headings=True)
    assert [line.details.display_name for line in told.lines] == ["Ann"]
    assert not told.is_guessed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_encoding_of_a_spreadsheet_is_read(encoding: str) -> None:
    (line,) = read("Name;Notes\nZoë Müller;x\n".encode(encoding)).lines
    assert line.details.display_name == "Zoë Müller"


def test_a_workbook_is_read_like_a_csv() -> None:
    file = read(workbook([["Name", "Phone"], ["Ann & Bo", 1632960001], ["", ""], ["Cy", ""]]))
    assert [(line.number, line.details.display_name, line.details.phone) for line in file.lines] == [
        (2, "Ann & Bo", "1632960001"),
        (4, "Cy", ""),
    ]


def test_a_workbook_that_would_fill_the_memory_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (61 * 1024 * 1024))
    refusal = member_file.read(file.getvalue())
    assert isinstance(refusal, Refusal)
    assert refusal.code == "workbook_unreadable"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"PK\x03\x04 not a zip", "workbook_unreadable"),
        (b"%PDF-1.7", "not_csv"),
        (b"Name,Phone\n", "no_lines"),
        (b"Name\n" + b"A\n" * 1001, "too_many_lines"),
        (b"A" * (1024 * 1024 + 1), "file_too_large"),
        (b"PK\x03\x04" + b"A" * (1024 * 1024), "file_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_says_why(content: bytes, code: str) -> None:
    refusal = member_file.read(content)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (code, "file")


def test_a_bad_line_does_not_stop_the_others() -> None:
    preview = judged("Name,E-mail,Joined\nAnn,nonsense,\n,x@y.org,\nBo,,31/2/2026\nCy,,\nDi,,1/1/2030\n")
    assert states(preview) == ["refused", "refused", "refused", "ready", "refused"]
    assert preview.lines[0].why.startswith("E-mail: Enter an e-mail address")


def test_the_same_person_is_there_and_the_same_name_is_a_question() -> None:
    people = (
        known(1, "Ann Bee", "ann@b.org"),
        known(2, "Bo Day", "", "447700900123"),
        known(3, "Cy Eve"),
        known(4, "Di Fay", "family@b.org"),
    )
    text = (
        "Name,E-mail,Phone\nann  bee,ANN@b.org,\nBo Day,,07700 900123\nCy Eve,,\nEd Fay,family@b.org,\nNew One,,\n"
        "New One,,\nNew Two,n@b.org,\nNew Two,n@b.org,\n"
    )
    preview = judged(text, *people)
    assert states(preview) == ["there", "there", "question", "question", "ready", "question", "ready", "there"]
    assert preview.lines[7].why == "Line 8 says the same."
    answered = judged(text, *people, answers=Answers(same={4: "same", 5: "new"}, all_same="new"))
    assert states(answered) == ["there", "there", "there", "ready", "ready", "ready", "ready", "there"]


def test_what_was_left_out_can_be_put_right_and_read_again() -> None:
    preview = judged("Name,Phone\nAnn,+44 ring me\nBo,\n")
    text = many.left_out_csv(["Name", "Phone"], many.left_out(preview))
    assert "'+44 ring me" in text
    again = read(text.replace(" ring me", " 1632 960001"))
    assert roles(again) == ["", "name", "phone"]
    assert [line.details.phone for line in again.lines] == ["+44 1632 960001"]
    assert many.judge(STAFF, again, (), Answers(), TODAY).lines[0].state == "ready"


def test_an_opendocument_sheet_is_read_too() -> None:
    office, table, text = (f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text"))
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in (["Name", "E-mail"], ["Ann Ö", "ann@example.org"])
    )
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    content = (
        f'<office:document-content xmlns:office="{office}" xmlns:table="{table}" xmlns:text="{text}"><office:body>'
        f'<office:spreadsheet><table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/></manifest:manifest>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", mime)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    (line,) = read(file.getvalue()).lines
    assert (line.details.display_name, line.details.email) == ("Ann Ö", "ann@example.org")
