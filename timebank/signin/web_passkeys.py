"""Pages for passkeys: add one, take one away, sign in with one, say with one who one is. They need a script."""

from typing import Any

from litestar import Request, Response, get, post

from timebank.identity.rules import home_page
from timebank.identity.sessions import device_of, session_cookie, session_token
from timebank.kit.words import say
from timebank.signin import passkeys
from timebank.signin.confirming import confirmed
from timebank.web import forms
from timebank.web.confirm import MAX_NEXT_CHARACTERS
from timebank.web.context import database, now, settings
from timebank.web.forms import Form
from timebank.web.pages import is_local_path, redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
NO_STORE = {"Cache-Control": "no-store"}
REFUSED = 422


@get("/me/passkeys", guards=[confirmed], include_in_schema=False)
async def passkeys_page(request: PageRequest) -> Response[Any]:
    """My passkeys, and a button for one more."""
    return await _passkeys_page(request, Form.blank())


@post("/me/passkeys", guards=[confirmed], include_in_schema=False)
async def add_passkey(request: PageRequest) -> Response[Any]:
    """Keep the passkey that this phone or computer has just made."""
    form, person = await forms.read(request), viewer(request)
    refusals = await passkeys.add(
        database(request),
        settings(request),
        person.actor,
        form.text("answer"),
        device_of(request),
        now=now(request),
    )
    if refusals:
        return await _passkeys_page(request, form.refused(refusals))
    return redirect(request, "/me/passkeys", notice=say("Your passkey is ready. Use it next time you sign in."))


@post("/me/passkeys/remove", guards=[confirmed], include_in_schema=False)
async def remove_passkey(request: PageRequest) -> Response[Any]:
    """Take a passkey away."""
    form = await forms.read(request)
    await passkeys.remove(database(request), viewer(request).actor, form.text("passkey"))
    return redirect(request, "/me/passkeys", notice=say("That passkey does not work any more."))


@get("/sign-in/passkey", include_in_schema=False)
async def sign_in_page(request: PageRequest) -> Response[Any]:
    """One button: the browser offers the passkeys it has."""
    return await _sign_in_page(request, Form.blank(next=_next(request.query_params.get("next", ""))))


@post("/sign-in/passkey", include_in_schema=False)
async def sign_in(request: PageRequest) -> Response[Any]:
    """Begin a session with the passkey that answered."""
    form = await forms.read(request)
    started = await passkeys.sign_in(
        database(request),
        settings(request),
        form.text("answer"),
        device_of(request),
        is_remembered=not form.has("borrowed"),
        replaces=session_token(request),
        now=now(request),
    )
    if isinstance(started, list):
        return await _sign_in_page(request, form.refused(started))
    response: Response[Any] = redirect(request, _next(form.text("next")) or home_page(started.roles))
    response.set_cookie(session_cookie(settings(request), started))
    response.headers.update(NO_STORE)
    return response


@get("/confirm/passkey", guards=[signed_in], include_in_schema=False)
async def confirm_page(request: PageRequest) -> Response[Any]:
    """Say once more who one is, with a passkey."""
    return await _confirm_page(request, Form.blank(next=_next(request.query_params.get("next", ""))))


@post("/confirm/passkey", guards=[signed_in], include_in_schema=False)
async def confirm(request: PageRequest) -> Response[Any]:
    """Check the passkey that answered, and lead back to what was wanted."""
    form = await forms.read(request)
    refusals = await passkeys.confirm(
        database(request),
        settings(request),
        viewer(request).actor,
        form.text("answer"),
        session_token(request),
        now=now(request),
    )
    if refusals:
        return await _confirm_page(request, form.refused(refusals))
    return redirect(request, _next(form.text("next")) or "/me", notice=say("Thank you. Now go on."))


async def _passkeys_page(request: PageRequest, form: Form) -> Response[Any]:
    person = viewer(request)
    options = await passkeys.options_to_add(
        database(request), settings(request), person.actor, person.display_name or "", now=now(request)
    )
    mine = await passkeys.passkeys_of(database(request), person.actor)
    status = REFUSED if form.refusals else 200
    return render(request, "signin/passkeys.html", status, form=form, headers=NO_STORE, mine=mine, options=options)


async def _sign_in_page(request: PageRequest, form: Form) -> Response[Any]:
    return await _ask_page(request, form, "/sign-in/passkey")


async def _confirm_page(request: PageRequest, form: Form) -> Response[Any]:
    return await _ask_page(request, form, "/confirm/passkey")


async def _ask_page(request: PageRequest, form: Form, action: str) -> Response[Any]:
    options = await passkeys.options_to_sign_in(database(request), settings(request), now=now(request))
    status = REFUSED if form.refusals else 200
    return render(request, "signin/passkey.html", status, form=form, headers=NO_STORE, action=action, options=options)


def _next(path: str) -> str:
    """The page somebody wanted to see, if it is one of ours; else empty."""
    is_ours = len(path) <= MAX_NEXT_CHARACTERS and is_local_path(path) and not path.startswith(("/sign-", "/confirm"))
    return path if is_ours else ""


ROUTES = [passkeys_page, add_passkey, remove_passkey, sign_in_page, sign_in, confirm_page, confirm]
