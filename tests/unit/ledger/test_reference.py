"""The reference ledger: the rules in small, by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger import AccountInUse, Capture, Held, Leg, PlaceHold, Post, Posted, Reverse, UnknownAccount, Void
from ledger.reference import ReferenceLedger

DAY = date(2026, 3, 2)
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


def move(source: str, target: str, amount: int, key: str = "") -> Post:
    legs = (Leg(account=source, amount=-amount), Leg(account=target, amount=amount))
    return Post(key=key or str(uuid4()), kind="x", unit="MIN", legs=legs, effective_on=DAY, actor="t")


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
    assert ledger.accounts["ann"].postings == [(60, 60)]


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
    ledger.closed_through = DAY
    assert codes(ledger.post_batch([move("issued", "ben", 1)])) == ["closed_period"]
