"""Two grants, six budgets, a purchase order and two invoices. All of it is invented."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from timebank.banks.rules import TimeBankFacts
from timebank.budgets import queries as budget_queries
from timebank.budgets import service as budgets
from timebank.budgets.rules import SaveBudget, SaveCode, SaveFund, SaveOrder
from timebank.db import Database
from timebank.demo import people
from timebank.demo.offers import COLLEGE, FIRST_AID, LEISURE, QUAY_CAFE, SWIM
from timebank.demo.spending import ROOMS, Spending
from timebank.demo.steps import Refused, accepted
from timebank.demo.vouchers import CAKE
from timebank.kit.actor import Actor
from timebank.payees import queries as payees
from timebank.payments import coding, documents, invoice_papers, invoice_queries, invoices
from timebank.payments.coding import Code
from timebank.payments.invoice_rules import Coverable, EnterInvoice
from timebank.payments.rules import DRAFT, EXPORTED, PAID, SUBMITTED
from timebank.redemptions import managing, offers

ORDER = "PO-1042"
MEALS, COURSES, PRINTING, FEES = "Meals and outings", "Courses", "Leaflets and letters", "Fees of advisers"
CODES: tuple[tuple[Any, str, str], ...] = (
    ("nominal_code", "7410", "Meals"),
    ("nominal_code", "7420", "Training"),
    ("nominal_code", "7430", "Room hire"),
    ("nominal_code", "7440", "Printing"),
    ("nominal_code", "7450", "Involvement fees"),
    ("cost_centre", "RTB", "Riverside"),
)
GRANTS = (("lottery", "Demo Community Fund", 1_200_000), ("council", "Demo Borough Council", 400_000))
BUDGETS = (
    (MEALS, "lottery", "Meals", 60_000),
    (COURSES, "lottery", "Training", 150_000),
    ("Keeping well", "council", "", 40_000),
    (ROOMS, "council", "Room hire", 75_000),  # four rents: nearly spent
    (PRINTING, "council", "Printing", 60_000),
    (FEES, "council", "Involvement fees", 150_000),
)
PAPER = b"%PDF-1.4\n% Demo paper: an invented invoice.\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def add_budgets(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> dict[str, int]:
    """Set grants, budgets, codes and a purchase order up; return the budgets' ids by name."""
    finance = actors[people.FINANCE]
    moment = anchor - timedelta(days=99)
    dates: dict[str, Any] = {
        "starts_on": moment.date().replace(day=1),
        "ends_on": date(anchor.year + 1, 12, 31),  # so that the demo runs for a while
    }

    async def save(use_case: Any, key: str, command: Any) -> int:
        return int(accepted(await use_case(db, finance, command, key=f"demo-{key}", now=moment)).id)

    codes = {
        name: await save(budgets.save_code, f"code-{code}", SaveCode(kind=kind, code=code, name=name))
        for kind, code, name in CODES
    }
    grants = {
        name: await save(
            budgets.save_fund, f"fund-{n}", SaveFund(name=f"Demo {name} grant", funder=funder, pence=pence, **dates)
        )
        for n, (name, funder, pence) in enumerate(GRANTS)
    }
    made = {}
    for name, grant, nominal, pence in BUDGETS:
        command = SaveBudget(
            name=name,
            fund_id=grants[grant],
            nominal_code_id=codes.get(nominal),
            cost_centre_id=codes["Riverside"],
            pence=pence,
            **dates,
        )
        made[name] = await save(budgets.save_budget, f"budget-{name}", command)
    async with db.reading(facts.id) as connection:
        college = next(one.id for one in await payees.payees(connection, facts.id) if one.name == COLLEGE)
    order = SaveOrder(
        number=ORDER, budget_id=made[COURSES], payee_id=college, what_for="Courses this year", pence=90_000
    )
    await save(budgets.save_order, "order-1", order)
    say(f"{facts.name}: {len(GRANTS)} grants, {len(BUDGETS)} budgets, 1 purchase order")
    return made


async def use_budgets(spending: Spending, actors: dict[str, Actor], *, say: Callable[[str], None]) -> None:
    """Let offers be paid from the budgets, code what waits, and enter two invoices for what has left."""
    db, facts, finance, anchor = spending.db, spending.facts, spending.finance, spending.anchor
    made, ids = spending.budgets, spending.payees
    async with db.reading(facts.id) as connection:
        order = await budget_queries.order_by_number(connection, facts.id, ORDER)
    assert order is not None
    for title, budget, order_id in (
        (CAKE, MEALS, None),
        (FIRST_AID, COURSES, order.id),
        (SWIM, "Keeping well", None),
    ):
        await _pay_from(db, facts, actors, title, made[budget], order_id, anchor)
    coded = await _code_waiting(db, facts, finance, {QUAY_CAFE: made[MEALS]}, ids, anchor)
    entered = await _enter(db, facts, finance, ids, anchor)
    say(f"{facts.name}: {coded} payments coded, {entered} invoices, one of them higher than agreed")


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
        paper = await documents.read_paper(f"{number}.pdf", PAPER + number.encode())
        assert isinstance(paper, documents.ReadPaper)
        key = f"demo-invoice-paper-{number}"
        await invoice_papers.add_paper(db, finance, done.invoice_id, paper, key=key, now=anchor)
    return len(plans)
