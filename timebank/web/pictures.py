"""Pictures beside the sentences of Easy Read pages: plain drawings from two icon packages, put into the page itself.

The build picks the ones that ``assets/pictures.json`` names. They say nothing that the words do not say, so screen
readers pass over them.
"""

import json
from functools import cache

from litestar.exceptions import ImproperlyConfiguredException
from markupsafe import Markup

from timebank.web.static import STATIC

FILE = "pictures.json"


@cache
def _pictures() -> dict[str, str]:
    path = STATIC / FILE
    if not path.is_file():
        raise ImproperlyConfiguredException("The pictures are not built. Run: python hatch_build.py")
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found


def picture(name: str) -> Markup:
    """The drawing of this name, ready for a page.

    Raises:
        KeyError: ``assets/pictures.json`` does not name it.
    """
    return Markup(_pictures()[name])  # noqa: S704 - our own build wrote it
