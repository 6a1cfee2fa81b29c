"""Photos of receipts on pages: taken from a form, and shown to whom they are for."""

from typing import Any

from litestar import Request, Response
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException

from timebank.claims import receipts
from timebank.claims.receipts import Shown
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.web.context import database, now
from timebank.web.forms import Form

PageRequest = Request[Any, Any, Any]

# Room for a photo that is too large, so that its form is read and what was typed stays.
MAX_FORM_WITH_PHOTO = 32 * 1_048_576
PHOTO_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": 'inline; filename="receipt.jpg"',
    "Cache-Control": "private, no-store",
}


async def take_photo(
    request: PageRequest, actor: Actor, member_id: int, form: Form
) -> tuple[int | None, Refusal | None]:
    """The photo that goes with the form: one just chosen, one kept before, or none; and what is wrong with it."""
    chosen = form.file("photo")
    if chosen is not None and chosen.filename:
        remade = await receipts.remake(await _content(chosen))
        if isinstance(remade, Refusal):
            return await _kept(request, actor, member_id, form), remade
        return await receipts.keep(database(request), actor, member_id, remade, now=now(request)), None
    return None if form.has("no_photo") else await _kept(request, actor, member_id, form), None


def shown(found: Shown | None) -> Response[bytes]:
    """The photo, for its page only. Raises NotFoundException when there is none."""
    if found is None:
        raise NotFoundException
    return Response(found.content, media_type=receipts.MEDIA_TYPE, headers=PHOTO_HEADERS)


async def _content(chosen: UploadFile) -> bytes:
    # One byte more than is allowed tells that the file is too large, however large it is.
    return await chosen.read(receipts.MAX_PHOTO_BYTES + 1)


async def _kept(request: PageRequest, actor: Actor, member_id: int, form: Form) -> int | None:
    typed = form.text("receipt_id")
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 18):
        return None
    async with database(request).reading(actor.timebank_id) as connection:
        kept = await receipts.own(connection, actor.timebank_id, member_id, int(typed))
    return kept.id if kept else None
