"""Transactions: the tenant is set, the connection always comes back, a key is claimed once."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from timebank.banks.tables import RulesVersion
from timebank.db import Database, KeyReused, Rollback, claim, remember
from timebank.kit.refusal import Refusal


async def test_a_query_that_forgets_its_tenant_sees_nothing(db: Database, bank, other_bank) -> None:
    async with db.reading(bank.id) as connection:
        seen = {row["timebank_id"] for row in await connection.fetch("select timebank_id from member")}
    assert seen == {bank.id}
    async with db.globally() as connection:
        assert await connection.fetchval("select count(*) from member") == 0


async def test_a_row_for_another_tenant_cannot_be_written(db: Database, bank, other_bank) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.writing(bank.id) as connection:
            await connection.execute(
                "insert into activity (timebank_id, name, name_key) values ($1, 'x', 'x')", other_bank.id
            )


async def test_piccolo_joins_the_open_transaction(db: Database, bank) -> None:
    async with db.reading(bank.id):
        rows = await RulesVersion.select(RulesVersion.version)
    assert [row["version"] for row in rows] == [1]


async def test_reading_cannot_write(db: Database, bank) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with db.reading(bank.id) as connection:
            await connection.execute(
                "insert into activity (timebank_id, name, name_key) values ($1, 'x', 'x')", bank.id
            )


async def test_a_failing_commit_gives_the_connection_back(db: Database, bank) -> None:
    """Piccolo's own transaction loses it: after as many failures as the pool is large, nothing works any more."""
    for _ in range(db.pool.get_max_size() + 2):
        with pytest.raises(asyncpg.UniqueViolationError):
            await _fail_at_commit(db)
    async with db.reading(bank.id) as connection:
        assert await connection.fetchval("select 1") == 1
    assert db.pool.get_size() - db.pool.get_idle_size() == 0


async def test_a_rollback_keeps_nothing(db: Database, bank) -> None:
    with pytest.raises(Rollback):
        await _write_then_refuse(db, bank.id)
    async with db.reading(bank.id) as connection:
        assert not await connection.fetchval("select exists (select from activity where name_key = 'gone')")


async def test_a_key_is_claimed_once_and_remembers_its_answer(db: Database, bank) -> None:
    async def attempt(content: str) -> object:
        async with db.writing(bank.id) as connection:
            earlier = await claim(connection, bank.id, "test", key, content)
            if earlier is not None:
                return earlier
            await remember(connection, bank.id, "test", key, {"answer": uuid4().hex})
            return "new"

    key = uuid4().hex
    answers = await asyncio.gather(*(attempt("same") for _ in range(8)))
    assert answers.count("new") == 1
    assert len({str(answer) for answer in answers if answer != "new"}) == 1
    with pytest.raises(KeyReused):
        await attempt("different")


async def _fail_at_commit(db: Database) -> None:
    async with db.globally() as connection:
        await connection.execute(
            "create temporary table once (n int unique deferrable initially deferred) on commit drop"
        )
        await connection.execute("insert into once values (1), (1)")


async def _write_then_refuse(db: Database, timebank_id: int) -> None:
    async with db.writing(timebank_id) as connection:
        await connection.execute(
            "insert into activity (timebank_id, name, name_key) values ($1, 'gone', 'gone')", timebank_id
        )
        raise Rollback([Refusal("no", "No.")])
