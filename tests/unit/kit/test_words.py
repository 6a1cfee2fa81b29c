"""Sentences that remember how they were made, and how a page says them in another language."""

import pickle
from datetime import UTC, date, datetime, time

import pytest

from timebank import languages
from timebank.kit.words import Clock, FullDay, Minutes, Words, joined, say, say_n


def test_in_english_it_is_an_ordinary_text() -> None:
    said = say("You need {more} more for {what}.", more=Minutes(90), what="{this}")
    assert said == "You need 1 hour 30 minutes more for {this}."
    assert type(str(said)) is str
    assert pickle.loads(pickle.dumps(said)) == said  # noqa: S301 - our own


@pytest.mark.parametrize(("count", "words"), [(0, "0 places"), (1, "1 place"), (2, "2 places")])
def test_counting(count: int, words: str) -> None:
    assert say_n(count, "{n} place", "{n} places") == words


def test_a_moment_has_no_day_of_its_own() -> None:
    with pytest.raises(TypeError):
        say("{day}", day=datetime(2026, 3, 3, tzinfo=UTC))


def test_a_page_says_it_in_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    class Backwards:
        def gettext(self, source: str) -> str:
            return "{what} <- {day}" if source == "{day}: {what}" else source

    monkeypatch.setattr(languages, "_catalogue", lambda code: Backwards())
    said = say("{day}: {what}", day=date(2026, 3, 3), what=say("nothing"))
    assert languages.translate(said) == "3 March 2026: nothing"
    assert languages.translate(said, "cy") == "nothing <- 3 Mawrth 2026"
    assert languages.translate("plain", "cy") == "plain"
    assert isinstance(said, Words)


def test_a_weekday_and_a_time_in_a_sentence() -> None:
    said = say("{day} at {time}", day=FullDay(date(2026, 3, 3)), time=Clock(time(14, 5)))
    assert said == "Tuesday 3 March 2026 at 2:05pm"
    assert languages.translate(said, "es").startswith("martes")
    assert [str(Clock(time(hour))) for hour in (0, 9, 12, 23)] == ["midnight", "9am", "midday", "11pm"]


def test_paragraphs_are_said_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouting:
        def gettext(self, source: str) -> str:
            return source if source.startswith("{") else source.upper()

    body = joined(say("one"), "as {it} is", say("two"))
    assert body == "one\n\nas {it} is\n\ntwo"
    monkeypatch.setattr(languages, "_catalogue", lambda code: Shouting())
    assert languages.translate(body, "cy") == "ONE\n\nas {it} is\n\nTWO"
