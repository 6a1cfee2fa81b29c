"""Budgets against a model: whatever is booked, offered, claimed, given in advance, asked for, coded, cancelled or
changed, nothing overspends and all adds up.

The machine drives the real database with a fresh time bank for every example.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.contributed import group, line, try_save
from tests.integration.budgets.funding import FIRST, LAST, budget, call, facts, fund, order, order_facts
from tests.integration.claims.claiming import TODAY, bus, sent
from tests.integration.fees.feeing import fees_of, set_rate, try_choose
from tests.integration.payments.helpers import owe
from tests.integration.redemptions.spending import book, give_hours, offer, payee, step
from tests.people import make_bank
from timebank.budgets import service as budgets
from timebank.budgets.rules import SaveBudget, SaveOrder
from timebank.claims import service as claims
from timebank.claims.service import AddReceipt, Decide, DeclinedLine, GiveAdvance, Settle
from timebank.contributions.service import SavedRegister
from timebank.db import Database
from timebank.payments import queries, service
from timebank.payments.coding import Code, code
from timebank.payments.requests import Requested, RequestPayment, request_payment
from timebank.payments.service import Cancel
from timebank.redemptions import service as redemptions

OFFERS = {"lunch": ("a", False, 700), "course": ("a", True, 900), "swim": ("b", False, 400)}
OPEN, USED, OVER = "open", "used", "over"
FEES = "b"
"""The budget of the group whose time is paid."""
PENCE_PER_MINUTE = 10


@dataclass
class Owed:
    """What the model knows of one debt."""

    pence: int
    budget: str | None = None
    is_ordered: bool = False
    is_live: bool = True


@dataclass
class Booking:
    """What the model knows of one booking."""

    offer: str
    state: str = OPEN


@dataclass
class Fee:
    """What the model knows of a fee that was offered; ``paid_as`` is the debt that its choice made."""

    member_id: int
    pence: int
    is_waiting: bool = True
    paid_as: str | None = None


@dataclass
class Advance:
    """Cash given from a budget; ``spent`` what receipts show."""

    pence: int
    budget: str
    spent: int | None = None
    is_settled: bool = False


@dataclass
class Model:
    """Limits, debts, bookings, fees and advances, without any sum."""

    limits: dict[str, int] = field(default_factory=lambda: {"a": 5000, "b": 1500})
    order_pence: int = 2000
    order_is_open: bool = True
    owed: dict[str, Owed] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    fees: dict[str, Fee] = field(default_factory=dict)
    advances: dict[str, Advance] = field(default_factory=dict)

    def spent(self, name: str) -> int:
        cash = [one for one in self.advances.values() if one.is_settled and one.budget == name]
        debts = sum(one.pence for one in self.owed.values() if one.is_live and one.budget == name)
        return debts + sum(min(one.spent or 0, one.pence) for one in cash)

    def promised(self, name: str) -> int:
        """Fees that wait for a choice, and cash that is not accounted for."""
        waiting = sum(one.pence for one in self.fees.values() if one.is_waiting and name == FEES)
        return waiting + sum(one.pence for one in self.advances.values() if not one.is_settled and one.budget == name)

    def charged(self) -> int:
        return sum(one.pence for one in self.owed.values() if one.is_live and one.is_ordered)

    def booked(self, name: str, *, in_order: bool) -> int:
        found = [OFFERS[one.offer] for one in self.bookings.values() if one.state == OPEN]
        return sum(pence for at, ordered, pence in found if at == name and ordered == in_order)

    def order_left(self) -> int:
        return self.order_pence - self.charged() - self.booked("a", in_order=True)

    def sums(self, name: str) -> tuple[int, int, int, int]:
        """Spent, booked, on order, left."""
        booked, ordered = self.booked(name, in_order=False) + self.promised(name), 0
        if name == "a" and self.order_is_open:
            ordered = self.order_pence - self.charged()
        elif name == "a":
            booked += self.booked("a", in_order=True)
        spent = self.spent(name)
        return spent, booked, ordered, self.limits[name] - spent - booked - ordered


class Budgets(RuleBasedStateMachine):
    """Two budgets, an order of the first, three offers, a group whose time is paid, costs, debts from elsewhere."""

    app_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.refused: set[str] = set()

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.db.close())
        self.runner.close()

    @initialize()
    def set_up(self) -> None:
        self.db = self.do(Database.open(self.app_url, pool_size=3))
        self.bank = self.do(make_bank(self.db, max_open_bookings=100))
        self.do(self._set_up())

    async def _set_up(self) -> None:
        await give_hours(self.bank, self.bank.participant.member_id or 0, 60_000)
        self.fund = await fund(self.bank, pence=1_000_000)
        self.ids = {name: await budget(self.bank, pence=self.model.limits[name], fund_id=self.fund) for name in "ab"}
        self.order = await order(self.bank, self.ids["a"], pence=self.model.order_pence)
        self.number = (await order_facts(self.bank, self.order)).number
        self.payee = await payee(self.bank)
        await set_rate(self.bank, 60 * PENCE_PER_MINUTE)
        self.group = await group(self.bank, "Advisers", gives="fee", budget_id=self.ids[FEES])
        self.offers = {}
        for name, (at, ordered, pence) in OFFERS.items():
            more = {"order_id": self.order} if ordered else {}
            self.offers[name] = await offer(
                self.bank, payee_id=self.payee, value_pence=pence, budget_id=self.ids[at], title=name, **more
            )

    def is_done(self, answer: Any, *, can: bool) -> bool:
        """What the model allows is done, what it does not is refused."""
        assert isinstance(answer, list) != can, answer
        return can

    @rule(name=st.sampled_from(sorted(OFFERS)))
    def book(self, name: str) -> None:
        at, ordered, pence = OFFERS[name]
        left = self.model.order_left() if ordered and self.model.order_is_open else self.model.sums(at)[3]
        answer = self.do(book(self.bank, self.offers[name], self.bank.participant))
        if self.is_done(answer, can=pence <= left):
            assert isinstance(answer, redemptions.Booked)
            self.model.bookings[answer.reference] = Booking(name)

    @precondition(lambda self: any(one.state == OPEN for one in self.model.bookings.values()))
    @rule(data=st.data(), name=st.sampled_from(["cancel", "decline", "fulfil", "fulfil"]))
    def end(self, data: st.DataObject, name: str) -> None:
        there = [reference for reference, one in self.model.bookings.items() if one.state == OPEN]
        reference = data.draw(st.sampled_from(there))
        answer = self.do(step(self.bank, name, reference, reason="Because"))
        assert not isinstance(answer, list), answer
        booking = self.model.bookings[reference]
        booking.state = USED if name == "fulfil" else OVER
        if name == "fulfil":
            at, ordered, pence = OFFERS[booking.offer]
            self.model.owed[reference] = Owed(pence, at, ordered and self.model.order_is_open)

    @precondition(lambda self: any(one.state == USED for one in self.model.bookings.values()))
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        there = [reference for reference, one in self.model.bookings.items() if one.state == USED]
        reference = data.draw(st.sampled_from(there))
        assert not isinstance(self.do(step(self.bank, "refund", reference, reason="Because")), list)
        self.model.bookings[reference].state = OVER
        self.model.owed[reference].is_live = False

    @rule(pence=st.integers(1, 2500))
    def owe(self, pence: int) -> None:
        reference = self.do(owe(self.db, self.bank.coordinator, self.payee, pence=pence, now=self.bank.now))
        self.model.owed[reference] = Owed(pence)

    @rule(minutes=st.integers(1, 90))
    def give_time(self, minutes: int) -> None:
        pence = minutes * PENCE_PER_MINUTE
        can = pence <= self.model.sums(FEES)[3]
        member_id = self.do(self.bank.member())
        answer = self.do(try_save(self.bank, self.group, line(member_id, minutes)))
        if self.is_done(answer, can=can):
            assert isinstance(answer, SavedRegister)
            [fee] = self.do(fees_of(self.bank, member_id))
            self.model.fees[fee.reference] = Fee(member_id, pence)

    def can_choose(self) -> list[str]:
        """Fees whose payment finance has not stopped."""
        owed = self.model.owed
        return [key for key, one in self.model.fees.items() if one.paid_as is None or owed[one.paid_as].is_live]

    @precondition(lambda self: self.can_choose())
    @rule(data=st.data(), how=st.sampled_from(["all", "all", "part", "none"]))
    def choose(self, data: st.DataObject, how: str) -> None:
        reference = data.draw(st.sampled_from(sorted(self.can_choose())))
        model, fee = self.model, self.model.fees[reference]
        [known] = self.do(fees_of(self.bank, fee.member_id))
        part = fee.pence // 2 if how == "part" else None
        answer = self.do(try_choose(self.bank, known, how, pence=part))
        before = model.owed[fee.paid_as] if fee.paid_as else None
        pence = {"all": fee.pence, "none": 0}.get(how, part or 0)
        held = fee.pence if fee.is_waiting else before.pence if before and before.budget == FEES else 0
        if self.is_done(answer, can=pence - held <= model.sums(FEES)[3]):
            if before:
                before.is_live = False
            fee.is_waiting, fee.paid_as = False, answer.payable_reference or None
            if fee.paid_as:
                model.owed[fee.paid_as] = Owed(pence, FEES)

    @rule(pence=st.integers(1, 900), to=st.sampled_from([None, "a", "b"]))
    def claim(self, pence: int, to: str | None) -> None:
        can = to is None or pence <= self.model.sums(to)[3]
        reference = self.do(sent(self.bank, bus(pence, duplicate_reason="Another")))
        command = Decide(reference=reference, budget_id=self.ids[to] if to else None)
        answer = self.do(claims.decide(self.db, self.bank.coordinator, command, **call(self.bank)))
        if self.is_done(answer, can=can):
            self.model.owed[answer.payment] = Owed(pence, to)
        else:  # it waits, and can be declined
            declined = Decide(reference=reference, declined=(DeclinedLine(n=1, reason="Because"),))
            answer = self.do(claims.decide(self.db, self.bank.coordinator, declined, **call(self.bank)))
            assert not isinstance(answer, list), answer

    @rule(pence=st.integers(1, 900), to=st.sampled_from("ab"))
    def give_cash(self, pence: int, to: str) -> None:
        command = GiveAdvance(
            member_id=self.bank.participant.member_id or 0, kind="taxi", day=TODAY, pence=pence, signed_name="A name",
            budget_id=self.ids[to],
        )  # fmt: skip
        can = pence <= self.model.sums(to)[3]
        answer = self.do(claims.give_advance(self.db, self.bank.coordinator, command, **call(self.bank)))
        if self.is_done(answer, can=can):
            self.model.advances[answer.reference] = Advance(pence, to)

    @precondition(lambda self: any(not one.is_settled for one in self.model.advances.values()))
    @rule(data=st.data(), spent=st.integers(0, 1000))
    def account_for_cash(self, data: st.DataObject, spent: int) -> None:
        there = [key for key, one in self.model.advances.items() if not one.is_settled]
        reference = data.draw(st.sampled_from(there))
        advance, who = self.model.advances[reference], self.bank.coordinator_two
        if advance.spent is None and spent:
            receipt = AddReceipt(reference=reference, what="Taxi", pence=spent, no_receipt_why="Lost")
            answer = self.do(claims.add_receipt(self.db, who, receipt, **call(self.bank)))
            assert not isinstance(answer, list), answer
            advance.spent = spent
        brought = advance.spent or 0
        more = max(0, brought - advance.pence)
        can = not more or more <= self.model.sums(advance.budget)[3]
        settle = Settle(reference=reference, returned_pence=max(0, advance.pence - brought))
        answer = self.do(claims.settle(self.db, who, settle, **call(self.bank)))
        if self.is_done(answer, can=can):
            advance.is_settled = True
            if more:
                self.model.owed[answer.payment] = Owed(more, advance.budget)

    @rule(pence=st.integers(1, 1500), to=st.sampled_from([None, "a", "b"]), in_order=st.booleans())
    def ask(self, pence: int, to: str | None, in_order: bool) -> None:
        model, in_order = self.model, in_order and to != "b"
        command = RequestPayment(
            payee_id=self.payee, pence=pence, description="Room hire", earned_on=TODAY, due_on=date(2026, 4, 1),
            reason="Agreed", evidence="Folder", budget_id=self.ids[to] if to else None,
            order_number=self.number if in_order else "",
        )  # fmt: skip
        paid_by = "a" if in_order else to
        key = f"asked {len(model.owed)}"
        model.owed[key] = Owed(pence, paid_by, in_order)
        can = paid_by is None or model.sums(paid_by)[3] >= 0
        can = can and not (in_order and (not model.order_is_open or model.order_left() < 0))
        asked = model.owed.pop(key)
        answer = self.do(request_payment(self.db, self.bank.finance, command, **call(self.bank)))
        if self.is_done(answer, can=can):
            assert isinstance(answer, Requested)
            model.owed[answer.reference] = asked

    @precondition(lambda self: any(one.is_live for one in self.model.owed.values()))
    @rule(data=st.data(), to=st.sampled_from([None, "a", "a", "b"]), in_order=st.booleans())
    def code(self, data: st.DataObject, to: str | None, in_order: bool) -> None:
        there = sorted(key for key, one in self.model.owed.items() if one.is_live)
        key = data.draw(st.sampled_from(there))
        in_order = in_order and to == "a"
        owed = self.model.owed[key]
        before = (owed.budget, owed.is_ordered)
        was_ordered_open = in_order and not self.model.order_is_open and before != ("a", True)
        owed.budget, owed.is_ordered = to, in_order
        can = to is None or self.model.sums(to)[3] >= 0
        can = can and not (in_order and self.model.order_is_open and self.model.order_left() < 0)
        can = can and not was_ordered_open
        command = Code(
            reference=self.do(self._reference(key)),
            budget_id=None if to is None else self.ids[to],
            order_number=self.number if in_order else "",
        )
        answer = self.do(code(self.db, self.bank.finance, command, **call(self.bank)))
        if not self.is_done(answer, can=can):
            owed.budget, owed.is_ordered = before

    @precondition(lambda self: any(one.is_live for one in self.model.owed.values()))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        there = sorted(key for key, one in self.model.owed.items() if one.is_live)
        key = data.draw(st.sampled_from(there))
        command = Cancel(reference=self.do(self._reference(key)), reason="Because")
        assert not isinstance(self.do(service.cancel(self.db, self.bank.finance, command, **call(self.bank))), list)
        self.model.owed[key].is_live = False

    @rule(name=st.sampled_from("ab"), pence=st.integers(1, 8000))
    def limit(self, name: str, pence: int) -> None:
        before, self.model.limits[name] = self.model.limits[name], pence
        one = self.do(facts(self.bank, self.ids[name]))
        command = SaveBudget(id=one.id, name=one.name, fund_id=one.fund_id, starts_on=FIRST, ends_on=LAST, pence=pence)
        can = self.model.sums(name)[3] >= 0
        answer = self.do(budgets.save_budget(self.db, self.bank.finance, command, **call(self.bank)))
        if not self.is_done(answer, can=can):
            self.model.limits[name] = before

    @rule(pence=st.integers(1, 4000), is_open=st.booleans())
    def change_order(self, pence: int, is_open: bool) -> None:
        model = self.model
        before = model.order_pence, model.order_is_open
        model.order_pence, model.order_is_open = pence, is_open
        can = model.sums("a")[3] >= 0 and not (is_open and model.order_left() < 0)
        command = SaveOrder(id=self.order, number=self.number, budget_id=self.ids["a"], pence=pence, is_open=is_open)
        answer = self.do(budgets.save_order(self.db, self.bank.finance, command, **call(self.bank)))
        if not self.is_done(answer, can=can):
            model.order_pence, model.order_is_open = before

    async def _reference(self, key: str) -> str:
        """The debt's own reference: that of a booking's debt is found by its booking."""
        async with self.db.reading(self.bank.id) as connection:
            if key not in self.model.bookings:
                return key
            booking_id = await connection.fetchval("select id from redemption where reference = $1", key)
            found = await queries.by_source(connection, self.bank.id, "redemption", booking_id)
        assert found is not None
        return found.reference

    @invariant()
    def nothing_is_overspent_and_all_adds_up(self) -> None:
        if not hasattr(self, "ids"):
            return
        for name, budget_id in self.ids.items():
            one = self.do(facts(self.bank, budget_id))
            found = (one.spent_pence, one.booked_pence, one.ordered_pence, one.left_pence)
            assert found == self.model.sums(name)
            assert sum(found) == one.pence
            assert one.left_pence >= 0
        within = self.do(order_facts(self.bank, self.order))
        assert (within.charged_pence, within.booked_pence) == (
            self.model.charged(),
            self.model.booked("a", in_order=True),
        )


def test_budgets_do_what_the_model_says(app_url: str) -> None:
    machine = type("BudgetsHere", (Budgets,), {"app_url": app_url})
    run_machine(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
