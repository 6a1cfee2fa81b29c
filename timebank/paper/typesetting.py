"""Setting a page with Typst as PDF/UA-1: tagged, with title and language, so that a screen reader can read it.

Typst refuses what would break that standard (a picture without words, a character without a glyph), so what comes out
has passed its checks. The fonts are Noto's, from a package: the same page on every machine, and names in most of the
world's scripts. A character that none of them has is not lost in silence: see :class:`Spelling`.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import manimgx_fonts
import msgspec
import typst

TEMPLATES = Path(__file__).parent / "templates"
MAX_UNPRINTABLE = 200
REPLACEMENT = "?"

_NAME = re.compile(r"[a-z_]{1,40}")
_NO_GLYPH = re.compile(r"the text `\"(?P<text>.*?)\"` could not be displayed", re.DOTALL)


class PaperError(Exception):
    """The page could not be set: a mistake of ours in a template or its data, never a person's."""


class Spelling(msgspec.Struct, frozen=True, kw_only=True):
    """A text that may be in any script, and what stands in its place when no font of ours has all of its characters.

    For a name: ``Spelling(text="王小明", otherwise="Member 17")``.
    """

    text: str
    otherwise: str


def pdf(template: str, data: Mapping[str, object]) -> bytes:
    """Set ``templates/<template>.typ`` with ``data`` as a PDF/UA-1 file.

    ``data`` is what JSON can hold, and :class:`Spelling` for names. Every template wants ``title`` (a text) and takes
    ``language`` (default ``en``) and ``large`` (large print). Pictures come as SVG texts. Takes a tenth of a second and
    more: call it in a thread.

    Raises:
        PaperError: there is no such template, or it does not fit the data.
    """
    source = TEMPLATES / f"{template}.typ"
    if not _NAME.fullmatch(template) or not source.is_file():
        raise PaperError(f"there is no template {template}")
    unprintable: set[str] = set()
    while len(unprintable) <= MAX_UNPRINTABLE:
        try:
            return _compiled(source, _settled(dict(data), unprintable))
        except typst.TypstError as error:
            missing = set(_without_glyph(str(error))) - unprintable
            if not missing:
                raise PaperError(f"{template}: {error}") from error
            unprintable |= missing
    raise PaperError(f"{template}: more than {MAX_UNPRINTABLE} characters that no font has")


@cache
def fonts() -> typst.Fonts:
    """The fonts of every page: Noto's, and none that happen to be on this machine."""
    folder = Path(manimgx_fonts.__file__).parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def _compiled(source: Path, data: dict[str, Any]) -> bytes:
    return typst.compile(
        source,
        root=TEMPLATES,
        font_paths=fonts(),
        ignore_system_fonts=True,
        pdf_standards="ua-1",
        sys_inputs={"data": json.dumps(data), "fonts": json.dumps(_families())},
    )


@cache
def _families() -> list[str]:
    """Noto Sans first; the others are only looked at for characters it lacks."""
    rest = sorted(family for family in fonts().families() if family not in ("Noto Sans", "Noto Emoji"))
    return ["Noto Sans", *rest, "Noto Emoji"]


def _settled(value: Any, unprintable: set[str]) -> Any:
    """The data as JSON can hold it, with what cannot be printed replaced."""
    if isinstance(value, Spelling):
        value = value.otherwise if unprintable & set(value.text) else value.text
    if isinstance(value, str):
        return "".join(REPLACEMENT if c in unprintable else c for c in value) if unprintable else value
    if isinstance(value, Mapping):
        return {key: _settled(each, unprintable) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_settled(each, unprintable) for each in value]
    return value


def _without_glyph(message: str) -> str:
    """The characters that Typst says it has no glyph for; what it writes as ``\\u{1f600}`` is read back."""
    found = "".join(match["text"] for match in _NO_GLYPH.finditer(message))
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), found)
