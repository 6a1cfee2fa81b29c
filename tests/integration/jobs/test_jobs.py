"""Background work: written down, repeated, limited; one failure or slowness stops nobody else."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import pytest

from tests.people import NOW, Bank, Browser
from timebank.db import Database
from timebank.identity.purge import purge
from timebank.identity.service import create_link
from timebank.jobs import Job, one_round, rounds, running
from timebank.jobs.queries import Run, runs
from timebank.kit.actor import Actor
from timebank.kit.clock import FixedClock
from timebank.kit.trouble import Trouble

Open = Callable[[], Browser]


class Recorder:
    """A job that notes where it was, and fails where it is told to."""

    def __init__(self, name: str, *, fails_in: int = 0, error: Exception | None = None, hangs_in: int = 0) -> None:
        self.did: list[int] = []
        self.fails_in, self.error, self.hangs_in = fails_in, error, hangs_in
        self.job = Job(name, "Does nothing", self.do)
        self._was_somewhere = asyncio.Condition()

    async def do(self, db: Database, timebank_id: int, now: datetime) -> None:
        async with self._was_somewhere:
            self.did.append(timebank_id)
            self._was_somewhere.notify_all()
        if timebank_id == self.fails_in and self.error is not None:
            raise self.error
        if timebank_id == self.hangs_in:
            await asyncio.Event().wait()

    async def was_in(self, timebank_id: int) -> None:
        """Wait until it came there."""
        async with self._was_somewhere:
            await self._was_somewhere.wait_for(lambda: timebank_id in self.did)


async def last(bank: Bank, name: str) -> Run:
    async with bank.db.reading(bank.id) as connection:
        return (await runs(connection, bank.id))[name]


@pytest.mark.parametrize(
    ("error", "words"),
    [(Trouble("The mail server is ill."), "The mail server is ill."), (ValueError("secret"), "ValueError")],
)
async def test_a_failure_is_written_down_and_stops_nobody(
    bank: Bank, other_bank: Bank, error: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = FixedClock(NOW)
    bad = Recorder(f"bad-{uuid4().hex[:8]}", fails_in=bank.id, error=error)
    good = Recorder(f"good-{uuid4().hex[:8]}")
    assert await one_round(bank.db, clock, (bad.job, good.job))
    assert {bank.id, other_bank.id} <= set(bad.did) & set(good.did)
    failed = await last(bank, bad.job.name)
    assert words in failed.error
    assert "secret" not in failed.error
    said = capsys.readouterr()
    assert "secret" not in said.out + said.err
    assert bad.job.name in said.out + said.err
    assert failed.failures == 1
    assert failed.succeeded_at is None
    assert (await last(other_bank, bad.job.name)).error == ""
    assert (await last(bank, good.job.name)).succeeded_at == NOW

    bad.error = None
    clock.advance(timedelta(minutes=1))
    await one_round(bank.db, clock, (bad.job,))
    mended = await last(bank, bad.job.name)
    assert (mended.error, mended.failures, mended.succeeded_at) == ("", 0, clock.now())


async def test_it_comes_when_it_is_due(bank: Bank) -> None:
    clock, hourly = FixedClock(NOW), Recorder(f"hourly-{uuid4().hex[:8]}")
    job = Job(hourly.job.name, "x", hourly.do, every=timedelta(hours=1))
    for _ in range(13):
        await one_round(bank.db, clock, (job,))
        clock.advance(timedelta(minutes=10))
    assert hourly.did.count(bank.id) == 3


async def test_it_fails_less_and_less_often(bank: Bank) -> None:
    clock = FixedClock(NOW)
    ill = Recorder(f"ill-{uuid4().hex[:8]}", fails_in=bank.id, error=Trouble("Ill."))
    for _ in range(24):
        await one_round(bank.db, clock, (ill.job,))
        clock.advance(timedelta(minutes=5))
    assert 6 <= ill.did.count(bank.id) <= 16  # of 24
    assert (await last(bank, ill.job.name)).failures == ill.did.count(bank.id)


async def test_slowness_is_cut_off(bank: Bank, other_bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "JOB_SECONDS", 0.05)
    slow = Recorder(f"slow-{uuid4().hex[:8]}", hangs_in=bank.id)
    await one_round(bank.db, FixedClock(NOW), (slow.job,))
    assert other_bank.id in slow.did
    assert "too long" in (await last(bank, slow.job.name)).error


async def test_one_process_at_a_time(bank: Bank) -> None:
    held = asyncio.Event()
    go_on = asyncio.Event()

    async def wait(db: Database, timebank_id: int, now: datetime) -> None:
        held.set()
        await go_on.wait()

    job = Job(f"wait-{uuid4().hex[:8]}", "x", wait)
    first = asyncio.create_task(one_round(bank.db, FixedClock(NOW), (job,)))
    await held.wait()
    assert not await one_round(bank.db, FixedClock(NOW), (job,))
    go_on.set()
    assert await first


async def test_rounds_begin_at_once_and_end_with_the_application(bank: Bank) -> None:
    here = Recorder(f"here-{uuid4().hex[:8]}")
    async with running(bank.db, FixedClock(NOW), (here.job,)):
        async with asyncio.timeout(20):
            await here.was_in(bank.id)


async def test_what_signing_in_left_behind_is_forgotten(bank: Bank, client: Open) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    assert bank.participant.member_id is not None
    await create_link(bank.db, bank.participant, bank.participant.member_id, now=NOW)

    async def left() -> tuple[int, int, int]:
        async with bank.db.globally() as connection:
            return (
                await connection.fetchval("select count(*) from web_session where timebank_id = $1", bank.id),
                await connection.fetchval("select count(*) from sign_in_link where timebank_id = $1", bank.id),
                await connection.fetchval("select count(*) from sign_in_attempt where network = $1", network),
            )

    network = uuid4().hex
    async with bank.db.globally() as connection:
        await connection.execute(
            "insert into sign_in_attempt (network, device_sha256, at, succeeded) values ($1, $2, $3, false)",
            network,
            sha256(b"x").digest(),
            NOW,
        )
    await purge(bank.db, bank.id, NOW)
    assert await left() == (1, 2, 1)
    await purge(bank.db, bank.id, NOW + timedelta(days=200))
    assert await left() == (0, 0, 0)


async def test_the_page_says_how_it_goes(client: Open, bank: Bank) -> None:
    admin = Actor(timebank_id=bank.id, member_id=await bank.member("Ada", "admin"), roles=frozenset({"admin"}))
    browser = client()
    await browser.sign_in(bank.db, admin)
    page = (await browser.get("/background")).text
    assert "Send e-mails" in page
    assert "Not yet" in page
    ill = Recorder("send_mail", fails_in=bank.id, error=Trouble("The mail server is ill."))
    await one_round(bank.db, FixedClock(NOW), (ill.job,))
    page = (await browser.get("/background")).text
    assert "The mail server is ill." in page
