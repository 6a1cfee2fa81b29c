"""Who a program acts for: bearer tokens and their scopes."""

from datetime import datetime
from typing import Any

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from timebank.db import Database
from timebank.identity import queries
from timebank.identity.rules import MAX_SECRET_CHARACTERS, SCOPES
from timebank.kit.actor import Actor
from timebank.kit.ids import sha256
from timebank.web.api import ApiProblem
from timebank.web.context import AnyConnection, database, now
from timebank.web.forms import drain

REALM = 'Bearer realm="timebank"'
_STATE_KEY = "api_actor"


def needs_scope(scope: str, *, role: str | None = None) -> Guard:
    """A guard for an address of the API: decides who may ask before a byte of the body is read or judged.

    Raises:
        ValueError: the scope does not exist.
        ApiProblem (when the guard runs): see :func:`token_actor`.
    """
    if scope not in SCOPES:
        raise ValueError(f"unknown scope {scope}")

    async def guard(connection: AnyConnection, _: BaseRouteHandler) -> None:
        try:
            connection.scope["state"][_STATE_KEY] = await token_actor(connection, scope, role=role)
        except ApiProblem:
            if isinstance(connection, Request):
                await drain(connection)
            raise

    return guard


def acting(request: Request[Any, Any, Any]) -> Actor:
    """The member that the request's token acts for, as the handler's :func:`needs_scope` found them.

    Raises:
        LookupError: the handler has no such guard.
    """
    actor = request.scope["state"].get(_STATE_KEY)
    if not isinstance(actor, Actor):
        raise LookupError("this handler needs the guard needs_scope")
    return actor


async def token_actor(request: AnyConnection, scope: str, *, role: str | None = None) -> Actor:
    """The member that the request's token acts for, when the token has the scope and the member the role.

    The token's last use is not recorded: a write for each request would cost more than it tells.

    Raises:
        ApiProblem: 401 ``not_authenticated`` without a token that works (unknown, expired and revoked look the same),
            403 ``scope_missing`` or ``role_missing`` when it may not do this. ``WWW-Authenticate`` says which.
        ValueError: the handler asks for a scope that does not exist.
    """
    if scope not in SCOPES:
        raise ValueError(f"unknown scope {scope}")
    found = await _live_token(database(request), _bearer(request), now(request))
    if found is None:
        raise ApiProblem(
            401,
            "not_authenticated",
            "Send an Authorization header with a token that is still good: Authorization: Bearer tb_...",
            headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"' if _bearer(request) else REALM},
        )
    if scope not in found.scopes:
        raise ApiProblem(
            403,
            "scope_missing",
            f"This token may not do that. It needs the scope {scope}; ask for a token with it.",
            headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
        )
    actor = Actor(timebank_id=found.timebank_id, member_id=found.member_id, roles=frozenset(found.roles))
    if role is not None and not actor.has(role):
        raise ApiProblem(403, "role_missing", f"The member this token acts for would need the role {role}.")
    return actor


def _bearer(request: AnyConnection) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if kind.lower() == "bearer" and len(token) <= MAX_SECRET_CHARACTERS and token.isascii() else ""


async def _live_token(db: Database, token: str, at: datetime) -> queries.FoundToken | None:
    if not token:
        return None
    async with db.globally() as connection:
        found = await queries.api_token(connection, sha256(token))
    if found is None or found.revoked_at is not None or at >= found.expires_at:
        return None
    return found
