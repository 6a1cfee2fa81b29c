"""Races for one account, one key, one hold or one entry: whoever wins, there is one winner, and nobody deadlocks."""

import asyncio
import itertools
import random
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

import ledger
from ledger import Held, Item, Leg, Post, Posted, Refused, Result, Voided
from tests.integration.ledger.support import DAY, EXPIRES, Book, capture, codes, move, reverse, set_aside, void
from tests.property.ledger.crowd import IS_LONG, crowd_of, each, let_go_together, posting, prove, until_waiting

MANY = 64
"""More connections than other tests use: the server has a hundred, so that these take turns on one worker."""
pytestmark = pytest.mark.xdist_group("crowd")


@pytest.mark.parametrize("account", ["member/1", "member/3"])
async def test_many_callers_drain_an_account_to_its_floor(book: Book, account: str) -> None:
    """By transfers and by holds; nobody is refused who could have been served at the end."""
    chance = random.Random(account)
    await book.do(ledger.post, move("issued", account, 200))
    amounts = [chance.randint(1, 12) for _ in range(MANY)]
    batches: list[list[Item]] = [
        [move(account, "member/2", amount)] if n % 3 else [set_aside(account, "member/2", amount)]
        for n, amount in enumerate(amounts)
    ]

    async with crowd_of(book, MANY) as crowd:
        answers = [result for (result,) in await each(book, crowd, *batches)]

    served = [amount for amount, answer in zip(amounts, answers, strict=True) if not isinstance(answer, Refused)]
    refused = [amount for amount, answer in zip(amounts, answers, strict=True) if isinstance(answer, Refused)]
    there = await book.do(ledger.balance, account)
    assert {answer.code for answer in answers if isinstance(answer, Refused)} <= {"insufficient"}
    assert there.available == 200 - there.floor - sum(served) >= 0
    assert refused
    assert min(refused) > there.available
    await prove(book)


@pytest.mark.parametrize(("what", "atomic"), [("post", True), ("hold", False)])
async def test_one_key_from_fifty_callers_has_one_effect(book: Book, what: str, atomic: bool) -> None:
    item = move("issued", "member/1", 30, key="once") if what == "post" else set_aside("issued", "member/1", 5, key="k")

    async with crowd_of(book, 50) as crowd:
        answers: list[Any] = [result for (result,) in await each(book, crowd, *[[item]] * 50, atomic=atomic)]

    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 49
    assert len({answer.entry_id if isinstance(answer, Posted) else answer.hold_id for answer in answers}) == 1
    there = await book.do(ledger.balance, "member/1")
    if what == "post":
        assert {answer.balances["member/1"] for answer in answers} == {30}
        assert (there.posted, there.held_in) == (30, 0)
    else:
        assert (there.posted, there.held_in) == (0, 5)
    await prove(book)


async def test_one_key_for_different_things_has_the_first_effect(book: Book) -> None:
    batches: list[list[Item]] = [[move("issued", f"member/{1 + n % 3}", 1 + n, key="once")] for n in range(16)]

    async with crowd_of(book, 16) as crowd:
        answers = codes([result for (result,) in await each(book, crowd, *batches)])

    assert answers.count("posted") == 1
    assert answers.count("key_reused") == 15
    await prove(book)


async def test_a_hold_is_captured_voided_or_expired_but_once(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    wins: list[str] = []
    async with crowd_of(book, 3) as crowd:
        for n in range(1000 if IS_LONG else 40):
            hold = set_aside("member/1", "member/2", 60)
            assert isinstance(await book.do(ledger.post, hold), Held)

            def expire(connection: Any) -> Any:
                return ledger.expire_holds(connection, book.book_id, now=EXPIRES, actor="clock")

            calls = [
                posting(book, [capture(hold.hold_id)], atomic=bool(n % 2)), posting(book, [void(hold.hold_id)]), expire
            ]  # fmt: skip
            order = list(itertools.permutations(range(3)))[n % 6]
            answers = dict(
                zip(order, await let_go_together(book, crowd, [calls[which] for which in order]), strict=True)
            )

            (captured,), (voided,), expired = answers[0], answers[1], answers[2]
            state = (await book.do(ledger.hold, hold.hold_id)).state
            assert [isinstance(captured, Posted), isinstance(voided, Voided), expired == [hold.hold_id]] == [
                state == "captured", state == "voided", state == "expired",
            ]  # fmt: skip
            assert {code for code in codes([captured, voided]) if code not in ("posted", "voided")} <= {"hold_not_open"}
            wins.append(state)
            there = await book.do(ledger.balance, "member/1")
            assert (there.posted, there.held_out) == (0 if state == "captured" else 60, 0)
            if state == "captured":
                await book.do(ledger.post, reverse(captured.entry_id))
    assert len(set(wins)) > 1, "the same one wins each time: that is no race"
    await prove(book)


async def test_of_many_reversals_one_is_made(book: Book) -> None:
    posted = await book.do(ledger.post, move("issued", "member/1", 60))

    async with crowd_of(book, 32) as crowd:
        answers = codes([r for (r,) in await each(book, crowd, *[[reverse(posted.entry_id)] for _ in crowd])])

    assert sorted(answers) == ["already_reversed"] * 31 + ["posted"]
    assert (await book.do(ledger.balance, "member/1")).posted == 0
    await prove(book)


async def test_opposing_and_circular_transfers_never_deadlock(book: Book) -> None:
    """Pairs, circles both ways round in one batch, and whole circles in one entry; for a minute in the long run."""
    members = ("member/1", "member/2", "member/3")
    await book.do(ledger.post_batch, [move("issued", member, 1000) for member in members])
    pairs = list(itertools.permutations(members, 2))
    circles = [list(itertools.pairwise([*circle, circle[0]])) for circle in itertools.permutations(members)]
    end = asyncio.get_running_loop().time() + 60
    done = itertools.count()

    async def work(connection: Any, worker: int) -> None:
        chance = random.Random(worker)
        for n in itertools.count():
            if n >= 25 and (not IS_LONG or asyncio.get_running_loop().time() > end):
                return
            batch: list[Item]
            match worker % 3:
                case 0:
                    batch = [move(*pairs[worker % len(pairs)], chance.randint(1, 9))]
                case 1:
                    batch = [move(*pair, chance.randint(1, 9)) for pair in circles[worker % len(circles)]]
                case _:
                    around = chance.choice(circles)
                    flows = [(around[0][0], -3), (around[1][0], 1), (around[2][0], 2)]
                    legs = tuple(Leg(account=account, amount=amount) for account, amount in flows)
                    batch = [Post(key=f"{worker}/{n}", kind="x", unit="MIN", legs=legs, effective_on=DAY, actor="t")]
            async with book.writing(connection):
                results = await ledger.post_batch(connection, book.book_id, batch)
            assert set(codes(results)) <= {"posted", "insufficient"}
            next(done)

    async with crowd_of(book, 24) as crowd:
        await asyncio.gather(*(work(connection, worker) for worker, connection in enumerate(crowd)))

    assert next(done) >= 24 * 25
    assert sum(balance.posted for balance in (await book.do(ledger.balances, members)).values()) == 3000
    await prove(book)


# Two transactions that use one key for accounts they do not share: only the claim of the key brings them together, and
# by then the later one has judged everything else.


async def late_claim(
    book: Book, first: list[Item], second: list[Item], *, atomic: bool = True, keep: bool = True, **options: Any
) -> list[Result]:
    """Post ``second`` while a transaction that has posted ``first`` is open; then let that one commit, or undo it."""
    await book.do(ledger.post_batch, [move("issued", "member/1", 50), move("issued", "member/3", 50)])
    async with crowd_of(book, 2) as (one, two):

        async def later() -> list[Result]:
            async with two.transaction(**options):
                await two.execute("select set_config('ledger.book', $1, true)", str(book.book_id))
                return await ledger.post_batch(two, book.book_id, second, atomic=atomic)

        transaction = one.transaction()
        await transaction.start()
        await one.execute("select set_config('ledger.book', $1, true)", str(book.book_id))
        assert isinstance((await ledger.post_batch(one, book.book_id, first))[0], Posted)
        running = asyncio.create_task(later())
        await until_waiting(book.connection, [running], 1)
        assert not running.done()
        await (transaction.commit() if keep else transaction.rollback())
        return await running


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_key_that_is_claimed_meanwhile_is_reused(book: Book, atomic: bool) -> None:
    first, second = move("member/1", "member/2", 5, key="k"), move("member/3", "capped", 7, key="k")

    (answer,) = await late_claim(book, [first], [second], atomic=atomic)

    assert codes([answer]) == ["key_reused"]
    assert (await book.do(ledger.balance, "capped")).posted == 0
    await prove(book)


async def test_the_others_of_a_batch_are_judged_again_without_the_one_whose_key_is_gone(book: Book) -> None:
    """With the first transfer there would be too little for the third one; and the balances are those without it."""
    second = [
        move("member/3", "capped", 60, key="k"), move("member/3", "capped", 30, key="own"),
        move("member/3", "capped", 70, key="other"),
    ]  # fmt: skip

    answers = await late_claim(book, [move("member/1", "member/2", 5, key="k")], [*second], atomic=False)

    assert codes(answers) == ["key_reused", "posted", "posted"]
    assert [answer.balances for answer in answers if isinstance(answer, Posted)] == [
        {"member/3": 20, "capped": 30},
        {"member/3": -50, "capped": 100},
    ]
    assert await book.do(ledger.post_batch, [second[1]]) == [
        Posted(key="own", entry_id=answers[1].entry_id, replayed=True, balances={"member/3": 20, "capped": 30})
    ]
    await prove(book)


async def test_a_key_whose_claim_is_undone_is_free(book: Book) -> None:
    first, second = move("member/1", "member/2", 5, key="k"), move("member/3", "capped", 7, key="k")

    (answer,) = await late_claim(book, [first], [second], keep=False)

    assert codes([answer]) == ["posted"]
    assert (await book.do(ledger.balance, "member/2")).posted == 0
    await prove(book)


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
@pytest.mark.parametrize("accounts", [("member/3", "capped"), ("member/1", "member/2")])
async def test_a_fixed_snapshot_gives_way(book: Book, accounts: tuple[str, str], isolation: str) -> None:
    """It cannot see who claimed the key or wrote to the account meanwhile: SQLSTATE 40001 says to try again."""
    first, second = move("member/1", "member/2", 5, key="k"), move(*accounts, 7, key="k")

    with pytest.raises(asyncpg.SerializationError):
        await late_claim(book, [first], [second], isolation=isolation)

    assert (await book.do(ledger.balance, "capped")).posted == 0
    assert codes(await book.do(ledger.post_batch, [second])) == ["key_reused"]
    await prove(book)


async def test_a_snapshot_from_before_a_claim_gives_way(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 50))
    async with crowd_of(book, 1) as (late,), late.transaction(isolation="repeatable_read"):
        await late.execute("select set_config('ledger.book', $1, true)", str(book.book_id))
        await ledger.balance(late, book.book_id, "member/1")
        await book.do(ledger.post, move("member/1", "member/2", 5, key="k"))
        with pytest.raises(asyncpg.SerializationError):
            await ledger.post(late, book.book_id, move("issued", "member/3", 7, key="k"))
    assert (await book.do(ledger.balance, "member/3")).posted == 0
    await prove(book)


async def test_expired_holds_that_another_one_is_ending_are_left_to_it(book: Book) -> None:
    first, second = set_aside("issued", "member/1", 5), set_aside("issued", "member/2", 5)
    await book.do(ledger.post_batch, [first, second])
    async with crowd_of(book, 1) as (other,):
        async with book.writing(other):
            await ledger.post(other, book.book_id, capture(first.hold_id, now=EXPIRES - timedelta(hours=1)))
            # The other one holds the account as well; so this one waits for it, but not for its hold.
            running = asyncio.create_task(book.do(ledger.expire_holds, now=EXPIRES, actor="clock"))
            async with crowd_of(book, 1) as (looker,):
                await until_waiting(looker, [running], 1)
            assert not running.done()
        assert await running == [second.hold_id]
    assert (await book.do(ledger.hold, first.hold_id)).state == "captured"
    await prove(book)


@pytest.mark.parametrize("what", ["hold", "entry"])
async def test_what_was_made_while_a_batch_waited_is_looked_for_again(book: Book, what: str) -> None:
    """The batch has missed the accounts it must lock: SQLSTATE 40001 says to try again, and nothing is written."""
    await book.do(ledger.post, move("issued", "member/1", 60))
    made = set_aside("member/1", "member/2", 20) if what == "hold" else move("member/1", "member/2", 20)
    async with crowd_of(book, 2) as (first, second):
        async with book.writing(first):
            result = await ledger.post(first, book.book_id, made)
            end = capture(result.hold_id) if isinstance(result, Held) else reverse(result.entry_id)
            batch = [end, move("member/1", "member/3", 1)]

            async def later() -> list[Result]:
                async with book.writing(second):
                    return await ledger.post_batch(second, book.book_id, batch, atomic=False)

            running = asyncio.create_task(later())
            await until_waiting(book.connection, [running], 1)
        with pytest.raises(asyncpg.SerializationError):
            await running
        assert codes(await later()) == ["posted", "posted"]
    await prove(book)
