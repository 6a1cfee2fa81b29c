"""The languages of the pages for participants: gettext catalogues, how people write days and hours, and who is read to.

``catalogues/<language>.po`` hold the translations (``make catalogues`` brings them up to date). English is the source.
A page in the making speaks the language of :func:`speaking`; outside of it everything is English. A translation that no
native speaker has read is offered only where a deployment asks for it, as the demo does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from timebank.kit import dates, durations
from timebank.kit.words import Clock, FullDay, Minutes, Value, Words

CATALOGUES = Path(__file__).parent / "catalogues"
SOURCE: Final = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pages: its own name, its direction, and who has read the translation (None: nobody yet)."""

    code: str
    name: str
    direction: str
    read_by: str | None


LANGUAGES: Final = {
    language.code: language
    for language in (
        Language("en", "English", "ltr", "the source"),
        Language("cy", "Cymraeg", "ltr", None),
        Language("es", "Español", "ltr", None),
        Language("ar", "العربية", "rtl", None),
    )
}


@dataclass(frozen=True, slots=True)
class Speech:
    """How a page speaks: in which language, and whether in Easy Read."""

    language: Language
    is_easy: bool = False


_PLAIN = Speech(LANGUAGES[SOURCE])
EASY_READ_CHECKED_BY: Final[str | None] = None
"""The group of people with learning disabilities who checked the Easy Read texts; None: nobody yet."""

_speech: ContextVar[Speech] = ContextVar("speech", default=_PLAIN)


@contextmanager
def speaking(language: str, *, is_easy: bool = False) -> Iterator[None]:
    """Make a page in a language; one that we do not have is English."""
    token = _speech.set(Speech(LANGUAGES.get(language, LANGUAGES[SOURCE]), is_easy))
    try:
        yield
    finally:
        _speech.reset(token)


def current() -> Language:
    """The language of the page in the making."""
    return _speech.get().language


def is_easy() -> bool:
    """True when the page in the making is in Easy Read."""
    return _speech.get().is_easy


def offered(*, unread: bool) -> tuple[Language, ...]:
    """The languages to choose from; ``unread`` adds those that no native speaker has read yet."""
    return tuple(language for language in LANGUAGES.values() if unread or language.read_by is not None)


def spoken(code: str, *, unread: bool) -> str:
    """The language itself where it is offered, else English."""
    return code if any(code == language.code for language in offered(unread=unread)) else SOURCE


def gettext(source: str) -> str:
    """The translation of a text, or the text itself where there is none."""
    return _catalogue(current().code).gettext(source) if source else ""


def ngettext(one: str, many: str, count: int) -> str:
    """The translation of a text that counts, in the form that the language has for this number."""
    return _catalogue(current().code).ngettext(one, many, count)


def translate(text: str, language: str | None = None) -> str:
    """Say :class:`~timebank.kit.words.Words` in a language (default: the page's own); any other text stays as it is."""
    if language is not None:
        with speaking(language):
            return translate(text)
    if not isinstance(text, Words):
        return text
    if current().code == SOURCE:
        return str(text)
    values = {name: _said(value) for name, value in text.values.items()}
    if text.plural is None:
        return gettext(text.source).format(**values)
    return ngettext(text.source, text.plural, text.number).format(**values)


def hours(minutes: int) -> str:
    """A length of time as the page's language says it: ``1 hour 30 minutes``."""
    if current().code == SOURCE:
        return durations.in_words(minutes)
    whole, rest = divmod(abs(minutes), 60)
    parts = []
    if whole:
        parts.append(ngettext("{n} hour", "{n} hours", whole).format(n=f"{whole:,}"))
    if rest or not whole:
        parts.append(ngettext("{n} minute", "{n} minutes", rest).format(n=rest))
    # Some languages need an “and” between the two.
    length = parts[0] if len(parts) == 1 else gettext("{hours} {minutes}").format(hours=parts[0], minutes=parts[1])
    return ("−" if minutes < 0 else "") + length


def day(value: date, *, weekday: bool = True) -> str:
    """``Tuesday 3 March 2026`` as the page's language writes it. A moment must be in the reader's time zone already."""
    if current().code == SOURCE:
        words = dates.in_words(value)
        return f"{_WEEKDAYS[value.weekday()]} {words}" if weekday else words
    if weekday and current().code in _WEEKDAY_LAST:
        name = _in_parts(value, "EEEE")
        return f"{_in_parts(value, 'd', 'MMMM', 'y')} ({name[0].lower()}{name[1:]})"
    return _in_parts(value, *(("EEEE d", "MMMM", "y") if weekday else ("d", "MMMM", "y")))


def day_without_year(value: date) -> str:
    """``3 March``, for a day near enough that nobody wonders about the year."""
    if current().code == SOURCE:
        return dates.in_words(value).rpartition(" ")[0]
    return _in_parts(value, "d", "MMMM")


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def day_of_week(value: date) -> str:
    """``Tuesday 3 March``, where a heading says the year."""
    if current().code == SOURCE:
        return day(value).rpartition(" ")[0]
    return _in_parts(value, "EEEE d", "MMMM")


def time_of_day(value: datetime | time) -> str:
    """``14:05``, or as the page's language writes it; English has its own way, see ``timebank.web.pages``."""
    return format_time(value, "short", locale=current().code)


def month(value: date) -> str:
    """``March 2026``."""
    return _in_parts(value, "LLLL", "y")


_WEEKDAY_LAST: Final = frozenset({"cy"})
"""Languages in which a word before the name of a day changes it (“ar ddydd Mawrth”): the date stands between them."""

_OF: Final = {"es": " 'de' "}
"""What a language says between the day, the month and the year where others only leave a space."""


def _in_parts(value: date, *parts: str) -> str:
    code = current().code
    return format_date(value, _OF.get(code, " ").join(parts), locale="en_GB" if code == SOURCE else code)


def _said(value: Value) -> str:
    if isinstance(value, Minutes):
        return hours(value.minutes)
    if isinstance(value, FullDay):
        return day(value.day)
    if isinstance(value, Clock):
        return time_of_day(value.time)
    if isinstance(value, date):
        return day(value, weekday=False)
    return translate(value) if isinstance(value, str) else str(value)


@cache
def _catalogue(code: str) -> NullTranslations:
    path = CATALOGUES / f"{code}.po"
    if code == SOURCE or not path.is_file():
        return NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=code)
    made = BytesIO()
    write_mo(made, catalogue)
    made.seek(0)
    return GNUTranslations(made)
