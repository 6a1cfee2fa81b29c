"""How long finance waits for the bank: a statement of 10,000 lines against 10,000 payments, and the pages beside it.

    .venv/bin/python -m tests.benchmarks.reconciliation_figures

A cluster and a database of its own, thrown away at the end. The goals: 10 s for the import, 100 ms (95 in 100) for a
page as the server makes it, with 100,000 payables that are owed and 100,000 contributions.
"""

import asyncio
import resource
import shutil
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from ledger import Posted, post_batch
from migrations.runner import bootstrap, migrate
from tests.benchmarks.payment_figures import FILL, SIGN_ALL
from tests.contributed import group, line, save
from tests.integration.reconciliation.bank_files import Movement, csv_file
from tests.people import Bank, Browser, make_bank
from timebank.app import create_app
from timebank.db import Database
from timebank.embedded import SUPERUSER, running, url
from timebank.kit.clock import FixedClock
from timebank.payees.service import AddedPayee, AddPayee, add_payee
from timebank.payments import batches, entries
from timebank.payments.batches import ExportBatch, Exported
from timebank.payments.rules import NewPayable
from timebank.reconciliation import service
from timebank.reconciliation.formats.model import MAX_LINES
from timebank.reconciliation.service import Imported, KeepStatement, Kept, Previewed
from timebank.settings import APP_ROLE, MIGRATOR_ROLE, Settings

PAYEES, RUNS = 400, 25
LINES = MAX_LINES
STRANGERS = 150
"""Lines that are no payment of ours: they wait in suspense, many of them with an amount that payments have too."""
OWED = 100_000
CONTRIBUTIONS = 100_000
ROUNDS = 40
GOAL_SECONDS, GOAL_MILLISECONDS = 10, 100
NAME = "reconciliation"
PENCE = 1250

FILL_MORE = FILL.replace("n::text || $3::text", "(n + $8::bigint)::text")
assert FILL_MORE != FILL

OTHER_COLUMNS = """
select string_agg(attname, ', ' order by attnum) from pg_attribute
 where attrelid = 'contribution'::regclass and attnum > 0 and not attisdropped
   and attname not in ('id', 'line', 'held_on', 'minutes', 'member_id')
"""
CONTRIBUTE = """
insert into contribution (line, held_on, minutes, member_id, {others})
select c.line + n, c.held_on - n % 300, 30 + n % 120, ($3::bigint[])[1 + n % cardinality($3::bigint[])], {others}
  from contribution c, generate_series(1, $2::integer) as n where c.timebank_id = $1 and c.line = 1
"""


async def add_payees(db: Database, bank: Bank) -> list[int]:
    """Suppliers, each with enough in the ledger for all of its payments."""
    payees = []
    for n in range(PAYEES):
        added = await add_payee(db, bank.finance, AddPayee(name=f"Supplier {n}"), key=uuid4().hex, now=bank.now)
        assert isinstance(added, AddedPayee)
        payees.append(added.payee_id)
        new = NewPayable(
            kind="voucher", payee_id=added.payee_id, pence=PENCE * RUNS, currency="GBP", description="All",
            source_kind="request", source_id=n, earned_on=bank.now.date(), due_on=bank.now.date(),
        )  # fmt: skip
        async with db.writing(bank.id) as connection:
            item = entries.expense_entry(new, key=f"fill:{n}", actor=bank.finance, effective_on=bank.now.date())
            [posted] = await post_batch(connection, bank.id, [item])
            assert isinstance(posted, Posted), posted
    return payees


async def send(db: Database, bank: Bank, admin: asyncpg.Connection, payees: list[int]) -> list[str]:
    """Payment runs with a payment for every payee each; the references that the bank shows."""
    for n in range(RUNS):
        by = bank.coordinator.member_id, bank.finance.member_id
        await admin.execute(FILL_MORE, bank.id, payees, "approved", PAYEES, *by, PENCE, 1 + n * PAYEES)
        await admin.execute(SIGN_ALL, bank.id, bank.finance.member_id)
        done = await batches.export(db, bank.finance_two, ExportBatch(), key=uuid4().hex, now=bank.now)
        assert isinstance(done, Exported), done
        assert done.payable_count == PAYEES, done
    rows = await admin.fetch(
        "select reference from payment where timebank_id = $1 order by batch_number, line", bank.id
    )
    return [row["reference"] for row in rows]


async def fill_reports(bank: Bank, admin: asyncpg.Connection, payees: list[int]) -> str:
    """What is owed to suppliers, and the time that members gave; the reference of a register."""
    by = bank.coordinator.member_id, bank.finance.member_id
    await admin.execute(FILL_MORE, bank.id, payees, "submitted", OWED, *by, PENCE, 10_000_000)
    members = [await bank.member(f"Member {n}") for n in range(200)]
    saved = await save(bank, await group(bank, funder="The fund"), line(members[0]))
    others = await admin.fetchval(OTHER_COLUMNS)
    await admin.execute(CONTRIBUTE.format(others=others), bank.id, CONTRIBUTIONS, members)
    return saved.reference


def statement(bank: Bank, references: list[str]) -> bytes:
    """Every payment and some strangers, as a bank shows them."""
    day = bank.now.date() - timedelta(days=1)
    paid = [Movement(-PENCE, f"FASTER PAYMENT {one}", on=day) for one in references[: LINES - STRANGERS]]
    strangers = [Movement(-PENCE - n % 2, f"CARD {n} SHOP", on=day) for n in range(STRANGERS)]
    return csv_file([*paid, *strangers], 100_000_000)


async def bring(db: Database, bank: Bank, content: bytes) -> int:
    """Keep the file, look at it, import it, import it again; print what each took."""

    async def timed(what: str, step: Any) -> Any:
        started = time.perf_counter()
        answer = await step
        seconds = time.perf_counter() - started
        print(f"{what}: {seconds:.1f} s (goal {GOAL_SECONDS} s), {megabytes()} MB at most")
        return answer

    key = {"key": uuid4().hex, "now": bank.now}
    before = megabytes()
    kept = await service.keep(db, bank.finance, KeepStatement(file_name="march.csv", content=content), **key)
    assert isinstance(kept, Kept), kept
    shown = await timed("preview", service.preview(db, bank.finance, kept.statement_id, now=bank.now))
    assert isinstance(shown, Previewed), shown
    assert shown.matched == LINES - STRANGERS, shown.matched
    what = f"import of {LINES:,} lines against {PAYEES * RUNS:,} payments (from {before} MB)"
    done = await timed(what, service.import_statement(db, bank.finance, kept.statement_id, **key))
    assert isinstance(done, Imported), done
    assert (done.matched, done.unexplained, done.waiting) == (LINES - STRANGERS, STRANGERS, 0), done
    again = await timed(
        "import again", service.import_statement(db, bank.finance, kept.statement_id, key=uuid4().hex, now=bank.now)
    )
    assert again == done
    return kept.statement_id


async def measure(socket_dir: Path) -> None:
    """Fill a time bank, bring the statement, look at every page; print what it took."""
    owner_url, app_url = url(socket_dir, MIGRATOR_ROLE, NAME), url(socket_dir, APP_ROLE, NAME)
    await bootstrap(url(socket_dir, SUPERUSER, "postgres"), app_url=app_url, owner_url=owner_url)
    await migrate(owner_url)
    db = await Database.open(app_url, pool_size=4)
    bank = await make_bank(db)
    admin = await asyncpg.connect(url(socket_dir, SUPERUSER, NAME))
    await admin.execute("select set_config('ledger.book', $1, false)", str(bank.id))
    payees = await add_payees(db, bank)
    references = await send(db, bank, admin, payees)
    await admin.execute("vacuum analyze")
    statement_id = await bring(db, bank, statement(bank, references))
    register = await fill_reports(bank, admin, payees)
    await admin.execute("vacuum analyze")
    line_id = await admin.fetchval("select max(id) from bank_line where state = 'suspense'")
    app = create_app(Settings(database_url=app_url), db=db, clock=FixedClock(bank.now))
    app.state.db = db
    async with Browser(
        transport=httpx.ASGITransport(app=app),
        base_url="http://timebank.test",
        headers={"Sec-Fetch-Site": "same-origin"},
    ) as browser:
        await browser.sign_in(db, bank.finance)
        for path in (
            "/reconciliation",
            f"/reconciliation/statements/{statement_id}",
            f"/reconciliation/lines/{line_id}",
            "/reconciliation/creditors",
            "/reconciliation/creditors.csv",
            f"/reports/trace?q={references[0]}",
            f"/reports/trace?q={register}",
            "/reports",
            "/reports/csv",
            "/reports/tax-years",
            "/reports/pack",
        ):
            await page(browser, path)
    print(f"{megabytes()} MB at most")
    await admin.close()
    await db.close()


async def page(browser: Browser, path: str) -> None:
    """The time that the server takes for a page."""
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = await browser.get(path)
        took.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text[:300]
    took.sort()
    p95 = took[int(len(took) * 0.95) - 1]
    found = f"quickest {took[0]:.0f}, median {statistics.median(took):.0f}, p95 {p95:.0f} ms"
    print(f"{path.partition('?')[0]}: {found} (goal {GOAL_MILLISECONDS} ms), {len(answer.content) // 1024} KB")


def megabytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Measure on a cluster of its own."""
    folder = Path(tempfile.mkdtemp(prefix="timebank-bench-", dir="/var/tmp"))
    try:
        with running(folder) as cluster:
            asyncio.run(measure(cluster.socket_dir))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
