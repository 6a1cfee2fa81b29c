"""Whether the ledger's tests notice a mutant.

The tests are collected once, in a copy of the tree. Each mutant gets a process forked from there: it loads the mutant's
SQL into the template from which tests clone their databases, or imports the mutant's Python anew, and runs until the
first test fails. Tests that have killed most mutants per second, above all in the same function, come first.
"""

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from scripts.mutants.edits import Edit, Mutant
from timebank.embedded import SUPERUSER, url
from timebank.settings import APP_ROLE, OWNER_ROLE

OURS = ("ledger", "timebank", "migrations", "tests", "conftest")
SOCKET_VARIABLE = "TIMEBANK_TEST_SOCKET_DIR"
TEMPLATE = "timebank_template"
TESTS = ("tests/integration/ledger", "tests/unit/ledger", "tests/property/ledger")
# The same tests run on PostgreSQL 15 in `make test`; here they would double the time and tell nothing new.
QUIET = ("-s", "-p", "no:terminal", "-p", "no:xdist", "-o", "addopts=--import-mode=importlib")
PYTEST_ARGS = (*QUIET, "-k", "not oldest")
# A test that takes longer than this, and five times longer than without a mutant, hangs; so does loading one.
HANG_SECONDS = 15
LONG_AGO = 1_000_000_000
UNCHANGED = Mutant("", "", "", Edit(0, 0, ""))


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: ``killed`` (by a test, or it hung or crashed), ``survived``, or ``invalid`` SQL."""

    mutant: Mutant
    verdict: str
    by: str


@dataclass(frozen=True)
class Lane:
    """A copy of the tree and a cluster, for one mutant at a time."""

    tree: Path
    socket_dir: Path


@dataclass
class Attempt:
    """A process that tries a mutant, and the pipe on which it says what it found."""

    mutant: Mutant
    lane: Lane
    pid: int
    pipe: int
    said: bytes = b""

    def hear(self) -> bool:
        """Take in what the process has said; False when it has ended."""
        more = os.read(self.pipe, 65536)
        self.said += more
        return bool(more)

    def end(self) -> None:
        """End the process, if it has not ended itself."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pipe)


class Trial:
    """A pytest plugin that tries mutants in the place of running the tests once."""

    def __init__(
        self, lanes: Sequence[Lane], mutants: Sequence[Mutant], report: Callable[[Outcome], None], tests: Sequence[str]
    ) -> None:
        self.lanes = list(lanes)
        self.mutants = list(mutants)
        self.report = report
        self.tests = list(tests)
        self.left_out: set[str] = set()
        self.durations: Counter[str] = Counter()
        self.kills: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.kills_anywhere: Counter[str] = Counter()
        self.order: dict[str, int] = {}
        self.pipe: int | None = None  # in a child, to its parent

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests on what is there, then on each mutant. None in a child: pytest goes on to run the tests."""
        if self.pipe is not None:
            return None
        if session.testsfailed:
            raise session.Failed("the tests could not be collected")
        tests = [item.nodeid for item in session.items]
        if not self.run_unchanged():
            return None
        self.order = {test: place for place, test in enumerate(tests) if test not in self.left_out}
        is_parent = self.run_mutants()
        if not is_parent:
            self.pytest_collection_modifyitems(session.items)
        return is_parent or None

    def run_unchanged(self) -> bool:
        """Learn how long each test takes, and leave out what fails without a mutant. False in the child."""
        attempt = self.start(UNCHANGED, self.lanes[0])
        if attempt is None:
            return False
        while attempt.hear():
            pass
        attempt.end()
        for line in attempt.said.decode().splitlines():
            test, passed, seconds = json.loads(line)
            self.durations[test] += seconds
            if not passed:
                self.left_out.add(test)
        if not self.durations:
            raise RuntimeError("the tests do not run")
        return True

    def run_mutants(self) -> bool:
        """Keep every lane busy until all mutants are judged. False in a child."""
        free, running = list(self.lanes), list[Attempt]()
        try:
            while self.mutants or running:
                while self.mutants and free:
                    attempt = self.start(self.mutants.pop(0), free.pop())
                    if attempt is None:
                        running.clear()
                        return False
                    running.append(attempt)
                ready = select.select([attempt.pipe for attempt in running], [], [])[0]
                for attempt in list(running):
                    if attempt.pipe in ready and not attempt.hear():
                        running.remove(attempt)
                        free.append(attempt.lane)
                        self.judge(attempt)
        finally:
            for attempt in running:
                attempt.end()
        return True

    def judge(self, attempt: Attempt) -> None:
        """Report what an attempt has said, and learn from it which tests to run first."""
        attempt.end()
        mutant = attempt.mutant
        if mutant.file.endswith(".py"):
            _write(attempt.lane.tree / mutant.file, mutant.source, LONG_AGO)
        verdict, by = json.loads(attempt.said) if attempt.said else ("killed", "it hung or crashed")
        if verdict == "killed":
            self.kills[mutant.file, mutant.where][by] += 1
            self.kills_anywhere[by] += 1
        self.report(Outcome(mutant, verdict, by))

    def start(self, mutant: Mutant, lane: Lane) -> Attempt | None:
        """Fork. The parent gets the attempt, the child None."""
        sys.stdout.flush()
        hears, says = os.pipe()
        pid = os.fork()
        if pid:
            os.close(says)
            return Attempt(mutant, lane, pid, hears)
        self.pipe = says
        try:
            self.become(mutant, lane)
        except BaseException as error:  # noqa: BLE001 - a child must never go on as a second parent
            self.say("killed", f"it cannot be loaded: {error}")
        return None

    def become(self, mutant: Mutant, lane: Lane) -> None:
        """In a child: load the mutant. A change of Python needs every module of ours anew, so pytest begins again."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.environ[SOCKET_VARIABLE] = str(lane.socket_dir)
        os.chdir(lane.tree)
        signal.alarm(HANG_SECONDS)  # ends this process
        here = self.kills[mutant.file, mutant.where]
        worth = {
            test: (here[test] + self.kills_anywhere[test] / 20 + 0.01) / (0.01 + self.durations[test])
            for test in self.order
        }
        self.order = {test: place for place, test in enumerate(sorted(self.order, key=worth.__getitem__, reverse=True))}
        if mutant.file.endswith(".py"):
            # A time of its own, because the compiled file of another mutant may have the same length.
            _write(lane.tree / mutant.file, mutant.text, LONG_AGO + os.getpid())
            sys.dont_write_bytecode = True
            for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
                del sys.modules[name]
            sys.path[:] = [str(lane.tree), *(entry for entry in sys.path if entry != str(self.lanes[0].tree))]
        asyncio.run(self.make_template(mutant, lane))
        if mutant.file.endswith(".py"):
            pytest.main([*PYTEST_ARGS, f"--rootdir={lane.tree}", *self.tests], plugins=[self])
            self.say("killed", "it cannot be collected")

    async def make_template(self, mutant: Mutant, lane: Lane) -> None:
        """Load the ledger's SQL, with the mutant in its place, into the database that the tests clone."""
        from ledger.schema import grants_sql, sql_files

        admin: Any = await asyncpg.connect(url(lane.socket_dir, SUPERUSER, "postgres"))
        for row in await admin.fetch("select datname from pg_database where datname ~ '^(test_|timebank_template)'"):
            await admin.execute(f"drop database {row['datname']} with (force)")
        await admin.execute(f"create database {TEMPLATE} owner {OWNER_ROLE}")
        await admin.close()
        connection: Any = await asyncpg.connect(url(lane.socket_dir, SUPERUSER, TEMPLATE))
        await connection.execute(f"set role {OWNER_ROLE}")
        for path in sql_files():
            try:
                await connection.execute(mutant.text if mutant.file == f"ledger/sql/{path.name}" else path.read_text())
            except asyncpg.PostgresError as error:
                self.say("invalid", str(error))
        await connection.execute(grants_sql(APP_ROLE))
        await connection.close()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Most telling first; before the first run nothing is known."""
        if self.order:
            items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda i: self.order[i.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Give a test its time; without a mutant, all the time that it takes."""
        signal.alarm(HANG_SECONDS + int(5 * self.durations[nodeid]) if self.order else 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell the parent of the first failure, which is all that it wants to know; of everything in the first run."""
        if self.order and report.failed:
            self.say("killed", report.nodeid)
        elif not self.order and self.pipe is not None:
            os.write(self.pipe, (json.dumps([report.nodeid, not report.failed, report.duration]) + "\n").encode())

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A child that comes this far has found nothing."""
        if self.pipe is None:
            return
        if not self.order:
            os._exit(0)
        self.say(*(("killed", "it cannot be collected") if session.testsfailed else ("survived", "")))

    def say(self, verdict: str, by: str) -> None:
        """Give the verdict, which ends this child."""
        assert self.pipe is not None
        os.write(self.pipe, json.dumps([verdict, by]).encode())
        os._exit(0)


def _write(path: Path, text: str, modified_at: int) -> None:
    path.write_text(text)
    os.utime(path, (modified_at, modified_at))
