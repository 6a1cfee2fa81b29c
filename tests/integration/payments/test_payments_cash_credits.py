"""Cash less what its payee owes us: kept back as in a payment run, and never more handed over than is owed net."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.payments.crediting import credit, left
from tests.integration.payments.helpers import add_payee, approved, call, codes, done, facts, money
from tests.integration.redemptions.spending import prove
from tests.people import NOW, Bank
from timebank.payments import cash, credit_queries, set_off
from timebank.payments.cash import CashPaid, PayCash
from timebank.payments.set_off import DebtSettled, SettleDebt


async def driver(bank: Bank) -> int:
    """A payee who is paid in cash."""
    payee = await add_payee(bank.db, bank.finance, "Driver")
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payee set pay_by = 'cash' where timebank_id = $1 and id = $2", bank.id, payee)
    return payee


def signed(reference: str, receipt: str = "C-1", **changed: Any) -> PayCash:
    fields = {"receipt_number": receipt, "handed_by": "Demo finance", "signed_by": "Ann Other", "on": NOW.date()}
    return PayCash(reference=reference, **fields | changed)


async def paid(bank: Bank, reference: str) -> list[CashPaid]:
    payable = await facts(bank.db, bank.id, reference)
    async with bank.db.reading(bank.id) as connection:
        return await cash.of_payable(connection, bank.id, payable.id)


async def test_cash_keeps_back_what_its_payee_owes_us_and_every_sum_agrees(bank: Bank, owner_url: str) -> None:
    payee = await driver(bank)
    first, second = await credit(bank, payee, 300), await credit(bank, payee, 400, "CN-2")
    reference = await approved(bank, payee, pence=600)
    later = await approved(bank, payee, pence=1000)
    assert codes(await cash.pay_cash(bank.db, bank.finance_two, signed(reference), **call())) == ["credit_covers"]
    whole = signed(later, pence=1000)
    answer = await cash.pay_cash(bank.db, bank.finance_two, whole, **call())
    assert codes(answer) == ["amount_differs"]
    assert isinstance(answer, list)
    assert "£3.00 had to be handed over on that day, because" in answer[0].message
    again = call()
    for _ in range(2):
        assert (await done(cash.pay_cash(bank.db, bank.finance_two, signed(later, pence=300), **again))).state == "paid"
    assert await money(bank.db, bank.id, f"payable/{payee}", f"credit/{payee}", "cash") == [600, 0, 300]
    [handed] = await paid(bank, later)
    assert (handed.pence, handed.credited_pence) == (300, 700)
    assert [await left(bank, first), await left(bank, second)] == [0, 0]
    found = await facts(bank.db, bank.id, later)
    assert (found.state, found.settled_pence) == ("paid", 1000)
    async with bank.db.reading(bank.id) as connection:
        owing = await credit_queries.by_reference(connection, bank.id, second)
        assert owing is not None
        [use] = await credit_queries.uses(connection, bank.id, owing.id)
    assert (use.how, use.pence, use.payable_reference, use.is_standing) == ("cash", 400, later, True)
    await done(cash.pay_cash(bank.db, bank.finance_two, signed(reference, "C-2", pence=600), **call()))
    assert await prove(owner_url, bank.id) == []


async def test_who_owes_us_as_much_gets_no_cash_and_what_is_covered_is_set_off(bank: Bank, owner_url: str) -> None:
    payee = await driver(bank)
    reference = await credit(bank, payee, 500)
    large, small = await approved(bank, payee, pence=700), await approved(bank, payee, pence=500)
    assert codes(await cash.pay_cash(bank.db, bank.finance_two, signed(small), **call())) == ["credit_covers"]
    settled = await set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call())
    assert settled == DebtSettled(pence=500, payables=[small])
    assert await left(bank, reference) == 0
    await done(cash.pay_cash(bank.db, bank.finance_two, signed(large, pence=700), **call()))
    assert await money(bank.db, bank.id, f"payable/{payee}", f"credit/{payee}", "cash") == [0, 0, 700]
    assert await prove(owner_url, bank.id) == []


async def test_a_credit_too_small_for_any_of_it_is_kept_back_from_the_cash(bank: Bank) -> None:
    payee = await driver(bank)
    await credit(bank, payee, 499)
    reference = await approved(bank, payee, pence=500)
    answer = await set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call())
    assert codes(answer) == ["credit_too_small"]
    assert isinstance(answer, list)
    assert "Pay in cash" in answer[0].message
    await done(cash.pay_cash(bank.db, bank.finance_two, signed(reference, pence=1), **call()))


async def test_a_credit_of_today_was_not_kept_back_from_the_cash_of_yesterday(bank: Bank) -> None:
    payee = await driver(bank)
    reference = await approved(bank, payee, pence=1250, now=NOW - timedelta(days=2))
    owing = await credit(bank, payee, 300)
    yesterday = signed(reference, pence=950, on=NOW.date() - timedelta(days=1))
    assert codes(await cash.pay_cash(bank.db, bank.finance_two, yesterday, **call())) == ["amount_differs"]
    yesterday = signed(reference, pence=1250, on=NOW.date() - timedelta(days=1))
    await done(cash.pay_cash(bank.db, bank.finance_two, yesterday, **call()))
    assert await left(bank, owing) == 300


@pytest.mark.parametrize("n", range(3))
async def test_cash_and_set_offs_at_the_same_moment_use_a_credit_once(bank: Bank, owner_url: str, n: int) -> None:
    payee = await driver(bank)
    owing = await credit(bank, payee, 500)
    references = [await approved(bank, payee, pence=pence) for pence in (700, 800, 500)]
    await asyncio.gather(
        *(
            cash.pay_cash(bank.db, bank.finance_two, signed(reference, f"C-{at}"), **call())
            for at, reference in enumerate(references)
        ),
        set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call()),
    )
    in_cash = [one for reference in references for one in await paid(bank, reference)]
    kept, handed = sum(one.credited_pence for one in in_cash), sum(one.pence for one in in_cash)
    settled = sum([(await facts(bank.db, bank.id, reference)).settled_pence for reference in references])
    set_off_pence = settled - kept - handed
    assert kept + set_off_pence + await left(bank, owing) == 500
    assert await money(bank.db, bank.id, f"credit/{payee}") == [-(await left(bank, owing))]
    assert await prove(owner_url, bank.id) == []
