"""Details of payees, how the time bank pays, letters to payees, and what goes when a member leaves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.messages.mailroom import mail_server
from tests.integration.payees.accounts_made import COLLEGE, call, confirmed, in_use, proposed, states
from tests.integration.payments.helpers import add_payee, approved, codes, facts, run, settle
from tests.people import NOW, Bank, Browser
from timebank.kit.trouble import Trouble
from timebank.members.traces import TRACES
from timebank.payees import queries
from timebank.payees.details import ChangedPayee, ChangePayee, OpenPayee, change_payee, open_payee
from timebank.payees.forgetting import forget_accounts
from timebank.payees.reading import Typed
from timebank.payees.telling import Letters
from timebank.payments import service as payments
from timebank.payments.rules import is_approval_good
from timebank.payments.settings import PaymentSettings, change_settings, changes, payment_settings
from timebank.settings import Settings


def details(payee_id: int, **fields: Any) -> ChangePayee:
    return ChangePayee(**{"payee_id": payee_id, "name": f"Café {payee_id}", "supplier_reference": "SUP-1", **fields})


async def notices(bank: Bank) -> list[tuple[str, str]]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select address, subject from payee_notice where timebank_id = $1 order by id", bank.id
        )
    return [(row["address"], row["subject"]) for row in rows]


async def test_every_change_is_kept_with_who_made_it(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    command = details(payee, email="till@cafe.example", town="  Bristol ", country="ie", pay_by="cash", kind="charity")
    done = await change_payee(bank.db, bank.finance, command, **call())
    assert isinstance(done, ChangedPayee)
    assert done.fields == ("name", "email", "town", "country", "pay_by", "kind")
    async with bank.db.reading(bank.id) as connection:
        found = await queries.payee(connection, bank.id, payee)
        kept = await queries.changes(connection, bank.id, payee)
    assert found is not None
    assert (found.town, found.country, found.pay_by, found.kind) == ("Bristol", "IE", "cash", "charity")
    assert {(one.field, one.after, one.who) for one in kept} >= {("town", "Bristol", "Demo finance")}
    again = await change_payee(bank.db, bank.finance, command, **call())
    assert again == ChangedPayee(payee_id=payee, fields=())


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": " "}, "payee_name_missing", "name"),
        ({"name": "x" * 141}, "payee_name_too_long", "name"),
        ({"supplier_reference": "x" * 36}, "supplier_reference_too_long", "supplier_reference"),
        ({"email": "not an address"}, "email_unreadable", "email"),
        ({"town": "x" * 36}, "town_too_long", "town"),
        ({"country": "UKK"}, "country_unknown", "country"),
        ({"pay_by": "cheque"}, "pay_by_unknown", "pay_by"),
        ({"kind": "member"}, "payee_kind_unknown", "kind"),
    ],
)
async def test_details_that_cannot_be(bank: Bank, fields: dict[str, str], code: str, field: str) -> None:
    payee = await add_payee(bank.db, bank.finance)
    refused = await change_payee(bank.db, bank.finance, details(payee, **fields), **call())
    assert isinstance(refused, list)
    assert [(one.code, one.field) for one in refused] == [(code, field)]


async def test_names_stay_different_and_only_finance_changes_details(bank: Bank) -> None:
    first, second = await add_payee(bank.db, bank.finance), await add_payee(bank.db, bank.finance)
    await change_payee(bank.db, bank.finance, details(first, name="Same"), **call())
    taken = await change_payee(bank.db, bank.finance, details(second, name="Same"), **call())
    assert codes(taken) == ["payee_exists"]
    assert codes(await change_payee(bank.db, bank.coordinator, details(first), **call())) == ["not_finance"]
    assert codes(await open_payee(bank.db, bank.coordinator, OpenPayee(payee_id=first, is_open=False), **call())) == [
        "not_finance"
    ]


async def test_a_member_keeps_their_name(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Demo participant", member_id=bank.participant.member_id)
    command = details(payee, name="Somebody Else", email="thief@example.org", pay_by="cash")
    done = await change_payee(bank.db, bank.finance, command, **call())
    assert isinstance(done, ChangedPayee)
    assert set(done.fields) == {"pay_by", "supplier_reference"}


async def test_paying_in_cash_voids_approvals(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    await change_payee(bank.db, bank.finance, details(payee, pay_by="cash"), **call())
    assert not is_approval_good(await facts(bank.db, bank.id, reference))


async def test_the_payee_is_written_to_at_the_address_before_the_change(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await change_payee(bank.db, bank.finance, details(payee, email="real@cafe.example"), **call())
    await confirmed(bank, payee)  # the first account: told when it is in use
    assert await notices(bank) == [("real@cafe.example", "Your bank account for payments")]
    await change_payee(bank.db, bank.finance, details(payee, email="thief@cafe.example"), **call())
    await proposed(bank.db, bank.finance_two, payee, COLLEGE)
    told = await notices(bank)
    assert ("real@cafe.example", "Your e-mail address") in told
    assert ("real@cafe.example", "A new bank account for your payments") in told
    assert ("thief@cafe.example", "A new bank account for your payments") in told


async def test_settings_are_kept_with_their_history(bank: Bank) -> None:
    wanted = PaymentSettings(service_user_number="123456", days_ahead=3, tax_year_month=1, tax_year_day=1)
    done = await change_settings(bank.db, bank.finance, wanted, **call())
    assert not isinstance(done, list)
    assert done.fields == ("service_user_number", "days_ahead", "tax_year_month", "tax_year_day")
    async with bank.db.reading(bank.id) as connection:
        assert await payment_settings(connection, bank.id) == wanted
        kept = await changes(connection, bank.id)
    assert ("days_ahead", "1", "3", "Demo finance") in {(one.field, one.before, one.after, one.who) for one in kept}
    assert codes(await change_settings(bank.db, bank.coordinator, wanted, **call())) == ["not_finance"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"format": "telex"}, "format_unknown"),
        ({"service_user_number": "12345"}, "service_user_number_wrong"),
        ({"service_user_number": "٣٣٣٣٣٣"}, "service_user_number_wrong"),
        ({"days_ahead": 32}, "days_ahead_wrong"),
        ({"days_ahead": -1}, "days_ahead_wrong"),
        ({"tax_year_month": 13}, "tax_year_wrong"),
        ({"tax_year_day": 29}, "tax_year_wrong"),
    ],
)
async def test_settings_that_cannot_be(bank: Bank, fields: dict[str, Any], code: str) -> None:
    assert codes(await change_settings(bank.db, bank.finance, PaymentSettings(**fields), **call())) == [code]


async def test_accounts_of_who_left_go_when_nothing_is_on_its_way(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Demo participant", member_id=bank.participant.member_id)
    mine = Typed(holder="Demo Participant", sort_code="08-99-99", number="66374958")
    await confirmed(bank, payee, mine)
    reference = await approved(bank, payee)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set status = 'left' where timebank_id = $1 and id = $2", bank.id, bank.participant.member_id
        )
    await forget_accounts(bank.db, bank.id, NOW)
    assert await in_use(bank, payee) is not None, "something is owed there still"
    await run(bank)
    await settle(bank, reference, "paid")
    await forget_accounts(bank.db, bank.id, NOW + timedelta(days=1))
    assert await in_use(bank, payee) is None
    assert await states(bank, payee) == ["replaced"]
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow(
            "select sealed, last_four, mark from bank_account where timebank_id = $1 and payee_id = $2", bank.id, payee
        )
    assert (row["sealed"], row["last_four"], row["mark"]) == (b"\0", "0000", bytes(32))


async def test_what_is_written_to_a_payee_goes_out_once(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await change_payee(bank.db, bank.finance, details(payee, name="Corner Café", email="till@cafe.example"), **call())
    await confirmed(bank, payee)
    with pytest.raises(Trouble):
        await Letters(Settings()).send_due(bank.db, bank.id, NOW)
    with mail_server() as room:
        letters = Letters(room.settings)
        for _ in range(2):
            await letters.send_due(bank.db, bank.id, NOW)
        (mail,) = room.to("till@cafe.example")
    text = mail.get_content()
    assert mail["Subject"] == "Your bank account for payments"
    assert "ends in 4958" in text
    assert "tell us at once: Call 01632 960 001" in text
    assert "66374958" not in text


async def test_a_letter_that_is_refused_for_good_is_not_sent_for_ever(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await change_payee(bank.db, bank.finance, details(payee, email="gone@cafe.example"), **call())
    await confirmed(bank, payee)
    with mail_server() as room:
        room.to_recipient["gone@cafe.example"] = "550 no such mailbox"
        for _ in range(2):
            await Letters(room.settings).send_due(bank.db, bank.id, NOW)
        assert room.received == []
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow("select state, attempts from payee_notice where timebank_id = $1", bank.id)
    assert (row["state"], row["attempts"]) == ("failed", 1)


async def test_leaving_erases_an_account_at_once_where_nothing_is_owed(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Demo participant", member_id=bank.participant.member_id)
    await confirmed(bank, payee)
    await proposed(bank.db, bank.finance, payee, COLLEGE)
    (trace,) = (one for one in TRACES if one.table == "bank_account")
    async with bank.db.writing(bank.id) as connection:
        held = await connection.fetch(trace.select, bank.id, bank.participant.member_id)
        assert [row["ends_in"] for row in held] == ["4958", "7491"]
        for statement in trace.erase:
            await connection.execute(statement, bank.id, bank.participant.member_id)
        row = await connection.fetchrow(
            "select count(*) as n from bank_account where timebank_id = $1 and sealed <> '\\x00'", bank.id
        )
    assert row["n"] == 0
    assert await states(bank, payee) == ["withdrawn", "replaced"]


async def test_a_closed_payee_is_still_paid_and_stays_in_every_queue(bank: Bank, client: Callable[[], Browser]) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee, pence=1250)
    browser = client()
    await browser.sign_in(bank.db, bank.finance)
    assert "We still owe them £12.50." in (await browser.get(f"/payees/{payee}")).text
    refused = await browser.submit(f"/payees/{payee}/open", {"is_open": "no"})
    assert refused.status_code == 422
    assert "We still owe them £12.50 in 1 payment. Pay it first, or tick" in refused.text
    done = await browser.submit(f"/payees/{payee}/open", {"is_open": "no", "knows_owed": "yes"})
    assert done.status_code == 303
    async with bank.db.reading(bank.id) as connection:
        missing = await queries.listed(connection, bank.id, view="missing", search="", member_id=None)
        closed = await queries.listed(connection, bank.id, view="closed", search="", member_id=None)
        assert (await queries.counts(connection, bank.id)).missing == len(missing)
    assert [(one.id, one.owed_pence) for one in missing if not one.is_open] == [(payee, 1250)]
    assert [one.id for one in closed] == [payee]
    assert "Still owed £12.50" in (await browser.get("/payees?show=missing")).text
    await confirmed(bank, payee)  # where they are paid can still be said
    await payments.submit(
        bank.db, bank.finance_two, payments.Submit(reference=reference, reason="New account"), **call()
    )
    await payments.approve(bank.db, bank.finance, payments.Approve(reference=reference), **call())
    await run(bank)
    await settle(bank, reference, "paid")
    assert (await facts(bank.db, bank.id, reference)).state == "paid"
    async with bank.db.reading(bank.id) as connection:
        missing = await queries.listed(connection, bank.id, view="missing", search="", member_id=None)
    assert payee not in [one.id for one in missing]
