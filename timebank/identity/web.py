"""Pages for signing in and out, and the list of one's devices."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.params import FromPath

from timebank.identity import queries, service
from timebank.identity.rules import home_page
from timebank.identity.sessions import (
    NEXT_COOKIE,
    device_of,
    ended_cookie,
    next_cookie,
    session_cookie,
    session_token,
)
from timebank.kit.ids import sha256
from timebank.kit.words import say
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import Form
from timebank.web.headers import NO_REFERRER
from timebank.web.pages import is_local_path, redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

NO_STORE = {"Cache-Control": "no-store"}
# The pages, the worker and what it kept. Not the cookies: the session's is ended beside it, and the one that remembers
# how somebody reads says nothing about who they are.
CLEAR = '"cache", "storage"'
# Sends at most "https://host/", never the path with the secret in it.
ORIGIN_ONLY = {"Referrer-Policy": "strict-origin"}
MAX_NEXT_CHARACTERS = 500
COMES_BACK_TO = "/in/"

GONE = 410
PAUSED = 429
REFUSED = 422


@get("/sign-in", include_in_schema=False)
async def sign_in_page(request: PageRequest) -> Response[Any]:
    """Say in plain words how to sign in; somebody who is signed in already goes to their first page."""
    person = viewer(request)
    if person.is_signed_in:
        return redirect(request, _wanted(request) or home_page(person.roles))
    wanted = _wanted(request)
    response: Response[Any] = render(
        request,
        "identity/sign_in.html",
        headers=NO_STORE,
        by_email=settings(request).smtp_url is not None,
        by_text=settings(request).sms_url is not None,
        with_next=f"?next={quote(wanted, safe='/')}" if wanted else "",
    )
    if wanted.startswith(COMES_BACK_TO):
        response.set_cookie(next_cookie(settings(request), wanted))
    return response


@get("/sign-in/link/{token:str}", include_in_schema=False)
async def link_page(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """Show the button of a one-time link. Opening the link signs nobody in: programs that check mail open links too."""
    facts = await service.link_facts(database(request), token, now=now(request))
    if facts is None:
        return _link_gone(request)
    form = Form.blank(next=_wanted(request))
    return render(
        request,
        "identity/link.html",
        form=form,
        headers=_secret_page(request),
        timebank_name=facts.timebank_name,
        token=token,
    )


@post("/sign-in/link/{token:str}", include_in_schema=False)
async def use_link(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """Use the link up, begin a session and leave the address with the secret in it."""
    form = await forms.read(request)
    started = await service.sign_in_by_link(
        database(request),
        token,
        device_of(request),
        is_remembered=not form.has("borrowed"),
        replaces=session_token(request),
        now=now(request),
    )
    return _link_gone(request) if started is None else _enter(request, started, form)


@get("/sign-in/card/{token:str}", include_in_schema=False)
async def card_page(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """Ask for the PIN of a card. The page is the same for every card, also for one that does not exist."""
    person = viewer(request)
    wanted = _wanted(request)
    # Who scans their own card on a phone that is signed in needs no PIN.
    if person.is_signed_in and await service.is_card_of(database(request), token, person.actor):
        await service.confirm_session(database(request), session_token(request), now=now(request))
        return redirect(request, wanted or home_page(person.roles))
    return render(
        request, "identity/card.html", form=Form.blank(token=token, next=wanted), headers=_secret_page(request)
    )


@get("/sign-in/card", include_in_schema=False)
async def card_without_secret(request: PageRequest) -> Response[Any]:
    """Where a browser lands that loads the page again after a wrong PIN: the ways to sign in."""
    return redirect(request, "/sign-in")


@post("/sign-in/card", include_in_schema=False)
async def use_card(request: PageRequest) -> Response[Any]:
    """Begin a session with a card and its PIN, or say that they do not match."""
    form = await forms.read(request)
    started = await service.sign_in_by_card(
        database(request),
        form.text("token"),
        form.text("pin"),
        device_of(request),
        is_remembered=not form.has("borrowed"),
        replaces=session_token(request),
        now=now(request),
    )
    if isinstance(started, list):
        status = PAUSED if started[0].code == "paused" else REFUSED
        return render(request, "identity/card.html", status, form=form.refused(started), headers=NO_STORE)
    return _enter(request, started, form)


@post("/sign-out", include_in_schema=False)
async def sign_out(request: PageRequest) -> Response[Any]:
    """End this session here and in the database, and clear what the browser kept of its pages."""
    await service.sign_out(database(request), session_token(request))
    return _leave(request)


@get("/devices", guards=[signed_in], include_in_schema=False)
async def devices_page(request: PageRequest) -> Response[Any]:
    """List the phones and computers on which I am signed in."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        lines = await queries.devices(
            connection,
            actor.timebank_id,
            actor.member_id or 0,
            this_sha256=sha256(session_token(request)),
            roles=actor.roles,
            now=now(request),
        )
    return render(request, "identity/devices.html", headers=NO_STORE, devices=lines)


@post("/devices/sign-out", guards=[signed_in], include_in_schema=False)
async def sign_out_device(request: PageRequest) -> Response[Any]:
    """Sign one of my devices out, from this one or from another."""
    form = await forms.read(request)
    device_id = form.text("device")
    is_this = sha256(session_token(request))[: queries.DEVICE_ID_BYTES].hex() == device_id
    was_there = await service.sign_out_device(database(request), viewer(request).actor, device_id)
    if is_this:
        return _leave(request)
    notice = say("That device is signed out.") if was_there else say("That device was signed out before.")
    return redirect(request, "/devices", notice=notice)


def _enter(request: PageRequest, started: service.SignedIn, form: Form) -> Response[Any]:
    wanted = _next(form.text("next") or request.query_params.get("next", ""))
    response: Response[Any] = redirect(request, wanted or home_page(started.roles))
    response.set_cookie(session_cookie(settings(request), started))
    if NEXT_COOKIE in request.cookies:
        response.set_cookie(next_cookie(settings(request), "", 0))
    response.headers.update(NO_STORE)
    return response


def _leave(request: PageRequest) -> Response[Any]:
    response: Response[Any] = redirect(request, "/sign-in", notice=say("You are signed out."))
    response.set_cookie(ended_cookie(settings(request)))
    response.headers.update({"Clear-Site-Data": CLEAR, **NO_STORE})
    return response


def _secret_page(request: PageRequest) -> dict[str, str]:
    """Headers for a page with a secret in its address: neither another site nor this browser's cache may keep it.

    Under ``no-referrer`` browsers send our own form with ``Origin: null``. Where they do not send ``Sec-Fetch-Site``
    either (older ones, and every one over plain http), the form would be taken for another site's and refused.
    """
    policy = NO_REFERRER if "sec-fetch-site" in request.headers else ORIGIN_ONLY
    return {**policy, **NO_STORE}


def _link_gone(request: PageRequest) -> Response[Any]:
    """The same page for a link that is used, too old or was never made."""
    return render(request, "identity/link_gone.html", GONE, headers=_secret_page(request), comes_back_to="/sign-in")


def _wanted(request: PageRequest) -> str:
    """The page to come back to after signing in: in the address, or kept while somebody fetched their card or link."""
    return _next(request.query_params.get("next", "")) or _next(request.cookies.get(NEXT_COOKIE, ""))


def _next(path: str) -> str:
    """The page somebody wanted to see before signing in, if it is one of ours; else empty."""
    is_ours = len(path) <= MAX_NEXT_CHARACTERS and is_local_path(path) and not path.startswith("/sign-")
    return path if is_ours else ""


ROUTES = [
    sign_in_page,
    link_page,
    use_link,
    card_page,
    card_without_secret,
    use_card,
    sign_out,
    devices_page,
    sign_out_device,
]
