"""Keyset paging: a cursor is the key of the last row shown, made opaque so that nobody builds on its form."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from timebank.kit.refusal import Refusal
from timebank.kit.words import say

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50
MAX_CURSOR_CHARACTERS = 120
MAX_KEY = 2**63 - 1  # PostgreSQL's bigint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the next page or None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def page_of(rows: Sequence[T], size: int, key: Callable[[T], tuple[int, ...]]) -> Page[T]:
    """Make a page from ``size + 1`` fetched rows: the extra row only shows that there is more.

    ``key`` gives the integers the query is ordered by; the next query asks for rows after them.
    """
    items = tuple(rows[:size])
    more = len(rows) > size and bool(items)
    return Page(items, cursor(*key(items[-1])) if more else None)


def cursor(*keys: int) -> str:
    """Return the opaque cursor for a row's key. It is not signed: a query checks rights, never the cursor."""
    return base64.urlsafe_b64encode(".".join(map(str, keys)).encode()).decode().rstrip("=")


def parse_cursor(text: str, parts: int = 1, *, field: str | None = "cursor") -> tuple[int, ...] | Refusal:
    """Return the ``parts`` integers in a cursor, or Refusal ``bad_cursor`` for anything this service did not write."""
    refusal = Refusal("bad_cursor", say("Start again from the first page: this page link is not complete."), field)
    if not 0 < len(text) <= MAX_CURSOR_CHARACTERS or not text.isascii():
        return refusal
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        keys = tuple(int(part) for part in raw.split("."))
    except (binascii.Error, ValueError):
        return refusal
    if len(keys) != parts or any(abs(key) > MAX_KEY for key in keys) or cursor(*keys) != text:
        return refusal
    return keys


def page_size(asked: int | str | None, *, field: str | None = "limit") -> int | Refusal:
    """Return how many rows to show, 1 .. MAX_PAGE_SIZE, the default for None or ""; or Refusal ``bad_page_size``."""
    if asked is None or asked == "":
        return DEFAULT_PAGE_SIZE
    text = str(asked)
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_PAGE_SIZE:
        return int(text)
    return Refusal(
        "bad_page_size", say("Ask for between 1 and {max_page_size} lines.", max_page_size=MAX_PAGE_SIZE), field
    )
