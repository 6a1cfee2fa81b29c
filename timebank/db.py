"""The database seen from the service: one pool, transactions with a tenant, and the table of idempotency keys.

Piccolo and plain SQL share one connection and one transaction. Transactions are opened in the body of a use case or a
handler, never in a dependency (a dependency runs in another context, and Piccolo would then write outside the
transaction).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import Token
from types import TracebackType
from typing import Any, TypeVar, cast

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from ledger import Batcher, Settled
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

Result = TypeVar("Result")
Connection = Any
"""An asyncpg connection, pooled or not. asyncpg's own stubs make the two unrelated, hence the loose name."""

STATEMENT_TIMEOUT_SECONDS = 15
IDLE_IN_TRANSACTION_TIMEOUT_SECONDS = 30
BATCH_POOL_SIZE = 3
UNREAD_LANGUAGES = "timebank.unread_languages"
MAX_ATTEMPTS = 3
RETRY_PAUSE_SECONDS = 0.02

RETRYABLE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
)


class Rollback(Exception):
    """Leaves a transaction without keeping anything, carrying the refusals that the use case returns."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__(", ".join(refusal.code for refusal in refusals))
        self.refusals = refusals


class KeyReused(Exception):
    """The idempotency key was used before with different content. Nothing was changed."""


class Engine(PostgresEngine):
    """Piccolo's engine without its connection at import, with transactions that always give the connection back.

    It has no pool of its own: a query belongs into a transaction of a :class:`Database`. Only migrations give it an
    address.
    """

    def __init__(self) -> None:
        super().__init__(config={})

    async def check_version(self) -> None:
        """Checked when migrations run; nothing may connect at import."""

    async def prep_database(self) -> None:
        """No extensions are used."""

    async def get_new_connection(self) -> Connection:
        """A connection for migrations.

        Raises:
            RuntimeError: a query was made outside a transaction.
        """
        if not self.config:
            raise RuntimeError("a query outside a transaction: use db.reading, db.writing or db.globally")
        return await super().get_new_connection()

    def transaction(self, allow_nested: bool = True) -> "SafeTransaction":
        """A transaction on a connection of its own, released even when COMMIT fails."""
        return SafeTransaction(engine=self, allow_nested=allow_nested)


class SafeTransaction(PostgresTransaction):
    """Piccolo loses the pooled connection when COMMIT fails, because its ``__aexit__`` has no ``finally``."""

    context: Token[PostgresTransaction | None]

    def __init__(
        self, engine: PostgresEngine, allow_nested: bool, pool: Any = None, *, is_read_only: bool = False
    ) -> None:
        super().__init__(engine, allow_nested=allow_nested)
        self.pool = pool
        self.is_read_only = is_read_only

    async def get_connection(self) -> Connection:
        """A connection of the given pool, or a new one."""
        return await (self.pool.acquire() if self.pool else self.engine.get_new_connection())

    async def __aenter__(self) -> "SafeTransaction":
        """Begin; a connection that cannot even do that goes back to be replaced."""
        if self._parent:  # a migration inside the one transaction of all of them
            return cast(SafeTransaction, self._parent)
        self.connection = await self.get_connection()
        try:
            self.transaction = self.connection.transaction(readonly=self.is_read_only)
            await self.transaction.start()
        except BaseException:
            await self._release()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Commit or roll back; then, whatever happened, release the connection and leave the context."""
        if self._parent:
            return False
        try:
            if exception is not None:
                await self.transaction.rollback()
            else:
                await self.transaction.commit()
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._release()
        return False

    async def _release(self) -> None:
        await (self.pool.release(self.connection) if self.pool else self.connection.close())


ENGINE = Engine()
"""The one Piccolo engine: tables name it, and queries find the open transaction through it."""


class Database:
    """The application's connection pool and the only ways to open a transaction.

    The role behind it cannot bypass row-level security, so a query that forgets its tenant sees nothing.
    """

    def __init__(self, pool: Any, batch_pool: Any) -> None:
        self.pool = pool
        self.batch_pool = batch_pool
        self.batcher = Batcher(batch_pool, after=_run_notes)
        """For use cases that post one entry and write only beside it: they share transactions. The ``note`` of a post
        is called with the connection and the result, inside its transaction."""

    @classmethod
    async def open(
        cls, url: str, *, pool_size: int = 10, command_timeout_seconds: int = 20, unread_languages: bool = False
    ) -> "Database":
        """Connect. The pools are small on purpose: PostgreSQL does more work with fewer connections.

        ``unread_languages``: members may be written to in languages that no native speaker has read yet.
        """
        pools = [
            await asyncpg.create_pool(
                url,
                min_size=min_size,
                max_size=max_size,
                command_timeout=command_timeout_seconds,
                server_settings={
                    "application_name": "timebank",
                    "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_TIMEOUT_SECONDS}s",
                    "timezone": "UTC",
                    UNREAD_LANGUAGES: "on" if unread_languages else "off",
                },
                init=_prepare_connection,
            )
            for min_size, max_size in ((1, pool_size), (0, BATCH_POOL_SIZE))
        ]
        return cls(*pools)

    async def close(self) -> None:
        """Answer whoever waits for the batcher, then close every connection; open transactions are rolled back."""
        await self.batcher.close()
        await self.batch_pool.close()
        await self.pool.close()

    @asynccontextmanager
    async def reading(self, timebank_id: int) -> AsyncIterator[Connection]:
        """A read-only transaction that sees one time bank."""
        async with self._transaction(is_read_only=True) as connection:
            await _set_tenant(connection, timebank_id)
            yield connection

    @asynccontextmanager
    async def snapshot(self, timebank_id: int) -> AsyncIterator[Connection]:
        """A read-only transaction that sees one time bank as it is at its first query, whatever is written meanwhile:
        for what is read in several queries and must agree.
        """
        async with self._transaction(is_read_only=True) as connection:
            await connection.execute("set transaction isolation level repeatable read")
            await _set_tenant(connection, timebank_id)
            yield connection

    @asynccontextmanager
    async def writing(self, timebank_id: int) -> AsyncIterator[Connection]:
        """A transaction that sees and changes one time bank. It commits at the end, or keeps nothing."""
        async with self._transaction() as connection:
            await _set_tenant(connection, timebank_id)
            yield connection

    @asynccontextmanager
    async def globally(self) -> AsyncIterator[Connection]:
        """A transaction without a tenant: web sessions, cards, links, tokens, and the list of time banks."""
        async with self._transaction() as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, *, is_read_only: bool = False) -> AsyncIterator[Connection]:
        transaction = SafeTransaction(ENGINE, allow_nested=False, pool=self.pool, is_read_only=is_read_only)
        async with transaction:
            yield transaction.connection


async def _run_notes(connection: Connection, _book_id: int, settled: Sequence[Settled]) -> None:
    for each in settled:
        if each.note is not None:
            await each.note(connection, each.result)


async def _prepare_connection(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )


async def _set_tenant(connection: Connection, timebank_id: int) -> None:
    await connection.execute("select set_config('ledger.book', $1, true)", str(timebank_id))


async def retrying(use_case: Callable[[], Awaitable[Result]]) -> Result:
    """Run a use case again after a lost race or a lost connection, at most :data:`MAX_ATTEMPTS` times in all.

    Harmless because every use case claims an idempotency key first.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return await use_case()
        except RETRYABLE:
            if attempt == MAX_ATTEMPTS:
                raise
            await asyncio.sleep(RETRY_PAUSE_SECONDS * attempt)
    raise AssertionError("unreachable")


def digest(content: object) -> bytes:
    """SHA-256 of a command in a canonical form: what tells a retry from a different request with the same key."""
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).digest()


async def claim(connection: Connection, timebank_id: int, scope: str, key: str, content: object) -> Any:
    """Claim an idempotency key inside the open transaction.

    ``scope`` is the use case and who calls it (``save_register:member/7``). Returns ``None`` when the key is new, and
    the remembered response when the same request was made before. A second request with the same key waits here until
    the first has ended.

    Raises:
        KeyReused: the same key came with different content.
    """
    claimed = await connection.fetchval(
        """
        insert into idempotency (timebank_id, scope, key, digest) values ($1, $2, $3, $4)
        on conflict do nothing returning true
        """,
        timebank_id,
        scope,
        key,
        digest(content),
    )
    return None if claimed else await recall(connection, timebank_id, scope, key, content)


async def recall(connection: Connection, timebank_id: int, scope: str, key: str, content: object) -> Any:
    """What a request made before was answered; ``None`` when there was none.

    Raises:
        KeyReused: the same key came with different content.
    """
    row = await connection.fetchrow(
        "select digest, response from idempotency where timebank_id = $1 and scope = $2 and key = $3",
        timebank_id,
        scope,
        key,
    )
    if row is None:
        return None
    if row["digest"] != digest(content):
        raise KeyReused(scope)
    return row["response"]


async def remember(connection: Connection, timebank_id: int, scope: str, key: str, response: object) -> None:
    """Keep what the use case answered, so that a retry gets the same answer."""
    await connection.execute(
        "update idempotency set response = $4 where timebank_id = $1 and scope = $2 and key = $3",
        timebank_id,
        scope,
        key,
        response,
    )


async def offers_unread_languages(connection: Connection) -> bool:
    """True when members may be written to in languages that no native speaker has read yet (see ``Database.open``)."""
    return bool(await connection.fetchval("select current_setting($1, true) = 'on'", UNREAD_LANGUAGES))


async def once(
    db: Database,
    actor: Actor,
    use_case: str,
    key: str,
    command: object,
    answer: type[Result],
    work: Callable[[Connection], Awaitable[Result]],
) -> Result | list[Refusal]:
    """Do a use case once for each key: in one transaction, again after a lost race, with its answer remembered.

    ``use_case`` names it, ``command`` is what was asked, ``answer`` the type of what ``work`` returns (never None).
    Refusals: those of a :class:`Rollback` that ``work`` raises; then nothing is kept, not even the key.

    Raises:
        KeyReused: the same key came with different content.
    """
    scope = f"{use_case}:{actor.name}"

    async def attempt() -> Result:
        async with db.writing(actor.timebank_id) as connection:
            before = await claim(connection, actor.timebank_id, scope, key, command)
            if before is not None:
                return msgspec.convert(before, answer)
            done = await work(connection)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(done))
            return done

    try:
        return await retrying(attempt)
    except Rollback as rollback:
        return rollback.refusals
