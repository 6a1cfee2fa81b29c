"""Payables, credits, cash and payment runs against a model: states, the money accounts, and files that never change.

The machine drives the real database with a fresh time bank for every example.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import entry, open_account
from tests.integration.payments.helpers import add_payee, call, facts, money, new_key, owe
from tests.people import NOW, Bank, make_bank
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.payees.service import open_credit_account
from timebank.payments import run_queries, service
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.cash import PayCash, pay_cash
from timebank.payments.credit_notes import DecideCreditNote, ProposeCreditNote, decide_note, propose_note
from timebank.payments.credits import CreditChanged, RecordRepaid, repaid
from timebank.payments.files import load
from timebank.payments.formats import FORMATS, ControlTotal
from timebank.payments.outcomes import RecordOutcome, Settled, VoidBatch, Voided, record_outcome, void_batch
from timebank.payments.parts import SetPart, set_part
from timebank.payments.requests import Requested, RequestPayment, request_payment
from timebank.payments.service import Approve, Cancel, Changed, Submit
from timebank.payments.set_off import DebtSettled, SettleDebt, settle_debt

# Weighted towards those who may: what follows an export is reached only when many steps in a row succeed.
ACTORS = ("finance", "finance", "finance_two", "finance_two", "finance", "coordinator", "participant")
PENCE = st.integers(min_value=1, max_value=500_000)


@dataclass
class Modelled:
    """What the model knows of one payable."""

    kind: str
    payee: str
    pence: int
    state: str
    submitted_by: str | None
    approved_by: str | None = None
    is_spoiled: bool = False
    batch: int | None = None
    settled: int = 0
    part: int | None = None
    in_bank: int = 0
    in_cash: int = 0
    set_off: int = 0

    @property
    def left(self) -> int:
        """What is not paid."""
        return self.pence - self.settled

    @property
    def next(self) -> int:
        """What leaves next."""
        return min(self.left, self.part or self.left)

    def settle(self, pence: int) -> None:
        """So much is paid; the rest needs a new approval."""
        self.settled += pence
        self.part = None
        self.state = "paid" if self.settled == self.pence else "submitted"
        if self.state != "paid":
            self.approved_by, self.batch = None, None


@dataclass
class Owing:
    """What the model knows of one credit."""

    payee: str
    pence: int
    left: int
    proposed_by: str
    is_open: bool = False


@dataclass
class Line:
    """One payment of a run: what it settles of which payables, and what it keeps back of which credits."""

    items: dict[str, int]
    kept: dict[str, int]
    state: str = "exported"

    @property
    def pence(self) -> int:
        """What leaves the bank."""
        return sum(self.items.values()) - sum(self.kept.values())


class Payments(RuleBasedStateMachine):
    """Does things in any order and keeps a model beside them."""

    payables = Bundle("payables")
    app_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.model: dict[str, Modelled] = {}
        self.batches: dict[int, tuple[str, dict[str, Line]]] = {}
        self.credits: dict[str, Owing] = {}
        self.repaid = 0
        self.receipts = 0
        self.references: set[str] = set()
        self.keys: list[tuple[str, str, Exported]] = []

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.db.close())
        self.runner.close()

    def actor(self, name: str) -> Actor:
        actor: Actor = getattr(self.bank, name)
        return actor

    @initialize()
    def open_bank(self) -> None:
        self.bank: Bank = self.do(make_bank(self.db))
        finance = self.bank.finance
        self.payees = {
            "cafe": self.do(add_payee(self.db, finance, "Café")),
            "college": self.do(add_payee(self.db, finance, "College")),
            "finance_two": self.do(add_payee(self.db, finance, "Member", member_id=self.bank.finance_two.member_id)),
            "driver": self.do(add_payee(self.db, finance, "Driver")),
        }
        self.do(self._in_cash(self.payees["driver"]))

    async def _in_cash(self, payee_id: int) -> None:
        async with self.db.writing(self.bank.id) as connection:
            await connection.execute("update payee set pay_by = 'cash' where id = $1", payee_id)
            await open_account(
                connection, self.bank.id, code="cash", unit="GBP", account_class="system", name="Cash", floor=None
            )
            for payee in self.payees.values():
                await open_credit_account(connection, self.bank.id, payee)

    @rule(
        target=payables,
        kind=st.sampled_from(["voucher", "training"]),
        payee=st.sampled_from(["cafe", "college", "finance_two", "driver"]),
        pence=PENCE,
        actor=st.sampled_from(ACTORS),
    )
    def a_booking_is_fulfilled(self, kind: str, payee: str, pence: int, actor: str) -> str:
        return self.owe(kind, payee, pence, actor)

    def owe(self, kind: str, payee: str, pence: int, actor: str) -> str:
        reference: str = self.do(owe(self.db, self.actor(actor), self.payees[payee], kind=kind, pence=pence))
        is_voucher = kind == "voucher"
        self.model[reference] = Modelled(
            kind, payee, pence, "submitted" if is_voucher else "draft", actor if is_voucher else None
        )
        return reference

    @rule(target=payables, payee=st.sampled_from(["cafe", "college"]), pence=PENCE, actor=st.sampled_from(ACTORS[:5]))
    def something_is_typed_in(self, payee: str, pence: int, actor: str) -> str:
        day = NOW.date()
        command = RequestPayment(
            payee_id=self.payees[payee], pence=pence, description="Room", earned_on=day, due_on=day,
            reason="Why", evidence="Where", kind="other",
        )  # fmt: skip
        made = self.do(request_payment(self.db, self.actor(actor), command, **call()))
        assert isinstance(made, Requested), made
        self.model[made.reference] = Modelled("other", payee, pence, "submitted", actor)
        return made.reference

    @rule(target=payables, payee=st.sampled_from(["cafe", "cafe", "college", "driver"]), pence=PENCE)
    def a_payment_is_made_ready(self, payee: str, pence: int) -> str:
        reference = self.owe("voucher", payee, pence, "coordinator")
        self.approve(reference, "finance")
        return reference

    @rule(
        reference=payables,
        step=st.sampled_from(["submit", "approve", "approve", "cancel", "describe", "part", "cash", "cash"]),
        actor=st.sampled_from(ACTORS),
        invoice=st.sampled_from(["", "INV-1"]),
    )
    def somebody_works_on(self, reference: str, step: str, actor: str, invoice: str) -> None:
        if step == "submit":
            self.submit(reference, actor, invoice)
        elif step == "approve":
            self.approve(reference, actor)
        elif step == "cancel":
            self.cancel(reference, actor)
        elif step == "part":
            self.pay_a_part(reference, actor, 1 + self.model[reference].pence // 2)
        elif step == "cash":
            self.pay_in_cash(reference, actor)
        else:
            self.the_description_changes(reference)

    def submit(self, reference: str, actor: str, invoice: str) -> None:
        payable = self.model[reference]
        command = Submit(reference=reference, invoice_number=invoice, reason="Please check again")
        done = self.do(service.submit(self.db, self.actor(actor), command, **call()))
        allowed = actor in ("finance", "finance_two") and (
            (payable.state == "draft" and invoice != "") or payable.state in ("approved", "rejected", "returned")
        )
        assert isinstance(done, Changed) == allowed, done
        if allowed:
            payable.state, payable.submitted_by, payable.approved_by = "submitted", actor, None
            payable.is_spoiled, payable.batch = False, None

    def approve(self, reference: str, actor: str) -> None:
        payable = self.model[reference]
        done = self.do(service.approve(self.db, self.actor(actor), Approve(reference=reference), **call()))
        allowed = (
            actor in ("finance", "finance_two")
            and payable.state == "submitted"
            and actor not in (payable.submitted_by, payable.payee)
        )
        assert isinstance(done, Changed) == allowed, done
        if allowed:
            payable.state, payable.approved_by, payable.is_spoiled = "approved", actor, False

    def cancel(self, reference: str, actor: str) -> None:
        payable = self.model[reference]
        command = Cancel(reference=reference, reason="Not needed")
        done = self.do(service.cancel(self.db, self.actor(actor), command, **call()))
        allowed = (
            actor in ("finance", "finance_two")
            and payable.state in ("draft", "submitted", "approved")
            and not payable.settled
        )
        assert isinstance(done, Changed) == allowed, done
        if allowed:
            payable.state = "cancelled"

    def pay_a_part(self, reference: str, actor: str, pence: int) -> None:
        payable = self.model[reference]
        done = self.do(set_part(self.db, self.actor(actor), SetPart(reference=reference, pence=pence), **call()))
        allowed = (
            actor in ("finance", "finance_two") and payable.state in ("draft", "submitted") and pence <= payable.left
        )
        assert isinstance(done, Changed) == allowed, done
        if allowed:
            payable.part = None if pence == payable.left else pence
            if payable.state == "submitted":
                payable.submitted_by = actor

    def pay_in_cash(self, reference: str, actor: str) -> None:
        payable = self.model[reference]
        self.receipts += 1
        command = PayCash(
            reference=reference, receipt_number=f"C-{self.receipts}", handed_by="A", signed_by="B", on=NOW.date()
        )
        done = self.do(pay_cash(self.db, self.actor(actor), command, **call()))
        allowed = (
            actor in ("finance", "finance_two")
            and payable.payee == "driver"
            and payable.state == "approved"
            and not payable.is_spoiled
            and actor != payable.approved_by
        )
        assert isinstance(done, Changed) == allowed, done
        if allowed:
            payable.in_cash += payable.next
            payable.settle(payable.next)

    @rule(payee=st.sampled_from(["cafe", "cafe", "college"]), pence=PENCE, actor=st.sampled_from(ACTORS))
    def a_credit_note_comes(self, payee: str, pence: int, actor: str) -> None:
        command = ProposeCreditNote(
            payee_id=self.payees[payee], pence=pence, document_number=new_key()[:20], reason="Too many", kind="voucher"
        )
        done = self.do(propose_note(self.db, self.actor(actor), command, **call()))
        assert isinstance(done, CreditChanged) == (actor in ("finance", "finance_two")), done
        if isinstance(done, CreditChanged):
            self.credits[done.reference] = Owing(payee, pence, pence, actor)
            other = {"finance": "finance_two", "finance_two": "finance"}[actor]
            self.decide(done.reference, actor)
            self.decide(done.reference, other)

    def decide(self, reference: str, actor: str) -> None:
        owing = self.credits[reference]
        decision = DecideCreditNote(reference=reference, accept=True)
        done = self.do(decide_note(self.db, self.actor(actor), decision, **call()))
        assert isinstance(done, CreditChanged) == (actor != owing.proposed_by), done
        owing.is_open = isinstance(done, CreditChanged)

    @precondition(lambda self: self.credits)
    @rule(data=st.data(), pence=st.integers(min_value=1, max_value=300_000))
    def a_credit_is_repaid(self, data: st.DataObject, pence: int) -> None:
        reference = data.draw(st.sampled_from(sorted(self.credits)))
        owing = self.credits[reference]
        command = RecordRepaid(reference=reference, pence=pence, on=NOW.date())
        done = self.do(repaid(self.db, self.bank.finance, command, **call()))
        assert isinstance(done, CreditChanged) == (0 < pence <= owing.left), done
        if isinstance(done, CreditChanged):
            owing.left -= pence
            self.repaid += pence

    @rule(payee=st.sampled_from(["cafe", "college"]))
    def a_debt_is_set_off(self, payee: str) -> None:
        ready = [one for one in self.model.values() if one.payee == payee and self.is_ready(one)]
        total, owing = sum(one.next for one in ready), self.owing(payee)
        done = self.do(settle_debt(self.db, self.bank.finance, SettleDebt(payee_id=self.payees[payee]), **call()))
        assert isinstance(done, DebtSettled) == (bool(ready) and owing >= total), done
        if isinstance(done, DebtSettled):
            assert done.pence == total
            self.take_credit(payee, total)
            for one in ready:
                one.set_off += one.next
                one.settle(one.next)

    def is_ready(self, one: Modelled) -> bool:
        return one.state == "approved" and not one.is_spoiled

    def owing(self, payee: str) -> int:
        return sum(one.left for one in self.credits.values() if one.payee == payee and one.is_open)

    def take_credit(self, payee: str, wanted: int) -> dict[str, int]:
        taken = {}
        for reference, one in self.credits.items():
            if one.payee == payee and one.is_open and one.left and wanted:
                taken[reference] = min(one.left, wanted)
                one.left -= taken[reference]
                wanted -= taken[reference]
        return taken

    def give_back(self, line: Line) -> None:
        for reference, pence in line.kept.items():
            self.credits[reference].left += pence

    def the_description_changes(self, reference: str) -> None:
        async def change() -> None:
            async with self.db.writing(self.bank.id) as connection:
                await connection.execute(
                    "update payable set description = $3 where timebank_id = $1 and reference = $2",
                    self.bank.id,
                    reference,
                    new_key(),
                )

        self.do(change())
        if self.model[reference].state == "approved":
            self.model[reference].is_spoiled = True

    @rule(actor=st.sampled_from(ACTORS))
    def export(self, actor: str) -> None:
        by_payee: dict[str, dict[str, int]] = {}
        for reference, one in self.model.items():
            if self.is_ready(one) and one.payee != "driver":
                by_payee.setdefault(one.payee, {})[reference] = one.next
        leaving = {payee: items for payee, items in by_payee.items() if self.owing(payee) < sum(items.values())}
        key = new_key()
        done = self.do(export(self.db, self.actor(actor), ExportBatch(), key=key, now=NOW))
        assert isinstance(done, Exported) == (actor in ("finance", "finance_two") and bool(leaving)), done
        if isinstance(done, Exported):
            lines = {payee: Line(items, self.take_credit(payee, self.owing(payee))) for payee, items in leaving.items()}
            assert done.number == len(self.batches) + 1
            assert done.total_pence == sum(line.pence for line in lines.values())
            assert (done.line_count, done.payable_count) == (len(lines), sum(len(one.items) for one in lines.values()))
            self.batches[done.number] = (done.sha256, lines)
            self.keys.append((actor, key, done))
            for line in lines.values():
                for reference in line.items:
                    self.model[reference].state, self.model[reference].batch = "exported", done.number

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), actor=st.sampled_from(ACTORS))
    def a_run_is_taken_back(self, data: st.DataObject, actor: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        lines = self.batches[number][1].values()
        void = VoidBatch(number=number, reason="The bank deleted the file")
        done = self.do(void_batch(self.db, self.actor(actor), void, **call()))
        waits = all(line.state == "exported" for line in lines)
        assert isinstance(done, Voided) == (actor in ("finance", "finance_two") and waits), done
        if isinstance(done, Voided):
            for line in lines:
                line.state = "void"
                self.give_back(line)
                for reference in line.items:
                    self.model[reference].state, self.model[reference].batch = "approved", None

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def export_again_with_an_old_key(self, data: st.DataObject) -> None:
        actor, key, before = data.draw(st.sampled_from(self.keys))
        assert self.do(export(self.db, self.actor(actor), ExportBatch(), key=key, now=NOW)) == before

    @precondition(lambda self: self.batches)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(["paid", "paid", "paid", "rejected", "returned", "returned"]),
        days=st.sampled_from([0, 0, 0, 0, 0, -1, 1]),
        actor=st.sampled_from(ACTORS),
    )
    def the_bank_answers(self, data: st.DataObject, outcome: str, days: int, actor: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        payee = data.draw(st.sampled_from(sorted(self.batches[number][1])))
        line = self.batches[number][1][payee]
        on = NOW.date() + timedelta(days=days)
        reference = self.do(self._reference(number, self.payees[payee]))
        command = RecordOutcome(reference=reference, outcome=outcome, on=on, reason="The bank said so")
        done = self.do(record_outcome(self.db, self.actor(actor), command, **call()))
        needed = "paid" if outcome == "returned" else "exported"
        allowed = actor in ("finance", "finance_two") and line.state == needed and days == 0
        assert isinstance(done, Settled) == allowed, done
        if allowed:
            line.state = outcome
            if outcome != "paid":
                self.give_back(line)
            for ref, pence in line.items.items():
                self.an_outcome(self.model[ref], outcome, pence, number)

    def an_outcome(self, one: Modelled, outcome: str, pence: int, number: int) -> None:
        if outcome == "paid":
            one.settle(pence)
            one.in_bank += pence
        elif outcome == "rejected":
            one.state, one.approved_by, one.part = "rejected", None, None
        else:
            one.settled -= pence
            one.in_bank -= pence
            one.part = None
            if one.state == "paid":
                one.state, one.approved_by, one.batch = "returned", None, number
            elif one.state == "approved":
                one.is_spoiled = True  # what was approved was less than is owed now
            elif one.state == "returned":
                one.batch = number

    async def _reference(self, number: int, payee_id: int) -> str:
        async with self.db.reading(self.bank.id) as connection:
            found = await run_queries.payments_of_batch(connection, self.bank.id, number)
        return next(one.reference for one in found if one.payee_id == payee_id)

    @invariant()
    def states_agree(self) -> None:
        for reference, expected in self.model.items():
            found = self.do(facts(self.db, self.bank.id, reference))
            assert (found.state, found.pence, found.settled_pence) == (
                expected.state, expected.pence, expected.settled
            ), (reference, expected)  # fmt: skip
            assert 0 <= found.settled_pence <= found.pence
            assert found.next_pence == expected.next
            assert found.approved_by is None or found.approved_by != found.submitted_by

    @invariant()
    def the_accounts_agree(self) -> None:
        if not hasattr(self, "payees"):
            return
        owed, credit = dict.fromkeys(self.payees, 0), dict.fromkeys(self.payees, 0)
        spent = in_transit = 0
        for one in self.model.values():
            if one.state != "cancelled":
                spent += one.pence
                owed[one.payee] += one.left
        bank = -self.repaid
        for _, lines in self.batches.values():
            for payee, line in lines.items():
                if line.state == "exported":
                    owed[payee] -= sum(line.items.values())
                    in_transit += line.pence
                bank += line.pence if line.state == "paid" else 0
        for owing in self.credits.values():
            if owing.is_open:
                spent -= owing.pence
                credit[owing.payee] -= owing.left
        accounts = [f"payable/{payee_id}" for payee_id in self.payees.values()]
        accounts += [f"credit/{payee_id}" for payee_id in self.payees.values()]
        accounts += ["in-transit", "bank", "cash", "expense/voucher", "expense/training"]
        found = self.do(money(self.db, self.bank.id, *accounts))
        cash = sum(one.in_cash for one in self.model.values())
        assert found[:-2] == [*owed.values(), *credit.values(), in_transit, bank, cash]
        other = self.do(self._posted("expense/other"))
        assert -sum(found[-2:]) - other == spent

    async def _posted(self, account: str) -> int:
        try:
            return (await money(self.db, self.bank.id, account))[0]
        except KeyError:
            return 0

    @invariant()
    def nothing_is_paid_twice_and_nothing_alone(self) -> None:
        if not hasattr(self, "payees"):
            return
        for reference, one in self.model.items():
            assert one.in_bank + one.in_cash + one.set_off == one.settled <= one.pence
            live = [
                number
                for number, (_, lines) in self.batches.items()
                for line in lines.values()
                if reference in line.items and line.state == "exported"
            ]
            assert len(live) <= 1
            if one.state in ("approved", "exported", "paid"):
                assert one.approved_by is not None
                assert one.approved_by != one.submitted_by

    @invariant()
    def batches_never_change_and_add_up(self) -> None:
        for number, (sha256, lines) in self.batches.items():
            file, batch, payables, legs, run = self.do(self._batch(number))
            total = sum(line.pence for line in lines.values())
            assert hashlib.sha256(file.content).hexdigest() == file.sha256.hex() == sha256
            assert FORMATS[0].read_back(file.content, run) == run.total == ControlTotal("GBP", len(lines), total)
            assert (batch.line_count, batch.total_pence, legs["in-transit"]) == (len(lines), total, total)
            assert sorted(one.reference for one in payables) == sorted(
                ref for one in lines.values() for ref in one.items
            )

    async def _batch(self, number: int) -> Any:
        async with self.db.reading(self.bank.id) as connection:
            file = await run_queries.batch_file(connection, self.bank.id, number, "payments-csv")
            run = await load(connection, self.bank.id, number)
            batch = await run_queries.batch(connection, self.bank.id, number)
            payables = await run_queries.in_batch(connection, self.bank.id, number)
            assert batch is not None
            posted = await entry(connection, self.bank.id, *batch.entry_ids)
        return file, batch, payables, {leg.account: leg.amount for leg in posted.legs}, run


@pytest.mark.slow
def test_payables_and_payment_runs_do_what_the_model_says(app_url: str) -> None:
    machine = type("PaymentsHere", (Payments,), {"app_url": app_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
