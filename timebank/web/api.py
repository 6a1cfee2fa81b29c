"""What the handlers of ``/api/v1`` share: the idempotency key, refusals, and problems with a code of their own.

Problem details and their shape are in ``timebank.web.problem``. The application mounts ``EXCEPTION_HANDLERS``.
"""

import re
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from timebank.db import KeyReused
from timebank.web import problem
from timebank.web.csrf import API_PREFIX
from timebank.web.errors import error_page
from timebank.web.problem import refused

__all__ = ("EXCEPTION_HANDLERS", "KEY_HEADER", "MAX_KEY_CHARACTERS", "ApiProblem", "idempotency_key", "refused")

KEY_HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 200
_KEY = re.compile(r"[\x21-\x7e]+")

ApiRequest = Request[Any, Any, Any]


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


EXCEPTION_HANDLERS: ExceptionHandlersMap = {ApiProblem: problem_response, KeyReused: key_reused}
