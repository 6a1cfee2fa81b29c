"""The register's pages beyond the first save: drafts, guests, leaders, corrections, hours brought forward, lists."""

import asyncio
import html
import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.contributions.test_contributions_pages import (
    TODAY,
    coordinator,
    group,
    last_week,
    minutes,
    registers,
    typed_in,
    words,
)
from tests.people import Bank, Browser
from timebank.contributions import drafts, guests, register_people
from timebank.contributions.drafts import SaveDraft
from timebank.kit.actor import Actor
from timebank.kit.clock import FixedClock

Open = Callable[[], Browser]


async def sql(bank: Bank, statement: str, *values: object) -> None:
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(statement, bank.id, *values)


async def lead(bank: Bank, activity: int, member_id: int) -> None:
    await sql(
        bank,
        "insert into activity_leader (timebank_id, activity_id, member_id, from_day, added_at)"
        " values ($1, $2, $3, $4, $5)",
        activity,
        member_id,
        date(2026, 1, 1),
        bank.now,
    )


async def save(browser: Browser, activity: int, **fields: Any) -> str:
    sent = {"extras": "5", "date": TODAY, "length": "1:30", **{name.replace("_", "-"): v for name, v in fields.items()}}
    saved = await browser.submit(f"/groups/{activity}/register", sent)
    assert saved.status_code == 303, words(saved.text)[:800]
    return str(saved.headers["location"])


async def test_a_draft_is_kept_listed_gone_on_with_and_gone_when_saved(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    page = await browser.get(f"/groups/{activity}/register")
    fields = {**typed_in(page.text), "date": "", "length": "lots", "who-x0": "Amina", "what-x0": "Tea & <cake>"}
    for _ in range(2):
        kept = await browser.submit(f"/groups/{activity}/register/draft", fields)
        assert kept.headers["location"] == "/groups"
    assert (await browser.submit(f"/groups/{activity}/register/draft", {**fields, "quiet": "yes"})).status_code == 204
    listed = await browser.get("/groups")
    assert words(listed.text).count("Lunch club, go on with the draft 1 person. Typed 10 March at 2:30pm") == 1
    link = re.search(r'href="(/groups/\d+/register\?draft=[^"]+)"', listed.text)
    assert link is not None
    again = await browser.get(link[1])
    assert again.status_code == 200
    back = typed_in(again.text)
    assert back["who-x0"] == ["Amina"]
    assert back["what-x0"] == ["Tea & <cake>"]
    assert back["length"] == ["lots"]
    other = client()
    await other.sign_in(bank.db, bank.coordinator_two)
    assert (await other.get(link[1])).status_code == 404
    assert "go on with the draft" not in words((await other.get("/groups")).text)
    saved = await browser.submit(
        f"/groups/{activity}/register", {**back, "date": TODAY, "length": "1:30", "who-x0": "Amina Yusuf"}
    )
    assert saved.status_code == 303
    assert "go on with the draft" not in words((await browser.get("/groups")).text)
    assert (await browser.get(link[1])).status_code == 404


async def test_a_draft_can_be_deleted_by_its_owner_alone(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    command = SaveDraft(token="a" * 20, activity_id=activity, held_on=None, people=0, fields={"length": ("1",)})
    assert await drafts.save_draft(bank.db, bank.coordinator, command, now=bank.now) == []
    other = client()
    await other.sign_in(bank.db, bank.coordinator_two)
    assert (await other.submit(f"/groups/drafts/{'a' * 20}/delete")).status_code == 404
    browser = await coordinator(client, bank)
    assert (await browser.submit(f"/groups/drafts/{'a' * 20}/delete")).status_code == 303
    assert "go on with the draft" not in words((await browser.get("/groups")).text)


async def test_too_many_and_too_long_drafts_are_refused_and_participants_keep_none(bank: Bank) -> None:
    activity = await group(bank)

    async def keep(actor: Actor, token: str, text: str = "x") -> list[str]:
        command = SaveDraft(token=token, activity_id=activity, held_on=None, people=0, fields={"names": (text,)})
        return [one.code for one in await drafts.save_draft(bank.db, actor, command, now=bank.now)]

    for at in range(drafts.MAX_DRAFTS):
        assert await keep(bank.coordinator, f"token-{at:04d}") == []
    assert await keep(bank.coordinator, "token-more") == ["too_many_drafts"]
    assert await keep(bank.coordinator, "token-0001") == []
    assert await keep(bank.coordinator, "token-0001", "x" * (drafts.MAX_CHARACTERS + 1)) == ["draft_too_long"]
    assert await keep(bank.participant, "token-0001") == ["not_allowed"]


async def test_guests_come_again_and_join(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    browser = await coordinator(client, bank)
    first = await browser.submit(
        f"/groups/{activity}/register", {"extras": "1", "date": TODAY, "length": "1:30", "who-x0": "Visiting Vera"}
    )
    assert first.status_code == 422
    assert "Check the name, or tick that they are a guest" in words(first.text)
    fields = {"who_x0": "Visiting Vera", "guest_x0": "yes", "date": "2026-03-03"}
    location = await save(browser, activity, key=uuid4().hex, **fields)
    page = words((await browser.get(location)).text)
    assert "Saved for 1 person" in page
    assert "Visiting Vera Guest" in page
    async with bank.db.reading(bank.id) as connection:
        (vera,) = await guests.waiting_guests(connection, bank.coordinator)
    form = await browser.get(f"/groups/{activity}/register")
    assert f'value="g{vera.id}" checked' in form.text
    await save(browser, activity, rows=f"g{vera.id}", came=f"g{vera.id}", who_x0="visiting vera", guest_x0="yes",
               reason_all="both")  # fmt: skip
    listed = words((await browser.get("/guests")).text)
    assert "Visiting Vera 4 hours 30 minutes. Last came on Tuesday 10 March 2026, Lunch club" in listed
    unknown = await browser.submit(f"/guests/{vera.id}/join", {f"who-{vera.id}": "Visiting Vera"})
    assert unknown.status_code == 422
    assert "Add them as a member first" in words(unknown.text)
    member = await bank.member("Vera Visser")
    part = await browser.submit(f"/guests/{vera.id}/join", {f"who-{vera.id}": "Visser"})
    assert part.status_code == 422
    assert f'<option value="{member}"' in part.text
    chosen = {f"who-{vera.id}": "Visser", f"pick-{vera.id}": str(member), "key": uuid4().hex}
    for _ in range(2):
        assert (await browser.submit(f"/guests/{vera.id}/join", chosen)).status_code == 303
    assert "4 hours 30 minutes added for Vera Visser." in words((await browser.get("/guests")).text)
    assert await minutes(bank, member) == 270
    late = await browser.submit(f"/guests/{vera.id}/join", {f"who-{vera.id}": "Vera Visser"})
    assert late.status_code == 422
    assert "joined already" in words(late.text)


async def test_staff_time_counts_without_credit_and_preparation_and_travel_are_added(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    amina, worker = await bank.member("Amina Yusuf"), await bank.member("Wendy Worker")
    browser = await coordinator(client, bank)
    location = await save(
        browser, activity, who_x0="Amina Yusuf", travel_x0="20 min", who_x1="Wendy Worker", staff_x1="yes",
        prep="30 min", start="14:00",
    )  # fmt: skip
    page = words((await browser.get(location)).text)
    assert "30 minutes preparation, 20 minutes travel included" in page
    assert "Paid staff time, no hours added" in page
    assert (await minutes(bank, amina), await minutes(bank, worker)) == (140, 0)
    again = typed_in((await browser.get(f"/groups/{activity}/register")).text)
    assert (again["length"], again["prep"]) == (["1 hour 30 minutes"], ["30 minutes"])
    assert again[f"travel-m{amina}"] == [""] or again["travel"] == [""]
    assert again[f"staff-m{worker}"] == ["yes"]


async def test_an_exchange_asks_who_was_helped(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    await sql(bank, "update activity set work_kind = 'peer_exchange' where timebank_id = $1 and id = $2", activity)
    helper, second = await bank.member("Helping Hana"), await bank.member("Second Sam")
    helped = await bank.member("Ill Ivy")
    browser = await coordinator(client, bank)
    page = await browser.get(f"/groups/{activity}/register")
    assert "Who was helped?" in words(page.text)
    fields = {"who_x0": "Helping Hana", "who_x1": "Second Sam", "helped": "2", "helped_h0": "Ill Ivy"}
    sent = {"extras": "2", "date": TODAY, "length": "1:00", **{k.replace("_", "-"): v for k, v in fields.items()}}
    asked = await browser.submit(f"/groups/{activity}/register", sent)
    assert asked.status_code == 422
    assert 'href="#agreed"' in asked.text
    await save(browser, activity, **{**fields, "length": "1:00", "agreed": "by phone"})
    assert [await minutes(bank, one) for one in (helper, second, helped)] == [60, 60, 0]


async def test_a_session_fills_its_register_and_the_paper_sheet_asks_for_times(
    client: Open, bank: Bank, clock: FixedClock
) -> None:
    activity = await group(bank)
    amina, bo, cy = [await bank.member(name) for name in ("Amina Yusuf", "Bo Li", "Cy Young")]
    await last_week(bank, activity, amina, cy)
    async with bank.db.writing(bank.id) as connection:
        session = await connection.fetchval(
            "insert into session (timebank_id, activity_id, held_on, starts_at, planned_minutes, preparation_minutes,"
            " made_at) values ($1, $2, $3, $4, 75, 15, $5) returning id",
            bank.id, activity, date(2026, 3, 10), time(14), bank.now,
        )  # fmt: skip
        await connection.execute(
            "insert into attendance (timebank_id, session_id, member_id, checked_in_at, checked_in_by)"
            " values ($1, $2, $3, $4, $3)",
            bank.id, session, bo, bank.now,
        )  # fmt: skip
    browser = await coordinator(client, bank)
    waiting = await browser.get("/groups")
    assert "Checked in, not saved yet Lunch club Tuesday 10 March 2026, 1 checked in" in words(waiting.text)
    page = await browser.get(f"/groups/{activity}/register")
    fields = typed_in(page.text)
    assert fields["came"] == [f"m{bo}"]
    assert fields["rows"] == [f"m{bo},m{amina},m{cy}"]
    assert (fields["length"], fields["start"], fields["prep"]) == (["1 hour 15 minutes"], ["14:00"], ["15 minutes"])
    assert "Bo Li Checked in" in words(page.text)
    sheet = await browser.get(f"/groups/{activity}/register?date={TODAY}")
    paper = await browser.get(f"/groups/{activity}/sheet.txt?day={TODAY}")
    on_paper = re.findall(r"^(.+) \(Member \d+\): how long", paper.text, flags=re.MULTILINE)
    assert on_paper == ["Amina Yusuf", "Bo Li", "Cy Young"]
    assert re.findall(r'<label class="govuk-label" for="length-m\d+">([^<]+)<', sheet.text) == on_paper
    assert 'type="checkbox" value="m' not in sheet.text
    typed = {**typed_in(sheet.text), f"length-m{amina}": "1:00", "who-x0": "Cy Young", "length-x0": "lots"}
    wrong = await browser.submit(f"/groups/{activity}/register", typed)
    assert wrong.status_code == 422
    assert typed_in(wrong.text)[f"length-m{amina}"] == ["1:00"]
    right = {**typed_in(wrong.text), "length-x0": "0:45"}
    saved = await browser.submit(f"/groups/{activity}/register", right)
    assert saved.status_code == 303, words(saved.text)
    assert [await minutes(bank, one) for one in (amina, bo, cy)] == [90 + 75, 0, 90 + 60]
    assert "Checked in, not saved yet" not in words((await browser.get("/groups")).text)


async def test_a_session_leader_logs_their_own_group_and_sees_first_names(client: Open, bank: Bank) -> None:
    mine, other = await group(bank), await group(bank, "Choir")
    leader = await bank.member("Leading Lou")
    amina, bello = await bank.member("Amina Yusuf"), await bank.member("Amina Bello")
    await last_week(bank, mine, amina, bello)
    await lead(bank, mine, leader)
    browser = client()
    await browser.sign_in(bank.db, Actor(timebank_id=bank.id, member_id=leader))
    first = words((await browser.get("/groups")).text)
    assert "Log again: Lunch club" in first
    assert "Choir" not in first
    assert "Upload or paste" not in first
    assert (await browser.get(f"/groups/{other}/register")).status_code == 403
    page = await browser.get(f"/groups/{mine}/register")
    assert "Amina Y" in words(page.text)
    for surname in ("Yusuf", "Bello"):
        assert surname not in page.text
    location = await save(browser, mine, rows=f"m{amina}", came=f"m{amina}", who_x0="Amina B")
    saved = await browser.get(location)
    assert "Saved for 2 people" in words(saved.text)
    assert "Bello" not in saved.text
    assert (await minutes(bank, amina), await minutes(bank, bello)) == (180, 180)
    downloaded = await browser.get(location + "/download")
    assert "Amina B" in downloaded.text
    assert "Bello" not in downloaded.text
    beside = await browser.submit(
        f"/groups/{mine}/register", {"extras": "1", "date": "2026-03-03", "length": "1:00", "who-x0": "Amina B"}
    )
    assert beside.status_code == 422
    assert "Yusuf" not in beside.text
    listed = await browser.get("/registers")
    assert len(re.findall(r'href="/registers/[0-9A-Z-]+"', listed.text)) == 1
    theirs = await coordinator(client, bank)
    ours = re.findall(r'href="(/registers/[0-9A-Z-]{6,})"', (await theirs.get("/registers")).text)
    assert len(set(ours)) == 2
    for path in set(ours) - {location}:
        assert (await browser.get(path)).status_code == 404
    correct = await browser.get(location + "/correct")
    assert "Yusuf" not in correct.text
    for path in ("/registers/upload", "/guests", "/registers/brought-forward"):
        assert (await browser.get(path)).status_code == 403
    assert (await browser.submit(location + "/undo")).status_code == 303
    assert await minutes(bank, amina) == 90


async def test_correcting_shows_who_is_affected_first(client: Open, bank: Bank, clock: FixedClock) -> None:
    activity = await group(bank)
    names = ("Amina Yusuf", "Bo Li", "Cy Young", "Dee Dunn")
    amina, bo, cy, dee = [await bank.member(name) for name in names]
    browser = await coordinator(client, bank)
    location = await save(browser, activity, who_x0="Amina Yusuf", who_x1="Bo Li", who_x2="Cy Young")
    clock.advance(timedelta(days=3))
    assert "Correct this register" in words((await browser.get(location)).text)
    fields = typed_fields((await browser.get(location + "/correct")).text)
    times = [name for name in fields if name.startswith("minutes-")]
    assert [fields[name] for name in times] == ["1:30"] * 3
    typed = {**fields, times[1]: "", times[2]: "0:45", "who-x0": "Dee", "reason": ""}
    bad = await browser.submit(location + "/correct", {**typed, times[0]: "lots"})
    assert bad.status_code == 422
    assert f'href="#{times[0]}"' in bad.text
    assert 'value="lots"' in bad.text
    assert f'<option value="{dee}"' in bad.text
    typed |= {"who-x0": "Dee Dunn"}
    no_reason = await browser.submit(location + "/correct", typed)
    assert no_reason.status_code == 422
    assert 'href="#reason"' in no_reason.text
    typed |= {"reason": "Bo was ill, Cy left early"}
    look = await browser.submit(location + "/correct", typed)
    assert look.status_code == 200, words(look.text)
    page = words(look.text)
    assert "Bo Li: 1 hour 30 minutes taken out." in page
    assert "Cy Young: 1 hour 30 minutes becomes 45 minutes." in page
    assert "Dee Dunn: 1 hour 30 minutes added." in page
    assert await minutes(bank, bo) == 90
    seen = typed_fields(look.text)
    changed_since = await browser.submit(location + "/correct", {**seen, times[2]: "0:40", "confirm": "yes"})
    assert changed_since.status_code == 200
    assert "becomes 40 minutes" in words(changed_since.text)
    sure = {**seen, "confirm": "yes", "key": uuid4().hex}
    for _ in range(2):
        done = await browser.submit(location + "/correct", sure)
        assert done.status_code == 303, words(done.text)
    assert [await minutes(bank, one) for one in (amina, bo, cy, dee)] == [90, 0, 45, 90]
    after = words((await browser.get(location)).text)
    assert "The register is corrected. Everybody affected gets a message." in after
    assert "Bo Li Taken out" in after


def typed_fields(page: str) -> dict[str, str]:
    """The fields of the page's main form, its buttons aside."""
    found = {}
    for tag in re.findall(r"<input[^>]*>|<textarea.*?</textarea>", page[page.index("<main") :], flags=re.DOTALL):
        name = re.search(r' name="([^"]+)"', tag)
        value = re.search(r' value="([^"]*)"', tag) or re.search(r">\n?(.*?)</textarea>", tag, flags=re.DOTALL)
        if name and value and name[1] not in ("csrf", "key"):
            found[html.unescape(name[1])] = html.unescape(value[1])
    return found


async def test_hours_brought_forward_wait_for_a_second_person(client: Open, bank: Bank) -> None:
    amina = await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    path = "/registers/brought-forward"
    assert (await browser.get(path)).status_code == 200
    typed = {
        "who": "Amina Yusuf",
        "hours": "120",
        "minutes": "15",
        "as_of": "2026-01-01",
        "evidence": "Hours book, p. 3",
    }
    for fields, field in (
        ({"who": ""}, "who"),
        ({"who": "Nobody"}, "who"),
        ({"who": "Yus"}, "pick"),
        ({"hours": "1.5"}, "hours"),
        ({"hours": "0", "minutes": ""}, "hours"),
        ({"minutes": "75"}, "minutes"),
        ({"as_of": "2027-01-01"}, "as_of"),
        ({"evidence": ""}, "evidence"),
        ({"who": "Demo coordinator"}, "who"),
    ):
        bad = await browser.submit(path, {**typed, **fields})
        assert bad.status_code == 422, fields
        assert f'href="#{field}"' in bad.text, words(bad.text)
        assert f'id="{field}"' in bad.text
    sure = {**typed, "key": uuid4().hex}
    first, done = await browser.submit(path, sure), await browser.submit(path, sure)
    assert done.status_code == 303, words(done.text)
    assert first.headers["location"] == done.headers["location"]
    page = words((await browser.get(done.headers["location"])).text)
    assert "120 hours 15 minutes entered for Amina Yusuf. A second person approves them." in page
    assert (await minutes(bank, amina), await registers(bank)) == (0, 1)
    again = await browser.submit(path, typed)
    assert 'href="#duplicate_reason"' in again.text
    assert 'id="duplicate_reason"' in again.text


async def test_the_list_of_registers_and_its_spreadsheet(client: Open, bank: Bank) -> None:
    lunch, choir = await group(bank), await group(bank, "Choir")
    await bank.member("Amina Yusuf")
    await bank.member("Bo Li")
    browser = await coordinator(client, bank)
    assert "The first one appears here" in words((await browser.get("/registers")).text)
    await save(browser, lunch, who_x0="Amina Yusuf", date="2026-03-01")
    await save(browser, choir, who_x0="Amina Yusuf", who_x1="Bo Li", date="2026-03-05")
    everything = words((await browser.get("/registers")).text)
    assert "Choir Thursday 5 March 2026 2 3 hours" in everything
    for query, there, gone in (
        (f"group={lunch}", "Lunch club Sunday", "Choir Thursday"),
        ("from=2026-03-02", "Choir Thursday", "Lunch club Sunday"),
        ("to=2/3/2026", "Lunch club Sunday", "Choir Thursday"),
        ("who=bo", "Choir Thursday 5 March 2026 1 1 hour 30 minutes", "Lunch club Sunday"),
    ):
        page = await browser.get(f"/registers?{query}")
        assert there in words(page.text), query
        assert gone not in words(page.text), query
        link = re.search(r'href="(/registers/list\.csv[^"]*)"', page.text)
        assert link is not None
        rows = (await browser.get(html.unescape(link[1]))).text.splitlines()
        assert len(rows) == 2, query
    wrong = await browser.get("/registers?from=yesterday&who=Nobody")
    assert wrong.status_code == 422
    assert 'href="#from"' in wrong.text
    assert 'href="#who"' in wrong.text


async def test_what_was_typed_is_downloaded_and_can_be_uploaded_again(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    amina = await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    typed = {"extras": "2", "date": TODAY, "length": "1:30", "who-x0": "Amina Yusuf", "what-x0": "Tea, cake",
             "travel": "15 min", "who-x1": "Nobody Known"}  # fmt: skip
    file = await browser.submit(f"/groups/{activity}/register/download", typed)
    assert file.headers["content-disposition"].startswith('attachment; filename="register-2026-03-10.csv"')
    sent = await browser.submit("/registers/upload", {}, files={"file": ("r.csv", file.content, "text/csv")})
    preview = words((await browser.get(sent.headers["location"])).text)
    assert "1 line is ready: 1 hour 45 minutes" in preview
    saved = await browser.submit(sent.headers["location"] + "/confirm")
    assert saved.status_code == 303
    assert await minutes(bank, amina) == 105


async def test_a_pasted_list_of_500_lines_with_40_bad_ones(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    people = [await bank.member(f"Person {at:03d}") for at in range(460)]
    browser = await coordinator(client, bank)
    lines = [f"Person {at:03d}, 1:30" for at in range(460)]
    for at in range(40):
        lines.insert(at * 12, f"Stranger Number {at}, an age")
    fields = {"paste_group": str(activity), "day": TODAY, "pasted": "\r\n".join(lines)}
    sent = await browser.submit("/registers/paste", fields)
    assert sent.status_code == 303, words(sent.text)
    page = words((await browser.get(sent.headers["location"])).text)
    assert "460 lines are ready: 690 hours" in page
    assert "40 cannot be added as they stand" in page
    assert "Line 13: Stranger Number 1" in page
    saved = await browser.submit(sent.headers["location"].partition("?")[0] + "/confirm", {"group": str(activity)})
    assert saved.status_code == 303, words(saved.text)[:500]
    assert await minutes(bank, people[-1]) == 90
    again = await browser.submit("/registers/paste", fields)
    assert again.headers["location"] == saved.headers["location"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"paste_group": ""}, "paste_group"),
        ({"day": "someday"}, "day"),
        ({"pasted": " \n "}, "pasted"),
        ({"pasted": "A, 1:00\n" * 1001}, "pasted"),
    ],
)
async def test_a_bad_paste_keeps_what_was_pasted(client: Open, bank: Bank, fields: dict[str, str], field: str) -> None:
    activity = await group(bank)
    browser = await coordinator(client, bank)
    sent = {"paste_group": str(activity), "day": TODAY, "pasted": "Amina Yusuf, 1:30", **fields}
    answer = await browser.submit("/registers/paste", sent)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    if sent["pasted"].strip():
        assert sent["pasted"].splitlines()[0] in answer.text


async def test_a_large_time_bank_looks_only_at_whom_the_page_is_about(
    client: Open, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register_people, "MAX_CHOICES", 3)
    activity = await group(bank)
    amina, bo, zoe = [await bank.member(name) for name in ("Amina Yusuf", "Bo Li", "Zoë O’Hara-Clarke")]
    await last_week(bank, activity, amina)
    browser = await coordinator(client, bank)
    page = await browser.get(f"/groups/{activity}/register")
    assert "Bo Li" not in page.text
    fields = typed_in(page.text)
    assert fields["came"] == [f"m{amina}"]
    async with bank.db.reading(bank.id) as connection:
        number = await connection.fetchval("select number from member where timebank_id = $1 and id = $2", bank.id, bo)
    typed = {**fields, "who-x0": str(number), "who-x1": "zoe ohara clarke", "who-x2": "Ami Yusuv"}
    asked = await browser.submit(f"/groups/{activity}/register", typed)
    assert asked.status_code == 422
    assert f'<option value="{amina}" selected' in asked.text
    saved = await browser.submit(f"/groups/{activity}/register", {**typed, "who-x2": ""})
    assert saved.status_code == 303, words(saved.text)
    assert [await minutes(bank, one) for one in (amina, bo, zoe)] == [180, 90, 90]


async def test_the_members_of_a_group_that_is_a_member_and_all_who_came_lately(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    amina, bo, cy = [await bank.member(name) for name in ("Amina Yusuf", "Bo Li", "Cy Young")]
    choir = await bank.member("Choir of the estate")
    await sql(bank, "update member set kind = 'group' where timebank_id = $1 and id = $2", choir)
    await sql(
        bank,
        "insert into group_membership (timebank_id, group_id, member_id, from_on, recorded_at)"
        " values ($1, $2, $3, $4, $5)",
        choir,
        cy,
        date(2026, 1, 1),
        bank.now,
    )
    browser = await coordinator(client, bank)
    await save(browser, activity, who_x0="Bo Li", date="2026-02-01")
    await save(browser, activity, who_x0="Amina Yusuf", date="2026-03-01")
    fields = typed_in((await browser.get(f"/groups/{activity}/register")).text)
    assert fields["rows"] == [f"m{amina}"]
    lately = typed_in((await browser.submit(f"/groups/{activity}/register", {**fields, "regulars": "yes"})).text)
    assert lately["rows"] == [f"m{amina},m{bo}"]
    assert lately["came"] == [f"m{amina}"]
    of = {**lately, "of": str(choir), "members-of": "yes"}
    listed = typed_in((await browser.submit(f"/groups/{activity}/register", of)).text)
    assert listed["rows"] == [f"m{amina},m{bo},m{cy}"]


async def test_of_two_who_save_at_the_same_moment_one_is_told(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    people = [await bank.member(f"Person {letter}") for letter in "AB"]
    browsers = [await coordinator(client, bank), client()]
    await browsers[1].sign_in(bank.db, bank.coordinator_two)
    fields = {"extras": "1", "date": TODAY, "who-x0": "Person A"}
    answers = await asyncio.gather(
        *(
            browser.submit(f"/groups/{activity}/register", {**fields, "length": length})
            for browser, length in zip(browsers, ("1:30", "1:00"), strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303, 422]
    assert await registers(bank) == 1
    assert await minutes(bank, people[0]) in (60, 90)
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert "saved this group for this day already" in words(refused.text)


async def test_a_register_outlives_the_session_it_was_typed_in(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    people = [await bank.member(f"Person {at}") for at in range(15)]
    await last_week(bank, activity, *people)
    browser = await coordinator(client, bank)
    fields = {**typed_in((await browser.get(f"/groups/{activity}/register")).text), "who-x0": "Demo participant"}
    stale = await browser.submit(f"/groups/{activity}/register", {**fields, "csrf": "stale"})
    assert stale.status_code == 419
    page = words(stale.text)
    assert "Came 15 chosen" in page
    assert "Demo participant" in page
    assert "Rows" not in page
    kept = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', stale.text)
    again: dict[str, list[str]] = {}
    for name, value in kept:
        again.setdefault(html.unescape(name), []).append(html.unescape(value))
    again.pop("csrf")
    saved = await browser.submit(f"/groups/{activity}/register", again)
    assert saved.status_code == 303, words(saved.text)[:500]
    assert "Saved for 16 people" in words((await browser.get(saved.headers["location"])).text)


async def test_time_that_overlaps_another_is_shown_and_can_be_explained(client: Open, bank: Bank) -> None:
    lunch, choir = await group(bank), await group(bank, "Choir")
    amina = await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    first = await save(browser, lunch, who_x0="Amina Yusuf", start="10:00")
    fields = {"extras": "1", "date": TODAY, "length": "1:00", "start": "11:00", "who-x0": "Amina Yusuf"}
    asked = await browser.submit(f"/groups/{choir}/register", fields)
    assert asked.status_code == 422
    assert "At that time this person was at Lunch club" in words(asked.text)
    assert f'href="{first}" target="_blank" rel="noopener">Look at the other entry' in asked.text
    saved = await browser.submit(f"/groups/{choir}/register", {**fields, "reason-x0": "She left early"})
    assert saved.status_code == 303
    assert await minutes(bank, amina) == 150


async def test_the_enter_key_adds_a_name_and_saves_nothing(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    amina = await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    page = await browser.get(f"/groups/{activity}/register")
    form = page.text[page.text.index('id="register"') :]
    button = re.search(r"<button[^>]*>", form)
    assert button is not None
    assert 'name="more"' in button[0]
    shown = await browser.submit(
        f"/groups/{activity}/register", {**typed_in(page.text), "who-x0": "amina yusuf", "more": "yes"}
    )
    assert typed_in(shown.text)["came"] == [f"m{amina}"]
    assert await registers(bank) == 0


async def test_a_downloaded_register_with_a_guest_is_uploaded_with_the_guest(client: Open, bank: Bank) -> None:
    activity = await group(bank)
    amina = await bank.member("Amina Yusuf")
    browser = await coordinator(client, bank)
    typed = {"extras": "2", "date": TODAY, "length": "1:30", "who-x0": "Amina Yusuf", "who-x1": "Visiting Vera"}
    file = await browser.submit(f"/groups/{activity}/register/download", typed)
    sent = await browser.submit("/registers/upload", {}, files={"file": ("r.csv", file.content, "text/csv")})
    preview = await browser.get(sent.headers["location"])
    assert 'name="guest-3"' in preview.text
    again = await browser.submit(sent.headers["location"] + "/confirm", {"guest-3": "yes", "again": "yes"})
    assert "2 lines are ready: 3 hours" in words(again.text)
    assert 'name="guest-3" value="yes"' in again.text
    saved = await browser.submit(sent.headers["location"] + "/confirm", {"guest-3": "yes"})
    assert saved.status_code == 303, words(saved.text)
    assert "Visiting Vera Guest" in words((await browser.get(saved.headers["location"])).text)
    async with bank.db.reading(bank.id) as connection:
        (vera,) = await guests.waiting_guests(connection, bank.coordinator)
    assert (vera.minutes, await minutes(bank, amina)) == (90, 90)
