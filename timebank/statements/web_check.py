"""“Is this paper real?”: for whoever holds a printed statement. Nobody signs in here."""

from typing import Any

from litestar import Request, Response, get, post

from timebank.identity.rules import network_of
from timebank.statements import rules, service
from timebank.statements.service import Paper
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import render

PageRequest = Request[Any, Any, Any]
REFUSED = 422
# Nobody who uses the same browser later finds in its history what a paper says.
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@get("/check", include_in_schema=False)
async def show_check(request: PageRequest) -> Response[Any]:
    """Ask for the code; the square on the paper brings it. Nothing is looked up until the button is pressed."""
    return _page(request, Form.blank(code=request.query_params.get("code", "")[: rules.MAX_TYPED_CODE]))


@post("/check", include_in_schema=False)
async def check(request: PageRequest) -> Response[Any]:
    """What the paper should say, or one answer for every code that cannot be confirmed."""
    form = await forms.read(request)
    host = request.client.host if request.client else ""
    found = await service.check(database(request), form.text("code"), network=network_of(host), now=now(request))
    if isinstance(found, list):
        return _page(request, form.refused(found))
    return _page(request, Form.blank(), found)


def _page(request: PageRequest, form: Form, found: Paper | None = None) -> Response[Any]:
    status = REFUSED if form.refusals else 200
    return render(request, "statements/check.html", status, headers=PRIVATE, form=form, found=found)


ROUTES = [show_check, check]
