"""A number flipped by hand is found, and the proof names the account."""

import asyncpg
import pytest

import ledger
from tests.integration.ledger.support import Book, capture, move, owning, reverse, set_aside

GUARDED = ("entry", "posting", "balance", "hold", "hold_event", "request", "refusal", "entry_link", "account_event")

MEMBER = "(select id from ledger.account where book_id = $1 and code = 'member/1')"
LAST = f"(select max(seq) from ledger.posting where book_id = $1 and account_id = {MEMBER})"

FLIPS = [
    ("I1", "update ledger.entry set amounts[2] = amounts[2] + 100 where book_id = $1"),
    ("I1", "update ledger.entry set unit_id = unit_id + 1 where book_id = $1"),
    ("I2", f"update ledger.balance set posted = posted + 1 where book_id = $1 and account_id = {MEMBER}"),
    ("I2", f"delete from ledger.balance where book_id = $1 and account_id = {MEMBER}"),
    ("I3", f"update ledger.posting set balance_after = 7 where book_id = $1 and account_id = {MEMBER} and seq = 1"),
    ("I3", f"update ledger.posting set seq = seq + 5 where book_id = $1 and account_id = {MEMBER} and seq = {LAST}"),
    ("I3", f"update ledger.balance set seq = seq + 1 where book_id = $1 and account_id = {MEMBER}"),
    ("I4", f"update ledger.balance set posted = posted - 3 where book_id = $1 and account_id = {MEMBER}"),
    ("I5", f"update ledger.posting set amount = amount + 1 where book_id = $1 and account_id = {MEMBER} and seq = 1"),
    ("I5", f"update ledger.posting set effective_on = 'yesterday' where book_id = $1 and account_id = {MEMBER}"),
    ("I5", f"delete from ledger.posting where book_id = $1 and account_id = {MEMBER} and seq = {LAST}"),
    ("I5", "delete from ledger.entry where book_id = $1"),
    ("I6", f"update ledger.balance set held_out = held_out + 1 where book_id = $1 and account_id = {MEMBER}"),
    ("I6", "update ledger.hold set state = 'voided' where book_id = $1 and state = 'open'"),
    ("I7", f"update ledger.balance set floor = 5000 where book_id = $1 and account_id = {MEMBER}"),
    ("I7", f"update ledger.account_event set floor = 60 where book_id = $1 and account_id = {MEMBER}"),
    (
        "I9",
        """
        update ledger.entry set amounts = array[-1, 1]
        where book_id = $1 and id in (select entry_id from ledger.entry_link)
        """,
    ),
    ("I10", "delete from ledger.request where book_id = $1"),
    (
        "I10",
        """
        insert into ledger.refusal
        select book_id, key, 'insufficient', null, now() from ledger.request where book_id = $1 on conflict do nothing
        """,
    ),
]


async def fill(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    held, ended = set_aside("member/1", "member/2", 10), set_aside("member/1", "member/2", 5)
    await book.do(ledger.post_batch, [held, ended])
    await book.do(ledger.post, capture(ended.hold_id))
    undone = await book.do(ledger.post, move("member/1", "member/2", 1))
    await book.do(ledger.post_batch, [reverse(undone.entry_id), move("member/2", "member/1", 9_999)], atomic=False)


async def test_all_holds_before_anyone_meddles(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []


@pytest.mark.parametrize(("invariant", "flip"), FLIPS)
async def test_a_flipped_number_is_found_and_its_account_named(book: Book, invariant: str, flip: str) -> None:
    await fill(book)
    async with owning(book.server) as owner:
        # The owner switches the guards off, as a thief with the owner's rights would; rolled back at the end.
        cheating = owner.transaction()
        await cheating.start()
        for table in GUARDED:
            await owner.execute(f"alter table ledger.{table} disable trigger user")
        await owner.execute("alter table ledger.entry drop constraint entry_is_balanced")
        await owner.execute(flip, book.book_id)
        findings = [finding for finding in await ledger.prove(owner) if finding.book_id == book.book_id]
        await cheating.rollback()

    named = [finding for finding in findings if finding.invariant == invariant]
    assert named, f"{invariant} did not notice; found {findings}"
    if invariant != "I10":
        assert "member/1" in {finding.account for finding in named} or "issued" in {
            finding.account for finding in named
        }
    assert all(finding.message for finding in named)


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
