"""The coordinator's pages over the real application: journeys, bad input, other people's sign-ins and ids."""

import asyncio
import html
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

import ledger
from tests.people import Bank, Browser, make_bank
from timebank.contributions import service
from timebank.contributions.register_file import MAX_FILE_BYTES
from timebank.contributions.service import AddActivity, Line, SavedRegister, SaveRegister
from timebank.db import Database
from timebank.kit.clock import FixedClock

Open = Callable[[], Browser]

TODAY = "2026-03-10"


async def group(bank: Bank, name: str = "Lunch club") -> int:
    added = await service.add_activity(
        bank.db, bank.coordinator, AddActivity(name=name, default_minutes=90), key=uuid4().hex, now=bank.now
    )
    assert isinstance(added, int)
    return added


async def last_week(bank: Bank, activity: int, *who: int) -> None:
    day = (bank.now - timedelta(days=7)).date()
    lines = tuple(Line(member_id=member_id, held_on=day, minutes=90) for member_id in who)
    command = SaveRegister(activity_id=activity, lines=lines)
    saved = await service.save_register(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert isinstance(saved, SavedRegister), saved


async def coordinator(client: Open, bank: Bank) -> Browser:
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    return browser


async def minutes(bank: Bank, member_id: int) -> int:
    async with bank.db.reading(bank.id) as connection:
        return (await ledger.balance(connection, bank.id, f"member/{member_id}")).posted


async def registers(bank: Bank) -> int:
    async with bank.db.reading(bank.id) as connection:
        return int(await connection.fetchval("select count(*) from register where timebank_id = $1", bank.id))


def words(page: str) -> str:
    """The page's text, tags away and spaces single."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)))
    return re.sub(r" ([.,:])", r"\1", " ".join(text.replace("\u2068", "").replace("\u2069", "").split()))


async def test_log_again_save_and_undo(client: Open, bank: Bank) -> None:
    amina, tom = await bank.member("Amina Yusuf"), await bank.member("Tom O’Brien")
    activity = await group(bank)
    await last_week(bank, activity, amina, tom)
    browser = await coordinator(client, bank)
    first = await browser.get("/groups")
    assert "Log again: Lunch club" in words(first.text)
    assert "Log again: Lunch club Last time: Tuesday 3 March 2026, 2 people" in words((await browser.get("/")).text)
    assert "Last time: Tuesday 3 March 2026 2 people, 3 hours" in words(first.text)
    form = await browser.get(f"/groups/{activity}/register")
    assert form.status_code == 200
    assert re.search(rf'name="came" type="checkbox" value="m{amina}" checked', form.text)
    assert f'value="{TODAY}"' in form.text
    fields = {"rows": f"m{amina},m{tom}", "extras": "3", "date": TODAY, "length": "1:30", "came": f"m{amina}"}
    saved = await browser.submit(f"/groups/{activity}/register", {**fields, "who-x0": "Demo participant"})
    assert saved.status_code == 303
    page = await browser.get(saved.headers["location"])
    assert "Saved for 2 people 3 hours added" in words(page.text)
    assert "You can undo it until 2:40pm" in words(page.text)
    assert (await minutes(bank, amina), await minutes(bank, tom)) == (180, 90)
    undone = await browser.submit(saved.headers["location"] + "/undo")
    assert undone.status_code == 303
    assert "This register is undone" in words((await browser.get(undone.headers["location"])).text)
    assert await minutes(bank, amina) == 90
    again = await browser.submit(saved.headers["location"] + "/undo")
    assert again.status_code == 422
    assert "undone already" in words(again.text)


async def test_a_double_tap_does_one_thing(client: Open, bank: Bank) -> None:
    amina, activity = await bank.member("Amina Yusuf"), await group(bank)
    browser = await coordinator(client, bank)
    fields = {"key": uuid4().hex, "extras": "1", "date": TODAY, "length": "1:30", "who-x0": "amina yusuf"}
    answers = await asyncio.gather(*(browser.submit(f"/groups/{activity}/register", fields) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await minutes(bank, amina), await registers(bank)) == (90, 1)
    other = await browser.submit(f"/groups/{activity}/register", {**fields, "length": "2:00"})
    assert other.status_code == 409
    assert (await minutes(bank, amina), await registers(bank)) == (90, 1)


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"length": "0"}, "length", "longer than nothing"),
        ({"length": "-1:30"}, "length", "without a minus sign"),
        ({"length": "13 h"}, "length", "more than the rules allow. One entry can be up to 12 hours"),
        ({"length": "99999 h"}, "length", "more than 24 hours"),
        ({"length": "lots"}, "length", "We cannot read “lots”"),
        ({"length": "15"}, "length", "minutes or hours"),
        ({"date": "2026-03-11"}, "date", "has not been yet"),
        ({"date": "2024-03-11"}, "date", "too long ago"),
        ({"date": "31/2/2026"}, "date", "There is no day"),
        ({"date": ""}, "date", "Enter the day"),
        ({"who-x0": "Nobody Known"}, "who-x0", "We do not know “Nobody Known”"),
        ({"who-x0": "Maria Silva"}, "pick-x0", "Choose who “Maria Silva” is"),
        ({"what-x0": "y" * 201}, "what-x0", "at most 200 characters"),
        ({"who-x0": ""}, "who-x0", "Say who this is"),
        ({"who-x0": "", "what-x0": ""}, "who-x0", "add someone"),
        ({"who-x0": "<b>Robert’); drop table"}, "who-x0", "We do not know"),
    ],
)
async def test_bad_input_keeps_what_was_typed(
    client: Open, bank: Bank, fields: dict[str, str], field: str, says: str
) -> None:
    await bank.member("Amina Yusuf")
    await bank.member("Maria Silva")
    await bank.member("Maria Silva")
    activity = await group(bank)
    browser = await coordinator(client, bank)
    typed = {"extras": "4", "date": TODAY, "length": "1:30", "who-x0": "Amina Yusuf", "what-x0": "Cooking <3", **fields}
    answer = await browser.submit(f"/groups/{activity}/register", typed)
    assert answer.status_code == 422
    assert says in words(answer.text)
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    shown = html.unescape(answer.text)
    for value in typed.values():
        assert f'value="{value}"' in shown
    assert "<b>Robert" not in answer.text
    assert await registers(bank) == 0


async def test_names_in_every_alphabet(client: Open, bank: Bank) -> None:
    people = {name: await bank.member(name) for name in ("Tom O’Brien", "שרה כהן", "Li Wei 🌻", "فاطمة الزهراء")}
    activity = await group(bank, "O’Brien’s “café” 🌻 <b>")
    browser = await coordinator(client, bank)
    typed = {f"who-x{at}": name.replace("’", "'") for at, name in enumerate(people)}
    saved = await browser.submit(
        f"/groups/{activity}/register", {"extras": "4", "date": TODAY, "length": "1:30", **typed}
    )
    assert saved.status_code == 303, words(saved.text)
    page = await browser.get(saved.headers["location"])
    for name, member_id in people.items():
        assert html.escape(name, quote=False) in page.text
        assert await minutes(bank, member_id) == 90
    assert "<b>" not in page.text


async def test_more_rows_keep_what_was_typed_and_save_nothing(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    browser = await coordinator(client, bank)
    typed = {"extras": "3", "date": "", "length": "lots", "who-x2": "Somebody", "more": "yes"}
    answer = await browser.submit(f"/groups/{activity}/register", typed)
    assert answer.status_code == 200
    assert 'name="who-x5"' in answer.text
    assert 'name="who-x6"' not in answer.text
    assert 'value="Somebody"' in answer.text
    assert 'value="lots"' in answer.text
    assert "Please check this" not in answer.text
    assert await registers(bank) == 0


async def test_a_day_that_is_saved_already_is_shown_beside_what_was_typed(client: Open, bank: Bank) -> None:
    people = [await bank.member(f"Person {letter}") for letter in "ABC"]
    activity = await group(bank)
    await last_week(bank, activity, *people[:2])
    browser = await coordinator(client, bank)
    typed = {
        "rows": ",".join(f"m{member_id}" for member_id in people),
        "came": [f"m{member_id}" for member_id in people],
        f"length-m{people[1]}": "2:00",
        "extras": "0",
        "date": "3/3/2026",
        "length": "1:30",
    }
    shown = await browser.submit(f"/groups/{activity}/register", typed)
    assert shown.status_code == 422
    page = words(shown.text)
    assert "Demo coordinator saved this group for this day already" in page
    assert "The same for 1 person" in page
    assert "Person B 1 hour 30 minutes 2 hours" in page
    assert "Person C not there 1 hour 30 minutes" in page
    seen = re.search(r'name="seen" value="([0-9A-Z-]+)"', shown.text)
    assert seen is not None
    link = re.search(r'href="(/registers/[0-9A-Z-]+)"', shown.text)
    assert link is not None
    assert (await browser.get(link[1])).status_code == 200
    unseen = await browser.submit(f"/groups/{activity}/register", {**typed, "against": "missing"})
    assert unseen.status_code == 422
    chosen = {**typed, "seen": seen[1], "against": "missing"}
    saved = await browser.submit(f"/groups/{activity}/register", chosen)
    assert saved.status_code == 303
    assert "Saved for 1 person" in words((await browser.get(saved.headers["location"])).text)
    assert [await minutes(bank, member_id) for member_id in people] == [90, 90, 90]
    again = await browser.submit(f"/groups/{activity}/register", {**chosen, "key": uuid4().hex})
    assert again.status_code == 422  # another register has come
    both = re.search(r'name="seen" value="([0-9A-Z,-]+)"', again.text)
    assert both is not None
    second = await browser.submit(f"/groups/{activity}/register", {**typed, "seen": both[1], "against": "second"})
    assert second.status_code == 303, words(second.text)
    assert [await minutes(bank, member_id) for member_id in people] == [180, 210, 180]


async def test_ones_own_hour_waits_and_someone_else_decides(client: Open, bank: Bank) -> None:
    activity, me = await group(bank), bank.coordinator.member_id or 0
    browser = await coordinator(client, bank)
    fields = {"extras": "1", "date": TODAY, "length": "1:30", "who-x0": "Demo coordinator"}
    saved = await browser.submit(f"/groups/{activity}/register", fields)
    page = words((await browser.get(saved.headers["location"])).text)
    assert "1 entry waits for another person: 1 hour 30 minutes. Nobody approves their own hour" in page
    queue = await browser.get("/decisions")
    assert "This is your own time. Someone else decides about it." in words(queue.text)
    assert await minutes(bank, me) == 0
    second = client()
    await second.sign_in(bank.db, bank.coordinator_two)
    assert "1 entry needs your decision" in words((await second.get("/groups")).text)
    queue = await second.get("/decisions")
    action = re.search(r'action="(/decisions/\d+)"', queue.text)
    assert action is not None
    mine = await browser.submit(action[1], {"decision": "approve"})
    assert mine.status_code == 422
    number = action[1].rpartition("/")[2]
    no_reason = await second.submit(action[1], {"decision": "decline", f"reason-{number}": ""})
    assert no_reason.status_code == 422
    assert "Say why it is not added" in words(no_reason.text)
    approved = await second.submit(action[1], {"decision": "approve"})
    assert approved.status_code == 303
    assert "1 hour 30 minutes added." in words((await second.get("/decisions")).text)
    assert await minutes(bank, me) == 90
    late = await second.submit(action[1], {"decision": "decline", f"reason-{number}": "no"})
    assert late.status_code == 422
    assert "already approved" in words(late.text)


async def test_too_late_to_undo(client: Open, bank: Bank, clock: FixedClock) -> None:
    activity = await group(bank)
    await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    fields = {"extras": "1", "date": TODAY, "length": "1:30", "who-x0": "Amina Yusuf"}
    saved = await browser.submit(f"/groups/{activity}/register", fields)
    clock.advance(timedelta(minutes=11))
    page = await browser.get(saved.headers["location"])
    assert "/undo" not in page.text
    late = await browser.submit(saved.headers["location"] + "/undo")
    assert late.status_code == 422
    assert "That time has passed" in words(late.text)


CSV = "Name;Date;Time;Activity\nAmina Yusuf;10/03/2026;1,5;Lunch club\nMaria Silva;10/03/2026;1h30;Lunch club\n"


async def upload(browser: Browser, content: bytes, name: str = "register.csv", **fields: str) -> tuple[int, str, str]:
    answer = await browser.submit("/registers/upload", fields, files={"file": (name, content, "text/csv")})
    return answer.status_code, answer.headers.get("location", ""), answer.text


async def test_a_file_from_choosing_to_hours(client: Open, bank: Bank) -> None:
    amina = await bank.member("Amina Yusuf")
    maria, _ = await bank.member("Maria Silva"), await bank.member("Maria Silva")
    await group(bank)
    browser = await coordinator(client, bank)
    status, preview, _ = await upload(browser, b"\xef\xbb\xbf" + CSV.encode())
    assert status == 303
    page = await browser.get(preview)
    assert "1 line is ready: 1 hour 30 minutes" in words(page.text)
    assert "Line 3: Maria Silva" in words(page.text)
    open_question = await browser.submit(preview + "/confirm", {})
    assert open_question.status_code == 422
    assert 'href="#who-3"' in open_question.text
    assert await registers(bank) == 0
    again = await browser.submit(preview + "/confirm", {"who-3": str(maria), "again": "yes"})
    assert again.status_code == 200
    assert f'name="who-3" value="{maria}"' in again.text
    assert await registers(bank) == 0
    fields = {"who-3": str(maria), "key": uuid4().hex}
    saved = await browser.submit(preview + "/confirm", fields)
    assert saved.status_code == 303
    assert (await browser.submit(preview + "/confirm", fields)).headers["location"] == saved.headers["location"]
    assert (await minutes(bank, amina), await minutes(bank, maria)) == (90, 90)
    status, location = 0, ""
    for _ in range(2):
        status, location, _ = await upload(browser, b"\xef\xbb\xbf" + CSV.encode(), "copy.csv")
        assert (status, location) == (303, saved.headers["location"])
    assert "This file was added before. Nothing was changed." in words((await browser.get(location)).text)
    assert (await browser.get(preview)).headers["location"] == saved.headers["location"]
    assert (await minutes(bank, amina), await registers(bank)) == (90, 1)


async def test_what_was_not_added_is_listed(client: Open, bank: Bank) -> None:
    await bank.member("Amina Yusuf")
    await group(bank)
    browser = await coordinator(client, bank)
    _, preview, _ = await upload(browser, (CSV + "Nobody Known;40/03/2026;lots;Lunch club\n").encode())
    saved = await browser.submit(preview + "/confirm", {"leave-3": "yes"})
    assert saved.status_code == 303
    page = words((await browser.get(saved.headers["location"])).text)
    assert "Not added: 2 lines of the file" in page
    assert "Left out by choice" in page or "We do not know “Maria Silva”" in page
    assert "We do not know “Nobody Known”" in page


async def test_a_file_for_one_group_and_a_file_with_a_new_group(client: Open, bank: Bank) -> None:
    amina = await bank.member("Amina Yusuf")
    activity = await group(bank)
    browser = await coordinator(client, bank)
    _, preview, _ = await upload(browser, b"Name,Date,Time\nAmina Yusuf,10/03/2026,1:30\n", group=str(activity))
    assert preview.endswith(f"?group={activity}")
    path = preview.partition("?")[0]
    missing = await browser.submit(path + "/confirm", {"group": ""})
    assert missing.status_code == 422
    assert 'href="#group"' in missing.text
    assert (await browser.submit(path + "/confirm", {"group": str(activity)})).status_code == 303
    _, preview, _ = await upload(browser, b"Name,Date,Time,Group\nAmina Yusuf,9/03/2026,1:30,Crafts\n")
    page = await browser.get(preview)
    assert "Make a new group called Crafts" in page.text
    made = await browser.submit(preview + "/confirm", {"groupname-0": "crafts", "group-0": "new"})
    assert made.status_code == 303
    assert "Crafts" in (await browser.get("/groups")).text
    assert await minutes(bank, amina) == 180


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 workbook", "not a CSV"),
        (b"%PDF-1.7", "This is a PDF, not a CSV"),
        (b"\x00\x01\x02\x03" * 50, "not a CSV"),
        (b"just some words\nwithout headings", "could not find the headings"),
        (b"Name,Date,Time\n" + b"x" * (MAX_FILE_BYTES + 1), "larger than 1 MB"),
        (b"Name,Date,Time\n" + b"Amina,1/1/2026,1:30\n" * 1500, "Split it into smaller files"),
    ],
)
async def test_files_that_are_no_registers(client: Open, bank: Bank, content: bytes, says: str) -> None:
    activity = await group(bank)
    browser = await coordinator(client, bank)
    status, _, page = await upload(browser, content, group=str(activity))
    assert status == 422
    assert says in words(page)
    assert 'href="#file"' in page
    assert f'value="{activity}" selected' in page
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from register_upload where timebank_id = $1", bank.id) == 0


async def test_no_file_and_fifty_megabytes(client: Open, bank: Bank) -> None:
    browser = await coordinator(client, bank)
    missing = await browser.submit("/registers/upload", {}, files={"file": ("", b"", "text/csv")})
    assert missing.status_code == 422
    assert "Choose a file" in words(missing.text)
    status, _, page = await upload(browser, b"Name,Date,Time\n" + b"x" * 50_000_000)
    assert status == 413
    assert "too much at once" in words(page)
    assert (await browser.get("/registers/upload")).status_code == 200


async def test_new_groups(client: Open, bank: Bank) -> None:
    await group(bank, "Lunch club")
    browser = await coordinator(client, bank)
    taken = await browser.submit("/groups/new", {"name": "LUNCH club", "place": "Hall", "default_minutes": "1:30"})
    assert taken.status_code == 422
    assert "There is already a group called" in words(taken.text)
    assert 'value="Hall"' in taken.text
    bad = await browser.submit("/groups/new", {"name": "Walk", "default_minutes": "25 h"})
    assert bad.status_code == 422
    assert 'href="#default_minutes"' in bad.text
    added = await browser.submit("/groups/new", {"name": "Walk", "default_minutes": "45 min"})
    assert added.status_code == 303
    page = await browser.get(added.headers["location"])
    assert 'value="45 minutes"' in page.text
    assert 'name="who-x9"' in page.text


async def test_only_coordinators_see_these_pages(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    paths = ("/groups", "/groups/new", f"/groups/{activity}/register", "/registers/upload", "/decisions")
    stranger = client()
    for path in paths:
        assert (await stranger.get(path)).headers["location"].startswith("/sign-in")
    for actor in (bank.participant, bank.finance):
        browser = client()
        await browser.sign_in(bank.db, actor)
        for path in paths:
            assert (await browser.get(path)).status_code == 403
        for path in (f"/groups/{activity}/register", "/groups/new", "/registers/upload", "/decisions/1"):
            assert (await browser.submit(path, {"name": "x"})).status_code == 403


async def test_another_time_banks_addresses_lead_nowhere(client: Open, bank: Bank, other_bank: Bank) -> None:
    theirs, their_group = await other_bank.member("Amina Yusuf"), await group(other_bank)
    await last_week(other_bank, their_group, theirs)
    other = await coordinator(client, other_bank)
    _, their_upload, _ = await upload(other, CSV.encode())
    fields = {"extras": "1", "date": TODAY, "length": "9:00", "who-x0": "Amina Yusuf"}
    saved = await other.submit(f"/groups/{their_group}/register", fields)
    waiting = re.search(r"/decisions/\d+", (await other.get("/decisions")).text)
    browser = await coordinator(client, bank)
    for path in (f"/groups/{their_group}/register", saved.headers["location"], their_upload):
        assert (await browser.get(path)).status_code == 404
    assert (await browser.submit(f"/groups/{their_group}/register", fields)).status_code == 404
    assert (await browser.submit(saved.headers["location"] + "/undo")).status_code == 404
    assert (await browser.submit(their_upload + "/confirm")).status_code == 404
    activity = await group(bank)
    forged = {"rows": f"m{theirs}", "came": f"m{theirs}", "extras": "0", "date": TODAY, "length": "1:30"}
    assert (await browser.submit(f"/groups/{activity}/register", forged)).status_code == 422
    assert waiting is None or (await browser.submit(waiting[0], {"decision": "approve"})).status_code == 404
    for path in (
        "/groups/99999999999999999999/register",
        "/registers/nonsense",
        "/registers/upload/0",
        "/groups/x/register",
    ):
        assert (await browser.get(path)).status_code == 404
    assert (await minutes(other_bank, theirs), await registers(bank)) == (90, 0)


async def test_an_expired_form_changes_nothing_and_keeps_what_was_typed(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    fields = {"csrf": "stale", "extras": "1", "date": TODAY, "length": "1:30", "who-x0": "Amina Yusuf"}
    answer = await browser.submit(f"/groups/{activity}/register", fields)
    assert answer.status_code == 419
    assert "Amina Yusuf" in answer.text
    assert await registers(bank) == 0


async def test_five_hundred_people_are_one_form_that_can_be_sent(client: Open, db: Database) -> None:
    bank = await make_bank(db)
    people = [await bank.member(f"Person {number:03d}") for number in range(500)]
    activity = await group(bank)
    await last_week(bank, activity, *people)
    browser = await coordinator(client, bank)
    page = await browser.get(f"/groups/{activity}/register")
    assert "These 500 came last time" in words(page.text)
    assert len(page.content) < 800_000
    fields = typed_in(page.text)
    assert len(fields["came"]) == 500
    opened = await browser.submit(f"/groups/{activity}/register", {**fields, "change": f"m{people[7]}"})
    assert opened.status_code == 200
    fields = typed_in(opened.text)
    assert f"length-m{people[7]}" in fields
    assert f"length-m{people[8]}" not in fields
    saved = await browser.submit(f"/groups/{activity}/register", {**fields, f"length-m{people[7]}": "2:00"})
    assert saved.status_code == 303, words(saved.text)[:500]
    assert "Saved for 500 people" in words((await browser.get(saved.headers["location"])).text)
    assert await minutes(bank, people[7]) == 210


def typed_in(page: str) -> dict[str, list[str]]:
    """The fields that a browser would send for the page's register, its buttons aside."""
    form = page[page.index('id="register"') :]
    form = form[: form.index("</form>")]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and value and name[1] not in ("csrf", "key") and ('type="checkbox"' not in tag or " checked" in tag):
            found.setdefault(html.unescape(name[1]), []).append(html.unescape(value[1]))
    return found
