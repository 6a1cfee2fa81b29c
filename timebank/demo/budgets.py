"""Two grants, three budgets, a purchase order and two invoices. All of it is invented."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from timebank.banks.rules import TimeBankFacts
from timebank.budgets import service as budgets
from timebank.budgets.rules import SaveBudget, SaveCode, SaveFund, SaveOrder
from timebank.db import Database
from timebank.demo import people
from timebank.demo.offers import COLLEGE, FIRST_AID, LEISURE, QUAY_CAFE, SWIM
from timebank.demo.steps import Refused
from timebank.demo.vouchers import CAKE
from timebank.kit.actor import Actor
from timebank.payees import queries as payees
from timebank.payments import coding, invoice_queries, invoices
from timebank.payments.coding import Code
from timebank.payments.invoice_rules import Coverable, EnterInvoice
from timebank.payments.rules import DRAFT, EXPORTED, PAID, SUBMITTED
from timebank.redemptions import managing, offers

PAPER = b"%PDF-1.4\n% Demo paper: an invented invoice.\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def add_budgets(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> None:
    """Set budgets up, let offers be paid from them, code what waits, and enter two invoices for what has left."""
    finance = actors[people.FINANCE]
    first = date(anchor.year, 1, 1)
    last = date(anchor.year + 1, 12, 31)  # so that the demo runs for a while

    async def save(use_case: Any, key: str, command: Any) -> int:
        saved = await use_case(db, finance, command, key=f"demo-{key}", now=anchor)
        if isinstance(saved, list):
            raise Refused(saved)
        return int(saved.id)

    meals = await save(budgets.save_code, "code-1", SaveCode(kind="nominal_code", code="7410", name="Meals"))
    training = await save(budgets.save_code, "code-2", SaveCode(kind="nominal_code", code="7420", name="Training"))
    centre = await save(budgets.save_code, "code-3", SaveCode(kind="cost_centre", code="RTB", name="Riverside"))
    dates: dict[str, Any] = {"starts_on": first, "ends_on": last}
    lottery = SaveFund(name="Demo lottery grant", funder="Demo Community Fund", pence=1_200_000, **dates)
    council = SaveFund(name="Demo council grant", funder="Demo Borough Council", pence=400_000, **dates)
    from_lottery = await save(budgets.save_fund, "fund-1", lottery)
    from_council = await save(budgets.save_fund, "fund-2", council)
    plans = (
        ("Meals and outings", from_lottery, meals, 60_000),
        ("Courses", from_lottery, training, 150_000),
        ("Keeping well", from_council, None, 40_000),
    )
    made = {}
    for name, fund_id, nominal, pence in plans:
        command = SaveBudget(
            name=name, fund_id=fund_id, nominal_code_id=nominal, cost_centre_id=centre, pence=pence, **dates
        )
        made[name] = await save(budgets.save_budget, f"budget-{name}", command)
    async with db.reading(facts.id) as connection:
        ids = {one.name: one.id for one in await payees.payees(connection, facts.id)}
    number = SaveOrder(
        number="PO-1042", budget_id=made["Courses"], payee_id=ids[COLLEGE], what_for="Courses this year", pence=90_000
    )
    ordered = await save(budgets.save_order, "order-1", number)
    for title, budget, order_id in (
        (CAKE, "Meals and outings", None),
        (FIRST_AID, "Courses", ordered),
        (SWIM, "Keeping well", None),
    ):
        await _pay_from(db, facts, actors, title, made[budget], order_id, anchor)
    coded = await _code_waiting(db, facts, finance, {QUAY_CAFE: made["Meals and outings"]}, ids, anchor)
    entered = await _enter(db, facts, finance, ids, anchor)
    say(f"{facts.name}: 2 grants, 3 budgets, 1 purchase order, {coded} payments coded, {entered} invoices")


async def _pay_from(
    db: Database,
    facts: TimeBankFacts,
    actors: dict[str, Actor],
    title: str,
    budget_id: int,
    order_id: int | None,
    anchor: datetime,
) -> None:
    clocks: dict[str, Any] = {"now": anchor, "today": anchor.date(), "time_zone": facts.time_zone}
    async with db.reading(facts.id) as connection:
        found = [one for one in await managing.offers(connection, facts.id, **clocks) if one.details.title == title]
    for one in found[:1]:
        command = msgspec.structs.replace(one.change(), budget_id=budget_id, order_id=order_id)
        key = f"demo-paid-from-{one.id}"
        done = await offers.change_offer(db, actors[people.COORDINATOR], command, key=key, now=anchor)
        if isinstance(done, list):
            raise Refused(done)


async def _code_waiting(
    db: Database, facts: TimeBankFacts, finance: Actor, paid_from: dict[str, int], ids: dict[str, int], anchor: datetime
) -> int:
    count = 0
    for payee, budget_id in paid_from.items():
        async with db.reading(facts.id) as connection:
            there = await invoice_queries.coverable(connection, facts.id, ids[payee])
        for one in there:
            if one.payable.state not in (DRAFT, SUBMITTED) or one.payable.budget_id is not None:
                continue
            command = Code(reference=one.payable.reference, budget_id=budget_id)
            done = await coding.code(db, finance, command, key=f"demo-code-{one.payable.id}", now=anchor)
            if isinstance(done, list):
                raise Refused(done)
            count += 1
    return count


async def _enter(db: Database, facts: TimeBankFacts, finance: Actor, ids: dict[str, int], anchor: datetime) -> int:
    """One invoice that matches and one that is higher, for what has left already: nothing that waits is touched."""
    left: list[tuple[str, Coverable]] = []
    for payee in (QUAY_CAFE, COLLEGE, LEISURE):
        async with db.reading(facts.id) as connection:
            there = await invoice_queries.coverable(connection, facts.id, ids[payee])
        left += [(payee, one) for one in there if one.payable.state in (EXPORTED, PAID)]
    first = [one for payee, one in left if payee == left[0][0]][:-1]
    plans = [("QC-2201", left[0][0], first, 0), ("QC-2230", left[-1][0], [left[-1][1]], 1500)] if first else []
    for number, payee, covered, more in plans:
        gross = sum(one.open_pence for one in covered) + more
        invoiced_on = max(one.payable.earned_on for one in covered)
        command = EnterInvoice(
            payee_id=ids[payee],
            number=number,
            invoiced_on=min(invoiced_on, anchor.date()),
            due_on=min(invoiced_on, anchor.date()) + timedelta(days=30),
            net_pence=gross,
            tax_pence=0,
            gross_pence=gross,
            references=tuple(one.payable.reference for one in covered),
        )
        done = await invoices.enter(db, finance, command, key=f"demo-invoice-{number}", now=anchor)
        if isinstance(done, list):
            raise Refused(done)
        paper = await invoices.read_paper(f"{number}.pdf", PAPER + number.encode())
        assert isinstance(paper, invoices.ReadPaper)
        await invoices.add_paper(db, finance, done.invoice_id, paper, key=f"demo-invoice-paper-{number}", now=anchor)
    return len(plans)
