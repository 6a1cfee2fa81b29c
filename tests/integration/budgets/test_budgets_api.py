"""Programs of finance set budgets up and enter invoices by the same rules as the pages."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.integration.payments.helpers import add_payee, owe
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

PDF = b"%PDF-1.4\n% a paper\n%%EOF\n"
DATES = {"starts_on": "2026-01-01", "ends_on": "2026-12-31"}
SCOPES = ("payables:read", "payments:write")


async def headers(bank: Bank, who: Actor) -> dict[str, str]:
    token = await create_token(
        bank.db, who, who.member_id or 0, "Accounts", SCOPES, now=bank.now, valid_for=timedelta(days=1)
    )
    return {"Authorization": f"Bearer {token}"}


async def test_from_a_grant_to_a_matched_invoice(client: Callable[[], Browser], bank: Bank) -> None:
    browser, sent = client(), await headers(bank, bank.finance)

    async def post(path: str, status: int, **body: Any) -> Any:
        answer = await browser.post(f"/api/v1/{path}", json=body, headers={**sent, "Idempotency-Key": uuid4().hex})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(path: str) -> Any:
        answer = await browser.get(f"/api/v1/{path}", headers=sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    fund = (await post("funds", 200, name="Grant", funder="A funder", pence=10_000, **DATES))["id"]
    code = (await post("finance-codes", 200, kind="nominal_code", code="5010", name="Meals"))["id"]
    fields = {"name": "Lunches", "fund_id": fund, "nominal_code_id": code, **DATES}
    problem = await post("budgets", 422, pence=10_001, **fields)
    assert problem["code"] == "more_than_grant"
    await post("budgets", 422, pence=1, **{**fields, "fund_id": 2**70})
    budget = (await post("budgets", 200, pence=10_000, **fields))["id"]
    await post("purchase-orders", 200, number="PO-1", budget_id=budget, pence=3000)

    payee = await add_payee(bank.db, bank.coordinator)
    owed = await owe(bank.db, bank.coordinator, payee, kind="training", pence=1200)
    coded = await post(f"payables/{owed}/coding", 200, budget_id=budget, order_number="PO-1", tax_pence=200)
    assert coded == {"reference": owed, "state": "draft"}
    assert (await get("purchase-orders"))["items"][0]["left_pence"] == 1800
    found = await get(f"budgets/{budget}")
    assert [found[name] for name in ("spent_pence", "ordered_pence", "left_pence")] == [1200, 1800, 7000]

    invoice = {"payee_id": payee, "number": "INV 1", "invoiced_on": "2026-03-01", "due_on": "2026-03-31"}
    amounts = {"net_pence": 1000, "tax_pence": 200, "gross_pence": 1200, "references": [owed]}
    entered = await post("supplier-invoices", 201, **invoice, **amounts)
    assert (entered["invoice"]["state"], entered["open_pence"]) == ("settled", 0)
    assert (await post("supplier-invoices", 422, **invoice, **amounts))["code"]
    where = f"supplier-invoices/{entered['invoice']['id']}"
    content = base64.b64encode(PDF).decode()
    [paper] = (await post(f"{where}/papers", 200, file_name="a.pdf", content=content))["papers"]
    assert paper["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (await browser.get(f"/api/v1/{where}/papers/{paper['id']}", headers=sent)).content == PDF
    assert len((await get("supplier-invoices"))["items"]) == 1
    assert (await post(f"{where}/withdraw", 200, reason="Wrong"))["invoice"]["state"] == "withdrawn"


async def test_who_is_not_finance_reads_nothing(client: Callable[[], Browser], bank: Bank) -> None:
    browser, sent = client(), await headers(bank, bank.participant)
    for path in ("budgets", "funds", "finance-codes", "purchase-orders", "supplier-invoices", "budgets/1"):
        assert (await browser.get(f"/api/v1/{path}", headers=sent)).status_code == 403, path
