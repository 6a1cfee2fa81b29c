"""Practice: a time bank in which nothing is real, the way into it and back; and the guide on one page."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie

from timebank.governance import service
from timebank.identity.service import SignedIn, sign_in_by_link
from timebank.identity.sessions import device_of, session_cookie, session_token
from timebank.kit.actor import COORDINATOR
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]

BACK_COOKIE = "timebank_back"
FOR_COORDINATORS = [requires_role(COORDINATOR)]
REFUSED = 422


@get("/guide", guards=[signed_in])
async def guide(request: PageRequest) -> Response[Any]:
    """How to log a group, on one page to print."""
    return render(request, "governance/guide.html")


@get("/practice", guards=FOR_COORDINATORS)
async def practice_page(request: PageRequest) -> Response[Any]:
    """What practice is, and the button into it."""
    return _page(request, BLANK)


@post("/practice", guards=FOR_COORDINATORS, status_code=303)
async def practise(request: PageRequest) -> Response[Any]:
    """Make the practice time bank if need be and sign the coordinator in there, with a way back for half a day."""
    form = await forms.read(request)
    person = viewer(request)
    opened = await service.open_practice(
        database(request), person.actor, person.display_name or "", afresh=form.has("afresh"), now=now(request)
    )
    if isinstance(opened, list):
        return _page(request, form.refused(opened))
    back = await service.way_back(database(request), person.actor, now=now(request))
    token = await service.way_in(database(request), opened, now=now(request))
    entered = await _sign_in(request, token)
    if entered is None:
        return _page(request, form)
    response = _entered(request, entered, "This is your practice. Try everything.")
    response.set_cookie(_back_cookie(request, back, int(service.BACK_WITHIN.total_seconds())))
    return response


@post("/practice/leave", guards=[signed_in], status_code=303)
async def leave(request: PageRequest) -> Response[Any]:
    """Go back to where the coordinator came from; without a way back, to the page to sign in."""
    if not viewer(request).is_practice:
        return redirect(request, "/")
    token = request.cookies.get(BACK_COOKIE, "")
    entered = await _sign_in(request, token) if token.isascii() else None
    if entered is None:
        return redirect(request, "/", notice="The way back has ended. Sign out here, then sign in as usual.")
    response = _entered(request, entered, "You are back. Everything here is real.")
    response.set_cookie(_back_cookie(request, "", 0))
    return response


async def _sign_in(request: PageRequest, token: str) -> SignedIn | None:
    return await sign_in_by_link(
        database(request),
        token,
        device_of(request),
        is_remembered=False,
        replaces=session_token(request),
        now=now(request),
    )


def _entered(request: PageRequest, entered: SignedIn, notice: str) -> Response[Any]:
    response: Response[Any] = redirect(request, "/groups", notice=notice)
    response.set_cookie(session_cookie(settings(request), entered))
    response.headers["Cache-Control"] = "no-store"
    return response


def _back_cookie(request: PageRequest, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=BACK_COOKIE,
        value=value,
        max_age=seconds,
        path="/practice",
        secure=settings(request).is_https,
        httponly=True,
        samesite="strict",
    )


def _page(request: PageRequest, form: Form) -> Response[Any]:
    status = REFUSED if form.refusals else 200
    return render(request, "governance/practice.html", status, form=form)


ROUTES: list[Any] = [guide, practice_page, practise, leave]
