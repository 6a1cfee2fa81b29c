"""The SQL and the reference, side by side: the same steps, the same answers, and every invariant after each step."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from uuid_utils.compat import uuid7

import ledger
from ledger import Capture, Item, Leg, PlaceHold, Post, Posted, Result, Reverse, Void
from ledger.model import MAX_AMOUNT, Status
from ledger.reference import ReferenceLedger
from tests.integration.ledger.support import (
    ACCOUNTS,
    DAY,
    EXPIRES,
    Book,
    Server,
    open_fresh_book,
    owning,
)

MINUTE_ACCOUNTS = [code for code, unit, _, _ in ACCOUNTS if unit == "MIN"]
EVERY_ACCOUNT = [*MINUTE_ACCOUNTS, "bank", "nobody"]
FRESH_KEYS = st.integers(0, 10**9).map(lambda n: f"fresh-{n}")
KEYS = st.one_of(FRESH_KEYS, FRESH_KEYS, FRESH_KEYS, st.sampled_from([f"key-{n}" for n in range(6)]))
AMOUNTS = st.one_of(st.integers(1, 60), st.integers(1, 60), st.integers(1, 200), st.just(MAX_AMOUNT))
DAYS = st.sampled_from([DAY, DAY + timedelta(days=1)])
ANY_ACCOUNT = st.one_of(
    st.sampled_from(MINUTE_ACCOUNTS), st.sampled_from(MINUTE_ACCOUNTS), st.sampled_from(EVERY_ACCOUNT)
)
MOMENTS = st.sampled_from([None, None, EXPIRES - timedelta(hours=1), EXPIRES])
NOWHERE = UUID(int=1)
WHICH = st.integers(0, 30)
"""Which of the holds or entries so far: beyond the last one, an id that does not exist."""


@st.composite
def balanced_legs(draw: st.DrawFn) -> tuple[Leg, ...]:
    codes = draw(st.lists(ANY_ACCOUNT, min_size=2, max_size=4, unique=True))
    amounts = [draw(AMOUNTS) * draw(st.sampled_from([1, -1])) for _ in codes[1:]]
    rest = -sum(amounts)
    if rest == 0 or abs(rest) > MAX_AMOUNT:
        codes, amounts, rest = codes[:2], amounts[:1], -amounts[0]
    return tuple(Leg(account=code, amount=amount) for code, amount in zip(codes, [rest, *amounts], strict=True))


posts = st.builds(
    Post, key=KEYS, kind=st.just("test"), unit=st.sampled_from(["MIN"] * 9 + ["GBP"]), legs=balanced_legs(),
    effective_on=DAYS, actor=st.just("tester"), reference=st.sampled_from(["", "r"]),
)  # fmt: skip
awards = st.builds(
    lambda key, account, amount: Post(
        key=key, kind="award", unit="MIN", effective_on=DAY, actor="tester",
        legs=(Leg(account="issued", amount=-amount), Leg(account=account, amount=amount)),
    ),
    KEYS, st.sampled_from(MINUTE_ACCOUNTS[1:]), st.integers(1, 60),
)  # fmt: skip
places = st.tuples(
    st.just("hold"),
    KEYS,
    st.lists(ANY_ACCOUNT, min_size=2, max_size=2, unique=True),
    AMOUNTS,
    st.one_of(st.none(), WHICH),
)
captures = st.tuples(st.just("capture"), KEYS, WHICH, st.one_of(st.none(), st.integers(1, 60)), MOMENTS, DAYS)
voids = st.tuples(st.just("void"), KEYS, WHICH, st.sampled_from(["voided", "expired"]), MOMENTS)
reversals = st.tuples(st.just("reverse"), KEYS, WHICH, DAYS)
batches = st.lists(st.one_of(posts, awards, awards, places, captures, voids, reversals), min_size=1, max_size=7)


class LedgerMachine(RuleBasedStateMachine):
    """Each step is done to both; ids of entries, which each makes for itself, are matched as they come."""

    server: Server
    runner: asyncio.Runner
    connection: Any
    owner: Any

    def __init__(self) -> None:
        super().__init__()
        self.reference = ReferenceLedger(uuid7)
        self.holds: list[UUID] = []
        self.entries: list[tuple[UUID, UUID]] = []  # in SQL, in the reference
        self.twin: dict[UUID, UUID] = {}
        self.book: Book = self.run(open_fresh_book(self.server, self.connection))
        for code, unit, floor, ceiling in ACCOUNTS:
            self.reference.open_account(code, unit, floor=floor, ceiling=ceiling)

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    @rule(drawn=batches, atomic=st.booleans())
    def post_batch(self, drawn: Sequence[Any], atomic: bool) -> None:
        pairs = [self.items(each) for each in drawn]
        here, there = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        try:
            expected: list[Result] = self.reference.post_batch(there, atomic=atomic)
        except ledger.InvalidItem:
            with pytest.raises(ledger.InvalidItem):
                self.run(self.book.do(ledger.post_batch, here, atomic=atomic))
            return
        found: list[Result] = self.run(self.book.do(ledger.post_batch, here, atomic=atomic))
        self.same(found, expected)
        self.holds += [item.hold_id for item in here if isinstance(item, PlaceHold) and item.hold_id not in self.holds]

    @rule(drawn=st.lists(st.one_of(posts, awards), min_size=1, max_size=3))
    def post_forced(self, drawn: Sequence[Post]) -> None:
        async def force() -> list[Result]:
            async with self.book.writing(self.owner) as connection:
                return await ledger.post_forced(
                    connection, self.book.book_id, drawn, forced_by="trustee", reason="test"
                )

        self.same(self.run(force()), self.reference.post_batch(drawn, forced=True))

    @rule(account=st.sampled_from(MINUTE_ACCOUNTS), status=st.sampled_from(["open", "open", "frozen", "closed"]))
    def set_status(self, account: str, status: Status) -> None:
        try:
            self.reference.set_status(account, status)
        except ledger.AccountInUse:
            with pytest.raises(ledger.AccountInUse):
                self.run(self.book.do(ledger.set_status, account, status, actor="tester"))
        else:
            self.run(self.book.do(ledger.set_status, account, status, actor="tester"))

    @rule(
        account=st.sampled_from(MINUTE_ACCOUNTS),
        floor=st.sampled_from([None, 0, -20, 30]),
        ceiling=st.sampled_from([None, 90]),
    )
    def set_limits(self, account: str, floor: int | None, ceiling: int | None) -> None:
        self.reference.set_limits(account, floor=floor, ceiling=ceiling)
        self.run(self.book.do(ledger.set_limits, account, floor=floor, ceiling=ceiling, actor="tester"))

    @rule(through=st.sampled_from([DAY - timedelta(days=1), DAY]))
    def close_period(self, through: date) -> None:
        if self.reference.closed_through is None or self.reference.closed_through <= through:
            self.reference.closed_through = through
            self.run(self.book.do(ledger.close_period, through))

    @invariant()
    def both_agree(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        async with self.book.writing() as connection:
            found = await ledger.balances(connection, self.book.book_id, list(self.reference.accounts))
            for code, expected in self.reference.accounts.items():
                there = found[code]
                lines = await ledger.statement(connection, self.book.book_id, code, limit=500)
                assert [(line.amount, line.balance_after) for line in reversed(lines)] == expected.postings, code
                assert (there.posted, there.held_out, there.held_in) == (
                    expected.posted,
                    expected.held_out,
                    expected.held_in,
                ), code
                assert (there.status, there.seq) == (expected.status, len(expected.postings)), code
            for hold_id in self.holds:
                if hold_id in self.reference.holds:
                    state = (await ledger.hold(connection, self.book.book_id, hold_id)).state
                    assert state == self.reference.holds[hold_id].state
                else:
                    with pytest.raises(ledger.UnknownHold):
                        await ledger.hold(connection, self.book.book_id, hold_id)

    @invariant()
    def every_invariant_holds(self) -> None:
        assert self.run(ledger.prove(self.owner, book_id=self.book.book_id)) == []

    def items(self, drawn: Any) -> tuple[Item, Item]:
        """The same item for the SQL and for the reference."""
        if isinstance(drawn, Post):
            return drawn, drawn
        item: Item
        match drawn:
            case ("hold", key, (source, target), amount, which):
                item = PlaceHold(
                    key=key, hold_id=uuid4() if which is None else self.hold(which), kind="booking", unit="MIN",
                    from_account=source, to_account=target, amount=amount, expires_at=EXPIRES, actor="tester",
                )  # fmt: skip
            case ("capture", key, which, amount, now, day):
                item = Capture(
                    key=key,
                    hold_id=self.hold(which),
                    kind="fulfilled",
                    effective_on=day,
                    actor="tester",
                    amount=amount,
                    now=now,
                )
            case ("void", key, which, reason, now):
                item = Void(key=key, hold_id=self.hold(which), actor="tester", reason=reason, now=now)
            case (_, key, which, day):
                here, there = self.entries[which] if which < len(self.entries) else (NOWHERE, NOWHERE)
                item = Reverse(key=key, entry_id=here, kind="undo", effective_on=day, actor="tester")
                return item, replace(item, entry_id=there)
        return item, item

    def hold(self, which: int) -> UUID:
        return self.holds[which] if which < len(self.holds) else NOWHERE

    def same(self, found: Sequence[Result], expected: Sequence[Result]) -> None:
        for here, there in zip(found, expected, strict=True):
            if isinstance(here, Posted) and isinstance(there, Posted):
                if not here.replayed:
                    assert here.entry_id not in self.twin
                    self.twin[here.entry_id] = there.entry_id
                    self.entries.append((here.entry_id, there.entry_id))
                there = (
                    replace(there, entry_id=here.entry_id) if self.twin.get(here.entry_id) == there.entry_id else there
                )
            assert here == there


def run_machine(chosen: Server, examples: int) -> None:
    """One runner and two connections for all examples (plans are kept per connection), a fresh book for each."""
    with asyncio.Runner() as one_runner:
        stack = AsyncExitStack()

        async def connect() -> tuple[Any, Any]:
            application = await asyncpg.connect(chosen.app_url)
            stack.push_async_callback(application.close)
            return application, await stack.enter_async_context(owning(chosen))

        class Machine(LedgerMachine):
            server = chosen
            runner = one_runner
            connection, owner = one_runner.run(connect())

        try:
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=20,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    print_blob=True,
                    database=None,
                    phases=[Phase.generate],
                ),
            )
        finally:
            one_runner.run(stack.aclose())


def test_sql_and_reference_agree(newest: Server) -> None:
    run_machine(newest, examples=30)


def test_sql_and_reference_agree_on_the_oldest_server(oldest: Server) -> None:
    run_machine(oldest, examples=10)
