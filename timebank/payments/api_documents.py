"""Papers that programs send and read: what bodies and answers of invoices and credits share."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

import msgspec

from timebank.kit.refusal import Refusal
from timebank.payments import documents
from timebank.payments.documents import Paper, ReadPaper

MAX_PAPER_CHARACTERS = 7_000_000  # base64 of the largest PDF


class PaperBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A PDF of up to 5 MB or a photo, in base64."""

    file_name: str
    content: str


class PaperAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A paper that is kept; ``sha256`` is of its bytes, in hexadecimal."""

    id: int
    file_name: str
    media_type: str
    length: int
    sha256: str
    added_at: datetime


async def read_body(data: PaperBody) -> ReadPaper | Refusal:
    """The paper in a body. Refusals: ``paper_unreadable``, those of ``documents.read_paper``."""
    unreadable = Refusal("paper_unreadable", "Send the paper as base64, at most 5 megabytes of it.", "content")
    if len(data.content) > MAX_PAPER_CHARACTERS:
        return unreadable
    try:
        content = base64.b64decode(data.content, validate=True)
    except (binascii.Error, ValueError):
        return unreadable
    return await documents.read_paper(data.file_name, content)


def answers(papers: Sequence[Paper]) -> list[PaperAnswer]:
    """Papers as programs read them."""
    return [
        PaperAnswer(
            id=one.id,
            file_name=one.file_name,
            media_type=one.media_type,
            length=one.length,
            sha256=one.sha256.hex(),
            added_at=one.added_at,
        )
        for one in papers
    ]
