"""The words of a page as a reader meets them, and how hard they are to read.

What is looked at is ``<main>``. What members typed stands in ``<bdi>`` and counts as one word, unless it is a number
(hours stand in it too); hidden and decorative parts count for nothing. Every block (a paragraph, a heading, a label,
a button) ends a sentence.
"""

import re
import warnings
from dataclasses import dataclass
from html.parser import HTMLParser

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the last version that needs no download says that its helpers are old
    import textstat

MOST_WORDS = 15
MOST_WORDS_EASY = 10
HARDEST_GRADE = 6.0

_BLOCKS = frozenset({
    "p", "h1", "h2", "h3", "h4", "li", "dt", "dd", "td", "th", "caption", "label", "legend", "button", "summary", "div",
    "section", "form", "fieldset", "option", "small", "table", "tr", "ul", "ol", "br", "figcaption",
})  # fmt: skip
_SILENT = frozenset({"script", "style", "svg", "template", "noscript"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr", "col"})
_END = re.compile(r"(?<=[.?!:;])[\"”’)]*\s+|\s+·\s+")  # a middle dot stands between things in a row
_SOMEBODYS_WORDS = "Ali"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page asks of its reader: its sentences, the longest first to be looked at, and the school grade."""

    sentences: tuple[str, ...]
    grade: float

    def longer_than(self, words: int) -> list[str]:
        """The sentences with more words than that."""
        return [sentence for sentence in self.sentences if len(sentence.split()) > words]


def reading_of(html: str) -> Reading:
    """Read a page. The grade is Flesch-Kincaid's, over everything that ends like a sentence; 0 where nothing does."""
    found = tuple(sentences(html))
    whole = [sentence for sentence in found if sentence[-1] in ".?!"]
    return Reading(found, max(float(textstat.flesch_kincaid_grade(" ".join(whole))), 0.0) if whole else 0.0)


def sentences(html: str) -> list[str]:
    """The sentences of the main part of a page, in order."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    return [
        sentence
        for block in parser.blocks
        for sentence in _END.split(" ".join(block.split()))
        if re.search(r"\w", sentence)
    ]


class _Words(HTMLParser):
    """Collects the text of ``<main>``, block by block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = [""]
        self._in_main = False
        self._silent_in: list[str] = []
        self._typed: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "main":
            self._in_main = True
        if self._silent_in or tag in _SILENT or facts.get("aria-hidden") == "true" or "hidden" in facts:
            if tag not in _VOID:
                self._silent_in.append(tag)
            return
        if tag == "bdi":
            self._typed = []
        elif self._ends_block(tag):
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._silent_in:
            if tag == self._silent_in[-1]:
                self._silent_in.pop()
            return
        if tag == "main":
            self._in_main = False
        if tag == "bdi" and self._typed is not None:
            typed = " ".join("".join(self._typed).split())
            self._typed = None
            self._say(typed if typed[:1].isdigit() else _SOMEBODYS_WORDS if typed else "")
        elif self._ends_block(tag):
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if not self._in_main or self._silent_in:
            return
        if self._typed is not None:
            self._typed.append(data)
        else:
            self._say(data)

    def _say(self, text: str) -> None:
        if self._in_main:
            self.blocks[-1] += text

    def _ends_block(self, tag: str) -> bool:
        return tag in _BLOCKS
