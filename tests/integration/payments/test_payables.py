"""A payable from the booking that made it to the bank's answer."""

from datetime import timedelta

import msgspec
import pytest

from ledger import Posted, Reverse, post_batch
from tests.integration.payments.helpers import (
    add_payee,
    approved,
    call,
    codes,
    done,
    facts,
    last_payment,
    money,
    new_key,
    owe,
    run,
    settle,
)
from tests.people import NOW, Bank
from timebank.db import KeyReused
from timebank.kit.actor import Actor, system
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payee_queries
from timebank.payees import service as payees
from timebank.payees.service import AddPayee
from timebank.payments import queries, service
from timebank.payments.outcomes import Settled, VoidBatch, void_batch
from timebank.payments.rules import UnknownPayment
from timebank.payments.service import Approve, Cancel, Changed, Submit


async def test_a_voucher_waits_for_approval_and_the_payee_is_owed(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee)
    payable = await facts(bank.db, bank.id, reference)
    assert (payable.state, payable.submitted_by, payable.created_by) == (
        "submitted",
        bank.coordinator.member_id,
        bank.coordinator.member_id,
    )
    assert await money(bank.db, bank.id, "expense/voucher", f"payable/{payee}") == [-1250, 1250]


async def test_a_training_place_waits_for_its_invoice_number(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, kind="training", pence=9900)
    assert (await facts(bank.db, bank.id, reference)).state == "draft"
    assert codes(await service.approve(bank.db, bank.finance, Approve(reference=reference), **call())) == [
        "wrong_state"
    ]
    refused = await service.submit(bank.db, bank.finance, Submit(reference=reference, invoice_number="  "), **call())
    assert codes(refused) == ["invoice_number_missing"]
    await done(service.submit(bank.db, bank.finance, Submit(reference=reference, invoice_number=" INV 7 "), **call()))
    payable = await facts(bank.db, bank.id, reference)
    assert (payable.state, payable.invoice_number, payable.submitted_by) == (
        "submitted",
        "INV 7",
        bank.finance.member_id,
    )
    own = await service.approve(bank.db, bank.finance, Approve(reference=reference), **call())
    assert codes(own) == ["own_submission"]
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
    assert (await facts(bank.db, bank.id, reference)).approved_by == bank.finance_two.member_id


async def test_nobody_approves_what_pays_themselves(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, member_id=bank.finance.member_id)
    reference = await owe(bank.db, bank.coordinator, payee)
    assert codes(await service.approve(bank.db, bank.finance, Approve(reference=reference), **call())) == [
        "pays_yourself"
    ]
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))


async def test_only_finance_acts(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, kind="training")
    for actor in (bank.participant, bank.coordinator, system(bank.id)):
        submit = Submit(reference=reference, invoice_number="INV-1")
        assert "not_finance" in codes(await service.submit(bank.db, actor, submit, **call()))
        assert "not_finance" in codes(await service.approve(bank.db, actor, Approve(reference=reference), **call()))
        cancel = Cancel(reference=reference, reason="why")
        assert "not_finance" in codes(await service.cancel(bank.db, actor, cancel, **call()))
    assert (await facts(bank.db, bank.id, reference)).state == "draft"
    assert codes(await payees.add_payee(bank.db, bank.participant, AddPayee(name="Me"), **call())) == ["not_allowed"]


async def test_the_system_cannot_make_a_payable(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    with pytest.raises(ValueError, match="by a person"):
        await owe(bank.db, system(bank.id), payee)
    assert await money(bank.db, bank.id, "expense/voucher", f"payable/{payee}") == [0, 0]


async def test_a_second_payee_of_the_same_name_is_refused(bank: Bank) -> None:
    await payees.add_payee(bank.db, bank.finance, AddPayee(name="Café  Nero"), **call())
    again = await payees.add_payee(bank.db, bank.finance, AddPayee(name=" Café Nero "), **call())
    assert codes(again) == ["payee_exists"]
    assert isinstance(again, list)
    assert again[0].field == "name"


async def test_cancelling_takes_the_debt_back(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    await done(service.cancel(bank.db, bank.finance, Cancel(reference=reference, reason="Ordered twice"), **call()))
    assert (await facts(bank.db, bank.id, reference)).state == "cancelled"
    assert await money(bank.db, bank.id, "expense/voucher", f"payable/{payee}") == [0, 0]
    again = await service.cancel(bank.db, bank.finance, Cancel(reference=reference, reason="Again"), **call())
    assert codes(again) == ["wrong_state"]


async def test_a_refunded_booking_takes_its_payable_back(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, source_id=901)
    actor = bank.coordinator
    async with bank.db.writing(bank.id) as connection:
        item = await service.cancellation(
            connection, actor, "redemption", 901, key="refund:901:2", effective_on=NOW.date()
        )
        assert isinstance(item, Reverse)
        [posted] = await post_batch(connection, bank.id, [item])
        assert isinstance(posted, Posted)
        await service.record_cancelled(connection, actor, "redemption", 901, entry_id=posted.entry_id, now=NOW)
    assert (await facts(bank.db, bank.id, reference)).state == "cancelled"
    assert await money(bank.db, bank.id, "expense/voucher", f"payable/{payee}") == [0, 0]
    async with bank.db.writing(bank.id) as connection:
        again = await service.cancellation(
            connection, actor, "redemption", 901, key="refund:901:2", effective_on=NOW.date()
        )
        none = await service.cancellation(
            connection, actor, "redemption", 902, key="refund:902:2", effective_on=NOW.date()
        )
    assert (again, none) == (None, None)


async def test_a_booking_whose_payment_left_cannot_be_refunded(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await approved(bank, payee, source_id=903)
    await run(bank)
    async with bank.db.writing(bank.id) as connection:
        refusal = await service.cancellation(
            connection, bank.coordinator, "redemption", 903, key="refund:903:2", effective_on=NOW.date()
        )
    assert isinstance(refusal, Refusal)
    assert refusal.code == "payment_already_exported"
    assert "payment run 1" in refusal.message


async def test_paid_then_returned_ends_with_the_payee_owed_again(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    accounts = (f"payable/{payee}", "in-transit", "bank")
    await run(bank)
    assert await money(bank.db, bank.id, *accounts) == [0, 1250, 0]
    assert codes(await settle(bank, reference, "returned", reason="closed")) == ["wrong_state"]
    assert isinstance(await settle(bank, reference, "paid"), Settled)
    assert await money(bank.db, bank.id, *accounts) == [0, 0, 1250]
    assert isinstance(await settle(bank, reference, "returned", reason="Account closed"), Settled)
    assert await money(bank.db, bank.id, *accounts) == [1250, 0, 0]
    payable = await facts(bank.db, bank.id, reference)
    assert (payable.state, payable.settled_on, payable.batch_number) == ("returned", NOW.date(), 1)


async def test_rejected_ends_with_the_payee_owed_again(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    await run(bank)
    assert codes(await settle(bank, reference, "rejected")) == ["reason_missing"]
    assert codes(await settle(bank, reference, "paid", on=NOW.date() + timedelta(days=1))) == ["date_in_future"]
    assert codes(await settle(bank, reference, "paid", on=NOW.date() - timedelta(days=1))) == ["date_too_early"]
    assert isinstance(await settle(bank, reference, "rejected", reason="Account closed"), Settled)
    assert await money(bank.db, bank.id, f"payable/{payee}", "in-transit", "bank") == [1250, 0, 0]


async def test_what_came_back_is_sent_again_with_a_new_reference_and_a_new_approval(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    await run(bank)
    first = await last_payment(bank.db, bank.id, reference)
    await settle(bank, reference, "paid")
    await settle(bank, reference, "returned", reason="Account closed")
    again = Submit(reference=reference, reason="New account, checked by phone")
    await done(service.submit(bank.db, bank.finance, again, **call()))
    own = await service.approve(bank.db, bank.finance, Approve(reference=reference), **call())
    assert codes(own) == ["own_submission"]
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
    assert (await run(bank)).number == 2
    second = await last_payment(bank.db, bank.id, reference)
    assert (second.reference != first.reference, second.batch_number) == (True, 2)
    await settle(bank, reference, "paid")
    assert await money(bank.db, bank.id, f"payable/{payee}", "in-transit", "bank") == [0, 0, 1250]
    assert codes(await settle(bank, reference, "paid")) == ["wrong_state"]


async def test_one_outcome_settles_all_that_is_in_a_payment(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    references = [await approved(bank, payee, pence=pence) for pence in (100, 200)]
    await run(bank)
    answer = await settle(bank, references[0], "paid")
    assert answer.payables == references
    assert [(await facts(bank.db, bank.id, one)).state for one in references] == ["paid", "paid"]


async def test_a_run_that_is_taken_back_leaves_everything_ready_again(bank: Bank) -> None:
    payee, other = [await add_payee(bank.db, bank.finance) for _ in range(2)]
    references = [await approved(bank, payee), await approved(bank, payee, pence=5), await approved(bank, other)]
    await run(bank)
    sent = await last_payment(bank.db, bank.id, references[0])
    void = VoidBatch(number=1, reason="The bank deleted the file")
    key = new_key()
    voided = await void_batch(bank.db, bank.finance_two, void, key=key, now=NOW)
    assert (voided.number, voided.payable_count) == (1, 3)  # type: ignore[union-attr]
    assert await void_batch(bank.db, bank.finance_two, void, key=key, now=NOW) == voided
    assert codes(await void_batch(bank.db, bank.finance, void, **call())) == ["already_void"]
    accounts = (f"payable/{payee}", f"payable/{other}", "in-transit", "bank")
    assert await money(bank.db, bank.id, *accounts) == [1255, 1250, 0, 0]
    assert codes(await settle(bank, references[0], "paid")) == ["wrong_state"]
    assert (await run(bank)).payable_count == 3
    assert (await last_payment(bank.db, bank.id, references[0])).reference != sent.reference
    await settle(bank, references[2], "paid")
    assert codes(await void_batch(bank.db, bank.finance, VoidBatch(number=2, reason="x"), **call())) == [
        "bank_has_answered"
    ]
    assert codes(await void_batch(bank.db, bank.finance, VoidBatch(number=9, reason="x"), **call())) == [
        "unknown_batch"
    ]


async def test_a_part_that_is_paid_leaves_the_rest_for_another_approval(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set part_pence = 500 where timebank_id = $1", bank.id)
    await done(service.approve(bank.db, bank.finance, Approve(reference=reference), **call()))
    assert (await run(bank)).total_pence == 500
    await settle(bank, reference, "paid")
    payable = await facts(bank.db, bank.id, reference)
    assert (payable.state, payable.settled_pence, payable.left_pence, payable.part_pence) == (
        "submitted",
        500,
        750,
        None,
    )
    await done(service.approve(bank.db, bank.finance, Approve(reference=reference), **call()))
    assert (await run(bank)).total_pence == 750
    await settle(bank, reference, "paid")
    assert (await facts(bank.db, bank.id, reference)).state == "paid"
    assert await money(bank.db, bank.id, f"payable/{payee}", "in-transit", "bank") == [0, 0, 1250]


async def test_the_history_says_who_did_what_and_names_the_entries(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee, kind="training")
    await run(bank, bank.finance_two)
    await settle(bank, reference, "paid")
    payable = await facts(bank.db, bank.id, reference)
    async with bank.db.reading(bank.id) as connection:
        history = await queries.history(connection, bank.id, payable.id)
    assert [(event.n, event.state, event.actor_id, event.entry_id is not None) for event in history] == [
        (1, "draft", bank.coordinator.member_id, True),
        (2, "submitted", bank.finance_two.member_id, False),
        (3, "approved", bank.finance.member_id, False),
        (4, "exported", bank.finance_two.member_id, True),
        (5, "paid", bank.finance.member_id, True),
    ]
    assert history[0].entry_id == payable.entry_id


async def test_the_same_key_does_it_once_and_other_content_is_refused(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    first = await owe(bank.db, bank.coordinator, payee)
    second = await owe(bank.db, bank.coordinator, payee)
    key = new_key()
    answers = [
        await service.approve(bank.db, bank.finance, Approve(reference=first), key=key, now=NOW) for _ in range(2)
    ]
    assert answers == [Changed(reference=first, state="approved")] * 2
    with pytest.raises(KeyReused):
        await service.approve(bank.db, bank.finance, Approve(reference=second), key=key, now=NOW)
    assert (await facts(bank.db, bank.id, second)).state == "submitted"


async def test_a_refused_key_can_be_used_again(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, kind="training")
    key = new_key()
    command = Submit(reference=reference)
    assert codes(await service.submit(bank.db, bank.finance, command, key=key, now=NOW)) == ["invoice_number_missing"]
    better = msgspec.structs.replace(command, invoice_number="INV-1")
    assert isinstance(await service.submit(bank.db, bank.finance, better, key=key, now=NOW), Changed)


async def test_another_time_bank_sees_and_touches_nothing(bank: Bank, other_bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    stranger: Actor = other_bank.finance
    with pytest.raises(UnknownPayment):
        await service.cancel(bank.db, stranger, Cancel(reference=reference, reason="why"), **call())
    with pytest.raises(UnknownPayment):
        await service.approve(bank.db, stranger, Approve(reference=reference), **call())
    async with bank.db.reading(other_bank.id) as connection:
        # Row-level security stands behind the query: even asked for the wrong time bank it shows nothing.
        assert await queries.by_reference(connection, bank.id, reference) is None
        assert (await queries.page(connection, bank.id, after=0, state=None, size=10)).items == ()
        assert await payee_queries.payees(connection, bank.id) == []
    assert (await facts(bank.db, bank.id, reference)).state == "approved"


async def test_pages_of_payables_go_through_all_of_them_once(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    references = [await owe(bank.db, bank.coordinator, payee, pence=100 + n) for n in range(5)]
    seen: list[str] = []
    after = 0
    async with bank.db.reading(bank.id) as connection:
        while True:
            page = await queries.page(connection, bank.id, after=after, state="submitted", size=2)
            seen += [payable.reference for payable in page.items]
            if page.next_cursor is None:
                break
            after = page.items[-1].id
    assert seen == references
