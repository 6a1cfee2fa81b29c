"""One small change to a source text, and where it was made."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Edit:
    """Put ``new`` in the place of ``text[start:end]``."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Mutant:
    """A file of the ledger with one edit. It is named by what its lines say, so that the name outlives line numbers."""

    file: str
    source: str
    where: str
    edit: Edit

    @cached_property
    def text(self) -> str:
        """The whole file after the edit."""
        return self.source[: self.edit.start] + self.edit.new + self.source[self.edit.end :]

    @property
    def line(self) -> int:
        """The number of the first changed line."""
        return self.source.count("\n", 0, self.edit.start) + 1

    @property
    def was(self) -> str:
        """The changed lines before, each run of white space as one blank."""
        return self._lines_around(self.source, self.edit.end)

    @property
    def now(self) -> str:
        """The changed lines after."""
        return self._lines_around(self.text, self.edit.start + len(self.edit.new))

    def _lines_around(self, text: str, end: int) -> str:
        first = text.rfind("\n", 0, self.edit.start) + 1
        last = text.find("\n", end)
        return " ".join(text[first : None if last < 0 else last].split())


def replacing(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Callable[[str, str], Iterator[Edit]]:
    """A rule that edits each match of ``pattern`` in the masked text; a group ``here`` narrows what is replaced."""
    compiled = re.compile(pattern, re.MULTILINE)
    group = "here" if "here" in compiled.groupindex else 0

    def find(_: str, masked: str) -> Iterator[Edit]:
        for match in compiled.finditer(masked):
            yield Edit(match.start(group), match.end(group), new if isinstance(new, str) else new(match))

    return find


def closing(masked: str, opening: int) -> int:
    """The place of the bracket that closes the one at ``opening``."""
    depth = 0
    for place in range(opening, len(masked)):
        depth += {"(": 1, ")": -1}.get(masked[place], 0)
        if depth == 0:
            return place
    raise ValueError("a bracket is never closed")
