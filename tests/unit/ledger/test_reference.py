"""The reference ledger: the rules in small, by hand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger import (
    AccountInUse,
    AlreadyDifferent,
    Capture,
    Held,
    Leg,
    PeriodMovedBack,
    PlaceHold,
    Post,
    Posted,
    Reverse,
    UnknownAccount,
    Void,
)
from ledger.reference import ReferenceLedger

DAY = date(2026, 3, 2)
TOMORROW = DAY + timedelta(days=1)
EXPIRES = datetime(2026, 4, 1, tzinfo=UTC)


def ids() -> Iterator[UUID]:
    return (UUID(int=n) for n in range(1, 1000))


@pytest.fixture
def ledger() -> ReferenceLedger:
    made = ReferenceLedger(ids().__next__)
    made.open_account("issued", "MIN", floor=None)
    made.open_account("ann", "MIN", floor=0)
    made.open_account("ben", "MIN", floor=0, ceiling=100)
    made.open_account("bank", "GBP", floor=None)
    return made


def move(source: str, target: str, amount: int, key: str = "", effective_on: date = DAY) -> Post:
    legs = (Leg(account=source, amount=-amount), Leg(account=target, amount=amount))
    return Post(key=key or str(uuid4()), kind="x", unit="MIN", legs=legs, effective_on=effective_on, actor="t")


def place(source: str, target: str, amount: int) -> PlaceHold:
    return PlaceHold(
        key=str(uuid4()), hold_id=uuid4(), kind="x", unit="MIN", from_account=source, to_account=target, amount=amount,
        expires_at=EXPIRES, actor="t",
    )  # fmt: skip


def capture(hold: PlaceHold, **fields: Any) -> Capture:
    return Capture(key=str(uuid4()), hold_id=hold.hold_id, kind="x", effective_on=DAY, actor="t", **fields)


def codes(results: list[Any]) -> list[str]:
    return [getattr(result, "code", "yes") for result in results]


def stand(ledger: ReferenceLedger, code: str) -> tuple[int, int, int]:
    account = ledger.accounts[code]
    return account.posted, account.held_out, account.held_in


def test_a_post_moves_both(ledger: ReferenceLedger) -> None:
    (result,) = ledger.post_batch([move("issued", "ann", 60, "k")])
    assert result == Posted(key="k", entry_id=UUID(int=1), replayed=False, balances={"issued": -60, "ann": 60})
    (again,) = ledger.post_batch([move("issued", "ann", 60, "k")])
    assert again == Posted(key="k", entry_id=UUID(int=1), replayed=True, balances={"issued": -60, "ann": 60})
    assert codes(ledger.post_batch([move("issued", "ann", 61, "k")])) == ["key_reused"]
    assert [(posting.amount, posting.balance_after) for posting in ledger.accounts["ann"].postings] == [(60, 60)]


def test_atomic_takes_everything_back(ledger: ReferenceLedger) -> None:
    assert codes(ledger.post_batch([move("issued", "ann", 60), move("ben", "ann", 1)])) == ["insufficient"]
    assert stand(ledger, "ann") == (0, 0, 0)
    assert not ledger.requests
    assert codes(ledger.post_batch([move("issued", "ann", 60), move("ben", "ann", 1)], atomic=False)) == [
        "yes",
        "insufficient",
    ]
    assert stand(ledger, "ann") == (60, 0, 0)


def test_what_is_held_cannot_be_spent(ledger: ReferenceLedger) -> None:
    hold = place("ann", "ben", 50)
    assert isinstance(ledger.post_batch([move("issued", "ann", 60), hold])[1], Held)
    assert codes(ledger.post_batch([move("ann", "ben", 11)])) == ["insufficient"]
    assert codes(ledger.post_batch([move("issued", "ben", 51)])) == ["ceiling"]
    assert codes(ledger.post_batch([capture(hold, amount=51)])) == ["over_hold"]
    assert codes(ledger.post_batch([capture(hold, now=EXPIRES)])) == ["hold_expired"]
    assert codes(ledger.post_batch([capture(hold, amount=20)])) == ["yes"]
    assert stand(ledger, "ann") == (40, 0, 0)
    assert stand(ledger, "ben") == (20, 0, 0)
    assert codes(ledger.post_batch([Void(key="v", hold_id=hold.hold_id, actor="t")])) == ["hold_not_open"]


def test_an_account_below_its_floor_may_come_back(ledger: ReferenceLedger) -> None:
    ledger.post_batch([move("ann", "issued", 30)], forced=True)
    assert codes(ledger.post_batch([move("issued", "ann", 10)])) == ["yes"]
    assert codes(ledger.post_batch([move("ann", "issued", 1)])) == ["insufficient"]
    assert stand(ledger, "ann") == (-20, 0, 0)


def test_a_reversal_happens_once(ledger: ReferenceLedger) -> None:
    (posted,) = ledger.post_batch([move("issued", "ann", 60)])
    assert isinstance(posted, Posted)

    def undo(entry_id: UUID) -> list[str]:
        return codes(
            ledger.post_batch([Reverse(key=str(uuid4()), entry_id=entry_id, kind="x", effective_on=DAY, actor="t")])
        )

    assert undo(posted.entry_id) == ["yes"]
    assert undo(posted.entry_id) == ["already_reversed"]
    assert undo(ledger.reversed[posted.entry_id]) == ["is_reversal"]
    assert undo(uuid4()) == ["unknown_entry"]
    assert stand(ledger, "ann") == (0, 0, 0)


def test_accounts_say_what_is_wrong_with_them(ledger: ReferenceLedger) -> None:
    assert codes(ledger.post_batch([move("issued", "bank", 1)])) == ["unit_mismatch"]
    assert codes(ledger.post_batch([move("issued", "nobody", 1)])) == ["unknown_account"]
    ledger.post_batch([move("issued", "ann", 1)])
    with pytest.raises(AccountInUse):
        ledger.set_status("ann", "closed")
    with pytest.raises(UnknownAccount):
        ledger.set_status("nobody", "closed")
    ledger.set_status("ann", "frozen")
    assert codes(ledger.post_batch([move("issued", "ann", 1)])) == ["frozen_account"]
    assert codes(ledger.post_batch([move("issued", "ann", 1)], forced=True)) == ["yes"]


def test_the_past_stays_as_it_was_known(ledger: ReferenceLedger) -> None:
    for n, day in enumerate([DAY, TOMORROW, DAY], 1):
        ledger.clock = EXPIRES + timedelta(hours=n)
        ledger.post_batch([move("issued", "ann", 10**n, effective_on=day)])

    known = [ledger.balance_at("ann", known_at=EXPIRES + timedelta(hours=n)) for n in range(4)]

    assert known == [0, 10, 110, 1110]
    assert ledger.balance_at("ann", effective_on=DAY) == 1010
    assert ledger.balance_at("ann", effective_on=DAY, known_at=EXPIRES + timedelta(hours=2)) == 10
    assert ledger.balance_at("issued", effective_on=TOMORROW) == -1110
    with pytest.raises(UnknownAccount):
        ledger.balance_at("nobody", effective_on=DAY)


def test_holds_expire_soonest_first(ledger: ReferenceLedger) -> None:
    ledger.post_batch([move("issued", "ann", 60)])
    late, soon, later = [replace(place("ann", "ben", n), expires_at=EXPIRES + timedelta(n)) for n in (2, 1, 3)]
    ledger.post_batch([late, soon, later])

    assert ledger.expire_holds(EXPIRES + timedelta(2), limit=1) == [soon.hold_id]
    assert ledger.expire_holds(EXPIRES + timedelta(2)) == [late.hold_id]
    assert ledger.expire_holds(EXPIRES + timedelta(2)) == []
    assert ledger.holds[later.hold_id].state == "open"
    assert stand(ledger, "ann") == (60, 3, 0)
    assert stand(ledger, "ben") == (0, 0, 3)
    assert codes(ledger.post_batch([capture(soon)])) == ["hold_not_open"]


def test_a_closed_period_stays_closed(ledger: ReferenceLedger) -> None:
    hold = place("ann", "ben", 5)
    ledger.post_batch([move("issued", "ann", 60), hold])
    ledger.close_period(DAY)
    ledger.close_period(DAY)
    assert codes(ledger.post_batch([move("issued", "ben", 1)])) == ["closed_period"]
    assert codes(ledger.post_batch([capture(hold)])) == ["closed_period"]
    assert codes(ledger.post_batch([move("issued", "ben", 1, effective_on=TOMORROW)])) == ["yes"]
    with pytest.raises(PeriodMovedBack):
        ledger.close_period(DAY - timedelta(days=1))


def test_an_account_keeps_its_unit(ledger: ReferenceLedger) -> None:
    ledger.open_account("ann", "MIN", floor=5)
    assert ledger.accounts["ann"].floor == 0
    with pytest.raises(AlreadyDifferent):
        ledger.open_account("ann", "GBP", floor=0)


def test_a_copy_is_a_ledger_of_its_own(ledger: ReferenceLedger) -> None:
    hold = place("issued", "ann", 5)
    ledger.post_batch([hold])
    other = ledger.copy()
    other.post_batch([capture(hold), move("issued", "ann", 60, "k")])
    other.set_limits("ann", floor=None, ceiling=7)

    assert stand(ledger, "ann") == (0, 0, 5)
    assert (ledger.accounts["ann"].postings, ledger.accounts["ann"].ceiling) == ([], None)
    assert codes(ledger.post_batch([move("issued", "ann", 1, "k"), capture(hold)])) == ["yes", "yes"]
