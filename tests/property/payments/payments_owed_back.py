"""The part of the machine of payments that is about what payees owe us: notes, refunds, setting off, paying back."""

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule

from tests.integration.payments.helpers import call, new_key
from tests.people import NOW, Bank
from tests.property.payments.payments_model import ACTORS, PENCE, Line, Modelled, Owing
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import service, taking_back
from timebank.payments.credit_notes import DecideCreditNote, ProposeCreditNote, decide_note, propose_note
from timebank.payments.credits import CreditChanged, RecordRepaid, repaid
from timebank.payments.set_off import DebtSettled, SettleDebt, settle_debt


class OwedBack(RuleBasedStateMachine):
    """Credits of any origin, beside payables that the machine built on this one makes."""

    payables = Bundle("payables")
    app_url = ""
    bank: Bank
    payees: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.model: dict[str, Modelled] = {}
        self.credits: dict[str, Owing] = {}
        self.repaid = 0
        self.given_back = 0

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.db.close())
        self.runner.close()

    def actor(self, name: str) -> Actor:
        actor: Actor = getattr(self.bank, name)
        return actor

    @rule(payee=st.sampled_from(["cafe", "cafe", "college", "driver"]), pence=PENCE, actor=st.sampled_from(ACTORS))
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

    @rule(payee=st.sampled_from(["cafe", "college", "driver"]))
    def a_debt_is_set_off(self, payee: str) -> None:
        ready = [one for one in self.model.values() if one.payee == payee and self.is_ready(one)]
        owing = self.owing(payee)
        if payee == "driver":  # cash is handed over one by one, so those are set off that the credits cover
            ready = self.covered(ready, owing)
        total = sum(one.next for one in ready)
        done = self.do(settle_debt(self.db, self.bank.finance, SettleDebt(payee_id=self.payees[payee]), **call()))
        assert isinstance(done, DebtSettled) == (bool(ready) and owing >= total), done
        if isinstance(done, DebtSettled):
            assert done.pence == total
            self.take_credit(payee, total)
            for one in ready:
                one.set_off += one.next
                one.settle(one.next)

    def covered(self, ready: list[Modelled], owing: int) -> list[Modelled]:
        found = []
        for one in ready:
            if one.next <= owing:
                found.append(one)
                owing -= one.next
        return found

    @rule(reference=payables, share=st.sampled_from([0, 0, 2]))
    def a_booking_is_given_back(self, reference: str, share: int) -> None:
        """Nothing is owed for it any more, or half: what has left already is owed back, once."""
        one = self.model[reference]
        if one.source_id is None:
            return
        wanted = max(1, one.pence // share) if share else 0
        made = self.do(self._give_back(one.source_id, wanted))
        if one.state == "cancelled":
            assert made == ("nothing_is_owed" if wanted else ""), made
        elif wanted == one.pence:
            assert made == ""
        elif one.is_owed_back:
            assert made == "credited_before", made
        elif one.settled or one.state in ("exported", "paid") or (wanted and one.state in ("rejected", "returned")):
            pence, one.is_owed_back = one.pence - wanted, True
            self.credits[made] = Owing(one.payee, pence, pence, "coordinator", is_open=True)
        elif wanted:
            assert made == ""
            one.pence, one.approved_by, one.is_spoiled = wanted, None, False
            one.part = one.part if one.part and one.part < wanted else None
            if one.state != "draft":
                one.state, one.submitted_by = "submitted", "coordinator"
        else:
            assert made == ""
            one.state, one.batch = "cancelled", None

    async def _give_back(self, source_id: int, pence: int) -> str:
        """The reference of the credit, the code of a refusal, "" where no credit was needed."""
        self.given_back += 1
        actor, key = self.bank.coordinator, f"given_back:{self.given_back}"
        async with self.db.writing(self.bank.id) as connection:
            back = await taking_back.plan(
                connection, actor, "redemption", source_id, pence=pence, key=key, effective_on=NOW.date()
            )
            if back is None or isinstance(back, Refusal):
                return back.code if back else ""
            entry_ids = await service.post(connection, actor, back.items)
            return await taking_back.record(connection, actor, back, entry_ids, reason="Off", now=NOW)

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
