"""Random registers keep the books balanced, and undo, retries and repeated files change what they say they change."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ledger
from tests.people import Bank, make_bank
from timebank.contributions import service
from timebank.contributions.service import (
    AddActivity,
    ConfirmedUpload,
    ConfirmUpload,
    KeptUpload,
    Line,
    SavedRegister,
    SaveRegister,
    UndoneRegister,
)
from timebank.db import Database
from timebank.kit.csv import write

TODAY = date(2026, 3, 10)
NAMES = ("Amina Yusuf", "Tom O’Brien", "Zoë Clarke", "שרה כהן", "Li Wei 🌻")

Entered = list[tuple[int, int, int]]

# Who (an index), how many days ago, how many minutes. Twelve lines of 40 minutes stay below what needs a second person.
entered = st.lists(
    st.tuples(st.integers(0, len(NAMES) - 1), st.integers(0, 60), st.integers(1, 40)),
    min_size=1,
    max_size=12,
    unique=True,
)


async def _bank(db: Database) -> tuple[Bank, int, list[int]]:
    bank = await make_bank(db)
    added = await service.add_activity(
        db, bank.coordinator, AddActivity(name="Lunch club"), key=uuid4().hex, now=bank.now
    )
    assert isinstance(added, int)
    return bank, added, [await bank.member(name) for name in NAMES]


async def _balances(bank: Bank, members: list[int]) -> dict[str, int]:
    async with bank.db.reading(bank.id) as connection:
        accounts = [f"member/{member_id}" for member_id in members]
        found = {code: (await ledger.balance(connection, bank.id, code)).posted for code in (*accounts, "issued")}
        saved = await connection.fetchval(
            "select coalesce(sum(minutes), 0) from contribution where timebank_id = $1 and state = 'approved'", bank.id
        )
    assert found["issued"] == -int(saved)
    assert sum(found.values()) == 0
    return found


def _lines(members: list[int], rows: Entered) -> tuple[Line, ...]:
    return tuple(
        Line(member_id=members[who], held_on=TODAY - timedelta(days=ago), minutes=minutes) for who, ago, minutes in rows
    )


def _expected(members: list[int], rows: Entered) -> dict[str, int]:
    given_minutes: Counter[str] = Counter()
    for who, _, minutes in rows:
        given_minutes[f"member/{members[who]}"] += minutes
    return {f"member/{member_id}": given_minutes[f"member/{member_id}"] for member_id in members}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=entered, second=entered, tries=st.integers(1, 4))
async def test_registers_conserve_minutes(db: Database, first: Entered, second: Entered, tries: int) -> None:
    bank, activity, members = await _bank(db)
    one = SaveRegister(activity_id=activity, lines=_lines(members, first))
    results = await asyncio.gather(
        *(service.save_register(db, bank.coordinator, one, key="the-same-key", now=bank.now) for _ in range(tries))
    )
    assert len({result.reference for result in results if isinstance(result, SavedRegister)}) == 1
    before = await _balances(bank, members)
    assert {code: minutes for code, minutes in before.items() if code != "issued"} == _expected(members, first)

    fresh = [row for row in second if row not in first]
    if not fresh:
        return
    two = SaveRegister(activity_id=activity, lines=_lines(members, fresh))
    saved = await service.save_register(db, bank.coordinator, two, key=uuid4().hex, now=bank.now)
    assert isinstance(saved, SavedRegister), saved
    assert saved.credited_minutes + saved.waiting_minutes == sum(minutes for _, _, minutes in fresh)
    both = await _balances(bank, members)
    assert before["issued"] - both["issued"] == saved.credited_minutes
    undone = await service.undo_register(db, bank.coordinator, saved.reference, key=uuid4().hex, now=bank.now)
    assert isinstance(undone, UndoneRegister), undone
    assert await _balances(bank, members) == before


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=entered, taken=st.integers(1, 90))
async def test_undo_is_whole_or_not_at_all(db: Database, rows: Entered, taken: int) -> None:
    bank, activity, members = await _bank(db)
    command = SaveRegister(activity_id=activity, lines=_lines(members, rows))
    saved = await service.save_register(db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert isinstance(saved, SavedRegister), saved
    account, there = f"member/{members[rows[0][0]]}", _expected(members, rows)[f"member/{members[rows[0][0]]}"]
    spent = min(taken, there)
    legs = (ledger.Leg(account=account, amount=-spent), ledger.Leg(account="spent/vouchers", amount=spent))
    entry = ledger.Post(key="spent", kind="test", unit="MIN", legs=legs, effective_on=TODAY, actor="test")
    async with db.writing(bank.id) as connection:
        (posted,) = await ledger.post_batch(connection, bank.id, [entry])
        assert isinstance(posted, ledger.Posted), posted
    result = await service.undo_register(db, bank.coordinator, saved.reference, key=uuid4().hex, now=bank.now)
    assert isinstance(result, list)
    assert [refusal.code for refusal in result] == ["hours_used"]
    async with db.reading(bank.id) as connection:
        for code, minutes in _expected(members, rows).items():
            now = (await ledger.balance(connection, bank.id, code)).posted
            assert now == minutes - (spent if code == account else 0)
        states = await connection.fetch("select distinct state from contribution where timebank_id = $1", bank.id)
    assert [row["state"] for row in states] == ["approved"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=entered, separator=st.sampled_from([",", ";", "\t"]), at_once=st.integers(1, 3))
async def test_the_same_file_counts_once(db: Database, rows: Entered, separator: str, at_once: int) -> None:
    bank, _, members = await _bank(db)
    table: list[list[str | int]] = [["Name", "Date", "Minutes", "Activity"]]
    table += [
        [NAMES[who], f"{TODAY - timedelta(days=ago):%d/%m/%Y}", minutes, "lunch CLUB"] for who, ago, minutes in rows
    ]
    content = write(table, separator=separator).encode("utf-8-sig")
    kept = await service.keep_upload(db, bank.coordinator, file_name="register.csv", content=content, now=bank.now)
    assert isinstance(kept, KeptUpload), kept
    confirms = await asyncio.gather(
        *(
            service.confirm_upload(
                db, bank.coordinator, ConfirmUpload(upload_id=kept.upload_id), key=uuid4().hex, now=bank.now
            )
            for _ in range(at_once)
        )
    )
    assert all(isinstance(one, ConfirmedUpload) for one in confirms), confirms
    assert sorted(one.is_new for one in confirms if isinstance(one, ConfirmedUpload)) == [False] * (at_once - 1) + [
        True
    ]
    after = await _balances(bank, members)
    assert {code: minutes for code, minutes in after.items() if code != "issued"} == _expected(members, rows)
    again = await service.keep_upload(db, bank.coordinator_two, file_name="copy.csv", content=content, now=bank.now)
    assert isinstance(again, KeptUpload)
    assert again.upload_id == kept.upload_id
    assert again.reference == confirms[0].reference if isinstance(confirms[0], ConfirmedUpload) else False
    assert await _balances(bank, members) == after
