"""A program that posts through a batcher and tells what it sends and what it is promised; made to be killed."""

import asyncio
from multiprocessing.connection import Connection

from ledger import Item, Result
from tests.faults.load import Load, batching, callers, post_through
from tests.integration.ledger.support import Book, Server

CALLERS = 20


class TalkingLoad(Load):
    """A load that says everything over a pipe, at once: what is to be sent before it is, what was promised after."""

    pipe: Connection

    def next_item(self) -> Item:
        item = super().next_item()
        self.pipe.send(item)
        return item

    async def acknowledge(self, results: list[Result]) -> None:
        for result in results:
            self.pipe.send(result)
        await super().acknowledge(results)


def run(server: Server, book_id: int, number: int, pipe: Connection) -> None:
    """Post until killed."""
    load = TalkingLoad(Book(server, book_id, None), number, prefix=f"client/{number}")
    load.pipe = pipe
    asyncio.run(_post(load))


async def _post(load: Load) -> None:
    async with (
        batching(load.book.server.app_url) as batcher,
        callers(load, *(post_through(batcher, load) for _ in range(CALLERS))),
    ):
        await asyncio.Event().wait()
