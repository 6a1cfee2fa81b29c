"""What the handlers of payments for programs share: who may read, how a step answers, how an address is understood."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from litestar import Request, Response
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from timebank.db import Database, retrying
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.payments import rules
from timebank.payments.credits import UnknownCredit
from timebank.payments.rules import UnknownPayment
from timebank.payments.run_queries import MAX_BATCH_NUMBER
from timebank.web.api import CHANGING, READING, ApiProblem, idempotency_key, refused
from timebank.web.context import AnyConnection, database, now
from timebank.web.forms import drain

ApiRequest = Request[Any, Any, Any]
READ, WRITE = "payables:read", "payments:write"
LOOK: dict[str, Any] = {"tags": ["payments"], "guards": [needs_scope(READ)], **READING}


async def needs_key(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """A guard: without a key that can be used nothing else of a request is judged."""
    assert isinstance(connection, Request)
    try:
        idempotency_key(connection)
    except ApiProblem:
        await drain(connection)
        raise


STEP: dict[str, Any] = {"tags": ["payments"], "guards": [needs_scope(WRITE), needs_key], "status_code": 200, **CHANGING}

Command = TypeVar("Command")
Command_contra = TypeVar("Command_contra", contravariant=True)


class UseCase(Protocol[Command_contra]):
    """A change with its idempotency key; its refusals are data."""

    def __call__(
        self, db: Database, actor: Actor, command: Command_contra, /, *, key: str, now: datetime
    ) -> Awaitable[object]:
        """What came of it, or why not."""


def reader(request: ApiRequest) -> Actor:
    """Who asks, when they may read payments. Raises PermissionDeniedException otherwise."""
    actor = acting(request)
    if not rules.may_read(actor):
        raise PermissionDeniedException("Only someone with the finance role can see payments.")
    return actor


async def done_or_refused(request: ApiRequest, use_case: UseCase[Command], command: Command) -> Response[Any]:
    """Let the token's member do it; what came of it, or why not. Raises NotFoundException for an unknown reference."""
    db, actor, key = database(request), acting(request), idempotency_key(request)
    try:
        result = await retrying(lambda: use_case(db, actor, command, key=key, now=now(request)))
    except (UnknownPayment, UnknownCredit) as error:
        raise NotFoundException from error
    return refused(result) if isinstance(result, list) else Response(result)


def reference_of(typed: str) -> str:
    """The reference in an address, as it is stored. Raises NotFoundException for what cannot be one."""
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


def known_number(number: int) -> int:
    """The number of a payment run in an address. Raises NotFoundException for what cannot be one."""
    if not 0 < number <= MAX_BATCH_NUMBER:
        raise NotFoundException
    return number
