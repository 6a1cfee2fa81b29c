"""Payment runs, statements in any order, strangers and returns against a model of the bank.

Whatever comes in whatever order: a payable is paid at most once, the bank in the ledger is the sum of the lines, what
is not a payment of ours is in suspense, and suspense ends at zero when everything is explained.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.integration.payments.helpers import TODAY, add_payee, approved, call, facts, last_payment, money, run
from tests.integration.reconciliation.bank_files import (
    Movement,
    bring,
    camt_file,
    csv_file,
    explain,
    position,
    unexplained,
)
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.payments.outcomes import RecordOutcome, record_outcome
from timebank.payments.service import Approve, Submit, approve, submit

STRANGERS = ("CHARGES", "COUNCIL GRANT", "B7K2-M9QX", "RUN 99", "=1+1", "O'Neill & <Sons>", "TRANSFER")


class Reconciliation(RuleBasedStateMachine):
    """A bank that moves money, and people who bring its statements."""

    app_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.moved: list[Movement] = []
        self.brought: set[int] = set()
        self.sent: dict[str, tuple[str, int]] = {}
        self.in_bank: set[str] = set()
        self.back: set[str] = set()
        self.day = 0

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.db.close())
        self.runner.close()

    @initialize()
    def open_bank(self) -> None:
        self.bank: Bank = self.do(make_bank(self.db))
        self.payees = [self.do(add_payee(self.db, self.bank.finance, name)) for name in ("Café", "College")]
        self.payables: list[str] = []

    @rule(amounts=st.lists(st.integers(1, 900), min_size=1, max_size=3))
    def a_run_leaves(self, amounts: list[int]) -> None:
        made = [self.do(approved(self.bank, self.payees[n % 2], pence=pence)) for n, pence in enumerate(amounts)]
        self.payables += made
        self.leave(made)

    def leave(self, payables: list[str]) -> None:
        self.do(run(self.bank))
        for payable in payables:
            payment = self.do(last_payment(self.db, self.bank.id, payable))
            self.sent[payment.reference] = (payable, payment.pence)

    @precondition(lambda self: any(one not in self.in_bank for one in self.sent))
    @rule(data=st.data(), written=st.sampled_from(["{}", "FPS{}X", "bill {}"]))
    def the_bank_pays(self, data: st.DataObject, written: str) -> None:
        reference = data.draw(st.sampled_from(sorted(set(self.sent) - self.in_bank)))
        self.in_bank.add(reference)
        self.move(-self.sent[reference][1], written.format(reference.replace("-", "")))

    @precondition(lambda self: self.in_bank - self.back)
    @rule(data=st.data())
    def money_comes_back(self, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(sorted(self.in_bank - self.back)))
        self.back.add(reference)
        self.move(self.sent[reference][1], f"RETURN {reference}")

    @precondition(lambda self: self.in_bank)
    @rule(data=st.data())
    def the_bank_pays_again_by_mistake(self, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(sorted(self.in_bank)))
        self.move(-self.sent[reference][1], f"AGAIN {reference}")

    @rule(pence=st.integers(-900, 900).filter(bool), text=st.sampled_from(STRANGERS))
    def a_stranger_moves_money(self, pence: int, text: str) -> None:
        self.move(pence, text)

    def move(self, pence: int, text: str) -> None:
        self.day += 1
        self.moved.append(Movement(pence, text, on=TODAY - timedelta(days=200 - self.day // 2)))

    @precondition(lambda self: self.moved)
    @rule(data=st.data(), is_camt=st.booleans())
    def somebody_brings_a_statement(self, data: st.DataObject, is_camt: bool) -> None:
        first = data.draw(st.integers(0, len(self.moved) - 1))
        last = data.draw(st.integers(first, len(self.moved) - 1))
        # A bank's file holds whole days: otherwise equal lines of one day could not be told apart.
        days = {one.on for one in self.moved[first : last + 1]}
        part = [n for n, one in enumerate(self.moved) if one.on in days]
        movements = [self.moved[n] for n in part]
        content = camt_file(movements, 100) if is_camt else csv_file(movements)
        done = self.do(bring(self.bank, content, doubles="bring", gap=True))
        assert done.waiting == 0
        self.brought |= set(part)

    @precondition(lambda self: self.brought)
    @rule(data=st.data(), by=st.sampled_from(["finance", "finance_two"]))
    def somebody_explains_a_line(self, data: st.DataObject, by: str) -> None:
        lines = self.do(unexplained(self.bank))
        if lines:
            line = data.draw(st.sampled_from(lines))
            self.do(explain(self.bank, line.id, "bank_error", actor=getattr(self.bank, by)))

    @precondition(lambda self: any(one not in self.in_bank for one in self.sent))
    @rule(data=st.data())
    def somebody_marks_a_payment_by_hand(self, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(sorted(set(self.sent) - self.in_bank)))
        command = RecordOutcome(reference=reference, outcome="paid", on=TODAY)
        self.do(record_outcome(self.db, self.bank.finance, command, **call()))

    @precondition(lambda self: self.back)
    @rule(data=st.data())
    def what_came_back_is_sent_again(self, data: st.DataObject) -> None:
        payable = self.sent[data.draw(st.sampled_from(sorted(self.back)))][0]
        if self.do(facts(self.db, self.bank.id, payable)).state == "returned":
            again = Submit(reference=payable, reason="New details")
            self.do(submit(self.db, self.bank.finance, again, **call()))
            self.do(approve(self.db, self.bank.finance_two, Approve(reference=payable), **call()))
            self.leave([payable])

    @invariant()
    def the_bank_in_the_ledger_is_the_sum_of_the_lines(self) -> None:
        if not hasattr(self, "payees"):
            return
        found = self.do(position(self.bank))
        assert found.lines_pence == sum(self.moved[n].pence for n in self.brought)
        assert found.difference_pence == 0
        assert found.suspense_pence == found.unexplained_pence

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        if not hasattr(self, "payees"):
            return
        for payable in self.payables:
            found = self.do(facts(self.db, self.bank.id, payable))
            assert 0 <= found.settled_pence <= found.pence
            assert (found.state == "paid") == (found.settled_pence == found.pence)

    def everything_is_brought_and_explained(self) -> None:
        """At the end: suspense is zero, and the accounts are what the bank did."""
        if self.moved:
            self.do(bring(self.bank, csv_file(self.moved), doubles="bring", gap=True))
            self.brought = set(range(len(self.moved)))
        for line in self.do(unexplained(self.bank)):
            self.do(explain(self.bank, line.id, "bank_error"))
        found = self.do(position(self.bank))
        assert (found.unexplained, found.suspense_pence, found.difference_pence) == (0, 0, 0)
        assert self.do(money(self.db, self.bank.id, "suspense")) == [0]


@pytest.mark.slow
def test_reconciliation_does_what_the_bank_did(app_url: str) -> None:
    class Here(Reconciliation):
        def teardown(self) -> None:
            try:
                if hasattr(self, "payees"):
                    self.everything_is_brought_and_explained()
            finally:
                super().teardown()

    Here.app_url = app_url
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
