"""What is exactly a payment of ours, and what never is."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timebank.kit.ids import reference_of
from timebank.payments.rules import PaymentFacts
from timebank.reconciliation import matching
from timebank.reconciliation.formats import ReadLine
from timebank.reconciliation.matching import Match, Run, World
from timebank.reconciliation.rules import LineFacts, fingerprints


def payment(**changed: Any) -> PaymentFacts:
    fields = {
        "batch_number": 3, "line": 1, "reference": "B7K2-M9QX", "payee_id": 4, "payee_name": "Café", "pence": 1250,
        "credited_pence": 0, "currency": "GBP", "state": "exported", "settled_on": None,
    }  # fmt: skip
    return PaymentFacts(**fields | changed)


def line(pence: int = -1250, text: str = "", **changed: Any) -> LineFacts:
    fields = {
        "id": 1, "statement_id": 1, "number": 1, "booked_on": date(2026, 3, 4), "pence": pence, "text": text,
        "reference": "", "party": "", "reason": "", "state": "waiting", "outcome": "", "batch_number": None,
        "payment_line": None, "entry_id": None,
    }  # fmt: skip
    return LineFacts(**fields | changed)


def world(*payments: PaymentFacts) -> World:
    return World({one.reference: one for one in payments})


@pytest.mark.parametrize("text", ["B7K2-M9QX", "b7k2m9qx", "FPS TIMEBANKB7K2M9QXREF", "B7K2 M9QX", "x/B7K2-M9QX/y"])
@pytest.mark.parametrize("place", ["text", "reference", "party"])
def test_our_reference_is_found_in_any_text(text: str, place: str) -> None:
    [found] = matching.match([line(**{place: text})], world(payment()), "riverside")
    assert found == Match("paid", payment=payment())


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (line(-1251, "B7K2-M9QX"), "exported"),
        (line(-1250, "B7K2-M9Q"), "exported"),
        (line(-1250, "B7K2-M9QX"), "rejected"),
        (line(-1250, "B7K2-M9QX"), "void"),
        (line(1250, "B7K2-M9QX"), "exported"),
        (line(1250, "B7K2-M9QX"), "rejected"),
        (line(-1250, "Café"), "exported"),
    ],
)
def test_anything_else_is_for_a_person(one: LineFacts, state: str) -> None:
    assert matching.match([one], world(payment(state=state)), "riverside") == [None]


def test_paid_then_back_and_neither_twice() -> None:
    lines = [line(-1250, "B7K2-M9QX"), line(-1250, "B7K2-M9QX"), line(1250, "B7K2-M9QX"), line(1250, "B7K2-M9QX")]
    found = matching.match(lines, world(payment()), "riverside")
    assert [one and one.outcome for one in found] == ["paid", None, "returned", None]


def test_marked_by_hand_before_is_recognised_once() -> None:
    lines = [line(-1250, "B7K2-M9QX"), line(-1250, "B7K2-M9QX")]
    assert matching.match(lines, world(payment(state="paid")), "riverside") == [
        Match("paid", payment=payment(state="paid"), is_booked=True),
        None,
    ]


def test_two_payments_of_the_same_amount_in_one_line_are_not_chosen_between() -> None:
    other = payment(line=2, reference="AAAA-BBBB")
    assert matching.match([line(-1250, "B7K2-M9QX AAAA-BBBB")], world(payment(), other), "riverside") == [None]


@pytest.mark.parametrize("text", ["RUN 3", "BATCH0003", "riverside-RUN-0003", "Payment run no 3", "BULK RIVERSIDE-3"])
def test_a_run_is_known_by_its_number_and_all_that_is_left_of_it(text: str) -> None:
    found = world(payment())
    found.runs = {3: Run(3, 2, 2000)}
    is_found = "no" not in text.split()
    assert matching.match([line(-1999, text), line(-2000, text), line(-2000, text)], found, "riverside") == [
        None,
        Match("run", run=3) if is_found else None,
        None,
    ]


def test_a_payment_that_left_its_run_is_not_paid_again_with_it() -> None:
    found = world(payment())
    found.runs = {3: Run(3, 2, 2000)}
    lines = [line(-1250, "B7K2-M9QX"), line(-2000, "RUN 3"), line(-750, "RUN 3")]
    assert [one and one.outcome for one in matching.match(lines, found, "x")] == ["paid", None, "run"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(["", "a", "A ", "b"])), max_size=20), st.randoms())
def test_fingerprints_tell_equal_lines_apart_and_know_them_again(rows: list[tuple[int, str]], random: Any) -> None:
    lines = [ReadLine(number=n, booked_on=date(2026, 3, 4), pence=p, text=t) for n, (p, t) in enumerate(rows, start=1)]
    marks = fingerprints(lines)
    assert len(set(marks)) == len(lines)
    random.shuffle(lines)
    assert set(fingerprints(lines)) == set(marks)
    assert set(fingerprints(lines[: len(lines) // 2])) <= set(marks)


@settings(deadline=None)
@given(st.integers(0, 2**40 - 1), st.text(max_size=30), st.text(max_size=30))
def test_every_reference_is_found_whatever_stands_around_it(number: int, before: str, after: str) -> None:
    reference = reference_of(number)
    written = f"{before} {reference.replace('-', '')} {after}"
    assert reference in matching.possible_references(line(text=written))
