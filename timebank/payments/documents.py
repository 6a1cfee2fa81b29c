"""Papers that finance keeps with invoices and credits: a PDF as it came, a photo made anew, each with its SHA-256."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from timebank.kit.names import tidy
from timebank.kit.pictures import remake
from timebank.kit.refusal import Refusal

MAX_BYTES = 5 * 1_048_576
MAX_PAPERS = 10
"""Papers of one invoice or credit."""
MAX_FILE_NAME = 100
PDF, JPEG = "application/pdf", "image/jpeg"
ACCEPT = "application/pdf,image/jpeg,image/png,image/webp"


class ReadPaper(msgspec.Struct, frozen=True, kw_only=True):
    """A paper as it will be kept. PDFs stay as they are; photos are made anew without where they were taken."""

    file_name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of its bytes."""
        return hashlib.sha256(self.content).digest()


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A paper that is kept, without its content; ``length`` is in bytes."""

    id: int
    file_name: str
    media_type: str
    length: int
    sha256: bytes
    added_at: datetime


class PaperContent(msgspec.Struct, frozen=True, kw_only=True):
    """A paper as it is kept."""

    file_name: str
    media_type: str
    content: bytes
    sha256: bytes


async def read_paper(file_name: str, content: bytes) -> ReadPaper | Refusal:
    """What somebody uploaded, as it will be kept: a PDF as it is, a photo made anew.

    Refusals: ``paper_empty``, ``paper_too_large``, those of ``kit.pictures.remake``.
    """
    name = tidy(file_name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1])[-MAX_FILE_NAME:]
    name = "".join(one for one in name if one.isalnum() or one in " ._-()").strip(" .") or "paper"
    if not content:
        return Refusal("paper_empty", "Choose a PDF or a photo first.", "paper")
    if content.startswith(b"%PDF-"):
        if len(content) > MAX_BYTES:
            most = MAX_BYTES // 1_048_576
            return Refusal("paper_too_large", f"The PDF is larger than {most} MB. Send a smaller one.", "paper")
        return ReadPaper(file_name=_ending(name, ".pdf"), media_type=PDF, content=content)
    remade = await remake(content, field="paper")
    if isinstance(remade, Refusal):
        return remade
    return ReadPaper(file_name=_ending(name, ".jpg"), media_type=JPEG, content=remade.content)


def papers(rows: Sequence[Any]) -> list[Paper]:
    """Rows as papers."""
    return [msgspec.convert(dict(row), Paper) for row in rows]


def content(row: Any) -> PaperContent | None:
    """A row as a paper with its content; None for none."""
    return msgspec.convert(dict(row), PaperContent) if row else None


def check_room(papers: int) -> list[Refusal]:
    """Refusal ``too_many_papers`` when there are :data:`MAX_PAPERS` already."""
    if papers >= MAX_PAPERS:
        return [Refusal("too_many_papers", f"{MAX_PAPERS} papers can be kept here at most.", "paper")]
    return []


def _ending(name: str, ending: str) -> str:
    stem = name.rsplit(".", 1)[0] if "." in name else name
    return f"{stem[: MAX_FILE_NAME - len(ending)]}{ending}"
