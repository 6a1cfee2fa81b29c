"""Claims and advances in any order against a model: each claim pays at most once, and only what was found right.

The machine drives the real database with a fresh time bank for every example.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.integration.claims.claiming import TODAY, bus, call, supplier
from tests.people import Bank, make_bank
from timebank.claims import service
from timebank.claims.service import (
    AccessNow,
    AddLine,
    AddReceipt,
    BookAccess,
    CancelAccess,
    Decide,
    DeclinedLine,
    GiveAdvance,
    Kept,
    LookAgain,
    Moved,
    Send,
    Settle,
    TakeBack,
)
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.payments import service as payments
from timebank.payments.service import Approve, Cancel, Changed

STAFF = st.sampled_from(["coordinator", "coordinator", "coordinator_two", "finance", "finance_two", "participant"])
PENCE = st.integers(min_value=1, max_value=1000)  # no receipt is needed


@dataclass
class Modelled:
    """What the model knows of one claim."""

    state: str
    costs: dict[int, int] = field(default_factory=dict)
    declined: set[int] = field(default_factory=set)
    payment: str = ""
    decided_by: str = ""
    has_followed: bool = False


@dataclass
class Advance:
    """What the model knows of one advance."""

    pence: int
    given_by: str
    spent: int = 0
    returned: int = 0
    is_settled: bool = False


class Claims(RuleBasedStateMachine):
    """Does things in any order and keeps a model beside them."""

    claims = Bundle("claims")
    advances = Bundle("advances")
    bookings = Bundle("bookings")
    app_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.model: dict[str, Modelled] = {}
        self.money: dict[str, Advance] = {}
        self.booked: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.payments: dict[str, int] = {}
        self.draft = ""

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
        self.cabs = self.do(supplier(self.bank))

    @rule(target=claims, pence=PENCE)
    def add_a_cost(self, pence: int) -> str:
        line = bus(pence, duplicate_reason="Another one")
        kept = self.do(service.add_line(self.db, self.bank.participant, AddLine(line=line), **call()))
        assert isinstance(kept, Kept), kept
        claim = self.model.setdefault(kept.reference, Modelled("draft"))
        assert claim.state == "draft"
        claim.costs[kept.n] = pence
        self.draft = kept.reference
        return kept.reference

    @rule(reference=claims)
    def send(self, reference: str) -> None:
        done = self.do(service.send(self.db, self.bank.participant, Send(reference=reference), **call()))
        assert isinstance(done, Moved) == (self.model[reference].state == "draft")
        if isinstance(done, Moved):
            self.model[reference].state = "sent"
            self.draft = ""

    @rule(reference=claims)
    def take_back(self, reference: str) -> None:
        done = self.do(service.take_back(self.db, self.bank.participant, TakeBack(reference=reference), **call()))
        assert isinstance(done, Moved) == (self.model[reference].state == "sent" and not self.draft)
        if isinstance(done, Moved):
            self.model[reference].state = "draft"
            self.draft = reference

    @rule(reference=claims, who=STAFF, data=st.data())
    def decide(self, reference: str, who: str, data: st.DataObject) -> None:
        claim = self.model[reference]
        declined = data.draw(st.sets(st.sampled_from(sorted(claim.costs))))
        command = Decide(reference=reference, declined=tuple(DeclinedLine(n=n, reason="No") for n in sorted(declined)))
        done = self.do(service.decide(self.db, self.actor(who), command, **call()))
        assert isinstance(done, Moved) == (claim.state == "sent" and who.startswith("coordinator"))
        if isinstance(done, Moved):
            right = sum(pence for n, pence in claim.costs.items() if n not in declined)
            claim.declined, claim.payment, claim.decided_by = declined, done.payment, who
            claim.state = "agreed" if right else "declined"
            assert bool(done.payment) == bool(right)
            if right:
                self.payments[done.payment] = right

    @rule(target=claims, reference=claims)
    def look_again(self, reference: str) -> str:
        claim = self.model[reference]
        command = LookAgain(reference=reference, words="But it is")
        done = self.do(service.look_again(self.db, self.bank.participant, command, **call()))
        assert isinstance(done, Moved) == (bool(claim.declined) and not claim.has_followed)
        if not isinstance(done, Moved):
            return reference
        claim.has_followed = True
        self.model[done.reference] = Modelled("sent", {n: claim.costs[n] for n in claim.declined})
        return done.reference

    @rule(reference=claims, who=STAFF)
    def approve(self, reference: str, who: str) -> None:
        claim = self.model[reference]
        if claim.payment:
            done = self.do(payments.approve(self.db, self.actor(who), Approve(reference=claim.payment), **call()))
            assert not isinstance(done, Changed) or (who.startswith("finance") and who != claim.decided_by)

    @rule(target=advances, pence=PENCE, who=STAFF)
    def give(self, pence: int, who: str) -> str:
        command = GiveAdvance(
            member_id=self.bank.participant.member_id or 0, kind="taxi", day=TODAY, pence=pence, signed_name="P"
        )
        done = self.do(service.give_advance(self.db, self.actor(who), command, **call()))
        assert isinstance(done, AccessNow) == who.startswith("coordinator")
        if not isinstance(done, AccessNow):
            return ""
        self.money[done.reference] = Advance(pence, who)
        return done.reference

    @rule(reference=advances, pence=PENCE)
    def bring_a_receipt(self, reference: str, pence: int) -> None:
        if reference:
            command = AddReceipt(reference=reference, what="Taxi", pence=pence, no_receipt_why="None")
            done = self.do(service.add_receipt(self.db, self.bank.coordinator, command, **call()))
            assert isinstance(done, AccessNow) == (not self.money[reference].is_settled)
            if isinstance(done, AccessNow):
                self.money[reference].spent += pence

    @rule(reference=advances, who=STAFF, off_by=st.sampled_from([0, 0, 0, 1, -1]))
    def settle(self, reference: str, who: str, off_by: int) -> None:
        if not reference:
            return
        one = self.money[reference]
        returned = max(0, one.pence - one.spent) + off_by
        command = Settle(reference=reference, returned_pence=returned)
        done = self.do(service.settle(self.db, self.actor(who), command, **call()))
        may = who not in ("participant", one.given_by) and not one.is_settled and off_by == 0
        assert isinstance(done, AccessNow) == may
        if isinstance(done, AccessNow):
            one.is_settled, one.returned = True, returned
            if one.spent > one.pence:
                self.payments[done.payment] = one.spent - one.pence

    @rule(target=bookings, pence=PENCE)
    def book(self, pence: int) -> str:
        command = BookAccess(
            member_id=self.bank.participant.member_id or 0, payee_id=self.cabs, kind="taxi", day=TODAY, pence=pence
        )
        done = self.do(service.book(self.db, self.bank.coordinator, command, **call()))
        assert isinstance(done, AccessNow), done
        self.booked[done.reference] = pence
        self.payments[done.payment] = pence
        return f"{done.reference} {done.payment}"

    @rule(booking=bookings, by_finance=st.booleans())
    def cancel(self, booking: str, by_finance: bool) -> None:
        reference, payment = booking.split()
        if by_finance:
            command = Cancel(reference=payment, reason="Off")
            done = self.do(payments.cancel(self.db, self.bank.finance, command, **call()))
            is_cancelled = isinstance(done, Changed)
        else:
            off = CancelAccess(reference=reference, reason="Off")
            is_cancelled = isinstance(self.do(service.cancel(self.db, self.bank.coordinator, off, **call())), AccessNow)
        if is_cancelled:
            self.cancelled.add(payment)

    @invariant()
    def every_payment_is_what_was_found_right_and_the_accounts_agree(self) -> None:
        if not hasattr(self, "bank"):
            return
        rows, accounts = self.do(self._read())
        assert {row["reference"]: row["pence"] for row in rows} == self.payments
        assert len({(row["source_kind"], row["source_id"]) for row in rows}) == len(rows)
        owed = sum(pence for reference, pence in self.payments.items() if reference not in self.cancelled)
        assert sum(n for code, n in accounts.items() if code.startswith("payable/")) == owed
        settled = [one for one in self.money.values() if one.is_settled]
        out = sum(one.pence for one in self.money.values() if not one.is_settled)
        from_cash = sum(one.pence - one.returned for one in settled)
        assert sum(n for code, n in accounts.items() if code.startswith("advance/")) == -out
        assert accounts.get("cash", 0) == out + from_cash
        assert from_cash == sum(min(one.spent, one.pence) for one in settled)
        cost = sum(n for code, n in accounts.items() if code.startswith("expense/"))
        assert -cost == owed + from_cash

    async def _read(self) -> Any:
        async with self.db.reading(self.bank.id) as connection:
            rows = await connection.fetch(
                "select reference, pence, source_kind, source_id from payable where timebank_id = $1", self.bank.id
            )
            accounts = await connection.fetch(
                "select a.code, b.posted from ledger.account a join ledger.balance b"
                " on b.book_id = a.book_id and b.account_id = a.id where a.book_id = $1",
                self.bank.id,
            )
        return rows, {row["code"]: row["posted"] for row in accounts}


@pytest.mark.slow
def test_claims_and_advances_do_what_the_model_says(app_url: str) -> None:
    machine = type("ClaimsHere", (Claims,), {"app_url": app_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
