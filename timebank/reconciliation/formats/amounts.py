"""Amounts on statements: exact, or refused. Pure."""

from timebank.kit import money
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown

_MINUSES = str.maketrans({"\u2212": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-"})
OUT_WORDS = ("dr", "d", "dbit", "debit", "out", "-")
IN_WORDS = ("cr", "c", "crdt", "credit", "in", "+")


def read_amount(text: str, currency: str, number: int) -> int | Refusal | None:
    """Minor units with their sign; None for an empty cell. ``number`` is the line, for the words of a refusal.

    Below zero is written ``-12.50``, ``12.50-``, ``(12.50)`` or ``12.50 DR``. Refusal ``amount_unreadable`` for
    everything else, also for parts of a penny and for more than the kit takes.
    """
    typed = text.strip().translate(_MINUSES)
    if not typed or typed in ("-", "--"):
        return None
    sign = 1
    if typed.startswith("(") and typed.endswith(")"):
        sign, typed = -1, typed[1:-1].strip()
    lowered = typed.lower()
    for words, meant in ((("dr",), -1), (("cr",), 1)):
        for word in words:
            if lowered.endswith(word):
                sign, typed = sign * meant, typed[: -len(word)].strip()
    if typed.endswith("-"):
        sign, typed = -sign, typed[:-1].strip()
    if typed.startswith(("-", "+")):
        sign, typed = (-sign if typed[0] == "-" else sign), typed[1:].strip()
    if typed.startswith(("-", "+", "(")):
        return _unreadable(text, currency, number)
    pence = money.parse(typed, currency, allow_zero=True) if any(c.isdigit() for c in typed) else None
    if pence is None or isinstance(pence, Refusal):
        if isinstance(pence, Refusal) and pence.code == "amount_too_large":
            most = money.in_words(money.MAX_PENCE, currency)
            return Refusal(
                "amount_too_large", f"Line {number}: {shown(text)} is more than {most}. Check the file.", "file"
            )
        return _unreadable(text, currency, number)
    return sign * pence


def direction_of(text: str) -> int | None:
    """-1 for a column that says debit, 1 for credit, None for anything else."""
    word = text.strip().lower().rstrip(".")
    return -1 if word in OUT_WORDS else 1 if word in IN_WORDS else None


def _unreadable(text: str, currency: str, number: int) -> Refusal:
    example = money.decimal(-1250, currency)
    message = f"Line {number}: we cannot read {shown(text)} as an amount. It must be a number like {example}."
    return Refusal("amount_unreadable", message, "file")
