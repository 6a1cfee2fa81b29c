"""How somebody wants to read: the language, Easy Read, large text.

Members keep it with their record, visitors in a cookie. What somebody chose just before signing in holds on that phone
until they choose again: the cookie then says ``kept``, which it does not for a visitor.
"""

from dataclasses import dataclass

from litestar.datastructures import Cookie

from timebank import languages
from timebank.languages import LANGUAGES, SOURCE, Language
from timebank.web.context import settings
from timebank.web.viewer import Connection, viewer

COOKIE = "timebank_reading"
KEPT = "kept"
COOKIE_SECONDS = 365 * 24 * 3600
MAX_COOKIE_CHARACTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a page is shown to somebody."""

    language: str = SOURCE
    is_easy: bool = False
    is_large: bool = False

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return LANGUAGES[self.language].direction


def offered(connection: Connection) -> tuple[Language, ...]:
    """The languages that this deployment offers."""
    return languages.offered(unread=settings(connection).unread_languages)


def reading_of(connection: Connection) -> Reading:
    """What a member chose, or what a visitor's browser remembers; a language that is not offered is English."""
    person = viewer(connection)
    remembered = connection.cookies.get(COOKIE, "")
    if person.is_signed_in and (not remembered or KEPT in remembered.split(".")):
        chosen = Reading(language=person.language, is_easy=person.is_easy, is_large=person.is_large)
    else:
        chosen = from_cookie(remembered)
    if chosen.language == SOURCE or any(chosen.language == language.code for language in offered(connection)):
        return chosen
    return Reading(is_easy=chosen.is_easy, is_large=chosen.is_large)


def from_cookie(value: str) -> Reading:
    """Read ``cy.easy.large``; whatever is not understood is left out."""
    parts = value[:MAX_COOKIE_CHARACTERS].split(".")
    language = parts[0] if parts[0] in LANGUAGES else SOURCE
    return Reading(language=language, is_easy="easy" in parts[1:], is_large="large" in parts[1:])


def cookie(connection: Connection, chosen: Reading, *, is_kept: bool) -> Cookie:
    """The cookie that remembers a choice for a year; it says nothing about who somebody is.

    ``is_kept``: the choice is in a member's record too, and what the record says holds while they are signed in.
    """
    said = {"easy": chosen.is_easy, "large": chosen.is_large, KEPT: is_kept}
    parts = [chosen.language, *(name for name, is_said in said.items() if is_said)]
    return Cookie(
        key=COOKIE,
        value=".".join(parts),
        path="/",
        max_age=COOKIE_SECONDS,
        secure=settings(connection).is_https,
        httponly=True,
        samesite="lax",
    )
