"""What posting does and refuses, against a real server."""

from datetime import timedelta
from uuid import uuid4

import pytest

import ledger
from ledger import Held, Leg, Post, Posted, Refused, Voided
from tests.integration.ledger.support import (
    DAY,
    EXPIRES,
    Book,
    capture,
    codes,
    items_of,
    move,
    owning,
    reverse,
    set_aside,
    void,
)


async def balances(book: Book, *accounts: str) -> list[int]:
    found = await book.do(ledger.balances, accounts)
    return [found[account].posted for account in accounts]


async def test_a_post_moves_both_accounts_and_says_where_they_stand(book: Book) -> None:
    result = await book.do(ledger.post, move("issued", "member/1", 90, meta={"note": "يوم 🎉 O'Brien"}, reference="r1"))

    assert isinstance(result, Posted)
    assert result.balances == {"issued": -90, "member/1": 90}
    entry = await book.do(ledger.entry, result.entry_id)
    assert entry.legs == (Leg(account="issued", amount=-90), Leg(account="member/1", amount=90))
    assert (entry.kind, entry.unit, entry.effective_on, entry.reference) == ("test", "MIN", DAY, "r1")
    assert entry.meta == {"note": "يوم 🎉 O'Brien"}
    (line,) = await book.do(ledger.statement, "member/1")
    assert (line.seq, line.amount, line.balance_after, line.entry_id) == (1, 90, 90, result.entry_id)


async def test_an_atomic_batch_writes_nothing_when_one_item_is_refused(book: Book) -> None:
    good, bad = move("issued", "member/1", 10), move("member/2", "member/1", 5)

    assert codes(await book.do(ledger.post_batch, items_of(good, bad))) == ["insufficient"]

    assert await balances(book, "issued", "member/1") == [0, 0]
    # Nothing is remembered either: the same key may succeed later.
    assert codes(await book.do(ledger.post_batch, items_of(good))) == ["posted"]
    async with owning(book.server) as owner:
        assert await owner.fetchval("select count(*) from ledger.request where book_id = $1", book.book_id) == 1
        assert await owner.fetchval("select count(*) from ledger.refusal where book_id = $1", book.book_id) == 0


async def test_without_atomic_each_item_stands_for_itself_and_refusals_are_kept(book: Book) -> None:
    batch = items_of(
        move("issued", "member/1", 10), move("member/2", "member/1", 5, key="no"), move("issued", "member/2", 5)
    )

    assert codes(await book.do(ledger.post_batch, batch, atomic=False)) == ["posted", "insufficient", "posted"]

    assert await balances(book, "issued", "member/1", "member/2") == [-15, 10, 5]
    again = await book.do(ledger.post, move("member/2", "member/1", 5, key="no"))
    assert isinstance(again, Refused), "a stored refusal stays, although there would be enough now"
    assert again.code == "insufficient"
    assert again.account == "member/2"
    assert again.message == "There is not enough in member/2."


async def test_items_see_those_before_them(book: Book) -> None:
    batch = items_of(
        move("member/1", "member/2", 10),
        move("issued", "member/1", 10),
        move("member/1", "member/2", 10),
        move("member/2", "capped", 11),
    )

    results = await book.do(ledger.post_batch, batch, atomic=False)

    assert codes(results) == ["insufficient", "posted", "posted", "insufficient"]


async def test_a_batch_full_of_refusals_still_equals_one_by_one(book: Book) -> None:
    batch = [move("issued", "member/1", 7), *(move("member/1", "member/2", 2) for _ in range(40))]

    results = await book.do(ledger.post_batch, batch, atomic=False)

    assert codes(results) == ["posted"] * 4 + ["insufficient"] * 37
    assert await balances(book, "member/1", "member/2") == [1, 6]


async def test_the_same_key_gives_the_same_result_with_the_balances_of_then(book: Book) -> None:
    first = await book.do(ledger.post, move("issued", "member/1", 30, key="k"))
    await book.do(ledger.post, move("issued", "member/1", 1))

    again = await book.do(ledger.post, move("issued", "member/1", 30, key="k", meta={"retry": True}))

    assert isinstance(first, Posted)
    assert again == Posted(key="k", entry_id=first.entry_id, replayed=True, balances=first.balances)
    assert await balances(book, "member/1") == [31]


@pytest.mark.parametrize(
    "other",
    [
        move("issued", "member/1", 31, key="k"),
        move("issued", "member/2", 30, key="k"),
        move("issued", "member/1", 30, key="k", effective_on=DAY + timedelta(days=1)),
        move("issued", "member/1", 30, key="k", reference="other"),
        set_aside("issued", "member/1", 30, key="k"),
    ],
)
async def test_the_same_key_for_something_else_is_refused(book: Book, other: ledger.Item) -> None:
    await book.do(ledger.post, move("issued", "member/1", 30, key="k"))

    assert codes([await book.do(ledger.post, other)]) == ["key_reused"]
    assert await balances(book, "member/1", "member/2") == [30, 0]


async def test_a_reused_key_spoils_an_atomic_batch(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 30, key="k"))

    batch = items_of(move("issued", "member/2", 1), move("issued", "member/1", 31, key="k"))

    assert codes(await book.do(ledger.post_batch, batch)) == ["key_reused"]
    assert await balances(book, "member/1", "member/2") == [30, 0]


async def test_a_key_is_bound_to_the_hold_or_entry_it_was_used_for(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    holds = [set_aside("member/1", "member/2", 5) for _ in range(4)]
    await book.do(ledger.post_batch, holds)
    posted = await book.do(ledger.post_batch, [move("issued", "member/1", 1) for _ in range(2)])

    for first, second in (
        (capture(holds[0].hold_id, key="c"), capture(holds[1].hold_id, key="c")),
        (void(holds[2].hold_id, key="v"), void(holds[3].hold_id, key="v")),
        (reverse(posted[0].entry_id, key="r"), reverse(posted[1].entry_id, key="r")),
    ):
        assert codes([await book.do(ledger.post, first)]) != ["key_reused"]
        assert codes([await book.do(ledger.post, second)]) == ["key_reused"]
        assert (await book.do(ledger.post, first)).replayed


async def test_the_same_key_twice_in_one_batch_counts_once(book: Book) -> None:
    twice = move("issued", "member/1", 30, key="k")
    batch = items_of(twice, move("issued", "member/2", 1), twice, move("issued", "member/1", 31, key="k"))

    first, _, second, third = await book.do(ledger.post_batch, batch, atomic=False)

    assert isinstance(first, Posted)
    assert second == Posted(key="k", entry_id=first.entry_id, replayed=True, balances=first.balances)
    assert codes([third]) == ["key_reused"]
    assert await balances(book, "member/1") == [30]


async def test_legs_in_another_order_are_the_same_content(book: Book) -> None:
    post = move("issued", "member/1", 30, key="k")
    await book.do(ledger.post, post)
    turned = Post(key="k", kind=post.kind, unit="MIN", legs=post.legs[::-1], effective_on=DAY, actor="someone else")

    assert (await book.do(ledger.post, turned)).replayed


async def test_a_hold_is_spent_once(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 50)

    assert await book.do(ledger.post, hold) == Held(key=hold.key, hold_id=hold.hold_id, replayed=False)

    there = await book.do(ledger.balance, "member/1")
    assert (there.posted, there.held_out, there.available) == (60, 50, 10)
    assert (await book.do(ledger.balance, "member/2")).held_in == 50
    assert codes([await book.do(ledger.post, move("member/1", "member/2", 11))]) == ["insufficient"]
    captured = await book.do(ledger.post, capture(hold.hold_id))
    assert captured.balances == {"member/1": 10, "member/2": 50}
    there = await book.do(ledger.balance, "member/1")
    assert (there.posted, there.held_out, there.available) == (10, 0, 10)
    assert codes([await book.do(ledger.post, capture(hold.hold_id))]) == ["hold_not_open"]
    assert codes([await book.do(ledger.post, void(hold.hold_id))]) == ["hold_not_open"]


async def test_a_hold_placed_again_with_its_key_is_the_first_one(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 50, key="h")
    await book.do(ledger.post, hold)

    again = await book.do(ledger.post, set_aside("member/1", "member/2", 50, key="h"))

    assert again == Held(key="h", hold_id=hold.hold_id, replayed=True)
    assert (await book.do(ledger.balance, "member/1")).held_out == 50


async def test_a_void_frees_what_was_held(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 50)
    await book.do(ledger.post, hold)
    early, late = EXPIRES - timedelta(seconds=1), EXPIRES

    assert codes([await book.do(ledger.post, void(hold.hold_id, reason="expired", now=early))]) == ["hold_not_expired"]
    assert codes([await book.do(ledger.post, capture(hold.hold_id, now=late))]) == ["hold_expired"]
    ended = void(hold.hold_id, reason="expired", now=late)
    assert await book.do(ledger.post, ended) == Voided(key=ended.key, hold_id=hold.hold_id, replayed=False)

    there = await book.do(ledger.balance, "member/1")
    assert (there.posted, there.held_out, there.available) == (60, 0, 60)
    assert (await book.do(ledger.hold, hold.hold_id)).state == "expired"


async def test_capturing_a_part_releases_the_rest_and_never_more(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 50)
    await book.do(ledger.post, hold)

    assert codes([await book.do(ledger.post, capture(hold.hold_id, amount=51))]) == ["over_hold"]
    assert (await book.do(ledger.post, capture(hold.hold_id, amount=20))).balances == {"member/1": 40, "member/2": 20}

    there = await book.do(ledger.hold, hold.hold_id)
    assert (there.state, there.amount, there.captured) == ("captured", 50, 20)
    assert (await book.do(ledger.balance, "member/1")).available == 40


async def test_ending_one_hold_twice_in_a_batch_ends_it_once(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 50)
    await book.do(ledger.post, hold)

    batch = items_of(capture(hold.hold_id, amount=51), void(hold.hold_id), capture(hold.hold_id))

    assert codes(await book.do(ledger.post_batch, batch, atomic=False)) == ["over_hold", "voided", "hold_not_open"]
    assert await balances(book, "member/1") == [60]


async def test_a_capture_never_fails_on_limits(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 60)
    await book.do(ledger.post, hold)
    await book.do(ledger.set_limits, "member/1", floor=50, actor="tester")
    await book.do(ledger.set_limits, "member/2", floor=0, ceiling=10, actor="tester")
    await book.do(ledger.set_status, "member/1", "frozen", actor="tester")

    assert codes([await book.do(ledger.post, capture(hold.hold_id))]) == ["posted"]
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []


async def test_a_reversal_is_the_exact_negation_once(book: Book) -> None:
    posted = await book.do(ledger.post, move("issued", "member/1", 60))

    undone = await book.do(ledger.post, reverse(posted.entry_id))

    assert undone.balances == {"issued": 0, "member/1": 0}
    entry, original = await book.do(ledger.entry, undone.entry_id), await book.do(ledger.entry, posted.entry_id)
    assert entry.reverses == posted.entry_id
    assert original.reversed_by == undone.entry_id
    assert [(leg.account, -leg.amount) for leg in entry.legs] == [(leg.account, leg.amount) for leg in original.legs]
    assert codes([await book.do(ledger.post, reverse(posted.entry_id))]) == ["already_reversed"]
    assert codes([await book.do(ledger.post, reverse(undone.entry_id))]) == ["is_reversal"]
    assert codes([await book.do(ledger.post, reverse(uuid4()))]) == ["unknown_entry"]


async def test_a_reversal_that_breaks_a_floor_is_refused_unless_forced(book: Book) -> None:
    posted = await book.do(ledger.post, move("issued", "member/1", 60))
    await book.do(ledger.post, move("member/1", "member/2", 10))
    assert codes([await book.do(ledger.post, reverse(posted.entry_id))]) == ["insufficient"]

    async with owning(book.server) as owner, book.writing(owner):
        (forced,) = await ledger.post_forced(
            owner,
            book.book_id,
            [reverse(posted.entry_id)],
            forced_by="trustee/1",
            reason="entered for the wrong person",
        )

    assert await balances(book, "member/1") == [-10]
    entry = await book.do(ledger.entry, forced.entry_id)
    assert (entry.forced_by, entry.forced_reason) == ("trustee/1", "entered for the wrong person")
    # Back towards the floor is always welcome.
    assert codes([await book.do(ledger.post, move("issued", "member/1", 3))]) == ["posted"]
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []


@pytest.mark.parametrize(
    ("item", "code", "account"),
    [
        (move("issued", "nobody", 1), "unknown_account", "nobody"),
        (move("issued", "bank", 1), "unit_mismatch", "bank"),
        (move("issued", "member/1", 1, unit="XYZ"), "unit_mismatch", "issued"),
        (move("member/3", "member/1", 51), "insufficient", "member/3"),
        (move("issued", "capped", 101), "ceiling", "capped"),
        (set_aside("member/1", "member/2", 1), "insufficient", "member/1"),
        (set_aside("issued", "capped", 101), "ceiling", "capped"),
        (capture(uuid4()), "unknown_hold", None),
        (void(uuid4()), "unknown_hold", None),
    ],
)
async def test_refusals_name_what_is_in_the_way(book: Book, item: ledger.Item, code: str, account: str | None) -> None:
    result = await book.do(ledger.post, item)

    assert isinstance(result, Refused)
    assert (result.code, result.account) == (code, account)
    async with owning(book.server) as owner:
        assert not await owner.fetchval("select exists (select from ledger.request where book_id = $1)", book.book_id)


async def test_an_amount_that_would_not_fit_is_refused_never_wrapped(book: Book) -> None:
    most = ledger.model.MAX_AMOUNT

    assert codes([await book.do(ledger.post, move("issued", "member/1", most))]) == ["posted"]
    assert codes([await book.do(ledger.post, move("issued", "member/2", 1))]) == ["overflow"]
    batch = items_of(*(move("member/1", "member/2", most) for _ in range(3)))
    assert codes(await book.do(ledger.post_batch, batch, atomic=False)) == ["posted", "insufficient", "insufficient"]


async def test_frozen_and_closed_accounts_take_nothing(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 5))
    await book.do(ledger.set_status, "member/1", "frozen", actor="tester", reason="a question")
    await book.do(ledger.set_status, "member/2", "closed", actor="tester", reason="left")

    batch = items_of(move("issued", "member/1", 1), move("issued", "member/2", 1), set_aside("member/1", "member/3", 1))

    assert codes(await book.do(ledger.post_batch, batch, atomic=False)) == [
        "frozen_account",
        "closed_account",
        "frozen_account",
    ]
    with pytest.raises(ledger.AccountInUse):
        await book.do(ledger.set_status, "member/1", "closed", actor="tester")


async def test_a_closed_period_takes_no_entries(book: Book) -> None:
    await book.do(ledger.close_period, DAY)

    batch = items_of(move("issued", "member/1", 1), move("issued", "member/1", 1, effective_on=DAY + timedelta(days=1)))

    assert codes(await book.do(ledger.post_batch, batch, atomic=False)) == ["closed_period", "posted"]
    with pytest.raises(ledger.PeriodMovedBack):
        await book.do(ledger.close_period, DAY - timedelta(days=1))


async def test_statement_pages_join_without_gap_or_overlap(book: Book) -> None:
    await book.do(ledger.post_batch, [move("issued", "member/1", n) for n in range(1, 8)])

    first = await book.do(ledger.statement, "member/1", limit=3)
    second = await book.do(ledger.statement, "member/1", before=first[-1].seq, limit=3)
    third = await book.do(ledger.statement, "member/1", before=second[-1].seq, limit=3)

    assert [line.seq for line in [*first, *second, *third]] == [7, 6, 5, 4, 3, 2, 1]
    assert [line.balance_after for line in first] == [28, 21, 15]
    with pytest.raises(ValueError, match="limit"):
        await book.do(ledger.statement, "member/1", limit=0)
    with pytest.raises(ledger.UnknownAccount):
        await book.do(ledger.statement, "nobody")


async def test_opening_again_changes_nothing(book: Book) -> None:
    options = {"code": "member/1", "account_class": "member", "name": "another name"}
    await book.do(ledger.open_account, unit="MIN", floor=-999, **options)
    await book.do(ledger.open_book, "test", "another name")

    assert (await book.do(ledger.balance, "member/1")).floor == 0
    with pytest.raises(ledger.AlreadyDifferent):
        await book.do(ledger.open_account, unit="GBP", floor=0, **options)
    with pytest.raises(ledger.UnknownUnit):
        await book.do(ledger.open_account, unit="NOPE", floor=0, **options)
    with pytest.raises(ledger.AlreadyDifferent):
        await book.do(ledger.open_book, "other", "A book")
