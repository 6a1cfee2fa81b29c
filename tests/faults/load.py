"""A load that keeps account: what was sent to a book, what was acknowledged, and whether the ledger agrees."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg

import ledger
from ledger import Batcher, Capture, Item, PlaceHold, Posted, Refused, Result, Void
from tests.faults.cluster import AWAY, connect
from tests.integration.ledger.support import (
    ACCOUNTS,
    Book,
    Server,
    capture,
    move,
    open_fresh_book,
    owning,
    set_aside,
    void,
)

MEMBERS = ("member/1", "member/2", "member/3")
MAX_SENT = 200_000
"""A load that has sent this many items ends of itself."""
WAIT_SECONDS = 60
"""How long a test waits for the load to go on, which a hanging one does not."""
ASKED_AT_ONCE = 500
INTERRUPTED = (
    *AWAY,
    asyncpg.AdminShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a caller without a batcher gets to see when its connection or its statement is ended."""


class Load:
    """Items for one book, made from a seed, and the answers to them."""

    def __init__(self, book: Book, seed: int, *, prefix: str = "load") -> None:
        self.book = book
        self.sent: dict[str, Item] = {}
        self.answers: dict[str, Result] = {}
        self.failures = 0
        self.is_over = False
        self._prefix = prefix
        self._random = random.Random(seed)
        self._open_holds: list[PlaceHold] = []
        self._progress = asyncio.Condition()

    def next_item(self) -> Item:
        """Mostly gifts, some of which are refused; some holds, each ended once it is known to be open."""
        key = f"{self._prefix}/{len(self.sent)}"
        source, target = self._random.sample(MEMBERS, 2)
        amount = self._random.randint(1, 30)
        kind = self._random.random()
        item: Item
        if kind < 0.1 and self._open_holds:
            held = self._open_holds.pop()
            item = self._random.choice((capture, void))(held.hold_id, key=key)
        elif kind < 0.2:
            item = set_aside(source, target, amount, key=key)
        elif kind < 0.25:
            item = move("issued", "capped", amount, key=key)
        elif kind < 0.5:
            item = move(source, target, amount, key=key)
        else:
            item = move("issued", target, amount, key=key)
        self.sent[key] = item
        if len(self.sent) >= MAX_SENT:
            self.is_over = True
        return item

    async def acknowledge(self, results: Sequence[Result]) -> None:
        """Write down what the ledger has promised."""
        for result in results:
            assert result.key not in self.answers
            self.answers[result.key] = result
            item = self.sent[result.key]
            if isinstance(item, PlaceHold) and isinstance(result, ledger.Held):
                self._open_holds.append(item)
        async with self._progress:
            self._progress.notify_all()

    async def fail(self) -> None:
        """Write down that a caller heard of an error."""
        self.failures += 1
        async with self._progress:
            self._progress.notify_all()

    async def progress(self, further: int, *, failures: int = 0) -> None:
        """Wait until this many more items are acknowledged, and this many more have failed."""
        answers, failed = len(self.answers) + further, self.failures + failures
        async with asyncio.timeout(WAIT_SECONDS), self._progress:
            await self._progress.wait_for(lambda: len(self.answers) >= answers and self.failures >= failed)


@asynccontextmanager
async def batching(url: str, **options: Any) -> AsyncIterator[Batcher]:
    """A batcher on a pool of its own, at the end of which nothing is left of what was waiting or at work."""
    pool = await asyncpg.create_pool(url, min_size=1, max_size=3)
    batcher = Batcher(pool, **options)
    try:
        yield batcher
        await batcher.close()
        assert not batcher._queues
        assert not batcher._tasks
        await pool.close()
    finally:
        # Of a test that fails, nothing stays at work.
        for task in batcher._tasks:
            task.cancel()
        await asyncio.gather(*batcher._tasks, return_exceptions=True)
        pool.terminate()


async def post_through(batcher: Batcher, load: Load, *, forgiven: tuple[type[Exception], ...] = ()) -> None:
    """A caller who posts one item after the other through a batcher."""
    while not load.is_over:
        item = load.next_item()
        try:
            result = await batcher.post(load.book.book_id, item)
        except forgiven:
            await load.fail()
            continue
        await load.acknowledge([result])


async def post_plainly(load: Load, url: str) -> None:
    """A caller with one transaction after the other on its own connection, who does not ask again after an error."""
    while not load.is_over:
        connection = await connect(url)
        try:
            while not load.is_over:
                items = [load.next_item() for _ in range(3)]
                async with load.book.writing(connection):
                    results = await ledger.post_batch(connection, load.book.book_id, items, atomic=False)
                await load.acknowledge(results)
        except INTERRUPTED:
            continue
        finally:
            connection.terminate()


@asynccontextmanager
async def callers(load: Load, *callers: Any) -> AsyncIterator[None]:
    """Callers at work; they finish what they are at before this ends, and an error of one is an error of the test."""
    async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(caller)
        try:
            yield
        finally:
            load.is_over = True
            limit.reschedule(asyncio.get_running_loop().time() + WAIT_SECONDS)


async def check_kept(load: Load) -> None:
    """Everything that has been acknowledged until now is in the ledger as it was acknowledged."""
    promised = dict(load.answers)
    async with owning(load.book.server) as owner:
        made = dict(await owner.fetch("select key, made from ledger.request where book_id = $1", load.book.book_id))
        refused = dict(await owner.fetch("select key, code from ledger.refusal where book_id = $1", load.book.book_id))
        there = {row[0] for row in await owner.fetch(ENTRIES_AND_HOLDS, load.book.book_id)}
    for key, answer in promised.items():
        if isinstance(answer, Refused):
            assert refused[key] == answer.code
        else:
            assert made[key] == (answer.entry_id if isinstance(answer, Posted) else answer.hold_id)
            assert made[key] in there


ENTRIES_AND_HOLDS = (
    "select id from ledger.entry where book_id = $1 union all select id from ledger.hold where book_id = $1"
)


def replays(load: Load) -> int:
    """Of how many items the batcher lost the answer, and asked again."""
    return sum(getattr(answer, "replayed", False) for answer in load.answers.values())


async def settle(load: Load) -> Counter[str]:
    """Ask again for everything that was sent: the acknowledged answers come again, and all of it is there exactly once.

    Tells of how many items the answer had been lost (``lost``) and how many were never carried out (``new``).
    """
    await check_kept(load)
    final = await ask(load)
    for key, answer in load.answers.items():
        assert final[key] == as_replay(answer), key
    assert await ask(load) == {key: as_replay(answer) for key, answer in final.items()}
    await check_counts(load, final)
    missed = [answer for key, answer in final.items() if key not in load.answers and not isinstance(answer, Refused)]
    return Counter("lost" if answer.replayed else "new" for answer in missed)


async def ask(load: Load) -> dict[str, Result]:
    """The answers to everything that was sent, by key."""
    answers: dict[str, Result] = {}
    # One batch cannot place and end a hold.
    ends = [item for item in load.sent.values() if isinstance(item, Capture | Void)]
    others = [item for item in load.sent.values() if not isinstance(item, Capture | Void)]
    batches = [
        items[start : start + ASKED_AT_ONCE]
        for items in (others, ends)
        for start in range(0, len(items), ASKED_AT_ONCE)
    ]
    connection = await connect(load.book.server.app_url)
    try:
        for batch in batches:
            async with load.book.writing(connection):
                results = await ledger.post_batch(connection, load.book.book_id, batch, atomic=False)
            answers |= {result.key: result for result in results}
    finally:
        await connection.close()
    return answers


def as_replay(answer: Result) -> Result:
    """The same answer, given again."""
    return answer if isinstance(answer, Refused) else replace(answer, replayed=True)


async def check_counts(load: Load, final: dict[str, Result]) -> None:
    """The book holds what the accepted keys say, once, and nothing else; every invariant holds."""
    balances: Counter[str] = Counter({code: 0 for code, *_ in ACCOUNTS})
    holds = {item.hold_id: item for item in load.sent.values() if isinstance(item, PlaceHold)}
    for key, answer in final.items():
        if isinstance(answer, Posted):
            item = load.sent[key]
            for leg in holds[item.hold_id].legs if isinstance(item, Capture) else item.legs:
                balances[leg.account] += leg.amount
    entries = sum(isinstance(answer, Posted) for answer in final.values())
    async with owning(load.book.server) as owner:
        assert await owner.fetchval(ENTRIES, load.book.book_id) == entries
        assert await owner.fetchval(REQUESTS, load.book.book_id) == len(load.sent)
        assert dict(await owner.fetch(BALANCES, load.book.book_id)) == balances
        assert await ledger.prove(owner, book_id=load.book.book_id) == []


ENTRIES = "select count(*) from ledger.entry where book_id = $1"
REQUESTS = "select count(*) from ledger.request where book_id = $1"
BALANCES = """
select a.code, b.posted
from ledger.account a join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
where a.book_id = $1
"""


async def fresh_load(server: Server, seed: int) -> Load:
    """A load for a fresh book."""
    connection = await connect(server.app_url)
    try:
        return Load(await open_fresh_book(server, connection), seed)
    finally:
        await connection.close()
