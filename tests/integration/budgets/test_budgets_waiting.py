"""Waiting lists and money: a place that gets free goes to the next person only when it can be paid for."""

from datetime import timedelta

import pytest

from tests.contributed import codes
from tests.integration.budgets.funding import budget, call, facts, sums
from tests.integration.payments.helpers import add_payee, owe
from tests.integration.redemptions.spending import book, booked, offer, step, waits
from tests.integration.redemptions.test_bookings_waiting import change, person, told, turn
from timebank.budgets import service as budgets
from timebank.budgets.rules import SaveBudget
from timebank.payments.coding import Code, code
from timebank.redemptions import service
from timebank.redemptions.waiting import move_on


@pytest.fixture
async def full(bank):
    """A training of one place that a budget of £25 pays £10 for, booked; and the budget."""
    own = await budget(bank, pence=2500)
    payee = await add_payee(bank.db, bank.finance)
    starts_at = bank.now + timedelta(days=21)
    wanted = await offer(
        bank, "training", places=1, starts_at=starts_at, payee_id=payee, value_pence=1000, budget_id=own
    )
    return wanted, await booked(bank, wanted, await person(bank)), own


async def use_up(bank, budget_id: int, pence: int) -> str:
    """Something else is paid from the budget."""
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, pence=pence)
    command = Code(reference=reference, budget_id=budget_id)
    assert not isinstance(await code(bank.db, bank.finance, command, **call(bank)), list)
    return reference


async def raised(bank, budget_id: int, pence: int) -> None:
    one = await facts(bank, budget_id)
    dates = {"starts_on": one.starts_on, "ends_on": one.ends_on}
    command = SaveBudget(id=one.id, name=one.name, fund_id=one.fund_id, pence=pence, **dates)
    assert not isinstance(await budgets.save_budget(bank.db, bank.finance, command, **call(bank)), list)


async def test_a_place_without_money_is_offered_to_nobody_until_there_is_some(bank, full) -> None:
    wanted, reference, own = full
    ann, bo = await person(bank), await person(bank)
    first, second = await waits(bank, wanted, ann), await waits(bank, wanted, bo)
    await use_up(bank, own, 1500)
    await raised(bank, own, 2500)
    await step(bank, "cancel", reference)
    # £10 came back and is there: the place is Ann's, and the money is kept with it.
    assert (await turn(bank, first)).state == "offered"
    assert await sums(bank, own) == (1500, 1000, 0, 0)
    await change(bank, service.leave, first, ann)
    assert (await turn(bank, second)).state == "offered"
    await change(bank, service.leave, second, bo)
    assert await sums(bank, own) == (1500, 0, 0, 1000)


async def test_who_is_next_is_told_once_that_they_keep_their_turn(bank, full) -> None:
    wanted, reference, own = full
    ann, bo = await person(bank), await person(bank)
    first, second = await waits(bank, wanted, ann), await waits(bank, wanted, bo)
    closed = await facts(bank, own)
    save = {name: getattr(closed, name) for name in ("id", "name", "fund_id", "starts_on", "ends_on", "pence")}
    for is_open in (False, True):
        command = SaveBudget(**save, is_open=is_open)
        assert not isinstance(await budgets.save_budget(bank.db, bank.finance, command, **call(bank)), list)
        if not is_open:
            await step(bank, "cancel", reference)
            for _ in range(2):
                await move_on(bank.db, bank.id, bank.now)
            assert [(await turn(bank, one)).state for one in (first, second)] == ["waiting", "waiting"]
            assert await told(bank, ann.member_id) == ["place_unfunded"]
            assert await told(bank, bo.member_id) == []
            assert codes(await book(bank, wanted, bo)) == ["no_budget_left"]
    await move_on(bank.db, bank.id, bank.now)
    assert [(await turn(bank, one)).state for one in (first, second)] == ["offered", "waiting"]


async def test_the_money_of_a_kept_place_is_there_for_whom_it_is_kept(bank, full) -> None:
    wanted, reference, own = full
    ann, bo = await person(bank), await person(bank)
    await waits(bank, wanted, ann)
    await step(bank, "cancel", reference)
    assert await sums(bank, own) == (0, 1000, 0, 1500)
    payee = await add_payee(bank.db, bank.finance)
    lunch = await offer(bank, "voucher", payee_id=payee, value_pence=1500, budget_id=own)
    assert await booked(bank, lunch, bo)
    assert codes(await book(bank, lunch, await person(bank))) == ["no_budget_left"]
    assert await booked(bank, wanted, ann)
    assert await sums(bank, own) == (0, 2500, 0, 0)


async def test_the_monthly_budget_of_an_offer_counts_too(bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    starts_at = bank.now + timedelta(days=21)
    fields = {"places": 2, "starts_at": starts_at, "payee_id": payee, "value_pence": 1000, "monthly_pence": 2000}
    wanted = await offer(bank, "training", **fields)
    one, two = [await booked(bank, wanted, await person(bank)) for _ in range(2)]
    people = [await person(bank) for _ in range(2)]
    turns = [await waits(bank, wanted, each) for each in people]
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update offer set monthly_pence = 1000 where id = $1", wanted)
    await step(bank, "cancel", one)  # the one that is left uses up the month
    assert [(await turn(bank, each)).state for each in turns] == ["waiting", "waiting"]
    assert await told(bank, people[0].member_id) == ["place_unfunded"]
    await step(bank, "cancel", two)
    assert [(await turn(bank, each)).state for each in turns] == ["offered", "waiting"]
