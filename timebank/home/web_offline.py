"""What a phone keeps for when there is no signal, and how to put Timebank on its first screen."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException

from timebank.activities import queries as activities
from timebank.hours import queries as hours
from timebank.kit.clock import today
from timebank.redemptions import queries as redemptions
from timebank.web.context import database, now
from timebank.web.keeping import MAX_DAYS
from timebank.web.pages import render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

MAX_KEPT = 10
"""How many bookings, and how many sessions, a phone keeps at most."""

# What the worker shows, by name: the hours seen last; nothing, when they are too old; a form while the phone had no
# signal; a form that got no answer.
PAGES = ("seen", "nothing", "not_sent", "no_answer")


@get("/offline", guards=[signed_in], include_in_schema=False)
async def show_kept(request: PageRequest) -> Response[dict[str, dict[str, str]]]:
    """The pages for times without signal, as the worker of the member's own phone asks for them.

    They hold hours, bookings and sessions, never the code of a voucher: a phone that is found is not a voucher.

    Raises:
        NotFoundException: this phone may keep nothing.
    """
    person = viewer(request)
    if not person.may_keep:
        raise NotFoundException
    actor, day = person.actor, today(now(request), person.time_zone)
    member_id = person.subject_id
    async with database(request).reading(actor.timebank_id) as connection:
        mine = await hours.balance(connection, actor.timebank_id, member_id)
        bookings, _ = await redemptions.bookings_of(connection, actor.timebank_id, member_id, limit=MAX_KEPT)
        signed_up = await activities.my_sessions(connection, actor.timebank_id, member_id, day)
        coming = (
            await activities.between(connection, actor.timebank_id, day, day + timedelta(days=MAX_DAYS))
            if signed_up
            else []
        )
    sessions = [each for each in coming if each.id in signed_up and each.is_planned][:MAX_KEPT]
    pages = {
        what: render(
            request,
            "home/offline.html",
            what=what,
            mine=mine,
            bookings=bookings,
            sessions=sessions,
            seen_at=now(request),
        ).content
        for what in PAGES
    }
    return Response({"pages": pages})


@get("/install", guards=[signed_in], include_in_schema=False)
async def show_install(request: PageRequest) -> Response[str]:
    """How to put Timebank on the first screen of a phone, and what the phone then keeps."""
    return render(request, "home/install.html", days=MAX_DAYS)


ROUTES = [show_kept, show_install]
