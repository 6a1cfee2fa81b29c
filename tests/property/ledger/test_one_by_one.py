"""Whatever many connections do at once, some one-by-one order explains every answer that they were given."""

import asyncio
import itertools
import random
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

import ledger
from ledger import Held, Item, Posted, Refused
from ledger.reference import ReferenceLedger
from tests.integration.ledger.support import (
    ACCOUNTS,
    EXPIRES,
    Book,
    capture,
    move,
    owning,
    reverse,
    set_aside,
    void,
)
from tests.property.ledger.crowd import IS_LONG, crowd_of, prove
from tests.property.ledger.history import Call, NoOrder, find_order

pytestmark = pytest.mark.xdist_group("crowd")
MEMBERS = ("member/1", "member/2", "member/3", "capped")
TIMES = """
select r.key, coalesce(f.recorded_at, e.recorded_at, v.recorded_at) as recorded_at
from ledger.request r
left join ledger.entry e on e.book_id = r.book_id and e.id = r.made
left join ledger.hold_event v on v.book_id = r.book_id and v.hold_id = r.made and (v.n = 1) = (r.operation = 'h')
left join ledger.refusal f on f.book_id = r.book_id and f.key = r.key
where r.book_id = $1
"""


class Runner:
    """Callers that share accounts, keys, holds and entries, and note down what they were answered."""

    def __init__(self, book: Book, seed: int) -> None:
        self.book = book
        self.chance = random.Random(seed)
        self.events = itertools.count()
        self.calls: list[Call] = []
        self.holds: list[UUID] = [UUID(int=1)]
        self.entries: list[UUID] = [UUID(int=2)]

    async def work(self, connection: Any, calls: int) -> None:
        for _ in range(calls):
            atomic = self.chance.random() < 0.5
            items: list[Item] | str
            if self.chance.random() < 0.15:
                items = self.chance.choice(MEMBERS)
            else:
                items = [self.item() for _ in range(self.chance.choice((1, 1, 1, 2, 5)))]
            began = next(self.events)
            try:
                answer = await self.ask(connection, items, atomic)
            except ledger.InvalidItem:
                continue  # a hold placed and ended in one batch, which nobody can
            self.calls.append(Call(began, next(self.events), items, atomic, answer))
            if not isinstance(answer, int):
                self.holds += [each.hold_id for each in answer if isinstance(each, Held)]
                self.entries += [each.entry_id for each in answer if isinstance(each, Posted)]

    async def ask(self, connection: Any, items: list[Item] | str, atomic: bool) -> list[ledger.Result] | int:
        while True:
            with suppress(asyncpg.SerializationError):  # what the batch is about was made while it waited
                async with self.book.writing(connection):
                    if isinstance(items, str):
                        return int((await ledger.balance(connection, self.book.book_id, items)).posted)
                    return await ledger.post_batch(connection, self.book.book_id, items, atomic=atomic)

    def item(self) -> Item:
        """Mostly on what was made just now, because that is what others are at as well."""
        chance = self.chance
        key = f"shared/{chance.randint(0, 40)}" if chance.random() < 0.2 else None
        hold_id, entry_id = chance.choice(self.holds[-6:]), chance.choice(self.entries[-6:])
        match chance.randint(0, 9):
            case 0 | 1 | 2 | 3:
                return move(*chance.sample(MEMBERS, 2), chance.randint(1, 60), key=key)
            case 4:
                return move("issued", chance.choice(MEMBERS), chance.randint(1, 60), key=key)
            case 5 | 6:
                return set_aside(*chance.sample(MEMBERS, 2), chance.randint(1, 60), key=key, hold_id=uuid4())
            case 7:
                return capture(hold_id, key=key, amount=chance.choice((None, 5)))
            case 8:
                return void(hold_id, key=key, now=EXPIRES, reason=chance.choice(("voided", "expired")))
            case _:
                return reverse(entry_id, key=key)

    async def history(self) -> list[Call]:
        """The calls, each with the writers to its accounts just before: times are taken while accounts are locked."""
        async with owning(self.book.server) as owner:
            times: dict[str, datetime] = dict(await owner.fetch(TIMES, self.book.book_id))
        accounts = self.accounts_of_what_was_made()
        uses = Counter(item.key for call in self.calls if not isinstance(call.items, str) for item in call.items)
        chains = defaultdict[str, list[tuple[datetime, int]]](list)
        for call in self.calls:
            for item, result in zip(call.items, call.new_results and call.answer, strict=False):
                # A refusal does not say whether it is given again, and the time is that of the first.
                if result not in call.new_results or (isinstance(result, Refused) and uses[item.key] > 1):
                    continue
                # Of a hold or entry that was unknown then, no account was locked.
                is_known = getattr(result, "code", "") not in ("unknown_hold", "unknown_entry")
                target = getattr(item, "hold_id", getattr(item, "entry_id", None))
                named = {leg.account for leg in getattr(item, "legs", ())}
                for account in named or (accounts.get(target, set()) if is_known else ()):
                    chains[account].append((times[item.key], call.began))
        follows = defaultdict[int, set[int]](set)
        for chain in chains.values():
            for (earlier, before), (later, after) in itertools.pairwise(sorted(set(chain))):
                if earlier < later:
                    follows[after].add(before)
        return [replace(call, follows=frozenset(follows[call.began])) for call in self.calls]

    def accounts_of_what_was_made(self) -> dict[UUID, set[str]]:
        """The accounts of each hold and entry."""
        made: dict[UUID, set[str]] = {}
        for call in self.calls:
            for item, result in zip(call.items, call.new_results and call.answer, strict=False):
                if isinstance(result, Held) and isinstance(item, ledger.PlaceHold):
                    made[result.hold_id] = {item.from_account, item.to_account}
                elif isinstance(result, Posted):
                    made[result.entry_id] = set(result.balances)
        return made


def empty_ledger() -> ReferenceLedger:
    reference = ReferenceLedger(uuid4)
    for code, unit, floor, ceiling in ACCOUNTS:
        reference.open_account(code, unit, floor=floor, ceiling=ceiling)
    return reference


@pytest.mark.parametrize(
    ("connections", "calls", "seed"),
    [(64, 4, 1), (12, 20, 2), *[(64 if seed % 2 else 8, 10 if seed % 2 else 60, seed) for seed in range(100, 120)]]
    if IS_LONG
    else [(64, 4, 1), (12, 20, 2)],
)
async def test_some_order_explains_every_answer(book: Book, connections: int, calls: int, seed: int) -> None:
    runner = Runner(book, seed)
    async with crowd_of(book, connections) as crowd:
        await asyncio.gather(*(runner.work(connection, calls) for connection in crowd))

    order, reference = find_order(await runner.history(), empty_ledger())

    assert len(order) == len(runner.calls) > connections * calls * 0.8
    balances = await book.do(ledger.balances, list(reference.accounts))
    assert {code: (there.posted, there.held_out, there.held_in, there.seq) for code, there in balances.items()} == {
        code: (account.posted, account.held_out, account.held_in, len(account.postings))
        for code, account in reference.accounts.items()
    }
    answers = [each for call in runner.calls if not isinstance(call.answer, int) for each in call.answer]
    assert sum(isinstance(each, Posted) for each in answers) > 20
    assert sum(isinstance(each, Refused) for each in answers) > 20
    await prove(book)


# The search itself must be able to say no.


def award(began: int, ended: int, balance: int, *, amount: int = 10) -> Call:
    item = move("issued", "member/1", amount)
    posted = Posted(key=item.key, entry_id=uuid4(), replayed=False, balances={"issued": -balance, "member/1": balance})
    return Call(began, ended, [item], True, [posted])


def look(began: int, ended: int, balance: int) -> Call:
    return Call(began, ended, "member/1", True, balance)


def test_calls_that_overlap_may_come_in_either_order() -> None:
    first, second = award(0, 3, 20), award(1, 2, 10)
    order, reference = find_order([first, second, look(4, 5, 20)], empty_ledger())
    assert order[:2] == [second, first]
    assert reference.accounts["member/1"].posted == 20


@pytest.mark.parametrize(
    "history",
    [
        [award(0, 1, 20), award(2, 3, 10)],  # against time
        [award(0, 3, 10), award(1, 2, 10)],  # a lost update
        [award(0, 1, 10), look(2, 3, 0)],  # a stale read
        [award(0, 9, 10), look(1, 2, 10), look(3, 4, 0)],  # a read that goes back
        [award(0, 1, 5)],
    ],
)
def test_what_no_order_explains_is_found_out(history: list[Call]) -> None:
    with pytest.raises(NoOrder):
        find_order(history, empty_ledger())
