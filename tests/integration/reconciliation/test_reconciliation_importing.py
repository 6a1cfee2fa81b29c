"""Statements imported: what matches is paid or came back, what does not waits in suspense, nothing happens twice."""

import asyncio
from typing import Any

import pytest

from tests.integration.payments.helpers import add_payee, approved, call, codes, facts, money, run, settle
from tests.integration.reconciliation.bank_files import (
    Movement,
    bring,
    camt_file,
    csv_file,
    days_ago,
    explain,
    explained,
    kept,
    position,
    refused,
    sent,
    unexplained,
)
from tests.people import Bank
from timebank.reconciliation import service
from timebank.reconciliation.booking import MAX_LINES_AT_ONCE, book_waiting
from timebank.reconciliation.service import Imported, Undo


async def paid_out(bank: Bank, *pence: int) -> list[str]:
    """Payables that left in one run, each to a payee of its own."""
    references = [await approved(bank, await add_payee(bank.db, bank.finance), pence=one) for one in pence]
    await run(bank)
    return references


@pytest.mark.parametrize("write", [csv_file, camt_file])
async def test_a_reference_with_its_amount_is_paid_and_coming_back_reopens_it_once(bank: Bank, write: Any) -> None:
    one, two = await paid_out(bank, 1250, 300)
    first, second = await sent(bank, one), await sent(bank, two)
    out = [
        Movement(-1250, f"FPS {first.replace('-', '')}X CAFE", reference="x"),
        Movement(-300, "Corner", reference=second),
    ]
    done = await bring(bank, write(out, 100_000))
    assert (done.new, done.matched, done.unexplained) == (2, 2, 0)
    assert [(await facts(bank.db, bank.id, each)).state for each in (one, two)] == ["paid", "paid"]
    assert await money(bank.db, bank.id, "bank", "in-transit", "suspense") == [1550, 0, 0]
    back = [Movement(1250, "RETURNED", reference=first, reason="AC04")]
    done = await bring(bank, write(back, 98_450))
    assert (done.new, done.matched) == (1, 1)
    assert (await facts(bank.db, bank.id, one)).state == "returned"
    assert await money(bank.db, bank.id, "bank", "suspense") == [300, 0]
    found = await position(bank)
    assert found.is_reconciled
    assert (found.lines_pence, found.by_hand_pence, found.before_pence) == (-300, 0, 100_000)


async def test_the_same_file_twice_and_overlapping_files_change_nothing(bank: Bank) -> None:
    movements = [Movement(-100, "Tea", on=days_ago(3))] * 2 + [Movement(-100, "Tea", on=days_ago(2))]
    done = await bring(bank, csv_file(movements, 5000))
    assert (done.new, done.unexplained) == (3, 3)
    again = await bring(bank, csv_file(movements, 5000))
    assert again == done
    more = [*movements, Movement(-100, "Tea", on=days_ago(2)), Movement(700, "Gift", on=days_ago(1))]
    done = await bring(bank, csv_file(more, 5000))
    assert (done.known, done.new) == (3, 2)
    assert (await position(bank)).lines_pence == -400 + 700
    assert await money(bank.db, bank.id, "bank", "suspense") == [-300, 300]


async def test_two_people_importing_overlapping_files_at_once_bring_each_line_once(bank: Bank) -> None:
    movements = [Movement(-n, f"Line {n}") for n in range(1, 30)]
    ids = [await kept(bank, csv_file(movements[:20])), await kept(bank, csv_file(movements[5:]))]
    done = await asyncio.gather(
        *(
            service.import_statement(bank.db, who, each, **call())
            for each in ids
            for who in (bank.finance, bank.finance_two)
        )
    )
    assert all(isinstance(one, Imported) for one in done), done
    assert (await position(bank)).lines_pence == -sum(range(1, 30))
    assert (await position(bank)).unexplained == 29


async def test_a_run_that_the_bank_shows_as_one_amount_pays_all_of_it(bank: Bank) -> None:
    payables = await paid_out(bank, 100, 200, 300)
    assert (await bring(bank, csv_file([Movement(-599, "BATCH 1")]))).matched == 0
    done = await bring(bank, csv_file([Movement(-600, "BULK RUN-0001")]))
    assert done.matched == 1
    assert {(await facts(bank.db, bank.id, one)).state for one in payables} == {"paid"}
    assert await money(bank.db, bank.id, "in-transit", "bank") == [0, 1199]


async def test_a_second_debit_with_the_same_reference_waits_for_a_person(bank: Bank) -> None:
    [payable] = await paid_out(bank, 1250)
    reference = await sent(bank, payable)
    done = await bring(bank, csv_file([Movement(-1250, reference), Movement(-1250, f"AGAIN {reference}")]))
    assert (done.matched, done.unexplained) == (1, 1)
    assert await money(bank.db, bank.id, "bank", "suspense", "in-transit") == [2500, -1250, 0]


@pytest.mark.parametrize(("pence", "text"), [(-1251, "{}"), (1250, "{}"), (-1250, "B7K2-M9Q0")])
async def test_another_amount_or_a_stranger_is_never_guessed(bank: Bank, pence: int, text: str) -> None:
    [payable] = await paid_out(bank, 1250)
    done = await bring(bank, csv_file([Movement(pence, text.format(await sent(bank, payable)))]))
    assert (done.matched, done.unexplained) == (0, 1)
    assert (await facts(bank.db, bank.id, payable)).state == "exported"


async def test_what_was_marked_by_hand_is_recognised_and_posts_nothing_again(bank: Bank) -> None:
    [payable] = await paid_out(bank, 1250)
    await settle(bank, payable, "paid")
    assert ((await position(bank)).by_hand_pence, (await position(bank)).difference_pence) == (-1250, 0)
    done = await bring(bank, csv_file([Movement(-1250, await sent(bank, payable))]))
    assert done.matched == 1
    assert await money(bank.db, bank.id, "bank", "suspense") == [1250, 0]
    assert (await position(bank)).is_reconciled
    assert (await position(bank)).by_hand_pence == 0


async def test_a_return_that_comes_before_its_payment_is_matched_when_that_arrives(bank: Bank) -> None:
    [payable] = await paid_out(bank, 1250)
    reference = await sent(bank, payable)
    assert (await bring(bank, csv_file([Movement(1250, reference)]))).unexplained == 1
    done = await bring(bank, csv_file([Movement(-1250, reference, on=days_ago(0))]))
    assert done.matched == 1
    assert (await facts(bank.db, bank.id, payable)).state == "returned"
    assert await money(bank.db, bank.id, "bank", "suspense") == [0, 0]
    assert (await position(bank)).is_reconciled


async def test_a_long_file_is_booked_in_parts_and_goes_on_after_a_crash(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timebank.reconciliation.booking.MAX_LINES_AT_ONCE", 4)
    statement = await kept(bank, csv_file([Movement(-n, f"Line {n}") for n in range(1, 11)]))
    place = "timebank.reconciliation.running.book_waiting"
    calls = 0

    async def dies(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("killed")
        await book_waiting(*args)

    monkeypatch.setattr(place, dies)
    with pytest.raises(RuntimeError):
        await service.import_statement(bank.db, bank.finance, statement, **call())
    assert await money(bank.db, bank.id, "suspense") == [-10]
    monkeypatch.setattr(place, book_waiting)
    done = await service.import_statement(bank.db, bank.finance_two, statement, **call())
    assert isinstance(done, Imported)
    assert (done.new, done.unexplained, done.waiting) == (10, 10, 0)
    assert await money(bank.db, bank.id, "suspense", "bank") == [-55, 55]
    assert MAX_LINES_AT_ONCE == 400


async def test_a_run_of_any_size_is_paid_with_one_entry(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timebank.reconciliation.booking.MAX_ITEMS_AT_ONCE", 121)
    payables = await paid_out(bank, *range(1, 9))
    done = await bring(bank, csv_file([Movement(-36, "RUN 1"), Movement(-5, "Fee")]))
    assert (done.matched, done.unexplained, done.waiting) == (1, 1, 0)
    assert {(await facts(bank.db, bank.id, one)).state for one in payables} == {"paid"}
    assert await money(bank.db, bank.id, "bank", "in-transit", "suspense") == [41, 0, -5]


async def test_balances_must_follow_from_statement_to_statement(bank: Bank) -> None:
    await bring(bank, csv_file([Movement(-100, "One", on=days_ago(9))], 5000))
    later = csv_file([Movement(-50, "Three", on=days_ago(1))], 4700)
    assert await refused(bank, later) == ["gap"]
    await bring(bank, csv_file([Movement(-200, "Two", on=days_ago(5))], 4900))
    assert (await bring(bank, later)).new == 1
    assert await refused(bank, csv_file([Movement(5, "Before", on=days_ago(20))], 1)) == ["gap"]
    assert (await bring(bank, csv_file([Movement(5, "Before", on=days_ago(20))], 1), gap=True)).new == 1


async def test_the_same_days_in_another_format_are_asked_about(bank: Bank) -> None:
    await bring(bank, csv_file([Movement(-100, "Tea and cake"), Movement(-70, "Bus")], 1000))
    other = camt_file([Movement(-100, "TEA"), Movement(-70, "BUS FARE"), Movement(5, "New")], 1000)
    assert await refused(bank, other) == ["doubles"]
    done = await bring(bank, other, doubles="leave_out")
    assert (done.new, done.known) == (1, 2)
    assert (await position(bank)).lines_pence == -165


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"Date,Amount\n10/03/2026,12.505\n", "amount_unreadable"),
        (b"Date,Amount\n10/03/2026,1234567890123456789.00\n", "amount_too_large"),
        (b"Date,Amount\n10/03/2026,ten pounds\n", "amount_unreadable"),
        (b"Date,Amount\n11/03/2026,5\n", "date_in_future"),
        (b"Date,Amount\n31/02/2026,5\n", "date_impossible"),
        (b"Date,Amount\n", "no_lines"),
        (b"Date,Amount,Balance\n09/03/2026,5,105\n10/03/2026,5,111\n", "balance_breaks"),
        (b"A,B\n10/03/2026,5\n", "columns_missing"),
        (camt_file([Movement(5)])[:-40], "xml_broken"),
        (camt_file([Movement(5)]).replace(b'Ccy="GBP"', b'Ccy="EUR"'), "other_currency"),
        (camt_file([Movement(5)]).replace(b"camt.053", b"camt.052"), "xml_other"),
    ],
)
async def test_what_cannot_be_right_is_refused_and_nothing_is_kept(bank: Bank, content: bytes, code: str) -> None:
    assert await refused(bank, content) == [code]
    assert (await position(bank)).last_on is None


async def test_columns_are_chosen_once_and_remembered(bank: Bank) -> None:
    first = b"When;What;Weg;Her\n10.03.2026;Tee;1,00;\n10.03.2026;Gabe;;5,00\n"
    assert await refused(bank, first) == ["columns_missing"]
    done = await bring(bank, first, columns={"date": 0, "text": 1, "paid_out": 2, "paid_in": 3})
    assert done.new == 2
    assert (await bring(bank, first.replace(b"Tee", b"Kuchen"), doubles="bring")).new == 1
    assert (await position(bank)).lines_pence == 300


async def test_small_amounts_are_explained_alone_large_ones_by_two_and_undone(bank: Bank) -> None:
    await bring(bank, csv_file([Movement(-300, "CHARGES"), Movement(500_000, "COUNCIL GRANT 17")]))
    charge, grant = await unexplained(bank)
    assert codes(await explain(bank, charge.id, "bank_charge", note="")) == ["note_missing"]
    assert codes(await explain(bank, charge.id, "grant")) == ["wrong_direction"]
    assert codes(await explain(bank, charge.id, "bank_charge", actor=bank.participant)) == ["not_finance"]
    assert not (await explained(bank, charge.id, "bank_charge")).waits
    assert codes(await explain(bank, charge.id, "interest")) == ["proposed_already"]
    assert await money(bank.db, bank.id, "expense/bank-charges", "suspense") == [-300, 500_000]

    assert (await explained(bank, grant.id, "grant")).waits
    agree = service.Decide(line_id=grant.id, agree=True)
    assert codes(await service.decide(bank.db, bank.finance, agree, **call())) == ["own_proposal"]
    refuse = service.Decide(line_id=grant.id, agree=False, why="It is a loan")
    assert not isinstance(await service.decide(bank.db, bank.finance_two, refuse, **call()), list)
    assert (await explained(bank, grant.id, "grant", actor=bank.finance_two)).waits
    assert not isinstance(await service.decide(bank.db, bank.finance, agree, **call()), list)
    assert await money(bank.db, bank.id, "income/grants", "suspense", "bank") == [500_000, 0, -499_700]
    assert (await position(bank)).is_reconciled

    assert codes(await service.undo(bank.db, bank.finance, Undo(line_id=grant.id, why=""), **call())) == [
        "reason_missing"
    ]
    undone = await service.undo(bank.db, bank.finance, Undo(line_id=grant.id, why="Wrong year"), **call())
    assert not isinstance(undone, list)
    assert await money(bank.db, bank.id, "income/grants", "suspense") == [0, 500_000]
    assert [one.id for one in await unexplained(bank)] == [grant.id]


async def test_a_person_says_which_payment_a_line_is(bank: Bank) -> None:
    one, two = await paid_out(bank, 1250, 900)
    await bring(bank, csv_file([Movement(-1250, "CHEQUE 17"), Movement(-900, "BILL")]))
    first, second = await unexplained(bank)
    reference = await sent(bank, one)
    assert codes(await explain(bank, second.id, "payment", payment=reference)) == ["other_amount"]
    assert codes(await explain(bank, first.id, "returned", payment=reference)) == ["wrong_state"]
    assert codes(await explain(bank, first.id, "payment", payment="0000-0000")) == ["unknown_payment"]
    await explained(bank, first.id, "payment", payment=reference)
    assert (await facts(bank.db, bank.id, one)).state == "paid"
    assert await money(bank.db, bank.id, "bank", "suspense", "in-transit") == [2150, -900, 900]
    await explained(bank, second.id, "run", run=1)
    assert (await facts(bank.db, bank.id, two)).state == "paid"
    assert (await position(bank)).is_reconciled
    assert codes(await service.undo(bank.db, bank.finance, Undo(line_id=first.id, why="No"), **call())) == [
        "not_undoable"
    ]


async def test_a_retry_with_the_same_key_changes_nothing(bank: Bank) -> None:
    await bring(bank, csv_file([Movement(-300, "CHARGES")]))
    [line] = await unexplained(bank)
    key = call()
    command = service.Explain(line_id=line.id, kind="bank_charge", note="Letter")
    answers = [await service.explain(bank.db, bank.finance, command, **key) for _ in range(2)]
    assert answers[0] == answers[1]
    assert await money(bank.db, bank.id, "expense/bank-charges") == [-300]
