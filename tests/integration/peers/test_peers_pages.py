"""Pages and API of help between members: forms keep what was typed, each step leads on, and nobody else sees in."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.peers.helping import agreed, ask_of, asked, offers, person, says, wishes
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.identity.service import create_token
from timebank.kit.actor import Actor


async def browser_of(client: Any, bank: Bank, who: Actor) -> Any:
    browser = client()
    await browser.sign_in(bank.db, who)
    return browser


async def test_asking_and_answering(bank: Bank, client: Any) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    offer = await offers(bank, ben, "Chess & <b>tea</b>")
    page = await browser_of(client, bank, ann)
    shown = await page.get("/share")
    assert "Chess &amp; &lt;b&gt;tea" in shown.text
    assert "Ask Ben" in (await page.get(f"/share/offers/{offer}")).text
    fields = {"minutes": "60", "how": "in_person", "day": "2026-03-12", "note": "Hello"}
    refused = await page.submit(f"/share/offers/{offer}", fields)
    assert refused.status_code == 422
    assert "Choose the time too." in refused.text
    assert "Hello" in refused.text, "what was typed is kept"
    sent = await page.submit(f"/share/offers/{offer}", {**fields, "time": "14:00"})
    assert sent.status_code == 303
    where = sent.headers["location"]
    other = await browser_of(client, bank, ben)
    assert "Ann asks you for this." in (await other.get(where)).text
    assert (await other.submit(f"{where}/yes", {"reach": "01632 960 100"})).status_code == 303
    assert "01632 960 100" in (await page.get(where)).text
    assert (await page.submit(f"{where}/happened", {"minutes": "60"})).status_code == 422, "it has not begun"
    assert (await page.submit(f"{where}/cancel")).status_code == 303
    assert "01632 960 100" not in (await page.get(where)).text


async def test_not_enough_hours_says_what_can_be_done(bank: Bank, client: Any) -> None:
    ann, ben = await person(bank, "Ann", 45), await person(bank, "Ben")
    offer = await offers(bank, ben)
    page = await browser_of(client, bank, ann)
    refused = await page.submit(f"/share/offers/{offer}", {"minutes": "60", "how": "phone"})
    assert refused.status_code == 422
    assert "You need 15 minutes more. You have enough for 45 minutes." in refused.text
    assert "/gifts/ask" in refused.text


async def test_my_own_offers(bank: Bank, client: Any) -> None:
    page = await browser_of(client, bank, bank.participant)
    refused = await page.submit("/share/offers/new", {"title": "Call 01632 960 123", "minutes": "60"})
    assert refused.status_code == 422
    assert "Leave out addresses" in refused.text
    assert "Choose what it is about." in refused.text
    kept = await page.submit("/share/offers/new", {"title": "Bread", "minutes": "60", "category": "cooking"})
    assert kept.status_code == 303
    mine = (await page.get("/share/mine")).text
    assert "Bread" in mine
    change = mine.split('href="/share/offers/')[1].split('"')[0]
    assert (await page.submit(f"/share/offers/{change}", {"step": "away"})).status_code == 303
    assert "Put away" in (await page.get("/share/mine")).text
    assert (await page.submit(f"/share/offers/{change}", {"step": "again"})).status_code == 303


async def test_off_is_said_kindly(db: Database, client: Any) -> None:
    bank = await make_bank(db, safeguarding_lead="")
    page = await browser_of(client, bank, bank.participant)
    for path in ("/share", "/share/mine", "/share/offers/new"):
        shown = await page.get(path)
        assert shown.status_code == 200
        assert "This has not started here yet." in shown.text


@pytest.mark.parametrize("easy", [False, True])
async def test_every_state_has_a_page(bank: Bank, client: Any, clock: Any, easy: bool) -> None:
    ann, ben = await person(bank, "Ann", 900), await person(bank, "Ben", 900)
    if easy:
        async with bank.db.writing(bank.id) as connection:
            await connection.execute("update member set easy_read = true where timebank_id = $1", bank.id)
    offer = await offers(bank, ben)
    waits = await asked(bank, ben, wish_id=await wishes(bank, ann), starts_at=None)
    apart = await agreed(bank, ann, ben, offer_id=offer)
    done = await agreed(bank, ann, ben, offer_id=offer)
    await says(bank, ann, apart, 30)
    await says(bank, ben, apart, 60)
    await says(bank, ann, done, 60)
    await says(bank, ben, done, 60)
    begun = await agreed(bank, ann, ben, offer_id=offer)
    pages = [await browser_of(client, bank, who) for who in (ann, ben)]
    clock.set(bank.now.replace(day=12))
    for reference in (waits, apart, done, begun):
        for page in pages:
            shown = await page.get(f"/share/asks/{reference}")
            assert shown.status_code == 200, reference
    assert "It happened: 1 hour" in (await pages[0].get(f"/share/asks/{begun}")).text
    assert "Yes, 1 hour is right" in (await pages[0].get(f"/share/asks/{apart}")).text
    for path in ("/share", "/share?what=wishes", "/share/asks", "/share/mine", f"/share/people/{ben.member_id}"):
        assert (await pages[0].get(path)).status_code == 200, path


async def test_a_coordinator_settles_on_the_page(bank: Bank, client: Any) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    await says(bank, ann, reference, 30)
    await says(bank, ben, reference, 60)
    page = await browser_of(client, bank, bank.coordinator)
    assert reference in (await page.get("/share/all")).text
    path = f"/share/asks/{reference}"
    assert "Settle it" in (await page.get(path)).text
    assert (await page.submit(f"{path}/settle", {"settled": "45"})).status_code == 422
    assert (await page.submit(f"{path}/settle", {"settled": "45", "reason": "Both agree now"})).status_code == 303
    assert (await ask_of(bank, reference)).minutes_moved == 45
    stranger = await browser_of(client, bank, bank.participant)
    assert (await stranger.get(path)).status_code == 404


async def test_the_api_does_what_the_pages_do(bank: Bank, client: Any, clock: Any) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    heads = {}
    for who in (ann, ben):
        scopes = ("offers:read", "redemptions:write")
        made = await create_token(bank.db, who, who.member_id, "A program", scopes, now=bank.now)
        assert isinstance(made, str), made
        heads[who.member_id] = made
    browser = client()

    async def call(who: Actor, path: str, body: object = None) -> Any:
        head = {"Authorization": f"Bearer {heads[who.member_id]}", "Idempotency-Key": uuid4().hex}
        if body is None:
            return await browser.get(f"/api/v1/peers/{path}", headers=head)
        return await browser.post(f"/api/v1/peers/{path}", json=body, headers=head)

    kept = await call(ben, "offers", {"title": "Chess", "category": "company"})
    assert kept.status_code == 201, kept.text
    (card,) = (await call(ann, "offers")).json()["offers"]
    assert card["title"] == "Chess"
    body = {"offer_id": card["id"], "minutes": 60, "starts_at": "2026-03-11T14:00:00Z"}
    made = await call(ann, "asks", body)
    assert made.status_code == 201, made.text
    reference = made.json()["reference"]
    agreed_now = await call(ben, f"asks/{reference}/yes", {"reach": "text me"})
    assert agreed_now.json()["state"] == "agreed"
    assert (await call(ann, f"asks/{reference}")).json()["their_reach"] == "text me"
    clock.set(bank.now.replace(day=12))
    for who in (ann, ben):
        said = await call(who, f"asks/{reference}/happened", {"minutes": 60})
    assert said.json()["state"] == "done"
    assert said.json()["done_minutes"] == 60
    assert (await call(ann, f"asks/{reference}/thanks", {"words": "Thank you"})).status_code == 200
    assert (await call(ann, f"people/{ben.member_id}/block", {})).status_code == 200
    assert (await call(ann, "offers")).json()["offers"] == []
    assert (await call(ann, "asks/open")).status_code == 403
    assert (await call(ann, "asks/AAAA-AAAA")).status_code == 404
