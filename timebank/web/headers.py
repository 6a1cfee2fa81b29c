"""Security headers on every answer, also on those that no route made (middleware never sees a routing 404 or 405)."""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from timebank.web.keeping import KEEP_HEADER, keep_key
from timebank.web.viewer import viewer_in

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Not no-referrer everywhere: under it browsers send `Origin: null` with our own forms, and those older ones that do
# not send Sec-Fetch-Site could not be told from another site. A page with a secret in its address sets NO_REFERRER
# itself.
REFERRER_POLICY = "same-origin"
NO_REFERRER = {"Referrer-Policy": "no-referrer"}
STRICT_TRANSPORT = "max-age=31536000"
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


async def add_security_headers(message: Message, scope: Scope) -> None:
    """Litestar ``before_send`` hook: adds the headers that the answer does not already carry."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if key := keep_key(viewer_in(scope)):
        headers[KEEP_HEADER] = key
    # What one person saw must not come back for the next person at a shared computer.
    headers.setdefault("Cache-Control", "no-store" if viewer_in(scope).is_signed_in else "no-cache, private")
