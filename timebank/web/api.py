"""What the handlers of ``/api/v1`` share: strict bodies, the idempotency key, refusals, problems with their own code.

Problem details and their shape are in ``timebank.web.problem``. The application mounts ``EXCEPTION_HANDLERS``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema
from litestar.types import ExceptionHandlersMap

from timebank.db import KeyReused
from timebank.web import problem
from timebank.web.csrf import API_PREFIX
from timebank.web.errors import error_page
from timebank.web.forms import drain
from timebank.web.problem import refused

__all__ = (
    "CHANGING",
    "EXCEPTION_HANDLERS",
    "KEY_HEADER",
    "MAX_KEY_CHARACTERS",
    "READING",
    "ApiProblem",
    "Nothing",
    "StrictRequest",
    "idempotency_key",
    "refused",
)

KEY_HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 200
_KEY = re.compile(r"[\x21-\x7e]+")
_ESCAPED_ZERO = b"\\u0000"

ApiRequest = Request[Any, Any, Any]


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An empty object, ``{}``: the address says it all."""


class ApiProblem(HTTPException):
    """Ends an API call with problem details: a status, a stable code, and a sentence that says what to do."""

    def __init__(self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail=detail, status_code=status, headers=dict(headers or {}))
        self.code = code


def idempotency_key(request: ApiRequest) -> str:
    """The key that makes a retry harmless: 1 to 200 visible ASCII characters in the ``Idempotency-Key`` header.

    Raises:
        ApiProblem: 400 ``idempotency_key_missing`` or ``idempotency_key_unusable``.
    """
    key = request.headers.get(KEY_HEADER, "").strip()
    if not key:
        raise ApiProblem(
            400,
            "idempotency_key_missing",
            f"Send an {KEY_HEADER} header: a new value for each new request, the same value when you repeat one.",
        )
    if len(key) > MAX_KEY_CHARACTERS or not _KEY.fullmatch(key):
        raise ApiProblem(
            400,
            "idempotency_key_unusable",
            f"Send an {KEY_HEADER} of 1 to {MAX_KEY_CHARACTERS} letters, digits and signs, such as a UUID.",
        )
    return key


def problem_response(_: ApiRequest, error: ApiProblem) -> Response[Any]:
    """The answer that an ``ApiProblem`` stands for."""
    return problem.response(error.status_code, error.code, error.detail, headers=error.headers or {})


def key_reused(request: ApiRequest, _: KeyReused) -> Response[Any]:
    """The answer when a key came back with other content: a problem for programs, a page for people."""
    if request.scope["path"].startswith(API_PREFIX):
        return problem.response(
            409,
            "idempotency_key_reused",
            f"This {KEY_HEADER} was used before for a different request. Nothing was changed. Send a new key.",
        )
    return error_page(request, 409)


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body must be what the handler's ``data`` says, without guessing.

    Litestar converts a body as it converts a query, where everything is text: ``"5"`` and ``5.0`` would pass for
    minutes and ``1`` for true.
    """

    async def body(self) -> bytes:
        """The whole body, within the limit of the application.

        Raises:
            RequestEntityTooLarge: it is larger; what was still coming is dropped, so that the sender reads the answer.
        """
        try:
            return await super().body()
        except RequestEntityTooLarge:
            await drain(self)
            raise

    async def json(self) -> Any:
        """The body as the type that the handler asks for.

        Raises:
            ValidationException: it is not JSON, not of that type, or holds text that cannot be stored; says where.
        """
        wanted = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        body = await self.body()
        try:
            value = msgspec.json.decode(body, type=wanted)
            if _ESCAPED_ZERO in body and _holds_zero(msgspec.json.decode(body)):
                raise _unreadable("A text holds the character zero, which cannot be stored. Leave it out.")
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$.")
            raise _unreadable(message, place.rstrip("`") or None) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable("The body is not JSON in UTF-8, or is nested too deeply.") from error
        return value


def _unreadable(message: str, key: str | None = None) -> ValidationException:
    return ValidationException(
        "The body is not what this address takes; /api/v1/openapi.json says what it should be. Nothing was changed.",
        extra=[{"message": message, "key": key}],
    )


def _holds_zero(value: object) -> bool:
    """True when a text somewhere in decoded JSON holds the character zero, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_zero(each) for each in (*value.keys(), *value.values()))
    return isinstance(value, list) and any(_holds_zero(each) for each in value)


@dataclass
class KeyedOperation(Operation):
    """An operation of the OpenAPI document that needs an idempotency key."""

    def __post_init__(self) -> None:
        """Add the header to the parameters."""
        key = Parameter(
            name=KEY_HEADER,
            param_in="header",
            required=True,
            description="A new value for each new request, the same value when you repeat one.",
            schema=Schema(
                type=OpenAPIType.STRING, min_length=1, max_length=MAX_KEY_CHARACTERS, pattern=f"^{_KEY.pattern}$"
            ),
        )
        self.parameters = [*(self.parameters or []), key]


def _problems(**by_status: str) -> dict[int, ResponseSpec]:
    return {
        int(status.removeprefix("on_")): ResponseSpec(
            problem.Problem, description=words, media_type=problem.MEDIA_TYPE, generate_examples=False
        )
        for status, words in by_status.items()
    }


_ALWAYS = {
    "on_400": "It could not be read.",
    "on_401": "No token that works.",
    "on_403": "The token may not do this.",
    "on_404": "There is no such thing in this time bank.",
    "on_422": "It was understood and refused.",
}

# What a handler that reads, and one that changes something, gives to its decorator.
READING: dict[str, Any] = {"responses": _problems(**_ALWAYS)}
CHANGING: dict[str, Any] = {
    "responses": _problems(**_ALWAYS, on_409="The key was used for another request.", on_413="It is too large."),
    "operation_class": KeyedOperation,
    "request_class": StrictRequest,
}

EXCEPTION_HANDLERS: ExceptionHandlersMap = {ApiProblem: problem_response, KeyReused: key_reused}
