"""A refusal: something a person asked for that cannot be done, returned as data and never raised."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done and what to do about it.

    ``code`` is stable snake_case for programs, ``message`` a plain sentence that says what to do, ``field`` the form
    field or JSON key it belongs to, or None when it concerns the request as a whole.
    """

    code: str
    message: str
    field: str | None = None
