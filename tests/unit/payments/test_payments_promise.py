"""Where money is, by when, and why it is late: for members, for what they give away, and for suppliers."""

from datetime import date, timedelta
from typing import Any

import pytest

from timebank.kit.words import say
from timebank.payments import rules
from timebank.payments.promise import Owed, promise
from timebank.payments.telling import STEPS, news

DUE = date(2026, 4, 9)
WHAT_FOR = say("It is for your time.")


def owed(state: str = rules.SUBMITTED, **changed: Any) -> Owed:
    fields: dict[str, Any] = {
        "state": state, "pence": 1200, "currency": "GBP", "due_on": DUE, "pay_by": "bank", "has_account": True,
        "settled_pence": 0, "settled_on": None, "reason": "",
    }  # fmt: skip
    return Owed(**fields | changed)


@pytest.mark.parametrize("state", [*rules.BEFORE_EXPORT, rules.EXPORTED, rules.REJECTED, rules.RETURNED])
@pytest.mark.parametrize("is_gift", [False, True])
def test_what_is_not_paid_by_the_day_says_why(state: str, is_gift: bool) -> None:
    in_time, late = (
        promise(owed(state, is_gift=is_gift), DUE),
        promise(owed(state, is_gift=is_gift), DUE + timedelta(days=1)),
    )
    assert (in_time.due_on, in_time.late) == (DUE, "")
    assert late.late.startswith("It is late")
    assert late.due_on == DUE


@pytest.mark.parametrize("state", [rules.PAID, rules.CANCELLED])
def test_what_is_over_is_never_late(state: str) -> None:
    over = promise(owed(state, settled_on=DUE), DUE + timedelta(days=100))
    assert (over.due_on, over.late) == (None, "")


def test_what_has_no_account_asks_for_one_until_it_left() -> None:
    assert promise(owed(has_account=False), DUE).needs_account
    assert promise(owed(rules.RETURNED, has_account=False), DUE).needs_account
    for other in (
        owed(rules.EXPORTED, has_account=False),
        owed(has_account=False, is_gift=True),
        owed(has_account=False, pay_by="cash"),
    ):
        assert not promise(other, DUE).needs_account
    assert "where to pay" in promise(owed(has_account=False), DUE + timedelta(days=1)).late


def test_the_sentences_say_what_is_known() -> None:
    said = promise(owed(rules.RETURNED, settled_pence=500, reason="Account closed"), DUE).sentences
    assert said == (
        "It came back from your bank. We find out why.",
        "We have paid £5.00 of it so far.",
        "The reason: Account closed",
    )
    left = promise(owed(rules.EXPORTED, processing_on=DUE, reason="A note of ours"), DUE).sentences
    assert left == ("It is on its way to your bank.", "It leaves our bank on 9 April 2026.")


@pytest.mark.parametrize("state", STEPS)
@pytest.mark.parametrize("charity", ["", "Food bank"])
def test_every_step_has_words_and_no_amount_in_its_subject(state: str, charity: str) -> None:
    subject, body = news(state, 1250, "GBP", WHAT_FOR, reason="Closed", charity=charity)
    assert "£" not in subject
    assert "£12.50" in body
    assert (charity in body) if charity else ("you" in body)
    assert ("Closed" in body) == (state in (rules.REJECTED, rules.RETURNED, rules.CANCELLED))
