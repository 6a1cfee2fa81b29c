"""Two checks on everything a page sends: it comes from our own page, and from the session that the page was made for.

The first (where does it come from) stops other sites. The second (the hidden ``csrf`` field) also notices a form from
an older session, for which there is a page that keeps what was typed. Sign-in forms, shown while nobody is signed in,
carry an empty field and rest on the first check. The API takes bearer tokens and never cookies, so it needs neither.

The value in the page is masked anew on every page: pages are compressed, and a secret that repeats unmasked beside
text that an attacker chooses could be guessed from the compressed length.
"""

import base64
import binascii
import hmac
import secrets
from urllib.parse import urlsplit

from litestar import Request
from litestar.handlers import BaseRouteHandler

from timebank.web import forms
from timebank.web.forms import CSRF_FIELD
from timebank.web.viewer import Connection, viewer

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
API_PREFIX = "/api/"


class CrossSiteError(Exception):
    """A form was sent from another site, or by something that does not say where it comes from."""


class StaleFormError(Exception):
    """A form was made for another session than the one it arrived with. Nothing has been changed."""


async def protect(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard for the whole application: refuses forms that are not from our pages or not from this session.

    Raises:
        CrossSiteError: the browser says, or does not deny, that another site sent this.
        StaleFormError: the hidden field does not belong to this session.
    """
    if connection.scope.get("method") in SAFE_METHODS or connection.scope["path"].startswith(API_PREFIX):
        return
    if not isinstance(connection, Request):
        raise CrossSiteError
    if not is_same_origin(connection):
        raise CrossSiteError
    form = await forms.read(connection)
    if not matches(form.text(CSRF_FIELD), viewer(connection).csrf):
        for file in form.files.values():
            await file.close()
        raise StaleFormError


def is_same_origin(request: Connection) -> bool:
    """True when the browser says that the request was started by a page of this very host.

    ``Sec-Fetch-Site`` cannot be set by a page and is right even where a referrer policy blanks the origin, so it
    decides when present; older browsers are judged by ``Origin``, then by ``Referer``. Only hosts are compared:
    behind a proxy that ends TLS the scheme seen here need not be the browser's.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    host = request.headers.get("host", "")
    source = request.headers.get("origin") or request.headers.get("referer", "")
    return bool(host) and urlsplit(source).netloc.lower() == host.lower()


def masked(token: str) -> str:
    """The token as a page carries it: different every time, so that compression betrays nothing."""
    if not token:
        return ""
    plain = token.encode()
    pad = secrets.token_bytes(len(plain))
    mixed = bytes(a ^ b for a, b in zip(plain, pad, strict=True))
    return base64.urlsafe_b64encode(pad + mixed).decode()


def matches(sent: str, token: str) -> bool:
    """True when what was sent, masked or plain, is the session's token; compared in constant time."""
    plain = hmac.compare_digest(sent.encode(), token.encode())
    return hmac.compare_digest(_unmasked(sent).encode(), token.encode()) or plain


def _unmasked(sent: str) -> str:
    try:
        mixed = base64.urlsafe_b64decode(sent.encode())
    except (binascii.Error, ValueError):
        return sent
    half = len(mixed) // 2
    return bytes(a ^ b for a, b in zip(mixed[:half], mixed[half:], strict=False)).decode("utf-8", "replace")
