"""The pages of this room, in one list for the application."""

from typing import Any

from timebank.claims import web_access, web_mine, web_staff

ROUTES: list[Any] = [*web_mine.ROUTES, *web_access.ROUTES, *web_staff.ROUTES]
