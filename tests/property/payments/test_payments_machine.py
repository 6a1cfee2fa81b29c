"""Payables and payment runs against a model: states, the three money accounts, and files that never change.

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

from ledger import entry
from tests.integration.payments.helpers import add_payee, call, facts, last_payment, money, new_key, owe
from tests.people import NOW, Bank, make_bank
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.payments import queries, service
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.files import load
from timebank.payments.formats import FORMATS, ControlTotal
from timebank.payments.outcomes import RecordOutcome, Settled, VoidBatch, Voided, record_outcome, void_batch
from timebank.payments.service import Approve, Cancel, Changed, Submit

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


class Payments(RuleBasedStateMachine):
    """Does things in any order and keeps a model beside them."""

    payables = Bundle("payables")
    app_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.model: dict[str, Modelled] = {}
        self.batches: dict[int, tuple[str, list[str]]] = {}
        self.void: set[int] = set()
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
        }

    @rule(
        target=payables,
        kind=st.sampled_from(["voucher", "training"]),
        payee=st.sampled_from(["cafe", "college", "finance_two"]),
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

    @rule(target=payables, payee=st.sampled_from(["cafe", "college"]), pence=PENCE)
    def a_payment_is_made_ready(self, payee: str, pence: int) -> str:
        reference = self.owe("voucher", payee, pence, "coordinator")
        self.approve(reference, "finance")
        return reference

    @rule(
        reference=payables,
        step=st.sampled_from(["submit", "approve", "approve", "cancel", "describe"]),
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
        allowed = actor in ("finance", "finance_two") and payable.state in ("draft", "submitted", "approved")
        assert isinstance(done, Changed) == allowed, done
        if allowed:
            payable.state = "cancelled"

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
        ready = [ref for ref, one in self.model.items() if one.state == "approved" and not one.is_spoiled]
        key = new_key()
        done = self.do(export(self.db, self.actor(actor), ExportBatch(), key=key, now=NOW))
        assert isinstance(done, Exported) == (actor in ("finance", "finance_two") and bool(ready)), done
        if isinstance(done, Exported):
            total = sum(self.model[reference].pence for reference in ready)
            payees = {self.model[reference].payee for reference in ready}
            assert (done.number, done.total_pence) == (len(self.batches) + 1, total)
            assert (done.line_count, done.payable_count) == (len(payees), len(ready))
            self.batches[done.number] = (done.sha256, ready)
            self.keys.append((actor, key, done))
            for reference in ready:
                self.model[reference].state, self.model[reference].batch = "exported", done.number

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), actor=st.sampled_from(ACTORS))
    def a_run_is_taken_back(self, data: st.DataObject, actor: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        inside = [self.model[reference] for reference in self.batches[number][1]]
        void = VoidBatch(number=number, reason="The bank deleted the file")
        done = self.do(void_batch(self.db, self.actor(actor), void, **call()))
        waits = number not in self.void and all((one.state, one.batch) == ("exported", number) for one in inside)
        assert isinstance(done, Voided) == (actor in ("finance", "finance_two") and waits), done
        if isinstance(done, Voided):
            self.void.add(number)
            for one in inside:
                one.state, one.batch = "approved", None

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def export_again_with_an_old_key(self, data: st.DataObject) -> None:
        actor, key, before = data.draw(st.sampled_from(self.keys))
        assert self.do(export(self.db, self.actor(actor), ExportBatch(), key=key, now=NOW)) == before

    @rule(
        reference=payables,
        outcome=st.sampled_from(["paid", "rejected", "returned"]),
        days=st.sampled_from([0, 0, 0, 0, -1, 1]),
        actor=st.sampled_from(ACTORS),
    )
    def somebody_says_what_the_bank_did(self, reference: str, outcome: str, days: int, actor: str) -> None:
        self.answer(reference, outcome, days, actor)

    @precondition(lambda self: any(one.state in ("exported", "paid") for one in self.model.values()))
    @rule(data=st.data(), is_refused=st.booleans())
    def the_bank_answers(self, data: st.DataObject, is_refused: bool) -> None:
        out = [reference for reference, one in self.model.items() if one.state in ("exported", "paid")]
        reference = data.draw(st.sampled_from(out))
        outcome = "returned" if self.model[reference].state == "paid" else "rejected" if is_refused else "paid"
        self.answer(reference, outcome, 0, "finance")

    def answer(self, reference: str, outcome: str, days: int, actor: str) -> None:
        payable = self.model[reference]
        if payable.batch is None:
            return
        payment = self.do(last_payment(self.db, self.bank.id, reference))
        on = NOW.date() + timedelta(days=days)
        command = RecordOutcome(reference=payment.reference, outcome=outcome, on=on, reason="The bank said so")
        done = self.do(record_outcome(self.db, self.actor(actor), command, **call()))
        needed = "paid" if outcome == "returned" else "exported"
        # One answer of the bank is for all that goes to one payee in one run.
        together = [
            one
            for ref in self.batches[payable.batch][1]
            if (one := self.model[ref]).payee == payable.payee and one.batch == payable.batch
        ]
        allowed = actor in ("finance", "finance_two") and payable.state == needed and days == 0
        assert isinstance(done, Settled) == allowed, done
        if allowed:
            for one in together:
                one.state = outcome

    @invariant()
    def states_agree(self) -> None:
        for reference, expected in self.model.items():
            found = self.do(facts(self.db, self.bank.id, reference))
            assert (found.state, found.batch_number, found.pence) == (expected.state, expected.batch, expected.pence)
            assert found.approved_by is None or found.approved_by != found.submitted_by

    @invariant()
    def the_accounts_agree(self) -> None:
        if not hasattr(self, "payees"):
            return
        owed = dict.fromkeys(self.payees, 0)
        spent = in_transit = bank = 0
        for one in self.model.values():
            if one.state != "cancelled":
                spent += one.pence
            if one.state in ("draft", "submitted", "approved", "rejected", "returned"):
                owed[one.payee] += one.pence
            in_transit += one.pence if one.state == "exported" else 0
            bank += one.pence if one.state == "paid" else 0
        accounts = [f"payable/{payee_id}" for payee_id in self.payees.values()]
        found = self.do(
            money(self.db, self.bank.id, *accounts, "in-transit", "bank", "expense/voucher", "expense/training")
        )
        assert found[:-2] == [*owed.values(), in_transit, bank]
        assert -sum(found[-2:]) == spent

    @invariant()
    def batches_never_change_and_add_up(self) -> None:
        for number, (sha256, references) in self.batches.items():
            file, batch, payables, legs, run = self.do(self._batch(number))
            total = sum(self.model[reference].pence for reference in references)
            assert hashlib.sha256(file.content).hexdigest() == file.sha256.hex() == sha256
            payees = len({self.model[reference].payee for reference in references})
            assert FORMATS[0].read_back(file.content, run) == run.total == ControlTotal("GBP", payees, total)
            assert (batch.line_count, batch.total_pence, legs["in-transit"]) == (payees, total, total)
            assert sorted(one.reference for one in payables) == sorted(references)

    async def _batch(self, number: int) -> Any:
        async with self.db.reading(self.bank.id) as connection:
            file = await queries.batch_file(connection, self.bank.id, number, "payments-csv")
            run = await load(connection, self.bank.id, number)
            batch = await queries.batch(connection, self.bank.id, number)
            payables = await queries.in_batch(connection, self.bank.id, number)
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
