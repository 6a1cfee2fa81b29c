"""Two people at once: whichever comes first, every sum agrees and nothing is paid twice."""

import asyncio

import pytest

from tests.integration.payees.accounts_made import COLLEGE, confirmed, in_use, proposed
from tests.integration.payments.helpers import add_payee, approved, call, facts, last_payment, money, owe, run, settle
from tests.integration.reconciliation.bank_files import TODAY, Movement, csv_file, kept, position, sent, unexplained
from tests.integration.redemptions.spending import prove
from tests.people import Bank
from timebank.payees.accounts import DecideAccount, decide
from timebank.payments import months, rules, service
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.files import load
from timebank.payments.outcomes import VoidBatch, Voided, void_batch
from timebank.payments.service import Approve
from timebank.reconciliation.service import import_statement

ROUNDS = 4


async def agrees(bank: Bank) -> None:
    """The accounts say the same as the payments."""
    async with bank.db.reading(bank.id) as connection:
        found = await months.checklist(connection, bank.id, TODAY.replace(day=1))
    assert [one.found for one in found if one.code == "agrees"] == [""]


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_a_run_is_taken_back_while_its_statement_is_imported(bank: Bank, owner_url: str, _: int) -> None:
    references = [await approved(bank, await add_payee(bank.db, bank.finance), pence=100 + n) for n in range(4)]
    number = (await run(bank)).number
    out = [Movement(-(100 + n), "FPS", reference=await sent(bank, one)) for n, one in enumerate(references)]
    statement = await kept(bank, csv_file(out, 10_000))
    void = VoidBatch(number=number, reason="Never sent")
    voided, imported, again = await asyncio.gather(
        void_batch(bank.db, bank.finance_two, void, **call()),
        import_statement(bank.db, bank.finance, statement, **call()),
        void_batch(bank.db, bank.finance, void, **call()),
    )
    del imported
    was_voided = isinstance(voided, Voided) or isinstance(again, Voided)
    assert not (isinstance(voided, Voided) and isinstance(again, Voided))
    states = {(await facts(bank.db, bank.id, one)).state for one in references}
    assert states == ({"approved"} if was_voided else {"paid"})
    # What the bank paid although we took it back is not lost: it waits to be explained.
    assert len(await unexplained(bank)) == (4 if was_voided else 0)
    assert (await position(bank)).is_reconciled is not was_voided
    await agrees(bank)
    assert await prove(owner_url, bank.id) == []


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_two_answers_and_a_void_at_once(bank: Bank, _: int) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    number = (await run(bank)).number
    await asyncio.gather(
        settle(bank, reference, "paid"),
        settle(bank, reference, "rejected", reason="Account closed"),
        void_batch(bank.db, bank.finance_two, VoidBatch(number=number, reason="Never sent"), **call()),
    )
    payment = await last_payment(bank.db, bank.id, reference)
    assert (payment.state, (await facts(bank.db, bank.id, reference)).state) in (
        ("paid", "paid"),
        ("rejected", "rejected"),
        ("void", "approved"),
    )
    assert await money(bank.db, bank.id, "in-transit") == [0]
    await agrees(bank)


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_bank_details_change_while_somebody_approves_and_exports(bank: Bank, _: int) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await confirmed(bank, payee)
    before = await in_use(bank, payee)
    reference = await owe(bank.db, bank.coordinator, payee)
    seen = rules.digest(await facts(bank.db, bank.id, reference)).hex()
    new = await proposed(bank.db, bank.finance_two, payee, COLLEGE)
    await asyncio.gather(
        service.approve(bank.db, bank.finance, Approve(reference=reference, seen_digest=seen), **call()),
        decide(bank.db, bank.finance, DecideAccount(account_id=new, confirm=True), **call()),
        export(bank.db, bank.finance, ExportBatch(), **call()),
    )
    after = await in_use(bank, payee)
    assert after != before
    exported = await export(bank.db, bank.finance, ExportBatch(), **call())
    payable = await facts(bank.db, bank.id, reference)
    if payable.state == "exported":  # it left before the change: to the account that was approved
        async with bank.db.reading(bank.id) as connection:
            batch = await load(connection, bank.id, payable.batch_number or 0)
        assert batch is not None
        assert [one.account for one in batch.payments] == [before]
        assert not isinstance(exported, Exported)
    else:
        assert not rules.is_approval_good(payable)
        assert not isinstance(exported, Exported)
    await agrees(bank)
