"""Photos of the place: added and removed by coordinators, seen by members on the advance sheet."""

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.activities import photos, service
from timebank.activities.web_parts import PageRequest, coordinators, the_activity
from timebank.kit.pictures import ACCEPT, MAX_PHOTO_BYTES, MEDIA_TYPE, remake
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

MISSING = Refusal("photo_missing", "Choose a photo first.", "photo")


@get("/groups/{group_id:int}/photos", guards=[coordinators])
async def photos_page(request: PageRequest, group_id: FromPath[int]) -> Response[str]:
    """The photos of a group's place, and a form to add one."""
    return await _page(request, group_id)


@post("/groups/{group_id:int}/photos", guards=[coordinators], status_code=303)
async def add_photo(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Add a photo."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        await the_activity(request, connection, group_id)
    chosen = form.file("photo")
    remade = MISSING if chosen is None else await remake(await chosen.read(MAX_PHOTO_BYTES + 1))
    if isinstance(remade, Refusal):
        return await _page(request, group_id, form.refused([remade]))
    try:
        done = await service.add_photo(
            database(request), actor, group_id, remade, form.text("words"), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page(request, group_id, form.refused(done))
    return redirect(request, f"/groups/{group_id}/photos", notice="The photo is added.")


@post("/groups/{group_id:int}/photos/remove", guards=[coordinators], status_code=303)
async def remove_photo(request: PageRequest, group_id: FromPath[int]) -> Response[Any]:
    """Remove a photo for good."""
    form = await forms.read(request)
    typed = form.text("photo_id")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise NotFoundException
    try:
        done = await service.remove_photo(
            database(request), viewer(request).actor, group_id, int(typed), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    assert isinstance(done, int), "the guard lets nobody else in"
    return redirect(request, f"/groups/{group_id}/photos", notice="The photo is removed.")


@get("/whats-on/photos/{photo_id:int}", guards=[signed_in])
async def photo_of_place(request: PageRequest, photo_id: FromPath[int]) -> Response[bytes]:
    """One photo."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await photos.content(connection, timebank_id, photo_id)
    if found is None:
        raise NotFoundException
    return Response(found, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


async def _page(request: PageRequest, activity_id: int, form: Form = BLANK) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        activity = await the_activity(request, connection, activity_id)
        found = await photos.of_activity(connection, timebank_id, activity_id)
    return render(
        request,
        "activities/photos.html",
        422 if form.refusals else 200,
        form=form,
        activity=activity,
        photos=found,
        has_room=len(found) < photos.MAX_PHOTOS,
        accept=ACCEPT,
        max_words=photos.MAX_WORDS,
        place="/groups",
    )


ROUTES: list[Any] = [photos_page, add_photo, remove_photo, photo_of_place]
