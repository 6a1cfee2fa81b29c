"""Days and times of sessions as people say them: on pages, on paper and in messages. Pure."""

from datetime import date, time

from timebank.kit import dates

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def day(value: date) -> str:
    """``Tuesday 3 March 2026``."""
    return f"{DAYS[value.weekday()]} {dates.in_words(value)}"


def clock(value: time) -> str:
    """``2:05pm``; ``midday`` and ``midnight`` by name."""
    if value.minute == 0 and value.hour in (0, 12):
        return "midday" if value.hour else "midnight"
    minutes = f":{value.minute:02d}" if value.minute else ""
    return f"{value.hour % 12 or 12}{minutes}{'am' if value.hour < 12 else 'pm'}"


def when(on: date, at: time) -> str:
    """``Tuesday 3 March 2026 at 2pm``."""
    return f"{day(on)} at {clock(at)}"


def days(values: list[date]) -> str:
    """``3 March 2026, 10 March 2026 and 17 March 2026``."""
    return listed([dates.in_words(value) for value in values])


def months(values: list[date]) -> str:
    """``February 2026 and April 2026``."""
    return listed([dates.in_words(value).partition(" ")[2] for value in values])


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}" if words else ""
