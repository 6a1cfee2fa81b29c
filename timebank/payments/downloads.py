"""The file of a payment run as an HTTP answer, the same for pages and programs."""

import base64

from litestar import Response

from timebank.payments.formats import find_format
from timebank.payments.queries import BatchFile

SEND_AS_IS = {"send_as_is": True}


def file_response(file: BatchFile) -> Response[bytes]:
    """A download that says what it is called and what its SHA-256 is (RFC 9530).

    Handlers that answer with it carry :data:`SEND_AS_IS`: compressed, the digest would be of other bytes.
    """
    payment_format = find_format(file.format)
    media_type = payment_format.media_type if payment_format else "application/octet-stream"
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
