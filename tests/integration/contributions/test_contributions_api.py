"""Registers as a program saves and reads them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

import ledger
from tests.people import Bank, Browser
from timebank.contributions import service
from timebank.contributions.service import AddActivity
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

Open = Callable[[], Browser]
URL = "/api/v1/registers"


async def headers(bank: Bank, actor: Actor | None = None, *scopes: str) -> dict[str, str]:
    who = actor or bank.coordinator
    assert who.member_id is not None
    token = await create_token(
        bank.db,
        who,
        who.member_id,
        "Check-in",
        scopes or ("registers:write",),
        now=bank.now,
        valid_for=timedelta(days=1),
    )
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}


async def group(bank: Bank) -> int:
    added = await service.add_activity(
        bank.db, bank.coordinator, AddActivity(name="Lunch club"), key=uuid4().hex, now=bank.now
    )
    assert isinstance(added, int)
    return added


async def minutes(bank: Bank, member_id: int) -> int:
    async with bank.db.reading(bank.id) as connection:
        return (await ledger.balance(connection, bank.id, f"member/{member_id}")).posted


async def test_a_register_is_saved_read_and_repeated_safely(client: Open, bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member("Amina Yusuf")
    browser, sent = client(), await headers(bank)
    body = {
        "activity_id": activity,
        "lines": [
            {"member_id": amina, "held_on": "2026-03-10", "minutes": 90, "what": "Cooking"},
            {"member_id": bank.coordinator.member_id, "held_on": "2026-03-10", "minutes": 60},
        ],
    }
    saved = await browser.post(URL, json=body, headers=sent)
    assert saved.status_code == 201, saved.text
    first = saved.json()
    assert saved.headers["location"] == f"{URL}/{first['reference']}"
    assert (first["credited"], first["credited_minutes"], first["waiting"], first["waiting_minutes"]) == (1, 90, 1, 60)
    assert [(line["state"], line["rules_version"]) for line in first["lines"]] == [("approved", 1), ("submitted", 1)]
    again = await browser.post(URL, json=body, headers=sent)
    assert (again.status_code, again.json()) == (201, first)
    assert (await browser.get(saved.headers["location"], headers=sent)).json() == first
    assert await minutes(bank, amina) == 90
    other = await browser.post(URL, json={**body, "lines": body["lines"][:1]}, headers=sent)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("line", "status", "code", "field"),
    [
        ({"minutes": 0}, 422, "minutes_zero", "lines.0.minutes"),
        ({"minutes": -1}, 422, "minutes_negative", "lines.0.minutes"),
        ({"minutes": 2**62}, 422, "minutes_above_limit", "lines.0.minutes"),
        ({"held_on": "2026-03-11"}, 422, "date_in_future", "lines.0.held_on"),
        ({"member_id": 2**62}, 422, "unknown_member", "lines.0.member_id"),
        ({"activity_id": 2**62}, 422, "unknown_activity", "lines.0.activity_id"),
        ({"minutes": 10**30}, 400, "bad_request", None),
        ({"minutes": 1.5}, 400, "bad_request", None),
        ({"minutes": "ninety"}, 400, "bad_request", None),
        ({"held_on": "10/03/2026"}, 400, "bad_request", None),
        ({"colour": "red"}, 400, "bad_request", None),
        ({"what": "x" * 201}, 400, "bad_request", None),
    ],
)
async def test_bad_lines_change_nothing(
    client: Open, bank: Bank, line: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    activity, amina = await group(bank), await bank.member("Amina Yusuf")
    browser, sent = client(), await headers(bank)
    good = {"member_id": amina, "held_on": "2026-03-10", "minutes": 90}
    answer = await browser.post(URL, json={"activity_id": activity, "lines": [{**good, **line}]}, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    if field:
        assert answer.json()["errors"][0]["field"] == field
    assert await minutes(bank, amina) == 0


async def test_it_takes_a_key_a_scope_a_role_and_the_right_time_bank(
    client: Open, bank: Bank, other_bank: Bank
) -> None:
    activity, amina = await group(bank), await bank.member("Amina Yusuf")
    body = {"activity_id": activity, "lines": [{"member_id": amina, "held_on": "2026-03-10", "minutes": 90}]}
    browser, sent = client(), await headers(bank)
    no_key = await browser.post(URL, json=body, headers={"Authorization": sent["Authorization"]})
    assert (no_key.status_code, no_key.json()["code"]) == (400, "idempotency_key_missing")
    assert (await browser.post(URL, json=body, headers={"Idempotency-Key": "abc"})).status_code == 401
    for actor, scope, status, code in (
        (bank.participant, "registers:write", 422, "not_allowed"),
        (bank.coordinator, "hours:read", 403, "scope_missing"),
    ):
        answer = await browser.post(URL, json=body, headers=await headers(bank, actor, scope))
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    strangers = await headers(other_bank)
    theirs = await browser.post(URL, json=body, headers=strangers)
    assert theirs.status_code == 422
    assert {one["code"] for one in theirs.json()["errors"]} == {"unknown_member", "unknown_activity"}
    saved = await browser.post(URL, json=body, headers=sent)
    reference = saved.json()["reference"]
    assert (await browser.get(f"{URL}/{reference}", headers=strangers)).status_code == 404
    assert (await browser.get(f"{URL}/nonsense", headers=sent)).status_code == 404
    assert (await browser.get(f"{URL}/{reference.replace('-', '').lower()}", headers=sent)).status_code == 200
