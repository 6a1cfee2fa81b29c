"""Claims, access costs and payments asked for by hand: each has its budget, and none overspends it."""

from datetime import date, time

from tests.contributed import codes, group, line, rows, save
from tests.integration.budgets.funding import budget, call, code, order, order_facts, sums
from tests.integration.claims.claiming import TODAY, booked, bus, read, sent, supplier
from tests.integration.payments.helpers import add_payee
from tests.integration.payments.helpers import facts as payable_facts
from tests.people import Bank
from timebank.activities.service import PlanSessions, SessionDetails, plan_sessions
from timebank.claims import service
from timebank.claims.service import (
    AccessNow,
    AddReceipt,
    BookAccess,
    CancelAccess,
    Decide,
    DeclinedLine,
    GiveAdvance,
    Moved,
    Settle,
)
from timebank.payments import requests
from timebank.payments.requests import RequestPayment

REASON = "We do not pay for this."


async def session_of(bank: Bank, budget_id: int | None, name: str = "Advisers") -> int:
    """A session of a group that is paid from a budget."""
    activity = await group(bank, name, budget_id=budget_id)
    plan = PlanSessions(activity_id=activity, day=TODAY, starts_at=time(10), details=SessionDetails(planned_minutes=60))
    planned = await plan_sessions(bank.db, bank.coordinator, plan, **call(bank))
    assert not isinstance(planned, list), planned
    return planned.session_ids[0]


async def decide(bank: Bank, reference: str, **more: object):
    return await service.decide(bank.db, bank.coordinator, Decide(reference=reference, **more), **call(bank))


async def test_a_claim_is_paid_from_the_budget_of_its_group(bank) -> None:
    own = await budget(bank, pence=1000, nominal_code_id=await code(bank, "nominal_code", "7400"))
    session_id = await session_of(bank, own)
    reference = await sent(bank, bus(420, session_id=session_id), bus(430, what_for="Back"))
    moved = await decide(bank, reference)
    assert isinstance(moved, Moved), moved
    owed = await payable_facts(bank.db, bank.id, moved.payment)
    assert (owed.budget_id, owed.nominal_code, owed.pence) == (own, "7400", 850)
    assert await sums(bank, own) == (850, 0, 0, 150)


async def test_a_claim_that_its_budget_cannot_pay_waits_and_says_what_is_left(bank) -> None:
    own, other = await budget(bank, pence=500), await budget(bank, pence=5000)
    session_id = await session_of(bank, own)
    reference = await sent(bank, bus(420, session_id=session_id), bus(430, what_for="Back"))
    refused = await decide(bank, reference)
    assert codes(refused) == ["budget_overspent"]
    assert refused[0].field == "budget_id"
    assert "has £5.00 left, and this needs £8.50" in refused[0].message
    assert (await read(bank, reference)).state == "sent"
    # What is declined needs no money; another budget may pay.
    assert isinstance(await decide(bank, reference, budget_id=other), Moved)
    assert await sums(bank, other) == (850, 0, 0, 4150)
    part = await sent(bank, bus(300, session_id=session_id, day=date(2026, 3, 9)), bus(900, day=date(2026, 3, 9)))
    assert isinstance(await decide(bank, part, declined=(DeclinedLine(n=2, reason=REASON),)), Moved)
    assert await sums(bank, own) == (300, 0, 0, 200)


async def test_a_claim_for_time_given_is_paid_from_the_budget_of_its_group(bank) -> None:
    own = await budget(bank, pence=1000)
    activity = await group(bank, "Advisers", budget_id=own)
    await save(bank, activity, line(bank.participant.member_id))
    [given] = await rows(bank)
    moved = await decide(bank, await sent(bank, bus(420, contribution_id=given["id"])))
    assert isinstance(moved, Moved), moved
    assert await sums(bank, own) == (420, 0, 0, 580)


async def test_sessions_of_two_budgets_choose_none_by_themselves(bank) -> None:
    one, two = await budget(bank, pence=5000), await budget(bank, pence=5000)
    lines = [
        bus(420, session_id=await session_of(bank, one)),
        bus(430, session_id=await session_of(bank, two, "Readers")),
    ]
    moved = await decide(bank, await sent(bank, *lines))
    assert isinstance(moved, Moved)
    assert (await payable_facts(bank.db, bank.id, moved.payment)).budget_id is None


async def test_days_outside_and_unknown_budgets(bank) -> None:
    later = await budget(bank, pence=5000, starts_on=date(2026, 4, 1))
    reference = await sent(bank, bus(420))
    assert codes(await decide(bank, reference, budget_id=later)) == ["outside_budget"]
    assert codes(await decide(bank, reference, budget_id=10**9)) == ["unknown_budget"]


async def test_a_booking_spends_and_a_cancelled_one_gives_back(bank) -> None:
    own = await budget(bank, pence=2000)
    session_id = await session_of(bank, own)
    made = await booked(bank, pence=1800, session_id=session_id)
    assert (await payable_facts(bank.db, bank.id, made.payment)).budget_id == own
    assert await sums(bank, own) == (1800, 0, 0, 200)
    again = BookAccess(
        member_id=bank.participant.member_id, payee_id=await supplier(bank), kind="taxi", day=TODAY, pence=300,
        session_id=session_id,
    )  # fmt: skip
    refused = await service.book(bank.db, bank.coordinator, again, **call(bank))
    assert codes(refused) == ["budget_overspent"]
    assert refused[0].field == "budget_id"
    cancelled = CancelAccess(reference=made.reference, reason="No longer needed")
    assert isinstance(await service.cancel(bank.db, bank.coordinator, cancelled, **call(bank)), AccessNow)
    assert await sums(bank, own) == (0, 0, 0, 2000)
    assert isinstance(await service.book(bank.db, bank.coordinator, again, **call(bank)), AccessNow)


async def test_cash_is_held_until_it_is_accounted_for(bank) -> None:
    own = await budget(bank, pence=1250)

    async def give(pence: int):
        command = GiveAdvance(
            member_id=bank.participant.member_id, kind="taxi", day=TODAY, pence=pence, signed_name="D. Participant",
            budget_id=own,
        )  # fmt: skip
        return await service.give_advance(bank.db, bank.coordinator, command, **call(bank))

    async def settle(reference: str, spent: int, returned: int):
        receipt = AddReceipt(reference=reference, what="Taxi", pence=spent, no_receipt_why="Lost")
        assert isinstance(await service.add_receipt(bank.db, bank.coordinator_two, receipt, **call(bank)), AccessNow)
        command = Settle(reference=reference, returned_pence=returned)
        return await service.settle(bank.db, bank.coordinator_two, command, **call(bank))

    one, two = await give(500), await give(600)
    assert await sums(bank, own) == (0, 1100, 0, 150)
    assert codes(await give(151)) == ["budget_overspent"]
    assert isinstance(await settle(one.reference, 200, 300), AccessNow)
    assert await sums(bank, own) == (200, 600, 0, 450)
    three = await give(450)
    over = await settle(two.reference, 650, 0)
    assert codes(over) == ["budget_overspent"]
    assert "has £0.00 left, and this needs £0.50" in over[0].message
    assert isinstance(await settle(three.reference, 200, 250), AccessNow)
    command = Settle(reference=two.reference, returned_pence=0)
    paid = await service.settle(bank.db, bank.coordinator_two, command, **call(bank))
    assert isinstance(paid, AccessNow), paid
    assert (await payable_facts(bank.db, bank.id, paid.payment)).budget_id == own
    assert await sums(bank, own) == (200 + 200 + 650, 0, 0, 200)


async def test_payments_by_hand_have_a_budget_and_an_order(bank) -> None:
    own = await budget(bank, pence=3000)
    within = await order_facts(bank, await order(bank, own, pence=1000))
    payee = await add_payee(bank.db, bank.finance)
    command = RequestPayment(
        payee_id=payee, pence=900, description="Room hire", earned_on=TODAY, due_on=TODAY, reason="Agreed",
        evidence="Folder 1",
    )  # fmt: skip

    async def ask(**more: object):
        given = RequestPayment(**{name: getattr(command, name) for name in command.__struct_fields__} | more)
        return await requests.request_payment(bank.db, bank.finance, given, **call(bank))

    by_order = await ask(order_number=within.number)
    assert not isinstance(by_order, list), by_order
    assert (await payable_facts(bank.db, bank.id, by_order.reference)).budget_id == own
    assert await sums(bank, own) == (900, 0, 100, 2000)
    assert codes(await ask(order_number=within.number)) == ["order_overspent"]
    refused = await ask(budget_id=own, pence=2001)
    assert codes(refused) == ["budget_overspent"]
    assert refused[0].field == "budget_id"
    assert not isinstance(await ask(budget_id=own, pence=2000), list)
    assert codes(await ask(budget_id=10**9)) == ["unknown_budget"]
    assert codes(await ask(budget_id=2**63)) == ["unknown_budget"]
    assert await sums(bank, own) == (2900, 0, 100, 0)
