"""Questions about entries as a program asks and answers them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from tests.integration.concerns.test_concerns import gave
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor

Open = Callable[[], Browser]


async def headers(bank: Bank, who: Actor) -> dict[str, str]:
    scopes = ("hours:read", "hours:write", "registers:write")
    token = await create_token(
        bank.db, who, who.member_id or 0, "Test", scopes, now=bank.now, valid_for=timedelta(days=1)
    )
    return {"Authorization": f"Bearer {token}"}


def keyed(sent: dict[str, str]) -> dict[str, str]:
    return {**sent, "Idempotency-Key": uuid4().hex}


async def test_asked_and_answered(client: Open, bank: Bank) -> None:
    browser = client()
    member, owner = await headers(bank, bank.participant), await headers(bank, bank.coordinator_two)
    entry = await gave(bank, bank.participant)
    body = {"words": "It was longer", "entry_id": str(entry.entry_id)}
    sent = keyed(member)
    made = await browser.post("/api/v1/queries", json=body, headers=sent)
    assert made.status_code == 201, made.text
    assert (await browser.post("/api/v1/queries", json=body, headers=sent)).json() == made.json()
    query = made.json()
    assert (query["state"], query["owner"], query["due_on"]) == ("open", "Demo", "2026-03-24")
    again = await browser.post("/api/v1/queries", json=body, headers=keyed(member))
    assert (again.status_code, again.json()["code"]) == (422, "asked_already")
    listed = (await browser.get("/api/v1/queries/to-answer", headers=owner)).json()["items"]
    assert [each["id"] for each in listed] == [query["id"]]
    path = f"/api/v1/queries/{query['id']}/answer"
    wrong = await browser.post(path, json={"outcome": "corrected", "words": "Yes"}, headers=keyed(owner))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "minutes_missing")
    answer = {"outcome": "corrected", "words": "You are right.", "minutes": 90}
    done = await browser.post(path, json=answer, headers=keyed(owner))
    assert done.status_code == 200, done.text
    assert done.json() == {"concern_id": query["id"], "state": "corrected", "changed_minutes": 30}
    read = (await browser.get(f"/api/v1/queries/{query['id']}", headers=member)).json()
    assert (read["state"], read["answer"], read["changed_minutes"]) == ("corrected", "You are right.", 30)
    assert (await browser.get("/api/v1/queries", headers=member)).json()["items"] == [read]


async def test_what_is_refused(client: Open, bank: Bank, other_bank: Bank) -> None:
    browser = client()
    member = await headers(bank, bank.participant)
    entry = await gave(bank, bank.participant)
    for body, status in (
        ({"words": "x"}, 422),
        ({"words": "x", "entry_id": str(entry.entry_id), "contribution_id": entry.contribution_id}, 422),
        ({"words": "", "entry_id": str(entry.entry_id)}, 422),
        ({"words": "x", "entry_id": "not an id"}, 400),
        ({"words": "x", "entry_id": str(uuid4())}, 404),
        ({"words": "x", "contribution_id": 2**62}, 404),
        ({"words": 5, "entry_id": str(entry.entry_id)}, 400),
    ):
        answer = await browser.post("/api/v1/queries", json=body, headers=keyed(member))
        assert answer.status_code == status, (body, answer.text)
    made = await browser.post(
        "/api/v1/queries", json={"words": "x", "entry_id": str(entry.entry_id)}, headers=keyed(member)
    )
    query = made.json()["id"]
    for who, where in ((bank.finance, bank), (other_bank.coordinator, other_bank)):
        stranger = await headers(where, who)
        assert (await browser.get(f"/api/v1/queries/{query}", headers=stranger)).status_code == 404
        body = {"outcome": "upheld", "words": "No"}
        answered = await browser.post(f"/api/v1/queries/{query}/answer", json=body, headers=keyed(stranger))
        assert answered.status_code in (404, 422)
        handed = await browser.post(f"/api/v1/queries/{query}/hand-over", json={"reason": "x"}, headers=keyed(stranger))
        assert handed.status_code in (404, 422)
    assert (await browser.get("/api/v1/queries/to-answer", headers=member)).status_code == 403
    assert (await browser.get(f"/api/v1/queries/{query}", headers=member)).json()["state"] == "open"
