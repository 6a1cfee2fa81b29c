"""What every address of claims and access costs does around its use case."""

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, TypeVar

from litestar import Request, Response
from litestar.exceptions import NotFoundException

from timebank.claims.access_rules import UnknownAccessCost
from timebank.claims.rules import UnknownClaim
from timebank.db import Database
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.web.api import idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
Command = TypeVar("Command")
Answer = TypeVar("Answer")


async def done(
    request: ApiRequest,
    actor: Actor,
    use_case: Callable[Concatenate[Database, Actor, Command, ...], Coroutine[Any, Any, Answer | list[Refusal]]],
    command: Command,
    *,
    status_code: int = 200,
) -> Response[Any]:
    """Do it once for the request's key: its answer, its refusals, or 404 for what is not there or not theirs."""
    key = idempotency_key(request)
    try:
        answer = await use_case(database(request), actor, command, key=key, now=now(request))
    except (UnknownClaim, UnknownAccessCost) as error:
        raise NotFoundException from error
    return refused(answer) if isinstance(answer, list) else Response(answer, status_code=status_code)


def place(cursor: str | None, limit: str | None) -> tuple[int, int] | list[Refusal]:
    """From which id on and how many, for a list that is read page by page; or what is wrong with that."""
    size, before = page_size(limit), parse_cursor(cursor) if cursor else (MAX_KEY,)
    if isinstance(size, Refusal) or isinstance(before, Refusal):
        return [found for found in (size, before) if isinstance(found, Refusal)]
    return before[0], size


def named(typed: str) -> str:
    """The reference that somebody meant. Raises NotFoundException for what cannot be one."""
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference
