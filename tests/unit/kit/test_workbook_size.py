"""A small workbook cannot become a large table: neither by its zip, nor by one cell far out, nor by repeats."""

import io
import struct
import zipfile
import zlib

import pytest

from timebank.kit import sheets
from timebank.kit.refusal import Refusal

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/{{kind}}" Target="{{target}}"/></Relationships>'
)
BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    f'xmlns:r="{OFFICE}"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
SHEET = (
    '{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{rows}</sheetData></worksheet>"
)
CELL = '<c{at} t="inlineStr"><is><t>x</t></is></c>'


def xlsx(rows: str, before: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", RELS.format(kind="worksheet", target="worksheets/sheet1.xml"))
        archive.writestr("xl/worksheets/sheet1.xml", SHEET.format(before=before, rows=rows))
    return file.getvalue()


def ods(rows: int, columns: int) -> bytes:
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    media = "application/vnd.oasis.opendocument.spreadsheet"
    content = (
        f'<office:document-content xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0" '
        f'xmlns:text="{urn}:text:1.0"><office:body><office:spreadsheet><table:table table:name="a">'
        f'<table:table-row table:number-rows-repeated="{rows}"><table:table-cell office:value-type="string" '
        f'table:number-columns-repeated="{columns}"><text:p>x</text:p></table:table-cell></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", media)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{urn}:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/></manifest:manifest>',
        )
        archive.writestr("content.xml", content)
    return file.getvalue()


def lying(content: bytes, says: int) -> bytes:
    """A zip whose directory says that its last part is ``says`` bytes long, with the checksum of just those."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        part = archive.infolist()[-1]
        real = archive.read(part)
    pairs = (
        (struct.pack("<II", part.compress_size, len(real)), struct.pack("<II", part.compress_size, says)),
        (struct.pack("<I", zlib.crc32(real)), struct.pack("<I", zlib.crc32(real[:says]))),
    )
    for old, new in pairs:
        assert content.count(old) == 2
        content = content.replace(old, new)
    return content


def row(number: int | None, *cells: str) -> str:
    at = "" if number is None else f' r="{number}"'
    return f"<row{at}>{''.join(CELL.format(at=f' r={chr(34)}{c}{chr(34)}' if c else '') for c in cells)}</row>"


@pytest.mark.parametrize(
    "content",
    [
        xlsx(row(1, "A1") + row(1048576, "XFD1048576")),
        xlsx(row(1, "A1") + row(200000, "ZZ200000")),
        xlsx(row(1, "") + row(1048576, "XFD1048576")),
        xlsx(row(1, "A1") + f"<row r='1048576'>{CELL.format(at='') * 300}</row>"),
        xlsx(row(1, "A1") + '<row r="1048576"><c x="&gt;>" r="XFD1048576" t="b"><v>1</v></c></row>'),
        xlsx(row(1, "A1") + '<row r="9"><c r="&#88;FD1048576" t="b"><v>1</v></c></row>'),
        ods(1_000_000, 10),
        ods(1_000_000, 16_000),
    ],
)
def test_one_cell_far_out_makes_no_table_of_millions(content: bytes) -> None:
    assert len(content) < 10_000
    found = sheets.read(content)
    assert isinstance(found, Refusal)
    assert found.code == "workbook_unreadable"


def test_a_zip_that_lies_about_its_size_is_taken_at_its_word() -> None:
    content = xlsx(row(1, "A1"), before=" " * 5000)
    assert isinstance(sheets.read(content), sheets.Sheet)
    found = sheets.read(lying(content, 1000))
    assert isinstance(found, Refusal)


def test_entities_are_not_unfolded() -> None:
    found = sheets.read(xlsx(row(1, "A1"), before='<!DOCTYPE a [<!ENTITY b "bb">]>'))
    assert isinstance(found, Refusal)


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (xlsx(row(1, "A1", "C1")), ("x", "", "x")),
        (xlsx(row(None, "", "")), ("x", "x")),
        (xlsx(row(1, "A1") + row(900_000, "B900000")), ("x",)),
        (ods(3, 2), ("x", "x")),
    ],
)
def test_tables_as_programs_write_them_are_read(content: bytes, cells: tuple[str, ...]) -> None:
    found = sheets.read(content)
    assert isinstance(found, sheets.Sheet), found
    assert found.rows[0].cells == cells
