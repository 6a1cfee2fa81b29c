"""What a page shows in words: its text block by block, and what of it is nobody's own words."""

from html.parser import HTMLParser

SILENT = frozenset({"script", "style", "svg", "textarea", "template", "noscript"})
OWN_WORDS = frozenset({"bdi"})
INLINE = frozenset({"a", "b", "bdi", "br", "em", "span", "strong", "small", "i", "abbr", "sup", "sub", "code", "label"})
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
SAID = ("aria-label", "alt", "title", "placeholder")


class Shown(HTMLParser):
    """Reads a page. ``blocks`` are its texts; names and other own words stand as ``own`` in them."""

    def __init__(self, own: str, *, language: str) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.attributes: list[str] = []
        self._own, self._language = own, language
        self._open: list[tuple[str, bool, bool]] = []  # tag, silent, own words
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element; a block ends the text before it."""
        given = dict(attrs)
        if tag not in INLINE:
            self._end_block()
        if not self._is_silent:
            self.attributes += [value for name in SAID if (value := given.get(name))]
        if tag in VOID:
            return
        is_written_left_to_right = tag in INLINE and given.get("dir") == "ltr"  # a number, an address
        is_own = tag in OWN_WORDS or "tb-reference" in (given.get("class") or "") or is_written_left_to_right
        other = tag != "html" and given.get("lang") not in (None, self._language)
        was_own = self._is_own
        self._open.append((tag, tag in SILENT or other, is_own))
        if is_own and not was_own and not self._is_silent:
            self._text += self._own

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        if tag not in INLINE:
            self._end_block()
        while self._open and any(open_tag == tag for open_tag, _, _ in self._open):
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        """Keep the text that people see and that is not somebody's own."""
        if not self._is_silent and not self._is_own:
            self._text += data

    @property
    def _is_silent(self) -> bool:
        return any(silent for _, silent, _ in self._open)

    @property
    def _is_own(self) -> bool:
        return any(own for _, _, own in self._open)

    def _end_block(self) -> None:
        if words := " ".join(self._text.split()):
            self.blocks.append(words)
        self._text = ""


def shown(html: str, *, own: str = "Sam", language: str = "en") -> Shown:
    """What a page shows."""
    reader = Shown(own, language=language)
    reader.feed(html)
    reader.close()
    return reader
