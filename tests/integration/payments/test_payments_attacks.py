"""What somebody would try who wants to be paid twice, alone, or to change what was signed: none of it works."""

from collections.abc import Callable
from datetime import timedelta

import asyncpg
import pytest

from tests.integration.payees.accounts_made import OURS, confirmed, proposed
from tests.integration.payments.helpers import (
    add_payee,
    approved,
    call,
    codes,
    done,
    facts,
    owe,
    run,
    settle,
)
from tests.integration.payments.test_payments_api import headers
from tests.people import NOW, Bank, Browser
from timebank.kit.actor import Actor
from timebank.payees.accounts import DecideAccount, Decided, decide
from timebank.payees.reading import Typed
from timebank.payments import rules, service, taken
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.many import ApproveMany, Seen, approve_many
from timebank.payments.requests import Requested, RequestPayment, request_payment
from timebank.payments.service import Approve, Submit
from timebank.payments.settings import PaymentSettings, change_settings

Open = Callable[[], Browser]


async def typed_in(bank: Bank, payee: int) -> str:
    """A payment that finance typed in."""
    command = RequestPayment(
        payee_id=payee,
        pence=90000,
        description="Hall",
        earned_on=NOW.date(),
        due_on=NOW.date() + timedelta(days=7),
        reason="The group meets there",
        evidence="Folder 3",
    )
    made = await request_payment(bank.db, bank.finance, command, **call())
    assert isinstance(made, Requested), made
    return made.reference


async def test_who_typed_a_payment_in_never_approves_it_after_a_colleague_put_it_back(bank: Bank) -> None:
    reference = await typed_in(bank, await add_payee(bank.db, bank.finance))
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
    doubt = Submit(reference=reference, reason="Is this hall ours at all?")
    await done(service.submit(bank.db, bank.finance_two, doubt, **call()))
    assert (await facts(bank.db, bank.id, reference)).submitted_by == bank.finance.member_id
    refused = await service.approve(bank.db, bank.finance, Approve(reference=reference), **call())
    assert codes(refused) == ["own_submission"]
    # The team of two is not stuck: the colleague who doubted may approve it after all.
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))


@pytest.mark.parametrize("days_ahead", [0, 14, 15, 31])
async def test_every_number_of_days_that_can_be_chosen_leads_to_a_day_on_which_banks_pay(
    bank: Bank, days_ahead: int
) -> None:
    settings = PaymentSettings(days_ahead=days_ahead)
    if isinstance(await change_settings(bank.db, bank.finance, settings, **call()), list):
        return  # it cannot be chosen
    await approved(bank, await add_payee(bank.db, bank.finance))
    for day in (NOW, NOW.replace(month=12, day=24)):
        made = await export(bank.db, bank.finance, ExportBatch(), key=f"{days_ahead}{day}", now=day)
        assert isinstance(made, Exported), made
        await approved(bank, await add_payee(bank.db, bank.finance), now=day)


SIGNED = [
    "update payment set pence = pence + 1",
    "update payment set sealed = null",
    "update payment set payee_name = 'Somebody else'",
    "update payment set credited_pence = 1",
    "update payment set reference = 'AAAAAAAA'",
    "delete from payment",
    "update payment_attempt set pence = pence + 1",
    "update payment_attempt set payable_id = payable_id + 1",
    "delete from payment_attempt",
    "update payable set payee_id = payee_id + 1",
    "update payable set currency = 'EUR'",
    "update payable set source_id = source_id + 1",
    "update payable set created_by = null",
    "delete from payable",
    "update payable_event set actor_id = null",
    "update payment_batch_void set why = ''",
    "update period_close set is_closed = false",
    "delete from period_close",
    "update bank_account set sealed = sealed, proposed_by = decided_by",
    "update bank_account_look set why = 'x'",
    "delete from bank_account_look",
    "update credit set pence = 1",
    "update credit_use set pence = 1",
    "update cash_payment set pence = 1",
    "update bank_line set pence = pence + 1",
    "update bank_statement set content = ''",
    "update payee_change set after = 'x'",
    "update payment_profile set name = 'x'",
    "update supplier_invoice_paper set content = ''",
]


@pytest.mark.parametrize("statement", SIGNED)
async def test_the_application_may_not_even_ask_the_database_to_change_what_was_signed(
    bank: Bank, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with bank.db.writing(bank.id) as connection:
            await connection.execute(statement)


@pytest.mark.parametrize("outcome", ["", "paid", "returned"])
async def test_the_database_keeps_the_amount_of_what_has_left(bank: Bank, outcome: str) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    if outcome:
        await settle(bank, reference, "paid")
    if outcome == "returned":
        await settle(bank, reference, "returned", reason="Account closed")
    with pytest.raises(asyncpg.RaiseError):
        async with bank.db.writing(bank.id) as connection:
            await connection.execute("update payable set pence = pence - 1 where reference = $1", reference)


async def test_whoever_takes_a_file_is_written_down_and_the_page_warns_of_a_second_upload(
    client: Open, bank: Bank
) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    number = (await run(bank)).number
    browser = client()
    await browser.sign_in(bank.db, bank.finance)
    page = f"/payments/batches/{number}"
    assert "Who took its files" not in (await browser.get(page)).text
    assert (await browser.get(f"{page}/file")).status_code == 200
    assert (await browser.get(f"{page}/file?format_code=bacs18")).status_code == 404  # not made, not taken
    assert (await browser.get(f"{page}/audit-pack")).status_code == 200
    sent = await headers(bank, bank.finance_two)
    assert (await client().get(f"/api/v1/payment-batches/{number}/file", headers=sent)).status_code == 200
    async with bank.db.reading(bank.id) as connection:
        found = await taken.of_batch(connection, bank.id, number)
    assert [(one.what, one.who) for one in found] == [
        ("payments-csv", "Demo finance two"),
        ("audit-pack", "Demo finance"),
        ("payments-csv", "Demo finance"),
    ]
    shown = (await browser.get(page)).text
    assert "Load it into your bank once only" in shown
    assert shown.count("Payments CSV") >= 2


async def test_what_a_bank_is_sent_in_other_letters_is_shown_before_it_leaves(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Café Zoë")
    await confirmed(bank, None, OURS)
    await confirmed(bank, payee, Typed(holder="Café Zoë & Łukasz", sort_code="08-99-99", number="66374958"))
    await approved(bank, payee)
    browser = client()
    await browser.sign_in(bank.db, bank.finance)
    page = (await browser.get("/payments/export?format_code=bacs18")).text
    assert "Café Zoë &amp; Łukasz" in page
    assert "CAFE ZOE &amp; LUKASZ" in page
    assert "66374958" not in page
    assert "letters that banks can carry" not in (await browser.get("/payments/export?format_code=xlsx")).text


async def test_nobody_approves_what_goes_to_their_own_account_under_another_name(bank: Bank) -> None:
    mine = await add_payee(bank.db, bank.finance, "Demo finance", member_id=bank.finance.member_id)
    other = await add_payee(bank.db, bank.finance_two, "A supplier")
    await confirmed(bank, other)
    reference = await owe(bank.db, bank.coordinator, other)
    account_id = await proposed(bank.db, bank.finance_two, mine)  # the same number as the supplier's
    checked = DecideAccount(account_id=account_id, confirm=True)
    admin = await bank.member("Second pair of eyes", "finance")
    third = Actor(timebank_id=bank.id, member_id=admin, roles=frozenset({"finance"}))
    assert isinstance(await decide(bank.db, third, checked, **call()), Decided)
    refused = await service.approve(bank.db, bank.finance, Approve(reference=reference), **call())
    assert codes(refused) == ["pays_yourself"]
    seen = Seen(reference=reference, digest=rules.digest(await facts(bank.db, bank.id, reference)).hex())
    many = await approve_many(bank.db, bank.finance, ApproveMany(items=(seen,)), **call())
    assert codes(many) == ["pays_yourself"]
    await done(service.approve(bank.db, bank.finance_two, Approve(reference=reference), **call()))
