"""Proving the ledger: runs every check of :mod:`ledger.checks` in one consistent snapshot.

A full proof reads everything. An incremental one (``since_last``) reads of postings and entries only what was posted
since the last remembered proof, and of everything else (balances, limits, holds, keys) all: it finds whatever is wrong
with what was posted since. A change of *older* rows is found only by a full proof or by the seals.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg

from ledger.checks import CHECKS, Check, Scope
from ledger.errors import CannotSeeAll
from ledger.model import Finding

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

MAX_FINDINGS = 100
"""Findings per check: one flipped number makes few, a lost table would make millions."""
WORK_MEMORY = "64MB"
"""What PostgreSQL may use for one sort or hash of a proof; beyond that it uses the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDone:
    """Progress: a check is finished. ``findings`` counts what it found."""

    invariant: str
    proves: str
    findings: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRead:
    """How much of a book a proof has read."""

    book_id: int
    code: str
    accounts: int
    entries: int
    postings: int
    holds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a proof says. ``snapshot`` is PostgreSQL's name of the state that was read.

    ``notes`` are facts worth knowing that break no invariant.
    """

    taken_at: datetime
    snapshot: str
    since_last: bool
    books: tuple[BookRead, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every invariant holds."""
        return not self.findings


async def prove(connection: Connection, *, book_id: int | None = None, since_last: bool = False) -> list[Finding]:
    """Check every invariant of every book (or of one), in one snapshot; an empty list means that all of them hold.

    Needs the ledger's owner or another role that sees all rows; raises CannotSeeAll otherwise, because a proof that
    cannot see would find nothing wrong. At most 100 findings per check. Opens its own transaction; within one of the
    caller's, the snapshot is only as good as that transaction's isolation. :func:`make_report` tells more.
    """
    return list((await make_report(connection, book_id=book_id, since_last=since_last)).findings)


async def make_report(
    connection: Connection,
    *,
    book_id: int | None = None,
    since_last: bool = False,
    remember: bool = False,
    with_seals: bool = False,
    with_replay: bool = False,
    progress: Callable[[CheckDone], None] = lambda done: None,
) -> Report:
    """Prove, and say what was read. See :func:`prove` for what it needs and raises.

    ``since_last`` reads only postings made since the last proof that was remembered. ``remember`` writes down how far
    the accounts of every book without a finding have been proved; without it nothing is written. ``with_seals`` checks
    the seals too, ``with_replay`` posts all entries again into the reference ledger (slow). ``progress`` is called
    after each check.
    """
    proof = _Proof(connection, Scope(book_id, since_last), progress)
    if connection.is_in_transaction():
        return await proof.run(remember=remember, with_seals=with_seals, with_replay=with_replay)
    async with connection.transaction(isolation="repeatable_read", readonly=not remember):
        await connection.execute(f"set local work_mem = '{WORK_MEMORY}'")
        await connection.execute("set local jit = off")
        return await proof.run(remember=remember, with_seals=with_seals, with_replay=with_replay)


class _Proof:
    """One proof on its way."""

    def __init__(self, connection: Connection, scope: Scope, progress: Callable[[CheckDone], None]) -> None:
        self.connection = connection
        self.scope = scope
        self.progress = progress
        self.findings: list[Finding] = []
        self.notes: list[str] = []

    async def run(self, *, remember: bool, with_seals: bool, with_replay: bool) -> Report:
        if await self.connection.fetchval("select row_security_active('ledger.balance')"):
            raise CannotSeeAll("a proof must see every book: connect as the ledger's owner")
        # The first statement of the transaction takes the snapshot; all that follows reads the same state.
        taken_at, snapshot = await self.connection.fetchrow("select now(), pg_current_snapshot()::text")
        for check in CHECKS:
            if not (self.scope.since_last and check.sees_old_rows):
                await self._make(check.invariant, check.proves, partial(self._findings, check))
        if with_seals:
            await self._make("I18", "nothing under a seal was changed, removed or slipped in", self._broken_seals)
        if with_replay:
            await self._make("I22", "posting all entries again gives the same balances", self._replayed)
        await self._note_clock_lags()
        books = tuple(BookRead(**row) for row in await self._fetch(READ))
        if remember:
            await self._remember()
        return Report(
            taken_at=taken_at,
            snapshot=snapshot,
            since_last=self.scope.since_last,
            books=books,
            findings=tuple(self.findings),
            notes=tuple(self.notes),
        )

    async def _make(self, invariant: str, proves: str, find: Callable[[], Awaitable[Sequence[Finding]]]) -> None:
        began = time.monotonic()
        found = await find()
        self.findings += found
        if len(found) >= MAX_FINDINGS:
            self.notes.append(f"{invariant} may have more findings than the {MAX_FINDINGS} that are listed")
        self.progress(
            CheckDone(invariant=invariant, proves=proves, findings=len(found), seconds=time.monotonic() - began)
        )

    async def _findings(self, check: Check) -> list[Finding]:
        query = f"select * from ({check.query}) f order by 1, 2, 3 limit {MAX_FINDINGS}"  # noqa: S608
        return [Finding(invariant=check.invariant, **row) for row in await self._fetch(query)]

    async def _broken_seals(self) -> Sequence[Finding]:
        from ledger.sealing import prove_seals

        found: Sequence[Finding] = await prove_seals(self.connection, book_id=self.scope.book_id)
        return found

    async def _replayed(self) -> Sequence[Finding]:
        from ledger.replay import replay

        return await replay(self.connection, book_id=self.scope.book_id)

    async def _note_clock_lags(self) -> None:
        lags = await self.connection.fetchval(CLOCK_LAGS)
        if lags:
            self.notes.append(f"{lags} batches were turned away because the server's clock had gone back (I14)")

    async def _remember(self) -> None:
        if await self.connection.fetchval("show transaction_isolation") not in ("repeatable read", "serializable"):
            self.notes.append("nothing was remembered, because the transaction did not read one snapshot")
            return
        wrong = {finding.book_id for finding in self.findings}
        if None in wrong:
            self.notes.append("nothing was remembered, because of findings that concern every book")
            return
        if wrong:
            self.notes.append("books with findings were not remembered")
        statement = self.scope.of(REMEMBER).replace("$wrong", f"${len(self.scope.parameters) + 1}")
        left_out = [book for book in wrong if book is not None]
        try:
            async with self.connection.transaction():
                await self.connection.execute(statement, *self.scope.parameters, left_out)
        except asyncpg.SerializationError:
            self.notes.append("nothing was remembered, because another proof did so meanwhile")

    async def _fetch(self, query: str) -> list[Any]:
        filled = self.scope.of(query)
        # The catalogue has no books: a query of it takes no parameter.
        rows: list[Any] = await self.connection.fetch(filled, *(self.scope.parameters if "$1" in filled else ()))
        return rows


CLOCK_LAGS = "select case when is_called then last_value else 0 end from ledger.clock_lags"

READ = """
select b.id as book_id, b.code, coalesce(a.n, 0) as accounts, coalesce(e.n, 0) as entries,
       coalesce(p.n, 0) as postings, coalesce(h.n, 0) as holds
from {book} b
left join (select book_id, count(*) as n from {account} a group by book_id) a on a.book_id = b.id
left join (select book_id, count(*) as n from {entry} e group by book_id) e on e.book_id = b.id
left join (select book_id, count(*) as n from {posting} p group by book_id) p on p.book_id = b.id
left join (select book_id, count(*) as n from {hold} h group by book_id) h on h.book_id = b.id
order by b.id
"""

REMEMBER = """
insert into ledger.proved (book_id, account_id, seq, balance_after, last_at)
select book_id, account_id, seq, posted, last_at from {balance} b
where seq > 0 and book_id <> all ($wrong::bigint[])
on conflict do nothing
"""
