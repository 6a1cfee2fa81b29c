"""Payees through the JSON API: the same use cases, and never a whole number."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from tests.integration.payees.accounts_made import OURS, confirmed, in_use, proposed
from tests.integration.payments.helpers import add_payee, new_key
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

Open = Callable[[], Browser]
SCOPES = ("payables:read", "payments:write")
ACCOUNT = {"holder": "Corner Cafe Ltd", "sort_code": "08-99-99", "number": "66374958"}


class Program:
    """A program that acts for one member."""

    def __init__(self, browser: Browser, token: str) -> None:
        self._browser, self._token = browser, token

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": new_key()}
        answer = await self._browser.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert "66374958" not in answer.text, "a whole number left"
        return answer


async def program(client: Open, bank: Bank, actor: Actor) -> Program:
    assert actor.member_id is not None
    day = timedelta(days=1)
    token = await create_token(bank.db, actor, actor.member_id, "Accounts", SCOPES, now=bank.now, valid_for=day)
    return Program(client(), token)


async def test_a_payee_is_added_changed_given_an_account_and_closed(client: Open, bank: Bank) -> None:
    first, second = await program(client, bank, bank.finance), await program(client, bank, bank.finance_two)
    made = await first.ask("POST", "/payees", {"name": "Corner Café", "kind": "charity"})
    assert made.status_code == 201
    path = made.headers["location"].removeprefix("/api/v1")
    wrong = await first.ask("POST", f"{path}/accounts", ACCOUNT | {"number": "66374959"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "account_wrong")
    account = await first.ask("POST", f"{path}/accounts", ACCOUNT)
    assert account.status_code == 201
    assert (account.json()["last_four"], account.json()["checked"]) == ("4958", "passed")
    decision = f"/payees/accounts/{account.json()['account_id']}/decision"
    own = await first.ask("POST", decision, {"confirm": True})
    assert (own.status_code, own.json()["code"]) == (422, "own_proposal")
    decided = await second.ask("POST", decision, {"confirm": True})
    assert (decided.status_code, decided.json()["state"]) == (200, "in_use")
    details = {"name": "Corner Café", "kind": "charity", "town": "Bristol", "email": "till@cafe.example"}
    changed = await first.ask("PUT", path, details)
    assert (changed.status_code, changed.json()["town"]) == (200, "Bristol")
    assert (await first.ask("PUT", f"{path}/open", {"is_open": False})).json()["is_open"] is False
    shown = (await second.ask("GET", path)).json()
    assert [(one["state"], one["last_four"]) for one in shown["accounts"]] == [("in_use", "4958")]
    assert "sealed" not in shown["accounts"][0]
    listed = (await first.ask("GET", "/payees?show=closed&q=corner")).json()["payees"]
    assert [(one["name"], one["account_last_four"]) for one in listed] == [("Corner Café", "4958")]
    assert (await first.ask("GET", "/payees?show=lost")).json()["code"] == "unknown_view"


async def test_our_own_account_and_how_we_pay(client: Open, bank: Bank) -> None:
    finance = await program(client, bank, bank.finance)
    made = await finance.ask("POST", "/payees/ours/accounts", ACCOUNT)
    path = f"/payees/accounts/{made.json()['account_id']}/withdraw"
    assert (await finance.ask("POST", path, {})).json()["state"] == "withdrawn"
    await confirmed(bank, None, OURS)
    ours = (await finance.ask("GET", "/payees/ours")).json()
    assert [one["state"] for one in ours["accounts"]] == ["in_use", "withdrawn"]
    settings = {"format": "payments-csv", "days_ahead": 2, "tax_year_month": 4, "tax_year_day": 6}
    assert (await finance.ask("PUT", "/payment-settings", settings)).status_code == 200
    assert (await finance.ask("GET", "/payment-settings")).json()["days_ahead"] == 2
    wrong = await finance.ask("PUT", "/payment-settings", settings | {"days_ahead": 40})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "days_ahead_wrong")


async def test_a_member_says_where_they_are_paid_and_reads_only_that(client: Open, bank: Bank) -> None:
    member = await program(client, bank, bank.participant)
    assert (await member.ask("GET", "/my/accounts")).json() == {"accounts": [], "looks": []}
    assert (await member.ask("POST", "/my/accounts", ACCOUNT)).status_code == 201
    assert [one["state"] for one in (await member.ask("GET", "/my/accounts")).json()["accounts"]] == ["proposed"]
    payee = await add_payee(bank.db, bank.finance)
    for path in ("/payees", f"/payees/{payee}", "/payees/ours", "/payment-settings"):
        assert (await member.ask("GET", path)).status_code == 403, path
    assert (await member.ask("POST", f"/payees/{payee}/accounts", ACCOUNT)).json()["code"] == "not_finance"


async def test_another_time_banks_payees_are_not_found(client: Open, bank: Bank, other_bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    account = await proposed(bank.db, bank.finance, payee)
    stranger = await program(client, other_bank, other_bank.finance)
    for method, path, body in (
        ("GET", f"/payees/{payee}", None),
        ("PUT", f"/payees/{payee}", {"name": "x"}),
        ("PUT", f"/payees/{payee}/open", {"is_open": False}),
        ("POST", f"/payees/{payee}/accounts", ACCOUNT),
        ("POST", f"/payees/accounts/{account}/decision", {"confirm": True}),
        ("POST", f"/payees/accounts/{account}/withdraw", {}),
    ):
        assert (await stranger.ask(method, path, body)).status_code == 404, path
    assert await in_use(bank, payee) is None
