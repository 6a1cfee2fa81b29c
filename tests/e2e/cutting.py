"""A wire between the browser and the demo that a test can cut: then nothing listens, as where there is no signal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65_536
METHODS = (b"GET ", b"HEAD ", b"POST ")


class Wire:
    """``wire.url`` is the demo; after ``cut()`` it is not, until ``mend()``.

    ``log`` has, for each address, the bytes of each answer that came over it, headers and all.
    """

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._port = 0
        self.log: dict[str, list[int]] = {}

    @property
    def url(self) -> str:
        """The address of the demo at this end of the wire."""
        return f"http://127.0.0.1:{self._port}"

    async def mend(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Stop listening, and drop what is open."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._open |= {writer, there_writer}
        answers: list[list[int]] = []  # of this connection; the last one is on its way
        await asyncio.gather(
            self._pass_on(reader, there_writer, lambda data: self._asked(data, answers)),
            self._pass_on(there_reader, writer, lambda data: _answered(data, answers)),
        )
        self._open -= {writer, there_writer}

    def _asked(self, data: bytes, answers: list[list[int]]) -> None:
        # A browser sends the next request on a connection after the answer to the last, in one piece.
        if data.startswith(METHODS):
            answer = self.log.setdefault(data.split(b" ", 2)[1].decode(), [])
            answer.append(0)
            answers.append(answer)

    @staticmethod
    async def _pass_on(
        source: asyncio.StreamReader, target: asyncio.StreamWriter, note: Callable[[bytes], None]
    ) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                note(data)
                target.write(data)
                await target.drain()
        target.close()


def _answered(data: bytes, answers: list[list[int]]) -> None:
    if answers:
        answers[-1][-1] += len(data)


@asynccontextmanager
async def wire_to(target: str) -> AsyncIterator[Wire]:
    """A wire that works."""
    wire = Wire(target)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.cut()
