"""A register of 500 people, approved and credited: ``python -m tests.benchmarks.register_figures``.

``--postings 10000000`` loads the large tier: 400 time banks, 50,000 members. The ceiling, in the same run and on the
same tables: plain inserts of the same contributions and messages, and the ledger's own ``post_batch`` of the same
entries.
"""

import argparse
import asyncio
import itertools
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from ledger import Leg, Post, post_batch
from ledger.posting import POST_ALONE, Columns
from migrations.runner import bootstrap, migrate
from tests.benchmarks.ledger_figures import set_up
from timebank.activities.service import AddActivity, add_activity
from timebank.banks.rules import TimeBankFacts
from timebank.banks.service import CreateTimeBank, create
from timebank.contributions.rules import Line
from timebank.contributions.service import SavedRegister, SaveRegister, save_register
from timebank.db import Database
from timebank.embedded import running
from timebank.kit.actor import Actor

BANKS, MEMBERS, LARGEST = 400, 50_000, 3_000
PEOPLE = 500
BULK = 500
NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
TODAY = NOW.date()
SEED = 20260310
TARGET = "at most 300 ms at the large tier"

ADD_PEOPLE = """
with people as (insert into person select from generate_series(1, $2) returning id)
insert into member (timebank_id, number, person_id, display_name, name_key, joined_on, contact_route, email)
select $1, row_number() over (order by id), id, 'Member ' || id, 'member ' || id, '2020-01-01', 'email',
       'm' || id || '@example.org'
  from people
returning id
"""
OPEN_ACCOUNTS = """
select ledger.open_account($1, 'member/' || id, 'MIN', 'member', 'Member ' || number, 0, null, 'bench')
  from member where timebank_id = $1
"""
ADD_REGISTER = """
insert into register (timebank_id, reference, source, recorded_by, recorded_at) values ($1, $2, 'import', $3, $4)
returning id
"""
ADD_CONTRIBUTIONS = """
insert into contribution (timebank_id, register_id, line, activity_id, member_id, held_on, minutes, state, recorded_by,
                          recorded_at, entry_id, credited_to, rules_version)
select $1, $2, row_number() over (), $3, u.member_id, u.held_on, u.minutes, 'approved', $4, $5, u.entry_id, 'member', 1
  from unnest($6::bigint[], $7::date[], $8::int[], $9::uuid[]) as u (member_id, held_on, minutes, entry_id)
"""
ADD_MESSAGES = """
insert into message (timebank_id, member_id, kind, subject, body, dedupe, created_at)
select $1, u.id, 'bench', '1 hour was added', 'This is for lunch club.', 'bench:' || u.key, $2
  from unnest($3::bigint[], $4::text[]) as u (id, key)
"""


def main() -> None:
    """Start a server, load it, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postings", type=int, default=200_000, help="how many to load first (10000000: large tier)")
    parser.add_argument("--registers", type=int, default=40)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="timebank-bench-", dir="/var/tmp"))
    try:
        with running(folder) as cluster:
            asyncio.run(set_up(cluster.admin_url))
        with running(folder) as cluster:
            asyncio.run(measure(cluster, asked.postings, asked.registers))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def measure(cluster: Any, postings: int, registers: int) -> None:
    """Load, warm up, then time each of the three ways to write 500 people's time."""
    await bootstrap(cluster.admin_url, app_url=cluster.app_url, owner_url=cluster.owner_url)
    await migrate(cluster.owner_url)
    db = await Database.open(cluster.app_url)
    admin = await asyncpg.connect(cluster.admin_url.rpartition("/")[0] + "/" + cluster.app_url.rpartition("/")[2])
    try:
        bank = await load(db, admin, postings)
        await admin.execute("vacuum analyze")
        figures = [
            await timed("a register of 500, saved and credited", registers, bank.save),
            await timed("ceiling: the same rows inserted, without the rules", registers, bank.insert),
            await timed("ceiling: the same entries in one post_batch", registers, bank.post),
        ]
    finally:
        await admin.close()
        await db.close()
    print(f"{BANKS} time banks, {MEMBERS:,} members, {postings:,} postings\n")
    for what, times in figures:
        p95 = statistics.quantiles(times, n=20)[18]
        print(f"{what:55} median {statistics.median(times) * 1000:6.1f} ms   p95 {p95 * 1000:6.1f} ms")
    save, *ceiling = (statistics.median(times) for _, times in figures)
    print(f"{'the register, as a multiple of the two ceilings':55} {save / sum(ceiling):.2f}")
    print(f"{'target':55} {TARGET}")


async def timed(what: str, count: int, do: Callable[[int], Awaitable[None]]) -> tuple[str, list[float]]:
    """Seconds of each of ``count`` times, after three that do not count."""
    times = []
    for n in range(count + 3):
        started = time.perf_counter()
        await do(n)
        times.append(time.perf_counter() - started)
    return what, times[3:]


class LoadedBank:
    """The largest time bank, and the three ways to write one session of 500 people."""

    def __init__(self, db: Database, facts: TimeBankFacts, members: list[int], activity: int) -> None:
        self.db, self.facts, self.members, self.activity = db, facts, members, activity
        self.actor = Actor(timebank_id=facts.id, member_id=members[-1], roles=frozenset({"coordinator"}))

    async def save(self, n: int) -> None:
        """The real thing, with its rules, groups, messages and idempotency."""
        day = TODAY - timedelta(days=n % 80)
        lines = tuple(Line(member_id=id_, held_on=day, minutes=20 + n // 80) for id_ in self.members[:PEOPLE])
        command = SaveRegister(activity_id=self.activity, lines=lines)
        saved = await save_register(self.db, self.actor, command, key=uuid4().hex, now=NOW)
        assert isinstance(saved, SavedRegister), saved
        assert saved.credited == PEOPLE, saved

    async def insert(self, n: int) -> None:
        """500 contributions and 500 messages, and nothing else."""
        people, key = self.members[:PEOPLE], uuid4().hex
        async with self.db.writing(self.facts.id) as connection:
            register = await connection.fetchval(ADD_REGISTER, self.facts.id, f"i{key[:12]}", self.members[-1], NOW)
            await connection.execute(
                ADD_CONTRIBUTIONS, self.facts.id, register, self.activity, self.members[-1], NOW, people,
                [TODAY] * PEOPLE, [20] * PEOPLE, [uuid4() for _ in people],
            )  # fmt: skip
            keys = [f"{key}:{id_}" for id_ in people]
            await connection.execute(ADD_MESSAGES, self.facts.id, NOW, people, keys)

    async def post(self, n: int) -> None:
        """The ledger alone."""
        items = [item(id_, 20, TODAY) for id_ in self.members[:PEOPLE]]
        async with self.db.writing(self.facts.id) as connection:
            await post_batch(connection, self.facts.id, items)


def item(member_id: int, minutes: int, day: date) -> Post:
    """An entry as a contribution makes it."""
    legs = Leg(account="issued", amount=-minutes), Leg(account=f"member/{member_id}", amount=minutes)
    return Post(key=uuid4().hex, kind="contribution", unit="MIN", legs=legs, effective_on=day, actor="member/1")


async def load(db: Database, admin: Any, postings: int) -> LoadedBank:
    """Time banks, members, and their history: contributions with their entries, a few members doing most."""
    started, largest = time.perf_counter(), None
    sizes = [LARGEST, *itertools.repeat((MEMBERS - LARGEST) // (BANKS - 1), BANKS - 1)]
    for n, size in enumerate(sizes):
        facts = await create(db, CreateTimeBank(slug=f"bank-{n}", name=f"Bank {n}"))
        assert isinstance(facts, TimeBankFacts), facts
        async with admin.transaction():
            await admin.execute("select set_config('ledger.book', $1, true)", str(facts.id))
            members = [row["id"] for row in await admin.fetch(ADD_PEOPLE, facts.id, size)]
            await admin.execute(OPEN_ACCOUNTS, facts.id)
        actor = Actor(timebank_id=facts.id, member_id=members[-1], roles=frozenset({"coordinator"}))
        activity = await add_activity(db, actor, AddActivity(name="Lunch club"), key="bench", now=NOW)
        assert isinstance(activity, int), activity
        await history(admin, facts.id, members, activity, postings * size // MEMBERS // 2)
        largest = largest or LoadedBank(db, facts, members, activity)
        if n % 40 == 0:
            print(f"loading: time bank {n + 1} of {BANKS}, {time.perf_counter() - started:.0f} s", flush=True)
    assert largest is not None
    return largest


async def history(admin: Any, bank: int, members: list[int], activity: int, entries: int) -> None:
    """Contributions of the last three years, oldest first, in registers of at most BULK lines."""
    chance, who = random.Random(SEED + bank), skewed(members, SEED + bank)
    for done in range(0, entries, BULK):
        count = min(BULK, entries - done)
        day = TODAY - timedelta(days=90 + (entries - done) * 1000 // max(entries, 1))
        people = list(itertools.islice(who, count))
        minutes = [chance.randint(15, 180) for _ in people]
        columns = Columns([item(id_, length, day) for id_, length in zip(people, minutes, strict=True)])
        reference = f"h{done}"
        async with admin.transaction():
            await admin.execute(POST_ALONE, bank, False, *columns.columns)
            register = await admin.fetchval(ADD_REGISTER, bank, reference, members[-1], NOW)
            await admin.execute(
                ADD_CONTRIBUTIONS, bank, register, activity, members[-1], NOW, people, [day] * count, minutes,
                columns.made,
            )  # fmt: skip


def skewed(members: list[int], seed: int) -> Iterator[int]:
    """Members in proportion to 1/n: a fifth does most of it."""
    chance = random.Random(seed)
    weights = list(itertools.accumulate(1 / n for n in range(1, len(members) + 1)))
    while True:
        yield from chance.choices(members, cum_weights=weights, k=2000)


if __name__ == "__main__":
    main()
