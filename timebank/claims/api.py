"""Claims and access costs for programs: one's own, those that a coordinator looks at, and what is paid up front."""

from typing import Any

from timebank.claims import api_access, api_mine, api_staff

ROUTES: list[Any] = [*api_mine.ROUTES, *api_staff.ROUTES, *api_access.ROUTES]
