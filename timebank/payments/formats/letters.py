"""Letters that banks can carry: other scripts are written in Latin letters, what is left over is dropped. Pure.

What people called themselves stays as it is in our records; only the copy that a bank is sent is changed, and pages
show both (see ``as_sent`` of the formats).
"""

import re
import unicodedata
from typing import Literal

from anyascii import anyascii

Letters = Literal["any", "bacs", "sepa"]

_DROPPED = str.maketrans(dict.fromkeys("'\"`´’‘“”„"))
_NOT_BACS = re.compile(r"[^A-Z0-9.&/\- ]+")
_NOT_SEPA = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]+")
# A name that began with one of these would be read as a formula, or refused by a bank.
_NEVER_FIRST = " .&/-?:),'+"


def bacs(text: str, most: int = 18) -> str:
    """The text in the letters of Bacs: A-Z, 0-9, ``. & / -`` and space, at most ``most`` of them; "" when none is left.

    O'Leary becomes OLEARY, Zoë ZOE; other letters become spaces. It never begins with a sign.
    """
    plain = _latin(text).translate(_DROPPED).upper()
    return _trimmed(_NOT_BACS.sub(" ", plain), most)


def sepa(text: str, most: int = 70) -> str:
    """The text in the Latin letters that every SEPA bank takes (EPC 217-08), at most ``most``; "" when none is left.

    A slash neither begins nor ends it, and two never stand together.
    """
    plain = _NOT_SEPA.sub(" ", _latin(text).replace("&", "+"))
    return _trimmed(re.sub(r"/{2,}", "/", plain), most)


def written(text: str, letters: Letters, most: int) -> str:
    """The text in the letters of a column profile, at most ``most`` of them; 0 for no limit."""
    limit = most or len(text) * 10
    if letters == "bacs":
        return bacs(text, limit)
    if letters == "sepa":
        return sepa(text, limit)
    kept = "".join(c for c in text if c in "\t\r\n" or unicodedata.category(c) != "Cc")
    return kept[:most] if most else kept


def _latin(text: str) -> str:
    """In ASCII. Pictures, and marks that nobody sees, are dropped; other controls become spaces."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if category == "Cc" or category.startswith("Z"):
            kept.append(" ")
        elif category not in ("Cf", "Cs", "Co", "Cn", "So", "Sk"):
            kept.append(character)
    return anyascii("".join(kept))


def _trimmed(text: str, most: int) -> str:
    return " ".join(text.split()).lstrip(_NEVER_FIRST)[:most].rstrip(" /")
