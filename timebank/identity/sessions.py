"""The session cookie, and the middleware that finds out who is looking."""

from datetime import datetime
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from timebank.identity.acting import HOW_AGREED
from timebank.identity.queries import FoundSession
from timebank.identity.rules import MAX_SECRET_CHARACTERS, REMEMBERED_FOR, Device, device, helper
from timebank.identity.session_store import SignedIn, current_session
from timebank.settings import Settings
from timebank.web.context import database, now, settings
from timebank.web.viewer import STATE_KEY, ActingFor, Viewer

# Over https the prefix makes browsers insist on Secure, Path=/ and no Domain; over http they would refuse it.
SECURE_COOKIE = "__Host-timebank"
PLAIN_COOKIE = "timebank"

# Somebody who must sign in first scans their card, which opens an address of its own.
NEXT_COOKIE = "timebank_next"
NEXT_SECONDS = 600

UNSEEN = ("/static/", "/api/", "/healthz", "/readyz", "/metrics", "/favicon.ico")

AnyConnection = ASGIConnection[Any, Any, Any, Any]


def is_unseen(scope: Scope) -> bool:
    """True for the addresses whose answers do not depend on who is looking."""
    return scope["path"].startswith(UNSEEN)


class SessionMiddleware(ASGIMiddleware):
    """Puts the ``Viewer`` of a page into the scope's state; without a live session nothing, and everybody is anonymous.

    One query for each page. Changes nothing but, at most once a minute, when the session was last seen.
    """

    scopes = (ScopeType.HTTP,)
    should_bypass_for_scope = staticmethod(is_unseen)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Look the session up before the page is made."""
        connection: AnyConnection = ASGIConnection(scope, receive, send)
        token = session_token(connection)
        if token:
            found = await current_session(database(connection), token, now=now(connection))
            if found is not None:
                scope["state"][STATE_KEY] = viewer_of(found, now=now(connection))
        await next_app(scope, receive, send)


def viewer_of(found: FoundSession, *, now: datetime) -> Viewer:
    """What pages may know about the person behind a session."""
    helper_name, helper_phone, helper_email = helper(found.help_contact)
    return Viewer(
        member_id=found.member_id,
        timebank_id=found.timebank_id,
        timebank_name=found.timebank_name,
        timebank_slug=found.timebank_slug,
        display_name=found.display_name,
        roles=frozenset(found.roles),
        csrf=found.csrf,
        time_zone=found.time_zone,
        currency=found.currency,
        helper_name=helper_name,
        helper_phone=helper_phone,
        helper_email=helper_email,
        acting_for=_acting_for(found, now),
        language=found.language,
        is_easy=found.easy_read,
        is_large=found.large_text,
        is_remembered=found.is_remembered,
    )


def _acting_for(found: FoundSession, now: datetime) -> ActingFor | None:
    """Whom the session acts for while its hour lasts."""
    if found.acting_id is None or found.acting_for_id is None or found.acting_ends_at is None:
        return None
    if now >= found.acting_ends_at:
        return None
    return ActingFor(
        acting_id=found.acting_id,
        member_id=found.acting_for_id,
        display_name=found.acting_for_name or "",
        reason=found.acting_reason or "",
        how_agreed=HOW_AGREED.get(found.acting_how_agreed or "", ""),
        ends_at=found.acting_ends_at,
        scope=found.acting_scope,
    )


def cookie_name(configuration: Settings) -> str:
    """What the session cookie is called in this deployment."""
    return SECURE_COOKIE if configuration.is_https else PLAIN_COOKIE


def session_token(connection: AnyConnection) -> str:
    """The session's secret as the browser sent it; empty when there is none or it is no secret of ours."""
    token = connection.cookies.get(cookie_name(settings(connection)), "")
    return token if len(token) <= MAX_SECRET_CHARACTERS and token.isascii() else ""


def session_cookie(configuration: Settings, signed_in: SignedIn) -> Cookie:
    """The cookie that keeps somebody signed in; on a borrowed phone the browser drops it when it is closed."""
    return Cookie(
        key=cookie_name(configuration),
        value=signed_in.token,
        path="/",
        max_age=int(REMEMBERED_FOR.total_seconds()) if signed_in.is_remembered else None,
        secure=configuration.is_https,
        httponly=True,
        samesite="lax",
    )


def ended_cookie(configuration: Settings) -> Cookie:
    """The cookie that makes the browser forget the session."""
    return Cookie(
        key=cookie_name(configuration),
        value="",
        path="/",
        max_age=0,
        secure=configuration.is_https,
        httponly=True,
        samesite="lax",
    )


def next_cookie(configuration: Settings, path: str, seconds: int = NEXT_SECONDS) -> Cookie:
    """The cookie that keeps the page somebody wanted while they fetch their card or link."""
    secure = configuration.is_https
    return Cookie(
        key=NEXT_COOKIE, value=path, max_age=seconds, path="/sign-in", secure=secure, httponly=True, samesite="lax"
    )


def device_of(connection: AnyConnection) -> Device:
    """The browser and network that a request comes from."""
    return device(connection.client.host if connection.client else "", connection.headers.get("user-agent", ""))
