"""Claims and access costs as a program does them."""

import base64
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from tests.integration.claims.claiming import picture, supplier
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

Open = Callable[[], Browser]
BUS = {"kind": "bus", "day": "2026-03-10", "pence": 420, "no_receipt_why": "None given"}


async def headers(bank: Bank, who: Actor, *scopes: str) -> dict[str, str]:
    valid_for = timedelta(days=1)
    token = await create_token(bank.db, who, who.member_id or 0, "Test", scopes, now=bank.now, valid_for=valid_for)
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}


def fresh(sent: dict[str, str]) -> dict[str, str]:
    return {**sent, "Idempotency-Key": uuid4().hex}


async def test_a_claim_is_made_decided_and_read(client: Open, bank: Bank) -> None:
    browser = client()
    member = await headers(bank, bank.participant, "hours:write", "hours:read")
    staff = await headers(bank, bank.coordinator, "payables:read", "payments:write")
    made = await browser.post("/api/v1/claims/costs", json=BUS, headers=member)
    assert made.status_code == 201, made.text
    assert (await browser.post("/api/v1/claims/costs", json=BUS, headers=member)).json() == made.json()
    twice = await browser.post("/api/v1/claims/costs", json=BUS, headers=fresh(member))
    assert (twice.status_code, twice.json()["code"]) == (422, "duplicate")
    photo = base64.b64encode(picture()).decode()
    taxi = {"kind": "taxi", "day": "2026-03-10", "pence": 1350, "photo": photo}
    assert (await browser.post("/api/v1/claims/costs", json=taxi, headers=fresh(member))).status_code == 201
    reference = made.json()["reference"]
    path = f"/api/v1/claims/{reference}"
    assert (await browser.get(path, headers=staff)).status_code == 404  # a draft is nobody's business
    changed = await browser.put(f"{path}/costs/1", json={**BUS, "pence": 300}, headers=fresh(member))
    assert changed.json()["pence"] == 300
    assert (await browser.post(f"{path}/send", json={}, headers=fresh(member))).json()["state"] == "sent"
    assert (await browser.delete(f"{path}/costs/1", headers=fresh(member))).json()["code"] == "wrong_state"
    waiting = (await browser.get("/api/v1/claims", headers=staff)).json()["items"]
    assert [(each["reference"], each["pence"]) for each in waiting] == [(reference, 1650)]
    receipt = await browser.get(f"{path}/costs/2/photo", headers=staff)
    assert (receipt.status_code, receipt.headers["content-type"]) == (200, "image/jpeg")
    asked = await browser.post(f"{path}/ask", json={"question": "Which bus?"}, headers=fresh(staff))
    assert asked.json()["state"] == "asked"
    answered = await browser.post(f"{path}/answer", json={"words": "The 42"}, headers=fresh(member))
    assert answered.json()["state"] == "sent"
    assert (await browser.post(f"{path}/decide", json={}, headers=fresh(member))).status_code == 403
    body = {"declined": [{"n": 1, "reason": "By tram"}], "seen": waiting[0]["seen"]}
    decided = await browser.post(f"{path}/decide", json=body, headers=fresh(staff))
    assert (decided.status_code, decided.json()["state"]) == (200, "agreed"), decided.text
    whole = (await browser.get(path, headers=staff)).json()
    assert (whole["payment"], whole["payment_state"]) == (decided.json()["payment"], "submitted")
    again = await browser.post(f"{path}/again", json={"words": "There is no tram"}, headers=fresh(member))
    assert again.json()["state"] == "sent"
    own = (await browser.get("/api/v1/claims/own", headers=member)).json()["items"]
    assert [(each["state"], each["pence"]) for each in own] == [("sent", 300), ("agreed", 1350)]


async def test_a_coordinator_claims_for_a_member(client: Open, bank: Bank) -> None:
    browser = client()
    staff = await headers(bank, bank.coordinator, "hours:write")
    member = await headers(bank, bank.participant, "hours:write")
    member_id = bank.participant.member_id
    made = await browser.post("/api/v1/claims/costs", json={**BUS, "member_id": member_id}, headers=staff)
    assert made.status_code == 201, made.text
    path = f"/api/v1/claims/{made.json()['reference']}/send"
    missing = await browser.post(path, json={"member_id": member_id}, headers=fresh(staff))
    assert missing.json()["code"] == "how_agreed_missing"
    sent = await browser.post(path, json={"member_id": member_id, "how_agreed": "by phone"}, headers=fresh(staff))
    assert sent.json()["state"] == "sent"
    other = {**BUS, "member_id": bank.coordinator.member_id}
    assert (await browser.post("/api/v1/claims/costs", json=other, headers=fresh(member))).status_code == 404


async def test_access_costs(client: Open, bank: Bank) -> None:
    browser = client()
    staff = await headers(bank, bank.coordinator, "payables:read", "payments:write")
    finance = await headers(bank, bank.finance, "payables:read", "payments:write")
    member = await headers(bank, bank.participant, "payables:read", "payments:write")
    body = {"member_id": bank.participant.member_id, "kind": "taxi", "day": "2026-03-12", "pence": 1800}
    booking = {**body, "payee_id": await supplier(bank)}
    booked = await browser.post("/api/v1/access-costs/bookings", json=booking, headers=staff)
    assert (booked.status_code, booked.json()["state"]) == (201, "booked"), booked.text
    cancel = f"/api/v1/access-costs/{booked.json()['reference']}/cancel"
    off = await browser.post(cancel, json={"reason": "Off"}, headers=fresh(staff))
    assert off.json()["state"] == "cancelled"
    advance = {**body, "signed_name": "D. P."}
    given = await browser.post("/api/v1/access-costs/advances", json=advance, headers=fresh(staff))
    assert given.status_code == 201, given.text
    path = f"/api/v1/access-costs/{given.json()['reference']}"
    spent = {"what": "Taxi", "pence": 900, "no_receipt_why": "None given"}
    assert (await browser.post(f"{path}/receipts", json=spent, headers=fresh(staff))).status_code == 201
    wrong = await browser.post(f"{path}/settle", json={"returned_pence": 1}, headers=fresh(finance))
    assert wrong.json()["code"] == "does_not_add_up"
    settled = await browser.post(f"{path}/settle", json={"returned_pence": 900}, headers=fresh(finance))
    assert settled.json()["state"] == "settled"
    assert (await browser.get(path, headers=finance)).json()["spent_pence"] == 900
    listed = (await browser.get("/api/v1/access-costs", headers=staff)).json()
    assert (listed["open"], len(listed["items"])) == ([], 2)
    for address in ("/api/v1/access-costs", path, "/api/v1/claims"):
        assert (await browser.get(address, headers=member)).status_code == 403
    assert (await browser.post(f"{path}/settle", json={}, headers=fresh(member))).status_code == 403
