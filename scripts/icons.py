"""Makes the icons of the installed page from ``icon.svg``: ``python -m scripts.icons``, after the drawing changed.

Phones want PNG. Typst, which makes our papers, draws them, so nothing else is needed; the results are small and
committed, because building the package must not need Typst.
"""

import tempfile
from pathlib import Path

import typst

ASSETS = Path(__file__).resolve().parent.parent / "timebank" / "web" / "assets"
GROUND = 'rgb("#f6ecf3")'
# name: side in pixels, share of it that the drawing takes, ground. A phone may cut a maskable icon down to a circle of
# 80 % across, and puts a touch icon without a ground on black.
ICONS = {
    "icon-192.png": (192, 88, "none"),
    "icon-512.png": (512, 88, "none"),
    "icon-maskable.png": (512, 56, GROUND),
    "icon-touch.png": (180, 72, GROUND),
}
PAGE = """#set page(width: {side}pt, height: {side}pt, margin: 0pt, fill: {ground})
#align(center + horizon, image("icon.svg", width: {share}%))
"""


def icon(name: str) -> bytes:
    """The PNG of this name."""
    side, share, ground = ICONS[name]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "icon.svg").write_bytes((ASSETS / "icon.svg").read_bytes())
        page = Path(folder) / "page.typ"
        page.write_text(PAGE.format(side=side, share=share, ground=ground), "utf-8")
        made = typst.compile(str(page), format="png", ppi=72)
    assert isinstance(made, bytes)
    return made


if __name__ == "__main__":
    for name in ICONS:
        (ASSETS / name).write_bytes(icon(name))
        print(f"{name}: {(ASSETS / name).stat().st_size:,} bytes")
