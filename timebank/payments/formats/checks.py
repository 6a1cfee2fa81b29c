"""What stands in the way of a file for a bank, in words: the same for every format. Pure."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache

import holidays

from timebank.kit import english, money
from timebank.kit.refusal import Refusal
from timebank.kit.working_days import WEEKEND, is_working_day
from timebank.payments.formats.model import Batch, Payment

MAX_PENCE = 99_999_999_999  # eleven digits: what one record of Bacs holds, and the most that SEPA moves at once
MAX_DAYS_AHEAD = 31
MAX_NAMED = 5
UK_HOLIDAYS = "GB-ENG"  # Bacs works when the banks of England do


def check_amounts(batch: Batch, *, most_in_all: int | None = None) -> list[Refusal]:
    """Is there something to pay, and does every amount fit? ``most_in_all`` limits the sum, in minor units.

    Refusals: ``nothing_to_pay``, ``payment_too_large``, ``run_too_large``.
    """
    if not batch.payments:
        return [Refusal("nothing_to_pay", "There is no payment in this run.")]
    large = [payment for payment in batch.payments if payment.pence > MAX_PENCE]
    most = money.in_words(MAX_PENCE, batch.currency)
    if large:
        text = f"A bank takes at most {most} in one payment. Pay {named(large)} in parts."
        return [Refusal("payment_too_large", text)]
    if most_in_all is not None and batch.total.pence > most_in_all:
        limit = money.in_words(most_in_all, batch.currency)
        return [Refusal("run_too_large", f"One file holds at most {limit} in all. Make two smaller payment runs.")]
    return []


def check_currency(batch: Batch, currency: str, name: str) -> list[Refusal]:
    """Refusals: ``wrong_currency``."""
    if batch.currency == currency:
        return []
    text = f"{name} moves {currency} only, and this run is in {batch.currency}. Choose another format."
    return [Refusal("wrong_currency", text, "format")]


def check_payees(payments: Iterable[Payment], needs: str) -> list[Refusal]:
    """``payments`` are those whose payee has no account of the kind that ``needs`` names.

    Refusals: ``payee_without_account``.
    """
    found = list(payments)
    if not found:
        return []
    text = f"This format needs {needs} of every payee. Missing: {named(found)}. Add it, or choose another format."
    return [Refusal("payee_without_account", text, "format")]


def check_names(payments: Iterable[Payment]) -> list[Refusal]:
    """``payments`` are those whose payee's name has no letter that the bank can carry.

    Refusals: ``name_cannot_be_sent``.
    """
    found = list(payments)
    if not found:
        return []
    text = (
        f"Nothing of this name can be sent to a bank: {named(found)}. "
        "Give the account a holder in Latin letters or digits."
    )
    return [Refusal("name_cannot_be_sent", text)]


def check_references(payments: Iterable[Payment]) -> list[Refusal]:
    """Every payment has its own reference. Refusals: ``reference_twice``."""
    seen: set[str] = set()
    twice = []
    for payment in payments:
        if payment.reference in seen:
            twice.append(payment)
        seen.add(payment.reference)
    return [Refusal("reference_twice", f"Two payments have one reference: {named(twice)}.")] if twice else []


def check_uk_day(batch: Batch) -> list[Refusal]:
    """Do UK banks move money on the day, at most :data:`MAX_DAYS_AHEAD` days after the run was made?

    Refusals: ``processing_in_past``, ``processing_too_far``, ``not_a_working_day``.
    """
    return _check_day(batch, is_open=is_working_day(batch.processing_on, UK_HOLIDAYS))


def check_sepa_day(batch: Batch) -> list[Refusal]:
    """The same for SEPA, by the calendar of the European Central Bank."""
    day = batch.processing_on
    return _check_day(batch, is_open=day.weekday() not in WEEKEND and day not in _target_holidays())


def named(payments: Iterable[Payment]) -> str:
    """The payees by name, as many as a sentence bears."""
    names = list(dict.fromkeys(payment.payee_name or payment.reference for payment in payments))
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def _check_day(batch: Batch, *, is_open: bool) -> list[Refusal]:
    day, made_on = batch.processing_on, batch.created_at.date()
    if day < made_on:
        text = f"This run was to be paid on {english.day(day)}, before it was made."
        return [Refusal("processing_in_past", text, "processing_on")]
    if day > made_on + timedelta(days=MAX_DAYS_AHEAD):
        text = f"Choose a day within {MAX_DAYS_AHEAD} days: banks take no later one."
        return [Refusal("processing_too_far", text, "processing_on")]
    if not is_open:
        text = f"Banks move no money on {english.day(day)}. Choose a working day."
        return [Refusal("not_a_working_day", text, "processing_on")]
    return []


@cache
def _target_holidays() -> "holidays.HolidayBase":
    return holidays.financial_holidays("XECB")
