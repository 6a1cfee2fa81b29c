"""This room for programs."""

from typing import Any

ROUTES: list[Any] = []
