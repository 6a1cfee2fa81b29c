"""From empty to the newest in one command, twice and at once without harm, and nothing left behind by a failure."""

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

import migrations.runner
from migrations.runner import MigrationError, applied, bootstrap, migrate
from timebank.embedded import SUPERUSER, url
from timebank.settings import APP_ROLE, MIGRATOR_ROLE


@pytest.fixture
async def empty(socket_dir: Path):
    """A database that nobody has migrated yet: its owner's address."""
    name = f"empty_{uuid4().hex[:10]}"
    admin = url(socket_dir, SUPERUSER, "postgres")
    owner_url = url(socket_dir, MIGRATOR_ROLE, name)
    await bootstrap(admin, app_url=url(socket_dir, APP_ROLE, name), owner_url=owner_url)
    yield owner_url
    connection = await asyncpg.connect(admin)
    await connection.execute(f"drop database {name} with (force)")
    await connection.close()


async def ids(owner_url: str) -> list[str]:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("set role timebank_owner")
        return await applied(connection)
    finally:
        await connection.close()


async def test_from_empty_to_newest_and_again(empty: str) -> None:
    first = await migrate(empty)
    assert first[0] == "ledger_0001"
    assert first[-1].startswith("timebank_")
    assert await migrate(empty) == []
    assert await ids(empty) == first


async def test_two_at_once_apply_each_migration_once(empty: str) -> None:
    # In processes of their own, as two servers starting together would.
    program = "import asyncio, sys; from migrations.runner import migrate as m; print(len(asyncio.run(m(sys.argv[1]))))"
    runs = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty, stdout=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]
    counts = sorted([int((await run.communicate())[0]) for run in runs])
    assert counts[0] == 0
    assert counts[1] == len(await ids(empty)) > 0


async def test_a_ledger_of_another_shape_is_left_alone(empty: str) -> None:
    await migrate(empty)
    connection = await asyncpg.connect(empty)
    await connection.execute("set role timebank_owner; comment on schema ledger is 'an earlier one'")
    await connection.close()

    with pytest.raises(MigrationError, match="FRESH=1"):
        await migrate(empty)


async def test_a_failing_migration_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations.runner, "APPS", (*migrations.runner.APPS, "no_such_app"))
    with pytest.raises(BaseException, match=r"no_such_app|recognised|registered"):
        await migrate(empty)
    assert await ids(empty) == []


async def test_bootstrap_refuses_other_role_names(socket_dir: Path) -> None:
    admin = url(socket_dir, SUPERUSER, "postgres")
    with pytest.raises(MigrationError, match="timebank_app"):
        await bootstrap(admin, app_url=url(socket_dir, "root", "x"), owner_url=url(socket_dir, MIGRATOR_ROLE, "x"))


async def test_bootstrap_can_be_repeated(socket_dir: Path, empty: str) -> None:
    name = empty.split("/")[3].split("?", maxsplit=1)[0]
    admin = url(socket_dir, SUPERUSER, "postgres")
    await bootstrap(admin, app_url=url(socket_dir, APP_ROLE, name), owner_url=empty)
    assert await migrate(empty)
