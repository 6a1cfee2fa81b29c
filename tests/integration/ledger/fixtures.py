"""The ledger's fixtures: each test runs on the project's server, and on PostgreSQL 15 where the machine has it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.ledger.support import Book, Server, build, fresh_book, oldest_server


@pytest.fixture(scope="session")
def newest(app_url: str, owner_url: str) -> Server:
    return Server(app_url, owner_url)


@pytest.fixture(scope="session")
def oldest() -> Iterator[Server]:
    with oldest_server() as server:
        if server is None:
            pytest.skip("there is no PostgreSQL 15 on this machine: the ledger was not tested on the oldest server")
        asyncio.run(build(server))
        yield server


@pytest.fixture(scope="session", params=["newest", "oldest"])
def server(request: pytest.FixtureRequest) -> Server:
    chosen: Server = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
async def book(server: Server) -> AsyncIterator[Book]:
    async with fresh_book(server) as opened:
        yield opened
