"""Reading what people type: one plain form for the many ways keyboards and spreadsheets write the same characters."""

import unicodedata

_PLAIN = str.maketrans(
    {
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
        "\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u2032": "'",
        "\u066b": ".", "\u066c": ",", "\u060c": ",", "\u2236": ":", "\ua789": ":",
    }
)  # fmt: skip
SHOWN_CHARACTERS = 40


def plain(text: str) -> str:
    """Return the text lower-cased, with ordinary digits, hyphens, apostrophes and single spaces, for a parser to read.

    Digits of every script become 0-9, wide forms narrow, ``½`` becomes `` 1/2``; direction marks disappear.
    """
    kept: list[str] = []
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cf"):
            kept.append(" " if category == "Cc" else "")
            continue
        if unicodedata.decomposition(character).startswith("<fraction>"):
            # Without the space, 1½ would become 11/2.
            kept.append(" " + unicodedata.normalize("NFKC", character).replace("\u2044", "/"))
            continue
        for narrow in unicodedata.normalize("NFKC", character):
            digit = unicodedata.decimal(narrow, None)
            kept.append(narrow if digit is None else str(digit))
    return " ".join("".join(kept).translate(_PLAIN).split()).lower()


def shown(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return the text in quotation marks for a message: one line, shortened, no control or direction characters."""
    visible = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs"))
    line = " ".join("".join(c if unicodedata.category(c) != "Cc" else " " for c in visible).split())
    return f"“{line if len(line) <= limit else line[: limit - 1].rstrip() + '…'}”"
