"""Money as integer minor units (pence), in words and read from what people type."""

import re

from timebank.kit.refusal import Refusal
from timebank.kit.text import plain
from timebank.kit.words import say

MAX_PENCE = 1_000_000_000  # ten million pounds: a mistyped amount, or a programme far beyond this service
MAX_TYPED_AMOUNT = 40

_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}
_MINOR_DIGITS = {"JPY": 0, "ISK": 0, "KRW": 0}  # ISO 4217; every other currency met here has two
_NUMBER = re.compile(r"(?P<whole>\d{1,3}(?:[, ']\d{3})+|\d+)?(?:(?P<point>[.,])(?P<part>\d+))?")


def minor_digits(currency: str) -> int:
    """Return how many decimal places a currency has (2 for GBP, 0 for JPY)."""
    return _MINOR_DIGITS.get(currency, 2)


def decimal(pence: int, currency: str) -> str:
    """Return a plain decimal number for programs: ``1250`` pence -> ``12.50``, no symbol, no grouping."""
    digits = minor_digits(currency)
    sign = "-" if pence < 0 else ""
    if digits == 0:
        return f"{sign}{abs(pence)}"
    whole, part = divmod(abs(pence), 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"


def in_words(pence: int, currency: str) -> str:
    """Return an amount as people write it: ``£12.50``, ``£1,250.00``, ``-£3.20``, ``12.50 CHF``."""
    whole, point, part = decimal(abs(pence), currency).partition(".")
    number = f"{int(whole):,}{point}{part}"
    sign = "-" if pence < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}"


def parse(text: str, currency: str = "GBP", *, allow_zero: bool = False, field: str | None = None) -> int | Refusal:
    """Return the minor units a person typed: ``£12.50``, ``12,50``, ``1,250``, ``50p``, ``GBP 12``.

    Refusals: ``amount_missing``, ``amount_unreadable``, ``amount_negative``, ``amount_zero``, ``amount_too_large``.
    """
    if len(text) > MAX_TYPED_AMOUNT:
        return _unreadable(currency, field)
    typed = plain(text)
    if not typed:
        return Refusal("amount_missing", say("Enter an amount, like {amount}.", amount=in_words(1250, currency)), field)
    negative = typed.startswith("-")
    number = typed.lstrip("+-").strip()
    for sign in (_SYMBOLS.get(currency, ""), currency.lower()):
        number = number.removeprefix(sign).removesuffix(sign).strip() if sign else number
    pence = _pence(number, currency)
    if pence is None:
        return _unreadable(currency, field)
    if negative and pence:
        return Refusal("amount_negative", say("Enter an amount above zero."), field)
    if pence == 0 and not allow_zero:
        return Refusal("amount_zero", say("Enter an amount above zero."), field)
    if pence > MAX_PENCE:
        most = in_words(MAX_PENCE, currency)
        return Refusal("amount_too_large", say("Enter an amount up to {most}.", most=most), field)
    return pence


def _pence(number: str, currency: str) -> int | None:
    digits = minor_digits(currency)
    if currency in ("GBP", "EUR") and re.fullmatch(r"\d+ ?[pc]", number):
        return int(number[:-1])
    match = _NUMBER.fullmatch(number)
    if match is None or not number:
        return None
    whole, part = match["whole"] or "0", match["part"] or ""
    # "1,250" is a thousand and more: the pattern tries a group of three digits before a decimal comma.
    if len(part) > digits:
        return None
    return int(re.sub(r"\D", "", whole) + part.ljust(digits, "0"))


def _unreadable(currency: str, field: str | None) -> Refusal:
    amount = in_words(1250, currency)
    return Refusal("amount_unreadable", say("Enter the amount as a number, like {amount}.", amount=amount), field)
