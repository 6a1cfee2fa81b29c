"""A relay between client and server that loses what it is told to lose."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
CHUNK_BYTES = 65_536
IDLE = b"Z\x00\x00\x00\x05I"
"""How an answer ends once everything is committed: ReadyForQuery, and no transaction is open."""
_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
FAREWELL = b"E" + (len(_FIELDS) + 4).to_bytes(4) + _FIELDS
"""What a server says when it ends a connection."""
FATES = {"nothing": 6, "request": 1, "answer": 2, "connection": 1}
"""What gets lost with a batch, and how often in ten."""


class Relay:
    """Passes on what client and server say to each other, but for ``losses`` times at random moments.

    It recognises a batch by ``mark``, which stands in each of its keys. Lost are half of a request; or an answer, after
    the server has committed; or, after the answer, the connection, as if the server had ended it.
    """

    def __init__(self, target: Path, *, mark: bytes, losses: int, seed: int) -> None:
        self.lost: Counter[str] = Counter()
        self._target = target
        self._mark = mark
        self._losses = losses
        self._random = random.Random(seed)
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, folder: Path) -> AsyncIterator[None]:
        """Listen in ``folder``, as a server would."""
        listener = await asyncio.start_unix_server(self._meet, folder / SOCKET)
        try:
            yield
        finally:
            listener.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _meet(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        server, to_server = await asyncio.open_unix_connection(self._target / SOCKET)
        talk = _Talk()
        ways = [
            asyncio.create_task(self._requests(talk, client, to_server)),
            asyncio.create_task(self._answers(talk, server, to_client)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (to_server, to_client):
                writer.transport.abort()

    async def _requests(self, talk: "_Talk", client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        while chunk := await client.read(CHUNK_BYTES):
            if talk.fate is None and self._mark in chunk:
                talk.fate = self._next_fate()
                if talk.fate == "request":
                    to_server.write(chunk[: len(chunk) // 2])
                    await to_server.drain()
                    return
            to_server.write(chunk)
            await to_server.drain()

    async def _answers(self, talk: "_Talk", server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        while chunk := await server.read(CHUNK_BYTES):
            fate = None
            if talk.fate is not None and chunk.endswith(IDLE):
                fate, talk.fate = talk.fate, None
            if fate == "answer":
                return
            to_client.write(chunk + FAREWELL if fate == "connection" else chunk)
            await to_client.drain()
            if fate == "connection":
                return

    def _next_fate(self) -> str:
        (fate,) = self._random.choices(list(FATES), list(FATES.values()))
        if fate == "nothing" or self.lost.total() == self._losses:
            return "nothing"
        self.lost[fate] += 1
        return fate


class _Talk:
    """One connection, and what is to become of the batch that is under way, if one is."""

    fate: str | None = None
