"""What banks really do: too much paid, one debit for several payments, credits repaid, parts, returns of returns."""

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.integration.payments.crediting import credit, left
from tests.integration.payments.helpers import add_payee, approved, call, codes, facts, money, run
from tests.integration.reconciliation.bank_files import (
    TODAY,
    Movement,
    bring,
    camt_file,
    csv_file,
    days_ago,
    explain,
    explained,
    position,
    sent,
    unexplained,
)
from tests.people import Bank
from timebank.payments.credits import RecordRepaid, repaid
from timebank.reconciliation import queries, service, suggesting
from timebank.reconciliation.service import Join, Parts, Split


async def paid_out(bank: Bank, *pence: int) -> tuple[list[str], list[str]]:
    """Payables that left in one run, and the references of their payments."""
    payables = [await approved(bank, await add_payee(bank.db, bank.finance), pence=one) for one in pence]
    await run(bank)
    return payables, [await sent(bank, one) for one in payables]


async def states(bank: Bank, payables: list[str]) -> list[str]:
    return [(await facts(bank.db, bank.id, one)).state for one in payables]


async def split(bank: Bank, line_id: int, pence: int, **more: Any) -> Any:
    return await service.split(bank.db, bank.finance, Split(line_id=line_id, pence=pence), **call() | more)


async def agrees(bank: Bank) -> None:
    """Nothing is left to explain, and the accounts agree with the bank."""
    found = await position(bank)
    assert found.is_reconciled, found
    assert (found.bank_pence, found.by_hand_pence) == (found.lines_pence, 0)


async def owing(bank: Bank, pence: int) -> tuple[int, str, int]:
    """A payee who owes us so much: their id, the credit's reference and id."""
    payee = await add_payee(bank.db, bank.finance)
    reference = await credit(bank, payee, pence)
    async with bank.db.reading(bank.id) as connection:
        return payee, reference, await connection.fetchval("select id from credit where reference = $1", reference)


async def test_a_credit_is_repaid_in_parts_as_the_statement_shows_it(bank: Bank) -> None:
    payee, reference, credit_id = await owing(bank, 900)
    await bring(bank, csv_file([Movement(400, "CAFE"), Movement(600, "CAFE AGAIN")]))
    one, two = await unexplained(bank)
    assert codes(await explain(bank, one.id, "credit_repaid")) == ["credit_missing"]
    await explained(bank, one.id, "credit_repaid", credit_id=credit_id)
    assert await left(bank, reference) == 500
    assert codes(await explain(bank, two.id, "credit_repaid", credit_id=credit_id)) == ["credit_too_small"]
    assert await money(bank.db, bank.id, f"credit/{payee}", "bank", "suspense") == [-500, -1000, 600]
    undo = service.Undo(line_id=one.id, why="No")
    assert codes(await service.undo(bank.db, bank.finance, undo, **call())) == ["not_undoable"]
    # They paid more than they owed: the rest is something else.
    assert isinstance(await split(bank, two.id, 500), Parts)
    first, second = await unexplained(bank)
    await explained(bank, first.id, "credit_repaid", credit_id=credit_id)
    await explained(bank, second.id, "other_income")
    assert await left(bank, reference) == 0
    await agrees(bank)


async def test_a_large_credit_is_repaid_when_a_second_person_agrees(bank: Bank) -> None:
    _, reference, credit_id = await owing(bank, 20_000)
    await bring(bank, csv_file([Movement(15_000, f"REFUND {reference}")]))
    [line] = await unexplained(bank)
    async with bank.db.reading(bank.id) as connection:
        [found] = await suggesting.repayable(connection, bank.id, line)
    assert (found.credit.reference, found.is_likely) == (reference, True), "its reference stands in the line"
    assert (await explained(bank, line.id, "credit_repaid", credit_id=credit_id)).waits
    assert await left(bank, reference) == 20_000
    decide = service.Decide(line_id=line.id, agree=True)
    assert not isinstance(await service.decide(bank.db, bank.finance_two, decide, **call()), list)
    assert await left(bank, reference) == 5_000
    await agrees(bank)


async def test_a_credit_that_was_marked_as_repaid_by_hand_is_recognised_and_posts_nothing_again(bank: Bank) -> None:
    payee, reference, credit_id = await owing(bank, 900)
    command = RecordRepaid(reference=reference, pence=900, on=days_ago(1))
    assert not isinstance(await repaid(bank.db, bank.finance, command, **call()), list)
    found = await position(bank)
    assert (found.by_hand_pence, found.difference_pence) == (900, 0), "the accounts never differ for what is by hand"
    await bring(bank, csv_file([Movement(900, "CAFE"), Movement(900, "CAFE AGAIN")]))
    one, two = await unexplained(bank)
    async with bank.db.reading(bank.id) as connection:
        [likely] = await suggesting.repayable(connection, bank.id, one)
    assert (likely.credit.id, likely.marked_on) == (credit_id, days_ago(1))
    await explained(bank, one.id, "credit_repaid", credit_id=credit_id)
    assert await money(bank.db, bank.id, f"credit/{payee}", "bank", "suspense") == [0, -1800, 900]
    assert codes(await explain(bank, two.id, "credit_repaid", credit_id=credit_id)) == ["credit_too_small"]
    await explained(bank, two.id, "other_income")
    await agrees(bank)


async def test_the_bank_paid_too_much(bank: Bank) -> None:
    payables, [reference] = await paid_out(bank, 1250)
    await bring(bank, csv_file([Movement(-1300, reference)]))
    [line] = await unexplained(bank)
    assert codes(await explain(bank, line.id, "payment", payment=reference)) == ["other_amount"]
    for pence in (0, -1300):
        assert codes(await split(bank, line.id, pence)) == ["part_of_nothing"]
    assert codes(await split(bank, line.id, -(10**16))) == ["part_too_large"]
    done = await split(bank, line.id, -1250)
    assert isinstance(done, Parts)
    assert await states(bank, payables) == ["paid"], "the part is exactly the payment, so it matched by itself"
    [rest] = await unexplained(bank)
    assert (rest.pence, rest.part_of) == (-50, line.id)
    await explained(bank, rest.id, "bank_error")
    assert await money(bank.db, bank.id, "bank", "bank-errors", "in-transit", "suspense") == [1300, -50, 0, 0]
    await bring(bank, csv_file([Movement(50, "PUT RIGHT")]))
    [back] = await unexplained(bank)
    await explained(bank, back.id, "bank_error")
    assert await money(bank.db, bank.id, "bank-errors") == [0]
    await agrees(bank)
    assert (await bring(bank, csv_file([Movement(-1300, reference)]))).new == 1, "the same file again says the same"
    assert (await position(bank)).lines_pence == -1250


@pytest.mark.parametrize("text", ["{} {}", "{}/{} THANKS"])
async def test_one_debit_that_names_two_payments_and_their_sum_pays_both(bank: Bank, text: str) -> None:
    payables, references = await paid_out(bank, 1250, 300, 700)
    done = await bring(bank, csv_file([Movement(-1550, text.format(*references[:2]))]))
    assert done.matched == 1
    assert await states(bank, payables) == ["paid", "paid", "exported"]
    async with bank.db.reading(bank.id) as connection:
        [line] = (await queries.lines(connection, bank.id, after=0, state="matched", size=5)).items
        payments = await queries.payments_of(connection, bank.id, line.id)
    assert {one.reference for one in payments} == set(references[:2])
    back = await bring(bank, csv_file([Movement(300, f"RETURNED {references[1]}")]))
    assert back.matched == 1
    assert await states(bank, payables) == ["paid", "returned", "exported"]
    assert await money(bank.db, bank.id, "bank", "in-transit", "suspense") == [1250, 700, 0]
    await agrees(bank)


async def test_two_ids_with_another_sum_or_one_that_is_paid_already_are_for_a_person(bank: Bank) -> None:
    payables, [one, two] = await paid_out(bank, 1250, 300)
    await bring(bank, csv_file([Movement(-1551, f"{one} {two}"), Movement(-1550, "BULK")]))
    first, second = await unexplained(bank)
    assert codes(await explain(bank, first.id, "payment", payment=f"{one} {two}")) == ["other_amount"]
    assert codes(await explain(bank, second.id, "payment", payment=f"{one}, AAAA-0000")) == ["unknown_payment"]
    await explained(bank, second.id, "payment", payment=f"{one}, {two.lower().replace('-', '')}")
    assert await states(bank, payables) == ["paid", "paid"]
    assert codes(await explain(bank, first.id, "payment", payment=f"{one} {two}")) == ["wrong_state"]
    await bring(bank, csv_file([Movement(-1550, f"AGAIN {one} {two}")]), doubles="bring")
    assert len(await unexplained(bank)) == 2, "what has been paid before is never paid again"


async def test_one_payment_of_a_run_that_was_paid_as_one_amount_comes_back(bank: Bank) -> None:
    payables, references = await paid_out(bank, 1250, 300)
    movements = [Movement(-1550, "RUN 1"), Movement(300, f"UNPAID {references[1]}", reason="AC04")]
    done = await bring(bank, camt_file(movements, 5000))
    assert done.matched == 2
    assert await states(bank, payables) == ["paid", "returned"]
    assert await money(bank.db, bank.id, "bank", "in-transit", "suspense") == [1250, 0, 0]
    await agrees(bank)


async def test_what_came_back_does_not_come_back_twice(bank: Bank) -> None:
    payables, [reference] = await paid_out(bank, 1250)
    first = [Movement(-1250, reference, on=days_ago(5)), Movement(1250, reference, on=days_ago(4))]
    assert (await bring(bank, csv_file(first))).matched == 2
    assert (await bring(bank, csv_file([Movement(1250, reference, on=days_ago(3))]))).unexplained == 1
    [line] = await unexplained(bank)
    assert codes(await explain(bank, line.id, "returned", payment=reference)) == ["wrong_state"]
    assert await states(bank, payables) == ["returned"]
    assert await money(bank.db, bank.id, "bank", "suspense") == [-1250, 1250]


async def test_a_charge_was_kept_back_from_what_came_in(bank: Bank) -> None:
    payables, [reference] = await paid_out(bank, 1250)
    await bring(bank, csv_file([Movement(-1250, reference, on=days_ago(2)), Movement(1240, f"RETURNED {reference}")]))
    [line] = await unexplained(bank)
    assert isinstance(await split(bank, line.id, 1250), Parts)
    assert await states(bank, payables) == ["returned"]
    [charge] = await unexplained(bank)
    assert charge.pence == -10
    await explained(bank, charge.id, "bank_charge")
    assert await money(bank.db, bank.id, "bank", "expense/bank-charges", "suspense") == [10, -10, 0]
    await agrees(bank)


async def test_parts_are_put_together_again_and_split_in_another_way(bank: Bank) -> None:
    await bring(bank, csv_file([Movement(-1000, "SHOP")]))
    [line] = await unexplained(bank)
    key = call()
    once, again = [await split(bank, line.id, -900, **key) for _ in range(2)]
    assert once == again
    assert await money(bank.db, bank.id, "suspense", "bank") == [-1000, 1000]
    assert [one.pence for one in await unexplained(bank)] == [-900, -100]
    part = (await unexplained(bank))[1]
    await explained(bank, part.id, "bank_charge")
    join = Join(line_id=line.id)
    assert codes(await service.join(bank.db, bank.finance, join, **call())) == ["part_explained"]
    await service.undo(bank.db, bank.finance, service.Undo(line_id=part.id, why="Wrong"), **call())
    assert codes(await service.join(bank.db, bank.participant, join, **call())) == ["not_finance"]
    joined = await service.join(bank.db, bank.finance, join, **call())
    assert joined == Parts(line_id=line.id, state="suspense", parts=[])
    assert codes(await service.join(bank.db, bank.finance, join, **call())) == ["not_split"]
    assert await money(bank.db, bank.id, "suspense", "bank") == [-1000, 1000]
    answers = await asyncio.gather(*(split(bank, line.id, pence) for pence in (-1, -2, -3)))
    assert sum(isinstance(one, Parts) for one in answers) == 1
    assert [one for answer in answers if isinstance(answer, list) for one in codes(answer)] == ["not_in_suspense"] * 2
    for one in await unexplained(bank):
        await explained(bank, one.id, "bank_charge")
    assert await money(bank.db, bank.id, "suspense", "bank", "expense/bank-charges") == [0, 1000, -1000]
    await agrees(bank)
    assert (await bring(bank, csv_file([Movement(-1000, "SHOP"), Movement(-5, "TEA")]))).new == 1


async def test_an_older_statement_fills_in_and_overlapping_ones_bring_each_line_once(bank: Bank) -> None:
    payables, [one, two] = await paid_out(bank, 1250, 300)
    days = [days_ago(n) for n in (20, 12, 12, 5)]
    old, paid, other, new = (
        Movement(p, t, on=on) for p, t, on in zip((-10, -1250, -300, 70), ("A", one, two, "D"), days, strict=True)
    )
    assert (await bring(bank, csv_file([other, new], 3740))).matched == 1
    # The days before: its last line is of the day on which the newer one begins.
    done = await bring(bank, csv_file([old, paid], 5000))
    assert (done.new, done.known, done.matched) == (2, 0, 1)
    done = await bring(bank, csv_file([old, paid, other, new], 5000))
    assert (done.new, done.known) == (0, 4)
    assert await states(bank, payables) == ["paid", "paid"]
    found = await position(bank)
    assert (found.lines_pence, found.before_pence, found.gap_pence) == (-1490, 5000, 0)


async def test_a_line_of_nothing_is_kept_once_and_asks_nothing(bank: Bank) -> None:
    movements = [Movement(0, "STATEMENT FEE WAIVED", on=days_ago(2)), Movement(-5, "TEA")]
    for content in (csv_file(movements), csv_file([*movements, Movement(-6, "CAKE")])):
        await bring(bank, content)
    async with bank.db.reading(bank.id) as connection:
        found = (await queries.lines(connection, bank.id, after=0, state="nothing", size=5)).items
    assert [line.text for line in found] == ["STATEMENT FEE WAIVED"]
    assert [line.pence for line in await unexplained(bank)] == [-5, -6]


async def test_brackets_are_what_went_out(bank: Bank) -> None:
    payables, [reference] = await paid_out(bank, 125_000)
    day = f"{TODAY:%d/%m/%Y}"
    content = f'Date,Details,Amount,Balance\n{day},{reference},"(1,250.00)","(£750.00)"\n{day},Gift,(0.00),(750.00)\n'
    done = await bring(bank, content.encode())
    assert (done.new, done.matched) == (2, 1)
    assert await states(bank, payables) == ["paid"]
    assert (await position(bank)).closing_pence == -75_000


def batch_booked(pence: int, details: str) -> bytes:
    """A camt.053 with one entry for many payments; ``details`` stands where each payment would be told."""
    written = camt_file([Movement(-pence)], 1_000_000).decode()
    before, _, after = written.partition("<NtryDtls>")
    return f"{before}<NtryDtls>{details}</NtryDtls>{after.partition('</NtryDtls>')[2]}".encode()


@pytest.mark.parametrize("has_amounts", [True, False])
async def test_a_batch_booked_entry_with_details_pays_each(bank: Bank, has_amounts: bool) -> None:
    payables, references = await paid_out(bank, 1250, 300)
    amounts = [f'<AmtDtls><TxAmt><Amt Ccy="GBP">{one}</Amt></TxAmt></AmtDtls>' for one in ("12.50", "3.00")]
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{amount if has_amounts else ''}</TxDtls>"
        for reference, amount in zip(references, amounts, strict=True)
    )
    done = await bring(bank, batch_booked(1550, details))
    assert (done.new, done.matched) == (2 if has_amounts else 1,) * 2
    assert await states(bank, payables) == ["paid", "paid"]
    await agrees(bank)


async def test_a_batch_booked_entry_without_details_is_its_run(bank: Bank) -> None:
    payables, _ = await paid_out(bank, 1250, 300)
    done = await bring(bank, batch_booked(1550, f"<Btch><PmtInfId>{bank.facts.slug}-RUN-0001</PmtInfId></Btch>"))
    assert done.matched == 1
    assert await states(bank, payables) == ["paid", "paid"]
    await agrees(bank)


async def test_a_batch_booked_entry_that_names_nothing_is_suggested_not_guessed(bank: Bank) -> None:
    payables, _ = await paid_out(bank, 1250, 300)
    await bring(bank, batch_booked(1550, "<Btch><NbOfTxs>2</NbOfTxs></Btch>"))
    assert await states(bank, payables) == ["exported", "exported"]
    [line] = await unexplained(bank)
    async with bank.db.reading(bank.id) as connection:
        assert (await suggesting.suggestions(connection, bank.id, line)).runs == [(1, 2)]
    await explained(bank, line.id, "run", run=1)
    assert await states(bank, payables) == ["paid", "paid"]
    await agrees(bank)


async def test_a_run_that_somebody_marked_in_part_meanwhile_is_paid_by_what_is_left_only(bank: Bank) -> None:
    payables, references = await paid_out(bank, 100, 200, 300)
    movements = [Movement(-100, references[0], on=date(2026, 3, 9)), Movement(-500, "RUN 1", on=date(2026, 3, 9))]
    assert (await bring(bank, csv_file(movements))).matched == 2
    assert await states(bank, payables) == ["paid"] * 3
    assert await money(bank.db, bank.id, "bank", "in-transit", "suspense") == [600, 0, 0]
    await agrees(bank)
