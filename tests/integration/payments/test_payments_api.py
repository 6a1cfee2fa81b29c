"""Payments as a program gets them."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.payments.helpers import add_payee, approved, new_key, owe, run
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

Open = Callable[[], Browser]
SCOPES = ("payables:read", "payments:write")


async def headers(
    bank: Bank, actor: Actor | None = None, scopes: tuple[str, ...] = SCOPES, **more: str
) -> dict[str, str]:
    who = actor or bank.finance
    assert who.member_id is not None
    token = await create_token(
        bank.db, who, who.member_id, "Accounts", scopes, now=bank.now, valid_for=timedelta(days=1)
    )
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": new_key(), **more}


async def test_payables_by_state_and_page_by_page(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    waiting = [await owe(bank.db, bank.coordinator, payee, pence=100 + n) for n in range(3)]
    ready = await approved(bank, payee, kind="training", pence=9900)
    browser, sent = client(), await headers(bank)
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await browser.get(f"/api/v1/payables?state=submitted&limit=2{cursor}", headers=sent)
        assert answer.status_code == 200
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.json()['next_cursor']}"
    assert [one["reference"] for one in found] == waiting
    assert [one["pence"] for one in found] == [100, 101, 102]
    every = (await browser.get("/api/v1/payables", headers=sent)).json()
    assert every["next_cursor"] is None
    last = every["items"][-1]
    assert last["reference"] == ready
    assert (last["state"], last["kind"], last["invoice_number"], last["currency"], last["earned_on"]) == (
        "approved",
        "training",
        "INV-1",
        "GBP",
        "2026-03-10",
    )
    assert last["payee"]["id"] == payee


async def test_a_batch_by_api_and_its_file(client: Open, bank: Bank) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    browser, sent = client(), await headers(bank)
    answers = [
        await browser.post("/api/v1/payment-batches", json={"expected_count": 1, "expected_pence": 1250}, headers=sent)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    batch = answers[0].json()
    assert answers[0].headers["location"] == "/api/v1/payment-batches/1"
    assert (batch["number"], batch["line_count"], batch["total_pence"]) == (1, 1, 1250)
    assert [one["reference"] for one in batch["payables"]] == [reference]
    assert (await browser.get("/api/v1/payment-batches/1", headers=sent)).json() == batch
    file = await browser.get("/api/v1/payment-batches/1/file", headers=sent)
    [made] = batch["files"]
    assert hashlib.sha256(file.content).hexdigest() == made["sha256"]
    digest = base64.b64encode(bytes.fromhex(made["sha256"])).decode()
    assert file.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert file.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "nothing_ready"),
        ({"format": "tape"}, 422, "unknown_format"),
        ({"everything": True}, 400, None),
        ({"expected_count": "many"}, 400, None),
    ],
)
async def test_a_batch_that_cannot_be_made(
    client: Open, bank: Bank, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await client().post("/api/v1/payment-batches", json=body, headers=await headers(bank))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if code:
        assert answer.json()["code"] == code


@pytest.mark.parametrize(
    ("query", "code"), [("state=lost", "unknown_state"), ("limit=0", "bad_page_size"), ("cursor=!", "bad_cursor")]
)
async def test_a_question_that_cannot_be_answered(client: Open, bank: Bank, query: str, code: str) -> None:
    answer = await client().get(f"/api/v1/payables?{query}", headers=await headers(bank))
    assert answer.status_code == 422
    assert answer.json()["code"] == code


async def test_an_idempotency_key_is_needed_and_belongs_to_one_request(client: Open, bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    browser, sent = client(), await headers(bank)
    without = {name: value for name, value in sent.items() if name != "Idempotency-Key"}
    answer = await browser.post("/api/v1/payment-batches", json={}, headers=without)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert (await browser.post("/api/v1/payment-batches", json={}, headers=sent)).status_code == 201
    answer = await browser.post("/api/v1/payment-batches", json={"expected_count": 1}, headers=sent)
    assert answer.status_code == 409


async def test_scopes_and_roles(client: Open, bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    browser = client()
    reading, writing = ("payables:read",), ("payments:write",)
    assert (await browser.get("/api/v1/payables")).status_code == 401
    for actor, scopes, expected in (
        (bank.finance, writing, 403),
        (bank.finance, reading, 200),
        (bank.coordinator, reading, 403),
        (bank.participant, reading, 403),
    ):
        answer = await browser.get("/api/v1/payables", headers=await headers(bank, actor, scopes))
        assert answer.status_code == expected, (actor, scopes)
    for actor, scopes, expected in (
        (bank.finance, reading, 403),
        (bank.coordinator, writing, 422),
        (bank.finance, writing, 201),
    ):
        answer = await browser.post("/api/v1/payment-batches", json={}, headers=await headers(bank, actor, scopes))
        assert answer.status_code == expected, (actor, scopes)


async def test_another_time_banks_batch_is_not_found(client: Open, bank: Bank, other_bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    browser, sent = client(), await headers(other_bank)
    assert (await browser.get("/api/v1/payment-batches/1", headers=sent)).status_code == 404
    assert (await browser.get("/api/v1/payment-batches/1/file", headers=sent)).status_code == 404
    assert (await browser.get("/api/v1/payables", headers=sent)).json()["items"] == []
    assert (await browser.get("/api/v1/payment-batches/99999999999", headers=sent)).status_code == 404
