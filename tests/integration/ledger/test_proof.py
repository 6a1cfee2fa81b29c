"""A number flipped by hand is found, and the proof names the account; a proof amid posting finds nothing."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import pytest

import ledger
from ledger.checks import CHECKS
from ledger.proof import CheckDone
from tests.integration.ledger.support import Book, capture, fresh_book, move, owning, reverse, set_aside, void

GUARDED = (
    "account_event",
    "balance",
    "book",
    "entry",
    "entry_link",
    "hold",
    "hold_event",
    "period_closing",
    "posting",
    "proved",
    "refusal",
    "request",
)

MEMBER = "(select id from ledger.account where book_id = $1 and code = 'member/1')"
BANK = "(select id from ledger.account where book_id = $1 and code = 'bank')"
OF_MEMBER = f"book_id = $1 and account_id = {MEMBER}"
LAST = f"(select max(seq) from ledger.posting where {OF_MEMBER})"
NOTHING_DONE = ("UPDATE 0", "DELETE 0", "INSERT 0 0")
FIRST = f"(select coalesce(max(seq), 0) + 1 from ledger.proved where {OF_MEMBER})"
"""The first posting since the last proof."""

# Each is found by a full proof, and by an incremental one among what was posted since.
FLIPS = [
    ("I1", "update ledger.entry set amounts[2] = amounts[2] + 100 where book_id = $1"),
    ("I1", "update ledger.entry set amounts = amounts[1:1] where book_id = $1"),
    ("I1", "update ledger.entry set accounts[2] = accounts[1] where book_id = $1"),
    ("I1", "update ledger.entry set unit_id = unit_id + 1 where book_id = $1"),
    ("I2", f"update ledger.balance set posted = posted + 1 where {OF_MEMBER}"),
    ("I2", f"delete from ledger.balance where {OF_MEMBER}"),
    ("I3", f"update ledger.posting set balance_after = 7 where {OF_MEMBER} and seq = {FIRST}"),
    ("I3", f"update ledger.posting set seq = seq + 5 where {OF_MEMBER} and seq = {LAST}"),
    ("I3", f"update ledger.balance set seq = seq + 1 where {OF_MEMBER}"),
    ("I4", f"update ledger.balance set posted = posted - 3 where {OF_MEMBER}"),
    ("I5", f"update ledger.posting set amount = amount + 1 where {OF_MEMBER} and seq = {FIRST}"),
    ("I5", f"update ledger.posting set effective_on = 'yesterday' where {OF_MEMBER}"),
    ("I5", f"update ledger.posting set entry_id = gen_random_uuid() where {OF_MEMBER}"),
    ("I5", f"delete from ledger.posting where {OF_MEMBER} and seq = {LAST}"),
    ("I5", "update ledger.entry set recorded_at = recorded_at - interval '1 second' where book_id = $1"),
    ("I5", "delete from ledger.entry where book_id = $1"),
    ("I6", f"update ledger.balance set held_out = held_out + 1 where {OF_MEMBER}"),
    ("I6", f"update ledger.balance set held_in = held_in + 1 where {OF_MEMBER}"),
    ("I6", "update ledger.hold set state = 'voided' where book_id = $1 and state = 'open'"),
    ("I7", f"update ledger.balance set floor = 5000 where {OF_MEMBER}"),
    ("I7", f"update ledger.account_event set floor = 60 where {OF_MEMBER}"),
    ("I7", f"update ledger.account_event set ceiling = 1 where {OF_MEMBER}"),
    (
        "I7",  # the past alone: a floor that was broken and lowered later
        f"""
        with lowered as (
            insert into ledger.account_event
            select book_id, account_id, 2, {LAST}, floor, ceiling, status, actor, reason, recorded_at
            from ledger.account_event where {OF_MEMBER}
        )
        update ledger.account_event set floor = 5000 where {OF_MEMBER}
        """,
    ),
    ("I7", f"update ledger.balance set posted = -1, floor = 0 where {OF_MEMBER}"),
    ("I7", f"update ledger.balance set status = 'frozen' where {OF_MEMBER}"),
    ("I8", "update ledger.hold set state = 'voided', captured = 0 where book_id = $1"),
    ("I8", "update ledger.hold set captured = captured - 1 where book_id = $1 and captured > 1"),
    ("I8", "update ledger.hold set amount = amount + 1 where book_id = $1"),
    ("I8", "delete from ledger.hold_event where book_id = $1 and event = 'placed'"),
    (
        "I8",
        """
        insert into ledger.hold_event (book_id, hold_id, n, event, amount, actor, reference, recorded_at)
        select book_id, hold_id, n + 1, 'voided', amount, 'thief', '', recorded_at
        from ledger.hold_event where book_id = $1 and n = 2
        """,
    ),
    ("I8", "update ledger.hold_event set entry_id = gen_random_uuid() where book_id = $1 and event = 'captured'"),
    (
        "I8",
        """
        with less as (update ledger.hold set captured = captured - 1 where book_id = $1 and captured > 1 returning id)
        update ledger.hold_event set amount = amount - 1
        where book_id = $1 and event = 'captured' and hold_id in (select id from less)
        """,
    ),
    (
        "I9",
        """
        update ledger.entry set amounts = array[-1, 1]
        where book_id = $1 and id in (select entry_id from ledger.entry_link)
        """,
    ),
    (
        "I14",
        f"update ledger.posting set recorded_at = recorded_at + interval '1 day' where {OF_MEMBER} and seq = {FIRST}",
    ),
    ("I14", f"update ledger.posting set recorded_at = '2000-01-01' where {OF_MEMBER} and seq = {LAST}"),
    ("I14", f"update ledger.balance set last_at = '2000-01-01' where {OF_MEMBER}"),
    ("I16", "insert into ledger.period_closing values ($1, '2026-12-31', '2026-01-01')"),
    ("I21", f"update ledger.hold set to_account = {BANK} where book_id = $1"),
]

# These name a key, an entry or the book, or another account.
FLIPS_WITHOUT_ACCOUNT = [
    ("I2", f"delete from ledger.balance where book_id = $1 and account_id = {BANK}"),
    ("I7", "insert into ledger.forced values ($1, gen_random_uuid(), 'somebody', 'for no entry')"),
    ("I8", "delete from ledger.hold where book_id = $1"),
    ("I9", "delete from ledger.entry_link where book_id = $1"),
    ("I10", "delete from ledger.request where book_id = $1"),
    ("I10", "delete from ledger.request where book_id = $1 and operation = 'v'"),
    ("I10", "delete from ledger.request where book_id = $1 and operation = 'r'"),
    (
        "I10",
        "delete from ledger.request where book_id = $1 and key in (select key from ledger.refusal)",
    ),
    (
        "I10",
        """
        insert into ledger.refusal
        select book_id, key, 'insufficient', null, now() from ledger.request where book_id = $1 on conflict do nothing
        """,
    ),
    (
        "I10",
        """
        insert into ledger.request
        select book_id, made, digest, operation, key || '/again' from ledger.request where book_id = $1
        """,
    ),
    *(
        (
            "I10",
            f"update ledger.request set digest = made where book_id = $1 and operation = '{operation}'",
        )
        for operation in "phcvr"
    ),
    ("I10", "update ledger.entry set reference = 'forged' where book_id = $1"),
    ("I10", "update ledger.request set made = gen_random_uuid() where book_id = $1 and operation = 'h'"),
    ("I16", "update ledger.book set closed_through = '2020-01-01' where id = $1"),
    ("I21", "update ledger.entry set accounts[1] = -1 where book_id = $1"),
    ("I21", "insert into ledger.balance (book_id, account_id) values ($1, -1)"),
]

# Found by a full proof only: nothing but a look at every row leads there.
FLIPS_FOR_FULL = [
    *(
        ("I10", f"insert into ledger.request values ($1, gen_random_uuid(), gen_random_uuid(), '{operation}', 'stray')")
        for operation in "phcvr"
    ),
    ("I21", f"update ledger.posting set account_id = -1 where {OF_MEMBER} and seq = {LAST}"),
    (
        "I5",
        """
        insert into ledger.entry
        select book_id, gen_random_uuid(), recorded_at, effective_on, unit_id, accounts, amounts, seqs, kind, actor,
               reference, meta
        from ledger.entry where book_id = $1
        """,
    ),
]


async def fill(book: Book) -> None:
    """Entries and holds of every kind, in all states, and a refusal."""
    await book.do(ledger.post, move("issued", "member/1", 60))
    open_one, captured, voided = (set_aside("member/1", "member/2", amount) for amount in (10, 5, 4))
    await book.do(ledger.post_batch, [open_one, captured, voided])
    await book.do(ledger.post_batch, [capture(captured.hold_id, amount=3), void(voided.hold_id)])
    undone = await book.do(ledger.post, move("member/1", "member/2", 1))
    await book.do(ledger.post_batch, [reverse(undone.entry_id), move("member/2", "member/1", 9_999)], atomic=False)


@asynccontextmanager
async def undone(connection: Any) -> AsyncIterator[None]:
    """A transaction, or a part of one, that is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    yield
    await transaction.rollback()


@asynccontextmanager
async def cheating(book: Book) -> AsyncIterator[Any]:
    """The owner with the guards switched off, as a thief with the owner's rights would; undone at the end."""
    async with owning(book.server) as owner, undone(owner):
        for table in GUARDED:
            await owner.execute(f"alter table ledger.{table} disable trigger user")
        await owner.execute("alter table ledger.entry drop constraint entry_is_balanced")
        await owner.execute("alter table ledger.hold_event drop constraint hold_event_book_id_hold_id_fkey")
        await owner.execute("alter table ledger.balance drop constraint balance_book_id_account_id_fkey")
        await owner.execute("alter table ledger.forced drop constraint forced_book_id_entry_id_fkey")
        yield owner


async def remember(book: Book) -> ledger.Report:
    async with owning(book.server) as owner:
        return await ledger.make_report(owner, book_id=book.book_id, remember=True)


async def test_all_holds_before_anyone_meddles(book: Book) -> None:
    await fill(book)
    await book.do(ledger.close_period, date(2026, 2, 28))
    async with owning(book.server) as owner:
        report = await ledger.make_report(owner, book_id=book.book_id, with_replay=True)
    assert report.findings == ()
    assert report.holds
    (read,) = report.books
    assert (read.entries, read.postings, read.holds) == (4, 8, 3)


@pytest.mark.parametrize("invariant", sorted({invariant for invariant, _ in FLIPS + FLIPS_WITHOUT_ACCOUNT}))
async def test_a_flipped_number_is_found_and_its_account_named(book: Book, invariant: str) -> None:
    await fill(book)
    assert (await remember(book)).holds
    await fill(book)
    async with cheating(book) as owner:
        for flip in (flip for name, flip in FLIPS + FLIPS_WITHOUT_ACCOUNT if name == invariant):
            async with undone(owner):
                assert await owner.execute(flip, book.book_id) not in NOTHING_DONE, flip
                for since_last in (False, True):
                    findings = await ledger.prove(owner, book_id=book.book_id, since_last=since_last)
                    named = [
                        found for found in findings if (found.invariant, found.book_id) == (invariant, book.book_id)
                    ]
                    assert named, f"{invariant} did not notice (since last: {since_last}): {flip}; found {findings}"
                    assert all(finding.message for finding in named)
                    if (invariant, flip) in FLIPS:
                        assert {finding.account for finding in named} & {"member/1", "issued"}, flip


async def test_what_only_a_full_proof_looks_for(book: Book) -> None:
    await fill(book)
    async with cheating(book) as owner:
        for invariant, flip in FLIPS_FOR_FULL:
            async with undone(owner):
                assert await owner.execute(flip, book.book_id) not in NOTHING_DONE
                findings = await ledger.prove(owner, book_id=book.book_id)
                assert invariant in {finding.invariant for finding in findings if finding.book_id == book.book_id}


NO_GUARD = """
create or replace function ledger.guard_immutable() returns trigger language plpgsql as 'begin return null; end'
"""
GUARD_FLIPS = [
    ("I13", "posting", "alter table ledger.posting disable trigger immutable"),
    ("I13", "request", "drop trigger immutable on ledger.request"),
    ("I13", "balance", "drop trigger moves_on on ledger.balance"),
    ("I13", "hold", "alter table ledger.hold disable trigger ends_once"),
    ("I13", "posting", "alter table ledger.posting disable trigger postings_balance"),
    ("I13", "entry", "alter table ledger.entry drop constraint entry_is_balanced"),
    ("I13", "guard_immutable", NO_GUARD),
    ("I13", "entry", "grant insert on ledger.entry to timebank_app"),
    ("I13", "balance.posted", "grant update (posted) on ledger.balance to timebank_app"),
    ("I13", "entry", "grant truncate on ledger.entry to public"),
    ("I13", "open_book", "grant execute on function ledger.open_book to public"),
    ("I21", "hold", "alter table ledger.hold disable row level security"),
    ("I21", "posting", "create policy all_books on ledger.posting using (true)"),
    ("I21", "refusal", "alter table ledger.refusal drop constraint refusal_pkey, add primary key (key, book_id)"),
]


async def test_a_missing_guard_is_found(book: Book) -> None:
    async with owning(book.server) as owner, undone(owner):
        for invariant, name, flip in GUARD_FLIPS:
            async with undone(owner):
                await owner.execute(flip)
                findings = await ledger.prove(owner, book_id=book.book_id)
                assert [(finding.invariant, finding.book_id) for finding in findings] == [(invariant, None)], flip
                assert f"ledger.{name}" in findings[0].message
        assert await ledger.prove(owner, book_id=book.book_id) == []


@pytest.mark.parametrize("column", ["posted", "seq"])
async def test_replaying_notices_a_balance_that_no_entry_explains(book: Book, column: str) -> None:
    await fill(book)
    async with cheating(book) as owner:
        await owner.execute(f"update ledger.balance set {column} = {column} + 1 where {OF_MEMBER}", book.book_id)
        report = await ledger.make_report(owner, book_id=book.book_id, with_replay=True)
    (finding,) = (finding for finding in report.findings if finding.invariant == "I22")
    assert finding.account == "member/1"


@pytest.mark.parametrize("change", ["amounts[1] = 0", "accounts[1] = -1", "unit_id = unit_id + 1"])
async def test_an_entry_that_cannot_be_posted_again_is_named(book: Book, change: str) -> None:
    await fill(book)
    async with cheating(book) as owner:
        await owner.execute(f"update ledger.entry set {change} where book_id = $1", book.book_id)
        report = await ledger.make_report(owner, book_id=book.book_id, with_replay=True)
    assert sum("cannot be posted again" in finding.message for finding in report.findings) == 4


async def test_the_seals_are_proved_when_asked_for(book: Book) -> None:
    await fill(book)
    done: list[CheckDone] = []
    async with owning(book.server) as owner:
        report = await ledger.make_report(owner, book_id=book.book_id, with_seals=True, progress=done.append)
    assert report.holds
    assert [check.invariant for check in done] == [*(check.invariant for check in CHECKS), "I18"]


async def test_an_incremental_proof_reads_what_was_posted_since(book: Book) -> None:
    await fill(book)
    assert (await remember(book)).holds
    async with owning(book.server) as owner:
        (read,) = (await ledger.make_report(owner, book_id=book.book_id, since_last=True)).books
        assert (read.entries, read.postings) == (0, 0)
        await book.do(ledger.post, move("issued", "member/3", 5))
        (read,) = (await ledger.make_report(owner, book_id=book.book_id, since_last=True)).books
        assert (read.entries, read.postings) == (1, 2)
        assert (await remember(book)).holds
        (read,) = (await ledger.make_report(owner, book_id=book.book_id, since_last=True)).books
        assert (read.entries, read.postings) == (0, 0)


async def test_a_change_of_older_rows_is_for_the_full_proof(book: Book) -> None:
    """The price of an incremental proof; the documentation says so."""
    await fill(book)
    assert (await remember(book)).holds
    async with cheating(book) as owner:
        await owner.execute(f"update ledger.posting set amount = 1 where {OF_MEMBER} and seq = 1", book.book_id)
        recent = await ledger.prove(owner, book_id=book.book_id, since_last=True)
        everything = await ledger.prove(owner, book_id=book.book_id)
    assert [finding for finding in recent if finding.book_id is not None] == []
    assert {"I2", "I3", "I5"} <= {finding.invariant for finding in everything}


async def test_a_last_proved_posting_that_changed_is_noticed_all_the_same(book: Book) -> None:
    await fill(book)
    assert (await remember(book)).holds
    async with cheating(book) as owner:
        await owner.execute(
            f"update ledger.posting set balance_after = balance_after + 1 where {OF_MEMBER} and seq = {LAST}",
            book.book_id,
        )
        findings = await ledger.prove(owner, book_id=book.book_id, since_last=True)
    assert ("I3", "member/1") in {(finding.invariant, finding.account) for finding in findings}


def notes_of(report: ledger.Report) -> list[str]:
    """The notes but for that on the clock, which counts for the whole database: other tests make it lag."""
    return [note for note in report.notes if "clock" not in note]


async def test_a_book_with_a_finding_is_not_remembered(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner:
        heads = "select count(*) from ledger.proved where book_id = $1"
        await owner.execute(f"update ledger.balance set floor = 5000 where {OF_MEMBER}", book.book_id)
        report = await remember(book)
        assert not report.holds
        assert notes_of(report) == ["books with findings were not remembered"]
        assert await owner.fetchval(heads, book.book_id) == 0
        await owner.execute(f"update ledger.balance set floor = 0 where {OF_MEMBER}", book.book_id)
        assert (await remember(book)).holds
        assert await owner.fetchval(heads, book.book_id) == 3
        assert (await remember(book)).holds
        assert await owner.fetchval(heads, book.book_id) == 3


async def test_all_of_a_proof_reads_one_snapshot(book: Book) -> None:
    """What is posted between two checks is neither counted nor remembered as proved."""
    await fill(book)

    async def post() -> None:
        async with fresh_connection(book) as connection, book.writing(connection):
            await ledger.post(connection, book.book_id, move("issued", "member/1", 1))

    def post_meanwhile(_done: CheckDone) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, post()).result()

    async with owning(book.server) as owner:
        report = await ledger.make_report(
            owner, book_id=book.book_id, remember=True, with_replay=True, progress=post_meanwhile
        )
        assert report.findings == ()
        (read,) = report.books
        assert read.entries == 4
        (read,) = (await ledger.make_report(owner, book_id=book.book_id, since_last=True)).books
        assert read.entries == len(CHECKS) + 1


async def test_without_one_snapshot_nothing_is_remembered(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner, owner.transaction(isolation="read_committed"):
        report = await ledger.make_report(owner, book_id=book.book_id, remember=True)
        assert notes_of(report) == ["nothing was remembered, because the transaction did not read one snapshot"]
        assert await owner.fetchval("select count(*) from ledger.proved where book_id = $1", book.book_id) == 0


async def test_two_proofs_that_remember_at_once(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner, owner.transaction(isolation="repeatable_read"):
        await owner.fetchval("select 1")
        assert notes_of(await remember(book)) == []
        late = await ledger.make_report(owner, book_id=book.book_id, remember=True)
    assert late.holds
    assert notes_of(late) == ["nothing was remembered, because another proof did so meanwhile"]


async def test_a_proof_needs_no_right_to_write(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner:
        await owner.execute("set default_transaction_read_only = on")
        assert await ledger.prove(owner, book_id=book.book_id) == []
        assert await ledger.prove(owner, book_id=book.book_id, since_last=True) == []


async def test_closings_are_noted_and_late_entries_would_show(book: Book) -> None:
    await fill(book)
    await book.do(ledger.close_period, date(2026, 1, 31))
    await book.do(ledger.close_period, date(2026, 3, 31))
    await book.do(ledger.post, move("issued", "member/1", 1, effective_on=date(2026, 4, 1)))
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []
    async with cheating(book) as owner:
        await owner.execute("update ledger.entry set effective_on = '2026-03-31' where book_id = $1", book.book_id)
        findings = await ledger.prove(owner, book_id=book.book_id)
    assert len([finding for finding in findings if finding.invariant == "I16"]) == 1


async def test_a_proof_while_others_post_finds_nothing(book: Book) -> None:
    """Full and incremental proofs that remember, amid posts, holds and their ends on a few accounts."""
    is_over = asyncio.Event()

    async def post() -> None:
        async with fresh_connection(book) as connection:
            for _ in range(25):
                hold = set_aside("issued", "member/2", 2)
                await own(connection, [move("issued", "member/1", 3), move("member/1", "member/2", 1), hold])
                await own(connection, [capture(hold.hold_id, amount=1), move("member/2", "member/3", 1)])

    async def own(connection: Any, items: list[ledger.Item]) -> None:
        async with book.writing(connection):
            await ledger.post_batch(connection, book.book_id, items)

    async def keep_proving() -> int:
        proofs = 0
        async with owning(book.server) as owner:
            while not is_over.is_set() or proofs < 4:
                report = await ledger.make_report(
                    owner, book_id=book.book_id, since_last=proofs % 2 == 0, remember=proofs % 3 == 0
                )
                assert report.findings == ()
                proofs += 1
        return proofs

    proving = asyncio.create_task(keep_proving())
    await asyncio.gather(*(post() for _ in range(4)))
    is_over.set()
    assert await proving >= 4
    async with owning(book.server) as owner:
        (read,) = (await ledger.make_report(owner, book_id=book.book_id)).books
    assert read.entries == 4 * 25 * 4


@asynccontextmanager
async def fresh_connection(book: Book) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(book.server.app_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_one_book_is_proved_alone(book: Book) -> None:
    await fill(book)
    async with fresh_book(book.server) as other, cheating(book) as owner:
        await owner.execute(f"update ledger.balance set posted = posted + 1 where {OF_MEMBER}", book.book_id)
        findings = await ledger.prove(owner, book_id=other.book_id)
        assert [finding for finding in findings if finding.book_id is not None] == []
        findings = await ledger.prove(owner)
        assert {finding.book_id for finding in findings} == {None, book.book_id}


async def test_a_proof_that_cannot_see_everything_refuses_to_speak(book: Book) -> None:
    with pytest.raises(ledger.CannotSeeAll):
        await ledger.prove(book.connection)


async def test_the_whole_database_holds(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner:
        assert await ledger.prove(owner) == []
        assert not owner.is_in_transaction()
        with pytest.raises(asyncpg.PostgresError):
            await owner.execute("update ledger.posting set amount = amount")
