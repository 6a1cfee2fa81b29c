"""The machine interface of hours and redemptions: the same answers as the pages, scopes, keys and problems."""

from datetime import datetime

import pytest

from tests.integration.redemptions.spending import booked, give_hours, hours, key, offer, payee, step
from timebank.identity.service import create_token
from timebank.kit.actor import system

SCOPES = ("hours:read", "hours:write", "offers:read", "redemptions:write")


async def caller(client, bank, who, *scopes: str):
    token = await create_token(bank.db, system(bank.id), who.member_id, "a program", scopes or SCOPES, now=bank.now)
    assert isinstance(token, str), token
    browser = client()
    browser.headers.clear()
    browser.headers["Authorization"] = f"Bearer {token}"
    return browser


async def post(api, path: str, body: dict, **headers: str):
    return await api.post(path, json=body, headers={"Idempotency-Key": key(), **headers})


async def test_balance_and_statement(bank, client) -> None:
    me = bank.participant.member_id
    for minutes in (100, 20, 30):
        await give_hours(bank, me, minutes)
    await booked(bank, await offer(bank), bank.participant)
    api = await caller(client, bank, bank.participant)
    answer = await api.get(f"/api/v1/members/{me}/balance")
    assert answer.status_code == 200
    assert answer.json() == {
        "member_id": me, "minutes": 150, "set_aside_minutes": 60, "available_minutes": 90,
    }  # fmt: skip
    first = (await api.get(f"/api/v1/members/{me}/statement?limit=2")).json()
    rest = (await api.get(f"/api/v1/members/{me}/statement?limit=2&cursor={first['next_cursor']}")).json()
    assert [line["minutes"] for line in first["entries"] + rest["entries"]] == [30, 20, 100]
    assert rest["next_cursor"] is None
    assert datetime.fromisoformat(first["entries"][0]["recorded_at"]).utcoffset().total_seconds() == 0


@pytest.mark.parametrize("query", ["cursor=nonsense", "limit=0", "limit=1000", "limit=x"])
async def test_bad_paging_is_a_problem_with_a_code(bank, client, query: str) -> None:
    api = await caller(client, bank, bank.participant)
    answer = await api.get(f"/api/v1/members/{bank.participant.member_id}/statement?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] in ("bad_cursor", "bad_page_size")


async def test_only_ones_own_unless_one_coordinates_and_never_another_time_banks(bank, client, other_bank) -> None:
    me, theirs = bank.participant.member_id, other_bank.participant.member_id
    participant = await caller(client, bank, bank.participant)
    coordinator = await caller(client, bank, bank.coordinator)
    assert (await participant.get(f"/api/v1/members/{bank.finance.member_id}/balance")).status_code == 403
    assert (await coordinator.get(f"/api/v1/members/{me}/balance")).status_code == 200
    assert (await coordinator.get(f"/api/v1/members/{theirs}/balance")).status_code == 404
    assert (await coordinator.get(f"/api/v1/members/{theirs}/statement")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/api/v1/members/1/balance", "hours:read"),
        ("get", "/api/v1/members/1/statement", "hours:read"),
        ("post", "/api/v1/transfers", "hours:write"),
        ("get", "/api/v1/offers", "offers:read"),
        ("post", "/api/v1/redemptions", "redemptions:write"),
        ("get", "/api/v1/redemptions/B7K2-M9QX", "redemptions:write"),
    ],
)
async def test_every_route_needs_a_token_with_its_scope(bank, client, method: str, path: str, scope: str) -> None:
    others = await caller(client, bank, bank.participant, *(each for each in SCOPES if each != scope))
    body = {"to_member_id": None, "minutes": 1} if "transfers" in path else {"offer_id": 1}
    more = {"json": body, "headers": {"Idempotency-Key": key()}} if method == "post" else {}
    answer = await others.request(method, path, **more)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    others.headers.pop("Authorization")
    assert (await others.request(method, path, **more)).status_code == 401


async def test_a_transfer_is_made_once_and_refused_in_words(bank, client) -> None:
    me = bank.participant.member_id
    friend = await bank.member()
    await give_hours(bank, me, 60)
    api = await caller(client, bank, bank.participant)
    same, body = key(), {"to_member_id": friend, "minutes": 25}
    first = await post(api, "/api/v1/transfers", body, **{"Idempotency-Key": same})
    again = await post(api, "/api/v1/transfers", body, **{"Idempotency-Key": same})
    assert (first.status_code, first.json()) == (201, again.json())
    assert (await hours(bank, friend)).posted == 25
    clash = await post(api, "/api/v1/transfers", {**body, "minutes": 26}, **{"Idempotency-Key": same})
    assert clash.status_code == 409
    refused = await post(api, "/api/v1/transfers", {**body, "minutes": 36})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_enough_hours")
    assert (await api.post("/api/v1/transfers", json=body)).json()["code"] == "idempotency_key_missing"
    assert (await hours(bank, me)).posted == 35


@pytest.mark.parametrize(
    "body",
    [{}, {"minutes": 5}, {"to_member_id": 1, "minutes": "five"}, {"to_member_id": 1, "minutes": 1.5},
     {"to_member_id": 1, "minutes": 10**30}, {"to_member_id": 1, "minutes": 5, "words": "x"}, []],
)  # fmt: skip
async def test_a_body_that_does_not_fit_is_a_400(bank, client, body: object) -> None:
    api = await caller(client, bank, bank.participant)
    answer = await post(api, "/api/v1/transfers", body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_offers_carry_no_money(bank, client) -> None:
    wanted = await offer(bank, payee_id=await payee(bank), value_pence=950, places=5)
    api = await caller(client, bank, bank.participant)
    (found,) = (await api.get("/api/v1/offers")).json()["offers"]
    assert (found["id"], found["price_minutes"], found["places_left"]) == (wanted, 60, 5)
    assert not [name for name in found if "pence" in name or "payee" in name or "value" in name]


async def test_a_booking_through_the_api(bank, client, other_bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    wanted = await offer(bank)
    api = await caller(client, bank, bank.participant)
    same = key()
    made = await post(api, "/api/v1/redemptions", {"offer_id": wanted}, **{"Idempotency-Key": same})
    again = await post(api, "/api/v1/redemptions", {"offer_id": wanted}, **{"Idempotency-Key": same})
    assert (made.status_code, made.json()) == (201, again.json())
    reference = made.json()["reference"]
    assert (made.json()["state"], made.json()["minutes"]) == ("requested", 60)

    await step(bank, "fulfil", reference)
    seen = (await api.get(f"/api/v1/redemptions/{reference}")).json()
    assert [event["state"] for event in seen["events"]] == ["requested", "accepted", "fulfilled"]

    refused = await post(api, "/api/v1/redemptions", {"offer_id": wanted})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_enough_hours")
    theirs = await offer(bank, "peer_support", provider_id=await bank.member())
    ask = await post(api, "/api/v1/redemptions", {"offer_id": theirs})
    assert (ask.status_code, ask.json()["code"]) == (422, "ask_first")
    unknown = await post(api, "/api/v1/redemptions", {"offer_id": 10**20})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_offer")

    assert (await (await caller(client, bank, bank.finance)).get(f"/api/v1/redemptions/{reference}")).status_code == 404
    stranger = await caller(client, other_bank, other_bank.coordinator)
    assert (await stranger.get(f"/api/v1/redemptions/{reference}")).status_code == 404
    assert (await api.get("/api/v1/redemptions/nonsense")).status_code == 404
