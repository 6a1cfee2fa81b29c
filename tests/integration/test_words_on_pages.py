"""Every participant's page: all its words can be said in another language, and they are short and plain."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from babel import Locale

from tests.integration.access_table import PAGES
from tests.integration.redemptions.spending import booked, give_hours, offer
from tests.integration.shown import shown
from tests.people import NOW, Bank, Browser
from tests.pseudo import BEGIN, END, PSEUDO, speak_pseudo
from tests.reading import HARDEST_GRADE, MOST_WORDS, MOST_WORDS_EASY, reading_of
from timebank.app import create_app
from timebank.db import Database
from timebank.kit.clock import FixedClock
from timebank.settings import Settings

# Answers that are no pages, or pages that nobody reads.
NO_PAGES = frozenset({"/sign-in/card", "/manifest.webmanifest"})
FOR_LEADERS = frozenset({"/sheet"})  # a tool of those who lead a group; like those of staff it is in English
TITLE = "Zzyzx"  # of an offer: somebody's own word, which a page takes as it is
PATHS = sorted(
    path
    for method, path in (name.split(" ", 1) for name, who in PAGES.items() if "participant" in who)
    if method == "GET" and "{" not in path and path not in NO_PAGES | FOR_LEADERS
)
BEFORE_SIGNING_IN = ("/sign-in", "/sign-in/card/unknown", "/sign-in/link/unknown", "/reading", "/nowhere", "/tell")
NAMES = {
    word
    for form in ("format", "stand-alone")
    for width in ("wide", "abbreviated")
    for words in (Locale("cy").months[form][width], Locale("cy").days[form][width])
    for name in words.values()
    for word in name.split()
} | {"dydd"}  # "day", as Welsh says it before the name of one


@asynccontextmanager
async def site(db: Database) -> AsyncIterator[Any]:
    app = create_app(Settings(database_url="postgresql://unused/", unread_languages=True), db=db, clock=FixedClock(NOW))

    def browser() -> Browser:
        return Browser(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://timebank.test",
            headers={"Sec-Fetch-Site": "same-origin", "Origin": "http://timebank.test"},
            follow_redirects=True,
        )

    async with app.lifespan():
        yield browser


async def read_as(bank: Bank, **values: object) -> None:
    settings = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, start=3))
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            f"update member set {settings} where timebank_id = $1 and id = $2",
            bank.id,
            bank.participant.member_id,
            *values.values(),
        )


async def with_a_life(bank: Bank) -> list[str]:
    """Hours, an offer and a booking for the participant; the addresses of their pages."""
    assert bank.participant.member_id is not None
    await give_hours(bank, bank.participant.member_id, 600)
    offer_id = await offer(bank, title=TITLE)
    booking = await booked(bank, offer_id, bank.participant)
    return [f"/offers/{offer_id}", f"/offers/{offer_id}/check", f"/bookings/{booking}"]


async def pages_of(bank: Bank, db: Database) -> AsyncIterator[tuple[str, str]]:
    addresses = await with_a_life(bank)
    async with site(db) as browser, browser() as mine:
        await mine.sign_in(db, bank.participant)
        for path in [*PATHS, *addresses]:
            answer = await mine.get(path)
            assert answer.status_code < 500, path
            if "text/html" in answer.headers.get("content-type", ""):
                yield path, answer.text


def unwrapped(text: str) -> str:
    """What stands outside of the brackets, without days and figures."""
    depth, outside = 0, ""
    for character in text:
        depth += {BEGIN: 1, END: -1}.get(character, 0)
        if depth == 0 and character != END:
            outside += character
    words = re.findall(r"[^\W\d_]+", outside)
    return " ".join(word for word in words if word not in NAMES)


async def test_every_word_can_be_said_in_another_language(
    bank: Bank, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_pseudo(monkeypatch)
    await read_as(bank, language=PSEUDO)
    found: dict[str, list[str]] = {}
    async for path, html in pages_of(bank, db):
        page = shown(html.replace(bank.facts.name, "").replace(TITLE, ""), own="", language=PSEUDO)
        assert page.blocks, path
        for text in [*page.blocks, *page.attributes]:
            if unwrapped(text):
                found.setdefault(f"{unwrapped(text)!r} in {text!r}", []).append(path)
    lines = [f"{text}: {' '.join(paths[:3])}" for text, paths in sorted(found.items())]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("easy", [False, True], ids=["plain", "easy"])
async def test_sentences_are_short_and_plain(bank: Bank, db: Database, easy: bool) -> None:
    await read_as(bank, easy_read=easy)
    limit = MOST_WORDS_EASY if easy else MOST_WORDS
    found: dict[str, list[str]] = {}
    async for path, html in pages_of(bank, db):
        page = reading_of(html)
        for sentence in page.longer_than(limit):
            found.setdefault(sentence, []).append(path)
        if page.grade > HARDEST_GRADE:
            found.setdefault(f"grade {page.grade}", []).append(path)
    lines = [f"{len(text.split())} {text}: {' '.join(paths[:3])}" for text, paths in sorted(found.items())]
    assert not lines, "\n".join(lines)


async def test_pages_before_signing_in_speak_the_language_of_the_cookie(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_pseudo(monkeypatch)
    async with site(db) as browser, browser() as visitor:
        answer = await visitor.post("/reading", data={"language": PSEUDO, "back": "/sign-in"})
        assert answer.url.path == "/sign-in"
        for path in BEFORE_SIGNING_IN:
            html = (await visitor.get(path)).text
            page = shown(html.replace("– Timebank", ""), own="", language=PSEUDO)
            assert f'lang="{PSEUDO}"' in html
            rest = {unwrapped(text) for text in [*page.blocks, *page.attributes]} - {"", "Timebank"}
            assert not rest, path
