"""Logging one's time, deciding and deputies as a program does it."""

import base64
import io
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image

from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

Open = Callable[[], Browser]


async def headers(bank: Bank, who: Actor, *scopes: str) -> dict[str, str]:
    valid_for = timedelta(days=1)
    token = await create_token(bank.db, who, who.member_id or 0, "Test", scopes, now=bank.now, valid_for=valid_for)
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}


def fresh(sent: dict[str, str]) -> dict[str, str]:
    return {**sent, "Idempotency-Key": uuid4().hex}


async def test_time_is_logged_decided_and_read(client: Open, bank: Bank) -> None:
    browser = client()
    member = await headers(bank, bank.participant, "hours:write", "hours:read")
    staff = await headers(bank, bank.coordinator, "registers:write")
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(out, "PNG")
    body = {
        "held_on": "2026-03-10",
        "minutes": 45,
        "words": "Wrote letters",
        "photo": base64.b64encode(out.getvalue()).decode(),
    }
    made = await browser.post("/api/v1/time", json=body, headers=member)
    assert made.status_code == 201, made.text
    same = await browser.post("/api/v1/time", json=body, headers=member)
    assert same.json() == made.json()
    one = made.json()
    assert (one["state"], one["minutes"], one["has_photo"]) == ("submitted", 45, True)
    photo = await browser.get(f"/api/v1/time/{one['id']}/photo", headers=member)
    assert (photo.status_code, photo.headers["content-type"]) == (200, "image/jpeg")
    waiting = (await browser.get("/api/v1/decisions", headers=staff)).json()["items"]
    assert [(each["id"], each["words"], each["source"]) for each in waiting] == [(one["id"], "Wrote letters", "self")]
    path = f"/api/v1/decisions/{one['id']}"
    assert (await browser.post(path, json={"approve": True}, headers=fresh(member))).status_code == 403
    no_reason = await browser.post(path, json={"approve": False}, headers=fresh(staff))
    assert (no_reason.status_code, no_reason.json()["code"]) == (422, "reason_missing")
    done = await browser.post(path, json={"approve": True}, headers=fresh(staff))
    assert (done.status_code, done.json()["state"]) == (200, "approved")
    listed = (await browser.get("/api/v1/time", headers=member)).json()
    assert [(each["state"], each["id"]) for each in listed["items"]] == [("approved", one["id"])]
    late = await browser.post(f"/api/v1/time/{one['id']}/withdraw", json={}, headers=fresh(member))
    assert (late.status_code, late.json()["code"]) == (422, "decided_already")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"minutes": 0}, 422, "minutes_zero"),
        ({"minutes": "45"}, 400, "invalid_request"),
        ({"held_on": "2026-02-30"}, 400, "invalid_request"),
        ({"held_on": "2026-03-11"}, 422, "date_in_future"),
        ({"photo": base64.b64encode(b"no photo").decode()}, 422, "photo_unreadable"),
        ({"photo": "not base64!"}, 400, "invalid_request"),
        ({"activity_id": 999_999}, 422, "unknown_activity"),
        ({"member_id": 1}, 400, "invalid_request"),
    ],
)
async def test_bad_time(client: Open, bank: Bank, change: dict[str, object], status: int, code: str) -> None:
    member = await headers(bank, bank.participant, "hours:write")
    body = {"held_on": "2026-03-10", "minutes": 45, "words": "Read", **change}
    answer = await client().post("/api/v1/time", json=body, headers=member)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["code"] == code


async def test_taking_back_and_ids_of_others(client: Open, bank: Bank, other_bank: Bank) -> None:
    browser = client()
    member = await headers(bank, bank.participant, "hours:write", "hours:read")
    body = {"held_on": "2026-03-10", "minutes": 45, "words": "Read"}
    one = (await browser.post("/api/v1/time", json=body, headers=member)).json()
    for who, where in ((bank.coordinator, bank), (other_bank.participant, other_bank)):
        stranger = await headers(where, who, "hours:write", "hours:read", "registers:write")
        assert (await browser.get(f"/api/v1/time/{one['id']}", headers=stranger)).status_code == 404
        assert (await browser.get(f"/api/v1/time/{one['id']}/photo", headers=stranger)).status_code == 404
        answer = await browser.post(f"/api/v1/time/{one['id']}/withdraw", json={}, headers=fresh(stranger))
        assert answer.status_code == 404
    stranger = await headers(other_bank, other_bank.coordinator, "registers:write")
    answer = await browser.post(f"/api/v1/decisions/{one['id']}", json={"approve": True}, headers=stranger)
    assert answer.status_code == 404
    done = await browser.post(f"/api/v1/time/{one['id']}/withdraw", json={}, headers=fresh(member))
    assert done.status_code == 200, done.text
    assert (await browser.get(f"/api/v1/time/{one['id']}", headers=member)).json()["state"] == "undone"


async def test_deputies(client: Open, bank: Bank) -> None:
    browser = client()
    staff = await headers(bank, bank.coordinator, "registers:write")
    deputy = Actor(timebank_id=bank.id, member_id=await bank.member("Trusted Trustee"))
    theirs = await headers(bank, deputy, "registers:write")
    assert (await browser.get("/api/v1/decisions", headers=theirs)).status_code == 403
    body = {"deputy_id": deputy.member_id, "starts_on": "2026-03-10", "ends_on": "2026-03-20"}
    assert (await browser.post("/api/v1/deputies", json=body, headers=fresh(theirs))).json()["code"] == "not_allowed"
    named = await browser.post("/api/v1/deputies", json=body, headers=staff)
    assert named.status_code == 201, named.text
    assert (await browser.get("/api/v1/decisions", headers=theirs)).status_code == 200
    listed = (await browser.get("/api/v1/deputies", headers=staff)).json()["items"]
    assert [each["deputy_name"] for each in listed] == ["Trusted Trustee"]
    path = f"/api/v1/deputies/{named.json()['id']}/end"
    assert (await browser.post(path, json={}, headers=fresh(staff))).status_code == 200
    assert (await browser.post(path, json={}, headers=fresh(staff))).status_code == 404
    assert (await browser.get("/api/v1/decisions", headers=theirs)).status_code == 403
