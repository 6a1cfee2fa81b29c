"""The monthly checklist: statements reach the month's end, the bank agrees, every balance is the sum of its entries."""

from datetime import date
from typing import Any

import asyncpg
import pytest

from tests.integration.payees.accounts_made import confirmed
from tests.integration.payments.helpers import add_payee, approved, call, codes, run, settle
from tests.integration.reconciliation.bank_files import Movement, csv_file, kept, sent
from tests.people import Bank
from timebank import app
from timebank.payments import months
from timebank.payments.months import Check, CloseMonth, MonthChanged
from timebank.reconciliation.service import import_statement

assert app.look_also is months.look_also
FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)


async def checks(bank: Bank, month: date) -> dict[str, Check]:
    async with bank.db.reading(bank.id) as connection:
        return {one.code: one for one in await months.checklist(connection, bank.id, month)}


async def a_run(bank: Bank) -> str:
    payee = await add_payee(bank.db, bank.finance)
    await confirmed(bank, payee)
    reference = await approved(bank, payee, pence=1000)
    await run(bank)
    return reference


async def test_where_nothing_was_sent_no_statement_is_missing(bank: Bank) -> None:
    found = await checks(bank, FEBRUARY)
    assert all(one.is_good for one in found.values()), found
    assert {"statements", "bank_agrees", "proved"} <= found.keys()
    closed = await months.close_month(bank.db, bank.finance, CloseMonth(month=FEBRUARY), **call())
    assert isinstance(closed, MonthChanged)


async def test_statements_must_reach_the_months_end(bank: Bank) -> None:
    reference = await a_run(bank)
    assert (await checks(bank, FEBRUARY))["statements"].is_good
    missing = (await checks(bank, MARCH))["statements"]
    assert (missing.is_good, missing.found) == (False, "none so far")
    out = [Movement(-1000, "FPS", reference=await sent(bank, reference))]
    await import_statement(bank.db, bank.finance, await kept(bank, csv_file(out, 10_000)), **call())
    short = (await checks(bank, MARCH))["statements"]
    assert not short.is_good
    assert short.found.startswith("the last one ends on ")
    assert (await checks(bank, FEBRUARY))["statements"].is_good


async def test_what_was_marked_by_hand_is_not_yet_on_a_statement(bank: Bank) -> None:
    reference = await a_run(bank)
    await settle(bank, reference, "paid")
    apart = (await checks(bank, MARCH))["bank_agrees"]
    assert (apart.is_good, apart.found) == (False, "£10.00 marked by hand, on no statement yet")
    out = [Movement(-1000, "FPS", reference=await sent(bank, reference))]
    await import_statement(bank.db, bank.finance, await kept(bank, csv_file(out, 10_000)), **call())
    assert (await checks(bank, MARCH))["bank_agrees"].is_good


CHEATS = {
    "a balance": "update ledger.balance set posted = posted + {n} where account_id = $1",
    "a posting": "update ledger.posting set amount = amount + {n} where account_id = $1 and seq = 1",
    "an entry": "update ledger.entry set amounts[1] = amounts[1] + {n}, amounts[2] = amounts[2] - {n} "
                "where accounts[1] = $1",
}  # fmt: skip


@pytest.mark.parametrize("cheat", CHEATS)
async def test_a_balance_that_is_not_the_sum_of_its_entries_shows_and_needs_a_reason(
    bank: Bank, admin_url: str, cheat: str
) -> None:
    await a_run(bank)
    assert (await checks(bank, FEBRUARY))["proved"].is_good
    owner = await asyncpg.connect(admin_url)
    await owner.execute("set session_replication_role = replica")
    account = await owner.fetchval(
        "select accounts[1] from ledger.entry where book_id = $1 and kind = 'payable_owed'", bank.id
    )
    try:
        await owner.execute(CHEATS[cheat].format(n=1), account)
        shown = (await checks(bank, FEBRUARY))["proved"]
        assert not shown.is_good
        assert shown.found.endswith("with another balance")
        answer: Any = await months.close_month(bank.db, bank.finance, CloseMonth(month=FEBRUARY), **call())
        assert codes(answer) == ["reason_missing"]
    finally:
        await owner.execute(CHEATS[cheat].format(n=-1), account)
        await owner.close()


async def test_a_proof_that_takes_too_long_says_so(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(months, "UNPROVED", "select count(*) from pg_sleep(5) where $1::bigint is not null")
    monkeypatch.setattr(months, "MAX_PROOF_MILLISECONDS", 20)
    shown = (await checks(bank, FEBRUARY))["proved"]
    assert not shown.is_good
    assert "timebank prove" in shown.found
    why = CloseMonth(month=FEBRUARY, why="Asked for a proof")
    assert isinstance(await months.close_month(bank.db, bank.finance, why, **call()), MonthChanged)
