"""Comparing people's names as written by hand, by a phone and by a spreadsheet."""

import unicodedata

_APOSTROPHES = "\u2019\u2018\u02bc\u02bb\u2032\u00b4\u0060\uff07\u201b"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_UNIFIED = str.maketrans(dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_HYPHENS, "-"))
# Letters that Unicode does not take apart into a plain letter and an accent.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)


def tidy(text: str) -> str:
    """Return a name fit to store and show: composed (NFC), single spaces, no control or direction characters.

    Joiners that emoji and some scripts need are kept. Nothing a person would see is changed.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = (c if unicodedata.category(c) != "Cc" else " " for c in composed if not _is_invisible(c))
    return " ".join("".join(kept).split())


def key(text: str) -> str:
    """Return the form in which two spellings of one name are equal: case, apostrophes, hyphens, spaces aside.

    Accents still count: ``Hana Nováková`` and ``Hana Novakova`` differ here and meet in ``loose_key``.
    """
    if text.isascii() and text.isprintable():
        # The same answer, ten times sooner, for most names of most registers.
        folded = text.translate(_UNIFIED).casefold()
        return " ".join(folded.split()).replace(" -", "-").replace("- ", "-")
    unified = unicodedata.normalize("NFKC", text.translate(_UNIFIED)).translate(_UNIFIED)
    kept = "".join(" " if unicodedata.category(c) == "Cc" else c for c in unified if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", kept.casefold())
    return " ".join(folded.split()).replace(" -", "-").replace("- ", "-")


def loose_key(text: str) -> str:
    """Return a form that also forgets accents, apostrophes, hyphens and stops; for a suggestion, not a decision."""
    taken_apart = unicodedata.normalize("NFKD", key(text).translate(_PLAIN_LETTERS))
    bare = "".join(c for c in taken_apart if not unicodedata.combining(c)).replace("'", "")
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" and character not in "\u200c\u200d"
