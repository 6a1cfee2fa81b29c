"""What the SQL functions refuse by themselves: calls that the Python side would never make."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

import ledger
from ledger.posting import POST_BATCH, POST_FORCED, Columns, translated
from tests.integration.ledger.support import EXPIRES, Book, capture, codes, move, owning, reverse, set_aside, void

# Places of the columns in a call.
KEYS, OPERATIONS, KINDS, IDS, TARGETS, AMOUNTS = 0, 1, 2, 8, 9, 10
CODES, LEG_ITEMS, LEG_ACCOUNTS, LEG_AMOUNTS = 13, 14, 15, 16
SOME = UUID(int=5)
DIGESTS = [
    "27c46e25-93fe-681f-b65e-dde92762db1c",
    "e4bd0555-9dd6-bc1a-b7c7-992b3bb2be9f",
    "e3d3afc0-5125-6df0-ad4a-9e80e346ae2a",
    "0c4e10c2-d4a9-4d75-02e8-8ff12d776e4b",
    "ed319696-d18c-fd70-c5f7-9519fca9011f",
]


async def call(book: Book, columns: list[Any]) -> list[Any]:
    async with book.writing() as connection:
        with translated():
            rows: list[Any] = await connection.fetch(POST_BATCH, book.book_id, True, *columns)
            return rows


def changed(item: ledger.Item, changes: dict[int, Any]) -> list[Any]:
    """The call for ``item`` with other columns."""
    columns: list[Any] = list(Columns([item]).columns)
    for place, column in changes.items():
        columns[place] = column
    return columns


@pytest.mark.parametrize(
    ("item", "changes"),
    [
        (move("issued", "member/1", 5), {LEG_AMOUNTS: [-5, 6]}),
        (move("issued", "member/1", 5), {LEG_AMOUNTS: [0, 0]}),
        (move("issued", "member/1", 5), {LEG_ACCOUNTS: [1, 1]}),
        (move("issued", "member/1", 5), {LEG_ACCOUNTS: [2, 1]}),
        (move("issued", "member/1", 5), {LEG_ITEMS: [1, 2]}),
        (move("issued", "member/1", 5), {LEG_ITEMS: [2, 2]}),
        (move("issued", "member/1", 5), {LEG_ITEMS: [1, 1, 2], LEG_ACCOUNTS: [1, 2, 1], LEG_AMOUNTS: [-5, 5, 1]}),
        (move("issued", "member/1", 5), {LEG_ITEMS: [], LEG_ACCOUNTS: [], LEG_AMOUNTS: []}),
        (move("issued", "member/1", 5), {CODES: ["issued", "issued"]}),
        (move("issued", "member/1", 5), {CODES: ["member/1", "issued"]}),
        (move("issued", "member/1", 5), {IDS: [None]}),
        (move("issued", "member/1", 5), {OPERATIONS: ["x"]}),
        (move("issued", "member/1", 5), {OPERATIONS: [None]}),
        (set_aside("issued", "member/1", 5), {IDS: [None]}),
        (set_aside("issued", "member/1", 5), {AMOUNTS: [6]}),
        (set_aside("issued", "member/1", 5), {AMOUNTS: [-5]}),
        (set_aside("issued", "member/1", 5), {AMOUNTS: [None]}),
        (set_aside("issued", "member/1", 5), {LEG_AMOUNTS: [-5, 6]}),
        (
            set_aside("issued", "member/1", 5),
            {
                CODES: ["issued", "member/1", "member/2"],
                LEG_ITEMS: [1, 1, 1],
                LEG_ACCOUNTS: [1, 2, 3],
                LEG_AMOUNTS: [-5, 3, 2],
            },
        ),
        (capture(SOME), {IDS: [None]}),
        (capture(SOME), {TARGETS: [None]}),
        (capture(SOME), {AMOUNTS: [0]}),
        (capture(SOME), {AMOUNTS: [-1]}),
        (void(SOME), {KINDS: ["captured"]}),
        (void(SOME), {IDS: [UUID(int=6)]}),
        (void(SOME), {TARGETS: [None]}),
        (reverse(SOME), {IDS: [None]}),
        (reverse(SOME), {TARGETS: [None]}),
    ],
)
async def test_an_incomplete_item_is_refused(book: Book, item: ledger.Item, changes: dict[int, Any]) -> None:
    with pytest.raises(ledger.InvalidItem):
        await call(book, changed(item, changes))


def one_entry_of(legs: int) -> list[Any]:
    """A call for one post with so many legs, on accounts that do not exist."""
    amounts = [1 if n % 2 else -1 for n in range(legs)]
    if legs % 2:
        amounts[-1], amounts[-2] = -2, 3
    return changed(
        move("issued", "member/1", 1),
        {
            CODES: [f"x{n:05}" for n in range(legs)],
            LEG_ITEMS: [1] * legs,
            LEG_ACCOUNTS: list(range(1, legs + 1)),
            LEG_AMOUNTS: amounts,
        },
    )


async def test_a_batch_has_at_most_5000_legs(book: Book) -> None:
    (refusal,) = await call(book, one_entry_of(5_000))
    assert refusal["code"] == "unknown_account"
    with pytest.raises(ledger.InvalidItem):
        await call(book, one_entry_of(5_001))


async def test_a_batch_has_at_most_1000_items(book: Book) -> None:
    items = [reverse(SOME, key=f"{n}") for n in range(1_001)]
    rows = await call(book, list(Columns(items[1:]).columns))
    assert {row["code"] for row in rows} == {"unknown_entry"}
    assert len(rows) == 1_000
    with pytest.raises(ledger.InvalidItem):
        await call(book, list(Columns(items).columns))


async def test_a_book_that_was_never_opened_takes_nothing(book: Book) -> None:
    stranger = Book(book.server, book.book_id + 1, book.connection)
    with pytest.raises(ledger.UnknownBook):
        await stranger.do(ledger.post, move("issued", "member/1", 1))


@pytest.mark.parametrize(
    ("item", "forced_by", "reason"),
    [
        (move("issued", "member/1", 1), "", "because"),
        (move("issued", "member/1", 1), None, "because"),
        (move("issued", "member/1", 1), "somebody", ""),
        (move("issued", "member/1", 1), "somebody", None),
        (set_aside("issued", "member/1", 1), "somebody", "because"),
        (capture(SOME), "somebody", "because"),
        (void(SOME), "somebody", "because"),
    ],
)
async def test_only_posts_and_reversals_are_forced_by_somebody_for_a_reason(
    book: Book, item: ledger.Item, forced_by: str | None, reason: str | None
) -> None:
    async with owning(book.server) as owner:
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with book.writing(owner):
                await owner.fetch(POST_FORCED, book.book_id, True, *Columns([item]).columns, forced_by, [reason])
    assert caught.value.sqlstate == "LG001"


@pytest.mark.parametrize("reasons", [None, [], [None, None], ["because"], ["because", ""], ["because", None, None]])
async def test_there_is_a_reason_or_none_for_each_item_and_one_at_least(
    book: Book, reasons: list[str | None] | None
) -> None:
    items = [move("issued", "member/1", 1), move("issued", "member/2", 1)]
    async with owning(book.server) as owner:
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with book.writing(owner):
                await owner.fetch(POST_FORCED, book.book_id, True, *Columns(items).columns, "somebody", reasons)
    assert caught.value.sqlstate == "LG001"


async def test_forcing_is_the_one_write_call_in_its_own_book(book: Book) -> None:
    async def force(owner: Any, book_id: int) -> list[ledger.Result]:
        return await ledger.post_forced(
            owner, book_id, [move("issued", "member/1", 1)], forced_by="somebody", reason="because"
        )

    async def force_twice(owner: Any) -> None:
        async with book.writing(owner):
            await force(owner, book.book_id)
            await force(owner, book.book_id)

    async with owning(book.server) as owner:
        with pytest.raises(ledger.SecondCall):
            await force_twice(owner)
        with pytest.raises(ledger.WrongBook):
            async with book.writing(owner):
                await force(owner, book.book_id + 1)
        async with book.writing(owner):
            assert codes(await force(owner, book.book_id)) == ["posted"]


async def test_what_works_with_the_owners_rights_has_a_fixed_path(book: Book) -> None:
    """Else a caller could make it call something else; and without these rights it would be of no use to any caller."""
    rows = await book.connection.fetch(
        "select proname, proconfig from pg_proc where pronamespace = 'ledger'::regnamespace and prosecdef"
    )
    assert {row["proname"] for row in rows} == {
        "open_unit", "open_book", "open_account", "set_limits", "set_status", "close_period", "post_batch",
        "post_forced", "expire_holds",
    }  # fmt: skip
    for row in rows:
        assert "search_path=pg_catalog, pg_temp" in row["proconfig"], row["proname"]


async def test_what_is_repeated_is_called_what_it_was(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 9))
    held, voided = (set_aside("member/1", "member/2", 1) for _ in range(2))
    items = [move("issued", "member/1", 1, key="p"), held, voided]
    await book.do(ledger.post_batch, items)
    ends = [capture(held.hold_id), void(voided.hold_id)]
    posted, *_ = await book.do(ledger.post_batch, ends)
    ends.append(reverse((await book.do(ledger.post, items[0])).entry_id))
    await book.do(ledger.post, ends[-1])

    rows = {row["n"]: row for row in await call(book, list(Columns([*items, *ends]).columns))}

    assert [rows[n]["result"] for n in range(1, 7)] == ["posted", "held", "held", "posted", "voided", "posted"]
    assert (rows[0]["result"], rows[4]["made"], len(rows)) == ("balances", posted.entry_id, 7)


async def test_a_batch_of_posts_answers_with_balances_alone(book: Book) -> None:
    (row,) = await call(book, changed(move("issued", "member/1", 5), {}))
    assert (row["n"], row["result"], row["items"], row["balances"]) == (0, "balances", None, [-5, 5])


async def test_each_refused_item_comes_back_once_judged_by_the_first_of_its_key(book: Book) -> None:
    amounts = {"other": (7,), "bad": (5, 6, 5, 6)}
    batch = [move("member/1", "member/2", amount, key=key) for key, each in amounts.items() for amount in each]
    rows = await call(book, list(Columns(batch).columns))
    assert sorted((row["n"], row["code"]) for row in rows) == [
        (1, "insufficient"),
        (2, "insufficient"),
        (3, "key_reused"),
        (4, "insufficient"),
        (5, "key_reused"),
    ]


async def test_a_digest_never_changes(book: Book) -> None:
    """Keys are kept for ever, so what they stand for must be read the same by every later version."""
    day = date(2026, 3, 2)
    legs = (ledger.Leg(account='a "b"', amount=-7), ledger.Leg(account="c,d", amount=7))
    items: list[ledger.Item] = [
        ledger.Post(key="1", kind="award", unit="MIN", legs=legs, effective_on=day, actor="x", reference="r"),
        ledger.PlaceHold(
            key="2", hold_id=uuid4(), kind="booking", unit="MIN", from_account="a", to_account="b", amount=5,
            expires_at=EXPIRES, actor="x",
        ),
        ledger.Capture(key="3", hold_id=SOME, kind="fulfilled", effective_on=day, actor="x", amount=4),
        ledger.Void(key="4", hold_id=SOME, actor="x", reason="expired"),
        ledger.Reverse(key="5", entry_id=SOME, kind="undo", effective_on=day, actor="x"),
    ]  # fmt: skip
    found = []
    async with owning(book.server) as owner:
        for item in items:
            columns = Columns([item]).columns
            chosen = [columns[n] for n in (0, 1, 2, 3, 4, 6, 8, 9, 10, 13, 14, 15, 16)]
            found += await owner.fetchval(
                "select ledger.read_items(7, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)", *chosen
            )
    assert [str(digest) for digest in found] == DIGESTS
