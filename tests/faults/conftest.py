"""Faults: a cluster of their own, counts for the long run, and one worker for all of them, as they load the machine."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster, newest_programs, temporary_cluster
from tests.integration.ledger.support import OLDEST, build

IS_LONG = os.environ.get("TIMEBANK_LONG") == "1"
COUNT = "fault count"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what is in this folder in one worker."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("faults"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how often what was broken, and how much was acknowledged meanwhile."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith(COUNT) and report.when == "call":
                counts[name.removeprefix(f"{COUNT}: ")] += int(str(value))
    if counts:
        terminalreporter.write_line("Faults: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """``count("kills", 3)`` adds to the summary of the run."""
    return lambda what, number: record_property(f"{COUNT}: {what}", number)


@pytest.fixture
def rounds() -> int:
    """How often a test breaks what it breaks: at least 50 times in the long run (``TIMEBANK_LONG=1``)."""
    return 51 if IS_LONG else 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The long run is made on the oldest PostgreSQL, too."""
    if "cluster" in metafunc.fixturenames:
        programs = {"newest": newest_programs()}
        if IS_LONG and (OLDEST / "initdb").exists():
            programs["oldest"] = OLDEST
        metafunc.parametrize("cluster", programs.values(), ids=programs.keys(), indirect=True, scope="session")


@pytest.fixture(scope="session")
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """A cluster with the ledger in it. A test leaves it running."""
    async with temporary_cluster(request.param) as running:
        await build(running.server)
        yield running
