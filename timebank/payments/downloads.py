"""Files of payment runs and kept papers as HTTP answers, the same for pages and programs."""

import base64

from litestar import Response

from timebank.payments.documents import PaperContent
from timebank.payments.formats import file_kind, find_format
from timebank.payments.formats.payments_csv import OWN
from timebank.payments.run_queries import BatchFile

CSV = "payments-csv"
SEND_AS_IS = {"send_as_is": True}


def file_response(file: BatchFile) -> Response[bytes]:
    """A download that says what it is called and what its SHA-256 is (RFC 9530).

    Handlers that answer with it carry :data:`SEND_AS_IS`: compressed, the digest would be of other bytes.
    """
    # A time bank's own columns are a CSV, whatever they are.
    payment_format = find_format(CSV if file.format.startswith(OWN) else file.format)
    media_type = file_kind(payment_format, file.content)[1] if payment_format else "application/octet-stream"
    # Litestar adds the charset to text types itself.
    media_type = media_type.partition(";")[0]
    return Response(
        file.content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file.file_name}"',
            "Repr-Digest": f"sha-256=:{base64.b64encode(file.sha256).decode()}:",
        },
    )


def paper_response(paper: PaperContent) -> Response[bytes]:
    """A paper as a download with its SHA-256, the same for pages and programs."""
    return Response(
        paper.content,
        media_type=paper.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{_plain(paper.file_name)}"',
            "Repr-Digest": f"sha-256=:{base64.b64encode(paper.sha256).decode()}:",
        },
    )


def _plain(name: str) -> str:
    """A name that fits into a header: what is not ASCII becomes an underscore."""
    return "".join(one if one.isascii() and (one.isalnum() or one in " ._-()") else "_" for one in name)
