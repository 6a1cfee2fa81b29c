"""Credits: a refund after payment, a credit note; kept back, put back, set off, repaid."""

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.integration.payments.crediting import credit, left
from tests.integration.payments.helpers import (
    add_payee,
    approved,
    call,
    codes,
    facts,
    last_payment,
    money,
    owe,
    run,
    settle,
)
from tests.integration.redemptions.spending import prove
from tests.people import NOW, Bank
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import credit_notes, leaving, queries, service, set_off, taking_back
from timebank.payments import credits as owed_back
from timebank.payments.batches import ExportBatch, export
from timebank.payments.credit_notes import DecideCreditNote, ProposeCreditNote
from timebank.payments.credits import CreditChanged, Crediting, RecordRepaid
from timebank.payments.formats.payments_csv import PaymentsCsv
from timebank.payments.outcomes import VoidBatch, void_batch
from timebank.payments.service import post
from timebank.payments.set_off import DebtSettled, SettleDebt


async def test_a_credit_note_needs_a_second_person(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    command = ProposeCreditNote(payee_id=payee, pence=500, document_number="CN-1", reason="Returned")
    assert codes(await credit_notes.propose_note(bank.db, bank.coordinator, command, **call())) == ["not_finance"]
    proposed = await credit_notes.propose_note(bank.db, bank.finance, command, **call())
    assert isinstance(proposed, CreditChanged)
    assert codes(await credit_notes.propose_note(bank.db, bank.finance_two, command, **call())) == ["note_known"]
    decision = DecideCreditNote(reference=proposed.reference, accept=True)
    assert codes(await credit_notes.decide_note(bank.db, bank.finance, decision, **call())) == ["own_proposal"]
    await approved(bank, payee, pence=1250)
    assert (await run(bank)).total_pence == 1250  # nobody agreed yet
    refused = DecideCreditNote(reference=proposed.reference, accept=False)
    assert isinstance(await credit_notes.decide_note(bank.db, bank.finance_two, refused, **call()), CreditChanged)
    assert codes(await credit_notes.decide_note(bank.db, bank.finance_two, decision, **call())) == ["already_decided"]
    assert isinstance(await credit_notes.propose_note(bank.db, bank.finance, command, **call()), CreditChanged)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pence": 0}, "amount_out_of_range"),
        ({"pence": 10**18}, "amount_out_of_range"),
        ({"document_number": " "}, "document_missing"),
        ({"document_number": "9" * 36}, "document_too_long"),
        ({"reason": ""}, "reason_missing"),
        ({"reason": "x" * 501}, "reason_too_long"),
        ({"kind": "gold"}, "kind_unknown"),
        ({"payee_id": 999_999}, "payee_missing"),
    ],
)
async def test_a_credit_note_that_cannot_be(bank: Bank, change: dict[str, Any], code: str) -> None:
    fields = {
        "payee_id": await add_payee(bank.db, bank.finance), "pence": 1, "document_number": "C", "reason": "R"
    } | change  # fmt: skip
    answer = await credit_notes.propose_note(bank.db, bank.finance, ProposeCreditNote(**fields), **call())
    assert codes(answer) == [code]


async def test_an_export_keeps_back_what_a_payee_owes_us_and_every_sum_agrees(bank: Bank, owner_url: str) -> None:
    cafe, college = await add_payee(bank.db, bank.finance), await add_payee(bank.db, bank.finance)
    first, second = await credit(bank, cafe, 300), await credit(bank, cafe, 400, "CN-2")
    await approved(bank, cafe, pence=1000)
    await approved(bank, college, pence=50)
    exported = await run(bank, expected_count=2, expected_pence=350)
    assert (exported.total_pence, exported.line_count) == (350, 2)
    assert await money(bank.db, bank.id, f"payable/{cafe}", f"credit/{cafe}", "in-transit") == [0, 0, 350]
    assert [await left(bank, first), await left(bank, second)] == [0, 0]
    assert await prove(owner_url, bank.id) == []


async def test_who_owes_us_as_much_gets_no_payment_and_the_two_are_set_off(bank: Bank, owner_url: str) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await credit(bank, payee, 1000)
    payable = await approved(bank, payee, pence=1000)
    answer = await export(bank.db, bank.finance, ExportBatch(), **call())
    assert codes(answer) == ["stays_behind"]
    assert isinstance(answer, list)
    assert "they owe us £10.00" in answer[0].message
    done = await set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call())
    assert done == DebtSettled(pence=1000, payables=[payable])
    found = await facts(bank.db, bank.id, payable)
    assert (found.state, found.settled_pence, found.batch_number) == ("paid", 1000, None)
    assert await left(bank, reference) == 0
    again = await set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call())
    assert codes(again) == ["nothing_ready"]
    assert await prove(owner_url, bank.id) == []


async def test_one_penny_more_than_they_owe_us_is_paid_through_the_bank(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await credit(bank, payee, 1000)
    await approved(bank, payee, pence=1001)
    answer = await set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call())
    assert codes(answer) == ["credit_too_small"]
    assert (await run(bank)).total_pence == 1


@pytest.mark.parametrize("end", ["rejected", "returned", "void"])
async def test_a_payment_that_does_not_go_through_puts_its_credits_back(bank: Bank, owner_url: str, end: str) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await credit(bank, payee, 300)
    payable = await approved(bank, payee, pence=1000)
    await run(bank)
    assert await left(bank, reference) == 0
    if end == "void":
        await void_batch(bank.db, bank.finance, VoidBatch(number=1, reason="Deleted"), **call())
    else:
        if end == "returned":
            await settle(bank, payable, "paid")
        await settle(bank, payable, end, reason="Account closed")
    assert await left(bank, reference) == 300
    assert await money(bank.db, bank.id, f"payable/{payee}", f"credit/{payee}", "in-transit", "bank") == [
        1000, -300, 0, 0
    ]  # fmt: skip
    if end != "void":
        again = service.Submit(reference=payable, reason="New details")
        await service.submit(bank.db, bank.finance_two, again, **call())
        await service.approve(bank.db, bank.finance, service.Approve(reference=payable), **call())
    assert (await run(bank)).total_pence == 700
    assert await left(bank, reference) == 0
    assert await prove(owner_url, bank.id) == []


async def test_a_credit_is_repaid_in_parts_and_never_more_than_is_left(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await credit(bank, payee, 300)
    for pence, code in ((0, "more_than_left"), (301, "more_than_left")):
        command = RecordRepaid(reference=reference, pence=pence, on=NOW.date())
        assert codes(await owed_back.repaid(bank.db, bank.finance, command, **call())) == [code]
    late = RecordRepaid(reference=reference, pence=1, on=date(2026, 3, 11))
    assert codes(await owed_back.repaid(bank.db, bank.finance, late, **call())) == ["date_in_future"]
    for pence, expected in ((100, 200), (200, 0)):
        command = RecordRepaid(reference=reference, pence=pence, on=NOW.date())
        done = await owed_back.repaid(bank.db, bank.finance, command, **call())
        assert isinstance(done, CreditChanged)
        assert done.left_pence == expected
    assert await money(bank.db, bank.id, f"credit/{payee}", "bank") == [0, -300]
    once_more = RecordRepaid(reference=reference, pence=1, on=NOW.date())
    assert codes(await owed_back.repaid(bank.db, bank.finance, once_more, **call())) == ["not_open"]


async def test_a_refund_of_a_part_that_is_paid_is_owed_back_once(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    payable = await owe(bank.db, bank.coordinator, payee, pence=1250, source_id=77)
    await service.approve(bank.db, bank.finance, service.Approve(reference=payable), **call())
    await run(bank)
    for expected in ("made", "credited_before"):
        made = await refund(bank.db, bank.coordinator, 77, still_owed=0)
        assert (made if isinstance(made, str) else "made") == expected
    assert await money(bank.db, bank.id, f"credit/{payee}", "expense/voucher") == [-1250, 0]


async def test_a_rejected_payment_is_taken_back_without_a_credit(bank: Bank, owner_url: str) -> None:
    payee = await add_payee(bank.db, bank.finance)
    payable = await owe(bank.db, bank.coordinator, payee, pence=1250, source_id=78)
    await service.approve(bank.db, bank.finance, service.Approve(reference=payable), **call())
    await run(bank)
    await settle(bank, payable, "rejected", reason="Closed")
    async with bank.db.writing(bank.id) as connection:
        item = await service.cancellation(
            connection, bank.coordinator, "redemption", 78, key="refund:78:1", effective_on=NOW.date()
        )
        assert item is not None
        assert not hasattr(item, "code")
        [entry_id] = await post(connection, bank.coordinator, [item])  # type: ignore[list-item]
        await service.record_cancelled(connection, bank.coordinator, "redemption", 78, entry_id=entry_id, now=NOW)
    assert (await facts(bank.db, bank.id, payable)).state == "cancelled"
    assert await money(bank.db, bank.id, f"payable/{payee}", "expense/voucher") == [0, 0]
    assert await prove(owner_url, bank.id) == []


async def test_what_is_owed_back_is_not_taken_back_again_when_its_payment_returns(bank: Bank, owner_url: str) -> None:
    payee = await add_payee(bank.db, bank.finance)
    payable = await owe(bank.db, bank.coordinator, payee, pence=1250, source_id=79)
    await service.approve(bank.db, bank.finance, service.Approve(reference=payable), **call())
    await run(bank)
    await settle(bank, payable, "paid")
    assert isinstance(await refund(bank.db, bank.coordinator, 79, still_owed=0), Crediting)
    await settle(bank, payable, "returned", reason="Closed")
    async with bank.db.writing(bank.id) as connection:
        for pence in (0, 500):
            again = await taking_back.plan(
                connection, bank.coordinator, "redemption", 79, pence=pence, key="again:1", effective_on=NOW.date()
            )
            assert isinstance(again, Refusal)
            assert again.code == "credited_before"
    await service.submit(bank.db, bank.finance_two, service.Submit(reference=payable, reason="New"), **call())
    cancel = service.Cancel(reference=payable, reason="Given back")
    assert codes(await service.cancel(bank.db, bank.finance, cancel, **call())) == ["credited_before"]
    await service.approve(bank.db, bank.finance, service.Approve(reference=payable), **call())
    done = await set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call())
    assert isinstance(done, DebtSettled), done
    found = await money(bank.db, bank.id, f"payable/{payee}", f"credit/{payee}", "expense/voucher", "bank")
    assert found == [0, 0, 0, 0]
    assert await prove(owner_url, bank.id) == []


async def refund(db: Database, actor: Actor, source_id: int, *, still_owed: int) -> Any:
    """What another room does: one ledger call around it. The code of a refusal, or the credit's facts."""
    async with db.writing(actor.timebank_id) as connection:
        made = await owed_back.crediting(
            connection, actor, "redemption", source_id, still_owed=still_owed, key=f"refund:{source_id}:1",
            effective_on=NOW.date(),
        )  # fmt: skip
        if not isinstance(made, Crediting):
            return made.code
        [entry_id] = await post(connection, actor, [made.post])
        await owed_back.record_refund(connection, actor, made, entry_id=entry_id, reason="Shut", now=NOW)
        return made


async def test_exports_and_set_offs_at_the_same_moment_use_a_credit_once(bank: Bank, owner_url: str) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await credit(bank, payee, 500)
    await approved(bank, payee, pence=500)
    repaid = RecordRepaid(reference=reference, pence=300, on=NOW.date())
    await asyncio.gather(
        *(set_off.settle_debt(bank.db, bank.finance, SettleDebt(payee_id=payee), **call()) for _ in range(3)),
        *(export(bank.db, bank.finance_two, ExportBatch(), **call()) for _ in range(3)),
        *(owed_back.repaid(bank.db, bank.finance, repaid, **call()) for _ in range(3)),
    )
    assert await left(bank, reference) in (0, 200, 500)
    [credited] = await money(bank.db, bank.id, f"credit/{payee}")
    assert credited == -(await left(bank, reference))
    assert await prove(owner_url, bank.id) == []


async def test_the_plan_says_what_the_export_does(bank: Bank) -> None:
    cafe, college = await add_payee(bank.db, bank.finance), await add_payee(bank.db, bank.finance)
    await credit(bank, cafe, 300)
    await credit(bank, college, 5000)
    await approved(bank, cafe, pence=1000)
    await approved(bank, college, pence=50)
    spoiled = await approved(bank, cafe, pence=7)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set description = 'x' where reference = $1", spoiled)
    async with bank.db.reading(bank.id) as connection:
        plan = await leaving.plan(connection, bank.id, PaymentsCsv())
    assert (plan.payable_count, plan.payee_count, plan.pence, plan.credited_pence) == (1, 1, 700, 300)
    assert sorted((one.why, one.payables, one.pence) for one in plan.behind) == [("changed", 1, 7), ("covered", 1, 50)]
    assert (await run(bank)).total_pence == 700
    assert (await last_payment(bank.db, bank.id, (await payables(bank, cafe))[0])).credited_pence == 300


async def payables(bank: Bank, payee_id: int) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        page = await queries.page(connection, bank.id, after=0, state="exported", size=10)
    return [one.reference for one in page.items if one.payee_id == payee_id]
