"""Vouchers for programs: the same use cases as the pages."""

from uuid import uuid4

from tests.integration.redemptions.vouchering import ours, pool, spend
from tests.people import Bank
from timebank.identity.service import create_token
from timebank.kit.actor import Actor


async def program(bank: Bank, client, who: Actor):
    token = await create_token(bank.db, who, who.member_id, "Robot", ["redemptions:write"], now=bank.now)
    assert isinstance(token, str)
    browser = client()
    browser.headers["Authorization"] = f"Bearer {token}"
    return browser


def fresh() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


async def test_a_code_is_shown_and_confirmed_by_programs(bank: Bank, client) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    member, staff = await program(bank, client, bank.participant), await program(bank, client, bank.coordinator)
    shown = await member.post(f"/api/v1/redemptions/{reference}/code", json={}, headers=fresh())
    assert shown.status_code == 200, shown.text
    assert [view["how"] for view in shown.json()["views"]] == ["program"]
    address = f"/api/v1/suppliers/{payee_id}/confirmations"
    body = {"code": shown.json()["code"]}
    assert (await member.post(address, json=body, headers=fresh())).status_code in (403, 422)
    done = await staff.post(address, json=body, headers=fresh())
    assert done.status_code == 201, done.text
    assert done.json()["pence"] == 500
    again = await staff.post(address, json=body, headers=fresh())
    assert again.json()["code"] == "already_used"
    statement = await staff.get(f"/api/v1/suppliers/{payee_id}/statement?month=2026-03")
    assert statement.json()["total_pence"] == 500


async def test_codes_and_terms_by_programs(bank: Bank, client) -> None:
    offer_id, _ = await pool(bank, "KNOWN")
    staff = await program(bank, client, bank.coordinator)
    body = {"codes": [{"code": "NEW", "pin": "1"}, {"code": "KNOWN"}]}
    added = await staff.post(f"/api/v1/offers/{offer_id}/codes", json=body, headers=fresh())
    assert added.status_code == 201, added.text
    assert (added.json()["added"], [line["line"] for line in added.json()["given_back"]]) == (1, [2])
    assert (await staff.get(f"/api/v1/offers/{offer_id}/vouchers")).json()["codes_left"] == 2
