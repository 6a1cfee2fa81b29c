"""Every account in money stands in a group of the journal on purpose, so that no accountant finds it under Other."""

import re
from pathlib import Path

import pytest

import timebank
from timebank.payees import rules as payees
from timebank.payments import entries, journal
from timebank.payments.rules import KINDS
from timebank.reconciliation.entries import SUSPENSE
from timebank.reconciliation.rules import ACCOUNTS

CODES = [
    entries.BANK, entries.CASH, entries.IN_TRANSIT, SUSPENSE, "advance/1", payees.payable_account(1),
    payees.prepaid_account(1), payees.credit_account(1), *(entries.expense_account(kind) for kind in KINDS),
    *(code for code, _ in ACCOUNTS.values()),
]  # fmt: skip
OPENERS = {
    "banks/service.py", "claims/access.py", "members/adding.py", "payees/service.py", "payments/cash.py",
    "payments/service.py", "reconciliation/explaining.py",
}  # fmt: skip
"""Who opens accounts: a new one is added here together with the codes that it opens, in CODES above."""


@pytest.mark.parametrize("code", CODES)
def test_an_account_in_money_has_its_group(code: str) -> None:
    name = journal._name(code, None, 1)
    assert not name.startswith("Equity:Other"), f"give {code} a group in payments/journal.py"


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("income/grants", "Income:"), ("income/interest", "Income:"), ("income/other", "Income:"),
        ("transfers", "Assets:Transfers"), ("bank-errors", "Assets:Bank-errors"), ("expense/bank-charges", "Expenses:"),
        ("expense/other-payments", "Expenses:"), ("suspense", "Assets:Suspense"),
    ],
)  # fmt: skip
def test_what_statements_bring_is_income_cost_or_ours(code: str, group: str) -> None:
    assert journal._name(code, None, 1).startswith(group)


def test_an_unknown_account_is_told_apart() -> None:
    assert journal._name("new/thing", None, 7).startswith("Equity:Other")


def test_nobody_else_opens_accounts() -> None:
    root = Path(timebank.__file__).parent
    called = re.compile(r"^\s+(?:\[?\w+\]? = )?(?:await )?(?:ledger\.)?open_account\(", re.MULTILINE)
    found = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if called.search(path.read_text("utf-8"))}
    assert found == OPENERS
