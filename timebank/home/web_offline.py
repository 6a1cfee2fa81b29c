"""What a phone keeps for when there is no signal, and how to put Timebank on its first screen."""

from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException

from timebank.home.kept import kept
from timebank.kit.clock import today
from timebank.web.context import database, now
from timebank.web.keeping import MAX_DAYS
from timebank.web.pages import render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

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
    day = today(now(request), person.time_zone)
    async with database(request).reading(person.actor.timebank_id) as connection:
        mine = await kept(connection, person.actor.timebank_id, person.subject_id, on=day, days=MAX_DAYS)
    pages = {
        what: render(request, "home/offline.html", what=what, kept=mine, seen_at=now(request)).content for what in PAGES
    }
    return Response({"pages": pages})


@get("/install", guards=[signed_in], include_in_schema=False)
async def show_install(request: PageRequest) -> Response[str]:
    """How to put Timebank on the first screen of a phone, and what the phone then keeps."""
    return render(request, "home/install.html", days=MAX_DAYS)


ROUTES = [show_kept, show_install]
