"""Exchanges, guests, corrections and hours brought forward as programs do them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.contributed import group, hours, lead, rows
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

Open = Callable[[], Browser]
TODAY = "2026-03-10"


class Program:
    """A program with one member's token; every request has a key of its own."""

    def __init__(self, browser: Browser, token: str) -> None:
        self.browser, self.token = browser, token

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": uuid4().hex}
        return await self.browser.post(f"/api/v1{path}", json=body, headers=headers)

    async def get(self, path: str) -> Any:
        answer = await self.browser.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code == 200, answer.text
        return answer.json()


async def program(client: Open, bank: Bank, actor: Actor | None = None) -> Program:
    who = actor or bank.coordinator
    scopes = ("registers:write",)
    token = await create_token(
        bank.db, who, who.member_id or 0, "Check-in", scopes, now=bank.now, valid_for=timedelta(days=1)
    )
    return Program(client(), token)


async def test_an_exchange_is_saved_corrected_and_read(client: Open, bank: Bank) -> None:
    peers, giver, receiver = await group(bank), await bank.member(), await bank.member()
    one = await program(client, bank)
    exchange = {
        "member_id": giver, "held_on": TODAY, "minutes": 60, "starts_at": "10:00:00", "travel_minutes": 15,
        "kind": "exchange", "receiver_ids": [receiver], "how_agreed": "by phone",
    }  # fmt: skip
    saved = await one.post("/registers", {"activity_id": peers, "lines": [exchange]})
    assert saved.status_code == 201, saved.text
    (line,) = saved.json()["lines"]
    assert (line["kind"], line["receiver_ids"], line["credited_to"], line["travel_minutes"]) == (
        "exchange", [receiver], "member", 15
    )  # fmt: skip
    path = f"/registers/{saved.json()['reference']}"
    change = {"changes": [{"contribution_id": line["contribution_id"], "minutes": 45}], "reason": "It was shorter"}
    preview = await one.post(f"{path}/corrections/preview", change)
    assert preview.status_code == 200, preview.text
    assert [(each["minutes_before"], each["minutes_after"]) for each in preview.json()["affected"]] == [(60, 45)]
    assert await hours(bank, giver) == [60]
    done = await one.post(f"{path}/corrections", change)
    assert (done.status_code, done.json()["changed"]) == (200, 1)
    assert await hours(bank, giver, "issued") == [45, -45]
    (history,) = (await one.get(f"{path}/history"))["items"]
    assert (history["step"], history["reason"]) == ("corrected", "It was shorter")
    refused = await one.post(f"{path}/corrections", {**change, "reason": " "})
    assert (refused.status_code, refused.json()["code"]) == (422, "reason_missing")
    assert (await one.post("/registers/AAAA-AAAA/corrections", change)).status_code == 404
    undone = await one.post(f"{path}/undo", {})
    assert (undone.status_code, undone.json()["code"]) == (422, "corrected_already")


async def test_a_leader_saves_and_undoes_their_own(client: Open, bank: Bank) -> None:
    lunch, choir, one = await group(bank), await group(bank, "Choir"), await bank.member()
    leader = await program(client, bank, await lead(bank, lunch, await bank.member()))
    line = {"member_id": one, "held_on": TODAY, "minutes": 60}
    assert (await leader.post("/registers", {"activity_id": choir, "lines": [line]})).json()["code"] == "not_allowed"
    saved = await leader.post("/registers", {"activity_id": lunch, "lines": [line]})
    assert saved.status_code == 201, saved.text
    undone = await leader.post(f"/registers/{saved.json()['reference']}/undo", {})
    assert (undone.status_code, undone.json()["minutes"]) == (200, 60)


async def test_a_guest_is_added_logged_and_joins(client: Open, bank: Bank) -> None:
    lunch, member = await group(bank), await bank.member()
    one = await program(client, bank)
    added = await one.post("/guests", {"name": "Rosa"})
    assert added.status_code == 201, added.text
    guest_id = added.json()["guest_id"]
    assert (await one.post("/guests", {"name": "rosa"})).json()["code"] == "guest_there"
    line = {"guest_id": guest_id, "held_on": TODAY, "minutes": 60}
    saved = await one.post("/registers", {"activity_id": lunch, "lines": [line]})
    assert saved.json()["lines"][0]["credited_to"] == "guest"
    (waiting,) = (await one.get("/guests"))["items"]
    assert (waiting["name"], waiting["minutes"]) == ("Rosa", 60)
    joined = await one.post(f"/guests/{guest_id}/join", {"member_id": member})
    assert (joined.status_code, joined.json()["minutes"]) == (200, 60)
    assert await hours(bank, member) == [60]
    outsider = await program(client, bank, bank.participant)
    assert (await outsider.get("/guests"))["items"] == []
    assert (await outsider.post("/guests", {"name": "X"})).json()["code"] == "not_allowed"


async def test_hours_are_brought_forward(client: Open, bank: Bank) -> None:
    member = await bank.member()
    one = await program(client, bank)
    body = {"member_id": member, "minutes": 600, "as_of": "2020-01-01", "evidence": "Old book, page 4"}
    brought = await one.post("/brought-forward", body)
    assert brought.status_code == 201, brought.text
    assert [row["state"] for row in await rows(bank)] == ["submitted"]
    two = await program(client, bank, bank.coordinator_two)
    path = f"/decisions/{brought.json()['contribution_id']}"
    assert (await one.post(path, {"approve": True})).json()["code"] == "own_record"
    assert (await two.post(path, {"approve": True})).status_code == 200
    assert await hours(bank, member, "opening") == [600, -600]
