"""What finance types in, parts, cash, approving several at once, and closed months."""

import asyncio
from datetime import date
from typing import Any

import msgspec
import pytest

from tests.integration.payments.helpers import (
    add_payee,
    approved,
    call,
    codes,
    done,
    facts,
    last_payment,
    money,
    owe,
    run,
    settle,
)
from tests.people import NOW, Bank
from timebank.payments import cash, many, months, parts, periods, queries, requests, rules, service
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.cash import PayCash
from timebank.payments.many import ApprovedMany, ApproveMany, Seen
from timebank.payments.months import CloseMonth, MonthChanged, OpenMonth
from timebank.payments.parts import SetPart
from timebank.payments.requests import Requested, RequestPayment
from timebank.payments.service import Approve, Cancel, Changed, Submit


def room_hire(payee_id: int, **changed: Any) -> RequestPayment:
    fields = {
        "payee_id": payee_id,
        "pence": 12000,
        "tax_pence": 2000,
        "description": "Room hire in February",
        "invoice_number": "R-17",
        "earned_on": date(2026, 2, 28),
        "due_on": date(2026, 3, 28),
        "reason": "The group meets there",
        "evidence": "E-mail of 28 February",
    }
    return RequestPayment(**fields | changed)


async def test_what_is_typed_in_needs_a_second_person_like_any_other(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    made = await requests.request_payment(bank.db, bank.finance, room_hire(payee), **call())
    assert isinstance(made, Requested), made
    payable = await facts(bank.db, bank.id, made.reference)
    assert (payable.kind, payable.state, payable.pence, payable.tax_pence) == ("other", "submitted", 12000, 2000)
    assert await money(bank.db, bank.id, f"payable/{payee}", "expense/other") == [12000, -12000]
    approve = Approve(reference=made.reference)
    assert codes(await service.approve(bank.db, bank.finance, approve, **call())) == ["own_submission"]
    await done(service.approve(bank.db, bank.finance_two, approve, **call()))
    assert (await run(bank)).total_pence == 12000
    async with bank.db.reading(bank.id) as connection:
        why = await requests.of_payable(connection, bank.id, payable.id)
    assert why == requests.RequestFacts(reason="The group meets there", evidence="E-mail of 28 February")


async def test_an_invoice_is_typed_in_once(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    answers = await asyncio.gather(
        *(requests.request_payment(bank.db, bank.finance, room_hire(payee), **call()) for _ in range(4))
    )
    assert len([one for one in answers if isinstance(one, Requested)]) == 1
    assert [codes(one) for one in answers if isinstance(one, list)] == [["invoice_known"]] * 3
    other_case = room_hire(payee, invoice_number="r-17")
    assert codes(await requests.request_payment(bank.db, bank.finance_two, other_case, **call())) == ["invoice_known"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pence": 0, "tax_pence": 0}, "amount_out_of_range"),
        ({"pence": 10**18}, "amount_out_of_range"),
        ({"tax_pence": 12001}, "tax_out_of_range"),
        ({"tax_pence": -1}, "tax_out_of_range"),
        ({"description": " "}, "description_missing"),
        ({"reason": ""}, "reason_missing"),
        ({"evidence": ""}, "evidence_missing"),
        ({"description": "x" * 141}, "too_long"),
        ({"invoice_number": "x" * 36}, "too_long"),
        ({"earned_on": date(2026, 3, 11), "due_on": date(2026, 3, 28)}, "date_in_future"),
        ({"earned_on": date(2020, 3, 11)}, "date_too_early"),
        ({"due_on": date(2026, 2, 1)}, "due_out_of_range"),
        ({"due_on": date(2036, 2, 1)}, "due_out_of_range"),
        ({"kind": "voucher"}, "kind_unknown"),
        ({"payee_id": 999_999}, "payee_missing"),
    ],
)
async def test_what_cannot_be_typed_in(bank: Bank, change: dict[str, Any], code: str) -> None:
    command = msgspec.structs.replace(room_hire(await add_payee(bank.db, bank.finance)), **change)
    assert codes(await requests.request_payment(bank.db, bank.finance, command, **call())) == [code]
    assert codes(await requests.request_payment(bank.db, bank.coordinator, command, **call()))[0] == "not_finance"


async def test_a_part_leaves_and_the_rest_needs_a_new_approval(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, pence=1250)
    for pence in (0, 1251, -5):
        answer = await parts.set_part(bank.db, bank.finance, SetPart(reference=reference, pence=pence), **call())
        assert codes(answer) == ["part_out_of_range"]
    await done(parts.set_part(bank.db, bank.finance, SetPart(reference=reference, pence=500), **call()))
    assert codes(await service.approve(bank.db, bank.finance, Approve(reference=reference), **call())) == [
        "own_submission"
    ]
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
    late = await parts.set_part(bank.db, bank.finance, SetPart(reference=reference, pence=600), **call())
    assert codes(late) == ["wrong_state"]
    assert (await run(bank)).total_pence == 500
    assert await money(bank.db, bank.id, f"payable/{payee}", "in-transit") == [750, 500]
    await settle(bank, reference, "paid")
    payable = await facts(bank.db, bank.id, reference)
    assert (payable.state, payable.settled_pence, payable.part_pence, payable.approved_by) == (
        "submitted", 500, None, None
    )  # fmt: skip
    answer = await service.cancel(bank.db, bank.finance, Cancel(reference=reference, reason="No"), **call())
    assert codes(answer) == ["partly_paid"]
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
    assert (await run(bank)).total_pence == 750
    await settle(bank, reference, "paid")
    assert (await facts(bank.db, bank.id, reference)).state == "paid"


async def test_a_part_that_comes_back_takes_the_approval_of_the_rest_away(bank: Bank) -> None:
    """Who approved the rest saw £7.50: not £12.50, which is owed again once the first part came back."""
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, pence=1250)
    await done(parts.set_part(bank.db, bank.finance, SetPart(reference=reference, pence=500), **call()))
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
    await run(bank)
    await settle(bank, reference, "paid")
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
    await settle(bank, reference, "returned", reason="Account closed")
    payable = await facts(bank.db, bank.id, reference)
    assert (payable.state, payable.settled_pence) == ("approved", 0)
    assert codes(await export(bank.db, bank.finance, ExportBatch(), **call())) == ["approval_void"]


def signed(reference: str, **changed: Any) -> PayCash:
    fields = {
        "reference": reference,
        "receipt_number": "C-1",
        "handed_by": "Demo finance",
        "signed_by": "Ann Other",
        "on": NOW.date(),
    }
    return PayCash(**fields | changed)


async def in_cash(bank: Bank) -> tuple[int, str]:
    payee = await add_payee(bank.db, bank.finance)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payee set pay_by = 'cash' where timebank_id = $1 and id = $2", bank.id, payee)
    return payee, await approved(bank, payee, pence=1250)


async def test_cash_is_never_recorded_by_who_approved_it(bank: Bank) -> None:
    payee, reference = await in_cash(bank)
    assert codes(await export(bank.db, bank.finance, ExportBatch(), **call())) == ["nothing_ready"]
    assert codes(await cash.pay_cash(bank.db, bank.finance, signed(reference), **call())) == ["own_approval"]
    await done(cash.pay_cash(bank.db, bank.finance_two, signed(reference), **call()))
    assert await money(bank.db, bank.id, f"payable/{payee}", "cash") == [0, 1250]
    found = await facts(bank.db, bank.id, reference)
    assert (found.state, found.settled_pence, found.settled_on) == ("paid", 1250, NOW.date())
    assert codes(await cash.pay_cash(bank.db, bank.finance_two, signed(reference), **call())) == ["approval_void"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"receipt_number": ""}, "receipt_missing"),
        ({"handed_by": " "}, "handed_by_missing"),
        ({"signed_by": ""}, "signed_by_missing"),
        ({"signed_by": "x" * 141}, "too_long"),
        ({"on": date(2026, 3, 11)}, "date_in_future"),
        ({"on": date(2026, 3, 9)}, "date_too_early"),
    ],
)
async def test_cash_that_cannot_be_recorded(bank: Bank, change: dict[str, Any], code: str) -> None:
    _, reference = await in_cash(bank)
    assert codes(await cash.pay_cash(bank.db, bank.finance_two, signed(reference, **change), **call())) == [code]


async def test_a_receipt_number_is_used_once_and_a_bank_payee_gets_no_cash(bank: Bank) -> None:
    _, first = await in_cash(bank)
    _, second = await in_cash(bank)
    await done(cash.pay_cash(bank.db, bank.finance_two, signed(first), **call()))
    assert codes(await cash.pay_cash(bank.db, bank.finance_two, signed(second), **call())) == ["receipt_known"]
    other = await approved(bank, await add_payee(bank.db, bank.finance))
    assert codes(await cash.pay_cash(bank.db, bank.finance_two, signed(other), **call())) == ["not_in_cash"]


async def seen(bank: Bank, reference: str) -> Seen:
    return Seen(reference=reference, digest=rules.digest(await facts(bank.db, bank.id, reference)).hex())


async def test_several_are_approved_at_once_and_what_changed_is_named(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    good = [await owe(bank.db, bank.coordinator, payee) for _ in range(3)]
    changed = await owe(bank.db, bank.coordinator, payee)
    own = await owe(bank.db, bank.finance, payee)
    items = tuple([await seen(bank, one) for one in (*good, changed, own)])
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set pence = 1 where reference = $1", changed)
    answer = await many.approve_many(bank.db, bank.finance, ApproveMany(items=items), **call())
    assert isinstance(answer, ApprovedMany), answer
    assert sorted(answer.approved) == sorted(good)
    assert {one.reference: one.code for one in answer.left} == {changed: "changed_since_shown", own: "own_submission"}
    assert [(await facts(bank.db, bank.id, one)).state for one in (*good, changed)] == ["approved"] * 3 + ["submitted"]
    none = await many.approve_many(bank.db, bank.finance, ApproveMany(items=()), **call())
    assert codes(none) == ["nothing_chosen"]


async def test_twenty_approvals_and_exports_of_the_same_payables_make_one_run(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    references = [await owe(bank.db, bank.coordinator, payee, pence=100 + n) for n in range(5)]
    items = tuple([await seen(bank, one) for one in references])

    async def approve_and_export(n: int) -> Exported | list[Any]:
        actor = (bank.finance, bank.finance_two)[n % 2]
        await many.approve_many(bank.db, actor, ApproveMany(items=items), **call())
        return await export(bank.db, actor, ExportBatch(), **call())

    answers = await asyncio.gather(*(approve_and_export(n) for n in range(20)))
    exported = [one for one in answers if isinstance(one, Exported)]
    assert sum(one.payable_count for one in exported) == 5
    assert len(exported) == 1
    assert await money(bank.db, bank.id, f"payable/{payee}", "in-transit") == [0, 510]
    assert len({(await last_payment(bank.db, bank.id, one)).reference for one in references}) == 1


FEBRUARY = date(2026, 2, 1)


async def closed(bank: Bank) -> None:
    answer = await months.close_month(
        bank.db, bank.finance, CloseMonth(month=FEBRUARY, why="All was checked"), **call()
    )
    assert answer == MonthChanged(month=FEBRUARY, is_closed=True)


async def test_a_closed_month_takes_no_new_dates_and_opens_with_a_second_person(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    assert codes(await months.close_month(bank.db, bank.coordinator, CloseMonth(month=FEBRUARY), **call())) == [
        "not_finance"
    ]
    march = CloseMonth(month=date(2026, 3, 1))
    assert codes(await months.close_month(bank.db, bank.finance, march, **call())) == ["month_not_over"]
    await closed(bank)
    again = await months.close_month(bank.db, bank.finance, CloseMonth(month=FEBRUARY), **call())
    assert codes(again) == ["month_closed_already"]
    answer = await requests.request_payment(bank.db, bank.finance, room_hire(payee), **call())
    assert codes(answer) == ["month_closed"]
    assert isinstance(answer, list)
    assert "February 2026 is closed" in answer[0].message
    open_it = OpenMonth(month=FEBRUARY, why="An invoice came late")
    assert codes(await months.open_month(bank.db, bank.finance, open_it, **call())) == ["own_close"]
    no_why = OpenMonth(month=FEBRUARY, why=" ")
    assert codes(await months.open_month(bank.db, bank.finance_two, no_why, **call())) == ["reason_missing"]
    opened = await months.open_month(bank.db, bank.finance_two, open_it, **call())
    assert opened == MonthChanged(month=FEBRUARY, is_closed=False)
    made = await requests.request_payment(bank.db, bank.finance, room_hire(payee), **call())
    assert isinstance(made, Requested)


async def test_a_late_return_counts_in_the_open_month_and_keeps_its_real_day(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    early = NOW.replace(month=2, day=3)
    reference = await approved(bank, payee, now=early)
    exported = await export(bank.db, bank.finance, ExportBatch(), key=call()["key"], now=early)
    assert isinstance(exported, Exported)
    await settle(bank, reference, "paid", on=date(2026, 2, 5))
    await closed(bank)
    await settle(bank, reference, "returned", on=date(2026, 2, 20), reason="Account closed")
    assert (await facts(bank.db, bank.id, reference)).settled_on == date(2026, 2, 20)
    async with bank.db.reading(bank.id) as connection:
        day = await connection.fetchval(
            "select effective_on from ledger.entry where book_id = $1 and kind = 'payment_returned'", bank.id
        )
        assert await periods.closed_through(connection, bank.id) == date(2026, 2, 28)
    assert day == date(2026, 3, 1)


async def test_the_checklist_says_what_is_open_and_closing_all_the_same_needs_a_reason(bank: Bank) -> None:
    await owe(bank.db, bank.coordinator, await add_payee(bank.db, bank.finance), due_on=date(2026, 2, 20),
              now=NOW.replace(month=2))  # fmt: skip
    async with bank.db.reading(bank.id) as connection:
        found = {one.code: one.is_good for one in await months.checklist(connection, bank.id, FEBRUARY)}
    assert found | {"exported": False, "in_transit": True, "suspense": True, "agrees": True, "proved": True} == found
    answer = await months.close_month(bank.db, bank.finance, CloseMonth(month=FEBRUARY), **call())
    assert codes(answer) == ["reason_missing"]
    why = CloseMonth(month=FEBRUARY, why="The invoice never came")
    assert isinstance(await months.close_month(bank.db, bank.finance, why, **call()), MonthChanged)


async def test_an_amount_that_the_accounts_do_not_know_shows_on_the_checklist(bank: Bank) -> None:
    reference = await owe(bank.db, bank.coordinator, await add_payee(bank.db, bank.finance))
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set pence = pence + 1 where reference = $1", reference)
    async with bank.db.reading(bank.id) as connection:
        found = {one.code: one for one in await months.checklist(connection, bank.id, FEBRUARY)}
    assert "owed to payees: accounts £12.50, payments £12.51" in found["agrees"].found


async def test_a_payment_is_found_by_reference_name_amount_and_invoice(bank: Bank) -> None:
    cafe, college = await add_payee(bank.db, bank.finance, "Café 100%"), await add_payee(bank.db, bank.finance, "Col")
    lunch = await approved(bank, cafe, pence=1234)
    place = await owe(bank.db, bank.coordinator, college, kind="training", pence=99)
    await done(service.submit(bank.db, bank.finance, Submit(reference=place, invoice_number="INV-77"), **call()))
    await run(bank)
    end_to_end = (await last_payment(bank.db, bank.id, lunch)).reference
    typed = {lunch: lunch, end_to_end.lower(): lunch, "café 100%": lunch, "12.34": lunch, "inv-7": place, "0.99": place}
    async with bank.db.reading(bank.id) as connection:
        for words, expected in typed.items():
            wanted = queries.wanted(words, "GBP")
            page = await queries.page(connection, bank.id, after=0, state=None, size=10, look_for=wanted)
            assert [one.reference for one in page.items] == [expected], words
        nothing = queries.wanted("100_", "GBP")
        assert not (await queries.page(connection, bank.id, after=0, state=None, size=10, look_for=nothing)).items


async def test_the_same_keys_change_nothing_twice(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    key = call()
    first = await requests.request_payment(bank.db, bank.finance, room_hire(payee), **key)
    assert await requests.request_payment(bank.db, bank.finance, room_hire(payee), **key) == first
    assert isinstance(first, Requested)
    part = SetPart(reference=first.reference, pence=500)
    key = call()
    answers = [await parts.set_part(bank.db, bank.finance, part, **key) for _ in range(2)]
    assert answers[0] == answers[1] == Changed(reference=first.reference, state="submitted")
    assert await money(bank.db, bank.id, f"payable/{payee}") == [12000]
