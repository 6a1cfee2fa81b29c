"""Payables, credits, cash and payment runs against a model: states, the money accounts, and files that never change.

The machine drives the real database with a fresh time bank for every example.
"""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import entry, open_account
from tests.integration.payments.helpers import SOURCES, add_payee, call, facts, money, new_key, owe
from tests.people import NOW, make_bank
from tests.property.payments.payments_model import ACTORS, PENCE, Line, Modelled
from tests.property.payments.payments_owed_back import OwedBack
from timebank.payees.service import open_credit_account
from timebank.payments import run_queries, service
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.cash import PayCash, pay_cash
from timebank.payments.files import load
from timebank.payments.formats import FORMATS, ControlTotal
from timebank.payments.outcomes import RecordOutcome, Settled, VoidBatch, Voided, record_outcome, void_batch
from timebank.payments.parts import SetPart, set_part
from timebank.payments.requests import Requested, RequestPayment, request_payment
from timebank.payments.service import Approve, Cancel, Changed, Submit


class Payments(OwedBack):
    """Does things in any order and keeps a model beside them."""

    payables = OwedBack.payables

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[int, tuple[str, dict[str, Line]]] = {}
        self.receipts = 0
        self.keys: list[tuple[str, str, Exported]] = []

    @initialize()
    def open_bank(self) -> None:
        self.bank = self.do(make_bank(self.db))
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
        source_id = next(SOURCES)
        reference: str = self.do(
            owe(self.db, self.actor(actor), self.payees[payee], kind=kind, pence=pence, source_id=source_id)
        )
        is_voucher = kind == "voucher"
        state, submitted_by = ("submitted", actor) if is_voucher else ("draft", None)
        self.model[reference] = Modelled(kind, payee, pence, state, submitted_by, source_id=source_id)
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
            if payable.state != "approved":  # who puts an approved one back does not stand behind it
                payable.submitted_by = actor
            payable.state, payable.approved_by = "submitted", None
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
            and not payable.is_owed_back
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
        kept_back = self.owing("driver")
        command = PayCash(
            reference=reference, pence=payable.next - kept_back if kept_back else None,
            receipt_number=f"C-{self.receipts}", handed_by="A", signed_by="B", on=NOW.date(),
        )  # fmt: skip
        done = self.do(pay_cash(self.db, self.actor(actor), command, **call()))
        allowed = (
            actor in ("finance", "finance_two")
            and payable.payee == "driver"
            and payable.state == "approved"
            and not payable.is_spoiled
            and actor != payable.approved_by
            and kept_back < payable.next
        )
        assert isinstance(done, Changed) == allowed, done
        if allowed:
            self.take_credit("driver", kept_back)
            payable.in_cash += payable.next - kept_back
            payable.set_off += kept_back
            payable.settle(payable.next)

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
        self.model[reference].is_spoiled = True  # until it is approved as it is now, also when its run is taken back

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
        self.answer(number, payee, outcome, days, actor)

    @precondition(lambda self: any(one.source_id and one.batch and not one.is_owed_back for one in self.model.values()))
    @rule(data=st.data(), wanted=st.sampled_from([0, 0, 2]))
    def what_left_is_given_back_and_fails(self, data: st.DataObject, wanted: int) -> None:
        left = [ref for ref, one in self.model.items() if one.source_id and one.batch and not one.is_owed_back]
        reference = data.draw(st.sampled_from(left))
        one = self.model[reference]
        self.a_booking_is_given_back(reference, wanted)
        if one.batch is not None:
            payee = next(payee for payee, line in self.batches[one.batch][1].items() if reference in line.items)
            self.answer(one.batch, payee, "returned" if one.state == "paid" else "rejected", 0, "finance")
        self.submit(reference, "finance", "")
        self.cancel(reference, "finance")  # never: they owe it back already
        self.a_booking_is_given_back(reference, 0)

    @precondition(lambda self: any(one.payee == "driver" and self.is_ready(one) for one in self.model.values()))
    @rule(data=st.data(), pence=st.integers(min_value=1, max_value=5000))
    def the_driver_owes_a_little_and_is_paid(self, data: st.DataObject, pence: int) -> None:
        ready = [ref for ref, one in self.model.items() if one.payee == "driver" and self.is_ready(one)]
        reference = data.draw(st.sampled_from(ready))
        self.a_credit_note_comes("driver", pence, "finance")
        self.pay_in_cash(reference, "finance_two" if self.model[reference].approved_by == "finance" else "finance")

    def answer(self, number: int, payee: str, outcome: str, days: int, actor: str) -> None:
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
