"""What the demo's finance people do again and again: type something in, say yes to it, export it, see it paid."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo.steps import accepted
from timebank.demo.suppliers import HALL
from timebank.kit.actor import Actor
from timebank.payments import batches, coding, outcomes, requests, run_queries
from timebank.payments import service as payments

RENT, ROOMS = 18_000, "Rooms"


@dataclass(frozen=True)
class Spending:
    """What the demo's finance people need at hand: who acts, whom they pay, from which budgets."""

    db: Database
    facts: TimeBankFacts
    finance: Actor
    administrator: Actor
    payees: dict[str, int]
    budgets: dict[str, int]
    anchor: datetime

    async def ask(self, key: str, payee: str, pence: int, what: str, *, days_ago: int, **more: Any) -> str:
        """Type something to pay in, coded to its budget; return its reference. Farid asks, Olu approves."""
        moment = self.anchor - timedelta(days=days_ago, hours=8)
        budget = more.pop("budget", None)
        code: dict[str, Any] = {name: more[name] for name in ("tax_pence", "tax_code") if name in more}
        code["order_number"] = more.pop("order_number", "")
        command = requests.RequestPayment(
            payee_id=self.payees[payee],
            pence=pence,
            description=what,
            earned_on=moment.date(),
            due_on=(moment + timedelta(days=more.pop("due_days", 14))).date(),
            reason=more.pop("reason", "Agreed at the start of the year."),
            evidence=more.pop("evidence", "Folder Invoices, in the office (demo)"),
            **more,
        )
        asked = accepted(await requests.request_payment(self.db, self.finance, command, key=f"demo-{key}", now=moment))
        if budget is not None:
            coded = coding.Code(reference=asked.reference, budget_id=self.budgets[budget], **code)
            accepted(await coding.code(self.db, self.finance, coded, key=f"demo-{key}-code", now=moment))
        return asked.reference

    async def rent(self, invoice: str, *, days_ago: int) -> str:
        """A month's rent of the hall, as :meth:`ask`."""
        what = f"Hall, {self.anchor - timedelta(days=days_ago):%B}"
        return await self.ask(
            f"rent-{invoice}", HALL, RENT, what, days_ago=days_ago, budget=ROOMS, invoice_number=invoice
        )

    async def approve(self, reference: str, now: datetime) -> None:
        """A second person says yes."""
        command = payments.Approve(reference=reference)
        key = f"demo-approve-{reference}-{now:%Y%m%d%H}"
        accepted(await payments.approve(self.db, self.administrator, command, key=key, now=now))

    async def run(self, key: str, now: datetime) -> int:
        """Export what is approved; return the number of the payment run."""
        made = await batches.export(self.db, self.finance, batches.ExportBatch(), key=f"demo-run-{key}", now=now)
        return accepted(made).number

    async def paid(self, number: int, now: datetime) -> None:
        """The bank moved the money of a whole payment run."""
        async with self.db.reading(self.facts.id) as connection:
            sent = await run_queries.payments_of_batch(connection, self.facts.id, number)
        for one in sent:
            outcome = outcomes.RecordOutcome(reference=one.reference, outcome="paid", on=now.date())
            key = f"demo-outcome-{one.reference}-paid"
            accepted(await outcomes.record_outcome(self.db, self.finance, outcome, key=key, now=now))
