"""A bank statement of the demo: payments that it shows, money that came back, lines explained and not explained."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Step, accepted
from timebank.kit.actor import Actor
from timebank.kit.money import decimal
from timebank.payments import run_queries
from timebank.payments.rules import PAID, RETURNED
from timebank.reconciliation import queries, service
from timebank.reconciliation.service import KeepStatement

OPENING = 250_000
MAX_RUNS = 20
CHARGE, GRANT, STRANGER = "ACCOUNT CHARGES", "RIVERSIDE COUNCIL", "NORTHERN WATER DD"
# Days ago, pence, what the bank wrote, reference. None of them is a payment of ours.
OTHERS = (
    (70, -650, CHARGE, ""),
    (40, -650, CHARGE, ""),
    (10, -650, CHARGE, ""),
    (4, 500_000, GRANT, "GR 2217"),
    (3, -4_512, STRANGER, "ACCOUNT 88120"),
)
EXPLAINED = ((CHARGE, "bank_charge", "The price list of the bank"), (GRANT, "grant", "Grant letter 17, second half"))
LEFT = 10
"""A charge of the last days is still to be explained: the demo leaves something to do."""


async def add_statement(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Return the step that imports a statement after the payments of the demo were made, and explains a part of it."""
    finance = actors[people.FINANCE]

    async def bring() -> None:
        content = await _content(db, facts, anchor)
        command = KeepStatement(file_name="statement-demo.csv", content=content)
        kept = accepted(await service.keep(db, finance, command, key="demo-statement", now=anchor))
        imported = await service.import_statement(
            db, finance, kept.statement_id, key="demo-statement-import", now=anchor
        )
        accepted(imported)
        await _explain(db, facts, finance, anchor)

    say(f"{facts.name}: a bank statement, a stranger’s line in it, a grant that waits for a second person")
    return [Step(anchor + timedelta(seconds=1), bring)]


async def _content(db: Database, facts: TimeBankFacts, anchor: datetime) -> bytes:
    """The statement as the demo's bank writes it, day by day."""
    movements: list[tuple[date, int, str, str]] = [
        ((anchor - timedelta(days=days_ago)).date(), pence, text, reference)
        for days_ago, pence, text, reference in OTHERS
    ]
    async with db.reading(facts.id) as connection:
        for number in range(1, MAX_RUNS + 1):
            for one in await run_queries.payments_of_batch(connection, facts.id, number):
                if one.state not in (PAID, RETURNED):
                    continue
                assert one.settled_on is not None
                movements.append(
                    (one.settled_on, -one.pence, f"FASTER PAYMENT {one.payee_name.upper()}", one.reference)
                )
                if one.state == RETURNED:
                    movements.append((one.settled_on, one.pence, "RETURNED ACCOUNT NOT KNOWN", one.reference))
    rows, balance = ["Date,Description,Reference,Paid out,Paid in,Balance"], OPENING
    for on, pence, text, reference in sorted(movements, key=lambda movement: movement[0]):
        balance += pence
        out, came_in = (decimal(-pence, facts.currency), "") if pence < 0 else ("", decimal(pence, facts.currency))
        rows.append(f'{on:%d/%m/%Y},"{text}",{reference},{out},{came_in},{decimal(balance, facts.currency)}')
    return "\r\n".join(rows).encode()


async def _explain(db: Database, facts: TimeBankFacts, finance: Actor, anchor: datetime) -> None:
    """Charges count at once; a grant is too much for one person, so it waits for another."""
    recent = (anchor - timedelta(days=LEFT)).date()
    async with db.reading(facts.id) as connection:
        lines = await queries.unexplained(connection, facts.id)
    for line in lines:
        for text, kind, note in EXPLAINED:
            if line.text != text or (text == CHARGE and line.booked_on >= recent):
                continue
            command = service.Explain(line_id=line.id, kind=kind, note=note)
            done = await service.explain(db, finance, command, key=f"demo-explain-{line.id}", now=anchor)
            accepted(done)
