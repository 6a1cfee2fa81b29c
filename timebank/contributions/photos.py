"""Photos that show what somebody did: really decoded, made anew without location, kept in the database.

A phone writes into a photo where and when it was taken and with what. Nothing of that is kept: the picture is turned
the right way up, made smaller, and written anew.
"""

import asyncio
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError

from timebank.db import Connection, Database
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
ACCEPT = "image/jpeg,image/png,image/webp"  # with these a phone that takes HEIC photos sends a JPEG
MAX_PHOTO_BYTES = 20 * 1_048_576
MAX_PIXELS = 50_000_000
MAX_SIDE = 1_600
MAX_KEPT_BYTES = 1_500_000
QUALITIES = (82, 70, 55, 40)
HALVINGS = 3
UNUSED_KEPT_FOR = timedelta(days=1)
MEDIA_TYPE = "image/jpeg"
MAX_ID = 2**63 - 1

_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

KEEP = """
insert into photo (timebank_id, member_id, added_by, added_at, sha256, width, height, content)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, member_id, sha256) do update set added_at = excluded.added_at
returning id
"""
OWN = """
select p.id, p.width, p.height, p.content
  from photo p
 where p.timebank_id = $1 and p.id = $2 and p.member_id = $3
"""
OF_CONTRIBUTION = """
select p.id, p.width, p.height, p.content, c.member_id
  from evidence e
  join photo p on p.timebank_id = e.timebank_id and p.id = e.photo_id
  join contribution c on c.timebank_id = e.timebank_id and c.id = e.contribution_id
 where e.timebank_id = $1 and e.contribution_id = $2
"""
DELETE_UNUSED = """
delete from photo p
 where p.timebank_id = $1 and p.added_at < $2
   and not exists (select from evidence e where e.timebank_id = p.timebank_id and e.photo_id = p.id)
"""
FORGET_EVIDENCE = """
delete from evidence e
 using contribution c
 where e.timebank_id = $1 and c.timebank_id = e.timebank_id and c.id = e.contribution_id and c.member_id = $2
"""
FORGET_PHOTOS = "delete from photo where timebank_id = $1 and member_id = $2"


@dataclass(frozen=True, slots=True)
class Remade:
    """A photo as it is kept: JPEG bytes that hold the picture and nothing else. Width and height are pixels."""

    content: bytes
    width: int
    height: int


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A kept photo. ``member_id`` is whose time it is about."""

    id: int
    member_id: int
    width: int
    height: int
    content: bytes


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


def _check_bytes(content: bytes, field: str) -> Refusal | None:
    if not content:
        return Refusal("photo_empty", "This photo is empty. Choose another one, or go on without.", field)
    if len(content) > MAX_PHOTO_BYTES:
        limit = MAX_PHOTO_BYTES // 1_048_576
        message = f"This photo is too large. Choose one below {limit} megabytes, or go on without."
        return Refusal("photo_too_large", message, field)
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        message = "We cannot open this kind of photo (HEIC). Choose a JPEG or PNG photo, or go on without."
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
        message = "We cannot open this as a photo. Choose the photo again, or go on without."
        return Refusal("photo_unreadable", message, field)


def _too_many_pixels(field: str) -> Refusal:
    return Refusal("photo_too_many_pixels", "This picture is too big. Choose a smaller one, or go on without.", field)


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


async def keep(db: Database, actor: Actor, remade: Remade, *, now: datetime) -> int:
    """Keep a photo of the subject's, and return its id. The same photo is kept once.

    What is not used within UNUSED_KEPT_FOR is deleted by :func:`delete_unused`.
    """
    async with db.writing(actor.timebank_id) as connection:
        return int(
            await connection.fetchval(
                KEEP,
                actor.timebank_id,
                actor.subject_id,
                actor.member_id,
                now,
                hashlib.sha256(remade.content).digest(),
                remade.width,
                remade.height,
                remade.content,
            )
        )


async def own(connection: Connection, actor: Actor, photo_id: int) -> Photo | None:
    """A photo of the subject's own, used or not; None when there is none."""
    if not 0 < photo_id <= MAX_ID or actor.subject_id is None:
        return None
    row = await connection.fetchrow(OWN, actor.timebank_id, photo_id, actor.subject_id)
    return msgspec.convert({**row, "member_id": actor.subject_id}, Photo) if row else None


async def of_contribution(connection: Connection, timebank_id: int, contribution_id: int) -> Photo | None:
    """The photo that came with time given, or None. Who may see it is for the caller to decide."""
    if not 0 < contribution_id <= MAX_ID:
        return None
    row = await connection.fetchrow(OF_CONTRIBUTION, timebank_id, contribution_id)
    return msgspec.convert(dict(row), Photo) if row else None


async def delete_unused(db: Database, timebank_id: int, now: datetime) -> None:
    """A job: delete photos that were chosen and then not sent."""
    async with db.writing(timebank_id) as connection:
        await connection.execute(DELETE_UNUSED, timebank_id, now - UNUSED_KEPT_FOR)


async def forget_within(connection: Connection, timebank_id: int, member_id: int) -> None:
    """Delete a member's photos and their words about the time they gave, inside the open transaction. For leaving."""
    await connection.execute(FORGET_EVIDENCE, timebank_id, member_id)
    await connection.execute(FORGET_PHOTOS, timebank_id, member_id)
