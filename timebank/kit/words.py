"""Sentences that a page can say in another language: English text that remembers how it was made.

A rule writes ``say("You need {more} more for this.", more=Minutes(30))``. The result is an English ``str`` for
programs, logs and the database; a page hands it to :func:`timebank.languages.translate`, which looks the sentence up
and says the values in the reader's language too. Nothing about the reader's language reaches a rule.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from timebank.kit import english


@dataclass(frozen=True, slots=True)
class Minutes:
    """A length of time inside a sentence; in English it reads like :func:`timebank.kit.durations.in_words`."""

    minutes: int

    def __str__(self) -> str:
        return english.length(self.minutes)


@dataclass(frozen=True, slots=True)
class FullDay:
    """A day with its weekday inside a sentence: ``Tuesday 3 March 2026``."""

    day: date

    def __str__(self) -> str:
        return f"{_WEEKDAYS[self.day.weekday()]} {english.day(self.day)}"


@dataclass(frozen=True, slots=True)
class Clock:
    """A time on the wall inside a sentence: ``2:05pm``; ``midday`` and ``midnight`` by name."""

    time: time

    def __str__(self) -> str:
        hour, minute = self.time.hour, self.time.minute
        if minute == 0 and hour in (0, 12):
            return "midday" if hour else "midnight"
        return f"{hour % 12 or 12}{f':{minute:02d}' if minute else ''}{'am' if hour < 12 else 'pm'}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Value = str | int | Minutes | FullDay | Clock | date
"""What may stand in a sentence. A ``date`` is shown as a day; text as it is, or translated when it is ``Words`` itself.
A ``datetime`` is refused: which day it is depends on who reads."""


class Words(str):
    """An English sentence and how it was made. It is a plain ``str`` everywhere; ``str(words)`` forgets the rest."""

    __slots__ = ("number", "plural", "source", "values")

    source: str
    plural: str | None
    number: int
    values: dict[str, Value]

    def __new__(cls, source: str, values: dict[str, Value], *, plural: str | None = None, count: int = 1) -> "Words":
        """Fill the English sentence, and keep its parts.

        Raises:
            KeyError: the sentence names a value that is not given.
        """
        chosen = source if plural is None or count == 1 else plural
        made = super().__new__(cls, chosen.format(**{name: _in_english(value) for name, value in values.items()}))
        made.source, made.plural, made.number, made.values = source, plural, count, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (str, (str(self),))


def say(source: str, **values: Value) -> Words:
    """A sentence with values: ``say("You have {hours}.", hours=Minutes(60))``. Double a brace that is a brace."""
    return Words(source, values)


def say_n(count: int, one: str, many: str, **values: Value) -> Words:
    """A sentence that counts: ``say_n(n, "{n} place is left.", "{n} places are left.")``; ``n`` is given by itself."""
    return Words(one, {"n": count, **values}, plural=many, count=count)


def joined(*parts: str, by: str = "\n\n") -> Words:
    """Several sentences or paragraphs as one text; each is said in the reader's language by itself."""
    names = [f"part_{n}" for n in range(len(parts))]
    return Words(by.join(f"{{{name}}}" for name in names), dict(zip(names, parts, strict=True)))


def mark(source: str) -> str:
    """Mark a constant for the catalogues; the template that shows it says ``_(constant)``."""
    return source


def mark_n(one: str, many: str) -> tuple[str, str]:
    """Mark a constant that counts; :func:`say_n` takes its two forms."""
    return one, many


def _in_english(value: Value) -> str:
    if isinstance(value, datetime):
        raise TypeError("say the day of a moment in the reader's time zone, not the moment")
    return english.day(value) if isinstance(value, date) else str(value)
