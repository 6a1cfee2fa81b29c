"""Pictures of the demo's offers: drawn, so that nobody takes them for photos of a real place."""

import io
from collections.abc import Callable

from PIL import Image, ImageDraw

SIZE = (800, 600)
SKY, WALL, WATER, SUN, INK, RED, GREEN = "#cfe8ef", "#f4e3c3", "#5aa7c7", "#f2b134", "#3b2a3a", "#c8453b", "#5b8c5a"

Draw = Callable[[ImageDraw.ImageDraw], None]


def drawn(draw: Draw) -> bytes:
    """The picture as JPEG."""
    picture = Image.new("RGB", SIZE, SKY)
    draw(ImageDraw.Draw(picture))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def cafe(pen: ImageDraw.ImageDraw) -> None:
    """A large cup on a table."""
    pen.rectangle((0, 420, 800, 600), fill=WALL)
    pen.ellipse((520, 220, 700, 400), outline=INK, width=34)
    pen.rounded_rectangle((220, 180, 580, 470), radius=60, fill=RED, outline=INK, width=10)
    pen.ellipse((230, 150, 570, 230), fill=INK)


def pool(pen: ImageDraw.ImageDraw) -> None:
    """Water in lanes, and a sun."""
    pen.ellipse((560, 40, 720, 200), fill=SUN)
    pen.rectangle((0, 260, 800, 600), fill=WATER)
    for top in (340, 430, 520):
        for left in range(0, 800, 100):
            pen.ellipse((left, top, left + 60, top + 34), fill=RED if left % 200 else "#ffffff")


def cinema(pen: ImageDraw.ImageDraw) -> None:
    """A bright screen above rows of seats."""
    pen.rectangle((0, 0, 800, 600), fill=INK)
    pen.rectangle((120, 60, 680, 350), fill="#fdf6e3", outline=SUN, width=12)
    for left in range(40, 760, 120):
        pen.rounded_rectangle((left, 430, left + 90, 590), radius=30, fill=RED)


def first_aid(pen: ImageDraw.ImageDraw) -> None:
    """A box with a white cross."""
    pen.rounded_rectangle((150, 160, 650, 540), radius=50, fill=GREEN, outline=INK, width=10)
    pen.rectangle((350, 230, 450, 470), fill="#ffffff")
    pen.rectangle((280, 300, 520, 400), fill="#ffffff")
    pen.arc((300, 90, 500, 240), 180, 360, fill=INK, width=24)
