"""Staff manage offers: adding, changing, two at once, closing, copying, photos, and who may do it."""

import io
from datetime import timedelta

from PIL import Image

from tests.integration.redemptions.spending import booked, give_hours, key, offer, payee
from tests.integration.redemptions.test_hours_and_redemptions_api import caller, post
from timebank.redemptions import offers
from timebank.redemptions.offer_rules import ChangeOffer

TYPED = {
    "kind": "training",
    "title": "First aid",
    "summary": "Until help comes.",
    "price_minutes": "1:30",
    "starts_on-day": "1",
    "starts_on-month": "July",
    "starts_on-year": "2026",
    "starts_time": "2pm",
    "places": "8",
    "access": ["step_free", "bsl"],
    "benefit_label": "Ask us.",
    "new_payee": "The College",
    "value_pence": "12.50",
    "monthly_pence": "£100",
    "for": "everybody",
    "cancel_hours": "48",
    "hold_days": "14",
    "no_show": "used",
}


async def staff_of(client, bank, who=None):
    browser = client()
    await browser.sign_in(bank.db, who or bank.coordinator, now=bank.now)
    return browser


async def stored(bank, offer_id: int):
    async with bank.db.reading(bank.id) as connection:
        return await connection.fetchrow("select * from offer where id = $1", offer_id)


async def count(bank, table: str) -> int:
    async with bank.db.reading(bank.id) as connection:
        return await connection.fetchval(f"select count(*) from {table}")


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (900, 700), "red").save(out, "PNG")
    return out.getvalue()


async def test_a_training_is_added_once_with_a_new_supplier(bank, client) -> None:
    browser = await staff_of(client, bank)
    assert (await browser.get("/offers/manage/new?kind=training")).status_code == 200
    same = {**TYPED, "key": key()}
    answers = [await browser.submit("/offers/manage/new", same) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert (await count(bank, "offer"), await count(bank, "payee")) == (1, 1)
    made = await stored(bank, int(answers[0].headers["location"].rsplit("/", 1)[1]))
    assert (made["price_minutes"], made["value_pence"], made["monthly_pence"]) == (90, 1250, 10_000)
    assert made["starts_at"].isoformat() == "2026-07-01T13:00:00+00:00"  # 2pm in summer
    assert (made["access"], made["no_show"], made["search_key"]) == (
        ["step_free", "bsl"], "used", "first aid until help comes",
    )  # fmt: skip
    listed = await browser.get("/offers/manage?q=AID")
    assert "First aid" in listed.text
    assert "0 of 8" in listed.text
    assert "£0.00 of £100.00" in listed.text
    assert "Nothing like this" in (await browser.get("/offers/manage?q=aid&state=closed")).text
    page = (await browser.get(answers[0].headers["location"])).text
    for words in ('value="1 hour 30 minutes"', 'value="14:00"', 'value="12.50"', 'value="100.00"', "Ask us."):
        assert words in page


async def test_wrong_input_keeps_what_was_typed_and_changes_nothing(bank, client) -> None:
    browser = await staff_of(client, bank)
    for changes, words in (
        ({"price_minutes": "often"}, "as a length of time"),
        ({"starts_time": "soonish"}, "Enter the time it starts"),
        ({"starts_on-day": "40"}, "day"),
        ({"starts_on-day": "", "starts_on-month": "", "starts_on-year": ""}, "Enter the day and time it starts."),
        ({"places": "many"}, "Places or stock: type a number, like 12."),
        ({"value_pence": "12.505"}, "Enter the amount as a number"),
        ({"monthly_pence": "5"}, "The monthly budget is not enough for one."),
        ({"for": "groups"}, "Choose at least one group, or everybody."),
        ({"hold_days": "900"}, "Hours can stay set aside for 1 to 366 days."),
        ({"title": ""}, "Fill in “What is it called?”."),
    ):
        refused = await browser.submit("/offers/manage/new", {**TYPED, **changes})
        assert refused.status_code == 422, changes
        assert words in refused.text, changes
        assert "Until help comes." in refused.text
    assert await count(bank, "offer") == 0
    assert (await browser.submit("/offers/manage/new", {**TYPED, "kind": "peer_support"})).status_code == 404


async def test_the_second_of_two_sees_what_changed_and_can_save_again(bank, client) -> None:
    wanted = await offer(bank, title="Lunch", place="Café")
    browser = await staff_of(client, bank)
    typed = {
        "title": "A long lunch", "price_minutes": "1 hour", "benefit_label": "Ask us.", "for": "everybody",
        "revision": "1", "hold_days": "28",
    }  # fmt: skip
    other = ChangeOffer(offer_id=wanted, revision=1, title="Lunch", price_minutes=120, benefit_label="Ask us.")
    done = await offers.change_offer(bank.db, bank.coordinator_two, other, key=key(), now=bank.now)
    assert done == offers.ChangedOffer(offer_id=wanted, revision=2)
    refused = await browser.submit(f"/offers/manage/{wanted}", typed)
    assert refused.status_code == 422
    assert "Somebody changed this meanwhile." in refused.text
    for words in ("Price in hours", "<bdi>1 hour</bdi>", "<bdi>2 hours</bdi>", "<bdi>A long lunch</bdi>"):
        assert words in refused.text
    assert 'name="revision" value="2"' in refused.text
    assert (await stored(bank, wanted))["price_minutes"] == 120
    assert (await browser.submit(f"/offers/manage/{wanted}", {**typed, "revision": "2"})).status_code == 303
    assert (await stored(bank, wanted))["title"] == "A long lunch"


async def test_who_booked_hears_of_another_time_and_can_still_cancel(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 120)
    starts = bank.now + timedelta(days=7)
    wanted = await offer(bank, "training", title="First aid", starts_at=starts, place="College", hold_days=10)
    reference = await booked(bank, wanted, bank.participant)
    usual = {"title": "First aid", "price_minutes": 60, "benefit_label": "Ask us.", "place": "College", "hold_days": 10}

    async def moved(revision: int, **changes: object):
        command = ChangeOffer(offer_id=wanted, revision=revision, **{**usual, **changes})
        return await offers.change_offer(bank.db, bank.coordinator, command, key=key(), now=bank.now)

    refused = await moved(1, starts_at=starts + timedelta(days=30))
    assert [one.code for one in refused] == ["date_too_far"]
    assert (await moved(1, starts_at=starts)).told == 0
    later = starts + timedelta(days=2)
    assert (await moved(2, starts_at=later)).told == 1
    async with bank.db.reading(bank.id) as connection:
        until = await connection.fetchval("select cancel_until from redemption where reference = $1", reference)
        (message,) = await connection.fetch("select subject, body from message where kind = 'booking_moved'")
    assert until == later - timedelta(hours=24)
    assert message["subject"] == f"Your booking has changed: {reference}"
    assert "When: Thursday 19 March 2026, 2:30pm" in message["body"]


async def test_close_open_copy_and_photo(bank, client) -> None:
    wanted = await offer(bank, "training", title="First aid", places=8)
    browser = await staff_of(client, bank)
    for word, is_open in (("no", False), ("no", False), ("yes", True)):
        assert (await browser.submit(f"/offers/manage/{wanted}/open", {"open": word})).status_code == 303
        assert (await stored(bank, wanted))["is_open"] is is_open
    assert (await stored(bank, wanted))["revision"] == 3
    bad = await browser.submit(f"/offers/manage/{wanted}/photo", {"words": "A cup"})
    assert "Choose a photo first." in bad.text
    wordless = await browser.submit(f"/offers/manage/{wanted}/photo", files={"photo": ("a.png", picture())})
    assert "Say what the photo shows" in wordless.text
    done = await browser.submit(
        f"/offers/manage/{wanted}/photo", {"words": "A cup"}, files={"photo": ("a.png", picture())}
    )
    assert done.status_code == 303
    form = (await browser.get(f"/offers/manage/new?copy={wanted}")).text
    assert f'name="copy_of" value="{wanted}"' in form
    assert 'value="First aid"' in form
    assert 'name="starts_on-day" type="text" inputmode="numeric" autocomplete="off" value=""' in form
    added = await browser.submit("/offers/manage/new", {**TYPED, "copy_of": str(wanted)})
    again = int(added.headers["location"].rsplit("/", 1)[1])
    assert (await browser.get(f"/offers/{again}/photo/small")).status_code == 200
    assert (await browser.submit(f"/offers/manage/{wanted}/photo", {"remove": "yes"})).status_code == 303
    assert (await browser.get(f"/offers/{wanted}/photo/small")).status_code == 404


async def test_help_from_members_is_not_managed_here(bank, client) -> None:
    helper = await bank.member()
    theirs = await offer(bank, "peer_support", provider_id=helper, title="A walk")
    browser = await staff_of(client, bank)
    assert "A walk" not in (await browser.get("/offers/manage")).text
    for path in (f"/offers/manage/{theirs}", f"/offers/manage/new?copy={theirs}&kind=x"):
        assert (await browser.get(path)).status_code == 404
    assert (await browser.submit(f"/offers/manage/{theirs}/open", {"open": "no"})).status_code == 404


async def test_programs_of_staff_manage_offers_and_those_of_members_do_not(bank, client) -> None:
    supplier = await payee(bank)
    api, theirs = await caller(client, bank, bank.coordinator), await caller(client, bank, bank.participant)
    body = {
        "kind": "voucher", "title": "Lunch", "price_minutes": 60, "benefit_label": "Ask us.",
        "payee_id": supplier, "value_pence": 900, "monthly_pence": 1800, "access": ["step_free"],
    }  # fmt: skip
    assert (await post(theirs, "/api/v1/offers/manage", body)).status_code in (403, 422)
    made = await post(api, "/api/v1/offers/manage", body)
    assert made.status_code == 201
    offer_id = made.json()["id"]
    for path in ("", f"/{offer_id}"):
        assert (await theirs.get(f"/api/v1/offers/manage{path}")).status_code == 403
    read = (await api.get(f"/api/v1/offers/manage/{offer_id}")).json()
    assert (read["state"], read["committed_pence"], read["monthly_pence"]) == ("open", 0, 1800)
    del body["kind"]
    changed = await post(api, f"/api/v1/offers/manage/{offer_id}", {**body, "title": "Supper", "revision": 1})
    assert changed.json() == {"offer_id": offer_id, "revision": 2, "told": 0}
    stale = await post(api, f"/api/v1/offers/manage/{offer_id}", {**body, "revision": 1})
    assert stale.json()["code"] == "changed_meanwhile"
    assert (await post(api, f"/api/v1/offers/manage/{offer_id}/open", {"is_open": False})).json()["revision"] == 3
    closed = (await api.get("/api/v1/offers/manage?offer_state=closed")).json()["offers"]
    assert [one["title"] for one in closed] == ["Supper"]
    assert (await post(api, f"/api/v1/offers/manage/{offer_id}/photo", {"photo": "x", "words": "A"})).status_code == 422
    for wrong in ({"group_ids": [2**63]}, {"payee_id": 2**70, "value_pence": 1}, {"starts_at": "2026-01-01T10:00:00"}):
        assert (await post(api, "/api/v1/offers/manage", {"kind": "voucher", **body, **wrong})).status_code == 422
