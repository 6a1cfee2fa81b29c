"""Pages of payees as browsers get them."""

import re
from collections.abc import Callable

import pytest

from tests.integration.payees.accounts_made import ABROAD, COLLEGE, OURS, call, confirmed, in_use, proposed, states
from tests.integration.payments.helpers import add_payee, approved
from tests.people import Bank, Browser
from timebank.kit import vault
from timebank.kit.actor import Actor
from timebank.payees.details import ChangePayee, change_payee

Open = Callable[[], Browser]
WHOLE = ("66374958", "6637 4958", "089999", "08-99-99", "88837491", "8883 7491")
TYPED = {"holder": "Corner Cafe Ltd", "sort_code": "08-99-99", "number": "6637 4958"}


async def signed_in(client: Open, bank: Bank, who: str | Actor = "finance") -> Browser:
    browser = client()
    await browser.sign_in(bank.db, getattr(bank, who) if isinstance(who, str) else who)
    return browser


async def test_added_proposed_confirmed_and_looked_at(client: Open, bank: Bank) -> None:
    first, second = await signed_in(client, bank), await signed_in(client, bank, "finance_two")
    answer = await first.submit("/payees/new", {"name": "O’Neill & <Sons>", "kind": "supplier"})
    assert answer.status_code == 303
    account = answer.headers["location"]
    assert (await first.get(account)).status_code == 200
    answer = await first.submit(account, TYPED)
    assert answer.status_code == 303
    path = answer.headers["location"]
    page = (await first.get(path)).text
    assert "You typed this account. Someone else in finance confirms it." in page
    assert "Confirm this account" not in page
    assert "O’Neill &amp; &lt;Sons&gt;" in page
    page = (await second.get(path)).text
    [decide] = set(re.findall(r"/payees/accounts/\d+/decide", page))
    assert "The number fits the sort code" in page
    answer = await second.submit(decide, {"confirm": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = (await second.get(path)).text
    assert "4958" in page
    [look] = set(re.findall(r"/payees/accounts/\d+/look", page))
    refused = await second.submit(look, {"look_why": ""})
    assert refused.status_code == 422
    assert 'href="#look_why"' in refused.text
    answer = await second.submit(look, {"look_why": "Rang to <check>"})
    number = await second.get(answer.headers["location"])
    assert "08-99-99" in number.text
    assert "6637 4958" in number.text
    assert number.headers["cache-control"] == "no-store"
    assert (await first.get(answer.headers["location"])).status_code == 404, "somebody else’s look"
    page = (await first.get(path)).text
    assert "Rang to &lt;check&gt;" in page
    assert not any(whole in page for whole in WHOLE)


async def test_a_mistake_keeps_what_was_typed_and_links_to_it(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    browser = await signed_in(client, bank)
    wrong = TYPED | {"number": "66374959"}
    answer = await browser.submit(f"/payees/{payee}/account", wrong)
    assert answer.status_code == 422
    assert "does not fit the sort code" in answer.text
    assert 'href="#number"' in answer.text
    assert 'value="66374959"' in answer.text
    answer = await browser.submit(f"/payees/{payee}/account", {"holder": "A", "iban": "DE00"})
    assert 'href="#iban"' in answer.text
    assert '<details class="govuk-details" open>' in answer.text
    assert await states(bank, payee) == []


async def test_whoever_confirms_is_warned(client: Open, bank: Bank) -> None:
    twin, payee = await add_payee(bank.db, bank.finance, "Twin"), await add_payee(bank.db, bank.finance)
    await confirmed(bank, twin, COLLEGE)
    await confirmed(bank, payee)
    details = ChangePayee(payee_id=payee, name="The Corner Café", email="new@cafe.example")
    await change_payee(bank.db, bank.finance, details, **call())
    await approved(bank, payee, pence=4250, due_on=bank.now.date())
    await proposed(bank.db, bank.finance_two, payee, COLLEGE)
    browser = await signed_in(client, bank)
    page = (await browser.get(f"/payees/{payee}")).text
    assert "Somebody else has this account:" in page
    assert f'href="/payees/{twin}"' in page
    assert "A payment falls due on Tuesday 10 March 2026." in page
    assert "Their e-mail address was changed too," in page
    assert "1 approved payment goes back for approval: £42.50" in page
    [decide] = set(re.findall(r"/payees/accounts/\d+/decide", page))
    answer = await browser.submit(decide, {"confirm": "yes"})
    page = (await browser.get(answer.headers["location"])).text
    assert "Confirmed. 1 approved payment goes back for approval." in page
    assert "This account is new." in page
    assert "Changed after approval" in (await browser.get("/payments")).text


async def test_our_own_account_is_not_a_payees(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await confirmed(bank, None, OURS)
    await proposed(bank.db, bank.finance_two, payee, OURS)
    page = (await (await signed_in(client, bank)).get(f"/payees/{payee}")).text
    assert "This is our own account." in page


async def test_the_list_says_what_is_missing_and_finds_names(client: Open, bank: Bank) -> None:
    bare, waiting = await add_payee(bank.db, bank.finance, "Bare 100%"), await add_payee(bank.db, bank.finance, "Waits")
    await proposed(bank.db, bank.finance, waiting, ABROAD)
    browser = await signed_in(client, bank)
    page = (await browser.get("/payees")).text
    assert "No bank details (2)" in page
    assert "You typed it, someone else confirms it" in page
    assert "We have no account of our own to pay from." in page
    assert "Bare" not in (await browser.get("/payees?show=waiting")).text
    assert "Waits" not in (await browser.get("/payees?q=Bare+100%25")).text
    assert "Bare" in (await browser.get("/payees?q=bare+100%25")).text
    assert "Nobody found" in (await browser.get("/payees?q=_____________________")).text
    await browser.submit(f"/payees/{bare}/open", {"is_open": "no"})
    assert "Bare" in (await browser.get("/payees?show=closed")).text
    assert "Bare" not in (await browser.get("/payees")).text
    assert (await browser.get("/payees?show=lost")).status_code == 404


async def test_our_own_account_is_typed_by_one_and_confirmed_by_an_administrator(client: Open, bank: Bank) -> None:
    admin = Actor(timebank_id=bank.id, member_id=await bank.member("Ada", "admin"), roles=frozenset({"admin"}))
    first, second = await signed_in(client, bank), await signed_in(client, bank, admin)
    assert "No account is in use." in (await second.get("/payments/settings")).text
    answer = await first.submit("/payees/ours/account", TYPED)
    assert answer.headers["location"] == "/payees/ours"
    page = (await second.get("/payees/ours")).text
    [decide] = set(re.findall(r"/payees/accounts/\d+/decide", page))
    answer = await second.submit(decide, {"confirm": "yes"})
    assert answer.headers["location"] == "/payees/ours"
    assert "4958" in (await second.get("/payments/settings")).text
    assert await in_use(bank, None) is not None


async def test_settings_keep_what_was_typed_and_show_their_history(client: Open, bank: Bank) -> None:
    browser = await signed_in(client, bank)
    form = {
        "format": "payments-csv",
        "days_ahead": "two",
        "service_user_number": "12 34 56",
        "tax_year_day": "6",
        "tax_year_month": "4",
    }
    answer = await browser.submit("/payments/settings", form)
    assert answer.status_code == 422
    assert 'href="#days_ahead"' in answer.text
    assert 'value="two"' in answer.text
    answer = await browser.submit("/payments/settings", form | {"days_ahead": "2"})
    assert answer.status_code == 303
    page = (await browser.get("/payments/settings")).text
    assert 'value="123456"' in page
    assert "Working days ahead" in page


async def test_a_member_types_their_account_and_sees_what_becomes_of_it(client: Open, bank: Bank) -> None:
    member, finance = await signed_in(client, bank, "participant"), await signed_in(client, bank)
    assert "We do not know your account yet." in (await member.get("/me/paid")).text
    wrong = await member.submit("/me/paid", TYPED | {"sort_code": "1"})
    assert wrong.status_code == 422
    assert 'href="#sort_code"' in wrong.text
    answer = await member.submit("/me/paid", TYPED)
    assert answer.headers["location"] == "/me/paid"
    page = (await member.get("/me/paid")).text
    assert "We are checking the account that ends in 4958." in page
    [payee] = re.findall(r'href="(/payees/\d+)"', (await finance.get("/payees?show=waiting")).text)
    [decide] = set(re.findall(r"/payees/accounts/\d+/decide", (await finance.get(payee)).text))
    await finance.submit(decide, {"confirm": "no", "why": "It is not in your name."})
    page = (await member.get("/me/paid")).text
    assert "It is not in your name." in page
    await member.submit("/me/paid", TYPED | {"holder": "Demo Participant"})
    [decide] = set(re.findall(r"/payees/accounts/\d+/decide", (await finance.get(payee)).text))
    await finance.submit(decide, {"confirm": "yes"})
    look = decide.replace("decide", "look")
    await finance.submit(look, {"look_why": "Bank asked"})
    page = (await member.get("/me/paid")).text
    assert "We pay into the account that ends in 4958." in page
    assert "Bank asked" in page
    page = page.replace("like 08-99-99", "")  # the example beside the box
    assert not any(whole in page for whole in WHOLE)


async def test_a_member_takes_theirs_back_and_nobody_elses(client: Open, bank: Bank) -> None:
    member = await signed_in(client, bank, "participant")
    await member.submit("/me/paid", TYPED)
    [path] = re.findall(r"/me/paid/\d+/withdraw", (await member.get("/me/paid")).text)
    other = await signed_in(client, bank, "coordinator")
    await other.submit(path)
    assert "We are checking" in (await member.get("/me/paid")).text
    await member.submit(path)
    assert "We are checking" not in (await member.get("/me/paid")).text


async def test_without_the_key_pages_say_so_and_still_show_what_they_can(
    client: Open, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await confirmed(bank, payee)
    browser = await signed_in(client, bank)
    monkeypatch.setattr(vault, "_in_use", [vault.Vault([vault.new_key()])])
    page = await browser.get(f"/payees/{payee}")
    assert page.status_code == 200
    assert "the data key is missing" in page.text
    assert "4958" in page.text


async def test_another_time_bank_finds_nothing(client: Open, bank: Bank, other_bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    account = await proposed(bank.db, bank.finance, payee)
    browser = await signed_in(client, other_bank)
    for path in (f"/payees/{payee}", f"/payees/{payee}/change", f"/payees/{payee}/account", "/payees/9" + "9" * 30):
        assert (await browser.get(path)).status_code == 404, path
    for path, fields in (
        (f"/payees/{payee}/account", TYPED),
        (f"/payees/{payee}/open", {}),
        (f"/payees/{payee}/change", {"name": "x", "country": "GB", "pay_by": "bank", "kind": "supplier"}),
        (f"/payees/accounts/{account}/decide", {"confirm": "yes"}),
        (f"/payees/accounts/{account}/withdraw", {}),
        (f"/payees/accounts/{account}/look", {"look_why": "x"}),
    ):
        assert (await browser.submit(path, fields)).status_code == 404, path
    assert await states(bank, payee) == ["proposed"]
