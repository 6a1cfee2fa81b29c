"""What members log for themselves: pages, photos, who may see what, taking back, and what the rules decide."""

import asyncio
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from PIL import Image

import ledger
from tests.people import Bank, Browser, make_bank
from timebank.contributions import photos, self_log, service
from timebank.contributions.self_log import Logged, LogTime, Withdraw, Withdrawn
from timebank.contributions.service import AddActivity, Decide, Decided
from timebank.contributions.words import SOMETHING_ELSE
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

Open = Callable[[], Browser]
GPS = 0x8825


def jpeg(colour: str = "navy", *, located: bool = False) -> bytes:
    exif = Image.Exif()
    if located:
        exif.get_ifd(GPS).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    out = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


async def group(bank: Bank, name: str = "Lunch club") -> int:
    added = await service.add_activity(bank.db, bank.coordinator, AddActivity(name=name), key=uuid4().hex, now=bank.now)
    assert isinstance(added, int)
    return added


async def log(bank: Bank, who: Actor, **fields: object) -> Logged | list[Refusal]:
    command = LogTime(**{"activity_id": None, "held_on": bank.now.date(), "minutes": 60, "words": "Read", **fields})
    return await self_log.log_time(bank.db, who, command, key=uuid4().hex, now=bank.now)


async def logged(bank: Bank, who: Actor, **fields: object) -> Logged:
    result = await log(bank, who, **fields)
    assert isinstance(result, Logged), result
    return result


async def minutes(bank: Bank, who: Actor) -> int:
    async with bank.db.reading(bank.id) as connection:
        return (await ledger.balance(connection, bank.id, f"member/{who.member_id}")).posted


async def browser_of(client: Open, bank: Bank, who: Actor) -> Browser:
    browser = client()
    await browser.sign_in(bank.db, who)
    return browser


async def other_member(bank: Bank, *roles: str) -> Actor:
    return Actor(timebank_id=bank.id, member_id=await bank.member(None, *roles), roles=frozenset(roles))


async def send(browser: Browser, path: str, fields: dict[str, str], content: bytes | None = None) -> httpx.Response:
    files = {"photo": ("photo.jpg", content, "image/jpeg")} if content is not None else {"photo": ("", b"", "")}
    return await browser.submit(path, fields, files=files)


def hidden(page: str) -> dict[str, str]:
    first = page.split("/log/save", 1)[1].split("</form>", 1)[0]
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', first))


async def test_the_whole_way_over_the_pages(client: Open, bank: Bank) -> None:
    lunch = await group(bank)
    browser = await browser_of(client, bank, bank.participant)
    fields = {"activity": str(lunch), "length": "90", "day": "yesterday", "words": "Cut onions\nand washed up"}
    check = await send(browser, "/log", fields, jpeg(located=True))
    assert check.status_code == 200, check.text
    assert "1 hour 30 minutes" in check.text
    kept = hidden(check.text)
    assert (kept["on-day"], kept["on-month"], kept["on-year"]) == ("9", "3", "2026")
    shown = await browser.get(f"/log/photos/{kept['photo_id']}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(shown.content)) as image:
        assert not image.getexif()
    saved = await browser.post("/log/save", data={**kept, "csrf": browser.csrf}, follow_redirects=False)
    again = await browser.post("/log/save", data={**kept, "csrf": browser.csrf}, follow_redirects=False)
    assert (saved.status_code, saved.headers["location"]) == (303, again.headers["location"])
    page = (await browser.get(saved.headers["location"])).text
    assert "Thank you. We have it." in page
    assert "and washed up" in page
    assert "Someone looks at it" in (await browser.get("/log/mine")).text
    assert await minutes(bank, bank.participant) == 0

    queue = (await (await browser_of(client, bank, bank.coordinator)).get("/decisions")).text
    assert "and washed up" in queue
    assert "Why you are asked" in queue


async def test_bad_fields_lose_nothing(client: Open, bank: Bank) -> None:
    lunch = await group(bank)
    browser = await browser_of(client, bank, bank.participant)
    fields = {
        "activity": str(lunch),
        "own_length": "an age",
        "on-day": "31",
        "on-month": "2",
        "on-year": "2026",
        "words": "Told <b>stories</b>",
    }
    page = await send(browser, "/log", fields, b"this is no photo")
    assert page.status_code == 422
    for kept in ("an age", "Told &lt;b&gt;stories&lt;/b&gt;", 'value="31"', "Choose the photo again"):
        assert kept in page.text, kept
    assert re.search(rf'value="{lunch}" checked', page.text)
    for field in ("photo", "own_length", "on"):
        assert f'href="#{field}"' in page.text, field
    # A good photo is kept while the rest is put right.
    page = await send(browser, "/log", fields, jpeg())
    photo_id = re.search(r'name="photo_id" value="(\d+)"', page.text)
    assert photo_id
    assert "Your photo is here" in page.text
    good = {**fields, "own_length": "1:15", "on-day": "1", "on-month": "3", "photo_id": photo_id[1]}
    check = await send(browser, "/log", good)
    assert check.status_code == 200
    assert f"/log/photos/{photo_id[1]}" in check.text
    without = await send(browser, "/log", {**good, "no_photo": "yes"})
    assert "/log/photos/" not in without.text


async def test_a_photo_that_is_far_too_large_still_keeps_what_was_typed(client: Open, bank: Bank) -> None:
    browser = await browser_of(client, bank, bank.participant)
    page = await send(browser, "/log", {"words": "A long story"}, jpeg() + b"x" * photos.MAX_PHOTO_BYTES)
    assert page.status_code == 422
    assert "This photo is too large" in page.text
    assert "A long story" in page.text


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"minutes": 0}, "minutes_zero", "length"),
        ({"minutes": -5}, "minutes_negative", "length"),
        ({"minutes": 2**40}, "minutes_above_limit", "length"),
        ({"held_on": "tomorrow"}, "date_in_future", "day"),
        ({"held_on": "long ago"}, "date_too_far_back", "day"),
        ({"words": "  "}, "words_missing", "words"),
        ({"words": "x" * 2001}, "words_too_long", "words"),
        ({"activity_id": 2**62}, "unknown_activity", "activity"),
        ({"activity_id": -1}, "unknown_activity", "activity"),
        ({"photo_id": 2**62}, "photo_gone", "photo"),
        ({"photo_id": 2**70}, "photo_gone", "photo"),
        ({"duplicate_reason": "x" * 201}, "reason_too_long", "again"),
    ],
)
async def test_what_cannot_be_logged(bank: Bank, fields: dict[str, object], code: str, field: str) -> None:
    days = {"tomorrow": bank.now.date() + timedelta(days=1), "long ago": bank.now.date() - timedelta(days=61)}
    given = {name: days.get(value, value) if isinstance(value, str) else value for name, value in fields.items()}
    result = await log(bank, bank.participant, **given)
    assert isinstance(result, list)
    assert [(one.code, one.field) for one in result] == [(code, field)]
    assert all(len(part.split()) <= 15 for one in result for part in re.split(r"(?<=[.?!]) ", one.message)), result


async def test_short_time_is_added_at_once_where_the_rules_say_so(db: Database) -> None:
    bank = await make_bank(db, self_log_approved_up_to_minutes=60)
    assert (await logged(bank, bank.participant, minutes=60)).state == "approved"
    assert await minutes(bank, bank.participant) == 60
    assert (await logged(bank, bank.participant, minutes=61)).state == "submitted"
    assert await minutes(bank, bank.participant) == 60


async def test_the_same_again_needs_a_reason(bank: Bank) -> None:
    await logged(bank, bank.participant)
    again = await log(bank, bank.participant)
    assert isinstance(again, list)
    assert [(one.code, one.field) for one in again] == [("duplicate", "again")]
    assert (await logged(bank, bank.participant, duplicate_reason="Also at night")).state == "submitted"


async def test_two_members_need_something_else_at_the_same_moment(bank: Bank) -> None:
    others = [await other_member(bank) for _ in range(4)]
    results = await asyncio.gather(*(log(bank, who) for who in others))
    assert all(isinstance(one, Logged) for one in results), results
    async with bank.db.reading(bank.id) as connection:
        named = await connection.fetchval("select count(*) from activity where name = $1", SOMETHING_ELSE)
    assert named == 1


async def test_only_the_member_and_those_who_decide_see_a_photo(client: Open, bank: Bank, other_bank: Bank) -> None:
    remade = await photos.remake(jpeg())
    assert isinstance(remade, photos.Remade)
    photo_id = await photos.keep(bank.db, bank.participant, remade, now=bank.now)
    one = await logged(bank, bank.participant, photo_id=photo_id)
    nobody, approver = await other_member(bank), await other_member(bank, "approver")
    for who, status in (
        (bank.participant, 200),
        (bank.coordinator, 200),
        (approver, 200),
        (bank.finance, 404),
        (nobody, 404),
        (other_bank.coordinator, 404),
    ):
        browser = await browser_of(client, bank, who)
        for _ in range(2):  # a list shows it again and again; the look is one
            answer = await browser.get(f"/log/{one.contribution_id}/photo")
            assert answer.status_code == status, who
        if status == 200:
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert "no-store" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"
        own = await browser.get(f"/log/photos/{photo_id}")
        assert own.status_code == (200 if who is bank.participant else 404)
    async with bank.db.reading(bank.id) as connection:
        looks = await connection.fetch("select actor_id from access_log where what like '%photo%' order by id")
    assert [row["actor_id"] for row in looks] == [bank.coordinator.member_id, approver.member_id]


async def test_a_photo_of_somebody_else_cannot_be_attached(bank: Bank) -> None:
    remade = await photos.remake(jpeg())
    assert isinstance(remade, photos.Remade)
    theirs = await photos.keep(bank.db, bank.coordinator, remade, now=bank.now)
    result = await log(bank, bank.participant, photo_id=theirs)
    assert isinstance(result, list)
    assert result[0].code == "photo_gone"


async def test_photos_that_were_never_sent_go_after_a_day(bank: Bank) -> None:
    kept = []
    for colour in ("red", "green"):
        remade = await photos.remake(jpeg(colour))
        assert isinstance(remade, photos.Remade)
        kept.append(await photos.keep(bank.db, bank.participant, remade, now=bank.now))
    await logged(bank, bank.participant, photo_id=kept[0])
    await photos.delete_unused(bank.db, bank.id, bank.now + timedelta(hours=23))
    assert await count(bank, "photo") == 2
    await photos.delete_unused(bank.db, bank.id, bank.now + timedelta(hours=25))
    assert await count(bank, "photo") == 1


async def test_only_the_newest_unused_photos_stay(bank: Bank) -> None:
    kept = []
    for n in range(photos.MAX_UNUSED + 3):
        remade = await photos.remake(jpeg(f"#{n * 19:02x}4477"))
        assert isinstance(remade, photos.Remade)
        kept.append(await photos.keep(bank.db, bank.participant, remade, now=bank.now + timedelta(minutes=n)))
        if n == 0:
            await logged(bank, bank.participant, photo_id=kept[0])
    async with bank.db.reading(bank.id) as connection:
        there = [row["id"] for row in await connection.fetch("select id from photo order by id")]
    assert there == [kept[0], *kept[3:]], "the used one and the newest"


async def test_nobody_fills_the_queue(bank: Bank) -> None:
    for n in range(self_log.MAX_WAITING):
        await logged(bank, bank.participant, minutes=n + 1, held_on=bank.now.date() - timedelta(days=n))
    result = await log(bank, bank.participant, minutes=500)
    assert isinstance(result, list)
    assert [one.code for one in result] == ["too_many_waiting"]
    assert isinstance(await log(bank, await other_member(bank)), Logged)


async def count(bank: Bank, table: str) -> int:
    async with bank.db.reading(bank.id) as connection:
        return int(await connection.fetchval(f"select count(*) from {table}"))


async def test_taking_back_while_it_waits(client: Open, bank: Bank) -> None:
    one = await logged(bank, bank.participant)
    stranger = await browser_of(client, bank, bank.coordinator_two)
    assert (await stranger.submit(f"/log/{one.contribution_id}/withdraw")).status_code == 404
    browser = await browser_of(client, bank, bank.participant)
    done = await browser.submit(f"/log/{one.contribution_id}/withdraw")
    assert (done.status_code, done.headers["location"]) == (303, "/log/mine")
    twice = await browser.submit(f"/log/{one.contribution_id}/withdraw")
    assert twice.status_code == 422
    assert "You took this back before" in twice.text
    decide = Decide(contribution_id=one.contribution_id, approve=True)
    refused = await service.decide(bank.db, bank.coordinator, decide, key=uuid4().hex, now=bank.now)
    assert isinstance(refused, list)
    assert await minutes(bank, bank.participant) == 0
    # Taken back, it is no duplicate of what is logged again.
    assert (await logged(bank, bank.participant)).state == "submitted"


async def test_what_is_decided_cannot_be_taken_back(bank: Bank) -> None:
    one = await logged(bank, bank.participant)
    decide = Decide(contribution_id=one.contribution_id, approve=True)
    assert isinstance(await service.decide(bank.db, bank.coordinator, decide, key="k", now=bank.now), Decided)
    command = Withdraw(contribution_id=one.contribution_id)
    result = await self_log.withdraw(bank.db, bank.participant, command, key="w", now=bank.now)
    assert isinstance(result, list)
    assert result[0].code == "decided_already"
    assert await minutes(bank, bank.participant) == 60


async def test_deciding_and_taking_back_at_once_do_one_of_the_two(bank: Bank) -> None:
    for turn in range(5):
        one = await logged(bank, bank.participant, minutes=30 + turn)
        before = await minutes(bank, bank.participant)
        decided, back = await asyncio.gather(
            service.decide(
                bank.db,
                bank.coordinator,
                Decide(contribution_id=one.contribution_id, approve=True),
                key=uuid4().hex,
                now=bank.now,
            ),
            self_log.withdraw(
                bank.db,
                bank.participant,
                Withdraw(contribution_id=one.contribution_id),
                key=uuid4().hex,
                now=bank.now,
            ),
        )
        assert isinstance(decided, Decided) != isinstance(back, Withdrawn)
        added = await minutes(bank, bank.participant) - before
        assert added == (30 + turn if isinstance(decided, Decided) else 0)


async def test_acting_for_a_member_logs_their_time(bank: Bank) -> None:
    someone = await other_member(bank)
    acting = replace(bank.coordinator, roles=frozenset(), on_behalf_of=someone.member_id)
    one = await logged(bank, acting, minutes=45)
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow(
            "select member_id, recorded_by, state from contribution where id = $1", one.contribution_id
        )
    assert dict(row) == {
        "member_id": someone.member_id,
        "recorded_by": bank.coordinator.member_id,
        "state": "submitted",
    }


async def test_a_page_of_my_own_is_nobody_elses(client: Open, bank: Bank) -> None:
    one = await logged(bank, bank.participant, words="Secret reading")
    for who in (await other_member(bank), bank.finance, bank.coordinator):
        browser = await browser_of(client, bank, who)
        assert (await browser.get(f"/log/{one.contribution_id}")).status_code == 404
        assert "Secret" not in (await browser.get("/log/mine")).text
        assert "Secret" not in (await browser.get(f"/log?again={one.contribution_id}")).text
    own = await browser_of(client, bank, bank.participant)
    assert "Secret" in (await own.get(f"/log?again={one.contribution_id}")).text


async def test_time_logged_for_a_member_keeps_why_when_another_approves_it(client: Open, bank: Bank) -> None:
    subject, approver = await bank.member("Mo Salah-Eddine"), await other_member(bank, "approver")
    browser = await browser_of(client, bank, bank.coordinator)
    await browser.submit(f"/members/{subject}/act", {"reason": "Mo cannot type", "how_agreed": "in_person"})
    typed = {"activity": "else", "length": "60", "day": "today", "words": "Read aloud"}
    saved = await browser.submit("/log/save", typed)
    id_ = int(saved.headers["location"].removeprefix("/log/").removesuffix("?new=yes"))
    decided = await service.decide(
        bank.db, approver, Decide(contribution_id=id_, approve=True), key=uuid4().hex, now=bank.now
    )
    assert isinstance(decided, Decided), decided
    async with bank.db.reading(bank.id) as connection:
        acting = await connection.fetchval("select acting_id from contribution where id = $1", id_)
        entry = await connection.fetchval("select entry_id from contribution where id = $1", id_)
        posted = await ledger.entry(connection, bank.id, entry)
    assert acting is not None
    assert posted.meta["acting"] == acting
    page = (await browser.get("/hours")).text
    assert "Mo cannot type" in page or "in person" in page


async def test_refusals_speak_to_the_member_about_their_own_time(client: Open, bank: Bank) -> None:
    browser = await browser_of(client, bank, await other_member(bank))
    typed = {"activity": "else", "own_length": "0:00", "day": "today", "words": "Read aloud"}
    page = (await send(browser, "/log", typed)).text
    assert "Enter how long it took." in page
    assert "this person" not in page
    refused = await log(bank, await other_member(bank), minutes=0)
    assert isinstance(refused, list)
    assert [one.message for one in refused] == ["Enter how long it took."]
