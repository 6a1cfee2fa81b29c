"""Claims from the first cost to the payment: nothing paid twice, nothing paid that was declined, two people always."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.claims.claiming import (
    TODAY,
    add,
    booked,
    bus,
    call,
    decided,
    given,
    photo,
    read,
    sent,
    set_rate,
    supplier,
)
from tests.integration.payments.helpers import codes, facts, money
from tests.people import NOW, Bank
from timebank.claims import access, queries, receipts, rules, service
from timebank.claims.service import (
    AccessNow,
    AddLine,
    AddReceipt,
    Answer,
    Ask,
    CancelAccess,
    ChangeLine,
    Decide,
    DeclinedLine,
    LookAgain,
    Moved,
    NewLine,
    RemoveLine,
    Send,
    Settle,
    TakeBack,
    UnknownClaim,
)
from timebank.kit.actor import Actor
from timebank.payments import batches, credit_queries
from timebank.payments import service as payments


async def messages_to(bank: Bank, member_id: int | None) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select subject from message where timebank_id = $1 and member_id = $2 order by id", bank.id, member_id
        )
    return [row["subject"] for row in rows]


async def test_from_the_first_cost_to_the_payment(bank: Bank) -> None:
    await set_rate(bank, "mileage", 45, "mile")
    first = await add(bank, bus())
    second = await add(bank, NewLine(kind="mileage", day=TODAY, tenths_of_mile=125))
    assert (first.reference, second.n, second.pence) == (second.reference, 2, 563)
    reference = (await service.send(bank.db, bank.participant, Send(reference=first.reference), **call())).reference  # type: ignore[union-attr]
    moved = await decided(bank, reference)
    assert moved.state == rules.AGREED
    payable = await facts(bank.db, bank.id, moved.payment)
    assert (payable.kind, payable.pence, payable.state) == ("expense", 983, "submitted")
    assert payable.payee_member_id == bank.participant.member_id
    assert payable.created_by == bank.participant.member_id
    assert await money(bank.db, bank.id, "expense/expense", f"payable/{payable.payee_id}") == [-983, 983]
    assert await messages_to(bank, bank.participant.member_id) == ["We will pay you back £9.83"]
    claim = await read(bank, reference)
    assert [line.rate_pence for line in claim.lines] == [None, 45]
    assert codes(await service.decide(bank.db, bank.coordinator_two, Decide(reference=reference), **call())) == [
        "wrong_state"
    ]


async def test_only_what_is_right_is_paid_and_what_is_not_can_be_answered(bank: Bank) -> None:
    reference = await sent(bank, bus(420), bus(300, kind="train"), bus(250, kind="taxi"))
    no_reason = Decide(reference=reference, declined=(DeclinedLine(n=2, reason=" "),))
    assert codes(await service.decide(bank.db, bank.coordinator, no_reason, **call())) == ["reason_missing"]
    unknown = Decide(reference=reference, declined=(DeclinedLine(n=9, reason="No"),))
    assert codes(await service.decide(bank.db, bank.coordinator, unknown, **call())) == ["unknown_line"]
    moved = await decided(bank, reference, 2, 3)
    assert (await facts(bank.db, bank.id, moved.payment)).pence == 420
    again = LookAgain(reference=reference, words="The hospital is not on the bus line.")
    followed = await service.look_again(bank.db, bank.participant, again, **call())
    assert isinstance(followed, Moved)
    assert codes(await service.look_again(bank.db, bank.participant, again, **call())) == ["wrong_state"]
    claim = await read(bank, followed.reference)
    assert [(line.kind, line.pence, line.is_declined) for line in claim.lines] == [
        ("train", 300, False),
        ("taxi", 250, False),
    ]
    assert claim.follows == reference
    second = await decided(bank, followed.reference, 3, actor=bank.coordinator_two)
    assert (await facts(bank.db, bank.id, second.payment)).pence == 300


async def test_all_declined_makes_no_payment(bank: Bank) -> None:
    reference = await sent(bank)
    moved = await decided(bank, reference, 1)
    assert (moved.state, moved.payment) == (rules.DECLINED, "")
    assert await messages_to(bank, bank.participant.member_id) == ["About your claim"]


async def test_a_question_and_its_answer(bank: Bank) -> None:
    reference = await sent(bank)
    asked = await service.ask(bank.db, bank.coordinator, Ask(reference=reference, question="Which bus?"), **call())
    assert isinstance(asked, Moved)
    assert asked.state == rules.ASKED
    assert codes(await service.ask(bank.db, bank.coordinator, Ask(reference=reference, question=" "), **call())) == [
        "question_missing"
    ]
    empty = await service.answer(bank.db, bank.participant, Answer(reference=reference, answer=""), **call())
    assert codes(empty) == ["answer_missing"]
    done = await service.answer(bank.db, bank.participant, Answer(reference=reference, answer="The 42"), **call())
    assert isinstance(done, Moved)
    async with bank.db.reading(bank.id) as connection:
        claim = await queries.by_reference(connection, bank.id, reference)
        assert claim is not None
        steps = await queries.events(connection, bank.id, claim.id)
    assert [(step.step, step.words) for step in steps] == [
        ("sent", ""), ("asked", "Which bus?"), ("answered", "The 42")
    ]  # fmt: skip


async def test_taken_back_changed_and_sent_again(bank: Bank) -> None:
    reference = await sent(bank)
    seen = (await read(bank, reference)).seen
    await service.take_back(bank.db, bank.participant, TakeBack(reference=reference), **call())
    change = ChangeLine(reference=reference, n=1, line=bus(500))
    assert not isinstance(await service.change_line(bank.db, bank.participant, change, **call()), list)
    await service.send(bank.db, bank.participant, Send(reference=reference), **call())
    stale = Decide(reference=reference, seen=seen)
    assert codes(await service.decide(bank.db, bank.coordinator, stale, **call())) == ["changed_since_shown"]
    fresh = Decide(reference=reference, seen=(await read(bank, reference)).seen)
    assert isinstance(await service.decide(bank.db, bank.coordinator, fresh, **call()), Moved)
    assert codes(await service.change_line(bank.db, bank.participant, change, **call())) == ["wrong_state"]
    assert codes(await service.take_back(bank.db, bank.participant, TakeBack(reference=reference), **call())) == [
        "wrong_state"
    ]


async def test_one_draft_at_a_time(bank: Bank) -> None:
    reference = await sent(bank)
    other = await add(bank, bus(100))
    assert other.reference != reference
    refused = await service.take_back(bank.db, bank.participant, TakeBack(reference=reference), **call())
    assert codes(refused) == ["another_draft"]
    remove = RemoveLine(reference=other.reference, n=1)
    assert not isinstance(await service.remove_line(bank.db, bank.participant, remove, **call()), list)
    assert codes(await service.send(bank.db, bank.participant, Send(reference=other.reference), **call())) == [
        "nothing_to_send"
    ]


async def test_the_same_cost_twice_is_asked_about(bank: Bank) -> None:
    await add(bank, bus())
    twice = await service.add_line(bank.db, bank.participant, AddLine(line=bus()), **call())
    assert codes(twice) == ["duplicate"]
    await add(bank, bus(duplicate_reason="The way back"))
    kept = await photo(bank, bank.participant.member_id or 0)
    await add(bank, bus(900, receipt_id=kept))
    same_photo = await service.add_line(bank.db, bank.participant, AddLine(line=bus(901, receipt_id=kept)), **call())
    assert codes(same_photo) == ["duplicate"]


async def test_the_photo_of_somebody_else_is_shown_to_who_decides(bank: Bank) -> None:
    other = await bank.member()
    theirs, mine = await photo(bank, other), await photo(bank, bank.participant.member_id or 0)
    them = Actor(timebank_id=bank.id, member_id=other)
    first = await sent(bank, bus(1500, receipt_id=theirs), actor=them)
    not_mine = await service.add_line(bank.db, bank.participant, AddLine(line=bus(1500, receipt_id=theirs)), **call())
    assert codes(not_mine) == ["photo_gone"]
    second = await sent(bank, bus(1500, receipt_id=mine))
    claim = await read(bank, second)
    async with bank.db.reading(bank.id) as connection:
        [same] = await queries.same(connection, bank.id, claim.id)
    assert (same.other, same.other_member_id, same.is_same_photo) == (first, other, True)


async def test_sent_for_somebody_who_sent_it_neither_decides_nor_approves(bank: Bank) -> None:
    member = await bank.member()
    for_them = service.for_member(bank.coordinator, member)
    kept = await add(bank, bus(), for_them)
    refused = await service.send(bank.db, for_them, Send(reference=kept.reference), **call())
    assert codes(refused) == ["how_agreed_missing"]
    command = Send(reference=kept.reference, how_agreed="by phone")
    assert isinstance(await service.send(bank.db, for_them, command, **call()), Moved)
    assert await messages_to(bank, member) == ["A claim was sent for you"]
    own = await service.decide(bank.db, bank.coordinator, Decide(reference=kept.reference), **call())
    assert codes(own) == ["own_submission"]
    moved = await decided(bank, kept.reference, actor=bank.coordinator_two)
    both = frozenset({"coordinator", "finance"})
    for who in (bank.coordinator, bank.coordinator_two):
        as_finance = Actor(timebank_id=bank.id, member_id=who.member_id, roles=both)
        approve = payments.Approve(reference=moved.payment)
        assert codes(await payments.approve(bank.db, as_finance, approve, **call())) == ["own_submission"]
    assert not isinstance(
        await payments.approve(bank.db, bank.finance, payments.Approve(reference=moved.payment), **call()), list
    )


async def test_nobody_reaches_the_claim_of_another(bank: Bank, other_bank: Bank) -> None:
    reference = await sent(bank)
    stranger = Actor(timebank_id=bank.id, member_id=await bank.member())
    for who in (stranger, other_bank.participant):
        with pytest.raises(UnknownClaim):
            await service.take_back(bank.db, who, TakeBack(reference=reference), **call())
    with pytest.raises(UnknownClaim):
        service.for_member(stranger, bank.participant.member_id)
    with pytest.raises(UnknownClaim):
        await service.add_line(bank.db, service.for_member(bank.coordinator, 10**12), AddLine(line=bus()), **call())
    with pytest.raises(UnknownClaim):
        await service.decide(bank.db, other_bank.coordinator, Decide(reference=reference), **call())


async def test_twenty_decisions_at_once_make_one_payment(bank: Bank) -> None:
    reference = await sent(bank)
    answers = await asyncio.gather(
        *(service.decide(bank.db, bank.coordinator, Decide(reference=reference), **call()) for _ in range(20))
    )
    assert sum(isinstance(answer, Moved) for answer in answers) == 1
    async with bank.db.reading(bank.id) as connection:
        made = await connection.fetchval(
            "select count(*) from payable where timebank_id = $1 and source_kind = 'claim'", bank.id
        )
    assert made == 1


async def test_a_retry_changes_nothing(bank: Bank) -> None:
    again: dict[str, Any] = call()
    first = await service.add_line(bank.db, bank.participant, AddLine(line=bus()), **again)
    assert first == await service.add_line(bank.db, bank.participant, AddLine(line=bus()), **again)
    assert len((await read(bank, first.reference)).lines) == 1  # type: ignore[union-attr]


async def test_booked_with_a_supplier_and_approved_by_a_second_person(bank: Bank) -> None:
    taxi = await booked(bank)
    payable = await facts(bank.db, bank.id, taxi.payment)
    assert (payable.kind, payable.pence, payable.state) == ("access", 1800, "submitted")
    assert "participant" not in payable.description
    assert await messages_to(bank, bank.participant.member_id) == ["Something is booked for you"]
    cancel = CancelAccess(reference=taxi.reference, reason="The session is off")
    cancelled = await service.cancel(bank.db, bank.coordinator, cancel, **call())
    assert isinstance(cancelled, AccessNow)
    assert await money(bank.db, bank.id, "expense/access", f"payable/{payable.payee_id}") == [0, 0]
    assert codes(await service.cancel(bank.db, bank.coordinator, cancel, **call())) == ["wrong_state"]


async def test_what_is_cancelled_on_its_way_is_owed_back(bank: Bank) -> None:
    taxi = await booked(bank)
    await payments.approve(bank.db, bank.finance, payments.Approve(reference=taxi.payment), **call())
    exported = await batches.export(bank.db, bank.finance_two, batches.ExportBatch(), **call())
    assert isinstance(exported, batches.Exported), exported
    cancel = CancelAccess(reference=taxi.reference, reason="The session is off")
    assert isinstance(await service.cancel(bank.db, bank.coordinator, cancel, **call()), AccessNow)
    payable = await facts(bank.db, bank.id, taxi.payment)
    assert payable.state == "exported"
    assert await money(bank.db, bank.id, "expense/access", f"credit/{payable.payee_id}") == [0, -1800]
    async with bank.db.reading(bank.id) as connection:
        [owing] = await credit_queries.of_payee(connection, bank.id, payable.payee_id)
    assert (owing.source, owing.kind, owing.left_pence, owing.reason) == ("refund", "access", 1800, cancel.reason)


async def test_an_advance_with_something_left(bank: Bank) -> None:
    cash = await given(bank)
    payee = (await money(bank.db, bank.id, "cash"))[0]
    assert payee == 2000
    receipt = AddReceipt(reference=cash.reference, what="Taxi there", pence=900, no_receipt_why="The driver had none")
    assert isinstance(await service.add_receipt(bank.db, bank.coordinator, receipt, **call()), AccessNow)
    too_much = AddReceipt(reference=cash.reference, what="Taxi back", pence=1001, no_receipt_why="None")
    assert codes(await service.add_receipt(bank.db, bank.coordinator, too_much, **call())) == ["receipt_needed"]
    own = await service.settle(
        bank.db, bank.coordinator, Settle(reference=cash.reference, returned_pence=1100), **call()
    )
    assert codes(own) == ["own_submission"]
    wrong = await service.settle(bank.db, bank.finance, Settle(reference=cash.reference, returned_pence=1000), **call())
    assert codes(wrong) == ["does_not_add_up"]
    done = await service.settle(bank.db, bank.finance, Settle(reference=cash.reference, returned_pence=1100), **call())
    assert isinstance(done, AccessNow)
    assert done.payment == ""
    assert await money(bank.db, bank.id, "cash", "expense/access") == [900, -900]
    assert codes(await service.add_receipt(bank.db, bank.coordinator, receipt, **call())) == ["wrong_state"]


async def test_an_advance_that_was_not_enough(bank: Bank) -> None:
    cash = await given(bank, 1000)
    kept = await photo(bank, bank.participant.member_id or 0)
    receipt = AddReceipt(reference=cash.reference, what="Taxi", pence=1450, receipt_id=kept)
    assert isinstance(await service.add_receipt(bank.db, bank.coordinator, receipt, **call()), AccessNow)
    assert codes(await service.add_receipt(bank.db, bank.coordinator, receipt, **call())) == ["same_photo"]
    done = await service.settle(bank.db, bank.finance, Settle(reference=cash.reference, returned_pence=0), **call())
    assert isinstance(done, AccessNow)
    payable = await facts(bank.db, bank.id, done.payment)
    assert (payable.kind, payable.pence) == ("access", 450)
    account = f"advance/{payable.payee_id}"
    assert await money(bank.db, bank.id, "cash", "expense/access", account) == [1000, -1450, 0]
    for who in (bank.finance, bank.coordinator):
        approver = Actor(timebank_id=bank.id, member_id=who.member_id, roles=frozenset({"finance"}))
        refused = await payments.approve(bank.db, approver, payments.Approve(reference=done.payment), **call())
        assert codes(refused) == ["own_submission"]


async def test_nobody_arranges_their_own_costs(bank: Bank) -> None:
    command = access.GiveAdvance(
        member_id=bank.coordinator.member_id or 0, kind="taxi", day=TODAY, pence=100, signed_name="Me"
    )
    assert codes(await service.give_advance(bank.db, bank.coordinator, command, **call())) == ["pays_yourself"]
    unsigned = access.GiveAdvance(
        member_id=bank.participant.member_id or 0, kind="taxi", day=TODAY, pence=100, signed_name=" "
    )
    assert codes(await service.give_advance(bank.db, bank.coordinator, unsigned, **call())) == ["signature_missing"]
    by_participant = await service.give_advance(bank.db, bank.participant, command, **call())
    assert codes(by_participant) == ["not_allowed"]


async def test_strangers_of_all_kinds(bank: Bank, other_bank: Bank) -> None:
    theirs = await supplier(other_bank)
    command = service.BookAccess(
        member_id=bank.participant.member_id or 0, payee_id=theirs, kind="taxi", day=TODAY, pence=1
    )
    assert codes(await service.book(bank.db, bank.coordinator, command, **call())) == ["unknown_payee"]
    gone = service.BookAccess(member_id=10**15, payee_id=theirs, kind="taxi", day=TODAY, pence=1)
    assert codes(await service.book(bank.db, bank.coordinator, gone, **call())) == ["unknown_member"]
    line = bus(session_id=10**17)
    assert codes(await service.add_line(bank.db, bank.participant, AddLine(line=line), **call())) == ["unknown_session"]


async def test_photos_go_when_nobody_needs_them(bank: Bank) -> None:
    member_id = bank.participant.member_id or 0
    used, unused = await photo(bank, member_id), await photo(bank, member_id, "red")
    reference = await sent(bank, bus(1500, receipt_id=used))
    await decided(bank, reference)

    async def left(after: timedelta) -> dict[int, bool]:
        await service.forget_old(bank.db, bank.id, NOW + after)
        async with bank.db.reading(bank.id) as connection:
            rows = await connection.fetch(
                "select id, content is not null as is_there from receipt where timebank_id = $1", bank.id
            )
        return {row["id"]: row["is_there"] for row in rows}

    assert await left(timedelta(hours=1)) == {used: True, unused: True}
    assert await left(timedelta(days=2)) == {used: True}
    assert await left(timedelta(days=366 * receipts.KEPT_YEARS)) == {used: False}
    assert not (await read(bank, reference)).lines[0].has_photo
