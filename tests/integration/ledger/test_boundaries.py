"""The last amount, moment and number that is accepted, and the first that is not; and what a refusal leaves behind."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

import ledger
from ledger import Leg, Post, Posted, Refused
from ledger.model import MAX_AMOUNT
from tests.integration.ledger.support import (
    DAY,
    EXPIRES,
    Book,
    Server,
    capture,
    codes,
    fresh_book,
    move,
    owning,
    reverse,
    set_aside,
    void,
)


@pytest.fixture
async def other(server: Server) -> AsyncIterator[Book]:
    async with fresh_book(server) as opened:
        yield opened


async def open_accounts(book: Book, *accounts: str) -> None:
    async with book.writing() as connection:
        for code in accounts:
            await ledger.open_account(
                connection, book.book_id, code=code, unit="MIN", account_class="system", name=code, floor=None
            )


async def held(book: Book, account: str) -> tuple[int, int, int]:
    there = await book.do(ledger.balance, account)
    return there.posted, there.held_out, there.held_in


async def prove(book: Book) -> None:
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []


async def test_a_floor_may_be_reached_and_what_is_held_counts(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    await book.do(ledger.post, set_aside("member/1", "member/2", 20))
    assert codes([await book.do(ledger.post, move("member/1", "member/2", 41))]) == ["insufficient"]
    assert codes([await book.do(ledger.post, set_aside("member/1", "member/2", 41))]) == ["insufficient"]
    assert codes([await book.do(ledger.post, move("member/1", "member/2", 15))]) == ["posted"]
    assert codes([await book.do(ledger.post, set_aside("member/1", "member/2", 25))]) == ["held"]
    assert (await book.do(ledger.balance, "member/1")).available == 0


async def test_a_ceiling_may_be_reached_and_what_is_held_counts(book: Book) -> None:
    await book.do(ledger.post, set_aside("issued", "capped", 40))
    assert codes([await book.do(ledger.post, move("issued", "capped", 61))]) == ["ceiling"]
    assert codes([await book.do(ledger.post, set_aside("issued", "capped", 61))]) == ["ceiling"]
    assert codes([await book.do(ledger.post, move("issued", "capped", 35))]) == ["posted"]
    assert codes([await book.do(ledger.post, set_aside("issued", "capped", 25))]) == ["held"]


async def test_an_account_beyond_a_limit_may_do_what_does_not_take_it_further(book: Book) -> None:
    await book.do(ledger.post_batch, [move("issued", "member/1", 10), move("issued", "capped", 50)])
    await book.do(ledger.set_limits, "member/1", floor=30, actor="tester")
    await book.do(ledger.set_limits, "capped", floor=0, ceiling=20, actor="tester")

    # Below its floor: it may receive, and have something set aside for it.
    assert codes([await book.do(ledger.post, move("issued", "member/1", 1))]) == ["posted"]
    assert codes([await book.do(ledger.post, set_aside("issued", "member/1", 1))]) == ["held"]
    assert codes([await book.do(ledger.post, move("member/1", "issued", 1))]) == ["insufficient"]
    # Above its ceiling: it may give, and set something aside.
    assert codes([await book.do(ledger.post, move("capped", "issued", 1))]) == ["posted"]
    assert codes([await book.do(ledger.post, set_aside("capped", "issued", 1))]) == ["held"]
    assert codes([await book.do(ledger.post, move("issued", "capped", 1))]) == ["ceiling"]


async def test_what_is_held_and_posted_goes_up_to_the_largest_amount(book: Book) -> None:
    await open_accounts(book, "a", "b", "c", "d")
    for item, answer, account in (
        (set_aside("a", "b", MAX_AMOUNT), "held", None),
        (set_aside("a", "c", 1), "overflow", "a"),
        (set_aside("c", "b", 1), "overflow", "b"),
        (move("d", "c", MAX_AMOUNT), "posted", None),
        (move("d", "a", 1), "overflow", "d"),
        (move("a", "c", 1), "overflow", "c"),
    ):
        result = await book.do(ledger.post, item)
        assert codes([result]) == [answer]
        assert getattr(result, "account", None) == account
    await prove(book)


async def test_a_refused_item_leaves_nothing_on_the_accounts_it_passed(book: Book) -> None:
    """Legs are judged in the order of the codes, so that each of these items gets past ``a`` first."""
    await open_accounts(book, "a")
    batch: list[ledger.Item] = [
        set_aside("a", "capped", 101),
        set_aside("member/1", "a", 1),
        move("a", "capped", 101),
        move("a", "member/2", 7),
        set_aside("a", "member/2", 5),
        set_aside("member/2", "a", 3),
    ]

    results = await book.do(ledger.post_batch, batch, atomic=False)

    assert codes(results) == ["ceiling", "insufficient", "ceiling", "posted", "held", "held"]
    assert [result.account for result in results[:3]] == ["capped", "member/1", "capped"]
    assert await held(book, "a") == (-7, 5, 3)
    assert (await book.do(ledger.balance, "a")).seq == 1
    assert await held(book, "member/2") == (7, 3, 5)
    await prove(book)


async def test_an_entry_of_many_legs_is_refused_as_a_whole(book: Book) -> None:
    def gather(*amounts: int) -> Post:
        accounts = ("issued", "member/1", "member/2", "member/3")
        legs = tuple(Leg(account=code, amount=amount) for code, amount in zip(accounts, amounts, strict=True))
        return Post(key=str(amounts), kind="test", unit="MIN", legs=legs, effective_on=DAY, actor="tester")

    first, second, third = await book.do(
        ledger.post_batch, [gather(-3, 1, 1, 1), gather(-3, 60, 1, -58), gather(2, -1, -2, 1)], atomic=False
    )

    assert isinstance(first, Posted)
    assert first.balances == {"issued": -3, "member/1": 1, "member/2": 1, "member/3": 1}
    assert isinstance(second, Refused)
    assert (second.code, second.account) == ("insufficient", "member/3")
    assert isinstance(third, Refused)
    assert (third.code, third.account) == ("insufficient", "member/2")
    assert [await held(book, account) for account in ("member/1", "member/2", "member/3")] == [(1, 0, 0)] * 3
    await prove(book)


async def test_what_follows_a_repeated_entry_of_three_legs_is_itself(book: Book) -> None:
    legs = (Leg(account="issued", amount=-3), Leg(account="member/1", amount=1), Leg(account="member/2", amount=2))
    shared = Post(key="shared", kind="test", unit="MIN", legs=legs, effective_on=DAY, actor="tester")
    await book.do(ledger.post, shared)

    first, second = await book.do(ledger.post_batch, [shared, move("issued", "member/3", 5)])

    assert first.replayed
    assert second.balances == {"issued": -8, "member/3": 5}
    assert [await held(book, f"member/{n}") for n in (1, 2, 3)] == [(1, 0, 0), (2, 0, 0), (5, 0, 0)]
    await prove(book)


async def test_one_batch_may_do_everything_and_tells_the_balances_of_each(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60, key="first"))
    kept, voided, captured = (set_aside("member/1", "member/2", 5) for _ in range(3))
    await book.do(ledger.post_batch, [kept, voided, captured])
    posted = await book.do(ledger.post, move("issued", "member/3", 7))
    end = capture(captured.hold_id, amount=2, key="capture", reference="r", meta={"n": 1})
    batch: list[ledger.Item] = [
        end,
        move("issued", "member/1", 60, key="first"),
        void(voided.hold_id, key="void"),
        move("member/1", "member/3", 1),
        reverse(posted.entry_id, key="reverse"),
        reverse(posted.entry_id, key="again"),
        capture(captured.hold_id, key="late"),
        set_aside("member/1", "member/2", 9, key="hold"),
        move("member/2", "bank", 1),
    ]

    results = await book.do(ledger.post_batch, batch, atomic=False)

    assert codes(results) == [
        "posted", "posted", "voided", "posted", "posted", "already_reversed", "hold_not_open", "held", "unit_mismatch",
    ]  # fmt: skip
    assert [result.replayed for result in results if not isinstance(result, Refused)] == [False, True, *[False] * 4]
    assert [result.balances for result in results if isinstance(result, Posted)] == [
        {"member/1": 58, "member/2": 2},
        {"issued": -60, "member/1": 60},
        {"member/1": 57, "member/3": 8},
        {"issued": -60, "member/3": 1},
    ]
    again = await book.do(ledger.post_batch, batch, atomic=False)
    assert codes(again) == codes(results)
    assert [result.balances for result in again if isinstance(result, Posted)] == [
        result.balances for result in results if isinstance(result, Posted)
    ]
    assert all(result.replayed for result in again if not isinstance(result, Refused))
    async with owning(book.server) as owner:
        rows = await owner.fetch(
            """
            select n, event, amount, entry_id, kind, actor, reference, meta::text
            from ledger.hold_event where book_id = $1 and hold_id = $2 order by n
            """,
            book.book_id,
            captured.hold_id,
        )
        assert [tuple(row) for row in rows] == [
            (1, "placed", 5, None, "booking", "tester", "", None),
            (2, "captured", 2, results[0].entry_id, "fulfilled", "tester", "r", '{"n":1}'),
        ]
        ended = await owner.fetchrow(
            """
            select n, event, amount, entry_id, kind
            from ledger.hold_event where book_id = $1 and hold_id = $2 and n > 1
            """,
            book.book_id,
            voided.hold_id,
        )
        assert tuple(ended) == (2, "voided", 5, None, None)
    await prove(book)


async def test_within_a_batch_a_hold_ends_once_and_an_entry_is_reversed_once(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    first, second, third = (set_aside("member/1", "member/2", 5) for _ in range(3))
    await book.do(ledger.post_batch, [first, second, third])
    posted = await book.do(ledger.post, move("issued", "member/3", 7))
    batch = [end(hold.hold_id) for hold, end in ((first, void), (first, void), (first, capture), (second, capture))] + [
        end(hold.hold_id) for hold, end in ((second, void), (second, capture), (third, void))
    ]
    batch += [reverse(posted.entry_id), reverse(posted.entry_id)]

    results = await book.do(ledger.post_batch, batch, atomic=False)

    assert codes(results) == [
        "voided", "hold_not_open", "hold_not_open", "posted", "hold_not_open", "hold_not_open", "voided",
        "posted", "already_reversed",
    ]  # fmt: skip
    assert await held(book, "member/1") == (55, 0, 0)
    await prove(book)


async def test_each_entry_is_reversed_whatever_else_was(book: Book) -> None:
    first, second = await book.do(ledger.post_batch, [move("issued", "member/1", 7) for _ in range(2)])
    assert codes([await book.do(ledger.post, reverse(first.entry_id))]) == ["posted"]
    assert codes([await book.do(ledger.post, reverse(second.entry_id))]) == ["posted"]


async def test_each_item_of_a_batch_meets_its_own_obstacle(book: Book) -> None:
    posted, other = await book.do(ledger.post_batch, [move("issued", "member/1", 60), move("issued", "member/1", 1)])
    undone = await book.do(ledger.post, reverse(other.entry_id))
    holds = [set_aside("member/1", "member/2", 5) for _ in range(8)]
    await book.do(ledger.post_batch, holds)
    await book.do(ledger.post, void(holds[0].hold_id))
    ids = [hold.hold_id for hold in holds]
    batch: list[ledger.Item] = [
        void(ids[1]),
        capture(uuid4()),
        capture(ids[2], amount=6),
        capture(ids[3]),
        void(ids[0]),
        capture(ids[4], now=EXPIRES),
        reverse(uuid4()),
        void(ids[5], reason="expired", now=EXPIRES - timedelta(microseconds=1)),
        reverse(other.entry_id),
        void(ids[6], reason="expired", now=EXPIRES),
        reverse(undone.entry_id),
        set_aside("member/1", "member/2", 1, hold_id=ids[7]),
        reverse(posted.entry_id),
    ]

    assert codes(await book.do(ledger.post_batch, batch, atomic=False)) == [
        "voided", "unknown_hold", "over_hold", "posted", "hold_not_open", "hold_expired", "unknown_entry",
        "hold_not_expired", "already_reversed", "voided", "is_reversal", "hold_exists", "insufficient",
    ]  # fmt: skip
    assert [(await book.do(ledger.hold, hold_id)).state for hold_id in ids] == [
        "voided", "voided", "open", "captured", "open", "open", "expired", "open",
    ]  # fmt: skip
    await prove(book)


async def test_a_hold_is_placed_once_under_its_id(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 5)
    await book.do(ledger.post, hold)
    assert codes([await book.do(ledger.post, set_aside("member/1", "member/2", 5, hold_id=hold.hold_id))]) == [
        "hold_exists"
    ]
    assert codes([await book.do(ledger.post, capture(hold.hold_id, amount=5))]) == ["posted"]
    small = set_aside("member/1", "member/2", 1)
    await book.do(ledger.post, small)
    assert codes([await book.do(ledger.post, capture(small.hold_id, amount=1))]) == ["posted"]


async def test_the_same_ids_in_another_book_are_strangers(book: Book, other: Book) -> None:
    for each in (book, other):
        await each.do(ledger.post, move("issued", "member/1", 60, key="k"))
    posted = await book.do(ledger.post, move("issued", "member/1", 1))
    hold, second = (set_aside("member/1", "member/2", 5) for _ in range(2))
    await book.do(ledger.post_batch, [hold, second])
    await book.do(ledger.post, move("member/2", "member/1", 1_000, key="no"))
    async with book.writing() as connection:
        await ledger.post_batch(
            connection, book.book_id, [move("member/2", "member/1", 1_000, key="refused")], atomic=False
        )
    undone = await book.do(ledger.post, reverse(posted.entry_id))

    assert codes([await other.do(ledger.post, capture(hold.hold_id))]) == ["unknown_hold"]
    assert codes([await other.do(ledger.post, void(hold.hold_id))]) == ["unknown_hold"]
    assert codes([await other.do(ledger.post, reverse(posted.entry_id))]) == ["unknown_entry"]
    assert codes([await other.do(ledger.post, reverse(undone.entry_id))]) == ["unknown_entry"]
    # The id of a hold is the caller's choice, and each book has its own.
    mine = set_aside("member/1", "member/2", 7, hold_id=hold.hold_id)
    assert codes([await other.do(ledger.post, mine)]) == ["held"]
    assert codes([await other.do(ledger.post, capture(hold.hold_id))]) == ["posted"]
    assert (await book.do(ledger.hold, hold.hold_id)).state == "open"
    assert await held(book, "member/1") == (60, 10, 0)
    assert codes([await other.do(ledger.post, move("issued", "member/1", 2, key="refused"))]) == ["posted"]
    for each in (book, other):
        await prove(each)


async def test_a_refusal_is_repeated_within_its_batch_and_for_ever(book: Book) -> None:
    bad = move("member/1", "member/2", 5, key="bad")
    batch = [bad, move("issued", "member/1", 9, key="good"), bad, move("member/1", "member/2", 6, key="bad")]

    results = await book.do(ledger.post_batch, batch, atomic=False)

    assert codes(results) == ["insufficient", "posted", "insufficient", "key_reused"]
    assert [getattr(result, "account", None) for result in results] == ["member/1", None, "member/1", None]
    assert await held(book, "member/1") == (9, 0, 0)
    # All or nothing: told of each item that stands in the way, whenever and wherever it was refused.
    atomic = await book.do(ledger.post_batch, [*batch, move("issued", "nobody", 1), move("issued", "member/1", 1)])
    assert [(result.key, result.code, result.account) for result in atomic if isinstance(result, Refused)][:3] == [
        ("bad", "insufficient", "member/1"),
        ("bad", "insufficient", "member/1"),
        ("bad", "key_reused", None),
    ]
    assert codes(atomic)[3:] == ["unknown_account"]
    fresh = move("member/1", "member/2", 50, key="fresh")
    twice = [fresh, fresh, move("member/1", "member/2", 51, key="fresh"), move("issued", "member/1", 9, key="good")]
    assert [(each.code, each.account) for each in await book.do(ledger.post_batch, twice)] == [
        ("insufficient", "member/1"),
        ("insufficient", "member/1"),
        ("key_reused", None),
    ]
    assert codes(await book.do(ledger.post_batch, [batch[1], batch[1]])) == ["posted", "posted"]


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_accounts_that_are_all_frozen_or_closed_take_nothing(book: Book, status: ledger.Status) -> None:
    for account in ("issued", "member/1"):
        await book.do(ledger.set_status, account, status, actor="tester")
    assert codes([await book.do(ledger.post, move("issued", "member/1", 1))]) == [f"{status}_account"]


async def test_a_refusal_changes_nothing_but_what_is_remembered_of_it(book: Book) -> None:
    async def standing() -> list[Any]:
        async with owning(book.server) as owner:
            rows: list[Any] = await owner.fetch(
                "select account_id, xmin, last_at from ledger.balance where book_id = $1 order by account_id",
                book.book_id,
            )
            return rows

    await book.do(ledger.post, move("issued", "member/1", 9))
    before = await standing()
    bad = [move("member/1", "member/2", 10, key="bad"), set_aside("member/1", "member/2", 10), capture(uuid4())]
    assert codes(await book.do(ledger.post_batch, bad, atomic=False)) == [
        "insufficient",
        "insufficient",
        "unknown_hold",
    ]
    again = [move("member/1", "member/2", 1, key="bad"), move("member/1", "member/2", 10, key="bad")]
    reused, repeated = await book.do(ledger.post_batch, again, atomic=False)
    assert (reused.code, reused.account) == ("key_reused", None)
    assert (repeated.code, repeated.account) == ("insufficient", "member/1")
    assert await standing() == before


async def test_a_batch_that_knows_no_account_is_remembered_as_refused(book: Book) -> None:
    for item, code in (
        (void(uuid4()), "unknown_hold"),
        (reverse(uuid4()), "unknown_entry"),
        (move("nobody", "no one", 1), "unknown_account"),
    ):
        for _ in range(2):
            assert codes(await book.do(ledger.post_batch, [item], atomic=False)) == [code]


@pytest.mark.parametrize("units", [("GBP",), ("MIN", "GBP"), ("GBP", "MIN"), ("MIN", "MIN", "GBP")])
async def test_each_item_of_a_batch_names_its_unit(book: Book, units: tuple[str, ...]) -> None:
    batch = [move("issued", "member/1", 1, unit=unit) for unit in units]
    expected = ["posted" if unit == "MIN" else "unit_mismatch" for unit in units]
    assert codes(await book.do(ledger.post_batch, batch, atomic=False)) == expected


async def test_a_hold_stays_within_its_unit(book: Book) -> None:
    refusals = await book.do(
        ledger.post_batch, [set_aside("issued", "bank", 1), set_aside("bank", "member/1", 1)], atomic=False
    )
    assert [(each.code, each.account) for each in refusals] == [("unit_mismatch", "bank")] * 2


@pytest.mark.parametrize("beside", [(), ("x", "x")])
async def test_a_key_that_a_snapshot_cannot_see_is_a_serialization_failure(book: Book, beside: tuple[str, ...]) -> None:
    second = await asyncpg.connect(book.server.app_url)
    try:
        async with second.transaction(isolation="repeatable_read"):
            await second.execute("select set_config('ledger.book', $1, true)", str(book.book_id))
            await second.fetchval("select count(*) from ledger.request")
            await book.do(ledger.post, move("issued", "member/1", 1, key="k"))
            batch = [move("member/3", "member/2", 1, key=key) for key in ("k", *beside)]
            with pytest.raises(asyncpg.SerializationError):
                await ledger.post_batch(second, book.book_id, batch)
    finally:
        await second.close()


async def test_only_the_items_with_a_reason_are_forced(book: Book) -> None:
    await book.do(ledger.set_status, "member/1", "frozen", actor="tester")
    batch = [
        move("member/3", "capped", 500),
        move("member/3", "member/2", 1),
        move("member/1", "member/2", 1),
        move("member/1", "member/2", 1),
        move("issued", "member/2", 1),
    ]
    reasons = ["as in their file", None, None, "as in their file", None]
    async with owning(book.server) as owner, book.writing(owner):
        results = await ledger.post_forced(
            owner, book.book_id, batch, forced_by="trustee", reason=reasons, atomic=False
        )

    assert codes(results) == ["posted", "insufficient", "frozen_account", "posted", "posted"]
    async with owning(book.server) as owner:
        forced = await owner.fetch("select entry_id from ledger.forced where book_id = $1", book.book_id)
    assert {row["entry_id"] for row in forced} == {results[0].entry_id, results[3].entry_id}
    await prove(book)


async def test_forced_entries_pass_limits_and_ice_but_nothing_else(book: Book) -> None:
    await book.do(ledger.set_status, "member/1", "frozen", actor="tester")
    await book.do(ledger.set_status, "member/2", "closed", actor="tester")
    await book.do(ledger.close_period, DAY - timedelta(days=1))

    async def force(*items: Any) -> list[ledger.Result]:
        async with owning(book.server) as owner, book.writing(owner):
            return await ledger.post_forced(
                owner, book.book_id, items, forced_by="trustee", reason="so be it", atomic=False
            )

    good = move("member/1", "capped", 500, key="good")
    late = move("issued", "member/3", 1, effective_on=DAY - timedelta(days=1))
    batch = [good, move("issued", "member/2", 1), late, move("issued", "nobody", 1), move("issued", "bank", 1)]
    results = await force(*batch)

    assert codes(results) == ["posted", "closed_account", "closed_period", "unknown_account", "unit_mismatch"]
    assert codes(await force(good, good)) == ["posted", "posted"]
    async with owning(book.server) as owner:
        rows = await owner.fetch(
            "select entry_id, forced_by, reason from ledger.forced where book_id = $1", book.book_id
        )
    assert [tuple(row) for row in rows] == [(results[0].entry_id, "trustee", "so be it")]
    await prove(book)


async def test_an_account_stops_before_its_numbers_run_out(book: Book) -> None:
    """Tried by the owner, and undone: no account could get there honestly in a test."""
    async with owning(book.server) as owner:
        for last, fits in ((2**31 - 1 - 1000, True), (2**31 - 1000, False)):
            attempt = owner.transaction()
            await attempt.start()
            await owner.execute("select set_config('ledger.book', $1, true)", str(book.book_id))
            await owner.execute(
                """
                update ledger.balance set seq = $2 where book_id = $1 and account_id = (
                    select id from ledger.account where book_id = $1 and code = 'member/1')
                """,
                book.book_id,
                last,
            )
            if fits:
                assert isinstance(await ledger.post(owner, book.book_id, move("issued", "member/1", 1)), Posted)
            else:
                with pytest.raises(ledger.AccountFull):
                    await ledger.post(owner, book.book_id, move("issued", "member/1", 1))
            await attempt.rollback()


async def test_a_clock_that_lags_a_little_is_waited_out_and_one_that_lags_more_is_reported(book: Book) -> None:
    async with owning(book.server) as owner:

        async def post_when_written_ahead(seconds: int) -> tuple[Any, Any]:
            """What the owner's post is recorded at, after the account was written to so far ahead; then undone."""
            attempt = owner.transaction()
            await attempt.start()
            try:
                await owner.execute("select set_config('ledger.book', $1, true)", str(book.book_id))
                last_at = await owner.fetchval(
                    """
                    update ledger.balance set last_at = clock_timestamp() + $2
                    where book_id = $1 and account_id = (
                        select id from ledger.account where book_id = $1 and code = 'member/1')
                    returning last_at
                    """,
                    book.book_id,
                    timedelta(seconds=seconds),
                )
                await ledger.post(owner, book.book_id, move("issued", "member/1", 1))
                (line,) = await ledger.statement(owner, book.book_id, "member/1")
                return last_at, line.recorded_at
            finally:
                await attempt.rollback()

        async def lags() -> int:
            return await owner.fetchval("select last_value - (not is_called)::int from ledger.clock_lags")

        before = await lags()
        last_at, recorded_at = await post_when_written_ahead(seconds=4)
        assert recorded_at >= last_at
        assert await lags() == before
        with pytest.raises(ledger.ClockBehind):
            await post_when_written_ahead(seconds=8)
        assert await lags() == before + 1
