"""Statements against the ledger: whatever happened, and whatever days are chosen, the sums add up."""

from datetime import date, timedelta
from itertools import pairwise
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ledger
from ledger import Leg, Post
from tests.people import make_bank
from timebank.home.dated import dated, hours_page

FIRST = date(2025, 11, 1)
days = st.integers(0, 130).map(lambda n: FIRST + timedelta(days=n))
moves = st.lists(st.tuples(days, st.integers(-90, 120).filter(bool)), max_size=25)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=moves, spans=st.lists(st.tuples(days, days), min_size=1, max_size=4))
async def test_before_and_entries_make_after_and_months_make_the_whole(db, moves, spans) -> None:
    bank = await make_bank(db)
    me = bank.participant.member_id
    account = f"member/{me}"
    for day, minutes in moves:
        legs = (Leg(account="opening", amount=-minutes), Leg(account=account, amount=minutes))
        entry = Post(key=uuid4().hex, kind="test", unit="MIN", legs=legs, effective_on=day, actor="test")
        async with bank.db.writing(bank.id) as connection:
            await ledger.post(connection, bank.id, entry)  # refused where it would go below zero
    async with bank.db.reading(bank.id) as connection:
        for one, other in spans:
            first, last = min(one, other), max(one, other)
            found = await dated(connection, bank.id, me, first, last)
            before = await ledger.balance_at(connection, bank.id, account, effective_on=first - timedelta(days=1))
            after = await ledger.balance_at(connection, bank.id, account, effective_on=last)
            assert found.opening == before
            assert found.opening + sum(row.minutes for row in found.rows) == found.closing == after
            assert [row.balance_after for row in found.rows][-1:] in ([], [after])
            months = found.months
            assert all(each.month.day == 1 for each in months)
            assert sum(each.came for each in months) == found.came
            assert sum(each.went for each in months) == found.went
            for earlier, later in pairwise(months):
                assert (earlier.closing, earlier.month < later.month) == (later.opening, True)
        # Leafing through all months meets every entry once and ends at what there was at the very beginning.
        met, month, now = [], None, (await ledger.balance(connection, bank.id, account)).posted
        while True:
            page = await hours_page(connection, bank.id, me, month)
            for each in page.shown:
                assert each.closing == now
                now = each.opening
                met += [row.entry_id for row in each.rows]
            if page.older is None:
                break
            month = page.older
        lines = await ledger.statement(connection, bank.id, account, limit=500)
        assert now == 0
        assert sorted(met) == sorted(line.entry_id for line in lines)
        assert len(met) == len(set(met))
