"""Days and lengths of time in English words."""

from datetime import date

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


def day(value: date) -> str:
    """``3 March 2026``."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def length(minutes: int) -> str:
    """Return minutes as people say them: ``1 hour 30 minutes``, ``45 minutes``, ``0 minutes``, ``minus 1 hour``."""
    hours, rest = divmod(abs(minutes), 60)
    words = []
    if hours:
        words.append(f"{hours:,} hour" + ("s" if hours != 1 else ""))
    if rest or not hours:
        words.append(f"{rest} minute" + ("s" if rest != 1 else ""))
    return ("minus " if minutes < 0 else "") + " ".join(words)
