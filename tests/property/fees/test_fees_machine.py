"""Fees against what must always hold: choices, corrections, new rates and payment runs in any order.

Each contribution makes one fee at most; what is owed is what was chosen; nothing is paid that was declined; the amount
is the rate of the day, worked out here in another way; and the ledger owes what the rows say.
"""

import asyncio
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.contributed import line, try_save
from tests.integration.fees.feeing import (
    assert_sound,
    charity,
    fee_of,
    fees_of,
    key,
    payables,
    paying_group,
    set_rate,
    try_choose,
)
from tests.people import NOW, Bank, make_bank
from timebank.contributions.corrections import correct_within
from timebank.contributions.service import SavedRegister
from timebank.db import Database, Rollback
from timebank.fees.rules import HOWS, FeeFacts
from timebank.fees.service import ChooseEvery, ChosenFee, PriceFees, choose_every, price, tell_due
from timebank.kit.actor import Actor
from timebank.payments import run_queries
from timebank.payments.batches import ExportBatch, export
from timebank.payments.outcomes import RecordOutcome, VoidBatch, record_outcome, void_batch
from timebank.payments.service import Approve, Cancel, approve, cancel
from timebank.rates import queries as rates

MINUTES = st.integers(min_value=1, max_value=600)


class Fees(RuleBasedStateMachine):
    """Does things in any order, through the use cases, in a fresh time bank."""

    fees = Bundle("fees")
    app_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.now: datetime = NOW
        self.seen: list[str] = []

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.db.close())
        self.runner.close()

    @initialize()
    def open_bank(self) -> None:
        self.bank: Bank = self.do(make_bank(self.db, max_minutes_per_entry=720))
        self.members = [self.do(self.bank.member()) for _ in range(2)]
        self.charity = self.do(charity(self.bank))
        self.do(set_rate(self.bank, 1299, band="A"))
        self.groups = [self.do(paying_group(self.bank, name, band=name)) for name in ("A", "B")]

    def actor(self, member_id: int) -> Actor:
        return Actor(timebank_id=self.bank.id, member_id=member_id)

    @rule(
        target=fees, who=st.integers(0, 1), group=st.sampled_from([0, 0, 0, 1]), minutes=MINUTES, back=st.integers(0, 9)
    )
    def time_is_given(self, who: int, group: int, minutes: int, back: int) -> Any:
        day = (self.now - timedelta(days=back)).date()
        one = line(self.members[who], minutes, held_on=day, duplicate_reason="Another time")
        self.bank.now = self.now
        saved = self.do(try_save(self.bank, self.groups[group], one))
        if not isinstance(saved, SavedRegister) or not saved.credited:
            return multiple()
        newest: FeeFacts = self.do(fees_of(self.bank, self.members[who]))[0]
        assert newest.minutes == minutes
        self.seen.append(newest.reference)
        return newest.reference

    @rule(reference=fees, how=st.sampled_from(HOWS), part=st.integers(-1, 20_000))
    def somebody_chooses(self, reference: str, how: str, part: int) -> None:
        fee: FeeFacts = self.do(fee_of(self.bank, reference))
        more: dict[str, Any] = {"pence": part} if how == "part" else {}
        more |= {"payee_id": self.charity} if how == "charity" else {}
        done = self.do(try_choose(self.bank, fee, how, now=self.now, **more))
        fits = how != "part" or 0 < part < fee.offered_pence
        assert isinstance(done, ChosenFee) == (fee.can_choose and fits), (fee, done)

    @rule(who=st.integers(0, 1), how=st.sampled_from(["ask", "all", "none", "charity"]))
    def somebody_chooses_for_every_fee(self, who: int, how: str) -> None:
        payee = self.charity if how == "charity" else None
        command = ChooseEvery(member_id=self.members[who], how=how, payee_id=payee)
        self.do(choose_every(self.db, self.actor(self.members[who]), command, key=key(), now=self.now))

    @rule(reference=fees, minutes=st.one_of(st.just(0), MINUTES))
    def time_is_put_right(self, reference: str, minutes: int) -> None:
        fee: FeeFacts = self.do(fee_of(self.bank, reference))

        async def put_right() -> None:
            async with self.db.writing(self.bank.id) as connection:
                await correct_within(
                    connection, self.bank.coordinator_two, fee.contribution_id, minutes, "Wrong", now=self.now
                )

        try:
            self.do(put_right())
        except Rollback:
            return
        after: FeeFacts = self.do(fee_of(self.bank, reference))
        assert (after.state == "withdrawn") == (minutes == 0)

    @rule(pence=st.integers(1, 3000), unit=st.sampled_from(["hour", "session"]), band=st.sampled_from(["A", "B"]))
    def a_new_rate_begins(self, pence: int, unit: str, band: str) -> None:
        self.now += timedelta(days=1)
        self.do(set_rate(self.bank, pence, unit=unit, band=band, from_on=self.now.date(), now=self.now))
        self.do(price(self.db, self.bank.finance, PriceFees(), key=key(), now=self.now))

    @rule(count=st.integers(1, 3))
    def finance_approves(self, count: int) -> None:
        waiting = [row for row in self.do(payables(self.bank)) if row["state"] == "submitted"]
        for row in waiting[:count]:
            self.do(approve(self.db, self.bank.finance, Approve(reference=row["reference"]), key=key(), now=self.now))

    @rule(reference=fees, minutes=st.one_of(st.just(0), MINUTES), outcome=st.sampled_from(["none", "paid", "returned"]))
    def a_fee_leaves_and_its_time_is_put_right(self, reference: str, minutes: int, outcome: str) -> None:
        """What many steps in a row would reach too seldom."""
        self.somebody_chooses(reference, "all", 0)
        self.finance_approves(50)
        self.a_payment_run_leaves(outcome)
        before: FeeFacts = self.do(fee_of(self.bank, reference))
        self.time_is_put_right(reference, minutes)
        after: FeeFacts = self.do(fee_of(self.bank, reference))
        is_away = before.payable_state in ("exported", "paid")  # what came back can be taken back
        if is_away and (after.pence, after.rate_id) != (before.pence, before.rate_id):
            assert after.gone_pence == before.gone_pence + (before.choice_pence or 0)

    @rule()
    def finance_cancels_one(self) -> None:
        for row in [row for row in self.do(payables(self.bank)) if row["state"] == "submitted"][:1]:
            command = Cancel(reference=row["reference"], reason="Not right")
            self.do(cancel(self.db, self.bank.finance, command, key=key(), now=self.now))

    @rule(outcome=st.sampled_from(["none", "paid", "returned", "rejected", "void"]))
    def a_payment_run_leaves(self, outcome: str) -> None:
        run = self.do(export(self.db, self.bank.finance, ExportBatch(), key=key(), now=self.now))
        if isinstance(run, list) or outcome == "none":
            return
        if outcome == "void":
            command = VoidBatch(number=run.number, reason="Not sent")
            self.do(void_batch(self.db, self.bank.finance, command, key=key(), now=self.now))
            return
        for step in ("paid", "returned") if outcome == "returned" else (outcome,):
            self.do(self.settle(run.number, step))

    async def settle(self, number: int, step: str) -> None:
        async with self.db.reading(self.bank.id) as connection:
            sent = await run_queries.payments_of_batch(connection, self.bank.id, number)
        for payment in sent:
            done = RecordOutcome(
                reference=payment.reference, outcome=step, on=self.now.date(), reason="The bank says so"
            )
            await record_outcome(self.db, self.bank.finance, done, key=key(), now=self.now)

    @rule()
    def the_job_runs(self) -> None:
        self.do(tell_due(self.db, self.bank.id, self.now))

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "bank"):
            return
        self.do(assert_sound(self.bank))
        for reference in self.seen:
            fee: FeeFacts = self.do(fee_of(self.bank, reference))
            self.do(self.amount_is_right(fee))
            chosen = 0 if fee.is_stopped else fee.choice_pence or 0
            assert fee.gone_pence + chosen <= fee.pence + fee.over_pence, fee
            assert fee.how != "none" or fee.payable_reference is None

    async def amount_is_right(self, fee: FeeFacts) -> None:
        if fee.rate_id is None or fee.state == "withdrawn":
            assert fee.pence == 0
            return
        async with self.db.reading(self.bank.id) as connection:
            rate = await rates.one(connection, self.bank.id, fee.rate_id)
        assert rate is not None
        assert rate.holds_on(fee.held_on)
        exact = Fraction(rate.pence) if rate.unit == "session" else Fraction(rate.pence * fee.minutes, 60)
        assert fee.pence == floor(exact + Fraction(1, 2))


@pytest.mark.parametrize("outcome", ["none", "paid", "returned"])
def test_what_has_left_counts_when_time_is_put_right(app_url: str, outcome: str) -> None:
    """The walk that matters most, every time: money leaves, then its time is less, more, and taken out.

    The steps and ``everything_adds_up`` compare each fee, choice and payment with the model.
    """
    Fees.app_url = app_url
    machine = Fees()
    try:
        machine.open_bank()
        for minutes in (30, 120, 0):
            reference = machine.time_is_given(who=0, group=0, minutes=60, back=0)
            machine.a_fee_leaves_and_its_time_is_put_right(reference, minutes, outcome)
            machine.everything_adds_up()
    finally:
        machine.teardown()


@pytest.mark.slow
def test_fees_hold_whatever_happens(app_url: str) -> None:
    Fees.app_url = app_url
    run_state_machine_as_test(
        Fees,
        settings=settings(
            max_examples=6, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
