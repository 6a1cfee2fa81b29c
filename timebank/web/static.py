"""The stylesheet, the script and the icon: built beforehand, kept in memory, cached by browsers for good.

Names carry a fingerprint of the content, so an answer never goes stale. Only names in the manifest exist; nothing is
looked up on the disk while serving.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, route
from litestar.exceptions import ImproperlyConfiguredException, NotFoundException
from litestar.params import FromPath

STATIC = Path(__file__).parent / "static"
URL_PREFIX = "/static"
CACHE_FOR_GOOD = "public, max-age=31536000, immutable"
MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "png": "image/png"}
_SIBLINGS = (("br", "br"), ("gzip", "gz"))


@dataclass(frozen=True, slots=True)
class Asset:
    """One built file: its media type and its bytes by content encoding (``identity``, ``br``, ``gzip``)."""

    media_type: str
    bodies: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Assets:
    """Every built file, and the fingerprinted name of each source name."""

    names: Mapping[str, str]
    files: Mapping[str, Asset]


@cache
def assets() -> Assets:
    """Read the built files, once.

    Raises:
        ImproperlyConfiguredException: they have not been built; the message says how to build them.
    """
    manifest = STATIC / "manifest.json"
    if not manifest.is_file():
        raise ImproperlyConfiguredException("The stylesheet is not built. Run: python hatch_build.py")
    names: dict[str, str] = json.loads(manifest.read_text("utf-8"))["files"]
    return Assets(names, {name: _load(name) for name in names.values()})


def asset_url(name: str) -> str:
    """The address of a built file: ``asset_url("main.css")``.

    Raises:
        KeyError: no such file was built.
    """
    return f"{URL_PREFIX}/{assets().names[name]}"


def best_encoding(accepted: str, available: Mapping[str, bytes]) -> str:
    """The content encoding to answer with: brotli before gzip before none, of those the browser accepts."""
    wanted = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        wanted[name.strip()] = parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((name for name, _ in _SIBLINGS if wanted.get(name) and name in available), "identity")


@route(
    f"{URL_PREFIX}/{{name:str}}",
    http_method=["GET", "HEAD"],
    include_in_schema=False,
    sync_to_thread=False,
    name="static",
)
def serve(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer with a built file, or 304 when the browser already has it."""
    asset = assets().files.get(name)
    if asset is None:
        raise NotFoundException
    encoding = best_encoding(request.headers.get("accept-encoding", ""), asset.bodies)
    etag = f'"{name}-{encoding}"'
    headers = {"ETag": etag, "Cache-Control": CACHE_FOR_GOOD, "Vary": "Accept-Encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=asset.media_type)
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(asset.bodies[encoding], headers=headers, media_type=asset.media_type)


def _load(name: str) -> Asset:
    bodies = {"identity": (STATIC / name).read_bytes()}
    for encoding, suffix in _SIBLINGS:
        bodies[encoding] = (STATIC / f"{name}.{suffix}").read_bytes()
    return Asset(MEDIA_TYPES[name.rsplit(".", 1)[-1]], bodies)
