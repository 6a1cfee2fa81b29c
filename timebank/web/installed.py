"""What a phone fetches to put Timebank on its first screen: the manifest, and the worker for times without signal.

Both are the same for everybody and name no programme, condition or activity. The worker stands at the root, because it
may only look after pages below its own address.
"""

import hashlib
import json
from functools import cache
from typing import Any

from litestar import Request, Response, get

from timebank.web.headers import ALWAYS
from timebank.web.keeping import MAX_DAYS
from timebank.web.static import asset_url, assets

MANIFEST_PATH = "/app.webmanifest"
WORKER_PATH = "/worker.js"
NAME = "Timebank"
THEME, GROUND = "#67305a", "#fcf7ef"
# What the worker needs to show its pages. The names carry fingerprints, so a new build is a new worker.
KEPT_FILES = ("main.css", "icon.svg")
REVALIDATE = "no-cache"


@cache
def manifest() -> str:
    """The web manifest."""
    icons = [
        {"src": asset_url("icon-192.png"), "sizes": "192x192", "type": "image/png", "purpose": "any"},
        {"src": asset_url("icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "any"},
        {"src": asset_url("icon-maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    return json.dumps(
        {
            "name": NAME,
            "short_name": NAME,
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "lang": "en",
            "dir": "ltr",
            "theme_color": THEME,
            "background_color": GROUND,
            "icons": icons,
        }
    )


@cache
def worker() -> str:
    """The service worker with what it has to know in front: its version, what it keeps, the headers of its pages."""
    text = assets().files[assets().names["worker.js"]].bodies["identity"].decode("utf-8")
    facts = {
        "FILES": [asset_url(name) for name in KEPT_FILES],
        "HEADERS": {**ALWAYS, "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"},
        "MAX_DAYS": MAX_DAYS,
    }
    lines = [f"const {name} = {json.dumps(value)};" for name, value in facts.items()]
    version = hashlib.sha256("\n".join([*lines, text]).encode()).hexdigest()[:10]
    return "\n".join([f'const VERSION = "timebank-{version}";', *lines, text])


@get(MANIFEST_PATH, include_in_schema=False, sync_to_thread=False)
def show_manifest(request: Request[Any, Any, Any]) -> Response[str]:
    """What the phone shows under the icon, and where the icon leads."""
    return _answer(request, manifest(), "application/manifest+json")


@get(WORKER_PATH, include_in_schema=False, sync_to_thread=False)
def show_worker(request: Request[Any, Any, Any]) -> Response[str]:
    """The service worker; browsers ask again with every visit and get an empty 304 while it is the same."""
    return _answer(request, worker(), "text/javascript")


def _answer(request: Request[Any, Any, Any], text: str, media_type: str) -> Response[str]:
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": REVALIDATE}
    if etag in request.headers.get("if-none-match", ""):
        return Response("", status_code=304, headers=headers, media_type=media_type)
    return Response(text, headers=headers, media_type=media_type)


ROUTES = [show_manifest, show_worker]
