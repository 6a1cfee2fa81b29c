"""Budgets and invoices as pure rules: tables of cases, and what holds for any amounts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.budgets import charts, rules
from timebank.budgets.rules import BudgetFacts, FundFacts, OrderFacts, SaveBudget, SaveCode, SaveFund, SaveOrder

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def budget(**changed) -> BudgetFacts:
    fields = {
        "id": 1, "name": "Lunches", "fund_id": 1, "fund_name": "Lottery", "funder": "A funder", "fund_is_open": True,
        "cost_centre_id": None, "cost_centre": "", "nominal_code_id": None, "nominal_code": "", "starts_on": FIRST,
        "ends_on": LAST, "pence": 1000, "is_open": True, "spent_pence": 100, "booked_pence": 200, "ordered_pence": 300,
        "left_pence": 400,
    }  # fmt: skip
    return BudgetFacts(**fields | changed)


def order(**changed) -> OrderFacts:
    fields = {
        "id": 1, "number": "PO-1", "payee_id": 7, "payee_name": "Café", "budget_id": 1, "budget_name": "Lunches",
        "what_for": "", "pence": 500, "is_open": True, "charged_pence": 100, "booked_pence": 100, "left_pence": 300,
    }  # fmt: skip
    return OrderFacts(**fields | changed)


def codes(refusals) -> list[str]:
    return [one.code for one in refusals]


def save(**changed) -> SaveBudget:
    return SaveBudget(**{"name": "Lunches", "fund_id": 1, "starts_on": FIRST, "ends_on": LAST, "pence": 500} | changed)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"name": ""}, ["name_missing"]),
        ({"name": "n" * 61}, ["name_too_long"]),
        ({"ends_on": date(2025, 12, 31)}, ["ends_before_start"]),
        ({"starts_on": date(1999, 12, 31)}, ["bad_starts_on"]),
        ({"ends_on": date(2101, 1, 1)}, ["bad_ends_on"]),
        ({"pence": 0}, ["bad_pence"]),
        ({"pence": 10**19}, ["bad_pence"]),
        ({"why": "w" * 501}, ["why_too_long"]),
        ({"fund_id": 2**63}, ["unknown_fund_id"]),
        ({"id": -1}, ["unknown_id"]),
    ],
)
def test_what_a_budget_may_say(changed, expected) -> None:
    assert codes(rules.check_budget(save(**changed))) == expected


def test_what_grants_codes_and_orders_may_say() -> None:
    grant = SaveFund(name="", funder="", starts_on=FIRST, ends_on=LAST, pence=1)
    assert codes(rules.check_fund(grant)) == ["name_missing", "funder_missing"]
    assert codes(rules.check_code(SaveCode(kind="cost_centre", code="1" * 13, name=""))) == [
        "code_too_long",
        "name_missing",
    ]
    wrong = SaveOrder(number="", budget_id=2**63, pence=-1, what_for="w" * 141)
    assert codes(rules.check_order(wrong)) == ["number_missing", "bad_pence", "unknown_budget_id", "what_for_too_long"]


def fund(**changed) -> FundFacts:
    fields = {
        "id": 1, "name": "Lottery", "funder": "A funder", "starts_on": FIRST, "ends_on": LAST, "pence": 1000,
        "is_open": True, "budgeted_pence": 700, "spent_pence": 0, "committed_pence": 0,
    }  # fmt: skip
    return FundFacts(**fields | changed)


@pytest.mark.parametrize(
    ("command", "grant", "before", "expected"),
    [
        (save(pence=300), fund(), 0, []),
        (save(pence=301), fund(), 0, ["more_than_grant"]),
        (save(pence=600), fund(), 300, []),
        (save(), fund(is_open=False, budgeted_pence=0), 0, ["fund_closed"]),
        (save(pence=1, starts_on=date(2025, 12, 31)), fund(), 0, ["outside_grant"]),
        (save(pence=1, ends_on=date(2027, 1, 1)), fund(), 0, ["outside_grant"]),
    ],
)
def test_a_budget_lies_within_its_grant(command, grant, before, expected) -> None:
    assert codes(rules.check_within_fund(command, grant, before_pence=before, currency="GBP")) == expected


@pytest.mark.parametrize(
    ("changed", "day", "expected"),
    [
        ({}, FIRST, []),
        ({}, LAST, []),
        ({}, date(2027, 1, 1), ["outside_budget"]),
        ({}, date(2025, 12, 31), ["outside_budget"]),
        ({"is_open": False}, FIRST, ["budget_closed"]),
        ({"fund_is_open": False}, FIRST, ["budget_closed"]),
    ],
)
def test_on_which_days_a_budget_pays(changed, day, expected) -> None:
    assert codes(rules.check_takes(budget(**changed), day)) == expected


def test_an_overspent_budget_says_by_how_much() -> None:
    assert rules.check_limit(budget(left_pence=0), "GBP") == []
    [refusal] = rules.check_limit(budget(left_pence=-50), "GBP")
    assert refusal.code == "budget_overspent"
    assert "£0.50 over" in refusal.message


@pytest.mark.parametrize(
    ("changed", "budget_id", "payee_id", "expected"),
    [
        ({}, 1, 7, []),
        ({"payee_id": None}, 1, 9, []),
        ({}, 1, 9, ["other_payee"]),
        ({}, 2, 7, ["other_budget"]),
        ({"is_open": False}, 1, 7, ["order_closed"]),
    ],
)
def test_what_an_order_is_for(changed, budget_id, payee_id, expected) -> None:
    assert codes(rules.check_order_fits(order(**changed), budget_id=budget_id, payee_id=payee_id)) == expected


def test_an_order_without_enough_left_is_refused_in_words() -> None:
    assert rules.check_order_limit(order(charged_pence=400), "GBP") == []
    [refusal] = rules.check_order_limit(order(charged_pence=450), "GBP")
    assert refusal.message.startswith("Purchase order PO-1 has not enough left: £0.50 is missing.")
    assert rules.check_order_limit(order(charged_pence=900, is_open=False), "GBP") == []


@given(st.lists(st.integers(0, 10**9), min_size=4, max_size=4))
def test_a_bar_is_as_wide_as_its_parts(parts) -> None:
    found = charts.widths(parts)
    assert sum(found) == (charts.WIDTH if sum(parts) else 0)
    assert all(width > 0 for part, width in zip(parts, found, strict=True) if part)


def test_a_bar_says_its_figures_and_runs_nothing() -> None:
    drawn = str(charts.bar(budget(name='"><script>'), "GBP"))
    assert "£1.00 spent, £2.00 booked, £3.00 on order, £4.00 left" in drawn
    assert "<script>" not in drawn
    assert "style=" not in drawn
