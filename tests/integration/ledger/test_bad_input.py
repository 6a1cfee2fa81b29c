"""What no ledger could accept has a name, through Python and through the SQL function by hand, and changes nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

import ledger
from ledger import InvalidItem, Leg, PlaceHold, Post
from ledger.model import MAX_AMOUNT, MAX_BATCH_LEGS, MAX_ITEMS, MAX_LEGS, MAX_META_BYTES
from ledger.posting import POST_BATCH, Columns
from tests.integration.ledger.support import (
    DAY,
    EXPIRES,
    Book,
    Server,
    capture,
    codes,
    move,
    new_book_id,
    owning,
    reverse,
    set_aside,
    void,
)

TABLES = """
select c.relname from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attname = 'book_id' and not a.attisdropped
where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r' order by 1
"""


async def everything(book: Book) -> dict[str, list[str]]:
    """Every row of the book, as text."""
    async with owning(book.server) as owner:
        tables = {row["relname"]: "book_id" for row in await owner.fetch(TABLES)} | {"book": "id"}
        return {
            table: [
                row[0]
                for row in await owner.fetch(
                    f"select t::text from ledger.{table} t where {column} = $1 order by 1", book.book_id
                )
            ]
            for table, column in tables.items()
        }


@asynccontextmanager
async def nothing_changes(book: Book) -> AsyncIterator[None]:
    before = await everything(book)
    assert before["balance"]
    yield
    assert await everything(book) == before


@asynccontextmanager
async def cheating(server: Server) -> AsyncIterator[Any]:
    """A connection of the superuser, with the triggers off."""
    connection = await asyncpg.connect(server.owner_url.replace("timebank_migrator@", "postgres@"))
    try:
        await connection.execute("set session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


def entry(**fields: Any) -> Post:
    legs = (Leg(account="issued", amount=-5), Leg(account="member/1", amount=5))
    defaults = {"key": "k", "kind": "x", "unit": "MIN", "legs": legs, "effective_on": DAY, "actor": "t"}
    return Post(**{**defaults, **fields})


def held(**fields: Any) -> PlaceHold:
    defaults = {
        "key": "k", "hold_id": uuid4(), "kind": "x", "unit": "MIN", "from_account": "issued", "to_account": "member/1",
        "amount": 5, "expires_at": EXPIRES, "actor": "t",
    }  # fmt: skip
    return PlaceHold(**{**defaults, **fields})


NUMBERS = [
    1.0, 0.5, float("nan"), float("inf"), True, False, "1", "", None, 2**62, 2**63, -(2**63), 10**30, b"1", [1], 1j
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_an_amount_is_a_whole_number_within_bounds(number: Any) -> None:
    with pytest.raises(InvalidItem):
        Leg(account="issued", amount=number)
    with pytest.raises(InvalidItem):
        held(amount=number)
    if number is not None:
        with pytest.raises(InvalidItem):
            capture(uuid4(), amount=number)


@pytest.mark.parametrize("number", [0, -1, -MAX_AMOUNT])
def test_a_hold_and_its_capture_are_more_than_nothing(number: int) -> None:
    with pytest.raises(InvalidItem):
        held(amount=number)
    with pytest.raises(InvalidItem):
        capture(uuid4(), amount=number)


def legs(*amounts: int, account: str = "a") -> tuple[Leg, ...]:
    return tuple(Leg(account=f"{account}{n}", amount=amount) for n, amount in enumerate(amounts))


@pytest.mark.parametrize(
    "wrong",
    [
        {"legs": ()},
        {"legs": legs(5)},
        {"legs": legs(5, -4)},
        {"legs": legs(5, 5)},
        {"legs": (Leg(account="a", amount=5), Leg(account="a", amount=-5))},
        {"legs": legs(MAX_AMOUNT, MAX_AMOUNT, 2)},
        {"legs": (*legs(*[1] * MAX_LEGS), Leg(account="b", amount=-MAX_LEGS))},
        {"legs": list(legs(5, -5))},
        {"legs": ("a", "b")},
        {"legs": None},
        {"key": ""},
        {"key": "k" * 201},
        {"key": 7},
        {"key": "a\x00b"},
        {"key": "\ud800"},
        {"actor": ""},
        {"actor": "t" * 201},
        {"kind": "x" * 61},
        {"kind": ""},
        {"unit": ""},
        {"unit": None},
        {"reference": "r" * 201},
        {"reference": None},
        {"effective_on": datetime(2026, 3, 2, tzinfo=UTC)},
        {"effective_on": "2026-03-02"},
        {"effective_on": None},
    ],
    ids=repr,
)
def test_an_entry_that_cannot_be_one_is_never_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidItem):
        entry(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to_account": "issued"},
        {"hold_id": "x"},
        {"hold_id": None},
        {"expires_at": datetime(2026, 3, 2)},  # noqa: DTZ001
        {"expires_at": DAY},
        {"from_account": "a" * 201},
        {"to_account": ""},
    ],
    ids=repr,
)
def test_a_hold_that_cannot_be_one_is_never_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidItem):
        held(**wrong)


def test_an_end_or_a_reversal_that_cannot_be_one_is_never_made() -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: capture("x"),  # type: ignore[arg-type]
        lambda: capture(uuid4(), now=datetime(2026, 3, 2)),  # noqa: DTZ001
        lambda: void(uuid4(), reason="because"),
        lambda: void(uuid4(), now=DAY),
        lambda: reverse(None),  # type: ignore[arg-type]
    ]
    for attempt in attempts:
        with pytest.raises(InvalidItem):
            attempt()


@pytest.mark.parametrize(
    "meta",
    [
        {"a": "x" * MAX_META_BYTES},
        {"a": "é" * (MAX_META_BYTES // 2)},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": DAY},
        {"a": "\x00"},
        {"a": {1, 2}},
        {(1, 2): 3},
        {"a": "\ud800"},
    ],
    ids=lambda meta: repr(meta)[:20],
)
async def test_meta_that_cannot_be_stored_is_refused_whole(book: Book, meta: dict[Any, Any]) -> None:
    async with nothing_changes(book):
        with pytest.raises(InvalidItem):
            await book.do(ledger.post_batch, [move("issued", "member/1", 1), entry(meta=meta)], atomic=False)


async def test_a_batch_has_a_size(book: Book) -> None:
    hold = set_aside("issued", "member/1", 1)
    wide = [entry(key=str(n), legs=(*legs(*[1] * 999), Leg(account="z", amount=-999))) for n in range(6)]
    assert sum(len(each.legs) for each in wide) > MAX_BATCH_LEGS
    async with nothing_changes(book):
        assert await book.do(ledger.post_batch, []) == []
        for items in (
            [move("issued", "member/1", 1) for _ in range(MAX_ITEMS + 1)],
            wide,
            [hold, capture(hold.hold_id)],
            [hold, set_aside("issued", "member/1", 1, hold_id=hold.hold_id)],
        ):
            with pytest.raises(InvalidItem):
                await book.do(ledger.post_batch, items)


@pytest.mark.parametrize("atomic", [True, False])
async def test_accounts_that_are_not_there_or_not_open_refuse(book: Book, atomic: bool) -> None:
    await book.do(ledger.set_status, "capped", "closed", actor="tester")
    async with book.writing() as connection:
        other = Book(book.server, new_book_id(), connection)
    async with other.writing() as connection:
        await ledger.open_book(connection, other.book_id, "other", "Another book")
        await ledger.open_account(
            connection, other.book_id, code="foreign", unit="MIN", account_class="x", name="x", floor=None
        )
    expected = {
        "nobody": "unknown_account", "foreign": "unknown_account", "capped": "closed_account", "bank": "unit_mismatch",
        "Member/1": "unknown_account", "member/1 ": "unknown_account",
    }  # fmt: skip

    before = await everything(book)
    for account, code in expected.items():
        for item in (move("issued", account, 5), move(account, "issued", 5), set_aside("issued", account, 5)):
            (answer,) = await book.do(ledger.post_batch, [item], atomic=atomic)
            assert (answer.code, answer.account) == (code, account), answer
    (answer,) = await book.do(ledger.post_batch, [move("issued", "member/1", 5, unit="GBP")], atomic=atomic)
    assert answer.code == "unit_mismatch"
    (answer,) = await book.do(ledger.post_batch, [move("issued", "member/1", 5, unit="XXX")], atomic=atomic)
    assert answer.code == "unit_mismatch"
    after = await everything(book)
    # What was refused is remembered where each stands for itself; nothing else has changed.
    assert len(after.pop("request")) == len(after.pop("refusal")) == (0 if atomic else 20)
    assert after == {table: rows for table, rows in before.items() if table in after}


@pytest.mark.parametrize("atomic", [True, False])
async def test_what_touches_no_account_at_all_is_refused(book: Book, atomic: bool) -> None:
    for item, code in (
        (capture(uuid4()), "unknown_hold"),
        (void(uuid4()), "unknown_hold"),
        (reverse(uuid4()), "unknown_entry"),
    ):
        assert codes(await book.do(ledger.post_batch, [item], atomic=atomic)) == [code]


async def test_what_would_not_fit_is_refused(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", MAX_AMOUNT))
    hold = set_aside("issued", "member/1", MAX_AMOUNT)
    await book.do(ledger.post, hold)
    async with nothing_changes(book):
        for item in (move("issued", "member/2", 1), set_aside("issued", "member/1", 1), capture(hold.hold_id)):
            assert codes([await book.do(ledger.post, item)]) == ["overflow"]


WRITES: dict[str, Callable[[Any, int], Awaitable[Any]]] = {
    "post": lambda connection, book_id: ledger.post(connection, book_id, move("issued", "member/1", 1)),
    "expire": lambda connection, book_id: ledger.expire_holds(connection, book_id, now=EXPIRES, actor="t"),
}


@pytest.mark.parametrize("first", WRITES)
@pytest.mark.parametrize("second", WRITES)
async def test_a_transaction_writes_once(book: Book, first: str, second: str) -> None:
    async def write_twice() -> None:
        async with book.writing() as connection:
            await WRITES[first](connection, book.book_id)
            await WRITES[second](connection, book.book_id)

    async with nothing_changes(book):
        with pytest.raises(ledger.SecondCall):
            await write_twice()
    await book.do(ledger.post, move("issued", "member/1", 1))


async def test_a_transaction_writes_once_whatever_became_of_the_first_call(book: Book) -> None:
    async with nothing_changes(book), book.writing() as connection:
        assert codes([await ledger.post(connection, book.book_id, move("issued", "nobody", 1))]) == ["unknown_account"]
        with pytest.raises(ledger.SecondCall):
            async with connection.transaction():
                await ledger.post(connection, book.book_id, move("issued", "member/1", 1))
        with pytest.raises(ledger.OpenedTooLate):
            async with connection.transaction():
                await ledger.open_account(
                    connection, book.book_id, code="new", unit="MIN", account_class="x", name="x", floor=0
                )


@pytest.mark.parametrize(
    ("set_to", "error"), [(None, ledger.WrongBook), (1, ledger.WrongBook), (2, ledger.UnknownBook)]
)
async def test_a_call_is_for_the_book_that_is_set(book: Book, set_to: int | None, error: type[Exception]) -> None:
    async def post() -> None:
        async with book.connection.transaction():
            setting = "" if set_to is None else str(book.book_id + set_to)
            await book.connection.execute("select set_config('ledger.book', $1, true)", setting)
            asked = book.book_id + 2 if set_to == 2 else book.book_id
            await ledger.post(book.connection, asked, move("issued", "member/1", 1))

    async with nothing_changes(book):
        with pytest.raises(error):
            await post()


async def clock_lags(book: Book) -> int:
    async with owning(book.server) as owner:
        return int(await owner.fetchval("select case when is_called then last_value else 0 end from ledger.clock_lags"))


@asynccontextmanager
async def written_ahead(book: Book, ahead: str) -> AsyncIterator[datetime]:
    """The account member/1 was last written to so far ahead of the clock; afterwards it is as before."""
    change = (
        "update ledger.balance b set last_at = {} from ledger.account a where a.book_id = $1 and a.code = 'member/1' "
    )
    change += "and b.book_id = a.book_id and b.account_id = a.id {}"
    async with cheating(book.server) as superuser:
        moved = change.format(f"clock_timestamp() + interval '{ahead}'", "returning last_at")
        last_at: datetime = await superuser.fetchval(moved, book.book_id)
        yield last_at
        await superuser.execute(change.format("'-infinity'", "and b.seq = 0"), book.book_id)


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_clock_far_behind_turns_the_batch_away_and_is_counted(book: Book, atomic: bool) -> None:
    before = await clock_lags(book)
    async with written_ahead(book, "1 hour"), nothing_changes(book):
        for items in (
            [move("issued", "member/1", 5)],
            [move("issued", "member/2", 5), move("member/2", "member/1", 5)],
        ):
            with pytest.raises(ledger.ClockBehind):
                await book.do(ledger.post_batch, items, atomic=atomic)
        assert await clock_lags(book) == before + 2
    # Others are not concerned.
    assert codes([await book.do(ledger.post, move("issued", "member/2", 5))]) == ["posted"]
    assert await clock_lags(book) == before + 2


async def test_a_clock_a_little_behind_is_borne_and_time_does_not_go_back(book: Book) -> None:
    before = await clock_lags(book)
    async with written_ahead(book, "4 seconds") as last_at:
        await book.do(ledger.post, move("issued", "member/1", 5))
        (line,) = await book.do(ledger.statement, "member/1")
        assert line.recorded_at == last_at
        # The other account got the same time, and so it goes on.
        await book.do(ledger.post, move("issued", "member/2", 5))
        (line,) = await book.do(ledger.statement, "member/2")
        assert line.recorded_at == last_at
        # It lies ahead of the clock, and is not settled before the clock has come to it.
        with pytest.raises(ledger.NotYetSettled):
            await book.do(ledger.balance_at, "member/1", known_at=last_at)
    assert await clock_lags(book) == before


async def test_an_account_whose_numbers_are_used_up_takes_no_more(book: Book) -> None:
    change = "update ledger.balance b set seq = $2 from ledger.account a where a.book_id = $1 and a.code = 'member/1' "
    change += "and b.book_id = a.book_id and b.account_id = a.id"
    async with cheating(book.server) as superuser:
        await superuser.execute(change, book.book_id, 2**31 - 1)
        async with nothing_changes(book):
            for atomic in (True, False):
                with pytest.raises(ledger.AccountFull):
                    await book.do(ledger.post_batch, [move("issued", "member/1", 5)], atomic=atomic)
        await superuser.execute(change, book.book_id, 0)
    assert codes([await book.do(ledger.post, move("issued", "member/1", 5))]) == ["posted"]


async def test_limits_and_accounts_that_cannot_be_are_refused(book: Book) -> None:
    opened = {"unit": "MIN", "account_class": "x", "name": "x", "floor": 0}
    cases: list[tuple[type[Exception], Any, tuple[Any, ...], dict[str, Any]]] = [
        (ledger.UnknownAccount, ledger.set_limits, ("nobody",), {"floor": 0, "actor": "t"}),
        (ledger.UnknownAccount, ledger.set_status, ("nobody", "frozen"), {"actor": "t"}),
        (ledger.UnknownUnit, ledger.open_account, (), {**opened, "code": "new", "unit": "XXX"}),
        (ledger.AlreadyDifferent, ledger.open_account, (), {**opened, "code": "issued"}),
        (ledger.AlreadyDifferent, ledger.open_book, ("another code", "x"), {}),
        (InvalidItem, ledger.expire_holds, (), {"now": EXPIRES, "actor": "t", "limit": 0}),
        (InvalidItem, ledger.expire_holds, (), {"now": EXPIRES, "actor": "t", "limit": 1001}),
        (InvalidItem, ledger.expire_holds, (), {"now": None, "actor": "t"}),
    ]
    async with nothing_changes(book):
        for error, function, arguments, options in cases:
            with pytest.raises(error):
                await book.do(function, *arguments, **options)


# By hand: what Python would never send. Columns by name, as post_batch takes them.


@dataclass
class Batch:
    """The columns of one transfer, some of them replaced."""

    keys: Any = field(default_factory=lambda: ["k"])
    operations: Any = field(default_factory=lambda: ["p"])
    kinds: Any = field(default_factory=lambda: ["test"])
    units: Any = field(default_factory=lambda: ["MIN"])
    effective_on: Any = field(default_factory=lambda: [DAY])
    actors: Any = field(default_factory=lambda: ["t"])
    references: Any = field(default_factory=lambda: [""])
    metas: Any = field(default_factory=lambda: [None])
    ids: Any = field(default_factory=lambda: [uuid4()])
    target_ids: Any = None
    amounts: Any = None
    expires_at: Any = None
    judged_at: Any = None
    accounts: Any = field(default_factory=lambda: ["issued", "member/1"])
    leg_items: Any = field(default_factory=lambda: [1, 1])
    leg_accounts: Any = field(default_factory=lambda: [1, 2])
    leg_amounts: Any = field(default_factory=lambda: [-5, 5])


async def by_hand(book: Book, batch: Batch, *, atomic: bool = True) -> list[Any]:
    async with book.writing() as connection:
        rows: list[Any] = await connection.fetch(POST_BATCH, book.book_id, atomic, *vars(batch).values())
        return rows


async def test_the_columns_are_those_that_python_sends(book: Book) -> None:
    assert len(vars(Batch())) == len(Columns([entry()]).columns)
    (row,) = await by_hand(book, Batch())
    assert (row["result"], row["balances"]) == ("balances", [-5, 5])


HOLD = {"operations": ["h"], "amounts": [5], "expires_at": [EXPIRES], "effective_on": [None]}
NO_LEGS: dict[str, Any] = {"accounts": [], "leg_items": [], "leg_accounts": [], "leg_amounts": []}
SOME = UUID(int=7)


@pytest.mark.parametrize(
    "wrong",
    [
        # legs
        {"leg_amounts": [-5, 4]},
        {"leg_amounts": [0, 0]},
        {"leg_amounts": [None, None]},
        {"leg_items": [1], "leg_accounts": [2], "leg_amounts": [5]},
        {"leg_accounts": [2, 2]},
        {"leg_accounts": [2, 1]},
        {"accounts": ["member/1", "issued"]},
        {"accounts": ["issued", "issued"]},
        {"leg_items": [1, 2]},
        {"leg_items": [2, 2]},
        {"leg_items": [1, 1, 2], "leg_accounts": [1, 2, 1], "leg_amounts": [-5, 5, 1]},
        {"leg_amounts": [-(2**63), -(2**63)]},
        {"leg_amounts": [-(2**63), 2**63 - 1]},
        NO_LEGS,
        # items
        {"operations": ["x"]},
        {"operations": [None]},
        {"ids": [None]},
        {"keys": ["k"] * 1001},
        {"keys": ["k", "l"]},
        {"keys": []},
        # holds, ends and reversals
        {**HOLD, "amounts": [4]},
        {**HOLD, "amounts": [None]},
        {**HOLD, "leg_amounts": [5, 5]},
        {**NO_LEGS, "operations": ["c"], "target_ids": [None]},
        {**NO_LEGS, "operations": ["c"], "target_ids": [SOME], "amounts": [0]},
        {**NO_LEGS, "operations": ["c"], "target_ids": [SOME], "amounts": [-1]},
        {**NO_LEGS, "operations": ["v"], "target_ids": [SOME], "ids": [SOME], "kinds": ["because"]},
        {**NO_LEGS, "operations": ["v"], "target_ids": [SOME], "kinds": ["voided"]},
        {**NO_LEGS, "operations": ["r"], "target_ids": [None]},
    ],
    ids=lambda wrong: repr(wrong)[:70],
)
async def test_by_hand_a_batch_must_be_one(book: Book, wrong: dict[str, Any]) -> None:
    async with nothing_changes(book):
        for atomic in (True, False):
            with pytest.raises(asyncpg.PostgresError) as raised:
                await by_hand(book, Batch(**wrong), atomic=atomic)
            assert raised.value.sqlstate == "LG001"


@pytest.mark.parametrize(
    "wrong",
    [
        {"leg_accounts": [1, 3]},
        {"leg_accounts": [0, 1]},
        {"keys": [None]},
        {"keys": [""]},
        {"keys": ["k" * 201]},
        {"kinds": [None]},
        {"kinds": ["x" * 61]},
        {"actors": [None]},
        {"actors": ["t" * 201]},
        {"references": [None]},
        {"references": ["r" * 201]},
        {"effective_on": [None]},
        {"metas": ["{"]},
        {"keys": None},
        {**HOLD, "expires_at": [None]},
        {**HOLD, "expires_at": None},
    ],
    ids=lambda wrong: repr(wrong)[:70],
)
async def test_by_hand_the_tables_keep_out_what_is_left(book: Book, wrong: dict[str, Any]) -> None:
    """Too long, empty, missing or no JSON: PostgreSQL's own classes 22 (data) and 23 (constraints)."""
    async with nothing_changes(book):
        for atomic in (True, False):
            with pytest.raises(asyncpg.PostgresError) as raised:
                await by_hand(book, Batch(**wrong), atomic=atomic)
            assert raised.value.sqlstate[:2] in ("22", "23")
