"""Pages for uploading codes: choose a file or paste, see line by line what will happen, confirm."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.kit import money
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE
from timebank.kit.refusal import Refusal
from timebank.redemptions import codes, codes_file
from timebank.redemptions import offer_queries as offers
from timebank.redemptions.codes import UploadCodes
from timebank.redemptions.codes_file import CodeLine
from timebank.redemptions.web_vouchers import PLACE, offer_page
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
staff = requires_role(COORDINATOR, FINANCE, ADMIN)

NOTHING = Refusal("file_missing", "Choose a file, or paste the codes.", "file")


@post("/vouchers/offers/{offer_id:int}/codes", guards=[staff], status_code=200)
async def preview_codes(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Read the file and show each line; nothing is saved yet."""
    form = await forms.read(request)
    chosen = form.file("file")
    content = b""
    if chosen is not None and chosen.filename:
        content = await chosen.read(codes_file.MAX_FILE_BYTES + 1)
    elif form.text("pasted"):
        content = form.text("pasted").encode()
    if not content:
        return await offer_page(request, offer_id, form.refused([NOTHING]))
    lines = await _read(request, offer_id, content)
    if isinstance(lines, Refusal):
        return await offer_page(request, offer_id, form.refused([replace(lines, field="file")]))
    return await _preview(request, offer_id, lines, Form.blank(paid="no"))


@post("/vouchers/offers/{offer_id:int}/codes/save", guards=[staff], status_code=303)
async def save_codes(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Keep the good lines, locked."""
    form = await forms.read(request)
    lines = await _read(request, offer_id, form.text("lines").encode())
    if isinstance(lines, Refusal):
        return await offer_page(request, offer_id, form.refused([replace(lines, field="file")]))
    pence: int | Refusal | None = None
    if form.text("paid") == "yes":
        pence = money.parse(form.text("price"), viewer(request).currency, field="price")
    if isinstance(pence, Refusal):
        return await _preview(request, offer_id, lines, form.refused([pence]))
    command = UploadCodes(offer_id=offer_id, lines=tuple(lines), pence_each=pence)
    try:
        done = await codes.upload(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _preview(request, offer_id, lines, form.refused(done))
    notice = f"{done.added} codes were added."
    if done.payable:
        notice += f" Payment {done.payable} waits for approval."
    return redirect(request, f"/vouchers/offers/{offer_id}", notice=notice)


async def _read(request: PageRequest, offer_id: int, content: bytes) -> list[CodeLine] | Refusal:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        found = await codes.preview(connection, actor, offer_id, content, now=now(request))
    lines = [line for line in found if isinstance(line, CodeLine)]
    return lines or next(one for one in found if isinstance(one, Refusal))


async def _preview(request: PageRequest, offer_id: int, lines: list[CodeLine], form: Form) -> Response[Any]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        offer = await offers.offer_facts(connection, actor.timebank_id, offer_id)
    if offer is None:
        raise NotFoundException
    good = [line for line in lines if not line.problem]
    return render(
        request,
        "redemptions/codes_preview.html",
        422 if form.refusals else 200,
        form=form,
        place=PLACE,
        headers={"Cache-Control": "no-store"},
        offer=offer,
        good=good,
        bad=[line for line in lines if line.problem],
        lines=codes_file.as_text(good),
    )


ROUTES: list[Any] = [preview_codes, save_codes]
