"""The demo's data: complete, the same every time, harmless to repeat, and provable until somebody cheats."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from ledger import prove
from tests.conftest import TEMPLATE
from timebank.cli import main
from timebank.demo.seed import prepare
from timebank.demo.words import Door
from timebank.embedded import SUPERUSER, url
from timebank.redemptions import suppliers
from timebank.settings import APP_ROLE, MIGRATOR_ROLE

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@asynccontextmanager
async def fresh_database(socket_dir: Path) -> AsyncIterator[str]:
    name = f"demo_{uuid4().hex[:10]}"
    admin = await asyncpg.connect(url(socket_dir, SUPERUSER, "postgres"))
    await admin.execute(f"create database {name} template {TEMPLATE} owner timebank_owner")
    try:
        yield name
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


@pytest.fixture(scope="module")
async def filled(socket_dir: Path) -> AsyncIterator[str]:
    """The name of a database with the demo in it."""
    async with fresh_database(socket_dir) as name:
        await prepare(url(socket_dir, APP_ROLE, name), now=NOW, say=lambda _: None)
        yield name


@asynccontextmanager
async def superuser(socket_dir: Path, name: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url(socket_dir, SUPERUSER, name))
    try:
        yield connection
    finally:
        await connection.close()


SUMMARY = """
select t.slug,
       (select count(*) from member m where m.timebank_id = t.id) as members,
       (select json_agg(x order by x) from (
           select display_name || ' ' || b.posted as x from member m
             join ledger.account a on a.book_id = t.id and a.code = 'member/' || m.id
             join ledger.balance b on b.book_id = t.id and b.account_id = a.id
            where m.timebank_id = t.id) as people) as hours,
       (select json_agg(x order by x) from (
           select state || ' ' || count(*) as x from redemption r
            where r.timebank_id = t.id group by state) s) as bookings,
       (select json_agg(x order by x) from (
           select state || ' ' || count(*) as x from payable p where p.timebank_id = t.id group by state) s) as payments
  from timebank t order by t.slug
"""


async def test_it_is_complete(socket_dir: Path, filled: str) -> None:
    async with superuser(socket_dir, filled) as connection:
        members = await connection.fetch("select count(*) from member group by timebank_id order by 1 desc")
        assert [row["count"] for row in members] == [43, 6]
        for table, column, expected in (
            ("offer", "kind", {"training", "voucher", "peer_support"}),
            (
                "redemption",
                "state",
                {"requested", "accepted", "fulfilled", "cancelled", "declined", "timed_out", "refunded"},
            ),
            (
                "payable",
                "state",
                {"draft", "submitted", "approved", "exported", "paid", "rejected", "returned", "cancelled"},
            ),
        ):
            found = {row[0] for row in await connection.fetch(f"select distinct {column} from {table}")}
            assert found == expected, table
        logged = "select max(held_on) - min(held_on) from contribution where kind <> 'brought_forward'"
        days = await connection.fetchval(logged)
        assert 80 <= days <= 100


async def test_repeating_it_changes_nothing_but_the_ways_in(socket_dir: Path, filled: str) -> None:
    async with superuser(socket_dir, filled) as connection:
        before = await connection.fetch(SUMMARY)
        first = await prepare(url(socket_dir, APP_ROLE, filled), now=NOW, say=lambda _: None)
        second = await prepare(url(socket_dir, APP_ROLE, filled), now=NOW, say=lambda _: None)
        assert await connection.fetch(SUMMARY) == before
    assert {door.path for door in first} & {door.path for door in second} == {
        door.path for door in first if is_till(door)
    }


def is_till(door: Door) -> bool:
    """A supplier's address hangs on a wall, so it stays as it is; a person's way in is new every time."""
    return door.path.startswith(suppliers.OPEN_PATH)


async def test_it_is_the_same_every_time(socket_dir: Path, filled: str) -> None:
    async with fresh_database(socket_dir) as other:
        await prepare(url(socket_dir, APP_ROLE, other), now=NOW, say=lambda _: None)
        async with superuser(socket_dir, other) as one, superuser(socket_dir, filled) as two:
            assert await one.fetch(SUMMARY) == await two.fetch(SUMMARY)


@pytest.mark.parametrize("days_later", [2, 5])
async def test_it_is_the_same_on_any_day_of_the_week(socket_dir: Path, filled: str, days_later: int) -> None:
    async with fresh_database(socket_dir) as other:
        await prepare(url(socket_dir, APP_ROLE, other), now=NOW + timedelta(days=days_later), say=lambda _: None)
        async with superuser(socket_dir, other) as one, superuser(socket_dir, filled) as two:
            assert await one.fetch(SUMMARY) == await two.fetch(SUMMARY)


async def test_every_invariant_holds_until_somebody_cheats(
    socket_dir: Path, filled: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command, as an operator runs it; then one number flipped by hand, with the guards switched off."""
    monkeypatch.setenv("TIMEBANK_DATABASE_URL", url(socket_dir, APP_ROLE, filled))
    monkeypatch.setenv("TIMEBANK_OWNER_URL", url(socket_dir, MIGRATOR_ROLE, filled))
    assert await asyncio.to_thread(main, ["prove"]) == 0
    assert "Every invariant holds" in capsys.readouterr().out
    async with superuser(socket_dir, filled) as connection:
        await connection.execute("set session_replication_role = replica")
        account = await connection.fetchval(
            """
            update ledger.balance set posted = posted + 60
             where (book_id, account_id) = (select book_id, id from ledger.account where code ~ '^member/' limit 1)
            returning (select code from ledger.account a where a.book_id = balance.book_id and a.id = account_id)
            """
        )
        assert await asyncio.to_thread(main, ["prove"]) == 1
        said = capsys.readouterr().out
        assert account in said
        assert "FAILED" in said
        await connection.execute(
            "update ledger.balance set posted = posted - 60 where account_id ="
            " (select id from ledger.account where code = $1 limit 1)",
            account,
        )
        await connection.execute("set session_replication_role = origin")
        assert await prove(connection) == []
