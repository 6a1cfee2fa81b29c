"""What was tested so that everybody can use these pages, by what, and what was not."""

from typing import Any

from litestar import Request, Response, get

from timebank.languages import LANGUAGES
from timebank.web.pages import render

PageRequest = Request[Any, Any, Any]


@get("/accessibility", include_in_schema=False)
async def show_accessibility(request: PageRequest) -> Response[str]:
    """The accessibility statement: for everybody, signed in or not."""
    unread = [language.name for language in LANGUAGES.values() if language.read_by is None]
    return render(request, "home/accessibility.html", unread=unread)


ROUTES = [show_accessibility]
