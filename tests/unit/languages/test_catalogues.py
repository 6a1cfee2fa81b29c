"""The translations: complete, with the same values in every sentence, and in the language's own plural forms."""

import re
from datetime import date
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message

from scripts import catalogues
from timebank import languages

TRANSLATED = [code for code in languages.LANGUAGES if code != languages.SOURCE]
VALUE = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%|\{\{|\}\}")
TAG = re.compile(r"</?\w+")


@cache
def words() -> Catalog:
    return catalogues.collect()


def sides(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    source = message.id if isinstance(message.id, list | tuple) else (message.id,)
    said = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return tuple(source), tuple(said)


def test_there_are_words_to_translate() -> None:
    assert len(words()) > 500


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_translated(code: str) -> None:
    there = catalogues.read(code)
    missing = [message.id for message in words() if message.id and message.id not in there]
    assert not missing, f"{len(missing)} texts are new: run make catalogues and translate {missing[:5]}"
    assert not catalogues.untranslated(there)
    gone = [message.id for message in there if message.id and message.id not in words()]
    assert not gone, f"{len(gone)} texts are no longer said: run make catalogues: {gone[:5]}"


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_says_the_same_values(code: str) -> None:
    wrong = []
    for message in catalogues.read(code):
        if not message.id:
            continue
        source, said = sides(message)
        wanted = sorted(VALUE.findall(source[-1]))
        for form in said:
            found = sorted(VALUE.findall(form))
            # “One place is left” may leave its number out, in each of a language's forms that mean one number.
            fits = found == wanted or (len(source) > 1 and set(found) <= set(wanted))
            if not fits or sorted(TAG.findall(form)) != sorted(TAG.findall(source[-1])):
                wrong.append((source, form))
    assert not wrong


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_is_not_the_english_text(code: str) -> None:
    """A few words are the same in two languages; most are not."""
    messages = [sides(message) for message in catalogues.read(code) if message.id]
    same = [source[0] for source, said in messages if said[0] == source[0]]
    assert len(same) < len(messages) / 20, same


def test_hours_in_every_plural_form() -> None:
    for code in TRANSLATED:
        with languages.speaking(code):
            for whole in (1, 2, 3, 5, 6, 11, 100):
                said = languages.hours(whole * 60)
                assert said
                assert "hour" not in said
                assert languages.hours(whole * 60 + 1) != said


def test_spanish_says_of_between_day_month_and_year() -> None:
    with languages.speaking("es"):
        assert languages.day(date(2026, 3, 3)) == "martes 3 de marzo de 2026"
        assert languages.day_without_year(date(2026, 3, 3)) == "3 de marzo"
        assert languages.month(date(2026, 3, 3)) == "marzo de 2026"


def test_welsh_says_the_weekday_after_the_date() -> None:
    with languages.speaking("cy"):
        assert languages.day(date(2026, 3, 3)) == "3 Mawrth 2026 (dydd Mawrth)"
        assert languages.day(date(2026, 3, 3), weekday=False) == "3 Mawrth 2026"
