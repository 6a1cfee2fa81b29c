"""What the pages of this room share: finding the activity or session, and who may open which page."""

from datetime import date
from typing import Any

from litestar import Request
from litestar.exceptions import NotFoundException, PermissionDeniedException

from timebank.activities import queries
from timebank.activities.shown import ActivityShown, SessionShown
from timebank.db import Connection
from timebank.kit import clock
from timebank.kit.actor import COORDINATOR
from timebank.web.context import now
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

coordinators = requires_role(COORDINATOR)


def today(request: PageRequest) -> date:
    """The day it is in the viewer's time bank."""
    return clock.today(now(request), viewer(request).time_zone)


def coordinates(request: PageRequest) -> bool:
    """True for a coordinator, who sees whole names and every group."""
    return viewer(request).has_role(COORDINATOR)


async def led(request: PageRequest, connection: Connection) -> frozenset[int]:
    """The ids of the activities that the viewer leads today; none while they act for somebody else."""
    actor = viewer(request).actor
    if actor.member_id is None or actor.on_behalf_of is not None:
        return frozenset()
    return await queries.led_by(connection, actor.timebank_id, actor.member_id, on=today(request))


async def the_activity(request: PageRequest, connection: Connection, activity_id: int) -> ActivityShown:
    """The activity an address names, for a coordinator or whoever leads it.

    Raises:
        NotFoundException: there is none.
        PermissionDeniedException: the viewer is neither.
    """
    if not coordinates(request) and activity_id not in await led(request, connection):
        raise PermissionDeniedException
    found = await queries.activity(connection, viewer(request).actor.timebank_id, activity_id)
    if found is None:
        raise NotFoundException
    return found


async def the_session(request: PageRequest, connection: Connection, session_id: int) -> SessionShown:
    """The session an address names, for a coordinator or whoever leads its activity.

    Raises:
        NotFoundException: there is none.
        PermissionDeniedException: the viewer is neither.
    """
    found = await queries.session(connection, viewer(request).actor.timebank_id, session_id)
    if not coordinates(request) and (found is None or found.activity_id not in await led(request, connection)):
        raise PermissionDeniedException
    if found is None:
        raise NotFoundException
    return found
