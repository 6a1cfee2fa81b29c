"""The list of registers, drafts, and a register beside another, as programs use them."""

from collections.abc import Callable
from uuid import uuid4

from tests.integration.contributions.test_contributions_api import URL, group, headers
from tests.people import Bank, Browser

Open = Callable[[], Browser]
TOKEN = "form-1234"
DRAFT = {"activity_id": 0, "held_on": "2026-03-10", "people": 2, "fields": {"came": ["m1", "m2"], "length": ["1:30"]}}


async def test_registers_are_listed_by_group_day_and_member(client: Open, bank: Bank) -> None:
    activity, amina, bo = await group(bank), await bank.member("Amina Yusuf"), await bank.member("Bo Li")
    browser, sent = client(), await headers(bank)
    for day, member_id in (("2026-03-01", amina), ("2026-03-02", bo), ("2026-03-03", amina)):
        body = {
            "activity_id": activity,
            "lines": [{"member_id": member_id, "held_on": day, "minutes": 90}],
            "beside": [],
        }
        saved = await browser.post(URL, json=body, headers={**sent, "Idempotency-Key": uuid4().hex})
        assert saved.status_code == 201, saved.text
    everything = (await browser.get(URL, headers=sent)).json()
    assert [one["first_on"] for one in everything["items"]] == ["2026-03-03", "2026-03-02", "2026-03-01"]
    assert everything["next_cursor"] is None
    first = (await browser.get(f"{URL}?limit=2", headers=sent)).json()
    rest = (await browser.get(f"{URL}?limit=2&cursor={first['next_cursor']}", headers=sent)).json()
    assert first["items"] + rest["items"] == everything["items"]
    for query, count in ((f"member_id={amina}", 2), (f"activity_id={activity}&first=2026-03-02", 2),
                         ("last=2026-03-01", 1), ("activity_id=999999", 0), ("member_id=-1", 0)):  # fmt: skip
        assert len((await browser.get(f"{URL}?{query}", headers=sent)).json()["items"]) == count, query
    assert (await browser.get(f"{URL}?cursor=nonsense", headers=sent)).status_code == 422
    nobody = await headers(bank, bank.participant)
    assert (await browser.get(URL, headers=nobody)).status_code == 403


async def test_a_register_beside_one_that_was_not_looked_at_is_refused(client: Open, bank: Bank) -> None:
    activity, amina, bo = await group(bank), await bank.member("Amina Yusuf"), await bank.member("Bo Li")
    browser, sent = client(), await headers(bank)

    async def save(member_id: int, beside: list[str] | None) -> tuple[int, str]:
        lines = [{"member_id": member_id, "held_on": "2026-03-10", "minutes": 90}]
        body = {"activity_id": activity, "lines": lines, "beside": beside}
        answer = await browser.post(URL, json=body, headers={**sent, "Idempotency-Key": uuid4().hex})
        return answer.status_code, str(answer.json().get("reference") or answer.json().get("code"))

    status, reference = await save(amina, [])
    assert status == 201
    assert await save(bo, []) == (422, "recorded_already")
    assert (await save(bo, [reference]))[0] == 201


async def test_drafts_are_ones_own(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    browser, sent = client(), await headers(bank)
    path = f"/api/v1/drafts/{TOKEN}"
    for length in ("1:30", "2:00", "2:00"):
        body = {**DRAFT, "activity_id": activity, "fields": {"length": [length], "came": ["m1", "m2"]}}
        kept = await browser.post(path, json=body, headers={**sent, "Idempotency-Key": uuid4().hex})
        assert kept.status_code == 200, kept.text
    listed = (await browser.get("/api/v1/drafts", headers=sent)).json()["items"]
    assert [(one["token"], one["people"]) for one in listed] == [(TOKEN, 2)]
    assert (await browser.get(path, headers=sent)).json()["fields"] == {"length": ["2:00"], "came": ["m1", "m2"]}
    others = await headers(bank, bank.coordinator_two)
    assert (await browser.get(path, headers=others)).status_code == 404
    assert (await browser.post(f"{path}/delete", json={}, headers=others)).status_code == 200
    assert (await browser.get(path, headers=sent)).status_code == 200
    unknown = await browser.post(path, json={**DRAFT, "activity_id": 999999}, headers=sent)
    assert unknown.status_code == 422
    bad_name = await browser.post("/api/v1/drafts/x", json={**DRAFT, "activity_id": activity}, headers=sent)
    assert bad_name.status_code == 404
    assert (await browser.post(f"{path}/delete", json={}, headers=sent)).status_code == 200
    assert (await browser.get(path, headers=sent)).status_code == 404
    nobody = await headers(bank, bank.participant)
    refused = await browser.post(path, json={**DRAFT, "activity_id": activity}, headers=nobody)
    assert refused.status_code == 422
    assert refused.json()["code"] == "not_allowed"
