"""Activities and sessions as programs arrange and use them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.integration.activities.planning import DAY, START, group, messages, planned
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor
from timebank.kit.clock import FixedClock

Open = Callable[[], Browser]


async def sent_by(bank: Bank, who: Actor, *scopes: str) -> Callable[[], dict[str, str]]:
    assert who.member_id is not None
    token = await create_token(
        bank.db,
        who,
        who.member_id,
        "Tests",
        scopes or ("activities:read", "activities:write"),
        now=bank.now,
        valid_for=timedelta(days=30),
    )
    return lambda: {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}


async def test_a_coordinator_arranges_everything(client: Open, bank: Bank, clock: FixedClock) -> None:
    browser, headers = client(), await sent_by(bank, bank.coordinator)

    async def post(path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
        answer = await browser.post(f"/api/v1{path}", json=body, headers=headers())
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    activity = await post("/activities", {"name": "Lunch club", "budget_code": "X1", "has_quiet_room": True}, 201)
    path = f"/activities/{activity['id']}"
    changed = await post(path, {"name": "Lunch club", "gives": "fee", "work_kind": "service_user_involvement"}, 200)
    assert (changed["gives"], changed["has_quiet_room"], changed["budget_code"]) == ("fee", False, "")
    who = bank.participant.member_id
    await post(f"{path}/leaders", {"member_id": who, "from_day": "2026-03-10"}, 201)
    assert (await post(f"{path}/leaders", {"member_id": who, "from_day": "2026-03-10"}, 422))["code"] == "leads_already"
    await post(f"{path}/leaders/end", {"member_id": who, "last_day": "2026-03-09"}, 200)
    await post(f"{path}/leaders/end", {"member_id": who, "last_day": "2026-03-09"}, 404)
    code = (await post(f"{path}/check-in-code", {}, 201))["code"]

    body = {
        "activity_id": activity["id"],
        "day": "2026-03-17",
        "starts_at": "14:00:00",
        "planned_minutes": 60,
        "repeat": {"kind": "weekly", "count": 3},
    }
    done = await post("/sessions", body, 201)
    first, second, _ = done["session_ids"]
    refused = await post("/sessions", {**body, "repeat": {"kind": "weekly"}}, 422)
    assert (refused["code"], refused["errors"][0]["field"]) == ("end_missing", "until")

    await post(f"/sessions/{first}/sign-up", {"member_id": who}, 200)
    listed = (await browser.get("/api/v1/sessions", headers=headers())).json()["sessions"]
    assert [one["signed_up"] for one in listed] == [1, 0, 0]
    change = {"version": 1, "day": "2026-03-17", "starts_at": "15:00:00", "planned_minutes": 60}
    assert await post(f"/sessions/{first}", change, 200) == {"sessions": 1, "people_told": 1}
    assert (await post(f"/sessions/{first}", change, 422))["code"] == "changed_meanwhile"
    assert (await post(f"/sessions/{second}/cancel", {"reason": "Snow", "following": True}, 200))["sessions"] == 2
    assert (await post(f"{path}/archive", {"archived": True}, 422))["code"] == "sessions_planned"

    clock.set(START)
    assert (await post(f"/sessions/{first}/people", {"member_id": who, "action": "check_in"}, 200))["state"] == (
        "checked_in"
    )
    mine = await post("/check-in", {"code": code}, 200)
    assert (mine["session_id"], mine["again"], mine["at"]) == (first, False, "2026-03-17T14:00:00Z")
    found = (await browser.get(f"/api/v1/sessions/{first}/people", headers=headers())).json()["people"]
    assert {one["member_id"] for one in found if one["checked_in_at"]} == {who, bank.coordinator.member_id}
    assert len(await messages(bank, "session_changed")) == 1


async def test_a_member_uses_what_is_for_members(client: Open, bank: Bank) -> None:
    browser, headers = client(), await sent_by(bank, bank.participant)
    lunch = await group(bank, budget_code="SECRET", funder="SECRET")
    panel = await group(bank, "Panel", is_listed=False)
    (session,) = await planned(bank, lunch)
    (closed,) = await planned(bank, panel)

    shown = (await browser.get("/api/v1/activities", headers=headers())).text
    assert "Lunch club" in shown
    assert "SECRET" not in shown
    assert "Panel" not in shown
    for path in (f"activities/{panel}", f"sessions/{closed}", f"sessions/{session}/people", "sessions/999999999"):
        assert (await browser.get(f"/api/v1/{path}", headers=headers())).status_code == 404, path
    answer = await browser.post(f"/api/v1/sessions/{session}/sign-up", json={}, headers=headers())
    assert answer.json() == {"session_id": session, "member_id": bank.participant.member_id, "state": "signed_up"}
    answer = await browser.post(
        f"/api/v1/sessions/{session}/sign-up", json={"member_id": bank.finance.member_id}, headers=headers()
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "not_allowed")
    for path, body in (
        ("activities", {"name": "Mine"}),
        (f"sessions/{session}/cancel", {"reason": "No"}),
        (f"activities/{lunch}/check-in-code", {}),
    ):
        answer = await browser.post(f"/api/v1/{path}", json=body, headers=headers())
        assert (answer.status_code, answer.json()["code"]) == (403, "role_missing"), path
    answer = await browser.post("/api/v1/check-in", json={"code": "0000-0000"}, headers=headers())
    assert (answer.status_code, answer.json()["code"]) == (422, "code_unknown")


async def test_the_scopes_are_needed(client: Open, bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank))
    headers = await sent_by(bank, bank.coordinator, "hours:read")
    for method, path in (("GET", "/api/v1/sessions"), ("POST", f"/api/v1/sessions/{session}/sign-up")):
        answer = await client().request(method, path, json={}, headers=headers())
        assert answer.json()["code"] == "scope_missing"
    assert DAY.isoformat() not in answer.text
