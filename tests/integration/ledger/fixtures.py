"""The ledger's fixtures: each test runs on the project's server, and on PostgreSQL 15 where the machine has it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from tests.integration.ledger.support import Book, Server, build, fresh_book, oldest_server


@pytest.fixture(scope="session")
def newest(app_url: str, owner_url: str) -> Server:
    return Server(app_url, owner_url)


class Shared:
    """The one PostgreSQL 15 of this process: both folders of tests import these fixtures, and pytest sees two."""

    def __init__(self) -> None:
        self.users = 0
        self.stack = ExitStack()
        self.server: Server | None = None

    def enter(self) -> Server | None:
        self.users += 1
        if self.users == 1:
            self.server = self.stack.enter_context(oldest_server())
            if self.server is not None:
                asyncio.run(build(self.server))
        return self.server

    def leave(self) -> None:
        self.users -= 1
        if self.users == 0:
            self.stack.close()


SHARED = Shared()


@pytest.fixture(scope="session")
def oldest() -> Iterator[Server]:
    try:
        server = SHARED.enter()
        if server is None:
            pytest.skip("there is no PostgreSQL 15 on this machine: the ledger was not tested on the oldest server")
        yield server
    finally:
        SHARED.leave()


@pytest.fixture(scope="session", params=["newest", "oldest"])
def server(request: pytest.FixtureRequest) -> Server:
    chosen: Server = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
async def book(server: Server) -> AsyncIterator[Book]:
    async with fresh_book(server) as opened:
        yield opened
