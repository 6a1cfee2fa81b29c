"""This room for programs: nothing, on purpose. What is told in confidence is read by people who signed in themselves.

A token is kept in a program's settings, where others find it.
"""

from typing import Any

ROUTES: list[Any] = []
