"""Money: whole minor units in, words out, and back from what people type."""

import pytest

from timebank.kit import money
from timebank.kit.refusal import Refusal


@pytest.mark.parametrize(
    ("pence", "currency", "words"),
    [
        (1250, "GBP", "£12.50"),
        (5, "GBP", "£0.05"),
        (0, "GBP", "£0.00"),
        (125_000, "GBP", "£1,250.00"),
        (-320, "GBP", "-£3.20"),
        (1250, "EUR", "€12.50"),
        (1250, "CHF", "12.50 CHF"),
        (1250, "JPY", "1,250 JPY"),
    ],
)
def test_amounts_in_words(pence: int, currency: str, words: str) -> None:
    assert money.in_words(pence, currency) == words


@pytest.mark.parametrize(
    ("pence", "currency", "number"),
    [(123_456_789, "GBP", "1234567.89"), (7, "GBP", "0.07"), (-7, "GBP", "-0.07"), (7, "JPY", "7")],
)
def test_amounts_as_plain_numbers(pence: int, currency: str, number: str) -> None:
    assert money.decimal(pence, currency) == number


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("£12.50", 1250),
        ("12.5", 1250),
        ("12,50", 1250),
        ("12", 1200),
        (".50", 50),
        ("1,250", 125_000),
        ("1,250.50", 125_050),
        ("1 250,50", 125_050),
        ("50p", 50),
        ("GBP 12", 1200),
        ("12 gbp", 1200),
        ("£ ١٢", 1200),
        ("10000000", 1_000_000_000),
    ],
)
def test_amounts_as_people_type_them(text: str, pence: int) -> None:
    assert money.parse(text) == pence


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "amount_missing"),
        ("abc", "amount_unreadable"),
        ("£", "amount_unreadable"),
        ("12.505", "amount_unreadable"),
        ("1.250", "amount_unreadable"),
        ("1e3", "amount_unreadable"),
        ("€12", "amount_unreadable"),
        ("-3", "amount_negative"),
        ("0.00", "amount_zero"),
        ("10000000.01", "amount_too_large"),
        ("9" * 5000, "amount_unreadable"),
    ],
)
def test_amounts_that_are_refused(text: str, code: str) -> None:
    refusal = money.parse(text, field="amount")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (code, "amount")


def test_nothing_may_be_allowed() -> None:
    assert money.parse("0", allow_zero=True) == 0


def test_a_currency_without_minor_units_takes_no_decimals() -> None:
    assert money.parse("1250", "JPY") == 1250
    assert isinstance(money.parse("12.50", "JPY"), Refusal)
