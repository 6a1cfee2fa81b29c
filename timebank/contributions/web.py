"""The coordinator's first page of work: groups to log again, drafts, and what else waits for a coordinator."""

from typing import Any

from litestar import Request, Response, get

from timebank.contributions import (
    drafts,
    queries,
    register_people,
    web_correct,
    web_decisions,
    web_guests,
    web_register,
    web_register_drafts,
    web_register_forward,
    web_register_shown,
    web_registers,
    web_self_log,
    web_uploads,
)
from timebank.contributions.words import SOMETHING_ELSE
from timebank.kit import names
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.web.context import database, now
from timebank.web.pages import render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
SELF_LOGGED = names.key(SOMETHING_ELSE)


@get("/groups", guards=[signed_in])
async def groups_page(request: PageRequest) -> Response[str]:
    """The coordinator's first page: log a group again, go on with a draft, decide. A session leader sees their own."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        led = await web_register_shown.led_by_viewer(request, connection)
        groups = [
            one
            for one in await queries.groups(connection, actor.timebank_id)
            if (led is None or one.id in led) and one.name_key != SELF_LOGGED  # nobody meets there
        ]
        waiting = await queries.waiting_for(connection, actor) if led is None else 0
        mine = await drafts.drafts(connection, actor)
        day = today(now(request), viewer(request).time_zone)
        checked_in = await register_people.not_saved_yet(connection, actor.timebank_id, led, today=day)
    return render(
        request,
        "contributions/groups.html",
        groups=groups,
        waiting=waiting,
        drafts=mine,
        checked_in=checked_in,
        coordinates=actor.has(COORDINATOR),
    )


ROUTES: list[Any] = [
    groups_page,
    *web_register.ROUTES,
    *web_register_drafts.ROUTES,
    *web_uploads.ROUTES,
    *web_register_forward.ROUTES,
    *web_registers.ROUTES,
    *web_correct.ROUTES,
    *web_guests.ROUTES,
    *web_decisions.ROUTES,
    *web_self_log.ROUTES,
]
