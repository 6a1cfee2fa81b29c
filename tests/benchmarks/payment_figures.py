"""How long finance waits with 100,000 payables: the first page, finding one, and exporting 10,000 as one payment run.

    .venv/bin/python -m tests.benchmarks.payment_figures

A cluster and a database of its own, thrown away at the end. The goals: 10 s for the export, 100 ms (95 in 100) for a
page as the server makes it.
"""

import asyncio
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx

from ledger import Posted, post_batch
from migrations.runner import bootstrap, migrate
from tests.people import Bank, Browser, make_bank
from timebank.app import create_app
from timebank.db import Database
from timebank.embedded import SUPERUSER, running, url
from timebank.kit.clock import FixedClock
from timebank.payees.service import AddedPayee, AddPayee, add_payee
from timebank.payments import batches, entries, leaving, queries
from timebank.payments.batches import ExportBatch, Exported
from timebank.payments.rules import NewPayable
from timebank.settings import APP_ROLE, MIGRATOR_ROLE, Settings

PAYABLES = 10_000
SETTLED = 90_000
PAYEES = 400
ROUNDS = 40
GOAL_SECONDS, GOAL_MILLISECONDS = 10, 100
NAME = "payments"
PENCE = 1250

FILL = """
insert into payable (timebank_id, reference, kind, payee_id, pence, currency, description, due_on, state, source_kind,
                     source_id, earned_on, entry_id, created_by, created_at, submitted_by, changed_at, settled_pence)
select $1, upper(substr(md5(n::text || $3::text), 1, 8)) || '-' || n % 1000, 'voucher', ($2::bigint[])[1 + n % cardinality($2::bigint[])],
       $7::bigint, 'GBP', 'Lunch voucher ' || n, date '2026-04-01' + n % 60, $3::text, 'redemption', $8::bigint + n, '2026-03-01',
       gen_random_uuid(), $5::bigint, now(), $5::bigint, now(), case when $3::text = 'paid' then $7::bigint else 0 end
  from generate_series(1, $4::integer) as n
 where $6::bigint is not null
"""  # noqa: E501
SIGN_ALL = f"""
update payable set approved_by = $2, approved_digest = s.digest
  from (select p.timebank_id, p.id, p.content_digest || {leaving.DESTINATION} as digest
          from payable p
          join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
          left join bank_account a on a.timebank_id = p.timebank_id and a.payee_id = p.payee_id and a.state = 'in_use'
          {queries.CODED}
         where p.timebank_id = $1 and p.state = 'approved') s
 where payable.timebank_id = s.timebank_id and payable.id = s.id
"""
SPOIL = """
update payable set description = description || '.' where timebank_id = $1 and state = 'approved' and id % 100 = 0
"""
SEARCHES = {
    "a word that is nowhere": "zzzqqq",
    "one description": "voucher 77777",
    "a word that is everywhere": "lunch",
    "a payee": "supplier 17",
    "every payee": "supplier",
    "an amount": "12.50",
    "an amount that is nowhere": "17.17",
    "two letters that are nowhere": "zq",
}


async def fill(db: Database, bank: Bank, admin: asyncpg.Connection) -> None:
    """Payees, what they are owed in the ledger, 10,000 payables that are approved and 90,000 that are paid."""
    payees = []
    for n in range(PAYEES):
        added = await add_payee(db, bank.finance, AddPayee(name=f"Supplier {n}"), key=uuid4().hex, now=bank.now)
        assert isinstance(added, AddedPayee)
        payees.append(added.payee_id)
    for payee_id in payees:
        new = NewPayable(
            kind="voucher", payee_id=payee_id, pence=PENCE * PAYABLES, currency="GBP", description="All",
            source_kind="request", source_id=payee_id, earned_on=bank.now.date(), due_on=bank.now.date(),
        )  # fmt: skip
        async with db.writing(bank.id) as connection:
            item = entries.expense_entry(new, key=f"fill:{payee_id}", actor=bank.finance, effective_on=bank.now.date())
            [posted] = await post_batch(connection, bank.id, [item])
            assert isinstance(posted, Posted), posted
    for state, count, first in (("approved", PAYABLES, 0), ("paid", SETTLED, 1_000_000)):
        by = bank.coordinator.member_id
        if state == "paid":
            await admin.execute("alter table payable drop constraint payable_batch_number_check")
        await admin.execute(FILL, bank.id, payees, state, count, by, bank.finance.member_id, PENCE, first)
    await admin.execute(SIGN_ALL, bank.id, bank.finance.member_id)
    await admin.execute("vacuum analyze payable")


async def measure(socket_dir: Path) -> None:
    """Fill a time bank, look at the first page, export, look again; print what it took."""
    owner_url, app_url = url(socket_dir, MIGRATOR_ROLE, NAME), url(socket_dir, APP_ROLE, NAME)
    await bootstrap(url(socket_dir, SUPERUSER, "postgres"), app_url=app_url, owner_url=owner_url)
    await migrate(owner_url)
    db = await Database.open(app_url, pool_size=4)
    bank = await make_bank(db)
    admin = await asyncpg.connect(url(socket_dir, SUPERUSER, NAME))
    await admin.execute("select set_config('ledger.book', $1, false)", str(bank.id))
    await fill(db, bank, admin)
    await page(db, bank, app_url, f"first page, {PAYABLES:,} ready of {PAYABLES + SETTLED:,}")
    await admin.execute(SPOIL, bank.id)
    await page(db, bank, app_url, "first page, one in a hundred changed after approval")
    await admin.execute(SIGN_ALL, bank.id, bank.finance.member_id)
    for what, typed in SEARCHES.items():
        await page(db, bank, app_url, f"find {what}", path=f"/payments?state=all&q={quote(typed)}")
    await page(db, bank, app_url, "a page of those paid", path="/payments?state=paid")
    started = time.perf_counter()
    done = await batches.export(db, bank.finance_two, ExportBatch(), key=uuid4().hex, now=bank.now)
    seconds = time.perf_counter() - started
    assert isinstance(done, Exported), done
    assert (done.payable_count, done.total_pence) == (PAYABLES, PENCE * PAYABLES)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"export of {PAYABLES:,} payables to {PAYEES} payees: {seconds:.1f} s (goal {GOAL_SECONDS} s), "
          f"{megabytes:.0f} MB at most")  # fmt: skip
    await admin.execute("vacuum analyze payable")
    await page(db, bank, app_url, f"first page, nothing ready of {PAYABLES + SETTLED:,}")
    await admin.close()
    await db.close()


async def page(db: Database, bank: Bank, app_url: str, what: str, *, path: str = "/payments") -> None:
    """The time that the server takes for one of finance's pages."""
    app = create_app(Settings(database_url=app_url), db=db, clock=FixedClock(bank.now))
    app.state.db = db
    browser = Browser(
        transport=httpx.ASGITransport(app=app),
        base_url="http://timebank.test",
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    await browser.sign_in(db, bank.finance)
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = await browser.get(path)
        took.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text[:300]
    await browser.aclose()
    took.sort()
    p95 = took[int(len(took) * 0.95) - 1]
    found = f"quickest {took[0]:.0f}, median {statistics.median(took):.0f}, p95 {p95:.0f} ms"
    print(f"{what}: {found} (goal {GOAL_MILLISECONDS} ms)")


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
