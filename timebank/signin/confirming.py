"""Asking once more who one is: a guard for pages, and a check inside handlers that only sometimes ask."""

from litestar.handlers import BaseRouteHandler

from timebank.banks import queries as banks
from timebank.identity.sessions import session_token
from timebank.kit.clock import today
from timebank.kit.ids import sha256
from timebank.signin import queries, rules
from timebank.web.confirm import ConfirmFirst
from timebank.web.context import database, now
from timebank.web.viewer import Connection, signed_in, viewer


async def require_confirmed(connection: Connection) -> None:
    """Go on only when this browser showed lately who is in front of it: by signing in, or by a code or card since.

    Who acts for somebody has said why and how that was agreed, and is not asked again.

    Raises:
        ConfirmFirst: it did not; the error handler leads to the page that asks.
    """
    if viewer(connection).acting_for is not None:
        return
    async with database(connection).globally() as transaction:
        confirmed_at = await queries.confirmed_at(transaction, sha256(session_token(connection)))
    is_typing = connection.scope.get("method") not in ("GET", "HEAD")
    if not rules.is_confirmed(confirmed_at, now=now(connection), is_typing=is_typing):
        raise ConfirmFirst


async def require_confirmed_for(connection: Connection, minutes: int, *, then: str = "") -> None:
    """The same, when this many minutes are used or given at once and the time bank's rules ask then.

    ``then``: the page to go on with afterwards, with what was typed; otherwise the one before.

    Raises:
        ConfirmFirst: see :func:`require_confirmed`.
    """
    person = viewer(connection)
    async with database(connection).reading(person.actor.timebank_id) as transaction:
        day = today(now(connection), person.time_zone)
        _, document = await banks.rules_in_force(transaction, person.actor.timebank_id, day)
    if minutes <= document.confirm_above_minutes:
        return
    try:
        await require_confirmed(connection)
    except ConfirmFirst as first:
        first.then = then
        raise


async def confirmed(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: only for people who are signed in and showed lately who they are.

    Raises:
        NotAuthorizedException: nobody is signed in.
        ConfirmFirst: see :func:`require_confirmed`.
    """
    signed_in(connection, handler)
    await require_confirmed(connection)
