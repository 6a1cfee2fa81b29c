"""Payment runs of the demo's last months: paid, netted, in parts, taken back and made again; cash; a closed month."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from timebank.demo.budgets import COURSES, MEALS, ORDER, PRINTING
from timebank.demo.offers import COLLEGE
from timebank.demo.spending import Spending
from timebank.demo.steps import Step, accepted
from timebank.demo.suppliers import PRINT, STALL
from timebank.payments import cash, credit_notes, months, outcomes, parts

WRONG_DAY = "The file had the wrong day. It was never given to the bank."


def add_runs(spending: Spending, *, say: Callable[[str], None]) -> list[Step]:
    """Return the steps of three months of paying, each on its day."""
    plans = ((94, _first), (64, _netted), (36, _taken_back), (21, _in_cash))

    def step(days_ago: int, do: Any) -> Step:
        at = spending.anchor - timedelta(days=days_ago, hours=8)  # ten in the morning

        async def happen() -> None:
            await do(spending, at)

        return Step(at, happen)

    say(f"{spending.facts.name}: payment runs of three months, one taken back; cash; a part; a credit kept back")
    return [step(days_ago, do) for days_ago, do in plans]


async def _first(spending: Spending, at: datetime) -> None:
    """A quiet first run: the rent and leaflets with tax in them."""
    rent = await spending.rent("H-101", days_ago=94)
    leaflets = await spending.ask(
        "leaflets", PRINT, 14_400, "500 leaflets", days_ago=94, budget=PRINTING, invoice_number="TP-3310",
        tax_pence=2_400, tax_code="T1",
    )  # fmt: skip
    for reference in (rent, leaflets):
        await spending.approve(reference, at + timedelta(hours=1))
    number = await spending.run("first", at + timedelta(hours=2))
    await spending.paid(number, at + timedelta(days=3))


async def _netted(spending: Spending, at: datetime) -> None:
    """The printer owes us something for a wrong print, and the next payment to them keeps it back."""
    note = credit_notes.ProposeCreditNote(
        payee_id=spending.payees[PRINT], pence=1_250, document_number="TP-CN-17", reason="40 leaflets had a wrong date"
    )
    proposed = accepted(await credit_notes.propose_note(spending.db, spending.finance, note, key="demo-note-1", now=at))
    agree = credit_notes.DecideCreditNote(reference=proposed.reference, accept=True)
    accepted(await credit_notes.decide_note(spending.db, spending.administrator, agree, key="demo-note-1-yes", now=at))
    rent = await spending.rent("H-108", days_ago=64)
    letters = await spending.ask(
        "letters", PRINT, 6_000, "Letters to every member", days_ago=64, budget=PRINTING, invoice_number="TP-3391",
        tax_pence=1_000, tax_code="T1",
    )  # fmt: skip
    for reference in (rent, letters):
        await spending.approve(reference, at + timedelta(hours=1))
    number = await spending.run("netted", at + timedelta(hours=2))
    await spending.paid(number, at + timedelta(days=2))


async def _taken_back(spending: Spending, at: datetime) -> None:
    """A run with the wrong day is taken back and made again; a course is paid in part."""
    rent = await spending.rent("H-117", days_ago=36)
    course = await spending.ask(
        "course", COLLEGE, 24_000, "Makaton for six members", days_ago=36, budget=COURSES, invoice_number="RC-2240",
        order_number=ORDER, due_days=50,
    )  # fmt: skip
    half = parts.SetPart(reference=course, pence=10_000)
    accepted(await parts.set_part(spending.db, spending.finance, half, key="demo-part", now=at))
    for reference in (rent, course):
        await spending.approve(reference, at + timedelta(hours=1))
    wrong = await spending.run("wrong-day", at + timedelta(hours=2))
    void = outcomes.VoidBatch(number=wrong, reason=WRONG_DAY)
    later = at + timedelta(hours=3)
    accepted(await outcomes.void_batch(spending.db, spending.administrator, void, key="demo-void", now=later))
    number = await spending.run("right-day", at + timedelta(hours=4))
    await spending.paid(number, at + timedelta(days=2))


async def _in_cash(spending: Spending, at: datetime) -> None:
    """Sandwiches, paid at the stall against a signature."""
    reference = await spending.ask(
        "sandwiches-1",
        STALL,
        2_200,
        "Sandwiches for the meeting",
        days_ago=21,
        budget=MEALS,
        reason="The café was shut.",
    )
    await spending.approve(reference, at + timedelta(hours=1))
    command = cash.PayCash(
        reference=reference, receipt_number="C-0001", handed_by="Farid Rahimi", signed_by="Dot (demo)", on=at.date()
    )
    later = at + timedelta(hours=2)
    accepted(await cash.pay_cash(spending.db, spending.finance, command, key="demo-cash", now=later))


async def close_first_month(spending: Spending) -> None:
    """The month of the first run is over and done."""
    month = (spending.anchor - timedelta(days=94)).date().replace(day=1)
    command = months.CloseMonth(month=month, why="All of it was checked. What is open is of later months.")
    accepted(await months.close_month(spending.db, spending.finance, command, key="demo-close", now=spending.anchor))
