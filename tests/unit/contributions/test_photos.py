"""Photos are really read and made anew; what is not one, or too much of one, is refused in words."""

import asyncio
import io
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from timebank.contributions import photos
from timebank.contributions.photos import Remade, remake
from timebank.kit.refusal import Refusal

GPS = 0x8825
ORIENTATION = 0x0112
MODEL = 0x0110


@dataclass(frozen=True)
class Sent:
    """What to make a photo of."""

    kind: str = "JPEG"
    size: tuple[int, int] = (300, 200)
    mode: str = "RGB"
    colour: str | tuple[int, ...] = "navy"


def photo(sent: Sent = Sent(), **extra: object) -> bytes:
    out = io.BytesIO()
    Image.new(sent.mode, sent.size, sent.colour).save(out, sent.kind, **extra)
    return out.getvalue()


def with_location(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MODEL] = "Telltale 9"
    exif.get_ifd(GPS).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    picture = Image.new("RGB", (300, 200), "navy")
    picture.paste("yellow", (0, 0, 150, 200))  # the left half
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=95)
    return out.getvalue()


def made(content: bytes) -> Remade:
    result = asyncio.run(remake(content))
    assert isinstance(result, Remade), result
    return result


def refused(content: bytes) -> Refusal:
    result = asyncio.run(remake(content))
    assert isinstance(result, Refusal)
    return result


@pytest.mark.parametrize(
    "sent",
    [
        Sent(),
        Sent("PNG"),
        Sent("PNG", mode="P", colour=3),
        Sent("PNG", mode="LA", colour=(10, 0)),
        Sent("PNG", mode="RGBA", colour=(0, 0, 200, 10)),
        Sent("PNG", mode="I;16", colour=(500,)),
        Sent("PNG", mode="1", colour=(1,)),
        Sent("JPEG", mode="CMYK", colour=(1, 2, 3, 4)),
        Sent("JPEG", mode="L", colour=(7,)),
        Sent("WEBP"),
        Sent("AVIF"),
        Sent("PNG", size=(1, 1)),
        Sent("PNG", size=(4000, 1)),
    ],
    ids=str,
)
def test_every_usual_kind_becomes_a_plain_jpeg(sent: Sent) -> None:
    result = made(photo(sent))
    with Image.open(io.BytesIO(result.content)) as again:
        again.load()
        assert (again.format, again.mode, again.size) == ("JPEG", "RGB", (result.width, result.height))


def test_the_location_goes_and_the_picture_stands_upright() -> None:
    before = with_location()
    with Image.open(io.BytesIO(before)) as image:
        assert image.getexif().get_ifd(GPS), "the photo that is sent must have what is to go"
    result = made(before)
    with Image.open(io.BytesIO(result.content)) as image:
        assert not image.getexif()
        assert not set(image.info) & {"exif", "icc_profile", "comment", "xmp", "photoshop"}
        assert image.size == (200, 300)
        top, bottom = image.getpixel((100, 20)), image.getpixel((100, 280))
    assert b"Telltale" not in result.content
    assert b"Exif" not in result.content
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > 100 > bottom[0], "the yellow half is on top once the photo is turned"


def test_a_large_photo_becomes_small() -> None:
    noise = Image.effect_noise((3000, 2000), 120).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "JPEG", quality=95)
    result = made(out.getvalue())
    assert max(result.width, result.height) <= photos.MAX_SIDE
    assert len(result.content) <= photos.MAX_KEPT_BYTES


def test_what_is_see_through_is_white() -> None:
    with Image.open(io.BytesIO(made(photo(Sent("PNG", mode="RGBA", colour=(0, 0, 0, 0)))).content)) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is enormous."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "photo_empty"),
        (b"not a photo at all", "photo_unreadable"),
        (b"%PDF-1.7 and so on", "photo_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo_unreadable"),
        (photo()[:400], "photo_unreadable"),
        (photo(Sent("PNG"))[:60], "photo_unreadable"),
        (photo(Sent("GIF", mode="P", colour=3)), "photo_unreadable"),
        (photo(Sent("TIFF")), "photo_unreadable"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "photo_heic"),
        (bomb(20_000, 20_000), "photo_too_many_pixels"),
        (bomb(9_000, 9_000), "photo_too_many_pixels"),
        (bomb(3_000, 3_000), "photo_unreadable"),
        (b"x" * (photos.MAX_PHOTO_BYTES + 1), "photo_too_large"),
    ],
    ids=str,
)
def test_what_is_no_photo_is_refused_in_words(content: bytes, code: str) -> None:
    refusal = refused(content)
    assert (refusal.code, refusal.field) == (code, "photo")
    for sentence in refusal.message.split(". "):
        assert len(sentence.split()) <= 15, sentence


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_broken_photos_never_break_anything(data: st.DataObject, kind: str) -> None:
    whole = bytearray(photo(Sent(kind, size=(40, 30))))
    for _ in range(data.draw(st.integers(1, 12))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    result = asyncio.run(remake(bytes(whole)))
    assert isinstance(result, Refusal | Remade)


FORKS = """
import asyncio, os, signal
from timebank.contributions.photos import remake

async def several():
    # As many as use every thread, so that none is left to be made.
    await asyncio.gather(*(remake(b"none") for _ in range(8)))

asyncio.run(several())
child = os.fork()
if child == 0:
    signal.alarm(20)
    asyncio.run(remake(b"none"))
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_server_reads_photos_too() -> None:
    """The demo fills itself and then forks its server: threads of the parent do not exist there."""
    assert subprocess.run([sys.executable, "-c", FORKS], check=False, timeout=60).returncode == 0
