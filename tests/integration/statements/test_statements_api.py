"""Statements, gifts and the pot as a program uses them."""

from collections.abc import Callable

from tests.integration.concerns.test_concerns_api import headers, keyed
from tests.integration.redemptions.spending import give_hours
from tests.people import Bank, Browser

Open = Callable[[], Browser]
DAYS = {"first": "2026-03-01", "last": "2026-03-10"}


async def test_a_statement_of_any_days_in_three_forms(client: Open, bank: Bank) -> None:
    me = bank.participant.member_id or 0
    await give_hours(bank, me, 90)
    browser, mine = client(), await headers(bank, bank.participant)
    path = f"/api/v1/members/{me}/statements"
    answer = (await browser.get(path, params=DAYS, headers=mine)).json()
    assert (answer["opening_minutes"], answer["came_minutes"], answer["closing_minutes"]) == (0, 90, 90)
    assert answer["entries"][0]["title"] == "Hours brought forward"
    assert "At the end" in (await browser.get(f"{path}/csv", params=DAYS, headers=mine)).text
    for printed in (f"{path}/pdf", f"/api/v1/members/{me}/hours-letter"):
        found = await browser.get(printed, params={**DAYS, "large": "true"}, headers=mine)
        assert (found.status_code, found.content[:5]) == (200, b"%PDF-")
    months = (await browser.get(f"/api/v1/members/{me}/months", headers=mine)).json()["months"]
    assert months == [{"month": "2026-03-01", "entries": 1, "came_minutes": 90, "went_minutes": 0}]
    wrong = await browser.get(path, params={"first": "2026-03-02", "last": "2026-03-01"}, headers=mine)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "ends_before_it_begins")
    other = f"/api/v1/members/{bank.finance.member_id}/statements"
    assert (await browser.get(other, params=DAYS, headers=mine)).status_code == 403


async def test_letting_others_check(client: Open, bank: Bank) -> None:
    me = bank.participant.member_id or 0
    browser, mine = client(), await headers(bank, bank.participant)
    path = f"/api/v1/members/{me}/statement-checks"
    assert (await browser.get(path, headers=mine)).json() == {"is_on": False, "looks": []}
    assert (await browser.post(path, json={"is_on": True}, headers=keyed(mine))).json() == {"is_on": True}
    refused = await browser.post(path, json={"is_on": True}, headers=keyed(await headers(bank, bank.finance)))
    assert (refused.status_code, refused.json()["code"]) == (422, "not_yours")
    check = await browser.post("/api/v1/statement-codes/check", json={"code": "7Q2M"}, headers=keyed(mine))
    assert (check.status_code, check.json()["code"]) == (422, "code_mistyped")


async def test_gifts_and_the_pot(client: Open, bank: Bank) -> None:
    me = bank.participant.member_id or 0
    await give_hours(bank, me, 90)
    browser, mine = client(), await headers(bank, bank.participant)
    staff = await headers(bank, bank.coordinator)
    gift = {"to_member_id": None, "minutes": 60, "note": "For anybody"}
    given = await browser.post("/api/v1/transfers", json=gift, headers=keyed(mine))
    assert given.status_code == 201, given.text
    (line,) = (await browser.get(f"/api/v1/members/{me}/gifts", headers=mine)).json()["gifts"]
    assert (line["note"], line["gift_id"]) == ("For anybody", given.json()["gift_id"])
    sent = keyed(mine)
    asked = await browser.post(f"/api/v1/members/{me}/pot-asks", json={"minutes": 30}, headers=sent)
    again = await browser.post(f"/api/v1/members/{me}/pot-asks", json={"minutes": 30}, headers=sent)
    assert (asked.status_code, asked.json()) == (201, again.json())
    ask_id = asked.json()["ask_id"]
    assert (await browser.get("/api/v1/pot-asks", headers=mine)).status_code == 403
    assert [one["ask_id"] for one in (await browser.get("/api/v1/pot-asks", headers=staff)).json()["asks"]] == [ask_id]
    assert (await browser.get("/api/v1/pot", headers=staff)).json() == {"available_minutes": 60, "waiting": 1}
    path = f"/api/v1/pot-asks/{ask_id}/decision"
    assert (await browser.post(path, json={"minutes": 30}, headers=keyed(mine))).status_code == 403
    done = await browser.post(path, json={"minutes": 30}, headers=keyed(staff))
    assert done.json() == {"ask_id": ask_id, "state": "given", "given_minutes": 30}
    direct = {"member_id": me, "minutes": 10, "reason": "Ill"}
    assert (await browser.post("/api/v1/pot/gifts", json=direct, headers=keyed(staff))).status_code == 201
    assert (await browser.post("/api/v1/pot/gifts", json=direct, headers=keyed(mine))).status_code == 403
    listed = (await browser.get(f"/api/v1/members/{me}/pot-asks", headers=mine)).json()["asks"]
    assert [(one["kind"], one["given_minutes"]) for one in listed] == [("offered", 10), ("asked", 30)]
    gone = await browser.post(f"/api/v1/pot-asks/{ask_id}/withdrawal", json={}, headers=keyed(mine))
    assert (gone.status_code, gone.json()["code"]) == (422, "ask_decided")
