"""The machine that does each step twice, in SQL and in the reference, and compares.

Everything is drawn from few accounts, keys, days and moments, so that steps meet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from uuid_utils.compat import uuid7

import ledger
from ledger import Capture, Item, Leg, PlaceHold, Post, Posted, Reverse, Void
from ledger.model import MAX_AMOUNT, Status
from ledger.reference import ReferenceLedger
from tests.integration.ledger.support import ACCOUNTS, DAY, EXPIRES, Server, new_book_id, owning

MINUTE_ACCOUNTS = [code for code, unit, _, _ in ACCOUNTS if unit == "MIN"]
MEMBERS = ["member/1", "member/2", "member/3"]
LATE = "late"
"""An account that is opened on the way, if at all."""
EVERY_ACCOUNT = [*MINUTE_ACCOUNTS, "bank", LATE, "nobody"]
DAYS = [DAY + timedelta(days=n) for n in range(5)]
MOMENTS = [EXPIRES - timedelta(microseconds=1), EXPIRES, EXPIRES + timedelta(hours=1)]
NOWHERE = UUID(int=0)

accounts = st.sampled_from([*MINUTE_ACCOUNTS * 4, *EVERY_ACCOUNT])
which = st.integers(0, 12)
"""Which hold, entry or moment, counted from the newest and round again."""


@dataclass(frozen=True)
class Drawn:
    """An item of any kind, which makes of the fields what it can use. ``odd`` decides what happens now and then."""

    kind: Literal["award", "move", "hold", "capture", "void", "reverse"]
    key: int
    source: str
    target: str
    amount: int
    day: date
    moment: datetime
    which: int
    odd: int


drawn_items = st.builds(
    Drawn,
    kind=st.sampled_from(["award", "move", "move", "hold", "hold", "capture", "capture", "void", "reverse"]),
    key=st.integers(0, 30),
    source=accounts,
    target=accounts,
    amount=st.integers(1, 60),
    day=st.sampled_from(DAYS),
    moment=st.sampled_from(MOMENTS),
    which=which,
    odd=st.integers(0, 15),
)


class LedgerMachine(RuleBasedStateMachine):
    """A fresh book for each example, on connections shared by all; each statement is a transaction of its own."""

    loop: asyncio.AbstractEventLoop
    connection: Any
    owner: Any
    is_thorough = True
    """Compares everything and proves every invariant after each step, not only at the end of each example."""
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.made: list[UUID] = []
        self.reference = ReferenceLedger(lambda: self.made.pop(0) if self.made else uuid7())
        self.holds: list[UUID] = []
        self.entries: list[UUID] = []
        self.batches: list[tuple[list[Item], bool]] = []
        self.remembered: list[tuple[datetime, datetime]] = []  # the server's clock, the reference's
        self.keys = 0
        self.looks = 0
        self.book_id = new_book_id()
        for code, unit, floor, ceiling in ACCOUNTS:
            self.reference.open_account(code, unit, floor=floor, ceiling=ceiling)
        self.run(self.open_book())
        self.post([self.item(Drawn("award", 0, "", member, 300, DAY, EXPIRES, 0, 0)) for member in MEMBERS], True)

    async def open_book(self) -> None:
        for connection in (self.connection, self.owner):
            await connection.execute("select set_config('ledger.book', $1, false)", str(self.book_id))
        await ledger.open_book(self.connection, self.book_id, "machine", "A book for one example")
        await self.connection.executemany(
            "select ledger.open_account($1, $2, $3, 'any', $2, $4, $5, 'tester')",
            [(self.book_id, *account) for account in ACCOUNTS],
        )

    def run(self, awaitable: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(awaitable)

    def both(self, function: Callable[..., Any], reference: Callable[[], Any], *arguments: Any, **options: Any) -> Any:
        """Do the same to the SQL and to the reference; both must give the same, or raise the same."""
        self.reference.clock += timedelta(seconds=1)
        connection = self.owner if function is ledger.post_forced else self.connection
        found = self.run(outcome(function(connection, self.book_id, *arguments, **options)))
        if isinstance(found, list):
            # The reference gives its entries the same ids.
            self.made = [each.entry_id for each in found if isinstance(each, Posted) and not each.replayed]
            self.entries += self.made
        try:
            expected = reference()
        except ledger.LedgerError as error:
            expected = type(error)
        assert found == expected
        return found

    def post(self, items: list[Item], atomic: bool) -> None:
        self.both(ledger.post_batch, lambda: self.reference.post_batch(items, atomic=atomic), items, atomic=atomic)
        self.holds += [
            item.hold_id for item in items
            if isinstance(item, PlaceHold) and item.hold_id in self.reference.holds and item.hold_id not in self.holds
        ]  # fmt: skip

    @rule(drawn=drawn_items, atomic=st.booleans())
    def post_one(self, drawn: Drawn, atomic: bool) -> None:
        self.post([self.item(drawn)], atomic)

    @rule(drawn=st.lists(drawn_items, min_size=1, max_size=6), atomic=st.booleans())
    def post_batch(self, drawn: Sequence[Drawn], atomic: bool) -> None:
        items = [self.item(each) for each in drawn]
        self.batches.append((items, atomic))
        self.post(items, atomic)

    @rule(which=which, atomic=st.booleans(), drawn=drawn_items)
    def post_again(self, which: int, atomic: bool, drawn: Drawn) -> None:
        """A whole batch again, perhaps the other way, with one more item: as after a lost answer."""
        items, was_atomic = self.batches[-1 - which % len(self.batches)] if self.batches else ([], True)
        self.post([*items, *([self.item(drawn)] if drawn.odd < 4 else [])], atomic if drawn.odd < 8 else was_atomic)

    @rule(drawn=st.lists(drawn_items, min_size=1, max_size=3), atomic=st.booleans(), forced=st.sets(st.integers(0, 2)))
    def post_forced(self, drawn: Sequence[Drawn], atomic: bool, forced: set[int]) -> None:
        """All of the items, or only some of them."""
        items = [item for item in map(self.item, drawn) if isinstance(item, Post | Reverse)]
        which = [not forced or place in forced for place in range(len(items))]
        if not any(which):
            return
        self.both(
            ledger.post_forced, lambda: self.reference.post_batch(items, atomic=atomic, forced=which),
            items, atomic=atomic, forced_by="trustee",
            reason="test" if all(which) else ["test" if each else None for each in which],
        )  # fmt: skip

    @rule(now=st.sampled_from(MOMENTS), limit=st.sampled_from([1, 2, 1000]))
    def expire_holds(self, now: datetime, limit: int) -> None:
        async def expire(*arguments: Any) -> list[UUID]:
            return sorted(await ledger.expire_holds(*arguments, now=now, actor="clock", limit=limit))

        self.both(expire, lambda: sorted(self.reference.expire_holds(now, limit=limit)))

    @rule(
        what=st.sampled_from(["status", "status", "limits", "limits", "account", "period"]),
        account=accounts,
        status=st.sampled_from(["open", "open", "frozen", "closed"]),
        floor=st.sampled_from([None, 0, -20, 30]),
        ceiling=st.sampled_from([None, None, 30, 300]),
        odd=st.integers(0, 15),
    )
    def manage(self, what: str, account: str, status: Status, floor: int | None, ceiling: int | None, odd: int) -> None:
        """Everything that is no entry and no hold: statuses, limits, accounts opened and periods closed."""
        reference = self.reference
        match what:
            case "status":
                self.both(ledger.set_status, lambda: reference.set_status(account, status), account, status, actor="t")
            case "limits":
                limits = {"floor": floor, "ceiling": ceiling}
                self.both(
                    ledger.set_limits, lambda: reference.set_limits(account, **limits), account, actor="t", **limits
                )
            case "account":
                code, unit = (LATE, "MIN") if odd < 12 else (account, "GBP")
                self.both(
                    ledger.open_account, lambda: reference.open_account(code, unit, floor=floor, ceiling=ceiling),
                    code=code, unit=unit, account_class="any", name=code, floor=floor, ceiling=ceiling,
                )  # fmt: skip
            case _:
                through = DAY + timedelta(days=odd % 5 - 3 if odd < 13 else odd - 13)
                self.both(ledger.close_period, lambda: reference.close_period(through), through)

    @rule(account=accounts, moment=st.one_of(st.none(), which), day=st.sampled_from([None, *DAYS]))
    def look_back(self, account: str, moment: int | None, day: date | None) -> None:
        """What was known at an earlier look must be known still; a new one is remembered."""
        self.remembered.append((self.run(self.connection.fetchval("select clock_timestamp()")), self.reference.clock))
        if moment is None and day is None:
            return
        there, here = (None, None) if moment is None else self.remembered[moment % len(self.remembered)]
        self.both(
            ledger.balance_at, lambda: self.reference.balance_at(account, known_at=here, effective_on=day), account,
            known_at=there, effective_on=day,
        )  # fmt: skip

    @invariant()
    def both_agree_and_every_invariant_holds(self) -> None:
        self.looks += 1
        if self.is_thorough:
            self.run(self.compare())

    def teardown(self) -> None:
        type(self).steps += self.looks - 1  # the first look comes before the first step
        if not self.is_thorough:
            self.run(self.compare())

    async def compare(self) -> None:
        book_id, reference = self.book_id, self.reference
        found = await ledger.balances(self.connection, book_id, EVERY_ACCOUNT)
        assert set(found) == set(reference.accounts)
        for code, expected in reference.accounts.items():
            there = found[code]
            assert (
                there.unit, there.posted, there.held_out, there.held_in, there.floor, there.ceiling, there.status,
                there.seq,
            ) == (
                expected.unit, expected.posted, expected.held_out, expected.held_in, expected.floor, expected.ceiling,
                expected.status, len(expected.postings),
            ), code  # fmt: skip
            lines = await ledger.statement(self.connection, book_id, code, limit=500)
            assert [(line.seq, line.amount, line.balance_after, line.effective_on) for line in reversed(lines)] == [
                (seq, posting.amount, posting.balance_after, posting.effective_on)
                for seq, posting in enumerate(expected.postings, 1)
            ], code
        for hold_id in self.holds:
            assert (await ledger.hold(self.connection, book_id, hold_id)).state == reference.holds[hold_id].state
        assert await ledger.prove(self.owner, book_id=book_id) == []

    def item(self, drawn: Drawn) -> Item:
        """The item that was meant: mostly one that could be accepted, under a key of its own."""
        self.keys += 1
        common: dict[str, Any] = {
            "key": f"key-{drawn.key}" if drawn.key in (3, 5, 7) else f"own-{self.keys}",
            "actor": "tester",
            "reference": "r" if drawn.odd == 15 else "",
        }
        amount = MAX_AMOUNT if drawn.odd == 9 else drawn.amount
        source = "issued" if drawn.kind == "award" else drawn.source
        target = drawn.target if drawn.target != source else next(code for code in EVERY_ACCOUNT if code != source)
        if drawn.kind == "hold" or (drawn.kind in ("capture", "void") and not self.holds):
            hold_id = self.one_of(self.holds, drawn) if drawn.odd == 5 else UUID(int=self.keys)
            return PlaceHold(
                hold_id=hold_id, kind="booking", unit="MIN", from_account=source, to_account=target, amount=amount,
                expires_at=drawn.moment, **common,
            )  # fmt: skip
        match drawn.kind:
            case "capture":
                return Capture(
                    hold_id=self.one_of(self.holds, drawn), kind="fulfilled", effective_on=drawn.day,
                    amount=drawn.amount if drawn.odd % 4 == 0 else None, now=drawn.moment if drawn.odd < 6 else None,
                    **common,
                )  # fmt: skip
            case "void":
                return Void(
                    hold_id=self.one_of(self.holds, drawn), reason="expired" if drawn.odd < 6 else "voided",
                    now=drawn.moment if drawn.odd % 2 else None, **common,
                )  # fmt: skip
            case "reverse":
                entry_id = self.one_of(self.entries, drawn)
                return Reverse(entry_id=entry_id, kind="undo", effective_on=drawn.day, **common)
        amounts = {source: -amount, target: amount}
        if drawn.odd in (6, 7) and amount > 1:
            third = next(code for code in MINUTE_ACCOUNTS[drawn.odd - 5 :] if code not in amounts)
            amounts |= {target: amount - 1, third: 1}
        return Post(
            kind="test", unit="GBP" if drawn.odd == 14 and drawn.which > 9 else "MIN", effective_on=drawn.day,
            legs=tuple(Leg(account=code, amount=amount) for code, amount in amounts.items()), **common,
        )  # fmt: skip

    def one_of(self, ids: Sequence[UUID], drawn: Drawn) -> UUID:
        return NOWHERE if drawn.odd == 11 or not ids else ids[-1 - drawn.which % len(ids)]


async def outcome(awaitable: Awaitable[Any]) -> Any:
    """What it gives, or the class of what it raises."""
    try:
        return await awaitable
    except ledger.LedgerError as error:
        return type(error)


async def connect(stack: AsyncExitStack, server: Server) -> tuple[Any, Any]:
    """A connection as the application, one as the owner. Plans are kept per connection, so all examples share them."""
    application = await asyncpg.connect(server.app_url)
    stack.push_async_callback(application.close)
    return application, await stack.enter_async_context(owning(server))
