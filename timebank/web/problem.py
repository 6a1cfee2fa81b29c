"""Problem details (RFC 9457) for the API: one shape for every answer that is not a success."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response

from timebank.kit.refusal import Refusal

MEDIA_TYPE = "application/problem+json"
STALE_FORM_STATUS = 419


class FieldProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to put right: a stable code, a sentence, and the JSON key it belongs to."""

    code: str
    detail: str
    field: str | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a problem answer. ``code`` is stable and for programs, ``detail`` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    reference: str | None = None


def response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    reference: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    """A problem answer. ``reference`` names the line in the log that explains it."""
    body = Problem(f"urn:timebank:problem:{code}", _title(status), status, code, detail, tuple(errors), reference)
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def refused(refusals: Sequence[Refusal], status: int = 422) -> Response[Any]:
    """The answer to a request that was understood and refused; the first refusal names the whole.

    Raises:
        ValueError: there is no refusal to tell.
    """
    if not refusals:
        raise ValueError("a refused request needs at least one refusal")
    first = refusals[0]
    errors = tuple(FieldProblem(refusal.code, str(refusal.message), refusal.field) for refusal in refusals)
    return response(status, first.code, str(first.message), errors=errors)


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Form too old" if status == STALE_FORM_STATUS else "Error"
