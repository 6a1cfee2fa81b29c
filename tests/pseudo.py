"""A language for tests: every text of the catalogues between ⟦ and ⟧, in the place of Welsh."""

from typing import Any

import pytest

from timebank import languages

PSEUDO = "cy"
BEGIN, END = "⟦", "⟧"
_real = languages._catalogue


class PseudoCatalogue:
    """Says every text in brackets, in the form for its number."""

    def gettext(self, source: str) -> str:
        """The text in brackets; what only joins other texts is none."""
        return source if source.startswith("{part_") else f"{BEGIN}{source}{END}"

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The form for the number, in brackets."""
        return self.gettext(one if count == 1 else many)


def speak_pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends, Welsh is the language of brackets."""

    def catalogue(code: str) -> Any:
        return PseudoCatalogue() if code == PSEUDO else _real(code)

    monkeypatch.setattr(languages, "_catalogue", catalogue)
