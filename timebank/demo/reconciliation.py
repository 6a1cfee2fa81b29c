"""A bank statement of the demo: payments that it shows, money that came back, and lines that nobody has explained."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor
from timebank.kit.money import decimal
from timebank.payments import run_queries
from timebank.payments.rules import PAID, RETURNED
from timebank.reconciliation import service
from timebank.reconciliation.service import KeepStatement

OPENING = 250_000
MAX_RUNS = 10
GRANT, CHARGE = 500_000, -650


async def add_statement(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Return the step that imports a statement after the payments of the demo were made."""
    finance = actors[people.FINANCE]

    async def bring() -> None:
        content = await _content(db, facts, anchor)
        command = KeepStatement(file_name="statement-demo.csv", content=content)
        kept = await service.keep(db, finance, command, key="demo-statement", now=anchor)
        if isinstance(kept, list):
            raise Refused(kept)
        done = await service.import_statement(db, finance, kept.statement_id, key="demo-statement-import", now=anchor)
        if isinstance(done, list):
            raise Refused(done)

    say(f"{facts.name}: a bank statement with two lines to explain")
    return [Step(anchor + timedelta(seconds=1), bring)]


async def _content(db: Database, facts: TimeBankFacts, anchor: datetime) -> bytes:
    """The statement as the demo's bank writes it: what was paid and came back, a charge and a grant."""
    day = (anchor - timedelta(days=3)).date()
    movements: list[tuple[date, int, str, str]] = []
    async with db.reading(facts.id) as connection:
        for number in range(1, MAX_RUNS + 1):
            for one in await run_queries.payments_of_batch(connection, facts.id, number):
                on = one.settled_on or day
                if one.state in (PAID, RETURNED):
                    movements.append((on, -one.pence, f"FASTER PAYMENT {one.payee_name.upper()}", one.reference))
                if one.state == RETURNED:
                    movements.append((on, one.pence, "RETURNED ACCOUNT NOT KNOWN", one.reference))
    movements += [(day, CHARGE, "ACCOUNT CHARGES", ""), (day, GRANT, "RIVERSIDE COUNCIL", "GR 2217")]
    rows, balance = ["Date,Description,Reference,Paid out,Paid in,Balance"], OPENING
    for on, pence, text, reference in movements:
        balance += pence
        out, came_in = (decimal(-pence, facts.currency), "") if pence < 0 else ("", decimal(pence, facts.currency))
        rows.append(f'{on:%d/%m/%Y},"{text}",{reference},{out},{came_in},{decimal(balance, facts.currency)}')
    return "\r\n".join(rows).encode()
