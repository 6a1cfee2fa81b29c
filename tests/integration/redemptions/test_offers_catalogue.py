"""The catalogue: what is found, who sees what, pictures, what is saved, and nothing spent at a price nobody saw."""

import asyncio
import io
import re
from datetime import timedelta

import pytest
from PIL import Image

from tests.integration.redemptions.spending import actor, book, booked, give_hours, key, offer, payee, step
from tests.integration.redemptions.test_hours_and_redemptions_api import caller, post
from timebank.kit.actor import system
from timebank.kit.pictures import remake
from timebank.members import groups
from timebank.members import service as members
from timebank.members.groups import JoinGroup, LeaveGroup
from timebank.redemptions import offer_photos, offers, saved, service
from timebank.redemptions.offer_rules import ChangeOffer, Seen
from timebank.redemptions.readers import reader_of
from timebank.redemptions.saved import SaveOffer
from timebank.redemptions.service import RequestRedemption


async def browser_of(client, bank, who):
    browser = client()
    await browser.sign_in(bank.db, who, now=bank.now)
    return browser


def titles(page: str) -> list[str]:
    return re.findall(r'<a href="/offers/\d+"><bdi>([^<]+)</bdi></a>', page)


async def group(bank, name: str = "Allotment club") -> int:
    command = members.AddMember(display_name=name, kind="group", joined_on=(bank.now - timedelta(days=99)).date())
    added = await members.add(bank.db, system(bank.id), command, key=key(), now=bank.now)
    assert isinstance(added, members.Added), added
    return added.member_id


async def joins(bank, group_id: int, member_id: int) -> None:
    command = JoinGroup(group_id=group_id, member_id=member_id, from_on=bank.now.date())
    assert not isinstance(await groups.join_group(bank.db, bank.coordinator, command, key=key(), now=bank.now), list)


async def photo(bank, offer_id: int, words: str = "A red cup", colour: str = "red") -> None:
    out = io.BytesIO()
    Image.new("RGB", (900, 700), colour).save(out, "JPEG")
    remade = await remake(out.getvalue())
    sizes = await offer_photos.sizes_of(remade)
    done = await offer_photos.set_photo(bank.db, bank.coordinator, offer_id, sizes, words, key=key(), now=bank.now)
    assert done == offer_id


async def test_filters_are_in_the_address_and_together(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    await offer(bank, title="Swim at the Pérgola", place="Harbour", access=("step_free", "hearing_loop"))
    await offer(bank, title="First aid", kind="training", place="College", access=("step_free",))
    await offer(bank, title="Far away", kind="training", starts_at=bank.now + timedelta(days=60), place="College")
    browser = await browser_of(client, bank, bank.participant)
    for query, expected in (
        ("", {"Swim at the Pérgola", "First aid", "Far away"}),
        ("q=pergola", {"Swim at the Pérgola"}),
        ("q=AID+first", {"First aid"}),
        ("q=%25", {"Swim at the Pérgola", "First aid", "Far away"}),
        ("kind=training", {"First aid", "Far away"}),
        ("place=College&when=month", {"First aid"}),
        ("when=week", {"First aid"}),
        ("when=later", {"Far away"}),
        ("when=anytime", {"Swim at the Pérgola"}),
        ("access=step_free", {"Swim at the Pérgola", "First aid"}),
        ("access=step_free&access=hearing_loop", {"Swim at the Pérgola"}),
        ("kind=nonsense&when=x&access=y&page=zero&show=q", {"Swim at the Pérgola", "First aid", "Far away"}),
        ("q=nothing+like+it", set()),
        ("q=%00", {"Swim at the Pérgola", "First aid", "Far away"}),
    ):
        page = await browser.get(f"/offers?{query}")
        assert page.status_code == 200
        assert set(titles(page.text)) == expected, query
    empty = (await browser.get("/offers?q=nothing")).text
    assert "Choose less, or look at everything." in empty
    assert 'value="nothing"' in empty
    ticked = (await browser.get("/offers?access=step_free&place=College")).text
    assert re.search(r'value="step_free" checked', ticked)
    assert '<option value="College" selected>' in ticked


async def test_a_part_has_pages(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 600)
    for n in range(30):
        await offer(bank, title=f"Thing {n:02}", price_minutes=60 + n)
    browser = await browser_of(client, bank, bank.participant)
    first = (await browser.get("/offers?q=thing")).text
    assert len(titles(first)) == 12
    assert "Show all 30: You can use these now" in first
    assert "/offers?q=thing&amp;show=now" in first
    one, two = [(await browser.get(f"/offers?q=thing&show=now&page={n}")).text for n in (1, 2)]
    assert (len(titles(one)), len(titles(two))) == (24, 6)
    assert "show=now&amp;page=2" in one


async def test_an_offer_for_a_group_is_there_for_its_members_only(bank, client) -> None:
    club, member_id = await group(bank), bank.participant.member_id
    other = await bank.member()
    for each in (member_id, other):
        await give_hours(bank, each, 120)
    seeds = await offer(bank, title="Seeds", group_ids=(club,))
    await joins(bank, club, member_id)
    browser, stranger = await browser_of(client, bank, bank.participant), client()
    await stranger.sign_in(bank.db, actor(bank, other), now=bank.now)
    assert titles((await browser.get("/offers")).text) == ["Seeds"]
    assert titles((await stranger.get("/offers")).text) == []
    await photo(bank, seeds)
    for path in (f"/offers/{seeds}", f"/offers/{seeds}/check", f"/offers/{seeds}/photo/small"):
        assert (await browser.get(path)).status_code == 200
        assert (await stranger.get(path)).status_code == 404
    refused = await book(bank, seeds, actor(bank, other))
    assert [one.code for one in refused] == ["unknown_offer"]
    assert isinstance(await book(bank, seeds, bank.participant), service.Booked)
    async with bank.db.reading(bank.id) as connection:
        (belongs,) = await groups.groups_of(connection, bank.id, member_id)
    leave = LeaveGroup(group_id=club, belonging_id=belongs.id, until_on=bank.now.date())
    assert not isinstance(await groups.leave_group(bank.db, bank.coordinator, leave, key=key(), now=bank.now), list)
    assert titles((await browser.get("/offers")).text) == []


async def test_only_groups_can_be_chosen(bank) -> None:
    command = offers.AddOffer(
        kind="voucher", title="X", price_minutes=60, benefit_label="Ask.", group_ids=(bank.participant.member_id,)
    )
    refused = await offers.add_offer(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert [one.code for one in refused] == ["unknown_group"]


async def test_days_on_which_it_is_shown(bank, client) -> None:
    day = bank.now.date()
    await give_hours(bank, bank.participant.member_id, 120)
    await offer(bank, title="Today", shown_from=day, shown_until=day)
    later = await offer(bank, title="Tomorrow", shown_from=day + timedelta(days=1))
    await offer(bank, title="Yesterday", shown_until=day - timedelta(days=1))
    browser = await browser_of(client, bank, bank.participant)
    assert titles((await browser.get("/offers")).text) == ["Today"]
    assert "This is not on offer now." in (await browser.get(f"/offers/{later}")).text
    assert [one.code for one in await book(bank, later, bank.participant)] == ["offer_closed"]


async def test_a_monthly_budget_is_never_passed_by_ten_at_once(bank) -> None:
    supplier = await payee(bank)
    wanted = await offer(bank, payee_id=supplier, value_pence=300, monthly_pence=1000)
    people = [actor(bank, await bank.member()) for _ in range(10)]
    for person in people:
        await give_hours(bank, person.member_id, 120)
    answers = await asyncio.gather(*(book(bank, wanted, person) for person in people))
    made = [answer for answer in answers if isinstance(answer, service.Booked)]
    assert len(made) == 3
    assert {answer[0].code for answer in answers if isinstance(answer, list)} == {"no_more_this_month"}
    # What does not happen frees its part; what a raise in value would cost counts for new ones only.
    assert not isinstance(await step(bank, "decline", made[0].reference, reason="Closed"), list)
    assert isinstance(await book(bank, wanted, people[0]), service.Booked) or isinstance(
        await book(bank, wanted, people[9]), service.Booked
    )
    async with bank.db.reading(bank.id) as connection:
        committed = await connection.fetchval(
            "select sum(committed_pence) from redemption where offer_id = $1 and state in ('requested', 'fulfilled')",
            wanted,
        )
    assert committed == 900


@pytest.mark.parametrize(
    ("back", "owed", "room"),
    [(None, None, 2), (None, 100, 1), (None, 300, 1), (30, None, 1), (30, 100, 1), (30, 0, 2)],
)
async def test_what_stays_owed_after_a_refund_still_counts_against_the_month(bank, back, owed, room) -> None:
    person = actor(bank, await bank.member())
    await give_hours(bank, person.member_id, 600)
    wanted = await offer(bank, payee_id=await payee(bank), value_pence=300, monthly_pence=600)
    reference = await booked(bank, wanted, person)
    await step(bank, "fulfil", reference)
    command = service.Refund(reference=reference, reason="Closed early", minutes=back, supplier_pence=owed)
    done = await service.refund(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert isinstance(done, service.Changed), done
    answers = [await book(bank, wanted, person) for _ in range(3)]
    assert sum(isinstance(answer, service.Booked) for answer in answers) == room


async def test_a_new_month_has_a_new_budget_and_the_page_says_when(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    wanted = await offer(bank, title="Cake", payee_id=await payee(bank), value_pence=300, monthly_pence=300)
    await booked(bank, wanted, bank.participant)
    browser = await browser_of(client, bank, bank.participant)
    for path in ("/offers", f"/offers/{wanted}"):
        assert "No more this month. From 1 April again." in (await browser.get(path)).text
    assert [one.code for one in await book(bank, wanted, bank.participant)] == ["no_more_this_month"]
    async with bank.db.reading(bank.id) as connection:
        zone = (await reader_of(connection, bank.id, bank.participant.member_id, bank.now)).reader.time_zone
    assert zone == "Europe/London"
    # 1 April begins at 23:00 UTC on 31 March: the clocks of the time bank decide.
    last = bank.now.replace(month=3, day=31, hour=22, minute=59)
    assert [one.code for one in await book(bank, wanted, bank.participant, now=last)] == ["no_more_this_month"]
    assert isinstance(await book(bank, wanted, bank.participant, now=last + timedelta(minutes=1)), service.Booked)


async def change(bank, offer_id: int, revision: int = 1, **changes: object):
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow("select title, price_minutes, benefit_label from offer where id = $1", offer_id)
    command = ChangeOffer(offer_id=offer_id, revision=revision, **{**dict(row), **changes})
    return await offers.change_offer(bank.db, bank.coordinator, command, key=key(), now=bank.now)


async def test_a_price_that_changed_between_check_and_yes_is_refused_with_the_new_one(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    wanted = await offer(bank, title="Lunch")
    browser = await browser_of(client, bank, bank.participant)
    page = (await browser.get(f"/offers/{wanted}/check")).text
    fields = dict(re.findall(r'name="(price|revision|bookings)" value="(\d+)"', page))
    assert fields == {"price": "60", "revision": "1", "bookings": "0"}
    assert not isinstance(await change(bank, wanted, price_minutes=90), list)
    refused = await browser.submit(f"/offers/{wanted}/use", fields)
    assert refused.status_code == 422
    assert "The price has changed. It is now 1 hour 30 minutes." in refused.text
    assert "Use 1 hour 30 minutes" in refused.text
    again = dict(re.findall(r'name="(price|revision|bookings)" value="(\d+)"', refused.text))
    assert (await browser.submit(f"/offers/{wanted}/use", again)).status_code == 303
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select minutes from redemption where offer_id = $1", wanted) == 90


async def test_two_phones_at_once_book_once_until_asked_again(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    wanted = await offer(bank)
    phones = [await browser_of(client, bank, bank.participant)] * 2  # the two send forms of their own
    fields = {"price": "60", "revision": "1", "bookings": "0"}
    answers = await asyncio.gather(*(phone.submit(f"/offers/{wanted}/use", fields) for phone in phones))
    assert sorted(answer.status_code for answer in answers) == [303, 422]
    (refused,) = [answer for answer in answers if answer.status_code == 422]
    assert "You booked this a moment ago." in refused.text
    assert "You have booked this already" in refused.text
    assert (await phones[0].submit(f"/offers/{wanted}/use", {**fields, "bookings": "1"})).status_code == 303


async def test_an_offer_that_is_closed_or_full_meanwhile_says_what_else_there_is(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    other = await bank.member()
    await give_hours(bank, other, 240)
    last, closed = await offer(bank, places=1), await offer(bank)
    await offer(bank, title="A walk instead")
    browser = await browser_of(client, bank, bank.participant)
    await booked(bank, last, actor(bank, other))
    command = offers.OpenOffer(offer_id=closed, is_open=False)
    await offers.open_offer(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    for offer_id, words in ((last, "No places are left"), (closed, "This is not on offer")):
        fields = {"price": "60", "revision": "1", "bookings": "0"}
        refused = await browser.submit(f"/offers/{offer_id}/use", fields)
        assert refused.status_code == 422
        assert words in refused.text
        assert "A walk instead" in refused.text
        assert 'href="#offer_id"' not in refused.text  # the page has no box to lead to


async def test_saved_is_ones_own_and_nobody_elses(bank, client) -> None:
    wanted, other = await offer(bank, title="Lunch"), await offer(bank, title="Swim")
    browser = await browser_of(client, bank, bank.participant)
    assert "You have saved nothing yet" in (await browser.get("/offers/saved")).text
    assert (await browser.submit(f"/offers/{wanted}/save", {"saved": "yes"})).status_code == 303
    assert (await browser.submit(f"/offers/{wanted}/save", {"saved": "yes"})).status_code == 303
    assert titles((await browser.get("/offers/saved")).text) == ["Lunch"]
    assert "It is on your list." in (await browser.get(f"/offers/{wanted}")).text
    assert "It is on your list." not in (await browser.get(f"/offers/{other}")).text
    staff = await browser_of(client, bank, bank.coordinator)
    assert titles((await staff.get("/offers/saved")).text) == []
    fields = {"reason": "She asked", "how_agreed": "phone"}
    assert (await staff.submit(f"/members/{bank.participant.member_id}/act", fields)).status_code == 303
    assert (await staff.get("/offers/saved")).status_code == 403
    assert (await staff.submit(f"/offers/{other}/save", {"saved": "yes"})).status_code == 403
    assert "Saved" not in (await staff.get("/offers")).text
    gone = await browser.submit(f"/offers/{wanted}/save", {"saved": "no", "back": "saved"})
    assert gone.headers["location"] == "/offers/saved"
    assert titles((await browser.get("/offers/saved")).text) == []


async def test_the_list_of_saved_things_has_an_end(bank, monkeypatch) -> None:
    monkeypatch.setattr(saved, "MAX_SAVED", 1)
    for n, expected in ((0, True), (1, False)):
        command = SaveOffer(offer_id=await offer(bank, title=f"Thing {n}"), is_saved=True)
        done = await saved.save_offer(bank.db, bank.participant, command, key=key(), now=bank.now)
        assert isinstance(done, saved.Saved) == expected


async def test_a_picture_in_three_sizes_that_stay_small(bank, client) -> None:
    wanted = await offer(bank, title="Lunch")
    await photo(bank, wanted)
    browser = await browser_of(client, bank, bank.participant)
    page = (await browser.get("/offers")).text
    assert 'width="96" height="96" alt="A red cup" loading="lazy"' in page
    for size, kind, limit in (("small", "WEBP", 1_200), ("medium", "WEBP", 11_000), ("full", "JPEG", 1_500_000)):
        answer = await browser.get(f"/offers/{wanted}/photo/{size}")
        assert answer.status_code == 200
        assert len(answer.content) <= limit
        assert Image.open(io.BytesIO(answer.content)).format == kind
    assert (await browser.get(f"/offers/{wanted}/photo/huge")).status_code == 404
    await photo(bank, wanted, words="A blue cup", colour="blue")
    assert "A blue cup" in (await browser.get(f"/offers/{wanted}")).text


async def test_easy_read_is_one_idea_with_a_picture_each(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    wanted = await offer(bank, title="Lunch", description="A long story.", access=("step_free",))
    async with bank.db.writing(bank.id) as connection:
        who = bank.participant.member_id
        await connection.execute("update member set easy_read = true where id = $1", who)
    browser = await browser_of(client, bank, bank.participant)
    for path, words in (
        ("/offers", "You have <bdi>1 hour</bdi> to use."),
        (f"/offers/{wanted}", "It costs <bdi>1 hour</bdi>."),
        (f"/offers/{wanted}/check", "You use <bdi>1 hour</bdi>."),
        ("/offers/saved", "Only you see this list."),
    ):
        page = (await browser.get(path)).text
        assert re.search(rf'<div class="tb-idea"><svg.*?{re.escape(words)}', page, re.DOTALL), path
        assert "<dl" not in page


async def test_what_a_page_showed_counts_through_the_service(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    wanted = await offer(bank)
    command = RequestRedemption(
        offer_id=wanted, member_id=bank.participant.member_id, seen=Seen(price_minutes=60, revision=2)
    )
    refused = await service.request(bank.db, bank.participant, command, key=key(), now=bank.now)
    assert [one.code for one in refused] == ["offer_changed"]


async def test_the_api_has_the_same_filters_and_lists(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 30)
    await offer(bank, title="Lunch", place="Harbour", access=("step_free",), payee_id=await payee(bank), value_pence=7)
    wanted = await offer(bank, title="First aid", kind="training")
    api = await caller(client, bank, bank.participant)
    for query, expected in (("", 2), ("?q=lunch", 1), ("?kind=training", 1), ("?access=step_free&place=Harbour", 1)):
        found = (await api.get(f"/api/v1/offers{query}")).json()["offers"]
        assert len(found) == expected, query
        assert "pence" not in str(found)
    saved_one = await post(api, f"/api/v1/offers/{wanted}/save", {})
    assert saved_one.json() == {"offer_id": wanted, "is_saved": True}
    (mine,) = (await api.get("/api/v1/offers/saved")).json()["offers"]
    assert (mine["title"], mine["is_saved"], mine["short_minutes"]) == ("First aid", True, 30)
    assert (await api.get(f"/api/v1/offers/{wanted}")).json()["id"] == wanted
    assert (await post(api, "/api/v1/offers/999999999/save", {})).status_code == 404
