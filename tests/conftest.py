"""What every test may use: a real PostgreSQL, a database of one's own, a fresh time bank, and the real application.

One embedded cluster serves the whole run. A template database is migrated once and each worker clones it. Ledger rows
cannot be deleted, so tests never clean up: each takes a fresh time bank.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from ledger import Finding, prove
from migrations.runner import bootstrap, migrate
from timebank.db import Database
from timebank.embedded import SUPERUSER, running, url
from timebank.kit import vault
from timebank.settings import APP_ROLE, MIGRATOR_ROLE

if TYPE_CHECKING:
    from tests.people import Bank, Browser
    from timebank.kit.clock import FixedClock
    from timebank.settings import Settings

vault.use([vault.new_key()])
SOCKET_VARIABLE = "TIMEBANK_TEST_SOCKET_DIR"
TEMPLATE = "timebank_template"

_cluster = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the cluster once: in the controlling process, before any worker."""
    if hasattr(config, "workerinput") or os.environ.get(SOCKET_VARIABLE) or config.option.collectonly:
        return
    folder = Path(tempfile.mkdtemp(prefix="timebank-test-", dir="/var/tmp"))
    _cluster.callback(shutil.rmtree, folder, ignore_errors=True)
    cluster = _cluster.enter_context(running(folder))
    os.environ[SOCKET_VARIABLE] = str(cluster.socket_dir)
    _cluster.callback(os.environ.pop, SOCKET_VARIABLE, None)
    asyncio.run(_make_template(cluster.socket_dir))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the cluster; say so when it is the last word of the run."""
    if not hasattr(config, "workerinput"):
        _cluster.close()


async def _make_template(socket_dir: Path) -> None:
    connection = await asyncpg.connect(url(socket_dir, SUPERUSER, "postgres"))
    # Only here: a test cluster is thrown away, so it need not survive a power cut.
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        await connection.execute(f"alter system set {setting}")
    await connection.execute("select pg_reload_conf()")
    await connection.close()
    owner_url = url(socket_dir, MIGRATOR_ROLE, TEMPLATE)
    await bootstrap(
        url(socket_dir, SUPERUSER, "postgres"), app_url=url(socket_dir, APP_ROLE, TEMPLATE), owner_url=owner_url
    )
    await migrate(owner_url)


@pytest.fixture(scope="session")
def socket_dir() -> Path:
    """Where the test cluster listens."""
    return Path(os.environ[SOCKET_VARIABLE])


@pytest.fixture(scope="session")
def database_name(socket_dir: Path) -> Iterator[str]:
    """A database of this worker's own, cloned from the migrated template.

    At the end of the run every invariant of the ledger must hold in it, whatever the tests did.
    """
    name = f"test_{uuid4().hex[:12]}"

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(url(socket_dir, SUPERUSER, "postgres"))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run(f"create database {name} template {TEMPLATE} owner timebank_owner"))
    yield name
    findings = asyncio.run(_prove(url(socket_dir, SUPERUSER, name)))
    asyncio.run(run(f"drop database {name} with (force)"))
    assert not findings, f"after all tests: {findings[:20]}"


async def _prove(address: str) -> list[Finding]:
    connection = await asyncpg.connect(address)
    try:
        return await prove(connection)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def app_url(socket_dir: Path, database_name: str) -> str:
    """The address of this worker's database for the application's role."""
    return url(socket_dir, APP_ROLE, database_name)


@pytest.fixture(scope="session")
def owner_url(socket_dir: Path, database_name: str) -> str:
    """The address of this worker's database for the migrator's role, who may become the owner."""
    return url(socket_dir, MIGRATOR_ROLE, database_name)


@pytest.fixture(scope="session")
def admin_url(socket_dir: Path, database_name: str) -> str:
    """The address of this worker's database for the superuser: for tests that must cheat."""
    return url(socket_dir, SUPERUSER, database_name)


@pytest.fixture(scope="session")
async def db(app_url: str) -> AsyncIterator[Database]:
    """The application's database, connected as the application's role."""
    database = await Database.open(app_url, pool_size=12)
    yield database
    await database.close()


@pytest.fixture
async def bank(db: Database) -> "Bank":
    """A fresh time bank for one test."""
    from tests.people import make_bank

    return await make_bank(db)


@pytest.fixture
async def other_bank(db: Database) -> "Bank":
    """A second one, whose ids must be of no use in the first."""
    from tests.people import make_bank

    return await make_bank(db)


@pytest.fixture
def clock() -> "FixedClock":
    """The application's clock in tests; a test may move it."""
    from tests.people import NOW
    from timebank.kit.clock import FixedClock

    return FixedClock(NOW)


@pytest.fixture
async def client(db: Database, clock: "FixedClock") -> AsyncIterator["Callable[[], Browser]"]:
    """``client()`` gives a new browser; several may be open in one test."""
    from timebank.settings import Settings

    async with browsers(db, clock, Settings(database_url="postgresql://unused/")) as open_browser:
        yield open_browser


@asynccontextmanager
async def browsers(db: Database, clock: "FixedClock", settings: "Settings") -> AsyncIterator["Callable[[], Browser]"]:
    """The application with these settings, and a way to open browsers on it."""
    import httpx

    from tests.people import Browser
    from timebank.app import create_app

    app = create_app(settings, db=db, clock=clock)

    def open_browser() -> Browser:
        return Browser(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://timebank.test",
            headers={"Sec-Fetch-Site": "same-origin", "Origin": "http://timebank.test"},
        )

    # In a task of its own: pytest-asyncio ends a fixture in another task than it began, which the lifespan cannot bear.
    is_up, is_over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            is_up.set()
            await is_over.wait()

    life = asyncio.create_task(live())
    await asyncio.wait({life, asyncio.create_task(is_up.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        await life
    yield open_browser
    is_over.set()
    await life
