"""Pages of this room."""

from typing import Any

ROUTES: list[Any] = []
