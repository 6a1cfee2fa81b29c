"""A register that is not ready: kept as a draft, deleted, or taken away as a file."""

import re
from typing import Any

from litestar import Request, Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.contributions import (
    drafts,
    register_csv,
    register_form,
)
from timebank.contributions.register_sheet import fields_of
from timebank.contributions.web_register_shown import (
    attachment,
    led_by_viewer,
    show_register,
    the_world,
)
from timebank.kit import dates, ids
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.pages import redirect
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]


@post("/groups/{group_id:int}/register/draft", guards=[signed_in], status_code=303)
async def keep_draft(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Keep what was typed for later. A page that saves by itself sends ``quiet`` and stays where it is."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        world = await the_world(request, connection, group_id, form)
    sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
    day = dates.parse(sheet.day)
    command = drafts.SaveDraft(
        token=sheet.token if re.fullmatch(drafts.DRAFT_NAME, sheet.token) else ids.secret_token(),
        activity_id=group_id,
        held_on=None if isinstance(day, Refusal) else day,
        people=sum(row.came for row in sheet.people) + sum(bool(row.who) for row in sheet.extras),
        fields=fields_of(sheet),
    )
    refusals = await drafts.save_draft(database(request), actor, command, now=now(request))
    if form.has("quiet"):
        return Response(None, status_code=409 if refusals else 204)
    if refusals:
        return show_register(request, world, sheet, form.refused(refusals))
    return redirect(request, "/groups", notice="The draft is saved. You find it here.")


@post("/groups/drafts/{token:str}/delete", guards=[signed_in], status_code=303)
async def delete_draft(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """Delete one of the viewer's own drafts."""
    await forms.read(request)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        await led_by_viewer(request, connection)
    if not await drafts.discard_draft(database(request), viewer(request).actor, token):
        raise NotFoundException
    return redirect(request, "/groups", notice="The draft is deleted.")


@post("/groups/{group_id:int}/register/download", guards=[signed_in], status_code=200)
async def download_typed(request: PageRequest, group_id: FromPath[int]) -> Response[bytes]:
    """What was typed, as a file that can be uploaded again, whatever is wrong with it."""
    form = await forms.read(request)
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        world = await the_world(request, connection, group_id, form)
    sheet = register_form.typed_sheet(form, world.directory, world.guests.by_id)
    content = register_csv.typed(sheet, world.group.name, world.directory)
    return attachment(content, f"register-{sheet.day}.csv")


ROUTES: list[Any] = [keep_draft, delete_draft, download_typed]
