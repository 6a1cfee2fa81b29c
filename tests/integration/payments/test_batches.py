"""Payment runs: two people, one file, the same bytes for ever, and sums that agree to the penny."""

import asyncio
import csv
import hashlib
import io
from datetime import date

import asyncpg
import pytest

from ledger import entry
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
from timebank.payments import batches, rules, run_queries, service
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.files import ControlTotalError
from timebank.payments.formats import ControlTotal
from timebank.payments.formats.payments_csv import PaymentsCsv
from timebank.payments.service import Cancel, Submit


async def stored(bank: Bank, number: int) -> run_queries.BatchFile:
    async with bank.db.reading(bank.id) as connection:
        file = await run_queries.batch_file(connection, bank.id, number, "payments-csv")
    assert file is not None
    return file


async def test_whoever_exports_hears_how_far_it_is(bank: Bank) -> None:
    payee, said = await add_payee(bank.db, bank.finance), list[str]()
    for pence in (100, 200):
        await approved(bank, payee, pence=pence)
    refused = await export(bank.db, bank.coordinator, ExportBatch(), **call(), told=said.append)
    assert (codes(refused), said) == (["not_finance"], [])
    done = await export(bank.db, bank.finance, ExportBatch(), **call(), told=said.append)
    assert isinstance(done, Exported)
    assert said[0] == "2 approvals checked; payees: 1"
    assert len(said) == 3


async def test_an_export_holds_what_was_approved_and_every_sum_agrees(bank: Bank) -> None:
    cafe = await add_payee(bank.db, bank.finance, "Café ‘=Olé’")
    college = await add_payee(bank.db, bank.finance, "College")
    references = [
        await approved(bank, cafe, pence=1250),
        await approved(bank, college, kind="training", pence=9901),
        await approved(bank, cafe, pence=5),
    ]
    waiting = await owe(bank.db, bank.coordinator, cafe, pence=700)
    exported = await run(bank, expected_count=3, expected_pence=11156)
    file = await stored(bank, exported.number)
    assert exported == Exported(
        number=1,
        line_count=2,
        payable_count=3,
        total_pence=11156,
        currency="GBP",
        sha256=hashlib.sha256(file.content).hexdigest(),
    )
    assert file.sha256 == hashlib.sha256(file.content).digest()
    assert file.file_name == f"{bank.facts.slug}-payments-0001-2026-03-11-payments-csv.csv"
    lines = list(csv.DictReader(io.StringIO(file.content.decode())))
    sent = [await last_payment(bank.db, bank.id, reference) for reference in references]
    assert sent[0] == sent[2]
    assert [line["Payment reference"] for line in lines] == [sent[0].reference, sent[1].reference]
    assert [line["Amount"] for line in lines] == ["12.55", "99.01"]
    assert lines[1]["Invoice number"] == "INV-1"
    accounts = (f"payable/{cafe}", f"payable/{college}", "in-transit", "bank")
    assert await money(bank.db, bank.id, *accounts) == [700, 0, 11156, 0]
    async with bank.db.reading(bank.id) as connection:
        batch = await run_queries.batch(connection, bank.id, 1)
        assert batch is not None
        posted = await entry(connection, bank.id, *batch.entry_ids)
    assert {leg.account: leg.amount for leg in posted.legs} == {
        f"payable/{cafe}": -1255,
        f"payable/{college}": -9901,
        "in-transit": 11156,
    }
    assert (batch.line_count, batch.total_pence, batch.created_by) == (2, 11156, bank.finance.member_id)
    assert (await facts(bank.db, bank.id, waiting)).state == "submitted"


async def test_the_bytes_stay_the_same_whatever_happens_later(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    await approved(bank, payee, pence=99)
    exported = await run(bank)
    before = await stored(bank, 1)
    await settle(bank, reference, "paid")
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payee set name = 'Renamed' where timebank_id = $1 and id = $2", bank.id, payee)
        await connection.execute("update payable set description = 'Other' where timebank_id = $1", bank.id)
    await approved(bank, payee, pence=1)
    assert (await run(bank)).number == 2
    after = await stored(bank, 1)
    assert after == before
    assert hashlib.sha256(after.content).hexdigest() == exported.sha256


async def test_the_application_cannot_change_or_delete_a_batch(bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    for statement in (
        "update payment_file set content = ''",
        "delete from payment_file",
        "update payment_batch set total_pence = 1",
        "delete from payment_batch",
        "truncate payment_batch",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with bank.db.writing(bank.id) as connection:
                await connection.execute(statement)


async def test_nothing_ready_is_refused_in_words(bank: Bank) -> None:
    answer = await export(bank.db, bank.finance, ExportBatch(), **call())
    assert codes(answer) == ["nothing_ready"]
    assert isinstance(answer, list)
    assert "Approve a payment first" in answer[0].message


async def test_only_finance_exports(bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    for actor in (bank.participant, bank.coordinator):
        assert codes(await export(bank.db, actor, ExportBatch(), **call())) == ["not_finance"]
    assert (await run(bank)).number == 1


async def test_an_unknown_format_is_refused(bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    assert codes(await export(bank.db, bank.finance, ExportBatch(format="tape"), **call())) == ["unknown_format"]


async def test_what_became_ready_in_the_meantime_is_not_exported_unseen(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await approved(bank, payee)
    await approved(bank, payee)
    seen = ExportBatch(expected_count=1, expected_pence=1250)
    assert codes(await export(bank.db, bank.finance, seen, **call())) == ["ready_changed"]
    assert await money(bank.db, bank.id, "in-transit") == [0]


async def test_a_change_after_approval_stops_the_export_until_it_is_approved_again(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    good = await approved(bank, payee)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update payable set pence = 1251 where timebank_id = $1 and reference = $2", bank.id, reference
        )
    assert (await run(bank)).payable_count == 1
    assert (await facts(bank.db, bank.id, good)).state == "exported"
    answer = await export(bank.db, bank.finance, ExportBatch(), **call())
    assert codes(answer) == ["approval_void"]
    assert isinstance(answer, list)
    assert reference in answer[0].message
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update payable set pence = 1250, description = 'Two lunches' where timebank_id = $1 and reference = $2",
            bank.id,
            reference,
        )
    assert codes(await export(bank.db, bank.finance, ExportBatch(), **call())) == ["approval_void"]
    again = Submit(reference=reference, reason="The description was corrected")
    await done(service.submit(bank.db, bank.finance, again, **call()))
    assert codes(await export(bank.db, bank.finance, ExportBatch(), **call())) == ["nothing_ready"]
    # The coordinator still stands behind it, so that who put it back may be the second person.
    await done(service.approve(bank.db, bank.finance, service.Approve(reference=reference), **call()))
    assert (await run(bank)).number == 2


async def test_the_ledger_refuses_to_pay_more_than_is_owed(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    async with bank.db.writing(bank.id) as connection:
        # Somebody with the application's own rights raises the amount and signs it again: the accounts still know.
        await connection.execute("update payable set pence = 999999 where timebank_id = $1", bank.id)
    raised = rules.digest(await facts(bank.db, bank.id, reference))
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set approved_digest = $2 where timebank_id = $1", bank.id, raised)
    assert codes(await export(bank.db, bank.finance, ExportBatch(), **call())) == ["ledger_refused"]
    assert await money(bank.db, bank.id, f"payable/{payee}", "in-transit") == [1250, 0]


async def test_a_file_that_does_not_add_up_is_not_kept(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    monkeypatch.setattr(PaymentsCsv, "write", lambda self, batch: b"Amount\r\n12.49\r\n")
    monkeypatch.setattr(PaymentsCsv, "read_back", lambda self, content, batch: ControlTotal("GBP", 1, 1249))
    with pytest.raises(ControlTotalError):
        await export(bank.db, bank.finance, ExportBatch(), **call())
    assert (await facts(bank.db, bank.id, reference)).state == "approved"
    assert await money(bank.db, bank.id, f"payable/{payee}", "in-transit") == [1250, 0]
    monkeypatch.undo()
    assert (await run(bank)).number == 1


async def test_the_same_key_gives_the_same_batch(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await approved(bank, payee)
    key = new_key()
    first = await export(bank.db, bank.finance, ExportBatch(), key=key, now=NOW)
    await approved(bank, payee)
    assert await export(bank.db, bank.finance, ExportBatch(), key=key, now=NOW) == first
    assert await money(bank.db, bank.id, "in-transit") == [1250]


async def test_a_double_tap_at_the_same_moment_gives_one_batch(bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    key = new_key()
    answers = await asyncio.gather(*(export(bank.db, bank.finance, ExportBatch(), key=key, now=NOW) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert isinstance(answers[0], Exported)


async def test_parallel_exports_hold_every_payable_exactly_once(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    references = [await approved(bank, payee, pence=100 + n) for n in range(7)]
    answers = await asyncio.gather(
        *(
            export(bank.db, actor, ExportBatch(), **call())
            for actor in (bank.finance, bank.finance_two, bank.finance, bank.finance_two, bank.finance)
        )
    )
    exported = [answer for answer in answers if isinstance(answer, Exported)]
    assert [(one.number, one.line_count, one.payable_count) for one in exported] == [(1, 1, 7)]
    assert [codes(answer) for answer in answers if isinstance(answer, list)] == [["nothing_ready"]] * 4
    lines = list(csv.DictReader(io.StringIO((await stored(bank, 1)).content.decode())))
    sent = {(await last_payment(bank.db, bank.id, reference)).reference for reference in references}
    assert [line["Payment reference"] for line in lines] == list(sent)
    assert await money(bank.db, bank.id, "in-transit") == [sum(100 + n for n in range(7))]


async def test_exports_of_one_time_bank_wait_for_each_other(bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    waiting = """
        select count(*) from pg_locks
         where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())
    """
    async with bank.db.pool.acquire() as other, asyncio.timeout(10):
        async with other.transaction():
            await other.execute(batches.LOCK_BATCHES, bank.id)
            exporting = asyncio.create_task(export(bank.db, bank.finance, ExportBatch(), **call()))
            while not exporting.done() and not await other.fetchval(waiting):
                pass
            assert not exporting.done()
        assert isinstance(await exporting, Exported)


async def test_an_export_and_a_cancellation_at_the_same_moment_cannot_both_win(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    for _ in range(5):
        reference = await approved(bank, payee)
        exported, cancelled = await asyncio.gather(
            export(bank.db, bank.finance, ExportBatch(), **call()),
            service.cancel(bank.db, bank.finance_two, Cancel(reference=reference, reason="why"), **call()),
        )
        state = (await facts(bank.db, bank.id, reference)).state
        assert isinstance(exported, Exported) != isinstance(cancelled, service.Changed)
        assert state == ("exported" if isinstance(exported, Exported) else "cancelled")
    [owed] = await money(bank.db, bank.id, f"payable/{payee}")
    assert owed == 0


async def test_numbers_have_no_gaps_and_each_time_bank_counts_for_itself(bank: Bank, other_bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    numbers = []
    for _ in range(3):
        assert codes(await export(bank.db, bank.finance, ExportBatch(), **call())) == ["nothing_ready"]
        await approved(bank, payee)
        numbers.append((await run(bank)).number)
    assert numbers == [1, 2, 3]
    await approved(other_bank, await add_payee(other_bank.db, other_bank.finance))
    assert (await run(other_bank)).number == 1
    async with bank.db.reading(other_bank.id) as connection:
        assert await run_queries.batch_file(connection, bank.id, 2, "payments-csv") is None
        assert await run_queries.batch(connection, bank.id, 2) is None


async def test_a_batch_takes_those_due_first_when_there_are_too_many(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_PER_BATCH", 2)
    payee = await add_payee(bank.db, bank.finance)
    late = await approved(bank, payee, due_on=date(2026, 4, 1))
    first = await approved(bank, payee, due_on=date(2026, 3, 1))
    second = await approved(bank, payee, due_on=date(2026, 3, 2))
    assert (await run(bank)).payable_count == 2
    states = [(await facts(bank.db, bank.id, reference)).state for reference in (late, first, second)]
    assert states == ["approved", "exported", "exported"]


async def test_payment_runs_are_listed_newest_first(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    for _ in range(3):
        await approved(bank, payee)
        await run(bank)
    async with bank.db.reading(bank.id) as connection:
        page = await run_queries.batches(connection, bank.id, before=run_queries.MAX_BATCH_NUMBER, size=2)
        rest = await run_queries.batches(connection, bank.id, before=page.items[-1].number, size=2)
    assert [batch.number for batch in page.items] == [3, 2]
    assert page.next_cursor is not None
    assert [batch.number for batch in rest.items] == [1]
    assert rest.next_cursor is None
