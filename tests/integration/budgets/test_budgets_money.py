"""What budgets hold: bookings promise money, debts spend it, and nothing overspends; also not at once."""

import asyncio
from datetime import date
from uuid import uuid4

import msgspec
import pytest

from tests.integration.budgets.funding import FIRST, LAST, budget, call, code, facts, fund, order, order_facts, sums
from tests.integration.payments.helpers import codes, owe, run
from tests.integration.payments.helpers import facts as payable_facts
from tests.integration.redemptions.spending import actor, book, booked, give_hours, offer, payee, step
from tests.integration.redemptions.vouchering import code_of, confirm, spend, till, uploaded, with_terms
from tests.people import Bank, make_bank
from timebank.budgets import queries as budget_queries
from timebank.budgets import service
from timebank.budgets.rules import SaveBudget, SaveFund, SaveOrder
from timebank.payments import coding, queries
from timebank.payments import service as payments
from timebank.payments.coding import Code
from timebank.payments.files import load
from timebank.redemptions import codes as pool_codes
from timebank.redemptions import managing, offers
from timebank.redemptions import service as redemptions


async def paid_offer(bank: Bank, budget_id: int, *, pence: int = 1000, kind: str = "voucher", **more) -> int:
    more.setdefault("payee_id", await payee(bank, f"Café {uuid4().hex[:6]}"))
    return await offer(bank, kind, value_pence=pence, budget_id=budget_id, **more)


async def changed(bank: Bank, offer_id: int, **fields):
    """Change an offer as staff would."""
    async with bank.db.reading(bank.id) as connection:
        clocks = {"now": bank.now, "today": bank.now.date(), "time_zone": "Europe/London"}
        found = await managing.offer(connection, bank.id, offer_id, **clocks)
    command = msgspec.structs.replace(found.change(), **fields)
    return await offers.change_offer(bank.db, bank.coordinator, command, **call(bank))


async def test_a_booking_promises_and_its_debt_spends_with_the_coding_of_the_budget(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    nominal, centre = await code(bank, "nominal_code", "5010"), await code(bank, "cost_centre", "CC1")
    own = await budget(bank, pence=5000, nominal_code_id=nominal, cost_centre_id=centre)
    within = await order(bank, own, pence=3000)
    lunch = await paid_offer(bank, own, order_id=within)
    reference = await booked(bank, lunch, bank.participant)
    assert await sums(bank, own) == (0, 0, 3000, 2000)
    found = await order_facts(bank, within)
    assert (found.charged_pence, found.booked_pence, found.left_pence) == (0, 1000, 2000)
    assert not isinstance(await step(bank, "fulfil", reference), list)
    assert await sums(bank, own) == (1000, 0, 2000, 2000)
    async with bank.db.reading(bank.id) as connection:
        [owed] = await queries.in_state(connection, bank.id, "submitted")
    assert (owed.budget_id, owed.nominal_code, owed.order_number) == (own, "5010", found.number)
    assert not isinstance(await step(bank, "refund", reference), list)
    assert await sums(bank, own) == (0, 0, 3000, 2000)


async def test_what_is_owed_back_after_payment_is_not_spent(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    own = await budget(bank, pence=5000)
    within = await order(bank, own, pence=3000)
    lunch = await paid_offer(bank, own, order_id=within)
    reference = await booked(bank, lunch, bank.participant)
    assert not isinstance(await step(bank, "fulfil", reference), list)
    async with bank.db.reading(bank.id) as connection:
        [owed] = await queries.in_state(connection, bank.id, "submitted")
    await payments.approve(bank.db, bank.finance, payments.Approve(reference=owed.reference), **call(bank))
    await run(bank)
    assert not isinstance(await step(bank, "refund", reference), list)
    assert await sums(bank, own) == (0, 0, 3000, 2000)
    async with bank.db.reading(bank.id) as connection:
        spent = await budget_queries.spent(connection, bank.id, own)
    assert sorted(one.pence for one in spent) == [-1000, 1000]


@pytest.mark.parametrize("end", ["cancel", "decline"])
async def test_what_is_cancelled_promises_nothing_more(bank, end) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    own = await budget(bank, pence=1500)
    lunch = await paid_offer(bank, own)
    reference = await booked(bank, lunch, bank.participant)
    assert await sums(bank, own) == (0, 1000, 0, 500)
    assert codes(await book(bank, lunch, bank.participant)) == ["no_budget_left"]
    await step(bank, end, reference, reason="No longer")
    assert await sums(bank, own) == (0, 0, 0, 1500)
    assert await booked(bank, lunch, bank.participant)


async def test_two_offers_of_one_budget_cannot_overspend_it_at_once(bank) -> None:
    own = await budget(bank, pence=3500)
    wanted = [await paid_offer(bank, own) for _ in range(2)]
    people = [actor(bank, await bank.member()) for _ in range(10)]
    for person in people:
        await give_hours(bank, person.member_id, 60)
    answers = await asyncio.gather(*(book(bank, wanted[n % 2], person) for n, person in enumerate(people)))
    assert sum(isinstance(answer, redemptions.Booked) for answer in answers) == 3
    assert {answer[0].code for answer in answers if isinstance(answer, list)} == {"no_budget_left"}
    assert await sums(bank, own) == (0, 3000, 0, 500)


async def test_bookings_and_codings_race_for_the_last_money(bank) -> None:
    own = await budget(bank, pence=2000)
    wanted, to = await paid_offer(bank, own), await payee(bank, "Other")
    person = actor(bank, await bank.member())
    await give_hours(bank, person.member_id, 600)
    owed = [await owe(bank.db, bank.coordinator, to, pence=900, now=bank.now) for _ in range(4)]
    moves = [coding.code(bank.db, bank.finance, Code(reference=one, budget_id=own), **call(bank)) for one in owed]
    await asyncio.gather(*moves, *(book(bank, wanted, person) for _ in range(3)))
    spent, reserved, _, left = await sums(bank, own)
    assert spent + reserved in (1800, 1900, 2000)
    assert left >= 0


async def test_a_member_reads_that_it_is_not_on_offer_and_no_money(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    lunch = await paid_offer(bank, await budget(bank, pence=1500))
    await booked(bank, lunch, bank.participant)
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    page = await browser.get(f"/offers/{lunch}")
    assert "This is not on offer now." in page.text
    assert "budget" not in page.text.lower()
    assert "Not on offer now" in (await browser.get("/offers")).text


async def test_dates_and_closing_stop_what_is_new(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    soon = await budget(bank, pence=5000, starts_on=date(2026, 4, 1))
    assert codes(await book(bank, await paid_offer(bank, soon), bank.participant)) == ["no_budget_left"]
    ended = await budget(bank, pence=5000, ends_on=date(2026, 3, 12))
    # The course is after the last day, the booking before it.
    assert codes(await book(bank, await paid_offer(bank, ended, kind="training"), bank.participant)) == [
        "no_budget_left"
    ]
    own = await budget(bank, pence=5000)
    lunch = await paid_offer(bank, own)
    reference = await booked(bank, lunch, bank.participant)
    one = await facts(bank, own)
    close = SaveBudget(
        id=own, name=one.name, fund_id=one.fund_id, starts_on=FIRST, ends_on=LAST, pence=5000, is_open=False
    )
    assert not isinstance(await service.save_budget(bank.db, bank.finance, close, **call(bank)), list)
    assert codes(await book(bank, lunch, bank.participant)) == ["no_budget_left"]
    # What was promised is paid.
    assert not isinstance(await step(bank, "fulfil", reference), list)
    assert (await sums(bank, own))[0] == 1000


async def test_an_offer_takes_its_open_bookings_to_another_budget_only_if_they_fit(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    first, small, large = [await budget(bank, pence=pence) for pence in (5000, 1500, 2000)]
    lunch = await paid_offer(bank, first)
    for _ in range(2):
        await booked(bank, lunch, bank.participant)
    assert codes(await changed(bank, lunch, budget_id=small)) == ["budget_overspent"]
    assert (await sums(bank, first))[1] == 2000
    assert not isinstance(await changed(bank, lunch, budget_id=large), list)
    assert await sums(bank, large) == (0, 2000, 0, 0)
    assert await sums(bank, first) == (0, 0, 0, 5000)
    # A higher price for the supplier counts for open bookings too.
    assert codes(await changed(bank, lunch, value_pence=1100)) == ["budget_overspent"]


async def test_codes_bought_in_advance_are_spent_at_once_and_cost_nothing_later(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    own = await budget(bank, pence=2500)
    books = await paid_offer(bank, own)
    await with_terms(bank, books, source="pool", gives_at_once=True, low_stock=0)
    assert codes(await uploaded(bank, books, *(f"CODE-{n}" for n in range(6)), pence_each=500)) == ["budget_overspent"]
    added = await uploaded(bank, books, *(f"CODE-{n}" for n in range(5)), pence_each=500)
    assert isinstance(added, pool_codes.UploadedCodes), added
    assert await sums(bank, own) == (2500, 0, 0, 0)
    await booked(bank, books, bank.participant)
    assert await sums(bank, own) == (2500, 0, 0, 0)


async def test_what_is_used_in_parts_stays_promised_until_it_is_used_up(bank) -> None:
    own, to = await budget(bank, pence=1000), await payee(bank, "Shop")
    shop = await paid_offer(bank, own, payee_id=to)
    await with_terms(bank, shop, source="ours", gives_at_once=True, allows_parts=True)
    typed = await code_of(bank, await spend(bank, shop))
    assert await sums(bank, own) == (0, 1000, 0, 0)
    at = await till(bank, to)
    for pence, spent in ((300, 300), (200, 500), (500, 1000)):
        answer = await confirm(bank, at, typed, pence=pence)
        assert not isinstance(answer, list), answer
        assert await sums(bank, own) == (spent, 1000 - spent, 0, 0)


async def test_coding_keeps_to_budget_order_dates_and_payee(bank) -> None:
    own, other = await budget(bank, pence=3000), await budget(bank, pence=2000, starts_on=date(2026, 4, 1))
    to, stranger = await payee(bank, "Café"), await payee(bank, "College")
    within = await order(bank, own, pence=1000, payee_id=stranger)
    small = await order(bank, own, pence=500)
    owed = await owe(bank.db, bank.coordinator, to, pence=900, now=bank.now)
    number = {one: (await order_facts(bank, one)).number for one in (within, small)}

    async def coded(**fields):
        return await coding.code(bank.db, bank.finance, Code(reference=owed, **fields), **call(bank))

    assert codes(await coded(budget_id=other)) == ["outside_budget"]
    assert codes(await coded(budget_id=own, order_number=number[within])) == ["other_payee"]
    assert "order_overspent" in codes(await coded(budget_id=own, order_number=number[small]))
    assert codes(await coded(order_number="PO-none")) == ["unknown_order"]
    assert codes(await coded(budget_id=2**62)) == ["unknown_budget"]
    assert codes(await coded(tax_pence=901)) == ["tax_out_of_range"]
    assert (await payable_facts(bank.db, bank.id, owed)).budget_id is None
    before = await payable_facts(bank.db, bank.id, owed)
    answer = await coded(budget_id=own, tax_pence=150, tax_code="T1", nominal_code="5020")
    assert not isinstance(answer, list), answer
    after = await payable_facts(bank.db, bank.id, owed)
    assert (after.budget_id, after.tax_pence, after.tax_code, after.nominal_code) == (own, 150, "T1", "5020")
    assert (after.pence, after.payee_id, after.state) == (before.pence, before.payee_id, before.state)
    assert (await sums(bank, own))[0] == 900


async def test_a_grant_holds_its_budgets_and_a_budget_what_is_used(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    grant = await fund(bank, pence=3000)
    own = await budget(bank, pence=2000, fund_id=grant)
    fields = {"fund_id": grant, "starts_on": FIRST, "ends_on": LAST}

    async def save(**more):
        command = SaveBudget(**{"name": uuid4().hex, **fields, **more})
        return await service.save_budget(bank.db, bank.finance, command, **call(bank))

    assert codes(await save(pence=1001)) == ["more_than_grant"]
    assert codes(await save(pence=500, ends_on=date(2027, 1, 1))) == ["outside_grant"]
    lunch = await paid_offer(bank, own, pence=1500)
    await booked(bank, lunch, bank.participant)
    assert codes(await save(id=own, pence=1499)) == ["budget_overspent"]
    assert not isinstance(await save(id=own, pence=1500), list)
    assert codes(
        await service.save_order(bank.db, bank.finance, SaveOrder(number="PO-1", budget_id=own, pence=1), **call(bank))
    ) == ["budget_overspent"]
    shrink = SaveFund(id=grant, name="Less", funder="A funder", starts_on=FIRST, ends_on=LAST, pence=1499)
    assert codes(await service.save_fund(bank.db, bank.finance, shrink, **call(bank))) == ["below_budgets"]
    assert codes(await service.save_fund(bank.db, bank.coordinator, shrink, **call(bank))) == ["not_finance"]


async def test_two_budgets_at_once_do_not_take_the_same_part_of_a_grant(bank) -> None:
    grant = await fund(bank, pence=1000)
    made = await asyncio.gather(
        *(
            service.save_budget(
                bank.db,
                bank.finance,
                SaveBudget(name=f"Part {n}", fund_id=grant, starts_on=FIRST, ends_on=LAST, pence=600),
                **call(bank),
            )
            for n in range(5)
        )
    )
    assert sum(not isinstance(one, list) for one in made) == 1


async def test_another_time_bank_sees_and_uses_none_of_it(bank, db) -> None:
    other = await make_bank(db)
    own = await budget(bank, pence=1000)
    owed = await owe(db, other.coordinator, await payee(other), now=other.now)
    answer = await coding.code(db, other.finance, Code(reference=owed, budget_id=own), **call(other))
    assert codes(answer) == ["unknown_budget"]
    added = await redemptions.add_offer(
        db,
        other.coordinator,
        redemptions.AddOffer(
            kind="voucher",
            title="Lunch",
            price_minutes=60,
            benefit_label="Ask us.",
            payee_id=await payee(other, "Two"),
            value_pence=100,
            budget_id=own,
        ),
        **call(other),
    )
    assert codes(added) == ["unknown_budget"]


async def test_files_for_accounts_get_fund_cost_centre_and_codes(bank) -> None:
    from tests.integration.payments.helpers import run
    from timebank.payments.service import Approve, approve

    await give_hours(bank, bank.participant.member_id, 600)
    own = await budget(
        bank,
        pence=5000,
        nominal_code_id=await code(bank, "nominal_code", "5010"),
        cost_centre_id=await code(bank, "cost_centre", "CC1"),
    )
    reference = await booked(bank, await paid_offer(bank, own), bank.participant)
    await step(bank, "fulfil", reference)
    async with bank.db.reading(bank.id) as connection:
        [owed] = await queries.in_state(connection, bank.id, "submitted")
    await approve(bank.db, bank.finance, Approve(reference=owed.reference), **call(bank))
    exported = await run(bank)
    async with bank.db.reading(bank.id) as connection:
        batch = await load(connection, bank.id, exported.number)
    [item] = batch.payments[0].items
    one = await facts(bank, own)
    assert (item.cost_centre, item.fund, item.nominal_code) == ("CC1", one.fund_name, "5010")
