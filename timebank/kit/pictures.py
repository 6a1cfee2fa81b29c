"""Photos made anew: really decoded, upright, small, without location or anything else but the picture.

A phone writes into a photo where and when it was taken and with what. Nothing of that is kept.
"""

import asyncio
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageOps, UnidentifiedImageError

from timebank.kit.refusal import Refusal
from timebank.kit.words import say

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
ACCEPT = "image/jpeg,image/png,image/webp"  # with these a phone that takes HEIC photos sends a JPEG
MAX_PHOTO_BYTES = 20 * 1_048_576
MAX_PIXELS = 50_000_000
MAX_SIDE = 1_600
MAX_KEPT_BYTES = 1_500_000
QUALITIES = (82, 70, 55, 40)
HALVINGS = 3
SMALL_QUALITIES = (75, 60, 45, 30, 20, 10, 3, 0)
MEDIA_TYPE = "image/jpeg"
SMALL_MEDIA_TYPE = "image/webp"

_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Remade:
    """A photo as it is kept: JPEG bytes that hold the picture and nothing else. Width and height are pixels."""

    content: bytes
    width: int
    height: int


async def remake(content: bytes, *, field: str = "photo") -> Remade | Refusal:
    """Read a photo and make it anew: upright, at most MAX_SIDE pixels long, at most MAX_KEPT_BYTES, no metadata.

    Refusals: ``photo_empty``, ``photo_too_large``, ``photo_heic``, ``photo_unreadable``, ``photo_too_many_pixels``.
    """
    if refusal := _check_bytes(content, field):
        return refusal
    return await asyncio.get_running_loop().run_in_executor(_workers(os.getpid()), _remake, content, field)


@cache
def _workers(_process_id: int) -> ThreadPoolExecutor:
    """Few at once: one large picture takes 150 MB while it is read.

    One for each process: a server forks its workers, and threads do not come along, so that work given to an inherited
    executor would never be done.
    """
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="photo")


async def smaller(content: bytes, size: tuple[int, int], *, max_bytes: int, square: bool = False) -> bytes:
    """A small WebP of a photo that :func:`remake` made, within ``size`` and ``max_bytes``; ``square``: its middle.

    Raises:
        ValueError: it cannot be made that small.
    """
    pool = _workers(os.getpid())
    return await asyncio.get_running_loop().run_in_executor(pool, _smaller, content, size, max_bytes, square)


def _smaller(content: bytes, size: tuple[int, int], max_bytes: int, square: bool) -> bytes:
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        picture = ImageOps.fit(image, size) if square else image.copy()
    picture.thumbnail(size)
    for quality in SMALL_QUALITIES:
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= max_bytes:
            return out.getvalue()
    raise ValueError("the picture does not become small enough")


def _check_bytes(content: bytes, field: str) -> Refusal | None:
    if not content:
        return Refusal("photo_empty", say("This photo is empty. Choose another one, or go on without."), field)
    if len(content) > MAX_PHOTO_BYTES:
        limit = MAX_PHOTO_BYTES // 1_048_576
        message = say("This photo is too large. Choose one below {limit} megabytes, or go on without.", limit=limit)
        return Refusal("photo_too_large", message, field)
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        message = say("We cannot open this kind of photo (HEIC). Choose a JPEG or PNG photo, or go on without.")
        return Refusal("photo_heic", message, field)
    return None


def _remake(content: bytes, field: str) -> Remade | Refusal:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            # Only the size is known so far; nothing has been unpacked. Pillow itself refuses at twice the limit.
            if image.width * image.height > MAX_PIXELS:
                return _too_many_pixels(field)
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            return _written(_upright(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return _too_many_pixels(field)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError, IndexError, KeyError):
        # Every way in which a broken file makes a decoder stumble.
        message = say("We cannot open this as a photo. Choose the photo again, or go on without.")
        return Refusal("photo_unreadable", message, field)


def _too_many_pixels(field: str) -> Refusal:
    return Refusal(
        "photo_too_many_pixels", say("This picture is too big. Choose a smaller one, or go on without."), field
    )


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as it was taken, within MAX_SIDE, on white where it is see-through."""
    turned = ImageOps.exif_transpose(image)
    turned.thumbnail((MAX_SIDE, MAX_SIDE))
    if turned.has_transparency_data:
        seen = turned.convert("RGBA")
        ground = Image.new("RGBA", seen.size, "white")
        ground.alpha_composite(seen)
        turned = ground
    # A new picture: whatever else the file carried stays behind.
    fresh = Image.new("RGB", turned.size)
    fresh.paste(turned.convert("RGB"))
    return fresh


def _written(picture: Image.Image) -> Remade:
    for _ in range(HALVINGS):
        for quality in QUALITIES:
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= MAX_KEPT_BYTES:
                return Remade(out.getvalue(), picture.width, picture.height)
        picture = picture.reduce(2)
    raise ValueError("the picture does not become small enough")
